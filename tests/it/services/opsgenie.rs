//! Opsgenie's Alert API: 202 for what it will look at, and it knows a copy by its alias.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct Opsgenie;

fn says(status: u16, message: &str) -> Answer {
    Answer::new(status, json!({"message": message, "took": 0.0, "requestId": "43a29c5c"}).to_string())
}

impl Service for Opsgenie {
    fn table(&self, address: &str) -> String {
        on_loopback("opsgenie", &format!("url = \"{address}\"\nkey = \"eb243592-faa2-4ba2-a551q\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.header("authorization") != Some("GenieKey eb243592-faa2-4ba2-a551q") {
            return Err(says(401, "Could not authenticate"));
        }
        let refused = || says(422, "Request body is not processable. Please check the errors.");
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| refused())?;
        if request.path == "/v2/alerts" {
            text(&body["message"], 130, refused())?;
            text(&body["alias"], 512, refused())?;
            text(&body["description"], 15_000, refused())?;
            let tags = body["tags"].as_array().filter(|tags| tags.len() <= 20).ok_or_else(refused)?;
            tags.iter().try_for_each(|tag| text(tag, 50, refused()).map(drop))?;
            if !["P1", "P2", "P3", "P4", "P5"].contains(&body["priority"].as_str().unwrap_or_default()) {
                return Err(refused());
            }
        } else if !request.path.ends_with("/close?identifierType=alias") {
            return Err(says(404, "No such path"));
        }
        let said = json!({"result": "Request will be processed", "took": 0.302, "requestId": "43a29c5c"});
        Ok(Answer::new(202, said.to_string()))
    }

    fn busy(&self) -> Answer {
        says(429, "You are making too many requests!").header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        says(401, "Could not authenticate")
    }

    fn shown(&self, request: &Request) -> String {
        request.json()["description"].as_str().unwrap().to_owned()
    }

    fn key(&self, request: &Request) -> Option<String> {
        Some(request.json()["alias"].as_str().unwrap().to_owned())
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Opsgenie);
}
