//! The overview: what is at risk, what is late, and why.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use tokio::sync::Mutex;

use super::{Chrome, made};
use crate::base::clock::Timestamp;
use crate::inspect::Holdings;
use crate::inspect::feeds::{FeedStatus, feeds};
use crate::inspect::overview::{self, Card, Overview, Release};
use crate::store::StoreError;
use crate::web::Site;
use crate::web::problem::Problem;

/// A spark's size in its own units; the stylesheet says how large it is shown.
const SPARK: (u32, u32) = (192, 56);
/// What the clock alone changes may be so old (ms).
const OLD_AFTER: i64 = 10_000;
/// So young it is shown again whatever was stored meanwhile (ms): while thousands of messages are recorded, the store
/// changes with each. Whoever watches is told again a second later, and misses nothing.
const YOUNG_UNTIL: i64 = 250;

/// The overview as it was last looked at: many may ask for it at once, and it changes only when something is stored.
#[derive(Clone, Default)]
pub struct Glance(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    holdings: Holdings,
    last: Option<Last>,
}

/// What was seen, and of what.
struct Last {
    version: u64,
    setup: usize,
    at: Timestamp,
    html: Bytes,
}

impl Glance {
    /// How the feeds are; what there is of them is counted again only where a pull has changed it.
    pub async fn feeds(&self, site: &Site) -> Result<Vec<FeedStatus>, StoreError> {
        let setup = site.setup();
        feeds(site.inspection(&setup), &mut self.0.lock().await.holdings).await
    }

    /// The page as a whole: nothing of it is for one visitor alone.
    async fn of(&self, site: &Site, chrome: Chrome) -> Result<Bytes, Problem> {
        let setup = site.setup();
        // Who waits here for another finds what that one has seen.
        let mut seen = self.0.lock().await;
        let (version, now) = (site.store.version().await?, site.clock.now());
        let of_setup = Arc::as_ptr(&setup).addr();
        let is_fresh = |last: &&Last| {
            let age = now.millis() - last.at.millis();
            let is_current = last.version == version && (0..OLD_AFTER).contains(&age);
            last.setup == of_setup && (is_current || (0..YOUNG_UNTIL).contains(&age))
        };
        if let Some(last) = seen.last.as_ref().filter(is_fresh) {
            return Ok(last.html.clone());
        }
        let overview = overview::overview(site.inspection(&setup), &mut seen.holdings).await?;
        // What was done by one is not said to all.
        let chrome = Chrome { said: None, ..chrome };
        let html = Bytes::from(made(&OverviewPage { chrome, overview })?);
        seen.last = Some(Last { version, setup: of_setup, at: now, html: html.clone() });
        Ok(html)
    }
}

#[derive(Template)]
#[template(path = "overview.html", config = "src/web/askama.toml")]
struct OverviewPage {
    chrome: Chrome,
    overview: Overview,
}

impl OverviewPage {
    fn spark(&self, card: &Card) -> Option<String> {
        let chart = card.chart.as_ref().filter(|chart| chart.has_figures())?;
        Some(chart.spark_svg(SPARK.0, SPARK.1))
    }

    fn due(&self, release: &Release) -> String {
        release.next.due_on.format("%-d %B").to_string()
    }
}

/// The overview.
pub async fn overview(State(site): State<Site>, chrome: Chrome) -> Result<Response, Problem> {
    Ok(Html(site.glance.of(&site, chrome).await?).into_response())
}
