//! The list of alerts, one alert with its story, and that somebody knows of it.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::words::picture;
use super::{Chrome, address, show};
use crate::chart::Chart;
use crate::inspect::alerts::{self, AlertKind, AlertState, Alerts, AlertsWanted, Remark, Standing, Story};
use crate::inspect::aside::aside;
use crate::inspect::explain::{Explainer, Look};
use crate::inspect::{Inspection, Page, Unanswered};
use crate::outbox::Message;
use crate::rule::Severity;
use crate::web::Site;
use crate::web::guard::Visit;
use crate::web::problem::Problem;

/// Alerts on one page, at most.
const SHOWN: usize = 100;

/// Which alerts are asked for; a form sends what was left empty, too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    #[serde(default)]
    state: String,
    #[serde(default)]
    rule: String,
    next_token: Option<String>,
}

/// Where alerts stand, as addresses say it and as people are asked.
const STANDINGS: [(&str, Standing, &str); 4] = [
    ("firing", Standing::Firing, "firing"),
    ("held", Standing::Held, "held: waiting for a figure"),
    ("ok", Standing::Ok, "not firing"),
    ("all", Standing::All, "all"),
];

#[derive(Template)]
#[template(path = "alerts.html", config = "src/web/askama.toml")]
struct AlertsPage {
    chrome: Chrome,
    found: Alerts,
    state: &'static str,
    rule: String,
    /// The address of the next part.
    more: Option<String>,
}

impl AlertsPage {
    const fn standings(&self) -> [(&'static str, Standing, &'static str); 4] {
        STANDINGS
    }
}

/// The list.
pub async fn list(
    State(site): State<Site>,
    chrome: Chrome,
    Query(Wanted { state, rule, next_token }): Query<Wanted>,
) -> Result<Response, Problem> {
    let setup = site.setup();
    let (state, standing, _) = STANDINGS.into_iter().find(|(name, ..)| *name == state).unwrap_or(STANDINGS[0]);
    let of_rule = Some(rule.clone()).filter(|rule| !rule.is_empty());
    let wanted = AlertsWanted { standing: Some(standing), rule: of_rule, ..AlertsWanted::default() };
    let found = alerts::alerts(site.inspection(&setup), &wanted, &Page { limit: SHOWN, after: next_token }).await?;
    let next = |token: &String| address("/alerts", &[("state", state), ("rule", &rule), ("nextToken", token)]);
    let more = found.next_token.as_ref().map(next);
    show(&AlertsPage { chrome, found, state, rule, more })
}

#[derive(Template)]
#[template(path = "alert.html", config = "src/web/askama.toml")]
struct AlertPage {
    chrome: Chrome,
    story: Story,
    chart: Option<String>,
}

impl AlertPage {
    /// What its last message says.
    fn message(&self) -> Option<&Message> {
        self.story.transitions.last().map(|step| &step.message)
    }

    fn title(&self) -> &str {
        match self.story.alert.annotations.summary.as_str() {
            "" => &self.story.alert.rule,
            summary => summary,
        }
    }

    fn is_firing(&self) -> bool {
        self.story.alert.state == AlertState::Firing
    }

    fn severity(&self) -> &'static str {
        self.story.alert.severity.map_or("ok", Severity::name)
    }

    /// Whether it is of a rule, which has a page of its own.
    fn has_rule(&self) -> bool {
        self.story.alert.kind == AlertKind::Market
    }
}

/// One alert.
pub async fn one(State(site): State<Site>, chrome: Chrome, Path(id): Path<String>) -> Result<Response, Problem> {
    let setup = site.setup();
    let asked = site.inspection(&setup);
    let story = alerts::alert(asked, &id).await?;
    let drawn = chart(asked, &story).await?;
    let chart = drawn.filter(Chart::has_figures).map(|chart| picture(&chart));
    show(&AlertPage { chrome, story, chart })
}

/// The figures that its rule looks at, with those at which it changes.
async fn chart(asked: Inspection<'_>, story: &Story) -> Result<Option<Chart>, Unanswered> {
    let Some(rule) = asked.setup.rules.iter().find(|rule| rule.name == story.alert.rule) else { return Ok(None) };
    if rule.is_of_items() {
        return Ok(None);
    }
    let explainer = Explainer::new(asked).await?;
    let subjects = explainer.catalogue().subjects(rule);
    let Some(subject) = subjects.iter().find(|subject| subject.labels == story.alert.series) else { return Ok(None) };
    // What cannot be explained has no figures to draw.
    match explainer.case(rule, subject, Look::default()).await {
        Ok(case) => Ok(Some(aside(move || case.chart()).await)),
        Err(_) => Ok(None),
    }
}

/// Notes that somebody knows.
pub async fn acknowledge(
    State(site): State<Site>,
    visit: Visit,
    Path(id): Path<String>,
    Form(said): Form<Said>,
) -> Result<Response, Problem> {
    let setup = site.setup();
    let remark = Remark { comment: said.comment, author: visit.who.unwrap_or(said.author) };
    let known = alerts::acknowledge(site.change(&setup), &id, &remark).await?;
    Ok(Redirect::to(&format!("/alerts/{}?done=acknowledged", known.alert)).into_response())
}

/// What the form says.
#[derive(Deserialize)]
pub struct Said {
    comment: String,
    #[serde(default)]
    author: String,
}
