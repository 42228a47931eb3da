//! What a message says beside its title and summary, as named lines: for services that keep such things apart.
//!
//! Nothing here knows a service or a markup.

use sha2::{Digest, Sha256};

use super::{layout, look};
use crate::base::text::hex;
use crate::outbox::{GateLine, ItemLine, Message};

/// A name, and the lines under it: at least one.
pub type Fact = (&'static str, Vec<String>);

/// The facts, each of at most so many lines, each line of at most so many characters and safe to show. What is
/// left out is counted.
pub fn facts(message: &Message, lines: usize, chars: usize) -> Vec<Fact> {
    let facts = [
        ("Said before", look::said(message).into_iter().collect()),
        ("Revised", look::revisions(message)),
        ("Items", items(message, lines)),
        ("Also", look::others(message)),
        ("Why", message.gates.iter().map(gate).collect()),
        ("Figures", figures(message, lines)),
        ("Clears", message.clears.clone().into_iter().collect()),
        ("Source", look::sources(message)),
        ("Rule", vec![look::rule(message)]),
        ("Series", vec![look::series(message)]),
        ("Alert", vec![look::identity(message)]),
    ];
    let cut = |(name, texts): (&'static str, Vec<String>)| {
        let (shown, more) = look::some(&texts, lines);
        let shown = shown.iter().cloned().chain(more).map(|text| look::line(&text, chars));
        (name, shown.filter(|text| !text.is_empty()).collect::<Vec<_>>())
    };
    facts.into_iter().map(cut).filter(|(_, texts)| !texts.is_empty()).collect()
}

/// What names the matter that a message opens, goes on with or closes: the same for all messages of an episode
/// (or of an item and its corrections), and for no other. 64 hex digits.
pub fn matter(message: &Message) -> String {
    hex(&Sha256::digest(message.thread().as_bytes()))
}

/// The items with their addresses; those that the message has not are counted with those left out here.
fn items(message: &Message, lines: usize) -> Vec<String> {
    let fits = message.items.len() + usize::from(message.items_left_out > 0) <= lines;
    let shown = if fits { message.items.len() } else { lines.saturating_sub(1) };
    let left_out = message.items.len() - shown + message.items_left_out;
    let told = |item: &ItemLine| match &item.url {
        Some(url) => format!("{} {url}", look::item(item)),
        None => look::item(item),
    };
    message.items[..shown].iter().map(told).chain(look::and_more(left_out)).collect()
}

/// `✓ holds: declines >= 2 (declines = 2)`.
fn gate(gate: &GateLine) -> String {
    format!("{} {}: {} ({})", look::gate_mark(gate), gate.verdict, gate.text, gate.value)
}

/// The newest periods, a line each.
fn figures(message: &Message, lines: usize) -> Vec<String> {
    let left_out = if message.table.len() > lines { message.table.len() - lines + 1 } else { 0 };
    let before = (left_out > 0).then(|| format!("… and {left_out} more before"));
    before.into_iter().chain(layout::rows(message).into_iter().skip(left_out)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::double::{corrected, fired, noticed, resolved};

    #[test]
    fn what_is_left_out_is_counted() {
        let message = Message { table: vec![fired().table[5].clone(); 40], ..fired() };
        let facts = facts(&message, 4, 60);
        let figures = &facts.iter().find(|(name, _)| *name == "Figures").unwrap().1;
        assert_eq!(figures[0], "… and 37 more before");
        assert_eq!(figures[1..], vec!["2025-09, 420.5 t, −28.7 %, known since 2025-10-20"; 3]);
        let noticed = Message { items: vec![noticed().items[0].clone(); 6], ..noticed() };
        let items = &super::facts(&noticed, 4, 2000)[0].1;
        assert_eq!((items.len(), items[3].as_str()), (4, "… and 6 more"));
        assert!(items[0].ends_with("wider-than-a-line"), "{items:?}");
        assert!(facts.iter().flat_map(|(_, lines)| lines).all(|line| line.chars().count() <= 60));
        assert!(facts.iter().all(|(name, _)| *name != "Said before"));
    }

    #[test]
    fn one_matter_is_one_episode() {
        assert_eq!(matter(&fired()), matter(&resolved()));
        assert_eq!(matter(&fired()), matter(&corrected()));
        assert_ne!(matter(&fired()), matter(&noticed()));
        let mut later = fired();
        later.alert.episode = 2;
        assert_ne!(matter(&fired()), matter(&later));
        assert_eq!(matter(&later).len(), 64);
    }
}
