//! Pages for people: HTML that is complete when it arrives, and needs no script.
//!
//! Each page takes what `inspect` says and puts it into a template, which escapes whatever it is given.

mod alerts;
mod deliveries;
mod escape;
mod events;
mod explain;
mod feeds;
mod login;
mod overview;
mod rules;
mod series;
mod silences;
mod status;
mod words;

pub use overview::Glance;

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::{StatusCode, request::Parts};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use super::Site;
use super::guard::Visit;
use super::problem::Problem;
use crate::base::clock::Timestamp;
use crate::base::text::lasting;

/// What is so near is told as now.
const NOW: Duration = Duration::from_secs(120);

/// The pages that every page leads to.
const PAGES: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/alerts", "Alerts"),
    ("/rules", "Rules"),
    ("/series", "Series"),
    ("/feeds", "Feeds"),
    ("/deliveries", "Deliveries"),
    ("/silences", "Silences"),
    ("/status", "Status"),
];

/// Every page.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/rules", get(rules::list))
        .route("/rules/{name}", get(rules::one))
        .route("/rules/{name}/backtest", get(rules::replay))
        .route("/explain", get(explain::explain))
        .route("/series", get(series::list))
        .route("/series/{id}", get(series::one))
        .route("/series/{id}/figures.csv", get(series::csv))
        .route("/feeds", get(feeds::list))
        .route("/feeds/{name}", get(feeds::one))
        .route("/alerts", get(alerts::list))
        .route("/alerts/{id}", get(alerts::one))
        .route("/alerts/{id}/acknowledge", post(alerts::acknowledge))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(deliveries::one))
        .route("/deliveries/{id}/retry", post(deliveries::retry))
        .route("/silences", get(silences::list).post(silences::add))
        .route("/silences/{id}/expire", post(silences::expire))
        .route("/status", get(status::status))
        .route("/login", get(login::ask).post(login::enter))
        .route("/events", get(events::events))
}

/// What surrounds every page.
#[derive(Clone, Debug)]
pub struct Chrome {
    /// The page's own path.
    path: String,
    /// When it was made.
    at: Timestamp,
    /// What its forms bring back.
    form_token: String,
    /// Whom the proxy names.
    who: Option<String>,
    /// What was done, in a sentence.
    said: Option<String>,
    /// Whether it takes in what is stored meanwhile.
    is_live: bool,
}

impl Chrome {
    const fn pages(&self) -> [(&'static str, &'static str); PAGES.len()] {
        PAGES
    }

    fn is_at(&self, path: &str) -> bool {
        self.path == path || path.len() > 1 && self.path.starts_with(path)
    }

    const fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// When it was made, to the minute: what changes nothing else is to be no other page.
    fn now(&self) -> String {
        minute(self.at)
    }

    /// A moment, and how long ago it was or in how long it will be.
    fn time(&self, at: &Timestamp) -> String {
        let (told, ago, ahead) = (minute(*at), self.at.since(*at), at.since(self.at));
        // A page that only became some seconds older is no other page to whoever watches it.
        match ago.max(ahead) {
            near if near < NOW => format!("{told}, now"),
            _ if *at <= self.at => format!("{told}, {} ago", lasting(ago)),
            _ => format!("{told}, in {}", lasting(ahead)),
        }
    }

    /// A text in parts, each with whether it stood between backticks: code.
    fn ticked<'t>(&self, text: &'t str) -> Vec<(bool, &'t str)> {
        text.split('`').enumerate().map(|(at, part)| (at % 2 == 1, part)).collect()
    }

    /// The same for a page that is filled in.
    #[must_use]
    pub fn still(self) -> Self {
        Self { is_live: false, ..self }
    }
}

impl FromRequestParts<Site> for Chrome {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Problem> {
        let visit = parts.extensions.get::<Visit>();
        let said = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .find(|(name, _)| name == "done")
            .and_then(|(_, value)| done(&value));
        Ok(Self {
            path: parts.uri.path().to_owned(),
            at: site.clock.now(),
            form_token: visit.map(|visit| visit.form_token(site)).unwrap_or_default(),
            who: visit.and_then(|visit| visit.who.clone()),
            said: said.map(str::to_owned),
            is_live: true,
        })
    }
}

/// A moment to the minute.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).unwrap_or(&text).replace('T', " ") + " UTC"
}

/// What was done before a page was shown. An address may say it, so it chooses among sentences of ours.
fn done(word: &str) -> Option<&'static str> {
    match word {
        "acknowledged" => Some("Acknowledged: that it goes on is no longer told."),
        "silenced" => Some("The silence holds."),
        "expired" => Some("The silence is over."),
        "retried" => Some("The message is due now."),
        _ => None,
    }
}

/// A path with what is asked there.
fn address(path: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
    format!("{path}?{}", pairs.finish())
}

/// A template as an answer.
fn show(template: &impl Template) -> Result<Response, Problem> {
    Ok(Html(made(template)?).into_response())
}

/// A template as HTML.
fn made(template: &impl Template) -> Result<String, Problem> {
    template.render().map_err(|error| {
        tracing::error!(%error, "a page could not be made");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this page could not be made; the log says why")
    })
}

#[derive(Template)]
#[template(path = "problem.html", config = "src/web/askama.toml")]
struct ProblemPage<'a> {
    chrome: Chrome,
    title: &'a str,
    detail: String,
}

/// A problem for a person.
pub fn problem(site: &Site, problem: &Problem) -> Response {
    let chrome = Chrome {
        path: String::new(),
        at: site.clock.now(),
        form_token: String::new(),
        who: None,
        said: None,
        is_live: false,
    };
    let mut detail = problem.detail.clone();
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut response = match show(&ProblemPage { chrome, title: problem.title(), detail: detail + "." }) {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    *response.status_mut() = problem.status;
    response
}

/// What no path leads to.
pub async fn nowhere(request: Request) -> Problem {
    let path = crate::base::text::shorten(&crate::base::text::printable(request.uri().path()), 100);
    Problem::unknown(format!("there is nothing at {path}"))
}
