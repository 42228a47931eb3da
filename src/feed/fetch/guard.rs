//! What may be asked of the network: which schemes, and no address that is not public.
//!
//! A name is looked up here and its addresses are filtered; an address that stands in the URL itself is
//! never looked up, so it is checked by itself. Both happen again for every redirect.

use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::base::address::is_public;
use crate::base::text::printable;

/// Why an address may not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Plain http without leave.
    #[error("plain http is refused: use https, or set `insecure = true`")]
    PlainHttp,
    /// From https to http.
    #[error("https is never left for http")]
    Downgrade,
    /// Neither https nor http.
    #[error("expected https, found `{}`", printable(.0))]
    Scheme(String),
    /// A name or password in the address.
    #[error("an address may not hold a user's name or password: send them in a header")]
    UserInfo,
    /// No host, or no address at all.
    #[error("this is no address of a host")]
    NoHost,
    /// An address that is not public.
    #[error("`{}` is no public address: set `allow_private = true` if it is meant", printable(host))]
    Private {
        /// The host.
        host: String,
    },
}

/// Whether an address may be fetched, as far as its text says.
pub fn check(url: &Url, insecure: bool, allow_private: bool) -> Result<(), Forbidden> {
    match url.scheme() {
        "https" => {}
        "http" if insecure => {}
        "http" => return Err(Forbidden::PlainHttp),
        other => return Err(Forbidden::Scheme(other.to_owned())),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Forbidden::UserInfo);
    }
    let literal = match url.host().ok_or(Forbidden::NoHost)? {
        Host::Ipv4(ip) => IpAddr::V4(ip),
        Host::Ipv6(ip) => IpAddr::V6(ip),
        // Its addresses are checked when it is looked up.
        Host::Domain(_) => return Ok(()),
    };
    if allow_private || is_public(literal) { Ok(()) } else { Err(Forbidden::Private { host: literal.to_string() }) }
}

/// A name none of whose addresses is public.
#[derive(Debug, thiserror::Error)]
#[error("`{}` has no public address", printable(host))]
pub struct PrivateAddress {
    /// The name.
    pub host: String,
}

/// Looks names up as the system does, and leaves out every address that is not public.
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.iter().copied().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                return Err(PrivateAddress { host: name.as_str().to_owned() }.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(url: &str, insecure: bool, allow_private: bool) -> String {
        check(&Url::parse(url).unwrap(), insecure, allow_private)
            .map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn addresses_that_may_be_fetched() {
        assert_eq!(refused("https://example.com/a?b=c", false, false), "");
        assert_eq!(refused("http://example.com/", true, false), "");
        assert_eq!(refused("https://8.8.8.8/", false, false), "");
        assert_eq!(refused("https://127.0.0.1/", false, true), "");
    }

    #[test]
    fn addresses_that_may_not() {
        assert_eq!(refused("http://example.com/", false, true), Forbidden::PlainHttp.to_string());
        assert_eq!(refused("ftp://example.com/", true, true), "expected https, found `ftp`");
        assert_eq!(refused("file:///etc/passwd", true, true), "expected https, found `file`");
        assert_eq!(refused("https://user@example.com/", true, true), Forbidden::UserInfo.to_string());
        assert_eq!(refused("https://:pass@example.com/", true, true), Forbidden::UserInfo.to_string());
        let odd = [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "10.0.0.1",
        ];
        for host in odd {
            let told = refused(&format!("https://{host}/"), false, false);
            assert!(
                told.ends_with("is no public address: set `allow_private = true` if it is meant"),
                "{host}: {told}"
            );
        }
    }
}
