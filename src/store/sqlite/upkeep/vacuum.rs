//! A store without the room that nothing uses any more.

use std::path::Path;

use super::copy_to;
use super::draft::unwritable;
use crate::store::sqlite::lock::Lock;
use crate::store::sqlite::open::{absolute, expected, settle};
use crate::store::{Progress, StoreError, Vacuumed};

/// See [`crate::store::Location::vacuum`].
pub fn vacuum(store: &Path, progress: &Progress) -> Result<Vacuumed, StoreError> {
    expected(store)?;
    let store = &absolute(store)?;
    let _lock = Lock::take(store)?;
    settle(store)?;
    let before = std::fs::metadata(store).map_err(|error| unwritable(store, error))?.len();
    let draft = copy_to(store, store, progress)?;
    Ok(Vacuumed { before, after: draft.finish_store()? })
}
