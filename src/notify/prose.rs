//! A message as running text in a chat tool's own markup, within its limit.
//!
//! Text is cut before it is escaped, and what is left out is counted. Nothing here knows a service: what its
//! signs are, and how it counts, its [`Markup`] says.

use super::look::{self, Tone};
use super::{Parcel, REPEAT, layout};
use crate::outbox::{Brief, GateLine, ItemLine, Message, TableRow};

/// A chat tool's own signs.
pub trait Markup {
    /// Foreign text, in which nothing is read as a sign, a mention or an address.
    fn text(&self, text: &str) -> String;

    /// The same, in bold.
    fn strong(&self, text: &str) -> String;

    /// The same, as code within a line.
    fn code(&self, text: &str) -> String;

    /// Lines in columns; a tool without a fixed pitch has them as lines.
    fn block(&self, text: &str) -> String;

    /// Foreign text that leads to an address on the web.
    fn link(&self, text: &str, address: &str) -> String;

    /// How the tool counts what was written for it.
    fn length(&self, rendered: &str) -> usize;

    /// Between two lines.
    fn line_break(&self) -> &'static str {
        "\n"
    }

    /// Columns of a block, at most; 0 where the tool has no fixed pitch, and columns would not stand.
    fn width(&self) -> usize {
        64
    }
}

/// How much of each part is said.
#[derive(Clone, Copy)]
pub struct Room {
    /// Items, gates, revisions and sources, at most, each.
    parts: usize,
    /// Rows of the table: the newest.
    rows: usize,
    /// Characters of one text.
    pub text: usize,
}

/// From all of it to next to nothing.
const ROOMS: [Room; 8] = [
    Room { parts: 20, rows: 24, text: 2000 },
    Room { parts: 10, rows: 13, text: 800 },
    Room { parts: 6, rows: 7, text: 400 },
    Room { parts: 4, rows: 4, text: 250 },
    Room { parts: 3, rows: 2, text: 160 },
    Room { parts: 2, rows: 0, text: 120 },
    Room { parts: 1, rows: 0, text: 60 },
    Room { parts: 1, rows: 0, text: 20 },
];

/// Characters of a title that stands by itself, at most.
pub const TITLE_CHARS: usize = 300;

/// Characters of a page's title, at most.
const PAGE_CHARS: usize = 40;

/// `🔴 CRITICAL: what, where, how much, since when`, cut at so many characters.
pub fn headline(message: &Message, limit: usize) -> String {
    look::line(&format!("{} {}: {}", Tone::of(message).emoji(), look::word(message), message.title), limit)
}

/// The whole message, the title first, no longer than `limit` as the tool counts.
pub fn letter(parcel: Parcel<'_>, markup: &dyn Markup, limit: usize) -> String {
    let with = |room: Room| {
        let title = markup.strong(&headline(parcel.message(), room.text.min(TITLE_CHARS)));
        [vec![title], paragraphs(parcel, markup, room)].concat().join(markup.line_break())
    };
    fitting(limit, |text: &String| markup.length(text), with)
}

/// All but the title, for a tool that has a place for it; no longer than `limit` as the tool counts.
pub fn body(parcel: Parcel<'_>, markup: &dyn Markup, limit: usize) -> String {
    fitting(
        limit,
        |text: &String| markup.length(text),
        |room| paragraphs(parcel, markup, room).join(markup.line_break()),
    )
}

/// The title and what is said of it, without evidence; no longer than `limit` as the tool counts.
pub fn note(parcel: Parcel<'_>, markup: &dyn Markup, limit: usize) -> String {
    let message = parcel.message();
    let with = |room: Room| {
        let title = markup.strong(&headline(message, room.text.min(TITLE_CHARS)));
        let said = opening(parcel, room).into_iter().map(|text| markup.text(&text));
        let identity = markup.text(&look::line(&look::identity(message), room.text));
        let page = look::page(message).map(|page| markup.link("Open the alert", page));
        std::iter::once(title).chain(said).chain([identity]).chain(page).collect::<Vec<_>>().join(markup.line_break())
    };
    fitting(limit, |text: &String| markup.length(text), with)
}

