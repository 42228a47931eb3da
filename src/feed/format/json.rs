//! JSON: an array of records somewhere in a document, read one record at a time, so that the memory
//! that a document takes is that of its text and of one record.
//!
//! Pointers are those of RFC 6901; where the records are named by a JSONPath, the document is read as a whole. Of a
//! key that is there twice the last counts, as serde_json has it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::json_path::Query;
use super::{Cell, Row, listed};
use crate::base::text::{list, shorten};
use crate::feed::ParseError;

/// A pointer to a value within a document or a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// As written.
    pub text: String,
    way: Way,
}

/// How a pointer leads to its value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// From key to key.
    Tokens(Vec<String>),
    /// As a JSONPath.
    Query(Query),
}

impl Pointer {
    /// Reads a pointer or a JSONPath; a bare name is the key of that name.
    pub fn new(text: &str) -> Self {
        if let Ok(query) = Query::parse(text) {
            return Self { text: text.to_owned(), way: Way::Query(query) };
        }
        let path = text.strip_prefix('/');
        let unescape = |token: &str| token.replace("~1", "/").replace("~0", "~");
        let tokens = match path {
            Some(path) => path.split('/').map(unescape).collect(),
            None if text.is_empty() => Vec::new(),
            None => vec![text.to_owned()],
        };
        Self { text: text.to_owned(), way: Way::Tokens(tokens) }
    }

    /// What it points to within a record, as a cell.
    fn find<'v>(&self, record: &'v Value) -> Cell<'v> {
        let step = |value: &'v Value, token: &String| match value {
            Value::Object(map) => map.get(token),
            Value::Array(array) => array.get(index(token)?),
            _ => None,
        };
        match &self.way {
            Way::Tokens(tokens) => tokens.iter().try_fold(record, step).map_or(Cell::Absent, cell),
            Way::Query(query) => match query.find(record).as_slice() {
                [] => Cell::Absent,
                [value] => cell(value),
                _ => Cell::Nested("several values"),
            },
        }
    }
}

/// An array's index: digits without a leading zero.
fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    if digits { token.parse().ok() } else { None }
}

/// One record and the pointers that are its columns.
pub struct Record<'r> {
    number: usize,
    value: &'r Value,
    pointers: &'r [Pointer],
}

impl Row for Record<'_> {
    fn number(&self) -> usize {
        self.number
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        self.pointers.get(column).map_or(Cell::Absent, |pointer| pointer.find(self.value))
    }

    fn fault(&self) -> Option<String> {
        let single = !matches!(self.value, Value::Object(_) | Value::Array(_));
        single.then(|| format!("expected an object, found `{}`", shorten(&self.value.to_string(), 60)))
    }
}

impl Record<'_> {
    /// The names of what a record has, for messages.
    pub fn names(&self) -> Vec<String> {
        match self.value {
            Value::Object(map) => map.keys().cloned().collect(),
            Value::Array(array) => (0..array.len()).map(|index| index.to_string()).collect(),
            _ => Vec::new(),
        }
    }
}

/// A value as a cell.
pub fn cell(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(true) => Cell::Text("true"),
        Value::Bool(false) => Cell::Text("false"),
        Value::String(text) => Cell::Text(text),
        Value::Number(number) => number_cell(number),
        Value::Array(_) => Cell::Nested("an array"),
        Value::Object(_) => Cell::Nested("an object"),
    }
}

fn number_cell(number: &serde_json::Number) -> Cell<'_> {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    whole.map_or_else(|| number.as_f64().map_or(Cell::Nested("a number out of range"), Cell::Number), Cell::Integer)
}

/// Takes the records as they are read.
pub trait Sink {
    /// The records so far do not count: the document names the array again.
    fn restart(&mut self);

