//! The health of the feeds, and the data alerts that come from it: pulls that fail for too long, releases
//! that are overdue. That of the receivers is `receivers`'.
//!
//! A data alert has the life of any other: it is told once, and once that it is over. No rule of the config
//! speaks here, and no figure is judged.

use chrono_tz::Tz;
use tracing::warn;

use super::evaluate::held_until;
use super::{Context, receivers};
use crate::alert::{Alert, Cause, FEED_FAILING, FEED_OVERDUE, Firing, Kind, State, Topic, Transition};
use crate::base::clock::Timestamp;
use crate::base::text::{counted, lasting};
use crate::config::Setup;
use crate::feed::Feed;
use crate::inspect::{Health, Holdings};
use crate::outbox::{self, Manners, Message, Report, Said, notified, plan};
use crate::period::{Frequency, Period};
use crate::rule::Severity;
use crate::series::{Labels, PullId, Upcoming};
use crate::store::{Committed, Settled, StoreError};

/// What may be wrong with a feed; each has an alert of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Failing,
    Overdue,
}

impl Trouble {
    /// The name in the place of a rule's, which no rule can have.
    const fn name(self) -> &'static str {
        match self {
            Self::Failing => FEED_FAILING,
            Self::Overdue => FEED_OVERDUE,
        }
    }
}

/// Watches the feeds.
#[derive(Default)]
pub struct Watch {
    holdings: Holdings,
}

impl Watch {
    /// Looks at every feed and receiver, and stores what its data alerts come to; the messages of those that changed.
    pub async fn look(&mut self, context: &Context, setup: &Setup) -> Result<Vec<Message>, StoreError> {
        let (store, now) = (&context.store, context.clock.now());
        let mut states = store.feeds().await?;
        let known: Vec<String> = setup.receivers.iter().map(|receiver| receiver.name.clone()).collect();
        let mut messages = Vec::new();
        for feed in &setup.feeds {
            let Some(state) = states.remove(&feed.name) else { continue };
            let latest = match feed.release {
                Some(_) => self.holdings.of(store, &feed.name).await?.latest,
                None => None,
            };
            let health = Health::new(feed, state, latest, now);
            for trouble in [Trouble::Failing, Trouble::Overdue] {
                let case = FeedCase { feed, health: &health, trouble, now };
                messages.extend(settle(context, setup, &case, feed.notify.as_deref(), &known).await?);
            }
        }
        messages.extend(receivers::look(context, setup, &known).await?);
        Ok(messages)
    }
}

/// One thing that may be wrong, now.
pub trait Case {
    /// The name in the place of a rule's, which no rule can have.
    fn name(&self) -> &'static str;
    /// What it concerns.
    fn labels(&self) -> Labels;
    /// Whose days it is told by.
    fn zone(&self) -> Tz;
    /// What is wrong, if it is.
    fn found(&self) -> Option<Report>;
    /// Whether it is well again, where it was not.
    fn is_over(&self) -> bool;
    /// What is said then: a title and the period.
    fn over(&self, firing: &Firing) -> (String, Period);
}

/// Stores what a case's alert comes to; the message, where anything changed. `own` are those whom the config names for it,
/// and of `known` alone any is told.
pub async fn settle(
    context: &Context,
    setup: &Setup,
    case: &(dyn Case + Sync),
    own: Option<&[String]>,
    known: &[String],
) -> Result<Option<Message>, StoreError> {
    let (store, now) = (&context.store, context.clock.now());
    let alert = store.alert(case.name(), &case.labels()).await?;
    let alert = alert.unwrap_or_else(|| Alert::new(case.name(), case.labels(), "", PullId(0)));
    let whom = told(setup, own, &alert, known);
    let Some((alert, transition, mut message)) = change(case, alert, now) else { return Ok(None) };
    super::link(setup, &mut message);
    let deliveries = context.dressed(setup, plan(store.id(), &message, &whom));
    let transition = Some((transition, message.clone()));
    let held_until = held_until(setup, message.severity, now);
    let manners = Manners { held_until, ..Manners::default() };
    let settled = Settled { alert, transition, deliveries, manners };
    if context.commit(None, Vec::new(), vec![settled]).await? != Committed::Stored {
        return Ok(None);
    }
    warn!(alert = case.name(), labels = %case.labels(), kind = %message.kind, title = message.title, "data alert");
    Ok(Some(message))
}