/// A text in the tool's signs, no longer than `limit` as the tool counts.
pub fn within(markup: &dyn Markup, text: &str, limit: usize) -> String {
    let mut room = limit;
    loop {
        let said = markup.text(&look::line(text, room));
        let over = markup.length(&said).saturating_sub(limit);
        if over == 0 || room == 0 {
            return said;
        }
        // No character is written with more than eight.
        room = room.saturating_sub((over / 8).max(1));
    }
}

/// Where to read more: pages with what they are, the items' own before the sources'. An address that is no
/// address, or longer than so many bytes, is left out.
pub fn pages(message: &Message, limit: usize) -> Vec<(String, &str)> {
    let items = message.items.iter().filter_map(|item| Some((item.title.clone(), item.url.as_deref()?)));
    let sources = message.sources.iter().map(|source| (format!("Source: {}", source.feed), source.url.as_str()));
    let mut pages: Vec<(String, &str)> = Vec::new();
    for (title, url) in items.chain(sources) {
        let is_known = pages.iter().any(|(_, known)| *known == url);
        // A source whose secret is hidden (`<secret>`) leads nowhere.
        let leads = layout::is_address(url) && !url.contains(['<', '>', '"']) && url::Url::parse(url).is_ok();
        if leads && !is_known && url.len() <= limit {
            pages.push((look::line(&title, PAGE_CHARS), url));
        }
    }
    pages
}

/// The most that fits; where not even the least does, the least.
pub fn fitting<T>(limit: usize, length: impl Fn(&T) -> usize, with: impl Fn(Room) -> T) -> T {
    let [most, less @ ..] = ROOMS;
    let mut tried = with(most);
    for room in less {
        if length(&tried) <= limit {
            break;
        }
        tried = with(room);
    }
    tried
}

/// What is said of the title: that it may be a repeat, and the summary.
pub fn opening(parcel: Parcel<'_>, room: Room) -> Vec<String> {
    let mut said: Vec<String> = parcel.maybe_delivered.then(|| REPEAT.to_owned()).into_iter().collect();
    said.extend(look::summary(parcel.message(), room.text));
    said
}

/// Everything after the title, a line each.
fn paragraphs(parcel: Parcel<'_>, markup: &dyn Markup, room: Room) -> Vec<String> {
    let message = parcel.message();
    let text = |text: &str| markup.text(&look::line(text, room.text));
    let mut lines: Vec<String> = opening(parcel, room).iter().map(|said| markup.text(said)).collect();
    lines.extend(listed(markup, room, "Said before", &look::said(message).into_iter().collect::<Vec<_>>()));
    lines.extend(listed(markup, room, "Revised", &look::revisions(message)));
    lines.extend(items(message, markup, room));
    lines.extend(gates(message, markup, room));
    lines.extend(table(message, markup, room));
    lines.extend(listed(markup, room, "Clears", &message.clears.clone().into_iter().collect::<Vec<_>>()));
    lines.extend(sources(message, markup, room));
    lines.push(format!("{} {}", markup.text("Rule:"), markup.code(&look::line(&look::rule(message), room.text))));
    lines.push(text(&look::identity(message)));
    lines.extend(look::page(message).map(|page| markup.link("Open the alert", page)));
    lines
}

/// `Name: one`, or several below each other.
fn listed(markup: &dyn Markup, room: Room, name: &str, texts: &[String]) -> Option<String> {
    let lines = lines(markup, room, texts).join(markup.line_break());
    (!texts.is_empty()).then(|| format!("{} {lines}", markup.strong(&format!("{name}:"))))
}

