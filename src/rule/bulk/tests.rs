//! Bulk and evidence-bearing evaluation say the same, on random expressions over random histories.

use proptest::prelude::*;
use proptest::sample::select;

use super::slide::Bound;
use super::*;
use crate::base::clock::Timestamp;
use crate::period::{Frequency, Length, Span};
use crate::rule::{Level, Severity, Subject, Verdict, judge};
use crate::series::{AsOf, Finite, History, Labels, PullId, Status, Unit, Vintage};

/// One vintage: which series, which period from the first on, how many more it covers, value, pull, and
/// whether it is final.
type Figure = (usize, i32, i32, f64, i64, bool);

#[derive(Clone, Debug)]
struct Case {
    frequency: Frequency,
    unit: Option<Unit>,
    figures: Vec<Figure>,
    /// Empty series between two with figures, so that they fall into several tiles.
    apart: usize,
    gates: Vec<String>,
    min_base: Option<f64>,
    on_gap: OnGap,
    final_only: bool,
}

const SERIES: usize = 4;
const PERIODS: i32 = 30;

fn first(frequency: Frequency) -> Period {
    let month = Period::parse("2020-11").unwrap();
    Period::containing(month.first_day(), frequency)
}

fn rule(case: &Case) -> Rule {
    let min_base = case.min_base.map(|value| Quantity { value, unit: case.unit.clone() });
    Rule {
        name: "random".into(),
        when: case.gates.iter().map(|gate| Expr::parse(gate).unwrap()).collect(),
        severity: Severity::Critical,
        min_base,
        on_gap: case.on_gap,
        final_only: case.final_only,
        ..Rule::default()
    }
}

fn history(case: &Case, series: usize) -> History {
    let labels: Labels = [("feed", "random"), ("series", &*series.to_string())].into_iter().collect();
    let mut history = History::new(labels, case.frequency, case.unit.clone());
    for (_, at, more, value, pull, sure) in case.figures.iter().filter(|figure| figure.0 == series) {
        let period = first(case.frequency).offset(*at);
        let span = Span::new(period, period.offset(*more)).unwrap();
        let recorded_at = Timestamp::from_millis(*pull);
        let value = Finite::new(*value);
        let status = if *sure { Status::Final } else { Status::Preliminary };
        history.record(span, Vintage { value, status, recorded_at, pull: PullId(*pull) });
    }
    history
}

/// Builds the panel as it was before the second pull, then brings it up to date in place.
fn panel(case: &Case, histories: &[History]) -> Panel {
    let panel = Panel::new(case.frequency, case.unit.clone()).unwrap();
    let mut panel = if case.final_only { panel.final_only() } else { panel };
    for pull in [1, 2] {
        for (series, history) in histories.iter().enumerate() {
            for between in 0..case.apart {
                panel.row(&[("series", format!("{series}-{between}"))].into_iter().collect());
            }
            panel.refresh(&history.view(AsOf::Pull(PullId(pull)))).unwrap();
        }
    }
    panel
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let rule = rule(case);
    let subject = Subject { frequency: case.frequency, unit: Some(case.unit.clone()) };
    for gate in &rule.when {
        prop_assert!(gate.check(&subject).is_empty(), "{}: {:?}", gate.text(), gate.check(&subject));
    }
    let histories: Vec<History> = (0..SERIES).map(|series| history(case, series)).collect();
    let panel = panel(case, &histories);
    let periods: Vec<Period> = (-2..PERIODS + 2).map(|at| first(case.frequency).offset(at)).collect();
    let program = Program::new(&Question::of(&rule).unwrap(), &panel, &periods).unwrap();
    let all = program.verdicts(&panel);
    let rows: Vec<Row> = histories.iter().map(|history| panel.find(history.labels()).unwrap()).collect();
    let aside: Vec<Row> = program.aside(&panel).collect();
    for (at, period) in periods.iter().enumerate() {
        // One period alone takes other steps than all of them together.
        let alone = if at % 7 == 0 {
            Some(Program::new(&Question::of(&rule).unwrap(), &panel, &[*period]).unwrap())
        } else {
            None
        };
        for (history, row) in histories.iter().zip(&rows) {
            let told = match judge(&rule, &history.view(AsOf::Latest), *period).verdict {
                Verdict::Holds => Some(Some(true)),
                Verdict::Fails => Some(Some(false)),
                Verdict::Unknown(_) => Some(None),
            };
            let expected = if aside.contains(row) { None } else { told };
            let alone = alone.as_ref().map(|alone| alone.verdicts(&panel)[0].of(*row));
            for said in [Some(all[at].of(*row)), alone].into_iter().flatten() {
                // What may be left to the history is told elsewhere.
                if rule.on_gap == OnGap::Hold || said.is_some() {
                    prop_assert_eq!(said, expected, "{} at {}, {:?}", rule.text(), period, rule.on_gap);
                }
            }
        }
    }
    // Some alone, and a whole tile where it stands.
    let chosen: Vec<Row> = rows.iter().copied().chain(0..panel.series_count().min(40) as Row).collect();
    let mut seen = 0;
    program.run_rows(&panel, &chosen, |told| {
        for lane in mask::set(told.lanes) {
            for (at, verdicts) in all.iter().enumerate() {
                let ((mask, lanes), bit) = (told.given(0, at), 1 << lane);
                let said = (mask.unknown & bit == 0).then_some(mask.holds & bit != 0);
                assert_eq!(verdicts.of(told.row(lane)), (lanes & bit != 0).then_some(said), "a row alone");
            }
            seen += 1;
        }
    });
    prop_assert_eq!(seen, chosen.iter().filter(|row| !aside.contains(row)).count());
    Ok(())
}

