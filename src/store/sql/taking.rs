//! Deliveries are taken: which can be, which go together, and that their attempts begin.
//!
//! On a server several replicas take at once, and none waits for another: each leaves out what another has under its
//! hands. Of a bundle only the first can be taken, so that who has that has all of it; who tells all that a receiver is
//! owed has the receiver.

use std::collections::BTreeSet;

use super::columns::count;
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::gather::{At, Head, Reach, gather, gathers};
use super::outbox::{delivery, message_of};
use super::receivers::take;
use crate::store::{Gathers, Leased, Place, Taking};

/// That a delivery could be taken, were it not for others of its alert. `?2`: now, `?3`: until when it must have waited.
fn is_free(of: &str) -> String {
    format!(
        "{of}.state = 'pending' AND {of}.told_by IS NULL AND {of}.lease_until <= ?2 AND {of}.held_until <= ?2
            AND {of}.not_before <= ?3"
    )
}

/// That none of its alert is before it, but for what it tells itself. It is asked as a comparison, of which a server takes
/// it that a third hold: then it stops at the first few that can be taken, and does not sort all that are owed.
pub fn is_first(of: &str) -> String {
    format!(
        "coalesce((
            SELECT min(p.seq) FROM delivery p
            WHERE p.state = 'pending' AND p.receiver = {of}.receiver AND p.alert = {of}.alert AND p.seq < {of}.seq
                AND p.told_by IS DISTINCT FROM {of}.seq), {of}.seq) >= {of}.seq"
    )
}

/// The deliveries of a receiver that can be taken, the oldest first, and whether another of the alert waits behind each.
/// None is taken before what came before it of its alert, and where bundles are told in one message only the first of
/// each is. Values: the receiver, now, until when others must have waited, how many, how often they were attempted at
/// least, whether bundles are told in one.
pub fn due_of_receiver() -> String {
    format!(
        "SELECT d.seq, d.bundle, d.attempts, EXISTS (
            SELECT 1 FROM delivery n
            WHERE n.state = 'pending' AND n.receiver = d.receiver AND n.alert = d.alert AND n.seq > d.seq)
        FROM delivery d
        WHERE d.receiver = ?1 AND {free} AND d.attempts >= ?5 AND {first}
            AND NOT EXISTS (
                SELECT 1 FROM receiver r WHERE r.name = ?1 AND (r.paused_until > ?3 OR r.disabled_at IS NOT NULL))
            AND (?6 = 0 OR d.bundle IS NULL OR d.attempts > 0 OR coalesce((
                SELECT min(b.seq) FROM delivery b
                WHERE b.receiver = d.receiver AND b.bundle = d.bundle AND b.seq < d.seq AND b.attempts = 0
                    AND {free_before} AND {first_before}), d.seq) >= d.seq)
        ORDER BY d.seq LIMIT ?4",
        free = is_free("d"),
        first = is_first("d"),
        free_before = is_free("b"),
        first_before = is_first("b"),
    )
}

/// Takes deliveries that are due, each with what is to be told with it, and records that attempts begin; and whether
/// anything is to be stored: some may have given way instead.
pub fn lease(transaction: &Connection<'_>, taking: &Taking, places: &[Place]) -> Result<(Vec<Leased>, bool), Fault> {
    let mut gone = BTreeSet::new();
    loop {
        let (before, mut leaders) = (gone.len(), Vec::new());
        for head in due(transaction, taking, places)? {
            if gone.contains(&head.seq) {
                continue;
            }
            let told = gather(transaction, &head, At::new(taking), &mut gone)?;
            leaders.extend(told.map(|told| (told.leader, head.reach == Some(Reach::Storm) && told.others > 0)));
        }
        // Where all that could be taken gave way, what it gave way to can be.
        if !leaders.is_empty() || gone.len() == before {
            return Ok((begin(transaction, &leaders, taking)?, !gone.is_empty()));
        }
    }
}

