//! `/series`: what is known, of which series, and since when.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::asked::{Asked, Limit, Nothing, some};
use super::{Answer, Success, success};
use crate::base::moment::Moment;
use crate::inspect::matching::Matching;
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
    /// A matcher on its labels, as Alertmanager has it, such as `partner="US"` or `hs=~"8505.*"`; all that are given
    /// must hold.
    #[serde(default)]
    #[param(example = json!(["partner=\"US\""]), required = false)]
    filter: Vec<String>,
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
    let test = |text: &String| Matching::parse(text).and_then(|matching| matching.test());
    let tests = asked.filter.iter().map(test).collect::<Result<_, _>>().map_err(Problem::invalid)?;
    let wanted = Search { text: asked.search, tests, page: asked.limit.page(asked.next_token) };
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
    #[param(value_type = String, format = DateTime, required = false, nullable = false, example = "2025-10-20T01:00:00Z")]
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
