//! The JSON Schema of the config, for editors.
//!
//! Nothing here lists what there is: keys and types are what the readers ask for (`shape`), words, defaults and what is
//! required are the reference's, and the names that a key is chosen from are those that `resolve` expects when it is
//! given another. It is of draft 7, which editors for TOML know; what they complete by stands in `properties` and
//! `anyOf`, since they do not look behind `if`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::environment::Environment;
use super::file::NAMES;
use super::gather::gather;
use super::problem::Report;
use super::reference::{Reference, Shown, ValueRole};
use super::resolve::{Kind, kinds, resolve};
use super::secret::WAYS;
use super::shape::{Key, NAME, Takes, keys};
use super::source::Source;

/// What is no name of anything.
const UNHEARD: &str = "?";

/// The schema.
pub fn schema() -> Value {
    let (keys, reference) = (keys(), Reference::read());
    let options = reference.options().map(|(block, shown)| Described {
        path: block.path(shown, &keys),
        kind: block.name.filter(|name| *name != NAME),
        shown,
        choices: choices(&reference.with(block, shown, &format!("\"{UNHEARD}\""))),
    });
    let drawing = Drawing { options: options.collect(), keys: &keys };
    let mut root = drawing.table("");
    root.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
    root.insert("title".into(), json!("The configuration of supplywatch"));
    root.insert("definitions".into(), json!({ "secret": secret() }));
    root.into()
}

/// The names that are expected where a config has another.
fn choices(text: &str) -> Vec<String> {
    let (path, report) = (Path::new("supplywatch.toml"), Report::default());
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    let (sources, file) = gather(path, Ok(source), &report);
    if let Some(file) = file {
        resolve(path, file, &sources, &Environment::default(), &report);
    }
    report.expected()
}

/// Where a secret is, or the secret itself.
fn secret() -> Value {
    let ways: Map<String, Value> = WAYS.iter().map(|way| ((*way).to_owned(), json!({ "type": "string" }))).collect();
    let table = json!({
        "type": "object", "properties": ways, "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
    });
    json!({ "anyOf": [table, { "type": "string" }] })
}

/// An option of the reference, and all that is known of it.
struct Described<'r> {
    /// Its path in the shape.
    path: String,
    /// The kind that it is shown for; `None` for all.
    kind: Option<&'static str>,
    shown: &'r Shown,
    /// The names that its value is chosen from; none where it is free.
    choices: Vec<String>,
}

struct Drawing<'r> {
    keys: &'r [Key],
    options: Vec<Described<'r>>,
}

