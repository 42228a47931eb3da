//! RSS (0.9x, 1.0, 2.0) and Atom: from bytes to entries, by the crate `feed-rs`.
//!
//! What a publisher may leave out is `None` here; what an entry means is the publisher's business. Text is plain and
//! on one line, addresses are whole, and dates are those of RFC 822 and 3339 in all the ways in which they are
//! written wrongly.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use feed_rs::model::{self, FeedType};
use feed_rs::parser::{Builder, ParseFeedError};
use url::Url;

use super::html::{line, text};
use super::no_page;
use crate::base::civil;
use crate::base::text::{printable, shorten};
use crate::feed::ParseError;
use crate::feed::published;

/// One entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The publisher's name for it (`guid`, `id`).
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// Where it is to be read.
    pub url: Option<Url>,
    /// What it says in short.
    pub summary: String,
    /// When it was published, or else updated.
    pub published: Option<DateTime<Utc>>,
    /// How the publisher sorts it.
    pub categories: Vec<String>,
}

/// What is expected, for messages.
const EXPECTED: &str = "an RSS or Atom feed";

/// Reads a feed. Addresses within it are told from `base`, days from the midnight of `zone`. An empty feed is one.
pub fn read(body: &[u8], base: Option<&Url>, zone: Tz) -> Result<Vec<Entry>, ParseError> {
    let start = no_page(body, EXPECTED)?;
    if !start.starts_with(b"<") {
        let found = shorten(&String::from_utf8_lossy(&start[..start.len().min(60)]), 40);
        return Err(ParseError::Foreign { expected: EXPECTED, found: format!("`{}`", printable(&found)) });
    }
    let parser = Builder::new()
        .base_uri(base.map(Url::as_str))
        .sanitize_content(false)
        // An entry without a name is named by whoever knows what must not change.
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(move |text| instant(text, zone))
        .build();
    let feed = parser.parse(body).map_err(fault)?;
    let is_atom = feed.feed_type == FeedType::Atom;
    let home = feed.links.first().and_then(|link| Url::parse(&link.href).ok());
    let base = home.as_ref().or(base);
    Ok(feed.entries.into_iter().map(|entry| read_entry(entry, is_atom, base)).collect())
}

fn fault(error: ParseFeedError) -> ParseError {
    let reason = shorten(&printable(&error.to_string()), 200);
    match error {
        ParseFeedError::ParseError(feed_rs::parser::ParseErrorKind::NoFeedRoot) => {
            ParseError::Foreign { expected: EXPECTED, found: "another XML document".to_owned() }
        }
        _ => ParseError::Malformed { row: 1, reason },
    }
}

fn read_entry(entry: model::Entry, is_atom: bool, base: Option<&Url>) -> Entry {
    let words = |text: model::Text| words(&text.content, is_atom && text.content_type.subty() == "plain");
    let body = entry.content.and_then(|content| content.body).map(|body| text(&body));
    Entry {
        id: Some(line(&entry.id)).filter(|id| !id.is_empty()),
        title: entry.title.map(words).unwrap_or_default(),
        url: address(&entry.links, base),
        summary: entry.summary.map(words).filter(|text| !text.is_empty()).or(body).unwrap_or_default(),
        published: entry.published.or(entry.updated),
        categories: entry
            .categories
            .into_iter()
            .map(|category| line(&category.label.unwrap_or(category.term)))
            .collect(),
    }
}

/// Atom says what is plain; in RSS everybody writes HTML everywhere.
fn words(content: &str, plain: bool) -> String {
    if plain { line(content) } else { text(content) }
}

