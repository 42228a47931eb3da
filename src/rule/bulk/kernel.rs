//! The inner loops: one operation on a column of series each, written so that the compiler makes vector
//! instructions of them (no branch, no bounds check, neighbouring lanes side by side).
//!
//! A number that is unknown is NaN, and every loop keeps it so. Each loop does just the arithmetic of the
//! evaluator, in its order, so that both round alike.

use super::super::operate::NOISE;
use super::mask::Mask;
use super::program::{Arithmetic, Fold, Test};
use crate::base::limits::STREAK_MAX;
use crate::series::{Column, LANES};

/// One bit for each lane.
const BIT: [u64; LANES] = {
    let mut bits = [0; LANES];
    let mut lane = 0;
    while lane < LANES {
        bits[lane] = 1 << lane;
        lane += 1;
    }
    bits
};

/// Lanes whose accumulators stay in registers while a window passes by.
const GROUP: usize = 16;

/// The lanes where `holds` is true, and those that are unknown.
#[inline(always)]
pub fn masked(holds: impl Fn(usize) -> bool, unknown: impl Fn(usize) -> bool) -> Mask {
    let mut mask = Mask::default();
    for (lane, bit) in BIT.iter().enumerate() {
        mask.holds |= 0_u64.wrapping_sub(u64::from(holds(lane))) & bit;
        mask.unknown |= 0_u64.wrapping_sub(u64::from(unknown(lane))) & bit;
    }
    mask
}

/// The lanes that have a figure.
pub fn present(column: &Column) -> u64 {
    !masked(|_| false, |lane| column.0[lane].is_nan()).unknown
}

/// A comparison with a number that is the same for all: `low` and `high` are the ends of what equals it.
pub fn compare_with(test: Test, x: &Column, low: f64, high: f64) -> Mask {
    let x = &x.0;
    let unknown = |lane: usize| x[lane].is_nan();
    match test {
        Test::Less => masked(|lane| x[lane] < low, unknown),
        Test::LessEqual => masked(|lane| x[lane] <= high, unknown),
        Test::Greater => masked(|lane| x[lane] > high, unknown),
        Test::GreaterEqual => masked(|lane| x[lane] >= low, unknown),
        Test::Equal => masked(|lane| (x[lane] >= low) & (x[lane] <= high), unknown),
        Test::NotEqual => masked(|lane| (x[lane] < low) | (x[lane] > high), unknown),
    }
}

/// A comparison of two columns. `scale` is the least size of what is compared.
pub fn compare(test: Test, a: &Column, b: &Column, scale: f64) -> Mask {
    let (a, b) = (&a.0, &b.0);
    let larger = |x: f64, y: f64| if x > y { x } else { y };
    // Two numbers that differ by noise are equal; an infinite one differs from all but itself.
    let equal = masked(
        |lane| {
            let (x, y) = (a[lane], b[lane]);
            let noise = NOISE * larger(larger(x.abs(), y.abs()), scale);
            (((x - y).abs() <= noise) & (x.abs() < f64::INFINITY) & (y.abs() < f64::INFINITY)) | (x == y)
        },
        |lane| a[lane].is_nan() | b[lane].is_nan(),
    );
    let (equal, unknown) = (equal.holds, equal.unknown);
    let less = masked(|lane| a[lane] < b[lane], |_| false).holds & !equal;
    let holds = match test {
        Test::Less => less,
        Test::LessEqual => less | equal,
        Test::Greater => !(less | equal),
        Test::GreaterEqual => !less,
        Test::Equal => equal,
        Test::NotEqual => !equal,
    };
    Mask { holds: holds & !unknown, unknown }
}

/// now/base − 1. A base below `least` or zero says nothing, unless zero may stand: then from zero to
/// something is endless. A ratio too large for a number is unknown.
pub fn ratio(now: &Column, base: &Column, least: f64, out: &mut Column) {
    let above_zero = if least > 0.0 { least } else { f64::from_bits(1) };
    let mut endless = 0_u64;
    for ((out, now), base) in out.0.iter_mut().zip(&now.0).zip(&base.0) {
        let change = now / base - 1.0;
        // All bits set are NaN: so the unsound lanes cost one instruction.
        let sound = 0_u64.wrapping_sub(u64::from(*base >= above_zero));
        endless |= 0_u64.wrapping_sub(u64::from(change.abs() == f64::INFINITY));
        *out = f64::from_bits(change.to_bits() | !sound);
    }
    if endless != 0 {
        ratio_of_extremes(now, base, least, out);
    }
}

/// The same where a base is zero, or a ratio too large for a number.
#[cold]
fn ratio_of_extremes(now: &Column, base: &Column, least: f64, out: &mut Column) {
    let from_zero = if 0.0 >= least { f64::INFINITY } else { f64::NAN };
    for ((out, now), base) in out.0.iter_mut().zip(&now.0).zip(&base.0) {
        let bounded = if out.abs() == f64::INFINITY { f64::NAN } else { *out };
        *out = if (*base == 0.0) & (*now > 0.0) { from_zero } else { bounded };
    }
}

