//! What one pull's figures for one span add to what is known of it: the rule of vintages, for every backend.
//!
//! It is pure; where figures are kept is the backends' business.

use crate::base::clock::Timestamp;
use crate::series::Status;

/// The newest vintage of a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// The figure; `None` where it is withdrawn.
    pub value: Option<f64>,
    /// The publisher's mark.
    pub status: Status,
    /// When it became known.
    pub recorded_at: Timestamp,
}

/// What a pull says of a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The figure; `None` where it is withdrawn.
    pub value: Option<f64>,
    /// The publisher's mark.
    pub status: Status,
    /// When it was published, where the publisher says so.
    pub published: Option<Timestamp>,
}

impl Told {
    /// A figure as it will be read back: a database keeps no sign of zero.
    pub fn new(value: Option<f64>, status: Status, published: Option<Timestamp>) -> Self {
        Self { value: value.map(|value| value + 0.0), status, published }
    }

    /// Whether this is what is known, told with more digits or with fewer: one of the two is the other, rounded.
    ///
    /// Of a single figure nobody knows whether `2.1` is `2.10`, so one that is a thousandth away is news. Where the
    /// whole series has so many digits less (`grain`), it is known.
    pub fn is_rounding_of(&self, known: &Known, grain: Option<usize>) -> bool {
        const SHARE: f64 = 1e-3;
        let (Some(new), Some(old)) = (self.value, known.value) else { return false };
        let (digits, known_digits) = (decimals(new), decimals(old));
        let apart = (new - old).abs();
        let single = digits != known_digits && apart <= half(digits.min(known_digits)) && apart <= SHARE * old.abs();
        let is_coarse = |usual: usize| digits.min(known_digits) <= usual;
        self.status == known.status && (single || grain.is_some_and(|usual| is_coarse(usual) && apart <= half(usual)))
    }

    /// The order in which figures of one pull for one span follow each other: by publication; those
    /// without one, or with one that is not over yet, are what is published now.
    pub fn order(&self, retrieved_at: Timestamp) -> (Timestamp, Option<Timestamp>) {
        let over = self.published.filter(|published| *published <= retrieved_at);
        (over.unwrap_or(retrieved_at), self.published)
    }

    /// The vintage that this figure adds after `known`, if any.
    ///
    /// The `last` figure of a pull for a span is what the publisher says now: it adds a vintage where it
    /// says something else. An earlier one tells the past: it adds a vintage only where its publication is
    /// news, so that reading the same file again adds nothing. A withdrawal needs a figure to withdraw.
    pub fn after(&self, known: Option<&Known>, last: bool, retrieved_at: Timestamp) -> Option<Known> {
        let figure = |value: Option<f64>, status: Status| value.map(|value| (value.to_bits(), status));
        let before = known.and_then(|known| figure(known.value, known.status));
        if before == figure(self.value, self.status) {
            return None;
        }
        let is_news = |published: &Timestamp| {
            *published <= retrieved_at && known.is_none_or(|known| *published > known.recorded_at)
        };
        let recorded_at = self.published.filter(is_news).or_else(|| last.then_some(retrieved_at))?;
        Some(Known { value: self.value, status: self.status, recorded_at })
    }
}

/// The digits after the point to which nearly all figures of a series are told, where they are told more finely
/// there or here; `None` where they are not, or where the figures are too few to tell.
pub fn grain(known: impl Iterator<Item = f64>, told: impl Iterator<Item = f64>) -> Option<usize> {
    let (known, told) = (usual_digits(known)?, usual_digits(told)?);
    (known != told).then_some(known.min(told))
}

/// The digits that 95 in a hundred figures do not exceed.
fn usual_digits(figures: impl Iterator<Item = f64>) -> Option<usize> {
    const FEW: usize = 12;
    let mut digits: Vec<usize> = figures.map(decimals).collect();
    digits.sort_unstable();
    digits.get(digits.len() * 95 / 100).copied().filter(|_| digits.len() >= FEW)
}

