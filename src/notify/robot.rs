//! What the robots of Feishu, DingTalk and WeCom have in common: a word that must be said, a number that says how it went, and signs of markup that are written wide.

use super::answer::Answer;
use super::markdown::target;
use super::prose::{self, Markup};
use crate::outbox::Message;

/// The title, cut at so many characters, with the word without which the robot takes nothing.
pub fn headline(message: &Message, limit: usize, keyword: Option<&str>) -> String {
    let Some(keyword) = keyword else { return prose::headline(message, limit) };
    let title = prose::headline(message, limit.saturating_sub(keyword.chars().count() + 3));
    if title.contains(keyword) { title } else { format!("{title} · {keyword}") }
}

/// The number under the first of these names that the answer has: 0 is success, whatever the status.
pub fn code(answer: &Answer, names: &[&str]) -> Option<i64> {
    let said = answer.json()?;
    names.iter().find_map(|name| said[*name].as_i64())
}

/// Markdown of tools that know no way to take a sign literally: foreign signs are written wide (`＊` for `*`), as
/// is usual in Chinese, and mean nothing then.
pub struct Wide {
    /// Between two lines.
    pub line_break: &'static str,
    /// How the tool counts.
    pub length: fn(&str) -> usize,
}

/// Signs that mean something within a line.
const SIGNS: [(char, char); 8] =
    [('*', '＊'), ('_', '＿'), ('`', '｀'), ('~', '～'), ('[', '［'), (']', '］'), ('<', '＜'), ('\\', '＼')];
/// Signs that mean something at the beginning of one.
const OPENERS: [(char, char); 4] = [('#', '＃'), ('>', '＞'), ('-', '－'), ('+', '＋')];

fn wide(c: char, signs: &[(char, char)]) -> char {
    signs.iter().find(|(sign, _)| *sign == c).map_or(c, |(_, wide)| *wide)
}

impl Markup for Wide {
    fn text(&self, text: &str) -> String {
        let text = text.trim_start();
        let mut chars = text.chars();
        let first = chars.next().map(|first| wide(wide(first, &SIGNS), &OPENERS));
        first.into_iter().chain(chars.map(|c| wide(c, &SIGNS))).collect()
    }

    fn strong(&self, text: &str) -> String {
        format!("**{}**", self.text(text.trim()))
    }

    fn code(&self, text: &str) -> String {
        self.text(text)
    }

    fn block(&self, text: &str) -> String {
        text.lines().map(|line| self.text(line)).collect::<Vec<_>>().join(self.line_break)
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("[{}]({})", self.text(text), target(address))
    }

    fn length(&self, rendered: &str) -> usize {
        (self.length)(rendered)
    }

    fn line_break(&self) -> &'static str {
        self.line_break
    }

    /// Letters are as wide as they please.
    fn width(&self) -> usize {
        0
    }
}

#[cfg(test)]
pub mod tests {
    use regex::Regex;

    use super::*;

    /// What is left of a text in a chat's Markdown when our own signs are taken away has none of its signs.
    #[track_caller]
    pub fn has_no_foreign_signs(text: &str) {
        let links = Regex::new(r"\[([^\[\]]*)\]\(https?://[^()\s<>]*\)").unwrap();
        let plain = links.replace_all(text, "$1").replace("**", "");
        for line in plain.lines() {
            let line = line.strip_prefix("### ").unwrap_or(line);
            assert!(!line.contains(['*', '_', '`', '~', '[', ']', '<', '\\']), "{line:?}");
            assert!(!line.trim_start().starts_with(['#', '>', '-', '+']), "{line:?}");
        }
    }

    #[test]
    fn foreign_signs_are_written_wide() {
        let markup = Wide { line_break: "\n", length: str::len };
        assert_eq!(markup.text("# *a* [b](c) <@x> d > e"), "＃ ＊a＊ ［b］(c) ＜@x> d > e");
        assert_eq!(markup.text("−28.7 % - declines >= 2"), "−28.7 % - declines >= 2");
        assert_eq!(markup.link("a]b", "https://x.example/(1)"), "[a］b](https://x.example/%281%29)");
        has_no_foreign_signs(&markup.link("a]b", "https://x.example/(1)"));
    }

    #[test]
    fn a_word_that_must_be_said_is_said() {
        use crate::notify::double::fired;
        assert!(headline(&fired(), 60, None).ends_with('…'));
        let with = headline(&fired(), 60, Some("告警"));
        assert!(with.ends_with("… · 告警") && with.chars().count() <= 60, "{with}");
        assert!(!headline(&fired(), 200, Some("magnet")).contains('·'));
    }
}
