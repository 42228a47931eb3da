//! SDMX-JSON 1.0 and 2.0, by series and flat. The structure says what the numbers of the data sets stand for,
//! and may come after them: it is read first, then the figures, one by one.
//!
//! Source: github.com/sdmx-twg/sdmx-json, data-message/docs. Annotations and names are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::cube::{Fact, Field, Role, Sink, figure};
use super::json::{cell, entries, syntax};
use super::{Cell, decode, listed, said};
use crate::base::text::{list, shorten};
use crate::feed::ParseError;

/// Reads a message and gives each figure to a sink.
pub fn read(body: &[u8], fields: &[Field], sink: Sink<'_>) -> Result<(), ParseError> {
    let text = decode(body, encoding_rs::UTF_8)?;
    let content = content(&text)?;
    let structures: Vec<&Structure> = content.structure.iter().chain(&content.structures).collect();
    let mut number = 0;
    for data in content.data_sets.iter().flatten() {
        let index = data.structure.unwrap_or(0);
        let structure = structures.get(index).copied().ok_or_else(|| ParseError::Malformed {
            row: number + 1,
            reason: format!("a data set has structure {index} of {}", structures.len()),
        })?;
        DataSet::new(data, structure, fields)?.give(&mut number, sink)?;
    }
    Ok(())
}

/// What the message has within its envelope; an error where it has other things.
fn content(text: &str) -> Result<Content<'_>, ParseError> {
    let broken = |error: serde_json::Error| syntax(&error, text);
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(broken)?;
    let content = match envelope.data {
        Some(data) => data,
        None => serde_json::from_str(text).map_err(broken)?,
    };
    if content.data_sets.is_some() {
        return Ok(content);
    }
    let document: Value = serde_json::from_str(text).map_err(broken)?;
    Err(said::in_json(&document).unwrap_or_else(|| no_message(&document)))
}

fn no_message(document: &Value) -> ParseError {
    let keys: Vec<&String> = document.as_object().map(|map| map.keys().collect()).unwrap_or_default();
    let found = match keys.as_slice() {
        [] => "another JSON document".to_owned(),
        keys => format!("a JSON document with {}", list(listed(keys))),
    };
    ParseError::Foreign { expected: "SDMX-JSON", found }
}

/// The outermost object, from version 1.0's last draft on.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<Content<'a>>,
}

/// Structures and data sets.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    structure: Option<Structure>,
    #[serde(default)]
    structures: Vec<Structure>,
    #[serde(borrow)]
    data_sets: Option<Vec<Data<'a>>>,
}

/// What the numbers of a data set stand for.
#[derive(Deserialize)]
struct Structure {
    dimensions: Levels,
    #[serde(default)]
    attributes: Levels,
    #[serde(default)]
    measures: Levels,
}

/// Components by what they belong to.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Levels {
    #[serde(alias = "dataset")]
    data_set: Vec<Component>,
    dimension_group: Vec<Component>,
    series: Vec<Component>,
    observation: Vec<Component>,
}

/// A dimension, an attribute or a measure.
#[derive(Deserialize)]
struct Component {
    id: String,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    values: Vec<Code>,
    #[serde(default)]
    default: Option<String>,
    #[serde(default, rename = "keyPosition")]
    key_position: Option<usize>,
}

impl Component {
    fn is_time(&self) -> bool {
        let roles = self.role.iter().chain(&self.roles);
        roles.map(String::as_str).any(|role| matches!(role, "TIME_PERIOD" | "time" | "TIME"))
    }

    /// What an attribute says: a place among its values, or the value itself.
    fn attribute<'v>(&'v self, value: Option<&'v Value>) -> Cell<'v> {
        let default = self.default.as_deref().map_or(Cell::Absent, Cell::Text);
        match value {
            None | Some(Value::Null) => default,
            Some(Value::Number(number)) if !self.values.is_empty() => {
                let place = number.as_u64().and_then(|place| usize::try_from(place).ok());
                place.and_then(|place| self.values.get(place)).map_or(default, |code| Cell::Text(&code.0))
            }
            Some(value) => cell(value),
        }
    }
}

/// One value that a component may have: its identifier, or what stands in its place.
#[derive(Deserialize)]
#[serde(from = "Written")]
struct Code(String);

/// A value as it is written: coded values have an `id`, others a `value`, some attributes only a `name`.
#[derive(Deserialize)]
struct Written {
    id: Option<Value>,
    value: Option<Value>,
    name: Option<Value>,
}

