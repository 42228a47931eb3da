//! `import`: history from files, however large.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};

use super::progress::Bar;
use super::{Exit, FAILED, Format, Session, feeds, say};
use crate::base::error::Chain;
use crate::base::text::{counted, printable, shorten};
use crate::daemon::{ImportError, Importer};
use crate::feed::Feed;
use crate::store::{Appended, Claim, Holder, Piece, Store, Summary};

/// Pieces that wait for the store, at most.
const WAITING: usize = 2;
/// How long the feed is ours; nobody else has the store meanwhile.
const LEASE: Duration = Duration::from_secs(900);

/// Bring history from files into a feed: CSV of any size piece by piece, other formats as a whole
///
/// The files are read as the feed's answers are; gzip files and zip archives are unpacked. All of it is
/// stored in one transaction or, where a file cannot be read or too many rows are refused, nothing. A
/// figure with a date of publication is known since then, any other since now. Rules look at it with the
/// next run. The daemon must be stopped meanwhile.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The feed's name
    feed: String,
    /// The files, oldest first: of two figures for one period the later counts
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let feed = feeds::known_feed(&setup, &args.feed)?;
    super::log::start(session, "error")?;
    let runtime = super::runtime()?;
    let now = session.clock.now();
    let store = runtime.block_on(Store::open(&setup.state, now))?;
    let (state, known) =
        runtime.block_on(async { anyhow::Ok((store.feed(&feed.name).await?, store.units(&feed.name).await?)) })?;
    let lease = runtime.block_on(store.lease_feed(&feed.name, &Holder("import".to_owned()), now, LEASE))?;
    let Claim::Taken(lease) = lease else { anyhow::bail!("feed {} is being pulled by another process", feed.name) };
    let importer = Importer::new(feed, &state, known, now);
    let pull = importer.pull(state, shorten(&names(&args.files), 300));
    let (sender, pieces) = channel(WAITING);
    // The store takes what is read while more is read.
    let storing = runtime.spawn({
        let (store, lease) = (store.clone(), lease.clone());
        async move { store.import(&lease, pull, pieces).await }
    });
    let read = read(importer, &args.files, &sender);
    drop(sender);
    let stored = runtime.block_on(storing)?;
    runtime.block_on(async {
        store.release_feed(&lease).await?;
        store.close().await
    })?;
    match read {
        Ok(told) => report(session, feed, &told, &stored?),
        // Of two reasons the store's is the first.
        Err(Failed { error: ImportError::StoreGone, .. }) if stored.is_err() => {
            Err(stored.err().map_or_else(|| Exit(FAILED).into(), Into::into))
        }
        Err(Failed { file, error }) => {
            let file = file.map(|file| format!("{}: ", printable(&file.display().to_string()))).unwrap_or_default();
            say(&format!("error: {file}{}; nothing was stored", Chain(&error)));
            Err(Exit(FAILED).into())
        }
    }
}

/// What was refused, for whoever imports.
struct Told {
    rows_refused: Vec<String>,
    refused_count: usize,
    bytes: u64,
}

/// Why reading ended, and at which file.
struct Failed {
    file: Option<PathBuf>,
    error: ImportError,
}

/// Reads all files, and gives the store their rows and the summary.
fn read(mut importer: Importer<'_>, files: &[PathBuf], sender: &Sender<Piece>) -> Result<Told, Failed> {
    let size = |file: &PathBuf| file.metadata().map_or(0, |metadata| metadata.len());
    let bar = Bar::of_bytes(files.iter().map(size).sum());
    let send = |piece| sender.blocking_send(piece).map_err(|_| ImportError::StoreGone);
    let mut before = 0;
    for file in files {
        let read = importer.file(file, |at| bar.reach(before + at), |series| send(Piece::Series(series)));
        read.map_err(|error| Failed { file: Some(file.clone()), error })?;
        before += size(file);
    }
    bar.finish();
    let failed = |error| Failed { file: None, error };
    let summary = importer.end().map_err(failed)?;
    let Summary { refused, refused_count, bytes, .. } = &summary;
    let told = Told {
        rows_refused: refused.iter().map(ToString::to_string).collect(),
        refused_count: *refused_count,
        bytes: *bytes,
    };
    send(Piece::End(summary)).map_err(failed)?;
    Ok(told)
}

fn report(session: &Session, feed: &Feed, told: &Told, stored: &Claim<Appended>) -> anyhow::Result<()> {
    let Claim::Taken(Appended { new, revised, unchanged, .. }) = stored else {
        anyhow::bail!("the store was taken by another process; nothing was stored")
    };
    let Told { rows_refused, refused_count, bytes } = told;
    if session.format == Format::Json {
        return session.line(&json!({
            "feed": feed.name, "new": new, "revised": revised, "unchanged": unchanged, "refused": refused_count,
            "refusals": rows_refused, "bytes": bytes,
        }));
    }
    let refused =
        if *refused_count > 0 { format!(", {} refused", counted(*refused_count, "row")) } else { String::new() };
    session.print(&format!("feed {}: {new} new, {revised} revised, {unchanged} unchanged{refused}", feed.name))?;
    rows_refused.iter().for_each(|refusal| say(&format!("  refused {refusal}")));
    if *refused_count > rows_refused.len() {
        say(&format!("  … and {} more", refused_count - rows_refused.len()));
    }
    if new + revised > 0 {
        say("The rules look at it with the next `supplywatch run`.");
    }
    Ok(())
}

fn names(files: &[PathBuf]) -> String {
    let name = |file: &PathBuf| printable(&Path::new(file).display().to_string());
    files.iter().map(name).collect::<Vec<_>>().join(", ")
}
