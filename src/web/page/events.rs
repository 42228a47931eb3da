//! That something was stored, as it happens: server-sent events of the kind `change`.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};

use crate::base::limits::WATCHERS_MAX;
use crate::web::Site;
use crate::web::problem::Problem;

/// How often a line is sent that says nothing, so that whoever is between does not hang up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One event for each change, several of which may come as one.
pub async fn events(State(site): State<Site>) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    if site.changes.receiver_count() >= WATCHERS_MAX {
        let why = format!("{WATCHERS_MAX} pages watch for changes already; load this one again when you need to");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why));
    }
    let changes = stream::unfold(site.changes.subscribe(), |mut changes| async move {
        changes.changed().await.ok()?;
        let version = changes.borrow_and_update().version;
        Some((Ok(Event::default().event("change").data(version.to_string())), changes))
    });
    Ok(Sse::new(changes).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