impl Drawing<'_> {
    /// A table by its path.
    fn table(&self, path: &str) -> Map<String, Value> {
        let below = || self.keys.iter().filter(|key| key.table == path);
        let named = below().filter(|key| key.key != NAME);
        let properties: Map<String, Value> =
            named.map(|key| (key.key.clone(), self.property(key, &self.shown(key, None)))).collect();
        let free = below().find(|key| key.key == NAME).map(|key| self.property(key, &self.shown(key, None)));
        let mut table = Map::new();
        table.insert("type".into(), json!("object"));
        table.insert("properties".into(), properties.into());
        table.insert("additionalProperties".into(), free.unwrap_or(json!(false)));
        if !path.is_empty() && !path.contains('.') && below().any(|key| key.key == NAME) && path != "route" {
            table.insert("propertyNames".into(), json!({ "pattern": NAMES }));
        }
        let required = self.required(path, None);
        if !required.is_empty() {
            table.insert("required".into(), json!(required));
        }
        if let Some(family) = path.strip_suffix(NAME).and_then(|path| path.strip_suffix('.')) {
            table.extend(self.by_kind(family, path));
        }
        table
    }

    /// What holds of a table by its kind: one kind after the other, each behind that which the table is not of.
    fn by_kind(&self, family: &str, path: &str) -> Map<String, Value> {
        let kinds = kinds(family);
        kinds.iter().rev().fold(Map::new(), |others, kind| {
            let is_it = json!({ "properties": { "kind": { "const": kind.name } }, "required": ["kind"] });
            let mut table: Map<String, Value> = [("if".to_owned(), is_it)].into_iter().collect();
            table.insert("then".into(), self.of_kind(kind, &kinds, path));
            if !others.is_empty() {
                table.insert("else".into(), others.into());
            }
            table
        })
    }

    /// What a table of a kind must have and cannot have, and its own words and defaults.
    fn of_kind(&self, kind: &Kind, all: &[Kind], path: &str) -> Value {
        let foreign = all.iter().flat_map(|other| other.keys).filter(|key| !kind.keys.contains(key));
        let mut properties: Map<String, Value> = foreign.map(|key| ((*key).to_owned(), json!(false))).collect();
        for key in self.keys.iter().filter(|key| key.table == path && key.key != "kind") {
            let own = self.shown(key, Some(kind.name));
            if !own.is_empty() {
                properties.insert(key.key.clone(), self.property(key, &own));
            }
        }
        json!({ "properties": properties, "required": self.required(path, Some(kind.name)) })
    }

    /// The keys that a table must have.
    fn required(&self, path: &str, kind: Option<&str>) -> Vec<&str> {
        let is_whole = |option: &&Described<'_>| option.kind == kind && option.shown.role == ValueRole::Required;
        let is_within = |option: &&Described<'_>| option.shown.role == ValueRole::RequiredWithin;
        let whole = !path.contains('.') || path.split_once('.').is_some_and(|(_, rest)| rest == NAME);
        let options = self.options.iter().filter(|option| if whole { is_whole(option) } else { is_within(option) });
        // Of `series.feed`, `series` must be there; which label it has is free.
        let inner = options.filter_map(|option| option.path.strip_prefix(path)?.strip_prefix('.'));
        let keys = inner.filter_map(|inner| inner.split('.').next());
        let mut required: Vec<&str> = keys.filter(|key| *key != NAME).collect();
        required.dedup();
        required
    }

    /// Where a key is shown: for a kind alone, or for all kinds, else for each that has it.
    fn shown(&self, key: &Key, kind: Option<&str>) -> Vec<&Described<'_>> {
        let path = if key.table.is_empty() { key.key.clone() } else { format!("{}.{}", key.table, key.key) };
        let all: Vec<&Described<'_>> = self.options.iter().filter(|option| option.path == path).collect();
        let of = |kind: Option<&str>| all.iter().copied().filter(|option| option.kind == kind).collect::<Vec<_>>();
        match (kind, of(kind)) {
            (None, common) if common.is_empty() => all,
            (_, found) => found,
        }
    }

    /// A key: what it takes, and what is said of it where it is shown.
    fn property(&self, key: &Key, shown: &[&Described<'_>]) -> Value {
        let path = if key.table.is_empty() { key.key.clone() } else { format!("{}.{}", key.table, key.key) };
        let free = shown.iter().any(|option| option.choices.is_empty());
        let mut choices: Vec<&str> = shown.iter().flat_map(|option| &option.choices).map(String::as_str).collect();
        choices.sort_unstable();
        choices.dedup();
        let mut property = self.taken(key.takes, &path, if free { &[] } else { &choices });
        if let Some(words) = shown.iter().map(|option| option.shown.words).find(|words| !words.is_empty()) {
            property.insert("description".into(), json!(words));
        }
        let mut values = shown.iter().map(|option| (option.shown.role, option.shown.value));
        if let Some(first) = values.next().filter(|first| values.all(|other| other == *first)) {
            let value = json_of(first.1);
            match first.0 {
                ValueRole::Default => property.insert("default".into(), value),
                _ => property.insert("examples".into(), json!([value])),
            };
        }
        property.into()
    }

    /// What a key takes.
    fn taken(&self, takes: Takes, path: &str, choices: &[&str]) -> Map<String, Value> {
        let text = if choices.is_empty() { json!({ "type": "string" }) } else { json!({ "enum": choices }) };
        let whole = json!({ "type": "integer", "minimum": 0 });
        let or = |one: Value, other: Value| json!({ "anyOf": [one, other] });
        let list = |one: Value| json!({ "type": "array", "items": one });
        let schema = match takes {
            Takes::Text => text,
            Takes::Flag => json!({ "type": "boolean" }),
            Takes::Whole => whole,
            Takes::Wholes => list(whole),
            Takes::TextOrWhole => or(text, whole),
            Takes::TextOrNumber => or(text, json!({ "type": "number" })),
            Takes::TextOrFlag => or(text, json!({ "type": "boolean" })),
            Takes::Texts => or(text.clone(), list(text)),
            Takes::TextsOrWholes => or(or(text.clone(), whole.clone()), list(or(text, whole))),
            Takes::Secret => json!({ "anyOf": [{ "$ref": "#/definitions/secret" }] }),
            Takes::Table => self.table(path).into(),
            Takes::TableOrTexts => or(self.table(path).into(), or(text.clone(), list(text))),
            Takes::Tables => list(self.table(path).into()),
        };
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }
}