/// What becomes of a case's alert, where anything does.
fn change(case: &(dyn Case + Sync), alert: Alert, now: Timestamp) -> Option<(Alert, Transition, Message)> {
    let (kind, report) = match (&alert.state, case.found()) {
        (State::Ok, Some(report)) => (Kind::Fired, report),
        (State::Firing(firing), None) if case.is_over() => (Kind::Resolved, end(case, firing)),
        (State::Ok | State::Firing(_), _) => return None,
    };
    let begins = kind == Kind::Fired;
    let transition = Transition {
        rule: alert.rule.clone(),
        labels: alert.labels.clone(),
        number: alert.number + 1,
        episode: alert.episode + u32::from(begins),
        kind,
        cause: if begins { Cause::TimePassed } else { Cause::Published },
        severity: Severity::Warning,
        period: report.period,
        pull: None,
        at: now,
    };
    let message = Message::report(&transition, report);
    let state = match begins {
        true => State::Firing(Firing {
            severity: Severity::Warning,
            since: transition.period.unwrap_or_else(|| day(now, case.zone())),
            said: message.title.clone(),
            said_at: now,
            told_at: now,
            receivers: Vec::new(),
            owed: Vec::new(),
        }),
        false => State::Ok,
    };
    let Transition { number, episode, period, .. } = transition;
    Some((Alert { state, number, episode, assessed: period, ..alert }, transition, message))
}

/// That it is over.
fn end(case: &(dyn Case + Sync), firing: &Firing) -> Report {
    let (title, period) = case.over(firing);
    Report {
        title,
        summary: String::new(),
        condition: case.name().to_owned(),
        found: "over".to_owned(),
        period: Some(period),
        clears: None,
        said: Some(Said::new(firing, case.zone())),
    }
}

/// The day that holds a time.
pub fn day(at: Timestamp, zone: Tz) -> Period {
    Period::containing(at.date(zone), Frequency::Day)
}

/// One thing that may be wrong with one feed, now.
struct FeedCase<'a> {
    feed: &'a Feed,
    health: &'a Health,
    trouble: Trouble,
    now: Timestamp,
}

impl Case for FeedCase<'_> {
    fn name(&self) -> &'static str {
        self.trouble.name()
    }

    fn labels(&self) -> Labels {
        self.feed.labels.clone()
    }

    fn zone(&self) -> Tz {
        self.feed.zone
    }

    fn found(&self) -> Option<Report> {
        let Self { feed, health, now, .. } = *self;
        let name = &feed.name;
        match self.trouble {
            Trouble::Failing => {
                let since = health.failing(feed, now)?;
                let why = health.state.last_error.as_deref().unwrap_or("no reason is known");
                let stood = health.state.last_ok_at.map_or_else(
                    || "No pull has ever stood.".to_owned(),
                    |at| format!("The last that stood was on {}; what is stored stands.", self.words(at)),
                );
                Some(Report {
                    title: format!("Feed {name} has failed since {}: {why}", self.words(since)),
                    summary: format!("{} failed. {stood}", counted(health.state.failures as usize, "pull")),
                    condition: format!("expect_within {}", lasting(feed.expect_within)),
                    found: format!("failing for {}", lasting(now.since(since))),
                    period: Some(self.day(since)),
                    clears: Some("ends when a pull of the feed stands".to_owned()),
                    said: None,
                })
            }
            Trouble::Overdue => {
                let Upcoming { period, due_on, .. } = health.overdue()?;
                let due = due_on.format("%-d %B %Y");
                let latest = health.latest.map_or_else(String::new, Period::in_words);
                let read = match (&health.state.last_error, health.state.last_ok_at) {
                    (Some(why), _) => format!("The feed fails: {why}"),
                    (None, Some(at)) => format!("The feed was read on {} and had nothing newer.", self.words(at)),
                    (None, None) => String::new(),
                };
                Some(Report {
                    title: format!("Feed {name}: {} is overdue, it was due on {due}", period.in_words()),
                    summary: format!("The latest figures are of {latest}. {read}"),
                    condition: "release".to_owned(),
                    found: format!("{period} was due on {due_on}"),
                    period: Some(period),
                    clears: Some(format!("ends when a figure of {} is published", period.in_words())),
                    said: None,
                })
            }
        }
    }

    fn is_over(&self) -> bool {
        self.found().is_none()
    }

    fn over(&self, firing: &Firing) -> (String, Period) {
        let Self { feed: Feed { name, .. }, health, .. } = *self;
        match self.trouble {
            Trouble::Failing => {
                let at = health.state.last_ok_at.unwrap_or(self.now);
                (format!("Feed {name} is well again: a pull stood on {}", self.words(at)), self.day(at))
            }
            Trouble::Overdue => {
                let latest = health.latest.unwrap_or(firing.since);
                (format!("Feed {name} is no longer overdue: the latest figures are of {}", latest.in_words()), latest)
            }
        }
    }
}

impl FeedCase<'_> {
    fn day(&self, at: Timestamp) -> Period {
        day(at, self.feed.zone)
    }

    fn words(&self, at: Timestamp) -> String {
        self.day(at).in_words()
    }
}

/// Who is told: its own receivers, or those of its routes, of the beginning, and whoever was told of that, of the end.
fn told(setup: &Setup, own: Option<&[String]>, before: &Alert, known: &[String]) -> Vec<String> {
    let topic = Topic { rule: &before.rule, labels: &before.labels, severity: Severity::Warning };
    match &before.state {
        State::Ok => outbox::receivers(false, &notified(own, &setup.routes, &topic), &[], known),
        State::Firing(firing) => outbox::receivers(true, &[], &firing.receivers, known),
    }
}
