//! Who visits: signed cookies, and the token that a form must bring back.
//!
//! A session says that somebody knew the token, or only that it is the same browser as before. The key is made at
//! every start, so a restart asks for the token again; nothing is stored.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::clock::Timestamp;
use crate::base::text::hex;

/// The cookie's name.
const COOKIE: &str = "supplywatch";
/// For how long a session holds (seconds).
const LASTS: u64 = 30 * 24 * 3600;

/// What sessions are signed with.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// One browser's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// It brought the token.
    pub is_known: bool,
    nonce: String,
    /// Unix time in seconds.
    ends: u64,
}

impl Key {
    /// A new one.
    pub fn new() -> Self {
        Self(rand::random())
    }

    fn sign(&self, what: &str, session: &Session) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("an HMAC takes keys of any length");
        mac.update(format!("{what}\n{}\n{}\n{}", session.is_known, session.nonce, session.ends).as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// The session of a request's `Cookie` fields, where one is good.
    pub fn read<'h>(&self, cookies: impl Iterator<Item = &'h str>, now: Timestamp) -> Option<Session> {
        let pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let named = pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value);
        named.filter_map(|value| self.parse(value)).find(|session| session.ends > seconds(now))
    }

    fn parse(&self, text: &str) -> Option<Session> {
        let mut parts = text.split('.');
        let (kind, nonce, ends, mac) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let session = Session { is_known: kind == "known", nonce: nonce.to_owned(), ends: ends.parse().ok()? };
        same(&self.sign("session", &session), mac).then_some(session)
    }

    /// What a form of a session must bring back.
    pub fn form_token(&self, session: &Session) -> String {
        self.sign("form", session)
    }

    /// The value of the `Set-Cookie` field that begins a session. Links from a mail arrive with it; what writes asks
    /// for more than the cookie.
    pub fn cookie(&self, session: &Session, is_https: bool) -> String {
        let kind = if session.is_known { "known" } else { "guest" };
        let (nonce, ends, mac) = (&session.nonce, session.ends, self.sign("session", session));
        let secure = if is_https { "; Secure" } else { "" };
        format!("{COOKIE}={kind}.{nonce}.{ends}.{mac}; Path=/; HttpOnly; SameSite=Lax; Max-Age={LASTS}{secure}")
    }
}

impl Session {
    /// A new one.
    pub fn new(is_known: bool, now: Timestamp) -> Self {
        Self { is_known, nonce: hex(&rand::random::<[u8; 16]>()), ends: seconds(now) + LASTS }
    }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.millis() / 1000).unwrap_or_default()
}

/// Whether two texts are the same, in a time that does not say how much of them is.
pub fn same(one: &str, other: &str) -> bool {
    bool::from(subtle::ConstantTimeEq::ct_eq(one.as_bytes(), other.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-27T09:00:00Z").unwrap()
    }

    #[test]
    fn a_session_is_read_back_and_ends() {
        let key = Key::new();
        let session = Session::new(true, now());
        let cookie = key.cookie(&session, false);
        let pair = cookie.split(';').next().unwrap();
        let read = |line: &str, at| key.read([line].into_iter(), at);
        assert_eq!(read(&format!("a=b; {pair}"), now()), Some(session.clone()));
        assert_eq!(read(pair, now().plus(std::time::Duration::from_secs(LASTS))), None, "it is over");
        assert_eq!(Key::new().read([pair].into_iter(), now()), None, "another key");
        assert!(cookie.contains("; HttpOnly; SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
        assert!(key.cookie(&session, true).ends_with("; Secure"));
    }

    #[test]
    fn nobody_makes_himself_known() {
        let key = Key::new();
        let guest = Session::new(false, now());
        let cookie = key.cookie(&guest, false);
        let forged = cookie.split(';').next().unwrap().replace("=guest.", "=known.");
        assert_eq!(key.read([forged.as_str()].into_iter(), now()), None);
        for bad in ["supplywatch=", "supplywatch=known.a.9999999999.", "supplywatch=known", "supplywatch=a.b.c.d.e"] {
            assert_eq!(key.read([bad].into_iter(), now()), None, "{bad}");
        }
        assert_ne!(key.form_token(&guest), key.form_token(&Session::new(false, now())));
    }
}
