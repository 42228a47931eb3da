//! A z-score, a sum or a mean compared with a number, period after period, by sums that slide instead of
//! starting anew.
//!
//! Sliding sums round otherwise than the evaluator does, so they are only a sieve: with each comparison
//! goes a bound on all that rounding can have done on either side, and a lane where the bound does not
//! settle the comparison is left in doubt, to be calculated as the evaluator does. So the verdicts are the
//! evaluator's, bit for bit, and nearly always come without its work.

use super::kernel::masked;
use super::mask::Mask;
use super::program::Test;
use crate::series::{Column, LANES};

/// The sums of one window of a tile, off a figure of each series itself, so that they lose no digits to
/// the series' level.
#[derive(Clone, Debug)]
pub struct Slide {
    /// The columns of the window, from and to; empty before the first.
    window: (usize, usize),
    shift: Column,
    sum: Column,
    squares: Column,
    /// The shift's square, with the squares of all that ever entered: nothing that was ever added or
    /// rounded is larger.
    size: Column,
}

/// What a z-score is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// The number.
    pub bound: f64,
    /// The window's periods.
    pub count: f64,
    /// At most how often the window slides.
    pub slides: f64,
}

/// What a sieve could say: the lanes surely below and surely above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sure {
    /// Surely below the bound.
    pub below: u64,
    /// Surely above it.
    pub above: u64,
}

impl Sure {
    /// The lanes for which a comparison surely holds.
    pub const fn holds(self, test: Test) -> u64 {
        match test {
            Test::Less | Test::LessEqual => self.below,
            Test::Greater | Test::GreaterEqual => self.above,
            Test::Equal => 0,
            Test::NotEqual => self.below | self.above,
        }
    }
}

impl Default for Slide {
    fn default() -> Self {
        let zero = Column([0.0; LANES]);
        Self { window: (0, 0), shift: zero, sum: zero, squares: zero, size: zero }
    }
}

impl Slide {
    /// Forgets its window: another tile begins.
    pub const fn forget(&mut self) {
        self.window = (0, 0);
    }

    /// Brings the sums to a window of columns.
    pub fn bring_to(&mut self, columns: &[&Column], from: usize, to: usize) {
        if self.window == (from, to) {
            return;
        }
        if self.window == (from.wrapping_sub(1), to.wrapping_sub(1)) {
            self.step(columns[to - 1], columns[from - 1]);
        } else {
            self.begin(&columns[from..to]);
        }
        self.window = (from, to);
    }

    fn begin(&mut self, window: &[&Column]) {
        let nothing = Column([f64::NAN; LANES]);
        self.shift = nothing;
        for column in window {
            for (shift, x) in self.shift.0.iter_mut().zip(&column.0) {
                *shift = if shift.is_nan() { *x } else { *shift };
            }
        }
        for (shift, size) in self.shift.0.iter_mut().zip(&mut self.size.0) {
            *shift = if shift.is_nan() { 0.0 } else { *shift };
            *size = *shift * *shift;
        }
        self.sum = Column([0.0; LANES]);
        self.squares = Column([0.0; LANES]);
        for column in window {
            self.step(column, &nothing);
        }
    }

    /// Takes one column in and another out. What is missing adds nothing.
    fn step(&mut self, enters: &Column, leaves: &Column) {
        let sums = self.sum.0.iter_mut().zip(&mut self.squares.0).zip(&mut self.size.0).zip(&self.shift.0);
        for ((((sum, squares), size), shift), (enters, leaves)) in sums.zip(enters.0.iter().zip(&leaves.0)) {
            let (new, old) = (enters - shift, leaves - shift);
            let new = if new.is_nan() { 0.0 } else { new };
            let old = if old.is_nan() { 0.0 } else { old };
            *sum += new - old;
            *squares += (new - old) * (new + old);
            *size += new * new;
        }
    }

