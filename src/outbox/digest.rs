//! Digests: when a receiver is told what has come about since the last time.

use crate::base::clock::Timestamp;
use crate::base::schedule::Schedule;
use crate::rule::Severity;

/// The times at which all that waits goes out together.
#[derive(Clone, Debug)]
pub struct Digest {
    /// When it goes out.
    pub schedule: Schedule,
    /// Messages that are as bad as this do not wait.
    pub except: Option<Severity>,
}

impl Digest {
    /// When a message goes out that was written now, where it has to wait.
    pub fn until(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        let waits = self.except.is_none_or(|except| severity < except);
        // A schedule that never comes again holds nothing.
        self.schedule.after(now).filter(|_| waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_waits_for_the_next_digest_but_for_what_is_bad() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let schedule = Schedule::parse("0 8 * * 1-5", chrono_tz::Europe::Berlin).unwrap();
        let digest = Digest { schedule, except: Some(Severity::Critical) };
        let friday = at("2026-01-16T07:00:00Z");
        assert_eq!(digest.until(Severity::Warning, friday), Some(at("2026-01-19T07:00:00Z")));
        assert_eq!(digest.until(Severity::Warning, at("2026-01-16T06:59:59Z")), Some(friday));
        assert_eq!(digest.until(Severity::Critical, friday), None);
        let all = Digest { except: None, ..digest };
        assert!(all.until(Severity::Critical, friday).is_some());
    }
}
