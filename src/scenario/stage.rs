//! The figures that a rule is played on, and what it makes of them: for each of its alerts, what was known when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{Figure, Said, known};
use crate::backtest::{Basis, Knowledge, Range, Replay, replay};
use crate::base::clock::Timestamp;
use crate::period::Frequency;
use crate::rule::Rule;
use crate::rule::derived::Derived;
use crate::rule::roster::{Roster, Subject};
use crate::series::derive::Misfit;
use crate::series::{History, Labels, PullId, Release, Unit, Vintage};

/// One series with its figures.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Its unit.
    pub unit: Option<Unit>,
    /// Neighbours of a daily series lie at most so many days apart.
    pub max_gap_days: i64,
    /// The publisher's zone: days are its days.
    pub zone: Tz,
    /// When its figures are due.
    pub release: Option<Release>,
    /// The figures.
    pub figures: Vec<Figure>,
}

impl Series {
    /// What a history says, with the publisher's zone.
    pub fn new(history: &History, zone: Tz) -> Self {
        let figures = history.entries().map(|(span, vintages)| {
            let said =
                |vintage: &Vintage| Said { value: vintage.value, status: vintage.status, at: vintage.recorded_at };
            // Of several vintages of one moment only the last was ever seen, and before its first figure a period is
            // missing, not withdrawn.
            let mut vintages: Vec<Said> = vintages.iter().rev().map(said).collect();
            vintages.dedup_by_key(|said| said.at);
            let vintages = vintages.into_iter().rev().skip_while(|said| said.value.is_none()).collect();
            Figure { span, vintages }
        });
        Self {
            labels: history.labels().clone(),
            unit: history.unit().cloned(),
            max_gap_days: history.max_gap_days(),
            zone,
            release: history.release().cloned(),
            figures: figures.filter(|figure| !figure.vintages.is_empty()).collect(),
        }
    }

    /// How long its periods are.
    pub fn frequency(&self) -> Frequency {
        self.figures.first().map_or(Frequency::Month, |figure| figure.span.last().frequency())
    }

    fn said(&self) -> impl Iterator<Item = &Said> {
        self.figures.iter().flat_map(|figure| &figure.vintages)
    }

    /// The same, with each moment moved to the beginning of its day, or to where the calendar has it on that day.
    fn by_day(&self) -> Self {
        let mut moved = self.clone();
        for figure in &mut moved.figures {
            let usual = known(figure.span, self.release.as_ref(), self.zone);
            for (index, said) in figure.vintages.iter_mut().enumerate() {
                let day = said.at.date(self.zone);
                let is_usual = index == 0 && usual.date(self.zone) == day;
                said.at = if is_usual { usual } else { Timestamp::start_of_day(day, self.zone) };
            }
        }
        moved
    }
}

/// A rule, and the series that it is played on.
#[derive(Clone, Debug)]
pub struct Stage<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// What derives from the series, each behind all that it derives from.
    pub derived: &'a [Derived],
    /// The series.
    pub series: Vec<Series>,
    /// The zone of alerts whose series do not share one.
    pub zone: Tz,
    /// The last day, until which time goes on though nothing more becomes known.
    pub until: Option<NaiveDate>,
}

/// What was known when of what one alert is about.
#[derive(Clone, Debug)]
pub struct Past {
    /// What was known.
    pub knowledge: Knowledge,
    /// Days are told by this zone.
    pub zone: Tz,
}

impl Past {
    /// What the alert is about.
    pub fn labels(&self) -> &Labels {
        self.knowledge.history().labels()
    }

    /// What a rule makes of it.
    pub fn replay(&self, rule: &Rule) -> Replay {
        replay(rule, &self.knowledge, self.zone, Range::default())
    }
}

impl Stage<'_> {
    fn roster(&self) -> Roster<'_> {
        Roster::new(self.derived, self.series.iter().map(|series| (series.labels.clone(), series.frequency())))
    }

    /// The positions of the series that none of the rule's alerts needs.
    pub fn idle(&self) -> Vec<usize> {
        let roster = self.roster();
        let used: BTreeSet<usize> =
            roster.subjects(self.rule).iter().flat_map(|subject| roster.stored(subject)).collect();
        (0..self.series.len()).filter(|position| !used.contains(position)).collect()
    }

    /// What was known when, for each alert of the rule; or why some figures do not go together.
    pub fn pasts(&self) -> Result<Vec<Past>, Misfit> {
        let roster = self.roster();
        let moments: BTreeSet<Timestamp> = self.series.iter().flat_map(Series::said).map(|said| said.at).collect();
        let pulls: BTreeMap<Timestamp, PullId> = moments.into_iter().zip((1..).map(PullId)).collect();
        let past = |subject: &Subject| {
            let sources = roster.stored(subject);
            let histories = sources.iter().map(|source| (*source, history(&self.series[*source], &pulls)));
            let history = roster.history(subject, histories.collect())?;
            let zone = self.shared_zone(&sources);
            let knowledge = Knowledge::new(&history, Basis::Stored, None, zone);
            let end = self.until.and_then(|day| Some(Timestamp::start_of_day(day.succ_opt()?, zone)));
            Ok(Past { knowledge: end.into_iter().fold(knowledge, Knowledge::until), zone })
        };
        roster.subjects(self.rule).iter().map(past).collect()
    }

    fn shared_zone(&self, sources: &[usize]) -> Tz {
        let mut zones = sources.iter().map(|source| self.series[*source].zone);
        let first = zones.next().unwrap_or(self.zone);
        if zones.all(|zone| zone == first) { first } else { self.zone }
    }

    /// The same by whole days, where no two moments become one by that, and none passes another.
    #[must_use]
    pub fn by_day(self) -> Self {
        let moved: Vec<Series> = self.series.iter().map(Series::by_day).collect();
        let moments = |series: &[Series]| series.iter().flat_map(Series::said).map(|said| said.at).collect::<Vec<_>>();
        let pairs: BTreeSet<_> = moments(&self.series).into_iter().zip(moments(&moved)).collect();
        let before: BTreeSet<_> = pairs.iter().map(|(before, _)| before).collect();
        let keeps_order = before.len() == pairs.len()
            && pairs.iter().zip(pairs.iter().skip(1)).all(|((_, earlier), (_, later))| earlier < later);
        if keeps_order { Self { series: moved, ..self } } else { self }
    }
}

/// A series' figures as a history; each vintage says itself since when it is known.
fn history(series: &Series, pulls: &BTreeMap<Timestamp, PullId>) -> History {
    let mut history = History::new(series.labels.clone(), series.frequency(), series.unit.clone())
        .with_max_gap(series.max_gap_days)
        .with_release(series.release.clone());
    for figure in &series.figures {
        for said in &figure.vintages {
            let pull = pulls.get(&said.at).copied().unwrap_or_default();
            let vintage = Vintage { value: said.value, status: said.status, recorded_at: said.at, pull };
            history.record(figure.span, vintage);
        }
    }
    history
}