/// Where the figures came from; a source on the web leads there.
fn sources(message: &Message, markup: &dyn Markup, room: Room) -> Option<String> {
    let told = look::sources(message);
    let address = |text: &String| {
        let source = message.sources.iter().find(|source| text.contains(&source.url));
        source.map(|source| source.url.as_str()).filter(|url| layout::is_address(url))
    };
    let (shown, more) = look::some(&told, room.parts);
    let link = |text: &String| match address(text) {
        Some(url) => markup.link(&look::line(text, room.text), url),
        None => markup.text(&look::line(text, room.text)),
    };
    let lines: Vec<String> = shown.iter().map(link).chain(more.map(|more| markup.text(&more))).collect();
    (!lines.is_empty()).then(|| format!("{} {}", markup.strong("Source:"), lines.join(markup.line_break())))
}

/// Texts, each by itself, and how many more there are.
fn lines(markup: &dyn Markup, room: Room, texts: &[String]) -> Vec<String> {
    let (shown, more) = look::some(texts, room.parts);
    shown.iter().map(|text| look::line(text, room.text)).chain(more).map(|text| markup.text(&text)).collect()
}

/// What has a name, for a card that shows names and values: `Said before`, `Why`, `Source`, …, with the lines of each.
pub fn facts(message: &Message, markup: &dyn Markup, room: Room) -> Vec<(&'static str, Vec<String>)> {
    let lines = |texts: Vec<String>| lines(markup, room, &texts);
    let mut facts = vec![
        ("Said before", lines(look::said(message).into_iter().collect())),
        ("Revised", lines(look::revisions(message))),
        ("Why", gates(message, markup, room)),
        ("Clears", lines(message.clears.clone().into_iter().collect())),
        ("Source", lines(look::sources(message))),
        ("Rule", vec![markup.code(&look::line(&look::rule(message), room.text))]),
    ];
    facts.iter_mut().for_each(|(_, lines)| lines.retain(|line| !line.trim().is_empty()));
    facts.retain(|(_, lines)| !lines.is_empty());
    facts
}

/// The last periods as names and values, for a card that has no columns: `2025-09`, `420.5 t, −28.7 %, known since …`.
pub fn periods(message: &Message, markup: &dyn Markup, room: Room) -> Vec<(String, String)> {
    if room.rows == 0 || message.table.is_empty() {
        return Vec::new();
    }
    let left_out = message.table.len().saturating_sub(room.rows);
    let told = |row: &TableRow| {
        let cells = look::cells(row).map(|cell| look::line(&cell, room.text).trim().to_owned());
        let text = |text: &str| markup.text(if text.is_empty() { "—" } else { text });
        (text(&cells[0]), text(&layout::said(&cells, &[1, 2, 3, 4, 5])))
    };
    let before = (left_out > 0).then(|| ("…".to_owned(), format!("and {left_out} more before")));
    before.into_iter().chain(message.table[left_out..].iter().map(told)).collect()
}

/// The items, and what else the message tells, each by itself, its address behind it.
pub fn items(message: &Message, markup: &dyn Markup, room: Room) -> Vec<String> {
    let (shown, more) = look::some(&message.items, room.parts);
    let left_out = message.items.len() - shown.len() + message.items_left_out;
    let told = |item: &ItemLine| {
        let said = look::line(&look::item(item), room.text);
        match item.url.as_deref().filter(|url| layout::is_address(url)) {
            Some(url) => format!("• {}", markup.link(&said, url)),
            None => format!("• {}", markup.text(&said)),
        }
    };
    let more = more.or_else(|| look::items_left_out(message)).and_then(|_| look::and_more(left_out));
    let items = shown.iter().map(told).chain(more.map(|more| markup.text(&more)));
    items.chain(others(message, markup, room)).collect()
}

