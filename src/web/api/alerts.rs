//! `/alerts`: where they stand, how one came there, and that somebody knows.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::asked::{Asked, Body, Limit, Nothing, some};
use super::{Answer, Success, success};
use crate::inspect::alerts::{self, AlertKind, Alerts, AlertsWanted, Known, Remark, Standing, Story};
use crate::inspect::matching::Matching;
use crate::rule::Severity;
use crate::web::Site;
use crate::web::problem::Problem;

/// Which alerts are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Where they stand; without it, those that fire or are held.
    #[serde(default, deserialize_with = "some")]
    #[param(inline, required = false, nullable = false)]
    state: Option<Standing>,
    /// How bad they are.
    #[serde(default, deserialize_with = "some")]
    #[param(inline, required = false, nullable = false)]
    severity: Option<Severity>,
    /// Of which rule.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false)]
    rule: Option<String>,
    /// Of rules, or of the program's own work.
    #[serde(default, deserialize_with = "some")]
    #[param(inline, required = false, nullable = false)]
    kind: Option<AlertKind>,
    /// A matcher on their labels, as Alertmanager has it, such as `partner="US"` or `hs=~"8505.*"`; all that are given
    /// must hold. Besides labels there are `alertname`, `rule`, `severity` and `kind`.
    #[serde(default)]
    #[param(example = json!(["partner=\"US\""]), required = false)]
    filter: Vec<String>,
    /// So many at once.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 1000, default = 100, required = false)]
    limit: Limit,
    /// What is behind this: the `nextToken` of the piece before.
    #[serde(default, deserialize_with = "some")]
    #[param(
        required = false,
        nullable = false,
        pattern = "^[0-3]\\.-?[0-9]{1,18}\\.[0-9a-f]{0,16}$",
        example = "3.1764234000000.0123456789abcdef"
    )]
    next_token: Option<String>,
}

/// List alerts
///
/// The gravest first. Without `state`, those that fire or wait for a figure.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(Wanted), responses((status = 200, body = Success<Alerts>)))]
pub async fn list(State(site): State<Site>, Asked(asked): Asked<Wanted>) -> Answer<Alerts> {
    let test = |text: &String| Matching::parse(text).and_then(|matching| matching.test());
    let tests = asked.filter.iter().map(test).collect::<Result<_, _>>().map_err(Problem::invalid)?;
    let Wanted { state, severity, rule, kind, limit, next_token, .. } = asked;
    let wanted = AlertsWanted { standing: state, severity, rule, kind, tests };
    let setup = site.setup();
    success(alerts::alerts(site.inspection(&setup), &wanted, &limit.page(next_token)).await?)
}

/// One alert
///
/// Where it is, every transition with its message, and its deliveries.
#[utoipa::path(
    get, path = "/alerts/{fingerprint}", tag = "alerts",
    params(("fingerprint" = String, Path, description = "The alert's fingerprint, or the beginning of it.")),
    responses((status = 200, body = Success<Story>)),
)]
pub async fn one(State(site): State<Site>, Path(id): Path<String>, _: Asked<Nothing>) -> Answer<Story> {
    let setup = site.setup();
    success(alerts::alert(site.inspection(&setup), &id).await?)
}

/// Acknowledge a firing alert
///
/// That it goes on is not told again in this episode; that it becomes worse or ends is told as ever.
#[utoipa::path(
    post, path = "/alerts/{fingerprint}/acknowledge", tag = "alerts",
    params(("fingerprint" = String, Path, description = "The alert's fingerprint, or the beginning of it.")),
    request_body = Remark,
    responses((status = 200, body = Success<Known>)),
)]
pub async fn acknowledge(
    State(site): State<Site>,
    Path(id): Path<String>,
    _: Asked<Nothing>,
    Body(said): Body<Remark>,
) -> Answer<Known> {
    let setup = site.setup();
    success(alerts::acknowledge(site.change(&setup), &id, &said).await?)
}
