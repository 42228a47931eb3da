//! A table written as JSON: an array of arrays, of which the first has the columns' names.
//!
//! The API of the US Census Bureau writes so. Every cell is text there, or nothing; numbers are read as text, too.
//! Rows are handed on one at a time, so that memory holds one of them.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::sniff;
use crate::base::limits::COLUMNS_MAX;
use crate::base::text::shorten;
use crate::feed::ParseError;

/// The names of the columns; one may be there twice.
pub type Header = [String];

/// One row: its number within the document, the header being 1, and its cells.
pub struct Line<'t> {
    /// Its number.
    pub number: usize,
    header: &'t Header,
    cells: &'t [Option<String>],
}

impl Line<'_> {
    /// The text of a column; nothing where it is empty. Columns of one name have to agree.
    pub fn cell(&self, name: &str) -> Result<Option<&str>, String> {
        if self.cells.len() != self.header.len() {
            return Err(format!("{} cells, where the header has {}", self.cells.len(), self.header.len()));
        }
        let mut same = self.header.iter().zip(self.cells).filter(|(known, _)| *known == name);
        let Some((_, first)) = same.next() else { return Err(format!("there is no column `{name}`")) };
        if let Some((_, other)) = same.find(|(_, other)| *other != first) {
            let text = |cell: &Option<String>| shorten(cell.as_deref().unwrap_or("nothing"), 40);
            return Err(format!("`{name}` is there twice, as `{}` and `{}`", text(first), text(other)));
        }
        Ok(first.as_deref().map(str::trim).filter(|text| !text.is_empty()))
    }
}

/// Reads a table, row by row.
///
/// Fails where the body is no array of arrays, or where `each` fails.
pub fn read(body: &[u8], each: &mut dyn FnMut(&Line<'_>) -> Result<(), ParseError>) -> Result<(), ParseError> {
    sniff(body, "a table as JSON")?;
    let mut failed = None;
    let mut document = serde_json::Deserializer::from_slice(body);
    let read = Rows { each, failed: &mut failed }.deserialize(&mut document).and_then(|()| document.end());
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(ParseError::Syntax {
            format: "table as JSON",
            line: error.line(),
            column: error.column(),
            reason: shorten(&error.to_string(), 200),
        }),
        (None, Ok(())) => Ok(()),
    }
}

/// The whole document.
struct Rows<'r> {
    each: &'r mut dyn FnMut(&Line<'_>) -> Result<(), ParseError>,
    failed: &'r mut Option<ParseError>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of rows, of which the first has the columns' names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let mut names = Vec::new();
        if rows.next_element_seed(Cells(&mut names))?.is_none() {
            return Err(Error::custom("there is no header"));
        }
        let header: Vec<String> = names.into_iter().map(|name| name.unwrap_or_default().trim().to_owned()).collect();
        let mut cells = Vec::new();
        let mut number = 1;
        while rows.next_element_seed(Cells(&mut cells))?.is_some() {
            number += 1;
            if self.failed.is_none() {
                *self.failed = (self.each)(&Line { number, header: &header, cells: &cells }).err();
            }
        }
        Ok(())
    }
}

/// The cells of one row, into a vector that is used again.
struct Cells<'c>(&'c mut Vec<Option<String>>);

impl<'de> DeserializeSeed<'de> for Cells<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cells<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a row: an array of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        self.0.clear();
        while let Some(cell) = cells.next_element::<Text>()? {
            if self.0.len() == COLUMNS_MAX {
                return Err(Error::custom(format!("more than {COLUMNS_MAX} columns")));
            }
            self.0.push(cell.0);
        }
        Ok(())
    }
}

/// A cell as text.
struct Text(Option<String>);

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self(None))
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text, a number or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(Self(None))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self, E> {
        Ok(Self(Some(flag.to_string())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self, E> {
        Ok(Self(Some(number.to_string())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self, E> {
        Ok(Self(Some(number.to_string())))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self, E> {
        Ok(Self(Some(number.to_string())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self, E> {
        Ok(Self(Some(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut inner: A) -> Result<Self, A::Error> {
        while inner.next_element::<IgnoredAny>()?.is_some() {}
        Err(Error::custom("expected a text, a number or null, found an array"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row as `number: a b`, or the error.
    fn told(body: &str, names: &[&str]) -> String {
        let mut lines = Vec::new();
        let read = read(body.as_bytes(), &mut |line| {
            let cell = |name: &&str| match line.cell(name) {
                Ok(cell) => cell.unwrap_or("nothing").to_owned(),
                Err(reason) => format!("({reason})"),
            };
            lines.push(format!("{}: {}", line.number, names.iter().map(cell).collect::<Vec<_>>().join(" ")));
            Ok(())
        });
        lines.extend(read.err().map(|error| error.to_string()));
        lines.join("\n")
    }

    #[test]
    fn cells_are_found_by_name_and_texts_are_texts() {
        insta::assert_snapshot!(told(r#"[["a","b "],["01",null],[" ",2.5],[true,-3]]"#, &["a", "b"]), @"
        2: 01 nothing
        3: nothing 2.5
        4: true -3
        ");
    }

    #[test]
    fn a_name_that_is_there_twice_has_to_say_one_thing() {
        insta::assert_snapshot!(told(r#"[["c","v","c"],["-","1","-"],["-","1","0003"]]"#, &["c", "v"]), @"
        2: - 1
        3: (`c` is there twice, as `-` and `0003`) 1
        ");
    }

    #[test]
    fn what_is_no_table_is_an_error() {
        for (body, expected) in [
            ("[]", "no table as JSON at line 1, column 2: there is no header at line 1 column 2"),
            (r#"{"a":1}"#, "invalid type: map, expected an array of rows"),
            (r#"[["a"],{"a":1}]"#, "invalid type: map, expected a row: an array of texts"),
            (r#"[["a"],[[1]]]"#, "expected a text, a number or null, found an array"),
            (r#"[["a"],["1"]"#, "EOF while parsing a list"),
            (r#"[["a"],["1"]] []"#, "trailing characters"),
            ("error: unknown variable 'X'", "expected value"),
            ("<html><title>Missing Key</title>", "found a web page titled \"Missing Key\""),
        ] {
            assert!(told(body, &[]).contains(expected), "{body}: {}", told(body, &[]));
        }
        assert_eq!(told(r#"[["a","b"],["1"]]"#, &["a"]), "2: (1 cells, where the header has 2)");
        assert_eq!(told(r#"[["a"],["1"]]"#, &["b"]), "2: (there is no column `b`)");
        let wide = format!("[[{}1]]", "1,".repeat(COLUMNS_MAX));
        assert!(told(&wide, &[]).contains("more than 16384 columns"));
    }
}