/// a ∘ b. What is infinite without an infinite operand is no number; nor is a division by zero.
pub fn arithmetic(operator: Arithmetic, a: &Column, b: &Column, out: &mut Column) {
    match operator {
        Arithmetic::Add => each(a, b, out, |a, b| bounded(a, b, a + b)),
        Arithmetic::Subtract => each(a, b, out, |a, b| bounded(a, b, a - b)),
        Arithmetic::Multiply => each(a, b, out, |a, b| bounded(a, b, a * b)),
        Arithmetic::Divide => each(a, b, out, |a, b| if b == 0.0 { f64::NAN } else { bounded(a, b, a / b) }),
        Arithmetic::Least => each(a, b, out, |a, b| if (a < b) | a.is_nan() { a } else { b }),
        Arithmetic::Most => each(a, b, out, |a, b| if (a > b) | a.is_nan() { a } else { b }),
    }
}

#[inline(always)]
fn each(a: &Column, b: &Column, out: &mut Column, operation: impl Fn(f64, f64) -> f64) {
    for ((out, a), b) in out.0.iter_mut().zip(&a.0).zip(&b.0) {
        *out = operation(*a, *b);
    }
}

#[inline(always)]
fn bounded(a: f64, b: f64, result: f64) -> f64 {
    let endless = (a.abs() == f64::INFINITY) | (b.abs() == f64::INFINITY);
    if (result.abs() < f64::INFINITY) | endless { result } else { f64::NAN }
}

/// −a.
pub fn negate(a: &Column, out: &mut Column) {
    for (out, a) in out.0.iter_mut().zip(&a.0) {
        *out = -a;
    }
}

/// A streak's periods: none where it does not go on here, else one more than there are after a figure before.
pub fn tally(here: u64, follows: u64, next: &Column, out: &mut Column) {
    for (lane, (out, next)) in out.0.iter_mut().zip(&next.0).enumerate() {
        let longer = if follows & BIT[lane] == 0 { 1.0 } else { (next + 1.0).min(STREAK_MAX.into()) };
        *out = if here & BIT[lane] == 0 { 0.0 } else { longer };
    }
}

/// A number, but none in some lanes.
pub fn without(x: &Column, gone: u64, out: &mut Column) {
    for (lane, (out, x)) in out.0.iter_mut().zip(&x.0).enumerate() {
        *out = if gone & BIT[lane] == 0 { *x } else { f64::NAN };
    }
}

/// A window's sum, mean, least or largest figure; unknown where a period is missing.
pub fn fold(fold: Fold, window: &[&Column], out: &mut Column) {
    let count = window.len() as f64;
    match fold {
        Fold::Sum => gathered(window, out, 0.0, |sum, x| sum + x),
        Fold::Mean => gathered(window, out, 0.0, |sum, x| sum + x / count),
        Fold::Min => gathered(window, out, f64::INFINITY, |least, x| if (x < least) | x.is_nan() { x } else { least }),
        Fold::Max => gathered(window, out, f64::NEG_INFINITY, |most, x| if (x > most) | x.is_nan() { x } else { most }),
    }
}

#[inline(always)]
fn gathered(window: &[&Column], out: &mut Column, start: f64, step: impl Fn(f64, f64) -> f64) {
    for (group, out) in out.0.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
        let mut state = [start; GROUP];
        for column in window {
            for (state, x) in state.iter_mut().zip(part(column, group)) {
                *state = step(*state, *x);
            }
        }
        for (out, state) in out.iter_mut().zip(state) {
            *out = if state.abs() < f64::INFINITY { state } else { f64::NAN };
        }
    }
}

/// One group of a column's lanes.
#[inline(always)]
fn part(column: &Column, group: usize) -> &[f64; GROUP] {
    &column.0.as_chunks::<GROUP>().0[group]
}

/// (now − mean)/sd against a window of at least two periods; unknown where it has no spread but noise.
pub fn zscore(now: &Column, window: &[&Column], out: &mut Column) {
    let count = window.len() as f64;
    for (group, out) in out.0.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
        let mut mean = [0.0; GROUP];
        for column in window {
            for (mean, x) in mean.iter_mut().zip(part(column, group)) {
                *mean += x;
            }
        }
        for mean in &mut mean {
            *mean /= count;
        }
        let mut squares = [0.0; GROUP];
        for column in window {
            for ((squares, x), mean) in squares.iter_mut().zip(part(column, group)).zip(&mean) {
                let off = x - mean;
                *squares += off * off;
            }
        }
        for (((out, now), mean), squares) in out.iter_mut().zip(part(now, group)).zip(mean).zip(squares) {
            let spread = (squares / (count - 1.0)).sqrt();
            let score = (now - mean) / spread;
            let sound = (spread > NOISE * mean.abs()) & (spread < f64::INFINITY) & (score.abs() < f64::INFINITY);
            *out = if sound { score } else { f64::NAN };
        }
    }
}
