//! The rules as Prometheus tells its own (<https://prometheus.io/docs/prometheus/latest/querying/api/#rules>).

use std::collections::BTreeMap;

use super::alerts::{AlertShown, AlertsWanted, Standing, alerts};
use super::rules::{Conditions, RuleSummary, rules};
use super::{Inspection, Page, Unanswered, meant};
use crate::base::limits::GROUP_ALERTS_MAX;

/// Every rule, in groups.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct RuleGroups {
    /// One for the config.
    pub groups: Vec<RuleGroup>,
}

/// Rules that stand together.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct RuleGroup {
    /// Its name.
    pub name: String,
    /// The config's file.
    pub file: String,
    /// The rules, in the order of their names.
    pub rules: Vec<AlertingRule>,
}

/// A rule: Prometheus's fields, and what only this program knows.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertingRule {
    /// `alerting`: there are no others.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// All of its conditions in one line.
    pub query: String,
    /// What all its alerts are labelled with: `severity`, the worst that it knows.
    pub labels: BTreeMap<String, String>,
    /// What is said of it in words.
    pub annotations: BTreeMap<String, String>,
    /// Its alerts that fire; the gravest of all rules, where there are very many.
    pub alerts: Vec<AlertShown>,
    /// `ok`; `unknown` where it matches no series.
    pub health: RuleHealth,
    /// Whether any of its alerts fires.
    pub state: RuleState,
    /// Why it cannot be judged.
    pub last_error: Option<String>,
    /// What ends its alerts, in words.
    pub ends: String,
    /// The conditions of each severity, the milder first.
    pub levels: Vec<Conditions>,
    /// The labels that series are judged together by.
    pub group_by: Vec<String>,
    /// The receivers that it names; without them, the routes say who is told.
    pub notify: Option<Vec<String>>,
    /// How many series match it.
    pub matched: usize,
    /// How many of its alerts fire.
    pub firing: usize,
    /// How many of its alerts are held, waiting for a figure.
    pub held: usize,
}

/// Whether a rule can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleHealth {
    /// It is.
    Ok,
    /// There is nothing that it could be judged on.
    Unknown,
}

/// Whether any alert of a rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleState {
    /// One does.
    Firing,
    /// None does.
    Inactive,
}

/// Every rule, or the one of a name; with the alerts that fire, where they are wanted.
pub async fn groups(
    inspection: Inspection<'_>,
    only: Option<&str>,
    has_alerts: bool,
) -> Result<RuleGroups, Unanswered> {
    let setup = inspection.setup;
    let only = only.map(|name| meant::rule(setup, name)).transpose()?;
    let mut firing: BTreeMap<String, Vec<AlertShown>> = BTreeMap::new();
    if has_alerts {
        let rule = only.map(|rule| rule.name.clone());
        let wanted = AlertsWanted { standing: Some(Standing::Firing), rule, ..AlertsWanted::default() };
        let page = Page { limit: GROUP_ALERTS_MAX, after: None };
        for alert in alerts(inspection, &wanted, &page).await?.alerts {
            firing.entry(alert.rule.clone()).or_default().push(alert);
        }
    }
    let summaries = rules(inspection).await?.into_iter();
    let wanted = summaries.filter(|summary| only.is_none_or(|rule| rule.name == summary.name));
    let rules = wanted.map(|summary| {
        let alerts = firing.remove(&summary.name).unwrap_or_default();
        told(summary, alerts)
    });
    let (name, file) = ("rules".to_owned(), setup.path.display().to_string());
    Ok(RuleGroups { groups: vec![RuleGroup { name, file, rules: rules.collect() }] })
}

fn told(summary: RuleSummary, alerts: Vec<AlertShown>) -> AlertingRule {
    let RuleSummary { name, title, when, ends, levels, group_by, notify, matched, firing, held, .. } = summary;
    let severity = levels.iter().map(|level| level.severity).max().map(|severity| severity.name().to_owned());
    AlertingRule {
        kind: "alerting".to_owned(),
        name,
        query: when,
        labels: severity.map(|severity| ("severity".to_owned(), severity)).into_iter().collect(),
        annotations: title.map(|title| ("summary".to_owned(), title)).into_iter().collect(),
        alerts,
        health: if matched > 0 { RuleHealth::Ok } else { RuleHealth::Unknown },
        state: if firing > 0 { RuleState::Firing } else { RuleState::Inactive },
        last_error: (matched == 0).then(|| "it matches no series".to_owned()),
        ends,
        levels,
        group_by,
        notify,
        matched,
        firing,
        held,
    }
}
