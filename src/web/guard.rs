//! Who may ask what: before any page is made, each request passes here, and each answer on its way back.
//!
//! The name under which the page is asked must be one of its own (a name that somebody else points at it could read
//! it: DNS rebinding). Where there is a token or a proxy, nobody comes in without; and what writes must come from the
//! page itself, or from somebody whom no browser leads: with the token as a header, or by the socket.

use std::net::IpAddr;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::problem::{self, Problem};
use super::session::{Session, same};
use super::{Site, page};
use crate::base::limits::REQUEST_BYTES_MAX;
use crate::config::Web;

/// The header field with which a script brings what a form has in its field `csrf`.
const FORM_HEADER: &str = "x-csrf-token";
/// Only what is ours: no script within a page, no foreign picture, no frame, and forms that lead back here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Another program, by the network.
    Remote(IpAddr),
    /// The socket: whoever may open its file.
    Local,
}

/// Who asks, as far as it is known.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Whom the proxy names.
    pub who: Option<String>,
    session: Session,
    /// It needs no form's token: no browser sends what it brings.
    is_proven: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    /// Nobody comes to a page but through the guard.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| forbidden("nobody has let this request in"))
    }
}

impl Visit {
    /// What the forms of a page must bring back.
    pub fn form_token(&self, site: &Site) -> String {
        site.key.form_token(&self.session)
    }
}

/// Lets a request through, or says why not.
pub async fn guard(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let wants_page = wants_page(&request);
    let web = site.setup().web.clone();
    let response = match admit(&site, &web, &mut request).await {
        Ok(is_new) => {
            let visit = request.extensions().get::<Visit>().cloned();
            let mut response = problem::in_words(next.run(request).await).await;
            if let (true, Some(visit)) = (is_new, visit) {
                begin(&site, &visit.session, response.headers_mut());
            }
            response
        }
        Err(refused) => *refused,
    };
    let mut response = match response.extensions().get::<Problem>().cloned() {
        Some(problem) if wants_page => page::problem(&site, &problem),
        _ => response,
    };
    harden(response.headers_mut());
    response
}

/// Whether a person looks at the answer.
fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("text/html") && !path.starts_with("/api/")
}

/// Checks a request and notes who asks; whether a session begins with it.
async fn admit(site: &Site, web: &Web, request: &mut Request) -> Result<bool, Box<Response>> {
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Remote(IpAddr::from([0, 0, 0, 0])));
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if peer == Peer::Local {
        let session = Session::new(true, site.clock.now());
        request.extensions_mut().insert(Visit { who: None, session, is_proven: true });
        return Ok(false);
    }
    let host = host(request).filter(|host| is_own(site, web, host));
    let Some(host) = host else { return Err(Box::new(misdirected().into_response())) };
    let (visit, is_new) = known(site, web, peer, request)?;
    if !is_read && !visit.is_proven {
        from_here(request.headers(), &host).map_err(|why| Box::new(forbidden(why).into_response()))?;
        brings_token(site, &visit, request).await.map_err(|problem| Box::new(problem.into_response()))?;
    }
    request.extensions_mut().insert(visit);
    Ok(is_new)
}

/// The name under which the page is asked, in lower case.
fn host(request: &Request) -> Option<String> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let mut fields = request.headers().get_all(header::HOST).iter();
    let field = fields.next().and_then(|field| field.to_str().ok());
    // Two names, or another than the address says: somebody plays with us.
    let is_plain = fields.next().is_none() && (authority.is_none() || field.is_none() || authority == field);
    authority.or(field).filter(|_| is_plain).map(str::to_ascii_lowercase)
}

/// Whether it is a name of ours: loopback's, the address that is listened at, one of the config, that of its page.
fn is_own(site: &Site, web: &Web, host: &str) -> bool {
    let name = name(host);
    let of_address = || {
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        address.is_some_and(|address| {
            address.is_loopback()
                || web.listen.is_some_and(|listen| listen.ip() == address || listen.ip().is_unspecified())
        })
    };
    let of_page = || {
        let setup = site.setup();
        let url = setup.page_url.as_deref().and_then(|url| url::Url::parse(url).ok());
        url.and_then(|url| url.host_str().map(str::to_owned)).is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    name == "localhost" || of_address() || web.hosts.iter().any(|own| own == host || own == name) || of_page()
}

/// A host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Who asks; whether a session begins with it.
fn known(site: &Site, web: &Web, peer: Peer, request: &Request) -> Result<(Visit, bool), Box<Response>> {
    let headers = request.headers();
    let is_guarded = web.token.is_some() || web.proxy.is_some();
    let who = proxied(web, peer, headers);
    let is_proven =
        web.token.as_ref().is_some_and(|token| bearer(headers).is_some_and(|given| same(given, token.expose())));
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|field| field.to_str().ok());
    let session = site.key.read(cookies, site.clock.now());
    let is_in = who.is_some() || is_proven || session.as_ref().is_some_and(|session| session.is_known);
    if is_guarded && !is_in && !is_open(request.uri()) {
        return Err(Box::new(stranger(web, request)));
    }
    let is_new = session.is_none() && !is_proven;
    let session = session.unwrap_or_else(|| Session::new(false, site.clock.now()));
    Ok((Visit { who, session, is_proven }, is_new))
}

