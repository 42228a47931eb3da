//! Figures as people read them: `420.5`, `516 500`, `−28.7 %`.

/// A number with at most six significant digits after rounding noise away, a true minus sign, and
/// spaces between thousands from five digits on (SI Brochure, 9th edition, 5.4.4).
pub fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e15).contains(&magnitude) {
        return format!("{value:e}").replace('-', "−");
    }
    let decimals = if magnitude >= 100_000.0 { 0 } else { decimals_for(magnitude) };
    grouped(&format!("{magnitude:.decimals$}"), value < 0.0)
}

/// A ratio as a percentage with one decimal: `−28.7 %`, and a plus sign for a rise.
pub fn percent(ratio: f64) -> String {
    if ratio.is_infinite() {
        return format!("{}∞ %", if ratio > 0.0 { "+" } else { "−" });
    }
    let text = percent_plain(ratio);
    if ratio > 0.0 && text != "0 %" { format!("+{text}") } else { text }
}

/// A ratio as a percentage without a plus sign, for shares and thresholds: `70 %`, `−28.7 %`.
pub fn percent_plain(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if percent.abs() >= 1e6 {
        return format!("{} %", number(percent));
    }
    let decimals = if percent.abs() >= 0.1 || percent == 0.0 { 1 } else { 3 };
    format!("{} %", grouped(&format!("{:.decimals$}", percent.abs()), percent < 0.0))
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

/// Drops trailing zeros, groups the integer part and puts the sign.
fn grouped(text: &str, negative: bool) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if whole.len() > 4 && index > 0 && left % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    if negative && out.bytes().any(|b| (b'1'..=b'9').contains(&b)) { format!("−{out}") } else { out }
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
    fn ratios_are_percentages() {
        assert_eq!(percent(420.5 / 590.0 - 1.0), "−28.7 %");
        assert_eq!(percent(0.1107), "+11.1 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(f64::INFINITY), "+∞ %");
        assert_eq!(percent(1e-5), "+0.001 %");
        assert_eq!(percent_plain(0.7), "70 %");
    }

    #[test]
    fn ordinals_know_their_teens() {
        let words: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 112].into_iter().map(ordinal).collect();
        assert_eq!(words.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 112th");
    }
}
