//! `[rule.NAME]`: which series it is about, whether its expressions fit them, and whom it tells.

use std::collections::BTreeMap;

use serde_json::json;

use super::feed::{Facts, canonical};
use super::{Context, group, items, sha256, value};
use crate::base::text::{list, shorten};
use crate::config::file::Named;
use crate::config::problem::Finding;
use crate::config::rule::{LevelTable, RuleTable};
use crate::config::source::{At, Place, Texts};
use crate::rule::{
    Expr, ExprError, Inhibition, Level, OnGap, REVISION_TOLERANCE, Renotify, Rule, Severity, Subject, Together,
};
use crate::series::{Pattern, Quantity, Selector};

/// One label of a rule's series: its name, the patterns as written (countries by their ISO code), and their place.
pub(super) struct Wanted {
    pub(super) name: At<String>,
    pub(super) texts: Vec<String>,
    pub(super) pattern: Pattern,
    pub(super) place: Place,
    /// Each exact value and its place.
    pub(super) exact: Vec<At<String>>,
}

/// What a rule's table comes to.
pub fn resolve(cx: Context<'_>, named: &Named<RuleTable>, feeds: &[&Facts], receivers: &[&str]) -> Option<Rule> {
    let table = &named.table;
    cx.missing(&table.given, "series", "write series = { feed = \"NAME\" }, with further labels to select by");
    let wanted: Option<Vec<Wanted>> = table.series.as_ref().and_then(|series| {
        let wanted: Vec<Option<Wanted>> = series.iter().map(|(name, texts)| wanted(cx, name, texts)).collect();
        wanted.into_iter().collect()
    });
    let about = named.name.with(format!("rule `{}`", named.name.value));
    let matched = wanted.as_ref().map(|wanted| matched(cx, &about, wanted, feeds)).unwrap_or_default();
    let group_by = group::resolve(cx, table, &matched);
    group::check(cx, table, &group_by, &matched);
    items::check(cx, table, &group_by);
    let levels = levels(cx, table, &matched);
    let min_base = table.min_base.as_ref().and_then(|at| min_base(cx, at, &matched));
    let on_gaps = OnGap::ALL.map(|on_gap| (on_gap.name(), on_gap));
    let final_only = table.status.as_ref().and_then(|at| value::choice(cx, "status", at, &STATUSES)).unwrap_or(false);
    let on_gap = table.on_gap.as_ref().and_then(|at| value::choice(cx, "on_gap", at, &on_gaps)).unwrap_or_default();
    let tolerance = table.revision_tolerance.as_ref().and_then(|at| revision_tolerance(cx, at));
    let notify = notify(cx, named, receivers);
    let renotify = table.renotify.as_ref().and_then(|at| renotify(cx, at)).unwrap_or_default();
    let together = table.group.as_ref().and_then(|at| value::choice(cx, "group", at, &Together::ALL));
    let own_title = table.title.as_ref().and_then(|at| value::line(cx, "title", at));
    let feeds_title = if let [only] = matched.as_slice() { only.title.clone() } else { None };
    let (wanted, (Level { severity, when, clear }, worse)) = (wanted?, levels?);
    let mut rule = Rule {
        name: named.name.value.clone(),
        hash: String::new(),
        selector: Selector::new(
            wanted.iter().map(|wanted| (wanted.name.value.clone(), wanted.pattern.clone())).collect(),
        )
        .grouped(group_by),
        when,
        clear,
        severity,
        worse,
        final_only,
        on_gap,
        revision_tolerance: tolerance.unwrap_or(REVISION_TOLERANCE),
        min_base,
        notify,
        renotify,
        together: together.unwrap_or_default(),
        title: own_title.or(feeds_title),
        inhibition: Inhibition::default(),
        escalation: None,
    };
    rule.hash = hash(&wanted, &rule, &matched);
    Some(rule)
}

/// `status`: whether only final figures count.
const STATUSES: [(&str, bool); 2] = [("any", false), ("final", true)];

