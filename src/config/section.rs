//! One table of the config, read key by key.
//!
//! Every key that is asked for is a known one; `finish` refuses the others. So all that is wrong with a
//! table is said at once, and one bad value hides no other.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mask::is_telling;
use super::problem::{Finding, Report};
use super::secret::SecretText;
use super::shape::{Shape, Takes};
use super::source::{At, Place, Texts};
use crate::base::text::{printable, shorten};

/// A table that is being read.
pub struct Section<'t> {
    /// Its full name, `feed.china-magnets`; empty for the whole config.
    pub title: String,
    /// Where it begins: its name.
    pub place: Place,
    /// Where problems go.
    pub report: &'t Report,
    table: &'t DeTable<'t>,
    known: Vec<&'static str>,
    secret_keys: Vec<&'static str>,
    /// Where it is taken down what is asked for; `None` where a config is read.
    shape: Option<&'t Shape>,
}

/// One entry of a table of free names.
pub struct Entry<'t> {
    /// Its name.
    pub name: At<String>,
    value: &'t Spanned<DeValue<'t>>,
}

/// What a table was, once it is read: its known keys, whether or not their values were good.
pub struct Given {
    /// How messages name it.
    pub title: String,
    /// Where it begins.
    pub place: Place,
    /// Its keys and where they stand, in the order of the file.
    pub keys: Vec<(&'static str, Place)>,
}

impl Given {
    /// Whether it has a key.
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|(given, _)| *given == key)
    }
}

impl<'t> Section<'t> {
    /// A table that begins at a place.
    pub fn new(title: String, place: Place, table: &'t DeTable<'t>, report: &'t Report) -> Self {
        Self { title, place, report, table, known: Vec::new(), secret_keys: Vec::new(), shape: None }
    }

    /// A table of which nobody asks what it says, but what it may say: every key that is asked for is taken down in
    /// `shape`, and every table below it is there.
    pub fn asked(place: Place, table: &'t DeTable<'t>, report: &'t Report, shape: &'t Shape) -> Self {
        Self { shape: Some(shape), ..Self::new(String::new(), place, table, report) }
    }

    /// A table in this one.
    fn below(&self, title: String, place: Place, table: &'t DeTable<'t>) -> Self {
        Self { shape: self.shape, ..Self::new(title, place, table, self.report) }
    }

    /// A table in this one that is there because it may be, where that is what is asked.
    fn possible(&self, title: String) -> Option<Self> {
        self.shape.map(|_| self.below(title, self.place, self.table))
    }

    /// Takes down what may stand under a key, where that is what is asked.
    fn may_be(&self, key: &str, takes: Takes) {
        if let Some(shape) = self.shape {
            shape.add(&self.title, key, takes);
        }
    }

    /// The table as messages name it.
    fn shown(&self) -> String {
        if self.title.is_empty() { "the config".to_owned() } else { format!("[{}]", self.title) }
    }

    fn place(&self, span: std::ops::Range<usize>) -> Place {
        Place { file: self.place.file, start: span.start, end: span.end }
    }

    /// The value of a key, which is known from now on.
    fn take(&mut self, key: &'static str, takes: Takes) -> Option<At<&'t DeValue<'t>>> {
        self.known.push(key);
        self.may_be(key, takes);
        let (spanned, value) = self.table.get_key_value(key)?;
        Some(At { value: value.get_ref(), place: self.place(value.span()), key: self.place(spanned.span()) })
    }

    fn refuse(&self, key: &str, at: &At<&DeValue<'_>>, expected: &str) {
        if is_telling(key) || may_hide(at.value) {
            self.hide_at(at);
        }
        let found = found(at.value);
        let title = format!("`{key}` takes {expected}, found {found}");
        self.report.add(Finding::error(at.place, title).label(format!("expected {expected}")));
    }

    /// A string.
    pub fn text(&mut self, key: &'static str) -> Option<At<String>> {
        let at = self.take(key, Takes::Text)?;
        match at.value.as_str() {
            Some(text) => Some(at.with(text.to_owned())),
            None => {
                self.refuse(key, &at, "a string");
                None
            }
        }
    }

