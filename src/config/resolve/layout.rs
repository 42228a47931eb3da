//! How a feed's answer is written: columns or pointers, numbers, encoding.

use chrono::NaiveDate;
use encoding_rs::Encoding;

use super::feed::label_name;
use super::publisher::{Kind, Meaning};
use super::{Context, value};
use crate::base::text::shorten;
use crate::config::file::{ColumnsTable, FeedTable, LabelColumns};
use crate::config::problem::Finding;
use crate::config::source::{At, Place};
use crate::feed::format::json_path::Query;
use crate::feed::publisher::Columns;
use crate::feed::publisher::csv::Dialect;
use crate::period::{Frequency, Period, Span};

/// Lines that may be skipped, at most.
const SKIP_LINES_MAX: u64 = 1_000_000;

/// How an answer is written.
pub struct Layout {
    /// What the columns or pointers mean.
    pub columns: Columns,
    /// Where the labels that come from columns are named.
    pub label_places: Vec<(String, Place)>,
    /// How a CSV file is written.
    pub dialect: Dialect,
    /// The pointer to the array of records.
    pub records: String,
    /// The form of the periods.
    pub period_format: Option<String>,
    /// The sign before a fraction.
    pub decimal: char,
    /// The sign between thousands.
    pub thousands: Option<char>,
}

/// What a feed's table says of its answers.
pub fn resolve(cx: Context<'_>, table: &FeedTable, kind: Option<&Kind>, frequency: Option<Frequency>) -> Layout {
    let wide = table.wide.as_ref().is_some_and(|wide| wide.value);
    let meaning = kind.map(|kind| kind.meaning);
    let pointers = meaning == Some(Meaning::Pointers);
    let (labels, label_places) = labels(cx, table.columns.as_ref(), pointers);
    let columns = match meaning {
        Some(Meaning::Usual) => usual_columns(cx, table.columns.as_ref()),
        _ => columns(cx, table.columns.as_ref(), pointers, wide),
    };
    let columns = Columns { labels, ..columns };
    let decimal = table.decimal.as_ref().and_then(|at| decimal(cx, at)).unwrap_or('.');
    Layout {
        columns,
        label_places,
        dialect: Dialect {
            delimiter: table.delimiter.as_ref().and_then(|at| delimiter(cx, at)),
            encoding: table.encoding.as_ref().and_then(|at| encoding(cx, at)).unwrap_or(encoding_rs::UTF_8),
            skip_lines: skip_lines(cx, table),
            wide,
        },
        records: table.records.as_ref().and_then(|at| pointer(cx, at)).unwrap_or_default(),
        period_format: table.period_format.as_ref().and_then(|at| period_format(cx, at, frequency)),
        decimal,
        thousands: table.thousands.as_ref().and_then(|at| thousands(cx, at, decimal)),
    }
}

/// The columns beside labels. `period` and `value` where the config names none (`/period` and `/value` as
/// pointers); neither in a wide table.
fn columns(cx: Context<'_>, table: Option<&ColumnsTable>, pointers: bool, wide: bool) -> Columns {
    let column = |at: Option<&At<String>>| at.and_then(|at| column(cx, at, pointers));
    let in_table = |at: Option<&At<String>>, name: &str| {
        if wide {
            if let Some(at) = at {
                let message = format!("`{name}` has no place in a wide table, which has a column per period");
                cx.error(at.key, message, "not with `wide = true`", "take it away");
            }
            return None;
        }
        let default = if pointers { format!("/{name}") } else { name.to_owned() };
        at.map_or(Some(default), |at| column(Some(at)))
    };
    Columns {
        period: in_table(table.and_then(|table| table.period.as_ref()), "period"),
        value: in_table(table.and_then(|table| table.value.as_ref()), "value"),
        unit: column(table.and_then(|table| table.unit.as_ref())),
        status: column(table.and_then(|table| table.status.as_ref())),
        published: column(table.and_then(|table| table.published.as_ref())),
        labels: Vec::new(),
    }
}

