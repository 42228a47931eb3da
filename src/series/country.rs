//! Countries: ISO 3166-1 alpha-2 whatever code a source uses.
//!
//! Codes that only one publisher uses (Schedule C, GACC, …) belong to that publisher's file.

/// The world, as SDMX and UN Comtrade write it; it has no ISO code.
pub const WORLD: &str = "W00";

/// The ISO 3166-1 alpha-2 code for an alpha-2, alpha-3 or three-digit numeric (M49) code or an English
/// name; `W00` for the world; what has no country keeps the source's own code.
pub fn canonical(code: &str) -> String {
    let trimmed = code.trim();
    let upper = trimmed.to_ascii_uppercase();
    if matches!(upper.as_str(), "W00" | "WLD" | "WORLD" | "W1" | "0" | "000") {
        return WORLD.to_owned();
    }
    // The European Union's own codes for two of its (former) members.
    let upper = match upper.as_str() {
        "EL" => "GR".to_owned(),
        "UK" => "GB".to_owned(),
        _ => upper,
    };
    let found = match upper.len() {
        2 => rust_iso3166::from_alpha2(&upper),
        3 if upper.bytes().all(|b| b.is_ascii_digit()) => rust_iso3166::from_numeric_str(&upper),
        3 => rust_iso3166::from_alpha3(&upper),
        _ => by_name(trimmed),
    };
    found.map_or_else(|| trimmed.to_owned(), |country| country.alpha2.to_owned())
}

/// The short English name for a message; the code itself where it is no country's.
pub fn name(code: &str) -> String {
    if code == WORLD {
        return "world".to_owned();
    }
    if let Some((_, short)) = SHORT_NAMES.iter().find(|(alpha2, _)| *alpha2 == code) {
        return (*short).to_owned();
    }
    rust_iso3166::from_alpha2(code).map_or_else(|| code.to_owned(), |country| without_remark(country.name).to_owned())
}

/// Names that people use, where the standard's are long (ISO 3166-1 short names are formal).
const SHORT_NAMES: [(&str, &str); 12] = [
    ("US", "US"),
    ("GB", "UK"),
    ("KR", "South Korea"),
    ("KP", "North Korea"),
    ("RU", "Russia"),
    ("VN", "Vietnam"),
    ("TW", "Taiwan"),
    ("CD", "DR Congo"),
    ("LA", "Laos"),
    ("IR", "Iran"),
    ("TZ", "Tanzania"),
    ("BO", "Bolivia"),
];

/// The codes of the countries whose English name has a text in it, sorted by name.
pub fn search(text: &str) -> Vec<String> {
    let wanted = text.to_lowercase();
    let names = |code: &str, formal: &str| [name(code), without_remark(formal).to_owned()];
    let all = rust_iso3166::ALL
        .iter()
        .filter(|country| names(country.alpha2, country.name).iter().any(|name| name.to_lowercase().contains(&wanted)));
    let mut found: Vec<String> = all.map(|country| country.alpha2.to_owned()).collect();
    found.sort_by_key(|code| name(code));
    found
}

fn by_name(text: &str) -> Option<rust_iso3166::CountryCode> {
    let wanted = text.to_lowercase();
    let short = SHORT_NAMES.iter().find(|(_, name)| name.to_lowercase() == wanted).map(|(code, _)| *code);
    let alias = match wanted.as_str() {
        "united states" | "united states of america" => Some("US"),
        "united kingdom" => Some("GB"),
        _ => short,
    };
    alias.and_then(rust_iso3166::from_alpha2).or_else(|| {
        rust_iso3166::ALL
            .iter()
            .find(|country| {
                let name = country.name.to_lowercase();
                name == wanted || without_remark(&name) == wanted
            })
            .copied()
    })
}

/// `Bolivia (Plurinational State of)`, `Korea, Republic of` without the remark.
fn without_remark(name: &str) -> &str {
    name.split([',', '(']).next().unwrap_or(name).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_country_is_one() {
        for (code, expected) in [
            ("CN", "CN"),
            ("CHN", "CN"),
            ("156", "CN"),
            ("China", "CN"),
            ("us", "US"),
            ("EL", "GR"),
            ("UK", "GB"),
            ("840", "US"),
            ("United States", "US"),
            ("South Korea", "KR"),
            ("Germany", "DE"),
            ("World", "W00"),
            ("0", "W00"),
            ("EU27_2020", "EU27_2020"),
            ("5700", "5700"),
            ("_X", "_X"),
        ] {
            assert_eq!(canonical(code), expected, "{code}");
        }
    }

    #[test]
    fn a_part_of_a_name_finds_its_countries() {
        assert_eq!(search("korea"), ["KP", "KR"]);
        assert_eq!(search("CONGO"), ["CG", "CD"]);
        assert_eq!(search("atlantis"), [""; 0]);
    }

    #[test]
    fn names_are_short() {
        assert_eq!(name("US"), "US");
        assert_eq!(name("CN"), "China");
        assert_eq!(name("BO"), "Bolivia");
        assert_eq!(name("W00"), "world");
        assert_eq!(name("XX"), "XX");
        assert_eq!(name("VE"), "Venezuela");
    }
}
