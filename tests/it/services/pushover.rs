//! Pushover: a form with a picture of at most 5 MiB, answers with a status within, messages of 1024 characters.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::http::{Answer, Request};
use super::{Part, Service, goes_through_the_matrix, on_loopback, parts};

struct Pushover;

fn refused(field: &str, error: &str) -> Answer {
    Answer::new(400, json!({field: "invalid", "errors": [error], "status": 0, "request": "5042853c"}).to_string())
}

/// The fields of text, and the attachment.
fn fields(request: &Request) -> Option<(BTreeMap<String, String>, Part)> {
    let (files, texts): (Vec<Part>, Vec<Part>) = parts(request)?.into_iter().partition(|part| part.file.is_some());
    let picture = files.into_iter().find(|part| part.name == "attachment")?;
    Some((texts.into_iter().map(|part| (part.name.clone(), part.text())).collect(), picture))
}

impl Service for Pushover {
    fn table(&self, address: &str) -> String {
        let keys = "token = \"app-token-secret\"\nuser = \"user-key-secret\"\nretry = \"1m\"\nexpire = \"1h\"";
        on_loopback("pushover", &format!("url = \"{address}\"\n{keys}"))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.path != "/1/messages.json" {
            return Err(Answer::new(404, "<html>not found</html>"));
        }
        let (fields, picture) = fields(request).ok_or_else(|| refused("message", "message cannot be blank"))?;
        picture.picture(5 << 20).ok_or_else(|| refused("attachment", "attachment is not an image or too large"))?;
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        if field("token") != "app-token-secret" {
            return Err(refused("token", "application token is invalid"));
        }
        if field("user") != "user-key-secret" {
            return Err(refused("user", "user identifier is not a valid user, group, or subscribed user key"));
        }
        for (name, limit) in [("message", 1024), ("title", 250), ("url", 512), ("url_title", 100)] {
            if field(name).chars().count() > limit || (name == "message" && field(name).is_empty()) {
                return Err(refused(name, "is too long or blank"));
            }
        }
        let seconds = |name: &str| field(name).parse::<u64>().ok();
        let insists = seconds("retry").is_some_and(|retry| retry >= 30)
            && seconds("expire").is_some_and(|expire| expire <= 10_800);
        match field("priority") {
            "2" if !insists => Err(refused("retry", "retry must be supplied with priority=2")),
            "-2" | "-1" | "0" | "1" | "2" => {
                Ok(Answer::ok(json!({"status": 1, "request": "647d2300-702c-4b38-8b2f-d56326ae460b"}).to_string()))
            }
            _ => Err(refused("priority", "priority is invalid")),
        }
    }

    fn busy(&self) -> Answer {
        let said = json!({"errors": ["application has exceeded its monthly message limit"], "status": 0});
        let date = "Mon, 20 Oct 2025 01:00:00 GMT";
        Answer::new(429, said.to_string()).header("Date", date).header("X-Limit-App-Reset", "1760922001")
    }

    fn forbidden(&self) -> Answer {
        refused("token", "application token is invalid")
    }

    fn shown(&self, request: &Request) -> String {
        let (fields, _) = fields(request).unwrap();
        format!("{}\n{}", fields["title"], fields["message"])
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Pushover);
}
