//! From a feed's table to its publisher: one file per publisher beside this one.
//!
//! What every feed has, whoever publishes it (schedule, labels, release), is `resolve::feed`'s.

mod fred;

use super::address::{self, Leave};
use super::feed::{headers, on, target};
use super::layout::Layout;
use super::{Context, value};
use crate::base::secret::Secret;
use crate::base::text::shorten;
use crate::config::file::FeedTable;
use crate::config::source::At;
use crate::feed::publisher::Common;
use crate::feed::publisher::csv::Csv;
use crate::feed::publisher::json::Json;
use crate::feed::publisher::site::Site;
use crate::feed::{Publisher, Request};
use crate::period::{Frequency, Period, Span};

/// Which kinds take the keys that not all take.
pub const KEYS: [(&str, &[&str]); 15] = [
    ("path", GENERIC),
    ("columns", GENERIC),
    ("decimal", GENERIC),
    ("thousands", GENERIC),
    ("period_format", GENERIC),
    ("wide", &["csv"]),
    ("delimiter", &["csv"]),
    ("encoding", &["csv"]),
    ("skip_lines", &["csv"]),
    ("records", &["json"]),
    ("key", &["fred"]),
    ("series", &["fred"]),
    ("since", &["fred"]),
    ("vintages", &["fred"]),
    ("absent", GENERIC),
];

/// The kinds that are formats, of any publisher.
const GENERIC: &[&str] = &["csv", "json"];

/// Whose figures a feed has, or the format of a feed of any publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `csv`
    Csv,
    /// `json`
    Json,
    /// `fred`
    Fred,
}

impl Kind {
    /// Every kind with its name.
    pub const ALL: [(&'static str, Self); 3] = [("csv", Self::Csv), ("json", Self::Json), ("fred", Self::Fred)];

    /// As written.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether it is a format, of which the config says what its columns mean.
    pub fn is_generic(self) -> bool {
        GENERIC.contains(&self.name())
    }

    /// The labels that the publisher's figures bring.
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Csv | Self::Json => &[],
            Self::Fred => &["series"],
        }
    }

    /// The frequency of its figures where the config names none.
    pub const fn default_frequency(self) -> Option<Frequency> {
        match self {
            Self::Csv | Self::Json => None,
            Self::Fred => Some(Frequency::Month),
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

/// The publisher that a table means.
pub fn resolve(cx: Context<'_>, kind: Kind, basis: Basis<'_>) -> Option<Box<dyn Publisher>> {
    let Basis { table, common, layout } = basis;
    match kind {
        Kind::Csv => {
            let request = Request::new(target(cx, table)?);
            Some(Box::new(Csv { request, common, columns: layout.columns, dialect: layout.dialect }))
        }
        Kind::Json => {
            let request = Request::new(target(cx, table)?);
            Some(Box::new(Json { request, common, columns: layout.columns, records: layout.records }))
        }
        Kind::Fred => Some(Box::new(fred::resolve(cx, table, common)?)),
    }
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
