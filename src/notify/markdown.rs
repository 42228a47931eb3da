//! Markdown as chat tools read it: foreign text in which they find no sign, mention, shortcode or entity.
//!
//! Where a tool honours backslashes ([`Markdown`]), signs are escaped. Where it knows no escape ([`harmless`]),
//! they give way to others that look alike. Words that a tool looks for in the raw text (`@all`, `:smile:`,
//! `{{DATE(`) are broken by a space of no width in both.

use super::layout;
use super::prose::Markup;

/// CommonMark, as far as a tool has it.
pub struct Markdown {
    /// It has code spans and blocks.
    pub code: bool,
    /// Between two lines.
    pub line_break: &'static str,
}

/// Nothing to see, and no word goes on over it.
const BREAK: char = '\u{200b}';
/// Columns of a block. A phone shows fewer, but scrolls or breaks them.
const WIDTH: usize = 60;
/// What means something anywhere in a line.
const SIGNS: &str = "\\`*_~^[]<>#|$";
/// What means something where a line begins.
const STARTING: &str = "-+=:";

impl Markup for Markdown {
    fn text(&self, text: &str) -> String {
        unlisted(&by_word(text, escaped))
    }

    fn strong(&self, text: &str) -> String {
        format!("**{}**", self.text(text))
    }

    fn code(&self, text: &str) -> String {
        if self.code { code(text) } else { format!("“{}”", self.text(text)) }
    }

    fn block(&self, text: &str) -> String {
        block(text)
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("[{}]({})", self.text(text), target(address))
    }

    fn length(&self, rendered: &str) -> usize {
        rendered.encode_utf16().count()
    }

    fn line_break(&self) -> &'static str {
        self.line_break
    }

    fn width(&self) -> usize {
        WIDTH
    }
}

/// A code span, in which only its end is read.
pub fn code(text: &str) -> String {
    let text = if text.trim().is_empty() { "—" } else { text.trim() };
    format!("`{}`", unticked(text))
}

/// Lines in a fixed pitch.
pub fn block(text: &str) -> String {
    format!("```\n{}\n```", unticked(text))
}

/// Code has no escape for its own end.
pub fn unticked(text: &str) -> String {
    text.replace('`', "ˋ")
}