/// The columns of a table that has usual names for them: only what the config calls otherwise.
fn usual_columns(cx: Context<'_>, table: Option<&ColumnsTable>) -> Columns {
    let named = |part: fn(&ColumnsTable) -> &Option<At<String>>| {
        table.and_then(|table| part(table).as_ref()).and_then(|at| column(cx, at, false))
    };
    Columns {
        period: named(|table| &table.period),
        value: named(|table| &table.value),
        unit: named(|table| &table.unit),
        status: named(|table| &table.status),
        published: named(|table| &table.published),
        labels: Vec::new(),
    }
}

/// A column's name, or a pointer into a record.
fn column(cx: Context<'_>, at: &At<String>, pointers: bool) -> Option<String> {
    if pointers {
        return pointer(cx, at);
    }
    if at.value.trim().is_empty() {
        cx.add(Finding::error(at.place, "a column's name is empty").label("expected the name in the file's header"));
        return None;
    }
    Some(at.value.clone())
}

/// A JSON Pointer (RFC 6901), or a JSONPath (RFC 9535), which begins with `$`.
fn pointer(cx: Context<'_>, at: &At<String>) -> Option<String> {
    let text = &at.value;
    if text.starts_with('$') {
        return match Query::parse(text) {
            Ok(_) => Some(text.clone()),
            Err(wrong) => {
                let message = format!("`{}` is no JSONPath", shorten(text, 60));
                let help = "write it as RFC 9535 has it, such as \"$.data[*]\" or \"$.rates.XAU\", or as a JSON pointer, \"/data\"";
                cx.error(at.place, message, &shorten(&wrong, 200), help);
                None
            }
        };
    }
    let begins = text.is_empty() || text.starts_with('/');
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if begins && escapes {
        return Some(text.clone());
    }
    let message = format!("`{}` is no JSON pointer", shorten(text, 60));
    if begins {
        cx.error(at.place, message, "`~` stands alone", "write `~` as `~0`, and `/` within a name as `~1`");
    } else {
        cx.error(at.place, message, "expected `/` first", format!("did you mean \"/{}\"?", text.replace('.', "/")));
    }
    None
}

type Labelled = (Vec<(String, String)>, Vec<(String, Place)>);

/// The labels that come from columns, and where they are named.
fn labels(cx: Context<'_>, table: Option<&ColumnsTable>, pointers: bool) -> Labelled {
    let pairs: Vec<(At<String>, At<String>)> = match table.map(|table| &table.labels) {
        None => Vec::new(),
        Some(LabelColumns::Table(pairs)) => pairs.clone(),
        Some(LabelColumns::List(list)) => list
            .iter()
            .map(|at| (at.with(if pointers { last_segment(&at.value) } else { at.value.clone() }), at.clone()))
            .collect(),
    };
    let (mut labels, mut places): Labelled = (Vec::new(), Vec::new());
    for (label, at) in pairs {
        let column = column(cx, &at, pointers);
        if !label_name(cx, &label) {
            continue;
        }
        if let Some((_, first)) = places.iter().find(|(name, _)| *name == label.value) {
            let message = format!("the label `{}` is there twice", label.value);
            cx.add(Finding::error(label.place, message).label("again").also(*first, "first"));
        }
        places.push((label.value.clone(), label.key));
        labels.extend(column.map(|column| (label.value, column)));
    }
    (labels, places)
}

/// The last name in a pointer, as it is without escapes, or in a JSONPath.
fn last_segment(pointer: &str) -> String {
    if pointer.starts_with('$') {
        let mut names = pointer.rsplit(['.', '[', ']', '\'', '"']).filter(|name| !name.is_empty());
        return names.next().unwrap_or(pointer).to_owned();
    }
    pointer.rsplit('/').next().unwrap_or(pointer).replace("~1", "/").replace("~0", "~")
}

