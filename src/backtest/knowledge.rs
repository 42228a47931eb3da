//! What was known when: a history renumbered by the moments at which its vintages became known.
//!
//! Each distinct moment, in order, becomes a pull of its own, so that an alert can be stepped through
//! them by [`PullId`] and sees nothing later. No figure is changed, none is made up.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::base::clock::Timestamp;
use crate::period::{Period, Span};
use crate::series::derive::group;
use crate::series::{History, KnownItem, PullId, Release, Vintage};

/// A figure that was first pulled together with one so many days newer was not pulled when it came out.
const TOGETHER_DAYS: i64 = 7;
/// Nor was one that was first pulled so many days after its period had ended.
const LATE_DAYS: i64 = 400;

/// Which moments count as those at which a figure became known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// As stored: when it was published, where the feed says so, else when it was pulled.
    #[default]
    Stored,
    /// The same, but a first figure that a later pull brought belatedly counts as known since it was due
    /// by the feed's release calendar.
    AsOfRelease,
    /// The latest vintage of each period, known on the day after the period ended.
    Latest,
}

/// How the moment of a vintage is known.
///
/// In order, the later the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The publisher said it, or the figure was pulled when it was new.
    Native,
    /// From the release calendar.
    Reconstructed,
    /// It is not: the figure counts as known since it was pulled.
    Unavailable,
    /// It was not asked for: the figure is the latest one.
    Final,
}

impl Origin {
    /// The word: `native`, `reconstructed`, `unavailable`, `final`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Reconstructed => "reconstructed",
            Self::Unavailable => "unavailable",
            Self::Final => "final",
        }
    }
}

/// How many vintages have which origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Vintages {
    /// See [`Origin::Native`].
    pub native: usize,
    /// See [`Origin::Reconstructed`].
    pub reconstructed: usize,
    /// See [`Origin::Unavailable`].
    pub unavailable: usize,
    /// See [`Origin::Final`].
    #[serde(rename = "final")]
    pub latest: usize,
    /// Of the native ones, those that came when they were overdue by the feed's release calendar.
    pub late: usize,
}

impl Vintages {
    /// Counts one more.
    pub const fn count(&mut self, origin: Origin) {
        match origin {
            Origin::Native => self.native += 1,
            Origin::Reconstructed => self.reconstructed += 1,
            Origin::Unavailable => self.unavailable += 1,
            Origin::Final => self.latest += 1,
        }
    }

    /// Both counts together.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            native: self.native + other.native,
            reconstructed: self.reconstructed + other.reconstructed,
            unavailable: self.unavailable + other.unavailable,
            latest: self.latest + other.latest,
            late: self.late + other.late,
        }
    }
}

/// A history whose pulls are the moments at which something became known.
#[derive(Clone, Debug)]
pub struct Knowledge {
    history: History,
    moments: Vec<Timestamp>,
    origins: BTreeMap<Span, Vec<Origin>>,
    late: BTreeSet<Span>,
    until: Option<Timestamp>,
}

/// One vintage with its moment.
struct Known<'a> {
    span: Span,
    vintage: &'a Vintage,
    at: Timestamp,
    origin: Origin,
    is_first: bool,
}

impl Known<'_> {
    /// Whether it is a first figure that came later than the calendar allows, as far as that is known.
    fn is_overdue(&self, release: Option<&Release>) -> bool {
        let overdue = || release.and_then(|release| release.overdue(self.span.last()));
        self.is_first && self.origin == Origin::Native && overdue().is_some_and(|overdue| overdue <= self.at)
    }
}

impl Knowledge {
    /// Renumbers a history; a group's with its members.
    pub fn new(history: &History, basis: Basis, release: Option<&Release>, zone: Tz) -> Self {
        if !history.members().is_empty() {
            return Self::of_group(history, basis, release, zone);
        }
        let known = match basis {
            Basis::Stored => as_known(history, None),
            Basis::AsOfRelease => as_known(history, release),
            Basis::Latest => latest(history, zone),
        };
        let mut moments: Vec<Timestamp> = known.iter().map(|known| known.at).collect();
        moments.sort_unstable();
        moments.dedup();
        let of_moment = |known: &KnownItem| KnownItem { pull: number(&moments, known.seen_at), ..known.clone() };
        let mut renumbered = History::new(history.labels().clone(), history.frequency(), history.unit().cloned())
            .with_max_gap(history.max_gap_days())
            .with_release(history.release().cloned())
            .with_items(history.items().iter().map(of_moment).collect());
        let mut origins: BTreeMap<Span, Vec<Origin>> = BTreeMap::new();
        // What was pulled in one moment goes under the moment's number; the pulls behind a derived figure,
        // of which there are several, under numbers of their own.
        let mut sources: BTreeMap<PullId, PullId> = BTreeMap::new();
        let late = known.iter().filter(|known| known.is_overdue(release)).map(|known| known.span).collect();
        for Known { span, vintage, at, origin, .. } in known {
            let pull = number(&moments, at);
            let known = Vintage { recorded_at: at, pull, ..*vintage };
            renumbered.record(span, known);
            origins.entry(span).or_default().push(origin);
            if let Some(pulls) = history.known_origins(span, vintage.pull, vintage.recorded_at) {
                renumbered.record_origins(span, &known, pulls.iter().map(|pull| behind(*pull)));
                sources.extend(pulls.iter().map(|pull| (behind(*pull), *pull)));
            } else {
                let source = sources.entry(pull).or_insert(vintage.pull);
                *source = vintage.pull.max(*source);
            }
        }
        for (pull, source) in sources {
            if let Some(provenance) = history.provenance(source) {
                renumbered.record_provenance(pull, provenance.clone());
            }
        }
        Self { history: renumbered, moments, origins, late, until: None }
    }

