//! What runs here: the program, its store, its loops and clocks, its config as written.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Chrome, show};
use crate::inspect::status::{self, BuildInfo, Status};
use crate::web::Site;
use crate::web::problem::Problem;

#[derive(Template)]
#[template(path = "status.html", config = "src/web/askama.toml")]
struct StatusPage {
    chrome: Chrome,
    status: Status,
    build: BuildInfo,
    config: String,
    /// What the clock shows in the config's zone.
    local: String,
}

impl StatusPage {
    fn bytes(&self, bytes: &u64) -> String {
        indicatif::HumanBytes(*bytes).to_string()
    }

    fn differ(&self) -> bool {
        self.status.replicas.iter().any(|replica| replica.config_differs)
    }

    fn seconds(&self, seconds: &f64) -> String {
        format!("{seconds:.1} s")
    }

    fn idle(&self, seconds: &Option<f64>) -> String {
        seconds.map_or_else(|| "has not come round yet".to_owned(), |seconds| format!("came round {seconds:.1} s ago"))
    }
}

/// The page.
pub async fn status(State(site): State<Site>, chrome: Chrome) -> Result<Response, Problem> {
    let setup = site.setup();
    let asked = site.inspection(&setup);
    let status = status::status(asked, site.gauges.metrics()).await?;
    let local = chrono::DateTime::from_timestamp_millis(asked.now.millis()).map(|now| now.with_timezone(&setup.zone));
    let local = local.map(|local| local.format("%Y-%m-%d %H:%M %Z").to_string()).unwrap_or_default();
    show(&StatusPage {
        chrome: chrome.still(),
        status,
        build: status::build_info(),
        config: status::config(asked).text,
        local,
    })
}
