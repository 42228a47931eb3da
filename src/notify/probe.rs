//! Whether a receiver can be reached and would take a message, as far as that is seen without anybody being told.

use futures_util::future::join_all;

use super::answer::Answer;
use super::http::{Call, Clients, Endpoint};
use super::service::Service;
use super::{Channel, Receiver, Sender, Sent, email};
use crate::base::clock::Timestamp;

/// A request that tells nobody anything.
pub struct Probe {
    /// The request.
    pub call: Call,
    /// What its answer shows.
    pub shows: Shows,
}

/// What the answer to a probe shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// That the service knows us: in its JSON there is something at one of these pointers, our name where that is text.
    Login(&'static [&'static str]),
    /// That it is the service, and well: in its JSON there is something at this pointer.
    Health(&'static str),
    /// That somebody answers there, whatever they say.
    Presence,
}

impl Probe {
    /// One that shows who we are to the service.
    pub const fn login(call: Call, names: &'static [&'static str]) -> Self {
        Self { call, shows: Shows::Login(names) }
    }

    /// One that shows whether the service is well.
    pub const fn health(call: Call, pointer: &'static str) -> Self {
        Self { call, shows: Shows::Health(pointer) }
    }

    /// One for services that have nothing to ask but to take a message: their server is asked for its front door, and
    /// does not see the address itself.
    pub fn presence(endpoint: &Endpoint) -> Self {
        Self { call: Call::head(&endpoint.front()), shows: Shows::Presence }
    }
}

/// How much a probe has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// It is this machine's own output.
    Here,
    /// Its name, its certificate and the way to it are good.
    Server,
    /// It is the service, and well.
    Service,
    /// It knows us.
    Login,
}

impl Reached {
    /// The word: `here`, `server`, `service`, `login`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Server => "server",
            Self::Service => "service",
            Self::Login => "login",
        }
    }
}

/// What a probe has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How far it went.
    pub reached: Reached,
    /// As whom the service knows us, or what it says of itself.
    pub name: Option<String>,
}

impl Found {
    const fn new(reached: Reached) -> Self {
        Self { reached, name: None }
    }
}

impl Receiver {
    /// Probes it; `Err` says what is wrong, without secrets.
    pub async fn probe(&self, sender: &Sender, now: Timestamp) -> Result<Found, String> {
        match &self.channel {
            Channel::Console(_) | Channel::Lines => Ok(Found::new(Reached::Here)),
            Channel::Service(service) => of_service(service.as_ref(), &sender.http, now).await,
            Channel::Email(email) => of_relay(email).await,
        }
    }
}

/// Every server of a service must be well.
async fn of_service(service: &dyn Service, clients: &Clients, now: Timestamp) -> Result<Found, String> {
    let Probe { call, shows } = service.probe();
    let calls = call.each();
    let answers = join_all(calls.iter().map(async |call| match clients.call(call, now).await {
        Ok(answer) => shows.of(&answer),
        Err(sent) => Err(why(&sent)),
    }));
    let found: Vec<Found> = answers.await.into_iter().collect::<Result<_, _>>()?;
    Ok(found.into_iter().next().expect("a call has a server"))
}

async fn of_relay(email: &email::Email) -> Result<Found, String> {
    match email.probe().await {
        Ok(()) => Ok(Found::new(if email.login.is_some() { Reached::Login } else { Reached::Service })),
        Err(sent) => Err(why(&sent)),
    }
}

fn why(sent: &Sent) -> String {
    sent.outcome.why().unwrap_or("no answer").to_owned()
}

