//! The API: JSON over HTTP in the conventions of Prometheus and Alertmanager, described by a document (OpenAPI 3.1)
//! that is made from the same code.
//!
//! Each answer is what `inspect` says, in an envelope; nothing is worked out here.

mod alerts;
pub mod asked;
mod deliveries;
mod document;
mod explain;
mod feeds;
mod rules;
mod series;
mod silences;
mod status;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::{Json, Router};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::{Order, Site};

/// Everything under `/api/v1`, and what describes it.
fn all() -> OpenApiRouter<Site> {
    let api = OpenApiRouter::new()
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::one))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(silences::list, silences::add))
        .routes(routes!(silences::one, silences::expire))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::one))
        .routes(routes!(deliveries::send_again))
        .routes(routes!(rules::list))
        .routes(routes!(rules::one))
        .routes(routes!(rules::replay))
        .routes(routes!(explain::explain))
        .routes(routes!(series::list))
        .routes(routes!(series::one))
        .routes(routes!(series::observations))
        .routes(routes!(feeds::list))
        .routes(routes!(feeds::one))
        .routes(routes!(status::status))
        .routes(routes!(status::build_info))
        .routes(routes!(status::config))
        .routes(routes!(document::document));
    OpenApiRouter::with_openapi(document::Document::openapi()).nest("/api/v1", api)
}

/// The routes.
pub fn routes() -> Router<Site> {
    all().split_for_parts().0
}

/// The document that describes them.
static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| document::completed(all().split_for_parts().1));

/// An answer, in Prometheus's envelope.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
struct Success<T> {
    /// That it is one.
    status: Word,
    /// What was asked for.
    data: T,
}

/// What the envelope says.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SuccessWord)]
enum Word {
    /// It is an answer.
    Success,
}

/// An answer, or why there is none.
type Answer<T> = Result<Json<Success<T>>, Problem>;

fn success<T>(data: T) -> Answer<T> {
    Ok(Json(Success { status: Word::Success, data }))
}

impl Site {
    /// Lets the daemon look at what was changed; it finds it without, only later.
    fn nudge(&self) {
        drop(self.orders.try_send(Order::Nudge));
    }
}