    /// One record.
    fn record(&mut self, record: &Record<'_>) -> Result<(), ParseError>;
}

/// Reads the array of records that a pointer names and gives each to a sink.
pub fn read(text: &str, records: &Pointer, columns: &[Pointer], sink: &mut dyn Sink) -> Result<(), ParseError> {
    let tokens = match &records.way {
        Way::Tokens(tokens) => tokens,
        Way::Query(query) => return whole(text, query, columns, sink),
    };
    let mut walk = Walk { columns, sink, found: Found::Unvisited, refused: None };
    let mut document = serde_json::Deserializer::from_str(text);
    let read = Step { tokens, path: "", walk: &mut walk }.deserialize(&mut document);
    let Walk { found, refused, .. } = walk;
    if let Some(error) = refused {
        return Err(error);
    }
    read.and_then(|()| document.end()).map_err(|error| syntax(&error, text))?;
    match found {
        Found::Array => Ok(()),
        Found::Otherwise(found) => Err(ParseError::Pointer { pointer: records.text.clone(), found }),
        Found::Unvisited => Err(ParseError::Empty),
    }
}

/// Gives each record that a JSONPath finds in a document to a sink.
fn whole(text: &str, query: &Query, columns: &[Pointer], sink: &mut dyn Sink) -> Result<(), ParseError> {
    let document: Value = serde_json::from_str(text).map_err(|error| syntax(&error, text))?;
    let records =
        query.records(&document).map_err(|found| ParseError::Pointer { pointer: query.to_string(), found })?;
    for (number, value) in (1..).zip(records) {
        sink.record(&Record { number, value, pointers: columns })?;
    }
    Ok(())
}

/// An error of the parser, with its place in the text.
pub fn syntax(error: &serde_json::Error, text: &str) -> ParseError {
    let told = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = told.strip_suffix(&place).unwrap_or(&told);
    let reason = match error.classify() {
        serde_json::error::Category::Eof => format!("the text breaks off ({reason})"),
        _ if error.line() <= 1 && error.column() <= 1 => {
            format!("{reason}, found `{}`", crate::base::text::printable(&shorten(text.trim(), 60)))
        }
        _ => crate::base::text::printable(reason),
    };
    ParseError::Syntax { format: "JSON", line: error.line(), column: error.column(), reason }
}

/// Gives each entry of an object to `take` as it is read, in the order of the text; the places of an array,
/// from 0, are keys as well.
pub fn entries<'a, V: Deserialize<'a>>(
    raw: &'a RawValue,
    take: &mut dyn FnMut(&str, V) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let mut stopped = None;
    let visitor = Entries { take, stopped: &mut stopped, of: PhantomData };
    let read = serde_json::Deserializer::from_str(raw.get()).deserialize_any(visitor);
    match (stopped, read) {
        (Some(error), _) => Err(error),
        (None, read) => read.map_err(|error| syntax(&error, raw.get())),
    }
}

struct Entries<'t, V> {
    take: &'t mut dyn FnMut(&str, V) -> Result<(), ParseError>,
    stopped: &'t mut Option<ParseError>,
    of: PhantomData<V>,
}

impl<V> Entries<'_, V> {
    fn give<E: serde::de::Error>(&mut self, key: &str, value: V) -> Result<(), E> {
        (self.take)(key, value).map_err(|error| {
            *self.stopped = Some(error);
            E::custom("refused")
        })
    }
}

impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<'_, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<String, V>()? {
            self.give(&key, value)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let mut place = 0_usize;
        while let Some(value) = seq.next_element::<V>()? {
            self.give(&place.to_string(), value)?;
            place += 1;
        }
        Ok(())
    }
}

/// What a walk to the records came to.
enum Found {
    /// Nothing was seen yet.
    Unvisited,
    /// The array.
    Array,
    /// Something else, in words.
    Otherwise(String),
}

/// The state of a walk through a document.
struct Walk<'w> {
    columns: &'w [Pointer],
    sink: &'w mut dyn Sink,
    found: Found,
    /// Why the sink wants no more.
    refused: Option<ParseError>,
}

/// One step of a walk: what is left of the pointer at a place.
struct Step<'s, 'w> {
    tokens: &'s [String],
    /// The place, as a pointer.
    path: &'s str,
    walk: &'s mut Walk<'w>,
}

