//! HTML: the addresses that a page's links name, and text without its marks.
//!
//! A page is read as browsers read it, and believed in nothing: where a link may lead is the publisher's business.

use html5gum::{DefaultEmitter, Token, Tokenizer};

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

/// Marks within a word, which end none.
const WITHIN: [&[u8]; 12] =
    [b"a", b"b", b"em", b"font", b"i", b"mark", b"small", b"span", b"strong", b"sub", b"sup", b"u"];
/// Marks whose content nobody reads.
const UNREAD: [&[u8]; 3] = [b"script", b"style", b"template"];

/// The text of a piece of HTML, its entities resolved, its white space one space each.
pub fn text(html: &str) -> String {
    let (mut text, mut unread) = (String::new(), 0_usize);
    let mut emitter = DefaultEmitter::default();
    // What looks like a mark within a script is none.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::String(piece) if unread == 0 => text.push_str(&String::from_utf8_lossy(&piece)),
            Token::StartTag(tag) if !tag.self_closing => {
                unread += usize::from(UNREAD.contains(&tag.name.as_slice()));
                space(&tag.name, &mut text);
            }
            Token::StartTag(tag) => space(&tag.name, &mut text),
            Token::EndTag(tag) => {
                unread = unread.saturating_sub(usize::from(UNREAD.contains(&tag.name.as_slice())));
                space(&tag.name, &mut text);
            }
            Token::String(_) | Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    line(&text)
}

fn space(name: &[u8], text: &mut String) {
    if !WITHIN.contains(&name) {
        text.push(' ');
    }
}

/// A text on one line.
pub fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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

    #[test]
    fn marks_go_and_words_stay() {
        let check = |html: &str, expected: &str| assert_eq!(text(html), expected, "{html}");
        check("Rare <b>ear</b>th &amp; gallium", "Rare earth & gallium");
        check("<p>One</p><p>Two<br>three</p>", "One Two three");
        check("a&nbsp;b\n\tc &#x7A00;&lt;i&gt;", "a b c 稀<i>");
        check("<script>if (a<b) alert(1)</script>Text<style>p{}</style>", "Text");
        check("5 < 6, and 7 > 6", "5 < 6, and 7 > 6");
        check("<a href=\"javascript:x\">link</a><!-- no -->", "link");
        check("<b", "");
        check("plain", "plain");
    }
}