/// Figures with ties, zeros, both signs, and the ends of what a number can be.
fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (1_i32..8).prop_map(f64::from),
        3 => 80.0..125.0_f64,
        2 => select(vec![0.0, -0.0, -3.0, 100.0, 100.000_000_000_000_01, 0.1, 0.3]),
        1 => select(vec![1e308, -1e308, 1e300, 5e-324, 1e-308, f64::MAX]),
    ]
}

fn any_figure() -> impl Strategy<Value = Figure> {
    let more = prop_oneof![60 => Just(0), 1 => 1..3_i32];
    (0..SERIES, 0..PERIODS, more, any_value(), 1..3_i64, prop::bool::weighted(0.8))
}

/// How far back, as the calendar of a frequency lets it be written.
fn any_back(frequency: Frequency) -> BoxedStrategy<String> {
    let lengths: &[&str] = match frequency {
        Frequency::Week => &["2w", "1mo", "1y", "21d"],
        Frequency::Month => &["1mo", "3mo", "1y", "2y"],
        Frequency::Quarter => &["3mo", "6mo", "1y"],
        Frequency::Day | Frequency::Year => &["1y", "24mo", "3y"],
    };
    prop_oneof![(1..14_i32).prop_map(|n| n.to_string()), select(lengths).prop_map(str::to_owned)].boxed()
}

/// What has a spread: two periods at least.
fn any_sample(frequency: Frequency) -> BoxedStrategy<String> {
    any_back(frequency)
        .prop_filter("two periods", move |text| {
            let periods = match text.parse() {
                Ok(periods) => Some(periods),
                Err(_) => Length::parse(text).and_then(|length| length.periods(frequency)),
            };
            periods != Some(1)
        })
        .boxed()
}

fn any_comparison() -> impl Strategy<Value = &'static str> {
    select(vec!["<", "<=", ">", ">=", "==", "!="])
}

/// A pair of parts in a template with `{a}` and `{b}`.
fn of_two(
    templates: &'static [&'static str],
    a: BoxedStrategy<String>,
    b: BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    (select(templates), a, b).prop_map(|(template, a, b)| template.replace("{a}", &a).replace("{b}", &b)).boxed()
}

fn any_ratio(frequency: Frequency) -> BoxedStrategy<String> {
    let since = (-2..PERIODS).prop_map(move |at| first(frequency).offset(at).to_string()).boxed();
    let (back, sample) = (any_back(frequency), any_sample(frequency));
    let plain = prop_oneof![
        Just("change".to_owned()),
        Just("yoy".to_owned()),
        Just("ytd_yoy".to_owned()),
        of_two(&["drawdown({a})", "runup({a})"], back.clone(), back.clone()),
        of_two(&["percentile({a})", "slope({a})", "volatility({a})"], sample.clone(), sample),
        of_two(&["change({a})", "(value / lag({a}))", "(lag({b}) / mean({a}))"], back.clone(), back.clone()),
        of_two(&["change_since({a})"], since, Just(String::new()).boxed()),
    ];
    plain
        .prop_recursive(2, 4, 2, move |inner| {
            let (inner, back) = (inner.boxed(), any_back(frequency));
            prop_oneof![
                of_two(&["({a} + {b})", "({a} - {b})", "({a} * {b})", "({a} / {b})"], inner.clone(), inner.clone()),
                of_two(&["(-{a})", "lag({a}, {b})", "({a} * 2)", "(3 / {a})"], inner, back),
            ]
        })
        .boxed()
}

