//! Rules about items: what goes with `new` and `ends_within`, and what does not.

use std::ops::Range;

use super::group::conditions;
use super::{Context, rule};
use crate::config::rule::RuleTable;
use crate::config::source::At;
use crate::rule::{Expr, ExprError};

/// Reports what does not go with the measures of items in any of the rule's conditions.
pub fn check(cx: Context<'_>, table: &RuleTable, by: &[String]) {
    // What cannot be read is reported where it is read.
    let exprs: Vec<(&At<String>, Expr)> =
        conditions(table).filter_map(|at| Some((at, Expr::parse(&at.value).ok()?))).collect();
    if !by.is_empty() {
        for (at, expr) in &exprs {
            let error = expr.asks_for_items().map(|(name, span)| of_group(name, span));
            error.iter().for_each(|error| rule::told(cx, at, error, None));
        }
    }
    if !exprs.iter().any(|(_, expr)| expr.asks_for_news()) {
        return;
    }
    for (at, expr) in &exprs {
        let error = expr.besides_news().map(|(name, span)| besides(name, span));
        error.iter().for_each(|error| rule::told(cx, at, error, None));
    }
    let levels = [&table.warning, &table.critical].into_iter().flatten();
    for clear in levels.filter_map(|level| level.clear.as_ref()).chain(&table.clear) {
        let help = "take it away: an item is told once, and nothing ends it";
        cx.error(clear.place, "`clear` does not go with `new`", "nothing to end", help);
    }
}

/// Why an expression does not fit a feed without items.
pub fn without_items((name, span): (&str, Range<usize>)) -> ExprError {
    let message = format!("`{name}` is about items, and the feed has figures alone");
    ExprError::new(span, message, "no items here")
        .with_help("select a feed of kind `feed` or `federal-register`, or compare figures, such as `declines >= 2`")
}

fn of_group(name: &str, span: Range<usize>) -> ExprError {
    let message = format!("`{name}` is about the items of one feed, and the rule judges groups");
    ExprError::new(span, message, "not of a group").with_help("take `group_by` away")
}

fn besides(name: &str, span: Range<usize>) -> ExprError {
    let message = format!("`{name}` says how things stand, and `new` what has just come");
    ExprError::new(span, message, "does not go with `new`").with_help("write a rule of its own for it")
}
