//! Feeds: what to ask a publisher, and what the answer means. One file per format, one per publisher,
//! one fetcher.
//!
//! A feed's publisher is two pure functions; only `fetch` touches the network or a file, and nothing
//! here stores anything.

pub mod codes;
pub mod fetch;
pub mod format;
mod pace;
mod published;
pub mod publisher;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

pub use pace::{OwnPace, Pace, Quota, QuotaWindow};

use crate::base::clock::Timestamp;
use crate::base::error::of_panic;
use crate::base::schedule::Schedule;
use crate::base::secret::Secret;
use crate::period::{Frequency, Span};
use crate::series::{Item, Labels, Observation, Refusal, Release, Unit};
use fetch::pieces::Cut;

/// One feed of the config, ready to be pulled.
#[derive(Debug)]
pub struct Feed {
    /// Its name in the config; the `feed` label of its series.
    pub name: String,
    /// What to ask and what the answer means.
    pub publisher: Box<dyn Publisher>,
    /// A file to read in the place of what the publisher would be asked (`dry-run --feed`).
    pub stand_in: Option<PathBuf>,
    /// When it is pulled; `None`: only by `run --once`.
    pub schedule: Option<Schedule>,
    /// The publisher's time zone, for the schedule and for dates of publication.
    pub zone: Tz,
    /// The frequency of its series.
    pub frequency: Frequency,
    /// The declared unit.
    pub unit: Option<Unit>,
    /// The labels that all of its series have, `feed` among them.
    pub labels: Labels,
    /// When its figures are due, where the config says so.
    pub release: Option<Release>,
    /// How many rows may be refused before a pull is set aside.
    pub max_refused: MaxRefused,
    /// A cell that the publisher leaves out is a zero (`absent = "zero"`), not a gap.
    pub absent_zero: bool,
    /// Neighbours of a daily series lie at most so many days apart.
    pub max_gap_days: i64,
    /// Response size after decompression, at most (bytes).
    pub max_bytes: u64,
    /// How often the publisher may be asked, where the config says otherwise than the publisher.
    pub own_pace: OwnPace,
    /// How long what arrived is kept as it was.
    pub keep_raw: Duration,
    /// How long its pulls may fail before somebody is told.
    pub expect_within: Duration,
    /// The receivers that are told when its pulls fail for too long or a release is overdue; `None` where the
    /// routes say.
    pub notify: Option<Vec<String>>,
    /// SHA-256 of what the config says of it, in hex: when it changes, validators of the old one are dropped.
    pub spec_hash: String,
}

/// What a feed's publisher is asked and how its answers are read: pure, so that a new publisher is one
/// file and can be fuzzed as it stands.
///
/// `Debug` tells one definition of a feed from another (see [`Feed::spec_hash`]): it says everything that
/// the figures depend on.
pub trait Publisher: std::fmt::Debug + Send + Sync {
    /// What to ask first: for everything that may be new, or whether anything is.
    fn requests(&self, standing: &Standing) -> Vec<Request>;

    /// Reads one answer.
    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError>;

    /// How a large file of its figures may be read.
    fn cut(&self) -> Cut {
        Cut::Whole
    }

    /// Whether the publisher tells known figures again with other digits: a figure that is the known one, rounded,
    /// is no revision then.
    fn rounds(&self) -> bool {
        false
    }

    /// The request for a file in the place of all that the publisher would be asked.
    fn stand_in(&self, path: &Path) -> Request {
        Request::new(Target::File(path.to_owned()))
    }

    /// How often the publisher lets itself be asked.
    fn pace(&self) -> Pace {
        Pace::default()
    }

    /// Whether its pages have a zero for each cell that was left out, where the feed says `absent = "zero"`: of an
    /// answer to a part of what the feed wants nobody else can tell.
    fn tells_absent(&self) -> bool {
        false
    }

    /// When its figures are due, where the config does not say it and every feed of it has the same days.
    fn release(&self) -> Option<Release> {
        None
    }
}

