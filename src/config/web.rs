//! `[web]` as it may be written.

use super::secret::SecretText;
use super::section::{Given, Section};
use super::source::{At, Texts};

/// `[web]`.
#[derive(Default)]
pub struct WebTable {
    /// Somebody is asked who he is: there is a `token` or a `proxy`, good or not.
    pub is_guarded: bool,
    /// Where the page is served; empty for nowhere.
    pub listen: Option<At<String>>,
    /// The socket for the command line; empty for none.
    pub socket: Option<At<String>>,
    /// Names by which it may be asked.
    pub hosts: Option<Texts>,
    /// What visitors have to know.
    pub token: Option<At<SecretText>>,
    /// A server in front of it that knows who asks.
    pub proxy: Option<ProxyTable>,
}

/// `proxy`.
pub struct ProxyTable {
    /// Its keys.
    pub given: Given,
    /// The addresses that it asks from.
    pub from: Option<Texts>,
    /// The header field in which it names the visitor.
    pub header: Option<At<String>>,
}

impl WebTable {
    /// Reads the table.
    pub fn read(mut section: Section<'_>) -> Self {
        let mut table = Self {
            is_guarded: false,
            listen: section.text("listen"),
            socket: section.text("socket"),
            hosts: section.texts("hosts"),
            token: section.secret("token"),
            proxy: section.table("proxy").map(ProxyTable::read),
        };
        let given = section.finish();
        table.is_guarded = given.has("token") || given.has("proxy");
        table
    }
}

impl ProxyTable {
    fn read(mut section: Section<'_>) -> Self {
        Self { from: section.texts("from"), header: section.text("header"), given: section.finish() }
    }
}