/// The conditions of the one severity, or of a warning and what is worse.
fn levels(cx: Context<'_>, table: &RuleTable, matched: &[&Facts]) -> Option<(Level, Option<Level>)> {
    let severities = Severity::ALL.map(|severity| (severity.name(), severity));
    let severity = table.severity.as_ref().and_then(|at| value::choice(cx, "severity", at, &severities));
    let of = |severity: Severity, given: &Option<LevelTable>| {
        given.as_ref().map(|given| level(cx, severity, given, matched))
    };
    let (warning, critical) = (of(Severity::Warning, &table.warning), of(Severity::Critical, &table.critical));
    if !table.given.has("warning") && !table.given.has("critical") {
        cx.missing(&table.given, "when", "write a condition, such as when = \"declines >= 2\"");
        let when = table.when.as_ref().map(|at| gates(cx, "when", at, matched));
        let clear = table.clear.as_ref().map(|at| expression(cx, at, matched));
        let severity = severity.unwrap_or(Severity::Warning);
        return Some((
            Level { severity, when: when??, clear: clear.map_or(Some(None), |clear| clear.map(Some))? },
            None,
        ));
    }
    let fits = alone(cx, table);
    let (warning, critical) =
        (warning.map_or(Some(None), |level| level.map(Some))?, critical.map_or(Some(None), |level| level.map(Some))?);
    match (warning, critical) {
        _ if !fits => None,
        (Some(warning), critical) => Some((warning, critical)),
        (None, critical) => critical.map(|critical| (critical, None)),
    }
}

/// Whether no key stands beside `warning` and `critical` that says the same in another way.
fn alone(cx: Context<'_>, table: &RuleTable) -> bool {
    let own = if table.warning.is_some() { "warning" } else { "critical" };
    let others = [
        ("when", format!("write it as {own} = \"…\", or take `{own}` away")),
        ("clear", format!("write {own} = {{ when = \"…\", clear = \"…\" }}")),
        ("severity", format!("take it away: `{own}` says it")),
    ];
    let mut fits = true;
    for (key, help) in others {
        if let Some((_, place)) = table.given.keys.iter().find(|(given, _)| *given == key) {
            fits = false;
            cx.error(*place, format!("`{key}` does not go with `{own}`"), "one or the other", help);
        }
    }
    fits
}

/// `warning` or `critical`.
fn level(cx: Context<'_>, severity: Severity, given: &LevelTable, matched: &[&Facts]) -> Option<Level> {
    if let Some(table) = &given.given {
        cx.missing(table, "when", "write a condition, such as when = \"declines >= 2\"");
    }
    let when = given.when.as_ref().map(|at| gates(cx, severity.name(), at, matched));
    let clear = given.clear.as_ref().map(|at| expression(cx, at, matched));
    Some(Level { severity, when: when??, clear: clear.map_or(Some(None), |clear| clear.map(Some))? })
}

/// How large a revision is news: `0.1%`, or `0.001`.
fn revision_tolerance(cx: Context<'_>, at: &At<String>) -> Option<f64> {
    let text = at.value.trim();
    let number = |text: &str| text.trim().replace('_', "").parse::<f64>().ok();
    let found = match text.strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => number(text),
    };
    let found = found.filter(|tolerance| (0.0..1.0).contains(tolerance));
    if found.is_none() {
        let message = format!("`revision_tolerance` cannot be `{}`", shorten(&at.value, 60));
        let help = "write a share of the figure from 0% to below 100%, such as \"0.1%\" or 0.001";
        cx.error(at.place, message, "expected a share", help);
    }
    found
}

