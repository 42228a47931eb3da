//! What one condition costs for 10,000 series of 60 months: `cargo bench --bench bulk`.
//!
//! The comparison with other systems is `benches/compare/run`; this one is for looking at a single measure
//! while working on it.

#[path = "compare/data.rs"]
mod data;

use std::sync::LazyLock;

use divan::counter::ItemsCount;
use divan::{Bencher, bench};
use supplywatch::internals::{Expr, Frequency, Labels, Panel, Pattern, Period, Program, Question, Selector};

const SERIES: usize = 10_000;
const MONTHS: usize = 60;

static PANEL: LazyLock<Panel> = LazyLock::new(|| {
    let mut panel = Panel::new(Frequency::Month, None).expect("months have panels");
    for (number, months) in data::matrix(42, SERIES, MONTHS).chunks_exact(MONTHS).enumerate() {
        let labels: Labels = [("hs", format!("{:06}", number / 100)), ("partner", format!("P{:02}", number % 100))]
            .into_iter()
            .collect();
        let row = panel.row(&labels);
        panel.fill(row, month(0), months);
    }
    panel
});

fn month(at: i32) -> Period {
    Period::month(2020, 1).expect("a month").offset(at)
}

fn main() {
    divan::main();
}

#[bench(args = [
    "value > 10000", "change < -20%", "yoy < -25%", "declines >= 2", "declines >= 6", "streak(yoy < 0%) >= 3",
    "mean(12) > 10000", "max(24) > 10000", "sum(12) / sum(24) < 40%", "zscore(24) < -2", "change < yoy",
])]
fn latest(bencher: Bencher<'_, '_>, rule: &str) {
    judged(bencher, rule, &[month(MONTHS as i32 - 1)]);
}

#[bench(args = ["change < -20%", "declines >= 2", "mean(12) > 10000", "zscore(24) < -2"])]
fn every_month(bencher: Bencher<'_, '_>, rule: &str) {
    judged(bencher, rule, &(0..MONTHS as i32).map(month).collect::<Vec<_>>());
}

fn judged(bencher: Bencher<'_, '_>, rule: &str, periods: &[Period]) {
    let gates = [Expr::parse(rule).expect("a rule")];
    let program =
        Program::new(&[Question { gates: &gates, ..Question::default() }], &PANEL, periods).expect("it has steps");
    let items = ItemsCount::new(SERIES * periods.len());
    bencher.counter(items).bench_local(|| {
        let mut holding = 0;
        program.run(&PANEL, |told| {
            holding += (0..periods.len()).map(|at| told.verdict(0, at).holds.count_ones()).sum::<u32>();
        });
        holding
    });
}

#[bench]
fn put_into_steps(bencher: Bencher<'_, '_>) {
    let gates = [Expr::parse("declines >= 2").expect("a rule"), Expr::parse("zscore(24) < -2").expect("a rule")];
    let last = [month(MONTHS as i32 - 1)];
    bencher.bench_local(|| Program::new(&[Question { gates: &gates, ..Question::default() }], &PANEL, &last));
}

#[bench(args = ["P07", "P0*", "!P07"])]
fn select(bencher: Bencher<'_, '_>, pattern: &str) {
    let selector = Selector::new(vec![("partner".to_owned(), Pattern::parse([pattern]).expect("a pattern"))]);
    bencher.bench_local(|| PANEL.select(&selector));
}
