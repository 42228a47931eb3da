//! A config's text as it may be shown: without its secrets, and without what would confuse a terminal.
//!
//! Which places hold secrets is said by those who read them.

use std::ops::Range;

/// What stands where a secret stood.
const MASK: &str = "\"<secret>\"";

/// A text that may be shown, and where each of its places has gone.
#[derive(Debug)]
pub struct Masked {
    /// The text.
    pub text: String,
    /// What was replaced: the stretch of the original, and of this text. In order, apart from each other.
    replaced: Vec<(Range<usize>, Range<usize>)>,
}

impl Masked {
    /// `text` with the stretches of `secrets` hidden. Line numbers stay as they are.
    pub fn new(text: &str, secrets: &[Range<usize>]) -> Self {
        let mut masked = Self { text: String::with_capacity(text.len()), replaced: Vec::new() };
        let mut at = 0;
        for secret in merged(text, secrets) {
            masked.copy(text, at..secret.start);
            let breaks = text[secret.clone()].matches('\n').count();
            masked.replace(secret.clone(), &format!("{MASK}{}", "\n".repeat(breaks)));
            at = secret.end;
        }
        masked.copy(text, at..text.len());
        masked
    }

    /// Takes a stretch over; characters that move a cursor or turn the writing direction become `\u{…}`.
    fn copy(&mut self, text: &str, stretch: Range<usize>) {
        for (offset, c) in text[stretch.clone()].char_indices() {
            let mut buffer = [0; 4];
            let written = c.encode_utf8(&mut buffer);
            let shown = crate::base::text::printable(written);
            let at = stretch.start + offset;
            if matches!(c, '\n' | '\r' | '\t') || shown == *written {
                self.text.push(c);
            } else {
                self.replace(at..at + c.len_utf8(), &shown);
            }
        }
    }

    fn replace(&mut self, original: Range<usize>, by: &str) {
        let start = self.text.len();
        self.text.push_str(by);
        self.replaced.push((original, start..self.text.len()));
    }

    /// Where a stretch of the original is in this text; a part of a secret is the whole mask.
    pub fn place(&self, original: Range<usize>) -> Range<usize> {
        let start = self.offset(original.start, |shown| shown.start);
        let end = self.offset(original.end, |shown| shown.end);
        let end = end.max(start).min(self.text.len());
        // A mask may go on over several lines; only its first is meant.
        let first_line = self.text[start.min(end)..end].find('\n').map_or(end, |newline| start + newline);
        let masked = self.replaced.iter().any(|(hidden, _)| hidden.start < original.end && original.start < hidden.end);
        start.min(end)..if masked { first_line } else { end }
    }

    fn offset(&self, original: usize, within: impl Fn(&Range<usize>) -> usize) -> usize {
        let before = self.replaced.iter().take_while(|(hidden, _)| hidden.start < original).last();
        match before {
            None => original,
            Some((hidden, shown)) if original < hidden.end => within(shown),
            Some((hidden, shown)) => shown.end + (original - hidden.end),
        }
    }
}

