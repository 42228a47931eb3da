//! `drill`: a rule's message as it would be now, marked, to those whom the rule tells.

use super::explain::{known_rule, matching, past};
use super::receivers::{named, send_now};
use super::{Exit, FAILED, Session, say};
use crate::alert::{Cause, Kind, Topic, Transition};
use crate::base::text::list;
use crate::daemon::Catalogue;
use crate::outbox::{Matter, Message, notified};
use crate::rule::{Judgement, Severity, Verdict, judge};
use crate::series::AsOf;

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
        let (store, now) = (session.copy(&setup.state).await?, session.clock.now());
        let catalogue = Catalogue::new(&setup, &store).await?;
        let subjects = matching(&catalogue, rule, &args.labels)?;
        for subject in &subjects {
            let history = past(&catalogue, &store, subject).await?;
            let view = history.view(AsOf::Latest).at(now);
            let Some(period) = rule.seen(view).latest() else { continue };
            let judgement = judge(rule, &view, period);
            let severity = worst(&judgement).unwrap_or(rule.severity);
            let topic = Topic { rule: &rule.name, labels: &subject.labels, severity };
            let routed = notified(rule.notify.as_deref(), &setup.routes, &topic);
            let receivers = named(&setup, if args.to.is_empty() { &routed } else { &args.to })?;
            if receivers.is_empty() {
                say(&format!("error: rule {} notifies nobody; say whom to tell with --to NAME", list([&rule.name])));
                return Err(Exit(FAILED).into());
            }
            let transition = Transition {
                rule: rule.name.clone(),
                labels: subject.labels.clone(),
                number: 1,
                episode: 1,
                kind: Kind::Fired,
                cause: Cause::Published,
                severity,
                period: Some(period),
                pull: None,
                at: now,
            };
            let message = Message::compose(Matter {
                transition: &transition,
                rule: Some(rule),
                judgement: Some(&judgement),
                view: Some(view),
                said: None,
                revisions: &[],
                rejudged: None,
                since: Some(period),
                zone: catalogue.zone(subject),
            });
            return send_now(session, &receivers, &message.drill()).await;
        }
        say(&format!("error: no series of rule {} has a figure yet", list([&rule.name])));
        Err(Exit(FAILED).into())
    })
}
