//! A replay as a chart: the figures as they are known now, and where the alert fired.

use super::knowledge::Knowledge;
use super::replay::{Range, Replay};
use crate::chart::Chart;
use crate::outbox::subject;
use crate::rule::{Rule, bounds};
use crate::series::AsOf;

/// What a replay within a range came to, with the figures at which the rule changes.
pub fn picture(rule: &Rule, knowledge: &Knowledge, replay: &Replay, range: Range) -> Chart {
    let view = knowledge.history().view(AsOf::Latest);
    let title = format!("{} ({})", subject(&replay.labels, rule.title.as_deref()), rule.name);
    let lines = bounds(rule, &view, usize::MAX);
    let chart = lines.into_iter().fold(Chart::new(&title, &view, replay.zone), Chart::with_line);
    let firing = replay.episodes.iter().map(super::replay::Episode::firing);
    chart.with_firing(firing).between(range.from, range.to)
}
