//! `/silences`: what keeps messages back for a while.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::asked::{Asked, Body, Limit, Nothing, some};
use super::{Answer, Success, success};
use crate::inspect::silences::{self, NewSilence, SilenceAdded, SilenceShown, SilenceState, Silences};
use crate::web::Site;
use crate::web::problem::Problem;

/// Which silences are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Whether they hold; without it, all of them.
    #[serde(default, deserialize_with = "some")]
    #[param(inline, required = false, nullable = false)]
    state: Option<SilenceState>,
    /// So many at once.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 1000, default = 100, required = false)]
    limit: Limit,
    /// What is behind this: the `nextToken` of the piece before.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false, pattern = "^[0-9]{1,18}$", example = "7")]
    next_token: Option<String>,
}

/// List silences
///
/// Those that are over, too; the oldest first.
#[utoipa::path(get, path = "/silences", tag = "silences", params(Wanted), responses((status = 200, body = Success<Silences>)))]
pub async fn list(State(site): State<Site>, Asked(asked): Asked<Wanted>) -> Answer<Silences> {
    let setup = site.setup();
    let page = asked.limit.page(asked.next_token);
    success(silences::silences(site.inspection(&setup), asked.state, &page).await?)
}

/// Add a silence
///
/// Messages of the alerts that it means are kept back until it is over; whoever was told of a beginning is told of its
/// end all the same.
#[utoipa::path(
    post, path = "/silences", tag = "silences", request_body = NewSilence,
    responses((status = 200, body = Success<SilenceAdded>)),
)]
pub async fn add(State(site): State<Site>, _: Asked<Nothing>, Body(wish): Body<NewSilence>) -> Answer<SilenceAdded> {
    let setup = site.setup();
    success(silences::add_silence(site.change(&setup), wish).await?)
}

/// One silence
#[utoipa::path(
    get, path = "/silences/{id}", tag = "silences", params(("id" = String, Path, description = "Its number.")),
    responses((status = 200, body = Success<SilenceShown>)),
)]
pub async fn one(State(site): State<Site>, Path(id): Path<String>, _: Asked<Nothing>) -> Answer<SilenceShown> {
    let setup = site.setup();
    success(silences::silence(site.inspection(&setup), number(&id)?).await?)
}

/// End a silence
///
/// It is over from now on, and stays in the list; what still fires is told. One that is over stays as it is.
#[utoipa::path(
    delete, path = "/silences/{id}", tag = "silences", params(("id" = String, Path, description = "Its number.")),
    responses((status = 200, body = Success<SilenceShown>)),
)]
pub async fn expire(State(site): State<Site>, Path(id): Path<String>, _: Asked<Nothing>) -> Answer<SilenceShown> {
    let setup = site.setup();
    let ended = silences::expire_silence(site.change(&setup), number(&id)?).await?;
    site.nudge();
    success(ended)
}

fn number(id: &str) -> Result<i64, Problem> {
    let unknown = || Problem::unknown(format!("there is no silence {}", crate::base::text::printable(id)));
    id.parse().map_err(|_| unknown())
}