    /// Where the z-score of `now` against the window surely lies below or above a number. Lanes with a
    /// missing figure may be in either.
    ///
    /// With off = n·(now − mean) and spread = n²·variance (divisor n), z is below c just where
    /// off·|off|·(n − 1) is below c·|c|·n·spread: no root and no quotient is needed. Every sum and the
    /// evaluator's own mean and squares are off by at most (n + slides + 16) roundings of what is no larger
    /// than `size`; eight times that covers the products made of them, and a billionth covers the noise that
    /// a comparison allows. Where squares could leave the range of numbers, nothing is sure.
    pub fn sieve(&self, now: &Column, bound: Bound) -> Sure {
        let Bound { bound: c, count: n, slides } = bound;
        let rounding = 32.0 * (n + slides + 16.0) * f64::EPSILON * n * n;
        let (level, leeway) = (c * c.abs() * n / (n - 1.0), 1e-9 * (c * c + 1.0) * n / (n - 1.0));
        let (low, high) = (level - leeway, level + leeway);
        let rounding_off = rounding * (1.0 + c * c * n / (n - 1.0));
        let score = |lane: usize| {
            let size = self.size.0[lane];
            let off = n * (now.0[lane] - self.shift.0[lane]) - self.sum.0[lane];
            let spread = n * self.squares.0[lane] - self.sum.0[lane] * self.sum.0[lane];
            let sound = (spread > rounding * size) & (size > 1e-250) & (size < 1e250) & (off.abs() < 1e125);
            (off * off.abs(), spread, rounding_off * size, sound)
        };
        let sure = masked(
            |lane| {
                let (off, spread, leeway, sound) = score(lane);
                (off + leeway < low * spread) & sound
            },
            |lane| {
                let (off, spread, leeway, sound) = score(lane);
                (off - leeway > high * spread) & sound
            },
        );
        Sure { below: sure.holds, above: sure.unknown }
    }
}

/// The sum of one window of a tile.
#[derive(Clone, Debug)]
pub struct Sum {
    /// The columns of the window, from and to; empty before the first.
    window: (usize, usize),
    sum: Column,
    /// The sizes of all that ever entered, added up.
    size: Column,
}

impl Default for Sum {
    fn default() -> Self {
        let zero = Column([0.0; LANES]);
        Self { window: (0, 0), sum: zero, size: zero }
    }
}

impl Sum {
    /// Forgets its window: another tile begins.
    pub const fn forget(&mut self) {
        self.window = (0, 0);
    }

    /// Brings the sum to a window of columns.
    pub fn bring_to(&mut self, columns: &[&Column], from: usize, to: usize) {
        if self.window == (from, to) {
            return;
        }
        if self.window == (from.wrapping_sub(1), to.wrapping_sub(1)) {
            self.step(columns[to - 1], columns[from - 1]);
        } else {
            *self = Self::default();
            let nothing = Column([f64::NAN; LANES]);
            columns[from..to].iter().for_each(|column| self.step(column, &nothing));
        }
        self.window = (from, to);
    }

    /// Takes one column in and another out. What is missing adds nothing.
    fn step(&mut self, enters: &Column, leaves: &Column) {
        let sums = self.sum.0.iter_mut().zip(&mut self.size.0);
        for ((sum, size), (enters, leaves)) in sums.zip(enters.0.iter().zip(&leaves.0)) {
            let new = if enters.is_nan() { 0.0 } else { *enters };
            let old = if leaves.is_nan() { 0.0 } else { *leaves };
            *sum += new - old;
            *size += new.abs();
        }
    }

    /// Where the sum over `parts` surely lies below `low` or above `high`. Lanes with a missing figure may be
    /// in either.
    ///
    /// This sum and the evaluator's are each off by less than one rounding of `size` for each of the steps
    /// that made them; four times that covers both and the bounds' own rounding is added to it. Sizes near
    /// the ends of what a number can be, where a part may lose its digits or a sum be endless, leave a doubt.
    pub fn sieve(&self, low: f64, high: f64, parts: f64, steps: f64) -> Sure {
        let rounding = 4.0 * (steps + 16.0) * f64::EPSILON;
        let (low, high) = (low * parts, high * parts);
        let (low, high) = (low - low.abs() * 8.0 * f64::EPSILON, high + high.abs() * 8.0 * f64::EPSILON);
        let sound = |size: f64| (size > 1e-250) & (size < 1e300);
        let sure = masked(
            |lane| (self.sum.0[lane] + rounding * self.size.0[lane] < low) & sound(self.size.0[lane]),
            |lane| (self.sum.0[lane] - rounding * self.size.0[lane] > high) & sound(self.size.0[lane]),
        );
        Sure { below: sure.holds, above: sure.unknown }
    }
}

/// What the sieve and, where it left doubts, the evaluator's way say together.
pub fn settled(test: Test, sure: Sure, unknown: u64, exactly: impl FnOnce() -> Mask) -> Mask {
    let doubt = !(sure.below | sure.above | unknown);
    let mask = Mask { holds: sure.holds(test) & !unknown, unknown };
    if doubt == 0 { mask } else { Mask::chosen(doubt, exactly(), mask) }
}