impl From<Written> for Code {
    fn from(written: Written) -> Self {
        let text = |value: Value| if let Value::String(text) = value { text } else { value.to_string() };
        Self(written.id.or(written.value).or(written.name).map(text).unwrap_or_default())
    }
}

/// A data set; its figures are left as text until they are asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    structure: Option<usize>,
    action: Option<String>,
    valid_from: Option<String>,
    valid_to: Option<String>,
    #[serde(default)]
    attributes: Vec<Value>,
    #[serde(default)]
    dimension_group_attributes: BTreeMap<String, Vec<Value>>,
    #[serde(borrow)]
    series: Option<&'a RawValue>,
    #[serde(borrow)]
    observations: Option<&'a RawValue>,
}

/// One series.
#[derive(Deserialize)]
struct Series<'a> {
    #[serde(default)]
    attributes: Vec<Value>,
    #[serde(borrow)]
    observations: Option<&'a RawValue>,
}

/// Where a field stands in a data set.
#[derive(Clone, Copy)]
enum Source<'d> {
    Absent,
    Everywhere(Cell<'d>),
    SeriesKey(usize),
    ObservationKey(usize),
    Group(usize),
    SeriesAttribute(usize),
    ObservationAttribute(usize),
    Measure(usize),
}

/// A data set with its structure, and where the wanted fields stand in it.
struct DataSet<'d> {
    data: &'d Data<'d>,
    structure: &'d Structure,
    fields: &'d [Field],
    sources: Vec<Source<'d>>,
    withdrawn: bool,
}

/// One place of a series or of an observation: numbers of values, or nothing for any.
type Key = Vec<Option<usize>>;

/// A series, as far as it is known to all of its observations.
struct Within<'s> {
    key: Key,
    attributes: &'s [Value],
}

impl<'d> DataSet<'d> {
    fn new(data: &'d Data<'d>, structure: &'d Structure, fields: &'d [Field]) -> Result<Self, ParseError> {
        let withdrawn = data.action.as_deref().is_some_and(|action| action.eq_ignore_ascii_case("delete"));
        let mut whole = Self { data, structure, fields, sources: Vec::new(), withdrawn };
        whole.sources = fields.iter().map(|field| whole.source(field)).collect::<Result<_, _>>()?;
        Ok(whole)
    }

