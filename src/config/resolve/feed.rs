//! `[feed.NAME]`: what is asked, when, and how the answer is read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono_tz::Tz;

use super::address::{self, Leave};
use super::layout::{self, Layout};
use super::publisher::{Basis, KINDS, Kind, Meaning, mixed};
use super::{Context, release, sha256, value};
use crate::base::clock::Timestamp;
use crate::base::limits::{BODY_BYTES_MAX, EXPECT_WITHIN, KEEP_RAW, MAX_GAP_DAYS};
use crate::base::secret::Secret;
use crate::base::text::shorten;
use crate::config::file::{FeedTable, Named};
use crate::config::problem::Finding;
use crate::config::source::{At, Place};
use crate::feed::publisher::Common;
use crate::feed::{Feed, MaxRefused, OwnPace, Quota, QuotaWindow, Standing, Target};
use crate::period::Frequency;
use crate::series::{Labels, Unit, country};

/// Header fields that are not the config's to set.
const OWN_HEADERS: [&str; 9] = [
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "if-modified-since",
    "if-none-match",
    "range",
    "te",
    "transfer-encoding",
];

/// What a rule may know of a feed, whether or not all of the feed is right.
pub struct Facts {
    /// Its name.
    pub name: String,
    /// The constant labels, `feed` among them.
    pub constants: Labels,
    /// The labels that come from columns.
    pub from_columns: Vec<String>,
    /// The frequency, where it is right.
    pub frequency: Option<Frequency>,
    /// The unit; `None` while it is only known from the figures (or not right).
    pub unit: Option<Option<Unit>>,
    /// What the figures are.
    pub title: Option<String>,
    /// Whether it says when its figures are due.
    pub has_release: bool,
    /// Whether its figures count items, which are kept.
    pub has_items: bool,
    /// Of a derived series: a hash of all that its figures depend on.
    pub derived: Option<String>,
}

/// A feed, and what rules may know of it.
pub struct Resolved {
    /// What rules may know.
    pub facts: Facts,
    /// The feed, where it is right.
    pub feed: Option<Feed>,
}

/// What a feed's table comes to.
pub fn resolve(cx: Context<'_>, named: &Named<FeedTable>, daemon_zone: Tz, receivers: &[&str]) -> Resolved {
    let (name, table) = (&named.name.value, &named.table);
    cx.missing(&table.given, "kind", "write kind = \"csv\", kind = \"json\", or a publisher such as kind = \"fred\"");
    let kind = table.kind.as_ref().and_then(|at| value::choice(cx, "kind", at, &KINDS.map(|kind| (kind.name, kind))));
    let own = kind.and_then(|kind| kind.meaning.own());
    let has_items = kind.is_some_and(|kind| kind.meaning == Meaning::Items);
    if own.is_none() {
        let help = "write frequency = \"day\", \"week\", \"month\", \"quarter\" or \"year\"";
        cx.missing(&table.given, "frequency", help);
    }
    if let Some(kind) = kind {
        cx.foreign(&table.given, kind.name, &KINDS.map(|kind| (kind.name, kind.keys)));
    }
    let names = Frequency::ALL.map(|frequency| (frequency.name(), frequency));
    let frequency = match &table.frequency {
        Some(at) => value::choice(cx, "frequency", at, &names),
        None => own.map(|(_, frequency)| frequency),
    };
    let declared = table.unit.as_ref().and_then(|at| value::unit(cx, at));
    if has_items {
        only_counted(cx, table);
    }
    let constants = constants(cx, name, &table.labels);
    let layout = layout::resolve(cx, table, kind, frequency);
    both_ways(cx, table, &layout);
    let mut facts = Facts {
        name: name.clone(),
        constants,
        from_columns: match own {
            Some((labels, _)) => labels.iter().map(|label| (*label).to_owned()).collect(),
            None => layout.columns.labels.iter().map(|(label, _)| label.clone()).collect(),
        },
        frequency,
        unit: match own {
            _ if has_items => Some(Unit::parse("count").ok()),
            _ if table.given.has("unit") => declared.map(Some),
            Some(_) => None,
            None => layout.columns.unit.is_none().then_some(None),
        },
        title: table.title.as_ref().and_then(|at| value::line(cx, "title", at)),
        has_release: table.given.has("release"),
        has_items,
        derived: None,
    };
    let zone = table.timezone.as_ref().and_then(|at| value::zone(cx, at)).unwrap_or(daemon_zone);
    let notify = value::own_receivers(cx, table.notify.as_ref(), receivers);
    let feed = assemble(cx, table, &facts, kind, zone, layout).map(|feed| Feed { notify, ..feed });
    facts.has_release |= feed.as_ref().is_some_and(|feed| feed.release.is_some());
    Resolved { facts, feed }
}

