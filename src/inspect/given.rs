//! What people and programs give with a question: lines of text, beginnings of ids, tokens.

use super::Unanswered;
use crate::base::text::{REMARK_CHARS_MAX, printable, remark, shorten};

/// A text that has to be a line.
pub fn line(what: &str, text: &str) -> Result<String, Unanswered> {
    let wrong = || format!("`{what}` is no line of text of {} characters at most", REMARK_CHARS_MAX);
    remark(text).map(ToOwned::to_owned).ok_or_else(|| Unanswered::Invalid(wrong()))
}

/// A text that has to be a line, or nothing.
pub fn optional_line(what: &str, text: &str) -> Result<String, Unanswered> {
    if text.is_empty() { Ok(String::new()) } else { line(what, text) }
}

/// The one thing whose id begins so, of those that were found.
pub fn one<T>(mut found: Vec<T>, what: &str, id: &str) -> Result<T, Unanswered> {
    let begins = |how_many: &str| format!("{how_many} an id that begins with {}", printable(id));
    match found.len() {
        0 => Err(Unanswered::Unknown(begins(&format!("no {what} has")))),
        1 => Ok(found.remove(0)),
        _ => Err(Unanswered::Invalid(begins(&format!("more than one {what} has")))),
    }
}

/// That a token did not come with a piece of this list.
pub fn not_a_token(token: &str) -> Unanswered {
    Unanswered::Invalid(format!("`{}` is no `nextToken` of this list", printable(&shorten(token, 60))))
}
