//! Alertmanager's API v2: an alert is its labels, and a copy changes nothing.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback};

struct Alertmanager;

fn is_name(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Service for Alertmanager {
    fn table(&self, address: &str) -> String {
        on_loopback("alertmanager", &format!("urls = [\"{address}\"]"))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.path != "/api/v2/alerts" {
            return Err(Answer::new(404, "404 page not found"));
        }
        if request.header("content-type") != Some("application/json") {
            return Err(Answer::new(415, json!({"code": 415, "message": "unsupported media type"}).to_string()));
        }
        let unread = || Answer::new(400, json!({"code": 400, "message": "parsing alerts body failed"}).to_string());
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| unread())?;
        for alert in body.as_array().ok_or_else(unread)? {
            let missing = Answer::new(422, json!({"code": 602, "message": "0.labels in body is required"}).to_string());
            let labels = alert["labels"].as_object().ok_or(missing)?;
            if labels.is_empty() || !labels.iter().all(|(name, value)| is_name(name) && value.is_string()) {
                return Err(Answer::new(400, "\"at least one label pair required\""));
            }
            let (starts, ends) = (alert["startsAt"].as_str(), alert["endsAt"].as_str());
            if ends.is_some() && starts > ends {
                return Err(Answer::new(400, "\"start time must be before end time\""));
            }
        }
        Ok(Answer::ok(""))
    }

    fn busy(&self) -> Answer {
        Answer::new(503, "")
    }

    fn forbidden(&self) -> Answer {
        Answer::new(403, "")
    }

    fn shown(&self, request: &Request) -> String {
        request.json()[0]["annotations"]["summary"].as_str().unwrap().to_owned()
    }

    fn key(&self, request: &Request) -> Option<String> {
        Some(request.json()[0]["labels"].to_string())
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Alertmanager);
}
