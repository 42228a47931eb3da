//! `drill`: a rule's message as it would be now, marked, to those whom the rule tells.

use super::explain::{known_rule, matching};
use super::receivers::{named, send_now};
use super::{Exit, FAILED, Session, say};
use crate::alert::Topic;
use crate::assess::{Sight, imagine};
use crate::base::text::list;
use crate::catalogue::Catalogue;
use crate::config::Setup;
use crate::outbox::{Matter, Message, notified};

/// Send a rule's message for its latest figures, marked `[DRILL]`, whether it fires or not
///
/// It goes to whom the rule notifies, or to those of `--to`, and shows what each of them answers. Nothing is stored, and
/// nothing is tried again. Exits with 1 where one did not take it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rule's name
    rule: String,
    /// For a series or group with these labels, such as partner=US [default: the first of the rule's]
    #[arg(value_name = "LABEL=VALUE", value_parser = super::parse_label)]
    labels: Vec<(String, String)>,
    /// To this receiver in the place of the rule's; may be given several times
    #[arg(long, value_name = "NAME")]
    to: Vec<String>,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let rule = known_rule(&setup, &args.rule)?;
    super::log::start(session, "error")?;
    super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let catalogue = Catalogue::new(&setup, &store).await?;
        for subject in &matching(&catalogue, rule, &args.labels)? {
            let past = catalogue.past(&store, subject, None).await?;
            let Ok(history) = &past.history else { continue };
            let (until, now, zone) = (past.until, session.clock.now(), catalogue.zone(subject));
            if let Some(matter) = imagine(Sight { rule, history, until, now, zone }) {
                return send(session, &setup, &matter, args).await;
            }
        }
        say(&format!("error: no series of rule {} has a figure yet", list([&rule.name])));
        Err(Exit(FAILED).into())
    })
}

/// Whom a matter is told to: those named here, else those whom its rule names, else those of its routes.
pub fn whom(setup: &Setup, matter: &Matter<'_>, named: &[String]) -> Vec<String> {
    if !named.is_empty() {
        return named.to_vec();
    }
    let own = matter.rule.and_then(|rule| rule.notify.as_deref());
    notified(own, &setup.routes, &Topic::of(&matter.transition))
}

/// Tells it to whom the rule tells, or to those of `--to`, each in its own voice.
async fn send(session: &Session, setup: &Setup, matter: &Matter<'_>, args: &Args) -> anyhow::Result<()> {
    let rule = &matter.transition.rule;
    let receivers = named(setup, &whom(setup, matter, &args.to))?;
    if receivers.is_empty() {
        say(&format!("error: rule {} notifies nobody; say whom to tell with --to NAME", list([rule])));
        return Err(Exit(FAILED).into());
    }
    let messages = receivers.into_iter().map(|receiver| {
        let mut message = Message::compose(matter, &receiver.voice);
        setup.template(rule, &receiver.name).dress(&mut message);
        (receiver, message.drill())
    });
    send_now(session, setup.proxy.as_ref(), messages).await
}
