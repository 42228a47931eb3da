//! `store backup`, `store restore`, `store vacuum`: the store in another file, and another file as the store.

use std::path::Path;

use serde_json::json;

use super::{bar, shown, size};
use crate::base::clock::monotonic;
use crate::cli::progress::Bar;
use crate::cli::{Format, Session, say};
use crate::store::{Backup, Location, Restored, Vacuumed};

/// Makes a backup.
pub fn back_up(
    session: &Session,
    store: &Location,
    to: &Path,
    keep: Option<usize>,
    replace: bool,
) -> anyhow::Result<()> {
    let began = monotonic();
    let (bar, progress) = bar(Bar::of_bytes(0));
    let made = match keep {
        Some(keep) => store.back_up_in(to, keep, session.clock.now(), &progress),
        None => store.back_up(to, replace, &progress),
    };
    bar.finish();
    let Backup { path, bytes, removed } = made?;
    let seconds = monotonic().saturating_sub(began).as_secs_f64();
    if session.format == Format::Json {
        let removed: Vec<String> = removed.iter().map(|path| path.display().to_string()).collect();
        return session.line(&json!({
            "backup": path.display().to_string(), "bytes": bytes, "seconds": seconds, "removed": removed,
        }));
    }
    session.print(&format!("backup {}: {}, checked, in {seconds:.1} s", shown(&path), size(bytes)))?;
    removed.iter().try_for_each(|path| session.print(&format!("removed {}", shown(path))))
}

/// Puts a backup back.
pub fn restore(session: &Session, store: &Location, from: &Path) -> anyhow::Result<()> {
    let (bar, progress) = bar(Bar::of_bytes(0));
    let done = store.restore(from, &progress);
    bar.finish();
    let Restored { bytes, kept, id } = done?;
    let path = store.file()?;
    if session.format == Format::Json {
        let kept = kept.map(|kept| kept.display().to_string());
        return session.line(&json!({
            "store": path.display().to_string(), "from": from.display().to_string(), "bytes": bytes, "kept": kept,
            "id": id,
        }));
    }
    session.print(&format!("store {}: {} from {}", shown(path), size(bytes), shown(from)))?;
    if let Some(kept) = kept {
        session.print(&format!("the store before is kept at {}", shown(&kept)))?;
    }
    say("What happened since the backup is not known any more: it may be told again, under new ids.");
    Ok(())
}

/// Makes the store smaller.
pub fn vacuum(session: &Session, store: &Location) -> anyhow::Result<()> {
    let (bar, progress) = bar(Bar::of_bytes(0));
    let done = store.vacuum(&progress);
    bar.finish();
    let Vacuumed { before, after } = done?;
    let path = store.file()?;
    if session.format == Format::Json {
        return session.line(&json!({"store": path.display().to_string(), "before": before, "after": after}));
    }
    session.print(&format!("store {}: {} before, {} now", shown(path), size(before), size(after)))
}
