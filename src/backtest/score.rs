//! How well alarms foretold events: hits, false alarms, lead times, precision and recall.
//!
//! An alarm is the opening of an episode, on the day on which it became known. It speaks for the days
//! from then to the end of its episode, and for at least so many days as the window says. An event is a
//! hit where an alarm speaks for its day, else missed. An alarm is true where it speaks for an event's
//! day, else false; one whose days are not over yet, with no event so far, is undecided and counts for
//! nothing. So does an event outside the days that the replay can speak of.

use chrono::{Days, NaiveDate};

use super::replay::{Episode, Replay};
use crate::base::text::printable;

/// Something that happened, to be foretold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The day.
    pub on: NaiveDate,
    /// What.
    pub name: String,
}

/// The opening of an episode, and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The day on which it became known.
    pub opened: NaiveDate,
    /// The day on which its end became known.
    pub ended: Option<NaiveDate>,
}

/// What a replay can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// For how many days an alarm speaks at least.
    pub days: u32,
    /// The first day that the replay can speak of.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
}

/// How one event was foretold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foretold {
    /// The event.
    pub event: Event,
    /// `None` where it lies outside what the replay can speak of.
    pub counted: bool,
    /// The first alarm that speaks for it.
    pub alarm: Option<NaiveDate>,
}

impl Foretold {
    /// How many days before the event the first alarm for it was known.
    pub fn lead_days(&self) -> Option<i64> {
        self.alarm.map(|alarm| self.event.on.signed_duration_since(alarm).num_days())
    }
}

/// The sum of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Every event, by day.
    pub events: Vec<Foretold>,
    /// The days of alarms that foretold nothing.
    pub false_alarms: Vec<NaiveDate>,
    /// Alarms that foretold something.
    pub true_alarms: usize,
    /// Alarms of which it cannot be said yet.
    pub undecided: usize,
}

impl Score {
    /// Events for which an alarm spoke.
    pub fn hits(&self) -> usize {
        self.events.iter().filter(|event| event.counted && event.alarm.is_some()).count()
    }

    /// Events for which none did.
    pub fn missed(&self) -> usize {
        self.events.iter().filter(|event| event.counted && event.alarm.is_none()).count()
    }

    /// True alarms among those decided.
    pub fn precision(&self) -> Option<f64> {
        share(self.true_alarms, self.true_alarms + self.false_alarms.len())
    }

    /// Hits among the events counted.
    pub fn recall(&self) -> Option<f64> {
        share(self.hits(), self.hits() + self.missed())
    }

