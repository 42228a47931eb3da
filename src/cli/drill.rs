//! `drill`: a rule's message as it would be now, marked, to those whom the rule tells.

use chrono_tz::Tz;

use super::explain::{known_rule, matching, past};
use super::receivers::{named, send_now};
use super::{Exit, FAILED, Session, say};
use crate::alert::{Cause, Kind, Topic, Transition};
use crate::base::text::list;
use crate::config::Setup;
use crate::daemon::Catalogue;
use crate::outbox::{Matter, Message, notified};
use crate::rule::roster::Subject;
use crate::rule::{Judgement, Rule, Severity, Verdict, judge};
use crate::series::{AsOf, View};

/// Send a rule's message for its latest figures, marked [DRILL], whether it fires or not
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

/// The worst severity whose conditions hold.
fn worst(judgement: &Judgement) -> Option<Severity> {
    let holding = judgement.levels.iter().filter(|level| level.when == Verdict::Holds);
    holding.last().map(|level| level.severity)
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
            let history = past(&catalogue, &store, subject).await?;
            let view = history.view(AsOf::Latest).at(session.clock.now());
            if let Some(matter) = matter(session, rule, subject, view, catalogue.zone(subject)) {
                return send(session, &setup, &matter, args).await;
            }
        }
        say(&format!("error: no series of rule {} has a figure yet", list([&rule.name])));
        Err(Exit(FAILED).into())
    })
}

/// What the rule would say of its latest figures, if it fired on them now; nothing where there are none.
fn matter<'a>(session: &Session, rule: &'a Rule, subject: &Subject, view: View<'a>, zone: Tz) -> Option<Matter<'a>> {
    let period = rule.seen(view).latest()?;
    let judgement = judge(rule, &view, period);
    let transition = Transition {
        rule: rule.name.clone(),
        labels: subject.labels.clone(),
        number: 1,
        episode: 1,
        kind: Kind::Fired,
        cause: Cause::Published,
        severity: worst(&judgement).unwrap_or(rule.severity),
        period: Some(period),
        pull: None,
        at: session.clock.now(),
    };
    Some(Matter {
        transition,
        rule: Some(rule),
        judgement: Some(judgement),
        view: Some(view),
        said: None,
        revisions: Vec::new(),
        rejudged: None,
        since: Some(period),
        thread: None,
        zone,
    })
}

/// Tells it to whom the rule tells, or to those of `--to`, each in its own voice.
async fn send(session: &Session, setup: &Setup, matter: &Matter<'_>, args: &Args) -> anyhow::Result<()> {
    let Transition { rule, labels, severity, .. } = &matter.transition;
    let own = matter.rule.and_then(|rule| rule.notify.as_deref());
    let routed = notified(own, &setup.routes, &Topic { rule, labels, severity: *severity });
    let receivers = named(setup, if args.to.is_empty() { &routed } else { &args.to })?;
    if receivers.is_empty() {
        say(&format!("error: rule {} notifies nobody; say whom to tell with --to NAME", list([rule])));
        return Err(Exit(FAILED).into());
    }
    let mut well = Ok(());
    for receiver in receivers {
        match send_now(session, receiver, &Message::compose(matter, &receiver.voice).drill()).await {
            // It was said, and keeps the others from nothing.
            Err(error) if error.is::<Exit>() => well = Err(error),
            ended => ended?,
        }
    }
    well
}
