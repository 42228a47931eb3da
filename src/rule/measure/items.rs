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

#[cfg(test)]
mod tests {
    use super::super::super::expr::Expr;
    use super::super::super::testing::period;
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::series::{AsOf, Finite, History, Item, Labels, PullId, Status, Unit, Vintage};

    /// Items of a daily feed, each as `pull id day title`, with `until DAY` or `corrects ID` at the end of some.
    fn history(items: &str) -> History {
        let mut history = History::new(Labels::default(), Frequency::Day, Unit::parse("count").ok());
        let read = |line: &str| {
            let mut words = line.trim().splitn(4, ' ');
            let mut word = || words.next().unwrap_or_default();
            let (pull, id, day, title) = (word().parse().unwrap(), word(), period(word()), word());
            let (title, ends) = title.split_once(" until ").map_or((title, None), |(title, day)| (title, Some(day)));
            let (title, base) = title.split_once(" corrects ").map_or((title, None), |(title, id)| (title, Some(id)));
            let item = Item {
                id: id.to_owned(),
                title: title.to_owned(),
                url: None,
                summary: String::new(),
                day,
                tags: Vec::new(),
                corrects: base.map(str::to_owned),
                effective: None,
                ends: ends.map(period),
            };
            KnownItem { item, pull: PullId(pull), seen_at: Timestamp::from_millis(pull) }
        };
        let items: Vec<KnownItem> = items.lines().filter(|line| !line.trim().is_empty()).map(read).collect();
        for known in &items {
            let (value, status) = (Finite::new(1.0), Status::Final);
            let vintage = Vintage { value, status, recorded_at: known.seen_at, pull: known.pull };
            history.record(known.item.day.into(), vintage);
        }
        history.with_items(items.into())
    }

    fn found(history: &History, text: &str, until: i64, seen: Option<i64>) -> String {
        let expr = Expr::parse(text).unwrap();
        let view = history.view(AsOf::Pull(PullId(until))).at(Timestamp::parse("2026-10-20T12:00:00Z").unwrap());
        let view = seen.map_or(view, |seen| view.since(PullId(seen)));
        let reading = Scope::new(view, period("2026-09-24"), None).read(expr.root());
        let ids: Vec<&str> = reading.all_items().iter().map(|known| known.item.id.as_str()).collect();
        format!("{} {}", reading.value, ids.join(" ")).trim_end().to_owned()
    }

    const ITEMS: &str = "
        1 a 2026-09-01 Licences for gallium
        1 b 2026-09-02 Removal from a list
        2 c 2026-09-24 Rare earth magnets
        3 d 2026-09-20 Gallium, and rare earth oxides until 2026-11-10
        3 C1-b 2026-09-25 Correction corrects b
        4 e 2026-10-01 Nickel until 2026-10-19";

    #[test]
    fn what_came_since_the_last_look_is_new() {
        let history = history(ITEMS);
        let check = |text: &str, until, seen, expected: &str| {
            assert_eq!(found(&history, text, until, seen), expected, "{text} until {until} since {seen:?}");
        };
        check("new('gallium')", 1, Some(0), "holds a");
        check("new('gallium')", 1, Some(1), "fails");
        check("new('gallium')", 2, Some(1), "fails");
        // An item whose day is past is new when it comes, and only then.
        check("new('gallium')", 3, Some(2), "holds d");
        check("new('rare earth' or 'nickel')", 4, Some(0), "holds c d e");
        check("new", 1, Some(0), "holds a b");
        check("new()", 4, Some(3), "holds e");
        // A correction says what it corrects, whatever its own words.
        check("new('removal')", 3, Some(2), "holds C1-b");
        // Without a last look, what the last pull brought is new.
        check("new('gallium' or 'rare earth')", 3, None, "holds d");
        check("new('gallium') or new('rare earth')", 3, Some(1), "holds d c");
        check("not new('nickel')", 3, Some(1), "holds");
    }

    /// It is 20 October.
    #[test]
    fn an_end_within_reach() {
        let history = history(ITEMS);
        let check = |text: &str, expected: &str| assert_eq!(found(&history, text, 4, Some(4)), expected, "{text}");
        check("ends_within(20d)", "fails");
        check("ends_within(21d)", "holds d");
        check("ends_within(21)", "holds d");
        check("ends_within(1mo, 'rare earth')", "holds d");
        check("ends_within(1mo, 'nickel')", "fails");
        let expr = Expr::parse("ends_within(1mo)").unwrap();
        let reading = Scope::new(history.view(AsOf::Latest), period("2026-09-24"), None).read(expr.root());
        assert_eq!(reading.value.to_string(), "unknown (the time is not known here)");
        assert!(expr.uses_time() && !expr.asks_for_news());
    }
}
