//! New histories out of others: figures calculated from figures, with a vintage at every moment at which
//! one of them changed.
//!
//! A derived history is a history like any other: seen as of a pull or as of a time, it shows just what
//! the calculation gives of its inputs as they were known then. What is calculated, the callers say; the
//! sum of a group is here, since rules and derived series both need it.

use std::collections::{BTreeMap, BTreeSet};

use super::{AsOf, Finite, History, Labels, Point, PullId, Status, Unit, View, Vintage};
use crate::base::clock::Timestamp;
use crate::base::text::printable;
use crate::period::{Frequency, Period, Span};

/// A calculated figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The figure; what is not finite is no figure.
    pub value: f64,
    /// The figures that it was made of: it is no surer than the least sure of them.
    pub points: Vec<Point>,
}

/// How a derived history is calculated.
pub struct Recipe<'a> {
    /// The spans that may have a figure.
    pub spans: BTreeSet<Span>,
    /// The first and the last period whose figures may depend on an input's figure for a span.
    pub reach: &'a dyn Fn(Span) -> (Period, Period),
    /// The figure for a span of the inputs as they were known; `None` where it has none.
    pub make: &'a dyn Fn(&[View<'_>], Span) -> Option<Made>,
}

/// Why histories have no sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// There is none to begin with.
    #[error("there is no series to add up")]
    Empty,
    /// Periods of two frequencies.
    #[error("{labels} is by {found}, others by {expected}: their figures have no sum")]
    Frequency {
        /// The one that does not fit.
        labels: String,
        /// Its frequency.
        found: Frequency,
        /// The first one's.
        expected: Frequency,
    },
    /// A formula whose inputs do not go together, as far as only the figures tell.
    #[error("series `{name}` cannot be calculated: {reason}")]
    Formula {
        /// The derived series.
        name: String,
        /// Why.
        reason: String,
    },
    /// Units that do not convert.
    #[error("{labels} is in {found}, others in {expected}: their figures have no sum")]
    Unit {
        /// The one that does not fit.
        labels: String,
        /// Its unit.
        found: String,
        /// The first one's.
        expected: String,
    },
}

/// When something that a figure depends on became known.
type Moment = (PullId, Timestamp);

/// Fills an empty history by a recipe.
///
/// A view shows the last vintage by pull and time that it may see, so two chains of vintages are enough
/// for both kinds of views: one with all that each pull left, one with all that was known at each time.
/// Where times follow the pulls, as they do in a running daemon, the two are one.
pub fn derive(mut empty: History, inputs: &[&History], recipe: &Recipe<'_>) -> History {
    for (span, moments) in moments(inputs, recipe) {
        let mut kept: Vec<Vintage> = Vec::new();
        for ((pull, recorded_at), as_of) in stamps(&moments) {
            let views: Vec<View<'_>> = inputs.iter().map(|input| input.view(as_of)).collect();
            let made = (recipe.make)(&views, span);
            let figure = made.as_ref().and_then(|made| Finite::new(made.value));
            let vintage = Vintage { value: figure, status: least_sure(made.as_ref()), recorded_at, pull };
            if is_new(&kept, &vintage) {
                let points = made.map(|made| made.points).unwrap_or_default();
                empty.record_origins(span, &vintage, points.iter().flat_map(|point| origins(inputs, point)));
                empty.record(span, vintage);
                kept.push(vintage);
            }
        }
    }
    for input in inputs {
        empty.inherit_provenance(input);
    }
    empty
}

