//! Figures as publishers write them. What is not clearly a number is refused: a wrong guess about a
//! comma is a thousandfold error.

use crate::base::text::{printable, shorten};
use crate::series::Finite;

/// How a feed writes its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// The sign between whole and fraction: `.` or `,`.
    pub decimal: char,
    /// The sign between thousands, where there is one.
    pub thousands: Option<char>,
}

/// What publishers write where they have no figure: never a zero.
pub fn is_unavailable(text: &str) -> bool {
    const SIGNS: [&str; 9] = ["", "-", "–", "—", ".", "..", "...", "…", ":"];
    const WORDS: [&str; 6] = ["na", "n/a", "n.a.", "n.a", "null", "#n/a"];
    let text = text.trim();
    SIGNS.contains(&text) || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a text is digits, with a minus before them and a point among them at most: what Rust reads as it
/// stands, and too short to be too large or too small for a figure.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let points = digits.iter().filter(|byte| **byte == b'.').count();
    digits.len() <= 30
        && digits.len() > points
        && points <= 1
        && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

impl Numbers {
    /// Reads a figure; `Ok(None)` where the text says that there is none.
    pub fn read(self, text: &str) -> Result<Option<Finite>, String> {
        let text = text.trim();
        if is_unavailable(text) {
            return Ok(None);
        }
        if self.decimal == '.' && is_plain(text) {
            return text.parse().map_err(|_| self.wrong(text)).map(Finite::new);
        }
        let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let plain = self.plain(digits).ok_or_else(|| self.wrong(text))?;
        let value: f64 = format!("{sign}{plain}").parse().map_err(|_| self.wrong(text))?;
        let zero =
            plain.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).all(|byte| matches!(byte, b'0' | b'.'));
        if value == 0.0 && !zero {
            return Err(format!("`{}` is too small for a figure", shown(text)));
        }
        Finite::new(value).map(Some).ok_or_else(|| format!("`{}` is too large for a figure", shown(text)))
    }

    /// A number without its sign, as Rust writes it; `None` for what is none.
    fn plain(self, text: &str) -> Option<String> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let (whole, fraction) = mantissa.split_once(self.decimal).unwrap_or((mantissa, ""));
        let whole = self.ungrouped(whole)?;
        if !all_digits(fraction) || whole.len() + fraction.len() == 0 {
            return None;
        }
        let exponent = match exponent {
            Some(power) if is_exponent(power) => format!("e{power}"),
            Some(_) => return None,
            None => String::new(),
        };
        Some(format!(
            "{}.{}{exponent}",
            if whole.is_empty() { "0" } else { &whole },
            if fraction.is_empty() { "0" } else { fraction }
        ))
    }

    /// Whole digits without the signs between thousands. Groups have three digits, or two before the
    /// last (as in 12,34,567), so that a decimal comma is never taken for one.
    fn ungrouped(self, text: &str) -> Option<String> {
        let groups: Vec<&str> = text.split(|c| self.is_thousands(c)).collect();
        let digits = groups.iter().all(|group| all_digits(group));
        let grouped = match groups.as_slice() {
            [_] => true,
            [first, middle @ .., last] => {
                (1..=3).contains(&first.len())
                    && middle.iter().all(|group| matches!(group.len(), 2 | 3))
                    && last.len() == 3
            }
            [] => false,
        };
        (digits && grouped).then(|| groups.concat())
    }

    /// Where a space or an apostrophe stands between thousands, its typographic sisters do too.
    fn is_thousands(self, c: char) -> bool {
        const SPACES: [char; 4] = [' ', '\u{A0}', '\u{202F}', '\u{2009}'];
        const APOSTROPHES: [char; 2] = ['\'', '\u{2019}'];
        self.thousands.is_some_and(|sign| {
            let family = |signs: &[char]| signs.contains(&sign) && signs.contains(&c);
            c == sign || family(&SPACES) || family(&APOSTROPHES)
        })
    }

    fn wrong(self, text: &str) -> String {
        let lower = text.trim_start_matches(['-', '+', '\u{2212}']).to_ascii_lowercase();
        if matches!(lower.as_str(), "nan" | "inf" | "infinity" | "∞") {
            return format!("`{}` is no figure", shown(text));
        }
        let hint = match (self.decimal, self.thousands) {
            ('.', None) if text.contains(',') => {
                ": set `thousands = \",\"` or `decimal = \",\"` if the feed writes numbers so"
            }
            (',', None) if text.contains('.') => {
                ": set `thousands = \".\"` or `decimal = \".\"` if the feed writes numbers so"
            }
            _ => "",
        };
        format!("`{}` is no number{hint}", shown(text))
    }
}

