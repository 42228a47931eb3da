//! How a message announces itself: a word, a tone, a mark. The same in every channel, so that someone
//! who gets it in two places sees that it is one.
//!
//! No markup is known here, and no layout.

use super::layout;
use crate::alert::Kind;
use crate::base::clock::Timestamp;
use crate::base::text::{printable, shorten};
use crate::outbox::{Brief, GateLine, ItemLine, Message, TableRow};
use crate::rule::Severity;
use crate::series::Provenance;

/// What the message means for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Act.
    Critical,
    /// Look at it soon.
    Warning,
    /// Good to know.
    Info,
    /// It is over.
    Resolved,
    /// It was said on a figure that has been revised since.
    Corrected,
    /// The watching ended.
    Ended,
}

impl Tone {
    /// The tone of a message.
    pub const fn of(message: &Message) -> Self {
        Self::new(message.kind, message.severity, message.closes())
    }

    /// The tone of what is told of a transition, and whether that ends an episode.
    const fn new(kind: Kind, severity: Severity, closes: bool) -> Self {
        match (kind, severity) {
            (Kind::Resolved, _) => Self::Resolved,
            (Kind::Corrected, _) if closes => Self::Corrected,
            (Kind::Lapsed, _) => Self::Ended,
            (_, Severity::Critical) => Self::Critical,
            (_, Severity::Warning) => Self::Warning,
            (_, Severity::Info) => Self::Info,
        }
    }

    /// A colour that white text can be read on and that reads on white and on black alike.
    pub const fn colour(self) -> &'static str {
        match self {
            Self::Critical => "#c62828",
            Self::Warning => "#b45f06",
            Self::Info => "#1f6feb",
            Self::Resolved => "#2e7d32",
            Self::Corrected => "#7b4fb5",
            Self::Ended => "#6e7781",
        }
    }

    /// A mark for plain text, one column wide.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Critical | Self::Warning => "▲",
            Self::Info => "●",
            Self::Resolved => "✓",
            Self::Corrected => "✎",
            Self::Ended => "○",
        }
    }

    /// A mark for chat tools.
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Critical => "🔴",
            Self::Warning => "🟠",
            Self::Info => "🔵",
            Self::Resolved => "✅",
            Self::Corrected => "✏️",
            Self::Ended => "⚪",
        }
    }
}

/// The word that a message begins with: `CRITICAL`, `STILL CRITICAL`, `RESOLVED`, …
pub fn word(message: &Message) -> String {
    match message.kind {
        Kind::Corrected if !message.closes() && !message.items.is_empty() => {
            format!("{} CORRECTED", message.severity.name().to_uppercase())
        }
        kind => standing(kind, message.severity, message.closes()),
    }
}

/// The same of a transition, where no more is known of it.
fn standing(kind: Kind, severity: Severity, closes: bool) -> String {
    let severity = severity.name().to_uppercase();
    match kind {
        Kind::Fired => severity,
        Kind::Continued => format!("STILL {severity}"),
        Kind::Escalated | Kind::Eased => format!("NOW {severity}"),
        Kind::Resolved => "RESOLVED".to_owned(),
        Kind::Corrected if closes => "CORRECTED".to_owned(),
        Kind::Corrected => format!("{severity} AFTER REVISION"),
        Kind::Lapsed => "ENDED".to_owned(),
    }
}

/// A mark for a gate's verdict.
pub fn gate_mark(gate: &GateLine) -> &'static str {
    match gate.verdict.as_str() {
        "holds" => "✓",
        "fails" => "✗",
        _ => "?",
    }
}

