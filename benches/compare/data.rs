//! Figures from a seed: monthly series as trade statistics look, the same on every machine.
//!
//! Each series is a random walk of logarithms around a level of its own, with a season; 3 % of its months
//! are missing, and figures have two decimals.

/// A small generator of even, repeatable numbers (Steele, Lea & Flood 2014, "SplitMix").
pub struct Dice(u64);

impl Dice {
    /// The numbers of one series.
    pub fn new(seed: u64, series: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ series.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        dice.next();
        dice
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From zero to one.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Around zero, with a deviation of about one: the sum of four even numbers.
    pub fn bell(&mut self) -> f64 {
        ((0..4).map(|_| self.share()).sum::<f64>() - 2.0) * 3.0_f64.sqrt()
    }
}

/// Writes the months of one series; NaN is missing.
pub fn series(seed: u64, number: usize, months: &mut [f64]) {
    let mut dice = Dice::new(seed, number as u64);
    let (swing, season, phase) = (0.05 + 0.2 * dice.share(), 0.3 * dice.share(), dice.share());
    let mut level = 10.0 + 2.0 * dice.bell();
    for (month, figure) in months.iter_mut().enumerate() {
        level += swing * dice.bell();
        let turn = std::f64::consts::TAU * (month as f64 / 12.0 + phase);
        let value = (level + season * turn.sin()).exp();
        *figure = if dice.share() < 0.03 { f64::NAN } else { (value * 100.0).round().max(1.0) / 100.0 };
    }
}

/// All series, one after another.
pub fn matrix(seed: u64, count: usize, months: usize) -> Vec<f64> {
    let mut matrix = vec![0.0; count * months];
    for (number, months) in matrix.chunks_exact_mut(months).enumerate() {
        series(seed, number, months);
    }
    matrix
}
