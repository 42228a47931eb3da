//! What a config says, item by item and key by key, to be held against what another says.
//!
//! Comments, the order of tables and the spelling of numbers are left out. In the place of a secret stands what may be
//! shown; the secret itself stays beside it in the process that has read it, and is never part of what is served.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::problem::Report;
use super::source::{Place, Sources};
use crate::base::secret::Secret;
use crate::base::text::{counted, printable};
use crate::notify::http::Endpoint;
use crate::store::postgres::Server;

/// All that a config says: its items in the order of their kinds and names.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Outline(Vec<Item>);

/// What a table of the config is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// `[daemon]`.
    Daemon,
    /// `[web]`.
    Web,
    /// `[feed.NAME]`.
    Feed,
    /// `[series.NAME]`.
    Series,
    /// `[rule.NAME]`.
    Rule,
    /// `[receiver.NAME]`.
    Receiver,
    /// One of `[[route]]`, by its place among them, from 1.
    Route,
}

/// A table of the config, its tables within among its keys.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Item {
    /// What it is about.
    pub kind: ItemKind,
    /// Its name; empty for `[daemon]` and `[web]`.
    pub name: String,
    /// What its keys say, by their paths (`columns.value`), as TOML has it and without secrets.
    #[schema(value_type = BTreeMap<String, String>)]
    keys: BTreeMap<String, Said>,
}

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "String", into = "String")]
struct Said {
    /// As it may be shown.
    text: String,
    /// The secrets in it, where this process has read them.
    secrets: Vec<Secret>,
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { text, secrets: Vec::new() }
    }
}

impl From<Said> for String {
    fn from(said: Said) -> Self {
        said.text
    }
}

impl ItemKind {
    const NAMED: [(&str, Self); 4] =
        [("feed", Self::Feed), ("series", Self::Series), ("rule", Self::Rule), ("receiver", Self::Receiver)];
    const ALONE: [(&str, Self); 2] = [("daemon", Self::Daemon), ("web", Self::Web)];

    /// The word: `daemon`, `web`, `feed`, `series`, `rule`, `receiver`, `route`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Web => "web",
            Self::Feed => "feed",
            Self::Series => "series",
            Self::Rule => "rule",
            Self::Receiver => "receiver",
            Self::Route => "route",
        }
    }
}

impl Outline {
    /// What the config means, as a text: the same for replicas that do the same, wherever each shows its page and by
    /// whatever address it reaches the store.
    pub fn meaning(&self) -> String {
        let mut meaning = String::new();
        for item in self.0.iter().filter(|item| item.kind != ItemKind::Web) {
            for (key, said) in &item.keys {
                if item.kind != ItemKind::Daemon || key != "state" {
                    meaning.push_str(&format!("{} {} {key} = {}\n", item.kind.name(), item.name, said.text));
                }
            }
        }
        meaning
    }
}

/// What a config comes to that was read without errors.
pub fn outline(sources: &Sources, report: &Report) -> Outline {
    let mut items = Vec::new();
    for (file, source) in sources.0.iter().enumerate() {
        let (table, _) = DeTable::parse_recoverable(&source.text);
        let reader = Reader { file, report };
        let root = table.get_ref();
        let at = |key: &str| root.get(key).map(Spanned::get_ref);
        for (key, kind) in ItemKind::ALONE {
            items.extend(at(key).and_then(DeValue::as_table).map(|table| reader.item(kind, "", table)));
        }
        for (key, kind) in ItemKind::NAMED {
            let named = at(key).and_then(DeValue::as_table).into_iter().flatten();
            let item = |(name, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                Some(reader.item(kind, name.get_ref(), value.get_ref().as_table()?))
            };
            items.extend(named.filter_map(item));
        }
        for route in at("route").and_then(DeValue::as_array).into_iter().flatten() {
            let number = 1 + items.iter().filter(|item: &&Item| item.kind == ItemKind::Route).count();
            items.extend(
                route.get_ref().as_table().map(|table| reader.item(ItemKind::Route, &number.to_string(), table)),
            );
        }
    }
    // A table that is not there says as much as one that is empty.
    for (_, kind) in ItemKind::ALONE {
        if items.iter().all(|item| item.kind != kind) {
            items.push(Item { kind, name: String::new(), keys: BTreeMap::new() });
        }
    }
    // Routes stay in their order.
    items.sort_by(|a, b| (a.kind, name_of(a)).cmp(&(b.kind, name_of(b))));
    Outline(items)
}

