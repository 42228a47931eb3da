//! The four rules of `docs/PERFORMANCE.md` through the general language, against the same written by hand.
//!
//! Run by `benches/compare/run`, which also asks DuckDB, Polars and NumPy. Prints one JSON object a line.
//!
//! `compare --series N --months N --seed N [--save DIR] [--runs N] [--work latest|pull|backtest|all]`

mod data;
mod limit;

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use supplywatch::internals::{Expr, Frequency, Labels, Panel, PanelRow, Period, Program, Question};

const RULES: [&str; 4] = ["declines >= 2", "change(1) < -20%", "yoy < -25%", "zscore(24) < -2"];

struct Settings {
    series: usize,
    months: usize,
    seed: u64,
    runs: usize,
    save: Option<String>,
    work: String,
}

fn settings() -> Settings {
    let words: Vec<String> = std::env::args().collect();
    let word = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1)).cloned();
    let number = |name: &str, default: usize| word(name).map_or(default, |word| word.parse().expect("a whole number"));
    Settings {
        series: number("--series", 1_000_000),
        months: number("--months", 60),
        seed: number("--seed", 42) as u64,
        runs: number("--runs", 9),
        save: word("--save"),
        work: word("--work").unwrap_or_else(|| "all".to_owned()),
    }
}

/// Runs once to warm up, then some times; tells the least and the median in seconds, and the least time of
/// this thread on its processor, which other work on the machine disturbs less.
fn time<R>(settings: &Settings, work: &str, system: &str, mut run: impl FnMut() -> R) -> R {
    let mut result = run();
    let (mut busy, mut times) = (f64::INFINITY, Vec::new());
    for _ in 0..settings.runs {
        let (start, clock) = (Instant::now(), processor_time());
        result = black_box(run());
        busy = busy.min(processor_time() - clock);
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let (least, median) = (times[0], times[times.len() / 2]);
    println!(r#"{{"work":"{work}","system":"{system}","least":{least:.7},"median":{median:.7},"busy":{busy:.7}}}"#);
    result
}

fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn month(at: usize) -> Period {
    Period::month(2020, 1).expect("a month").offset(i32::try_from(at).expect("few months"))
}

fn labels(number: usize) -> Labels {
    [
        ("feed", "trade".to_owned()),
        ("flow", ["import", "export"][number % 2].to_owned()),
        ("hs", format!("{:06}", number / 2 / 60 / 220)),
        ("partner", format!("P{:03}", number / 120 % 220)),
        ("reporter", format!("R{:02}", number / 2 % 60)),
    ]
    .into_iter()
    .collect()
}

fn panel(settings: &Settings, matrix: &[f64]) -> Panel {
    let mut panel = Panel::new(Frequency::Month, None).expect("months have panels");
    for (number, months) in matrix.chunks_exact(settings.months).enumerate() {
        let row = panel.row(&labels(number));
        panel.fill(row, month(0), months);
    }
    panel
}

fn main() {
    let settings = settings();
    let matrix = data::matrix(settings.seed, settings.series, settings.months);
    if let Some(directory) = &settings.save {
        let bytes: Vec<u8> = matrix.iter().flat_map(|figure| figure.to_le_bytes()).collect();
        std::fs::write(Path::new(directory).join("matrix.f64"), bytes).expect("the directory takes the matrix");
    }
    let mut panel = panel(&settings, &matrix);
    memory(&settings, &panel);
    let rules: Vec<Expr> = RULES.iter().map(|rule| Expr::parse(rule).expect("a rule")).collect();
    let questions: Vec<Question<'_>> =
        rules.iter().map(|rule| Question { gates: std::slice::from_ref(rule), ..Question::default() }).collect();
    let wanted = |work: &str| settings.work == work || settings.work == "all";
    if wanted("latest") {
        latest(&settings, &matrix, &panel, &questions);
    }
    if wanted("backtest") {
        backtest(&settings, &matrix, &panel, &questions);
    }
    if wanted("pull") {
        pull(&settings, &mut panel, &questions);
    }
}

fn memory(settings: &Settings, panel: &Panel) {
    let (values, bytes, labels) = (settings.series * settings.months * 8, panel.bytes(), panel.label_bytes());
    println!(r#"{{"work":"memory","values":{values},"panel":{bytes},"labels":{labels}}}"#);
}

/// The rules at the last month of all series.
fn latest(settings: &Settings, matrix: &[f64], panel: &Panel, questions: &[Question<'_>]) {
    let recent = limit::Recent::new(matrix, settings.months);
    let mut bytes = Vec::with_capacity(settings.series);
    time(settings, "latest", "by hand", || recent.judge(&mut bytes));
    let by_hand = |rule: usize| -> Vec<PanelRow> {
        let all = bytes.iter().flatten().take(settings.series).enumerate();
        all.filter(|(_, byte)| **byte >> rule & 1 == 1).map(|(row, _)| row as PanelRow).collect()
    };
    let last = month(settings.months - 1);
    let verdicts = time(settings, "latest", "supplywatch", || {
        Program::new(questions, panel, &[last]).expect("these rules have steps").verdicts(panel)
    });
    for (rule, verdicts) in verdicts.iter().enumerate() {
        let fired: Vec<PanelRow> = verdicts.holding().collect();
        assert!(fired == by_hand(rule), "the loop by hand and the panel disagree on `{}`", RULES[rule]);
        println!(r#"{{"work":"fired","rule":{rule},"count":{}}}"#, fired.len());
        if let Some(directory) = &settings.save {
            let bytes: Vec<u8> = fired.iter().flat_map(|row| row.to_le_bytes()).collect();
            let path = Path::new(directory).join(format!("fired-{rule}.u32"));
            std::fs::write(path, bytes).expect("the directory takes the fired series");
        }
    }
}

/// The rules at every month of all series.
fn backtest(settings: &Settings, matrix: &[f64], panel: &Panel, questions: &[Question<'_>]) {
    let whole = limit::Whole::new(matrix, settings.months);
    let by_hand = time(settings, "backtest", "by hand", || whole.slide());
    let months: Vec<Period> = (0..settings.months).map(month).collect();
    let fired = time(settings, "backtest", "supplywatch", || {
        let program = Program::new(questions, panel, &months).expect("these rules have steps");
        let mut fired = vec![[0_u64; 4]; months.len()];
        program.run(panel, |told| {
            for (at, fired) in fired.iter_mut().enumerate() {
                for (rule, fired) in fired.iter_mut().enumerate() {
                    *fired += u64::from(told.verdict(rule, at).holds.count_ones());
                }
            }
        });
        fired
    });
    assert!(fired == by_hand, "the loop by hand and the panel disagree on some month");
    let all: [u64; 4] = std::array::from_fn(|rule| fired.iter().map(|fired| fired[rule]).sum());
    println!(r#"{{"work":"fired in all months","counts":{all:?}}}"#);
}

/// A pull that changes one series in a hundred: the figures are recorded, and the rules judge these alone.
fn pull(settings: &Settings, panel: &mut Panel, questions: &[Question<'_>]) {
    let (last, share) = (month(settings.months - 1), settings.series.div_ceil(100));
    let mut dice = data::Dice::new(settings.seed, u64::MAX);
    let mut scattered: Vec<PanelRow> = (0..share).map(|_| (dice.next() % settings.series as u64) as PanelRow).collect();
    scattered.sort_unstable();
    scattered.dedup();
    let together: Vec<PanelRow> = (0..share).map(|row| (row + settings.series / 3) as PanelRow).collect();
    for (work, rows) in [("pull, series side by side", together), ("pull, series anywhere", scattered)] {
        let rows: Vec<PanelRow> = rows.into_iter().filter(|row| (*row as usize) < settings.series).collect();
        let mut turn = 0.0;
        time(settings, work, "supplywatch", || {
            turn += 0.01;
            for row in &rows {
                panel.record(*row, last.into(), Some(100.0 + turn));
            }
            let program = Program::new(questions, panel, &[last]).expect("these rules have steps");
            let mut holding = 0;
            program.run_rows(panel, &rows, |told| {
                holding += (0..RULES.len()).map(|rule| told.verdict(rule, 0).holds.count_ones()).sum::<u32>();
            });
            holding
        });
    }
}
