//! Single values: names out of a few, zones, units, times, sizes.

use std::time::Duration;

use chrono_tz::Tz;

use super::Context;
use crate::base::clock;
use crate::base::schedule::Schedule;
use crate::base::text::{list, nearest, printable, shorten};
use crate::config::problem::Finding;
use crate::config::route::EscalateTable;
use crate::config::source::{At, Texts};
use crate::outbox::Rate;
use crate::period::{Length, LengthUnit};
use crate::rule::Escalation;
use crate::series::{Quantity, UNITS, Unit};

/// One out of a few names.
pub fn choice<T: Copy>(cx: Context<'_>, key: &str, at: &At<String>, choices: &[(&str, T)]) -> Option<T> {
    let found = choices.iter().find(|(name, _)| *name == at.value).map(|(_, choice)| *choice);
    if found.is_none() {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        let names = choices.iter().map(|(name, _)| *name);
        cx.report.expect(names.clone());
        let expected = format!("expected {}", one_of(names.clone()));
        cx.add(Finding::error(at.place, message).label(expected).near(&at.value, names));
    }
    found
}

/// `a`, `b` or `c`.
fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let listed = list(names);
    match listed.rsplit_once(" and ") {
        Some((first, last)) => format!("{first} or {last}"),
        None => listed,
    }
}

/// Receivers that are told, each once.
pub fn receivers(cx: Context<'_>, texts: Option<&Texts>, receivers: &[&str]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for at in texts.iter().flat_map(|texts| &texts.value) {
        if !receivers.contains(&at.value.as_str()) {
            let message = format!("there is no receiver `{}`", shorten(&at.value, 60));
            let finding = Finding::error(at.place, message).label("unknown");
            cx.add(if receivers.is_empty() {
                finding.help("a receiver is a table [receiver.NAME] with a `kind`")
            } else {
                finding.near_or_all(&at.value, receivers.iter().copied(), "the receivers are")
            });
        } else if told.contains(&at.value) {
            let message = format!("receiver `{}` is named twice", at.value);
            cx.add(Finding::warning(at.place, message).label("told once all the same"));
        } else {
            told.push(at.value.clone());
        }
    }
    told
}

/// The same of a rule or a feed, which may leave it to the routes.
pub fn own_receivers(cx: Context<'_>, texts: Option<&Texts>, known: &[&str]) -> Option<Vec<String>> {
    texts.map(|_| receivers(cx, texts, known))
}

/// Who is told, too, when nobody acknowledges.
pub fn escalation(cx: Context<'_>, table: Option<&EscalateTable>, known: &[&str]) -> Option<Escalation> {
    let table = table?;
    cx.missing(&table.given, "after", "write how long it waits: after = \"4h\"");
    cx.missing(&table.given, "notify", "write who is told then: notify = [\"RECEIVER\"]");
    let notify = receivers(cx, table.notify.as_ref(), known);
    let after = duration(cx, "after", table.after.as_ref()?)?;
    Some(Escalation { after, notify })
}

/// A time zone of the IANA database.
pub fn zone(cx: Context<'_>, at: &At<String>) -> Option<Tz> {
    let found = at.value.parse::<Tz>().ok();
    if found.is_none() {
        let message = format!("there is no time zone `{}`", shorten(&at.value, 60));
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        // A city without its continent is the commonest mistake.
        let city = |name: &&str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&at.value));
        let near = names.clone().find(city).or_else(|| nearest(&at.value, names));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the IANA time zone database, such as `UTC` or `Asia/Shanghai`".to_owned(),
        };
        cx.error(at.place, message, "unknown", help);
    }
    found
}

/// A unit.
pub fn unit(cx: Context<'_>, at: &At<String>) -> Option<Unit> {
    let words =
        ["kg", "t", "kt", "g", "lb", "oz", "ozt", "st", "lt", "tonnes", "kilograms", "count", "index", "percent"];
    match Unit::parse(&at.value) {
        Ok(unit) => Some(unit),
        Err(_) => {
            let message = format!("there is no unit `{}`", shorten(&at.value, 60));
            let help = match nearest(&at.value, words) {
                Some(near) => format!("did you mean `{near}`? A unit is {UNITS}"),
                None => format!("a unit is {UNITS}"),
            };
            cx.error(at.place, message, "unknown", help);
            None
        }
    }
}

/// A figure with its unit.
pub fn quantity(cx: Context<'_>, key: &str, at: &At<String>) -> Option<Quantity> {
    let found = Quantity::parse(&at.value);
    if found.is_none() {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        cx.error(at.place, message, "expected a number with a unit", "write it like \"1 MUSD\" or \"400 t\"");
    }
    found
}

