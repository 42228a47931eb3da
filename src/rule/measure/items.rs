//! `new`, `ends_within`: what a publisher's items say, rather than how many there are.
//!
//! They are conditions by themselves, and their evidence is the items.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::super::search::finds;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::base::text::counted;
use crate::period::{Frequency, Period};
use crate::series::{Back, KnownItem};

/// Whether an item came that a search finds.
pub const NEW: Measure = Measure {
    name: "new",
    parameters: &[Parameter { name: "search", takes: Takes::Search, optional: true }],
    signature: "`new(\"rare earth\" or \"gallium\")`",
    gives: Gives::Truth,
    walks: false,
    read: new,
    words: |_| Some("had a new item".to_owned()),
};

/// Whether what a found item suspends or allows ends within a time from today.
pub const ENDS_WITHIN: Measure = Measure {
    name: "ends_within",
    parameters: &[
        Parameter { name: "within", takes: Takes::Back, optional: false },
        Parameter { name: "search", takes: Takes::Search, optional: true },
    ],
    signature: "`ends_within(30d, \"rare earth\")`",
    gives: Gives::Truth,
    walks: false,
    read: ends_within,
    words: |telling| Some(format!("has an end within {}", days_in_words(telling.call.back(0)))),
};

fn new(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let found = scope.view.new_items().filter(|known| finds(call.argument(0), &scope.view, known));
    of(found.cloned().collect())
}

fn ends_within(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let Some(now) = scope.view.now() else { return super::time::unknown(Reason::NoClock) };
    let today = Period::containing(now.date(chrono_tz::UTC), Frequency::Day);
    let until = reach(today, call.back(0));
    let is_near = |known: &&KnownItem| known.item.ends.is_some_and(|ends| today <= ends && Some(ends) <= until);
    let near = scope.view.items().filter(is_near);
    let mut found: Vec<KnownItem> = near.filter(|known| finds(call.argument(1), &scope.view, known)).cloned().collect();
    found.sort_by_key(|known| known.item.ends);
    of(found)
}

/// The last day within a time from today.
fn reach(today: Period, back: Back) -> Option<Period> {
    match back {
        Back::Periods(days) => i32::try_from(days).ok().map(|days| today.offset(days)),
        Back::Length(length) => length.later(today.first_day()).map(|day| Period::containing(day, Frequency::Day)),
    }
}

fn days_in_words(back: Back) -> String {
    match back {
        Back::Periods(days) => counted(days as usize, "day"),
        Back::Length(length) => length.in_words(),
    }
}

fn of(items: Vec<KnownItem>) -> Measured {
    let found = Value::Truth(!items.is_empty());
    Measured { items, ..Measured::new(found, Vec::new()) }
}