/// SHA-256 over all that changes what the rule means, in one way of writing it. What a rule leaves out is
/// left out here too, so that a rule's hash outlives what rules learn later.
fn hash(wanted: &[Wanted], rule: &Rule, matched: &[&Facts]) -> String {
    let series: BTreeMap<&str, std::collections::BTreeSet<&str>> = wanted
        .iter()
        .map(|wanted| (wanted.name.value.as_str(), wanted.texts.iter().map(String::as_str).collect()))
        .collect();
    let texts = |when: &[Expr]| when.iter().map(Expr::canonical).collect::<Vec<_>>();
    let mut meaning = json!({
        "series": series,
        "when": texts(&rule.when),
        "clear": rule.clear.as_ref().map(Expr::canonical),
        "min_base": rule.min_base.as_ref().map(ToString::to_string),
    });
    if let Some(worse) = &rule.worse {
        meaning["worse"] = json!({"when": texts(&worse.when), "clear": worse.clear.as_ref().map(Expr::canonical)});
    }
    if rule.final_only {
        meaning["status"] = json!("final");
    }
    if rule.on_gap != OnGap::Hold {
        meaning["on_gap"] = json!(rule.on_gap.name());
    }
    let derived: BTreeMap<&str, &str> =
        matched.iter().filter_map(|feed| Some((feed.name.as_str(), feed.derived.as_deref()?))).collect();
    if !derived.is_empty() {
        meaning["derived"] = json!(derived);
    }
    let group_by = rule.selector.group_by();
    if !group_by.is_empty() {
        meaning["group_by"] = json!(group_by.iter().collect::<std::collections::BTreeSet<_>>());
    }
    sha256(&meaning.to_string())
}

/// The patterns on one label; countries are told by their ISO code, as feeds do.
pub(super) fn wanted(cx: Context<'_>, name: &At<String>, texts: &Texts) -> Option<Wanted> {
    if texts.value.is_empty() {
        let message = format!("the list of patterns for `{}` is empty", shorten(&name.value, 60));
        cx.error(texts.place, message, "nothing is selected", "take it away to select every value");
        return None;
    }
    let mut good = true;
    let mut exact = Vec::new();
    let texts_canonical: Vec<String> = texts
        .value
        .iter()
        .map(|at| {
            let (negation, body) = at.value.strip_prefix('!').map_or(("", at.value.as_str()), |rest| ("!", rest));
            let is_glob = body.contains(['*', '?', '[', '{']);
            let body = if is_glob { body.to_owned() } else { canonical(&name.value, body) };
            let text = format!("{negation}{body}");
            if let Err(error) = Pattern::parse([&text]) {
                good = false;
                let help = "write a value, a glob such as \"8505*\", or \"!CN\" for all but one";
                cx.error(at.place, error.to_string(), "not a pattern", help);
            } else if negation.is_empty() && !is_glob {
                exact.push(at.with(body));
            }
            text
        })
        .collect();
    let pattern = Pattern::parse(&texts_canonical).ok().filter(|_| good)?;
    Some(Wanted { name: name.clone(), texts: texts_canonical, pattern, place: texts.place, exact })
}

/// The feeds whose series the rule may select; that there is none is reported.
pub(super) fn matched<'f>(
    cx: Context<'_>,
    about: &At<String>,
    wanted: &[Wanted],
    feeds: &[&'f Facts],
) -> Vec<&'f Facts> {
    let (of_feed, of_labels): (Vec<&Wanted>, Vec<&Wanted>) =
        wanted.iter().partition(|wanted| wanted.name.value == "feed");
    let mut known = true;
    for exact in of_feed.iter().flat_map(|wanted| &wanted.exact) {
        if !feeds.iter().any(|feed| feed.name == exact.value) {
            known = false;
            let message = format!("there is no feed `{}`", shorten(&exact.value, 60));
            let names = feeds.iter().map(|feed| feed.name.as_str());
            cx.add(Finding::error(exact.place, message).label("unknown").near_or_all(
                &exact.value,
                names,
                "the feeds are",
            ));
        }
    }
    let named_feeds: Vec<&'f Facts> =
        feeds.iter().copied().filter(|feed| of_feed.iter().all(|wanted| wanted.pattern.matches(&feed.name))).collect();
    if named_feeds.is_empty() {
        if known {
            let place = of_feed.first().map_or(about.place, |wanted| wanted.place);
            let finding = Finding::error(place, format!("{} matches no feed", about.value));
            let names = list(feeds.iter().map(|feed| feed.name.as_str()));
            cx.add(finding.label("no feed of that name").help(format!("the feeds are {names}")));
        }
        return Vec::new();
    }
    let all_labels_known =
        of_labels.iter().map(|wanted| is_label(cx, wanted, &named_feeds)).fold(true, |all, one| all & one);
    if !all_labels_known {
        return named_feeds;
    }
    let agrees = |feed: &&&Facts| of_labels.iter().all(|wanted| may_have(feed, wanted));
    let matched: Vec<&'f Facts> = named_feeds.iter().filter(agrees).copied().collect();
    if matched.is_empty() {
        contradiction(cx, about, &of_labels, &named_feeds);
    } else {
        of_labels.iter().for_each(|wanted| warn_unsaid(cx, wanted, &named_feeds));
    }
    matched
}

