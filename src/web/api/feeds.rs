//! `/feeds`: how the sources of figures are.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::asked::{Asked, Limit, Nothing};
use super::{Answer, Success, success};
use crate::inspect::feeds::{FeedDetail, Feeds, feed};
use crate::web::Site;

/// List feeds
///
/// How each is, in the order of their names.
#[utoipa::path(get, path = "/feeds", tag = "figures", responses((status = 200, body = Success<Feeds>)))]
pub async fn list(State(site): State<Site>, _: Asked<Nothing>) -> Answer<Feeds> {
    success(Feeds { feeds: site.glance.feeds(&site).await? })
}

/// How much of a feed is asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PullsWanted {
    /// So many of its last pulls.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 1000, default = 100, required = false)]
    limit: Limit,
}

/// One feed
///
/// What it asks, what there is of it, its last pulls, and the rows that were refused and why.
#[utoipa::path(
    get, path = "/feeds/{name}", tag = "figures",
    params(("name" = String, Path, description = "The feed's name."), PullsWanted),
    responses((status = 200, body = Success<FeedDetail>)),
)]
pub async fn one(
    State(site): State<Site>,
    Path(name): Path<String>,
    Asked(asked): Asked<PullsWanted>,
) -> Answer<FeedDetail> {
    let setup = site.setup();
    success(feed(site.inspection(&setup), &name, asked.limit.page(None).limit).await?)
}
