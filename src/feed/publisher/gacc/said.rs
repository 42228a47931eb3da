//! What a file of Chinese customs leaves open, as its name says it, or a file beside it.
//!
//! The figures' direction is never in the file, its months not in every file. A name says both in words between
//! `_`, `-`, spaces and brackets: `gacc_export_85051110_2026-03.csv`.

use crate::feed::ParseError;
use crate::feed::format::sidecar;
use crate::feed::publisher::folder::Dropped;
use crate::feed::publisher::trade::Flow;
use crate::period::{Frequency, Period, Span};
use crate::series::{Unit, country};

/// What the file beside a file may say.
const NAMES: [&str; 4] = ["flow", "period", "currency", "partner"];
/// Words of an export and of an import.
const FLOWS: [(&str, Flow); 6] = [
    ("export", Flow::Export),
    ("exports", Flow::Export),
    ("出口", Flow::Export),
    ("import", Flow::Import),
    ("imports", Flow::Import),
    ("进口", Flow::Import),
];
/// What a name or a column has where its figures run from January on.
const CUMULATIVE: [&str; 6] = ["累计", "cumulative", "cumul.", "accumulat", "year to date", "year-to-date"];

/// What is said of a file beside it, where it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Which way.
    pub flow: Option<Flow>,
    /// Which month, or January and February as one.
    pub span: Option<Span>,
    /// In which money.
    pub currency: Option<Unit>,
    /// With whom.
    pub partner: Option<String>,
}

impl Said {
    /// What a file's name and the file beside it say, which do not contradict each other.
    pub fn of(file: &Dropped) -> Result<Self, ParseError> {
        let named = named(&file.name)?;
        let Some(text) = &file.said else { return Ok(named) };
        let beside = beside(text)?;
        Ok(Self {
            flow: agreed("flow", named.flow, beside.flow)?,
            span: agreed("month", named.span, beside.span)?,
            ..beside
        })
    }
}

/// One of two that are the same, where both are there.
fn agreed<T: PartialEq>(what: &str, named: Option<T>, beside: Option<T>) -> Result<Option<T>, ParseError> {
    match (&named, &beside) {
        (Some(one), Some(other)) if one != other => {
            Err(unfit(format!("its name says another {what} than the file beside it"), "mend one of them"))
        }
        _ => Ok(named.or(beside)),
    }
}

/// A file that cannot be used as it is.
pub fn unfit(reason: impl Into<String>, help: impl Into<String>) -> ParseError {
    ParseError::Unfit { reason: reason.into(), help: help.into() }
}

/// Whether a text speaks of figures that run from January on.
pub fn is_cumulative(text: &str) -> bool {
    let text = text.to_lowercase();
    CUMULATIVE.iter().any(|sign| text.contains(sign))
}

/// The error for figures that run over several months.
pub fn cumulative(found: &str) -> ParseError {
    unfit(
        format!("`{}` is of several months together, and no month's figure", crate::base::text::shorten(found, 60)),
        "download it again by month (only January and February may be one)",
    )
}

/// A span of one month, or of January and February together, which the customs publish at once.
pub fn month(span: Span) -> Option<Span> {
    let january = span.first().first_day().to_string().ends_with("-01-01");
    (span.is_single() || (span.length() == 2 && january)).then_some(span)
}

/// What a name says.
fn named(name: &str) -> Result<Said, ParseError> {
    let lower = name.to_lowercase();
    let stem = lower.strip_suffix(".csv").unwrap_or(&lower);
    let words: Vec<&str> = stem.split(['_', '-', ' ', '(', ')', '.', '（', '）']).collect();
    if is_cumulative(stem) || words.contains(&"ytd") {
        return Err(cumulative(name));
    }
    let mut flow = None;
    for (word, meant) in FLOWS {
        let there = if word.is_ascii() { words.contains(&word) } else { stem.contains(word) };
        if there && flow.is_some_and(|flow| flow != meant) {
            return Err(unfit("its name speaks of imports and of exports", "name it after one of them"));
        }
        flow = flow.or(there.then_some(meant));
    }
    let months = months(stem);
    let (Some(first), Some(last)) = (months.iter().min(), months.iter().max()) else {
        return Ok(Said { flow, ..Said::default() });
    };
    let span = Span::new(*first, *last).and_then(month).ok_or_else(|| cumulative(name))?;
    Ok(Said { flow, span: Some(span), ..Said::default() })
}

/// The months that a name speaks of: `2026-03` or `2026年3月`, and no part of a longer date.
fn months(stem: &str) -> Vec<Period> {
    let words = stem.split(['_', ' ', '(', ')', '.', '（', '）']).filter(|word| !word.is_empty());
    words.filter_map(month_of).collect()
}

