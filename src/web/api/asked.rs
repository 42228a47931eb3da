//! What is asked: the parameters of a query and the body of a request, each read as a whole, with what is wrong with
//! it said in words.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{StatusCode, request::Parts};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use crate::inspect::Page;
use crate::web::Site;
use crate::web::problem::Problem;

/// Members of a list that come at once, where the query does not say how many.
const LIMIT_DEFAULT: u16 = 100;
/// The same, at most.
const LIMIT_MAX: u16 = 1000;

/// The parameters of a query. Those that are not known are refused: a filter that is misspelt filters nothing.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Site> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Site) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let read = serde_html_form::from_str(query);
        read.map(Self).map_err(|error| Problem::invalid(format!("the query cannot be understood: {error}")))
    }
}

/// No parameter at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Which piece of a list is wanted.
#[derive(Deserialize)]
#[serde(try_from = "u16")]
pub struct Limit(u16);

impl TryFrom<u16> for Limit {
    type Error = String;

    fn try_from(limit: u16) -> Result<Self, String> {
        let fits = (1..=LIMIT_MAX).contains(&limit);
        fits.then_some(Self(limit)).ok_or_else(|| format!("`limit` is from 1 to {LIMIT_MAX}"))
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT_DEFAULT)
    }
}

impl Limit {
    /// The piece of so many behind a token.
    pub fn page(self, after: Option<String>) -> Page {
        Page { limit: self.0.into(), after }
    }
}

/// A label that is wanted, such as `partner=US`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Label(String, String);

impl TryFrom<String> for Label {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        crate::inspect::meant::label(&text).map(|(name, value)| Self(name, value))
    }
}

/// Labels as `inspect` takes them.
pub fn pairs(labels: Vec<Label>) -> Vec<(String, String)> {
    labels.into_iter().map(|Label(name, value)| (name, value)).collect()
}

/// Reads a parameter that may be left out, but not be empty.
pub fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads `true` or `false`.
pub fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(D::Error::custom(format!("expected `true` or `false`, found `{other}`"))),
    }
}

/// The body of a request, as JSON.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Site> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Problem> {
        let told = |rejection: JsonRejection| {
            let status = match &rejection {
                JsonRejection::JsonDataError(_) => StatusCode::BAD_REQUEST,
                other => other.status(),
            };
            Problem::new(status, crate::base::text::printable(&rejection.body_text()))
        };
        Json::from_request(request, site).await.map(|Json(body)| Self(body)).map_err(told)
    }
}
