//! A workflow: it takes what has its signature and one card, and Teams takes no more than 28 KiB of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Part, Service, goes_through_the_matrix, on_loopback, text};

struct Teams;

const ADDRESS: &str =
    "/workflows/ab12/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=s1gnature";

fn refused(status: u16, code: &str) -> Answer {
    Answer::new(status, json!({"error": {"code": code, "message": "The request is not valid."}}).to_string())
}

fn mismatch() -> Answer {
    refused(400, "TriggerInputSchemaMismatch")
}

impl Service for Teams {
    fn table(&self, address: &str) -> String {
        on_loopback("teams", &format!("url = \"{address}{ADDRESS}\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.path != ADDRESS {
            return Err(refused(401, "DirectApiAuthorizationRequired"));
        }
        if request.body.len() > 20 << 10 {
            return Err(refused(413, "RequestEntityTooLarge"));
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| refused(400, "InvalidRequestContent"))?;
        let [one] = &body["attachments"].as_array().ok_or_else(mismatch)?[..] else { return Err(mismatch()) };
        if one["contentType"] != "application/vnd.microsoft.card.adaptive" || one["content"]["version"] != "1.5" {
            return Err(mismatch());
        }
        for element in one["content"]["body"].as_array().ok_or_else(mismatch)? {
            match element["type"].as_str() {
                Some("TextBlock") => drop(text(&element["text"], 10_000, mismatch())?),
                Some("FactSet") => {
                    for fact in element["facts"].as_array().filter(|facts| !facts.is_empty()).ok_or_else(mismatch)? {
                        text(&fact["title"], 1000, mismatch())?;
                        text(&fact["value"], 10_000, mismatch())?;
                    }
                }
                Some("Image") => {
                    let data = element["url"].as_str().and_then(|url| url.strip_prefix("data:image/png;base64,"));
                    let png = data.and_then(|data| STANDARD.decode(data).ok()).ok_or_else(mismatch)?;
                    let kind = Some("image/png".to_owned());
                    let part = Part { name: String::new(), file: Some("chart.png".to_owned()), kind, body: png };
                    part.picture(15_000).ok_or_else(mismatch)?;
                    text(&element["altText"], 1000, mismatch())?;
                }
                _ => return Err(mismatch()),
            }
        }
        Ok(Answer::new(202, ""))
    }

    fn busy(&self) -> Answer {
        refused(429, "TooManyRequests").header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        refused(401, "DirectApiAuthorizationRequired")
    }

    fn shown(&self, request: &Request) -> String {
        String::from_utf8_lossy(&request.body).into_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Teams);
}