/// The stretches in order, overlapping ones as one, and only those that the text has.
fn merged(text: &str, stretches: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut sorted: Vec<Range<usize>> = stretches
        .iter()
        .filter(|stretch| text.get((*stretch).clone()).is_some_and(|part| !part.is_empty()))
        .cloned()
        .collect();
    sorted.sort_by_key(|stretch| (stretch.start, stretch.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for stretch in sorted {
        match merged.last_mut() {
            Some(last) if stretch.start <= last.end => last.end = last.end.max(stretch.end),
            _ => merged.push(stretch),
        }
    }
    merged
}

/// Where secrets probably stand in a text that is no TOML: rather too much than too little.
///
/// On a line that tells of a secret, all behind the `=` (to the end of its string, where that goes over several
/// lines); in a table of headers and within brackets that such a line opens, every line.
pub fn guess(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut in_table, mut in_brackets, mut done) = (Vec::new(), false, false, 0);
    let mut next = 0;
    for line in text.split_inclusive('\n') {
        let start = next;
        next += line.len();
        let trimmed = line.trim();
        if trimmed.starts_with('[') && !in_brackets {
            in_table = is_telling(trimmed);
        }
        if trimmed.starts_with(['}', ']']) {
            in_brackets = false;
        }
        let tells = is_telling(trimmed) || trimmed.contains("://") || trimmed.contains("whsec_");
        let has_value = line.contains('=') || in_brackets;
        if start < done || !has_value || !(tells || in_table || in_brackets) {
            continue;
        }
        let hidden = value(text, start..start + line.trim_end().len());
        in_brackets |= trimmed.ends_with(['{', '[', ',']);
        done = hidden.end;
        found.push(hidden);
    }
    found
}

/// What stands behind the first `=` of a line (all of it, where there is none), to the end of the line or of a
/// string over several.
fn value(text: &str, line: Range<usize>) -> Range<usize> {
    let behind = text[line.clone()].find('=').map_or(line.start, |equals| line.start + equals + 1);
    let rest = &text[behind..line.end];
    let start = behind + (rest.len() - rest.trim_start().len());
    let long = ["\"\"\"", "'''"].into_iter().find(|quote| text[start..].starts_with(quote));
    let end = long.map(|quote| {
        let inner = start + quote.len();
        text[inner..].find(quote).map_or(text.len(), |close| inner + close + quote.len())
    });
    start..end.unwrap_or(line.end).max(line.end)
}

/// Whether a name is one that secrets go by.
pub fn is_telling(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["url", "secret", "pass", "pw", "token", "key", "auth", "cred", "header", "user", "login", "state"]
        .iter()
        .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_places_kept() {
        let text = "a = 'one'\nb = 2\n";
        let masked = Masked::new(text, std::slice::from_ref(&(4..9)));
        assert_eq!(masked.text, "a = \"<secret>\"\nb = 2\n");
        let shown = |place| &masked.text[masked.place(place)];
        assert_eq!(shown(0..1), "a");
        assert_eq!(shown(4..9), "\"<secret>\"");
        assert_eq!(shown(5..7), "\"<secret>\"");
        assert_eq!(shown(10..11), "b");
        assert_eq!(shown(14..15), "2");
        assert_eq!(masked.place(text.len()..text.len()), masked.text.len()..masked.text.len());
    }

    #[test]
    fn lines_keep_their_numbers() {
        let text = "a = '''x\ny\nz'''\nb = 2\n";
        let masked = Masked::new(text, &[4..15, 8..10]);
        assert_eq!(masked.text, "a = \"<secret>\"\n\n\nb = 2\n");
        assert_eq!(&masked.text[masked.place(4..15)], "\"<secret>\"");
        assert_eq!(&masked.text[masked.place(16..17)], "b");
    }

    #[test]
    fn hostile_characters_are_spelled_out() {
        let text = "a = '\u{202E}\u{85}' # é\n";
        let masked = Masked::new(text, &[]);
        assert_eq!(masked.text, "a = '\\u{202e}\\u{85}' # é\n");
        assert_eq!(&masked.text[masked.place(4..11)], "'\\u{202e}\\u{85}'");
        let end = text.find('é').unwrap();
        assert_eq!(&masked.text[masked.place(end..end + 2)], "é");
    }

    #[test]
    fn secrets_of_a_broken_text_are_guessed() {
        let hidden = |text: &str| Masked::new(text, &guess(text)).text;
        assert_eq!(hidden("password = \"hunter2\nx = 1\n"), "password = \"<secret>\"\nx = 1\n");
        assert_eq!(
            hidden("[feed.a.headers]\nx = 'abc'\n[feed.b]\ny = 'z'\n"),
            "[feed.a.headers]\nx = \"<secret>\"\n[feed.b]\ny = 'z'\n"
        );
        assert_eq!(hidden("secret = \"\"\"\nwhsec_a\nb"), "secret = \"<secret>\"\n\n");
        assert_eq!(hidden("severity = 'critical'\n"), "severity = 'critical'\n");
    }
}
