//! Units: mass, money, price (money per mass), rate (money per money), count, index, percent; reading and converting them.
//!
//! Factors: NIST Special Publication 811 (2008), appendix B.8; currencies: ISO 4217.

use std::fmt;
use std::sync::Arc;

use iso_currency::Currency;

use super::Notation;

/// What a unit measures. Two units convert into each other where their dimensions are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Mass; the base is the kilogram.
    Mass,
    /// Money of one currency; the base is one unit of it.
    Money(Currency),
    /// Money per mass; the base is one unit of the currency per kilogram.
    Price(Currency),
    /// Money of one currency for a unit of another.
    Rate(Currency, Currency),
    /// Number of items.
    Count,
    /// An index number.
    Index,
    /// Percent, as a figure of its own (an interest rate, a share that a publisher computed).
    Percent,
}

/// A unit: a dimension, a factor to its base, and the text for messages.
#[derive(Clone, Debug)]
pub struct Unit {
    dimension: Dimension,
    factor: f64,
    /// Shared, as every figure of a pull has its unit.
    symbol: Arc<str>,
}

impl PartialEq for Unit {
    fn eq(&self, other: &Self) -> bool {
        self.dimension == other.dimension && self.factor.to_bits() == other.factor.to_bits()
    }
}

/// What units there are, for messages.
pub const UNITS: &str = "a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code: USD, kUSD, MUSD), money \
                         per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`";

/// Why a text is no unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no known unit: expected {UNITS}")]
pub struct UnitError {
    /// The text as found.
    pub text: String,
}

/// Kilograms in one of each unit of mass, with the words that publishers use for it.
const MASSES: [(&str, f64, &[&str]); 9] = [
    ("kg", 1.0, &["kilogram", "kilograms", "kgs", "千克", "公斤"]),
    ("t", 1000.0, &["tonne", "tonnes", "metric ton", "metric tons", "吨"]),
    ("kt", 1e6, &["kilotonne", "kilotonnes"]),
    ("g", 0.001, &["gram", "grams", "gm", "克"]),
    ("lb", 0.453_592_37, &["lbs", "pound", "pounds"]),
    ("oz", 0.028_349_523_125, &["ounce", "ounces"]),
    ("ozt", 0.031_103_476_8, &["troy ounce", "troy ounces", "troy oz"]),
    ("st", 907.184_74, &["short ton", "short tons"]),
    ("lt", 1_016.046_908_8, &["long ton", "long tons"]),
];

impl Unit {
    /// Reads a unit: `kg`, `t`, `USD`, `MUSD`, `CNY/t`, `CNY/USD`, `1000 JPY`, `count`, `index`, `percent`.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        Self::read(trimmed).ok_or_else(|| UnitError { text: text.to_owned() })
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(mass) = mass(text) {
            return Some(mass);
        }
        let plain = |dimension, symbol: &str| Some(Self { dimension, factor: 1.0, symbol: symbol.into() });
        match text.to_ascii_lowercase().as_str() {
            "count" | "items" | "item" | "no" | "number" | "units" | "pieces" | "pcs" => {
                return plain(Dimension::Count, "items");
            }
            "index" | "index points" => return plain(Dimension::Index, "index points"),
            "percent" | "%" | "pct" => return plain(Dimension::Percent, "%"),
            _ => {}
        }
        let Some((above, below)) = text.split_once('/') else { return money(text) };
        let above = money(above.trim())?;
        let below = mass(below.trim()).or_else(|| money(below.trim()))?;
        let dimension = match (above.dimension, below.dimension) {
            (Dimension::Money(currency), Dimension::Mass) => Dimension::Price(currency),
            (Dimension::Money(one), Dimension::Money(other)) if one != other => Dimension::Rate(one, other),
            _ => return None,
        };
        Some(Self { dimension, factor: above.factor / below.factor, symbol: format!("{above}/{below}").into() })
    }

    /// How many of its dimension's base one of it is.
    pub const fn factor(&self) -> f64 {
        self.factor
    }

    /// What it measures.
    pub const fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// Whether figures in this unit can be told in the other.
    pub fn converts_to(&self, other: &Self) -> bool {
        self.dimension == other.dimension
    }

    /// A figure in this unit, told in the other; `None` where they do not convert.
    pub fn convert(&self, value: f64, to: &Self) -> Option<f64> {
        if self.factor.to_bits() == to.factor.to_bits() {
            return self.converts_to(to).then_some(value);
        }
        self.converts_to(to).then(|| {
            if self.factor >= to.factor { value * (self.factor / to.factor) } else { value / (to.factor / self.factor) }
        })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.symbol)
    }
}

impl serde::Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Unit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Unit {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::base::text::schema("A unit: `t`, `MUSD`, `CNY/kg`, `index`.")
    }
}

impl utoipa::ToSchema for Unit {}

