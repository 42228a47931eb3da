//! Rules that await items (`new`): what one look finds is told once, in one message.
//!
//! An item is an event, and nothing that comes later ends it. So such an alert is never left firing: each pull that
//! brings what the rule looks for is an episode of its own, which ends as it begins, and nobody is told of an end.
//! Which items are new follows from the last pull that the alert has seen, and so neither a restart nor an item that
//! is edited, moved or published again tells one twice.

use super::{Assessment, Sight, joined};
use crate::alert::{Alert, Cause, Condition, Kind, Transition};
use crate::outbox::{Matter, Message};
use crate::rule::{Judgement, Severity, judge};
use crate::series::{AsOf, KnownItem, PullId, View};

/// Takes an alert to the items that came since it was last assessed.
pub fn assess(sight: Sight<'_>, alert: &Alert) -> Assessment {
    let Sight { rule, history, until, now, .. } = sight;
    let view = rule.seen(history.view(AsOf::Pull(until)).at(now)).since(alert.seen);
    let latest = view.latest();
    let judgement = latest.map(|period| judge(rule, &view, period));
    let told = judgement.as_ref().and_then(|judgement| Some((severity(judgement)?, judgement)));
    let transition = told.map(|(severity, judgement)| transition(sight, view, alert, severity, judgement));
    let after = Alert {
        number: transition.as_ref().map_or(alert.number, |(transition, _)| transition.number),
        episode: transition.as_ref().map_or(alert.episode, |(transition, _)| alert.episode.max(transition.episode)),
        assessed: alert.assessed.max(latest),
        seen: until,
        ..alert.clone()
    };
    let (told, changed) = (transition.is_some(), transition.is_some() || after != *alert);
    Assessment { alert: after, judgement, transition, told, changed, rejudged: None }
}

/// How bad it is, where the rule found anything.
fn severity(judgement: &Judgement) -> Option<Severity> {
    match joined(None, judgement) {
        Condition::Holds(severity) if !judgement.items().is_empty() => Some(severity),
        Condition::Holds(_) | Condition::Fails | Condition::Unknown => None,
    }
}

fn transition(
    sight: Sight<'_>,
    view: View<'_>,
    alert: &Alert,
    severity: Severity,
    judgement: &Judgement,
) -> (Transition, Message) {
    let items = judgement.items();
    let corrected: Vec<Option<&KnownItem>> = items.iter().map(|known| told_before(&view, alert.seen, known)).collect();
    // A correction belongs to what it corrects; together with something new, it is told beside it.
    let base = corrected.iter().copied().collect::<Option<Vec<&KnownItem>>>().and_then(|bases| bases.first().copied());
    let kind = if base.is_some() { Kind::Corrected } else { Kind::Fired };
    let newest = items.iter().map(|known| known.pull).max();
    let transition = Transition {
        rule: alert.rule.clone(),
        labels: alert.labels.clone(),
        number: alert.number + 1,
        episode: alert.episode + 1,
        kind,
        cause: if base.is_some() { Cause::Revised } else { Cause::Published },
        severity,
        period: Some(judgement.period),
        pull: newest,
        at: sight.now,
    };
    let message = Message::compose(Matter {
        transition: &transition,
        rule: Some(sight.rule),
        judgement: Some(judgement),
        view: Some(view),
        said: None,
        revisions: &[],
        rejudged: None,
        since: None,
        zone: sight.zone,
    });
    let thread = base.map(|base| base.pull).or(newest).map(|pull| format!("pull-{}", pull.0));
    (transition, Message { thread, ..message })
}

/// The item that another corrects, where it was known before.
fn told_before<'a>(view: &View<'a>, seen: PullId, known: &KnownItem) -> Option<&'a KnownItem> {
    view.corrected_by(known).filter(|base| base.pull <= seen)
}
