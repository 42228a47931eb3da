//! JSON-stat 1.x and 2.0: a table of cells counted row by row, dense (an array) or sparse (an object by cell
//! number). The dimensions are read first, then the figures, one by one.
//!
//! Source: json-stat.org/full. Of a collection only the datasets that it holds itself are read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::cube::{Fact, Field, Role, Sink, figure};
use super::json::{cell, entries, syntax};
use super::{Cell, decode, listed, no_page, said};
use crate::base::text::{list, shorten};
use crate::feed::ParseError;

const FORMAT: &str = "JSON-stat";

/// Reads every dataset of a document and gives each figure to a sink.
pub fn read(body: &[u8], fields: &[Field], sink: Sink<'_>) -> Result<(), ParseError> {
    if no_page(body, FORMAT)?.first() != Some(&b'{') {
        super::sniff(body, FORMAT)?;
    }
    let text = decode(body, encoding_rs::UTF_8)?;
    let mut number = 0;
    for dataset in datasets(&text)? {
        dataset.give(fields, &mut number, sink)?;
    }
    Ok(())
}

/// The datasets of a document: itself (2.0), those that it names (1.x), or those of a collection.
fn datasets(text: &str) -> Result<Vec<Dataset<'_>>, ParseError> {
    let broken = |error: serde_json::Error| syntax(&error, text);
    let outer: Outer<'_> = serde_json::from_str(text).map_err(broken)?;
    let held = match (outer.dimension, outer.link) {
        (Some(_), _) => return Ok(vec![serde_json::from_str(text).map_err(broken)?]),
        (None, Some(Links { item })) => item,
        (None, None) => named(text),
    };
    let is_dataset =
        |raw: &&RawValue| serde_json::from_str::<Outer<'_>>(raw.get()).is_ok_and(|one| one.dimension.is_some());
    let found: Vec<&RawValue> = held.into_iter().filter(is_dataset).collect();
    if found.is_empty() { Err(no_dataset(text)) } else { found.into_iter().map(one).collect() }
}

/// A dataset that another document holds.
fn one(raw: &RawValue) -> Result<Dataset<'_>, ParseError> {
    serde_json::from_str(raw.get()).map_err(|error| syntax(&error, raw.get()))
}

/// What an object has under its names.
fn named(text: &str) -> Vec<&RawValue> {
    serde_json::from_str::<BTreeMap<String, &RawValue>>(text).map(|all| all.into_values().collect()).unwrap_or_default()
}

fn no_dataset(text: &str) -> ParseError {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let keys: Vec<&String> = document.as_object().map(|map| map.keys().collect()).unwrap_or_default();
    let found = match (document.get("class").and_then(Value::as_str), keys.as_slice()) {
        (Some("collection"), _) => "a collection without data: ask for one of its datasets".to_owned(),
        (_, []) => "another JSON document".to_owned(),
        (_, keys) => format!("a JSON document with {}", list(listed(keys))),
    };
    said::in_json(&document).unwrap_or(ParseError::Foreign { expected: FORMAT, found })
}

/// As much of a document as tells what it is.
#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    dimension: Option<&'a RawValue>,
    #[serde(borrow)]
    link: Option<Links<'a>>,
}

#[derive(Deserialize)]
struct Links<'a> {
    #[serde(borrow, default)]
    item: Vec<&'a RawValue>,
}

/// One table; its figures are left as text until they are asked for.
#[derive(Deserialize)]
struct Dataset<'a> {
    #[serde(default)]
    id: Option<Vec<String>>,
    #[serde(default)]
    size: Option<Vec<usize>>,
    #[serde(default)]
    role: Option<Roles>,
    dimension: BTreeMap<String, Value>,
    #[serde(default)]
    updated: Option<String>,
    #[serde(default)]
    status: Value,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Roles {
    #[serde(default)]
    time: Vec<String>,
}

/// A dimension with the codes of its categories, in their order.
struct Dimension {
    id: String,
    codes: Vec<String>,
}

/// Where a field stands in a dataset.
#[derive(Clone, Copy)]
enum Source<'d> {
    Everywhere(Cell<'d>),
    Dimension(usize),
    Value,
    Status,
}

