//! The codes of countries and goods, as each office writes them: tables that say where they come from.

pub mod country;
pub mod goods;