/// Where a feed stands when it is pulled.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The time.
    pub now: Timestamp,
    /// What the publisher marked in earlier pulls that stood, by names of its own: what it has read, and of
    /// which release. Empty after a change of the feed's definition.
    pub marks: BTreeMap<String, String>,
}

#[cfg(test)]
impl Standing {
    /// That of a feed of which nothing was read.
    pub const fn new(now: Timestamp) -> Self {
        Self { now, marks: BTreeMap::new() }
    }
}

#[cfg(test)]
impl<'a> Answer<'a> {
    /// A plain success.
    pub const fn ok(question: &'a str, body: &'a [u8], standing: &'a Standing) -> Self {
        Self { question, body, http_status: Some(200), standing }
    }
}

/// One thing to fetch.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it is.
    pub target: Target,
    /// Which of the publisher's questions it is, in the publisher's own words; empty: its figures.
    pub question: String,
    /// The HTTP statuses beside 200 whose answers are the publisher's to read.
    pub accepts: &'static [u16],
    /// Whether it may wait for the next pull where this one runs out of time, of quota or of pages, or where it
    /// fails: what was read without it is whole.
    pub may_wait: bool,
    /// Whether what it asks for moves with the time, so that a mark of the answer before says nothing of it.
    pub moves: bool,
}

impl Request {
    /// A request for figures, of which only a plain success is read.
    pub fn new(target: Target) -> Self {
        Self { target, question: String::new(), accepts: &[], may_wait: false, moves: false }
    }

    /// The request as another of the publisher's questions.
    #[must_use]
    pub fn asking(self, question: impl Into<String>) -> Self {
        Self { question: question.into(), ..self }
    }
}

/// One answer of a publisher, with all that is known when it is read.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The question that it answers.
    pub question: &'a str,
    /// The body, unpacked.
    pub body: &'a [u8],
    /// Its HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// Where the feed stood.
    pub standing: &'a Standing,
}

/// A file of a [`Target::Folder`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Listed {
    /// Its name within the directory.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written (Unix milliseconds).
    pub modified: i64,
}

/// Where a response is found.
#[derive(Clone, Debug)]
pub enum Target {
    /// A file.
    File(PathBuf),
    /// The names, sizes and times of the files in a directory, as a JSON array of [`Listed`].
    Folder(PathBuf),
    /// An http or https address.
    Http {
        /// The address; its query may hold a secret, so it is shown through [`fetch::shown`].
        url: url::Url,
        /// Header fields to send, whose values may be secrets.
        headers: Vec<(String, Secret)>,
        /// Plain http is allowed.
        insecure: bool,
        /// Loopback and private addresses are allowed.
        allow_private: bool,
    },
}

impl Target {
    /// `text` without the secrets that are sent to this target: what a publisher answers may quote them.
    pub fn without_secrets(&self, text: &str) -> String {
        let Self::Http { url, headers, .. } = self else { return text.to_owned() };
        // A query says ordinary words, too; a key is longer than these.
        const KEY_CHARS: usize = 8;
        let values = url.query_pairs().map(|(_, value)| value.into_owned());
        let raw =
            url.query().unwrap_or("").split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
        let values = values.chain(raw.map(str::to_owned)).filter(|value| value.chars().count() >= KEY_CHARS);
        let queries = values.map(Secret::new);
        let secrets = headers.iter().map(|(_, secret)| secret.clone()).chain(queries);
        secrets.fold(text.to_owned(), |text, secret| secret.remove_from(&text))
    }
}

