//! The stylesheets, the script and the icon: in the binary, so that nothing is fetched from elsewhere or read from a
//! disk.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Site;
use super::problem::Problem;
use crate::chart::stylesheet;

/// Each with its kind.
const ASSETS: [(&str, &str, &[u8]); 3] = [
    ("style.css", "text/css; charset=utf-8", include_bytes!("assets/style.css")),
    ("live.js", "text/javascript; charset=utf-8", include_bytes!("assets/live.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
];

/// The colours of charts, for a light screen and for a dark one.
static CHART: LazyLock<String> = LazyLock::new(stylesheet);

/// What is under `/assets/`.
pub fn routes() -> Router<Site> {
    Router::new().route("/assets/chart.css", get(chart)).route("/assets/{name}", get(asset))
}

async fn chart() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], CHART.as_str()).into_response()
}

async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.into_iter().find(|(known, ..)| *known == name) {
        Some((_, kind, bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        None => Problem::unknown("there is no such file").into_response(),
    }
}
