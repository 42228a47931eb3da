//! Offices whose codes of countries are known: a table for what is their own, a standard for the rest.

use super::{Countries, comtrade, gacc, geonomenclature, japan, korea, schedule_c};

/// An office, and how it writes countries.
#[derive(Debug)]
pub struct Office {
    /// Whose codes they are, for people.
    pub name: &'static str,
    /// The kind of feed that takes them.
    pub kind: &'static str,
    /// The codes of its own.
    pub table: &'static Countries,
    /// What its other codes are.
    pub others: Others,
}

/// The codes of an office that its table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// There are none.
    None,
    /// ISO 3166-1 alpha-2.
    Alpha2,
    /// ISO 3166-1 numeric, which is M49, without leading zeros.
    Numeric,
}

/// Every office, in the order in which they are shown.
pub const OFFICES: [&Office; 6] = [&COMTRADE, &SCHEDULE_C, &GEONOMENCLATURE, &GACC, &KOREA, &JAPAN];

/// UN Comtrade.
pub const COMTRADE: Office = Office {
    name: "UN Comtrade (M49, with its own variants)",
    kind: "comtrade",
    table: &comtrade::TABLE,
    others: Others::Numeric,
};

/// The US Census Bureau.
pub const SCHEDULE_C: Office =
    Office { name: "US Census (Schedule C)", kind: "census", table: &schedule_c::TABLE, others: Others::None };

/// Eurostat.
pub const GEONOMENCLATURE: Office = Office {
    name: "Eurostat Comext (Geonomenclature)",
    kind: "eurostat",
    table: &geonomenclature::TABLE,
    others: Others::Alpha2,
};

/// China's customs.
pub const GACC: Office =
    Office { name: "Chinese customs (GACC)", kind: "gacc", table: &gacc::TABLE, others: Others::None };

/// Korea's customs.
pub const KOREA: Office =
    Office { name: "Korea's customs", kind: "korea", table: &korea::TABLE, others: Others::Alpha2 };

/// Japan's customs.
pub const JAPAN: Office = Office { name: "Japan's customs", kind: "japan", table: &japan::TABLE, others: Others::None };

impl Office {
    /// The office's code for ISO's alpha-2 code.
    pub fn own(&self, iso: &str) -> Option<String> {
        let standard = || {
            let country = rust_iso3166::from_alpha2(iso)?;
            match self.others {
                Others::None => None,
                Others::Alpha2 => Some(country.alpha2.to_owned()),
                Others::Numeric => Some(country.numeric.to_string()),
            }
        };
        self.table.own(iso).map(str::to_owned).or_else(standard)
    }

    /// ISO's alpha-2 code for the office's; what has no country keeps the office's code.
    pub fn iso(&self, code: &str) -> String {
        let standard = || match self.others {
            Others::Numeric => rust_iso3166::from_numeric(code.parse().ok()?),
            Others::None | Others::Alpha2 => None,
        };
        let known = self.table.iso(code).or_else(|| standard().map(|country| country.alpha2));
        known.unwrap_or(code).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every table is one to one, and what it calls a country is one.
    #[test]
    fn tables_are_one_to_one_and_of_countries() {
        for office in OFFICES {
            let rows = office.table.rows;
            assert!(!office.table.source.is_empty());
            for (at, (own, iso)) in rows.iter().enumerate() {
                let good = *iso == crate::series::country::WORLD || rust_iso3166::from_alpha2(iso).is_some();
                assert!(good, "{}: {own} is no country: {iso}", office.name);
                let twice = rows[at + 1..].iter().any(|(other, same)| other == own || same == iso);
                assert!(!twice, "{}: {own} or {iso} is there twice", office.name);
                assert_eq!((office.own(iso).as_deref(), office.iso(own).as_str()), (Some(*own), *iso));
            }
        }
    }

    #[test]
    fn offices_own_codes_go_both_ways() {
        for (office, own, iso) in [
            (&COMTRADE, "842", "US"),
            (&COMTRADE, "757", "CH"),
            (&COMTRADE, "251", "FR"),
            (&COMTRADE, "490", "TW"),
            (&COMTRADE, "699", "IN"),
            (&COMTRADE, "579", "NO"),
            (&COMTRADE, "156", "CN"),
            (&COMTRADE, "36", "AU"),
            (&COMTRADE, "0", "W00"),
            (&SCHEDULE_C, "5700", "CN"),
            (&SCHEDULE_C, "5830", "TW"),
            (&SCHEDULE_C, "4280", "DE"),
            (&SCHEDULE_C, "-", "W00"),
            (&GEONOMENCLATURE, "EL", "GR"),
            (&GEONOMENCLATURE, "XS", "RS"),
            (&GEONOMENCLATURE, "CN", "CN"),
        ] {
            assert_eq!((office.own(iso).as_deref(), office.iso(own).as_str()), (Some(own), iso));
        }
        assert_eq!(COMTRADE.iso("899"), "899", "areas not elsewhere specified are no country");
        assert_eq!(SCHEDULE_C.own("US"), None, "who reports has no code");
        assert_eq!(SCHEDULE_C.iso("4XXX"), "4XXX");
    }
}
