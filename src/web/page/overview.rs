//! The overview: what is at risk, what is late, and why.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Chrome, show};
use crate::web::Site;
use crate::web::problem::Problem;

#[derive(Template)]
#[template(path = "overview.html", config = "src/web/askama.toml")]
struct Overview {
    chrome: Chrome,
}

/// The overview.
pub async fn overview(State(_site): State<Site>, chrome: Chrome) -> Result<Response, Problem> {
    show(&Overview { chrome })
}
