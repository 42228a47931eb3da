//! How a server is reached: the first of its hosts that takes writes, in time.

use std::io;
use std::net::IpAddr;
use std::pin::pin;

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, SimpleQueryMessage};

use super::server::{Host, Place, Server};
use super::session::{STANDING, timeline};
use super::timeline::Timeline;
use super::{ServerError, fault, tls};

use crate::store::StoreError;
use crate::store::error::Cause;
use crate::store::sql::Fault;

/// What moves the bytes of a connection: what the server says unasked. Somebody has to poll it, and it ends with the
/// connection.
pub type Connection = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

/// A host that has not let us in.
pub struct Failure {
    /// Which one.
    pub host: String,
    /// Why.
    pub why: Why,
}

/// Why a host has not let us in.
pub enum Why {
    /// It said nothing in time.
    Silent,
    /// Its name is not known.
    Unknown(io::Error),
    /// It said so, or was not to be reached.
    Said(tokio_postgres::Error),
    /// It is a primary that was replaced.
    Unfit(Fault),
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        Self::Unknown(error)
    }
}

impl From<tokio_postgres::Error> for Why {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Said(error)
    }
}

/// A host that takes writes.
struct Found {
    client: Client,
    connection: Connection,
    /// The timeline on which it writes; `None` where it only reads.
    timeline: Option<u32>,
}

impl Server {
    /// Connects to the host that takes writes. Where several do, one of them was replaced and came back: the one on the
    /// newest timeline is the primary, and none on an older one than was ever seen is taken.
    pub async fn connect(&self, seen: &Timeline) -> Result<(Client, Connection), StoreError> {
        let tls = tls::Maker::of(self)?;
        let (mut failures, mut best): (Vec<Failure>, Option<Found>) = (Vec::new(), None);
        for host in &self.hosts {
            let addresses = match self.in_time(addresses(host)).await {
                Ok(addresses) => addresses,
                Err(why) => {
                    failures.push(Failure { host: host.to_string(), why });
                    continue;
                }
            };
            for address in addresses {
                match self.in_time(self.connect_to(host, address, tls.clone())).await {
                    Ok(found) => match found.timeline.map_or(Ok(()), |timeline| seen.meet(timeline)) {
                        Ok(()) => best = Some(best.filter(|best| best.timeline >= found.timeline).unwrap_or(found)),
                        Err(fault) => failures.push(Failure { host: named(host, address), why: Why::Unfit(fault) }),
                    },
                    Err(why) => failures.push(Failure { host: named(host, address), why }),
                }
            }
        }
        let best = best.filter(|best| best.timeline.is_none_or(|timeline| seen.meet(timeline).is_ok()));
        best.map(|found| (found.client, found.connection)).ok_or_else(|| fault::of_hosts(self, failures))
    }

    /// All of connecting has to be done in time: a server that hangs takes a connection, and then says nothing.
    async fn in_time<T, E: Into<Why>>(&self, connecting: impl Future<Output = Result<T, E>>) -> Result<T, Why> {
        match tokio::time::timeout(self.patience.connect, connecting).await {
            Ok(done) => done.map_err(Into::into),
            Err(_) => Err(Why::Silent),
        }
    }

    /// Whether the file of authorities that it names can be used, if it names one.
    pub fn check_authorities(&self) -> Result<(), Cause> {
        match self.authorities().map(|_| tls::Maker::of(self)) {
            Some(Err(ServerError::NoAuthorities { source, .. })) => Err(source),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    async fn connect_to(
        &self,
        host: &Host,
        address: Option<IpAddr>,
        tls: Option<tls::Maker>,
    ) -> Result<Found, tokio_postgres::Error> {
        let mut config = self.config(host, address);
        // No server speaks TLS on a socket.
        let (client, connection): (Client, Connection) = match tls.filter(|_| !matches!(host.place, Place::Socket(_))) {
            Some(tls) => {
                let (client, connection) = config.ssl_mode(SslMode::Require).connect(tls).await?;
                (client, moving(connection))
            }
            None => {
                let (client, connection) = config.ssl_mode(SslMode::Disable).connect(NoTls).await?;
                (client, moving(connection))
            }
        };
        stands(client, connection).await
    }

    fn config(&self, host: &Host, address: Option<IpAddr>) -> Config {
        let mut config = Config::new();
        config
            .user(&self.role)
            .dbname(&self.database)
            .application_name(&self.application)
            .port(host.port)
            .tcp_user_timeout(self.patience.unheard)
            .keepalives_idle(self.patience.idle)
            .keepalives_interval(self.patience.interval)
            .keepalives_retries(self.patience.count)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        match &host.place {
            Place::Name(name) => config.host(name),
            Place::Address(address) => config.host(address.to_string()),
            Place::Socket(folder) => config.host_path(folder),
        };
        if let Some(address) = address {
            config.hostaddr(address);
        }
        if let Some(password) = &self.password {
            config.password(password.expose());
        }
        config
    }
}

/// The addresses of a host, one after the other; none of a socket, which needs none.
async fn addresses(host: &Host) -> io::Result<Vec<Option<IpAddr>>> {
    match &host.place {
        Place::Socket(_) => Ok(vec![None]),
        Place::Address(address) => Ok(vec![Some(*address)]),
        Place::Name(name) => {
            let found = tokio::net::lookup_host((name.as_str(), host.port)).await?;
            let found: Vec<Option<IpAddr>> = found.map(|address| Some(address.ip())).collect();
            if found.is_empty() { Err(io::Error::other("the name has no address")) } else { Ok(found) }
        }
    }
}

/// A host with the one of its addresses that was tried.
fn named(host: &Host, address: Option<IpAddr>) -> String {
    match (&host.place, address) {
        (Place::Name(_), Some(address)) => format!("{host} ({address})"),
        _ => host.to_string(),
    }
}

/// Asks a host on which timeline it writes.
async fn stands(client: Client, mut connection: Connection) -> Result<Found, tokio_postgres::Error> {
    let answers = carried(&mut connection, client.simple_query(STANDING)).await?;
    let row = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(Found { client, connection, timeline: row.and_then(timeline) })
}

fn moving<S, T>(mut connection: tokio_postgres::Connection<S, T>) -> Connection
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    stream::poll_fn(move |context| connection.poll_message(context)).boxed()
}

/// Waits for an answer, and moves the connection meanwhile; what the server says unasked is passed over.
pub async fn carried<T>(
    connection: &mut Connection,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let mut answer = pin!(answer);
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            said = connection.next() => match said {
                Some(said) => drop(said?),
                // Then the question has an answer, too.
                None => return answer.await,
            }
        }
    }
}
