//! What figures measure, as powers of mass, money and the like: price times mass is money.
//!
//! Figures are calculated in the bases of their units (kilograms, one unit of a currency), so that no
//! formula has to know a factor. A percentage is a plain number, and so is a figure without a unit.

use std::collections::BTreeMap;
use std::fmt;

use crate::series::{Dimension, Unit};

/// Powers of what is measured; none at all for a plain number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Powers(BTreeMap<Base, i8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Base {
    Money(&'static str),
    Count,
    Index,
    Mass,
}

impl Powers {
    /// What a unit measures.
    pub fn of(unit: Option<&Unit>) -> Self {
        let powers = match unit.map(Unit::dimension) {
            None | Some(Dimension::Percent) => Vec::new(),
            Some(Dimension::Mass) => vec![(Base::Mass, 1)],
            Some(Dimension::Money(currency)) => vec![(Base::Money(currency.code()), 1)],
            Some(Dimension::Price(currency)) => vec![(Base::Money(currency.code()), 1), (Base::Mass, -1)],
            Some(Dimension::Rate(above, below)) => {
                vec![(Base::Money(above.code()), 1), (Base::Money(below.code()), -1)]
            }
            Some(Dimension::Count) => vec![(Base::Count, 1)],
            Some(Dimension::Index) => vec![(Base::Index, 1)],
        };
        Self(powers.into_iter().collect())
    }

    /// Whether it measures nothing.
    pub fn is_plain(&self) -> bool {
        self.0.is_empty()
    }

    /// Of a product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        self.with(other, 1)
    }

    /// Of a quotient.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        self.with(other, -1)
    }

    fn with(&self, other: &Self, sign: i8) -> Self {
        let mut powers = self.0.clone();
        for (base, power) in &other.0 {
            let sum = powers.entry(*base).or_default();
            *sum = sum.saturating_add(power.saturating_mul(sign));
        }
        powers.retain(|_, power| *power != 0);
        Self(powers)
    }
}

/// `USD per mass`, `USD × mass`, `CNY^2 per USD per mass`.
impl fmt::Display for Powers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return f.write_str("a plain number");
        }
        let word = |(base, power): (&Base, &i8)| {
            let name = match base {
                Base::Money(code) => code,
                Base::Count => "items",
                Base::Index => "index points",
                Base::Mass => "mass",
            };
            match power.unsigned_abs() {
                1 => name.to_owned(),
                power => format!("{name}^{power}"),
            }
        };
        let side = |above: bool| {
            let powers = self.0.iter().filter(|(_, power)| (**power > 0) == above);
            powers.map(word).collect::<Vec<_>>()
        };
        let (above, below) = (side(true).join(" × "), side(false).join(" per "));
        match (above.as_str(), below.as_str()) {
            (above, "") => f.write_str(above),
            ("", below) => write!(f, "1 per {below}"),
            (above, below) => write!(f, "{above} per {below}"),
        }
    }
}

/// A figure in the bases of its unit.
pub fn to_base(value: f64, unit: Option<&Unit>) -> f64 {
    unit.map_or(value, |unit| value * factor(unit))
}

/// A figure in the bases of a unit, told in it.
pub fn from_base(value: f64, unit: Option<&Unit>) -> f64 {
    unit.map_or(value, |unit| value / factor(unit))
}

fn factor(unit: &Unit) -> f64 {
    match unit.dimension() {
        Dimension::Percent => 0.01,
        _ => unit.factor(),
    }
}