/// Where an entry is to be read: on the web, and nowhere else.
fn address(links: &[model::Link], base: Option<&Url>) -> Option<Url> {
    let own = links.iter().filter(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
    let whole = |link: &model::Link| match Url::parse(link.href.trim()) {
        Err(url::ParseError::RelativeUrlWithoutBase) => base?.join(link.href.trim()).ok(),
        parsed => parsed.ok(),
    };
    own.filter_map(whole).find(|url| matches!(url.scheme(), "http" | "https"))
}

/// The forms of RFC 822 without a weekday, which is often wrong and says nothing.
const OFFSET: [&str; 4] = ["%d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M %z", "%d %B %Y %H:%M:%S %z", "%d %B %Y %H:%M %z"];
const CIVIL: [&str; 4] = ["%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %B %Y %H:%M:%S", "%d %B %Y %H:%M"];
const DAY: [&str; 2] = ["%d %b %Y", "%d %B %Y"];
/// Names of zones, and what they are east of Greenwich; what is not here is read as the feed's own time.
const ZONES: [(&str, &str); 13] = [
    ("UTC", "+0000"),
    ("UT", "+0000"),
    ("GMT", "+0000"),
    ("Z", "+0000"),
    ("EST", "-0500"),
    ("EDT", "-0400"),
    ("CET", "+0100"),
    ("CEST", "+0200"),
    ("BST", "+0100"),
    ("JST", "+0900"),
    ("KST", "+0900"),
    ("PST", "-0800"),
    ("PDT", "-0700"),
];

/// When an entry says that it was published, as RFC 3339, RFC 822, or a day of the feed's zone.
fn instant(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let text = line(text);
    if let Ok(at) = published::read(&text, zone) {
        return Some(at.utc());
    }
    let (text, offset) = without_zone(without_weekday(&text));
    let text = whole_year(&text);
    let with_offset = offset.map_or_else(|| text.clone(), |offset| format!("{text} {offset}"));
    if let Some(at) = OFFSET.iter().find_map(|form| DateTime::parse_from_str(&with_offset, form).ok()) {
        return Some(at.to_utc());
    }
    let day = |form: &&str| NaiveDate::parse_from_str(&text, form).ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    let time = CIVIL.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok());
    time.or_else(|| DAY.iter().find_map(day)).map(|time| civil::instant(time, zone).utc())
}

/// `Thurs, 24 Sep 2026` without its weekday.
fn without_weekday(text: &str) -> &str {
    match text.split_once(',') {
        Some((weekday, rest)) if weekday.chars().all(char::is_alphabetic) => rest.trim_start(),
        _ => text,
    }
}

/// A text and the offset at its end, by name or number.
fn without_zone(text: &str) -> (String, Option<&'static str>) {
    let Some((rest, last)) = text.rsplit_once(' ') else { return (text.to_owned(), None) };
    if last.starts_with(['+', '-']) {
        return (text.to_owned(), None);
    }
    match ZONES.iter().find(|(name, _)| name.eq_ignore_ascii_case(last)) {
        Some((_, offset)) => (rest.to_owned(), Some(offset)),
        None if last.chars().all(char::is_alphabetic) => (rest.to_owned(), None),
        None => (text.to_owned(), None),
    }
}