/// One page of a publisher's answer.
#[derive(Debug, Default)]
pub struct Page {
    /// The figures.
    pub observations: Vec<Observation>,
    /// The cells that are there and say "not available": no observation, and never a zero.
    pub unavailable: Vec<(Labels, Span)>,
    /// The items.
    pub items: Vec<Item>,
    /// The rows that could not be read; those beyond [`crate::base::limits::REFUSALS_KEPT`] are only counted.
    pub refused: Vec<Refusal>,
    /// All refused rows.
    pub refused_count: usize,
    /// All rows, refused ones and those that say "not available" among them. None at all: nothing is new.
    pub rows: usize,
    /// What to fetch next.
    pub next: Vec<Request>,
    /// What the next pulls are to know (see [`Standing::marks`]); kept with the figures.
    pub marks: Vec<(String, String)>,
    /// What the operator should know, in words: why nothing is new, what was left out.
    pub note: Option<String>,
}

/// Why a whole response could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The body holds nothing.
    #[error("the response is empty")]
    Empty,
    /// A web page where figures were expected.
    #[error("expected {expected}, found a web page{}", title.as_ref().map(|title| format!(" titled \"{}\"", crate::base::text::printable(title))).unwrap_or_default())]
    Html {
        /// The format asked for.
        expected: &'static str,
        /// The page's title.
        title: Option<String>,
    },
    /// A file of another format.
    #[error("expected {expected}, found {}", crate::base::text::printable(found))]
    Foreign {
        /// The format asked for.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The text is not in the encoding that the feed names.
    #[error("the response is not {encoding}: byte {offset} cannot be read; set `encoding`")]
    Encoding {
        /// The encoding's name.
        encoding: String,
        /// Where, in bytes from the start.
        offset: usize,
    },
    /// A column that the feed names is not there.
    #[error(
        "no column `{}`{}; the columns are {}",
        crate::base::text::printable(column),
        nearest.as_ref().map(|name| format!(" (did you mean `{}`?)", crate::base::text::printable(name))).unwrap_or_default(),
        crate::base::text::list(found)
    )]
    Column {
        /// The column.
        column: String,
        /// Those that there are.
        found: Vec<String>,
        /// The nearest of them.
        nearest: Option<String>,
    },
    /// A column that the feed names is there twice.
    #[error("column `{}` is there {count} times", crate::base::text::printable(column))]
    DuplicateColumn {
        /// The column.
        column: String,
        /// How often.
        count: usize,
    },
    /// A wide table in which no header is a period of the feed's frequency.
    #[error(
        "no column's header reads as a {frequency}; the columns are {}; set `period_format` if they are written otherwise",
        crate::base::text::list(found)
    )]
    NoPeriods {
        /// The feed's frequency.
        frequency: Frequency,
        /// The columns that there are.
        found: Vec<String>,
    },
    /// A workbook without the sheet that the feed names, or with several where it names none.
    #[error(
        "{}{}; the sheets are {}",
        sheet.as_ref().map_or_else(|| "the workbook has not just one sheet: set `sheet`".to_owned(), |sheet| format!("no sheet `{}`", crate::base::text::printable(sheet))),
        nearest.as_ref().map(|name| format!(" (did you mean `{}`?)", crate::base::text::printable(name))).unwrap_or_default(),
        crate::base::text::list(found)
    )]
    Sheet {
        /// The sheet.
        sheet: Option<String>,
        /// Those that there are.
        found: Vec<String>,
        /// The nearest of them.
        nearest: Option<String>,
    },
    /// A workbook that cannot be read.
    #[error("the workbook cannot be read: {}", crate::base::text::printable(reason))]
    Workbook {
        /// Why.
        reason: String,
    },
    /// There is no array of records where the feed's pointer says.
    #[error("no records{}: {}", at(pointer), crate::base::text::printable(found))]
    Pointer {
        /// The pointer.
        pointer: String,
        /// What there is instead.
        found: String,
    },
    /// The text breaks its format at a place.
    #[error("no {format} at line {line}, column {column}: {}", crate::base::text::printable(reason))]
    Syntax {
        /// The format.
        format: &'static str,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What was expected and found.
        reason: String,
    },
    /// The body breaks its format.
    #[error("row {row}: {}", crate::base::text::printable(reason))]
    Malformed {
        /// The line or record, from 1.
        row: usize,
        /// What was expected and found.
        reason: String,
    },
    /// There is a header, or an envelope, and no row.
    #[error("there are no rows after the header")]
    NoRows,
    /// What the publisher says instead of figures.
    #[error("the publisher says: {}", crate::base::text::printable(said))]
    Said {
        /// Its words, without secrets.
        said: String,
        /// Whether asking again may help: a quota that is used up, a publisher at rest.
        passes: bool,
    },
    /// The answer holds as many rows as the publisher gives at most: some may be missing.
    #[error("{rows} rows, as many as the publisher gives at most: the answer is cut off; {help}")]
    Truncated {
        /// Rows.
        rows: usize,
        /// What to do.
        help: &'static str,
    },
    /// An answer that the publisher does not give at once: it refuses, or writes it to a file for later.
    #[error(
        "the answer is too large for the publisher to give at once ({}){}; ask for fewer codes, or set a later `since`",
        crate::base::text::printable(said),
        later.as_ref().map(|url| format!("; it will be at {}", crate::base::text::printable(url))).unwrap_or_default()
    )]
    TooLarge {
        /// Its words.
        said: String,
        /// Where the answer is going to be, where it says so.
        later: Option<String>,
    },
    /// A well-formed answer without figures where there should be some.
    #[error("the answer has no figures: {}", crate::base::text::printable(why))]
    NoData {
        /// What is likely wrong.
        why: String,
    },
    /// A file of figures that cannot be told without more: what they are, or of when.
    #[error("{}; {}", crate::base::text::printable(reason), crate::base::text::printable(help))]
    Unfit {
        /// What is missing or wrong.
        reason: String,
        /// What to do.
        help: String,
    },
    /// This program broke off over the answer.
    #[error("a fault of this program, which the answer has brought to light: {}", crate::base::text::printable(why))]
    Broke {
        /// What the panic said.
        why: String,
    },
    /// More rows than the limit.
    #[error("more than {0} rows")]
    TooManyRows(usize),
}

