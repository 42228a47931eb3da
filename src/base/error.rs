//! How an error and its causes are shown.
//!
//! An error's own `Display` never prints its source; this adapter, used at the edges, prints the chain.

use std::error::Error;
use std::fmt;

/// Prints an error and everything behind it, joined by `: `.
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("pull of feed `x`")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn the_chain_is_printed_once_each() {
        let error = Outer("y".parse::<i32>().unwrap_err());
        assert_eq!(Chain(&error).to_string(), "pull of feed `x`: invalid digit found in string");
    }
}
