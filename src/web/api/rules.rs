//! `/rules`: what is watched for, shaped like Prometheus's, and what a rule says of its series.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::asked::{Asked, Label, pairs, some, truth};
use super::{Answer, Success, success};
use crate::backtest::Basis;
use crate::inspect::backtest::{Backtest, Question, backtest};
use crate::inspect::groups::{RuleGroups, groups};
use crate::inspect::rules::{RuleDetail, rule};
use crate::period::Period;
use crate::web::Site;

/// Which rules are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct RulesWanted {
    /// Only the one of this name.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false)]
    rule: Option<String>,
    /// Leave out the alerts that fire.
    #[serde(default, deserialize_with = "truth")]
    #[param(required = false)]
    exclude_alerts: bool,
}

/// List rules
///
/// All of them, in one group, with their alerts that fire.
#[utoipa::path(
    get, path = "/rules", tag = "rules", params(RulesWanted),
    responses((status = 200, body = Success<RuleGroups>), (status = 404, description = "There is no such rule.")),
)]
pub async fn list(State(site): State<Site>, Asked(asked): Asked<RulesWanted>) -> Answer<RuleGroups> {
    let setup = site.setup();
    success(groups(site.inspection(&setup), asked.rule.as_deref(), !asked.exclude_alerts).await?)
}

/// The series that are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SeriesOfRule {
    /// A label that the series must have, such as `partner=US`; all that are given.
    #[serde(default)]
    #[param(value_type = Vec<String>, required = false)]
    label: Vec<Label>,
}

/// One rule
///
/// What it says, and its series at their latest periods: those nearest to firing first.
#[utoipa::path(
    get, path = "/rules/{name}", tag = "rules",
    params(("name" = String, Path, description = "The rule's name."), SeriesOfRule),
    responses((status = 200, body = Success<RuleDetail>)),
)]
pub async fn one(
    State(site): State<Site>,
    Path(name): Path<String>,
    Asked(asked): Asked<SeriesOfRule>,
) -> Answer<RuleDetail> {
    let setup = site.setup();
    success(rule(site.inspection(&setup), &name, &pairs(asked.label)).await?)
}

/// What is replayed.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Replayed {
    /// A label that the series must have, such as `partner=US`; of several series, the first is taken.
    #[serde(default)]
    #[param(value_type = Vec<String>, required = false)]
    label: Vec<Label>,
    /// Since when figures count as known.
    #[serde(default)]
    #[param(inline, required = false)]
    basis: Basis,
    /// The first period that is reported.
    #[serde(default, deserialize_with = "some")]
    #[param(value_type = String, required = false, nullable = false, example = "2025-09")]
    from: Option<Period>,
    /// The last one.
    #[serde(default, deserialize_with = "some")]
    #[param(value_type = String, required = false, nullable = false, example = "2025-09")]
    to: Option<Period>,
}

/// Replay a rule
///
/// What it would have sent about one series, as the figures were known then.
#[utoipa::path(
    get, path = "/rules/{name}/backtest", tag = "rules",
    params(("name" = String, Path, description = "The rule's name."), Replayed),
    responses((status = 200, body = Success<Backtest>)),
)]
pub async fn replay(
    State(site): State<Site>,
    Path(name): Path<String>,
    Asked(asked): Asked<Replayed>,
) -> Answer<Backtest> {
    let setup = site.setup();
    let Replayed { label, basis, from, to } = asked;
    let question = Question { rule: name, labels: pairs(label), basis, from, to };
    success(backtest(site.inspection(&setup), &question).await?.backtest)
}
