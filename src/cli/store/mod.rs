//! `store`: what is done to the store as a whole, by hand or by a timer.

mod carried;
mod check;
mod copies;
mod moving;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::HumanBytes;

use super::progress::Bar;
use super::{CONFIG, Exit, Session, USAGE, say};
use crate::base::error::Chain;
use crate::base::secret::Secret;
use crate::base::text::printable;
use crate::store::postgres::Server;
use crate::store::{Location, Progress};

/// Check, back up, restore, shrink and carry the store
///
/// The store is that of `[daemon] state`; of the configuration nothing else is read, so that neither a mistake in it
/// nor another secret that is missing keeps anybody from a backup.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The store's file, or its address (postgres://…) without the password, which $PGPASSWORD may have [default: that of
    /// the configuration]
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Read all of the store and say what is wrong with it; nothing is changed, and the daemon may run
    ///
    /// Every page, key and reference is looked at, and what figures, alerts and deliveries say of each other. Exits with
    /// 1 where anything is wrong: restore a backup then, or report it.
    Check,
    /// Write a copy of the store to a file; the daemon may run
    ///
    /// It is whole, as of one moment, and has its name once it is checked and on the disk. Only its owner can read it.
    Backup {
        /// The file to be written; with `--keep` the folder, where it is named supplywatch-YYYYMMDDTHHMMSSZ.db
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Write into the folder FILE, and remove all but the newest N backups that were made so in it
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        keep: Option<u16>,
        /// Replace the file if it is there
        #[arg(long, conflicts_with = "keep")]
        force: bool,
    },
    /// Put a backup in the place of the store; the daemon must be stopped
    ///
    /// The backup is checked first. The store that was there is kept beside it (….before-restore). Messages that the
    /// store will owe have other ids than those which were sent after the backup, so that no receiver takes a new one
    /// for an old one; what was owed in the backup keeps its ids.
    Restore {
        /// The backup
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Give room that is no longer used back to the disk; the daemon must be stopped
    ///
    /// The disk needs room for a second store meanwhile; where it has not, nothing is done.
    Vacuum,
    /// Write everything that is stored as lines of JSON; the daemon may run
    ///
    /// The first line says what follows, the last one how many rows there were and the SHA-256 of all lines before it.
    /// `store import` makes a store of them again.
    Export {
        /// The file to be written, compressed where its name ends with .gz; `-` is standard output
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
        /// Replace the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Make a store of the lines that `store export` wrote; there must be none yet
    ///
    /// Lines of an older supplywatch are brought up to date. What is cut off or changed is refused, and nothing of it
    /// stays. Ids of messages are new as after `store restore`.
    Import {
        /// The file, compressed where its name ends with .gz; `-` is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Copy a whole store to a new place, in a file or on a PostgreSQL server; the daemon may run
    ///
    /// Each place is a file or an address (postgres://…) without the password, which $PGPASSWORD may have for both. At TO
    /// there must be no store yet: no file, or a database with nothing in it. One moment of FROM is copied, and what arrived
    /// is read again and compared; all of it is there in the end, or nothing. FROM stays as it is: stop the daemon first,
    /// and let `daemon.state` name TO before it starts again, or what it stores meanwhile is missing there. Ids of messages
    /// are new as after `store restore`.
    Move {
        /// The store
        #[arg(value_name = "FROM")]
        from: PathBuf,
        /// Where it is to be
        #[arg(value_name = "TO")]
        to: PathBuf,
    },
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    if let Verb::Move { from, to } = &args.verb {
        if args.state.is_some() {
            say("error: `store move` takes both places as they are: leave --state out");
            return Err(Exit(USAGE).into());
        }
        return moving::run(session, &place(session, "FROM", from)?, &place(session, "TO", to)?);
    }
    let store = location(session, args.state.as_deref())?;
    match &args.verb {
        Verb::Check => check::run(session, &store),
        Verb::Backup { file, keep, force } => copies::back_up(session, &store, file, keep.map(usize::from), *force),
        Verb::Restore { file } => copies::restore(session, &store, file),
        Verb::Vacuum => copies::vacuum(session, &store),
        Verb::Export { file, force } => carried::export(session, &store, file, *force),
        Verb::Import { file } => carried::import(session, &store, file),
        Verb::Move { .. } => Ok(()),
    }
}

/// The store that is named, or that of the config.
pub fn location(session: &Session, state: Option<&Path>) -> anyhow::Result<Location> {
    if let Some(path) = state {
        return place(session, "--state", path);
    }
    let path = crate::config::find(session.config.as_deref(), &session.environment).map_err(|error| {
        say(&format!("error: {}; or name the store with --state", Chain(&error)));
        Exit(CONFIG)
    })?;
    match crate::config::location(&path, &session.environment) {
        Ok(location) => Ok(location),
        Err(problems) => {
            session.problems(&problems)?;
            Err(Exit(CONFIG).into())
        }
    }
}

/// The file or the database that an argument names.
fn place(session: &Session, argument: &str, path: &Path) -> anyhow::Result<Location> {
    Ok(match path.to_str().filter(|text| Server::is_meant(text)) {
        Some(address) => Location::Postgres(Box::new(server(session, argument, address)?)),
        None => Location::Sqlite(path.to_owned()),
    })
}

/// The database that the command line names. What stands there can be read by every user of the machine.
fn server(session: &Session, argument: &str, address: &str) -> anyhow::Result<Server> {
    let wrong = |what: &str, help: &str| {
        say(&format!("error: {argument}: {what}; {help}"));
        anyhow::Error::from(Exit(USAGE))
    };
    let server = Server::parse(address).map_err(|error| wrong(&error.what, &error.help))?;
    if server.has_password() {
        let what = "a password on the command line can be read by every user of this machine";
        let help = "leave it out and set PGPASSWORD, or have the whole address in a configuration, as \
                    daemon.state = { file = \"…\" }, and name that with --config";
        return Err(wrong(what, help));
    }
    let password = session.environment.variable("PGPASSWORD").map(Secret::new);
    Ok(match password {
        Some(password) => server.with_password(password),
        None => server,
    })
}

/// A bar, and what moves it.
fn bar(bar: Bar) -> (Arc<Bar>, Progress) {
    let bar = Arc::new(bar);
    let moved = bar.clone();
    (bar, Arc::new(move |done, all| moved.reach_of(done, all)))
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn size(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}
