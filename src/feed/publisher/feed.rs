//! An RSS or Atom feed of any publisher: each entry is an item, and their number of a day a figure.
//!
//! An entry is told from others by its `guid` or `id`, else by its address, else by a hash of its title and date. What
//! such a feed leaves out it has not taken back: it shows the newest entries alone.

use sha2::{Digest, Sha256};
use url::Url;

use super::draft::{Draft, Fault};
use super::{Common, wording};
use crate::base::limits::{ITEM_ID_CHARS_MAX, ITEM_TEXT_CHARS_MAX, ITEM_TITLE_CHARS_MAX, ITEM_URL_CHARS_MAX};
use crate::base::text::{hex, shorten};
use crate::feed::format::syndication::{Entry, read};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing, Target};
use crate::period::{Frequency, Period};
use crate::series::Item;

/// A feed of entries.
#[derive(Clone, Debug)]
pub struct Syndication {
    /// Where it is.
    pub request: Request,
    /// Labels, zone.
    pub common: Common,
}

impl Publisher for Syndication {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        vec![self.request.clone()]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let zone = self.common.zone;
        let today = Period::containing(answer.standing.now.date(zone), Frequency::Day);
        let mut draft = Draft::default();
        for (index, entry) in read(answer.body, self.base().as_ref(), zone)?.into_iter().enumerate() {
            let day =
                entry.published.map(|at| Period::containing(at.with_timezone(&zone).date_naive(), Frequency::Day));
            draft.item(index + 1, item(entry, day.unwrap_or(today)))?;
        }
        let mut page = draft.finish();
        if page.rows == 0 {
            page.note = Some("the feed has no entries".to_owned());
        }
        Ok(page)
    }
}

impl Syndication {
    /// What addresses within it are told from: its own, without a query, which may be a secret.
    fn base(&self) -> Option<Url> {
        let Target::Http { url, .. } = &self.request.target else { return None };
        let mut base = url.clone();
        base.set_query(None);
        Some(base)
    }
}

/// An entry as an item.
fn item(entry: Entry, day: Period) -> Result<Item, Fault> {
    let Entry { id, title, url, summary, published, categories } = entry;
    if title.is_empty() && summary.is_empty() {
        return Err(Fault::whole("an entry without a title and without a text"));
    }
    let url = url.map(String::from).filter(|url| url.chars().count() <= ITEM_URL_CHARS_MAX);
    let hash = || hex(&Sha256::digest(format!("{title}\n{published:?}").as_bytes())[..16]);
    let id = id.or_else(|| url.clone()).unwrap_or_else(hash);
    let title = if title.is_empty() { shorten(&summary, ITEM_TITLE_CHARS_MAX) } else { title };
    let text = format!("{title}. {summary}");
    Ok(Item {
        // One that is too long for a name is known by its hash.
        id: if id.chars().count() > ITEM_ID_CHARS_MAX { hex(&Sha256::digest(id.as_bytes())[..16]) } else { id },
        corrects: wording::corrected(&title),
        ends: wording::ends(&text),
        title: shorten(&title, ITEM_TITLE_CHARS_MAX),
        summary: shorten(&summary, ITEM_TEXT_CHARS_MAX),
        url,
        day,
        tags: categories
            .into_iter()
            .map(|category| ("category".to_owned(), shorten(&category, 100)))
            .take(20)
            .collect(),
        effective: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{common, request};
    use super::*;
    use crate::base::clock::Timestamp;

    fn parse(body: &str) -> Result<Page, ParseError> {
        let feed = Syndication { request: request(), common: common() };
        let standing = Standing::new(Timestamp::parse("2026-09-30T20:00:00Z").unwrap());
        feed.parse(&Answer::ok("", body.as_bytes(), &standing))
    }

    fn told(items: &str) -> String {
        let page = match parse(&format!("<rss version=\"2.0\"><channel><title>N</title>{items}</channel></rss>")) {
            Ok(page) => page,
            Err(error) => return error.to_string(),
        };
        let item = |item: &Item| {
            let ends = item.ends.map(|day| format!(" until {day}")).unwrap_or_default();
            let corrects = item.corrects.as_ref().map(|name| format!(" corrects {name}")).unwrap_or_default();
            format!("{} {} {} {}{ends}{corrects}", item.id, item.day, item.title, item.url.as_deref().unwrap_or("-"))
        };
        let lines = page.items.iter().map(item).chain(page.refused.iter().map(ToString::to_string)).chain(page.note);
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn entries_are_items_of_their_day_in_the_feeds_zone() {
        let items = r#"<item><guid>18</guid><title>Rare earths</title><pubDate>Wed, 23 Sep 2026 20:00:00 GMT</pubDate></item>
            <item><title>No date</title><link>https://m.example/2</link></item>
            <item><title>Neither name nor address</title></item>
            <item><guid>19</guid><title>Correction: Rare earths</title><pubDate>24 Sep 2026 09:00:00 +0800</pubDate></item>
            <item><guid>20</guid><title>Suspended until 10 November 2026</title><pubDate>24 Sep 2026 09:00:00 +0800</pubDate></item>"#;
        insta::assert_snapshot!(told(items), @"
        18 2026-09-24 Rare earths -
        https://m.example/2 2026-10-01 No date https://m.example/2
        b6f2d9de6cfdb99c65fb60ec03833812 2026-10-01 Neither name nor address -
        19 2026-09-24 Correction: Rare earths - corrects Rare earths
        20 2026-09-24 Suspended until 10 November 2026 - until 2026-11-10
        ");
    }

    #[test]
    fn an_entry_that_says_nothing_or_takes_anothers_name_is_refused() {
        let items = "<item><guid>1</guid><title>A</title></item><item><guid>1</guid><title>B</title></item>\
            <item><guid>1</guid><title>A</title></item><item><guid>2</guid></item>";
        insta::assert_snapshot!(told(items), @"
        1 2026-10-01 A -
        row 2: another item is called `1` too
        row 4: an entry without a title and without a text
        ");
    }

    #[test]
    fn nothing_is_nothing_new_and_a_web_page_an_error() {
        assert_eq!(told(""), "the feed has no entries");
        let error = parse("<html><title>Sign in</title></html>").unwrap_err();
        assert_eq!(error.to_string(), "expected an RSS or Atom feed, found a web page titled \"Sign in\"");
    }

    #[test]
    fn a_text_of_any_length_is_bounded() {
        let long = "gallium ".repeat(100_000);
        let item = format!("<item><guid>{long}</guid><title>{long}</title><description>{long}</description></item>");
        let page = parse(&format!("<rss version=\"2.0\"><channel>{item}</channel></rss>")).unwrap();
        let item = &page.items[0];
        assert_eq!((item.id.len(), item.title.chars().count()), (32, ITEM_TITLE_CHARS_MAX));
        assert_eq!(item.summary.chars().count(), ITEM_TEXT_CHARS_MAX);
    }
}