/// The name by which an item is sorted and found: a route has none.
fn name_of(item: &Item) -> &str {
    if item.kind == ItemKind::Route { "" } else { &item.name }
}

/// Reads the tables of one file.
struct Reader<'a> {
    file: usize,
    report: &'a Report,
}

impl Reader<'_> {
    fn item(&self, kind: ItemKind, name: &str, table: &DeTable<'_>) -> Item {
        let mut keys = BTreeMap::new();
        self.keys("", table, &mut keys);
        Item { kind, name: name.to_owned(), keys }
    }

    fn keys(&self, prefix: &str, table: &DeTable<'_>, into: &mut BTreeMap<String, Said>) {
        for (name, value) in table {
            let path = format!("{prefix}{}", printable(name.get_ref()));
            match value.get_ref().as_table() {
                Some(within) if !within.is_empty() && !self.report.is_opened(self.place(value)) => {
                    self.keys(&format!("{path}."), within, into);
                }
                _ => {
                    let secrets = self.report.opened_within(self.place(value));
                    into.insert(path, Said { text: printable(&self.text(value)), secrets });
                }
            }
        }
    }

    fn place(&self, value: &Spanned<DeValue<'_>>) -> Place {
        let span = value.span();
        Place { file: self.file, start: span.start, end: span.end }
    }

    /// As TOML has it, in one way of several.
    fn text(&self, value: &Spanned<DeValue<'_>>) -> String {
        match value.get_ref() {
            DeValue::String(text) if self.report.is_hidden(self.place(value)) => shown(text),
            DeValue::String(text) => serde_json::Value::from(text.as_ref()).to_string(),
            DeValue::Integer(integer) => whole(integer),
            DeValue::Float(float) => float.as_str().replace('_', ""),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            DeValue::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.text(item)).collect();
                format!("[{}]", items.join(", "))
            }
            DeValue::Table(table) => {
                let pair = |(name, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                    format!("{} = {}", name.get_ref(), self.text(value))
                };
                let pairs: Vec<String> = table.iter().map(pair).collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        }
    }
}

/// A secret that is written out: of an address its host, of a database's what is no password, else nothing.
fn shown(secret: &str) -> String {
    if let Ok(server) = Server::parse(secret) {
        return server.shown();
    }
    let is_address = secret.trim_start().starts_with("http://") || secret.trim_start().starts_with("https://");
    let endpoint = Endpoint { url: Secret::new(secret), insecure: true, allow_private: true };
    if is_address { endpoint.shown() } else { "<secret>".to_owned() }
}

fn whole(integer: &DeInteger<'_>) -> String {
    let digits = integer.as_str().replace('_', "");
    i64::from_str_radix(&digits, integer.radix()).map_or(digits, |number| number.to_string())
}

/// What is another between two configs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The items that are, in the order of their kinds and names.
    pub items: Vec<ItemChange>,
    /// Secrets that only one side has read: whether they are the same is not known. `feed.china.key`, …
    pub unseen: Vec<String>,
}

/// An item that is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemChange {
    /// What it is about.
    pub kind: ItemKind,
    /// Its name. Of a route: its place among those of the new config, or of the old one where it is gone; empty for
    /// the order of all.
    pub name: String,
    /// What became of it.
    pub what: What,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// These of its keys say something else.
    Changed(Vec<KeyChange>),
}

/// A key that says something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// Its path.
    pub key: String,
    /// What it said, where it was there; without secrets.
    pub before: Option<String>,
    /// What it says, where it is there; without secrets.
    pub after: Option<String>,
}

/// Keys of `[daemon]` that a running daemon goes on with as they were.
const AT_START: [&str; 3] = ["state", "contact", "proxy"];

impl What {
    /// The word: `added`, `removed`, `changed`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed(_) => "changed",
        }
    }

    /// The keys that say something else.
    pub fn keys(&self) -> &[KeyChange] {
        match self {
            Self::Changed(keys) => keys,
            Self::Added | Self::Removed => &[],
        }
    }
}

impl ItemChange {
    /// The keys of it that take effect with the next start alone.
    pub fn at_start(&self) -> Vec<&str> {
        let keys = self.what.keys().iter().map(|change| change.key.as_str());
        let is_at_start = |key: &&str| self.kind == ItemKind::Daemon && AT_START.contains(key);
        keys.filter(is_at_start).collect()
    }
}

