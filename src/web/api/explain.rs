//! `/explain`: why a rule does or does not fire.

use axum::extract::State;
use serde::Deserialize;

use super::asked::{Asked, Label, pairs, some};
use super::{Answer, Success, success};
use crate::base::moment::Moment;
use crate::inspect::explain::{Explanations, Look, explain as explanations};
use crate::period::Period;
use crate::web::Site;

/// What is explained.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Explained {
    /// The rule's name.
    rule: String,
    /// A label that the series must have, such as `partner=US`; all that are given.
    #[serde(default)]
    #[param(value_type = Vec<String>, required = false)]
    label: Vec<Label>,
    /// The period that is judged; without it, the latest.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false)]
    period: Option<Period>,
    /// As it was known then: a day (all of it), or an instant.
    #[serde(default, deserialize_with = "some")]
    #[param(value_type = String, example = "2025-10-20", required = false, nullable = false)]
    as_of: Option<Moment>,
}

/// Explain a rule
///
/// Why it does or does not fire: every part of its conditions with its value and the figures behind it.
#[utoipa::path(
    get, path = "/explain", tag = "rules", params(Explained),
    responses(
        (status = 200, body = Success<Explanations>),
        (status = 404, description = "There is no such rule, or it has no such series."),
    ),
)]
pub async fn explain(State(site): State<Site>, Asked(asked): Asked<Explained>) -> Answer<Explanations> {
    let setup = site.setup();
    let look = Look { period: asked.period, as_of: asked.as_of };
    success(explanations(site.inspection(&setup), &asked.rule, &pairs(asked.label), look).await?)
}