impl Step<'_, '_> {
    fn otherwise<E>(self, what: &str) -> Result<(), E> {
        let place = if self.path.is_empty() { "the document" } else { self.path };
        let expected = if self.tokens.is_empty() { ": expected an array" } else { "" };
        self.walk.found = Found::Otherwise(format!("{place} is {what}{expected}"));
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Step<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = Keys::default();
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            match self.tokens.split_first() {
                Some((token, rest)) if *token == key => {
                    found = true;
                    let path = format!("{}/{key}", self.path);
                    map.next_value_seed(Step { tokens: rest, path: &path, walk: self.walk })?;
                }
                _ => keys.add(key, &mut map)?,
            }
        }
        if found {
            return Ok(());
        }
        let what = keys.in_words();
        self.otherwise(&what)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((token, rest)) = self.tokens.split_first() else { return self.walk.array(seq) };
        let wanted = index(token);
        let mut length = 0;
        let mut found = false;
        loop {
            if wanted == Some(length) {
                let path = format!("{}/{token}", self.path);
                let step = Step { tokens: rest, path: &path, walk: self.walk };
                found = seq.next_element_seed(step)?.is_some();
                if !found {
                    break;
                }
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
            length += 1;
        }
        if found { Ok(()) } else { self.otherwise(&format!("an array of {length}")) }
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.otherwise(if value { "true" } else { "false" })
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.otherwise("a number")
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.otherwise("a number")
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.otherwise("a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.otherwise(&format!("a text (\"{}\")", shorten(text, 200)))
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.otherwise("null")
    }
}

impl Walk<'_> {
    fn array<'de, A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<(), A::Error> {
        self.found = Found::Array;
        self.sink.restart();
        let mut number = 0;
        while let Some(value) = seq.next_element::<Value>()? {
            number += 1;
            let record = Record { number, value: &value, pointers: self.columns };
            if let Err(error) = self.sink.record(&record) {
                self.refused = Some(error);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// What a value is, in words.
pub fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) => format!("a text (\"{}\")", shorten(text, 200)),
        Value::Array(values) => format!("an array of {}", values.len()),
        Value::Object(map) => {
            let mut keys = Keys::default();
            map.iter().for_each(|(key, value)| keys.push(key.clone(), Keys::is_reason(key).then_some(value)));
            keys.in_words()
        }
    }
}

/// The keys of an object that lacks the one that was wanted, and what it says for an explanation.
#[derive(Default)]
struct Keys {
    names: Vec<String>,
    said: Option<String>,
}

impl Keys {
    /// Where publishers put the reason of a failure.
    const REASONS: [&str; 6] = ["error", "errors", "message", "detail", "error_message", "errorMessage"];

    fn is_reason(key: &str) -> bool {
        Self::REASONS.contains(&key)
    }

    fn add<'de, A: MapAccess<'de>>(&mut self, key: String, map: &mut A) -> Result<(), A::Error> {
        let reason: Option<Value> = if Self::is_reason(&key) {
            Some(map.next_value()?)
        } else {
            map.next_value::<IgnoredAny>()?;
            None
        };
        self.push(key, reason.as_ref());
        Ok(())
    }

    fn push(&mut self, key: String, reason: Option<&Value>) {
        if let Some(value) = reason {
            let reason = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.said.get_or_insert_with(|| shorten(&reason, 200));
        }
        self.names.push(key);
    }