/// Whom a proxy names: one that asks from an address of the config.
fn proxied(web: &Web, peer: Peer, headers: &HeaderMap) -> Option<String> {
    let proxy = web.proxy.as_ref()?;
    let Peer::Remote(address) = peer else { return None };
    let is_proxy = proxy.from.iter().any(|known| known.to_canonical() == address);
    let mut fields = headers.get_all(&proxy.header).iter();
    let name = fields.next()?.to_str().ok()?.trim();
    (is_proxy && fields.next().is_none() && !name.is_empty()).then(|| crate::base::text::printable(name))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What anybody may see: that it lives, how it looks, and where the token is asked for.
fn is_open(uri: &Uri) -> bool {
    matches!(uri.path(), "/-/healthy" | "/-/ready" | "/login") || uri.path().starts_with("/assets/")
}

/// Somebody who is not known: a person is led to where the token is asked for.
fn stranger(web: &Web, request: &Request) -> Response {
    if web.token.is_none() {
        return forbidden("the page is asked through a proxy that says who asks; this request names nobody")
            .into_response();
    }
    if wants_page(request) && request.method() == Method::GET {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let to: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        return Redirect::to(&format!("/login?to={to}")).into_response();
    }
    let mut response = Problem::new(
        StatusCode::UNAUTHORIZED,
        "the token of `web.token` is missing or wrong: send it as `Authorization: Bearer TOKEN`",
    )
    .into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Whether a request that writes comes from a page of this host.
fn from_here(headers: &HeaderMap, host: &str) -> Result<(), &'static str> {
    let text = |name: HeaderName| headers.get(name).and_then(|field| field.to_str().ok());
    if text(HeaderName::from_static("sec-fetch-site")).is_some_and(|site| site != "same-origin") {
        return Err("another site's page asks for this");
    }
    let Some(origin) = text(header::ORIGIN) else {
        return Err("what writes must come from the page itself, by the socket, or with the token of `web.token`");
    };
    let of_origin = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match of_origin {
        Some(own) if own.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err("another site's page asks for this"),
    }
}

/// Whether it brings the form's token, as a header or in the form itself.
async fn brings_token(site: &Site, visit: &Visit, request: &mut Request) -> Result<(), Problem> {
    let given = match request.headers().get(FORM_HEADER) {
        Some(field) => field.to_str().unwrap_or_default().to_owned(),
        None => {
            let body = std::mem::replace(request.body_mut(), Body::empty());
            let bytes: Bytes = to_bytes(body, REQUEST_BYTES_MAX).await.map_err(|_| {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a request has {REQUEST_BYTES_MAX} bytes at most"))
            })?;
            let field = url::form_urlencoded::parse(&bytes).find(|(name, _)| name == "csrf");
            let given = field.map(|(_, value)| value.into_owned()).unwrap_or_default();
            *request.body_mut() = Body::from(bytes);
            given
        }
    };
    if same(&given, &visit.form_token(site)) {
        return Ok(());
    }
    Err(forbidden("the form is too old, or not from this page: go back, load the page again, and send it once more"))
}

/// Begins a session with an answer.
fn begin(site: &Site, session: &Session, headers: &mut HeaderMap) {
    let is_https = site.setup().page_url.as_deref().is_some_and(|url| url.starts_with("https:"));
    if let (false, Ok(cookie)) =
        (headers.contains_key(header::SET_COOKIE), site.key.cookie(session, is_https).parse::<HeaderValue>())
    {
        headers.insert(header::SET_COOKIE, cookie);
    }
}

/// Begins the session of somebody who brought the token.
pub fn let_in(site: &Site, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    begin(site, &Session::new(true, site.clock.now()), response.headers_mut());
    response
}

fn misdirected() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "the page does not go by this name; add it to `web.hosts` in the configuration if it is yours",
    )
}

fn forbidden(why: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, why)
}

/// The answer to a request that did not come whole in time.
pub fn too_slow() -> Response {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "the request did not come whole, or was not answered, in time")
        .into_response()
}

/// What every answer says to a browser.
fn harden(headers: &mut HeaderMap) {
    let fields = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fields {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
}