/// Half of a digit's unit, and a little more: halves are rounded up here and to even there.
fn half(digits: usize) -> f64 {
    0.5 * 10_f64.powi(-i32::try_from(digits).unwrap_or(i32::MAX)) * (1.0 + 1e-9)
}

/// Digits after the point of the shortest decimal that is this number.
fn decimals(number: f64) -> usize {
    number.to_string().split_once('.').map_or(0, |(_, digits)| digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn told(value: f64, published: Option<i64>) -> Told {
        Told::new(Some(value), Status::Final, published.map(at))
    }

    /// The vintages after a pull at 100, as (value, time), when `known` is (value, time).
    #[track_caller]
    fn check(known: Option<(f64, i64)>, pull: &[(f64, Option<i64>)], expected: &[(f64, i64)]) {
        let known =
            known.map(|(value, time)| Known { value: Some(value), status: Status::Final, recorded_at: at(time) });
        let first = added(known, pull);
        let shown: Vec<(f64, i64)> =
            first.iter().map(|vintage| (vintage.value.unwrap(), vintage.recorded_at.millis())).collect();
        assert_eq!(shown, expected);
        assert_eq!(added(first.last().copied().or(known), pull), [], "the same again adds nothing");
    }

    fn added(mut known: Option<Known>, pull: &[(f64, Option<i64>)]) -> Vec<Known> {
        let mut pull: Vec<Told> = pull.iter().map(|(value, published)| told(*value, *published)).collect();
        pull.sort_by_key(|told| told.order(at(100)));
        let mut vintages = Vec::new();
        for (index, told) in pull.iter().enumerate() {
            if let Some(vintage) = told.after(known.as_ref(), index + 1 == pull.len(), at(100)) {
                vintages.push(vintage);
                known = Some(vintage);
            }
        }
        vintages
    }

    #[test]
    fn a_vintages_time_is_its_publication_where_that_is_news() {
        check(None, &[(1.0, None)], &[(1.0, 100)]);
        check(None, &[(1.0, Some(40))], &[(1.0, 40)]);
        check(None, &[(1.0, Some(400))], &[(1.0, 100)]);
        check(Some((1.0, 40)), &[(2.0, Some(60))], &[(2.0, 60)]);
        check(Some((1.0, 40)), &[(2.0, Some(40))], &[(2.0, 100)]);
        check(Some((1.0, 40)), &[(2.0, Some(30))], &[(2.0, 100)]);
        check(Some((1.0, 40)), &[(1.0, Some(60))], &[]);
    }

    #[test]
    fn publications_of_one_pull_are_successive_vintages() {
        check(None, &[(1.0, Some(40)), (2.0, Some(60))], &[(1.0, 40), (2.0, 60)]);
        check(None, &[(2.0, Some(60)), (1.0, Some(40))], &[(1.0, 40), (2.0, 60)]);
        check(None, &[(1.0, None), (2.0, Some(60))], &[(2.0, 60), (1.0, 100)]);
        check(None, &[(1.0, Some(40)), (1.0, Some(60)), (3.0, Some(70))], &[(1.0, 40), (3.0, 70)]);
        check(None, &[(1.0, Some(300)), (2.0, Some(200))], &[(1.0, 100)]);
    }

    #[test]
    fn what_a_file_says_of_the_past_is_not_told_again() {
        check(Some((2.0, 60)), &[(1.0, Some(40)), (2.0, Some(60))], &[]);
        check(Some((2.0, 60)), &[(9.0, Some(40)), (2.0, Some(60))], &[]);
        check(Some((2.0, 60)), &[(1.0, Some(40)), (2.0, Some(60)), (3.0, Some(70))], &[(3.0, 70)]);
        check(Some((2.0, 60)), &[(1.0, Some(40)), (4.0, Some(60))], &[(4.0, 100)]);
        check(Some((2.0, 60)), &[(3.0, Some(70)), (2.0, Some(80))], &[(3.0, 70), (2.0, 80)]);
    }

    #[test]
    fn a_status_is_part_of_the_figure_and_a_zeros_sign_is_not() {
        let known = Known { value: Some(0.0), status: Status::Preliminary, recorded_at: at(40) };
        let after = |status| Told::new(Some(-0.0), status, None).after(Some(&known), true, at(100));
        assert_eq!(after(Status::Preliminary), None);
        assert_eq!(after(Status::Final).map(|vintage| vintage.status), Some(Status::Final));
    }

    #[test]
    fn a_withdrawal_takes_back_a_figure_once_and_a_figure_may_follow_it() {
        let known = |value| Known { value, status: Status::Final, recorded_at: at(40) };
        let after = |before: Option<Known>, value, status| {
            Told::new(value, status, None).after(before.as_ref(), true, at(100)).map(|vintage| vintage.value)
        };
        assert_eq!(after(None, None, Status::Final), None);
        assert_eq!(after(Some(known(Some(1.0))), None, Status::Final), Some(None));
        assert_eq!(after(Some(known(None)), None, Status::Preliminary), None);
        assert_eq!(after(Some(known(None)), Some(1.0), Status::Final), Some(Some(1.0)));
    }

    #[test]
    fn a_figure_with_other_digits_is_no_revision() {
        let same = |new: f64, old: f64| {
            let known = Known { value: Some(old), status: Status::Final, recorded_at: at(40) };
            told(new, None).is_rounding_of(&known, None)
        };
        assert!(same(1600.59823, 1_600.598_227_440_15));
        assert!(same(1_600.598_227_440_15, 1600.59823), "a figure that comes with more digits later");
        assert!(same(72.29, 72.291_666_666_67));
        assert!(same(0.34707, 0.347_067_968));
        assert!(same(12.35, 12.345) && same(12.34, 12.345), "halves are rounded either way");
        assert!(!same(1600.59824, 1_600.598_227_440_15), "another figure");
        assert!(!same(2.1, 2.14), "which may be 2.10");
        assert!(!same(98.0, 97.6));
        assert!(!same(9075.74, 9075.73) && !same(5.0, 5.0), "as many digits");
        assert!(!same(0.0, 0.000_4));
        let withdrawn = Known { value: None, status: Status::Final, recorded_at: at(40) };
        assert!(!told(1.0, None).is_rounding_of(&withdrawn, None));
        let other = Known { value: Some(1.234), status: Status::Preliminary, recorded_at: at(40) };
        assert!(!told(1.23, None).is_rounding_of(&other, Some(2)), "another status is news");
    }

    /// Single figures may end in zeros that nobody sees; a whole series does not.
    #[test]
    fn a_series_with_fewer_digits_is_the_one_that_was_rounded() {
        let fine: Vec<f64> = (0..12).map(|at| f64::from(at).mul_add(0.137_31, 2.0)).collect();
        let coarse: Vec<f64> = fine.iter().map(|figure| (figure * 100.0).round() / 100.0).collect();
        let of = |known: &[f64], told: &[f64]| grain(known.iter().copied(), told.iter().copied());
        assert_eq!((of(&fine, &coarse), of(&coarse, &fine)), (Some(2), Some(2)));
        assert_eq!((of(&fine, &fine), of(&fine[..11], &coarse), of(&fine, &[])), (None, None, None));
        let same = |new: f64, old: f64| {
            let known = Known { value: Some(old), status: Status::Final, recorded_at: at(40) };
            told(new, None).is_rounding_of(&known, Some(2))
        };
        assert!(same(0.94, 0.9359) && same(0.9359, 0.94) && same(2.1, 2.1049));
        assert!(!same(2.1, 2.14) && !same(2.1, 2.1051));
        assert!(!same(2.1042, 2.1049), "neither is rounded");
        let mut mixed = vec![1.25; 97];
        mixed.extend([0.123_45; 3]);
        assert_eq!(of(&fine, &mixed), Some(2), "some are not rounded yet");
    }
}
