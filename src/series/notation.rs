//! How figures are written for a reader: by which locale, in which units.
//!
//! Only how a figure is told: what machines read stays in the series' own unit.

use super::locale::Locale;
use super::number::{digits, percent_digits, plain};
use super::{Dimension, Quantity, Unit};

/// How figures are written for a reader; by default as the SI Brochure has it, in the series' own units.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Notation {
    /// Whose separators and signs they have; `None`: the program's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The units that they are told in, one of a dimension at most; of other dimensions, the series' own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Unit>,
}

impl Notation {
    /// A number with at most six significant digits after rounding noise away.
    pub fn number(&self, value: f64) -> String {
        if value.is_infinite() {
            return if value > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
        }
        self.written(&digits(value))
    }

    /// A ratio as a percentage with one decimal: `−28.7 %`, and a plus sign for a rise.
    pub fn percent(&self, ratio: f64) -> String {
        if ratio.is_infinite() {
            return self.with_percent(if ratio > 0.0 { "+∞" } else { "−∞" });
        }
        let sign = if ratio > 0.0 && percent_digits(ratio) != "0" { "+" } else { "" };
        self.with_percent(&self.written(&format!("{sign}{}", percent_digits(ratio))))
    }

    /// A ratio as a percentage without a plus sign, for shares and thresholds: `70 %`, `−28.7 %`.
    pub fn percent_plain(&self, ratio: f64) -> String {
        self.with_percent(&self.written(&percent_digits(ratio)))
    }

    /// So many percent as somebody wrote them: `12.25 %`.
    pub fn percent_of(&self, percent: f64) -> String {
        self.with_percent(&self.number(percent))
    }

    /// `420.5 t`, in the reader's unit.
    pub fn quantity(&self, value: f64, unit: Option<&Unit>) -> String {
        let Some(unit) = unit else { return self.number(value) };
        let own = self.unit(unit);
        self.with_unit(unit.convert(value, own).unwrap_or(value), own)
    }

    /// A quantity in the unit that somebody wrote it in.
    pub fn as_written(&self, quantity: &Quantity) -> String {
        quantity.unit.as_ref().map_or_else(|| self.number(quantity.value), |unit| self.with_unit(quantity.value, unit))
    }

    /// The unit in which figures of a unit are told.
    pub fn unit<'a>(&'a self, unit: &'a Unit) -> &'a Unit {
        self.units.iter().find(|own| unit.converts_to(own)).unwrap_or(unit)
    }

    fn with_unit(&self, value: f64, unit: &Unit) -> String {
        match unit.dimension() {
            Dimension::Percent => self.percent_of(value),
            _ => format!("{} {unit}", self.number(value)),
        }
    }

    /// Digits with their exponent, where they have one.
    fn written(&self, digits: &str) -> String {
        let written = |part| self.locale.as_ref().map_or_else(|| plain(part), |locale| locale.number(part));
        digits.split('e').map(written).collect::<Vec<_>>().join("e")
    }

