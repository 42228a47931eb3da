//! A custom robot of DingTalk: always 200 and an `errcode`, the signature in the query.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct DingTalk;

fn says(code: i64, message: &str) -> Answer {
    Answer::ok(json!({"errcode": code, "errmsg": message}).to_string())
}

/// Whether a query has the token, a time in milliseconds, and the signature of it.
fn is_signed(path: &str) -> bool {
    let Ok(url) = url::Url::parse(&format!("http://x{path}")) else { return false };
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let (Some(millis), Some(sign)) = (value("timestamp"), value("sign")) else { return false };
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"SECa-secret").unwrap();
    mac.update(format!("{millis}\nSECa-secret").as_bytes());
    let expected = BASE64.encode(mac.finalize().into_bytes());
    value("access_token").as_deref() == Some("a/token") && millis.len() == 13 && sign == expected
}

impl Service for DingTalk {
    fn table(&self, address: &str) -> String {
        let url = format!("{address}/robot/send?access_token=a%2Ftoken");
        on_loopback("dingtalk", &format!("url = \"{url}\"\nsecret = \"SECa-secret\"\nkeyword = \"告警\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if !is_signed(&request.path) {
            return Err(says(310_000, "sign not match"));
        }
        if request.body.len() > 20_000 {
            return Err(says(460_101, "message too long"));
        }
        let missing = || says(40035, "缺少参数 json");
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| missing())?;
        if body["msgtype"] != "markdown" {
            return Err(missing());
        }
        let title = text(&body["markdown"]["title"], 20_000, missing())?;
        let text = text(&body["markdown"]["text"], 20_000, missing())?;
        if !format!("{title}{text}").contains("告警") {
            return Err(says(310_000, "keywords not in content"));
        }
        Ok(says(0, "ok"))
    }

    fn busy(&self) -> Answer {
        Answer::new(503, "")
    }

    fn forbidden(&self) -> Answer {
        says(300_001, "token is not exist")
    }

    fn shown(&self, request: &Request) -> String {
        request.json()["markdown"]["text"].as_str().unwrap().to_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(DingTalk);
}