/// A calendar length such as `3mo`.
pub fn length(cx: Context<'_>, key: &str, at: &At<String>, also: &[&str]) -> Option<Length> {
    let found = Length::parse(&at.value).filter(|length| length.count > 0);
    if found.is_none() {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        let others: Vec<String> = also.iter().map(|word| format!("`{word}`")).collect();
        let others = if others.is_empty() { String::new() } else { format!("{} or ", others.join(", ")) };
        let label = format!("expected {others}a time (30d, 2w, 3mo, 1y)");
        cx.add(Finding::error(at.place, message).label(label).near(&at.value, also.iter().copied()));
    }
    found
}

/// A length in whole days: `7d`, `2w`.
pub fn days(cx: Context<'_>, key: &str, at: &At<String>) -> Option<i64> {
    let days = match length(cx, key, at, &[])? {
        Length { count, unit: LengthUnit::Day } => Some(i64::from(count)),
        Length { count, unit: LengthUnit::Week } => Some(i64::from(count) * 7),
        Length { unit: LengthUnit::Month | LengthUnit::Year, .. } => None,
    };
    if days.is_none() {
        let message = format!("`{key}` cannot be `{}`", at.value);
        cx.error(at.place, message, "no fixed number of days", "write days or weeks, such as \"7d\" or \"2w\"");
    }
    days
}

/// A time on the clock: `90s`, `15m`, `72h`, `3d`, and these joined (`1h30m`).
pub fn duration(cx: Context<'_>, key: &str, at: &At<String>) -> Option<Duration> {
    let found = clock::duration(&at.value).filter(|duration| !duration.is_zero());
    if found.is_none() {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        cx.error(at.place, message, "expected a time such as 90s, 15m, 72h or 3d", "a time has a unit: s, m, h or d");
    }
    found
}

/// So many messages in a time: `20/min`, `1/s`, `100/h`, `5/10s`.
pub fn rate(cx: Context<'_>, key: &str, at: &At<String>) -> Option<Rate> {
    let found = rate_as(at);
    if found.is_none() {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        cx.error(
            at.place,
            message,
            "expected a rate such as 20/min",
            "write how many in which time: 1/s, 20/min, 100/h",
        );
    }
    found
}

/// The same, where it is one.
pub fn rate_as(at: &At<String>) -> Option<Rate> {
    let (count, per) = at.value.trim().split_once('/')?;
    let per = match per.trim() {
        "s" | "sec" | "second" => 1,
        "min" | "m" | "minute" => 60,
        "h" | "hour" => 3600,
        "d" | "day" => 86_400,
        // `10min`, as it is said of one.
        other => {
            clock::duration(other.strip_suffix("in").filter(|text| text.ends_with('m')).unwrap_or(other))?.as_secs()
        }
    };
    let count = count.trim().parse().ok().filter(|count| *count > 0)?;
    Some(Rate::new(count, per)).filter(|_| per > 0)
}

/// When something is due, by the clock of a zone.
pub fn schedule(cx: Context<'_>, at: &At<String>, zone: Tz) -> Option<Schedule> {
    match Schedule::parse(&at.value, zone) {
        Ok(schedule) => Some(schedule),
        Err(error) => {
            let message = format!("`{}` is no schedule", shorten(&at.value, 80));
            let help = "minute, hour, day of month, month, day of week, such as \"0 9 20 * *\"; or @daily, @hourly …";
            cx.error(at.place, message, &error.reason, help);
            None
        }
    }
}

/// A number of bytes: `1048576`, `"64 MiB"`.
pub fn bytes(cx: Context<'_>, key: &str, at: &At<String>) -> Option<u64> {
    const UNITS: [(&str, u64); 6] =
        [("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let text = at.value.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[digits..].trim();
    let factor =
        if unit.is_empty() { Some(1) } else { UNITS.iter().find(|(name, _)| *name == unit).map(|unit| unit.1) };
    let count = text[..digits].parse::<u64>().ok();
    let found = factor.zip(count).and_then(|(factor, count)| count.checked_mul(factor)).filter(|bytes| *bytes > 0);
    if found.is_none() {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        cx.error(at.place, message, "expected a number of bytes", "write bytes, or a size such as \"64 MiB\"");
    }
    found
}

/// One character.
pub fn character(cx: Context<'_>, key: &str, at: &At<String>) -> Option<char> {
    let mut characters = at.value.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => Some(only),
        _ => {
            let message = format!("`{key}` must be one character, found `{}`", shorten(&at.value, 20));
            cx.add(Finding::error(at.place, message).label("expected one character"));
            None
        }
    }
}

/// A text for people, in one line.
pub fn line(cx: Context<'_>, key: &str, at: &At<String>) -> Option<String> {
    let text = at.value.trim();
    if text.is_empty() || printable(text) != text {
        let why = if text.is_empty() { "is empty" } else { "has a line break or another control character" };
        cx.add(Finding::error(at.place, format!("`{key}` {why}")).label("expected a line of text"));
        return None;
    }
    Some(text.to_owned())
}
