//! E-mail by SMTP.

use crate::base::secret::Secret;

/// A mail relay and whom to write to.
#[derive(Clone, Debug)]
pub struct Email {
    /// The relay's host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Login, where the relay asks for one.
    pub login: Option<(String, Secret)>,
    /// The sender.
    pub from: lettre::message::Mailbox,
    /// Whom to write to; one message each.
    pub to: Vec<lettre::message::Mailbox>,
    /// The name given in EHLO; `None`: the domain of `from`.
    pub hello: Option<String>,
    /// A private CA's certificates (PEM), beside the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// How an SMTP connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (port 465).
    Implicit,
    /// By STARTTLS, required (port 587).
    StartTls,
    /// Not at all: `insecure = true`.
    None,
}