    /// Renumbers the members of a group by all their moments together, and adds them up anew. A moment of the
    /// sum is known as the worst of the members' moments is that it stands for.
    fn of_group(history: &History, basis: Basis, release: Option<&Release>, zone: Tz) -> Self {
        let each = |member: &History| Self::new(member, basis, member.release().or(release), zone);
        let parts: Vec<Self> = history.members().iter().map(each).collect();
        let mut moments: Vec<Timestamp> = parts.iter().flat_map(|part| part.moments.iter().copied()).collect();
        moments.sort_unstable();
        moments.dedup();
        let members = parts.iter().map(|part| part.renumbered(&moments)).collect();
        let empty = || History::new(history.labels().clone(), history.frequency(), history.unit().cloned());
        let sum = group(history.labels().clone(), members).unwrap_or_else(|_| empty());
        let origin = |span: Span, at: Timestamp| {
            let of_part = |part: &Self| -> Option<Origin> {
                let index = part.history.vintages(span).iter().position(|vintage| vintage.recorded_at == at)?;
                part.origins(span).get(index).copied()
            };
            parts.iter().filter_map(of_part).max().unwrap_or(Origin::Native)
        };
        let of_span = |(span, vintages): (Span, &[Vintage])| {
            (span, vintages.iter().map(|vintage| origin(span, vintage.recorded_at)).collect())
        };
        let origins = sum.entries().map(of_span).collect();
        let late = parts.iter().flat_map(|part| part.late.iter().copied()).collect();
        Self { history: sum.with_release(history.release().cloned()), moments, origins, late, until: None }
    }

    /// The history with its pulls numbered by other moments, its own among them.
    fn renumbered(&self, moments: &[Timestamp]) -> History {
        let own = &self.history;
        let mut renumbered =
            History::new(own.labels().clone(), own.frequency(), own.unit().cloned()).with_max_gap(own.max_gap_days());
        for (span, vintages) in own.entries() {
            for vintage in vintages {
                let pull = number(moments, vintage.recorded_at);
                let known = Vintage { pull, ..*vintage };
                renumbered.record(span, known);
                if let Some(pulls) = own.known_origins(span, vintage.pull, vintage.recorded_at) {
                    renumbered.record_origins(span, &known, pulls.iter().copied());
                } else if let Some(provenance) = own.provenance(vintage.pull) {
                    renumbered.record_provenance(pull, provenance.clone());
                }
            }
        }
        for pull in own.behind() {
            if let Some(provenance) = own.provenance(pull) {
                renumbered.record_provenance(pull, provenance.clone());
            }
        }
        renumbered
    }

    /// The same, with nothing more to become known until a time.
    #[must_use]
    pub fn until(self, at: Timestamp) -> Self {
        Self { until: Some(at), ..self }
    }

    /// Until when all is known that became known: its last moment, or the time that was set.
    pub fn end(&self) -> Option<Timestamp> {
        self.moments.last().copied().max(self.until)
    }

    /// The history, its pulls numbered by moment from 1.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// The moments in order, each with its number.
    pub fn moments(&self) -> impl Iterator<Item = (PullId, Timestamp)> {
        self.moments.iter().map(|at| (number(&self.moments, *at), *at))
    }

    /// How the moments of a span's vintages are known, oldest first.
    pub fn origins(&self, span: Span) -> &[Origin] {
        self.origins.get(&span).map_or(&[], Vec::as_slice)
    }

    /// Whether a span's first figure came when it was overdue.
    pub fn is_late(&self, span: Span) -> bool {
        self.late.contains(&span)
    }

    /// The moment at which a span was first known.
    pub fn first(&self, span: Span) -> Option<(PullId, Timestamp)> {
        self.history.vintages(span).first().map(|vintage| (vintage.pull, vintage.recorded_at))
    }

