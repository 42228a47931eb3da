//! How a locale writes figures: `1.234,5` and `-28,7 %` in German.
//!
//! Figures alone: sentences stay English, and so do the names of months in them.

use std::fmt;

use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_decimal::preferences::NumberingSystem;
use icu_decimal::{DecimalFormatter, DecimalFormatterPreferences};
use icu_locale_core::LanguageIdentifier;
use icu_locale_core::extensions::unicode::value;

/// A language that figures are written in, with a region where that makes a difference.
///
/// Separators, groups and signs are those of the Unicode CLDR as ICU4X has them, in Western digits: sentences are
/// English, and periods have such digits too.
#[derive(Clone)]
pub struct Locale {
    tag: String,
    numbers: DecimalFormatterPreferences,
    percent: (&'static str, &'static str),
}

/// Languages that set the percent sign apart, and locales that do so against their language (CLDR 48, the percent
/// formats of the languages of modern coverage).
const APART: &str = "be br ca cs da de es fi fo fr gl hr lb lt mk nb nn no ro ru sk sl sv \
                     en-AT en-DE en-DK en-FI en-NO en-SE";
/// Those that do not.
const CLOSE: &str = "af am ar as az bg bn bs cy el en et fa fil ga gu he hi hu hy id is it ja ka kk km kn ko ky lo lv \
                     ml mn mr ms my ne nl or pa pl pt si sq sr sw ta te th uk ur uz vi yue zh zu \
                     de-CH de-LI fr-CH es-419 es-AR es-BO es-BR es-BZ es-CL es-CO es-CR es-CU es-DO es-EC es-GT es-HN \
                     es-MX es-NI es-PA es-PE es-PR es-PY es-SV es-US es-UY es-VE";
/// Those that write it before the figure, without and with a space.
const BEFORE: (&str, &str) = ("tr", "eu");

/// Signs that order text of two directions, which our sentences are not.
const DIRECTIONS: [char; 3] = ['\u{200e}', '\u{200f}', '\u{61c}'];

/// Why a text names no locale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no known locale")]
pub struct LocaleError {
    /// The text as found.
    pub text: String,
    /// What may have been meant.
    pub near: Option<String>,
}

impl Locale {
    /// Reads a tag of BCP 47: `de`, `en-GB`, `zh-Hant-TW`.
    pub fn parse(text: &str) -> Result<Self, LocaleError> {
        Self::read(text).ok_or_else(|| LocaleError { text: text.to_owned(), near: meant(text) })
    }

    fn read(text: &str) -> Option<Self> {
        // What would not be written back as it was is a mistake, or asks for more than there is.
        let id: LanguageIdentifier = text.parse().ok().filter(|_| !text.contains('_'))?;
        let tag = id.to_string();
        let is_region = |code: &str| code.len() == 3 || rust_iso3166::from_alpha2(code).is_some();
        let known = id.variants.is_empty() && id.region.is_none_or(|region| is_region(region.as_str()));
        let percent = percent(&id).filter(|_| known)?;
        let mut numbers = DecimalFormatterPreferences::from(&id);
        numbers.numbering_system = NumberingSystem::try_from(value!("latn")).ok();
        Some(Self { tag, numbers, percent })
    }

    /// A number of digits with a point and perhaps a sign, in ASCII, as it is written here.
    pub fn number(&self, digits: &str) -> String {
        // It reads what is compiled in, and holds what no other thread may; it is made anew in a microsecond.
        let numbers = DecimalFormatter::try_new(self.numbers, DecimalFormatterOptions::default());
        match (numbers, digits.parse::<Decimal>()) {
            (Ok(numbers), Ok(decimal)) => numbers.format(&decimal).to_string().replace(DIRECTIONS, ""),
            _ => digits.to_owned(),
        }
    }

    /// What stands before a percentage's digits, and what behind them.
    pub const fn percent(&self) -> (&'static str, &'static str) {
        self.percent
    }
}

/// The signs of a known language.
fn percent(id: &LanguageIdentifier) -> Option<(&'static str, &'static str)> {
    let language = id.language.to_string();
    let with_region = id.region.map(|region| format!("{language}-{region}"));
    let of = |name: &str| {
        let is_in = |names: &str| names.split_whitespace().any(|known| known == name);
        match name {
            _ if is_in(APART) => Some(("", "\u{a0}%")),
            _ if is_in(CLOSE) => Some(("", "%")),
            _ if name == BEFORE.0 => Some(("%", "")),
            _ if name == BEFORE.1 => Some(("%\u{a0}", "")),
            _ => None,
        }
    };
    with_region.as_deref().and_then(of).or_else(|| of(&language))
}

/// `de-DE` for `de_DE.UTF-8`, `de` for `de-YY`.
fn meant(text: &str) -> Option<String> {
    let bare = text.split(['.', '@']).next().unwrap_or_default().trim().replace('_', "-");
    let language = bare.split('-').next().unwrap_or_default().to_owned();
    [bare, language].into_iter().find_map(|tag| Locale::read(&tag)).map(|locale| locale.tag)
}

impl PartialEq for Locale {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locale").field(&self.tag).finish()
    }
}

impl serde::Serialize for Locale {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.tag)
    }
}

impl<'de> serde::Deserialize<'de> for Locale {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_writes_figures_in_western_digits() {
        let all = APART.split_whitespace().chain(CLOSE.split_whitespace()).chain([BEFORE.0, BEFORE.1]);
        for tag in all {
            let locale = Locale::parse(tag).unwrap_or_else(|error| panic!("{error}"));
            let written = locale.number("-1234567.5");
            let digits: String = written.chars().filter(char::is_ascii_digit).collect();
            assert_eq!(digits, "12345675", "{tag}: {written}");
            assert_eq!(crate::base::text::printable(&written), written, "{tag}");
        }
    }

    #[test]
    fn what_is_no_locale_is_refused_and_the_nearest_named() {
        let near = |text: &str| Locale::parse(text).map_err(|error| error.near.unwrap_or_else(|| "-".to_owned())).err();
        for known in ["de", "de-CH", "en-GB", "zh-Hant-TW", "pt-BR", "es-419", "DE-at"] {
            assert_eq!(near(known), None, "{known}");
        }
        for (text, expected) in [
            ("de_DE", "de-DE"),
            ("de_AT.UTF-8", "de-AT"),
            ("en-QQ", "en"),
            ("de-1996", "de"),
            ("de-u-nu-thai", "de"),
            ("xx-YY", "-"),
            ("german", "-"),
            ("", "-"),
            ("\u{202e}", "-"),
        ] {
            assert_eq!(near(text).as_deref(), Some(expected), "{text}");
        }
    }
}
