//! Titles and bodies of one's own: a template over the message, in the syntax of Jinja.
//!
//! What comes out is plain text, which every channel escapes as it does any other. A template sees the message
//! and nothing else, loads no file, and ends: what loops runs out of fuel, what is long is refused.

use std::io;

use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Value, json};
use tracing::warn;

use super::webhook;
use crate::base::clock::Timestamp;
use crate::base::text::{printable, shorten};
use crate::outbox::{ItemLine, MeasureLine, Message, PartLine, PointLine, RevisionLine, Said, TableRow, Told};
use crate::series::{Notation, Provenance, Unit};

/// Steps of a template, at most.
const FUEL: u64 = 100_000;
/// Bytes that come out, at most.
const BYTES_MAX: usize = 32_000;
/// Characters of a title, at most.
const TITLE_MAX: usize = 300;
/// Where the labels of a series stand, whose names no sample knows.
const LABELS: &str = "alert.labels.";

/// How a rule or a receiver has its messages told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// The title; `None`: the program's own.
    pub title: Option<String>,
    /// What stands in the place of everything between the title and the rule.
    pub body: Option<String>,
    /// How its filters write figures.
    pub notation: Notation,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It cannot be used.
    Error(String),
    /// It fails for a message that has no figures, such as that its rule is gone.
    Bare(String),
}

impl Template {
    /// This one, and for what it leaves out another, whose notation it takes.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            title: self.title.clone().or(other.title.clone()),
            body: self.body.clone().or(other.body.clone()),
            notation: other.notation.clone(),
        }
    }

    /// Whether it says nothing.
    pub const fn is_empty(&self) -> bool {
        self.title.is_none() && self.body.is_none()
    }

    /// The words that it has for a message, or why it has none.
    pub fn tell(&self, message: &Message) -> Result<Told, String> {
        let context = context(message);
        let told = |part: &str, text: &Option<String>| {
            let told = text.as_ref().map(|text| render(text, &context, &self.notation));
            told.transpose().map_err(|error| format!("the template's {part} failed: {}", why(&error)))
        };
        let title = told("title", &self.title)?.map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
        if title.as_ref().is_some_and(String::is_empty) {
            return Err("the template's title is empty".to_owned());
        }
        let body = told("body", &self.body)?.map(|body| body.trim().to_owned());
        Ok(Told { title: title.map(|title| shorten(&title, TITLE_MAX)), body, note: None })
    }

    /// Dresses a message for its receiver. Where that fails, the message stays as it is, with a note: a message
    /// in the wrong words is better than none.
    pub fn dress(&self, message: &mut Message) {
        if self.is_empty() {
            return;
        }
        message.told = Some(self.tell(message).unwrap_or_else(|error| {
            warn!(rule = message.alert.rule, alert = message.alert.id, error, "the default message is sent");
            Told { title: None, body: None, note: Some(error) }
        }));
    }
}

/// What is wrong with a template's text, as far as can be known before there is a message.
pub fn flaw(text: &str) -> Option<Flaw> {
    let environment = environment(&Notation::default());
    let template = match environment.template_from_str(text) {
        Ok(template) => template,
        Err(error) => return Some(Flaw::Error(why(&error))),
    };
    let names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    let (mut full, mut bare) = (context(&sample()), context(&Message::test("sample", Timestamp::from_millis(0))));
    for label in names.iter().filter_map(|name| name.strip_prefix(LABELS)) {
        full["alert"]["labels"][label] = label.into();
        bare["alert"]["labels"][label] = label.into();
    }
    let is_global = |name: &str| environment.globals().any(|(global, _)| global == name);
    let mut unknown: Vec<&String> = names.iter().filter(|name| !is_known(&full, name) && !is_global(name)).collect();
    unknown.sort();
    if let Some(name) = unknown.first() {
        return Some(Flaw::Error(format!("a message has no `{name}`")));
    }
    let fails = |context: &Value| render(text, context, &Notation::default()).err().map(|error| why(&error));
    fails(&full).map(Flaw::Error).or_else(|| fails(&bare).map(Flaw::Bare))
}

/// Whether a message has something of that name: `evidence.unit`. What lists hold, only a message can tell.
fn is_known(context: &Value, name: &str) -> bool {
    let mut at = context;
    for part in name.split('.') {
        match at {
            Value::Object(fields) => match fields.get(part) {
                Some(value) => at = value,
                None => return false,
            },
            _ => return true,
        }
    }
    true
}

