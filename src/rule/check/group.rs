//! Whether the measures of groups have a group, and labels that tell its members apart.

use super::super::expr::ExprError;
use super::super::measure::{Measure, Takes};
use super::super::syntax::{Argument, Node, NodeKind};
use crate::base::text::{list, nearest, printable, shorten};

/// What a rule says of its groups.
#[derive(Clone, Copy, Debug)]
pub struct Grouping<'a> {
    /// The labels of `group_by`; none where each series is judged by itself.
    pub by: &'a [String],
    /// The labels that the selected series may have.
    pub labels: &'a [String],
}

/// All that is wrong, in the order of the text.
pub fn check_group(root: &Node, grouping: Grouping<'_>) -> Vec<ExprError> {
    let mut errors = Vec::new();
    walk(root, &mut |node| errors.extend(wrong(node, grouping)));
    errors
}

fn walk(node: &Node, see: &mut impl FnMut(&Node)) {
    see(node);
    match &node.kind {
        NodeKind::Measure(_, arguments) => arguments.iter().for_each(|argument| walk(&argument.node, see)),
        NodeKind::Not(inner) | NodeKind::Negate(inner) => walk(inner, see),
        NodeKind::Binary(_, left, right) => [left, right].into_iter().for_each(|side| walk(side, see)),
        NodeKind::Number(_)
        | NodeKind::Percent(_)
        | NodeKind::Quantity(..)
        | NodeKind::Length(_)
        | NodeKind::Period(_)
        | NodeKind::Label(_)
        | NodeKind::Text(_)
        | NodeKind::Pick(..) => {}
    }
}

fn wrong(node: &Node, grouping: Grouping<'_>) -> Vec<ExprError> {
    let NodeKind::Measure(measure, arguments) = &node.kind else { return Vec::new() };
    if measure.is_of_groups() && grouping.by.is_empty() {
        let message = format!("`{}` is of a group of series, and the rule judges each by itself", measure.name);
        let error = ExprError::new(node.span.clone(), message, "needs `group_by`");
        return vec![error.with_help(
            "write group_by = [\"LABEL\"]: the rule then judges the series with the same LABEL together, such as all \
             partners of one hs",
        )];
    }
    let label = |argument: &Argument| no_part(&argument.node, label(measure, argument)?, grouping);
    arguments.iter().filter_map(label).collect()
}

/// The label that an argument names, where it is of the kind that the measure takes.
fn label<'a>(measure: &Measure, argument: &'a Argument) -> Option<&'a str> {
    let takes = measure.parameters.get(argument.slot?)?.takes;
    match &argument.node.kind {
        NodeKind::Label(label) if takes == Takes::Label => Some(label),
        NodeKind::Pick(label, _) if takes != Takes::Search => Some(label),
        _ => None,
    }
}

/// Why a label does not tell a group's members apart.
fn no_part(node: &Node, label: &str, grouping: Grouping<'_>) -> Option<ExprError> {
    let others = || grouping.labels.iter().filter(|known| !grouping.by.contains(known)).map(String::as_str);
    let told = shorten(&printable(label), 40);
    if grouping.by.iter().any(|by| by == label) {
        let message = format!("all series of a group have the same `{told}`: the rule groups by it");
        let help = format!("tell the members apart by another label: {}", list(others()));
        return Some(ExprError::new(node.span.clone(), message, "one part only").with_help(help));
    }
    if others().any(|known| known == label) {
        return None;
    }
    let help = match nearest(label, others()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the labels are {}", list(others())),
    };
    let message = format!("no series that the rule selects has a label `{told}`");
    Some(ExprError::new(node.span.clone(), message, "unknown").with_help(help))
}
