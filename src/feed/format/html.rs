//! Web pages: the addresses that their links name, for publishers whose files move.
//!
//! A page is read as browsers read it, and believed in nothing: where a link may lead is the publisher's business.

use html5gum::{Token, Tokenizer};

/// Links of a page that are looked at, at most.
const LINKS_MAX: usize = 20_000;

/// What the links of a page name, in the order of the page.
pub fn links(body: &[u8]) -> Vec<String> {
    let tokens = Tokenizer::new(body).map(|token| token.unwrap_or_else(|never| match never {}));
    let link = |token: Token| {
        let Token::StartTag(tag) = token else { return None };
        let is_link = tag.name.eq_ignore_ascii_case(b"a");
        let address = tag.attributes.get(b"href".as_slice()).filter(|_| is_link)?;
        Some(String::from_utf8_lossy(address).trim().to_owned())
    };
    tokens.filter_map(link).take(LINKS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_any_page() {
        let page = "<!DOCTYPE html><A class=x HREF='/a&amp;b?c=1'>one</A><!-- <a href=no> --><a>none</a>\
            <a href=\"https://x.example/Data%20file.xlsx\n\">two</a><link href=style.css><a href=three><p <a href=";
        assert_eq!(links(page.as_bytes()), ["/a&b?c=1", "https://x.example/Data%20file.xlsx", "three"]);
        assert_eq!(links(b"\xFF<a href=\xFE>"), ["\u{FFFD}"]);
        assert!(links(b"").is_empty());
    }
}
