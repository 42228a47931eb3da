//! Whether it lives and whether it can work, as Prometheus and Alertmanager have it; and a reload.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::sync::oneshot;

use super::problem::Problem;
use super::{Order, Site};

/// What is under `/-/`.
pub fn routes() -> Router<Site> {
    Router::new().route("/-/healthy", get(healthy)).route("/-/ready", get(ready)).route("/-/reload", post(reload))
}

/// Healthy is who makes progress, as the service manager's watchdog has it: what is not is better begun anew.
async fn healthy(State(site): State<Site>) -> Result<&'static str, Problem> {
    match site.beats.stuck(site.clock.now()) {
        None => Ok("supplywatch is healthy.\n"),
        Some(name) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the {name} loop makes no progress"))),
    }
}

/// Ready is who can read the store.
async fn ready(State(site): State<Site>) -> Result<&'static str, Problem> {
    match site.store.version().await {
        Ok(_) => Ok("supplywatch is ready.\n"),
        Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read")),
    }
}

async fn reload(State(site): State<Site>) -> Result<String, Problem> {
    let (tell, told) = oneshot::channel();
    let gone = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is about to end");
    site.orders.send(Order::Reload(tell)).await.map_err(|_| gone())?;
    match told.await.map_err(|_| gone())? {
        Ok(status) => Ok(status + "\n"),
        Err(why) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why)),
    }
}