fn mass(text: &str) -> Option<Unit> {
    let lower = text.to_ascii_lowercase();
    let known = |symbol: &str, words: &[&str]| symbol == lower || words.contains(&lower.as_str());
    let (symbol, factor, _) = MASSES.iter().find(|(symbol, _, words)| known(symbol, words))?;
    Some(Unit { dimension: Dimension::Mass, factor: *factor, symbol: (*symbol).into() })
}

/// `USD`, `kUSD`, `MUSD`, `GUSD`, `bnUSD`, `1000 JPY`, `USD million`.
fn money(text: &str) -> Option<Unit> {
    const SCALES: [(&str, f64, &str); 9] = [
        ("k", 1e3, "k"),
        ("M", 1e6, "M"),
        ("mn", 1e6, "M"),
        ("G", 1e9, "bn"),
        ("bn", 1e9, "bn"),
        ("1000", 1e3, "k"),
        ("thousand", 1e3, "k"),
        ("million", 1e6, "M"),
        ("billion", 1e9, "bn"),
    ];
    let unit = |code: &str, factor, prefix: &str| {
        let code = code.trim();
        let currency = Currency::from_code(code).filter(|_| code.len() == 3)?;
        Some(Unit { dimension: Dimension::Money(currency), factor, symbol: format!("{prefix}{code}").into() })
    };
    unit(text, 1.0, "").or_else(|| {
        SCALES.iter().find_map(|(scale, factor, prefix)| {
            let code = text.strip_prefix(scale).or_else(|| text.strip_suffix(scale))?;
            unit(code, *factor, prefix)
        })
    })
}

/// A figure with its unit, such as `400 t` or `1 MUSD`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// The figure.
    pub value: f64,
    /// Its unit; `None` for a bare number.
    pub unit: Option<Unit>,
}

impl Quantity {
    /// Reads `400 t`, `400t`, `1 MUSD`, `1e6 USD`, `400`.
    pub fn parse(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        let split = (0..=trimmed.len()).rev().find(|end| {
            trimmed.is_char_boundary(*end) && trimmed[..*end].trim_end().parse::<f64>().is_ok_and(f64::is_finite)
        })?;
        let (value, unit) = trimmed.split_at(split);
        let unit = unit.trim();
        let unit = if unit.is_empty() { None } else { Some(Unit::parse(unit).ok()?) };
        Some(Self { value: value.trim().parse().ok()?, unit })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Notation::default().as_written(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, from: &str, to: &str, expected: Option<f64>) {
        let converted = Unit::parse(from).unwrap().convert(value, &Unit::parse(to).unwrap());
        assert_eq!(converted, expected, "{value} {from} in {to}");
    }

    #[test]
    fn figures_convert_within_a_dimension() {
        check(400.0, "t", "kg", Some(400_000.0));
        check(400_000.0, "kg", "t", Some(400.0));
        check(1.0, "lb", "g", Some(453.592_37));
        check(2.0, "kt", "t", Some(2000.0));
        check(1.0, "MUSD", "USD", Some(1e6));
        check(516_500.0, "CNY/t", "CNY/kg", Some(516.5));
        check(1.0, "t", "count", None);
        check(1.0, "USD", "EUR", None);
        check(1.0, "USD/t", "USD", None);
        check(7.5, "kCNY/USD", "CNY/USD", Some(7500.0));
        check(7.1, "CNY/USD", "USD/CNY", None);
    }

    #[test]
    fn publishers_words_are_read() {
        for (text, symbol) in [
            ("KG", "kg"),
            ("metric tons", "t"),
            ("千克", "kg"),
            ("Short Ton", "st"),
            ("usd", ""),
            ("USD", "USD"),
            ("1000 JPY", "kJPY"),
            ("USD million", "MUSD"),
            ("CNY/t", "CNY/t"),
            ("kUSD/kg", "kUSD/kg"),
            ("%", "%"),
            ("CNY/USD", "CNY/USD"),
            ("USD/USD", ""),
            ("t/USD", ""),
            ("items", "items"),
            ("parsecs", ""),
            ("", ""),
        ] {
            let read = Unit::parse(text).map(|unit| unit.to_string()).unwrap_or_default();
            assert_eq!(read, symbol, "{text}");
        }
    }

    #[test]
    fn quantities_are_read_and_printed() {
        let quantity = |text| Quantity::parse(text).map(|quantity| quantity.to_string());
        assert_eq!(quantity("400 t"), Some("400 t".into()));
        assert_eq!(quantity("400000kg"), Some("400 000 kg".into()));
        assert_eq!(quantity("1 MUSD"), Some("1 MUSD".into()));
        assert_eq!(quantity("12.5"), Some("12.5".into()));
        assert_eq!(quantity("many"), None);
        assert_eq!(quantity("NaN t"), None);
        assert_eq!(quantity("1e400 t"), None);
    }
}