    /// A number with its percent sign, which stands behind the sign where it stands before the digits.
    fn with_percent(&self, number: &str) -> String {
        let (before, after) = self.locale.as_ref().map_or(("", " %"), Locale::percent);
        let first = number.find(|c: char| c.is_ascii_digit() || c == '∞').unwrap_or_default();
        let (sign, digits) = number.split_at(first);
        format!("{sign}{before}{digits}{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notation(locale: &str, units: &[&str]) -> Notation {
        let units = units.iter().map(|unit| Unit::parse(unit).unwrap()).collect();
        Notation { locale: Some(Locale::parse(locale).unwrap()), units }
    }

    /// Spaces that do not break a line are shown as `_`, narrow ones as `~`.
    #[track_caller]
    fn check(locale: &str, expected: [&str; 4]) {
        let notation = notation(locale, &[]);
        let told = [
            notation.number(-1234.56),
            notation.number(1_234_567.0),
            notation.percent(420.5 / 590.0 - 1.0),
            notation.percent(0.111),
        ];
        assert_eq!(told.map(|text| text.replace('\u{a0}', "_").replace('\u{202f}', "~")), expected, "{locale}");
    }

    /// By the charts of the CLDR (<https://www.unicode.org/cldr/charts/>, "Number Formatting Patterns").
    #[test]
    fn each_locale_has_its_separators_and_signs() {
        check("de", ["-1.234,56", "1.234.567", "-28,7_%", "+11,1_%"]);
        check("de-CH", ["-1'234.56", "1'234'567", "-28.7%", "+11.1%"]);
        check("de-AT", ["-1_234,56", "1_234_567", "-28,7_%", "+11,1_%"]);
        check("fr", ["-1~234,56", "1~234~567", "-28,7_%", "+11,1_%"]);
        check("en", ["-1,234.56", "1,234,567", "-28.7%", "+11.1%"]);
        check("en-GB", ["-1,234.56", "1,234,567", "-28.7%", "+11.1%"]);
        check("en-IN", ["-1,234.56", "12,34,567", "-28.7%", "+11.1%"]);
        check("zh", ["-1,234.56", "1,234,567", "-28.7%", "+11.1%"]);
        check("ja", ["-1,234.56", "1,234,567", "-28.7%", "+11.1%"]);
        check("pt-BR", ["-1.234,56", "1.234.567", "-28,7%", "+11,1%"]);
        check("es", ["-1234,56", "1.234.567", "-28,7_%", "+11,1_%"]);
        check("es-MX", ["-1,234.56", "1,234,567", "-28.7%", "+11.1%"]);
        check("sv", ["−1_234,56", "1_234_567", "−28,7_%", "+11,1_%"]);
        check("tr", ["-1.234,56", "1.234.567", "-%28,7", "+%11,1"]);
        check("ar-EG", ["-1,234.56", "1,234,567", "-28.7%", "+11.1%"]);
        check("hi", ["-1,234.56", "12,34,567", "-28.7%", "+11.1%"]);
    }

    #[test]
    fn what_is_very_small_large_or_without_end_is_written_too() {
        let notation = notation("de", &[]);
        let told = [1e-9, 1.5e18, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.000_25].map(|value| notation.number(value));
        assert_eq!(told, ["1e-9", "1,5e18", "∞", "−∞", "0", "0,00025"]);
        assert_eq!(notation.percent(f64::INFINITY), "+∞\u{a0}%");
        assert_eq!(
            (notation.percent(0.0), notation.percent_plain(0.7)),
            ("0\u{a0}%".to_owned(), "70\u{a0}%".to_owned())
        );
        assert_eq!(notation.percent_plain(12_345.6), "1.234.560\u{a0}%");
    }

    #[test]
    fn figures_are_told_in_the_readers_unit_where_they_fit() {
        let unit = |text| Unit::parse(text).unwrap();
        let notation = notation("de", &["kg", "MUSD", "CNY/kg"]);
        let told = |value, text: &'static str| notation.quantity(value, Some(&unit(text)));
        assert_eq!(told(420.5, "t"), "420.500 kg");
        assert_eq!(told(35.25, "kg"), "35,25 kg");
        assert_eq!(told(516_500.0, "CNY/t"), "516,5 CNY/kg");
        assert_eq!(told(2_500_000.0, "USD"), "2,5 MUSD");
        assert_eq!(told(2_500_000.0, "EUR"), "2.500.000 EUR", "money of another currency is not converted");
        assert_eq!(told(3.25, "percent"), "3,25\u{a0}%");
        assert_eq!(notation.quantity(1234.0, None), "1.234");
        assert_eq!(notation.as_written(&Quantity::parse("400 t").unwrap()), "400 t", "as somebody wrote it");
        let plain = Notation::default();
        let percentages = [420.5 / 590.0 - 1.0, 0.1107, 0.0, f64::INFINITY, 1e-5].map(|ratio| plain.percent(ratio));
        assert_eq!(percentages, ["−28.7 %", "+11.1 %", "0 %", "+∞ %", "+0.001 %"]);
        assert_eq!(plain.quantity(420_500.0, Some(&unit("kg"))), "420 500 kg");
        assert_eq!(plain.quantity(3.25, Some(&unit("percent"))), "3.25 %");
    }

    #[test]
    fn a_notation_is_read_as_it_was_kept() {
        for notation in [Notation::default(), notation("pt-BR", &["kg", "CNY/t"])] {
            let kept = serde_json::to_string(&notation).unwrap();
            assert_eq!(serde_json::from_str::<Notation>(&kept).unwrap(), notation, "{kept}");
        }
        assert_eq!(serde_json::to_string(&Notation::default()).unwrap(), "{}");
    }
}
