//! What a body is when it is not the format that was asked for: publishers answer "200 OK" with a web
//! page, an error document or an archive.

use crate::base::text::shorten;
use crate::feed::ParseError;

/// Bytes of a web page that are searched for its title.
const TITLE_WITHIN: usize = 16 << 10;

/// Refuses a body that is empty, a web page, or plainly in another format than `expected`.
pub fn sniff(body: &[u8], expected: &'static str) -> Result<(), ParseError> {
    let text = no_page(body, expected)?;
    foreign(text).map_or(Ok(()), |found| Err(ParseError::Foreign { expected, found: found.to_owned() }))
}

/// Refuses a body that is empty or a web page; where the others begin, without the mark and the white space
/// before it.
pub fn no_page<'b>(body: &'b [u8], expected: &'static str) -> Result<&'b [u8], ParseError> {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    if is_html(text) {
        return Err(ParseError::Html { expected, title: title(text) });
    }
    Ok(text)
}

/// Whether a text begins as a web page does.
pub fn is_html(text: &[u8]) -> bool {
    const STARTS: [&str; 5] = ["<!doctype html", "<html", "<head", "<body", "<script"];
    STARTS.iter().any(|start| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes())))
}

/// What a body in a format with a signature is.
pub fn foreign(body: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 5] = [
        (b"\x1F\x8B", "gzip data"),
        (b"PK\x03\x04", "a ZIP or XLSX file"),
        (b"\xD0\xCF\x11\xE0", "an XLS file"),
        (b"%PDF", "a PDF file"),
        (b"<?xml", "an XML document"),
    ];
    SIGNATURES.iter().find(|(signature, _)| body.starts_with(signature)).map(|(_, name)| *name)
}

/// The title of a web page, on one line.
pub fn title(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(TITLE_WITHIN)]);
    // ASCII letters alone change, so that places in one text are places in the other.
    let lower = head.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let words: Vec<&str> = head[start..end].split_whitespace().collect();
    (!words.is_empty()).then(|| shorten(&words.join(" "), 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8], expected: &str) {
        let told = sniff(body, "CSV").map_or_else(|error| error.to_string(), |()| "fine".to_owned());
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_table_is_told_apart() {
        check(b"", "the response is empty");
        check(b"\xEF\xBB\xBF \r\n", "the response is empty");
        check(
            b"\n<!DOCTYPE html>\n<html><head><TITLE lang=en>Missing\n Key</TITLE>",
            "expected CSV, found a web page titled \"Missing Key\"",
        );
        check(b"<HTML><body>Wartung</body>", "expected CSV, found a web page");
        check(b"<html><title>\x1b[31m\xff</title>", "expected CSV, found a web page titled \"\\u{1b}[31m\u{FFFD}\"");
        check(b"<title>", "fine");
        check(b"\x1F\x8B\x08", "expected CSV, found gzip data");
        check(b"PK\x03\x04", "expected CSV, found a ZIP or XLSX file");
        check(b"<?xml version=\"1.0\"?><html/>", "expected CSV, found an XML document");
        check(b"period,value\n", "fine");
    }
}
