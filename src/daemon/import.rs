//! History that is brought by hand, from files of any size: read piece by piece as the feed's answers are.

use std::collections::HashMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::limits::REFUSALS_KEPT;
use crate::base::text::{counted, hex};
use crate::feed::fetch::FetchError;
use crate::feed::fetch::pieces::{Piece, Total, pieces};
use crate::feed::{Answer, Feed, ParseError, Standing};
use crate::series::{Figures, Intake, Labels, Refusal, Terms, Unit, by_series, intake};
use crate::store::{FeedState, NewPull, Summary};

/// Why an import cannot stand.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] FetchError),
    /// It is not what the feed says it is.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// More rows were refused than the feed allows.
    #[error("{} of {rows} refused, more than `max_refused` allows; the first: {first}", counted(*refused, "row"))]
    TooManyRefused {
        /// Refused rows.
        refused: usize,
        /// All rows.
        rows: usize,
        /// The first refusal.
        first: String,
    },
    /// They are items and no figures.
    #[error("the feed has items and no figures: items come with its pulls alone")]
    Items,
    /// The store takes nothing more.
    #[error("the store has broken off")]
    StoreGone,
}

/// An import under way.
pub struct Importer<'a> {
    feed: &'a Feed,
    standing: Standing,
    /// The units of the series so far.
    known: HashMap<Labels, Option<Unit>>,
    hash: Sha256,
    bytes: u64,
    rows: usize,
    refused: Vec<Refusal>,
    refused_count: usize,
}

impl<'a> Importer<'a> {
    /// Begins; `known` has the units of the feed's series.
    pub fn new(feed: &'a Feed, state: &FeedState, known: HashMap<Labels, Option<Unit>>, now: Timestamp) -> Self {
        Self {
            feed,
            standing: Standing { now, marks: state.marks.clone() },
            known,
            hash: Sha256::new(),
            bytes: 0,
            rows: 0,
            refused: Vec::new(),
            refused_count: 0,
        }
    }

    /// The pull that an import is: it changes nothing of what is remembered of the feed.
    pub fn pull(&self, state: FeedState, files: String) -> NewPull {
        NewPull {
            feed: self.feed.name.clone(),
            frequency: self.feed.frequency,
            scheduled_for: self.standing.now,
            retrieved_at: self.standing.now,
            url: files,
            sha256: String::new(),
            bytes: 0,
            http_status: None,
            spec_hash: state.spec_hash.unwrap_or_default(),
            etag: state.etag,
            last_modified: state.last_modified,
            marks: state.marks,
            rounds: self.feed.publisher.rounds(),
            raw: None,
            items: Vec::new(),
            labels: self.feed.labels.clone(),
            raw_since: Timestamp::from_millis(0),
            next_due_at: state.next_due_at,
            refused: Vec::new(),
            refused_count: 0,
        }
    }

    /// Reads a file; `read` hears how many of its bytes are read, `take` gets its figures, some series at a time.
    pub fn file(
        &mut self,
        path: &Path,
        read: impl FnMut(u64),
        mut take: impl FnMut(Vec<Figures>) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let cut = self.feed.publisher.cut();
        // A publisher whose files are told by their names is asked as for a file in their place.
        let question = self.feed.publisher.stand_in(path).question;
        let Total { bytes, sha256 } = pieces(path, cut, read, |piece| take(self.rows_of(&question, &piece)?))?;
        self.bytes += bytes;
        self.hash.update(sha256);
        Ok(())
    }

    /// What of a piece can be stored.
    fn rows_of(&mut self, question: &str, Piece { body, lines_before }: &Piece) -> Result<Vec<Figures>, ImportError> {
        let answer = Answer { question, body, http_status: None, standing: &self.standing };
        let page = self.feed.parse(&answer)?;
        if !page.items.is_empty() {
            return Err(ImportError::Items);
        }
        // What a piece leaves out, another may have: nothing is a zero.
        let terms = Terms { unit: self.feed.unit.as_ref(), absent_zero: false };
        let Intake { rows, refused: conflicts, refused_count } =
            intake(page.observations, &page.unavailable, terms, &self.known);
        self.rows += page.rows;
        self.refused_count += page.refused_count + refused_count;
        let refused = page.refused.into_iter().chain(conflicts);
        let room = REFUSALS_KEPT.saturating_sub(self.refused.len());
        self.refused.extend(refused.take(room).map(|refusal| Refusal { row: refusal.row + lines_before, ..refusal }));
        // What the rows share is let go here: two threads that count who holds it would wait for each other.
        let all = by_series(rows);
        for series in &all {
            self.known.entry(series.labels.clone()).or_insert_with(|| series.unit.clone());
        }
        Ok(all)
    }

    /// What is known at the end, where so many rows may be refused.
    pub fn end(self) -> Result<Summary, ImportError> {
        let Self { rows, refused, refused_count, bytes, hash, .. } = self;
        if !self.feed.max_refused.allows(refused_count, rows) {
            let first = refused.first().map(ToString::to_string).unwrap_or_default();
            return Err(ImportError::TooManyRefused { refused: refused_count, rows, first });
        }
        Ok(Summary { sha256: hex(&hash.finalize()), bytes, refused, refused_count })
    }
}
