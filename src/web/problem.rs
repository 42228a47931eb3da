//! What went wrong with a request: problem details (RFC 9457) for programs, a page for people.
//!
//! What is said is meant for whoever asked; why the store failed goes into the log.

use axum::body::to_bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::base::error::Chain;
use crate::base::text::printable;
use crate::inspect::Unanswered;

/// Bytes of an error's own text that are told, at most.
const DETAIL_BYTES_MAX: usize = 2 << 10;

/// A request that is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status code.
    pub status: StatusCode,
    /// What is wrong and what to do, in a sentence.
    pub detail: String,
}

/// Problem details as they are sent.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Details {
    /// What kind of problem it is: `about:blank`, which the status code says all about.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status code in words.
    pub title: String,
    /// The HTTP status code.
    #[schema(example = 404)]
    pub status: u16,
    /// What is wrong with this request, and what to do.
    pub detail: String,
}

impl Problem {
    /// A problem.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    /// There is no such thing.
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The request means nothing.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// The status code in words.
    pub fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }
}

/// Gives an error that says nothing, or plain text (the router's and its extractors'), the form of a problem.
pub async fn in_words(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || response.extensions().get::<Problem>().is_some() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, DETAIL_BYTES_MAX).await.unwrap_or_default();
    let text = printable(String::from_utf8_lossy(&text).trim());
    let detail = match (status, text.is_empty()) {
        (StatusCode::METHOD_NOT_ALLOWED, _) => "this cannot be asked with that method".to_owned(),
        (_, true) => "no more is known of it".to_owned(),
        (_, false) => text,
    };
    let mut response = Problem::new(status, detail).into_response();
    // Such as the methods that are allowed.
    for (name, value) in &parts.headers {
        if !response.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

impl From<Unanswered> for Problem {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Unknown(detail) => Self::unknown(detail),
            Unanswered::Invalid(detail) => Self::invalid(detail),
            Unanswered::Store(error) => Self::from(error),
        }
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        tracing::error!(error = %Chain(&error), "a request could not be answered");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the store could not be read; the log says why")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = Details {
            kind: "about:blank".to_owned(),
            title: self.title().to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
        };
        let mut response = (self.status, axum::Json(details)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        // A page says it in its own way.
        response.extensions_mut().insert(self);
        response
    }
}
