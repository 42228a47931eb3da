//! Upkeep of a store in an SQLite file: what is done to the file as a whole.
//!
//! A file that is to be there in the end is written beside its place first, checked, brought to the disk, and renamed:
//! whoever looks finds the old one or the new one, and a cut-off piece of work leaves nothing with the name.

mod backup;
mod check;
mod draft;
mod export;
mod import;
mod lines;
mod moving;
mod restore;
#[cfg(test)]
mod tests;
mod vacuum;

pub use backup::{back_up, back_up_in};
pub use check::check;
pub use draft::{Draft, unwritable};
pub use export::export;
pub use import::import;
pub use moving::{Ground, held_by, read_whole};
pub use restore::restore;
pub use vacuum::vacuum;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::copy::look;
use super::lock::folder;
use super::open::version;
use super::schema::check as check_pages;
use crate::store::sql::Fault;
use crate::store::{Progress, StoreError};

/// After so many steps of SQLite's machine it is told how far a copy has come: some times a second.
const STEPS: i32 = 100_000;

/// Nobody hears how far it has come.
pub fn unheard() -> Progress {
    Arc::new(|_, _| ())
}

/// A whole copy of a store, as of one moment, on its way to a place.
fn copy_to(store: &Path, place: &Path, progress: &Progress) -> Result<Draft, StoreError> {
    let needed = look(store, |connection| {
        version(connection)?;
        bytes_used(connection)
    });
    room_for(needed.map_err(|fault| fault.at(store))?, place)?;
    let draft = Draft::begin(place)?;
    let copied = look(store, |connection| {
        // It is written once more where a process came in between.
        draft.empty().map_err(|error| Fault::File { path: draft.path().to_owned(), error })?;
        write_copy(connection, draft.path(), progress)
    });
    copied.map_err(|fault| fault.at(store))?;
    Ok(draft)
}

/// Writes a database as of one moment into a file, without the room that nothing uses, and checks every page of it.
pub fn write_copy(connection: &mut Connection, to: &Path, progress: &Progress) -> Result<(), Fault> {
    let bytes = bytes_used(connection)?;
    let name = to.to_str().ok_or_else(|| Fault::File {
        path: to.to_owned(),
        error: std::io::Error::new(std::io::ErrorKind::InvalidFilename, "its name is not UTF-8"),
    })?;
    let (file, heard) = (to.to_owned(), progress.clone());
    let tell = move || {
        heard(std::fs::metadata(&file).map_or(0, |metadata| metadata.len()).min(bytes), bytes);
        false
    };
    connection.progress_handler(STEPS, Some(tell))?;
    let copied = connection.execute("VACUUM INTO ?1", [name]);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    copied.map_err(|error| Fault::Copy { to: to.to_owned(), error })?;
    check_pages(&Connection::open(to)?)
}

/// How many bytes of a database are in use, whatever the length of its file.
pub fn bytes_used(connection: &Connection) -> Result<u64, Fault> {
    let pages = "SELECT (page_count - freelist_count) * page_size
        FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
    Ok(connection.query_row(pages, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// Refuses to begin what would fill the disk.
pub fn room_for(bytes: u64, place: &Path) -> Result<(), StoreError> {
    // Where the system does not say, writing finds out.
    let Ok(disk) = rustix::fs::statvfs(folder(place)) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < bytes { Err(StoreError::NoRoom { path: place.to_owned(), needed: bytes, free }) } else { Ok(()) }
}
