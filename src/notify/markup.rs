//! The signs that several chat tools share.

use super::prose::Markup;

/// Bytes of a text in JSON, without its quotation marks: what counts where a service measures a whole request.
pub fn json_bytes(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX, |json| json.len() - 2)
}

/// Characters of a text.
pub fn chars(text: &str) -> usize {
    text.chars().count()
}

/// UTF-16 units of a text.
pub fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// No signs at all: text is text, and figures stand in lines of words.
pub struct Plain {
    /// How the tool counts.
    pub length: fn(&str) -> usize,
}

impl Markup for Plain {
    fn text(&self, text: &str) -> String {
        text.to_owned()
    }

    fn strong(&self, text: &str) -> String {
        text.to_owned()
    }

    /// As it is in a message's own words: without a mark a condition would run into its value.
    fn code(&self, text: &str) -> String {
        format!("`{text}`")
    }

    fn block(&self, text: &str) -> String {
        text.to_owned()
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("{text} {address}")
    }

    fn length(&self, rendered: &str) -> usize {
        (self.length)(rendered)
    }

    fn width(&self) -> usize {
        0
    }
}

/// Bold, code, blocks and links of HTML.
pub struct Html {
    /// Between two lines.
    pub line_break: &'static str,
    /// Columns of a block, at most.
    pub width: usize,
    /// How the tool counts.
    pub length: fn(&str) -> usize,
}

impl Markup for Html {
    fn text(&self, text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    }

    fn strong(&self, text: &str) -> String {
        format!("<b>{}</b>", self.text(text))
    }

    fn code(&self, text: &str) -> String {
        format!("<code>{}</code>", self.text(text))
    }

    fn block(&self, text: &str) -> String {
        format!("<pre>{}</pre>", self.text(text))
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("<a href=\"{}\">{}</a>", self.text(address), self.text(text))
    }

    fn length(&self, rendered: &str) -> usize {
        (self.length)(rendered)
    }

    fn line_break(&self) -> &'static str {
        self.line_break
    }

    fn width(&self) -> usize {
        self.width
    }
}

/// So many backticks that no run of them in the text is as long, and `least` of them at least.
pub fn fenced(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The text of HTML in which there is nothing but those tags, each of them closed, and references.
    #[track_caller]
    pub fn read_html(html: &str, tags: &[&str]) -> String {
        let (mut text, mut open, mut rest) = (String::new(), Vec::new(), html);
        while let Some((before, after)) = rest.split_once('<') {
            text.push_str(before);
            let (tag, after) = after.split_once('>').unwrap();
            let name = tag.trim_start_matches('/').split(' ').next().unwrap();
            assert!(name == "br" || tags.contains(&name), "<{tag}> in {html}");
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{html}");
            } else if name == "br" {
                text.push('\n');
            } else {
                assert!(
                    !tag.contains(' ') || tag.starts_with("a href=\"http") && tag.matches('"').count() == 2,
                    "<{tag}>"
                );
                open.push(name);
            }
            rest = after;
        }
        text.push_str(rest);
        assert!(open.is_empty() && !text.contains('>'), "{html}");
        let references = text.matches('&').count();
        let ours: usize = ["&amp;", "&lt;", "&gt;", "&quot;"].iter().map(|known| text.matches(known).count()).sum();
        assert_eq!(references, ours, "{html}");
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(["", "a", "`", "a``b`c"].map(|text| fenced(text, 1)), ["`", "`", "``", "```"]);
        assert_eq!(fenced("````", 3), "`````");
    }

    #[test]
    fn html_reads_as_what_was_written() {
        let html = Html { line_break: "<br>", width: 40, length: chars };
        let text = "a <b>\"&amp;</b>";
        for written in [html.text(text), html.strong(text), html.code(text), html.block(text)] {
            assert_eq!(read_html(&written, &["b", "code", "pre"]), text);
        }
        assert_eq!(html.link("a", "https://a.example/?a&b"), "<a href=\"https://a.example/?a&amp;b\">a</a>");
    }

    #[test]
    fn texts_are_counted_as_tools_count() {
        assert_eq!((chars("aé👩"), utf16("aé👩"), json_bytes("aé👩")), (3, 4, 7));
        assert_eq!(json_bytes("\"\\\n\u{1}"), 2 + 2 + 2 + 6);
    }
}
