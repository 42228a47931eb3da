//! Figures as people read them: `420.5`, `516 500`, `−28.7 %`.

use super::Notation;

/// A number with at most six significant digits after rounding noise away, a true minus sign, and
/// spaces between thousands from five digits on (SI Brochure, 9th edition, 5.4.4).
pub fn number(value: f64) -> String {
    Notation::default().number(value)
}

/// A ratio as a percentage without a plus sign, for shares and thresholds: `70 %`, `−28.7 %`.
pub fn percent_plain(ratio: f64) -> String {
    Notation::default().percent_plain(ratio)
}

/// The digits of a finite number, with a point and an ASCII sign: `-1234.57`, `1.5e18`.
pub fn digits(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e15).contains(&magnitude) {
        return format!("{value:e}");
    }
    rounded(value, if magnitude >= 100_000.0 { 0 } else { decimals_for(magnitude) })
}

/// The digits of a finite ratio as a percentage.
pub fn percent_digits(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if percent.abs() >= 1e6 {
        return digits(percent);
    }
    rounded(percent, if percent.abs() >= 0.1 || percent == 0.0 { 1 } else { 3 })
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`, …
pub fn ordinal(n: u64) -> String {
    let suffix = match (n % 10, n % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

/// Enough decimals for six significant digits, at most six of them.
fn decimals_for(magnitude: f64) -> usize {
    (0..6)
        .rev()
        .find(|power| magnitude >= 10_f64.powi(*power))
        .map_or(6, |power| usize::try_from(5 - power).unwrap_or(0))
}

/// So many decimals, without trailing zeros, and nothing without a sign.
fn rounded(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let is_nothing = !text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if is_nothing { "0".to_owned() } else { text.to_owned() }
}

/// Digits in the program's own way: the integer part in groups, and a true minus sign.
pub fn plain(digits: &str) -> String {
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let count = whole.bytes().filter(u8::is_ascii_digit).count();
    let mut out = String::new();
    let mut left = count;
    for c in whole.chars() {
        if c.is_ascii_digit() {
            if count > 4 && left < count && left.is_multiple_of(3) {
                out.push(' ');
            }
            left -= 1;
        }
        out.push(if c == '-' { '−' } else { c });
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_people() {
        let check = |value: f64, expected: &str| assert_eq!(number(value), expected);
        check(420.5, "420.5");
        check(6357.0, "6357");
        check(516_500.0, "516 500");
        check(-41_200.0, "−41 200");
        check(0.1 + 0.2, "0.3");
        check(0.0, "0");
        check(-0.0, "0");
        check(0.000_25, "0.00025");
        check(1e-9, "1e−9");
        check(1.5e18, "1.5e18");
        check(f64::INFINITY, "∞");
        check(1_234.567_89, "1234.57");
    }

    #[test]
    fn a_share_has_no_plus_sign() {
        assert_eq!(percent_plain(0.7), "70 %");
    }

    #[test]
    fn ordinals_know_their_teens() {
        let words: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 112].into_iter().map(ordinal).collect();
        assert_eq!(words.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 112th");
    }
}
