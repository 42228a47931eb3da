//! What processes hold, as far as it can be taken from them.

use super::connection::Connection;
use super::fault::Fault;

/// Frees what processes hold: one of them, or all. What they write of it from then on is refused, as their claims are no
/// longer those that stand.
pub fn free(transaction: &Connection<'_>, holder: Option<&str>) -> Result<(), Fault> {
    for table in ["eval_task", "delivery"] {
        let free = format!(
            "UPDATE {table} SET holder = NULL, lease_until = 0
             WHERE state = 'pending' AND holder IS NOT NULL AND (?1 IS NULL OR holder = ?1)"
        );
        transaction.prepare(&free)?.execute([holder])?;
    }
    let free = "UPDATE lease SET holder = NULL, expires_at = 0
        WHERE holder IS NOT NULL AND (?1 IS NULL OR holder = ?1)";
    transaction.prepare(free)?.execute([holder])?;
    Ok(())
}