/// A value of TOML as JSON; null for what is none.
fn json_of(value: &str) -> Value {
    let read = toml::from_str::<Map<String, Value>>(&format!("value = {value}"));
    read.ok().and_then(|mut table| table.remove("value")).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Configs held against the schema.
    struct Validator {
        schemas: boon::Schemas,
        index: boon::SchemaIndex,
    }

    impl Validator {
        /// That the schema is one, by the schema of schemas, is looked at here.
        fn new() -> Self {
            let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
            compiler.add_resource("config.json", schema()).unwrap();
            let index = compiler.compile("config.json", &mut schemas).unwrap();
            Self { schemas, index }
        }

        fn wrong(&self, config: &str) -> Option<String> {
            let config = toml::from_str::<Value>(config).unwrap();
            self.schemas.validate(&config, self.index).err().map(|error| format!("{error:#}"))
        }
    }

    /// Every file of a folder of the project's `config`, but scenarios.
    fn shipped(folder: &str) -> Vec<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(folder);
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let configs = paths.filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.ends_with(".toml") && !name.ends_with(".test.toml")
        });
        configs.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
    }

    #[test]
    fn every_shipped_config_is_valid() {
        let validator = Validator::new();
        let all: Vec<(String, String)> = ["", "feeds", "rules"].into_iter().flat_map(shipped).collect();
        assert!(all.len() > 20, "only {} configs were found", all.len());
        for (path, config) in all {
            assert_eq!(validator.wrong(&config), None, "{path}");
        }
    }

    /// What is shown in the reference may be written, by the schema as by the program.
    #[test]
    fn every_option_of_the_reference_is_valid() {
        let (validator, reference) = (Validator::new(), Reference::read());
        for (block, shown) in reference.options() {
            let config = reference.with(block, shown, shown.value);
            assert_eq!(validator.wrong(&config), None, "{} {}", block.header, shown.line);
        }
    }

    #[test]
    fn mistakes_are_found() {
        let validator = Validator::new();
        let feed = "[feed.f]\nkind = 'csv'\npath = 'f.csv'\nfrequency = 'month'\n";
        assert_eq!(validator.wrong(feed), None);
        for (config, told) in [
            (format!("{feed}unt = 't'\n"), "unt"),
            (feed.replace("'csv'", "'cvs'"), "kind"),
            (feed.replace("'month'", "'monthly'"), "frequency"),
            (feed.replace("frequency = 'month'\n", ""), "frequency"),
            (format!("{feed}strict = 'yes'\n"), "strict"),
            (format!("{feed}skip_lines = -1\n"), "skip_lines"),
            (format!("{feed}sheet = 'Table 1'\n"), "sheet"),
            (format!("{feed}columns = {{ perod = 'a' }}\n"), "perod"),
            (format!("{feed}release = {{ day = 20 }}\n"), "after"),
            (format!("{feed}headers = {{ a = {{ enw = 'B' }} }}\n"), "headers"),
            (feed.replace("feed.f", "feed.'a b'"), "a b"),
            ("[feed.e]\nkind = 'eurostat'\nreporter = 'DE'\ncommodity = '85'\nflow = 'imports'\n".into(), "flow"),
            ("[feed.e]\nkind = 'eurostat'\ncommodity = '85'\nflow = 'import'\n".into(), "reporter"),
            ("[rule.r]\nwhen = 'declines >= 2'\n".into(), "series"),
            ("[rule.r]\nseries = {}\nseverity = 'bad'\n".into(), "severity"),
            ("[receiver.r]\nkind = 'email'\nhost = 'h'\nfrom = 'a@b.example'\n".into(), "to"),
            ("[receiver.r]\nkind = 'console'\nurl = 'https://a.example'\n".into(), "url"),
            ("[receiver.r]\nkind = 'ntfy'\ntopic = 't'\nquiet = { from = '22:00', to = '07:00' }\n".into(), "timezone"),
            ("[[route]]\nmatch = { partner = 'US' }\n".into(), "notify"),
            ("[daemon]\nstat = 'sqlite:a.db'\n".into(), "stat"),
            ("[demon]\n".into(), "demon"),
        ] {
            let wrong = validator.wrong(&config).unwrap_or_else(|| panic!("nothing is wrong with\n{config}"));
            assert!(wrong.contains(told), "{told}: {wrong}");
        }
    }

    #[test]
    fn names_are_chosen_from_those_that_are_expected() {
        let schema = schema();
        let names = |pointer: &str| schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}")).to_string();
        let feed = "/properties/feed/additionalProperties/properties";
        assert_eq!(names(&format!("{feed}/frequency/enum")), r#"["day","month","quarter","week","year"]"#);
        assert_eq!(names(&format!("{feed}/decimal/enum")), r#"[",","."]"#);
        assert_eq!(names(&format!("{feed}/flow/anyOf/0/enum")), r#"["export","import"]"#);
        assert_eq!(names(&format!("{feed}/dataflow/type")), r#""string""#);
        assert_eq!(
            names("/properties/rule/additionalProperties/properties/severity/enum"),
            r#"["critical","info","warning"]"#
        );
        assert_eq!(names("/properties/rule/additionalProperties/properties/severity/default"), r#""warning""#);
        assert_eq!(names("/properties/route/items/properties/notify/description"), r#""who is told""#);
        assert_eq!(
            schema
                .pointer("/properties/receiver/additionalProperties/properties/kind/enum")
                .unwrap()
                .as_array()
                .unwrap()
                .len(),
            kinds("receiver").len()
        );
    }
}
