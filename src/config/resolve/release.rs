//! `release`: on which day the figures of a feed are due.

use chrono_tz::Tz;

use super::{Context, value};
use crate::config::file::ReleaseTable;
use crate::config::source::At;
use crate::period::{Frequency, Length, LengthUnit};
use crate::series::Release;

/// A figure may be so late before it is overdue, where the config does not say.
const GRACE: Length = Length { count: 3, unit: LengthUnit::Day };

/// What the table comes to.
pub fn resolve(cx: Context<'_>, table: &ReleaseTable, frequency: Option<Frequency>, zone: Tz) -> Option<Release> {
    cx.missing(&table.given, "after", "write how long after its period a figure is due, such as after = \"1mo\"");
    let day = table.day.as_ref().map(|at| day_of_month(cx, at, frequency));
    let after = table.after.as_ref().and_then(|at| after(cx, at, table.day.is_some()));
    let grace = table.grace.as_ref().map(|at| value::length(cx, "grace", at, &[]));
    let skip = table.skip.as_ref().map(|at| skip(cx, at));
    let zone = table.timezone.as_ref().map(|at| value::zone(cx, at)).unwrap_or(Some(zone));
    // Each of them was looked at, so that all that is wrong is said.
    Some(Release {
        day: day.map_or(Some(None), |day| day.map(Some))?,
        after: after?,
        grace: grace.unwrap_or(Some(GRACE))?,
        skip: skip.unwrap_or(Some(Vec::new()))?,
        zone: zone?,
    })
}

fn day_of_month(cx: Context<'_>, at: &At<u64>, frequency: Option<Frequency>) -> Option<u32> {
    if let Some(frequency @ (Frequency::Day | Frequency::Week)) = frequency {
        let message = format!("a figure by {frequency} is not due on a day of the month");
        cx.error(at.place, message, "not for this frequency", "write only `after`, such as after = \"1d\"");
        return None;
    }
    let day = u32::try_from(at.value).ok().filter(|day| (1..=31).contains(day));
    if day.is_none() {
        let message = format!("there is no day {} in any month", at.value);
        cx.error(at.place, message, "expected 1 to 31", "in a shorter month, its last day is meant");
    }
    day
}

fn after(cx: Context<'_>, at: &At<String>, has_day: bool) -> Option<Length> {
    let after = value::length(cx, "after", at, &[])?;
    if has_day && !matches!(after.unit, LengthUnit::Month | LengthUnit::Year) {
        let message = format!("`after` cannot be `{after}` where there is a `day`");
        let help = "write the months from the one in which the period ends, such as \"1mo\", or take `day` away";
        cx.error(at.place, message, "no number of months", help);
        return None;
    }
    Some(after)
}

fn skip(cx: Context<'_>, at: &At<Vec<At<u64>>>) -> Option<Vec<u32>> {
    let month = |at: &At<u64>| {
        let month = u32::try_from(at.value).ok().filter(|month| (1..=12).contains(month));
        if month.is_none() {
            cx.error(at.place, format!("there is no month {}", at.value), "expected 1 to 12", "2 is February");
        }
        month
    };
    let mut months = at.value.iter().map(month).collect::<Vec<_>>().into_iter().collect::<Option<Vec<u32>>>()?;
    months.sort_unstable();
    months.dedup();
    if months.len() == 12 {
        cx.error(at.place, "every month is skipped", "nothing would ever be due", "leave the months of release out");
        return None;
    }
    Some(months)
}