    /// The first moment at which a period later than this one was known.
    pub fn first_after(&self, period: Period) -> Option<(PullId, Timestamp)> {
        let later = self.history.entries().filter(|(span, _)| span.last() > period);
        later.filter_map(|(span, _)| self.first(span)).min()
    }
}

/// The number of a pull behind derived figures, past that of any moment.
const fn behind(pull: PullId) -> PullId {
    PullId(pull.0.saturating_add(1 << 40))
}

/// A moment's number: its place among all of them, from 1.
fn number(moments: &[Timestamp], at: Timestamp) -> PullId {
    PullId(i64::try_from(moments.partition_point(|moment| *moment <= at)).unwrap_or(i64::MAX))
}

/// Every vintage that was ever the latest, with the moment at which it became known. A vintage that a
/// later pull replaced by one of no later date was never the latest, in the order of these dates.
fn as_known<'a>(history: &'a History, release: Option<&Release>) -> Vec<Known<'a>> {
    let newest = newest_first_seen(history);
    let mut known = Vec::new();
    for (span, vintages) in history.entries() {
        let mut replaced = None;
        for (index, vintage) in vintages.iter().enumerate().rev() {
            let (origin, at) = match index {
                0 => first_known(history, span, vintage, &newest, release),
                _ => (Origin::Native, vintage.recorded_at),
            };
            if replaced.is_none_or(|replaced| at < replaced) {
                replaced = Some(at);
                known.push(Known { span, vintage, at, origin, is_first: index == 0 });
            }
        }
    }
    known.sort_by_key(|known| (known.span, known.at));
    known
}

/// The moment of a span's first vintage.
fn first_known(
    history: &History,
    span: Span,
    vintage: &Vintage,
    newest: &BTreeMap<PullId, NaiveDate>,
    release: Option<&Release>,
) -> (Origin, Timestamp) {
    let stated =
        history.provenance(vintage.pull).is_none_or(|provenance| provenance.retrieved_at != vintage.recorded_at);
    if stated || !is_belated(span, vintage, newest) {
        return (Origin::Native, vintage.recorded_at);
    }
    match release.and_then(|release| release.due(span.last())) {
        Some(due) if due <= vintage.recorded_at => (Origin::Reconstructed, due),
        Some(_) | None => (Origin::Unavailable, vintage.recorded_at),
    }
}

/// Whether a figure was first pulled long after it must have been new.
fn is_belated(span: Span, vintage: &Vintage, newest: &BTreeMap<PullId, NaiveDate>) -> bool {
    let end = span.last().last_day();
    let days = |later: NaiveDate| later.signed_duration_since(end).num_days();
    let together = newest.get(&vintage.pull).is_some_and(|newest| days(*newest) > TOGETHER_DAYS);
    together || days(vintage.recorded_at.date(chrono_tz::UTC)) > LATE_DAYS
}

/// For each pull, the end of the latest period that it was the first to bring.
fn newest_first_seen(history: &History) -> BTreeMap<PullId, NaiveDate> {
    let mut newest = BTreeMap::new();
    for (span, vintages) in history.entries() {
        let Some(first) = vintages.first() else { continue };
        newest.insert(first.pull, span.last().last_day());
    }
    newest
}

