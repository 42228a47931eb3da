//! A receiver of Standard Webhooks: it knows a copy by its id.

use super::super::hook::{id, is_signed};
use super::super::http::{Answer, Request};
use super::super::scene::SECRET;
use super::{Service, goes_through_the_matrix, on_loopback};

struct Webhook {
    format: &'static str,
    content_type: &'static str,
}

impl Service for Webhook {
    fn table(&self, address: &str) -> String {
        on_loopback("webhook", &format!("url = \"{address}/in\"\nsecret = \"{SECRET}\"\nformat = {:?}", self.format))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.header("content-type") != Some(self.content_type) {
            return Err(Answer::new(415, "unsupported media type"));
        }
        if is_signed(request, SECRET) { Ok(Answer::new(204, "")) } else { Err(Answer::new(401, "bad signature")) }
    }

    fn busy(&self) -> Answer {
        Answer::new(429, "").header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        Answer::new(401, "bad signature")
    }

    fn shown(&self, request: &Request) -> String {
        request.json()["data"]["title"].as_str().unwrap().to_owned()
    }

    fn key(&self, request: &Request) -> Option<String> {
        Some(id(request))
    }

    fn believes_any_answer(&self) -> bool {
        true
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Webhook { format: "standard", content_type: "application/json" });
}

#[test]
fn it_loses_no_event() {
    goes_through_the_matrix(Webhook { format: "cloudevents", content_type: "application/cloudevents+json" });
}
