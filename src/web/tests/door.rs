//! Who is let in, and who may write.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::net::{TcpStream, UnixStream};

use crate::web::guard::Peer;
use crate::web::testing::{Answer, World, request};
use crate::web::{Order, Site};

const TOKEN: &str = "0123456789abcdef";

async fn open() -> World {
    World::new("").await
}

async fn locked() -> World {
    World::new(&format!("[web]\nlisten = '0.0.0.0:9180'\ntoken = '{TOKEN}'\nhosts = ['watch.example.org']\n")).await
}

/// The cookie that an answer sets, as the browser brings it back.
fn cookie(answer: &Answer) -> String {
    let field = answer.headers["set-cookie"].to_str().unwrap();
    field.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn it_goes_by_names_of_its_own_alone() {
    let world = open().await;
    let status = async |host: &str| world.ask(request("GET", "/", &[("host", host)], "")).await.status;
    for own in ["127.0.0.1:9180", "127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:9180", "127.1.2.3"] {
        assert_eq!(status(own).await, StatusCode::OK, "{own}");
    }
    for foreign in
        ["evil.example", "evil.example:9180", "localhost.evil.example", "", "10.0.0.1", "127.0.0.1.evil.example"]
    {
        assert_eq!(status(foreign).await, StatusCode::MISDIRECTED_REQUEST, "{foreign}");
    }
    let nameless = world.ask(request("GET", "/", &[], "")).await;
    assert_eq!(nameless.status, StatusCode::MISDIRECTED_REQUEST);
    let twice = world.ask(request("GET", "/", &[("host", "localhost"), ("host", "evil.example")], "")).await;
    assert_eq!(twice.status, StatusCode::MISDIRECTED_REQUEST);
    let whole = world.ask(request("GET", "http://evil.example/", &[("host", "localhost")], "")).await;
    assert_eq!(whole.status, StatusCode::MISDIRECTED_REQUEST);
    let of_page = World::new("[daemon]\npage_url = 'https://watch.example.org/x'\n").await;
    let answer = of_page.ask(request("GET", "/", &[("host", "watch.example.org")], "")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.headers["set-cookie"].to_str().unwrap().ends_with("; Secure"));
}

#[tokio::test]
async fn what_writes_comes_from_the_page_itself() {
    let world = open().await;
    let page = world.page("/").await;
    let cookie = cookie(&page);
    let session = world.site.key.read([cookie.as_str()].into_iter(), world.site.clock.now()).unwrap();
    let token = world.site.key.form_token(&session);
    let host = ("host", "127.0.0.1:9180");
    let own = ("origin", "http://127.0.0.1:9180");
    let brought = ("cookie", cookie.as_str());
    let form = format!("csrf={token}");
    let post =
        async |fields: &[(&str, &str)], body: &str| world.ask(request("POST", "/nowhere", fields, body)).await.status;
    type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str, StatusCode);
    let cases: [Case<'_>; 9] = [
        ("all is right", &[host, own, brought], &form, StatusCode::NOT_FOUND),
        ("the token in the header", &[host, own, brought, ("x-csrf-token", &token)], "", StatusCode::NOT_FOUND),
        ("no origin", &[host, brought], &form, StatusCode::FORBIDDEN),
        ("another origin", &[host, brought, ("origin", "http://evil.example")], &form, StatusCode::FORBIDDEN),
        ("another port", &[host, brought, ("origin", "http://127.0.0.1:80")], &form, StatusCode::FORBIDDEN),
        ("an origin that is hidden", &[host, brought, ("origin", "null")], &form, StatusCode::FORBIDDEN),
        ("another site", &[host, own, brought, ("sec-fetch-site", "cross-site")], &form, StatusCode::FORBIDDEN),
        ("no token", &[host, own, brought], "csrf=", StatusCode::FORBIDDEN),
        ("somebody else's session", &[host, own], &form, StatusCode::FORBIDDEN),
    ];
    for (case, fields, body, expected) in cases {
        assert_eq!(post(fields, body).await, expected, "{case}");
    }
    let long = format!("{form}&comment={}", "x".repeat(70_000));
    assert_eq!(post(&[host, own, brought], &long).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_stranger_sees_nothing_but_that_it_lives() {
    let world = locked().await;
    let host = ("host", "watch.example.org");
    let ask = async |path: &str, fields: &[(&str, &str)]| {
        world.ask(request("GET", path, &[&[host], fields].concat(), "")).await
    };
    for path in ["/", "/api/v1/alerts", "/metrics", "/events", "/nowhere"] {
        let answer = ask(path, &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    for path in ["/-/healthy", "/-/ready", "/assets/style.css", "/login"] {
        assert_eq!(ask(path, &[]).await.status, StatusCode::OK, "{path}");
    }
    let led = ask("/alerts/ab?x=1", &[("accept", "text/html")]).await;
    assert_eq!(
        (led.status, led.headers["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/login?to=%2Falerts%2Fab%3Fx%3D1")
    );
    assert_eq!(ask("/", &[("authorization", "Bearer 0123456789abcdef")]).await.status, StatusCode::OK);
    for wrong in ["Bearer 0123456789abcdeg", "Bearer", "Basic 0123456789abcdef", "0123456789abcdef"] {
        assert_eq!(ask("/", &[("authorization", wrong)]).await.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
}

#[tokio::test]
async fn a_loop_that_is_stuck_is_not_healthy_and_is_named() {
    let world = locked().await;
    let ask = async |path| {
        let answer = world.ask(request("GET", path, &[("host", "watch.example.org")], "")).await;
        (answer.status, answer.body)
    };
    let well = (StatusCode::OK, "supplywatch is healthy.\n".to_owned());
    let Site { beats, clock, .. } = &world.site;
    let begun = clock.now();
    clock.set(begun.plus(Duration::from_secs(3600)));
    assert_eq!(ask("/-/healthy").await, well, "the first round may take its time");
    [&beats.poll, &beats.evaluate, &beats.deliver].iter().for_each(|tick| tick.beat(clock.now()));
    clock.set(clock.now().plus(Duration::from_secs(300)));
    assert_eq!(ask("/-/healthy").await, well);
    beats.poll.beat(clock.now());
    beats.deliver.beat(clock.now());
    clock.set(clock.now().plus(Duration::from_secs(1)));
    let (status, told) = ask("/-/healthy").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.contains("the evaluate loop makes no progress"), "{told}");
    assert_eq!(ask("/-/ready").await.0, StatusCode::OK, "the store can be read all the same");
    beats.evaluate.beat(clock.now());
    assert_eq!(ask("/-/healthy").await, well);
}

#[tokio::test]
async fn whoever_brings_the_token_is_let_in_and_may_write() {
    let world = locked().await;
    let host = ("host", "watch.example.org");
    let login = world.ask(request("GET", "/login?to=/rules", &[host, ("accept", "text/html")], "")).await;
    let guest = cookie(&login);
    let session = world.site.key.read([guest.as_str()].into_iter(), world.site.clock.now()).unwrap();
    let form = |token: &str| format!("csrf={}&to=%2Frules&token={token}", world.site.key.form_token(&session));
    let fields = [
        host,
        ("cookie", guest.as_str()),
        ("origin", "https://watch.example.org"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    assert_eq!(world.ask(request("GET", "/", &fields[..2], "")).await.status, StatusCode::UNAUTHORIZED);
    let entered = world.ask(request("POST", "/login", &fields, &form(TOKEN))).await;
    assert_eq!((entered.status, entered.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/rules"));
    let known = cookie(&entered);
    assert_eq!(world.ask(request("GET", "/", &[host, ("cookie", &known)], "")).await.status, StatusCode::OK);
    let wrong = world.ask(request("POST", "/login", &fields, &form("0123456789abcdeX"))).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.body.contains("That is not the token") && !wrong.body.contains("abcdeX"), "{}", wrong.body);
    let bearer = ("authorization", "Bearer 0123456789abcdef");
    let answer = world.ask(request("POST", "/nowhere", &[host, bearer], "")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "no browser sends that by itself");
}

#[tokio::test]
async fn a_proxy_is_believed_where_it_is_one() {
    let world =
        World::new("[web]\nlisten = '10.0.0.2:80'\nproxy = { from = ['10.0.0.5'], header = 'X-Forwarded-User' }\n")
            .await;
    let ask = async |peer: [u8; 4], fields: &[(&str, &str)]| {
        let request = request("GET", "/", &[&[("host", "10.0.0.2")], fields].concat(), "");
        world.ask_from(Peer::Remote(peer.into()), request).await.status
    };
    let name = ("x-forwarded-user", "mira");
    assert_eq!(ask([10, 0, 0, 5], &[name]).await, StatusCode::OK);
    assert_eq!(ask([10, 0, 0, 5], &[]).await, StatusCode::FORBIDDEN);
    assert_eq!(ask([10, 0, 0, 5], &[("x-forwarded-user", " ")]).await, StatusCode::FORBIDDEN);
    assert_eq!(ask([10, 0, 0, 5], &[name, ("x-forwarded-user", "root")]).await, StatusCode::FORBIDDEN);
    assert_eq!(ask([10, 0, 0, 6], &[name]).await, StatusCode::FORBIDDEN);
    assert_eq!(ask([127, 0, 0, 1], &[name]).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_may_open_the_socket_may_do_all() {
    let mut world = locked().await;
    let reload = async {
        match world.orders.recv().await {
            Some(Order::Reload(tell)) => tell.send(Ok("watching: 1 feed".to_owned())).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let site = world.site.clone();
    let mut asked = request("POST", "/-/reload", &[("host", "localhost")], "");
    asked.extensions_mut().insert(Peer::Local);
    let (answer, ()) = tokio::join!(tower::ServiceExt::oneshot(crate::web::router(site), asked), reload);
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn every_answer_forbids_what_no_page_needs() {
    let world = open().await;
    for path in ["/", "/nowhere", "/assets/style.css", "/-/healthy"] {
        let answer = world.page(path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    for path in ["/assets/../Cargo.toml", "/assets/%2e%2e%2fCargo.toml", "/assets//etc/passwd", "/..%2f..%2fetc/passwd"]
    {
        assert_eq!(world.page(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let world = open().await;
    let first = world.page("/assets/style.css").await;
    let mark = first.headers["etag"].to_str().unwrap().to_owned();
    let fields = [("host", "localhost"), ("if-none-match", mark.as_str())];
    let again = world.ask(request("GET", "/assets/style.css", &fields, "")).await;
    assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let head = world.ask(request("HEAD", "/assets/style.css", &[("host", "localhost")], "")).await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn errors_are_problem_details_for_programs_and_pages_for_people() {
    let world = open().await;
    let program = world.ask(request("GET", "/nowhere", &[("host", "localhost")], "")).await;
    assert_eq!(program.headers["content-type"], "application/problem+json");
    assert_eq!(
        program.body,
        r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"there is nothing at /nowhere"}"#
    );
    let person = world.page("/%3Cscript%3E").await;
    assert!(person.body.contains("There is nothing at /%3Cscript%3E."), "{}", person.body);
    let method =
        world.ask(request("DELETE", "/-/healthy", &[("host", "localhost"), ("origin", "http://localhost")], "")).await;
    assert_eq!(method.status, StatusCode::FORBIDDEN, "who may write comes first");
}

#[tokio::test]
async fn what_was_done_by_one_is_not_said_to_all() {
    let world = open().await;
    let done = world.page("/?done=silenced").await;
    assert!(!done.body.contains("The silence holds"), "{}", done.body);
    assert!(world.page("/silences?done=silenced").await.body.contains("The silence holds"));
}

/// Waits until somebody listens there.
async fn reached(address: SocketAddr, socket: &Path) {
    let reached = async {
        while TcpStream::connect(address).await.is_err() || UnixStream::connect(socket).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap();
}

#[tokio::test]
async fn the_page_and_the_socket_move_with_the_config() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (first, second) = (free(), free());
    let world = World::new("").await;
    let config =
        |address, socket| format!("[web]\nlisten = '{address}'\nsocket = '{}'\n", world.path(socket).display());
    world.reconfigure(&config(first, "a.sock"));
    let stop = tokio_util::sync::CancellationToken::new();
    let moving = async {
        reached(first, &world.path("a.sock")).await;
        world.reconfigure(&config(second, "b.sock"));
        reached(second, &world.path("b.sock")).await;
        assert!(TcpStream::connect(first).await.is_err() && !world.path("a.sock").exists(), "it is left");
        stop.cancel();
    };
    let server = crate::web::Server::open(world.site.clone(), Vec::new()).await;
    tokio::join!(server.serve(stop.clone()), moving);
}

#[tokio::test]
async fn the_page_says_how_the_last_reload_ended() {
    let world = open().await;
    assert!(!world.page("/status").await.body.contains("last reload"));
    let refused = Err("reload failed: <error>; old configuration kept".to_owned());
    world.site.gauges.metrics().reloaded(&refused, world.site.clock.now());
    let page = world.page("/status").await.body;
    assert!(page.contains("last reload") && page.contains("reload failed: &#60;error&#62;"), "{page}");
}
