//! `[rule.NAME]`.

use super::{Sandbox, check};
use crate::rule::{Renotify, Rule, Severity};

const FEEDS: &str = "
[feed.magnets]
kind = 'csv'
path = 'm.csv'
frequency = 'month'
unit = 't'
title = 'magnet exports'
labels = { reporter = 'CN', flow = 'export' }
columns = { labels = ['partner'] }

[feed.prices]
kind = 'csv'
path = 'p.csv'
frequency = 'day'
unit = 'CNY/t'
columns = { labels = ['grade'] }

[receiver.desk]
kind = 'console'
";

fn config(rule: &str) -> String {
    let other = "[rule.other]\nseries = { feed = 'magnets' }\nwhen = 'declines >= 2'\nnotify = 'desk'";
    format!("[rule.r]\n{rule}\n{other}\n{FEEDS}")
}

/// What is told of a rule.
fn told(rule: &str) -> String {
    check(&config(rule))
}

fn rule(rule: &str) -> Rule {
    let mut rules = Sandbox::new(&config(rule)).setup().rules;
    rules.retain(|rule| rule.name == "r");
    rules.remove(0)
}

const SERIES: &str = "series = { feed = 'magnets', partner = 'US' }\nnotify = ['desk']\n";

#[test]
fn what_every_rule_needs_is_asked_for() {
    insta::assert_snapshot!(told("severity = 'critical'\nnotify = []"), @"");
    insta::assert_snapshot!(told("series = {}\nwhen = []\nnotify = 'desk'"), @"");
}

#[test]
fn mistaken_names_are_told_with_the_nearest() {
    insta::assert_snapshot!(told("series = { feed = 'magnet' }\nwhen = 'declines >= 2'\nnotify = ['dsek', 'desk', 'desk']"), @"");
    insta::assert_snapshot!(told("series = { feed = 'magnets', patner = 'US' }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @"");
    insta::assert_snapshot!(told("series = { feed = 'x*' }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @"");
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'declines >= 2'\nseverity = 'urgent'\nrenotify = 'each-perod'")), @"");
}

#[test]
fn patterns_are_checked() {
    insta::assert_snapshot!(told("series = { feed = 'magnets', partner = ['US', '[a'] }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @"");
    insta::assert_snapshot!(told("series = { feed = 'magnets', partner = [] }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @"");
    insta::assert_snapshot!(told("series = { feed = 'magnets', flow = 'exports' }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @"");
    insta::assert_snapshot!(told("series = { flow = 'export', grade = 'N52' }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @"");
}

#[test]
fn countries_are_told_by_their_code() {
    let selects = |partner: &str, value: &str| {
        let rule = rule(&format!("series = {{ feed = 'magnets', reporter = 'CHN', partner = {partner} }}\nwhen = 'declines >= 2'\nnotify = 'desk'"));
        rule.selector.matches(&[("feed", "magnets"), ("reporter", "CN"), ("partner", value)].into_iter().collect())
    };
    assert!(selects("'USA'", "US"));
    assert!(selects("840", "US"));
    assert!(selects("['Germany', 'US']", "DE"));
    assert!(!selects("'!USA'", "US"));
    assert!(selects("'U*'", "US"));
}

#[test]
fn an_expression_is_underlined_at_its_place() {
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'yoy < -25'")), @"");
    insta::assert_snapshot!(told(&format!("{SERIES}when = ['declines >= 2', \"valu < 400 t\"]")), @"");
    insta::assert_snapshot!(told(&format!("{SERIES}when = \"\"\"\ndeclines >= 2\n  and value < 400 USD\"\"\"")), @"");
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'change_since(2025-W30) > 10%'\nclear = 'value < 400'")), @"");
    insta::assert_snapshot!(told(&format!("{SERIES}when = ''")), @"");
}

#[test]
fn every_feed_that_may_match_is_checked() {
    insta::assert_snapshot!(told("series = { feed = '*' }\nwhen = 'value < 400 t'\nnotify = 'desk'"), @"");
}

#[test]
fn the_base_must_fit_the_series() {
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'yoy < -25%'\nmin_base = '1 MUSD'")), @"");
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'yoy < -25%'\nmin_base = '100'")), @"");
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'yoy < -25%'\nmin_base = 'much'")), @"");
    assert_eq!(told(&format!("{SERIES}when = 'yoy < -25%'\nmin_base = '100000 kg'")), "");
}

#[test]
fn every_option_arrives() {
    let full = rule(&format!(
        "{SERIES}when = ['declines >= 2', 'value < 700 t']\nclear = 'rises >= 1'\nseverity = 'critical'\nmin_base = '10 t'\nrenotify = '3mo'\ntitle = 'magnets to the US'"
    ));
    assert_eq!(full.text(), "declines >= 2 and value < 700 t");
    assert_eq!(full.clear.as_ref().unwrap().text(), "rises >= 1");
    assert_eq!((full.severity, full.notify.as_slice()), (Severity::Critical, ["desk".to_owned()].as_slice()));
    assert_eq!(full.min_base.as_ref().unwrap().to_string(), "10 t");
    assert!(matches!(full.renotify, Renotify::After(length) if length.to_string() == "3mo"));
    assert_eq!(full.title.as_deref(), Some("magnets to the US"));
    let renotify = |text: &str| rule(&format!("{SERIES}when = 'declines >= 2'\nrenotify = '{text}'")).renotify;
    assert_eq!((renotify("never"), renotify("each-period")), (Renotify::Never, Renotify::EachPeriod));
    let plain = rule(&format!("{SERIES}when = 'declines >= 2'"));
    assert_eq!((plain.severity, plain.renotify), (Severity::Warning, Renotify::EachPeriod));
    assert_eq!(plain.title.as_deref(), Some("magnet exports"));
}

/// What is told whom is no part of a rule's meaning: changing it must not end its alerts.
#[test]
fn the_hash_changes_with_the_meaning_alone() {
    let hash = |text: &str| rule(text).hash;
    let plain = hash(&format!("{SERIES}when = 'declines >= 2 and yoy < -10%'"));
    assert_eq!(hash(&format!("{SERIES}when = 'declines>=2   and (yoy < -10 %)'\nseverity = 'info'\ntitle = 'x'\nrenotify = 'never'")), plain);
    assert_eq!(hash("series = { partner = 'USA', feed = ['magnets'] }\nwhen = 'declines >= 2 and yoy < -10%'"), plain);
    for other in [
        "series = { feed = 'magnets', partner = 'DE' }\nwhen = 'declines >= 2 and yoy < -10%'".to_owned(),
        "series = { feed = 'magnets' }\nwhen = 'declines >= 2 and yoy < -10%'".to_owned(),
        format!("{SERIES}when = 'declines >= 3 and yoy < -10%'"),
        format!("{SERIES}when = ['declines >= 2', 'yoy < -10%']"),
        format!("{SERIES}when = 'declines >= 2 and yoy < -10%'\nclear = 'rises >= 1'"),
        format!("{SERIES}when = 'declines >= 2 and yoy < -10%'\nmin_base = '1 t'"),
    ] {
        assert_ne!(hash(&other), plain, "{other}");
    }
}
