//! What replicas tell each other at once: that there may be something to evaluate or to deliver (LISTEN and NOTIFY).
//!
//! It is a hint alone. It may be lost, come twice, or be another's; whoever hears it looks into the tables, as it does every
//! few seconds without one. So all stores of a database have one channel, though each may be in a schema of its own.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use tokio_postgres::{AsyncMessage, Client, SimpleQueryMessage};

use super::connect::{Connection, carried};
use super::{Postgres, ServerError};
use crate::store::sql::Fault;
use crate::store::{Hint, StoreError};

/// Listens to the channel.
const LISTEN: &str = "LISTEN supplywatch";
/// Asks which of the server's processes has a session.
const PROCESS: &str = "SELECT pg_backend_pid()";
/// How often that is asked: while others work, a pool may give two transactions the same process by chance.
const LOOKS: usize = 3;

impl Hint {
    /// Gives it to all who listen, once the transaction is stored.
    pub const fn statement(self) -> &'static str {
        match self {
            Self::Evaluate => "NOTIFY supplywatch, 'evaluate'; ",
            Self::Deliver => "NOTIFY supplywatch, 'deliver'; ",
        }
    }

    /// What a word on the channel means; anybody may say anything there.
    fn read(word: &str) -> Option<Self> {
        match word {
            "evaluate" => Some(Self::Evaluate),
            "deliver" => Some(Self::Deliver),
            _ => None,
        }
    }
}

impl Postgres {
    /// See [`crate::store::Store::listen`].
    pub async fn listen(&self, mut hear: impl FnMut(Hint) + Send) -> Result<(), StoreError> {
        let server = self.hands.server();
        let (client, mut connection) = server.connect(&self.timeline).await?;
        let lost = |error| Fault::Server(error).on(server);
        if self.is_pooled(&client, &mut connection).await? {
            return Ok(());
        }
        carried(&mut connection, client.batch_execute(LISTEN)).await.map_err(lost)?;
        // What was said before is not heard.
        [Hint::Evaluate, Hint::Deliver].into_iter().for_each(&mut hear);
        while let Some(said) = connection.next().await {
            if let AsyncMessage::Notification(said) = said.map_err(lost)?
                && let Some(hint) = Hint::read(said.payload())
            {
                hear(hint);
            }
        }
        Err(ServerError::Away { store: server.shown(), source: "the connection ended".into() }.into())
    }

    /// Whether a pool gives each transaction another of its sessions. What one asks to hear is then told to another, and goes
    /// on being told for as long as the pool lives: so nothing is asked of it.
    async fn is_pooled(&self, client: &Client, connection: &mut Connection) -> Result<bool, StoreError> {
        let (mut own, mut of_others) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..LOOKS {
            let said = carried(connection, client.simple_query(PROCESS)).await;
            own.extend(said.map_err(|error| Fault::Server(error).on(self.hands.server()))?.iter().find_map(process));
            let other = |connection: &crate::store::sql::Connection<'_>| {
                connection.prepare(PROCESS)?.query_one((), |row| row.get::<i64>(0))
            };
            of_others.insert(self.call(other).await?);
        }
        Ok(own.len() != 1 || !own.is_disjoint(&of_others))
    }
}

fn process(answer: &SimpleQueryMessage) -> Option<i64> {
    match answer {
        SimpleQueryMessage::Row(row) => row.get(0).and_then(|process| process.parse().ok()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::store::contract::NOW;
    use crate::store::contract::fixture::{append, append_as, fire, fires, minutes, new_alert, pull, row};
    use crate::store::contract::server::Database;
    use crate::store::{Committed, Location, Store};

    #[tokio::test]
    async fn what_is_stored_is_heard_at_once_and_nothing_else() {
        let Some(database) = Database::create() else { return };
        let store = Store::open(&Location::Postgres(Box::new(database.server())), NOW).await.unwrap();
        let (tell, mut heard) = unbounded_channel();
        let listening = store.listen(|hint| tell.send(hint).unwrap());
        let story = async {
            for hint in [Hint::Evaluate, Hint::Deliver] {
                assert_eq!(heard.recv().await, Some(hint), "what was said before is not known");
            }
            append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
            assert_eq!(heard.recv().await, Some(Hint::Evaluate));
            // Nothing new, nothing owed, deliveries that are rolled back, and words that have no meaning.
            append(&store, 2, vec![row("US", "2025-09", 1.0)]).await;
            append_as(&store, pull("tin", NOW), Vec::new()).await;
            fire(&store, "JP", &[]).await;
            let settled = vec![fires(&store, &new_alert("US"), &["desk"]), fires(&store, &new_alert("JP"), &["desk"])];
            let fenced = store.commit(None, Vec::new(), settled, minutes(3)).await.unwrap();
            assert_eq!(fenced, Committed::Fenced);
            for said in ["supplywatch", "supplywatch, 'Deliver'", "supplywatch, 'deliver\n'", "other, 'evaluate'"] {
                database.execute(&format!("NOTIFY {said}"));
            }
            // Several deliveries are one hint.
            fire(&store, "US", &["desk", "hook"]).await;
            assert_eq!(heard.recv().await, Some(Hint::Deliver));
            append(&store, 4, vec![row("US", "2025-09", 2.0)]).await;
            assert_eq!(heard.recv().await, Some(Hint::Evaluate));
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND query = 'LISTEN supplywatch'",
            );
        };
        let (ended, ()) = tokio::join!(listening, story);
        assert!(ended.unwrap_err().passes(), "whoever listens can listen again");
        store.close().await.unwrap();
    }
}
