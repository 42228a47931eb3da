//! Random pulls against a model that keeps, for every pull, all that is known after it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Site;
use super::fixture::*;
use crate::base::clock::Timestamp;
use crate::period::{Frequency, Period, Span};
use crate::series::{AsOf, PullId, Row, Status};
use crate::store::{Appended, Store};

/// A figure of a pull: partner, month, length of the span, value (4 withdraws), status, and when it was published, in
/// minutes after the test began.
type Figure = (u8, u8, u8, u8, bool, Option<u32>);

fn figures() -> impl Strategy<Value = Vec<Vec<Figure>>> {
    let figure = (0_u8..3, 1_u8..6, 1_u8..3, 0_u8..5, any::<bool>(), prop::option::of(0_u32..12));
    prop::collection::vec(prop::collection::vec(figure, 0..12), 1..8)
}

/// One pull as rows: no two of one span and one publication, as intake leaves them, in any order.
fn rows(pull: &[Figure]) -> Vec<Row> {
    let mut cells = BTreeMap::new();
    for figure @ (partner, month, length, _, _, published) in pull {
        cells.insert((partner, month, length, published), figure);
    }
    let row = |(partner, month, length, value, preliminary, published): &Figure| {
        let last = Period::month(2025, u32::from(*month)).unwrap();
        Row {
            span: Span::new(last.offset(1 - i32::from(*length)), last).unwrap(),
            status: if *preliminary { Status::Preliminary } else { Status::Final },
            published: published.map(minutes),
            ..match value {
                4 => withdrawn(&partner.to_string(), "2025-01"),
                value => row(&partner.to_string(), "2025-01", f64::from(*value)),
            }
        }
    };
    // Not the order of the tables: that is the store's business.
    cells.into_values().rev().map(row).collect()
}

/// What a vintage says; a withdrawal has no status.
type Seen = (Option<(f64, Status)>, Timestamp);

/// What is known of every series and span: the vintages in their order, each with the index of its pull.
#[derive(Default)]
struct Model {
    vintages: BTreeMap<(String, Span), Vec<(usize, Seen)>>,
}

impl Model {
    /// Takes a pull in, one span after the other.
    fn pull(&mut self, index: usize, retrieved_at: Timestamp, rows: &[Row]) -> (usize, usize, usize) {
        let mut spans: BTreeMap<(String, Span), Vec<&Row>> = BTreeMap::new();
        for row in rows {
            let partner = row.labels.value("partner").unwrap().to_owned();
            spans.entry((partner, row.span)).or_default().push(row);
        }
        let (mut new, mut revised, mut unchanged) = (0, 0, 0);
        for (key, mut told) in spans {
            // What is published later than now is said now; of all that is said now the last counts.
            let over = |row: &Row| row.published.filter(|published| *published <= retrieved_at);
            told.sort_by_key(|row| (over(row).is_none(), row.published));
            let vintages = self.vintages.entry(key).or_default();
            let count = told.len();
            for (place, row) in told.into_iter().enumerate() {
                let figure = row.value.map(|value| (value.get(), row.status));
                let before = vintages.last().map(|(_, seen)| *seen);
                let later = over(row).filter(|published| before.is_none_or(|(.., time)| *published > time));
                let is_now = place + 1 == count;
                let same = before.and_then(|(figure, _)| figure) == figure;
                if same || (later.is_none() && !is_now) {
                    unchanged += 1;
                    continue;
                }
                *(if before.is_none() { &mut new } else { &mut revised }) += 1;
                vintages.push((index, (figure, later.unwrap_or(retrieved_at))));
            }
        }
        (new, revised, unchanged)
    }

    /// The newest vintage of each span that `visible` lets through.
    fn view(&self, partner: &str, visible: impl Fn(&(usize, Seen)) -> bool) -> Vec<(Span, f64, Status)> {
        let of_partner = self.vintages.iter().filter(|((known, _), _)| known == partner);
        let newest = |((_, span), vintages): (&(String, Span), &Vec<(usize, Seen)>)| {
            let (_, (figure, _)) = vintages.iter().rev().find(|vintage| visible(vintage))?;
            figure.map(|(value, status)| (*span, value, status))
        };
        of_partner.filter_map(newest).collect()
    }
}

async fn agree(store: &Store, pulls: &[Vec<Figure>]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    let mut ids: Vec<Option<PullId>> = Vec::new();
    for (index, pull) in pulls.iter().enumerate() {
        let minute = u32::try_from(index).unwrap();
        let rows = rows(pull);
        let expected = model.pull(index, minutes(minute).plus(std::time::Duration::from_secs(1)), &rows);
        let appended: Appended = append(store, minute, rows.clone()).await;
        prop_assert_eq!(counts(&appended), expected);
        prop_assert_eq!(appended.pull.is_some(), expected.0 + expected.1 > 0);
        ids.push(appended.pull);
    }
    for series in store.series().await.unwrap() {
        prop_assert_eq!(series.frequency, Frequency::Month);
        let partner = series.labels.value("partner").unwrap();
        let all = whole(store, &series, PullId(i64::MAX)).await;
        let seen = |history: &crate::series::History, as_of| -> Vec<(Span, f64, Status)> {
            history.view(as_of).points().map(|point| (point.span, point.value, point.status)).collect()
        };
        prop_assert_eq!(seen(&all, AsOf::Latest), model.view(partner, |_| true));
        for (index, id) in ids.iter().enumerate() {
            let Some(id) = *id else { continue };
            let expected = model.view(partner, |(pull, _)| *pull <= index);
            prop_assert_eq!(&seen(&all, AsOf::Pull(id)), &expected, "as of pull {}", index);
            let until = whole(store, &series, id).await;
            prop_assert_eq!(&seen(&until, AsOf::Latest), &expected, "history until pull {}", index);
        }
        for minute in 0..12 {
            let expected = model.view(partner, |(_, (_, time))| *time <= minutes(minute));
            prop_assert_eq!(seen(&all, AsOf::Time(minutes(minute))), expected, "as of minute {}", minute);
        }
        let of_partner = model.vintages.iter().filter(|((known, _), _)| known == partner);
        for ((_, span), kept) in of_partner {
            prop_assert_eq!(all.vintages(*span).len(), kept.len());
        }
    }
    Ok(())
}

pub fn histories_equal_a_naive_model(site: fn() -> Option<Site>) {
    if site().is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(64));
    let tested = runner.run(&figures(), |pulls| {
        runtime.block_on(async {
            let site = site().unwrap();
            let store = site.open().await;
            let agreed = agree(&store, &pulls).await;
            store.close().await.unwrap();
            agreed
        })
    });
    tested.unwrap();
}