impl Dataset<'_> {
    fn give(&self, fields: &[Field], number: &mut usize, sink: Sink<'_>) -> Result<(), ParseError> {
        let dimensions = self.dimensions().map_err(|reason| ParseError::Malformed { row: *number + 1, reason })?;
        let sources = fields.iter().map(|field| self.source(field, &dimensions)).collect::<Result<Vec<_>, _>>()?;
        let Some(value) = self.value else { return Ok(()) };
        entries(value, &mut |key, value: Value| {
            *number += 1;
            let places = key.parse().ok().and_then(|place| locate(place, &dimensions));
            let Some(places) = places else {
                let fault = Some(format!("there is no cell `{}` in the table", shorten(key, 60)));
                return sink(&Fact { number: *number, cells: Vec::new(), withdrawn: false, fault });
            };
            let told = sources.iter().map(|source| match *source {
                Source::Everywhere(cell) => cell,
                Source::Dimension(at) => Cell::Text(&dimensions[at].codes[places[at]]),
                Source::Value => match cell(&value) {
                    Cell::Text(text) => figure(text),
                    cell => cell,
                },
                Source::Status => self.status(key),
            });
            sink(&Fact { number: *number, cells: told.collect(), withdrawn: false, fault: None })
        })
    }

    /// The dimensions in the order in which cells are counted. Version 1 has it within `dimension`.
    fn dimensions(&self) -> Result<Vec<Dimension>, String> {
        let within = |name: &str| self.dimension.get(name).cloned().unwrap_or_default();
        let ids = self.id.clone().or_else(|| serde_json::from_value(within("id")).ok());
        let sizes = self.size.clone().or_else(|| serde_json::from_value(within("size")).ok());
        let (Some(ids), Some(sizes)) = (ids, sizes) else { return Err("there is no `id` or no `size`".to_owned()) };
        if ids.len() != sizes.len() {
            return Err(format!("`id` names {} dimensions, and `size` has {}", ids.len(), sizes.len()));
        }
        let dimension = |(id, size): (String, usize)| {
            let codes = codes(&id, self.dimension.get(&id).unwrap_or(&Value::Null), size)?;
            Ok(Dimension { id, codes })
        };
        ids.into_iter().zip(sizes).map(dimension).collect()
    }

    fn source<'d>(&'d self, field: &Field, dimensions: &[Dimension]) -> Result<Source<'d>, ParseError> {
        let named = |name: &str| dimensions.iter().position(|dimension| dimension.id == name).map(Source::Dimension);
        let found = match (field.role, &field.name) {
            (Role::Period, None) => self.time().as_deref().and_then(named).or_else(|| named("time")),
            (Role::Value, None) => Some(Source::Value),
            (Role::Status, None) => Some(Source::Status),
            (Role::Published, None) => self.updated.as_deref().map(|at| Source::Everywhere(Cell::Text(at))),
            _ => None,
        };
        match found.or_else(|| field.names().into_iter().find_map(named)) {
            Some(source) => Ok(source),
            None if field.is_needed() => {
                Err(field.absent(&dimensions.iter().map(|dimension| dimension.id.as_str()).collect::<Vec<_>>()))
            }
            None => Ok(Source::Everywhere(Cell::Absent)),
        }
    }

    /// The dimension that is time.
    fn time(&self) -> Option<String> {
        let within = || serde_json::from_value::<Roles>(self.dimension.get("role")?.clone()).ok();
        let first = |roles: &Roles| roles.time.first().cloned();
        self.role.as_ref().and_then(first).or_else(|| first(&within()?))
    }

    /// The mark of a cell: one for all, or one each, dense or sparse.
    fn status(&self, key: &str) -> Cell<'_> {
        let mark = match &self.status {
            Value::Array(all) => key.parse::<usize>().ok().and_then(|place| all.get(place)),
            Value::Object(some) => some.get(key),
            all => Some(all),
        };
        mark.map_or(Cell::Absent, cell)
    }
}

