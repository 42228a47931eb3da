//! Formulas over histories, with values worked by hand.

use proptest::prelude::*;

use super::*;
use crate::base::clock::Timestamp;
use crate::rule::testing::shown;
use crate::series::derive::sum;
use crate::series::{AsOf, Finite, PullId, Status, Vintage};

/// A history from `2025-08=590@3`: span, value (`x` withdraws), pull (1 where it is left out).
fn history(unit: &str, script: &str) -> History {
    let figures: Vec<(Span, Option<f64>, i64)> = script
        .split_whitespace()
        .map(|figure| {
            let (span, rest) = figure.split_once('=').unwrap();
            let (value, pull) = rest.split_once('@').unwrap_or((rest, "1"));
            (Span::parse(span).unwrap(), value.parse().ok(), pull.parse().unwrap())
        })
        .collect();
    let mut history = History::new(Labels::default(), figures[0].0.last().frequency(), Unit::parse(unit).ok());
    for (span, value, pull) in figures {
        let (value, recorded_at) = (value.and_then(Finite::new), Timestamp::from_millis(pull * 1000));
        history.record(span, Vintage { value, status: Status::Final, recorded_at, pull: PullId(pull) });
    }
    history
}

/// Inputs called `a`, `b`, `c`.
fn derived(formula: &str, frequency: Frequency, unit: &str, count: usize) -> Derived {
    let names = &["a", "b", "c"][..count];
    let input = |name: &&str| Input { name: (*name).to_owned(), selector: Selector::default(), by: Vec::new() };
    Derived {
        name: "made".into(),
        labels: Labels::default(),
        by: Vec::new(),
        inputs: names.iter().map(input).collect(),
        formula: Formula::parse(formula, names).unwrap_or_else(|error| panic!("{formula}: {error}")),
        frequency,
        unit: Unit::parse(unit).ok(),
        max_gap_days: None,
    }
}

fn made(formula: &str, frequency: Frequency, unit: &str, inputs: &[&History]) -> Result<History, Misfit> {
    derived(formula, frequency, unit, inputs.len()).history(Labels::default(), inputs)
}

