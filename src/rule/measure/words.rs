//! What the page of the language says of each measure, for those who look at a rule.

/// The page; its tables of measures have a row for each.
const LANGUAGE: &str = include_str!("../../../docs/RULES.md");

/// A measure in words.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeasureWords {
    /// How it is written: `change(n)`.
    pub written: String,
    /// What its value is.
    pub meaning: String,
}

/// The rows of a measure: one, or one for each way of writing it.
pub fn words(measure: &str) -> Vec<MeasureWords> {
    let (mut found, mut in_table) = (Vec::new(), false);
    for line in LANGUAGE.lines() {
        in_table = line.starts_with('|') && (in_table || line.starts_with("| measure |"));
        found.extend(Some(line).filter(|_| in_table).and_then(|line| row(line, measure)));
    }
    found
}

/// A row of a table, where it is about the measure.
fn row(line: &str, measure: &str) -> Option<MeasureWords> {
    let (written, meaning) = line.trim_matches('|').split_once('|')?;
    let mut ways = written.split("`, `").map(|way| way.trim_matches([' ', '`']));
    let own = ways.find(|way| way.split('(').next() == Some(measure))?;
    Some(MeasureWords { written: own.to_owned(), meaning: plain(meaning.trim()) })
}

/// A line of Markdown without its signs.
fn plain(markdown: &str) -> String {
    let (mut text, mut rest) = (String::new(), markdown);
    while let Some(at) = rest.find(['*', '`', '[', ']']) {
        text.push_str(&rest[..at]);
        let (sign, behind) = rest[at..].split_at(1);
        rest = behind;
        if sign == "]" && rest.starts_with('(') {
            rest = rest.split_once(')').map_or("", |(_, behind)| behind);
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::super::MEASURES;
    use super::*;

    #[test]
    fn every_measure_has_words() {
        for measure in MEASURES {
            assert!(!words(measure.name).is_empty(), "{} has no row in docs/RULES.md", measure.name);
        }
        assert_eq!(words("lag").len(), 2);
        assert_eq!(words("nothing"), []);
    }

    #[test]
    fn words_are_plain() {
        let hhi = &words("hhi")[0];
        assert_eq!(hhi.written, "hhi(label)");
        assert_eq!(
            hhi.meaning,
            "the sum of the squared parts: 1/n for n equal ones, 1 for a single one (Hirschman 1964)"
        );
    }
}
