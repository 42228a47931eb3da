//! `[series.NAME]`: series that are calculated from others, in the order in which they derive from each other.

use std::collections::BTreeSet;

use serde_json::json;

use super::feed::{Facts, canonical, label_name};
use super::rule::{Wanted, matched, told, wanted};
use super::{Context, sha256, value};
use crate::base::text::{list, shorten};
use crate::config::file::Named;
use crate::config::problem::Finding;
use crate::config::series::{InputTable, SeriesTable};
use crate::config::source::{At, Place};
use crate::period::Frequency;
use crate::rule::derived::{Derived, Facts as InputFacts, Formula, Input, Target};
use crate::series::{Labels, Selector, Unit};

/// A derived series, and what rules may know of it.
pub struct Resolved {
    /// What rules may know.
    pub facts: Facts,
    /// The series, where it is right.
    pub derived: Option<Derived>,
}

/// What the tables come to, each behind all that it derives from.
pub fn resolve(cx: Context<'_>, tables: &[Named<SeriesTable>], feeds: &[&Facts]) -> Vec<Resolved> {
    let mut resolved: Vec<Resolved> = Vec::new();
    let mut left: Vec<&Named<SeriesTable>> = tables.iter().filter(|named| is_free(cx, named, feeds)).collect();
    while !left.is_empty() {
        let is_ready = |named: &&Named<SeriesTable>| !left.iter().any(|other| derives_from(named, other));
        let Some(next) = left.iter().position(is_ready) else {
            circle(cx, &left);
            resolved.extend(left.iter().map(|named| unresolved(&named.name.value)));
            return resolved;
        };
        let named = left.remove(next);
        let known: Vec<&Facts> = feeds.iter().copied().chain(resolved.iter().map(|one| &one.facts)).collect();
        let one = one(cx, named, &known);
        resolved.push(one);
    }
    resolved
}

/// A series of which only the name is known, so that who selects it is not told that there is none.
fn unresolved(name: &str) -> Resolved {
    let constants = [("feed", name)].into_iter().collect();
    let (frequency, unit, title, derived) = (None, None, None, None);
    let facts = Facts {
        name: name.to_owned(),
        constants,
        from_columns: Vec::new(),
        frequency,
        unit,
        title,
        has_release: false,
        has_items: false,
        derived,
    };
    Resolved { facts, derived: None }
}

/// Whether no feed has the name.
fn is_free(cx: Context<'_>, named: &Named<SeriesTable>, feeds: &[&Facts]) -> bool {
    let taken = feeds.iter().any(|feed| feed.name == named.name.value);
    if taken {
        let message = format!("there is a feed `{}` already", named.name.value);
        let help = "rules select series by the label `feed`, so give one of the two another name";
        cx.error(named.name.place, message, "the name of a feed", help);
    }
    !taken
}

/// Whether one table names another among its inputs.
fn derives_from(named: &Named<SeriesTable>, other: &Named<SeriesTable>) -> bool {
    let inputs = named.table.from.iter().flatten();
    let feeds = inputs.flat_map(|input| &input.series).filter(|(label, _)| label.value == "feed");
    feeds.flat_map(|(_, texts)| &texts.value).any(|text| text.value == other.name.value)
}

/// Reports series that derive from themselves.
fn circle(cx: Context<'_>, left: &[&Named<SeriesTable>]) {
    let Some(mut at) = left.first() else { return };
    let mut path: Vec<&str> = Vec::new();
    while !path.contains(&at.name.value.as_str()) {
        path.push(&at.name.value);
        let Some(next) = left.iter().find(|other| derives_from(at, other)) else { return };
        at = next;
    }
    let begin = path.iter().position(|name| *name == at.name.value).unwrap_or(0);
    let round = path.iter().skip(begin).chain([&at.name.value.as_str()]).copied().collect::<Vec<_>>().join(" → ");
    let message = format!("series `{}` derives from itself: {round}", at.name.value);
    let finding = Finding::error(at.name.place, message).label("a circle");
    cx.add(finding.help("a series derives from feeds, and from series that do not derive from it"));
}

