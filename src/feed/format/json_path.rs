//! JSONPath (RFC 9535): values of a document by where they are and what they hold.
//!
//! A document is read as a whole for it. Only the config writes paths, never a publisher.

use std::fmt;

use serde_json::Value;
use serde_json_path::JsonPath;

use super::json::in_words;

/// A JSONPath that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    path: JsonPath,
    text: String,
}

impl Query {
    /// Reads a path, which begins with `$`; else where it cannot be read any more, in characters from 1, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = JsonPath::parse(text).map_err(|error| {
            let why = Some(error.message()).filter(|message| *message != "parser error");
            let why = why.map(|message| format!(": {message}")).unwrap_or_default();
            format!("it cannot be read at character {}{why}", error.position())
        })?;
        Ok(Self { path, text: text.to_owned() })
    }

    /// The values that it finds.
    pub fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.path.query(value).all()
    }

    /// The records that it finds: those of the one array that it names, the one object that it names, or each of the
    /// values that it picks out; else what it found instead, in words.
    pub fn records<'v>(&self, document: &'v Value) -> Result<Vec<&'v Value>, String> {
        let found = self.find(document);
        if found.is_empty() {
            return Err(format!("there is nothing; the document is {}", in_words(document)));
        }
        if !self.names_one() {
            return Ok(found);
        }
        match found[0] {
            Value::Array(records) => Ok(records.iter().collect()),
            Value::Object(_) => Ok(found),
            other => Err(format!("it is {}: expected an array or an object", in_words(other))),
        }
    }

    /// Whether it names one value whatever the document holds: by keys and places alone.
    fn names_one(&self) -> bool {
        let mut quote = None;
        let mut escaped = false;
        let mut before = ' ';
        for sign in self.text.chars() {
            match (quote, sign) {
                _ if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(open), _) if sign == open => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(sign),
                (None, '*' | '?' | ':' | ',') => return false,
                (None, '.') if before == '.' => return false,
                (None, _) => {}
            }
            before = sign;
        }
        true
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str, path: &str) -> String {
        let document: Value = serde_json::from_str(text).unwrap();
        match Query::parse(path).unwrap().records(&document) {
            Ok(records) => records.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Err(found) => found,
        }
    }

    #[test]
    fn records_are_those_of_an_array_an_object_or_what_is_picked_out() {
        let text = r#"{"data": [{"m": "Cu", "v": 1}, {"m": "Ni", "v": 2}], "a*b": [[1, 2]], "n": 7, "message": "no"}"#;
        let both = r#"{"m":"Cu","v":1} {"m":"Ni","v":2}"#;
        for path in ["$.data", "$['data']", "$.data[*]", "$.data[0,1]", "$.data[0:2]", "$..[?@.v]"] {
            assert_eq!(records(text, path), both, "{path}");
        }
        assert_eq!(records(text, "$.data[?@.m == 'Ni']"), r#"{"m":"Ni","v":2}"#);
        assert_eq!(records(text, "$.data[-1]"), r#"{"m":"Ni","v":2}"#, "an object is a record");
        assert_eq!(records(text, "$['a*b']"), "[1,2]");
        assert_eq!(records(text, "$['a*b'][*]"), "[1,2]", "an array that is picked out is a record");
        assert_eq!(records(text, "$.n"), "it is a number: expected an array or an object");
        assert_eq!(
            records(text, "$.rows"),
            "there is nothing; the document is an object with `a*b`, `data`, `message` and `n` and says \"no\""
        );
        assert_eq!(records("[1]", "$.x"), "there is nothing; the document is an array of 1");
    }

    #[test]
    fn what_is_no_path_says_where() {
        let errors = ["$.data[", "$.data[?@.a ==]", "data", "$..", "$.a b"].map(|path| Query::parse(path).unwrap_err());
        insta::assert_snapshot!(errors.join("\n"), @"
        it cannot be read at character 6
        it cannot be read at character 12: in long-hand segment, expected closing ']'
        it cannot be read at character 0
        it cannot be read at character 3: must start with lowercase alpha or '_'
        it cannot be read at character 3
        ");
    }
}