/// The codes of a dimension's categories: an array, an object with their places, or, of a single one, its name
/// alone.
fn codes(id: &str, dimension: &Value, size: usize) -> Result<Vec<String>, String> {
    let category = dimension.get("category").unwrap_or(&Value::Null);
    let codes: Vec<String> = match (category.get("index"), category.get("label")) {
        (Some(Value::Array(codes)), _) => codes.iter().map(text).collect(),
        (Some(Value::Object(places)), _) => {
            let mut pairs: Vec<(u64, &String)> =
                places.iter().filter_map(|(code, place)| Some((place.as_u64()?, code))).collect();
            pairs.sort_unstable();
            let counted = pairs.iter().enumerate().all(|(at, (place, _))| *place == at as u64);
            if !counted || pairs.len() != places.len() {
                return Err(format!("the places of `{id}` are not those from 0 to {}", places.len()));
            }
            pairs.into_iter().map(|(_, code)| code.clone()).collect()
        }
        (_, Some(Value::Object(labels))) if labels.len() == 1 => labels.keys().cloned().collect(),
        _ if size == 1 => vec![id.to_owned()],
        _ => return Err(format!("there are no categories of `{id}`")),
    };
    if codes.len() != size {
        return Err(format!("`{id}` has {} categories, and `size` says {size}", codes.len()));
    }
    Ok(codes)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The category of each dimension that a cell belongs to: the last dimension is counted first.
fn locate(mut cell: usize, dimensions: &[Dimension]) -> Option<Vec<usize>> {
    let mut places = vec![0; dimensions.len()];
    for (place, dimension) in places.iter_mut().zip(dimensions).rev() {
        *place = cell.checked_rem(dimension.codes.len())?;
        cell /= dimension.codes.len();
    }
    (cell == 0).then_some(places)
}

#[cfg(test)]
mod tests {
    use super::super::cube::{fields, told};
    use super::*;

    fn read(named: &[&str], text: &str) -> String {
        told(|sink| super::read(text.as_bytes(), &fields(named), sink))
    }

    const DIMENSIONS: &str = r#""id": ["flow", "partner", "month"], "size": [1, 2, 2], "role": {"time": ["month"]},
        "dimension": {"flow": {"category": {"label": {"1": "import"}}},
            "partner": {"category": {"index": ["CN", "US"]}},
            "month": {"category": {"index": {"2026-08": 1, "2026-07": 0}}}}"#;

    fn dataset(more: &str) -> String {
        format!(
            r#"{{"version": "2.0", "class": "dataset", "updated": "2026-09-15T11:00:00+0200", {more}, {DIMENSIONS}}}"#
        )
    }

    #[test]
    fn dense_and_sparse_values_with_each_form_of_status() {
        let named = ["flow", "partner"];
        insta::assert_snapshot!(read(&named, &dataset(r#""value": [1.5, null, "NaN", 4], "status": ["a", null, "c", "p"]"#)), @"
        1: 2026-07 ¦ 1.5 ¦ a ¦ 1 ¦ CN
        2: 2026-08 ¦ null ¦ null ¦ 1 ¦ CN
        3: 2026-07 ¦ null ¦ c ¦ 1 ¦ US
        4: 2026-08 ¦ 4 ¦ p ¦ 1 ¦ US
        ");
        insta::assert_snapshot!(read(&named, &dataset(r#""value": {"3": 4, "1": 2}, "status": {"3": "|C"}"#)), @"
        1: 2026-08 ¦ 4 ¦ |C ¦ 1 ¦ US
        2: 2026-08 ¦ 2 ¦ · ¦ 1 ¦ CN
        ");
        insta::assert_snapshot!(read(&named, &dataset(r#""value": {}, "status": "e""#)), @"");
        insta::assert_snapshot!(read(&named, &dataset(r#""value": [1], "status": "e""#)), @"1: 2026-07 ¦ 1 ¦ e ¦ 1 ¦ CN");
    }

    #[test]
    fn when_it_was_updated_and_what_has_no_name() {
        let text = dataset(r#""value": [1]"#);
        let fields = [Field::usual(Role::Published), Field::usual(Role::Period)];
        assert_eq!(told(|sink| super::read(text.as_bytes(), &fields, sink)), "1: 2026-09-15T11:00:00+0200 ¦ 2026-07");
        let bare = r#"{"id": ["x", "time"], "size": [1, 1], "dimension": {"x": {}, "time": {"category": {"index": ["2026"]}}}, "value": [7]}"#;
        assert_eq!(read(&["x"], bare), "1: 2026 ¦ 7 ¦ null ¦ x");
    }

    #[test]
    fn version_1_has_named_datasets_and_all_within_dimension() {
        let one = |country: &str| {
            format!(
                r#"{{"value": [1, 2], "dimension": {{"id": ["area", "year"], "size": [1, 2], "role": {{"time": ["year"]}},
                "area": {{"category": {{"index": {{"{country}": 0}}}}}}, "year": {{"category": {{"index": ["2024", "2025"]}}}}}}}}"#
            )
        };
        let text = format!(r#"{{"canada": {}, "oecd": {}}}"#, one("CA"), one("OECD"));
        insta::assert_snapshot!(read(&["area"], &text), @"
        1: 2024 ¦ 1 ¦ null ¦ CA
        2: 2025 ¦ 2 ¦ null ¦ CA
        3: 2024 ¦ 1 ¦ null ¦ OECD
        4: 2025 ¦ 2 ¦ null ¦ OECD
        ");
        let collection = format!(
            r#"{{"class": "collection", "link": {{"item": [{{"class": "dataset", "href": "x"}}, {}]}}}}"#,
            one("FR")
        );
        insta::assert_snapshot!(read(&["area"], &collection), @"
        1: 2024 ¦ 1 ¦ null ¦ FR
        2: 2025 ¦ 2 ¦ null ¦ FR
        ");
    }

    #[test]
    fn what_is_no_such_table_is_an_error() {
        let broken = |from: &str, to: &str| read(&[], &dataset(r#""value": [1, 2, 3, 4, 5]"#).replace(from, to));
        let errors = [
            broken("", ""),
            broken("[1, 2, 2]", "[1, 2]"),
            broken("[1, 2, 2]", "[1, 2, 3]"),
            broken("\"2026-08\": 1", "\"2026-08\": 2"),
            broken("\"size\"", "\"sizes\""),
            broken(r#"{"label": {"1": "import"}}"#, "{}").lines().last().unwrap_or_default().to_owned(),
            broken(r#"["month"]}"#, r#"["year"]}"#),
            read(&["reporter"], &dataset(r#""value": {}"#)),
            read(&[], &dataset(r#""value": {"x": 1, "-1": 1, "18446744073709551616": 1}"#)),
            read(&[], &dataset(r#""value": [1,"#)),
            read(&[], r#"{"class": "collection", "link": {"item": [{"class": "dataset", "href": "x"}]}}"#),
            read(&[], r#"{"error": [{"status": 400, "label": "INVALID_QUERY_DIMENSION_VALUE"}]}"#),
            read(&[], r#"{"warning": {"status": 413, "label": "ASYNCHRONOUS_RESPONSE"}}"#),
            read(&[], r#"{"count": 0}"#),
            read(&[], "<html><title>Maintenance</title></html>"),
            read(&[], "<?xml version='1.0'?><a/>"),
            read(&[], "period,value"),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        1: 2026-07 ¦ 1 ¦ null
        2: 2026-08 ¦ 2 ¦ null
        3: 2026-07 ¦ 3 ¦ null
        4: 2026-08 ¦ 4 ¦ null
        5:  (there is no cell `4` in the table)
        row 1: `id` names 3 dimensions, and `size` has 2
        row 1: `month` has 2 categories, and `size` says 3
        row 1: the places of `month` are not those from 0 to 2
        row 1: there is no `id` or no `size`
        5:  (there is no cell `4` in the table)
        no column `TIME_PERIOD`; the columns are `flow`, `partner` and `month`
        no column `reporter`; the columns are `flow`, `partner` and `month`
        1:  (there is no cell `x` in the table)
        2:  (there is no cell `-1` in the table)
        3:  (there is no cell `18446744073709551616` in the table)
        no JSON at line 1, column 91: expected value
        expected JSON-stat, found a collection without data: ask for one of its datasets
        the publisher says: INVALID_QUERY_DIMENSION_VALUE
        the answer is too large for the publisher to give at once (ASYNCHRONOUS_RESPONSE); ask for fewer codes, or set a later `since`
        expected JSON-stat, found a JSON document with `count`
        expected JSON-stat, found a web page titled "Maintenance"
        expected JSON-stat, found an XML document
        no JSON at line 1, column 1: expected value, found `period,value`
        "#);
    }
}