/// One table.
fn one(cx: Context<'_>, named: &Named<SeriesTable>, known: &[&Facts]) -> Resolved {
    let table = &named.table;
    cx.missing(&table.given, "from", "write from = { x = { feed = \"NAME\" } }: what the formula calls by a name");
    if table.from.as_ref().is_some_and(Vec::is_empty) {
        let help = "write from = { x = { feed = \"NAME\" } }";
        cx.error(named.name.place, format!("`from` of series `{}` names no input", named.name.value), "empty", help);
        return unresolved(&named.name.value);
    }
    cx.missing(&table.given, "value", "write a formula over the names in `from`, such as value = \"price / rate\"");
    let frequencies = Frequency::ALL.map(|frequency| (frequency.name(), frequency));
    let frequency = table.frequency.as_ref().map(|at| value::choice(cx, "frequency", at, &frequencies));
    let unit = table.unit.as_ref().map(|at| value::unit(cx, at));
    let title = table.title.as_ref().and_then(|at| value::line(cx, "title", at));
    let max_gap_days = table.max_gap.as_ref().and_then(|at| value::days(cx, "max_gap", at));
    let inputs: Vec<Option<Selected<'_>>> = table.from.iter().flatten().map(|input| select(cx, input, known)).collect();
    let inputs: Option<Vec<Selected<'_>>> = inputs.into_iter().collect();
    let by = by(cx, table, inputs.as_deref().unwrap_or_default());
    inputs.iter().flatten().for_each(|input| told_apart(cx, input, &by));
    let labels = constants(cx, &named.name.value, table, &by);
    let frequency = match (frequency, &inputs) {
        (Some(frequency), _) => frequency,
        (None, Some(inputs)) => shared_frequency(cx, named.name.place, inputs),
        (None, None) => None,
    };
    let unit = unit.map_or(Some(None), |unit| unit.map(Some));
    let mut facts = Facts {
        name: named.name.value.clone(),
        constants: labels.clone(),
        from_columns: by.clone(),
        frequency,
        unit: unit.clone(),
        title,
        has_release: false,
        has_items: false,
        derived: None,
    };
    let formula = inputs.as_ref().zip(table.value.as_ref()).and_then(|(inputs, at)| {
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        Formula::parse(&at.value, &names).map_err(|error| told(cx, at, &error, None)).ok().map(|formula| (at, formula))
    });
    let (Some(inputs), Some((at, formula)), Some(frequency), Some(unit)) = (inputs, formula, frequency, unit) else {
        return Resolved { facts, derived: None };
    };
    fits(cx, at, &formula, &inputs, Target { frequency, unit: unit.as_ref() });
    unused(cx, table, &formula);
    facts.derived = Some(hash(&formula, &inputs, &by, frequency, unit.as_ref()));
    let inputs = inputs.into_iter().map(|input| input.resolved(&by)).collect();
    let name = facts.name.clone();
    let derived = Derived { name, labels, by, inputs, formula, frequency, unit, max_gap_days };
    Resolved { facts, derived: Some(derived) }
}

/// One input, and the feeds that its series may be of.
struct Selected<'f> {
    name: String,
    place: Place,
    wanted: Vec<Wanted>,
    feeds: Vec<&'f Facts>,
}

impl Selected<'_> {
    /// Whether any of its series may have a label.
    fn has(&self, label: &str) -> bool {
        self.feeds.iter().any(|feed| labels_of(feed).any(|known| known == label))
    }

    fn resolved(self, by: &[String]) -> Input {
        let by = by.iter().filter(|label| self.has(label)).cloned().collect();
        let patterns = self.wanted.into_iter().map(|wanted| (wanted.name.value, wanted.pattern)).collect();
        Input { name: self.name, selector: Selector::new(patterns), by }
    }
}

/// The series that an input means. Which feeds it is from must be said, so that what derives from what is
/// seen at once.
fn select<'f>(cx: Context<'_>, input: &InputTable, known: &[&'f Facts]) -> Option<Selected<'f>> {
    let about = input.name.with(format!("input `{}`", input.name.value));
    if !is_word(&input.name.value) {
        let help = "a name in a formula has letters, digits and `_`, and begins with a letter";
        cx.error(
            input.name.place,
            format!("`{}` is no name for an input", shorten(&input.name.value, 60)),
            "not a name",
            help,
        );
        return None;
    }
    let selected: Vec<Option<Wanted>> = input.series.iter().map(|(name, texts)| wanted(cx, name, texts)).collect();
    let selected: Vec<Wanted> = selected.into_iter().collect::<Option<_>>()?;
    let feed = selected.iter().find(|wanted| wanted.name.value == "feed");
    if feed.is_none_or(|feed| feed.exact.len() != feed.texts.len()) {
        let message = format!("input `{}` does not name its feeds", input.name.value);
        let (place, label) = feed.map_or((input.name.place, "no `feed`"), |feed| (feed.place, "a pattern is no name"));
        cx.error(place, message, label, "write feed = \"NAME\", or a list of names, with further labels");
        return None;
    }
    let feeds = matched(cx, &about, &selected, known);
    let (name, place) = (input.name.value.clone(), input.name.place);
    (!feeds.is_empty()).then_some(Selected { name, place, wanted: selected, feeds })
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !matches!(name, "and" | "or" | "not")
}

/// Refuses an input of several feeds where only some have a label of `by`: the series of the others would be
/// for no value of it.
fn told_apart(cx: Context<'_>, input: &Selected<'_>, by: &[String]) {
    for label in by.iter().filter(|label| input.has(label)) {
        let has_none = |feed: &&&Facts| !labels_of(feed).any(|known| known == label);
        let Some(without) = input.feeds.iter().find(has_none) else { continue };
        let message = format!("the series of feed `{}` have no label `{label}`, which `by` asks for", without.name);
        let help = format!("take `{}` away from input `{}`, or `{label}` from `by`", without.name, input.name);
        cx.error(input.place, message, "some have it, some do not", help);
    }
}

/// The labels that there is a series for each value of.
fn by(cx: Context<'_>, table: &SeriesTable, inputs: &[Selected<'_>]) -> Vec<String> {
    let mut by: Vec<String> = Vec::new();
    for at in table.by.iter().flat_map(|by| &by.value) {
        let known: BTreeSet<&str> =
            inputs.iter().flat_map(|input| &input.feeds).flat_map(|feed| labels_of(feed)).collect();
        if at.value == "feed" {
            cx.error(at.place, "`by` cannot be `feed`", "reserved", "a derived series' own name is its `feed`");
        } else if !inputs.is_empty() && !known.contains(at.value.as_str()) {
            let message = format!("no input has a label `{}`", shorten(&at.value, 60));
            let finding = Finding::error(at.place, message).label("unknown");
            cx.add(finding.near_or_all(
                &at.value,
                known.into_iter().filter(|label| *label != "feed"),
                "the labels are",
            ));
        } else if !by.contains(&at.value) {
            by.push(at.value.clone());
        }
    }
    by
}

