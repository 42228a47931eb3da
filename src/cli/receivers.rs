//! `receivers`: how each receiver stands, a test message to some of them, and enabling one that was disabled.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Exit, FAILED, Format, Session, USAGE, say};
use crate::base::clock::Timestamp;
use crate::base::proxy::ForwardProxy;
use crate::base::text::{counted, list, nearest, printable, shorten};
use crate::config::Setup;
use crate::notify::{Channel, Parcel, Receiver, Sender, Sent};
use crate::outbox::{Delivery, Message, Outcome, Standing};
use crate::store::{Owed, Store};

/// List receivers: whether each is well, what it is owed, and what failed; try them, enable them
///
/// `state` is `ok`; `new` before the first message; `failing` while attempts fail; `resting` while it is given rest
/// or has asked for it; `disabled` when it is gone or refuses us: it is sent nothing until the config is read again.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Send a message marked `[TEST]` to receivers now, and show what each of them answers
    ///
    /// Nothing is stored, no pause is kept, and nothing is tried again. Exits with 1 where one did not take it.
    Test {
        /// The receivers' names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Let receivers that were disabled be sent messages again: a running daemon goes on with what they are owed
    Enable {
        /// The receivers' names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Print the DNS records of the keys that mails are signed with (DKIM), as lines of a zone file
    Dkim {
        /// The receivers' names; without any, all that sign
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    match &args.verb {
        None => super::runtime()?.block_on(list_all(session, &setup)),
        Some(Verb::Test { names }) => {
            let receivers = named(&setup, names)?;
            super::log::start(session, "error")?;
            let now = session.clock.now();
            let messages = receivers.into_iter().map(|receiver| (receiver, Message::test(&receiver.name, now)));
            super::runtime()?.block_on(send_now(session, setup.proxy.as_ref(), messages))
        }
        Some(Verb::Enable { names }) => {
            named(&setup, names)?;
            super::runtime()?.block_on(enable(session, &setup, names))
        }
        Some(Verb::Dkim { names }) => dkim(session, &setup, names),
    }
}

/// Prints the record of each key, once where several receivers sign with it.
fn dkim(session: &Session, setup: &Setup, names: &[String]) -> anyhow::Result<()> {
    let asked = if names.is_empty() { setup.receivers.iter().collect() } else { named(setup, names)? };
    let mut records = BTreeMap::new();
    for receiver in asked {
        let dkim = match &receiver.channel {
            Channel::Email(email) => email.dkim.as_ref(),
            Channel::Console(_) | Channel::Lines | Channel::Service(_) => None,
        };
        match dkim {
            Some(dkim) => {
                records.insert(dkim.record_name(), dkim.record());
            }
            None if names.is_empty() => {}
            None => {
                let name = printable(&receiver.name);
                say(&format!("error: receiver `{name}` signs nothing: a receiver of kind `email` with `dkim` does"));
                return Err(Exit(USAGE).into());
            }
        }
    }
    records.iter().try_for_each(|(name, value)| match session.format {
        Format::Json => session.line(&json!({"name": name, "type": "TXT", "value": value})),
        Format::Text => session.print(&zone_line(name, value)),
    })
}

/// A record of type TXT as a zone file has it: a string there has at most 255 bytes (RFC 1035, 3.3).
fn zone_line(name: &str, value: &str) -> String {
    let strings = value.as_bytes().chunks(255).map(|chunk| format!("\"{}\"", String::from_utf8_lossy(chunk)));
    format!("{name}. IN TXT ( {} )", strings.collect::<Vec<String>>().join("\n    "))
}

/// The receivers of these names, or an error that names the nearest.
pub fn named<'a>(setup: &'a Setup, names: &[String]) -> anyhow::Result<Vec<&'a Receiver>> {
    let find = |name: &String| {
        if let Some(found) = setup.receivers.iter().find(|receiver| receiver.name == *name) {
            return Ok(found);
        }
        let known = setup.receivers.iter().map(|receiver| receiver.name.as_str());
        let near = nearest(name, known.clone())
            .map_or_else(|| format!("the receivers are {}", list(known)), |near| format!("did you mean `{near}`?"));
        say(&format!("error: there is no receiver {}; {near}", list([name])));
        Err(Exit(USAGE).into())
    };
    names.iter().map(find).collect()
}

/// A receiver as it stands.
struct Status<'a> {
    receiver: &'a Receiver,
    standing: Standing,
    owed: Owed,
    now: Timestamp,
}

