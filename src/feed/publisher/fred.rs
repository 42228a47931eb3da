//! FRED and ALFRED of the Federal Reserve Bank of St. Louis: price series by their FRED names, with the
//! vintages that ALFRED keeps where they are wanted.
//!
//! A series is asked about first (`fred/series`): only when its `last_updated` has moved are its figures
//! asked for. Source of endpoints and fields: the FRED API's documentation, fred.stlouisfed.org/docs/api.

use chrono::DateTime;
use serde::Deserialize;

use super::Common;
use super::draft::{Draft, Fault, Told};
use super::number::Numbers;
use super::site::Site;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::base::text::shorten;
use crate::feed::format::sniff;
use crate::feed::published;
use crate::feed::{Answer, Pace, Page, ParseError, Publisher, Request, Standing};
use crate::period::{Frequency, Period, Span};
use crate::series::{Labels, Observation, Status, Unit};

/// Where it is.
pub const ADDRESS: &str = "https://api.stlouisfed.org/fred";
/// Rows of one answer, at most.
const ROWS_ASKED: usize = 100_000;
/// Two requests a second at most: the publisher allows 120 a minute.
const SPACING: std::time::Duration = std::time::Duration::from_millis(500);

/// Some series of FRED.
#[derive(Clone, Debug)]
pub struct Fred {
    /// Where it is asked.
    pub site: Site,
    /// The user's key.
    pub key: Secret,
    /// The series' names.
    pub series: Vec<String>,
    /// The first period that is asked for.
    pub since: Option<Period>,
    /// Whether earlier vintages are asked for as well.
    pub vintages: bool,
    /// Frequency, labels, zone.
    pub common: Common,
}

/// `fred/series`.
#[derive(Deserialize)]
struct About {
    seriess: Vec<AboutOne>,
}

/// What FRED says of one series.
#[derive(Deserialize)]
struct AboutOne {
    units: String,
    frequency_short: String,
    last_updated: String,
}

/// `fred/series/observations`.
#[derive(Deserialize)]
struct Observations {
    count: usize,
    observations: Vec<Row>,
}

/// A figure, for as long as it was the newest.
#[derive(Deserialize)]
struct Row {
    realtime_start: String,
    date: String,
    value: String,
}

/// An answer without figures.
#[derive(Deserialize)]
struct Refusal {
    error_message: String,
}

impl Publisher for Fred {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        let about = |name: &String| self.request("series", name, &[]).asking(format!("about {name}"));
        self.series.iter().map(about).collect()
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        sniff(answer.body, "JSON")?;
        if answer.http_status == Some(400) {
            let said: Refusal = self.json(answer.body)?;
            return Err(ParseError::Said {
                said: shorten(&self.key.remove_from(&said.error_message), 300),
                passes: false,
            });
        }
        match answer.question.split_once(' ') {
            Some(("about", name)) => self.about(name, answer),
            Some((name, updated)) => self.figures(name, updated, answer.body),
            None => self.figures(self.series.first().map_or("", String::as_str), "", answer.body),
        }
    }

    fn pace(&self) -> Pace {
        Pace { account: "fred".to_owned(), spacing: SPACING, quota: None }
    }
}

impl Fred {
    fn request(&self, path: &str, name: &str, more: &[(&str, &str)]) -> Request {
        let common = [("series_id", name), ("file_type", "json"), ("api_key", self.key.expose())];
        let target = self.site.target(path, common.into_iter().chain(more.iter().copied()));
        Request { accepts: &[400], ..Request::new(target) }
    }

    fn json<'a, T: Deserialize<'a>>(&self, body: &'a [u8]) -> Result<T, ParseError> {
        serde_json::from_slice(body).map_err(|error| ParseError::Malformed {
            row: error.line(),
            reason: shorten(&self.key.remove_from(&error.to_string()), 200),
        })
    }

