//! Text out of HTML, on one line: what a title or a summary says, without its marks.

use html5gum::{DefaultEmitter, Token, Tokenizer};

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