    fn in_words(&self) -> String {
        let said = self.said.as_ref().map(|said| format!(" and says \"{said}\"")).unwrap_or_default();
        match self.names.as_slice() {
            [] => "an empty object".to_owned(),
            names => format!("an object with {}{said}", list(listed(names))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Sink for Lines {
        fn restart(&mut self) {
            self.0.clear();
        }

        fn record(&mut self, record: &Record<'_>) -> Result<(), ParseError> {
            if record.number > 3 {
                return Err(ParseError::TooManyRows(3));
            }
            let cells: Vec<Cell<'_>> = (0..record.pointers.len()).map(|column| record.cell(column)).collect();
            let fault = record.fault().map(|fault| format!(" {fault}")).unwrap_or_default();
            self.0.push(format!("{} {cells:?}{fault}", record.number));
            Ok(())
        }
    }

    fn told(text: &str, records: &str, columns: &[&str]) -> String {
        let columns: Vec<Pointer> = columns.iter().map(|column| Pointer::new(column)).collect();
        let mut lines = Lines::default();
        match read(text, &Pointer::new(records), &columns, &mut lines) {
            Ok(()) => lines.0.join("\n"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn records_are_found_wherever_they_are() {
        let one = "1 [Integer(7)]";
        assert_eq!(told(r#"[{"a":7}]"#, "", &["/a"]), one);
        assert_eq!(told(r#"{"count":1,"data":[{"a":7}]}"#, "/data", &["a"]), one);
        assert_eq!(told(r#"{"data":[{"a":7}]}"#, "data", &["a"]), one);
        assert_eq!(told(r#"[{"page":1},[{"b":{"a":7}}]]"#, "/1", &["/b/a"]), one);
        assert_eq!(told(r#"{"a/b":{"c~d":[[0,7]]}}"#, "/a~1b/c~0d", &["/1"]), one);
        assert_eq!(told(r#"{"":[{"":7}]}"#, "/", &["/"]), one);
        assert_eq!(told(r#"{"data":[1,2],"data":[{"a":7}]}"#, "/data", &["a"]), one, "the last of two keys counts");
    }

    #[test]
    fn cells_are_told_as_json_has_them() {
        let text = r#"[{"a":"x","b":null,"c":true,"d":1.5,"e":18446744073709551615,"f":[1],"g":{}},"text",[9]]"#;
        insta::assert_snapshot!(told(text, "", &["a", "b", "c", "d", "e", "f", "g", "h", "/0"]), @r#"
        1 [Text("x"), Null, Text("true"), Number(1.5), Integer(18446744073709551615), Nested("an array"), Nested("an object"), Absent, Absent]
        2 [Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent] expected an object, found `"text"`
        3 [Absent, Absent, Absent, Absent, Absent, Absent, Absent, Absent, Integer(9)]
        "#);
    }

    #[test]
    fn a_wrong_pointer_says_what_there_is() {
        let errors = [
            told(r#"{"error":"Invalid\nkey","count":-1}"#, "/data", &[]),
            told(r#"{"status":{"message":"over quota"},"errors":[{"code":3}]}"#, "/data", &[]),
            told(r#"{"data":{"rows":1,"cols":2}}"#, "/data/items", &[]),
            told(r#"{"data":{"rows":[]}}"#, "/data", &[]),
            told(r#"{"data":null}"#, "/data", &[]),
            told(r#"{"data":"soon"}"#, "/data/rows", &[]),
            told(r#"{"data":[1,2]}"#, "/data/rows", &[]),
            told(r#"[1,[2]]"#, "/01", &[]),
            told("{}", "", &[]),
            told("7", "/data", &[]),
            told("false", "", &[]),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        no records at `/data`: the document is an object with `error` and `count` and says "Invalid\u{a}key"
        no records at `/data`: the document is an object with `status` and `errors` and says "[{"code":3}]"
        no records at `/data/items`: /data is an object with `rows` and `cols`
        no records at `/data`: /data is an object with `rows`: expected an array
        no records at `/data`: /data is null: expected an array
        no records at `/data/rows`: /data is a text ("soon")
        no records at `/data/rows`: /data is an array of 2
        no records at `/01`: the document is an array of 2
        no records: the document is an empty object: expected an array
        no records at `/data`: the document is a number
        no records: the document is false: expected an array
        "#);
    }

    #[test]
    fn broken_text_says_where() {
        let deep = "[".repeat(100_000);
        let errors = [
            told("{\"data\":[\n{\"a\":1},", "/data", &[]),
            told("{\"data\":[\n{\"a\":1}] extra", "/data", &[]),
            told("[{\"a\":1e400}]", "", &["a"]),
            told("[{\"a\":NaN}]", "", &["a"]),
            told("period,value\n", "", &["a"]),
            told("[1] [2]", "", &["a"]),
            told(&deep, "", &["a"]),
            told("[1,2,3,4]", "", &["a"]),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        no JSON at line 2, column 8: the text breaks off (EOF while parsing a value)
        no JSON at line 2, column 10: expected `,` or `}`
        no JSON at line 1, column 11: number out of range
        no JSON at line 1, column 7: expected value
        no JSON at line 1, column 1: expected value, found `period,value`
        no JSON at line 1, column 5: trailing characters
        no JSON at line 1, column 128: recursion limit exceeded
        more than 3 rows
        "#);
    }

    #[test]
    fn a_deep_value_that_nobody_wants_is_passed_over() {
        let deep = format!("{{\"meta\":{}{},\"data\":[{{\"a\":7}}]}}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(told(&deep, "/data", &["a"]), "1 [Integer(7)]");
    }
}
