//! What became of each feed's pull, and what it did to the past, in words and as JSON.

use serde_json::{Value, json};

use super::say;
use crate::base::text::{counted, printable};
use crate::daemon::{Notice, Pulled, PulledHow};
use crate::inspect::feeds::Pull;

/// What became of each feed, for a person.
pub fn say_pulled(pulled: &[Pulled]) {
    for pulled in pulled {
        say(&told(pulled));
        if let Some(note) = &pulled.note {
            say(&format!("  {}", printable(note)));
        }
        for refusal in &pulled.refused {
            say(&format!("  refused {refusal}"));
        }
        if pulled.refused_count > pulled.refused.len() {
            say(&format!("  … and {} more", pulled.refused_count - pulled.refused.len()));
        }
    }
}

/// What revisions did to the past, for a person.
pub fn say_notices(notices: &[Notice]) {
    for Notice { rule, series, rejudged } in notices {
        let of = if *series > 1 { format!(", of {series} series") } else { String::new() };
        let rule = printable(rule);
        say(&format!("rule {rule}: a revision changed its verdict on {rejudged}{of}; that moves no alert"));
    }
}

/// The same for a program.
pub fn notice_json(notice: &Notice) -> Value {
    let Notice { rule, series, rejudged } = notice;
    json!({
        "type": "rejudged", "rule": rule, "series": series, "periods": rejudged.periods, "first": rejudged.first,
        "last": rejudged.last, "at_least": rejudged.at_least,
    })
}

/// A pull for a program.
pub fn pull_json(pull: &Pull) -> Value {
    json!({
        "at": pull.at, "outcome": pull.outcome, "url": pull.url, "http_status": pull.http_status,
        "bytes": pull.bytes, "sha256": pull.sha256, "new": pull.new, "revised": pull.revised,
        "unchanged": pull.unchanged, "refused": pull.refused, "refusals": pull.refusals, "reason": pull.reason,
    })
}

/// What became of one feed, in a line.
pub fn told(pulled: &Pulled) -> String {
    let feed = &pulled.feed;
    let refused = match pulled.refused_count {
        0 => String::new(),
        count => format!(", {} refused", counted(count, "row")),
    };
    match &pulled.how {
        PulledHow::Stored(appended) => {
            let (new, revised, unchanged) = (appended.new, appended.revised, appended.unchanged);
            if appended.items > 0 {
                return format!("feed {feed}: {}{refused}", counted(appended.items, "new item"));
            }
            format!("feed {feed}: {new} new, {revised} revised, {unchanged} unchanged{refused}")
        }
        PulledHow::NothingNew => format!("feed {feed}: nothing new"),
        PulledHow::NotOurs => format!("feed {feed}: pulled by another process"),
        PulledHow::Failed { reason, set_aside: true } => {
            format!("feed {feed}: set aside, earlier data stand: {}", printable(reason))
        }
        PulledHow::Failed { reason, set_aside: false } => {
            format!("feed {feed}: failed, earlier data stand: {}", printable(reason))
        }
    }
}
