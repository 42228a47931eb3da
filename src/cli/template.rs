//! `template`: what the templates of a rule and its receivers say, to look at while writing them.

use serde_json::json;

use super::{Exit, FAILED, Format, Session, say};
use crate::assess::{Sight, imagine};
use crate::base::text::printable;
use crate::catalogue::Catalogue;
use crate::config::Setup;
use crate::outbox::Message;
use crate::rule::Rule;

/// Look at the templates of titles and bodies
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Show what receivers would be told if a rule fired on the latest period, whether or not it does
    ///
    /// Nothing is sent and nothing is stored. Exits with 1 where a template fails: the message would go out as
    /// it is, with a note.
    Render {
        /// The rule's name
        rule: String,
        /// Only series with these labels, such as partner=US
        #[arg(value_name = "LABEL=VALUE", value_parser = super::parse_label)]
        labels: Vec<(String, String)>,
        /// Only what this receiver would be told, whether or not the rule notifies it; may be repeated
        #[arg(long, value_name = "NAME")]
        receiver: Vec<String>,
    },
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let Verb::Render { rule, labels, receiver } = &args.verb;
    let setup = session.load()?;
    // What fails is said here.
    super::log::start(session, "error")?;
    let rule = super::explain::known_rule(&setup, rule)?;
    super::receivers::named(&setup, receiver)?;
    super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let catalogue = Catalogue::new(&setup, &store).await?;
        let mut all_good = true;
        for subject in super::explain::matching(&catalogue, rule, labels)? {
            let past = catalogue.past(&store, &subject, None).await?;
            let (until, zone, now) = (past.until, catalogue.zone(&subject), session.clock.now());
            let history = match &past.history {
                Ok(history) => history,
                Err(misfit) => {
                    say(&format!("error: {}: {misfit}", subject.labels));
                    all_good = false;
                    continue;
                }
            };
            let Some(matter) = imagine(Sight { rule, history, until, now, zone }) else {
                say(&format!("{} has no figure yet", subject.labels));
                continue;
            };
            for receiver in &super::drill::whom(&setup, &matter, receiver) {
                let voice =
                    setup.receivers.iter().find(|known| known.name == *receiver).map(|known| known.voice.clone());
                let message = Message::compose(&matter, &voice.unwrap_or_default());
                all_good &= show(session, &setup, rule, receiver, message)?;
            }
        }
        if all_good { Ok(()) } else { Err(Exit(FAILED).into()) }
    })
}

/// What one receiver would be told; whether its templates could say it.
fn show(session: &Session, setup: &Setup, rule: &Rule, receiver: &str, mut message: Message) -> anyhow::Result<bool> {
    let template = setup.template(&rule.name, receiver);
    template.dress(&mut message);
    let told = message.told.clone().unwrap_or_default();
    let title = told.title.as_ref().unwrap_or(&message.title);
    let labels = &message.alert.labels;
    if session.format == Format::Json {
        session.line(&json!({
            "rule": rule.name, "labels": labels, "receiver": receiver, "title": title, "body": told.body,
            "error": told.note,
        }))?;
        return Ok(told.note.is_none());
    }
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = match (&told.body, &told.note) {
        (Some(body), _) => body.clone(),
        (None, Some(note)) => format!("(the default, since {note})"),
        (None, None) => "(the default)".to_owned(),
    };
    let lines: Vec<String> = body.lines().map(printable).collect();
    let (title, labels, body) = (printable(title), printable(&labels.join(", ")), lines.join("\n"));
    session.print(&format!("── {} on {labels}, to {} ──\n{title}\n\n{body}\n", rule.name, printable(receiver)))?;
    Ok(told.note.is_none())
}
