//! `[[scenario.expect]]`: a message that must be sent, or how an alert must stand.

use super::super::{Context, value};
use super::day;
use crate::alert::Kind;
use crate::base::text::{list, shorten};
use crate::config::problem::Finding;
use crate::config::resolve::feed::canonical;
use crate::config::scenario::ExpectTable;
use crate::config::source::At;
use crate::period::Period;
use crate::rule::Severity;
use crate::scenario::{Expect, Past, Rounded, Stand};
use crate::series::Labels;

/// The messages and the states; `None` for those of which any is wrong. Of which alerts they are can be said where
/// the alerts are known.
pub fn resolve(
    cx: Context<'_>,
    tables: &[ExpectTable],
    pasts: Option<&[Past]>,
) -> (Option<Vec<Expect>>, Option<Vec<Stand>>) {
    let (stands, messages): (Vec<&ExpectTable>, Vec<&ExpectTable>) = tables.iter().partition(|table| is_stand(table));
    let messages: Vec<Option<Expect>> = messages.into_iter().map(|table| message(cx, table, pasts)).collect();
    let stands: Vec<Option<Stand>> = stands.into_iter().map(|table| stand(cx, table, pasts)).collect();
    (messages.into_iter().collect(), stands.into_iter().collect())
}

/// Whether it is about a state and not about a message.
fn is_stand(table: &ExpectTable) -> bool {
    !table.given.has("transition") && (table.given.has("state") || table.given.has("held"))
}

fn message(cx: Context<'_>, table: &ExpectTable, pasts: Option<&[Past]>) -> Option<Expect> {
    cx.missing(&table.given, "transition", "write what must be sent, such as transition = \"fired\"");
    if !table.given.has("on") && !table.given.has("period") {
        let finding = Finding::error(table.given.place, "this does not say when").label("neither `on` nor `period`");
        cx.add(finding.help("write on = \"2025-10-20\" (the day), or period = \"2025-09\", or both"));
    }
    let alone = no_other(cx, table, &["state", "held"], "a message");
    // A rule that is put to the test is not removed, so nothing lapses.
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Lapsed).map(|kind| (kind.name(), kind));
    let kinds: Vec<(&str, Kind)> = kinds.collect();
    let severities = Severity::ALL.map(|severity| (severity.name(), severity));
    let on = table.on.as_ref().map(|at| day(cx, "on", at));
    let period = table.period.as_ref().map(|at| period(cx, at));
    let transition = table.transition.as_ref().and_then(|at| value::choice(cx, "transition", at, &kinds));
    let severity = table.severity.as_ref().map(|at| value::choice(cx, "severity", at, &severities));
    let values: Vec<Option<(String, Rounded)>> = table.values.iter().map(|(name, at)| rounded(cx, name, at)).collect();
    let alert = pasts.and_then(|pasts| alert(cx, table, pasts));
    (table.on.is_some() || table.period.is_some()).then_some(())?;
    alone?;
    Some(Expect {
        alert: alert?,
        on: on.map_or(Some(None), |on| on.map(Some))?,
        period: period.map_or(Some(None), |period| period.map(Some))?,
        transition: transition?,
        severity: severity.map_or(Some(None), |severity| severity.map(Some))?,
        title: table.title.as_ref().map(|at| at.value.clone()),
        values: values.into_iter().collect::<Option<Vec<_>>>()?,
    })
}

fn stand(cx: Context<'_>, table: &ExpectTable, pasts: Option<&[Past]>) -> Option<Stand> {
    cx.missing(&table.given, "on", "write the day at whose end the alert stands so, such as on = 2025-10-20");
    let alone = no_other(cx, table, &["period", "severity", "title", "values"], "a state");
    let on = table.on.as_ref().and_then(|at| day(cx, "on", at));
    let states = [("ok", false), ("firing", true)];
    let firing = table.state.as_ref().map(|at| value::choice(cx, "state", at, &states));
    let alert = pasts.and_then(|pasts| alert(cx, table, pasts));
    alone?;
    Some(Stand {
        alert: alert?,
        on: on?,
        firing: firing.map_or(Some(None), |firing| firing.map(Some))?,
        held: table.held.as_ref().map(|at| at.value.clone()),
    })
}

/// Refuses keys that belong to the other kind.
fn no_other(cx: Context<'_>, table: &ExpectTable, keys: &[&str], what: &str) -> Option<()> {
    let others = table.given.keys.iter().filter(|(key, _)| keys.contains(key));
    let count = others.map(|(key, place)| {
        let help = "a message has a `transition`; how an alert stands (`state`, `held`) is another [[scenario.expect]]";
        cx.error(*place, format!("`{key}` does not belong to {what}"), "another kind", help);
    });
    (count.count() == 0).then_some(())
}

/// The alert with the labels that are named; the only one where none are.
fn alert(cx: Context<'_>, table: &ExpectTable, pasts: &[Past]) -> Option<usize> {
    let pairs = table.labels.iter().map(|(name, at)| (name.value.clone(), canonical(&name.value, &at.value)));
    let wanted: Labels = pairs.collect();
    let has_all = |labels: &Labels| wanted.iter().all(|(name, value)| labels.value(name) == Some(value));
    let all: Vec<(usize, &Labels)> = pasts.iter().map(Past::labels).enumerate().collect();
    let meant: Vec<&(usize, &Labels)> = all.iter().filter(|(_, labels)| has_all(labels)).collect();
    let place = table.labels.first().map_or(table.given.place, |(name, _)| name.place);
    let told = |alerts: &[&(usize, &Labels)]| list(alerts.iter().map(|(_, labels)| apart(labels, pasts)));
    match meant[..] {
        [(only, _)] => Some(*only),
        [] => {
            let help = format!("the alerts are {}", told(&all.iter().collect::<Vec<_>>()));
            cx.error(place, "no alert has these labels", "unknown", help);
            None
        }
        ref several => {
            let help = format!("write `labels` that one of these has alone: {}", told(several));
            cx.error(place, format!("this may be any of {} alerts", several.len()), "which one?", help);
            None
        }
    }
}

/// The labels by which an alert differs from others, as they are written.
fn apart(labels: &Labels, pasts: &[Past]) -> String {
    let differs = |(name, value): &(&str, &str)| pasts.iter().any(|past| past.labels().value(name) != Some(value));
    let own: Vec<(&str, &str)> = labels.iter().filter(differs).collect();
    let told = if own.is_empty() { labels.iter().collect() } else { own };
    let pairs: Vec<String> = told.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn period(cx: Context<'_>, at: &At<String>) -> Option<Period> {
    Period::parse(&at.value)
        .map_err(|error| cx.add(Finding::error(at.place, error.to_string()).label("no period")))
        .ok()
}

fn rounded(cx: Context<'_>, name: &At<String>, at: &At<String>) -> Option<(String, Rounded)> {
    let Some(rounded) = Rounded::parse(&at.value) else {
        let message = format!("`{}` is no number", shorten(&at.value, 60));
        cx.error(at.place, message, "expected a number", "write it like 2, 420.5 or \"-28.7%\"");
        return None;
    };
    Some((name.value.clone(), rounded))
}
