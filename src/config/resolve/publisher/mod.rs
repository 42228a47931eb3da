//! From a feed's table to its publisher: one file per publisher beside this one.
//!
//! What every feed has, whoever publishes it (schedule, labels, release), is `resolve::feed`'s.

mod census;
mod comtrade;
mod eurostat;
mod federal_register;
mod feed;
mod fred;
mod gacc;
mod generic;
mod japan;
mod korea;
mod sdmx;
mod trade;
mod worldbank;

pub use trade::mixed;

use super::address::{self, Leave};
use super::feed::{headers, on};
use super::layout::Layout;
use super::{Context, value};
use crate::base::secret::Secret;
use crate::base::text::shorten;
use crate::config::file::FeedTable;
use crate::config::source::At;
use crate::feed::Publisher;
use crate::feed::publisher::Common;
use crate::feed::publisher::site::Site;
use crate::period::{Frequency, Period, Span};

/// Every kind of feed: the formats first.
pub const KINDS: [&Kind; 15] = [
    &generic::CSV,
    &generic::JSON,
    &generic::XLSX,
    &sdmx::SDMX,
    &sdmx::JSONSTAT,
    &fred::KIND,
    &eurostat::KIND,
    &comtrade::KIND,
    &census::KIND,
    &gacc::KIND,
    &korea::KIND,
    &japan::KIND,
    &worldbank::KIND,
    &feed::KIND,
    &federal_register::KIND,
];

/// Whose figures a feed has, or the format of a feed of any publisher.
pub struct Kind {
    /// As written.
    pub name: &'static str,
    /// The keys that it takes beside those that every kind takes.
    pub keys: &'static [&'static str],
    /// Who says what its tables mean.
    pub meaning: Meaning,
    /// The publisher that a table means, where the table is right.
    pub resolve: fn(Context<'_>, Basis<'_>) -> Option<Box<dyn Publisher>>,
}

/// Who says what the parts of an answer mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The config, by the names of columns.
    Columns,
    /// The config, by pointers into a record.
    Pointers,
    /// The format, which has usual names for the period and the figure; the config may name others, and names labels.
    Usual,
    /// The publisher, whose figures bring these labels, and are of this frequency where the config names none.
    Publisher {
        /// The labels.
        labels: &'static [&'static str],
        /// The frequency.
        frequency: Frequency,
    },
    /// The publisher, who has items: what is kept of them are they themselves, and how many there are of each day.
    Items,
}

impl Meaning {
    /// The labels and the frequency that the publisher says.
    pub const fn own(self) -> Option<(&'static [&'static str], Frequency)> {
        match self {
            Self::Publisher { labels, frequency } => Some((labels, frequency)),
            Self::Items => Some((&[], Frequency::Day)),
            Self::Columns | Self::Pointers | Self::Usual => None,
        }
    }
}

/// What a publisher is made from.
pub struct Basis<'a> {
    /// The feed's table.
    pub table: &'a FeedTable,
    /// Frequency, labels, numbers.
    pub common: Common,
    /// What the columns of a generic feed mean.
    pub layout: Layout,
}

/// The publisher's address, or the one that the config puts in its place.
fn site(cx: Context<'_>, table: &FeedTable, default: &'static str) -> Option<Site> {
    let leave = Leave { insecure: on(table.insecure.as_ref()), allow_private: on(table.allow_private.as_ref()) };
    let headers = headers(cx, table);
    let base = match &table.url {
        Some(at) => {
            let secret = cx.keyring.open(at)?;
            address::resolve(cx, at.place, secret.expose(), leave)?
        }
        None => default.parse().expect("a publisher's address is one"),
    };
    Some(Site { base, headers, insecure: leave.insecure, allow_private: leave.allow_private })
}

/// The key that a publisher asks for.
fn key(cx: Context<'_>, table: &FeedTable, whence: &str) -> Option<Secret> {
    cx.missing(&table.given, "key", &format!("write key = {{ env = \"…\" }}; {whence}"));
    cx.keyring.open(table.key.as_ref()?)
}

/// The period of a key, in the feed's frequency.
fn period(cx: Context<'_>, key: &str, at: &At<String>, frequency: Frequency) -> Option<Period> {
    match Span::read(&at.value, frequency, None) {
        Ok(span) => Some(span.first()),
        Err(error) => {
            let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
            cx.error(at.place, message, &error.to_string(), "write a period of the feed's frequency");
            None
        }
    }
}

/// The names of a key that must be there.
fn names(
    cx: Context<'_>,
    table: &FeedTable,
    key: &str,
    texts: Option<&crate::config::source::Texts>,
    help: &str,
) -> Vec<String> {
    cx.missing(&table.given, key, help);
    let names = texts.map(|texts| texts.value.as_slice()).unwrap_or_default();
    let name = |at: &At<String>| value::line(cx, key, at);
    names.iter().filter_map(name).collect()
}
