//! `/deliveries`: what was sent, what waits, what was given up, and sending one again.

use axum::extract::{Path, State};
use serde::Deserialize;

use super::asked::{Asked, Limit, Nothing, some, truth};
use super::{Answer, Success, success};
use crate::inspect::deliveries::{self, Course, Deliveries, DeliveriesWanted, DeliveryShown};
use crate::store::DeliveryState;
use crate::web::Site;

/// Which deliveries are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// What became of them.
    #[serde(default, deserialize_with = "some")]
    #[param(inline, required = false, nullable = false)]
    state: Option<DeliveryState>,
    /// Only those that were given up or whose last attempt failed.
    #[serde(default, deserialize_with = "truth")]
    #[param(required = false)]
    failed: bool,
    /// For whom they are.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false)]
    receiver: Option<String>,
    /// Of which rule they tell.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false)]
    rule: Option<String>,
    /// Of which alert they tell, by its fingerprint.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false)]
    alert: Option<String>,
    /// So many at once.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 1000, default = 100, required = false)]
    limit: Limit,
    /// What is behind this: the `nextToken` of the piece before.
    #[serde(default, deserialize_with = "some")]
    #[param(required = false, nullable = false, pattern = "^[0-9]{1,18}$", example = "7")]
    next_token: Option<String>,
}

/// List deliveries
///
/// The newest first.
#[utoipa::path(get, path = "/deliveries", tag = "deliveries", params(Wanted), responses((status = 200, body = Success<Deliveries>)))]
pub async fn list(State(site): State<Site>, Asked(asked): Asked<Wanted>) -> Answer<Deliveries> {
    let Wanted { state, failed, receiver, rule, alert, limit, next_token } = asked;
    let wanted = DeliveriesWanted { state, failed, receiver, rule, alert };
    let setup = site.setup();
    success(deliveries::deliveries(site.inspection(&setup), &wanted, &limit.page(next_token)).await?)
}

/// One delivery
///
/// With its message and every attempt.
#[utoipa::path(
    get, path = "/deliveries/{id}", tag = "deliveries",
    params(("id" = String, Path, description = "Its id, or the beginning of it.")),
    responses((status = 200, body = Success<Course>)),
)]
pub async fn one(State(site): State<Site>, Path(id): Path<String>, _: Asked<Nothing>) -> Answer<Course> {
    let setup = site.setup();
    success(deliveries::delivery(site.inspection(&setup), &id).await?)
}

/// Send a delivery again
///
/// Makes it due now, given up or not; where another delivery tells it, that one. What was sent is not sent again.
#[utoipa::path(
    post, path = "/deliveries/{id}/retry", tag = "deliveries",
    params(("id" = String, Path, description = "Its id, or the beginning of it.")),
    responses((status = 200, body = Success<DeliveryShown>)),
)]
pub async fn send_again(State(site): State<Site>, Path(id): Path<String>, _: Asked<Nothing>) -> Answer<DeliveryShown> {
    let setup = site.setup();
    let renewed = deliveries::send_again(site.change(&setup), &id).await?;
    site.nudge();
    success(renewed)
}