/// The deliveries that can be taken now: from all receivers in turn, from none more than it has places.
pub fn due(transaction: &Connection<'_>, taking: &Taking, places: &[Place]) -> Result<Vec<Head>, Fault> {
    let at = At::new(taking);
    let gathers = gathers(transaction, places, at)?;
    let mut places: Vec<(&Place, Gathers)> = places.iter().zip(gathers).collect();
    let is_whole = |gathers: &Gathers| matches!(gathers, Gathers::All | Gathers::Storm);
    let whole = places.iter().filter(|(_, gathers)| is_whole(gathers)).map(|(place, _)| place.receiver.as_str());
    let whole = take(transaction, whole.collect())?;
    places.retain(|(place, gathers)| !is_whole(gathers) || whole.contains(&place.receiver));
    let values = places.iter().map(|(place, gathers)| {
        (
            &place.receiver,
            at.now.millis(),
            at.waited,
            count(place.free.min(taking.limit)),
            i64::from(*gathers == Gathers::Repeats),
            *gathers == Gathers::Bundles,
        )
    });
    let read = |row: &Row<'_>| -> Result<_, Fault> { Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)) };
    let select = format!("{} {}", due_of_receiver(), transaction.leaving_out_taken("d"));
    let found = transaction.prepare(&select)?.query_all(values, read)?;
    let mut heads: Vec<(usize, Head)> = Vec::new();
    for ((place, gathers), of_receiver) in places.iter().zip(found) {
        heads.extend(of_receiver.into_iter().enumerate().map(|(rank, (seq, bundle, attempts, followed))| {
            let receiver = place.receiver.clone();
            let (reach, needs_openings) = (Reach::new(*gathers, bundle, attempts), *gathers == Gathers::Nothing);
            (rank, Head { seq, receiver, reach, followed, needs_openings })
        }));
    }
    heads.sort_unstable_by_key(|(rank, head)| (*rank, head.seq));
    heads.truncate(taking.limit);
    Ok(heads.into_iter().map(|(_, head)| head).collect())
}

/// Takes deliveries, each with whether it tells together what there was too much of, and records that attempts begin.
fn begin(transaction: &Connection<'_>, leaders: &[(i64, bool)], taking: &Taking) -> Result<Vec<Leased>, Fault> {
    let Taking { holder, now, ttl, .. } = taking;
    let expires_at = now.plus(*ttl);
    let take = format!(
        "UPDATE delivery SET claim = claim + 1, attempts = attempts + 1, holder = ?2, lease_until = ?3
         WHERE seq = ?1 RETURNING id, receiver, alert, {}, patience_from, claim, attempts, (
            SELECT f.remote_ref FROM delivery f
            WHERE f.receiver = delivery.receiver AND f.thread = delivery.thread AND f.remote_ref IS NOT NULL
                AND f.seq < delivery.seq
            ORDER BY f.seq LIMIT 1), (
            SELECT max(CASE WHEN a.started_at >= delivery.patience_from THEN 1 ELSE 0 END) FROM attempt a
            WHERE a.delivery = delivery.seq AND (a.finished_at IS NULL OR a.maybe_delivered = 1))",
        message_of("delivery")
    );
    let values = leaders.iter().map(|(seq, _)| (*seq, &holder.0, expires_at.millis()));
    let taken = transaction.prepare(&take)?.query_each(values, |row| {
        let doubt: Option<bool> = row.get(8)?;
        Ok(Leased {
            delivery: delivery(row)?,
            claim: row.get(5)?,
            attempt: row.get(6)?,
            maybe_delivered: doubt.is_some(),
            cut_off: doubt == Some(true),
            opening: row.get(7)?,
            expires_at,
            is_storm: false,
        })
    })?;
    let leased = leaders.iter().zip(taken).map(|((seq, is_storm), leased)| {
        let leased = leased.ok_or_else(|| Fault::unreadable("delivery", seq))?;
        Ok(Leased { is_storm: *is_storm, ..leased })
    });
    let leased: Vec<Leased> = leased.collect::<Result<_, Fault>>()?;
    let insert = "INSERT INTO attempt(delivery, number, claim, holder, started_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = leaders.iter().zip(&leased);
    let values = values.map(|((seq, _), leased)| (*seq, leased.attempt, leased.claim, &holder.0, now.millis()));
    transaction.prepare(insert)?.execute_each(values)?;
    Ok(leased)
}