/// Refuses what a feed of items does not leave to the config.
fn only_counted(cx: Context<'_>, table: &FeedTable) {
    let own = [table.frequency.as_ref().filter(|at| at.value != "day"), table.unit.as_ref()];
    for at in own.into_iter().flatten() {
        let message =
            format!("the figures of items are their number of each day, not by or in `{}`", shorten(&at.value, 40));
        cx.error(at.key, message, "not for items", "take it away");
    }
}

/// The feed itself; everything that it needs beside its layout is looked at, whatever is missing.
fn assemble(
    cx: Context<'_>,
    table: &FeedTable,
    facts: &Facts,
    kind: Option<&Kind>,
    zone: Tz,
    layout: Layout,
) -> Option<Feed> {
    let schedule = table.schedule.as_ref().and_then(|at| value::schedule(cx, at, zone));
    let max_refused = max_refused(cx, table);
    let release = table.release.as_ref().and_then(|table| release::resolve(cx, table, facts.frequency, zone));
    let absent_zero = absent_zero(cx, table);
    let max_gap_days = max_gap(cx, table, facts.frequency);
    let max_bytes = table.max_bytes.as_ref().and_then(|at| value::bytes(cx, "max_bytes", at)).unwrap_or(BODY_BYTES_MAX);
    let own_pace = own_pace(cx, table);
    let keep_raw = table.keep_raw.as_ref().and_then(|at| value::duration(cx, "keep_raw", at)).unwrap_or(KEEP_RAW);
    let expect_within = table.expect_within.as_ref().and_then(|at| value::duration(cx, "expect_within", at));
    let expect_within = expect_within.unwrap_or(EXPECT_WITHIN);
    let unit = facts.unit.clone().flatten();
    let common = Common {
        frequency: facts.frequency.unwrap_or(Frequency::Month),
        zone,
        labels: facts.constants.clone(),
        period_format: layout.period_format.clone(),
        decimal: layout.decimal,
        thousands: layout.thousands,
    };
    let Some(kind) = kind else {
        // Whatever the kind will be, most need one.
        target(cx, table);
        return None;
    };
    let publisher = (kind.resolve)(cx, Basis { table, common, layout });
    let (publisher, frequency) = (publisher?, facts.frequency?);
    let usual = publisher.release().filter(|_| table.release.is_none());
    let asked = publisher.requests(&Standing { now: Timestamp::from_millis(0), marks: BTreeMap::new() });
    let asked: Vec<String> = asked.iter().map(|request| identity(&request.target)).collect();
    let absent_zero = absent_zero && !publisher.tells_absent();
    let spec_hash = sha256(&format!("{publisher:?} {asked:?} {zone} {unit:?} {absent_zero}"));
    Some(Feed {
        name: facts.name.clone(),
        publisher,
        stand_in: None,
        schedule,
        zone,
        frequency,
        unit,
        labels: facts.constants.clone(),
        release: release.or(usual),
        max_refused,
        absent_zero,
        max_gap_days,
        max_bytes,
        own_pace,
        keep_raw,
        expect_within,
        notify: None,
        spec_hash,
    })
}

/// Whether a cell that is left out is a zero.
pub fn absent_zero(cx: Context<'_>, table: &FeedTable) -> bool {
    table.absent.as_ref().is_some_and(|at| value::choice(cx, "absent", at, &[("zero", ())]).is_some())
}

/// What tells one target from another; secrets only as their hash.
fn identity(target: &Target) -> String {
    match target {
        Target::File(path) | Target::Folder(path) => path.display().to_string(),
        Target::Http { url, headers, .. } => {
            let headers = headers.iter().map(|(name, value)| format!("{name}={}", sha256(value.expose())));
            format!("{} {}", sha256(url.as_str()), headers.collect::<Vec<_>>().join(" "))
        }
    }
}

