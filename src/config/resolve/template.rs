//! `[rule.NAME.template]` and `[receiver.NAME.template]`: titles and bodies in the operator's own words.

use super::Context;
use crate::config::problem::Finding;
use crate::config::source::At;
use crate::config::template::TemplateTable;
use crate::notify::template::{Flaw, Template, flaw};

/// What a template's table comes to: of a text that cannot be used, nothing.
pub fn resolve(cx: Context<'_>, table: Option<&TemplateTable>) -> Template {
    let Some(TemplateTable { title, body }) = table else { return Template::default() };
    let used = |key: &str, at: &Option<At<String>>| at.as_ref().and_then(|at| text(cx, key, at));
    Template { title: used("title", title), body: used("body", body), ..Template::default() }
}

fn text(cx: Context<'_>, key: &str, at: &At<String>) -> Option<String> {
    match flaw(&at.value) {
        None => Some(at.value.clone()),
        Some(Flaw::Error(why)) => {
            let help =
                "it sees what a webhook gets as `data`: {{ title }}, {{ alert.labels.partner }}, {{ evidence.unit }}";
            cx.error(at.place, format!("the template's `{key}` cannot be used: {why}"), "this template", help);
            None
        }
        Some(Flaw::Bare(why)) => {
            let message = format!("the template's `{key}` fails for a message without figures: {why}");
            let finding = Finding::warning(at.place, message).label("this template");
            cx.add(
                finding.help("such a message is sent as it is, with a note; ask first, as in {% if evidence.table %}"),
            );
            Some(at.value.clone())
        }
    }
}