impl fmt::Display for ItemChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = (self.kind.name(), printable(&self.name));
        match self.kind {
            ItemKind::Daemon | ItemKind::Web => write!(f, "[{kind}] {}", self.what.name())?,
            ItemKind::Route if name.is_empty() => write!(f, "routes {}", self.what.name())?,
            _ => write!(f, "{kind} {name} {}", self.what.name())?,
        }
        let keys: Vec<&str> = self.what.keys().iter().map(|change| change.key.as_str()).collect();
        if keys.is_empty() { Ok(()) } else { write!(f, ": {}", keys.join(", ")) }
    }
}

impl Changes {
    /// `1 rule added, 2 feeds changed`, or `nothing changed`.
    pub fn sum(&self) -> String {
        let mut counts: BTreeMap<(ItemKind, &str), usize> = BTreeMap::new();
        for change in &self.items {
            *counts.entry((change.kind, change.what.name())).or_default() += 1;
        }
        let told = |((kind, what), count): ((ItemKind, &str), usize)| match kind {
            ItemKind::Daemon | ItemKind::Web => format!("[{}] {what}", kind.name()),
            // One is as many.
            ItemKind::Series => format!("{count} series {what}"),
            _ => format!("{} {what}", counted(count, kind.name())),
        };
        let told: Vec<String> = counts.into_iter().map(told).collect();
        if told.is_empty() { "nothing changed".to_owned() } else { told.join(", ") }
    }
}

impl Outline {
    /// What is another in a newer config.
    pub fn changes(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        let named = |item: &&Item| item.kind != ItemKind::Route;
        for old in self.0.iter().filter(named) {
            match new.find(old) {
                Some(new) => changes.compare(old, new),
                None => changes.push(old, What::Removed),
            }
        }
        for item in new.0.iter().filter(named).filter(|item| self.find(item).is_none()) {
            changes.push(item, What::Added);
        }
        changes.routes(&self.routes(), &new.routes());
        changes.items.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        changes
    }

    /// The item of the same kind and name.
    fn find(&self, one: &Item) -> Option<&Item> {
        self.0.iter().find(|item| item.kind == one.kind && item.name == one.name)
    }

    fn routes(&self) -> Vec<&Item> {
        self.0.iter().filter(|item| item.kind == ItemKind::Route).collect()
    }
}

impl Changes {
    fn push(&mut self, item: &Item, what: What) {
        self.items.push(ItemChange { kind: item.kind, name: item.name.clone(), what });
    }

    /// Holds what two items of one name say against each other.
    fn compare(&mut self, old: &Item, new: &Item) {
        let mut keys: Vec<&String> = old.keys.keys().chain(new.keys.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut changed = Vec::new();
        for key in keys {
            let (before, after) = (old.keys.get(key), new.keys.get(key));
            let is_same = match (before, after) {
                (Some(before), Some(after)) if before.text == after.text => {
                    let is_known = before.secrets.is_empty() == after.secrets.is_empty();
                    if !is_known {
                        self.unseen.push(dotted(new, key));
                    }
                    !is_known || before.secrets == after.secrets
                }
                _ => false,
            };
            if !is_same {
                let text = |said: Option<&Said>| said.map(|said| said.text.clone());
                changed.push(KeyChange { key: key.clone(), before: text(before), after: text(after) });
            }
        }
        if !changed.is_empty() {
            self.push(new, What::Changed(changed));
        }
    }

    /// Routes have no names: those that say the same are the same, the others are paired in their order.
    fn routes(&mut self, old: &[&Item], new: &[&Item]) {
        let (mut left, mut order) = ((0..old.len()).collect::<Vec<_>>(), Vec::new());
        let mut fresh = Vec::new();
        for item in new {
            match left.iter().position(|index| old[*index].keys == item.keys) {
                Some(position) => order.push(left.remove(position)),
                None => fresh.push(*item),
            }
        }
        let pairs = left.len().min(fresh.len());
        left.iter().zip(&fresh).for_each(|(index, new)| self.compare(old[*index], new));
        left[pairs..].iter().for_each(|index| self.push(old[*index], What::Removed));
        fresh[pairs..].iter().for_each(|item| self.push(item, What::Added));
        if !order.is_sorted() {
            let text = |order: &[usize]| order.iter().map(|at| (at + 1).to_string()).collect::<Vec<_>>().join(", ");
            let after = text(&order);
            order.sort_unstable();
            let change = KeyChange { key: "order".to_owned(), before: Some(text(&order)), after: Some(after) };
            let (kind, name) = (ItemKind::Route, String::new());
            self.items.push(ItemChange { kind, name, what: What::Changed(vec![change]) });
        }
    }
}

fn dotted(item: &Item, key: &str) -> String {
    let parts = [item.kind.name(), &item.name, key];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}
