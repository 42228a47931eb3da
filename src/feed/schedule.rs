//! When a feed is pulled: cron expressions in the publisher's civil time.

use chrono_tz::Tz;

use crate::base::clock::Timestamp;

/// A cron expression and the zone whose civil time it means.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// As written.
    pub text: String,
    /// The zone.
    pub zone: Tz,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no schedule: {reason}")]
pub struct ScheduleError {
    /// The text as found.
    pub text: String,
    /// What was expected and found.
    pub reason: String,
}

impl Schedule {
    /// Reads five fields as in crontab, six (seconds first) or seven (and years last), or `@daily` and the like.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let _ = (text, zone);
        todo!()
    }

    /// The first tick after an instant; `None` when there is none any more.
    pub fn after(&self, _after: Timestamp) -> Option<Timestamp> {
        todo!()
    }

    /// The last tick at or before an instant, looking back a little over a year at most.
    pub fn latest(&self, _until: Timestamp) -> Option<Timestamp> {
        todo!()
    }
}
