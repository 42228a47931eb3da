//! What one pull's figures for one span add to what is known of it: the rule of vintages, for every backend.
//!
//! It is pure; where figures are kept is the backends' business.

use crate::base::clock::Timestamp;
use crate::series::Status;

/// The newest vintage of a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// The figure.
    pub value: f64,
    /// The publisher's mark.
    pub status: Status,
    /// When it became known.
    pub recorded_at: Timestamp,
}

/// What a pull says of a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The figure.
    pub value: f64,
    /// The publisher's mark.
    pub status: Status,
    /// When it was published, where the publisher says so.
    pub published: Option<Timestamp>,
}

impl Told {
    /// A figure as it will be read back: a database keeps no sign of zero.
    pub fn new(value: f64, status: Status, published: Option<Timestamp>) -> Self {
        Self { value: value + 0.0, status, published }
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
    /// news, so that reading the same file again adds nothing.
    pub fn after(&self, known: Option<&Known>, last: bool, retrieved_at: Timestamp) -> Option<Known> {
        let same = |known: &Known| known.value.to_bits() == self.value.to_bits() && known.status == self.status;
        if known.is_some_and(same) {
            return None;
        }
        let is_news = |published: &Timestamp| {
            *published <= retrieved_at && known.is_none_or(|known| *published > known.recorded_at)
        };
        let recorded_at = self.published.filter(is_news).or_else(|| last.then_some(retrieved_at))?;
        Some(Known { value: self.value, status: self.status, recorded_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn told(value: f64, published: Option<i64>) -> Told {
        Told::new(value, Status::Final, published.map(at))
    }

    /// The vintages after a pull at 100, as (value, time), when `known` is (value, time).
    #[track_caller]
    fn check(known: Option<(f64, i64)>, pull: &[(f64, Option<i64>)], expected: &[(f64, i64)]) {
        let known = known.map(|(value, time)| Known { value, status: Status::Final, recorded_at: at(time) });
        let first = added(known, pull);
        let shown: Vec<(f64, i64)> =
            first.iter().map(|vintage| (vintage.value, vintage.recorded_at.millis())).collect();
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
        let known = Known { value: 0.0, status: Status::Preliminary, recorded_at: at(40) };
        let after = |status| Told::new(-0.0, status, None).after(Some(&known), true, at(100));
        assert_eq!(after(Status::Preliminary), None);
        assert_eq!(after(Status::Final).map(|vintage| vintage.status), Some(Status::Final));
    }
}
