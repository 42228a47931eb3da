//! The document that describes the API (<https://spec.openapis.org/oas/v3.1.0>), with the refusals that any request may
//! meet.

use axum::Json;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use super::asked::{Asked, Nothing};
use crate::web::problem::Details;

/// What holds for all of it.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "supplywatch", description = "What supplywatch sees, and what may be done about it.",
         license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")),
    tags((name = "alerts", description = "What fires, what waits, and how it came there."),
         (name = "silences", description = "What keeps messages back for a while."),
         (name = "deliveries", description = "Messages on their way to receivers."),
         (name = "rules", description = "What is watched for, and why it fires or does not."),
         (name = "figures", description = "Feeds, their series, and all that was ever known of them."),
         (name = "status", description = "What runs here.")),
    components(schemas(Details)),
)]
pub struct Document;

/// The name of the scheme by which a token is brought.
const TOKEN: &str = "token";

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "status", responses((status = 200, body = Object)))]
pub async fn document(_: Asked<Nothing>) -> Json<&'static OpenApi> {
    Json(&*super::DOCUMENT)
}

/// A document with what its handlers need not say one by one.
pub fn completed(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    let scheme = SecurityScheme::Http(
        Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "The token of `[web] token`; without one in the config, and on the socket, none is needed.",
            ))
            .build(),
    );
    components.add_security_scheme(TOKEN, scheme);
    document.security =
        Some(vec![SecurityRequirement::default(), SecurityRequirement::new::<_, [&str; 0], _>(TOKEN, [])]);
    for (path, item) in &mut document.paths.paths {
        for (is_get, operation) in operations(item) {
            complete(path, is_get, operation);
        }
    }
    document
}

/// The operations at a path, and which of them only read.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let all = [(true, &mut item.get), (false, &mut item.post), (false, &mut item.delete), (false, &mut item.put)];
    all.into_iter().filter_map(|(is_get, operation)| Some((is_get, operation.as_mut()?)))
}

/// Adds the refusals that an operation shares with others.
fn complete(path: &str, is_get: bool, operation: &mut Operation) {
    let refusals = [
        ("400", true, "It cannot be asked so: the detail says what is wrong."),
        ("401", true, "The token is missing or wrong."),
        ("403", true, "Whoever asks may not: a proxy that names nobody, or a write from another site's page."),
        ("404", path.contains('{') || operation.responses.responses.contains_key("404"), "There is no such thing."),
        ("405", true, "It cannot be asked with this method; `Allow` says with which."),
        ("408", true, "The request did not come whole in time."),
        ("413", !is_get, "The body is too long."),
        ("415", operation.request_body.is_some(), "The body is no JSON by its `Content-Type`."),
        ("421", true, "The page does not go by the name under which it was asked."),
        ("500", true, "The store could not be read; the log says why."),
    ];
    for (status, _, description) in refusals.into_iter().filter(|(_, applies, _)| *applies) {
        operation.responses.responses.insert(status.to_owned(), RefOr::T(refusal(description)));
    }
    if is_get {
        let same = ResponseBuilder::new().description("It is what `If-None-Match` names: nothing new.").build();
        operation.responses.responses.insert("304".to_owned(), RefOr::T(same));
    }
}

fn refusal(description: &str) -> Response {
    let details = ContentBuilder::new().schema(Some(Ref::from_schema_name("Details"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", details).build()
}
