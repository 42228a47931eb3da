//! The command line: one file per verb, exit codes, and what a terminal shows.
//!
//! Results go to standard output, talk to standard error. How anything is done is decided below.

mod ack;
mod alerts;
mod backtest;
mod chart;
mod check;
mod codes;
mod completions;
mod deliveries;
mod desk;
mod drill;
mod dry_run;
mod explain;
mod feeds;
mod idle;
mod import;
mod init;
mod journal;
mod log;
mod man;
mod probe;
mod progress;
mod pulled;
mod questions;
mod receivers;
mod record;
mod replicas;
mod routes;
mod run;
mod silence;
mod socket;
mod spent;
mod store;
mod template;
mod test;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::base::clock::Clock;
use crate::base::error::Chain;
use crate::base::moment;
use crate::base::table;
use crate::config::{Environment, Loaded, Setup};
use crate::inspect::Unanswered;
use crate::store::{Location, Store};

/// A test or check of figures failed, or a feed or a delivery did.
const FAILED: u8 = 1;
/// Wrong usage, as the command line's parser has it.
const USAGE: u8 = 2;
/// The program cannot go on (EX_SOFTWARE of sysexits.h).
const FATAL: u8 = 70;
/// The configuration is wrong (EX_CONFIG of sysexits.h); the service manager does not restart on it.
const CONFIG: u8 = 78;

/// Watches published customs and price figures and tells people when supply is at risk.
///
/// Feeds are pulled on cron schedules, every version of every figure is kept, rules are judged on what is
/// new, and alerts go to receivers with their evidence. Begin with `supplywatch init`, which writes a configuration, and
/// `supplywatch dry-run`, which shows what would be sent.
#[derive(Parser, Debug)]
#[command(name = "supplywatch", version, max_term_width = 100, after_help = exit_codes())]
struct Cli {
    /// Configuration file [default: $SUPPLYWATCH_CONFIG, ./config/supplywatch.toml, /etc/supplywatch/supplywatch.toml]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// How results are written to standard output
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    format: Output,
    /// How the log is written to standard error [default: text on a terminal, the journal under systemd, else json]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    log_format: Option<log::LogFormat>,
    /// What is logged: error, warn, info, debug, or a filter such as supplywatch=debug [default: info, error with --once]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

/// Every exit code with what it means.
const EXIT_CODES: [(u8, &str); 5] = [
    (0, "all is well"),
    (FAILED, "a feed, a delivery or a check of figures failed"),
    (USAGE, "wrong usage"),
    (FATAL, "the program cannot go on"),
    (CONFIG, "the configuration is wrong"),
];

fn exit_codes() -> String {
    format!("Exit codes: {}.", EXIT_CODES.map(|(code, meaning)| format!("{code} {meaning}")).join("; "))
}

#[derive(Subcommand, Debug)]
enum Verb {
    Init(Box<init::Args>),
    Run(run::Args),
    Check(check::Args),
    DryRun(dry_run::Args),
    Explain(explain::Args),
    Backtest(Box<backtest::Args>),
    Test(test::Args),
    Record(record::Args),
    Feeds(feeds::Args),
    Import(import::Args),
    Alerts(alerts::Args),
    Silence(silence::Args),
    Ack(ack::Args),
    Routes(routes::Args),
    Deliveries(deliveries::Args),
    Receivers(receivers::Args),
    Drill(drill::Args),
    Replicas(replicas::Args),
    Template(template::Args),
    Codes(codes::Args),
    Store(store::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Man(man::Args),
}

/// How results are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
    /// For spreadsheets (of `backtest` alone)
    Csv,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
}

/// What every verb works with.
struct Session {
    environment: Environment,
    config: Option<PathBuf>,
    format: Format,
    /// A table as CSV is asked for in the place of text.
    csv: bool,
    log_format: Option<log::LogFormat>,
    log: Option<String>,
    clock: Clock,
}

/// A verb that ends the program with something other than success.
#[derive(Debug)]
struct Exit(u8);

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}", self.0)
    }
}

impl std::error::Error for Exit {}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let csv = cli.format == Output::Csv;
    if csv && !matches!(cli.verb, Verb::Backtest(_)) {
        say("error: only `backtest` writes csv: give --format text or --format json");
        return ExitCode::from(USAGE);
    }
    let session = Session {
        environment: Environment::capture(),
        config: cli.config,
        format: if cli.format == Output::Json { Format::Json } else { Format::Text },
        csv,
        log_format: cli.log_format,
        log: cli.log,
        clock: Clock::System,
    };
    let done = match &cli.verb {
        Verb::Init(args) => init::run(&session, args),
        Verb::Run(args) => run::run(&session, args),
        Verb::Check(args) => check::run(&session, args),
        Verb::DryRun(args) => dry_run::run(&session, args),
        Verb::Explain(args) => explain::run(&session, args),
        Verb::Backtest(args) => backtest::run(&session, args),
        Verb::Test(args) => test::run(&session, args),
        Verb::Record(args) => record::run(&session, args),
        Verb::Feeds(args) => feeds::run(&session, args),
        Verb::Import(args) => import::run(&session, args),
        Verb::Alerts(args) => alerts::run(&session, args),
        Verb::Silence(args) => silence::run(&session, args),
        Verb::Ack(args) => ack::run(&session, args),
        Verb::Routes(args) => routes::run(&session, args),
        Verb::Deliveries(args) => deliveries::run(&session, args),
        Verb::Receivers(args) => receivers::run(&session, args),
        Verb::Drill(args) => drill::run(&session, args),
        Verb::Replicas(args) => replicas::run(&session, args),
        Verb::Template(args) => template::run(&session, args),
        Verb::Codes(args) => codes::run(&session, args),
        Verb::Store(args) => store::run(&session, args),
        Verb::Completions(args) => completions::run(&session, args),
        Verb::Man(args) => man::run(&session, args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(explain_end(&error)),
    }
}

