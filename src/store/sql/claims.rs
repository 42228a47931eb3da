//! What processes hold, as far as it can be taken from them.

use super::End;
use super::connection::Connection;
use super::fault::Fault;
use crate::store::{Held, Holder, Store, StoreError};

impl Store {
    /// Frees what a process holds; what it has begun and not recorded by then may be begun anew.
    pub async fn let_go(&self, holder: &Holder, all: &'static [Held]) -> Result<(), StoreError> {
        let holder = holder.0.clone();
        self.write(move |transaction| free(transaction, Some(&holder), all).map(End::Commit)).await
    }
}

/// Frees what processes hold: one of them, or all. What they write of it from then on is refused where somebody else has
/// taken it since.
pub fn free(transaction: &Connection<'_>, holder: Option<&str>, all: &[Held]) -> Result<(), Fault> {
    let of_holder = "holder IS NOT NULL AND (?1 IS NULL OR holder = ?1)";
    for held in all {
        let free = match held {
            Held::Feeds => format!("UPDATE lease SET holder = NULL, expires_at = 0 WHERE {of_holder}"),
            Held::Tasks => {
                format!("UPDATE eval_task SET holder = NULL, lease_until = 0 WHERE state = 'pending' AND {of_holder}")
            }
            Held::Deliveries => {
                format!("UPDATE delivery SET holder = NULL, lease_until = 0 WHERE state = 'pending' AND {of_holder}")
            }
        };
        transaction.prepare(&free)?.execute([holder])?;
    }
    Ok(())
}