impl Shows {
    fn of(self, answer: &Answer) -> Result<Found, String> {
        let said = answer.json().unwrap_or_default();
        let is_well = (200..=299).contains(&answer.status);
        let at = |pointer: &&str| said.pointer(pointer).filter(|value| is_well && !value.is_null());
        let (pointers, reached): (&[&str], Reached) = match self {
            Self::Login(pointers) => (pointers, Reached::Login),
            Self::Health(pointer) => (&[pointer], Reached::Service),
            // A server without a front page is a server; 501 says that it knows no such question.
            Self::Presence if answer.status < 500 || answer.status == 501 => return Ok(Found::new(Reached::Server)),
            Self::Presence => return Err(answer.told()),
        };
        let value = pointers.iter().find_map(at).ok_or_else(|| answer.told())?;
        let name = value.as_str().map(super::answer::kept);
        Ok(Found { reached, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::notify::double::{HttpDouble, Reply, at, server};
    use crate::notify::relay::{MailDouble, Script};

    const NOW: &str = "2025-10-20T01:00:00Z";

    /// A service, what it is asked, and a good answer and what that shows.
    struct Row {
        service: fn(&str) -> Box<dyn Service>,
        asked: &'static str,
        answer: &'static str,
        found: (Reached, Option<&'static str>),
        refused: (u16, &'static str),
    }

    fn secret() -> Secret {
        Secret::new("T0KEN-abcdef")
    }

    fn chats() -> Vec<Row> {
        use crate::notify::{discord, matrix, slack, telegram, zulip};
        vec![
            Row {
                service: |url| {
                    let (api, token) = (server(url), secret());
                    Box::new(telegram::Telegram { api, token, chat: "@supply".to_owned(), topic: None })
                },
                asked: "GET /botT0KEN-abcdef/getChat?chat_id=%40supply HTTP/1.1",
                answer: r#"{"ok":true,"result":{"id":-1001,"title":"Supply desk"}}"#,
                found: (Reached::Login, Some("Supply desk")),
                refused: (400, r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#),
            },
            Row {
                service: |url| {
                    let bot = Some(slack::Bot { token: secret(), channel: "C1".to_owned() });
                    Box::new(slack::Slack { endpoint: server(url), bot })
                },
                asked: "POST /api/auth.test HTTP/1.1",
                answer: r#"{"ok":true,"user":"watch"}"#,
                found: (Reached::Login, Some("watch")),
                refused: (200, r#"{"ok":false,"error":"invalid_auth"}"#),
            },
            Row {
                service: |url| {
                    let room = "!r:example.org".to_owned();
                    Box::new(matrix::Matrix { server: server(url), token: secret(), room })
                },
                asked: "GET /_matrix/client/v3/account/whoami HTTP/1.1",
                answer: r#"{"user_id":"@watch:example.org"}"#,
                found: (Reached::Login, Some("@watch:example.org")),
                refused: (401, r#"{"errcode":"M_UNKNOWN_TOKEN"}"#),
            },
            Row {
                service: |url| {
                    let (user, key, channel) = ("bot@example.org".to_owned(), secret(), "supply".to_owned());
                    Box::new(zulip::Zulip { server: server(url), user, key, channel, topic: None })
                },
                asked: "GET /api/v1/users/me HTTP/1.1",
                answer: r#"{"result":"success","full_name":"Watch"}"#,
                found: (Reached::Login, Some("Watch")),
                refused: (401, r#"{"result":"error","msg":"Invalid API key","code":"INVALID_API_KEY"}"#),
            },
            Row {
                service: |url| {
                    let endpoint = server(&format!("{url}/api/webhooks/1/T0KEN-abcdef"));
                    Box::new(discord::Discord { endpoint, thread: None })
                },
                asked: "GET /api/webhooks/1/T0KEN-abcdef HTTP/1.1",
                answer: r#"{"id":"1","type":1,"name":"Supply"}"#,
                found: (Reached::Login, Some("Supply")),
                refused: (404, r#"{"message":"Unknown Webhook","code":10015}"#),
            },
        ]
    }

    fn others() -> Vec<Row> {
        use crate::notify::{alertmanager, gotify, ntfy, pushover, webhook};
        vec![
            Row {
                service: |url| {
                    let login = Some(ntfy::Login::Token(secret()));
                    Box::new(ntfy::Ntfy { server: server(url), topic: "supply".to_owned(), login })
                },
                asked: "GET /v1/account HTTP/1.1",
                answer: r#"{"username":"phil","role":"user"}"#,
                found: (Reached::Login, Some("phil")),
                refused: (401, r#"{"code":40101,"http":401,"error":"unauthorized"}"#),
            },
            Row {
                service: |url| {
                    let (api, token, user) = (server(url), secret(), Secret::new("us3r-key-0123"));
                    Box::new(pushover::Pushover { api, token, user, insists: None })
                },
                asked: "POST /1/users/validate.json HTTP/1.1",
                answer: r#"{"status":1,"group":0,"devices":["phone"],"request":"5042"}"#,
                found: (Reached::Login, None),
                refused: (400, r#"{"user":"invalid","errors":["user key is invalid"],"status":0}"#),
            },
            Row {
                service: |url| Box::new(ntfy::Ntfy { server: server(url), topic: "supply".to_owned(), login: None }),
                asked: "GET /v1/health HTTP/1.1",
                answer: r#"{"healthy":true}"#,
                found: (Reached::Service, None),
                refused: (200, "<html>a page of login</html>"),
            },
            Row {
                service: |url| Box::new(gotify::Gotify { server: server(url), token: secret() }),
                asked: "GET /health HTTP/1.1",
                answer: r#"{"health":"green","database":"green"}"#,
                found: (Reached::Service, Some("green")),
                refused: (500, r#"{"health":"orange","database":"red"}"#),
            },
            Row {
                service: |url| {
                    let hold = std::time::Duration::from_secs(60);
                    Box::new(alertmanager::Alertmanager { first: server(url), others: Vec::new(), hold })
                },
                asked: "GET /api/v2/status HTTP/1.1",
                answer: r#"{"versionInfo":{"version":"0.28.1"}}"#,
                found: (Reached::Service, Some("0.28.1")),
                refused: (404, "page not found"),
            },
            Row {
                service: |url| {
                    let endpoint = server(&format!("{url}/in/T0KEN-abcdef?key=k"));
                    Box::new(webhook::Webhook { endpoint, secret: None, format: webhook::Format::Standard })
                },
                asked: "HEAD / HTTP/1.1",
                answer: "",
                found: (Reached::Server, None),
                refused: (502, ""),
            },
        ]
    }

    #[tokio::test]
    async fn each_service_is_asked_what_tells_nobody_anything() {
        let clients = Clients::new().unwrap();
        for Row { service, asked, answer, found: (reached, name), refused: (status, why) } in
            chats().into_iter().chain(others())
        {
            let double = HttpDouble::start(Reply::status(200).body(answer)).await;
            let found = of_service(service(&double.url("")).as_ref(), &clients, at(NOW)).await;
            assert_eq!(found, Ok(Found { reached, name: name.map(ToOwned::to_owned) }), "{asked}");
            let [request] = &double.requests()[..] else { panic!("one request: {asked}") };
            assert_eq!(request.line, asked);
            let double = HttpDouble::start(Reply::status(status).body(why)).await;
            let told = of_service(service(&double.url("")).as_ref(), &clients, at(NOW)).await.unwrap_err();
            assert!(told.starts_with(&format!("HTTP {status}")), "{asked}: {told}");
            assert!(!told.contains("T0KEN"), "{told}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_without_its_address() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let endpoint = server(&format!("http://127.0.0.1:{port}/T0KEN-abcdef"));
        let hook = crate::notify::teams::Teams { endpoint };
        let told = of_service(&hook, &Clients::new().unwrap(), at(NOW)).await.unwrap_err();
        assert!(told.starts_with("no connection") && !told.contains("T0KEN"), "{told}");
    }

    #[tokio::test]
    async fn a_relay_greets_us_and_gets_no_mail() {
        let relay = MailDouble::start(Script::default()).await;
        let login = Some(("watch".to_owned(), secret()));
        let email = email::Email { login, ..email::tests::email(relay.port) };
        let found = of_relay(&email).await.unwrap();
        assert_eq!((found.reached, found.name), (Reached::Login, None), "a login's name may be secret");
        let commands = relay.commands();
        let verbs: Vec<&str> = commands.iter().filter_map(|command| command.split(' ').next()).collect();
        assert_eq!(verbs, ["EHLO", "AUTH", "NOOP", "QUIT"]);
        relay.follow(Script::new(&[("AUTH", "535 5.7.8 no such login")]));
        assert!(of_relay(&email).await.unwrap_err().starts_with("AUTH: 535"));
        assert!(relay.messages().is_empty());
    }
}
