//! The service manager's notification protocol (sd_notify(3)): one datagram of `KEY=VALUE` lines.
//!
//! Written out because the published crates cannot send to an abstract socket. Without a socket every
//! call does nothing: a failure to notify is never an error of the daemon.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::base::clock::monotonic;
use crate::base::text::printable;

/// For how long more the service manager is asked to wait, again and again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the service manager, if there is one.
#[derive(Debug)]
pub struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often the watchdog must hear of us, if it listens.
    pub watchdog: Option<Duration>,
}

impl Notify {
    /// From `$NOTIFY_SOCKET`, `$WATCHDOG_USEC` and `$WATCHDOG_PID` as the config captured them.
    pub fn new(socket: Option<&str>, watchdog_usec: Option<&str>, watchdog_pid: Option<&str>) -> Self {
        let ours = watchdog_pid.is_none_or(|pid| pid.parse() == Ok(std::process::id()));
        let micros = watchdog_usec.filter(|_| ours).and_then(|usec| usec.parse().ok());
        let watchdog = micros.filter(|micros| *micros > 0).map(Duration::from_micros);
        Self { socket: socket.and_then(connect), watchdog }
    }

    /// Waits for what may take long before the daemon serves, such as a migration of the store, and asks for patience
    /// meanwhile.
    pub async fn patiently<T>(&self, status: &str, work: impl Future<Output = T>) -> T {
        let (mut ticks, mut work) = (tokio::time::interval(PATIENCE / 3), std::pin::pin!(work));
        let micros = PATIENCE.as_micros();
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => self.send(&format!("EXTEND_TIMEOUT_USEC={micros}\nSTATUS={}", printable(status))),
            }
        }
    }

    /// The daemon serves.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", printable(status)));
    }

    /// A reload began. Without the monotonic time, `systemctl reload` would wait in vain.
    pub fn reloading(&self) {
        let monotonic = monotonic().as_micros();
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={monotonic}\nSTATUS=reloading"));
    }

    /// The end began.
    pub fn stopping(&self, grace: Duration) {
        let micros = grace.as_micros();
        self.send(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={micros}\nSTATUS=finishing deliveries under way"));
    }

    /// The daemon makes progress.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::debug!(%error, "the service manager cannot be notified");
        }
    }
}

fn connect(name: &str) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name).ok()?,
        None => SocketAddr::from_pathname(name).ok()?,
    };
    Some((UnixDatagram::unbound().ok()?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn states_reach_a_path_and_an_abstract_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        Notify::new(path.to_str(), None, None).ready("2 feeds\nHACK=1");
        assert_eq!(received(&by_path), "READY=1\nSTATUS=2 feeds\\u{a}HACK=1");

        let name = format!("supplywatch-test-{}", std::process::id());
        let abstracted = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notify::new(Some(&format!("@{name}")), None, None).reloading();
        let state = received(&abstracted);
        let monotonic = state.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
        assert!(state.starts_with("RELOADING=1\n") && monotonic.parse::<u64>().unwrap() > 0, "{state}");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_is_asked_for_as_long_as_a_start_takes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let notify = Notify::new(path.to_str(), None, None);
        let opened = notify.patiently("opening the state", async {
            tokio::time::sleep(Duration::from_secs(95)).await;
            7
        });
        assert_eq!(opened.await, 7);
        for _ in 0..10 {
            assert_eq!(received(&manager), "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=opening the state");
        }
        assert!(manager.recv(&mut [0; 8]).is_err(), "at once, and then every ten seconds");
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        let watchdog = |usec, pid| Notify::new(None, usec, pid).watchdog;
        let own = std::process::id().to_string();
        assert_eq!(watchdog(Some("2000000"), None), Some(Duration::from_secs(2)));
        assert_eq!(watchdog(Some("2000000"), Some(own.as_str())), Some(Duration::from_secs(2)));
        assert_eq!(watchdog(Some("2000000"), Some("1")), None);
        assert_eq!(watchdog(Some("0"), None), None);
    }
}