/// The latest vintage of every span, known on the day after the span.
fn latest<'a>(history: &'a History, zone: Tz) -> Vec<Known<'a>> {
    let known = |(span, vintages): (Span, &'a [Vintage])| {
        let day = span.last().last_day().checked_add_days(Days::new(1))?;
        let at = Timestamp::start_of_day(day, zone);
        Some(Known { span, vintage: vintages.last()?, at, origin: Origin::Final, is_first: true })
    };
    history.entries().filter_map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::{Frequency, Length};
    use crate::series::{AsOf, Finite, Labels, Provenance, Status};

    fn at(day: &str) -> Timestamp {
        Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap()
    }

    /// Lines of `span value pull recorded retrieved`: published where the two differ.
    fn history(script: &str) -> History {
        let mut history = History::new(Labels::default(), Frequency::Month, None);
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let [span, value, pull, recorded, retrieved] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let pull = PullId(pull.parse().unwrap());
            let value = Finite::new(value.parse().unwrap());
            let vintage = Vintage { value, status: Status::Final, recorded_at: at(recorded), pull };
            history.record(Span::parse(span).unwrap(), vintage);
            history.record_provenance(
                pull,
                Provenance {
                    feed: "f".into(),
                    url: "f.csv".into(),
                    retrieved_at: at(retrieved),
                    sha256: format!("of pull {}", pull.0),
                },
            );
        }
        history
    }

    fn release() -> Release {
        Release {
            day: Some(20),
            after: Length::parse("1mo").unwrap(),
            grace: Length::parse("3d").unwrap(),
            skip: vec![2],
            zone: chrono_tz::UTC,
        }
    }

    /// One line a vintage: span, value, the day on which it counts as known, its moment's number, origin.
    #[track_caller]
    fn check(script: &str, basis: Basis, release: Option<&Release>, expected: &str) {
        let knowledge = Knowledge::new(&history(script), basis, release, chrono_tz::UTC);
        let mut told = Vec::new();
        for (span, vintages) in knowledge.history().entries() {
            for (vintage, origin) in vintages.iter().zip(knowledge.origins(span)) {
                let day = vintage.recorded_at.date(chrono_tz::UTC);
                told.push(format!(
                    "{span} {} {day} {} {}",
                    vintage.value.unwrap().get(),
                    vintage.pull.0,
                    origin.name()
                ));
            }
        }
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(told, expected);
    }

    /// The first pull brings three months, one of them dated by its publisher; then it goes month by month.
    const BACKFILL: &str = "
        2025-06 353 1 2025-09-25 2025-09-25
        2025-07 619 1 2025-08-20 2025-09-25
        2025-08 590 1 2025-09-25 2025-09-25
        2025-09 420 2 2025-10-21 2025-10-21
        2025-06 355 2 2025-10-21 2025-10-21
        2025-01 100 3 2025-11-21 2025-11-21
        2025-10 656 3 2025-11-21 2025-11-21
    ";

    #[test]
    fn as_stored_a_backfill_is_known_since_it_was_pulled() {
        check(
            BACKFILL,
            Basis::Stored,
            Some(&release()),
            "
            2025-01 100 2025-11-21 4 unavailable
            2025-06 353 2025-09-25 2 unavailable
            2025-06 355 2025-10-21 3 native
            2025-07 619 2025-08-20 1 native
            2025-08 590 2025-09-25 2 native
            2025-09 420 2025-10-21 3 native
            2025-10 656 2025-11-21 4 native
        ",
        );
    }

    #[test]
    fn a_calendar_reconstructs_when_a_backfill_was_new() {
        check(
            BACKFILL,
            Basis::AsOfRelease,
            Some(&release()),
            "
            2025-01 100 2025-03-20 1 reconstructed
            2025-06 353 2025-07-20 2 reconstructed
            2025-06 355 2025-10-21 5 native
            2025-07 619 2025-08-20 3 native
            2025-08 590 2025-09-25 4 native
            2025-09 420 2025-10-21 5 native
            2025-10 656 2025-11-21 6 native
        ",
        );
        let without = Knowledge::new(&history(BACKFILL), Basis::AsOfRelease, None, chrono_tz::UTC);
        assert_eq!(without.origins(Span::parse("2025-06").unwrap()), [Origin::Unavailable, Origin::Native]);
    }

    #[test]
    fn the_latest_figures_come_period_by_period() {
        check(
            BACKFILL,
            Basis::Latest,
            None,
            "
            2025-01 100 2025-02-01 1 final
            2025-06 355 2025-07-01 2 final
            2025-07 619 2025-08-01 3 final
            2025-08 590 2025-09-01 4 final
            2025-09 420 2025-10-01 5 final
            2025-10 656 2025-11-01 6 final
        ",
        );
    }

    #[test]
    fn a_figure_is_late_that_came_when_it_was_overdue() {
        // Due on 20 October, 20 November and 20 December, with three days of grace.
        let script =
            "2025-09 1 1 2025-10-23 2025-10-23\n2025-10 2 2 2025-11-24 2025-11-24\n2025-11 3 3 2026-01-05 2026-01-09";
        let knowledge = Knowledge::new(&history(script), Basis::Stored, Some(&release()), chrono_tz::UTC);
        let late = |period: &str| knowledge.is_late(Span::parse(period).unwrap());
        assert_eq!([late("2025-09"), late("2025-10"), late("2025-11")], [false, true, true]);
    }

    #[test]
    fn a_long_dead_series_was_not_pulled_when_it_was_new() {
        check("2023-01 100 1 2025-09-25 2025-09-25", Basis::Stored, None, "2023-01 100 2025-09-25 1 unavailable");
    }

    /// By the publisher's dates the later pull's figure was known first, and it is the one that stands.
    #[test]
    fn what_was_never_the_latest_is_left_out() {
        let script = "2025-09 420 1 2025-11-20 2025-11-21\n2025-09 400 2 2025-10-20 2025-12-01";
        check(script, Basis::Stored, None, "2025-09 400 2025-10-20 1 native");
        let knowledge = Knowledge::new(&history(script), Basis::Stored, None, chrono_tz::UTC);
        let period = Period::parse("2025-09").unwrap();
        let last = knowledge.history().view(AsOf::Latest).point(period).unwrap();
        assert_eq!(last.value, history(script).view(AsOf::Latest).point(period).unwrap().value);
        assert_eq!(knowledge.history().provenance(PullId(1)).unwrap().sha256, "of pull 2");
    }
}
