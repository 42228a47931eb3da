//! The Events API v2: it answers 202, and knows a copy by its `dedup_key`.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct PagerDuty;

fn invalid(error: &str) -> Answer {
    let said = json!({"status": "invalid event", "message": "Event object is invalid", "errors": [error]});
    Answer::new(400, said.to_string())
}

impl Service for PagerDuty {
    fn table(&self, address: &str) -> String {
        on_loopback("pagerduty", &format!("url = \"{address}\"\nkey = \"0123456789abcdef0123456789abcdef\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.path != "/v2/enqueue" {
            return Err(Answer::new(404, ""));
        }
        if request.body.len() > 512_000 {
            return Err(Answer::new(413, ""));
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| invalid("not JSON"))?;
        if body["routing_key"] != "0123456789abcdef0123456789abcdef" {
            return Err(invalid("Invalid routing key"));
        }
        let key = text(&body["dedup_key"], 255, invalid("Length of 'dedup_key' is incorrect"))?;
        let action = body["event_action"].as_str().unwrap_or_default();
        if !["trigger", "acknowledge", "resolve"].contains(&action) {
            return Err(invalid("'event_action' is invalid (must be one of the following: 'trigger', …)"));
        }
        if action == "trigger" {
            text(&body["payload"]["summary"], 1024, invalid("Length of 'payload.summary' is incorrect"))?;
            text(&body["payload"]["source"], 1024, invalid("'payload.source' is missing or blank"))?;
            let severity = body["payload"]["severity"].as_str().unwrap_or_default();
            if !["critical", "error", "warning", "info"].contains(&severity) {
                return Err(invalid("'payload.severity' is invalid"));
            }
        }
        Ok(Answer::new(202, json!({"status": "success", "message": "Event processed", "dedup_key": key}).to_string()))
    }

    fn busy(&self) -> Answer {
        Answer::new(429, json!({"status": "throttle exceeded", "message": "too quickly"}).to_string())
            .header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        invalid("Invalid routing key")
    }

    fn shown(&self, request: &Request) -> String {
        request.json()["payload"]["summary"].as_str().unwrap().to_owned()
    }

    fn key(&self, request: &Request) -> Option<String> {
        Some(request.json()["dedup_key"].as_str().unwrap().to_owned())
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(PagerDuty);
}