    /// The median lead time of the hits, in days.
    pub fn median_lead(&self) -> Option<f64> {
        let counted = self.events.iter().filter(|event| event.counted);
        let mut leads: Vec<i64> = counted.filter_map(Foretold::lead_days).collect();
        leads.sort_unstable();
        let middle = leads.len() / 2;
        match leads.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(leads[middle] as f64),
            _ => Some((leads[middle - 1] + leads[middle]) as f64 / 2.0),
        }
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Holds alarms against events.
pub fn score(alarms: &[Alarm], events: &[Event], window: Window) -> Score {
    let mut events: Vec<Event> = events.to_vec();
    events.sort_by(|a, b| (a.on, &a.name).cmp(&(b.on, &b.name)));
    let mut score = Score::default();
    for alarm in alarms {
        let last = speaks_until(alarm, window);
        let counted = |event: &&Event| event.on <= window.to;
        if events.iter().filter(counted).any(|event| alarm.opened <= event.on && event.on <= last) {
            score.true_alarms += 1;
        } else if last > window.to {
            score.undecided += 1;
        } else {
            score.false_alarms.push(alarm.opened);
        }
    }
    for event in events {
        let counted = window.from <= event.on && event.on <= window.to;
        let speaking =
            alarms.iter().filter(|alarm| alarm.opened <= event.on && event.on <= speaks_until(alarm, window));
        let alarm = speaking.map(|alarm| alarm.opened).min().filter(|_| counted);
        score.events.push(Foretold { event, counted, alarm });
    }
    score
}

/// Holds the episodes of some replays against events. `today` is how far the replays can speak of;
/// `None`: no further than their last figure.
pub fn rate(replays: &[Replay], events: &[Event], days: u32, today: Option<NaiveDate>) -> Score {
    let alarm = |replay: &Replay, episode: &Episode| Alarm {
        opened: replay.day(episode.opened),
        ended: episode.ended.map(|end| replay.day(end.at)),
    };
    let mut alarms = Vec::new();
    let mut known = Vec::new();
    for replay in replays {
        alarms.extend(replay.episodes.iter().map(|episode| alarm(replay, episode)));
        known.extend(replay.rows.iter().filter_map(|row| row.known).map(|(at, _)| replay.day(at)));
    }
    let from = known.iter().min().copied().unwrap_or(NaiveDate::MAX);
    let to = today.or(known.iter().max().copied()).unwrap_or(NaiveDate::MIN);
    score(&alarms, events, Window { days, from, to })
}

/// The last day for which an alarm speaks.
fn speaks_until(alarm: &Alarm, window: Window) -> NaiveDate {
    let at_least = alarm.opened.checked_add_days(Days::new(window.days.into())).unwrap_or(NaiveDate::MAX);
    alarm.ended.unwrap_or(NaiveDate::MAX).max(at_least)
}

/// Why a file of events cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// A row is not as it should be.
    #[error("line {line}: {reason}: expected `date,name`, such as `2025-10-09,export controls widened`")]
    Row {
        /// The line.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// There is none.
    #[error("there are no events: expected lines of `date,name`")]
    Empty,
}

/// Reads events: CSV of date and name, with or without a header of these words.
pub fn read_events(text: &str) -> Result<Vec<Event>, EventsError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut events = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| EventsError::Row {
            line: error.position().map_or(0, csv::Position::line),
            reason: "it cannot be read as CSV".to_owned(),
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let date = record.get(0).unwrap_or_default();
        if index == 0 && date.eq_ignore_ascii_case("date") {
            continue;
        }
        let row = |reason: String| EventsError::Row { line, reason };
        let on = date.parse().map_err(|_| row(format!("`{}` is no date", printable(date))))?;
        let name =
            record.get(1).filter(|name| !name.is_empty()).ok_or_else(|| row("the name is missing".to_owned()))?;
        if record.len() > 2 {
            return Err(row("there are more than two columns (quote a name that has a comma)".to_owned()));
        }
        events.push(Event { on, name: name.to_owned() });
    }
    if events.is_empty() { Err(EventsError::Empty) } else { Ok(events) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn alarms(text: &str) -> Vec<Alarm> {
        let alarm = |word: &str| {
            let (opened, ended) = word.split_once("..").unwrap();
            Alarm { opened: day(opened), ended: ended.parse().ok() }
        };
        text.split_whitespace().map(alarm).collect()
    }

    fn scored(spans: &str, dates: &str) -> Score {
        let events: Vec<Event> =
            dates.split_whitespace().map(|date| Event { on: day(date), name: format!("e{date}") }).collect();
        score(&alarms(spans), &events, Window { days: 90, from: day("2025-01-01"), to: day("2026-01-01") })
    }

    #[track_caller]
    fn check(spans: &str, dates: &str, expected: &str) {
        let score = scored(spans, dates);
        let leads: Vec<String> = score
            .events
            .iter()
            .map(|event| match (event.counted, event.lead_days()) {
                (false, _) => "outside".to_owned(),
                (true, None) => "missed".to_owned(),
                (true, Some(lead)) => lead.to_string(),
            })
            .collect();
        let alarms =
            format!("{} true {} false {} undecided", score.true_alarms, score.false_alarms.len(), score.undecided);
        assert_eq!(format!("{} | {alarms}", leads.join(" ")), expected);
    }

    #[test]
    fn an_alarm_speaks_for_its_window_and_for_its_episode() {
        check("2025-03-01..2025-03-20", "2025-03-01 2025-05-30 2025-05-31", "0 90 missed | 1 true 0 false 0 undecided");
        check("2025-03-01..2025-09-20", "2025-09-20 2025-09-21", "203 missed | 1 true 0 false 0 undecided");
        check("2025-03-01..", "2025-12-31 2025-02-28", "missed 305 | 1 true 0 false 0 undecided");
    }

    #[test]
    fn alarms_without_an_event_are_false_once_their_days_are_over() {
        check("2025-03-01..2025-03-20 2025-11-20..2025-12-20", "2025-08-01", "missed | 0 true 1 false 1 undecided");
        check("2025-03-01..2025-03-20", "2024-12-31 2026-01-02", "outside outside | 0 true 1 false 0 undecided");
        check("", "2025-08-01", "missed | 0 true 0 false 0 undecided");
    }

    #[test]
    fn the_earliest_alarm_gives_the_lead() {
        check("2025-04-01..2025-04-20 2025-03-01..2025-03-20", "2025-05-01", "61 | 2 true 0 false 0 undecided");
    }

    #[test]
    fn precision_and_recall_are_shares_of_what_is_decided() {
        let score = scored(
            "2025-03-01..2025-03-20 2025-06-01..2025-06-20 2025-12-20..",
            "2025-03-31 2025-04-10 2025-11-01 2024-01-01",
        );
        assert_eq!((score.precision(), score.recall()), (Some(0.5), Some(2.0 / 3.0)));
        assert_eq!(score.median_lead(), Some(35.0));
        assert_eq!(score.false_alarms, [day("2025-06-01")]);
        let nothing = scored("", "");
        assert_eq!((nothing.precision(), nothing.recall(), nothing.median_lead()), (None, None, None));
    }

    #[test]
    fn events_are_read_from_csv() {
        let events =
            read_events("\u{feff}date,name\n2025-04-04, export licences\n2025-10-09,\"controls, wider\"\n").unwrap();
        assert_eq!(events[0], Event { on: day("2025-04-04"), name: "export licences".into() });
        assert_eq!(events[1].name, "controls, wider");
        assert_eq!(read_events("2025-04-04,x").unwrap().len(), 1);
        let error = |text: &str| read_events(text).unwrap_err().to_string();
        assert!(error("2025-04-04,x\n4 April,y").starts_with("line 2: `4 April` is no date: expected"));
        assert!(error("2025-04-04").starts_with("line 1: the name is missing"));
        assert!(error("2025-04-04,a,b").starts_with("line 1: there are more than two columns"));
        assert!(error("date,name\n").starts_with("there are no events"));
    }
}
