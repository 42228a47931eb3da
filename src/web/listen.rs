//! Where the page and the command line are served: an address, and a socket in the file system.
//!
//! What cannot be had now is said, and tried again: alerts go on without a page. The service manager may have opened
//! the address already; it is then the one that the config names, which says who may look there.

use std::net::{SocketAddr, TcpListener as Handed};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tracing::{info, warn};

use crate::base::text::printable;
use crate::config::{Environment, Web};

/// Whoever may write to the socket's directory may be let in; others are not.
const SOCKET_MODE: u32 = 0o660;

/// What the service manager listens at for us (sd_listen_fds(3)). It is there once: whoever asks again gets nothing.
pub fn handed(environment: &Environment) -> Vec<Handed> {
    if environment.variable("LISTEN_FDS").is_none() {
        return Vec::new();
    }
    let mut all = ListenFd::from_env();
    // What is no TCP listener is not for the page.
    (0..all.len()).filter_map(|index| all.take_tcp_listener(index).ok().flatten()).collect()
}

/// What is listened at.
#[derive(Default)]
pub struct Listeners {
    /// What the service manager opened; it stays open whatever becomes of the page.
    handed: Vec<Handed>,
    tcp: Option<TcpListener>,
    unix: Option<(UnixListener, PathBuf)>,
}

/// Somebody who came.
pub enum Visitor {
    /// By the address.
    Remote(TcpStream, SocketAddr),
    /// By the socket, whose file says who may.
    Local(UnixStream),
}

impl Listeners {
    /// Nothing yet but what was [`handed`] over.
    pub fn new(handed: Vec<Handed>) -> Self {
        Self { handed, tcp: None, unix: None }
    }

    /// Listens where the setup says and these do not yet; `true` when that is everywhere.
    pub async fn open(&mut self, web: &Web) -> bool {
        if let (Some(address), None) = (web.listen, &self.tcp) {
            self.tcp = self.listen_at(address).await;
        }
        if let (Some(path), None) = (&web.socket, &self.unix) {
            self.unix = listen_on(path).await.map(|listener| (listener, path.clone()));
        }
        (web.listen.is_none() || self.tcp.is_some()) && (web.socket.is_none() || self.unix.is_some())
    }

    /// Listens nowhere any more.
    pub fn close(&mut self) {
        self.tcp = None;
        if let Some((_, path)) = self.unix.take() {
            // It may be gone with its directory; the next start takes a stale one away.
            let _ = std::fs::remove_file(path);
        }
    }

    async fn listen_at(&self, address: SocketAddr) -> Option<TcpListener> {
        let is_meant = |handed: &&Handed| handed.local_addr().is_ok_and(|known| known == address);
        let bound = match self.handed.iter().find(is_meant) {
            Some(handed) => taken(handed),
            None => TcpListener::bind(address).await,
        };
        let (at, listener) = match bound.and_then(|listener| Ok((listener.local_addr()?, listener))) {
            Ok(bound) => bound,
            Err(error) => {
                warn!(
                    error = %error,
                    "the page cannot be served at {address}; all else goes on. Is another program there? `web.listen` \
                     chooses another address"
                );
                return None;
            }
        };
        let others = self.handed.iter().filter_map(|handed| handed.local_addr().ok()).filter(|other| *other != address);
        for other in others {
            warn!("systemd listens at {other}, and `web.listen` is {address}: nobody is served at the former");
        }
        info!(address = %at, "the page is at http://{at}/");
        Some(listener)
    }

    /// The next visitor; never, where nothing is listened at.
    pub async fn next(&self) -> std::io::Result<Visitor> {
        let tcp = async {
            match &self.tcp {
                Some(listener) => listener.accept().await.map(|(stream, peer)| Visitor::Remote(stream, peer)),
                None => std::future::pending().await,
            }
        };
        let unix = async {
            match &self.unix {
                Some((listener, _)) => listener.accept().await.map(|(stream, _)| Visitor::Local(stream)),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            visitor = unix => visitor,
            visitor = tcp => visitor,
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.close();
    }
}

/// A listener of the service manager's, which keeps its own.
fn taken(handed: &Handed) -> std::io::Result<TcpListener> {
    let listener = handed.try_clone()?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

async fn listen_on(path: &Path) -> Option<UnixListener> {
    match bind(path).await {
        Ok(listener) => Some(listener),
        Err(error) => {
            let shown = printable(&path.display().to_string());
            warn!(error = %error, "no socket at {shown}; the command line reads the store instead");
            None
        }
    }
}

async fn bind(path: &Path) -> std::io::Result<UnixListener> {
    if is_stale(path).await {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

/// Whether a socket is there that nobody listens on: a process was killed. The store is ours alone, so no other
/// daemon of the same state can be about to.
async fn is_stale(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    is_socket && UnixStream::connect(path).await.is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(socket: &Path) -> Web {
        let listen = Some("127.0.0.1:0".parse().unwrap());
        Web { listen, socket: Some(socket.to_owned()), hosts: Vec::new(), token: None, proxy: None }
    }

    #[tokio::test]
    async fn a_stale_socket_is_taken_over_and_a_living_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        // A listener that is dropped leaves its file behind, as a killed process does.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let mut first = Listeners::default();
        assert!(first.open(&web(&path)).await);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        let mut second = Listeners::default();
        assert!(!second.open(&web(&path)).await, "somebody listens there");
        drop(second);
        let (visit, came) = tokio::join!(UnixStream::connect(&path), first.next());
        assert!(visit.is_ok() && matches!(came, Ok(Visitor::Local(_))));
        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("figures.csv");
        std::fs::write(&path, "period,value\n").unwrap();
        assert!(!Listeners::default().open(&web(&path)).await);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "period,value\n");
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_no_end() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut web = web(Path::new("/nowhere/s.sock"));
        web.listen = Some(taken.local_addr().unwrap());
        let mut listeners = Listeners::default();
        assert!(!listeners.open(&web).await);
        drop(taken);
        listeners.open(&web).await;
        assert!(listeners.tcp.is_some(), "it is free now");
    }

    #[tokio::test]
    async fn what_the_service_manager_opened_is_the_page_where_the_config_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let mut web = web(&directory.path().join("s.sock"));
        let opened = Handed::bind("127.0.0.1:0").unwrap();
        let address = opened.local_addr().unwrap();
        let mut listeners = Listeners::new(vec![opened]);
        assert!(listeners.open(&web).await);
        assert_ne!(listeners.tcp.as_ref().unwrap().local_addr().unwrap(), address, "another is configured");
        web.listen = Some(address);
        for _ in 0..2 {
            listeners.close();
            assert!(listeners.open(&web).await, "it is ours, so it is not taken");
            let (visit, came) = tokio::join!(TcpStream::connect(address), listeners.next());
            assert!(visit.is_ok() && matches!(came, Ok(Visitor::Remote(..))));
        }
    }
}
