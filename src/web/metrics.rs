//! `/metrics`: what Prometheus reads.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use super::Site;
use super::problem::Problem;
use crate::metrics::CONTENT_TYPE;

/// What Prometheus asks for.
pub fn routes() -> Router<Site> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(site): State<Site>) -> Result<impl IntoResponse, Problem> {
    let setup = site.setup();
    let text = site.gauges.text(site.inspection(&setup)).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}