/// Whether any of the feeds has the label; if not, that is reported.
fn is_label(cx: Context<'_>, wanted: &Wanted, feeds: &[&Facts]) -> bool {
    let name = wanted.name.value.as_str();
    let labels = |feed: &&Facts| -> Vec<String> {
        let constants = feed.constants.iter().map(|(name, _)| name.to_owned());
        constants.chain(feed.from_columns.iter().cloned()).collect()
    };
    let known: std::collections::BTreeSet<String> = feeds.iter().flat_map(labels).collect();
    if known.contains(name) {
        return true;
    }
    let who = if let [only] = feeds {
        format!("feed `{}` has", only.name)
    } else {
        "the feeds that the rule selects have".to_owned()
    };
    let message = format!("{who} no label `{}`", shorten(name, 60));
    let finding = Finding::error(wanted.name.place, message).label("unknown");
    cx.add(finding.near_or_all(name, known.iter().map(String::as_str), "the labels are"));
    false
}

/// Whether series of a feed may match the patterns on a label: what a column will say is not known yet.
fn may_have(feed: &Facts, wanted: &Wanted) -> bool {
    let from_column = feed.from_columns.contains(&wanted.name.value);
    from_column || wanted.pattern.matches(feed.constants.value(&wanted.name.value).unwrap_or(""))
}

/// Warns of a value among others that no feed can have.
fn warn_unsaid(cx: Context<'_>, wanted: &Wanted, feeds: &[&Facts]) {
    let name = &wanted.name.value;
    if feeds.iter().any(|feed| feed.from_columns.contains(name)) {
        return;
    }
    let said: Vec<&str> = feeds.iter().filter_map(|feed| feed.constants.value(name)).collect();
    for exact in wanted.exact.iter().filter(|exact| !said.contains(&exact.value.as_str())) {
        let message = format!("no feed that the rule selects has {name} = `{}`", shorten(&exact.value, 60));
        cx.add(Finding::warning(exact.place, message).label("selects nothing").near_or_all(
            &exact.value,
            said.clone(),
            "they have",
        ));
    }
}

/// Reports why no feed can have a series that the rule selects.
fn contradiction(cx: Context<'_>, about: &At<String>, labels: &[&Wanted], feeds: &[&Facts]) {
    let message = format!("{} can match no series", about.value);
    let Some(wanted) = labels.iter().find(|wanted| !feeds.iter().any(|feed| may_have(feed, wanted))) else {
        let finding = Finding::error(about.place, message).label("no feed has all of its labels");
        return cx.add(finding.help("each label fits some feed, but no feed fits them all"));
    };
    let name = &wanted.name.value;
    let said: Vec<&str> = feeds.iter().filter_map(|feed| feed.constants.value(name)).collect();
    let label = match feeds {
        [only] => format!("feed `{}` says {name} = {}", only.name, list(&said)),
        _ => format!("the feeds say {name} = {}", list(&said)),
    };
    let finding = Finding::error(wanted.place, message).label(label);
    cx.add(wanted.texts.iter().fold(finding, |finding, text| finding.near(text, said.iter().copied())));
}

/// The gates; none of them where one is wrong.
fn gates(cx: Context<'_>, key: &str, at: &Texts, matched: &[&Facts]) -> Option<Vec<Expr>> {
    if at.value.is_empty() {
        let message = format!("`{key}` has no condition");
        cx.error(at.place, message, "empty", "write a condition, such as \"declines >= 2\"");
        return None;
    }
    let gates: Vec<Option<Expr>> = at.value.iter().map(|gate| expression(cx, gate, matched)).collect();
    gates.into_iter().collect()
}

