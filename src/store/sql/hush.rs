//! What keeps messages back: silences, acknowledgements, and alerts that inhibit others; decided in the transaction
//! that owes the messages, so that none is sent that was silenced before.

use std::collections::{BTreeMap, BTreeSet};

use super::End;
use super::columns::{counted, from_json, json, labels, time};
use super::connection::{Connection, Row};
use super::evaluation::{ALERT, alert};
use super::fault::Fault;
use crate::alert::{Acknowledgement, Alert, Hush, Hushed, Hushes, Matcher, Silence, Topic};
use crate::base::clock::Timestamp;
use crate::outbox::{Message, tell};
use crate::series::Labels;
use crate::store::{Settled, Store, StoreError};

const SILENCE: &str = "id, matcher, since, until, comment, author";
const KNOWN: &str = "k.rule, k.labels, k.episode, k.at, k.note, k.author";

impl Store {
    /// Adds a silence; the same with its number.
    pub async fn add_silence(&self, silence: Silence) -> Result<Silence, StoreError> {
        self.write(move |transaction| {
            let insert = format!(
                "INSERT INTO silence(matcher, since, until, comment, author) VALUES (?1, ?2, ?3, ?4, ?5)
                     RETURNING {SILENCE}"
            );
            let Silence { matcher, since, until, comment, author, .. } = &silence;
            let values = (json(matcher)?, since.millis(), until.millis(), comment, author);
            let mut insert = transaction.prepare(&insert)?;
            let mut added = insert.query_and_then(values, read_silence)?;
            let added = added.next().ok_or_else(|| Fault::unreadable("silence", "none"))??;
            Ok(End::Commit(added))
        })
        .await
    }

    /// Every silence, also those that are over, oldest first.
    pub async fn silences(&self) -> Result<Vec<Silence>, StoreError> {
        self.call(|connection| silences_after(connection, Timestamp::from_millis(i64::MIN))).await
    }

    /// Ends a silence now, if it is not over; `None` where none has the number.
    pub async fn expire_silence(&self, id: i64, now: Timestamp) -> Result<Option<Silence>, StoreError> {
        self.write(move |transaction| {
            let end = format!("UPDATE silence SET until = least(until, ?2) WHERE id = ?1 RETURNING {SILENCE}");
            let mut end = transaction.prepare(&end)?;
            let ended = end.query_and_then((id, now.millis()), read_silence)?.next().transpose()?;
            Ok(End::Commit(ended))
        })
        .await
    }

    /// Notes that somebody knows of an episode; `false` where the alert no longer fires in it.
    pub async fn acknowledge(&self, known: Acknowledgement) -> Result<bool, StoreError> {
        self.write(move |transaction| {
            let insert = "INSERT INTO acknowledgement(rule, labels, episode, at, note, author)
                    SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM alert
                    WHERE rule = ?1 AND labels = ?2 AND episode = ?3 AND firing IS NOT NULL
                    ON CONFLICT(rule, labels, episode) DO UPDATE SET at = excluded.at, note = excluded.note,
                    author = excluded.author";
            let Acknowledgement { rule, labels, episode, at, note, author } = &known;
            let values = (rule, labels.key(), episode, at.millis(), note, author);
            Ok(End::Commit(transaction.prepare(insert)?.execute(values)? == 1))
        })
        .await
    }

    /// The acknowledgements of episodes that go on.
    pub async fn acknowledgements(&self) -> Result<Vec<Acknowledgement>, StoreError> {
        self.call(|connection| {
            let select = format!(
                "SELECT {KNOWN} FROM acknowledgement k JOIN alert a USING(rule, labels, episode)
                     WHERE a.firing IS NOT NULL ORDER BY k.rule, k.labels"
            );
            connection.prepare(&select)?.query_and_then((), read_known)?.collect()
        })
        .await
    }

    /// What kept messages of an alert's transitions back, by the transitions' numbers.
    pub async fn hushed(&self, rule: &str, labels: &Labels) -> Result<BTreeMap<u32, Hushed>, StoreError> {
        let key = (rule.to_owned(), labels.key());
        self.call(move |connection| {
            let select = "SELECT number, hushed FROM transition WHERE rule = ?1 AND labels = ?2 AND hushed IS NOT NULL";
            let mut select = connection.prepare(select)?;
            let read = |row: &Row<'_>| -> Result<(u32, Hushed), Fault> {
                Ok((row.get(0)?, from_json("what was kept back", &row.get::<String>(1)?)?))
            };
            select.query_and_then(key, read)?.collect()
        })
        .await
    }

    /// The alerts that fire, in the order of rules and labels.
    pub async fn firing(&self) -> Result<Vec<Alert>, StoreError> {
        self.call(|connection| {
            let select = format!("SELECT {ALERT} FROM alert WHERE firing IS NOT NULL ORDER BY rule, labels");
            connection.prepare(&select)?.query_and_then((), alert)?.collect()
        })
        .await
    }

    /// How many alerts of each rule that has any wait for a figure and do not fire.
    pub async fn waiting(&self) -> Result<BTreeMap<String, usize>, StoreError> {
        self.call(|connection| {
            let select = "SELECT rule, count(*) FROM alert WHERE firing IS NULL AND held IS NOT NULL GROUP BY rule";
            let mut select = connection.prepare(select)?;
            select.query_and_then((), |row| Ok((row.get(0)?, counted(row, 1)?)))?.collect()
        })
        .await
    }
}