    /// Whether a series has changed since it was read last; if so, its figures are next.
    fn about(&self, name: &str, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let About { seriess } = self.json(answer.body)?;
        let Some(about) = seriess.first() else {
            return Err(ParseError::NoData { why: format!("FRED has no series `{name}`") });
        };
        let frequency = frequency(&about.frequency_short);
        if frequency != Some(self.common.frequency) {
            let said = format!(
                "`{name}` is by {}, and the feed's frequency is {}",
                frequency.map_or("another frequency", Frequency::name),
                self.common.frequency
            );
            return Err(ParseError::NoData { why: said });
        }
        if answer.standing.marks.get(name) == Some(&about.last_updated) {
            return Ok(Page::default());
        }
        let first = self.since.map(|since| since.first_day().to_string());
        let mut more = vec![("limit", "100000")];
        more.extend(first.as_deref().map(|first| ("observation_start", first)));
        if self.vintages {
            // The whole time that ALFRED knows: one row for each figure and time of being the newest.
            more.extend([("realtime_start", "1776-07-04"), ("realtime_end", "9999-12-31")]);
        }
        let question = format!("{name} {}|{}", about.last_updated, about.units);
        let next = vec![self.request("series/observations", name, &more).asking(question)];
        Ok(Page { next, ..Page::default() })
    }

    /// The figures of a series; `about` is when it was updated and its unit in FRED's words.
    fn figures(&self, name: &str, about: &str, body: &[u8]) -> Result<Page, ParseError> {
        let (updated, units) = about.split_once('|').unwrap_or((about, ""));
        let answer: Observations = self.json(body)?;
        if answer.observations.len() >= ROWS_ASKED || answer.count > answer.observations.len() {
            let rows = answer.observations.len();
            return Err(ParseError::Truncated { rows, help: "set `since` to a later period" });
        }
        let mut labels = self.common.labels.clone();
        labels.set("series", name);
        let unit = unit(units);
        let released = released(updated);
        let mut draft = Draft::default();
        for (index, row) in answer.observations.iter().enumerate() {
            let told = self.figure(row, &labels, unit.as_ref(), released);
            draft.row(index + 1, told)?;
        }
        if !updated.is_empty() {
            draft.mark(name, updated);
        }
        Ok(draft.finish())
    }

    fn figure(
        &self,
        row: &Row,
        labels: &Labels,
        unit: Option<&Unit>,
        released: Option<Timestamp>,
    ) -> Result<Told, Fault> {
        let wrong = |column: &str, reason: String| Fault::at(column, reason);
        let day = Span::read(&row.date, Frequency::Day, None).map_err(|error| wrong("date", error.to_string()))?;
        let span = Span::from(Period::containing(day.first().first_day(), self.common.frequency));
        let numbers = Numbers { decimal: '.', thousands: None };
        let Some(value) = numbers.read(&row.value).map_err(|reason| wrong("value", reason))? else {
            return Ok(Told::Unavailable(labels.clone(), span));
        };
        let published = if self.vintages {
            let begins = published::read(&row.realtime_start, self.common.zone);
            Some(begins.map_err(|reason| wrong("realtime_start", reason))?)
        } else {
            released
        };
        Ok(Told::Figure(Observation {
            labels: labels.clone(),
            span,
            value: Some(value),
            unit: unit.cloned(),
            status: Status::Final,
            published,
            row: 0,
        }))
    }
}

/// `2024-09-18 12:31:01-05`: the offset has no minutes.
fn released(updated: &str) -> Option<Timestamp> {
    let at = DateTime::parse_from_str(&format!("{updated}00"), "%Y-%m-%d %H:%M:%S%z").ok()?;
    Some(Timestamp::from_millis(at.timestamp_millis()))
}

fn frequency(short: &str) -> Option<Frequency> {
    match short {
        "D" => Some(Frequency::Day),
        "W" => Some(Frequency::Week),
        "M" => Some(Frequency::Month),
        "Q" => Some(Frequency::Quarter),
        "A" => Some(Frequency::Year),
        _ => None,
    }
}

