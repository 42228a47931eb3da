//! From an expression's text to tokens with their places.
//!
//! A period literal is one token: `2025-08` is a month, `2025 - 08` a subtraction. Which names are
//! measures is not known here.

use std::ops::Range;

use super::{ExprError, advice};
use crate::base::limits::EXPRESSION_CHARS_MAX;
use crate::base::text::{printable, shorten};
use crate::period::{Length, Period};
use crate::series::{UNITS, Unit};

/// One token with its place in the text, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Range<usize>,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// `400`, `1e6`, `1_000`.
    Number(f64),
    /// `10%`, as 10.
    Percent(f64),
    /// `400 t`.
    Quantity(f64, Unit),
    /// `3mo`.
    Length(Length),
    /// `2025-08`.
    Period(Period),
    /// A measure's or argument's name, `and`, `or`, `not`.
    Name(String),
    /// `'CN'` or `"CN"`, without its quotes.
    Text(String),
    /// `declines >= 2`'s `>=` and the like.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// What to write where a number is broken by a comma or an apostrophe.
pub const THOUSANDS: &str = "thousands are written `1_000` or `1000`, decimals `1.5`";

/// Signs, longer ones first; the second column is what it means where it is written otherwise.
const SIGNS: [(&str, &str); 18] = [
    (">=", ">="),
    ("<=", "<="),
    ("==", "=="),
    ("!=", "!="),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("−", "-"),
    ("×", "*"),
    ("÷", "/"),
    (">", ">"),
    ("<", "<"),
    ("=", "="),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("%", "%"),
];
const BRACKETS: [(&str, &str); 3] = [("(", "("), (")", ")"), (",", ",")];