/// ` at ` a pointer; nothing for the document itself.
fn at(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!(" at `{}`", crate::base::text::printable(pointer)) }
}

/// How many rows of a pull may be refused before the whole pull is set aside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxRefused {
    /// So many rows, or this share of all, whichever is more.
    Either {
        /// Rows.
        rows: usize,
        /// Share of all rows, 0..1.
        share: f64,
    },
    /// So many rows.
    Rows(usize),
    /// This share of all rows, 0..1.
    Share(f64),
}

impl MaxRefused {
    /// Five rows or 5 %, whichever is more.
    pub const DEFAULT: Self =
        Self::Either { rows: crate::base::limits::REFUSED_ROWS, share: crate::base::limits::REFUSED_SHARE };

    /// Whether a pull with so many refused rows stands. One of which no row could be read never does.
    pub fn allows(self, refused: usize, rows: usize) -> bool {
        if refused > 0 && refused == rows {
            return false;
        }
        let share = |share: f64| refused as f64 <= share * rows as f64;
        match self {
            Self::Either { rows: limit, share: limit_share } => refused <= limit || share(limit_share),
            Self::Rows(limit) => refused <= limit,
            Self::Share(limit) => share(limit),
        }
    }
}

impl Feed {
    /// Reads one answer. Should the program break off over it, that is an error of this feed's pull, and the
    /// daemon goes on: nothing outlives the attempt.
    pub fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let parsed = catch_unwind(AssertUnwindSafe(|| self.publisher.parse(answer)));
        parsed.unwrap_or_else(|panic| Err(ParseError::Broke { why: of_panic(panic.as_ref()).to_owned() }))
    }

    /// How often the publisher may be asked.
    pub fn pace(&self) -> Pace {
        self.own_pace.over(self.publisher.pace(), &self.name)
    }

    /// The requests with which a pull begins.
    pub fn requests(&self, standing: &Standing) -> Vec<Request> {
        match &self.stand_in {
            Some(path) => vec![self.publisher.stand_in(path)],
            None => self.publisher.requests(standing),
        }
    }
}
