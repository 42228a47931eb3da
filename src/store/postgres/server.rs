//! Where a PostgreSQL store is: its hosts and its database, who logs in, and whom it trusts to answer.
//!
//! It neither reads an address (`address` does) nor connects (`mod` does).

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::secret::Secret;

/// Where a PostgreSQL store is. `Debug` shows no more than [`Server::shown`].
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it may be; the first that takes writes is taken.
    pub(super) hosts: Vec<Host>,
    /// Who logs in.
    pub(super) role: String,
    /// What the role proves itself with, where it needs that.
    pub(super) password: Option<Secret>,
    /// The database.
    pub(super) database: String,
    /// How the way there is protected.
    pub(super) tls: Tls,
    /// When a host counts as gone.
    pub(super) patience: Patience,
    /// What the server's own lists call this program.
    pub(super) application: String,
    /// Where it is remembered on which timeline it was seen, if anywhere.
    pub(super) memory: Option<PathBuf>,
}

/// A machine on which the server may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Which one.
    pub place: Place,
    /// The port; of a socket a part of its file's name.
    pub port: u16,
}

/// How a host is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// By its name.
    Name(String),
    /// By its address.
    Address(IpAddr),
    /// By the folder of a Unix socket.
    Socket(PathBuf),
}

/// How the way to the server is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It is not.
    Off,
    /// By TLS; the certificate is signed by an authority of this file, and for whom it is does not matter.
    Signed(PathBuf),
    /// By TLS; the certificate is signed by an authority, and for the host that was asked.
    Full(Authorities),
}

/// Whose signatures under certificates count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// Those that the system trusts.
    System,
    /// Those of a PEM file.
    File(PathBuf),
}

/// When a host counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// It has not let us in for so long.
    pub connect: Duration,
    /// After so long without a word it is asked whether it is there.
    pub idle: Duration,
    /// And again so often.
    pub interval: Duration,
    /// Until so many questions had no answer.
    pub count: u32,
    /// What was sent has not been taken for so long.
    pub unheard: Duration,
}

impl Host {
    /// Whether what is sent to it stays on this machine.
    pub fn is_here(&self) -> bool {
        match &self.place {
            Place::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Place::Address(address) => address.is_loopback(),
            Place::Socket(_) => true,
        }
    }
}

impl fmt::Display for Host {
    /// As it stands in an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Name(name) => write!(f, "{}:{}", encoded(name), self.port),
            Place::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            Place::Address(IpAddr::V4(address)) => write!(f, "{address}:{}", self.port),
            Place::Socket(folder) => write!(f, "{}:{}", encoded(&folder.display().to_string()), self.port),
        }
    }
}

impl Server {
    /// What of it may be shown: `postgres://ROLE@HOST:PORT/DATABASE`; of a socket its folder, `?host=/run/postgresql`.
    pub fn shown(&self) -> String {
        let (role, database) = (encoded(&self.role), encoded(&self.database));
        if let [Host { place: Place::Socket(folder), port }] = self.hosts.as_slice() {
            let folder = encoded(&folder.display().to_string()).replace("%2F", "/");
            let port = if *port == PORT { String::new() } else { format!("&port={port}") };
            return format!("postgres://{role}@/{database}?host={folder}{port}");
        }
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        format!("postgres://{role}@{}/{database}", hosts.join(","))
    }

    /// The same with a file in which it is remembered on which timeline it was seen.
    pub fn with_memory(self, memory: Option<PathBuf>) -> Self {
        Self { memory, ..self }
    }

    /// That file.
    pub fn memory(&self) -> Option<PathBuf> {
        self.memory.clone()
    }

    /// Who logs in.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Its database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Whether it has a password, which only it may know.
    pub const fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The same with a password that came another way.
    pub fn with_password(self, password: Secret) -> Self {
        Self { password: Some(password), ..self }
    }

    /// Whether password and figures go over a network that others may listen to.
    pub fn is_exposed(&self) -> bool {
        self.tls == Tls::Off && !self.hosts.iter().all(Host::is_here)
    }

    /// The file of authorities, where it names one.
    pub fn authorities(&self) -> Option<&Path> {
        match &self.tls {
            Tls::Signed(file) | Tls::Full(Authorities::File(file)) => Some(file),
            Tls::Off | Tls::Full(Authorities::System) => None,
        }
    }

    /// The same with that file where it is meant to be.
    pub fn with_authorities(mut self, place: impl FnOnce(&Path) -> PathBuf) -> Self {
        if let Tls::Signed(file) | Tls::Full(Authorities::File(file)) = &mut self.tls {
            *file = place(file);
        }
        self
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// The port where none is given.
pub const PORT: u16 = 5432;

/// A part of an address with `%XX` for all that has a meaning in one.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
