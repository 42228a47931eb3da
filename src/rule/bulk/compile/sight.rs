//! Which periods a condition reads.
//!
//! A rule that breaks or bridges at gaps says the same as one that holds wherever none of these is missing;
//! and a verdict stands as long as nothing within their reach is revised.

use std::collections::BTreeSet;

use crate::period::Period;

/// What one condition reads at one period.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The first and the last ordinal, within the panel or not.
    reach: Option<(i32, i32)>,
    /// Whether the single periods are wanted.
    single: bool,
    periods: BTreeSet<i32>,
    /// Whether a period was asked for that there cannot be.
    nowhere: bool,
}

impl Sight {
    /// Nothing is read yet. `single` says whether the single periods are wanted.
    pub fn new(single: bool) -> Self {
        Self { single, ..Self::default() }
    }

    /// From the first to the last period that is read; `None` where none is.
    pub const fn reach(&self) -> Option<(i32, i32)> {
        self.reach
    }

    /// The periods that must have a figure each; `None` where that cannot be.
    pub fn periods(&self) -> Option<Vec<i32>> {
        (!self.nowhere).then(|| self.periods.iter().copied().collect())
    }

    /// Neighbouring periods are read.
    pub fn read(&mut self, first: Option<Period>, last: Option<Period>) {
        let (Some(first), Some(last)) = (first, last) else {
            self.nowhere = true;
            return;
        };
        self.add(first.ordinal(), last.ordinal());
        let (start, end) = self.reach.unwrap_or((first.ordinal(), last.ordinal()));
        self.reach = Some((start.min(first.ordinal()), end.max(last.ordinal())));
    }

    /// All from one period to the one before another lie on a way back.
    pub fn passes(&mut self, earlier: Option<Period>, at: Period) {
        match earlier {
            Some(earlier) => self.read(Some(earlier), Some(at.previous())),
            None => self.nowhere = true,
        }
    }

    fn add(&mut self, first: i32, last: i32) {
        if self.single {
            self.periods.extend(first..=last);
        }
    }
}
