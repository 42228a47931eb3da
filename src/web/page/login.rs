//! Where the token is asked for.

use std::time::Duration;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::sync::Semaphore;

use super::{Chrome, show};
use crate::web::Site;
use crate::web::guard::let_in;
use crate::web::problem::Problem;
use crate::web::session::same;

/// How long a wrong token is thought about. One at a time, so that guessing is slow however many guess.
const PAUSE: Duration = Duration::from_millis(500);
static GUESSES: Semaphore = Semaphore::const_new(1);

#[derive(serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    to: String,
}

#[derive(serde::Deserialize)]
pub struct Entered {
    #[serde(default)]
    to: String,
    token: String,
}

#[derive(Template)]
#[template(path = "login.html", config = "src/web/askama.toml")]
struct Login {
    chrome: Chrome,
    to: String,
    is_wrong: bool,
}

/// Asks.
pub async fn ask(State(site): State<Site>, chrome: Chrome, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    if site.setup().web.token.is_none() {
        return Ok(Redirect::to("/").into_response());
    }
    show(&Login { chrome: chrome.still(), to: inner(&asked.to), is_wrong: false })
}

/// Lets in whoever knows it.
pub async fn enter(
    State(site): State<Site>,
    chrome: Chrome,
    Form(entered): Form<Entered>,
) -> Result<Response, Problem> {
    let setup = site.setup();
    let Some(token) = &setup.web.token else { return Ok(Redirect::to("/").into_response()) };
    let to = inner(&entered.to);
    if same(entered.token.trim(), token.expose()) {
        return Ok(let_in(&site, &to));
    }
    if let Ok(_turn) = GUESSES.acquire().await {
        tokio::time::sleep(PAUSE).await;
    }
    let mut response = show(&Login { chrome: chrome.still(), to, is_wrong: true })?;
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    Ok(response)
}

/// A path of this page; anything else leads to its beginning, and nobody away from it.
fn inner(to: &str) -> String {
    // A browser reads `\` as `/`, and looks past tabs.
    let is_path = to.starts_with('/') && !to.starts_with("//") && !to.contains(|c: char| c == '\\' || c.is_control());
    if is_path { to.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_is_led_away() {
        for to in [
            "",
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "/a\r\nb",
            "/\t/evil.example",
        ] {
            assert_eq!(super::inner(to), "/", "{to}");
        }
        assert_eq!(super::inner("/alerts/ab?x=1"), "/alerts/ab?x=1");
    }
}
