//! Where a publisher is asked: its address, and what goes with every request.

use std::borrow::Cow;

use url::Url;

use crate::base::secret::Secret;
use crate::feed::Target;

/// A publisher's address, and how it may be reached.
#[derive(Clone, Debug)]
pub struct Site {
    /// What its paths are appended to.
    pub base: Url,
    /// Header fields to send, whose values may be secrets.
    pub headers: Vec<(String, Secret)>,
    /// Plain http is allowed.
    pub insecure: bool,
    /// Loopback and private addresses are allowed.
    pub allow_private: bool,
}

impl Site {
    /// The same with a further header field.
    #[must_use]
    pub fn with_header(&self, name: &str, value: Secret) -> Self {
        let mut site = self.clone();
        site.headers.push((name.to_owned(), value));
        site
    }

    /// A path of the site with a query; the query's values may be secrets.
    pub fn target<'q>(&self, path: &str, query: impl IntoIterator<Item = (&'q str, &'q str)>) -> Target {
        let mut url = self.base.clone();
        if !path.is_empty() {
            url.set_path(&format!("{}/{}", url.path().trim_end_matches('/'), path.trim_start_matches('/')));
        }
        let mut query = query.into_iter().peekable();
        if query.peek().is_some() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let (headers, insecure, allow_private) = (self.headers.clone(), self.insecure, self.allow_private);
        Target::Http { url, headers, insecure, allow_private }
    }
}

/// An answer without a key that it quotes. It is taken away before any text is cut: half a key would stay.
pub fn without<'b>(key: &Secret, body: &'b [u8]) -> Cow<'b, [u8]> {
    let text = String::from_utf8_lossy(body);
    let clean = key.remove_from(&text);
    if clean == text { Cow::Borrowed(body) } else { Cow::Owned(clean.into_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_appended_and_escaped() {
        let site = |base: &str| Site {
            base: base.parse().unwrap(),
            headers: vec![("X-Key".to_owned(), Secret::new("CANARY"))],
            insecure: false,
            allow_private: false,
        };
        let url = |site: &Site, path, query: &[(&str, &str)]| match site.target(path, query.iter().copied()) {
            Target::Http { url, .. } => url.to_string(),
            Target::File(_) | Target::Folder(_) => panic!("expected an address"),
        };
        let plain = site("https://a.example");
        assert_eq!(
            url(&plain, "data/v1", &[("q", "rare earth"), ("f[]", "a&b")]),
            "https://a.example/data/v1?q=rare+earth&f%5B%5D=a%26b"
        );
        assert_eq!(url(&site("https://a.example/x/"), "/y", &[]), "https://a.example/x/y");
        assert_eq!(url(&site("https://a.example/x?k=1"), "", &[("b", "2")]), "https://a.example/x?k=1&b=2");
        assert!(!format!("{:?}", plain.with_header("Y", Secret::new("CANARY"))).contains("CANARY"));
    }
}
