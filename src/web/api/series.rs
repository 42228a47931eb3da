//! `/series`: what is known, of which series, and since when.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::asked::{Asked, Label, Limit, Nothing, pairs, some};
use super::{Answer, Success, success};
use crate::base::moment::Moment;
use crate::inspect::series::{Case, FoundSeries, Observations, Search, SeriesDetail, search};
use crate::web::Site;
use crate::web::problem::Problem;

/// Which series are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct SeriesWanted {
    /// Words that must all be in its labels, whatever their case.
    #[serde(default)]
    #[param(required = false)]
    search: String,
    /// A label with a pattern as rules have it, such as `partner=US`, `hs=8505*` or `partner=!CN`; all labels that are
    /// given must match, and of several patterns of one label, any.
    #[serde(default)]
    #[param(value_type = Vec<String>, example = json!(["partner=US"]), required = false)]
    label: Vec<Label>,
    /// So many at once.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 1000, default = 100, required = false)]
    limit: Limit,
    /// What is behind this: the `nextToken` of the piece before.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false)]
    next_token: Option<String>,
}

/// List series
///
/// Stored and derived ones, each with its latest figure.
#[utoipa::path(
    get, path = "/series", tag = "figures", params(SeriesWanted),
    responses((status = 200, body = Success<FoundSeries>)),
)]
pub async fn list(State(site): State<Site>, Asked(asked): Asked<SeriesWanted>) -> Answer<FoundSeries> {
    let wanted = Search { text: asked.search, labels: pairs(asked.label), page: asked.limit.page(asked.next_token) };
    let setup = site.setup();
    success(search(site.inspection(&setup), wanted).await?)
}

/// One series
///
/// What it is, which rules judge it, and the pulls that changed it last.
#[utoipa::path(
    get, path = "/series/{id}", tag = "figures",
    params(("id" = String, Path, description = "The series' id.")),
    responses((status = 200, body = Success<SeriesDetail>)),
)]
pub async fn one(State(site): State<Site>, Path(id): Path<String>, _: Asked<Nothing>) -> Answer<SeriesDetail> {
    let setup = site.setup();
    success(Case::read(site.inspection(&setup), &id).await?.detail().await.map_err(Problem::from)?)
}

/// Which figures are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ObservationsWanted {
    /// As they were known then: a day (all of it), or an instant; without it, as they are known now.
    #[serde(default, deserialize_with = "some")]
    #[param(value_type = String, example = "2025-10-20", required = false, nullable = false)]
    as_of: Option<Moment>,
    /// So many at once.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 1000, default = 100, required = false)]
    limit: Limit,
    /// What is behind this: the `nextToken` of the piece before.
    #[serde(default, deserialize_with = "some", rename = "nextToken")]
    #[param(required = false, nullable = false)]
    next_token: Option<String>,
}

/// The figures of a series
///
/// Oldest first, each with all that was known of its period before.
#[utoipa::path(
    get, path = "/series/{id}/observations", tag = "figures",
    params(("id" = String, Path, description = "The series' id."), ObservationsWanted),
    responses((status = 200, body = Success<Observations>)),
)]
pub async fn observations(
    State(site): State<Site>,
    Path(id): Path<String>,
    Asked(asked): Asked<ObservationsWanted>,
) -> Answer<Observations> {
    let setup = site.setup();
    let case = Case::read(site.inspection(&setup), &id).await?;
    success(case.page(asked.as_of, &asked.limit.page(asked.next_token))?)
}
