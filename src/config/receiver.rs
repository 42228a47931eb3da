//! The shape of `[receiver.NAME]`: who is told, and how.
//!
//! Which keys go with which kind, and what their values mean, is `resolve`'s.

use super::secret::SecretText;
use super::section::{Given, Section};
use super::source::{At, Texts};

/// `[receiver.NAME]`, of every kind.
pub struct ReceiverTable {
    /// Its keys.
    pub given: Given,
    /// `console`, `webhook`, `slack` or `email`.
    pub kind: Option<At<String>>,
    /// Where posts go.
    pub url: Option<At<SecretText>>,
    /// What posts are signed with.
    pub secret: Option<At<SecretText>>,
    /// Plain connections are allowed.
    pub insecure: Option<At<bool>>,
    /// Private addresses are allowed.
    pub allow_private: Option<At<bool>>,
    /// The mail relay.
    pub host: Option<At<String>>,
    /// Its port.
    pub port: Option<At<u64>>,
    /// How the connection is protected.
    pub tls: Option<At<String>>,
    /// The login's name.
    pub username: Option<At<SecretText>>,
    /// The login's password.
    pub password: Option<At<SecretText>>,
    /// The sender.
    pub from: Option<At<String>>,
    /// Whom to write to.
    pub to: Option<Texts>,
    /// The name given in EHLO.
    pub hello: Option<At<String>>,
    /// A private CA's certificates.
    pub ca_file: Option<At<String>>,
    /// Whether the console is coloured.
    pub color: Option<At<String>>,
    /// When an undelivered message is given up.
    pub give_up_after: Option<At<String>>,
}

impl ReceiverTable {
    /// Reads the table.
    pub fn read(mut section: Section<'_>) -> Self {
        Self {
            kind: section.text("kind"),
            url: section.secret("url"),
            secret: section.secret("secret"),
            insecure: section.flag("insecure"),
            allow_private: section.flag("allow_private"),
            host: section.text("host"),
            port: section.whole("port"),
            tls: section.text("tls"),
            username: section.secret("username"),
            password: section.secret("password"),
            from: section.text("from"),
            to: section.texts("to"),
            hello: section.text("hello"),
            ca_file: section.text("ca_file"),
            color: section.text_or_flag("color"),
            give_up_after: section.text("give_up_after"),
            given: section.finish(),
        }
    }
}
