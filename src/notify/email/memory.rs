//! Who has a mail already, between two attempts of one process.
//!
//! It is no record: what it does not know is sent again, and marked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lettre::Address;
use tracing::warn;

use super::super::{Parcel, Sent};
use super::smtp::Verdict;
use crate::base::text::printable;
use crate::outbox::Outcome;

/// Deliveries that are remembered, at most: each has a mail under way.
const DELIVERIES_MAX: usize = 1000;

/// What is known of mails that some recipients have and others do not, by delivery.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<BTreeMap<String, Progress>>>);

/// How far a mail has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The attempt that left it so.
    attempt: u32,
    /// Whoever is not settled may have it: an answer was lost.
    pub lost: bool,
    /// The relay takes no mail of that size: the next one goes without its chart.
    pub too_large: bool,
    verdicts: BTreeMap<String, Verdict>,
}

impl Memory {
    /// What the attempt before this one left behind. If that was another process's, nothing is known.
    pub fn recall(&self, parcel: Parcel<'_>) -> Progress {
        let known = self.lock().remove(&parcel.delivery.id);
        let known = known.filter(|progress| progress.attempt + 1 == parcel.attempt);
        let new = Progress { attempt: 0, lost: parcel.maybe_delivered, too_large: false, verdicts: BTreeMap::new() };
        Progress { attempt: parcel.attempt, ..known.unwrap_or(new) }
    }

    /// Keeps what the next attempt needs to know, where one follows.
    pub fn keep(&self, parcel: Parcel<'_>, progress: Progress, sent: &Sent) {
        if matches!(sent.outcome, Outcome::Delivered { .. } | Outcome::Reject { .. }) {
            return;
        }
        let mut known = self.lock();
        if known.len() >= DELIVERIES_MAX {
            known.pop_first();
        }
        known.insert(parcel.delivery.id.clone(), progress);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Progress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// Whether nothing more is to be sent to this address.
    pub fn is_settled(&self, address: &Address) -> bool {
        let verdict = self.verdicts.get(AsRef::<str>::as_ref(address));
        matches!(verdict, Some(Verdict::Has { .. } | Verdict::Refused { .. }))
    }

    /// Takes in what an attempt brought.
    pub fn note<'a>(&mut self, verdicts: impl Iterator<Item = (&'a Address, Verdict)>) {
        for (address, verdict) in verdicts {
            self.lost |= matches!(verdict, Verdict::Lost { .. });
            self.too_large |= matches!(verdict, Verdict::TooLarge { .. });
            self.verdicts.insert(address.to_string(), verdict);
        }
    }

    fn somebody_has_it(&self) -> bool {
        self.verdicts.values().any(|verdict| matches!(verdict, Verdict::Has { .. }))
    }

    /// A failure of the whole attempt: a later one elsewhere repeats to those who have it.
    pub fn unless_some_have_it(&self, mut sent: Sent) -> Sent {
        if let Outcome::Retry { maybe_delivered, .. } = &mut sent.outcome {
            *maybe_delivered |= self.lost || self.somebody_has_it();
        }
        sent
    }

    /// One outcome for all recipients: as long as one may still get it, another attempt; then
    /// delivered if anybody has it.
    pub fn verdict(&self) -> Sent {
        let is_open = |verdict: &Verdict| {
            matches!(verdict, Verdict::Deferred { .. } | Verdict::Lost { .. } | Verdict::TooLarge { .. })
        };
        let open = self.told(is_open);
        let after = self.verdicts.values().filter_map(Verdict::wait).max();
        let status = self.verdicts.values().filter_map(Verdict::status);
        if !open.is_empty() {
            let maybe_delivered = self.lost || self.somebody_has_it();
            let outcome = Outcome::Retry { after, why: open.join("; "), maybe_delivered };
            return Sent { outcome, status: status.filter(|status| *status >= 400).max() };
        }
        let refused = self.told(|verdict| matches!(verdict, Verdict::Refused { .. }));
        if !self.somebody_has_it() {
            return Sent::reject(refused.join("; ")).with_status(status.max());
        }
        let queued = self.verdicts.values().find_map(|verdict| match verdict {
            Verdict::Has { queued } => Some(queued.clone()),
            Verdict::Deferred { .. } | Verdict::Refused { .. } | Verdict::TooLarge { .. } | Verdict::Lost { .. } => {
                None
            }
        });
        let told: Vec<String> = queued.into_iter().chain(refused).collect();
        Sent::delivered(Some(told.join("; "))).with_status(status.min())
    }

    fn told(&self, which: impl Fn(&Verdict) -> bool) -> Vec<String> {
        let told = self.verdicts.iter().filter(|(_, verdict)| which(verdict)).filter_map(|(address, verdict)| {
            let (word, why) = match verdict {
                Verdict::Has { .. } => return None,
                Verdict::Deferred { why, .. } | Verdict::TooLarge { why } => ("put off", why),
                Verdict::Refused { why, .. } => ("refused", why),
                Verdict::Lost { why } => ("unknown", why),
            };
            Some(format!("{word} for {}: {why}", printable(address)))
        });
        told.collect()
    }

    /// An address that was refused while others were served is a mistake that only a person can mend.
    pub fn warn(&self, parcel: Parcel<'_>) {
        if self.somebody_has_it() {
            for why in self.told(|verdict| matches!(verdict, Verdict::Refused { .. })) {
                warn!(
                    receiver = parcel.delivery.receiver,
                    delivery = parcel.delivery.id,
                    why,
                    "a recipient is refused"
                );
            }
        }
    }
}