/// Says why the program ends, unless the verb has said so itself; the exit code.
fn explain_end(error: &anyhow::Error) -> u8 {
    if let Some(Exit(code)) = error.downcast_ref() {
        return *code;
    }
    // A reader that has seen enough is no error.
    let broken_pipe = error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    });
    if broken_pipe {
        return 0;
    }
    say(&format!("error: {}", Chain(error.as_ref())));
    FATAL
}

/// Says why a question has no answer, and ends the verb.
fn unanswered(why: Unanswered, code: u8) -> anyhow::Error {
    if let Unanswered::Store(error) = why {
        return error.into();
    }
    say(&format!("error: {why}"));
    Exit(code).into()
}

/// Talks to the person at the terminal.
fn say(text: &str) {
    // Nobody listens on a closed standard error; that is no reason to stop.
    let _ = writeln!(anstream::stderr(), "{text}");
}

impl Session {
    /// Finds and reads the config, and says every problem with it.
    fn load(&self) -> anyhow::Result<Setup> {
        self.read(&self.find()?)
    }

    /// Finds the config, and says which it is.
    fn find(&self) -> anyhow::Result<PathBuf> {
        let path = match crate::config::find(self.config.as_deref(), &self.environment) {
            Ok(path) => path,
            Err(error) => {
                say(&format!("error: {}", Chain(&error)));
                return Err(Exit(CONFIG).into());
            }
        };
        say(&format!("config: {}", crate::base::text::printable(&path.display().to_string())));
        Ok(path)
    }

    /// Reads the config, and says every problem with it.
    fn read(&self, path: &Path) -> anyhow::Result<Setup> {
        match crate::config::load(path, &self.environment) {
            Ok(Loaded { setup, warnings }) => {
                for warning in &warnings {
                    say(&warning.render(colour_on_stderr()));
                }
                Ok(setup)
            }
            Err(problems) => {
                self.problems(&problems)?;
                Err(Exit(CONFIG).into())
            }
        }
    }

    fn problems(&self, problems: &crate::config::Problems) -> anyhow::Result<()> {
        match self.format {
            Format::Text => say(&problems.render(colour_on_stderr())),
            Format::Json => {
                for problem in problems.iter() {
                    self.line(&problem.json())?;
                }
            }
        }
        Ok(())
    }

    /// One JSON object a line on standard output.
    fn line(&self, value: &serde_json::Value) -> anyhow::Result<()> {
        writeln!(std::io::stdout(), "{value}")?;
        Ok(())
    }

    /// Text on standard output, with colour only where a terminal shows it.
    fn print(&self, text: &str) -> anyhow::Result<()> {
        writeln!(anstream::stdout(), "{text}")?;
        Ok(())
    }

    /// Who says something: the one that is named, else the user that runs the program.
    fn author(&self, named: Option<&str>) -> String {
        named.or_else(|| self.environment.variable("USER")).unwrap_or_default().to_owned()
    }

    /// A store to look at: a copy, so that looking never changes it and works beside a daemon.
    async fn copy(&self, location: &Location) -> anyhow::Result<Store> {
        Ok(Store::open_copy(location, self.clock.now()).await?)
    }
}

fn colour_on_stderr() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// A runtime of two threads: one may wait for the store while the other serves.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// The series labels that the command line names, such as `partner=US`.
fn parse_label(text: &str) -> Result<(String, String), String> {
    crate::inspect::meant::label(text)
}

/// A text in one line.
fn parse_line(text: &str) -> Result<String, String> {
    let found = crate::base::text::remark(text).map(ToOwned::to_owned);
    found.ok_or_else(|| "expected a line of text, of 500 characters at most".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn labels_are_pairs() {
        assert_eq!(parse_label("partner=US"), Ok(("partner".into(), "US".into())));
        assert_eq!(parse_label("grade=a=b"), Ok(("grade".into(), "a=b".into())));
        assert!(parse_label("partner").unwrap_err().contains("LABEL=VALUE"));
        assert!(parse_label("=US").is_err());
    }
}