    /// A string, or a date in its place.
    pub fn text_or_date(&mut self, key: &'static str) -> Option<At<String>> {
        let at = self.take(key, Takes::Text)?;
        let date = at.value.as_datetime().map(ToString::to_string);
        match at.value.as_str().map(str::to_owned).or(date) {
            Some(text) => Some(at.with(text)),
            None => {
                self.refuse(key, &at, "a string");
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Option<At<bool>> {
        let at = self.take(key, Takes::Flag)?;
        match at.value.as_bool() {
            Some(flag) => Some(at.with(flag)),
            None => {
                self.refuse(key, &at, "`true` or `false`");
                None
            }
        }
    }

    /// A whole number, not negative.
    pub fn whole(&mut self, key: &'static str) -> Option<At<u64>> {
        let at = self.take(key, Takes::Whole)?;
        match whole(at.value) {
            Some(number) => Some(at.with(number)),
            None => {
                self.refuse(key, &at, "a whole number that is not negative");
                None
            }
        }
    }

    /// A list of whole numbers, not negative.
    pub fn wholes(&mut self, key: &'static str) -> Option<At<Vec<At<u64>>>> {
        let at = self.take(key, Takes::Wholes)?;
        let Some(items) = at.value.as_array() else {
            self.refuse(key, &at, "a list of whole numbers");
            return None;
        };
        let item = |item: &'t Spanned<DeValue<'t>>| {
            let place = self.place(item.span());
            let at = At { value: item.get_ref(), place, key: place };
            let number = whole(at.value).map(|number| at.with(number));
            if number.is_none() {
                self.refuse(key, &at, "whole numbers in its list");
            }
            number
        };
        let items: Vec<Option<At<u64>>> = items.iter().map(item).collect();
        Some(at.with(items.into_iter().collect::<Option<Vec<_>>>()?))
    }

    /// Tables with keys of their own: `[[key]]`.
    pub fn list(&mut self, key: &'static str) -> Vec<Section<'t>> {
        let at = self.take(key, Takes::Tables);
        let title = if self.title.is_empty() { key.to_owned() } else { format!("{}.{key}", self.title) };
        let Some(at) = at else { return self.possible(title).into_iter().collect() };
        let Some(items) = at.value.as_array() else {
            self.refuse(key, &at, &format!("tables written as [[{title}]]"));
            return Vec::new();
        };
        let table = |item: &'t Spanned<DeValue<'t>>| {
            let place = self.place(item.span());
            match item.get_ref().as_table() {
                Some(table) => Some(self.below(title.clone(), place, table)),
                None => {
                    self.refuse(key, &At { value: item.get_ref(), place, key: place }, "tables in its list");
                    None
                }
            }
        };
        items.iter().filter_map(table).collect()
    }

    /// A whole number, or a string that says how much in words of its own.
    pub fn amount(&mut self, key: &'static str, example: &str) -> Option<At<String>> {
        let at = self.take(key, Takes::TextOrWhole)?;
        let text = at.value.as_str().map(str::to_owned);
        match text.or_else(|| whole(at.value).map(|number| number.to_string())) {
            Some(text) => Some(at.with(text)),
            None => {
                self.refuse(key, &at, &format!("a whole number or a string such as \"{example}\""));
                None
            }
        }
    }

    /// A number that is not negative, or a string that says it in its own way.
    pub fn number(&mut self, key: &'static str, example: &str) -> Option<At<String>> {
        let at = self.take(key, Takes::TextOrNumber)?;
        let text = match at.value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(integer) if integer.radix() == 10 => Some(integer.as_str().to_owned()),
            DeValue::Float(float) => Some(float.as_str().to_owned()),
            _ => None,
        };
        if text.is_none() {
            self.refuse(key, &at, &format!("a number or a string such as \"{example}\""));
        }
        text.map(|text| at.with(text))
    }

    /// A string, or `true` or `false` in its place.
    pub fn text_or_flag(&mut self, key: &'static str) -> Option<At<String>> {
        let at = self.take(key, Takes::TextOrFlag)?;
        let text = at.value.as_str().map(str::to_owned);
        match text.or_else(|| at.value.as_bool().map(|flag| flag.to_string())) {
            Some(text) => Some(at.with(text)),
            None => {
                self.refuse(key, &at, "a string");
                None
            }
        }
    }

    /// A list of strings, or one string.
    pub fn texts(&mut self, key: &'static str) -> Option<Texts> {
        let at = self.take(key, Takes::Texts)?;
        let texts = self.strings(key, &at, false)?;
        Some(at.with(texts))
    }

    /// The strings of a list, or the one string; with `digits`, whole numbers stand for their digits.
    fn strings(&self, key: &str, at: &At<&'t DeValue<'t>>, digits: bool) -> Option<Vec<At<String>>> {
        let one = |at: At<&'t DeValue<'t>>, expected: &str| {
            let text = at.value.as_str().map(str::to_owned);
            let text = text.or_else(|| digits.then(|| whole(at.value)).flatten().map(|number| number.to_string()));
            if text.is_none() {
                self.refuse(key, &at, expected);
            }
            text.map(|text| at.with(text))
        };
        let Some(items) = at.value.as_array() else {
            return Some(vec![one(at.clone(), "a string or a list of strings")?]);
        };
        let items = items.iter().map(|item| {
            let place = self.place(item.span());
            one(At { value: item.get_ref(), place, key: place }, "strings in its list")
        });
        // All of them are looked at, so that all that is wrong is said.
        items.collect::<Vec<_>>().into_iter().collect()
    }

    /// A secret string: the string itself, or a table that says where it is.
    pub fn secret(&mut self, key: &'static str) -> Option<At<SecretText>> {
        self.secret_keys.push(key);
        let at = self.take(key, Takes::Secret)?;
        self.read_secret(key, &at)
    }

    /// The same where only what may hold a password is a secret: an address, also one that is mistyped, or whatever is
    /// elsewhere.
    pub fn text_or_secret(&mut self, key: &'static str) -> Option<At<SecretText>> {
        let at = self.take(key, Takes::Secret)?;
        match at.value {
            DeValue::String(text) if !may_hide(at.value) && !text.contains('@') => {
                Some(at.with(SecretText::Literal(text.to_string())))
            }
            _ => self.read_secret(key, &at),
        }
    }

    fn read_secret(&self, key: &str, at: &At<&'t DeValue<'t>>) -> Option<At<SecretText>> {
        let Some(table) = at.value.as_table() else {
            self.report.hide(at.place);
            let Some(text) = at.value.as_str() else {
                self.refuse(key, at, "a string, { env = \"…\" }, { file = \"…\" } or { credential = \"…\" }");
                return None;
            };
            return Some(at.with(SecretText::Literal(text.to_owned())));
        };
        let section = self.below(format!("{}.{key}", self.title), at.key, table);
        SecretText::read(section).map(|secret| at.with(secret))
    }

    /// A table with keys of its own.
    pub fn table(&mut self, key: &'static str) -> Option<Section<'t>> {
        let at = self.take(key, Takes::Table);
        let title = format!("{}.{key}", self.title);
        let Some(at) = at else { return self.possible(title) };
        match at.value.as_table() {
            Some(table) => Some(self.below(title, at.key, table)),
            None => {
                self.refuse(key, &at, "a table");
                None
            }
        }
    }

    /// A table with keys of its own, or a list of strings in its place.
    pub fn table_or_texts(&mut self, key: &'static str) -> Option<At<Result<Section<'t>, Vec<At<String>>>>> {
        let at = self.take(key, Takes::TableOrTexts);
        let title = format!("{}.{key}", self.title);
        let Some(at) = at else {
            return self.possible(title).map(|table| At { value: Ok(table), place: self.place, key: self.place });
        };
        if let Some(table) = at.value.as_table() {
            return Some(at.with(Ok(self.below(title, at.key, table))));
        }
        let texts = self.strings(key, &at, false)?;
        Some(at.with(Err(texts)))
    }

    /// The names that are not asked for one by one, in the order of the file.
    pub fn entries(&self) -> Vec<Entry<'t>> {
        let entry = |(name, value): (&'t Spanned<std::borrow::Cow<'t, str>>, &'t Spanned<DeValue<'t>>)| {
            let key = self.place(name.span());
            Entry { name: At { value: name.get_ref().to_string(), place: key, key }, value }
        };
        let mut entries: Vec<Entry<'t>> = self.table.iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.name.place);
        entries
    }

    fn entry_value(&self, entry: &Entry<'t>) -> At<&'t DeValue<'t>> {
        At { value: entry.value.get_ref(), place: self.place(entry.value.span()), key: entry.name.place }
    }

    /// An entry that is a table.
    pub fn entry_table(&self, entry: &Entry<'t>) -> Option<Section<'t>> {
        let (at, name) = (self.entry_value(entry), &entry.name.value);
        let title = format!("{}.{}", self.title, printable(name));
        self.may_be(name, Takes::Table);
        match at.value.as_table() {
            Some(table) => Some(self.below(title, entry.name.place, table)),
            None if self.shape.is_some() => self.possible(title),
            None => {
                self.hide(entry);
                let message = format!("`{name}` must be a table, found {}", found(at.value));
                let finding = Finding::error(at.key, message).label("not a table");
                self.report.add(finding.help(format!("a {0} is a table of its own: [{0}.NAME]", self.title)));
                None
            }
        }
    }

    /// An entry that is a string, or a whole number that stands for its digits.
    pub fn entry_text(&self, entry: &Entry<'t>) -> Option<At<String>> {
        self.may_be(&entry.name.value, Takes::TextOrWhole);
        let at = self.entry_value(entry);
        let digits = whole(at.value).map(|number| number.to_string());
        let text = at.value.as_str().map(str::to_owned).or(digits);
        if text.is_none() {
            self.refuse(&entry.name.value, &at, "a string");
        }
        text.map(|text| at.with(text))
    }

    /// An entry that is a number, or a string that may be one; as written.
    pub fn entry_number(&self, entry: &Entry<'t>) -> Option<At<String>> {
        self.may_be(&entry.name.value, Takes::TextOrNumber);
        let at = self.entry_value(entry);
        let text = match at.value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(integer) if integer.radix() == 10 => Some(integer.as_str().to_owned()),
            DeValue::Float(float) => Some(float.as_str().to_owned()),
            _ => None,
        };
        if text.is_none() {
            self.refuse(&entry.name.value, &at, "a number, or a string such as \"-28.7%\"");
        }
        text.map(|text| at.with(text))
    }

    /// An entry that is a string or a list of them.
    pub fn entry_texts(&self, entry: &Entry<'t>) -> Option<Texts> {
        self.may_be(&entry.name.value, Takes::TextsOrWholes);
        let at = self.entry_value(entry);
        let texts = self.strings(&entry.name.value, &at, true)?;
        Some(at.with(texts))
    }

    /// An entry that is a secret string.
    pub fn entry_secret(&self, entry: &Entry<'t>) -> Option<At<SecretText>> {
        self.may_be(&entry.name.value, Takes::Secret);
        self.read_secret(&entry.name.value, &self.entry_value(entry))
    }

    /// The value of an entry is never to be shown.
    pub fn hide(&self, entry: &Entry<'t>) {
        self.hide_at(&self.entry_value(entry));
    }

    fn hide_at(&self, at: &At<&DeValue<'_>>) {
        // A table with a header of its own has its name within that header, which is no secret.
        if at.place.start >= at.key.end {
            self.report.hide(at.place);
        }
    }

    /// Refuses every key that was not asked for; the others are what the table has.
    pub fn finish(self) -> Given {
        let mut given = Vec::new();
        for entry in self.entries() {
            if let Some(key) = self.known.iter().find(|key| **key == entry.name.value) {
                given.push((*key, entry.name.place));
                continue;
            }
            let name = shorten(&entry.name.value, 60);
            let near = crate::base::text::nearest(&name, self.known.iter().copied());
            if is_telling(&name)
                || near.is_none_or(|near| self.secret_keys.contains(&near))
                || may_hide(entry.value.get_ref())
            {
                self.hide(&entry);
            }
            let finding = Finding::error(entry.name.place, format!("unknown key `{name}` in {}", self.shown()));
            let all = format!("{} takes", self.shown());
            self.report.add(finding.label("unknown").near_or_all(&name, self.known.iter().copied(), &all));
        }
        Given { title: self.title, place: self.place, keys: given }
    }
}

/// Whether a mistaken value may hold a secret, whatever its key.
fn may_hide(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(text) => text.contains("://"),
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| may_hide(item.get_ref())),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => false,
    }
}

/// A whole number that is not negative.
fn whole(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(&integer.as_str().replace('_', "").replacen('+', "", 1), integer.radix()).ok()
}

/// What a value is, in words.
fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(true) => "`true`",
        DeValue::Boolean(false) => "`false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