fn any_sum(frequency: Frequency) -> BoxedStrategy<String> {
    let (back, sample) = (any_back(frequency), any_sample(frequency));
    let plain = prop_oneof![
        Just("value".to_owned()),
        Just("ytd".to_owned()),
        of_two(&["median({a})", "stddev({b})"], back.clone(), sample),
        of_two(&["lag({a})", "diff({a})", "mean({a})", "min({a})", "max({a})", "sum({a})"], back.clone(), back),
    ];
    plain
        .prop_recursive(2, 4, 2, move |inner| {
            let (inner, back) = (inner.boxed(), any_back(frequency));
            prop_oneof![
                of_two(&["({a} + {b})", "({a} - {b})"], inner.clone(), inner.clone()),
                of_two(&["(-{a})", "lag({a}, {b})", "({a} * 120%)", "({a} / 3)"], inner, back),
            ]
        })
        .boxed()
}

fn any_condition(frequency: Frequency, unit: &'static str) -> BoxedStrategy<String> {
    let percent = select(vec!["-20%", "0%", "10%", "25%", "100%", "-100%"]).prop_map(str::to_owned).boxed();
    let number = select(vec!["0", "1", "2", "2.5", "-2", "3"]).prop_map(str::to_owned).boxed();
    let amount = select(vec!["0", "1", "100", "3", "-3", "1e300"]).prop_map(move |n| format!("{n}{unit}")).boxed();
    let (ratio, figure, back) = (any_ratio(frequency), any_sum(frequency), any_sample(frequency));
    let compared = |a: BoxedStrategy<String>, b: BoxedStrategy<String>| {
        (a, any_comparison(), b).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")).boxed()
    };
    let scores = &[
        "zscore({a})",
        "zscore({a}) + zscore({b})",
        "-zscore({a})",
        "robust_zscore({a})",
        "seasonal_zscore(2)",
        "seasonal_zscore(3) - robust_zscore({b})",
    ];
    let count = of_two(scores, back.clone(), back.clone()).boxed();
    let moves = select(vec!["declines", "rises", "declines(5%)", "rises(tol=10%)"]).prop_map(str::to_owned).boxed();
    let tallies = any_tally(moves.clone(), frequency);
    let plain = prop_oneof![
        compared(ratio.clone(), percent.clone()),
        compared(percent, ratio.clone()),
        compared(ratio.clone(), ratio),
        compared(figure.clone(), amount.clone()),
        compared(amount, figure.clone()),
        compared(figure.clone(), figure),
        compared(count, number.clone()),
        compared(moves.clone(), number.clone()),
        compared(number.clone(), moves),
        compared(tallies.clone(), number.clone()),
        compared(number, tallies.clone()),
        compared(tallies.clone(), tallies),
    ];
    plain
        .prop_recursive(3, 8, 2, move |inner| {
            let (inner, back) = (inner.boxed(), any_back(frequency));
            let streak = |sign| of_two(sign, inner.clone(), Just(String::new()).boxed());
            prop_oneof![
                of_two(&["({a}) and ({b})", "({a}) or ({b})"], inner.clone(), inner.clone()),
                of_two(&["not ({a})", "lag({a}, {b})"], inner.clone(), back),
                streak(&[
                    "streak({a}) >= 2",
                    "streak({a}) < 3",
                    "2 == streak({a})",
                    "streak({a}) != 1",
                    "streak({a}) > 0.5",
                    "streak({a}) + declines > rises"
                ]),
            ]
        })
        .prop_filter("streaks stand two deep at most", |text| !too_deep(text))
        .boxed()
}