fn points(history: &History, as_of: AsOf) -> String {
    let told = |value: f64| (value * 1e9).round() / 1e9;
    let points = history.view(as_of).points();
    points.map(|point| format!("{}={}", point.span, told(point.value))).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(formula: &str, frequency: Frequency, unit: &str, inputs: &[&History], expected: &str) {
    assert_eq!(points(&made(formula, frequency, unit, inputs).unwrap(), AsOf::Latest), expected, "{formula}");
}

use Frequency::{Day, Month, Quarter};

#[test]
fn prices_are_converted_by_a_rate_and_masses_make_money() {
    let price = history("CNY/t", "2025-09=568000 2025-10=555000");
    let rate = history("CNY/USD", "2025-09=7.1 2025-10=7.4 2025-11=7");
    check("a / b", Month, "USD/t", &[&price, &rate], "2025-09=80000 2025-10=75000");
    check("a / b", Month, "USD/kg", &[&price, &rate], "2025-09=80 2025-10=75");
    let tonnes = history("t", "2025-09=2 2025-10=1");
    check("a * b", Month, "kCNY", &[&price, &tonnes], "2025-09=1136 2025-10=555");
    check("a / 1.13", Month, "CNY/t", &[&history("CNY/t", "2025-09=565000")], "2025-09=500000");
    check("a - 100 CNY/kg", Month, "CNY/t", &[&price], "2025-09=468000 2025-10=455000");
    check("-(a - 2 * a)", Month, "CNY/t", &[&price], "2025-09=568000 2025-10=555000");
}

#[test]
fn ratios_are_plain_numbers_or_percentages() {
    let (part, whole) = (history("t", "2025-09=420.5 2025-10=0"), history("kg", "2025-09=841000 2025-10=0"));
    check("a / b", Month, "", &[&part, &whole], "2025-09=0.5");
    check("a / b", Month, "percent", &[&part, &whole], "2025-09=50");
    let duty = history("percent", "2025-09=25");
    check("a * (1 + b)", Month, "t", &[&part, &duty], "2025-09=525.625");
}

#[test]
fn longer_periods_are_made_of_shorter_ones_once_they_are_over() {
    let days = history(
        "CNY/USD",
        "2025-08-29=7 2025-09-01=7.1 2025-09-05=7.2 2025-09-12=7.3 2025-09-19=7.4 2025-09-26=7.5 2025-09-30=7.6 2025-10-06=8",
    );
    check("mean(a)", Month, "CNY/USD", &[&days], "2025-09=7.35");
    check("last(a)", Month, "CNY/USD", &[&days], "2025-09=7.6");
    check("min(a) + max(a)", Month, "CNY/USD", &[&days], "2025-09=14.7");
    let months = history("t", "2025-01/2025-02=30 2025-03=10 2025-04=1 2025-05=2 2025-06=4 2025-07=9 2025-08=9");
    check("sum(a)", Quarter, "t", &[&months], "2025-Q1=40 2025-Q2=7");
    check("last(a)", Quarter, "t", &[&months], "2025-Q2=4");
    let price = history("CNY/t", "2025-09=73500 2025-10=1");
    check("a / mean(b)", Month, "USD/t", &[&price, &days], "2025-09=10000");
    let hole = history("CNY/USD", "2025-09-01=7.1 2025-09-05=7.2 2025-09-26=7.5 2025-10-01=8");
    check("mean(a)", Month, "CNY/USD", &[&hole], "");
}

#[test]
fn a_day_takes_the_last_rate_that_is_not_too_old() {
    let price = history("CNY/t", "2025-09-26=71 2025-09-29=72 2025-10-13=73");
    let rate = history("CNY/USD", "2025-09-26=7.1 2025-09-27=7.2");
    check("a / b", Day, "USD/t", &[&price, &rate], "2025-09-26=10");
    check("a / last(b)", Day, "USD/t", &[&price, &rate], "2025-09-26=10 2025-09-29=10");
}

#[test]
fn year_to_date_figures_become_months() {
    let to_date = history("t", "2024-11=90 2024-12=100 2025-02=12 2025-03=20 2025-05=50 2026-01=4 2026-02=9");
    let expected = "2024-01/2024-11=90 2024-12=10 2025-01/2025-02=12 2025-03=8 2025-04/2025-05=30 2026-01=4 2026-02=5";
    check("monthly(a)", Month, "t", &[&to_date], expected);
    let spans = history("t", "2025-01/2025-02=12 2025-01/2025-03=20");
    check("monthly(a)", Month, "t", &[&spans], "2025-01/2025-02=12 2025-03=8");
    let late = history("t", "2025-01=4 2025-03=20 2025-02=9@2 2025-03=21@3");
    let months = made("monthly(a)", Month, "t", &[&late]).unwrap();
    let seen = |pull| points(&months, AsOf::Pull(PullId(pull)));
    assert_eq!(seen(1), "2025-01=4 2025-02/2025-03=16");
    assert_eq!(seen(2), "2025-01=4 2025-02=5 2025-03=11");
    assert_eq!(seen(3), "2025-01=4 2025-02=5 2025-03=12");
}

#[test]
fn a_derived_figure_is_known_when_the_last_of_its_parts_is() {
    let price = history("CNY/t", "2025-09=70@1 2025-09=77@4");
    let rate = history("CNY/USD", "2025-09=7@2 2025-09=x@3 2025-09=7@5");
    let usd = made("a / b", Month, "USD/t", &[&price, &rate]).unwrap();
    let seen: Vec<String> = (1..=5).map(|pull| points(&usd, AsOf::Pull(PullId(pull)))).collect();
    assert_eq!(seen, ["", "2025-09=10", "", "", "2025-09=11"]);
    let point = usd.view(AsOf::Latest).points().next().unwrap();
    assert_eq!((point.pull, usd.origins(&point)), (PullId(5), vec![PullId(4), PullId(5)]));
}

/// Inputs whose figures are of one status each.
#[track_caller]
fn status(formula: &str, inputs: &[(&str, Status)], expected: Status) {
    let of = |(script, status): &(&str, Status)| {
        let mut marked = History::new(Labels::default(), Month, None);
        for (span, vintages) in history("", script).entries() {
            vintages.iter().for_each(|vintage| marked.record(span, Vintage { status: *status, ..*vintage }));
        }
        marked
    };
    let inputs: Vec<History> = inputs.iter().map(of).collect();
    let made = made(formula, Month, "", &inputs.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(made.view(AsOf::Latest).points().next_back().unwrap().status, expected, "{formula}");
}

#[test]
fn a_figure_is_no_surer_than_its_least_sure_part() {
    use Status::{Estimated, Final, Preliminary};
    status("a / b", &[("2025-09=6", Final), ("2025-09=3", Final)], Final);
    status("a / b", &[("2025-09=6", Preliminary), ("2025-09=3", Final)], Preliminary);
    status("a + b", &[("2025-09=6", Preliminary), ("2025-09=3", Estimated)], Estimated);
    status("a + 0 * b", &[("2025-09=6", Final), ("2025-09=3", Preliminary)], Preliminary);
    status("monthly(a)", &[("2025-08=6 2025-09=9", Preliminary)], Preliminary);
}

/// By hand: 1.2 · 500 · 31.1034768 g = 18.66208608 kg; 71 CNY ÷ 7.1 CNY/USD ÷ 40 USD = 25 %.
#[test]
fn units_are_calculated_in() {
    let ounces = history("ozt", "2025-09=500");
    check("1.2 * a", Month, "kg", &[&ounces], "2025-09=18.66208608");
    check("a * b", Month, "USD", &[&ounces, &history("USD/ozt", "2025-09=4000")], "2025-09=2000000");
    check("a / b", Month, "USD/kg", &[&history("MUSD", "2025-09=3"), &history("t", "2025-09=1.5")], "2025-09=2000");
    check("a * b / 100", Month, "CNY/t", &[&history("CNY/t", "2025-09=5"), &history("", "2025-09=120")], "2025-09=6");
    check("a / b * 100", Month, "", &[&history("index", "2025-09=5"), &history("index", "2025-09=4")], "2025-09=125");
    check("-a / b", Month, "", &[&history("count", "2025-09=5"), &history("count", "2025-09=4")], "2025-09=-1.25");
    let money = [history("CNY", "2025-09=71"), history("CNY/USD", "2025-09=7.1"), history("USD", "2025-09=40")];
    check("a / b / c", Month, "percent", &money.each_ref(), "2025-09=25");
}

/// A part without a figure, a divisor of zero, and what is too large leave a period without one.
#[test]
fn what_cannot_be_calculated_is_no_figure() {
    let a = history("", "2025-07=1 2025-08=0 2025-09=5 2025-10=1.7e308");
    let b = history("", "2025-06=1 2025-08=0 2025-09=0 2025-10=1.7e308");
    check("a / b", Month, "", &[&a, &b], "2025-10=1");
    check("a + b", Month, "", &[&a, &b], "2025-08=0 2025-09=5");
    check("a * b", Month, "", &[&a, &b], "2025-08=0 2025-09=0");
    check("(a - a) / a", Month, "", &[&a], "2025-07=0 2025-09=0 2025-10=0");
    check("a / b", Month, "", &[&history("", "2025-01=1"), &history("", "2025-02=1")], "");
}

/// The page's mistakes, over the inputs that it speaks of.
#[test]
fn the_pages_mistakes_are_refused_as_it_says() {
    let page = include_str!("../../../docs/RULES.md");
    let block = page.split("```formula-mistake\n").nth(1).unwrap().split("```").next().unwrap();
    let facts = |name: &str, frequency, unit: &str| Facts {
        name: name.to_owned(),
        frequency,
        unit: Some(Unit::parse(unit).ok()),
    };
    let inputs = [facts("price", Day, "CNY/t"), facts("rate", Month, "CNY/USD"), facts("tonnes", Month, "t")];
    let dollars = Unit::parse("USD/t").unwrap();
    let target = Target { frequency: Month, unit: Some(&dollars) };
    for line in block.lines() {
        let (text, told) = line.split_once(" → ").unwrap();
        let errors = match Formula::parse(text, &["price", "rate", "tonnes"]) {
            Ok(formula) => formula.check(&inputs, target),
            Err(error) => vec![error],
        };
        assert_eq!(errors.first().and_then(|error| error.help.as_deref()), Some(told), "{text}");
    }
}

#[test]
fn what_only_the_figures_show_is_a_misfit() {
    let (kg, usd) = (history("kg", "2025-09=1"), history("USD", "2025-09=1"));
    let told = made("a + b", Month, "kg", &[&kg, &usd]).unwrap_err().to_string();
    assert_eq!(told, "series `made` cannot be calculated: mass and USD have no sum");
    assert!(made("a / b", Month, "", &[&kg, &history("kg", "2025-09-01=1")]).is_err());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
fn what_is_wrong_with_a_formula_is_underlined() {
    let facts = |name: &str, frequency, unit: &str| Facts {
        name: name.to_owned(),
        frequency,
        unit: Some(Unit::parse(unit).ok()),
    };
    let inputs = [
        facts("price", Day, "CNY/t"),
        facts("rate", Month, "CNY/USD"),
        facts("tonnes", Month, "t"),
        facts("weekly", Frequency::Week, "t"),
        facts("yearly", Frequency::Year, "t"),
    ];
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let (tonnes, dollars) = (Unit::parse("t").unwrap(), Unit::parse("USD/t").unwrap());
    let told = |(text, unit): &(&str, Option<&Unit>)| {
        let target = Target { frequency: Month, unit: *unit };
        let errors = match Formula::parse(text, &names) {
            Ok(formula) => formula.check(&inputs, target),
            Err(error) => vec![error],
        };
        assert!(!errors.is_empty() && errors.iter().all(|error| error.help.is_some()), "{text}: {errors:?}");
        errors.iter().map(|error| shown(text, error)).collect::<Vec<_>>().join("\n")
    };
    let formulas = [
        ("", None),
        ("tonnes +", None),
        ("tonnes > 5 t", None),
        ("tones * 2", None),
        ("x", None),
        ("avg(price)", None),
        ("meann(price)", None),
        ("mean(price / rate)", None),
        ("mean(price", None),
        ("tonnes 2", None),
        ("tonnes * 'a'", None),
        ("price / rate", Some(&dollars)),
        ("mean(tonnes)", Some(&tonnes)),
        ("sum(weekly)", Some(&tonnes)),
        ("yearly / 12", Some(&tonnes)),
        ("monthly(price)", Some(&dollars)),
        ("tonnes + rate", Some(&tonnes)),
        ("tonnes + 5", Some(&tonnes)),
        ("mean(price) * rate", Some(&dollars)),
        ("tonnes", None),
        ("tonnes / tonnes", Some(&tonnes)),
        ("1 / tonnes", Some(&tonnes)),
        ("5 t", Some(&tonnes)),
        ("mean(3)", None),
        ("(tonnes", None),
        ("tonnes tonnes", None),
        ("tonnes * 2025-08", None),
        ("tonnes + 1000 kg + 5 CNY", Some(&tonnes)),
        ("sum(yearly)", Some(&tonnes)),
    ];
    insta::assert_snapshot!(formulas.iter().map(told).collect::<Vec<_>>().join("\n\n"), @r#"

    ^ expected an input's name
      the formula is empty
      help: calculate from `price`, `rate`, `tonnes`, `weekly` and `yearly`

    tonnes +
            ^ expected an input, a number or a bracket
      the formula ends too early
      help: write what is missing, such as `price`

    tonnes > 5 t
           ^ expected `+`, `-`, `*`, `/` or the end
      `>` has no place here
      help: a formula has no conditions: they stand in a rule on its series

    tones * 2
    ^^^^^ unknown
      `from` has no input `tones`
      help: did you mean `tonnes`?

    x
    ^ unknown
      `from` has no input `x`
      help: the inputs are `price`, `rate`, `tonnes`, `weekly` and `yearly`

    avg(price)
    ^^^ unknown
      there is no function `avg`
      help: the functions are `mean`, `last`, `sum`, `min`, `max` and `monthly`

    meann(price)
    ^^^^^ unknown
      there is no function `meann`
      help: did you mean `mean`?

    mean(price / rate)
               ^ expected `)`
      `/` has no place here
      help: `mean` takes one input and no more, such as `mean(price)`

    mean(price
              ^ expected `)`
      the formula ends too early
      help: close the bracket: write `)`

    tonnes 2
           ^ expected `+`, `-`, `*`, `/` or the end
      a number has no place here
      help: between two values stands `+`, `-`, `*` or `/`

    tonnes * 'a'
             ^^^ expected an input, a number or a bracket
      a text has no place here
      help: a formula has numbers, quantities and the inputs `price`, `rate`, `tonnes`, `weekly` and `yearly`

    price / rate
    ^^^^^ by day
      `price` is by day, the series by month
      help: say what a month is made of: `mean(price)`, `last(price)` or `sum(price)`

    mean(tonnes)
    ^^^^^^^^^^^^ nothing to make longer
      `tonnes` is by month as the series is
      help: write `tonnes`

    sum(weekly)
    ^^^^^^^^^^^ by week
      `weekly` is by week, the series by month
      help: weeks do not lie wholly within months: write frequency = "week"

    yearly / 12
    ^^^^^^ by year
      `yearly` is by year, the series by month
      help: a year's figure says nothing of its months: write frequency = "year"

    monthly(price)
    ^^^^^^^^^^^^^^ by day
      `price` is by day, the series by month
      help: `monthly` makes months of a month's year-to-date figures

    tonnes + rate
    ^^^^^^^^^^^^^ does not add up
      mass and CNY per USD have no sum
      help: only figures of one kind add up: multiply or divide one of them first

    tonnes + 5
    ^^^^^^^^^^ does not add up
      mass and a plain number have no sum
      help: a bare number has no unit: write one behind it, such as `5 t`

    mean(price) * rate
    ^^^^^^^^^^^^^^^^^^ expected USD per mass
      the formula gives CNY^2 per USD per mass, but its `unit` is USD/t
      help: multiply or divide by what is missing, or declare a unit of CNY^2 per USD per mass

    tonnes
    ^^^^^^ expected a plain number
      the formula gives mass, but it has no `unit`
      help: declare what it is in: a `unit` of mass

    tonnes / tonnes
    ^^^^^^^^^^^^^^^ expected mass
      the formula gives a plain number, but its `unit` is t
      help: a plain number has no unit: take `unit` away, or write "percent"

    1 / tonnes
    ^^^^^^^^^^ expected mass
      the formula gives 1 per mass, but its `unit` is t
      help: multiply or divide by what is missing, or declare a unit of 1 per mass

    5 t
    ^^^ the same at any time
      the formula names no input
      help: calculate from `price`, `rate`, `tonnes`, `weekly` and `yearly`

    mean(3)
         ^ expected the name of an input
      a number has no place here
      help: `mean` takes one input and no more, such as `mean(price)`

    (tonnes
           ^ expected `)`
      the formula ends too early
      help: close the bracket: write `)`

    tonnes tonnes
           ^^^^^^ expected `+`, `-`, `*`, `/` or the end
      `tonnes` has no place here
      help: between two values stands `+`, `-`, `*` or `/`

    tonnes * 2025-08
             ^^^^^^^ expected an input, a number or a bracket
      a period has no place here
      help: a formula has numbers, quantities and the inputs `price`, `rate`, `tonnes`, `weekly` and `yearly`

    tonnes + 1000 kg + 5 CNY
    ^^^^^^^^^^^^^^^^^^^^^^^^ does not add up
      mass and CNY have no sum
      help: only figures of one kind add up: multiply or divide one of them first

    sum(yearly)
    ^^^^^^^^^^^ by year
      `yearly` is by year, the series by month
      help: a year's figure says nothing of its months: write frequency = "year"
    "#);
}

proptest! {
    #[test]
    fn any_text_is_a_formula_or_refused(text in "[abmx0-9 .+*/()%\\-]{0,30}") {
        if let Ok(formula) = Formula::parse(&text, &["a", "b"]) {
            let facts = |name: &str| Facts { name: name.to_owned(), frequency: Month, unit: Some(None) };
            let _ = formula.check(&[facts("a"), facts("b")], Target { frequency: Month, unit: None });
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    /// Seen as of any pull or any time, a derived history, and one that derives from it, is what the figures
    /// known by then give: nothing of what came later shows, in whatever order the figures were published.
    #[test]
    fn a_derived_history_is_calculated_as_it_would_have_been_then(
        figures in figures(),
        formula in prop::sample::select(vec!["a / b", "a + b", "monthly(a)", "a / monthly(b)", "monthly(a) - b"]),
        above in prop::sample::select(vec!["a", "monthly(a)", "a * b", "a - monthly(b)", "sum"]),
    ) {
        let calculated = |known: &dyn Fn(i64, i64) -> bool| {
            let inputs = inputs(&figures, known);
            let below = made(formula, Month, "", &[&inputs[0], &inputs[1]]).unwrap();
            let above = match above {
                "sum" => sum(Labels::default(), &[&below, &inputs[1]]).unwrap(),
                formula => made(formula, Month, "", &[&below, &inputs[1]]).unwrap(),
            };
            [below, above]
        };
        let all = calculated(&|_, _| true);
        for moment in 0..=PULLS + 1 {
            let until_pull = calculated(&|pull, _| pull <= moment);
            let until_time = calculated(&|_, time| time <= moment);
            for ((all, pull), time) in all.iter().zip(&until_pull).zip(&until_time) {
                let seen = |as_of| points(all, as_of);
                prop_assert_eq!(seen(AsOf::Pull(PullId(moment))), points(pull, AsOf::Latest), "pull {}", moment);
                let at = AsOf::Time(Timestamp::from_millis(moment * 1000));
                prop_assert_eq!(seen(at), points(time, AsOf::Latest), "time {}", moment);
            }
        }
    }
}

const PULLS: i64 = 8;

/// Of the second input or the first, month, value (none withdraws), pull, and when it was published.
type Figure = (bool, i32, Option<u32>, i64, i64);

/// In the order of their pulls.
fn figures() -> impl Strategy<Value = Vec<Figure>> {
    let value = prop::option::weighted(0.8, 1_u32..9);
    let figure = (any::<bool>(), 0_i32..14, value, 1..=PULLS, 0..=PULLS);
    prop::collection::vec(figure, 1..30).prop_map(|mut figures| {
        figures.sort_by_key(|figure| (figure.3, figure.4));
        figures
    })
}

/// The two inputs, from the figures of which pull and time are known.
fn inputs(figures: &[Figure], known: &dyn Fn(i64, i64) -> bool) -> [History; 2] {
    let first = Period::month(2024, 12).unwrap();
    let mut inputs = [false, true].map(|_| History::new(Labels::default(), Month, None));
    let mut newest = std::collections::BTreeMap::new();
    for &(second, month, value, pull, time) in figures {
        // As the store keeps them: within a span, later vintages are known later.
        let newest = newest.entry((second, month)).or_insert(time);
        *newest = time.max(*newest);
        if known(pull, *newest) {
            let value = value.map(f64::from).and_then(Finite::new);
            let recorded_at = Timestamp::from_millis(*newest * 1000);
            let vintage = Vintage { value, status: Status::Final, recorded_at, pull: PullId(pull) };
            inputs[usize::from(second)].record(first.offset(month).into(), vintage);
        }
    }
    inputs
}