    fn source(&self, field: &Field) -> Result<Source<'d>, ParseError> {
        let found = match (field.role, &field.name) {
            (Role::Period, None) => self.dimension(Component::is_time),
            (Role::Value, None) => Some(Source::Measure(0)),
            (Role::Published, None) => {
                let at = if self.withdrawn { &self.data.valid_to } else { &self.data.valid_from };
                at.as_deref().map(|at| Source::Everywhere(Cell::Text(at)))
            }
            _ => None,
        };
        let found = found.or_else(|| field.names().into_iter().find_map(|name| self.named(name)));
        match found {
            Some(source) => Ok(source),
            None if field.is_needed() => Err(field.absent(&self.names())),
            None => Ok(Source::Absent),
        }
    }

    /// A dimension, an attribute or a measure by its name.
    fn named(&self, name: &str) -> Option<Source<'d>> {
        let is_it = |component: &Component| component.id == name;
        let at = |components: &[Component]| components.iter().position(is_it);
        let Levels { data_set, dimension_group, series, observation } = &self.structure.attributes;
        let whole = || at(data_set).map(|place| data_set[place].attribute(self.data.attributes.get(place)));
        self.dimension(is_it)
            .or_else(|| at(observation).map(Source::ObservationAttribute))
            .or_else(|| at(series).map(Source::SeriesAttribute))
            .or_else(|| at(dimension_group).map(Source::Group))
            .or_else(|| whole().map(Source::Everywhere))
            .or_else(|| at(&self.structure.measures.observation).map(Source::Measure))
            .or_else(|| (name == "OBS_VALUE").then_some(Source::Measure(0)))
    }

    fn dimension(&self, is_it: impl Fn(&Component) -> bool + Copy) -> Option<Source<'d>> {
        let Levels { data_set, series, observation, .. } = &self.structure.dimensions;
        let hoisted = data_set.iter().find(|component| is_it(component)).and_then(|only| only.values.first());
        let hoisted = hoisted.map(|code| Source::Everywhere(Cell::Text(&code.0)));
        hoisted
            .or_else(|| series.iter().position(is_it).map(Source::SeriesKey))
            .or_else(|| observation.iter().position(is_it).map(Source::ObservationKey))
    }

    fn names(&self) -> Vec<&str> {
        let levels = [&self.structure.dimensions, &self.structure.attributes, &self.structure.measures];
        let groups =
            |levels: &'d Levels| [&levels.data_set, &levels.dimension_group, &levels.series, &levels.observation];
        levels.into_iter().flat_map(groups).flatten().map(|component| component.id.as_str()).collect()
    }

    fn give(&self, number: &mut usize, sink: Sink<'_>) -> Result<(), ParseError> {
        if let Some(flat) = self.data.observations {
            let within = Within { key: Vec::new(), attributes: &[] };
            self.observations(&within, flat, number, sink)?;
        }
        let Some(series) = self.data.series else { return Ok(()) };
        entries(series, &mut |key, series: Series<'_>| {
            let within = match self.key(key, &self.structure.dimensions.series) {
                Ok(key) => Within { key, attributes: &series.attributes },
                Err(fault) => return self.unread(fault, number, sink),
            };
            match series.observations {
                Some(observations) => self.observations(&within, observations, number, sink),
                None if self.withdrawn => {
                    self.unread("a whole series is withdrawn, without its periods".to_owned(), number, sink)
                }
                None => Ok(()),
            }
        })
    }

    fn observations(
        &self,
        within: &Within<'_>,
        observations: &RawValue,
        number: &mut usize,
        sink: Sink<'_>,
    ) -> Result<(), ParseError> {
        entries(observations, &mut |key, values: Vec<Value>| {
            let key = match self.key(key, &self.structure.dimensions.observation) {
                Ok(key) => key,
                Err(fault) => return self.unread(fault, number, sink),
            };
            *number += 1;
            let cells = self.sources.iter().map(|source| self.cell(*source, within, &key, &values));
            let cells = self.fields.iter().zip(cells).map(|(field, cell)| match (field.role, cell) {
                (Role::Value, Cell::Text(text)) => figure(text),
                (_, cell) => cell,
            });
            let cells = cells.collect();
            sink(&Fact { number: *number, cells, withdrawn: self.withdrawn, fault: None })
        })
    }

    fn cell<'c>(&'c self, source: Source<'c>, within: &'c Within<'_>, key: &Key, values: &'c [Value]) -> Cell<'c> {
        let Structure { dimensions, attributes, measures } = self.structure;
        let code = |component: &'c Component, place: Option<&Option<usize>>| {
            let code = place.copied().flatten().and_then(|place| component.values.get(place));
            code.map_or(Cell::Absent, |code| Cell::Text(&code.0))
        };
        match source {
            Source::Absent => Cell::Absent,
            Source::Everywhere(cell) => cell,
            Source::SeriesKey(at) => code(&dimensions.series[at], within.key.get(at)),
            Source::ObservationKey(at) => code(&dimensions.observation[at], key.get(at)),
            Source::SeriesAttribute(at) => attributes.series[at].attribute(within.attributes.get(at)),
            Source::Group(at) => attributes.dimension_group[at].attribute(self.group(at, within, key)),
            // The figures of all measures come first.
            Source::ObservationAttribute(at) => {
                attributes.observation[at].attribute(values.get(measures.observation.len().max(1) + at))
            }
            Source::Measure(at) => values.get(at).map_or(Cell::Null, cell),
        }
    }

    /// What a group of dimensions' values says: the key of a group has every dimension in the order of the
    /// whole key, with nothing for those that do not matter.
    fn group(&self, at: usize, within: &Within<'_>, key: &Key) -> Option<&Value> {
        let Levels { data_set, series, observation, .. } = &self.structure.dimensions;
        let hoisted = data_set.iter().map(|component| (component, Some(0)));
        let of_series = series.iter().zip(within.key.iter().copied());
        let of_observation = observation.iter().zip(key.iter().copied());
        let mut whole: Vec<(&Component, Option<usize>)> = hoisted.chain(of_series).chain(of_observation).collect();
        whole.sort_by_key(|(component, _)| component.key_position.unwrap_or(usize::MAX));
        let matches = |group: &str| {
            let parts = group.split(':').zip(&whole);
            parts.into_iter().all(|(part, (_, place))| part.is_empty() || part.parse::<usize>().ok() == *place)
        };
        let groups = self.data.dimension_group_attributes.iter().filter(|(group, _)| matches(group));
        groups.filter_map(|(_, values)| values.get(at)).find(|value| !value.is_null())
    }

    /// `0:1:0`: a number of a value for each dimension; in a withdrawal nothing, or `~`, is any.
    fn key(&self, text: &str, dimensions: &[Component]) -> Result<Key, String> {
        let parts: Vec<&str> = text.split(':').filter(|_| !(dimensions.is_empty() && text.is_empty())).collect();
        if parts.len() != dimensions.len() {
            let text = shorten(text, 60);
            return Err(format!(
                "the key `{text}` has {} parts, and there are {} dimensions",
                parts.len(),
                dimensions.len()
            ));
        }
        let part = |(part, dimension): (&&str, &Component)| match part.parse::<usize>() {
            Ok(place) if place < dimension.values.len() => Ok(Some(place)),
            Err(_) if self.withdrawn && matches!(*part, "" | "~") => Ok(None),
            _ => Err(format!(
                "`{}` is no place among the {} values of `{}`",
                shorten(part, 60),
                dimension.values.len(),
                dimension.id
            )),
        };
        parts.iter().zip(dimensions).map(part).collect()
    }

    /// A figure whose place cannot be read.
    fn unread(&self, fault: String, number: &mut usize, sink: Sink<'_>) -> Result<(), ParseError> {
        *number += 1;
        sink(&Fact { number: *number, cells: Vec::new(), withdrawn: self.withdrawn, fault: Some(fault) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cube::{fields, told};

    fn read(named: &[&str], text: &str) -> String {
        told(|sink| super::read(text.as_bytes(), &fields(named), sink))
    }

    /// A rate by currency and month, one dimension hoisted, the data sets before their structure.
    const SERIES: &str = r#"{"header": {"prepared": "2026-10-01T08:00:00"},
        "dataSets": [{"action": "Replace", "validFrom": "2026-10-01T08:00:00.000+02:00", "series": {
            "0": {"attributes": [0, null], "observations": {"0": [1.1, 0], "1": [1.2, null, 0], "2": [null]}},
            "1": {"observations": {"0": ["7.25", 1], "1": ["NaN"]}}}}],
        "structure": {
            "dimensions": {
                "dataset": [{"id": "FREQ", "keyPosition": 0, "values": [{"id": "M"}]}],
                "series": [{"id": "CURRENCY", "keyPosition": 1, "values": [{"id": "USD"}, {"id": "CNY", "name": "Renminbi"}]}],
                "observation": [{"id": "MONTH", "role": "time", "values": [{"id": "2026-07"}, {"value": "2026-M08"}, {"id": "2026-09"}]}]},
            "attributes": {
                "series": [{"id": "TITLE", "values": [{"name": "US dollar"}]}, {"id": "UNIT", "default": "X", "values": [{"id": "Y"}]}],
                "observation": [{"id": "OBS_STATUS", "values": [{"id": "A"}, {"id": "P"}]}]}}}"#;

    #[test]
    fn by_series_with_a_hoisted_dimension_and_values_without_a_code() {
        insta::assert_snapshot!(read(&["FREQ", "CURRENCY", "TITLE", "UNIT"], SERIES), @"
        1: 2026-07 ¦ 1.1 ¦ A ¦ M ¦ USD ¦ US dollar ¦ X
        2: 2026-M08 ¦ 1.2 ¦ · ¦ M ¦ USD ¦ US dollar ¦ X
        3: 2026-09 ¦ null ¦ · ¦ M ¦ USD ¦ US dollar ¦ X
        4: 2026-07 ¦ 7.25 ¦ P ¦ M ¦ CNY ¦ · ¦ X
        5: 2026-M08 ¦ null ¦ · ¦ M ¦ CNY ¦ · ¦ X
        ");
    }

    #[test]
    fn flat_with_several_measures_and_attributes_of_groups() {
        let text = r#"{"meta": {}, "data": {"structures": [{
            "dimensions": {"observation": [
                {"id": "AREA", "keyPosition": 0, "values": [{"id": "CN"}, {"id": "US"}]},
                {"id": "TIME_PERIOD", "keyPosition": 1, "roles": ["TIME_PERIOD"], "values": [{"value": "2026-Q1"}]}]},
            "measures": {"observation": [{"id": "VALUE"}, {"id": "WEIGHT"}]},
            "attributes": {
                "dataSet": [{"id": "TITLE", "values": []}],
                "dimensionGroup": [{"id": "UNIT", "values": [{"id": "USD"}, {"id": "CNY"}]}],
                "observation": [{"id": "NOTE", "values": []}]}}],
            "dataSets": [{"structure": 0, "attributes": ["Trade"], "dimensionGroupAttributes": {"0:": [1], "1:": [0]},
                "observations": {"0:0": ["5", 7.5, "estimated"], "1:0": [6, null]}}]}}"#;
        insta::assert_snapshot!(read(&["AREA", "WEIGHT", "TITLE", "UNIT", "NOTE"], text), @"
        1: 2026-Q1 ¦ 5 ¦ · ¦ CN ¦ 7.5 ¦ Trade ¦ CNY ¦ estimated
        2: 2026-Q1 ¦ 6 ¦ · ¦ US ¦ null ¦ Trade ¦ USD ¦ ·
        ");
    }

    #[test]
    fn an_action_that_deletes_withdraws() {
        let text = r#"{"data": {"structures": [{"dimensions": {
            "series": [{"id": "A", "values": [{"id": "x"}, {"id": "y"}]}],
            "observation": [{"id": "TIME_PERIOD", "values": [{"id": "2026-07"}, {"id": "2026-08"}]}]}}],
            "dataSets": [
                {"action": "Replace", "series": {"0": {"observations": {"1": [5]}}}},
                {"action": "Delete", "series": {"0": {"observations": {"0": []}}, "1": {}, "": {"observations": {"1": []}}}}]}}"#;
        insta::assert_snapshot!(read(&["A"], text), @"
        1: 2026-08 ¦ 5 ¦ · ¦ x
        2: 2026-07 ¦ null ¦ · ¦ x withdrawn
        3:  withdrawn (a whole series is withdrawn, without its periods)
        4: 2026-08 ¦ null ¦ · ¦ · withdrawn
        ");
    }

    #[test]
    fn a_key_that_leads_nowhere_is_a_fault_of_its_figure() {
        let text = r#"{"structure": {"dimensions": {
            "series": [{"id": "A", "values": [{"id": "x"}]}],
            "observation": [{"id": "TIME_PERIOD", "values": [{"id": "2026-07"}]}]}},
            "dataSets": [{"series": {"0": {"observations": {"0": [5], "1": [6]}}, "7": {"observations": {"0": [8]}}, "0:0": {"observations": {"0": [9]}}}}]}"#;
        insta::assert_snapshot!(read(&["A"], text), @"
        1: 2026-07 ¦ 5 ¦ · ¦ x
        2:  (`1` is no place among the 1 values of `TIME_PERIOD`)
        3:  (`7` is no place among the 1 values of `A`)
        4:  (the key `0:0` has 2 parts, and there are 1 dimensions)
        ");
    }

    #[test]
    fn what_is_no_such_message_is_an_error() {
        let dimensions = r#"{"dimensions": {"observation": [{"id": "TIME_PERIOD", "values": []}]}}"#;
        let errors = [
            read(&[], "{\"data\": {\"structures\": ["),
            read(&[], "[1]"),
            read(&[], r#"{"class": "dataset", "value": {}}"#),
            read(&[], r#"{"errors": [{"code": 404, "title": "No data for this key"}]}"#),
            read(&[], r#"{"warning": {"status": 413, "label": "ASYNCHRONOUS_RESPONSE"}}"#),
            read(&["B"], &format!(r#"{{"structure": {dimensions}, "dataSets": [{{}}]}}"#)),
            read(&[], &format!(r#"{{"structures": [{dimensions}], "dataSets": [{{"structure": 1}}]}}"#)),
            read(&[], r#"{"structure": {"dimensions": {"observation": [{"id": "A"}]}}, "dataSets": [{}]}"#),
            read(&[], &format!(r#"{{"structure": {dimensions}, "dataSets": [{{"observations": 7}}]}}"#)),
        ];
        insta::assert_snapshot!(errors.join("\n"), @"
        no JSON at line 1, column 25: the text breaks off (EOF while parsing a list)
        no JSON at line 1, column 2: invalid type: integer `1`, expected struct Content
        expected SDMX-JSON, found a JSON document with `class` and `value`
        the publisher says: No data for this key
        the answer is too large for the publisher to give at once (ASYNCHRONOUS_RESPONSE); ask for fewer codes, or set a later `since`
        no column `B`; the columns are `TIME_PERIOD`
        row 1: a data set has structure 1 of 1
        no column `TIME_PERIOD`; the columns are `A`
        no JSON at line 1, column 1: invalid type: integer `7`, expected an object or an array, found `7`
        ");
    }
}
