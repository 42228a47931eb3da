//! A site over a store of its own, asked without a network: for tests.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use tokio::sync::{mpsc, watch};
use tower::ServiceExt;

use super::guard::Peer;
use super::{Order, Site, router};
use crate::base::clock::{Clock, Timestamp};
use crate::config::{Environment, Setup};
use crate::metrics::Metrics;
use crate::store::{Location, Store};

/// A site with what it needs.
pub struct World {
    /// The site.
    pub site: Site,
    /// What it told the daemon.
    pub orders: mpsc::Receiver<Order>,
    setups: watch::Sender<Arc<Setup>>,
    directory: tempfile::TempDir,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The header.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl World {
    /// Over an empty store, with a config.
    pub async fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let setup = setup(&directory, config);
        let clock = Clock::manual(Timestamp::parse("2026-11-27T09:00:00Z").unwrap());
        let store = Store::open(&Location::Sqlite(directory.path().join("s.db")), clock.now()).await.unwrap();
        let (setups, watched) = watch::channel(Arc::new(setup));
        let (page, orders) = mpsc::channel(4);
        let reader = store.reader().await.unwrap();
        let site = Site::new(watched, reader, &store, &clock, page, &Metrics::new(clock.now()));
        Self { site, orders, setups, directory }
    }

    /// The same with another config, as after a reload.
    pub fn reconfigure(&self, config: &str) {
        self.setups.send_replace(Arc::new(setup(&self.directory, config)));
    }

    /// A path in its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Asks by the network, from loopback.
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        self.ask_from(Peer::Remote([127, 0, 0, 1].into()), request).await
    }

    /// Asks from somewhere.
    pub async fn ask_from(&self, peer: Peer, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(peer);
        let response = router(self.site.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// The page at a path, as a browser on this machine asks for it.
    pub async fn page(&self, path: &str) -> Answer {
        self.ask(request("GET", path, &[("host", "127.0.0.1:9180"), ("accept", "text/html")], "")).await
    }
}

fn setup(directory: &tempfile::TempDir, config: &str) -> Setup {
    let path = directory.path().join("supplywatch.toml");
    std::fs::write(&path, config).unwrap();
    let loaded = crate::config::load(&path, &Environment::of(&[]));
    loaded.map_err(|problems| problems.render(false)).unwrap().setup
}

/// A request.
pub fn request(method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(body.to_owned())).unwrap()
}