impl Status<'_> {
    fn state(&self) -> &'static str {
        let Standing { disabled_at, rests_until, failing_since, last_ok_at, .. } = &self.standing;
        match () {
            () if disabled_at.is_some() => "disabled",
            () if rests_until.is_some_and(|until| until > self.now) => "resting",
            () if failing_since.is_some() => "failing",
            () if last_ok_at.is_none() => "new",
            () => "ok",
        }
    }

    fn row(&self) -> Vec<String> {
        let time = |time: Option<Timestamp>| time.map_or_else(|| "—".to_owned(), |time| time.to_string());
        let why = self.standing.last_error.as_deref().unwrap_or_default();
        vec![
            self.state().to_owned(),
            self.receiver.name.clone(),
            self.receiver.kind.to_owned(),
            time(self.standing.last_ok_at),
            self.owed.waiting.to_string(),
            self.owed.dead.to_string(),
            shorten(&printable(why), 80),
        ]
    }

    fn json(&self) -> Value {
        let Standing { failures, failing_since, last_error, rests_until, disabled_at, last_ok_at } = &self.standing;
        json!({
            "receiver": self.receiver.name, "kind": self.receiver.kind, "state": self.state(),
            "last_success_at": last_ok_at, "failures": failures, "failing_since": failing_since,
            "last_error": last_error, "rests_until": rests_until, "disabled_at": disabled_at,
            "waiting": self.owed.waiting, "oldest_waiting_since": self.owed.oldest, "dead": self.owed.dead,
        })
    }
}

async fn list_all(session: &Session, setup: &Setup) -> anyhow::Result<()> {
    let (store, now) = (session.copy(&setup.state).await?, session.clock.now());
    let (mut standings, mut owed) = (store.receivers().await?, store.owed().await?);
    let mut all = Vec::new();
    for receiver in &setup.receivers {
        let standing = standings.remove(&receiver.name).unwrap_or_default();
        all.push(Status { receiver, standing, owed: owed.remove(&receiver.name).unwrap_or_default(), now });
    }
    match session.format {
        Format::Json => all.iter().try_for_each(|status| session.line(&status.json())),
        Format::Text => {
            let header = ["state", "receiver", "kind", "last success", "waiting", "dead", "last error"];
            let rows: Vec<Vec<String>> = all.iter().map(Status::row).collect();
            session.print(&super::table::table(&header, &rows))
        }
    }
}

/// Sends each its message, once, and says what it answers; an error where one did not take it.
pub async fn send_now(
    session: &Session,
    proxy: Option<&ForwardProxy>,
    messages: impl IntoIterator<Item = (&Receiver, Message)>,
) -> anyhow::Result<()> {
    let sender = Sender::new(proxy)?;
    let mut well = true;
    for (receiver, message) in messages {
        let now = session.clock.now();
        let delivery = Delivery {
            // A receiver that knows copies by their id has not seen this one.
            id: format!("msg_{:032x}", rand::random::<u128>()),
            receiver: receiver.name.clone(),
            alert: message.alert.id.clone(),
            message,
            created_at: now,
        };
        let parcel = Parcel { delivery: &delivery, attempt: 1, maybe_delivered: false, opening: None, now };
        let sent = receiver.send(&sender, parcel).await;
        answered(session, receiver, &sent, session.clock.now().since(now))?;
        well &= matches!(sent.outcome, Outcome::Delivered { .. });
    }
    if well { Ok(()) } else { Err(Exit(FAILED).into()) }
}

/// Says what a receiver answered.
fn answered(session: &Session, receiver: &Receiver, sent: &Sent, took: Duration) -> anyhow::Result<()> {
    let (name, outcome, why) = (&receiver.name, sent.outcome.name(), sent.outcome.why().map(printable));
    if session.format == Format::Json {
        return session.line(&json!({
            "receiver": name, "outcome": outcome, "status": sent.status, "reason": why,
            "remote_ref": sent.outcome.remote_ref(), "duration_ms": took.as_millis(),
        }));
    }
    let status = sent.status.map(|status| format!(" ({status})")).unwrap_or_default();
    let name_of = sent.outcome.remote_ref().map(|name| format!(", which calls it {}", printable(name)));
    let said = why.map(|why| format!(": {why}")).or(name_of).unwrap_or_default();
    session.print(&format!("{name}: {outcome}{status} in {} ms{said}", took.as_millis()))
}

async fn enable(session: &Session, setup: &Setup, names: &[String]) -> anyhow::Result<()> {
    let store = Store::open_beside(&setup.state, session.clock.now()).await?;
    let mut enabled = Vec::new();
    for name in names {
        enabled.extend(store.enable_receivers(Some(name)).await?);
    }
    let owed = store.owed().await?;
    store.close().await?;
    for name in names {
        let (is_new, waiting) = (enabled.contains(name), owed.get(name).map_or(0, |owed| owed.waiting));
        match session.format {
            Format::Json => session.line(&json!({"receiver": name, "enabled": is_new, "waiting": waiting}))?,
            Format::Text if is_new => {
                session.print(&format!("{name} is enabled; {} for it", counted(waiting, "message")))?;
            }
            Format::Text => session.print(&format!("{name} was not disabled"))?,
        }
    }
    Ok(())
}