/// What else the message tells, under a name.
fn others(message: &Message, markup: &dyn Markup, room: Room) -> Vec<String> {
    let (shown, more) = look::some(&message.others, room.parts);
    let told = |brief: &Brief| {
        let said = look::line(&look::other(brief), room.text.min(TITLE_CHARS));
        match brief.url.as_deref().filter(|url| layout::is_address(url)) {
            Some(url) => format!("• {}", markup.link(&said, url)),
            None => format!("• {}", markup.text(&said)),
        }
    };
    let name = (!shown.is_empty()).then(|| markup.text("Also:"));
    name.into_iter().chain(shown.iter().map(told)).chain(more.map(|more| markup.text(&more))).collect()
}

/// `✓ holds: declines >= 2 — declines = 2`, a line each.
fn gates(message: &Message, markup: &dyn Markup, room: Room) -> Vec<String> {
    let (shown, more) = look::some(&message.gates, room.parts);
    let told = |gate: &GateLine| {
        let mark = format!("{} {}:", look::gate_mark(gate), look::line(&gate.verdict, 40));
        let (text, value) = (look::line(&gate.text, room.text), look::line(&gate.value, room.text));
        format!("{} {} {}", markup.text(&mark), markup.code(&text), markup.text(&value))
    };
    shown.iter().map(told).chain(more.map(|more| markup.text(&more))).collect()
}

