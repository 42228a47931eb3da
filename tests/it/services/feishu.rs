//! A custom bot of Feishu: its answers have a `code`, and it checks the signature in the body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct Feishu;

fn says(code: i64, msg: &str) -> Answer {
    Answer::ok(json!({"code": code, "msg": msg, "data": {}}).to_string())
}

impl Service for Feishu {
    fn table(&self, address: &str) -> String {
        let url = format!("{address}/open-apis/bot/v2/hook/x");
        on_loopback("feishu", &format!("url = \"{url}\"\nsecret = \"a-secret\"\nkeyword = \"告警\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.body.len() > 20 * 1024 {
            return Err(says(19036, "message too large"));
        }
        let bad = || says(9499, "Bad Request");
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| bad())?;
        let seconds = body["timestamp"].as_str().ok_or_else(bad)?;
        let mac = Hmac::<sha2::Sha256>::new_from_slice(format!("{seconds}\na-secret").as_bytes()).unwrap();
        if body["sign"] != BASE64.encode(mac.finalize().into_bytes()) {
            return Err(says(19021, "sign match fail or timestamp is not within one hour from current time"));
        }
        let card = &body["card"];
        let title = text(&card["header"]["title"]["content"], 1000, bad())?;
        if body["msg_type"] != "interactive" || card["header"]["title"]["tag"] != "plain_text" {
            return Err(bad());
        }
        if !title.contains("告警") {
            return Err(says(19024, "Key Words Not Found"));
        }
        for element in card["elements"].as_array().ok_or_else(bad)? {
            if element["tag"] != "div" || element["text"]["tag"] != "lark_md" {
                return Err(bad());
            }
            text(&element["text"]["content"], 20_000, bad())?;
        }
        Ok(says(0, "success"))
    }

    fn busy(&self) -> Answer {
        let said = json!({"code": 99_991_400, "msg": "request trigger frequency limit"});
        Answer::new(400, said.to_string()).header("x-ogw-ratelimit-reset", "1")
    }

    fn forbidden(&self) -> Answer {
        says(19022, "Ip Not Allowed")
    }

    fn shown(&self, request: &Request) -> String {
        request.json()["card"].to_string()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Feishu);
}
