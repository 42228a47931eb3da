//! `locale` and `units` of a receiver: how figures are written for it.

use crate::base::text::{printable, shorten};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::{Context, value};
use crate::config::source::{At, Texts};
use crate::series::{Locale, Notation, Unit};

/// What the table says; what is wrong in it is left out.
pub fn resolve(cx: Context<'_>, table: &ReceiverTable) -> Notation {
    let locale = table.locale.as_ref().and_then(|at| locale(cx, at));
    let units = table.units.as_ref().map(|texts| units(cx, texts)).unwrap_or_default();
    Notation { locale, units }
}

/// A locale by its tag.
fn locale(cx: Context<'_>, at: &At<String>) -> Option<Locale> {
    match Locale::parse(at.value.trim()) {
        Ok(locale) => Some(locale),
        Err(error) => {
            let message = format!("unknown locale `{}`", printable(&shorten(&error.text, 60)));
            let help = match error.near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write a language and, where it matters, a country (BCP 47): \"de\", \"en-GB\", \"pt-BR\""
                    .to_owned(),
            };
            cx.error(at.place, message, "unknown", help);
            None
        }
    }
}

/// Units, one of a dimension: two for the same figures would leave it open which is meant.
fn units(cx: Context<'_>, texts: &Texts) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for at in &texts.value {
        let Some(unit) = value::unit(cx, at) else { continue };
        match units.iter().find(|other| other.converts_to(&unit)) {
            None => units.push(unit),
            Some(other) => {
                let message = format!("`{unit}` and `{other}` are units of the same figures");
                cx.error(at.place, message, "a second one", "leave the one that the reader thinks in");
            }
        }
    }
    units
}
