//! What is at risk, what is late, what does not work and what has changed: all at a glance, a bounded part of each.

use super::alerts::{AlertShown, show};
use super::feeds::{self, Condition, FeedStatus, NextRelease};
use super::{Holdings, Inspection, Quiet};
use crate::alert::{Alert, Kind, State};
use crate::base::clock::Timestamp;
use crate::base::limits::SERIES_READ_MAX;
use crate::base::text::{counted, lasting};
use crate::catalogue::{self, Catalogue, histories};
use crate::chart::{Chart, Firing};
use crate::outbox::Standing;
use crate::rule::Severity;
use crate::series::{AsOf, History, PullId, Punctuality};
use crate::store::{AlertQuery, Owed, SeriesRef, StoreError};

/// Alerts that are shown one by one, at most.
const FIRING_SHOWN: usize = 25;
/// Held alerts that are, at most.
const HELD_SHOWN: usize = 10;
/// Changes that are, at most.
const CHANGES_SHOWN: usize = 10;
/// Figures in a spark, at most.
const FIGURES_DRAWN: usize = 24;
/// Releases that are due within so many days are shown.
const DAYS_AHEAD: i64 = 7;

/// All of it.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The gravest alerts that fire, of equal ones the youngest first.
    pub firing: Vec<Card>,
    /// How many fire, by severity, the gravest first; none where none does.
    pub severities: Vec<(Severity, usize)>,
    /// How many fire.
    pub firing_count: usize,
    /// Alerts that wait for a figure.
    pub held: Vec<AlertShown>,
    /// How many wait.
    pub held_count: usize,
    /// Every feed.
    pub feeds: Vec<FeedStatus>,
    /// Those of them whose pulls fail.
    pub failing: Vec<FeedStatus>,
    /// Figures that are late, and those that are due soon, in the order of their days.
    pub releases: Vec<Release>,
    /// Receivers that do not take what they are owed.
    pub receivers: Vec<Unreached>,
    /// The newest transitions.
    pub changes: Vec<Changed>,
}

/// An alert with its figures.
#[derive(Clone, Debug)]
pub struct Card {
    /// The alert.
    pub alert: AlertShown,
    /// Its last figures; none of what is made of several series where there are very many.
    pub chart: Option<Chart>,
}

/// A figure that is awaited.
#[derive(Clone, Debug)]
pub struct Release {
    /// Whose.
    pub feed: String,
    /// Which, and when.
    pub next: NextRelease,
}

/// A receiver that does not take what it is owed.
#[derive(Clone, Debug)]
pub struct Unreached {
    /// Its name.
    pub name: String,
    /// What is wrong: `disabled`, `failing`, `dead`.
    pub state: &'static str,
    /// The same in a sentence.
    pub why: String,
}

/// A change of an alert in a line.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The alert's id.
    pub alert: String,
    /// What kind of change.
    pub kind: Kind,
    /// When it was found.
    pub at: Timestamp,
    /// The title of its message.
    pub title: String,
}

/// Looks at all of it.
pub async fn overview(asked: Inspection<'_>, holdings: &mut Holdings) -> Result<Overview, StoreError> {
    let store = asked.store;
    let quiet = Quiet::read(asked.setup, store, asked.now).await?;
    let counts = store.count_alerts().await?;
    let of_severity =
        |wanted| counts.iter().filter(|count| count.severity == Some(wanted)).map(|count| count.count).sum();
    let severities: Vec<(Severity, usize)> =
        Severity::ALL.into_iter().rev().map(|severity| (severity, of_severity(severity))).collect();
    let feeds = feeds::feeds(asked, holdings).await?;
    let series = feeds.iter().map(|feed| feed.series).sum();
    let firing = AlertQuery { firing: Some(true), limit: FIRING_SHOWN, ..AlertQuery::default() };
    let held = AlertQuery { held: Some(true), firing: Some(false), limit: HELD_SHOWN, ..AlertQuery::default() };
    let held_count =
        counts.iter().filter(|count| count.held && count.severity.is_none()).map(|count| count.count).sum();
    let changed = store.recent(CHANGES_SHOWN).await?.into_iter().map(|recent| Changed {
        alert: crate::alert::alert_id(&recent.transition.rule, &recent.transition.labels),
        kind: recent.transition.kind,
        at: recent.transition.at,
        title: recent.title,
    });
    Ok(Overview {
        firing: cards(asked, &quiet, firing, series).await?,
        firing_count: severities.iter().map(|(_, count)| count).sum(),
        severities: severities.into_iter().filter(|(_, count)| *count > 0).collect(),
        held: cards(asked, &quiet, held, series).await?.into_iter().map(|card| card.alert).collect(),
        held_count,
        failing: feeds.iter().filter(|feed| feed.state == Condition::Failing).cloned().collect(),
        releases: releases(asked, &feeds),
        feeds,
        receivers: receivers(asked).await?,
        changes: changed.collect(),
    })
}

