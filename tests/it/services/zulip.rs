//! A Zulip server: a form, topics of 60 characters, messages of 10,000.

use serde_json::json;

use super::super::http::{Answer, Request};
use super::{Service, form, goes_through_the_matrix, on_loopback};

struct Zulip;

fn refused(status: u16, code: &str, said: &str) -> Answer {
    Answer::new(status, json!({"result": "error", "code": code, "msg": said}).to_string())
}

impl Service for Zulip {
    fn table(&self, address: &str) -> String {
        let keys = "user = \"bot@z.example\"\nkey = \"secret-of-the-bot\"\nchannel = \"supply\"";
        on_loopback("zulip", &format!("url = \"{address}\"\n{keys}"))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        // bot@z.example:secret-of-the-bot
        if request.header("authorization") != Some("Basic Ym90QHouZXhhbXBsZTpzZWNyZXQtb2YtdGhlLWJvdA==") {
            return Err(refused(401, "UNAUTHORIZED", "Invalid API key"));
        }
        if (request.method.as_str(), request.path.as_str()) != ("POST", "/api/v1/messages") {
            return Err(Answer::new(404, "<html>not found</html>"));
        }
        let missing = || refused(400, "REQUEST_VARIABLE_MISSING", "Missing 'content' argument");
        let fields = form(request, missing())?;
        let field = |name: &str| fields.get(name).filter(|value| !value.is_empty()).ok_or_else(missing);
        if field("to")? != "supply" || field("type")? != "stream" {
            return Err(refused(400, "STREAM_DOES_NOT_EXIST", "Channel 'x' does not exist"));
        }
        // The real server cuts both; that nothing is cut is what is asked here.
        if field("topic")?.chars().count() > 60 || field("content")?.chars().count() > 10_000 {
            return Err(refused(400, "BAD_REQUEST", "too long"));
        }
        Ok(Answer::ok(json!({"result": "success", "msg": "", "id": 42}).to_string()))
    }

    fn busy(&self) -> Answer {
        let said = json!({"result": "error", "code": "RATE_LIMIT_HIT", "msg": "API usage exceeded rate limit",
            "retry-after": 0.706_807_374_954_224});
        Answer::new(429, said.to_string()).header("Retry-After", "0.706807374954224")
    }

    fn forbidden(&self) -> Answer {
        refused(401, "UNAUTHORIZED", "Account is deactivated")
    }

    fn shown(&self, request: &Request) -> String {
        form(request, Answer::ok("")).unwrap()["content"].clone()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Zulip);
}
