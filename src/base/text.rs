//! Text made safe to show, and the nearest known name for a mistyped one.
//!
//! Escaping for a markup (HTML, Slack, …) is the business of the edge that speaks it.

use std::borrow::Cow;

/// `text` without characters that move a cursor, end a line, or change the reading direction.
///
/// Control characters (C0, DEL, C1) and bidirectional controls become `\u{…}` escapes; everything
/// else stays. Feed text goes through here before it reaches a terminal, a log or a header.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_hostile(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// The same of a text that may have lines: their ends and tabs stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    let stays = |c: char| matches!(c, '\n' | '\t') || !is_hostile(c);
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if stays(c) { c.to_string() } else { c.escape_unicode().to_string() }).collect()
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// The schema of what is told as text, for the API's document.
pub fn schema(description: &str) -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
    text.description(Some(description)).into()
}

/// Characters of a remark, at most.
pub const REMARK_CHARS_MAX: usize = 500;

/// What a person writes in one line, such as a comment or a name, without the blanks around it; `None` where it is
/// none: empty, of more lines, or longer than [`REMARK_CHARS_MAX`].
pub fn remark(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && printable(text) == text && text.chars().count() <= REMARK_CHARS_MAX).then_some(text)
}

/// At most `limit` characters of `text`, with `…` where some were cut.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// The candidate most like `name`, if one is near enough to be what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let score = |candidate: &str| strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
    candidates
        .into_iter()
        .map(|candidate| (score(candidate), candidate))
        .filter(|(score, _)| *score >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `"a", "b" and "c"` for a sentence: the items quoted with backticks.
pub fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = items.into_iter().map(|item| format!("`{}`", printable(item.as_ref()))).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `1 row`, `2 rows`: a count with its noun.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `3 d`, `26 h`, `15 min`: the largest unit of which there are two or more.
pub fn lasting(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds >= 2 * unit).unwrap_or((1, "s"));
    format!("{} {name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_are_escaped() {
        assert_eq!(printable("a\nb\u{1b}[31m"), "a\\u{a}b\\u{1b}[31m");
        assert_eq!(printable("x\u{202E}y\u{85}"), "x\\u{202e}y\\u{85}");
        assert_eq!(printable("稀土 −28.7 %"), "稀土 −28.7 %");
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("declins", ["rises", "declines"]), Some("declines"));
        assert_eq!(nearest("zzz", ["rises", "declines"]), None);
    }

    #[test]
    fn lists_and_counts_read_as_words() {
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(list(Vec::<String>::new()), "none");
        assert_eq!((counted(1, "row"), counted(2, "row")), ("1 row".into(), "2 rows".into()));
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
