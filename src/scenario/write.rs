//! A scenario written from a history: the figures as they became known, and what was sent.

use super::notation::{Calendar, print_figures};
use super::play::sent;
use super::{Figure, Said};
use crate::backtest::{Knowledge, Replay};
use crate::series::{Labels, Release};

/// What a scenario is written from.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The rule's past on the series.
    pub replay: &'a Replay,
    /// The figures.
    pub knowledge: &'a Knowledge,
    /// The feed's calendar, which a scenario goes by where it names none.
    pub release: Option<&'a Release>,
}

/// One `[[scenario]]` that passes as long as the rule means what it means now.
pub fn write(written: Written<'_>) -> String {
    let Written { replay, knowledge, release } = written;
    let calendar = Calendar { release, zone: replay.zone };
    let figures: Vec<Figure> = knowledge
        .history()
        .entries()
        .map(|(span, vintages)| {
            let said = |vintage: &crate::series::Vintage| Said {
                value: vintage.value,
                status: vintage.status,
                at: vintage.recorded_at,
            };
            // Of several vintages of one moment only the last was ever seen.
            let mut vintages: Vec<Said> = vintages.iter().rev().map(said).collect();
            vintages.dedup_by_key(|said| said.at);
            vintages.reverse();
            Figure { span, vintages }
        })
        .collect();
    let unit = replay.unit.as_ref().map(|unit| format!("unit   = {}\n", quoted(&unit.to_string()))).unwrap_or_default();
    let mut text = format!(
        "[[scenario]]\nname   = {}\nrule   = {}\nlabels = {}\n{unit}series = \"\"\"\n{}\n\"\"\"\n",
        quoted(&format!("{} on {}, as recorded", replay.rule, replay.labels)),
        quoted(&replay.rule),
        inline_table(&replay.labels),
        print_figures(&figures, calendar),
    );
    for sent in sent(replay) {
        text.push_str(&format!("\n[[scenario.expect]]\non         = {}\n", quoted(&sent.on.to_string())));
        if let Some(period) = sent.period {
            text.push_str(&format!("period     = {}\n", quoted(&period.to_string())));
        }
        text.push_str(&format!("transition = {}\n", quoted(sent.transition.name())));
        text.push_str(&format!("title      = {}\n", quoted(&sent.title)));
    }
    text
}

fn inline_table(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{} = {}", key(name), quoted(value))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A key, bare where it can be.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A TOML basic string: JSON's escapes are among TOML's, but TOML escapes DEL too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}
