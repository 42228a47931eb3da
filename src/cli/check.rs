//! `check`: everything that is wrong with the configuration, at once.

use serde_json::json;

use super::{Format, Session};
use crate::base::text::counted;

/// Check the configuration and print every problem found
///
/// Exits with 0 when there is nothing to mend and with 78 (EX_CONFIG) when there is. Nothing is fetched,
/// sent or stored.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the verb.
pub fn run(session: &Session, _args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let idle = super::runtime()?.block_on(rules_without_series(session, &setup))?;
    for rule in &idle {
        super::say(&format!("warning: rule {rule} matches none of the series stored so far"));
    }
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
            "rules_without_series": idle,
        })),
    }
}

/// The rules that match no stored series, though their feeds have been pulled.
async fn rules_without_series(session: &Session, setup: &crate::config::Setup) -> anyhow::Result<Vec<String>> {
    let store = session.copy(&setup.state).await?;
    let series = store.series().await?;
    let pulled = |rule: &&crate::rule::Rule| {
        let feed = rule.selector.pattern("feed");
        series.iter().any(|series| feed.is_none_or(|feed| feed.matches(&series.feed)))
    };
    let matches = |rule: &&crate::rule::Rule| series.iter().any(|series| rule.selector.matches(&series.labels));
    Ok(setup.rules.iter().filter(pulled).filter(|rule| !matches(rule)).map(|rule| rule.name.clone()).collect())
}