fn month_of(word: &str) -> Option<Period> {
    let (year, month) = match word.split_once('年') {
        Some((year, rest)) => (year, rest.split_once('月')?.0),
        None => {
            // Other words may stand before it: `85051110-2026-03`.
            let mut parts = word.rsplitn(3, '-');
            let (month, year, before) = (parts.next()?, parts.next()?, parts.next());
            let is_date = before.is_some_and(|before| before.rsplit('-').next().is_some_and(is_year));
            if is_date || month.len() != 2 {
                return None;
            }
            (year, month)
        }
    };
    let year = is_year(year).then(|| year.parse().ok())??;
    Period::month(year, month.parse().ok()?)
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a file beside says.
fn beside(text: &str) -> Result<Said, ParseError> {
    let table = sidecar::read(text.as_bytes(), &NAMES)?;
    let wrong = |name: &str, written: &str, expected: &str| {
        let written = crate::base::text::shorten(written, 60);
        unfit(format!("the file beside it has `{name}` as `{written}`"), format!("write {expected}"))
    };
    let read_span = |text: &String| {
        let span = Span::read(text, Frequency::Month, None).ok();
        span.and_then(month).ok_or_else(|| wrong("period", text, "a month, as \"2026-03\", or \"2026-01/2026-02\""))
    };
    Ok(Said {
        flow: table
            .get("flow")
            .map(|text| flow(text).ok_or_else(|| wrong("flow", text, "\"export\" or \"import\"")))
            .transpose()?,
        span: table.get("period").map(read_span).transpose()?,
        currency: table
            .get("currency")
            .map(|text| currency(text).ok_or_else(|| wrong("currency", text, "\"USD\" or \"CNY\"")))
            .transpose()?,
        partner: table.get("partner").map(|text| country::canonical(text)),
    })
}

/// A direction in a word of ours or of theirs.
pub fn flow(text: &str) -> Option<Flow> {
    let text = text.trim().to_lowercase();
    FLOWS.iter().find(|(word, _)| *word == text).map(|(_, flow)| *flow)
}

/// The moneys in which the customs publish.
fn currency(text: &str) -> Option<Unit> {
    ["USD", "CNY"].into_iter().find(|code| *code == text.trim()).and_then(|code| Unit::parse(code).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, said: Option<&str>) -> String {
        let said = match Said::of(&Dropped::of(name, b"", said)) {
            Ok(said) => said,
            Err(error) => return error.to_string(),
        };
        let words = [
            said.flow.map(|flow| flow.name().to_owned()),
            said.span.map(|span| span.to_string()),
            said.currency.map(|unit| unit.to_string()),
            said.partner,
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_name_says_flow_and_month() {
        for (name, expected) in [
            ("gacc_export_85051110_2026-03.csv", "export 2026-03"),
            ("Import 2025-12 (1).CSV", "import 2025-12"),
            ("出口_2026年3月.csv", "export 2026-03"),
            ("稀土永磁出口2026.csv", "export"),
            ("85051110-export-2026-03.csv", "export 2026-03"),
            ("export_2026-01_2026-02.csv", "export 2026-01/2026-02"),
            ("downloadData.csv", ""),
            // A day is when it was downloaded; a code is no month.
            ("downloadData 2026-04-20.csv", ""),
            ("export_200110.csv", "export"),
            ("important_2026-13.csv", ""),
            ("", ""),
        ] {
            assert_eq!(told(name, None), expected, "{name}");
        }
    }

    #[test]
    fn a_file_beside_says_what_the_name_leaves_open() {
        let said = "flow = \"import\"\nperiod = \"2026-03\"\ncurrency = \"CNY\"\npartner = \"USA\"";
        assert_eq!(told("x.csv", Some(said)), "import 2026-03 CNY US");
        assert_eq!(told("import_2026-03.csv", Some("")), "import 2026-03");
        insta::assert_snapshot!(
            [
                told("export.csv", Some(said)),
                told("import_2026-04.csv", Some(said)),
                told("x.csv", Some("period = \"2026\"")),
                told("x.csv", Some("period = \"2026-01/2026-03\"")),
                told("x.csv", Some("currency = \"EUR\"")),
                told("x.csv", Some("flow = \"both\"")),
                told("x.csv", Some("flows = \"export\"")),
            ]
            .join("\n"),
            @r#"
        its name says another flow than the file beside it; mend one of them
        its name says another month than the file beside it; mend one of them
        the file beside it has `period` as `2026`; write a month, as "2026-03", or "2026-01/2026-02"
        the file beside it has `period` as `2026-01/2026-03`; write a month, as "2026-03", or "2026-01/2026-02"
        the file beside it has `currency` as `EUR`; write "USD" or "CNY"
        the file beside it has `flow` as `both`; write "export" or "import"
        the file beside it has `flows`; it may have `flow`, `period`, `currency` and `partner`
        "#
        );
    }

    #[test]
    fn several_months_together_are_no_month() {
        insta::assert_snapshot!(
            [
                told("export_2026-01_2026-03.csv", None),
                told("export_2026-02_2026-03.csv", None),
                told("出口累计_2026-03.csv", None),
                told("export_ytd_2026-03.csv", None),
                told("import_export_2026-03.csv", None),
            ]
            .join("\n"),
            @"
        `export_2026-01_2026-03.csv` is of several months together, and no month's figure; download it again by month (only January and February may be one)
        `export_2026-02_2026-03.csv` is of several months together, and no month's figure; download it again by month (only January and February may be one)
        `出口累计_2026-03.csv` is of several months together, and no month's figure; download it again by month (only January and February may be one)
        `export_ytd_2026-03.csv` is of several months together, and no month's figure; download it again by month (only January and February may be one)
        its name speaks of imports and of exports; name it after one of them
        "
        );
    }
}
