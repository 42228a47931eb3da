//! `check`: everything that is wrong with the configuration, at once.

use serde_json::json;

use super::idle::{Idle, say_idle};
use super::{Format, Session};
use crate::base::text::counted;
use crate::config::schema;

/// Check the configuration and print every problem found
///
/// Exits with 0 when there is nothing to mend and with 78 (EX_CONFIG) when there is. Rules that
/// match no series in the store, and derived series that have no figures, are warnings. Nothing is fetched,
/// sent or stored.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Print the JSON Schema of configurations, for an editor, and look at none
    #[arg(long)]
    schema: bool,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    if args.schema {
        return session.print(&format!("{:#}", schema()));
    }
    let setup = session.load()?;
    let idle = super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        anyhow::Ok(Idle::find(&setup, &store).await?)
    })?;
    say_idle(&idle);
    match session.format {
        Format::Text => session.print(&format!(
            "{}: all is well: {}, {}, {}",
            setup.path.display(),
            counted(setup.feeds.len(), "feed"),
            counted(setup.rules.len(), "rule"),
            counted(setup.receivers.len(), "receiver"),
        )),
        Format::Json => session.line(&json!({
            "config": setup.path,
            "feeds": setup.feeds.iter().map(|feed| &feed.name).collect::<Vec<_>>(),
            "rules": setup.rules.iter().map(|rule| &rule.name).collect::<Vec<_>>(),
            "receivers": setup.receivers.iter().map(|receiver| &receiver.name).collect::<Vec<_>>(),
            "rules_without_series": idle.iter().filter_map(Idle::rule).collect::<Vec<_>>(),
            "series_without_figures": idle.iter().filter(|idle| idle.rule().is_none()).map(Idle::json).collect::<Vec<_>>(),
        })),
    }
}
