//! A small TOML file beside a data file, in which people say what the data file leaves open.
//!
//! It is a flat table of texts. What the names mean is the publisher's.

use std::collections::BTreeMap;

use super::decode;
use crate::base::text::{list, shorten};
use crate::feed::ParseError;

/// Bytes of such a file, at most.
pub const BYTES_MAX: usize = 4 << 10;

/// Reads a file: names and texts; `allowed` are the names that there may be.
pub fn read(body: &[u8], allowed: &[&str]) -> Result<BTreeMap<String, String>, ParseError> {
    if body.len() > BYTES_MAX {
        let reason = format!("more than {BYTES_MAX} bytes");
        return Err(ParseError::Syntax { format: "TOML", line: 1, column: 1, reason });
    }
    let text = decode(body, encoding_rs::UTF_8)?;
    let syntax = |at: usize, reason: &str| {
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ParseError::Syntax { format: "TOML", line, column, reason: shorten(reason, 120) }
    };
    let parsed: Result<BTreeMap<String, String>, toml::de::Error> = toml::from_str(&text);
    let table = parsed.map_err(|error| syntax(error.span().map_or(0, |span| span.start), error.message()))?;
    match table.keys().find(|name| !allowed.contains(&name.as_str())) {
        Some(name) => {
            let reason = format!("the file beside it has `{}`", shorten(name, 60));
            Err(ParseError::Unfit { reason, help: format!("it may have {}", list(allowed)) })
        }
        None => Ok(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &[u8]) -> String {
        match read(body, &["flow", "period"]) {
            Ok(table) => format!("{table:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn names_and_texts_are_read_and_all_else_is_an_error() {
        assert_eq!(
            told(b"# ours\nflow = \"export\"\nperiod = '2026-03'\n"),
            r#"{"flow": "export", "period": "2026-03"}"#
        );
        assert_eq!(told(b"\xEF\xBB\xBFflow = \"export\""), r#"{"flow": "export"}"#);
        assert_eq!(told(b""), "{}");
        assert_eq!(told(b"flwo = \"export\""), "the file beside it has `flwo`; it may have `flow` and `period`");
        for (body, said) in [
            (&b"flow = 3"[..], "no TOML at line 1, column 8: "),
            (b"x = 1\nflow =", "no TOML at line 2, column "),
            (b"[flow]\na = \"b\"", "no TOML at line "),
            (b"\xFF", "the response is not UTF-8"),
            (&[b'#'; BYTES_MAX + 1], "no TOML at line 1, column 1: more than 4096 bytes"),
        ] {
            assert!(told(body).starts_with(said), "{}", told(body));
        }
    }
}
