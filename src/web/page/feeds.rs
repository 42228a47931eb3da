//! Feeds: how each is, and what its last pulls came to.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::{Chrome, address, show};
use crate::inspect::feeds::{FeedDetail, FeedStatus, Pull, feed};
use crate::web::Site;
use crate::web::problem::Problem;

/// Pulls on a feed's page.
const PULLS: usize = 30;

#[derive(Template)]
#[template(path = "feeds.html", config = "src/web/askama.toml")]
struct FeedsPage {
    chrome: Chrome,
    feeds: Vec<FeedStatus>,
}

impl FeedsPage {
    fn why(&self, feed: &FeedStatus) -> String {
        let refusal = || feed.last_pull.as_ref()?.refusals.first().map(ToString::to_string);
        feed.last_error.clone().or_else(refusal).unwrap_or_default()
    }
}

/// How each is.
pub async fn list(State(site): State<Site>, chrome: Chrome) -> Result<Response, Problem> {
    let feeds = site.glance.feeds(&site).await?;
    show(&FeedsPage { chrome, feeds })
}

#[derive(Template)]
#[template(path = "feed.html", config = "src/web/askama.toml")]
struct FeedPage {
    chrome: Chrome,
    feed: FeedDetail,
}

impl FeedPage {
    fn outcome(&self, pull: &Pull) -> String {
        pull.outcome.name().replace('_', " ")
    }

    /// To its series.
    fn series(&self) -> String {
        address("/series", &[("label", &format!("feed={}", self.feed.status.feed))])
    }
}

/// One, with its last pulls.
pub async fn one(State(site): State<Site>, chrome: Chrome, Path(name): Path<String>) -> Result<Response, Problem> {
    let setup = site.setup();
    let feed = feed(site.inspection(&setup), &name, PULLS).await?;
    show(&FeedPage { chrome, feed })
}
