//! The HTTP server: connections under limits, one router, an end in order.
//!
//! `axum::serve` waits for ever for a header that does not come, so hyper is asked itself, with a timer. When there
//! are too many connections, the one that has been idle longest makes room.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tower::Service;
use tracing::debug;

use super::guard::Peer;
use super::listen::{Listeners, Visitor};
use super::{Change, Site, router};
use crate::base::limits::{CONNECTIONS_MAX, HEADER_BYTES_MAX, HEADER_FIELDS_MAX, HEADER_WAIT, REQUEST_TIME_MAX};
use crate::config::Web;

/// How long until an address that is taken is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// How often it is looked whether anything was stored, for pages that show it as it comes.
const LOOK: Duration = Duration::from_secs(1);
/// How long requests under way may take once the end began.
const GRACE: Duration = Duration::from_secs(2);

/// The server, which listens: whoever comes now is answered as soon as it serves.
pub struct Server {
    site: Site,
    listeners: Listeners,
    /// Where it was to listen.
    web: Web,
    /// It listens everywhere there.
    is_complete: bool,
}

impl Server {
    /// Listens where the setup says, by what was [`handed`](super::handed) over where that is there.
    pub async fn open(site: Site, handed: Vec<TcpListener>) -> Self {
        let web = site.setup().web.clone();
        let mut listeners = Listeners::new(handed);
        let is_complete = listeners.open(&web).await;
        Self { site, listeners, web, is_complete }
    }

    /// Serves until told to stop.
    pub async fn serve(mut self, stop: CancellationToken) {
        let app = router(self.site.clone());
        let mut setups = self.site.setups.clone();
        let mut connections = Connections::default();
        let (mut look, mut retry) = (tokio::time::interval(LOOK), tokio::time::interval(RETRY));
        // The first tick is at once, and it was tried just now.
        retry.reset();
        loop {
            tokio::select! {
                visitor = self.listeners.next() => connections.begin(visitor, &app, &stop),
                () = connections.ended() => {}
                _ = look.tick() => self.site.look().await,
                _ = retry.tick(), if !self.is_complete => self.is_complete = self.listeners.open(&self.web).await,
                changed = setups.changed() => match changed {
                    Ok(()) => {
                        let web = setups.borrow_and_update().web.clone();
                        self.move_to(web).await;
                    }
                    Err(_) => break,
                },
                () = stop.cancelled() => break,
            }
        }
        self.listeners.close();
        // Whoever watches for changes would stay for ever.
        let _ = tokio::time::timeout(GRACE, connections.drain()).await;
    }

    async fn move_to(&mut self, web: Web) {
        if web == self.web {
            return;
        }
        self.listeners.close();
        self.web = web;
        self.is_complete = self.listeners.open(&self.web).await;
    }
}

impl Site {
    /// Tells those who watch when something was stored, and once more at the next look: what they were shown at first
    /// may have been seen a moment before.
    async fn look(&self) {
        if self.changes.receiver_count() == 0 {
            return;
        }
        if let Ok(version) = self.store.version().await {
            self.changes.send_if_modified(|change| {
                let is_told_twice = change.version == version && change.times >= 2;
                let times = if change.version == version { change.times + 1 } else { 1 };
                *change = if is_told_twice { *change } else { Change { version, times } };
                !is_told_twice
            });
        }
    }
}

/// The connections that there are.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// In the order in which they came.
    open: BTreeMap<u64, Connection>,
    ids: BTreeMap<Id, u64>,
    count: u64,
}

struct Connection {
    task: AbortHandle,
    /// A request is being answered.
    is_busy: Arc<AtomicBool>,
}

impl Connections {
    fn begin(&mut self, visitor: std::io::Result<Visitor>, app: &Router, stop: &CancellationToken) {
        if self.open.len() >= CONNECTIONS_MAX {
            self.make_room();
        }
        let is_busy = Arc::new(AtomicBool::new(false));
        let task = match visitor {
            Ok(Visitor::Remote(stream, peer)) => {
                // Answers are small: they are not to wait for more.
                let _ = stream.set_nodelay(true);
                let peer = Peer::Remote(peer.ip().to_canonical());
                self.tasks.spawn(connection(stream, peer, app.clone(), is_busy.clone(), stop.clone()))
            }
            Ok(Visitor::Local(stream)) => {
                self.tasks.spawn(connection(stream, Peer::Local, app.clone(), is_busy.clone(), stop.clone()))
            }
            Err(error) => {
                // Such as too many open files: connections that end make room.
                debug!(%error, "a connection was not taken");
                self.make_room();
                return;
            }
        };
        self.count += 1;
        self.ids.insert(task.id(), self.count);
        self.open.insert(self.count, Connection { task, is_busy });
    }

    /// Ends the oldest connection on which nothing is being answered; where all are busy, the oldest of all.
    fn make_room(&mut self) {
        let idle = |(_, connection): &(&u64, &Connection)| !connection.is_busy.load(Ordering::Relaxed);
        let oldest = self.open.iter().find(idle).or_else(|| self.open.iter().next()).map(|(count, _)| *count);
        if let Some(connection) = oldest.and_then(|oldest| self.open.remove(&oldest)) {
            connection.task.abort();
        }
    }

    /// The end of a connection; never, where there is none.
    async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return std::future::pending().await,
        };
        if let Some(count) = self.ids.remove(&id) {
            self.open.remove(&count);
        }
    }

    async fn drain(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: Peer,
    app: Router,
    is_busy: Arc<AtomicBool>,
    stop: CancellationToken,
) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (app, is_busy) = (app.clone(), is_busy.clone());
        async move {
            is_busy.store(true, Ordering::Relaxed);
            let answer = answer(app, peer, request).await;
            is_busy.store(false, Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT)
        .max_headers(HEADER_FIELDS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A visitor who goes away in the middle is no trouble of ours.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// One request's answer; a body that comes too slowly is not waited for.
async fn answer(mut app: Router, peer: Peer, request: hyper::Request<Incoming>) -> Response {
    let mut request: Request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(peer);
    match tokio::time::timeout(REQUEST_TIME_MAX, app.call(request)).await {
        Ok(Ok(response)) => response,
        Err(_) => super::guard::too_slow(),
    }
}
