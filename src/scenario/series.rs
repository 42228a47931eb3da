//! Several series in one text: `partner=CN 2025-08: 60 80`, `partner=MY in kg 2025-08: 40000 20000`.
//!
//! Labels begin a series; `in` and a unit may follow, then its figures. A text without labels is one series.
//! What the figures say is the notation's business, which labels a series needs is the config's.

use std::ops::Range;

use super::notation::NotationError;
use crate::base::text::printable;

/// A part of the text: what it says, and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it says.
    pub text: String,
    /// Where it stands.
    pub span: Range<usize>,
}

/// One series of a text, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Its labels: names and values.
    pub labels: Vec<(Part, Part)>,
    /// Its unit.
    pub unit: Option<Part>,
    /// Where its figures stand.
    pub figures: Range<usize>,
}

impl Written {
    /// Where its labels and its unit stand, or where it begins.
    pub fn head(&self) -> Range<usize> {
        let first = self.labels.first().map(|(name, _)| &name.span).or(self.unit.as_ref().map(|unit| &unit.span));
        let last = self.unit.as_ref().or(self.labels.last().map(|(_, value)| value)).map(|part| &part.span);
        first.zip(last).map_or(self.figures.start..self.figures.start, |(first, last)| first.start..last.end)
    }

    /// Whether nothing of it was read yet.
    fn is_blank(&self) -> bool {
        self.labels.is_empty() && self.unit.is_none() && self.figures.is_empty()
    }
}

/// Takes a text apart into its series.
pub fn split(text: &str) -> Result<Vec<Written>, NotationError> {
    let mut reader = Reader { text, at: 0 };
    let (mut all, mut current) = (Vec::new(), Written::default());
    while reader.skip_space() {
        let begins = reader.is_label() || reader.is_word("in");
        if begins && !current.figures.is_empty() {
            all.push(std::mem::take(&mut current));
        }
        if reader.is_label() {
            let (name, value) = reader.label()?;
            if current.unit.is_some() {
                return Err(error(name.span, "a label after the unit".to_owned(), "labels stand before `in`"));
            }
            if current.labels.iter().any(|(known, _)| known.text == name.text) {
                let message = format!("the label `{}` is said twice", name.text);
                return Err(error(name.span, message, "the second one"));
            }
            current.labels.push((name, value));
        } else if reader.is_word("in") {
            current.unit = Some(reader.unit()?);
        } else {
            let figure = reader.figure()?;
            let start = if current.figures.is_empty() { figure.start } else { current.figures.start };
            current.figures = start..figure.end;
        }
    }
    if !current.is_blank() || all.is_empty() {
        all.push(current);
    }
    match all.iter().find(|series| series.figures.is_empty()) {
        Some(bare) if !bare.is_blank() => {
            Err(error(bare.head(), "this series has no figures".to_owned(), "expected figures after it"))
        }
        _ => Ok(all),
    }
}

