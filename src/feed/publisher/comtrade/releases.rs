//! What Comtrade has released, and what of it is not read yet.
//!
//! The list says by reporter and period when its data were released, with a checksum, and in which edition of the
//! nomenclature: where an edition follows another, a good may be another good of the same code.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::ask::{Ask, Release, mark};
use super::wire::Dataset;
use super::{COMTRADE, Comtrade, country};
use crate::feed::{Page, ParseError, Request, Standing};
use crate::period::{Period, Span};

/// The newest release of each period, by reporter.
type Released = BTreeMap<String, BTreeMap<Period, (String, Release)>>;

/// Rows that a list may be cut off at.
const ROWS: usize = super::ask::ROWS_PREVIEW;

impl Comtrade {
    /// Which figures are older than what is released; they are next, the oldest period first.
    pub(super) fn released(&self, rows: &[&RawValue], standing: &Standing) -> Result<Page, ParseError> {
        if rows.len() == ROWS {
            let help = "name fewer reporters in one feed";
            return Err(ParseError::Truncated { rows: rows.len(), help });
        }
        let released = self.read_releases(rows);
        if released.is_empty() {
            let reporters: Vec<String> = self.reporters.iter().map(|code| COMTRADE.iso(code)).collect();
            let why = format!(
                "Comtrade has released nothing of {} by {} in these periods",
                reporters.join(", "),
                self.common.frequency
            );
            return Err(ParseError::NoData { why });
        }
        let next = self.unread(&released, standing);
        let mut notes = self.switches(&released, &next);
        if next.is_empty() {
            notes.push(newest(&released));
        }
        let next = next.into_iter().map(|(_, request)| request).collect();
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Ok(Page { next, note, ..Page::default() })
    }

    /// What cannot be read is no release that is waited for.
    fn read_releases(&self, rows: &[&RawValue]) -> Released {
        let mut released = Released::new();
        for raw in rows {
            let Ok(row) = serde_json::from_str::<Dataset>(raw.get()) else { continue };
            let span = Span::read(&row.period.0, self.common.frequency, None).ok().filter(|span| span.is_single());
            let Some(period) = span.map(Span::first).filter(|period| self.since.is_none_or(|since| *period >= since))
            else {
                continue;
            };
            if !self.reporters.contains(&row.reporter_code.0) {
                continue;
            }
            let release = Release {
                at: row.last_released.unwrap_or_default(),
                checksum: row.dataset_checksum.unwrap_or_default(),
                edition: row.classification_code.unwrap_or_default(),
            };
            let known = released.entry(row.reporter_code.0).or_default();
            let entry = known.entry(period).or_insert_with(|| (row.period.0.clone(), release.clone()));
            if release > entry.1 {
                entry.1 = release;
            }
        }
        released
    }

    /// A request for every part of the periods whose release is not marked, with its first period.
    fn unread(&self, released: &Released, standing: &Standing) -> Vec<(Period, Request)> {
        let mut next = Vec::new();
        for (number, slice) in self.slices().iter().enumerate() {
            for (reporter, periods) in released {
                let is_read = |period: &str, release: &Release| {
                    standing.marks.get(&mark(number, reporter, period)) == Some(&release.mark())
                };
                let unread: Vec<_> = periods.iter().filter(|(_, (text, release))| !is_read(text, release)).collect();
                for part in unread.chunks(self.periods_max()) {
                    let periods = part.iter().map(|(_, of)| (*of).clone()).collect();
                    let ask = Ask { slice: number, reporter: reporter.clone(), periods };
                    next.push((*part[0].0, self.figures(slice, &ask)));
                }
            }
        }
        next.sort_by_key(|(first, _)| *first);
        next
    }

    /// Where the edition of the nomenclature changes among the periods that are asked for.
    fn switches(&self, released: &Released, next: &[(Period, Request)]) -> Vec<String> {
        let Some((oldest, _)) = next.first() else { return Vec::new() };
        let mut notes = Vec::new();
        for (reporter, periods) in released {
            let pairs = periods.iter().zip(periods.iter().skip(1));
            let switch = pairs.filter(|((_, (_, a)), (period, (_, b)))| a.edition != b.edition && *period >= oldest);
            notes.extend(switch.map(|((_, (_, before)), (period, (_, after)))| {
                format!(
                    "{} reports in {} since {}, in {} before: a good whose code means something else has a break there",
                    country::name(&COMTRADE.iso(reporter)),
                    after.edition,
                    period.in_words(),
                    before.edition
                )
            }));
        }
        notes
    }
}

/// Until when each reporter has released: what is not there is not out yet.
fn newest(released: &Released) -> String {
    let newest = released.iter().filter_map(|(reporter, periods)| {
        let (period, _) = periods.last_key_value()?;
        Some(format!("{} {period}", COMTRADE.iso(reporter)))
    });
    format!("released until {}", newest.collect::<Vec<_>>().join(", "))
}
