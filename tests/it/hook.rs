//! A receiver of webhooks on loopback: it keeps every post, answers by its script (else 200), and checks
//! signatures by its own reading of Standard Webhooks 1.0.0.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};

use super::http::{Answer, Request, Server};

/// A receiver.
pub struct Hook {
    server: Server,
    script: Arc<Mutex<VecDeque<Answer>>>,
}

impl Hook {
    pub fn start() -> Self {
        let script = Arc::new(Mutex::new(VecDeque::<Answer>::new()));
        let next = script.clone();
        let server = Server::start(move |_| next.lock().unwrap().pop_front().unwrap_or_else(|| Answer::ok("ok")));
        Self { server, script }
    }

    /// The next posts are answered with these.
    pub fn answer_with(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().extend(answers);
    }

    pub fn url(&self) -> String {
        self.server.url("/in")
    }

    pub fn posts(&self) -> Vec<Request> {
        self.server.requests().all()
    }

    /// Waits until so many posts came.
    #[track_caller]
    pub fn wait(&self, count: usize) -> Vec<Request> {
        self.server.requests().wait(&format!("{count} posts"), |posts| posts.len() >= count)
    }
}

/// The stable id of a post.
pub fn id(post: &Request) -> String {
    post.header("webhook-id").expect("a webhook-id").to_owned()
}

/// Whether a post is signed with a `whsec_…` secret, as its receiver would check it: the MAC of
/// `id.timestamp.body` is among the space-separated `v1,…` signatures.
pub fn is_signed(post: &Request, secret: &str) -> bool {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    let parts = [post.header("webhook-id"), post.header("webhook-timestamp")];
    let [Some(id), Some(timestamp)] = parts else { return false };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&post.body);
    let expected = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
    post.header("webhook-signature").is_some_and(|all| all.split(' ').any(|one| one == expected))
}

/// The example of the Standard Webhooks specification's reference libraries, and what must not pass.
#[test]
fn signatures_are_checked() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let post = |id: &str, body: &str, signature: &str| Request {
        method: "POST".into(),
        path: "/in".into(),
        headers: [("webhook-id", id), ("webhook-timestamp", "1614265330"), ("webhook-signature", signature)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        body: body.into(),
    };
    let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
    assert!(is_signed(&post(id, body, signature), secret));
    assert!(is_signed(&post(id, body, &format!("v1,AAAA {signature}")), secret));
    assert!(!is_signed(&post("msg_other", body, signature), secret));
    assert!(!is_signed(&post(id, "{}", signature), secret));
    assert!(!is_signed(&post(id, body, ""), secret));
}
