//! Where log lines go: standard error as text or JSON, or the journal with its fields.
//!
//! Text from feeds is logged with `?` (Debug), which escapes what could forge a line.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Session;
use super::journal::Journal;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
    /// The journal's own protocol, with fields
    Journald,
}

/// Libraries below are only heard when something is wrong.
const LIBRARIES: &str = "hyper=warn,hyper_util=warn,h2=warn,rustls=warn,reqwest=warn,lettre=warn,tokio_postgres=warn";

/// Starts logging at a level unless the command line or `$SUPPLYWATCH_LOG` says otherwise.
pub fn start(session: &Session, level: &str) -> anyhow::Result<()> {
    let wanted = session.log.as_deref().or_else(|| session.environment.variable("SUPPLYWATCH_LOG")).unwrap_or(level);
    let filter = EnvFilter::try_new(format!("{LIBRARIES},{wanted}")).map_err(|error| {
        anyhow::anyhow!("--log {wanted}: {error}; expected a level or a filter such as supplywatch=debug")
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    match session.log_format.unwrap_or_else(|| default_format(session)) {
        LogFormat::Text => {
            let ansi = super::colour_on_stderr();
            registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(ansi)).init();
        }
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
            registry.with(layer).init();
        }
        LogFormat::Journald => {
            registry.with(Journal::open()?).init();
        }
    }
    Ok(())
}

/// The journal where systemd connected standard error to it, text on a terminal, else JSON.
fn default_format(session: &Session) -> LogFormat {
    use std::io::IsTerminal;
    if session.environment.variable("JOURNAL_STREAM").is_some() && Journal::open().is_ok() {
        LogFormat::Journald
    } else if std::io::stderr().is_terminal() || session.environment.variable("INVOCATION_ID").is_none() {
        LogFormat::Text
    } else {
        LogFormat::Json
    }
}