/// Reads a whole text.
pub fn tokens(text: &str) -> Result<Vec<Token>, ExprError> {
    if text.chars().count() > EXPRESSION_CHARS_MAX {
        let message = format!("an expression has at most {EXPRESSION_CHARS_MAX} characters");
        let error = ExprError::new(0..text.len(), message, "too long");
        return Err(error.with_help("split it into several gates, or several rules"));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token.kind == TokenKind::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn next(&mut self) -> Result<Token, ExprError> {
        self.skip_space();
        let start = self.at;
        let kind = self.kind()?;
        Ok(Token { kind, span: start..self.at })
    }

    fn kind(&mut self) -> Result<TokenKind, ExprError> {
        let Some(first) = self.rest().chars().next() else { return Ok(TokenKind::End) };
        if first.is_ascii_digit() || (first == '.' && self.rest()[1..].starts_with(|c: char| c.is_ascii_digit())) {
            return self.number();
        }
        if first.is_alphabetic() || first == '_' {
            let name = self.word(|c| c.is_alphanumeric() || c == '_');
            return Ok(TokenKind::Name(name));
        }
        if let Some((written, sign)) = SIGNS.iter().chain(&BRACKETS).find(|(sign, _)| self.rest().starts_with(sign)) {
            self.at += written.len();
            return Ok(TokenKind::Sign(sign));
        }
        let span = self.at..self.at + first.len_utf8();
        if first == '\'' || first == '"' {
            return self.text(first);
        }
        let message = format!("`{}` has no meaning in an expression", printable(&first.to_string()));
        let error = ExprError::new(span, message, "expected a measure, a number or a sign");
        Err(error.with_help(advice::sign(first)))
    }

    /// A text in quotes; within them stands anything but the quote itself.
    fn text(&mut self, quote: char) -> Result<TokenKind, ExprError> {
        let (start, inner) = (self.at, &self.rest()[1..]);
        let Some(length) = inner.find(quote) else {
            let error = ExprError::new(start..self.text.len(), "the text does not end", format!("expected `{quote}`"));
            let in_number = self.text[..start].ends_with(|c: char| c.is_ascii_digit());
            let help = if in_number { THOUSANDS.to_owned() } else { format!("write `{quote}` at its end") };
            return Err(error.with_help(help));
        };
        let text = inner[..length].to_owned();
        self.at = start + length + 2;
        Ok(TokenKind::Text(text))
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let length = self.rest().find(|c| !belongs(c)).unwrap_or(self.rest().len());
        let word = self.rest()[..length].to_owned();
        self.at += length;
        word
    }

    /// A number with what belongs to it: a percent sign, a length's or a quantity's unit; or a period.
    fn number(&mut self) -> Result<TokenKind, ExprError> {
        if let Some(period) = self.period() {
            return Ok(TokenKind::Period(period));
        }
        let start = self.at;
        let digits = number_length(self.rest());
        let value: f64 = self.rest()[..digits].replace('_', "").parse().unwrap_or(f64::NAN);
        if !value.is_finite() {
            let message = format!("`{}` is no finite number", &self.rest()[..digits]);
            let error = ExprError::new(start..start + digits, message, "too large");
            return Err(error.with_help("write a number below 1.8e308"));
        }
        self.at += digits;
        if let Some(length) = self.length(start) {
            return Ok(TokenKind::Length(length));
        }
        let before = self.at;
        self.skip_space();
        if self.rest().starts_with('%') {
            self.at += 1;
            return Ok(TokenKind::Percent(value));
        }
        let text = self.text;
        let unit = self.unit(before == self.at, &text[start..start + digits])?;
        if unit.is_none() {
            self.at = before;
        }
        Ok(unit.map_or(TokenKind::Number(value), |unit| TokenKind::Quantity(value, unit)))
    }

    /// `2025-09-18`, `2025-W38`, `2025-09`, `2025-Q3` without anything that belongs to it after it.
    fn period(&mut self) -> Option<Period> {
        [10, 8, 7].into_iter().find_map(|length| {
            let text = self.rest().get(..length)?;
            let alone = !self.rest()[length..].starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
            let period = Period::parse(text).ok().filter(|_| alone)?;
            self.at += length;
            Some(period)
        })
    }

    /// `30d`, `2w`, `3mo`, `1y`, directly behind the number.
    fn length(&mut self, start: usize) -> Option<Length> {
        let letters = self.rest().find(|c: char| !c.is_alphanumeric()).unwrap_or(self.rest().len());
        let end = self.at + letters;
        let length = Length::parse(&self.text[start..end])?;
        self.at = end;
        Some(length)
    }

    /// A unit behind a number: `t`, `USD/kg`, `MUSD`. A word that stands apart and is no unit belongs to
    /// what follows (`2 and …`); one that touches the number is a mistake.
    fn unit(&mut self, touches: bool, number: &str) -> Result<Option<Unit>, ExprError> {
        let start = self.at;
        let name = |text: &str| text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
        let first = name(self.rest());
        if first == 0 {
            return Ok(None);
        }
        let end = start + first;
        if let Some(below) = self.text[end..].strip_prefix('/') {
            let compound = end + 1 + name(below);
            if let Ok(unit) = Unit::parse(&self.text[start..compound]) {
                self.at = compound;
                return Ok(Some(unit));
            }
        }
        let word = &self.text[start..end];
        match Unit::parse(word) {
            Ok(unit) => {
                self.at = end;
                Ok(Some(unit))
            }
            Err(_) if !touches && matches!(word, "and" | "or" | "not") => Ok(None),
            Err(_) => Err(no_unit(word, number, start..end)),
        }
    }
}

/// A word behind a number that is no unit.
fn no_unit(word: &str, number: &str, span: Range<usize>) -> ExprError {
    let message = format!("`{}` is no unit", shorten(&printable(word), 40));
    let help = advice::unit(word, number).unwrap_or_else(|| format!("a unit is {UNITS}"));
    ExprError::new(span, message, "expected a unit").with_help(help)
}

/// How many bytes belong to a number: digits with `_`, a fraction, an exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let count = bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count();
        from + count
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = end + 1 + sign;
        if bytes.get(exponent).is_some_and(u8::is_ascii_digit) {
            end = digits(exponent);
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = tokens(text).unwrap();
        let told: Vec<String> = read
            .iter()
            .map(|token| match &token.kind {
                TokenKind::Number(value) => format!("n{value}"),
                TokenKind::Percent(value) => format!("p{value}"),
                TokenKind::Quantity(value, unit) => format!("q{value}[{unit}]"),
                TokenKind::Length(length) => format!("l{length}"),
                TokenKind::Period(period) => format!("@{period}"),
                TokenKind::Name(name) => name.clone(),
                TokenKind::Text(text) => format!("'{text}'"),
                TokenKind::Sign(sign) => (*sign).to_owned(),
                TokenKind::End => ".".to_owned(),
            })
            .collect();
        assert_eq!(told.join(" "), expected, "{text}");
    }

    #[test]
    fn texts_become_tokens() {
        check("declines >= 2", "declines >= n2 .");
        check("change_since(2025-08) > 10%", "change_since ( @2025-08 ) > p10 .");
        check("2025 - 08", "n2025 - n8 .");
        check("2025-W38 2025-Q3 2025-09-18", "@2025-W38 @2025-Q3 @2025-09-18 .");
        check("value < 400 t and 2 or 3", "value < q400[t] and n2 or n3 .");
        check("400t 1 MUSD 500 USD/kg", "q400[t] q1[MUSD] q500[USD/kg] .");
        check("mean(3mo) 30d 1y 2w", "mean ( l3mo ) l30d l1y l2w .");
        check("1_000 1e6 .5 2.5e-3", "n1000 n1000000 n0.5 n0.0025 .");
        check("yoy ≥ −25 %", "yoy >= - p25 .");
        check(r#"share(partner = 'CN') "a'b" '' x"#, "share ( partner = 'CN' ) 'a'b' '' x .");
        check("", ".");
    }

    #[test]
    fn what_is_no_token_is_an_error() {
        let error = |text: &str| tokens(text).unwrap_err().message;
        assert_eq!(error("value & 2"), "`&` has no meaning in an expression");
        assert_eq!(error("400 parsecs"), "`parsecs` is no unit");
        assert_eq!(error("share(partner='CN)"), "the text does not end");
        assert_eq!(error("1e999"), "`1e999` is no finite number");
    }
}