/// How often the publisher may be asked, where the config says so.
fn own_pace(cx: Context<'_>, table: &FeedTable) -> OwnPace {
    OwnPace {
        spacing: table.pause.as_ref().and_then(|at| value::duration(cx, "pause", at)),
        quota: table.quota.as_ref().and_then(|at| quota(cx, at)),
    }
}

/// `500/month`.
fn quota(cx: Context<'_>, at: &At<String>) -> Option<Quota> {
    let read = |text: &str| {
        let (calls, window) = text.split_once('/')?;
        let window = QuotaWindow::ALL.iter().find(|(name, _)| *name == window.trim())?.1;
        Some(Quota { calls: calls.trim().parse().ok()?, window })
    };
    let quota = read(&at.value);
    if quota.is_none() {
        let message = format!("`quota` cannot be `{}`", shorten(&at.value, 60));
        cx.error(at.place, message, "expected requests within a time", "write it like \"500/day\" or \"500/month\"");
    }
    quota
}

/// The labels that every series of the feed has. Countries are told by their ISO code.
fn constants(cx: Context<'_>, feed: &str, pairs: &[(At<String>, At<String>)]) -> Labels {
    let mut labels: Labels = [("feed", feed)].into_iter().collect();
    for (name, value) in pairs {
        if name.value == "hs" {
            mixed(cx, value.place, value.value.trim());
        }
        if label_name(cx, name) && !value.value.trim().is_empty() {
            labels.set(name.value.as_str(), canonical(&name.value, &value.value));
        } else if value.value.trim().is_empty() {
            let message = format!("the label `{}` is empty", name.value);
            cx.add(Finding::error(value.place, message).label("expected a value"));
        }
    }
    labels
}

/// A label's value as feeds have it: countries by their ISO code.
pub fn canonical(label: &str, value: &str) -> String {
    if matches!(label, "reporter" | "partner") { country::canonical(value) } else { value.to_owned() }
}

/// Whether a name may be a label of a feed; if not, that is reported.
pub fn label_name(cx: Context<'_>, at: &At<String>) -> bool {
    if at.value == "feed" {
        cx.error(
            at.key,
            "the label `feed` is the feed's own name",
            "reserved",
            "take it away, or give it another name",
        );
        return false;
    }
    let mut bytes = at.value.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let good = first && at.value.len() <= 100 && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good {
        let message = format!("`{}` is no name for a label", shorten(&at.value, 60));
        let help = "a label's name has letters (A to Z), digits and `_`, and does not begin with a digit; for a column \
                    of another name write labels = { partner = \"Partner Code\" }";
        cx.error(at.key, message, "not a name", help);
    }
    good
}

/// A label cannot be constant and come from a column.
fn both_ways(cx: Context<'_>, table: &FeedTable, layout: &Layout) {
    for (name, _) in &table.labels {
        if let Some((_, place)) = layout.label_places.iter().find(|(label, _)| *label == name.value) {
            let message = format!("the label `{}` is constant and comes from a column", name.value);
            cx.add(
                Finding::error(name.place, message)
                    .label("constant")
                    .also(*place, "from a column")
                    .help("take one away"),
            );
        }
    }
}

fn max_refused(cx: Context<'_>, table: &FeedTable) -> MaxRefused {
    let limit = table.max_refused.as_ref().and_then(|at| refused_limit(cx, at));
    if !table.strict.as_ref().is_some_and(|strict| strict.value) {
        return limit.unwrap_or(MaxRefused::DEFAULT);
    }
    if let Some(at) = table.max_refused.as_ref().filter(|_| limit.is_some_and(|limit| limit != MaxRefused::Rows(0))) {
        let message = "`max_refused` contradicts `strict = true`, which lets no row be refused";
        cx.error(at.key, message, "contradicts `strict`", "take one of them away");
    }
    MaxRefused::Rows(0)
}

fn refused_limit(cx: Context<'_>, at: &At<String>) -> Option<MaxRefused> {
    let text = at.value.trim();
    let limit = match text.strip_suffix('%') {
        Some(percent) => {
            let percent = percent.trim_end().parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
            percent.map(|percent| MaxRefused::Share(percent / 100.0))
        }
        None => text.parse().ok().map(MaxRefused::Rows),
    };
    if limit.is_none() {
        let message = format!("`max_refused` cannot be `{}`", shorten(text, 60));
        cx.error(at.place, message, "expected rows, or a share of all", "write 10, or \"5%\"");
    }
    limit
}

