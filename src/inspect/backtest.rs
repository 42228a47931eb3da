//! What a rule would have sent about one series, replayed while somebody waits for it.

use chrono_tz::Tz;

use super::aside::aside;
use super::{Inspection, Unanswered, meant};
use crate::alert::Kind;
use crate::backtest::{Basis, Knowledge, Range, Replay, Vintages, picture, replays};
use crate::base::clock::Timestamp;
use crate::base::limits::REPLAYED_MAX;
use crate::base::text::printable;
use crate::catalogue::Catalogue;
use crate::chart::Chart;
use crate::period::Period;
use crate::series::{History, Labels, Unit};

/// What is replayed.
#[derive(Clone, Debug)]
pub struct Question {
    /// The rule's name.
    pub rule: String,
    /// The labels of the series or group; of several that have them, the first is taken.
    pub labels: Vec<(String, String)>,
    /// Since when figures count as known.
    pub basis: Basis,
    /// The first period that is reported.
    pub from: Option<Period>,
    /// The last one.
    pub to: Option<Period>,
}

/// What a rule would have sent about one series, as the figures were known then.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backtest {
    /// The rule's name.
    pub rule: String,
    /// The labels of the series or group.
    pub labels: Labels,
    /// The rule's condition.
    pub when: String,
    /// The series' unit.
    pub unit: Option<Unit>,
    /// Since when figures count as known.
    pub basis: Basis,
    /// The first period with a figure that is reported.
    pub first: Option<Period>,
    /// The last one.
    pub last: Option<Period>,
    /// How many periods with a figure there are.
    pub figures: usize,
    /// How many have none.
    pub missing: usize,
    /// At how many periods with a figure the alert fired.
    pub firing: usize,
    /// How the moments at which figures became known are known.
    pub vintages: Vintages,
    /// From each opening of the alert to its end.
    pub episodes: Vec<BacktestEpisode>,
    /// What would have been said, oldest first.
    pub events: Vec<BacktestEvent>,
}

/// From the opening of an alert to its end.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BacktestEpisode {
    /// The period at which it began.
    pub since: Period,
    /// When that was known.
    pub opened_at: Timestamp,
    /// The period at which it ended; nothing while it goes on.
    pub ended: Option<Period>,
    /// When that was known.
    pub ended_at: Option<Timestamp>,
}

/// A change of the alert.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BacktestEvent {
    /// When it was known.
    pub at: Timestamp,
    /// The period that was judged.
    pub period: Option<Period>,
    /// What kind of change it is.
    pub kind: Kind,
    /// The title of the message.
    pub title: String,
    /// Whether it would have been sent.
    pub told: bool,
}

/// A backtest with its picture.
pub struct Backtested {
    /// What it came to.
    pub backtest: Backtest,
    /// The figures, and where the alert fired.
    pub chart: Chart,
    /// The publisher's zone, whose days those of the events are.
    pub zone: Tz,
}

/// Replays a rule on one series.
pub async fn backtest(inspection: Inspection<'_>, question: &Question) -> Result<Backtested, Unanswered> {
    let Inspection { setup, store, now } = inspection;
    let rule = meant::rule(setup, &question.rule)?;
    if rule.is_of_items() {
        let why = format!("rule {} is about items, and a backtest replays figures", printable(&rule.name));
        return Err(Unanswered::Invalid(why));
    }
    let range = Range::new(question.from, question.to);
    if let (Some(from), Some(to)) = (range.from, range.to)
        && from > to
    {
        return Err(Unanswered::Invalid("the first period is after the last one".to_owned()));
    }
    let catalogue = Catalogue::new(setup, store).await?;
    let subjects = meant::subjects(&catalogue, rule, &question.labels)?;
    let Some(subject) = subjects.first() else {
        return Err(Unanswered::Unknown("the rule has no series".to_owned()));
    };
    let past = catalogue.past(store, subject, None).await?;
    let history = past.history.map_err(|misfit| Unanswered::Unknown(format!("{}: {misfit}", subject.labels)))?;
    bounded(&history)?;
    let (rule, basis, zone) = (rule.clone(), question.basis, catalogue.zone(subject));
    let replayed = aside(move || {
        let knowledge = Knowledge::new(&history, basis, history.release(), zone).until(now);
        let histories = [(knowledge, zone)];
        let replay = replays(&rule, &histories, range, || {}).pop()?;
        let chart = picture(&rule, &histories[0].0, &replay, range);
        Some(Backtested { backtest: told(&replay, basis), chart, zone })
    });
    let replayed = replayed.await.filter(|replayed| replayed.backtest.figures > 0);
    replayed.ok_or_else(|| Unanswered::Unknown(format!("{} has no figure in this range", subject.labels)))
}

/// Refuses what somebody would wait too long for.
fn bounded(history: &History) -> Result<(), Unanswered> {
    let vintages: usize = history.entries().map(|(_, vintages)| vintages.len()).sum();
    if vintages <= REPLAYED_MAX {
        return Ok(());
    }
    Err(Unanswered::Invalid(format!(
        "{} has {vintages} vintages, and {REPLAYED_MAX} at most are replayed here: use `supplywatch backtest`",
        history.labels()
    )))
}

fn told(replay: &Replay, basis: Basis) -> Backtest {
    let with_figure = || replay.rows.iter().filter(|row| row.known.is_some());
    let figures = with_figure().count();
    let episode = |episode: &crate::backtest::Episode| BacktestEpisode {
        since: episode.since,
        opened_at: episode.opened,
        ended: episode.ended.map(|end| end.period),
        ended_at: episode.ended.map(|end| end.at),
    };
    let event = |step: &crate::backtest::Step| BacktestEvent {
        at: step.at,
        period: step.transition.period,
        kind: step.transition.kind,
        title: step.message.title.clone(),
        told: step.told,
    };
    Backtest {
        rule: replay.rule.clone(),
        labels: replay.labels.clone(),
        when: replay.when.clone(),
        unit: replay.unit.clone(),
        basis,
        first: with_figure().next().map(|row| row.span.first()),
        last: with_figure().next_back().map(|row| row.span.last()),
        figures,
        missing: replay.rows.len() - figures,
        firing: replay.firing_periods(),
        vintages: replay.vintages,
        episodes: replay.episodes.iter().map(episode).collect(),
        events: replay.steps.iter().map(event).collect(),
    }
}
