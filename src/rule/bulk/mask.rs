//! Verdicts on [`LANES`] series at once: one bit each for "holds" and "unknown".
//!
//! Kleene's logic on words. A bit is never set in both.

use crate::series::LANES;

/// What is known of a condition for each of a tile's series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mask {
    /// Where it holds.
    pub holds: u64,
    /// Where it cannot be said.
    pub unknown: u64,
}

impl Mask {
    /// It holds for all.
    pub const HOLDS: Self = Self { holds: u64::MAX, unknown: 0 };
    /// It fails for all.
    pub const FAILS: Self = Self { holds: 0, unknown: 0 };
    /// It is unknown for all.
    pub const UNKNOWN: Self = Self { holds: 0, unknown: u64::MAX };

    /// The same for all: true, false, or unknown.
    pub const fn all(truth: Option<bool>) -> Self {
        match truth {
            Some(true) => Self::HOLDS,
            Some(false) => Self::FAILS,
            None => Self::UNKNOWN,
        }
    }

    /// Where it fails.
    pub const fn fails(self) -> u64 {
        !(self.holds | self.unknown)
    }

    /// `not`.
    #[must_use]
    pub const fn not(self) -> Self {
        Self { holds: self.fails(), unknown: self.unknown }
    }

    /// `and`: one side that fails settles it.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let holds = self.holds & other.holds;
        let fails = self.fails() | other.fails();
        Self { holds, unknown: !(holds | fails) }
    }

    /// `or`: one side that holds settles it.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        let holds = self.holds | other.holds;
        let fails = self.fails() & other.fails();
        Self { holds, unknown: !(holds | fails) }
    }

    /// What `self` says in the lanes of `lanes`, and what `other` says in the others.
    #[must_use]
    pub const fn chosen(lanes: u64, this: Self, other: Self) -> Self {
        Self {
            holds: (this.holds & lanes) | (other.holds & !lanes),
            unknown: (this.unknown & lanes) | (other.unknown & !lanes),
        }
    }

    /// Only the lanes of `lanes`; the others fail.
    #[must_use]
    pub const fn within(self, lanes: u64) -> Self {
        Self { holds: self.holds & lanes, unknown: self.unknown & lanes }
    }
}

/// The lanes in use when `count` series fill a tile from its first lane on.
pub const fn lanes(count: usize) -> u64 {
    if count >= LANES { u64::MAX } else { (1 << count) - 1 }
}

/// The numbers of the lanes that are set, in order.
pub fn set(mut lanes: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (lanes != 0).then(|| lanes.trailing_zeros() as usize);
        lanes &= lanes.wrapping_sub(1);
        lane
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::evidence::{Reason, Value};
    use crate::rule::operate;

    fn value(truth: Option<bool>) -> Value {
        truth.map_or_else(|| Value::Unknown(vec![Reason::LowerBound]), Value::Truth)
    }

    fn told(value: &Value) -> Mask {
        match value {
            Value::Truth(truth) => Mask::all(Some(*truth)),
            _ => Mask::UNKNOWN,
        }
    }

    #[test]
    fn words_follow_the_evaluators_logic() {
        let truths = [Some(true), Some(false), None];
        for a in truths {
            assert_eq!(Mask::all(a).not(), told(&operate::not(value(a))), "not {a:?}");
            for b in truths {
                assert_eq!(Mask::all(a).and(Mask::all(b)), told(&operate::and(value(a), value(b))), "{a:?} and {b:?}");
                assert_eq!(Mask::all(a).or(Mask::all(b)), told(&operate::or(value(a), value(b))), "{a:?} or {b:?}");
            }
        }
    }

    #[test]
    fn lanes_are_told_apart() {
        let chosen = Mask::chosen(0b0011, Mask { holds: 0b0101, unknown: 0b1010 }, Mask::UNKNOWN);
        assert_eq!(chosen.within(lanes(4)), Mask { holds: 0b0001, unknown: 0b1110 });
        assert_eq!(set(0b1010).collect::<Vec<_>>(), [1, 3]);
        assert_eq!((lanes(0), lanes(3), lanes(64)), (0, 7, u64::MAX));
    }
}