/// FRED's words for a unit, as far as they name one that we know; others are for the config to declare.
fn unit(words: &str) -> Option<Unit> {
    let lower = words.to_ascii_lowercase();
    let text = match lower.as_str() {
        "u.s. dollars per metric ton" => "USD/t",
        "u.s. dollars per pound" => "USD/lb",
        "u.s. dollars per troy ounce" => "USD/ozt",
        "percent" => "percent",
        "u.s. dollars" => "USD",
        "millions of dollars" => "MUSD",
        "chinese yuan renminbi to one u.s. dollar" => "CNY/USD",
        _ if lower.starts_with("index ") => "index",
        _ => return None,
    };
    Unit::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{common, told};
    use super::*;

    fn fred(vintages: bool) -> Fred {
        let site = Site { base: ADDRESS.parse().unwrap(), headers: Vec::new(), insecure: false, allow_private: false };
        let key = Secret::new("canarycanarycanarycanarycanary01");
        let series = vec!["PCOPPUSDM".to_owned()];
        let since = Period::month(2024, 1);
        Fred { site, key, series, since, vintages, common: common() }
    }

    const ABOUT: &str = r#"{"realtime_start":"2024-09-18","realtime_end":"2024-09-18","seriess":[{"id":"PCOPPUSDM",
        "title":"Global price of Copper","frequency":"Monthly","frequency_short":"M",
        "units":"U.S. Dollars per Metric Ton","last_updated":"2024-09-18 12:31:01-05"}]}"#;

    fn standing(updated: Option<&str>) -> Standing {
        let marks = updated.map(|updated| ("PCOPPUSDM".to_owned(), updated.to_owned()));
        Standing { marks: marks.into_iter().collect(), ..Standing::new(Timestamp::from_millis(0)) }
    }

    fn address(request: &Request) -> String {
        match &request.target {
            crate::feed::Target::Http { url, .. } => url.to_string(),
            crate::feed::Target::File(_) | crate::feed::Target::Folder(_) => panic!("expected an address"),
        }
    }

    #[test]
    fn figures_are_asked_for_when_the_series_has_moved() {
        let fred = fred(false);
        let first = fred.requests(&standing(None));
        assert_eq!(first[0].question, "about PCOPPUSDM");
        assert_eq!(
            address(&first[0]),
            "https://api.stlouisfed.org/fred/series?series_id=PCOPPUSDM&file_type=json&api_key=canarycanarycanarycanarycanary01"
        );
        let about =
            |standing: &Standing| fred.parse(&Answer::ok("about PCOPPUSDM", ABOUT.as_bytes(), standing)).unwrap();
        assert!(about(&standing(Some("2024-09-18 12:31:01-05"))).next.is_empty());
        let page = about(&standing(Some("2024-08-18 12:31:01-05")));
        assert_eq!((page.rows, page.next.len()), (0, 1));
        assert_eq!(page.next[0].question, "PCOPPUSDM 2024-09-18 12:31:01-05|U.S. Dollars per Metric Ton");
        assert!(
            address(&page.next[0]).contains("/series/observations?")
                && address(&page.next[0]).ends_with("&limit=100000&observation_start=2024-01-01")
        );
        let all = self::fred(true).parse(&Answer::ok("about PCOPPUSDM", ABOUT.as_bytes(), &standing(None))).unwrap();
        assert!(address(&all.next[0]).ends_with("&realtime_start=1776-07-04&realtime_end=9999-12-31"));
    }

    fn figures(vintages: bool, rows: &str) -> String {
        let count = rows.matches("date").count();
        let body = format!(r#"{{"count":{count},"offset":0,"limit":100000,"observations":[{rows}]}}"#);
        let question = "PCOPPUSDM 2024-09-18 12:31:01-05|U.S. Dollars per Metric Ton";
        told(fred(vintages).parse(&Answer::ok(question, body.as_bytes(), &standing(None))))
    }

    #[test]
    fn figures_are_of_the_release_that_brought_them() {
        let rows = r#"{"realtime_start":"2024-09-18","realtime_end":"2024-09-18","date":"2024-07-01","value":"9393.73"},
            {"realtime_start":"2024-09-18","realtime_end":"2024-09-18","date":"2024-08-01","value":"."},
            {"realtime_start":"2024-09-18","realtime_end":"2024-09-18","date":"2024-09-01","value":"8,971"}"#;
        insta::assert_snapshot!(figures(false, rows), @r#"
        1: {feed="x", reporter="CHN", series="PCOPPUSDM"} 2024-07 9393.73 USD/t final published 2024-09-18T17:31:01Z
        not available: {feed="x", reporter="CHN", series="PCOPPUSDM"} 2024-08
        row 3, column `value`: `8,971` is no number: set `thousands = ","` or `decimal = ","` if the feed writes numbers so
        3 rows, 1 refused
        "#);
    }

    #[test]
    fn vintages_of_alfred_are_vintages() {
        let rows = r#"{"realtime_start":"2024-08-20","realtime_end":"2024-09-17","date":"2024-07-01","value":"9400"},
            {"realtime_start":"2024-09-18","realtime_end":"9999-12-31","date":"2024-07-01","value":"9393.73"}"#;
        insta::assert_snapshot!(figures(true, rows), @r#"
        1: {feed="x", reporter="CHN", series="PCOPPUSDM"} 2024-07 9400 USD/t final published 2024-08-19T16:00:00Z
        2: {feed="x", reporter="CHN", series="PCOPPUSDM"} 2024-07 9393.73 USD/t final published 2024-09-17T16:00:00Z
        2 rows, 0 refused
        "#);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let parse = |question: &str, status, body: &str| {
            let standing = standing(None);
            let answer = Answer { http_status: Some(status), ..Answer::ok(question, body.as_bytes(), &standing) };
            told(fred(false).parse(&answer))
        };
        let told = [
            parse(
                "about X",
                400,
                r#"{"error_code":400,"error_message":"Bad Request.  The value for variable api_key is not registered: canarycanarycanarycanarycanary01"}"#,
            ),
            parse("about X", 200, "<html><title>Maintenance</title></html>"),
            parse("about X", 200, r#"{"seriess":[]}"#),
            parse("about X", 200, &ABOUT.replace("\"M\"", "\"D\"")),
            parse("about X", 200, r#"{"message":"no"}"#),
            parse(
                "X 2024-09-18 12:31:01-05|",
                200,
                r#"{"count":2,"observations":[{"realtime_start":"2024-09-18","date":"2024-07-01","value":"1"}]}"#,
            ),
        ];
        insta::assert_snapshot!(told.join("\n"), @r#"
        the publisher says: Bad Request.  The value for variable api_key is not registered: <secret>
        expected JSON, found a web page titled "Maintenance"
        the answer has no figures: FRED has no series `X`
        the answer has no figures: `X` is by day, and the feed's frequency is month
        row 1: missing field `seriess` at line 1 column 16
        1 rows, as many as the publisher gives at most: the answer is cut off; set `since` to a later period
        "#);
    }

    /// A key that a long text is cut within would be no whole key any more, and stay.
    #[test]
    fn a_key_is_removed_before_a_text_is_cut() {
        let said = format!("{}canarycanarycanarycanarycanary01", "x".repeat(285));
        let body = format!(r#"{{"error_message":"{said}"}}"#);
        let standing = standing(None);
        let answer = Answer { http_status: Some(400), ..Answer::ok("about X", body.as_bytes(), &standing) };
        assert!(!told(fred(false).parse(&answer)).contains("canary"));
    }

    #[test]
    fn units_and_times_in_freds_words() {
        let read = |words| unit(words).map(|unit| unit.to_string());
        assert_eq!(read("U.S. Dollars per Metric Ton").as_deref(), Some("USD/t"));
        assert_eq!(read("Index 2016 = 100").as_deref(), Some("index points"));
        assert_eq!(read("Dollars per Million BTU"), None);
        assert_eq!(
            released("2024-09-18 12:31:01-05").map(|at| at.to_string()).as_deref(),
            Some("2024-09-18T17:31:01Z")
        );
        assert_eq!(released("soon"), None);
    }
}
