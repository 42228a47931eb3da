//! `/status`: what runs here.

use axum::extract::State;

use super::asked::{Asked, Nothing};
use super::{Answer, Success, success};
use crate::inspect::status::{self, BuildInfo, ConfigText, Status};
use crate::web::Site;

/// How the program is
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Success<Status>)))]
pub async fn status(State(site): State<Site>, _: Asked<Nothing>) -> Answer<Status> {
    let setup = site.setup();
    success(status::status(site.inspection(&setup), site.gauges.metrics()).await?)
}

/// Which program runs
#[utoipa::path(get, path = "/status/buildinfo", tag = "status", responses((status = 200, body = Success<BuildInfo>)))]
pub async fn build_info(_: Asked<Nothing>) -> Answer<BuildInfo> {
    success(status::build_info())
}

/// The config as it is written
///
/// Secrets are masked.
#[utoipa::path(get, path = "/status/config", tag = "status", responses((status = 200, body = Success<ConfigText>)))]
pub async fn config(State(site): State<Site>, _: Asked<Nothing>) -> Answer<ConfigText> {
    let setup = site.setup();
    success(status::config(site.inspection(&setup)))
}