/// `2025-10-20 01:00 UTC`.
pub fn minute(at: Timestamp) -> String {
    at.utc().format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The series by its labels: `feed china-magnets, hs 85051110, partner US`.
pub fn series(message: &Message) -> String {
    let labels: Vec<String> = message.alert.labels.iter().map(|(name, value)| format!("{name} {value}")).collect();
    labels.join(", ")
}

/// The rule by its name, and as written.
pub fn rule(message: &Message) -> String {
    let text = &message.rule_text;
    if text.is_empty() { message.alert.rule.clone() } else { format!("{}: {text}", message.alert.rule) }
}

/// Where the figures came from, a line for each source.
pub fn sources(message: &Message) -> Vec<String> {
    let told =
        |source: &Provenance| format!("{}, {}, retrieved {}", source.feed, source.url, minute(source.retrieved_at));
    let mut lines: Vec<String> = message.sources.iter().map(told).collect();
    lines.dedup();
    lines
}

/// The address of the alert's page, where it can be followed.
pub fn page(message: &Message) -> Option<&str> {
    message.url.as_deref().filter(|url| layout::is_address(url))
}

/// What was said before, where something was.
pub fn said(message: &Message) -> Option<String> {
    let said = message.said.as_ref()?;
    Some(format!("on {}: {}", said.on, said.title))
}

/// The revised figures, a line each.
pub fn revisions(message: &Message) -> Vec<String> {
    let told = message.revisions.iter().map(|revision| {
        format!("{}: was {}, is {} since {}", revision.period, revision.old, revision.new, revision.known_on)
    });
    told.collect()
}

/// An item in words, without its address: `24 September 2026: Title (Rule, Industry and Security Bureau)`.
pub fn item(item: &ItemLine) -> String {
    let about = if item.about.is_empty() { String::new() } else { format!(" ({})", item.about) };
    let said = |word: &str, what: &Option<String>| what.as_ref().map(|what| format!(" {word} {what}."));
    let more = [
        said("Corrects", &item.corrects),
        said("Effective", &item.effective_on),
        said("Until", &item.ends_on),
        Some(&item.summary).filter(|summary| !summary.is_empty()).map(|summary| format!(" {summary}")),
    ];
    let end = if more.iter().any(Option::is_some) { "." } else { "" };
    format!("{}: {}{about}{end}{}", item.published_on, item.title, more.into_iter().flatten().collect::<String>())
}

/// The items, each in words with its address, and how many are left out.
pub fn items(message: &Message) -> Vec<String> {
    let told = |line: &ItemLine| match &line.url {
        Some(url) => format!("{} {url}", item(line)),
        None => item(line),
    };
    message.items.iter().map(told).chain(items_left_out(message)).collect()
}

/// `… and 3 more`, where there are more items than the message has.
pub fn items_left_out(message: &Message) -> Option<String> {
    and_more(message.items_left_out)
}

/// `… and 3 more`; nothing where there are none.
pub fn and_more(left_out: usize) -> Option<String> {
    (left_out > 0).then(|| format!("… and {left_out} more"))
}

/// What else it tells, each in words with a mark: `▲ WARNING: what, where, how much, since when`.
pub fn others(message: &Message) -> Vec<String> {
    message.others.iter().map(other).collect()
}

/// One of them.
pub fn other(brief: &Brief) -> String {
    let Brief { kind, severity, closes, title, .. } = brief;
    format!("{} {}: {title}", Tone::new(*kind, *severity, *closes).mark(), standing(*kind, *severity, *closes))
}

/// What the message is, for whoever looks into the matter.
pub fn identity(message: &Message) -> String {
    let alert = &message.alert;
    let (number, at) = (message.number, minute(message.at));
    format!("{}, episode {}, message {number}, {at}, {}", alert.id, alert.episode, message.program)
}

/// The headings of a message's table.
pub const HEADINGS: [&str; 6] = ["period", "value", "change", "status", "known since", "note"];

/// The cells of a row, in the order of [`HEADINGS`]; empty where there is nothing to say.
pub fn cells(row: &TableRow) -> [String; 6] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [row.period.clone(), row.value.clone(), text(&row.change), text(&row.status), text(&row.known_on), text(&row.note)]
}

/// `text` on one line for people: what is hostile made visible, and no longer than `limit` characters.
pub fn line(text: &str, limit: usize) -> String {
    shorten(&printable(&shorten(text, limit)), limit)
}

/// What is said of the title, in lines of its own where a template wrote them; no longer than `limit` characters together.
pub fn summary(message: &Message, limit: usize) -> Vec<String> {
    match message.told.as_ref().and_then(|told| told.body.as_ref()) {
        None => Some(line(&message.summary, limit)).filter(|line| !line.trim().is_empty()).into_iter().collect(),
        Some(body) => shorten(body, limit).lines().map(|one| line(one, limit)).collect(),
    }
}

/// The first of the items, and how many were left out, so that whoever reads knows.
pub fn some<T>(items: &[T], limit: usize) -> (&[T], Option<String>) {
    if items.len() <= limit {
        return (items, None);
    }
    let shown = limit.saturating_sub(1);
    (&items[..shown], and_more(items.len() - shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::double::{corrected, fired, noticed, resolved};

    #[test]
    fn every_kind_has_its_word_and_tone() {
        let message = fired();
        let look = |kind, severity| {
            let message = Message { kind, severity, ..message.clone() };
            (word(&message), Tone::of(&message), message.closes())
        };
        let table = [
            (Kind::Fired, Severity::Critical, "CRITICAL", Tone::Critical, false),
            (Kind::Continued, Severity::Warning, "STILL WARNING", Tone::Warning, false),
            (Kind::Escalated, Severity::Critical, "NOW CRITICAL", Tone::Critical, false),
            (Kind::Eased, Severity::Info, "NOW INFO", Tone::Info, false),
            (Kind::Resolved, Severity::Critical, "RESOLVED", Tone::Resolved, true),
            (Kind::Corrected, Severity::Warning, "WARNING AFTER REVISION", Tone::Warning, false),
            (Kind::Lapsed, Severity::Critical, "ENDED", Tone::Ended, true),
        ];
        for (kind, severity, word, tone, closes) in table {
            assert_eq!(look(kind, severity), (word.to_owned(), tone, closes), "{kind}");
        }
        // A correction that takes back what was said is over; one that says something new is not.
        assert_eq!((word(&corrected()), Tone::of(&corrected())), ("CORRECTED".to_owned(), Tone::Corrected));
        assert!(corrected().closes() && resolved().closes());
        let correction = Message { kind: Kind::Corrected, ..noticed() };
        assert_eq!((word(&correction), correction.closes()), ("WARNING CORRECTED".to_owned(), false));
    }

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(some(&[1, 2, 3], 3), (&[1, 2, 3][..], None));
        assert_eq!(some(&[1, 2, 3, 4], 3), (&[1, 2][..], Some("… and 2 more".to_owned())));
        assert_eq!(line("a\nb", 10), "a\\u{a}b");
        assert_eq!(line(&"x".repeat(50), 10).chars().count(), 10);
    }
}