/// `24 Sep 26 10:00` with its whole year, by RFC 2822: below 50 is of this century.
fn whole_year(text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    if let Some(year) = words.get_mut(2).filter(|year| year.len() == 2)
        && let Ok(number) = year.parse::<u32>()
    {
        *year = (if number < 50 { 2000 + number } else { 1900 + number }).to_string();
    }
    words.join(" ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(body: &str) -> Result<Vec<Entry>, String> {
        let base = Url::parse("https://ministry.example/news/feed.xml").unwrap();
        read(body.as_bytes(), Some(&base), chrono_tz::Asia::Shanghai).map_err(|error| error.to_string())
    }

    fn told(body: &str) -> String {
        let entries = match read_all(body) {
            Ok(entries) => entries,
            Err(error) => return error,
        };
        let line = |entry: &Entry| {
            let id = entry.id.as_deref().unwrap_or("-");
            let url = entry.url.as_ref().map_or("-", Url::as_str);
            let at = entry.published.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339());
            format!("{id} | {} | {url} | {at} | {} | {}", entry.title, entry.summary, entry.categories.join(", "))
        };
        entries.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn rss_in_its_versions() {
        let two = r#"<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Notices</title>
            <link>https://ministry.example/</link><description/>
            <item><guid isPermaLink="false">N-18</guid><title>Licences for &lt;b&gt;rare earth&lt;/b&gt; items</title>
            <link>/notices/18</link><pubDate>Thu, 24 Sep 26 09:30:00 EST</pubDate><category>Export control</category>
            <description><![CDATA[<p>From&nbsp;today on.</p><script>x()</script>]]></description></item>
            <item><title>No name, no date</title><link>https://ministry.example/notices/19</link></item>
            </channel></rss>"#;
        insta::assert_snapshot!(told(two), @"
        N-18 | Licences for rare earth items | https://ministry.example/notices/18 | 2026-09-24T14:30:00+00:00 | From today on. | Export control
        - | No name, no date | https://ministry.example/notices/19 | - |  |
        ");
        let one = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
            xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://m.example/"><title>N</title>
            <link>https://m.example/</link><description>d</description></channel>
            <item rdf:about="https://m.example/1"><title>Gallium</title><link>https://m.example/1</link>
            <dc:date>2026-09-24</dc:date></item></rdf:RDF>"#;
        insta::assert_snapshot!(told(one), @"- | Gallium | https://m.example/1 | 2026-09-23T16:00:00+00:00 |  |");
    }

    #[test]
    fn atom_with_relative_addresses_and_updates() {
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://office.example/press/"><title>P</title>
            <id>urn:x</id><updated>2026-09-24T00:00:00Z</updated>
            <entry><id>urn:x:1</id><title type="text">Prices &lt;b&gt; 5 and > 6</title><link href="2026/1.html"/>
            <updated>2026-09-24T08:00:00+08:00</updated><summary type="html">&lt;i&gt;Short&lt;/i&gt;</summary></entry>
            <entry><id>urn:x:2</id><title type="html">A &amp;amp; B</title><link rel="enclosure" href="x.mp3"/>
            <link rel="alternate" href="javascript:alert(1)"/><published>2026-09-23T00:00:00Z</published>
            <updated>2026-09-25T00:00:00Z</updated></entry></feed>"#;
        insta::assert_snapshot!(told(atom), @"
        urn:x:1 | Prices <b> 5 and > 6 | https://office.example/press/2026/1.html | 2026-09-24T00:00:00+00:00 | Short | 
        urn:x:2 | A & B | - | 2026-09-23T00:00:00+00:00 |  |
        ");
    }

    #[test]
    fn what_is_no_feed_is_an_error_and_an_empty_one_is_none() {
        let empty = r#"<rss version="2.0"><channel><title>N</title></channel></rss>"#;
        assert_eq!(read_all(empty), Ok(Vec::new()));
        let broken = r#"<rss version="2.0"><channel><item><title>A</title>"#;
        let told: Vec<String> = [
            "<!DOCTYPE html><title>Maintenance</title>",
            "",
            "{\"message\":\"no\"}",
            "period,value",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
            broken,
        ]
        .into_iter()
        .map(told)
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        expected an RSS or Atom feed, found a web page titled "Maintenance"
        the response is empty
        expected an RSS or Atom feed, found `{"message":"no"}`
        expected an RSS or Atom feed, found `period,value`
        expected an RSS or Atom feed, found another XML document
        row 1: unable to parse XML: Parser error: syntax error: tag not closed: `>` not found before end of input
        "#);
    }

    #[test]
    fn dates_as_they_are_written() {
        let check = |text: &str, expected: &str| {
            let read = instant(text, chrono_tz::Asia::Shanghai).map(|at| at.format("%Y-%m-%dT%H:%MZ").to_string());
            assert_eq!(read.as_deref().unwrap_or("-"), expected, "{text}");
        };
        check("Thu, 24 Sep 2026 10:00:00 GMT", "2026-09-24T10:00Z");
        check("Fri, 24 Sep 2026 10:00:00 +0800", "2026-09-24T02:00Z");
        check("24 Sep 26 10:00 EDT", "2026-09-24T14:00Z");
        check("Thursday, 24 September 2026 10:00:00 UTC", "2026-09-24T10:00Z");
        check("Thu, 4 Sep 2026 10:00:00 XYZ", "2026-09-04T02:00Z");
        check("Thu, 24 Sep 2026", "2026-09-23T16:00Z");
        check("2026-09-24T10:00:00.123+08:00", "2026-09-24T02:00Z");
        check("2026-09-24 10:00", "2026-09-24T02:00Z");
        check("24 Sep 99 10:00 GMT", "1999-09-24T10:00Z");
        check("soon", "-");
        check("", "-");
        check("32 Foo 2026 99:99 GMT", "-");
    }
}