fn max_gap(cx: Context<'_>, table: &FeedTable, frequency: Option<Frequency>) -> i64 {
    let Some(at) = &table.max_gap else { return MAX_GAP_DAYS };
    if let Some(frequency) = frequency.filter(|frequency| *frequency != Frequency::Day) {
        let message = format!("`max_gap` has no meaning for frequency `{frequency}`");
        let help = "neighbours of other series than daily ones follow the calendar";
        cx.add(Finding::warning(at.key, message).label("only for `day`").help(help));
    }
    value::days(cx, "max_gap", at).unwrap_or(MAX_GAP_DAYS)
}

/// Where a feed of any publisher is found.
pub fn target(cx: Context<'_>, table: &FeedTable) -> Option<Target> {
    let places = |key: &str| table.given.keys.iter().find(|(given, _)| *given == key).map(|(_, place)| *place);
    match (places("path"), places("url")) {
        (None, None) => {
            let message = format!("[{}] needs `path` or `url`", table.given.title);
            let help = "write path = \"FILE\" or url = \"https://…\"";
            cx.error(table.given.place, message, "neither `path` nor `url`", help);
        }
        (Some(path), Some(url)) => {
            let message = format!("[{}] has both `path` and `url`", table.given.title);
            cx.add(Finding::error(url, message).label("and here").also(path, "here").help("take one away"));
        }
        _ => {}
    }
    let headers = headers(cx, table);
    let leave = Leave { insecure: on(table.insecure.as_ref()), allow_private: on(table.allow_private.as_ref()) };
    if let Some(at) = &table.path {
        return path(cx, table, at).map(Target::File);
    }
    let at = table.url.as_ref()?;
    let secret = cx.keyring.open(at)?;
    let url = address::resolve(cx, at.place, secret.expose(), leave)?;
    Some(Target::Http { url, headers, insecure: leave.insecure, allow_private: leave.allow_private })
}

/// Whether a flag is there and set.
pub fn on(flag: Option<&At<bool>>) -> bool {
    flag.is_some_and(|flag| flag.value)
}

/// Where a file or a folder is.
pub fn path(cx: Context<'_>, table: &FeedTable, at: &At<String>) -> Option<PathBuf> {
    let only_for_url = |key: &Place, name: &str| {
        let message = format!("`{name}` has no meaning with `path`");
        cx.add(Finding::warning(*key, message).label("only for `url`"));
    };
    for (name, key) in &table.given.keys {
        if matches!(*name, "headers" | "insecure" | "allow_private") && !table.given.has("url") {
            only_for_url(key, name);
        }
    }
    if at.value.trim().is_empty() || at.value.contains('\0') {
        cx.error(at.place, "`path` names no file", "expected a path", "a path is relative to the file that names it");
        return None;
    }
    if at.value.starts_with("http://") || at.value.starts_with("https://") {
        cx.report.hide(at.place);
        cx.error(at.place, "`path` has a web address", "not a path", "write url = \"https://…\"");
        return None;
    }
    Some(cx.sources.of(at.place).resolve(&at.value))
}

/// The header fields that are sent.
pub fn headers(cx: Context<'_>, table: &FeedTable) -> Vec<(String, Secret)> {
    let header = |at: &At<(String, At<crate::config::secret::SecretText>)>| {
        let (name, value) = &at.value;
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let good = (1..=76).contains(&name.len()) && name.bytes().all(token);
        if !good {
            let message = format!("`{}` is no name for a header field", shorten(name, 60));
            cx.error(at.key, message, "not a name", "a header's name has letters, digits and `-`");
        }
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let message = format!("the header `{name}` is not the config's to set");
            cx.error(at.key, message, "set by supplywatch itself", "take it away");
        }
        let secret = cx.keyring.open(value)?;
        if !secret.expose().bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)) {
            let message = format!("the header `{name}` has a line break or other characters that no header may have");
            cx.error(value.place, message, "not a header's value", "write printable ASCII");
        }
        good.then(|| (name.clone(), secret))
    };
    table.headers.iter().filter_map(header).collect()
}
