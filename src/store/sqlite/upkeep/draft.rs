//! A file that has its name once it is whole.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::store::StoreError;
use crate::store::sqlite::lock::{beside, folder, give};

/// A file on its way: beside its place, under a name of its own. What is dropped unfinished is removed.
pub struct Draft {
    place: PathBuf,
    part: PathBuf,
    file: File,
    finished: bool,
}

impl Draft {
    /// Begins an empty file that only its owner can read; one that was left by a process that ended is begun anew.
    pub fn begin(place: &Path) -> Result<Self, StoreError> {
        let part = beside(place, ".part");
        let failed = |error| unwritable(&part, error);
        // Emptied once it is ours: another process may be writing to it.
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&part);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let by = "another process is writing it";
                return Err(unwritable(&part, std::io::Error::new(ErrorKind::ResourceBusy, by)));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        Ok(Self { place: place.to_owned(), part, file, finished: false })
    }

    /// Where it is meanwhile.
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// The file, empty, to be written to from its beginning.
    pub fn empty(&self) -> std::io::Result<&File> {
        self.file.set_len(0)?;
        (&self.file).rewind()?;
        Ok(&self.file)
    }

    /// The same for a file that is the store: it is given to the service's user where root does this for it.
    pub fn finish_store(self) -> Result<u64, StoreError> {
        give(&self.file, &self.place);
        self.finish()
    }

    /// Brings it to the disk and gives it its name; one that has the name is replaced. Its bytes.
    pub fn finish(mut self) -> Result<u64, StoreError> {
        let finish = || {
            self.file.sync_all()?;
            let bytes = self.file.metadata()?.len();
            std::fs::rename(&self.part, &self.place)?;
            sync_folder(&self.place)?;
            Ok(bytes)
        };
        let bytes = finish().map_err(|error| unwritable(&self.place, error))?;
        self.finished = true;
        Ok(bytes)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed is begun anew the next time.
            drop(std::fs::remove_file(&self.part));
            drop(std::fs::remove_file(beside(&self.part, "-journal")));
        }
    }
}

/// Brings a name in a folder to the disk.
pub fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// A file that cannot be written, or cannot get its name.
pub fn unwritable(path: &Path, error: std::io::Error) -> StoreError {
    let (path, source) = (path.to_owned(), Box::new(error));
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path, source },
        _ => StoreError::Unwritable { path, source },
    }
}