/// Some alerts with what their last messages say, and their figures. What is not stored series by series is made of
/// them: to know of which, all of them are read, so only where there are not very many.
async fn cards(
    asked: Inspection<'_>,
    quiet: &Quiet<'_>,
    query: AlertQuery,
    series: usize,
) -> Result<Vec<Card>, StoreError> {
    let store = asked.store;
    let alerts = store.find_alerts(query).await?.items;
    let newest = store.newest(alerts.iter().map(|alert| (alert.rule.as_str(), &alert.labels))).await?;
    let stored = store.series_of(alerts.iter().map(|alert| &alert.labels)).await?;
    let known: Vec<SeriesRef> = stored.iter().flatten().cloned().collect();
    let mut read = histories(asked.setup, store, &known, PullId(i64::MAX)).await?.into_iter();
    let is_made = stored.iter().any(Option::is_none) && series <= SERIES_READ_MAX;
    let catalogue = if is_made { Some(Catalogue::new(asked.setup, store).await?) } else { None };
    let mut cards = Vec::with_capacity(alerts.len());
    for ((alert, newest), stored) in alerts.into_iter().zip(newest).zip(stored) {
        let history = match (stored, &catalogue) {
            (Some(_), _) => read.next(),
            (None, Some(catalogue)) => made(asked, catalogue, &alert).await?,
            (None, None) => None,
        };
        let chart = history.and_then(|history| drawn(asked, &alert, &history));
        let alert = show(asked, quiet, alert, newest.map(|(_, message)| message).as_ref());
        cards.push(Card { alert, chart });
    }
    Ok(cards)
}

/// The history of a group, or of a derived series.
async fn made(asked: Inspection<'_>, catalogue: &Catalogue<'_>, alert: &Alert) -> Result<Option<History>, StoreError> {
    let Some(rule) = asked.setup.rules.iter().find(|rule| rule.name == alert.rule) else { return Ok(None) };
    let subject = catalogue.compound(rule).into_iter().find(|subject| subject.labels == alert.labels);
    let Some(subject) = subject else { return Ok(None) };
    Ok(catalogue.past(asked.store, &subject, None).await?.history.ok())
}

/// What a rule looks at, its last figures, with what fires.
fn drawn(asked: Inspection<'_>, alert: &Alert, history: &History) -> Option<Chart> {
    let rule = asked.setup.rules.iter().find(|rule| rule.name == alert.rule)?;
    let zone = history.labels().value("feed").and_then(|feed| catalogue::feed(asked.setup, feed)).map(|feed| feed.zone);
    let firing = match &alert.state {
        State::Firing(firing) => Some(Firing { since: firing.since, until: None }),
        State::Ok => None,
    };
    let view = history.view(AsOf::Latest).at(asked.now);
    let chart = Chart::new(&rule.name, &rule.seen(view), zone.unwrap_or(asked.setup.zone));
    Some(chart.with_firing(firing).last(FIGURES_DRAWN))
}

fn releases(asked: Inspection<'_>, feeds: &[FeedStatus]) -> Vec<Release> {
    let until = asked.now.date(asked.setup.zone) + chrono::Duration::days(DAYS_AHEAD);
    let awaited = |feed: &FeedStatus| {
        let next = feed.next_release.filter(|next| next.state != Punctuality::Due || next.due_on <= until)?;
        Some(Release { feed: feed.feed.clone(), next })
    };
    let mut releases: Vec<Release> = feeds.iter().filter_map(awaited).collect();
    releases.sort_by_key(|release| release.next.due_on);
    releases
}

