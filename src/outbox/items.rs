//! Items in a message: each on a line, with what it corrects and when it ends.

use super::ItemLine;
use crate::base::text::{counted, shorten};
use crate::period::Period;
use crate::rule::Judgement;
use crate::series::{KnownItem, View};

/// Items that a message has, at most: whoever wants more reads the publisher.
const ITEMS_MAX: usize = 20;
/// Characters of an item's title and of its summary in a message, at most.
const TITLE_CHARS: usize = 300;
const SUMMARY_CHARS: usize = 600;

/// The items that a judgement found, newest first.
pub struct Found<'a> {
    items: Vec<&'a KnownItem>,
    view: View<'a>,
}

impl<'a> Found<'a> {
    /// Those behind the gates that hold.
    pub fn new(judgement: &'a Judgement, view: View<'a>) -> Self {
        let mut items = judgement.items();
        items.sort_by_key(|known| std::cmp::Reverse(known.item.day));
        Self { items, view }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// A line for each, and how many there is no room for.
    pub fn lines(&self) -> (Vec<ItemLine>, usize) {
        let lines: Vec<ItemLine> = self.items.iter().take(ITEMS_MAX).map(|known| self.line(known)).collect();
        let left_out = self.items.len() - lines.len();
        (lines, left_out)
    }

    /// `Measures To Restrict Stockpiling, and 2 more`.
    pub fn title(&self) -> String {
        let first = self.items.first().map(|known| shorten(&known.item.title, TITLE_CHARS / 2)).unwrap_or_default();
        match self.items.len().saturating_sub(1) {
            0 => first,
            more => format!("{first}, and {more} more"),
        }
    }

    /// `ends on 10 November 2026: Licences for gallium`: the nearest end of all, or the last.
    pub fn end(&self, last: bool) -> Option<String> {
        let ends = || self.items.iter().filter_map(|known| Some((known.item.ends?, known.item.title.as_str())));
        let found = if last { ends().max_by_key(|(day, _)| *day) } else { ends().min_by_key(|(day, _)| *day) };
        let more = match ends().count() {
            0 | 1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        found.map(|(day, title)| format!("ends on {}: {}{more}", day.in_words(), shorten(title, TITLE_CHARS / 2)))
    }

    /// `3 new items, published from 24 to 28 September 2026; 1 corrects another.`
    pub fn summary(&self) -> String {
        let days = || self.items.iter().map(|known| known.item.day);
        let span = match (days().min(), days().max()) {
            (Some(first), Some(last)) if first != last => {
                format!(", published from {} to {}", first.in_words(), last.in_words())
            }
            (Some(day), _) => format!(", published on {}", day.in_words()),
            _ => String::new(),
        };
        let corrections = match self.items.iter().filter(|known| known.item.corrects.is_some()).count() {
            0 => String::new(),
            1 => "; 1 corrects another".to_owned(),
            more => format!("; {more} correct others"),
        };
        format!("{}{span}{corrections}.", counted(self.items.len(), "item"))
    }

    fn line(&self, known: &KnownItem) -> ItemLine {
        let item = &known.item;
        let corrects = item.corrects.as_ref().map(|name| match self.view.corrected_by(known) {
            Some(base) => format!(
                "{} ({}), published on {}",
                shorten(&base.item.title, TITLE_CHARS),
                base.item.id,
                base.item.day.in_words()
            ),
            None => shorten(name, TITLE_CHARS),
        });
        let about: Vec<&str> = item.tags.iter().map(|(_, value)| value.as_str()).collect();
        ItemLine {
            id: item.id.clone(),
            published: item.day.to_string(),
            published_on: item.day.in_words(),
            title: shorten(&item.title, TITLE_CHARS),
            url: item.url.clone(),
            summary: shorten(&item.summary, SUMMARY_CHARS),
            about: shorten(&about.join(", "), TITLE_CHARS),
            corrects,
            effective: item.effective.map(|day| day.to_string()),
            effective_on: item.effective.map(Period::in_words),
            ends: item.ends.map(|day| day.to_string()),
            ends_on: item.ends.map(Period::in_words),
        }
    }
}
