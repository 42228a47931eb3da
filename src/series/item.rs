//! Published items: a notice, a rule, a headline, each in its publisher's words, and when it became known.
//!
//! What in them is alarming is the rules' business.

use super::{PullId, View};
use crate::base::clock::Timestamp;
use crate::period::Period;

/// One item as its publisher has it. What is kept of it is what was said first: an item that is edited, or comes
/// again in another order, is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The publisher's own name for it, which tells it from every other of its feed.
    pub id: String,
    /// Its title, as plain text on one line.
    pub title: String,
    /// Where it is to be read.
    pub url: Option<String>,
    /// What it says in short, as plain text on one line; empty where it says no more than its title.
    pub summary: String,
    /// The day on which it was published, by the publisher's calendar.
    pub day: Period,
    /// What else its publisher says of it, by name: `type`, `agency`, `category`.
    pub tags: Vec<(String, String)>,
    /// The item that it corrects: its id, or its title.
    pub corrects: Option<String>,
    /// The day from which it has effect.
    pub effective: Option<Period>,
    /// The day on which what it suspends or allows for a time ends.
    pub ends: Option<Period>,
}

/// An item with the pull that first brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownItem {
    /// The item.
    pub item: Item,
    /// The pull.
    pub pull: PullId,
    /// When that was.
    pub seen_at: Timestamp,
}

impl Item {
    /// `24 September 2026: Measures To Restrict Stockpiling (2026-19537)`, with its dates.
    pub fn in_words(&self) -> String {
        let date = |word: &str, day: Option<Period>| day.map(|day| format!(", {word} {}", day.in_words()));
        let dates = [date("effective", self.effective), date("until", self.ends)].into_iter().flatten();
        let dates: String = dates.collect();
        format!("{}: {} ({}){dates}", self.day.in_words(), self.title, self.id)
    }

    /// Whether it is what another says to correct: by its id, or by its title, however that is spaced and cased.
    pub fn is_called(&self, name: &str) -> bool {
        self.id == name || folded(&self.title) == folded(name)
    }
}

impl<'a> View<'a> {
    /// The items that were known, in the order in which they became so.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = &'a KnownItem> + use<'a> {
        let as_of = self.as_of();
        self.history().items().iter().filter(move |known| as_of.knows(known.pull, known.seen_at))
    }

    /// The items that are new: those that came after what had been seen, or else with the last pull that
    /// brought any.
    pub fn new_items(&self) -> impl Iterator<Item = &'a KnownItem> + use<'a> {
        let last = self.items().next_back().map_or(0, |known| known.pull.0);
        let seen = self.seen().unwrap_or(PullId(last - 1));
        self.items().filter(move |known| known.pull > seen)
    }

    /// The item that another one corrects, where it is known.
    pub fn corrected_by(&self, correction: &KnownItem) -> Option<&'a KnownItem> {
        let name = correction.item.corrects.as_deref()?;
        self.items().find(|known| known.item.id != correction.item.id && known.item.is_called(name))
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
