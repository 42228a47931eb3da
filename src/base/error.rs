//! How an error and its causes are shown.
//!
//! An error's own `Display` never prints its source; this adapter, used at the edges, prints the chain.

use std::any::Any;
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

/// What a panic said.
pub fn of_panic(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
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

    #[test]
    fn a_panic_says_what_it_said() {
        let boxed: [Box<dyn Any + Send>; 3] = [Box::new("a"), Box::new("b".to_owned()), Box::new(1)];
        assert_eq!(boxed.each_ref().map(|panic| of_panic(panic.as_ref())), ["a", "b", "no reason given"]);
    }
}
