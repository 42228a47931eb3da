//! Deliveries: what waits, what was given up, how each went, and that one is sent again.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{Chrome, address, show};
use crate::inspect::Page;
use crate::inspect::deliveries::{self, Course, Deliveries, DeliveriesWanted};
use crate::store::{DeliveryCount, DeliveryState};
use crate::web::problem::Problem;
use crate::web::{Order, Site};

/// Deliveries on one page, at most.
const SHOWN: usize = 100;

/// Which deliveries are asked for; a form sends what was left empty, too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    #[serde(default)]
    state: String,
    #[serde(default)]
    receiver: String,
    next_token: Option<String>,
}

#[derive(Template)]
#[template(path = "deliveries.html", config = "src/web/askama.toml")]
struct DeliveriesPage {
    chrome: Chrome,
    found: Deliveries,
    counts: Vec<DeliveryCount>,
    state: String,
    receiver: String,
    /// The receivers of the config.
    receivers: Vec<String>,
    /// The address of the next part.
    more: Option<String>,
}

impl DeliveriesPage {
    const fn states(&self) -> [DeliveryState; 4] {
        DeliveryState::ALL
    }
}

/// The list.
pub async fn list(
    State(site): State<Site>,
    chrome: Chrome,
    Query(Wanted { state, receiver, next_token }): Query<Wanted>,
) -> Result<Response, Problem> {
    let setup = site.setup();
    let wanted = DeliveriesWanted {
        state: DeliveryState::ALL.into_iter().find(|known| known.name() == state),
        receiver: Some(receiver.clone()).filter(|receiver| !receiver.is_empty()),
        ..DeliveriesWanted::default()
    };
    let page = Page { limit: SHOWN, after: next_token };
    let found = deliveries::deliveries(site.inspection(&setup), &wanted, &page).await?;
    let counts = site.store.count_deliveries().await?;
    let next =
        |token: &String| address("/deliveries", &[("state", &state), ("receiver", &receiver), ("nextToken", token)]);
    let more = found.next_token.as_ref().map(next);
    let receivers = setup.receivers.iter().map(|receiver| receiver.name.clone()).collect();
    show(&DeliveriesPage { chrome, found, counts, state, receiver, receivers, more })
}

#[derive(Template)]
#[template(path = "delivery.html", config = "src/web/askama.toml")]
struct DeliveryPage {
    chrome: Chrome,
    course: Course,
}

impl DeliveryPage {
    /// Whether it can be sent again.
    fn is_open(&self) -> bool {
        matches!(self.course.delivery.state, DeliveryState::Dead | DeliveryState::Pending)
    }
}

/// One delivery.
pub async fn one(State(site): State<Site>, chrome: Chrome, Path(id): Path<String>) -> Result<Response, Problem> {
    let setup = site.setup();
    let course = deliveries::delivery(site.inspection(&setup), &id).await?;
    show(&DeliveryPage { chrome, course })
}

/// Sends one again.
pub async fn retry(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Problem> {
    let setup = site.setup();
    let renewed = deliveries::send_again(site.change(&setup), &id).await?;
    // A nudge only shortens the wait.
    let _ = site.orders.try_send(Order::Nudge);
    Ok(Redirect::to(&format!("/deliveries/{}?done=retried", renewed.id)).into_response())
}