/// A word with its signs escaped; `&` where an entity could begin.
fn escaped(word: &str) -> String {
    let mut safe = String::with_capacity(word.len());
    for (at, c) in word.char_indices() {
        let next = word[at + c.len_utf8()..].chars().next();
        let is_entity = c == '&' && next.is_some_and(|next| next == '#' || next.is_ascii_alphanumeric());
        if SIGNS.contains(c) || is_entity {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// A text made safe word by word; addresses stay as they are.
fn by_word(text: &str, safe: impl Fn(&str) -> String) -> String {
    let text = broken(text.trim());
    let words = text.split(' ').map(|word| if is_plain_address(word) { word.to_owned() } else { safe(word) });
    words.collect::<Vec<_>>().join(" ")
}

/// A text that begins no list, no rule and no heading.
fn unlisted(text: &str) -> String {
    if let Some(digits) = numbered(text) {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    if text.starts_with(|c| STARTING.contains(c)) { format!("\\{text}") } else { text.to_owned() }
}

/// How many digits a text begins with, where they number an item of a list: `1. …`, `1) …`.
fn numbered(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text[digits..].strip_prefix(['.', ')'])?;
    (digits > 0 && (rest.is_empty() || rest.starts_with(' '))).then_some(digits)
}

/// Text in which nothing is left that a tool looks for: mentions, `:shortcodes:`, `{{functions`, `<at>`.
pub fn broken(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        safe.push(c);
        let rest = &text[at + c.len_utf8()..];
        let is_read = match c {
            '@' => true,
            ':' => is_shortcode(rest),
            '{' => rest.starts_with('{'),
            '<' => rest.get(..2).is_some_and(|tag| tag.eq_ignore_ascii_case("at")),
            _ => false,
        };
        if is_read {
            safe.push(BREAK);
        }
    }
    safe
}

/// Whether a text goes on with `name:`.
fn is_shortcode(rest: &str) -> bool {
    let is_named = |b: &u8| b.is_ascii_alphanumeric() || b"_+-".contains(b);
    let name = rest.bytes().take_while(is_named).count();
    name > 0 && rest[name..].starts_with(':')
}

/// An address that holds no sign, so that it stays one that can be followed: an escape would be read as part of it.
fn is_plain_address(word: &str) -> bool {
    let bytes = word.as_bytes();
    let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let is_plain = |(at, byte): (usize, &u8)| match byte {
        b'_' => at > 0 && is_letter(at - 1) && is_letter(at + 1),
        byte => byte.is_ascii_alphanumeric() || b":/.?=&%,+#-".contains(byte),
    };
    layout::is_address(word) && bytes.iter().enumerate().all(is_plain)
}

/// The address of a link, in which nothing ends it and nothing is read.
pub fn target(address: &str) -> String {
    let encoded = |c: char| match c {
        '(' | ')' | '[' | ']' | '<' | '>' | '\\' | '`' | '*' | '~' | '|' | '@' | '"' | ';' | '{' | '}' | '$' => {
            format!("%{:02X}", u32::from(c))
        }
        c => c.to_string(),
    };
    address.chars().map(encoded).collect()
}

/// Text for tools that have signs and no escape for them: signs that look alike and mean nothing.
pub fn harmless(text: &str) -> String {
    let safe = by_word(text, look_alike);
    if let Some(digits) = numbered(&safe) {
        return format!("{}{BREAK}{}", &safe[..digits], &safe[digits..]);
    }
    match safe.strip_prefix(['-', '>', '+']) {
        Some(rest) => format!("{}{rest}", if safe.starts_with('>') { '›' } else { '‐' }),
        None => safe,
    }
}

fn look_alike(word: &str) -> String {
    let mut safe = String::with_capacity(word.len());
    let mut before = None;
    for (at, c) in word.char_indices() {
        let next = word[at + c.len_utf8()..].chars().next();
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        safe.push(match c {
            '*' => '∗',
            '~' => '∼',
            '`' => 'ˋ',
            '|' => 'ǀ',
            '[' => '［',
            ']' => '］',
            '<' => '‹',
            '#' => '＃',
            // Within a word it is a part of it.
            '_' if !(is_letter(before) && is_letter(next)) => '＿',
            c => c,
        });
        before = Some(c);
    }
    safe
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    pub const COMMON: Markdown = Markdown { code: true, line_break: "\n" };

    /// What a reader of Markdown finds in a text: its letters, and the signs that it read, in their order.
    pub fn read(text: &str) -> (String, Vec<String>) {
        let (mut letters, mut signs) = (String::new(), Vec::new());
        for event in Parser::new_ext(text, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
            match event {
                Event::Text(text) => letters.push_str(&text),
                Event::Code(text) => {
                    letters.push_str(&text);
                    signs.push("code".to_owned());
                }
                Event::SoftBreak | Event::HardBreak => letters.push('\n'),
                Event::Start(Tag::Paragraph) | Event::End(_) => {}
                Event::Start(Tag::Strong) => signs.push("strong".to_owned()),
                Event::Start(Tag::CodeBlock(_)) => signs.push("block".to_owned()),
                Event::Start(Tag::Link { dest_url, .. }) => signs.push(format!("link {dest_url}")),
                other => signs.push(format!("{other:?}")),
            }
        }
        (letters, signs)
    }

    /// The letters of a text that are no code.
    pub fn outside_code(text: &str) -> String {
        let (mut letters, mut is_block) = (String::new(), false);
        for event in Parser::new(text) {
            match event {
                Event::Start(Tag::CodeBlock(_)) => is_block = true,
                Event::End(TagEnd::CodeBlock) => is_block = false,
                Event::Text(text) if !is_block => letters.push_str(&text),
                _ => {}
            }
        }
        letters
    }

    #[test]
    fn foreign_text_is_read_as_it_was() {
        let texts = [
            "46.4 t",
            "1) a",
            "1. *a* _b_ ~~c~~ `d` x^2^ [e](https://x.example) ![f](g) <b>h</b> # i | j $k$ \\l",
            "- a",
            "+ a",
            "> a",
            "# a",
            "===",
            "---",
            ":-",
            "&lt;b&gt; & &#60; a&b",
            "  indented",
            "a_b_c",
            "```",
            "~~~",
            "**",
            "https://x.example/a_b?c=d&e=%20 and https://x.example/*a*",
        ];
        for text in texts {
            let (letters, signs) = read(&COMMON.text(text));
            assert_eq!((letters.replace(BREAK, ""), signs), (text.trim().to_owned(), vec![]), "{text}");
        }
        assert_eq!(COMMON.text("see https://x.example/a_b?c=d&e now"), "see https://x.example/a_b?c=d&e now");
        assert_eq!(
            COMMON.text("@all <at>x</at> {{DATE(x)}} :smile: 10:30:15 a: b <= 5"),
            "@\u{200b}all \\<\u{200b}at\\>x\\</at\\> {\u{200b}{DATE(x)}} :\u{200b}smile: 10:\u{200b}30:15 a: b \\<= 5"
        );
    }

    #[test]
    fn code_and_links_end_where_they_should() {
        let link = COMMON.link("a](b", "https://x.example/(1)/[2]?a=*b*;c");
        assert_eq!(link, "[a\\](b](https://x.example/%281%29/%5B2%5D?a=%2Ab%2A%3Bc)");
        assert_eq!(read(&link).0, "a](b");
        assert_eq!((code("a`b"), code(" ")), ("`aˋb`".to_owned(), "`—`".to_owned()));
        assert_eq!(read(&block("a```\nb")), ("aˋˋˋ\nb\n".to_owned(), vec!["block".to_owned()]));
    }

    #[test]
    fn signs_without_an_escape_give_way() {
        assert_eq!(harmless("*a* _b_ c_d ~e~ `f` <users/all> [g](h)"), "∗a∗ ＿b＿ c_d ∼e∼ ˋfˋ ‹users/all> ［g］(h)");
        assert_eq!(
            (harmless("- a"), harmless("1. a"), harmless("> a")),
            ("‐ a".into(), "1\u{200b}. a".into(), "› a".into())
        );
    }
}
