//! What an answer says that has no figures: publishers put it into JSON, into XML or into plain text.
//!
//! Whether it is worth asking again is for the caller to decide; a web page is not read here.

use serde_json::Value;

use crate::base::text::shorten;
use crate::feed::ParseError;

/// Characters of it that are told.
const CHARS: usize = 300;
/// The statuses that say "too large": those of HTTP and of SDMX (5.8 of its web services' guidelines).
const TOO_LARGE: [u64; 2] = [413, 510];

/// The words of an answer, on one line.
pub fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut found = Vec::new();
    match serde_json::from_str::<Value>(&text) {
        Ok(document) => gather(&document, &mut found),
        Err(_) => found.push(without_tags(&text)),
    }
    let words: Vec<&str> = found.iter().flat_map(|text| text.split_whitespace()).collect();
    shorten(&words.join(" "), CHARS)
}

/// The error that an answer without figures is, by its status and its words.
pub fn refusal(status: Option<u64>, said: String) -> ParseError {
    if status.is_some_and(|status| TOO_LARGE.contains(&status)) || said.contains("EXTRACTION_TOO_BIG") {
        return ParseError::TooLarge { later: address(&said), said };
    }
    ParseError::Said { said, passes: false }
}

/// What a JSON document says under `error`, `errors` or `warning`, where it has one.
pub fn in_json(document: &Value) -> Option<ParseError> {
    let said =
        ["error", "errors", "warning"].iter().find_map(|key| document.get(key).filter(|value| !is_empty(value)))?;
    let first = if let Value::Array(all) = said { all.first().unwrap_or(said) } else { said };
    let status = ["status", "code"].iter().find_map(|key| first.get(key)?.as_u64());
    let mut found = Vec::new();
    gather(said, &mut found);
    Some(refusal(status, shorten(&found.join(" "), CHARS)))
}

/// The first web address in a text.
fn address(text: &str) -> Option<String> {
    let start = text.find("http://").or_else(|| text.find("https://"))?;
    let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | ',');
    text[start..].split(end).next().map(|url| url.trim_end_matches('.').to_owned())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    }
}

/// Every text of a document, in its order.
fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => found.push(text.trim().to_owned()),
        Value::Array(all) => all.iter().for_each(|value| gather(value, found)),
        Value::Object(all) => all.values().for_each(|value| gather(value, found)),
        _ => {}
    }
}

/// What stands between the tags of a text.
fn without_tags(text: &str) -> String {
    let outside = |piece: &str| piece.split_once('>').map_or(piece, |(_, rest)| rest).to_owned();
    let mut pieces = text.split('<');
    let first = pieces.next().unwrap_or_default().to_owned();
    std::iter::once(first).chain(pieces.map(outside)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_why_in_any_form() {
        for (body, expected) in [
            ("no such table\n", "no such table"),
            (r#"{"error":[{"status":400,"id":100,"label":"INVALID_QUERY"}]}"#, "INVALID_QUERY"),
            ("<?xml version=\"1.0\"?><Error><Text>Key <b>M.DE</b> has\n2 parts</Text></Error>", "Key M.DE has 2 parts"),
            ("", ""),
        ] {
            assert_eq!(words(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(words(&[0xFF, b'x']), "\u{FFFD}x");
    }

    #[test]
    fn what_is_too_large_says_where_it_will_be() {
        let told = |status, said: &str| refusal(status, said.to_owned()).to_string();
        assert_eq!(
            told(Some(413), "written to a file under URL: http://a.example/file/x1. Please wait"),
            "the answer is too large for the publisher to give at once (written to a file under URL: \
             http://a.example/file/x1. Please wait); it will be at http://a.example/file/x1; ask for fewer codes, or set \
             a later `since`"
        );
        assert_eq!(
            told(None, "EXTRACTION_TOO_BIG: 9 rows"),
            "the answer is too large for the publisher to give at once (EXTRACTION_TOO_BIG: 9 rows); ask for fewer \
             codes, or set a later `since`"
        );
        assert_eq!(told(Some(400), "no"), "the publisher says: no");
    }

    #[test]
    fn an_error_in_json_is_found() {
        let told = |text: &str| {
            let document = serde_json::from_str(text).unwrap();
            in_json(&document).map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(told(r#"{"warning":null,"errors":[],"value":{}}"#), "");
        assert_eq!(
            told(r#"{"errors":[{"code":404,"title":"no data","detail":"key A.B"}]}"#),
            "the publisher says: key A.B no data"
        );
        assert!(
            told(r#"{"warning":{"status":413,"label":"ASYNCHRONOUS_RESPONSE"}}"#)
                .starts_with("the answer is too large")
        );
    }
}
