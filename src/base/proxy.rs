//! The proxy through which the program reaches the public internet (a forward proxy, RFC 9110 section 3.7).
//!
//! What may lie in a private network is asked directly. A proxy looks names up itself, so that no name's addresses can
//! be checked on the way to it.

use url::Url;

use super::secret::Secret;
use super::text::printable;

/// A forward proxy, by its address, in which its login may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardProxy(Secret);

impl ForwardProxy {
    /// Reads `http://[USER:PASSWORD@]HOST[:PORT]`, or the same with https; `None` where it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_one = matches!(url.scheme(), "http" | "https") && url.has_host() && is_bare;
        is_one.then(|| Self(Secret::new(url.as_str())))
    }

    /// The whole address, for the client that connects to it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What of it may be shown: host and port.
    pub fn shown(&self) -> String {
        let url = Url::parse(self.0.expose()).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
        printable(&format!("{host}:{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_without_a_path_and_keeps_its_login() {
        let shown = |text: &str| ForwardProxy::parse(text).map(|proxy| proxy.shown());
        assert_eq!(shown("http://proxy.example:3128").as_deref(), Some("proxy.example:3128"));
        assert_eq!(shown(" https://watch:hunter22@10.0.0.1/ ").as_deref(), Some("10.0.0.1:443"));
        for wrong in ["proxy.example:3128", "socks5://proxy.example", "http://proxy.example/pac", "http://", ""] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
        let proxy = ForwardProxy::parse("http://watch:hunter22@proxy.example").unwrap();
        assert_eq!(proxy.expose(), "http://watch:hunter22@proxy.example/");
        assert!(!format!("{proxy:?}").contains("hunter22"));
    }
}
