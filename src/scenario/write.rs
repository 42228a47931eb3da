//! A scenario written from figures: as they became known, and what was sent.

use super::notation::{Calendar, print_figures};
use super::play::sent;
use super::series::quoted as in_line;
use super::stage::{Past, Series, Stage};
use crate::rule::Rule;
use crate::series::Labels;
use crate::series::derive::Misfit;

/// One `[[scenario]]` that passes as long as the rule means what it means now.
pub fn write(stage: Stage<'_>) -> Result<String, Misfit> {
    let stage = stage.by_day();
    let pasts = stage.pasts()?;
    let about: Vec<String> = pasts.iter().map(|past| past.labels().to_string()).collect();
    let name = format!("{} on {}, as recorded", stage.rule.name, about.join(" and "));
    let mut text = format!("[[scenario]]\nname   = {}\nrule   = {}\n", quoted(&name), quoted(&stage.rule.name));
    text.push_str(&figures(&stage.series));
    if let Some(until) = stage.until {
        text.push_str(&format!("until  = {until}\n"));
    }
    for past in &pasts {
        expectations(stage.rule, past, pasts.len() > 1, &mut text);
    }
    Ok(text)
}

/// `labels`, `unit` and `series`: what all series share is said once.
fn figures(series: &[Series]) -> String {
    let first = series.first();
    let shares = |(name, value): &(&str, &str)| series.iter().all(|one| one.labels.value(name) == Some(value));
    let shared: Labels = first.iter().flat_map(|first| first.labels.iter()).filter(shares).collect();
    let unit =
        first.and_then(|first| first.unit.as_ref()).filter(|_| series.iter().all(|one| one.unit == series[0].unit));
    let heads: Vec<String> = series.iter().map(|one| head(one, &shared, unit.is_some())).collect();
    let width = heads.iter().map(|head| head.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    if shared.iter().next().is_some() {
        text.push_str(&format!("labels = {}\n", inline_table(&shared)));
    }
    text.extend(unit.map(|unit| format!("unit   = {}\n", quoted(&unit.to_string()))));
    text.push_str("series = \"\"\"\n");
    for (one, head) in series.iter().zip(&heads) {
        let calendar = Calendar { release: one.release.as_ref(), zone: one.zone };
        for (index, line) in print_figures(&one.figures, calendar).into_iter().enumerate() {
            let head = if index == 0 { head.as_str() } else { "" };
            let gap = if width == 0 { "" } else { "  " };
            text.push_str(&escaped(&format!("{head:width$}{gap}{line}\n")));
        }
    }
    text.push_str("\"\"\"\n");
    text
}

/// What is said before the figures of one series among several.
fn head(series: &Series, shared: &Labels, has_unit: bool) -> String {
    let own = series.labels.iter().filter(|(name, _)| shared.value(name).is_none());
    let mut words: Vec<String> = own.map(|(name, value)| format!("{name}={}", in_line(value))).collect();
    let unit = series.unit.as_ref().filter(|_| !has_unit);
    words.extend(unit.map(|unit| format!("in {}", in_line(&unit.to_string()))));
    words.join(" ")
}

/// All that was sent of one alert; of several, each message says of which.
fn expectations(rule: &Rule, past: &Past, with_labels: bool, text: &mut String) {
    for sent in sent(&past.replay(rule)) {
        text.push_str("\n[[scenario.expect]]\n");
        if with_labels {
            text.push_str(&format!("labels     = {}\n", inline_table(past.labels())));
        }
        text.push_str(&format!("on         = {}\n", sent.on));
        if let Some(period) = sent.period {
            text.push_str(&format!("period     = {}\n", quoted(&period.to_string())));
        }
        text.push_str(&format!("transition = {}\n", quoted(sent.transition.name())));
        if rule.worse.is_some() {
            text.push_str(&format!("severity   = {}\n", quoted(sent.severity.name())));
        }
        text.push_str(&format!("title      = {}\n", quoted(&sent.title)));
    }
}

fn inline_table(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{} = {}", key(name), quoted(value))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A key, bare where it can be.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A TOML basic string: JSON's escapes are among TOML's, but TOML escapes DEL too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A line of a TOML string over several lines. A double quote never ends it, being escaped.
fn escaped(line: &str) -> String {
    let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
    let quoted = quoted(body);
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    format!("{inner}{end}")
}