/// What may keep back the messages of what is stored together: the silences that hold, and the alerts that inhibit
/// any of them, as they are once all of it is stored.
pub fn hushes(transaction: &Connection<'_>, settled: &[Settled], now: Timestamp) -> Result<Hushes, Fault> {
    let telling: Vec<&Settled> = settled.iter().filter(|settled| !settled.deliveries.is_empty()).collect();
    if telling.is_empty() {
        return Ok(Hushes::default());
    }
    let silences = silences_after(transaction, now)?;
    let rules: BTreeSet<&str> =
        telling.iter().flat_map(|settled| &settled.manners.inhibition.by).map(String::as_str).collect();
    let mut firing: BTreeMap<(String, Labels), Alert> = BTreeMap::new();
    let key = |alert: &Alert| (alert.rule.clone(), alert.labels.clone());
    for rule in &rules {
        let select = format!("SELECT {ALERT} FROM alert WHERE rule = ?1 AND firing IS NOT NULL");
        let mut select = transaction.prepare(&select)?;
        for alert in select.query_and_then([rule], alert)? {
            let alert = alert?;
            firing.insert(key(&alert), alert);
        }
    }
    for Settled { alert, .. } in settled.iter().filter(|settled| rules.contains(settled.alert.rule.as_str())) {
        firing.insert(key(alert), alert.clone());
    }
    Ok(Hushes { silences, firing: firing.into_values().filter(Alert::is_firing).collect() })
}

/// Keeps back what is to be kept back of each assessment, and notes with its alert who is told.
pub fn settle(
    transaction: &Connection<'_>,
    hushes: &Hushes,
    settled: &mut [Settled],
    now: Timestamp,
) -> Result<Vec<Option<Hushed>>, Fault> {
    let hush = |settled: &Settled| {
        let Settled { alert, manners, .. } = settled;
        let severity = opens(settled)?.severity;
        let topic = Topic { rule: &alert.rule, labels: &alert.labels, severity };
        hushes.of(&topic, &manners.inhibition, now)
    };
    let mut hush: Vec<Option<Hush>> = settled.iter().map(hush).collect();
    let asks = |(settled, hush): &(&Settled, &mut Option<Hush>)| {
        settled.manners.stops_when_known && hush.is_none() && opens(settled).is_some()
    };
    let (alerts, unknown): (Vec<&Alert>, Vec<_>) =
        settled.iter().zip(&mut hush).filter(asks).map(|(settled, hush)| (&settled.alert, hush)).unzip();
    for (hush, known) in unknown.into_iter().zip(known(transaction, &alerts)?) {
        *hush = known;
    }
    let keep_back = |(settled, hush): (&mut Settled, Option<Hush>)| {
        opens(settled)?;
        tell(&mut settled.alert, &mut settled.deliveries, hush)
    };
    Ok(settled.iter_mut().zip(hush).map(keep_back).collect())
}

/// What an assessment tells that can be kept back: that it is over cannot.
fn opens(settled: &Settled) -> Option<&Message> {
    settled.deliveries.first().map(|delivery| &delivery.message).filter(|message| !message.closes())
}

/// For each alert, that somebody knows of its episode.
fn known(transaction: &Connection<'_>, alerts: &[&Alert]) -> Result<Vec<Option<Hush>>, Fault> {
    let select =
        format!("SELECT {KNOWN} FROM acknowledgement k WHERE k.rule = ?1 AND k.labels = ?2 AND k.episode = ?3");
    let keys = alerts.iter().map(|alert| (&alert.rule, alert.labels.key(), alert.episode));
    transaction.prepare(&select)?.query_each(keys, |row| Ok(read_known(row)?.hush()))
}

fn silences_after(connection: &Connection<'_>, now: Timestamp) -> Result<Vec<Silence>, Fault> {
    let select = format!("SELECT {SILENCE} FROM silence WHERE until > ?1 ORDER BY id");
    connection.prepare(&select)?.query_and_then([now.millis()], read_silence)?.collect()
}

fn read_silence(row: &Row<'_>) -> Result<Silence, Fault> {
    let matcher: Matcher = from_json("silence", &row.get::<String>(1)?)?;
    let (since, until) = (time(row, 2)?, time(row, 3)?);
    Ok(Silence { id: row.get(0)?, matcher, since, until, comment: row.get(4)?, author: row.get(5)? })
}

fn read_known(row: &Row<'_>) -> Result<Acknowledgement, Fault> {
    Ok(Acknowledgement {
        rule: row.get(0)?,
        labels: labels(&row.get::<String>(1)?)?,
        episode: row.get(2)?,
        at: time(row, 3)?,
        note: row.get(4)?,
        author: row.get(5)?,
    })
}
