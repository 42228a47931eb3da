//! `quiet` of a receiver: from when to when it wants no messages.

use chrono::{NaiveTime, Weekday};

use crate::base::text::shorten;
use crate::config::problem::Finding;
use crate::config::receiver::QuietTable;
use crate::config::resolve::{Context, value};
use crate::config::source::At;
use crate::outbox::QuietHours;
use crate::rule::Severity;

/// What the table says.
pub fn resolve(cx: Context<'_>, table: &QuietTable) -> Option<QuietHours> {
    cx.missing(&table.given, "from", "write when it begins: from = \"22:00\"");
    cx.missing(&table.given, "to", "write when it ends: to = \"07:00\"");
    cx.missing(&table.given, "timezone", "write whose clock it is: timezone = \"Europe/Berlin\"");
    let from = table.from.as_ref().and_then(|at| time(cx, "from", at));
    let to = table.to.as_ref().and_then(|at| time(cx, "to", at));
    let zone = table.timezone.as_ref().and_then(|at| value::zone(cx, at));
    let days = days(cx, table);
    let severities = Severity::ALL.map(|severity| (severity.name(), severity));
    let except = match &table.except {
        Some(at) => Some(value::choice(cx, "except", at, &severities)?),
        None => None,
    };
    let hours = QuietHours { from: from?, to: to?, zone: zone?, days: days?, except };
    if hours.from == hours.to && hours.days == [true; 7] {
        let help = "say on which days, such as days = [\"sat\", \"sun\"], or another time";
        cx.error(table.given.place, "these quiet hours never end", "from then to then, every day", help);
        return None;
    }
    Some(hours)
}

/// A time of the day.
fn time(cx: Context<'_>, key: &str, at: &At<String>) -> Option<NaiveTime> {
    let found = NaiveTime::parse_from_str(at.value.trim(), "%H:%M").ok();
    if found.is_none() {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        cx.error(at.place, message, "expected a time such as 22:00", "hours from 00 to 23 and minutes");
    }
    found
}

/// The days on which it begins; all of them where none is named.
fn days(cx: Context<'_>, table: &QuietTable) -> Option<[bool; 7]> {
    let Some(texts) = &table.days else { return Some([true; 7]) };
    let (mut days, mut good) = ([false; 7], !texts.value.is_empty());
    if texts.value.is_empty() {
        cx.error(texts.place, "`days` has no day", "empty", "take it away for every day");
    }
    for at in &texts.value {
        match at.value.trim().parse::<Weekday>() {
            Ok(day) => days[day.num_days_from_monday() as usize] = true,
            Err(_) => {
                good = false;
                let finding = Finding::error(at.place, format!("there is no day `{}`", shorten(&at.value, 60)));
                cx.add(finding.label("expected mon, tue, wed, thu, fri, sat or sun"));
            }
        }
    }
    good.then_some(days)
}