fn error(span: Range<usize>, message: String, label: &'static str) -> NotationError {
    NotationError { span, message, label }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes to the next word; false at the end.
    fn skip_space(&mut self) -> bool {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at < self.text.len()
    }

    /// The word here, up to white space.
    fn word(&self) -> &'a str {
        self.rest().split(char::is_whitespace).next().unwrap_or_default()
    }

    fn is_word(&self, wanted: &str) -> bool {
        self.word() == wanted
    }

    /// Whether a label's name and an equals sign stand here (and not the arrow of a revision).
    fn is_label(&self) -> bool {
        let rest = self.rest().trim_start_matches(is_of_name);
        let named = rest.len() < self.rest().len() && !self.rest().starts_with(|c: char| c.is_ascii_digit());
        named && rest.starts_with('=') && !rest.starts_with("=>")
    }

    fn take(&mut self, length: usize) -> Range<usize> {
        let start = self.at;
        self.at += length;
        start..self.at
    }

    fn label(&mut self) -> Result<(Part, Part), NotationError> {
        let length = self.rest().find('=').unwrap_or_default();
        let span = self.take(length);
        let name = Part { text: self.text[span.clone()].to_owned(), span };
        self.at += 1;
        let value = self.value()?;
        match value {
            Some(value) => Ok((name, value)),
            None => {
                let message = format!("the label `{}` has no value", name.text);
                Err(error(name.span.start..self.at, message, "expected a value right after `=`"))
            }
        }
    }

    /// A unit, behind its `in`.
    fn unit(&mut self) -> Result<Part, NotationError> {
        let word = self.take("in".len());
        self.skip_space();
        self.value()?.ok_or_else(|| error(word, "`in` what?".to_owned(), "expected a unit after it, such as `in kg`"))
    }

    /// A word, or text in quotes, in which two quotes stand for one; `None` where there is nothing.
    fn value(&mut self) -> Result<Option<Part>, NotationError> {
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            let word = self.word();
            let span = self.take(word.len());
            if word.len() > 1 && word.ends_with(',') {
                let comma = span.end - 1..span.end;
                return Err(error(comma, "a comma after a label".to_owned(), "labels stand apart by spaces alone"));
            }
            return Ok((!word.is_empty()).then(|| Part { text: word.to_owned(), span }));
        };
        let start = self.at;
        let mut said = String::new();
        self.at += 1;
        while let Some(c) = self.rest().chars().next() {
            self.at += c.len_utf8();
            if c != quote {
                said.push(c);
            } else if self.rest().starts_with(quote) {
                said.push(quote);
                self.at += 1;
            } else {
                return Ok(Some(Part { text: said, span: start..self.at }));
            }
        }
        Err(error(start..self.at, "these quotes do not end".to_owned(), "expected a closing quote"))
    }

    /// A word of the figures; what looks like a label gone wrong is told.
    fn figure(&mut self) -> Result<Range<usize>, NotationError> {
        let word = self.word();
        let span = self.take(word.len());
        if word.starts_with('{') {
            let message = "labels stand without braces".to_owned();
            return Err(error(span, message, "expected labels such as `partner=CN hs=8505`"));
        }
        let behind = self.rest().trim_start();
        if word.chars().all(is_of_name) && behind.starts_with('=') && !behind.starts_with("=>") && word != "_" {
            let message = format!("a space after `{}`", printable(word));
            return Err(error(span, message, "a label is written in one word, such as `partner=CN`"));
        }
        Ok(span)
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A label's value, or a unit, as [`split`] reads it.
pub fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '%' | '+' | ':');
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> String {
        let all = match split(text) {
            Ok(all) => all,
            Err(error) => return format!("{} [{}] {}", error.message, &text[error.span.clone()], error.label),
        };
        let one = |series: &Written| {
            let labels: Vec<String> =
                series.labels.iter().map(|(name, value)| format!("{}={}", name.text, value.text)).collect();
            let unit = series.unit.as_ref().map(|unit| format!(" in {}", unit.text)).unwrap_or_default();
            format!("{{{}}}{unit} {}", labels.join(", "), &text[series.figures.clone()])
        };
        all.iter().map(one).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn labels_begin_a_series() {
        let check = |text: &str, expected: &str| assert_eq!(told(text), expected, "{text}");
        check("2025-06: 353 => 355 @ 2025-08-20", "{} 2025-06: 353 => 355 @ 2025-08-20");
        check("2025-06: 353=>355@2025-08-20 _=>1@2025-09-20", "{} 2025-06: 353=>355@2025-08-20 _=>1@2025-09-20");
        check(
            "partner=CN 2025-08: 60 80\n partner=MY 2025-08: 40",
            "{partner=CN} 2025-08: 60 80 | {partner=MY} 2025-08: 40",
        );
        check(
            "partner=CN hs=8505 in kg 2025-08: 60 hs=2805 2025-08: 1",
            "{partner=CN, hs=8505} in kg 2025-08: 60 | {hs=2805} 2025-08: 1",
        );
        check("2025-08: 1 in kg 2025-08: 60", "{} 2025-08: 1 | {} in kg 2025-08: 60");
        check("grade='NdPr ''oxide''' 2025-08: 60", "{grade=NdPr 'oxide'} 2025-08: 60");
        check("grade=\"a=b, c\" 2025-08: 60\n2025-10: 5", "{grade=a=b, c} 2025-08: 60\n2025-10: 5");
        check("a=b=c 2025-08: 60", "{a=b=c} 2025-08: 60");
        check("", "{} ");
    }

    #[test]
    fn what_is_wrong_is_underlined() {
        let all = [
            "partner= CN 2025-08: 60",
            "partner = CN 2025-08: 60",
            "partner=CN, hs=8505 2025-08: 60",
            "{partner=\"CN\"} 2025-08: 60",
            "partner=CN\npartner=MY 2025-08: 1",
            "partner=CN",
            "partner=CN 2025-08: 60 hs=2805",
            "partner='CN 2025-08: 60",
            "2025-08: 60 in",
            "in kg partner=CN 2025-08: 60",
        ];
        insta::assert_snapshot!(all.map(told).join("\n"), @r#"
        the label `partner` has no value [partner=] expected a value right after `=`
        a space after `partner` [partner] a label is written in one word, such as `partner=CN`
        a comma after a label [,] labels stand apart by spaces alone
        labels stand without braces [{partner="CN"}] expected labels such as `partner=CN hs=8505`
        the label `partner` is said twice [partner] the second one
        this series has no figures [partner=CN] expected figures after it
        this series has no figures [hs=2805] expected figures after it
        these quotes do not end ['CN 2025-08: 60] expected a closing quote
        `in` what? [in] expected a unit after it, such as `in kg`
        a label after the unit [partner] labels stand before `in`
        "#);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(text in "\\PC{0,40}") {
            let _ = split(&text);
        }

        #[test]
        fn any_words_are_taken_apart_or_refused(words in prop::collection::vec(prop::sample::select(vec!["a=1", "a=", "=", "in", "kg", "2025-05:", "é", "'", "b='x y'", "=>", "_"]), 0..12)) {
            let _ = split(&words.join(" "));
        }

        #[test]
        fn values_are_read_as_they_are_quoted(value in "\\PC{0,20}|['\" =,]{1,6}") {
            let text = format!("label={} 2025-05: 1", quoted(&value));
            let all = split(&text).unwrap();
            prop_assert_eq!(&all[0].labels[0].1.text, &value);
        }
    }
}
