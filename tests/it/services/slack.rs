//! A Slack incoming webhook: words for answers, limits of Block Kit.

use serde_json::Value;

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct Slack;

fn refused() -> Answer {
    Answer::new(400, "invalid_blocks")
}

impl Service for Slack {
    fn table(&self, address: &str) -> String {
        on_loopback("slack", &format!("url = \"{address}/services/T/B/x\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| Answer::new(400, "invalid_payload"))?;
        text(&body["text"], 40_000, Answer::new(400, "no_text"))?;
        let attached = body["attachments"].as_array().into_iter().flatten();
        let blocks = body["blocks"].as_array().into_iter().chain(attached.filter_map(|one| one["blocks"].as_array()));
        let blocks: Vec<&Value> = blocks.flatten().collect();
        if blocks.is_empty() || blocks.len() > 50 {
            return Err(refused());
        }
        for block in blocks {
            match block["type"].as_str() {
                Some("header") => drop(text(&block["text"]["text"], 150, refused())?),
                Some("section") if block["fields"].is_array() => {
                    let fields = block["fields"].as_array().filter(|fields| fields.len() <= 10).ok_or_else(refused)?;
                    fields.iter().try_for_each(|field| text(&field["text"], 2000, refused()).map(drop))?;
                }
                Some("section") => drop(text(&block["text"]["text"], 3000, refused())?),
                Some("context") => {
                    let elements = block["elements"].as_array().filter(|all| (1..=10).contains(&all.len()));
                    elements.ok_or_else(refused)?;
                }
                _ => return Err(refused()),
            }
        }
        Ok(Answer::ok("ok"))
    }

    fn busy(&self) -> Answer {
        Answer::new(429, "").header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        Answer::new(403, "invalid_token")
    }

    fn shown(&self, request: &Request) -> String {
        String::from_utf8_lossy(&request.body).into_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Slack);
}
