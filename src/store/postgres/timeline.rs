//! The newest timeline on which the store was seen: a primary that was replaced and came back writes on an older one, and
//! what it took would be lost.
//!
//! It is remembered for as long as the process lives, and in a file where there is a place for one, so that a process
//! which starts while the old primary is the only one there is does not take it for the new one. Each promotion begins a
//! timeline with the next number (PostgreSQL's documentation, "Continuous Archiving", "Timelines").

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use tracing::warn;

use crate::store::sql::Fault;

/// See the module.
#[derive(Debug)]
pub struct Timeline {
    newest: Mutex<u32>,
    file: Option<PathBuf>,
}

impl Timeline {
    /// What is remembered, if anything is.
    pub fn remembered(file: Option<PathBuf>) -> Self {
        let newest = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let newest = newest.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Self { newest: Mutex::new(newest), file }
    }

    /// Refuses a server on an older timeline than the newest, and remembers a newer one.
    pub fn meet(&self, found: u32) -> Result<(), Fault> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if found < *newest {
            return Err(Fault::Replaced { found, seen: *newest });
        }
        if found > *newest {
            *newest = found;
            self.remember(found);
        }
        Ok(())
    }

    fn remember(&self, newest: u32) {
        let Some(file) = &self.file else { return };
        let part = file.with_extension("part");
        let written = std::fs::write(&part, format!("{newest}\n")).and_then(|()| std::fs::rename(&part, file));
        if let Err(error) = written {
            warn!(file = %file.display(), %error, "the database's timeline cannot be remembered beyond this process");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_timeline_is_refused_by_the_next_process_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = Some(folder.path().join("timeline"));
        let timeline = Timeline::remembered(file.clone());
        timeline.meet(1).unwrap();
        timeline.meet(2).unwrap();
        timeline.meet(2).unwrap();
        for timeline in [timeline, Timeline::remembered(file)] {
            assert!(matches!(timeline.meet(1), Err(Fault::Replaced { found: 1, seen: 2 })));
        }
        Timeline::remembered(None).meet(1).unwrap();
    }
}