fn labels_of(feed: &Facts) -> impl Iterator<Item = &str> {
    feed.constants.iter().map(|(name, _)| name).chain(feed.from_columns.iter().map(String::as_str))
}

fn constants(cx: Context<'_>, name: &str, table: &SeriesTable, by: &[String]) -> Labels {
    let mut labels: Labels = [("feed", name)].into_iter().collect();
    for (label, value) in &table.labels {
        if by.contains(&label.value) {
            let message = format!("the label `{}` is one of `by`", label.value);
            cx.error(label.key, message, "said by the inputs", "take it away from `labels` or from `by`");
        } else if label_name(cx, label) {
            labels.set(label.value.as_str(), canonical(&label.value, &value.value));
        }
    }
    labels
}

/// The frequency of all inputs, where they share one.
fn shared_frequency(cx: Context<'_>, place: Place, inputs: &[Selected<'_>]) -> Option<Frequency> {
    let frequencies: BTreeSet<Frequency> =
        inputs.iter().flat_map(|input| &input.feeds).filter_map(|feed| feed.frequency).collect();
    if frequencies.len() > 1 {
        let told = list(frequencies.iter().map(|frequency| frequency.name()));
        let longest = frequencies.last().map_or("month", |frequency| frequency.name());
        let finding = Finding::error(place, format!("its inputs are by {told}")).label("no `frequency`");
        cx.add(finding.help(format!(
            "write frequency = \"{longest}\", and how the shorter periods make one: `mean(x)`, `last(x)` or `sum(x)`"
        )));
        return None;
    }
    frequencies.first().copied()
}

/// Checks the formula against every kind of series that its inputs may be.
fn fits(cx: Context<'_>, at: &At<String>, formula: &Formula, inputs: &[Selected<'_>], target: Target<'_>) {
    let mut facts: Vec<InputFacts> = Vec::new();
    for input in inputs {
        let mut kinds = input.feeds.iter().filter_map(|feed| {
            feed.frequency.map(|frequency| InputFacts { name: input.name.clone(), frequency, unit: feed.unit.clone() })
        });
        let Some(first) = kinds.next() else { return };
        let differs = |other: &InputFacts| {
            let unit = match (&first.unit, &other.unit) {
                (Some(Some(a)), Some(Some(b))) => !a.converts_to(b),
                (Some(a), Some(b)) => a.is_some() != b.is_some(),
                _ => false,
            };
            unit || first.frequency != other.frequency
        };
        if kinds.any(|other| differs(&other)) {
            let message = format!("the series of input `{}` have no sum", input.name);
            let help = "several series of one input are added up: they need one frequency and one kind of unit";
            return cx.error(input.place, message, "of several kinds", help);
        }
        facts.push(first);
    }
    formula.check(&facts, target).iter().for_each(|error| told(cx, at, error, None));
}

/// Warns of inputs that the formula does not name.
fn unused(cx: Context<'_>, table: &SeriesTable, formula: &Formula) {
    let used = formula.used();
    for (position, input) in table.from.iter().flatten().enumerate() {
        if !used.contains(&position) {
            let message = format!("the formula does not use input `{}`", input.name.value);
            cx.add(Finding::warning(input.name.place, message).label("not used"));
        }
    }
}

/// SHA-256 over all that the figures depend on: a rule on them means something else when it changes.
fn hash(
    formula: &Formula,
    inputs: &[Selected<'_>],
    by: &[String],
    frequency: Frequency,
    unit: Option<&Unit>,
) -> String {
    let input = |input: &Selected<'_>| {
        let series: Vec<_> = input.wanted.iter().map(|wanted| json!([wanted.name.value, wanted.texts])).collect();
        let derived: Vec<_> = input.feeds.iter().filter_map(|feed| feed.derived.as_deref()).collect();
        json!({ "name": input.name, "series": series, "derived": derived })
    };
    let meaning = json!({
        "value": formula.text(),
        "from": inputs.iter().map(input).collect::<Vec<_>>(),
        "by": by,
        "frequency": frequency.name(),
        "unit": unit.map(ToString::to_string),
    });
    sha256(&meaning.to_string())
}