/// Streaks in arithmetic, as a count.
fn any_tally(moves: BoxedStrategy<String>, frequency: Frequency) -> BoxedStrategy<String> {
    let few = (1..4_i32).prop_map(|n| n.to_string()).boxed();
    let streaks = &["streak(value > lag({a}))", "streak(change({a}) > 0% or lag(1) >= mean({b}))"];
    let plain = prop_oneof![3 => moves, 1 => of_two(streaks, few.clone(), few)];
    plain
        .prop_recursive(2, 4, 2, move |inner| {
            let (inner, back) = (inner.boxed(), any_back(frequency));
            let odd = &[
                "(-{a})",
                "lag({a}, {b})",
                "({a} * 2)",
                "(0 * {a})",
                "({a} / 3)",
                "(3 / {a})",
                "({a} * -1)",
                "({a} / 0)",
                "({a} * 1e308)",
            ];
            prop_oneof![of_two(&["({a} + {b})", "({a} - {b})"], inner.clone(), inner.clone()), of_two(odd, inner, back)]
        })
        .boxed()
}

fn too_deep(text: &str) -> bool {
    Expr::parse(text).is_err()
}

fn any_case() -> impl Strategy<Value = Case> {
    let frequency = select(vec![Frequency::Week, Frequency::Month, Frequency::Quarter, Frequency::Year]);
    (frequency, any::<bool>()).prop_flat_map(|(frequency, plain)| {
        let unit = if plain { None } else { Some(Unit::parse("kg").unwrap()) };
        let written = if plain { "" } else { " kg" };
        let gates = prop::collection::vec(any_condition(frequency, written), 1..3);
        let figures = prop::collection::vec(any_figure(), 0..200);
        let min_base = prop_oneof![3 => Just(None), 1 => select(vec![Some(0.0), Some(3.0), Some(100.0), Some(-1.0)])];
        let on_gap = prop_oneof![4 => Just(OnGap::Hold), 1 => Just(OnGap::Break), 1 => Just(OnGap::Bridge)];
        let sight = (on_gap, prop::bool::weighted(0.2));
        (gates, figures, min_base, select(vec![0_usize, 1, 40]), sight).prop_map(
            move |(gates, figures, min_base, apart, (on_gap, final_only))| {
                let unit = unit.clone();
                Case { frequency, unit, figures, apart, gates, min_base, on_gap, final_only }
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn bulk_says_what_the_evaluator_says(case in any_case()) {
        check(&case)?;
    }
}

/// Series of 40 months whose windows try a sliding sum: around any level, with any spread, equal for long
/// stretches, with gaps.
fn any_walks() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let level = select(vec![0.0, 1.0, 1e6, -1e6, 1e12, 1e-160, 1e-310, 1e150, 1e300]);
    let spread = select(vec![0.0, 1e-13, 1e-9, 1e-4, 0.1, 3.0]);
    let steps = prop::collection::vec((prop_oneof![3 => -1.0..1.0_f64, 2 => Just(0.0), 1 => Just(0.5)], 0..40_u8), 40);
    let walk = (level, spread, steps).prop_map(|(level, spread, steps): (f64, f64, Vec<(f64, u8)>)| {
        let figure = |(step, gap): (f64, u8)| {
            if gap == 0 { f64::NAN } else { level + f64::max(level.abs(), 1e-300) * spread * step }
        };
        steps.into_iter().map(figure).collect()
    });
    prop::collection::vec(walk, 1..70)
}

fn walks(walks: &[Vec<f64>]) -> Panel {
    let mut panel = Panel::new(Frequency::Month, None).unwrap();
    for (series, figures) in walks.iter().enumerate() {
        let row = panel.row(&[("series", series.to_string())].into_iter().collect());
        panel.fill(row, first(Frequency::Month), figures);
    }
    panel
}

/// The verdicts on a condition at each of 40 months: by windows that slide, and each by itself.
fn both_ways(panel: &Panel, text: &str) -> (Vec<Verdicts>, Vec<Verdicts>) {
    let gates = [Expr::parse(text).unwrap()];
    let question = [Question { gates: &gates, ..Question::default() }];
    let months: Vec<Period> = (0..40).map(|at| first(Frequency::Month).offset(at)).collect();
    let sliding = Program::new(&question, panel, &months).unwrap();
    let moves = sliding.moving.slides + sliding.moving.sums > 0;
    assert!(moves || text.starts_with("min") || text.starts_with("max"), "no window slides");
    let alone = |month: &Period| Program::new(&question, panel, &[*month]).unwrap().verdicts(panel).remove(0);
    (sliding.verdicts(panel), months.iter().map(alone).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn a_sliding_window_says_what_a_new_one_says(
        figures in any_walks(),
        measure in select(vec!["zscore", "mean", "sum", "min", "max"]),
        n in 2..20_i32,
        bound in -40_i32..40,
        sign in any_comparison(),
    ) {
        let panel = walks(&figures);
        let (sliding, alone) = both_ways(&panel, &format!("{measure}({n}) {sign} {}", f64::from(bound) / 10.0));
        prop_assert_eq!(sliding, alone);
    }

    /// The same for sums, means and extremes of some series, and for what lies beside them.
    #[test]
    fn a_bound_that_a_sum_meets_exactly_is_no_exception(figures in any_walks(), n in 2..20_usize, at in 20..40_usize, sign in any_comparison()) {
        let panel = walks(&figures);
        let window = &figures[0][at - n..at];
        let sum: f64 = window.iter().sum();
        prop_assume!(sum.is_finite());
        let bounds = [
            ("sum", sum),
            ("mean", window.iter().map(|x| x / n as f64).sum()),
            ("min", window.iter().copied().fold(f64::INFINITY, f64::min)),
            ("max", window.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        ];
        for (measure, bound) in bounds {
            for beside in [bound, bound * (1.0 + 3e-12), bound * (1.0 - 3e-12), bound * (1.0 + 1e-12)] {
                let (sliding, alone) = both_ways(&panel, &format!("{measure}({n}) {sign} {beside:e}"));
                prop_assert_eq!(sliding, alone, "{} {}", measure, beside);
            }
        }
    }

    /// The hardest bound is the very score of some series.
    #[test]
    fn a_bound_that_is_met_exactly_is_no_exception(figures in any_walks(), n in 2..20_usize, at in 20..40_usize, sign in any_comparison()) {
        let panel = walks(&figures);
        let window = &figures[0][at - n..at];
        let mean = window.iter().sum::<f64>() / n as f64;
        let squares: f64 = window.iter().map(|x| (x - mean) * (x - mean)).sum();
        let score = (figures[0][at] - mean) / (squares / (n as f64 - 1.0)).sqrt();
        prop_assume!(score.is_finite() && score.abs() < 1e10);
        for beside in [score, score * (1.0 + 3e-12), score * (1.0 - 3e-12)] {
            let (sliding, alone) = both_ways(&panel, &format!("zscore({n}) {sign} {beside:.17}"));
            prop_assert_eq!(sliding, alone);
        }
    }
}

#[test]
fn ordinary_figures_leave_no_doubt() {
    let mixed = |series: u64, month: u64| (series * 40 + month + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
    let figure = |series: u64, month: u64| 1000.0 + mixed(series, month) as f64;
    let figures: Vec<Vec<f64>> = (0..64).map(|series| (0..40).map(|month| figure(series, month)).collect()).collect();
    let panel = walks(&figures);
    let strips: Vec<Strip<'_>> = (0..40).map(|at| panel.strip(first(Frequency::Month).offset(at))).collect();
    let columns: Vec<&Column> = strips.iter().map(|strip| strip.tile(0)).collect();
    let mut slide = slide::Slide::default();
    for now in 24..40 {
        slide.bring_to(&columns, now - 24, now);
        let sure = slide.sieve(columns[now], Bound { bound: -1.0, count: 24.0, slides: 40.0 });
        assert_eq!(sure.below | sure.above, u64::MAX, "month {now}");
        assert!(sure.below != 0 && sure.above != 0);
    }
}

/// Every measure over series full of zeros, combined figures, gaps and negative figures, with every kind of
/// least base.
#[test]
fn every_measure_says_the_same_of_odd_figures() {
    let mixed = |at: u64| at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let figures: Vec<Figure> = (0..(SERIES as u64 * 30))
        .filter(|at| mixed(*at) % 11 != 0)
        .map(|at| {
            let more = i32::from(mixed(at) % 7 == 0);
            let (series, period) = (at as usize % SERIES, (at / SERIES as u64) as i32);
            (series, period, more, (mixed(at + 999) % 6) as f64 - 1.0, 1, mixed(at) % 5 != 0)
        })
        .collect();
    let gates = [
        "value > 1",
        "lag(2) <= 2",
        "lag(value + diff, 3) != 1",
        "change > 10%",
        "change(2) < 0%",
        "change(1y) >= 0%",
        "diff(2) >= 1",
        "yoy == 0%",
        "change_since(2021-03) < 50%",
        "mean(3) > 1.5",
        "min(2) == 1",
        "max(3) <= 3",
        "sum(3) >= 5",
        "sum(1y) > 20",
        "zscore(3) > 1",
        "declines >= 2",
        "rises < 2",
        "declines(50%) == 1",
        "streak(value > 1) >= 2",
        "streak(lag(1) > 0) != 2",
        "not (sum(2) > 4) or streak(yoy > 0%) > 1",
        "drawdown(4) < -50%",
        "runup(3) >= 100%",
        "median(3) > 1",
        "median(4) != 2",
        "stddev(3) < 1",
        "robust_zscore(4) >= 1",
        "seasonal_zscore(2) > 0",
        "percentile(4) <= 50%",
        "slope(3) < 0%",
        "volatility(2) > 40%",
        "ytd > 10",
        "ytd_yoy < 0%",
        "declines + rises > 1",
        "declines - rises <= 0",
        "2 * declines >= rises",
        "lag(declines, 1) == 1",
        "streak(value >= 1) / 2 != 1",
        "-declines < -1",
    ];
    for gate in gates {
        for min_base in [None, Some(0.0), Some(1.0), Some(3.0), Some(-1.0)] {
            for (on_gap, final_only) in
                [(OnGap::Hold, false), (OnGap::Hold, true), (OnGap::Bridge, false), (OnGap::Break, true)]
            {
                let (frequency, unit, gates) = (Frequency::Month, None, vec![gate.to_owned()]);
                let figures = figures.clone();
                check(&Case { frequency, unit, figures, apart: 0, gates, min_base, on_gap, final_only }).unwrap();
            }
        }
    }
}

#[test]
fn what_has_no_steps_is_refused() {
    let panel = walks(&[vec![1.0; 40]]);
    let refused = |text: &str| {
        let gates = [Expr::parse(text).unwrap()];
        let last = first(Frequency::Month).offset(39);
        Program::new(&[Question { gates: &gates, ..Question::default() }], &panel, &[last]).unwrap_err()
    };
    assert_eq!(refused("declines * rises > 3"), Refused::Streak);
    assert_eq!(refused("declines / zscore(3) > 1"), Refused::Streak);
    assert_eq!(refused("declines + change > 1"), Refused::Misfit);
    assert_eq!(refused("revision > 3%"), Refused::Measure("revision"));
    assert_eq!(refused("value > 400 t"), Refused::Misfit);
    assert_eq!(refused("value"), Refused::Misfit);
    let gates = [Expr::parse("value > 1").unwrap()];
    let min_base = Quantity::parse("1 t");
    let question = Question { gates: &gates, min_base: min_base.as_ref(), ..Question::default() };
    assert_eq!(Program::new(&[question], &panel, &[]).unwrap().verdicts(&panel), []);
    assert_eq!(Program::new(&[question], &panel, &[first(Frequency::Month)]).unwrap_err(), Refused::Misfit);
}

#[test]
fn the_series_to_assess_are_all_that_do_not_simply_fail() {
    let mut panel = walks(&[vec![5.0; 40], vec![1.0; 40], vec![f64::NAN; 40], vec![1.0; 40]]);
    let last = first(Frequency::Month).offset(39);
    panel.record(3, Span::new(last.offset(-1), last).unwrap(), Some(9.0));
    let gates = [Expr::parse("sum(2) > 4").unwrap()];
    let program = Program::new(&[Question { gates: &gates, ..Question::default() }], &panel, &[last]).unwrap();
    let verdicts = program.verdicts(&panel).remove(0);
    assert_eq!(verdicts.holding().collect::<Vec<_>>(), [0]);
    assert_eq!(verdicts.to_assess().collect::<Vec<_>>(), [0, 2, 3]);
    assert_eq!(
        (0..5).map(|row| verdicts.of(row)).collect::<Vec<_>>(),
        [Some(Some(true)), Some(Some(false)), Some(None), None, None]
    );
}

#[test]
fn a_rule_asks_all_that_may_change_its_alert() {
    let expr = |text: &str| Expr::parse(text).unwrap();
    let plain = Rule { when: vec![expr("declines >= 2"), expr("yoy < 0%")], ..Rule::default() };
    let texts = |rule: &Rule| -> Vec<Vec<String>> {
        let questions = Question::of(rule).unwrap();
        questions.iter().map(|question| question.gates.iter().map(|gate| gate.text().to_owned()).collect()).collect()
    };
    assert_eq!(texts(&plain), [vec!["declines >= 2", "yoy < 0%"]]);
    let worse =
        Level { severity: Severity::Critical, when: vec![expr("declines >= 4")], clear: Some(expr("rises >= 2")) };
    let two = Rule { clear: Some(expr("rises >= 1")), worse: Some(worse), ..plain.clone() };
    let expected = [vec!["declines >= 2", "yoy < 0%"], vec!["rises >= 1"], vec!["declines >= 4"], vec!["rises >= 2"]];
    assert_eq!(texts(&two), expected);
    let odd = Rule { on_gap: OnGap::Bridge, final_only: true, ..plain.clone() };
    assert!(Question::of(&odd).unwrap().iter().all(|question| question.on_gap == OnGap::Bridge && question.final_only));
    for measure in ["revision > 3%", "age > 40d", "overdue", "count > 2", "hhi(partner) > 0.5"] {
        let rule = Rule { clear: Some(expr(measure)), ..plain.clone() };
        let name = measure.split([' ', '(']).next().unwrap();
        assert!(matches!(Question::of(&rule), Err(Refused::Measure(refused)) if refused == name), "{measure}");
    }
}

/// Which of two series with ten months each, one of them without the sixth, is told what at each month.
#[track_caller]
fn told_of_gaps(on_gap: OnGap, text: &str, whole: &str, gapped: &str) {
    let mut months = vec![5.0, 4.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.5];
    let mut panel = walks(&[months.clone()]);
    months[5] = f64::NAN;
    let row = panel.row(&[("series", "gapped")].into_iter().collect());
    panel.fill(row, first(Frequency::Month), &months);
    let gates = [Expr::parse(text).unwrap()];
    let question = Question { gates: &gates, on_gap, ..Question::default() };
    let periods: Vec<Period> = (0..10).map(|at| first(Frequency::Month).offset(at)).collect();
    let program = Program::new(&[question], &panel, &periods).unwrap();
    let verdicts = program.verdicts(&panel);
    let unsaid = |row: Row| verdicts.iter().map(move |verdicts| verdicts.of(row).flatten().is_none());
    program.run(&panel, |told| {
        let unknown =
            |row: Row| (0..10).map(move |at| (at, row)).map(|(at, row)| told.verdict(0, at).unknown >> row & 1 == 1);
        assert!((0..2).all(|row| unknown(row).eq(unsaid(row))), "what is not told counts as unknown");
    });
    let letter = |said: Option<Option<bool>>| match said {
        None => '.',
        Some(None) => '?',
        Some(Some(true)) => 'T',
        Some(Some(false)) => 'F',
    };
    let told = |row: Row| verdicts.iter().map(|verdicts| letter(verdicts.of(row))).collect::<String>();
    assert_eq!((told(0).as_str(), told(1).as_str()), (whole, gapped), "{text}");
}

#[test]
fn a_rule_that_does_not_hold_at_gaps_is_told_where_there_are_none() {
    told_of_gaps(OnGap::Hold, "declines >= 2", "??TTTFFFTT", "??TTT???TT");
    for on_gap in [OnGap::Break, OnGap::Bridge] {
        told_of_gaps(on_gap, "declines >= 2", "..TTTFFFTT", "..TTT...TT");
        told_of_gaps(on_gap, "lag(3) > 3", "...TTFFFFF", "...TTF...F");
        told_of_gaps(on_gap, "change(3mo) > 0%", "...FFFTTFF", "...FF.TT.F");
        told_of_gaps(on_gap, "mean(2) > 2", ".TTTFFTTFF", ".TTTF..TFF");
    }
}

#[test]
fn a_panel_shows_the_figures_that_the_rule_looks_at() {
    let gates = [Expr::parse("value > 1").unwrap()];
    let asked = |final_only| Question { gates: &gates, final_only, ..Question::default() };
    let all = Panel::new(Frequency::Month, None).unwrap();
    let sure = all.clone().final_only();
    let made = |question, panel: &Panel| Program::new(&[question], panel, &[first(Frequency::Month)]).err();
    assert_eq!((made(asked(false), &all), made(asked(true), &sure)), (None, None));
    assert_eq!(made(asked(true), &all), Some(Refused::Sight));
    assert_eq!(made(asked(false), &sure), Some(Refused::Sight));
}