/// An expression that fits every feed that the rule may be about.
fn expression(cx: Context<'_>, at: &At<String>, matched: &[&Facts]) -> Option<Expr> {
    let expr = match Expr::parse(&at.value) {
        Ok(expr) => expr,
        Err(error) => {
            told(cx, at, &error, None);
            return None;
        }
    };
    let mut wrong: Vec<(ExprError, Vec<&str>)> = Vec::new();
    for feed in matched {
        let Some(frequency) = feed.frequency else { continue };
        let mut errors = expr.check(&Subject { frequency, unit: feed.unit.clone() });
        errors.extend(expr.asks_for_items().filter(|_| !feed.has_items).map(items::without_items));
        errors.extend(expr.asks_for_release().filter(|_| !feed.has_release).map(no_release));
        for error in errors {
            match wrong.iter_mut().find(|(known, _)| *known == error) {
                Some((_, feeds)) => feeds.push(&feed.name),
                None => wrong.push((error, vec![&feed.name])),
            }
        }
    }
    for (error, feeds) in &wrong {
        told(cx, at, error, (matched.len() > 1).then_some(feeds.as_slice()));
    }
    wrong.is_empty().then_some(expr)
}

fn no_release(span: std::ops::Range<usize>) -> ExprError {
    ExprError::new(span, "`overdue` needs to know when figures are due", "the feed has no `release`")
        .with_help("give the feed one, such as release = { day = 20, after = \"1mo\" }, or compare `age`")
}

/// Reports what is wrong with an expression, underlined within the string.
pub(super) fn told(cx: Context<'_>, at: &At<String>, error: &ExprError, feeds: Option<&[&str]>) {
    let place = cx.sources.within(at.place, &at.value, error.span.clone());
    let title = match feeds {
        Some(feeds) => format!("{} (for feed {})", error.message, list(feeds)),
        None => error.message.clone(),
    };
    let finding = Finding::error(place, title).label(&error.label);
    cx.add(match &error.help {
        Some(help) => finding.help(help),
        None => finding,
    });
}

/// The base below which ratios say nothing, in a unit that every feed's series convert to.
fn min_base(cx: Context<'_>, at: &At<String>, matched: &[&Facts]) -> Option<Quantity> {
    let quantity = value::quantity(cx, "min_base", at)?;
    if quantity.value < 0.0 {
        cx.add(Finding::error(at.place, "`min_base` is negative").label("expected a size"));
        return None;
    }
    for feed in matched {
        let said = match (&feed.unit, &quantity.unit) {
            (Some(Some(series)), None) => Some((
                format!("the series of feed `{}` are in {series}", feed.name),
                format!("write \"{quantity} {series}\""),
            )),
            (Some(Some(series)), Some(unit)) if !unit.converts_to(series) => {
                let help = format!("write it in {series}, or in a unit that converts to it");
                Some((
                    format!("the series of feed `{}` are in {series}, which {unit} does not convert to", feed.name),
                    help,
                ))
            }
            (Some(None), Some(_)) => {
                let help = "set the feed's `unit`, or write a bare number".to_owned();
                Some((format!("the series of feed `{}` have no unit", feed.name), help))
            }
            _ => None,
        };
        if let Some((title, help)) = said {
            cx.error(at.place, format!("`min_base` does not fit: {title}"), "another unit", help);
            return None;
        }
    }
    Some(quantity)
}

/// The receivers that are told, each once; without `notify`, the routes say.
fn notify(cx: Context<'_>, named: &Named<RuleTable>, receivers: &[&str]) -> Option<Vec<String>> {
    let table = &named.table;
    if table.notify.as_ref().is_some_and(|at| at.value.is_empty()) {
        let message = format!("rule `{}` notifies nobody", named.name.value);
        let finding = Finding::warning(named.name.place, message).label("`notify` is empty");
        cx.add(finding.help("write notify = [\"RECEIVER\"]; its alerts are kept all the same"));
    }
    value::own_receivers(cx, table.notify.as_ref(), receivers)
}

fn renotify(cx: Context<'_>, at: &At<String>) -> Option<Renotify> {
    match at.value.as_str() {
        "never" => Some(Renotify::Never),
        "each-period" => Some(Renotify::EachPeriod),
        _ => value::length(cx, "renotify", at, &["never", "each-period"]).map(Renotify::After),
    }
}