/// For every span that may have a figure, when something that it depends on became known.
fn moments(inputs: &[&History], recipe: &Recipe<'_>) -> BTreeMap<Span, BTreeSet<Moment>> {
    let longest = recipe.spans.iter().map(|span| i32::from(span.length())).max().unwrap_or(1);
    let mut moments: BTreeMap<Span, BTreeSet<Moment>> = BTreeMap::new();
    for input in inputs {
        for span in input.spans() {
            let (first, last) = (recipe.reach)(span);
            let near = recipe.spans.range(Span::from(first)..Span::from(last.offset(longest).next()));
            for dependent in near.filter(|span| span.last() >= first && span.first() <= last) {
                let known = input.vintages(span).iter().map(|vintage| (vintage.pull, vintage.recorded_at));
                moments.entry(*dependent).or_default().extend(known);
            }
        }
    }
    moments
}

/// The moments at which a vintage may arise, in the order in which a history keeps them, each with the
/// knowledge that it shows.
fn stamps(moments: &BTreeSet<Moment>) -> BTreeMap<Moment, AsOf> {
    let mut stamps = BTreeMap::new();
    let mut newest = Timestamp::from_millis(i64::MIN);
    let mut moments: Vec<Moment> = moments.iter().copied().collect();
    for same_pull in moments.chunk_by(|a, b| a.0 == b.0) {
        newest = same_pull.iter().map(|(_, time)| *time).max().map_or(newest, |time| time.max(newest));
        stamps.insert((same_pull[0].0, newest), AsOf::Pull(same_pull[0].0));
    }
    moments.sort_by_key(|(pull, time)| (*time, *pull));
    let mut highest = PullId(i64::MIN);
    for same_time in moments.chunk_by(|a, b| a.1 == b.1) {
        highest = same_time.iter().map(|(pull, _)| *pull).max().map_or(highest, |pull| pull.max(highest));
        stamps.entry((highest, same_time[0].1)).or_insert(AsOf::Time(same_time[0].1));
    }
    stamps
}

/// Whether a vintage says something that no view would show without it. Where it says what the one
/// before says, every view that sees it must see that one too.
fn is_new(kept: &[Vintage], vintage: &Vintage) -> bool {
    let says = |vintage: &Vintage| vintage.value.map(|value| (value.get().to_bits(), vintage.status));
    let same = kept.last().is_some_and(|last| says(last) == says(vintage) && last.recorded_at <= vintage.recorded_at);
    let takes_back = kept.iter().any(|kept| kept.recorded_at <= vintage.recorded_at);
    !same && (vintage.value.is_some() || takes_back)
}

fn least_sure(made: Option<&Made>) -> Status {
    let rank = |status: &Status| Status::ALL.iter().position(|known| known == status);
    let statuses = made.iter().flat_map(|made| &made.points).map(|point| point.status);
    statuses.max_by_key(rank).unwrap_or_default()
}

/// The pulls that brought an input's figure.
fn origins(inputs: &[&History], point: &Point) -> Vec<PullId> {
    let Point { span, pull, recorded_at, .. } = *point;
    let known = inputs.iter().find_map(|input| input.known_origins(span, pull, recorded_at));
    known.map_or_else(|| vec![pull], <[PullId]>::to_vec)
}

/// The history of a group: the sum of its members, who go with it.
pub fn group(labels: Labels, members: Vec<History>) -> Result<History, Misfit> {
    let sum = sum(labels, &members.iter().collect::<Vec<_>>())?;
    Ok(sum.with_members(members))
}

/// The sum of histories of one frequency, in the first one's unit.
///
/// A period has a sum where every member has a figure for it that had one a period before (in a daily
/// series: within the largest gap before). A combined period has one as well, made of the members'
/// figures for all of it or for each of its parts.
pub fn sum(labels: Labels, members: &[&History]) -> Result<History, Misfit> {
    let first = members.first().ok_or(Misfit::Empty)?;
    members.iter().try_for_each(|member| fits(first, member))?;
    let max_gap_days = members.iter().map(|member| member.max_gap_days()).max().unwrap_or_default();
    let empty = History::new(labels, first.frequency(), first.unit().cloned()).with_max_gap(max_gap_days);
    let behind = match first.frequency() {
        Frequency::Day => i32::try_from(max_gap_days).unwrap_or(i32::MAX),
        Frequency::Week | Frequency::Month | Frequency::Quarter | Frequency::Year => 1,
    };
    let recipe = Recipe {
        spans: members.iter().flat_map(|member| member.spans()).collect(),
        reach: &|span| (span.first(), span.last().offset(behind)),
        make: &|views, span| total(views, first.unit(), span, behind),
    };
    Ok(derive(empty, members, &recipe))
}

