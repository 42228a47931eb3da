//! `check --against-live`: what a reload of the running daemon would change, in its config and of its alerts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::socket::Daemon;
use super::super::{Format, Session, say};
use crate::base::text::{counted, printable, shorten};
use crate::catalogue::Catalogue;
use crate::config::{Changes, ItemChange, KeyChange, Setup};
use crate::daemon::{Context, Evaluation, evaluate_all, evaluate_pending};
use crate::inspect::difference::{Difference, Move, Moved, OfRule};
use crate::inspect::status::ConfigText;
use crate::store::Store;

/// Characters of what a key says that are shown in a line, at most.
const TEXT_MAX: usize = 60;

/// Says what a reload would change; whether the daemon would take the config.
pub async fn compare(session: &Session, setup: &Setup, rule: Option<&str>) -> anyhow::Result<bool> {
    let stands = match Daemon::running(setup).await {
        None => {
            say("note: no daemon runs on this state: only its alerts are held against the config");
            true
        }
        Some(daemon) => {
            let runs: ConfigText = daemon.get(&["status", "config"], &[]).await?;
            let changes = runs.items.changes(&setup.outline);
            let stands = daemon.status.state == crate::inspect::status::place(&setup.state);
            match session.format {
                Format::Text => show(session, &changes)?,
                Format::Json => lines(session, &changes, stands)?,
            }
            stands
        }
    };
    if !stands {
        say("the daemon would refuse the reload: `daemon.state` cannot change while it runs; restart it");
        return Ok(false);
    }
    let mut judged = Judged::new(session, setup).await?;
    if let Some(rule) = rule {
        judged.difference.only(rule);
    }
    match session.format {
        Format::Text => session.print(&judged.text())?,
        Format::Json => judged.lines().iter().try_for_each(|line| session.line(line))?,
    }
    Ok(true)
}

fn show(session: &Session, changes: &Changes) -> anyhow::Result<()> {
    for change in &changes.items {
        let restart = match change.at_start() {
            keys if keys.is_empty() => String::new(),
            keys => format!(" ({} with the next start alone)", keys.join(", ")),
        };
        session.print(&format!("{change}{restart}"))?;
        change.what.keys().iter().try_for_each(|key| session.print(&format!("  {}", said(key))))?;
    }
    if !changes.unseen.is_empty() {
        say(&format!(
            "note: {} compared by the daemon alone, at the reload: {}",
            secrets(changes),
            changes.unseen.join(", ")
        ));
    }
    session.print(&format!("config against the running daemon: {}", changes.sum()))
}

fn secrets(changes: &Changes) -> String {
    let verb = if changes.unseen.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(changes.unseen.len(), "secret"))
}

/// `when: "declines >= 2" → "declines >= 3"`.
fn said(change: &KeyChange) -> String {
    let side = |text: &Option<String>| {
        text.as_deref().map_or_else(|| "not set".to_owned(), |text| shorten(&printable(text), TEXT_MAX))
    };
    format!("{}: {} → {}", change.key, side(&change.before), side(&change.after))
}

fn lines(session: &Session, changes: &Changes, stands: bool) -> anyhow::Result<()> {
    for change in &changes.items {
        session.line(&item_json(change))?;
    }
    session.line(&json!({
        "type": "reload", "stands": stands, "changes": changes.items.len(), "sum": changes.sum(), "unseen": changes.unseen,
    }))
}

fn item_json(change: &ItemChange) -> Value {
    let key = |key: &KeyChange| json!({"key": key.key, "before": key.before, "after": key.after});
    json!({
        "type": "item", "kind": change.kind, "name": change.name, "change": change.what.name(),
        "keys": change.what.keys().iter().map(key).collect::<Vec<_>>(), "at_start": change.at_start(),
    })
}

/// What the rules would do to the alerts of the store, on the figures that it has.
struct Judged {
    difference: Difference,
    /// How many series or groups each rule means.
    series: BTreeMap<String, usize>,
}

impl Judged {
    async fn new(session: &Session, setup: &Setup) -> anyhow::Result<Self> {
        let store = Store::open_live_copy(&setup.state, session.clock.now()).await?;
        let before = store.alerts().await?;
        let context = Context::new(store.clone(), session.clock.clone(), setup)?;
        let evaluation = Evaluation::new(&context, setup).await?;
        evaluate_all(&evaluation).await?;
        evaluate_pending(&evaluation).await?;
        let catalogue = Catalogue::new(setup, &store).await?;
        let series = setup.rules.iter().map(|rule| (rule.name.clone(), catalogue.subjects(rule).len())).collect();
        Ok(Self { difference: Difference::new(setup, &store, before).await?, series })
    }

    fn series(&self, of: &OfRule) -> usize {
        self.series.get(&of.rule).copied().unwrap_or_default()
    }

    fn text(&self) -> String {
        let Self { difference, .. } = self;
        let mut lines = Vec::new();
        for of in &difference.rules {
            let why = match (of.in_config, self.series(of)) {
                (false, _) => " (not in the config any more)",
                (true, 0) => " (matches no series)",
                (true, _) => "",
            };
            lines.push(format!("{}: {}{why}", printable(&of.rule), counts(of.counts())));
            let line = |moved: &Moved| format!("  {:<8}{}: {}", moved.is().name(), moved.alert.labels, what(moved));
            lines.extend(of.moved.iter().map(line));
        }
        let rules = counted(difference.rules.len(), "rule");
        lines.push(format!("{rules} against the live state: {}", counts(difference.counts())));
        lines.join("\n")
    }

    fn lines(&self) -> Vec<Value> {
        let rule = |of: &OfRule| {
            let series = self.series(of);
            let mut line = json!({"type": "rule", "rule": of.rule, "in_config": of.in_config, "series": series});
            for kind in Move::ALL {
                line[kind.name()] = of.moved.iter().filter(|moved| moved.is() == kind).map(moved_json).collect();
            }
            line
        };
        let mut lines: Vec<Value> = self.difference.rules.iter().map(rule).collect();
        let [opens, closes, changes, stays] = self.difference.counts();
        lines.push(json!({"type": "summary", "opens": opens, "closes": closes, "changes": changes, "stays": stays}));
        lines
    }
}

fn counts([opens, closes, changes, stays]: [usize; 4]) -> String {
    format!("opens {opens}, closes {closes}, changes {changes}, stays {stays}")
}

/// What becomes of an alert, in words.
fn what(moved: &Moved) -> String {
    let title = moved.title.as_deref().map(printable).unwrap_or_default();
    let (Some(before), Some(after)) = (&moved.before, &moved.after) else { return title };
    let mut told = if moved.anew {
        format!("ends and begins anew, since {}", after.since)
    } else {
        format!("firing since {}", after.since)
    };
    if before.severity != after.severity {
        told.push_str(&format!(", {} → {}", before.severity, after.severity));
    }
    if let Some(reason) = &moved.alert.held {
        told.push_str(&format!(", held: {reason}"));
    }
    if title.is_empty() { told } else { format!("{told}: {title}") }
}

fn moved_json(moved: &Moved) -> Value {
    let severity = |firing: &Option<crate::alert::Firing>| firing.as_ref().map(|firing| firing.severity);
    json!({
        "id": moved.alert.id(), "labels": moved.alert.labels, "before": severity(&moved.before),
        "after": severity(&moved.after), "since": moved.after.as_ref().or(moved.before.as_ref()).map(|f| f.since),
        "anew": moved.anew, "held": moved.alert.held, "transition": moved.transition, "title": moved.title,
    })
}
