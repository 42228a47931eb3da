//! How what templates are given becomes text of a page: neither markup, nor anything that turns or hides what is around it.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};

use crate::base::text::printable_lines;

/// HTML's escapes, and those of characters that no page shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

impl Escaper for Text {
    fn write_escaped_str<W: Write>(&self, dest: W, string: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &printable_lines(string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_text_alone() {
        let mut shown = String::new();
        Text.write_escaped_str(&mut shown, "<b>\u{202e}\"é\u{1b}[31m\n\tx").unwrap();
        assert_eq!(shown, "&#60;b&#62;\\u{202e}&#34;é\\u{1b}[31m\n\tx");
    }
}