async fn receivers(asked: Inspection<'_>) -> Result<Vec<Unreached>, StoreError> {
    let (standings, owed) = (asked.store.receivers().await?, asked.store.owed().await?);
    let unreached = |name: &String| {
        let standing = standings.get(name).cloned().unwrap_or_default();
        let owed = owed.get(name).copied().unwrap_or_default();
        let (state, why) = trouble(&standing, &owed, asked.now)?;
        Some(Unreached { name: name.clone(), state, why })
    };
    Ok(asked.setup.receivers.iter().map(|receiver| &receiver.name).filter_map(unreached).collect())
}

/// What is wrong with a receiver, if anything is.
fn trouble(standing: &Standing, owed: &Owed, now: Timestamp) -> Option<(&'static str, String)> {
    let why = standing.last_error.as_deref().unwrap_or("no reason is known");
    let waiting = counted(owed.waiting, "message");
    if standing.disabled_at.is_some() {
        return Some(("disabled", format!("{why}; {waiting} waiting")));
    }
    if let Some(since) = standing.failing_since {
        return Some(("failing", format!("for {}: {why}; {waiting} waiting", lasting(now.since(since)))));
    }
    (owed.dead > 0).then(|| ("dead", format!("{} given up", counted(owed.dead, "message"))))
}

impl Overview {
    /// How many more fire than are shown.
    pub const fn firing_left_out(&self) -> usize {
        self.firing_count.saturating_sub(self.firing.len())
    }

    /// The whole in a line.
    pub fn headline(&self) -> String {
        let alerts = match self.firing_count {
            0 => "No alert fires".to_owned(),
            1 => format!("1 alert fires: {}", self.by_severity()),
            count => format!("{count} alerts fire: {}", self.by_severity()),
        };
        let late = self.releases.iter().filter(|release| release.next.state != Punctuality::Due).count();
        let unreached = self.receivers.len();
        let troubles = [
            (late, "release", "is late", "are late"),
            (self.failing.len(), "feed", "fails", "fail"),
            (unreached, "receiver", "is not reached", "are not reached"),
        ];
        let told = troubles.into_iter().filter(|(count, ..)| *count > 0).map(|(count, what, one, many)| {
            format!("{} {}", counted(count, what), if count == 1 { one } else { many })
        });
        std::iter::once(alerts).chain(told).collect::<Vec<_>>().join("; ")
    }

    fn by_severity(&self) -> String {
        self.severities.iter().map(|(severity, count)| format!("{count} {severity}")).collect::<Vec<_>>().join(", ")
    }
}

impl Card {
    /// What is said of it now.
    pub fn title(&self) -> &str {
        match self.alert.annotations.summary.as_str() {
            "" => &self.alert.rule,
            summary => summary,
        }
    }

    /// How bad it is, in a word.
    pub fn severity(&self) -> &'static str {
        self.alert.severity.map_or("ok", Severity::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::testing::{World, feed_table, rule_table};

    #[tokio::test]
    async fn what_fires_is_seen_with_its_figures_a_group_too() {
        let config = feed_table("magnets", "month")
            + &rule_table("falling", "magnets", "when = \"declines >= 2\"\nseverity = \"critical\"")
            + &rule_table("share", "magnets", "group_by = [\"feed\"]\nwhen = \"share(partner='US') > 1%\"");
        let mut world = World::new(&config).await;
        world.pull("magnets", "US 2025-07=619 2025-08=590 2025-09=420.5; DE 2025-07=1 2025-08=2 2025-09=3").await;
        world.assess().await;
        let seen = overview(world.inspection(), &mut Holdings::default()).await.unwrap();
        let shown = |card: &Card| (card.alert.rule.clone(), card.chart.as_ref().is_some_and(Chart::has_figures));
        let firing: Vec<_> = seen.firing.iter().map(shown).collect();
        assert_eq!(firing, [("falling".to_owned(), true), ("share".to_owned(), true)]);
        assert_eq!(seen.headline(), "2 alerts fire: 1 critical, 1 warning");
        assert_eq!((seen.firing_left_out(), seen.changes.len(), seen.feeds.len()), (0, 2, 1));
    }
}