fn shown(text: &str) -> String {
    printable(&shorten(text, 60))
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    (1..=4).contains(&digits.len()) && all_digits(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(decimal: char, thousands: Option<char>, text: &str, expected: Option<f64>) {
        let read = Numbers { decimal, thousands }.read(text).ok().flatten().map(Finite::get);
        assert_eq!(read, expected, "{text:?}");
    }

    #[test]
    fn numbers_are_read_as_the_feed_writes_them() {
        for (text, value) in [
            ("420.5", 420.5),
            (" -28.7 ", -28.7),
            ("\u{2212}3", -3.0),
            ("+7", 7.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1.5E-3", 0.0015),
            ("0", 0.0),
            ("0e5", 0.0),
            ("1600.59822744015", 1_600.598_227_440_15),
            ("007", 7.0),
        ] {
            check('.', None, text, Some(value));
        }
        check('.', Some(','), "43,968,400", Some(43_968_400.0));
        check('.', Some(','), "1,234.5", Some(1234.5));
        check('.', Some(','), "12,34,567.8", Some(1_234_567.8));
        check(',', Some('.'), "1.234,5", Some(1234.5));
        check(',', None, "12,4", Some(12.4));
        check('.', Some(' '), "1 234\u{A0}567\u{202F}890", Some(1_234_567_890.0));
        check('.', Some('\u{202F}'), "1 234", Some(1234.0));
        check('.', Some('\''), "1'234’567", Some(1_234_567.0));
    }

    #[test]
    fn what_is_not_clearly_a_number_is_refused() {
        for text in [
            "1,234",
            "12,4",
            "1,2E3",
            "(1,234)",
            "590*",
            "590 p",
            "$590",
            "28.7%",
            "1 234",
            "--5",
            "5-",
            "1.2.3",
            "0x10",
            "NaN",
            "inf",
            "-Infinity",
            "1e400",
            "-1e400",
            "1e-400",
            "e5",
            "1e",
            "1e99999",
            "+",
            "１２",
            "1_000",
            "c",
            "1e5.5",
        ] {
            assert!(Numbers { decimal: '.', thousands: None }.read(text).is_err(), "{text:?}");
        }
        for text in ["12,4", "1,2345", "1234,567", ",123", "1,,234", "1.234,567", "1,23", "1,234,56"] {
            assert!(Numbers { decimal: '.', thousands: Some(',') }.read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_not_zero() {
        let numbers = Numbers { decimal: '.', thousands: None };
        for text in ["", " ", "-", "–", ".", "..", "…", ":", "NA", "n/a", "N.A.", "NULL", "#N/A", "\u{A0}"] {
            assert_eq!(numbers.read(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn errors_say_what_to_set() {
        let error = |decimal, text: &str| Numbers { decimal, thousands: None }.read(text).unwrap_err();
        let errors = [
            error('.', "1,234"),
            error(',', "1.234"),
            error('.', "NaN"),
            error('.', "1e400"),
            error('.', "1e-400"),
            error('.', "ab\u{1b}c"),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        `1,234` is no number: set `thousands = ","` or `decimal = ","` if the feed writes numbers so
        `1.234` is no number: set `thousands = "."` or `decimal = "."` if the feed writes numbers so
        `NaN` is no figure
        `1e400` is too large for a figure
        `1e-400` is too small for a figure
        `ab\u{1b}c` is no number
        "#);
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_prints(value in -1e15_f64..1e15) {
            let numbers = Numbers { decimal: '.', thousands: None };
            prop_assert_eq!(numbers.read(&value.to_string()), Ok(Finite::new(value)));
            let comma = Numbers { decimal: ',', thousands: Some('.') };
            prop_assert_eq!(comma.read(&value.to_string().replace('.', ",")), Ok(Finite::new(value)));
        }

        #[test]
        fn no_text_is_a_panic(text in ".{0,12}", decimal in prop_oneof![Just('.'), Just(',')]) {
            let _ = Numbers { decimal, thousands: Some('\'') }.read(&text);
        }
    }
}