fn delimiter(cx: Context<'_>, at: &At<String>) -> Option<u8> {
    if matches!(at.value.as_str(), "tab" | "\\t") {
        return Some(b'\t');
    }
    let found = value::character(cx, "delimiter", at)?;
    let good = found.is_ascii() && (found == '\t' || !found.is_control()) && !found.is_alphanumeric() && found != '"';
    if !good {
        let message = format!("`delimiter` cannot be `{found}`");
        cx.error(at.place, message, "expected a sign such as `;`", "write one sign, or \"tab\"");
    }
    u8::try_from(found).ok().filter(|_| good)
}

fn decimal(cx: Context<'_>, at: &At<String>) -> Option<char> {
    value::choice(cx, "decimal", at, &[(".", '.'), (",", ',')])
}

/// The sign between thousands; an empty string is none.
fn thousands(cx: Context<'_>, at: &At<String>, decimal: char) -> Option<char> {
    if at.value.is_empty() {
        return None;
    }
    let found = value::character(cx, "thousands", at)?;
    if found == decimal {
        let message = format!("`thousands` and `decimal` are both `{found}`");
        cx.error(at.place, message, "the same sign", "set `decimal = \",\"` where a comma stands before the fraction");
        return None;
    }
    if found.is_alphanumeric() || found.is_control() || matches!(found, '-' | '+' | '−' | '(' | ')' | '"') {
        let message = format!("`thousands` cannot be `{found}`");
        cx.error(at.place, message, "part of a number", "write a sign such as \",\", \".\", \" \" or \"'\"");
        return None;
    }
    Some(found)
}

/// An encoding by any of its web names, `_` and `-` alike.
fn encoding(cx: Context<'_>, at: &At<String>) -> Option<&'static Encoding> {
    let names =
        ["utf-8", "gb18030", "shift_jis", "latin-1", "windows-1252", "euc-jp", "euc-kr", "big5", "utf-16le", "gbk"];
    let label = at.value.trim().to_ascii_lowercase();
    let spellings = [label.clone(), label.replace('_', "-"), label.replace(['-', '_', ' '], "")];
    let found = spellings.iter().find_map(|label| Encoding::for_label_no_replacement(label.as_bytes()));
    if found.is_none() {
        let message = format!("there is no encoding `{}`", shorten(&at.value, 60));
        cx.add(Finding::error(at.place, message).label("unknown").near_or_all(&label, names, "the usual ones are"));
    }
    found
}

fn skip_lines(cx: Context<'_>, table: &FeedTable) -> usize {
    let Some(at) = &table.skip_lines else { return 0 };
    if at.value > SKIP_LINES_MAX {
        let message = format!("`skip_lines` is at most {SKIP_LINES_MAX}");
        cx.add(Finding::error(at.place, message).label("too many"));
    }
    usize::try_from(at.value.min(SKIP_LINES_MAX)).unwrap_or(0)
}

/// A strftime format, tried on a day: what it writes must read as the period of that day.
fn period_format(cx: Context<'_>, at: &At<String>, frequency: Option<Frequency>) -> Option<String> {
    use std::fmt::Write;
    let format = at.value.trim();
    let day = NaiveDate::from_ymd_opt(2025, 11, 18)?;
    let mut written = String::new();
    let formats = write!(written, "{}", day.and_time(chrono::NaiveTime::MIN).and_utc().format(format)).is_ok();
    if !formats || written == format {
        let message = format!("`period_format` cannot be `{}`", shorten(format, 60));
        let help = "write a strftime format, such as \"%d/%m/%Y\" or \"%b-%y\"";
        cx.error(at.place, message, "not a strftime format", help);
        return None;
    }
    let frequency = frequency?;
    let expected = Span::from(Period::containing(day, frequency));
    if Span::read(&written, frequency, Some(format)).ok() != Some(expected) {
        let message = format!("`period_format` does not say which {frequency} a period is");
        let label = format!("{day} is written `{written}`, which reads otherwise");
        cx.error(at.place, message, &label, "a format needs the year and all down to the period, such as \"%Y-%m\"");
        return None;
    }
    Some(format.to_owned())
}
