//! A group robot of WeCom: always 200 and an `errcode`, 4096 bytes of Markdown.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback};

struct WeCom;

fn says(code: i64, message: &str) -> Answer {
    Answer::ok(json!({"errcode": code, "errmsg": message}).to_string())
}

impl Service for WeCom {
    fn table(&self, address: &str) -> String {
        on_loopback("wecom", &format!("url = \"{address}/cgi-bin/webhook/send?key=a-key\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.path != "/cgi-bin/webhook/send?key=a-key" {
            return Err(says(93000, "invalid webhook url"));
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| says(47001, "data format error"))?;
        if body["msgtype"] != "markdown" {
            return Err(says(40008, "invalid message type"));
        }
        match body["markdown"]["content"].as_str().unwrap_or_default().len() {
            0 => Err(says(44004, "empty content")),
            1..=4096 => Ok(says(0, "ok")),
            _ => Err(says(40058, "markdown.content exceed max length 4096")),
        }
    }

    fn busy(&self) -> Answer {
        says(-1, "system busy")
    }

    fn forbidden(&self) -> Answer {
        says(93000, "invalid webhook url")
    }

    fn shown(&self, request: &Request) -> String {
        request.json()["markdown"]["content"].as_str().unwrap().to_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(WeCom);
}