/// What a template is read in. Its filters write figures as the message does: `value|quantity(evidence.unit)`.
fn environment(notation: &Notation) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let [number, percent, quantity] = [0; 3].map(|_| notation.clone());
    environment.add_filter("number", move |value: f64| number.number(value));
    environment.add_filter("percent", move |ratio: f64| percent.percent(ratio));
    environment.add_filter("quantity", move |value: f64, unit: Option<String>| {
        let unit = unit.map(|unit| Unit::parse(&unit)).transpose();
        let told = unit.map(|unit| quantity.quantity(value, unit.as_ref()));
        told.map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    });
    environment
}

fn render(text: &str, context: &Value, notation: &Notation) -> Result<String, Error> {
    let environment = environment(notation);
    let mut out = Limited(Vec::new());
    environment.template_from_str(text)?.render_captured_to(Serde(context), &mut out)?;
    Ok(String::from_utf8_lossy(&out.0).into_owned())
}

/// What went wrong, in one line.
fn why(error: &Error) -> String {
    let line = error.line().map(|line| format!(" (line {line})")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    shorten(&printable(&format!("{}{detail}{cause}{line}", error.kind())), 300)
}

/// What holds so much and no more.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > BYTES_MAX {
            return Err(io::Error::other(format!("it says more than {BYTES_MAX} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a template sees: `data` of a webhook, every name there whether or not it has a value, and `timestamp`.
fn context(message: &Message) -> Value {
    let payload = serde_json::to_value(webhook::payload(message)).unwrap_or_default();
    let mut context = payload["data"].clone();
    context["timestamp"] = payload["timestamp"].clone();
    for (name, value) in [("thread", Value::Null), ("url", Value::Null)] {
        fill(&mut context, name, value);
    }
    for (name, value) in [("items", json!([])), ("items_left_out", json!(0))] {
        fill(&mut context["evidence"], name, value);
    }
    for gate in context["gates"].as_array_mut().into_iter().flatten() {
        fill(gate, "severity", Value::Null);
    }
    for measure in context["evidence"]["measures"].as_array_mut().into_iter().flatten() {
        fill(measure, "parts", json!([]));
    }
    disarm(&mut context);
    context
}

fn fill(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.entry(name).or_insert(value);
    }
}

/// Foreign text brings no line of its own into what a template says.
fn disarm(value: &mut Value) {
    match value {
        Value::String(text) => *text = printable(text),
        Value::Array(items) => items.iter_mut().for_each(disarm),
        Value::Object(fields) => fields.values_mut().for_each(disarm),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A message that has something everywhere.
fn sample() -> Message {
    let at = Timestamp::from_millis(0);
    let text = || "sample".to_owned();
    let day = || "2025-10-20".to_owned();
    let mut message = Message::test("sample", at);
    message.period = Some("2025-09".to_owned());
    message.clears = Some(text());
    message.said = Some(Said { at, on: text(), title: text() });
    message.table = vec![TableRow {
        period: "2025-09".to_owned(),
        value: text(),
        change: Some(text()),
        status: Some(text()),
        known_since: Some(at),
        known_on: Some(day()),
        note: Some(text()),
    }];
    message.revisions =
        vec![RevisionLine { period: "2025-09".to_owned(), old: text(), new: text(), known_since: at, known_on: day() }];
    message.sources = vec![Provenance { feed: text(), url: text(), retrieved_at: at, sha256: text() }];
    message.evidence.unit = Some("t".to_owned());
    let parts = vec![PartLine { name: text(), value: 1.0, words: text() }];
    message.evidence.measures = vec![MeasureLine { text: text(), value: Some(1.0), words: text(), parts }];
    message.evidence.points = vec![PointLine {
        period: "2025-09".to_owned(),
        value: 1.0,
        status: "final".to_owned(),
        recorded_at: at,
        source: Some(0),
    }];
    message.items = vec![ItemLine {
        id: text(),
        published: day(),
        published_on: text(),
        title: text(),
        url: Some(text()),
        summary: text(),
        about: text(),
        corrects: Some(text()),
        effective: Some(day()),
        effective_on: Some(text()),
        ends: Some(day()),
        ends_on: Some(text()),
    }];
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::double::{corrected, fired, noticed};
    use crate::series::Locale;

    fn told(body: &str, message: &Message) -> String {
        let template = Template { body: Some(body.to_owned()), ..Template::default() };
        template.tell(message).map_or_else(|error| error, |told| told.body.unwrap_or_default())
    }

    #[test]
    fn a_template_sees_what_a_webhook_gets() {
        let body = "{{ severity|upper }} {{ alert.labels.partner }}: {{ evidence.table[-1].value }}\n\
                    {% for gate in gates %}{{ gate.text }} {{ gate.verdict }}{% endfor %}\n\
                    {{ evidence.points|map(attribute='value')|sum|round(1) }} {{ thread or 'no thread' }}\n\
                    {% if said %}before: {{ said.title }}{% endif %}";
        assert_eq!(told(body, &fired()), "CRITICAL US: 420.5 t\ndeclines >= 2 holds\n1629.5 no thread");
        assert!(told(body, &corrected()).ends_with(
            "before: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %"
        ));
        assert_eq!(told("{{ evidence['items']|length }}", &noticed()), "2");
        assert_eq!(told("{{ evidence['items']|length }}", &fired()), "0");
    }

    #[test]
    fn figures_are_written_as_the_reader_has_them() {
        let body = "{{ evidence.points[-1].value|quantity(evidence.unit) }}, {{ 1234.5|number }}, {{ -0.287|percent }}, \
                    {{ 3|quantity(none) }}";
        assert_eq!(told(body, &fired()), "420.5 t, 1234.5, −28.7 %, 3");
        let notation = Notation { locale: Locale::parse("de").ok(), units: vec![Unit::parse("kg").unwrap()] };
        let template = Template { body: Some(body.to_owned()), notation, ..Template::default() };
        let told_in_german = template.tell(&fired()).unwrap().body.unwrap();
        assert_eq!(told_in_german, "420.500 kg, 1.234,5, -28,7\u{a0}%, 3");
        assert!(told("{{ 3|quantity('parsecs') }}", &fired()).contains("no known unit"));
        assert!(told("{{ 'many'|number }}", &fired()).contains("failed"));
    }

    #[test]
    fn a_title_is_one_line() {
        let template = Template { title: Some("{{ period }}\n  {{ title }}\n".to_owned()), ..Template::default() };
        let message = Message { title: "a\nb".to_owned(), ..fired() };
        assert_eq!(template.tell(&message).unwrap().title.as_deref(), Some("2025-09 a\\u{a}b"));
        let nothing = Template { title: Some("{# nothing #}".to_owned()), ..Template::default() };
        assert_eq!(nothing.tell(&fired()).unwrap_err(), "the template's title is empty");
    }

    #[test]
    fn what_fails_leaves_the_message_as_it_was_with_a_note() {
        let template = Template { title: Some("{{ alert.labels.nobody }}".to_owned()), ..Template::default() };
        let mut message = fired();
        template.dress(&mut message);
        let note = "the template's title failed: undefined value (line 1)";
        assert_eq!(message.told, Some(Told { title: None, body: None, note: Some(note.to_owned()) }));
        assert_eq!(Message { told: None, ..message }, fired());
    }

    #[test]
    fn a_template_that_does_not_end_is_ended() {
        let forever = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}";
        let why = told(forever, &fired());
        assert!(why.contains("fuel") || why.contains("more than"), "{why}");
        let long = told("{% for a in range(3000) %}0123456789012345{% endfor %}", &fired());
        assert!(long.contains("it says more than 32000 bytes"), "{long}");
        assert!(told("{{ 'x' * 100000 }}", &fired()).contains("it says more than 32000 bytes"));
    }

    #[track_caller]
    fn flawed(text: &str, expected: Option<&str>) {
        let found = flaw(text).map(|flaw| match flaw {
            Flaw::Error(why) => why,
            Flaw::Bare(why) => format!("bare: {why}"),
        });
        match (&found, expected) {
            (Some(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
            _ => assert_eq!(found.as_deref(), expected, "{text}"),
        }
    }

    #[test]
    fn mistakes_are_found_before_there_is_a_message() {
        flawed("{{ title }} {{ alert.labels.partner }} {{ alert.rule }} {% if period %}{{ period }}{% endif %}", None);
        flawed("{% for row in evidence.table %}{{ row.value }}{% endfor %}{{ range(3)|list }}", None);
        flawed("{{ title", Some("syntax error: unexpected end"));
        flawed("{{ titel }}", Some("a message has no `titel`"));
        flawed("{% if said %}{{ alert.nmae }}{% endif %}", Some("a message has no `alert.nmae`"));
        flawed("{% if false %}{{ now() }}{% endif %}", Some("a message has no `now`"));
        flawed("{{ evidence.table[0].valeu }}", Some("undefined value"));
        flawed("{{ title|shout }}", Some("unknown filter"));
        flawed("{% include '/etc/passwd' %}", Some("syntax error"));
        flawed("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", Some("fuel"));
        flawed("{{ evidence.table[-1].value }}", Some("bare: undefined value"));
    }
}
