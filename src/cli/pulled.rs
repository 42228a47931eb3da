//! What became of each feed's pull, in words.

use super::say;
use crate::base::text::{counted, printable};
use crate::daemon::{Pulled, PulledHow};

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

fn told(pulled: &Pulled) -> String {
    let feed = &pulled.feed;
    let refused = match pulled.refused_count {
        0 => String::new(),
        count => format!(", {} refused", counted(count, "row")),
    };
    match &pulled.how {
        PulledHow::Stored(appended) => {
            let (new, revised, unchanged) = (appended.new, appended.revised, appended.unchanged);
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
