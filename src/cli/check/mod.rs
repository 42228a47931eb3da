//! `check`: everything that is wrong with the configuration, at once; and, where asked for, whether feeds and receivers
//! answer, and what a reload would change.

mod feeds;
mod live;
mod receivers;

use std::time::Duration;

use serde_json::json;

use super::idle::{Idle, say_idle};
use super::{Exit, FAILED, Format, Session};
use crate::base::text::counted;
use crate::config::{Setup, schema};

/// Check the configuration and print every problem found
///
/// Exits with 0 when there is nothing to mend and with 78 (EX_CONFIG) when there is. Rules that
/// match no series in the store, and derived series that have no figures, are warnings. Nothing is sent or stored;
/// nothing is fetched but by --feeds and --receivers, which exit with 1 where one of them fails.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Pull every feed once, on a copy of the state: what came, and how long it took
    ///
    /// Several at once, each as `feeds probe` does it. What is asked counts against the publisher's quota, in the state
    /// too; where that is used up, nothing is asked and the feed fails. A feed that has said all it has to say since its
    /// last pull is well.
    #[arg(long)]
    feeds: bool,
    /// Pull this feed once; may be repeated
    #[arg(long, value_name = "NAME")]
    feed: Vec<String>,
    /// Ask every receiver, without telling anybody anything, whether it would take a message
    ///
    /// Services are asked who we are, where they can be; relays are logged in to and left without a mail. Of an incoming
    /// webhook no more is seen than that its server answers: `receivers test` sends a real message.
    #[arg(long)]
    receivers: bool,
    /// Ask this receiver; may be repeated
    #[arg(long, value_name = "NAME")]
    receiver: Vec<String>,
    /// Hold the config against the running daemon: what a reload would change, and which alerts it would open and close
    ///
    /// The daemon says what it runs with, by its socket; its alerts are judged anew on a copy of its state, by the figures
    /// that are stored. Where no daemon runs, only the alerts of the state are held against the config. Exits with 1
    /// where the daemon would refuse the reload.
    #[arg(long)]
    against_live: bool,
    /// Print the JSON Schema of configurations, for an editor, and look at none
    #[arg(long)]
    schema: bool,
    /// With --against-live: the alerts of this rule alone
    #[arg(long, value_name = "NAME", requires = "against_live")]
    rule: Option<String>,
}

impl Args {
    /// Every name that is given stands in the config.
    fn check_names(&self, setup: &Setup) -> anyhow::Result<()> {
        for name in &self.feed {
            super::feeds::known_feed(setup, name)?;
        }
        super::receivers::named(setup, &self.receiver)?;
        match &self.rule {
            Some(name) => super::explain::known_rule(setup, name).map(drop),
            None => Ok(()),
        }
    }
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    if args.schema {
        return session.print(&format!("{:#}", schema()));
    }
    let setup = session.load()?;
    args.check_names(&setup)?;
    super::log::start(session, "error")?;
    super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let idle = Idle::find(&setup, &store).await?;
        say_idle(&idle);
        tell(session, &setup, &idle)?;
        let mut well = true;
        if args.feeds || !args.feed.is_empty() {
            well &= feeds::probe(session, &setup, &args.feed).await?;
        }
        if args.receivers || !args.receiver.is_empty() {
            well &= receivers::probe(session, &setup, &args.receiver).await?;
        }
        if args.against_live {
            well &= live::compare(session, &setup, args.rule.as_deref()).await?;
        }
        if well { Ok(()) } else { Err(Exit(FAILED).into()) }
    })
}

/// That the config is good, and what is in it.
fn tell(session: &Session, setup: &Setup, idle: &[Idle]) -> anyhow::Result<()> {
    match session.format {
        Format::Text => session.print(&format!(
            "{}: all is well: {}, {}, {}",
            setup.path.display(),
            counted(setup.feeds.len(), "feed"),
            counted(setup.rules.len(), "rule"),
            counted(setup.receivers.len(), "receiver"),
        )),
        Format::Json => session.line(&json!({
            "type": "config",
            "config": setup.path,
            "feeds": setup.feeds.iter().map(|feed| &feed.name).collect::<Vec<_>>(),
            "rules": setup.rules.iter().map(|rule| &rule.name).collect::<Vec<_>>(),
            "receivers": setup.receivers.iter().map(|receiver| &receiver.name).collect::<Vec<_>>(),
            "rules_without_series": idle.iter().filter_map(Idle::rule).collect::<Vec<_>>(),
            "series_without_figures": idle.iter().filter(|idle| idle.rule().is_none()).map(Idle::json).collect::<Vec<_>>(),
        })),
    }
}

/// Whether a name is meant where these are named: all are, where none is.
fn is_meant(named: &[String], name: &str) -> bool {
    named.is_empty() || named.iter().any(|one| one == name)
}

/// How long something took: `12 ms`, `3.4 s`.
fn took(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