fn fits(first: &History, member: &History) -> Result<(), Misfit> {
    if member.frequency() != first.frequency() {
        let labels = member.labels().to_string();
        return Err(Misfit::Frequency { labels, found: member.frequency(), expected: first.frequency() });
    }
    let convert = match (member.unit(), first.unit()) {
        (Some(unit), Some(own)) => unit.converts_to(own),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let told = |unit: Option<&Unit>| unit.map_or_else(|| "no unit".to_owned(), |unit| printable(&unit.to_string()));
    let (found, expected) = (told(member.unit()), told(first.unit()));
    if convert { Ok(()) } else { Err(Misfit::Unit { labels: member.labels().to_string(), found, expected }) }
}

fn total(views: &[View<'_>], unit: Option<&Unit>, span: Span, behind: i32) -> Option<Made> {
    // A combined period that nobody publishes any more is none.
    views.iter().find_map(|view| view.exactly(span))?;
    let mut sum = Made { value: 0.0, points: Vec::new() };
    for view in views {
        match part(view, unit, span) {
            Some(part) => {
                sum.value += part.value;
                sum.points.extend(part.points);
            }
            None if was_there(view, span.first(), behind) => return None,
            None => {}
        }
    }
    Some(sum)
}

/// A member's figure for a span, in the group's unit: the one for just that span, or for a combined
/// period the sum of its parts.
pub fn part(view: &View<'_>, unit: Option<&Unit>, span: Span) -> Option<Made> {
    let points = match view.exactly(span) {
        Some(point) => vec![point],
        None if span.is_single() => return None,
        None => {
            let window = view.between(span.first(), span.last());
            window.gaps.is_empty().then_some(window.points)?
        }
    };
    let value: f64 = points.iter().map(|point| point.value).sum();
    let value = match (view.history().unit(), unit) {
        (Some(own), Some(unit)) => own.convert(value, unit)?,
        _ => value,
    };
    Some(Made { value, points })
}

/// Whether a series had a figure in the periods right before one.
fn was_there(view: &View<'_>, period: Period, behind: i32) -> bool {
    let before = period.previous();
    if behind == 1 && period.frequency() != Frequency::Day {
        return !matches!(view.point(before), Err(super::Gap::Missing(_) | super::Gap::Withdrawn(_)));
    }
    !view.between(period.offset(-behind), before).points.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::series::{Gap, Provenance};

    fn history(partner: &str, unit: Option<&str>, frequency: Frequency) -> History {
        let labels = [("partner", partner)].into_iter().collect();
        History::new(labels, frequency, unit.map(|unit| Unit::parse(unit).unwrap()))
    }

    /// A member from `2025-08=5@1`: span, value (`x` withdraws), pull; known so many seconds after 1970.
    fn member(partner: &str, unit: &str, script: &str) -> History {
        let spans: Vec<&str> = script.split_whitespace().collect();
        let frequency = Span::parse(spans[0].split('=').next().unwrap()).unwrap().last().frequency();
        let mut history = history(partner, Some(unit), frequency);
        for figure in spans {
            let (span, rest) = figure.split_once('=').unwrap();
            let (value, pull) = rest.split_once('@').unwrap();
            let pull: i64 = pull.parse().unwrap();
            let value = value.parse().ok().and_then(Finite::new);
            let (status, recorded_at) = (Status::Final, Timestamp::from_millis(pull * 1000));
            let vintage = Vintage { value, status, recorded_at, pull: PullId(pull) };
            history.record(Span::parse(span).unwrap(), vintage);
        }
        history
    }

    fn shown(history: &History, as_of: AsOf) -> String {
        let points = history.view(as_of).points();
        points.map(|point| format!("{}={}", point.span, point.value)).collect::<Vec<_>>().join(" ")
    }

    /// What the sum is as of each pull, one a line.
    #[track_caller]
    fn check(members: &[History], expected: &[&str]) {
        let sum = group(Labels::default(), members.to_vec()).unwrap();
        for (pull, expected) in (1..).zip(expected) {
            assert_eq!(shown(&sum, AsOf::Pull(PullId(pull))), *expected, "as of pull {pull}");
            assert_eq!(shown(&sum, AsOf::Time(Timestamp::from_millis(pull * 1000))), *expected, "at {pull} s");
        }
        assert_eq!(shown(&sum, AsOf::Latest), *expected.last().unwrap());
    }

    #[test]
    fn a_sum_waits_for_whoever_was_there_a_period_before() {
        let members = [
            member("CN", "t", "2025-07=5@1 2025-08=6@1 2025-09=7@2 2025-10=8@5"),
            member("MY", "kg", "2025-07=1000@1 2025-08=1000@1 2025-09=2000@3"),
            member("VN", "t", "2025-09=10@4"),
        ];
        check(
            &members,
            &[
                "2025-07=6 2025-08=7",
                "2025-07=6 2025-08=7",
                "2025-07=6 2025-08=7 2025-09=9",
                "2025-07=6 2025-08=7 2025-09=19",
                "2025-07=6 2025-08=7 2025-09=19",
            ],
        );
        let gone = [member("CN", "t", "2025-07=5@1 2025-08=6@1 2025-09=7@1"), member("MY", "t", "2025-07=1@1")];
        check(&gone, &["2025-07=6 2025-09=7"]);
    }

    #[test]
    fn a_sum_follows_revisions_and_withdrawals() {
        let members = [
            member("CN", "t", "2025-07=5@1 2025-07=6@2 2025-07=x@4"),
            member("MY", "t", "2025-06=1@1 2025-07=1@1 2025-07=2@3"),
        ];
        check(&members, &["2025-06=1 2025-07=6", "2025-06=1 2025-07=7", "2025-06=1 2025-07=8", "2025-06=1 2025-07=2"]);
        let torn = [member("CN", "t", "2025-06=5@1 2025-07=6@1 2025-07=x@2"), member("MY", "t", "2025-07=1@1")];
        check(&torn, &["2025-06=5 2025-07=7", "2025-06=5"]);
        let sum = sum(Labels::default(), &torn.iter().collect::<Vec<_>>()).unwrap();
        let july = Period::month(2025, 7).unwrap();
        assert_eq!(sum.view(AsOf::Latest).point(july), Err(Gap::Withdrawn(july)));
        assert_eq!(sum.view(AsOf::Pull(PullId(2))).revised_since(PullId(1)).len(), 1);
    }

    #[test]
    fn combined_periods_add_up_over_their_whole_span() {
        let members = [
            member("CN", "t", "2024-12=1@1 2025-01/2025-02=10@1 2025-03=4@1"),
            member("MY", "t", "2024-12=1@1 2025-01=2@1 2025-02=3@1 2025-03=5@1"),
        ];
        check(&members, &["2024-12=2 2025-01/2025-02=15 2025-03=9"]);
        let late = [members[0].clone(), member("MY", "t", "2024-12=1@1 2025-01=2@1 2025-02=3@2 2025-03=5@3")];
        check(
            &late,
            &["2024-12=2 2025-03=4", "2024-12=2 2025-01/2025-02=15", "2024-12=2 2025-01/2025-02=15 2025-03=9"],
        );
    }

    #[test]
    fn days_on_which_a_market_rests_have_no_sum() {
        let members = [
            member("CN", "t", "2025-09-29=1@1 2025-09-30=2@1 2025-10-09=3@1 2025-10-10=4@1"),
            member(
                "JP",
                "t",
                "2025-09-29=1@1 2025-09-30=1@1 2025-10-01=1@1 2025-10-02=1@1 2025-10-09=1@1 2025-10-10=1@1",
            ),
        ];
        check(&members, &["2025-09-29=2 2025-09-30=3 2025-10-09=4 2025-10-10=5"]);
        let apart = [members[0].clone(), member("JP", "t", "2025-09-29=1@1 2025-09-30=1@1")];
        check(&apart, &["2025-09-29=2 2025-09-30=3 2025-10-09=3 2025-10-10=4"]);
    }

    #[test]
    fn what_has_no_sum_says_why() {
        let tonnes = member("CN", "t", "2025-07=5@1");
        let misfit = |other: &History| sum(Labels::default(), &[&tonnes, other]).unwrap_err().to_string();
        insta::assert_snapshot!(misfit(&member("MY", "USD", "2025-07=5@1")), @r#"{partner="MY"} is in USD, others in t: their figures have no sum"#);
        insta::assert_snapshot!(misfit(&history("MY", None, Frequency::Month)), @r#"{partner="MY"} is in no unit, others in t: their figures have no sum"#);
        insta::assert_snapshot!(misfit(&member("MY", "t", "2025-Q3=5@1")), @r#"{partner="MY"} is by quarter, others by month: their figures have no sum"#);
        assert_eq!(sum(Labels::default(), &[]).unwrap_err(), Misfit::Empty);
        let huge = [member("CN", "t", "2025-07=1.7e308@1"), member("MY", "t", "2025-07=1.7e308@1")];
        check(&huge, &[""]);
    }

    #[test]
    fn a_sum_knows_the_pulls_and_the_marks_of_its_parts() {
        let mut members = [member("CN", "t", "2025-07=5@1 2025-07=6@3"), member("MY", "t", "2025-07=1@2")];
        let estimated =
            Vintage { status: Status::Estimated, ..members[1].vintages(Span::parse("2025-07").unwrap())[0] };
        members[1].record(Span::parse("2025-07").unwrap(), Vintage { pull: PullId(4), ..estimated });
        let provenance = |feed: &str| Provenance {
            feed: feed.into(),
            url: "https://x.example/".into(),
            retrieved_at: Timestamp::from_millis(0),
            sha256: String::new(),
        };
        members[0].record_provenance(PullId(3), provenance("a"));
        members[1].record_provenance(PullId(2), provenance("b"));
        let sum = group(Labels::default(), members.to_vec()).unwrap();
        let july = |pull| sum.view(AsOf::Pull(PullId(pull))).point(Period::month(2025, 7).unwrap()).unwrap();
        assert_eq!(sum.origins(&july(1)), [PullId(1)]);
        assert_eq!(sum.origins(&july(3)), [PullId(2), PullId(3)]);
        assert_eq!((july(3).status, july(4).status), (Status::Final, Status::Estimated));
        assert!(sum.provenance(PullId(2)).is_some() && sum.provenance(PullId(3)).is_some());
        let of_sums = group(Labels::default(), vec![sum.clone()]).unwrap();
        assert_eq!(of_sums.origins(&july(3)), [PullId(2), PullId(3)]);
        assert_eq!(sum.view(AsOf::Pull(PullId(1))).members().map(|view| view.points().count()).sum::<usize>(), 1);
    }

    /// What one pull says of one member: month, length, value (none withdraws), and when it was published.
    type Figure = (usize, i32, i32, Option<i32>, i64);

    fn figures() -> impl Strategy<Value = Vec<Vec<Figure>>> {
        let figure = (0_usize..3, 0_i32..5, 1_i32..3, prop::option::weighted(0.8, 0_i32..4), 0_i64..12);
        prop::collection::vec(prop::collection::vec(figure, 0..8), 1..7)
    }

    /// The sum by the plain reading of its rule, from what each member is known to say.
    fn naive(known: &[BTreeMap<Span, f64>]) -> BTreeMap<Span, f64> {
        let spans: BTreeSet<Span> = known.iter().flat_map(BTreeMap::keys).copied().collect();
        let sum = |span: &Span| {
            let mut sum = 0.0;
            for figures in known {
                let whole = figures.get(span).copied();
                // The parts: walking from the span's first period to its last, whatever covers just that.
                let parts = || {
                    let (mut at, mut parts) = (span.first(), 0.0);
                    while at <= span.last() {
                        let own = figures.get_key_value(&Span::from(at));
                        let part = own.or_else(|| {
                            let covers = figures.iter().find(|(part, _)| !part.is_single() && part.contains(at))?;
                            (covers.0.first() == at && covers.0.last() <= span.last()).then_some(covers)
                        })?;
                        parts += part.1;
                        at = part.0.last().next();
                    }
                    Some(parts)
                };
                let before = span.first().previous();
                match whole.or_else(parts) {
                    Some(part) => sum += part,
                    None if figures.keys().any(|known| known.contains(before)) => return None,
                    None => {}
                }
            }
            Some((*span, sum))
        };
        spans.iter().filter_map(sum).collect()
    }

    proptest! {
        /// Seen as of every pull and every time, the sum is the naive one of what was known then.
        #[test]
        fn a_sum_is_the_sum_of_what_was_known(pulls in figures()) {
            let base = Period::month(2025, 1).unwrap();
            let mut members: Vec<History> =
                ["CN", "MY", "VN"].iter().map(|partner| history(partner, Some("t"), Frequency::Month)).collect();
            let mut all: Vec<(i64, i64, usize, Span, Option<f64>)> = Vec::new();
            for (pull, figures) in (1_i64..).zip(&pulls) {
                let mut figures = figures.clone();
                figures.sort_by_key(|figure| figure.4);
                for (member, month, length, value, time) in figures {
                    let span = Span::new(base.offset(month + 1 - length), base.offset(month)).unwrap();
                    // As the store keeps them: within a span, later vintages are known later.
                    let last = members[member].vintages(span).last().map_or(0, |last| last.recorded_at.millis());
                    let time = time.max(last);
                    let value = value.map(f64::from);
                    let recorded_at = Timestamp::from_millis(time);
                    let figure = value.and_then(Finite::new);
                    let vintage = Vintage { value: figure, status: Status::Final, recorded_at, pull: PullId(pull) };
                    members[member].record(span, vintage);
                    all.push((pull, time, member, span, value));
                }
            }
            let sum = group(Labels::default(), members).unwrap();
            let replayed = |visible: &dyn Fn(i64, i64) -> bool| {
                let mut known = vec![BTreeMap::new(); 3];
                for (_, _, member, span, value) in all.iter().filter(|(pull, time, ..)| visible(*pull, *time)) {
                    match value {
                        Some(value) => known[*member].insert(*span, *value),
                        None => known[*member].remove(span),
                    };
                }
                naive(&known)
            };
            let seen = |as_of| -> BTreeMap<Span, f64> {
                sum.view(as_of).points().map(|point| (point.span, point.value)).collect()
            };
            for until in 0..=pulls.len() as i64 {
                prop_assert_eq!(seen(AsOf::Pull(PullId(until))), replayed(&|pull, _| pull <= until), "pull {}", until);
            }
            for until in 0..12 {
                let expected = replayed(&|_, time| time <= until);
                prop_assert_eq!(seen(AsOf::Time(Timestamp::from_millis(until))), expected, "time {}", until);
            }
            prop_assert_eq!(seen(AsOf::Latest), replayed(&|_, _| true));
        }
    }
}
