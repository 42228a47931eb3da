//! What has not changed is not sent again: a strong `ETag` of every whole answer, and 304 to whoever has it
//! (RFC 9110, 8.8.3 and 13.1.2).

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::base::text::hex;

/// Marks a good answer to a GET whose length is known: what comes as it happens has none.
pub async fn etag(request: Request, next: Next) -> Response {
    let is_get = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !is_get || response.status() != StatusCode::OK || response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mark = format!("\"{}\"", hex(&Sha256::digest(&bytes)[..16]));
    if let Ok(value) = HeaderValue::from_str(&mark) {
        parts.headers.insert(header::ETAG, value);
    }
    if known.is_some_and(|known| has(&known, &mark)) {
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.status = StatusCode::NOT_MODIFIED;
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether a list of marks has one; a weak one counts the same here.
fn has(known: &HeaderValue, mark: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_weak_marks_are_understood() {
        let has = |known| has(&HeaderValue::from_static(known), "\"ab\"");
        assert!(has("\"ab\"") && has("\"x\", W/\"ab\"") && has("*"));
        assert!(!has("\"abc\"") && !has("ab") && !has(""));
    }
}