/// The last periods in columns, the newest of them where there is no room for all.
pub fn table(message: &Message, markup: &dyn Markup, room: Room) -> Option<String> {
    let left_out = message.table.len().saturating_sub(room.rows);
    let shorter = Message { table: message.table[left_out..].to_vec(), ..message.clone() };
    let text = match markup.width() {
        0 => layout::rows(&shorter).join(markup.line_break()),
        width => layout::flush(&layout::table(&shorter, width + layout::INDENT.len())),
    };
    if text.is_empty() {
        return None;
    }
    let before = (left_out > 0).then(|| markup.text(&format!("… and {left_out} more before")));
    Some(before.into_iter().chain([markup.block(&text)]).collect::<Vec<_>>().join(markup.line_break()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::double::{corrected, delivery, fired, gathered, noticed, parcel};

    /// Signs that show what became of each text.
    struct Plain;

    impl Markup for Plain {
        fn text(&self, text: &str) -> String {
            text.replace('<', "&lt;")
        }
        fn strong(&self, text: &str) -> String {
            format!("<b>{}</b>", self.text(text))
        }
        fn code(&self, text: &str) -> String {
            format!("<code>{}</code>", self.text(text))
        }
        fn block(&self, text: &str) -> String {
            format!("<pre>\n{}\n</pre>", self.text(text))
        }
        fn link(&self, text: &str, address: &str) -> String {
            format!("<a {address}>{}</a>", self.text(text))
        }
        fn length(&self, rendered: &str) -> usize {
            rendered.chars().count()
        }
    }

    #[test]
    fn what_else_the_message_tells_gives_way_to_the_limit() {
        let message = Message { others: [gathered().others, gathered().others].concat(), ..gathered() };
        let delivery = delivery(message);
        let text = |limit| letter(parcel(&delivery), &Plain, limit);
        let line = "• <a https://watch.example/alerts/1>▲ WARNING: China → Germany: &lt;b>magnets&lt;/b> fell for a 2nd \
                    month: 12 t in September 2025</a>";
        assert_eq!(
            (text(10_000).matches(line).count(), text(10_000).matches("✓ RESOLVED: China → Japan").count()),
            (2, 2)
        );
        assert!(text(10_000).contains("\nAlso:\n"));
        assert!(text(1200).contains("… and 2 more") && text(1200).chars().count() <= 1200, "{}", text(1200));
    }

    #[test]
    fn a_source_on_the_web_and_the_page_lead_there() {
        let mut message = Message { url: Some("https://watch.example/alerts/1".to_owned()), ..fired() };
        message.sources[0].url = "https://customs.example/magnets.csv".to_owned();
        let delivery = delivery(message);
        let text = letter(parcel(&delivery), &Plain, 10_000);
        assert!(
            text.contains("<a https://customs.example/magnets.csv>china-magnets, https://customs.example/"),
            "{text}"
        );
        assert!(text.ends_with("<a https://watch.example/alerts/1>Open the alert</a>"), "{text}");
        assert!(
            note(parcel(&delivery), &Plain, 10_000).ends_with("<a https://watch.example/alerts/1>Open the alert</a>")
        );
    }

    #[test]
    fn a_message_is_said_whole_where_there_is_room() {
        insta::assert_snapshot!(letter(parcel(&delivery(corrected())), &Plain, 10_000), @"
        <b>✏️ CORRECTED: China → US rare-earth magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t</b>
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
        <b>Said before:</b> on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        <b>Revised:</b> 2025-09: was 420.5 t, is 600 t since 2025-11-20
        ✗ fails: <code>declines >= 2</code> declines = 0
        <pre>
        period    value    change  status       known since
        2025-04       —   not published
        2025-05  46.4 t                         2025-06-20
        2025-06   353 t  +660.8 %               2025-07-20
        2025-07   619 t   +75.4 %               2025-08-20
        2025-08   590 t    −4.7 %               2025-09-20
        2025-09   600 t    +1.7 %  preliminary  2025-11-20
                 was 420.5 t until 20 November 2025
        </pre>
        <b>Source:</b> china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: <code>magnet-exports-falling: declines >= 2</code>
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(body(parcel(&delivery(noticed())), &Plain, 10_000), @r#"
        2 items, published on 24 September 2026; 1 corrects another.
        • <a https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line>24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.</a>
        • <a https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line>24 September 2026: Gallium &lt;b>list&lt;/b> (Rule, Industry and Security Bureau). Corrects Gallium &lt;b>list&lt;/b> (2026-1), published on 1 September 2026.</a>
        … and 3 more
        ✓ holds: <code>new("gallium")</code> new('gallium') = holds
        <b>Source:</b> china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: <code>magnet-exports-falling: declines >= 2</code>
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        "#);
    }

    /// The less room, the less is said, and never more than that.
    #[test]
    fn a_limit_is_kept_and_what_is_left_out_is_counted() {
        let message = corrected();
        let row = message.table[0].clone();
        let message = Message { table: vec![row; 40], ..message };
        let delivery = delivery(message);
        for limit in [4096, 2048, 1024, 600, 400] {
            let text = letter(parcel(&delivery), &Plain, limit);
            assert!(text.chars().count() <= limit, "{limit}: {text}");
            assert!(text.starts_with("<b>") && text.contains("9f3c21d07be45a68"), "{limit}: {text}");
        }
        let text = letter(parcel(&delivery), &Plain, 2048);
        assert!(text.contains(" more before\n<pre>"), "{text}");
        assert!(note(parcel(&delivery), &Plain, 4096).lines().count() <= 3);
    }

    #[test]
    fn pages_are_addresses_that_lead_somewhere() {
        let mut message = noticed();
        message.items[1].url = message.items[0].url.clone();
        let source = message.sources[0].clone();
        let of = |url: &str| crate::series::Provenance { url: url.to_owned(), ..source.clone() };
        let long = format!("https://a.example/{}", "x".repeat(200));
        message.sources =
            ["https://a.example/data", "https://a.example/?key=<secret>", "ftp://a.example/", "https://", &long]
                .map(of)
                .to_vec();
        let pages = pages(&message, 200);
        let titles: Vec<&str> = pages.iter().map(|(title, _)| title.as_str()).collect();
        assert_eq!(titles, ["Licences for gallium", "Source: china-magnets"]);
        assert_eq!(pages[1].1, "https://a.example/data");
        assert!(super::pages(&fired(), 200).is_empty(), "a file is no page");
    }

    #[test]
    fn a_repeat_says_so() {
        let delivery = delivery(fired());
        let marked = Parcel { maybe_delivered: true, ..parcel(&delivery) };
        for text in [letter(marked, &Plain, 4096), body(marked, &Plain, 4096), note(marked, &Plain, 4096)] {
            assert!(text.contains(REPEAT), "{text}");
        }
    }
}
