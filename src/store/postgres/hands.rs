//! Threads that work on a server, each with a session of its own.
//!
//! A session that is lost is opened again for the next piece of work. What was under way when it was lost is an error
//! that passes: whoever asked asks again, and fences let nothing be done twice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::oneshot;
use tokio_postgres::SimpleQueryRow;

use super::session::{Session, timeline};
use super::timeline::Timeline;
use super::{Server, schema};
use crate::base::error::of_panic;
use crate::store::StoreError;
use crate::store::sql::{Connection, End, Fault};

/// A piece of work for whichever hand is free.
type Job = Box<dyn FnOnce(&mut Hand) + Send>;

/// What a piece of work is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// To see one moment.
    Read,
    /// To change something, or to find that it need not.
    Write,
}

/// The way to the threads.
#[derive(Debug)]
pub struct Hands {
    server: Server,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
}

impl Hands {
    /// So many threads, which connect when there is work for them. What one of them sees of the server's timeline all
    /// know.
    pub fn start(server: &Server, count: usize, timeline: &Arc<Timeline>) -> Result<Self, StoreError> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let inbox = Arc::new(Mutex::new(inbox));
        for _ in 0..count {
            let mut hand = Hand { server: server.clone(), session: None, timeline: timeline.clone() };
            let inbox = inbox.clone();
            let run = move || {
                while let Some(job) = next(&inbox) {
                    job(&mut hand);
                }
            };
            let spawned = std::thread::Builder::new().name("store".to_owned()).spawn(run);
            spawned.map_err(|error| Fault::BrokeOff(format!("no thread: {error}")).on(server))?;
        }
        Ok(Self { server: server.clone(), jobs: Mutex::new(Some(jobs)) })
    }

    /// Where they work.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// Does a piece of work in one transaction.
    pub async fn work<T: Send + 'static>(
        &self,
        kind: Work,
        work: impl FnOnce(&Connection<'_>) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.with(move |hand| hand.transact(kind, work)).await
    }

    /// Does something with a hand's session, outside any transaction.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hand) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = move |hand: &mut Hand| {
            let done = catch_unwind(AssertUnwindSafe(|| work(hand)))
                .unwrap_or_else(|panic| Err(Fault::BrokeOff(of_panic(panic.as_ref()).to_owned())));
            if done.as_ref().is_err_and(Fault::loses_session) {
                hand.session = None;
            }
            // Whoever asked may have gone; what was done stands.
            drop(reply.send(done));
        };
        let sent = self.jobs().as_ref().is_some_and(|jobs| jobs.send(Box::new(job)).is_ok());
        if !sent {
            return Err(self.closed());
        }
        answer.await.map_err(|_| self.closed())?.map_err(|fault| fault.on(&self.server))
    }

    /// Refuses to go on once they were ended.
    pub fn is_open(&self) -> Result<(), StoreError> {
        if self.jobs().is_some() { Ok(()) } else { Err(self.closed()) }
    }

    fn closed(&self) -> StoreError {
        StoreError::Ended { path: self.server.shown().into(), why: "it was closed".to_owned() }
    }

    /// Ends the threads once they have done what was asked before.
    pub fn close(&self) {
        *self.jobs() = None;
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next(inbox: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// A thread's session, while it has one.
pub struct Hand {
    server: Server,
    session: Option<Session>,
    /// The newest timeline that any of them has seen.
    timeline: Arc<Timeline>,
}

impl Hand {
    /// The session; a new one where there is none.
    pub fn session(&mut self) -> Result<&Session, Fault> {
        let session = match self.session.take() {
            Some(session) => session,
            None => Session::connect(&self.server, &self.timeline)?,
        };
        Ok(self.session.insert(session))
    }

    /// Does a piece of work in a transaction.
    fn transact<T>(
        &mut self,
        kind: Work,
        work: impl FnOnce(&Connection<'_>) -> Result<End<T>, Fault>,
    ) -> Result<T, Fault> {
        self.begin(kind)?;
        let session = self.session()?;
        let ended = match catch_unwind(AssertUnwindSafe(|| work(&Connection::Postgres(session)))) {
            Ok(ended) => ended,
            Err(panic) => Err(Fault::BrokeOff(of_panic(panic.as_ref()).to_owned())),
        };
        match ended {
            Ok(End::Commit(value)) => session.commit().map(|()| value),
            Ok(End::RollBack(value)) => session.roll_back().map(|()| value),
            Err(fault) => {
                // A session that cannot even do this is lost, and its transaction with it.
                if session.roll_back().is_err() {
                    self.session = None;
                }
                Err(fault)
            }
        }
    }

    /// Begins a transaction on a server that may be used and a schema that is known. A session that was lost since it was
    /// last used is no fault of this one's.
    fn begin(&mut self, kind: Work) -> Result<(), Fault> {
        let had_one = self.session.is_some();
        let begun = match self.ask(kind) {
            Err(fault) if had_one && fault.loses_session() => {
                self.session = None;
                self.ask(kind)
            }
            begun => begun,
        };
        let begun = begun.and_then(|rows| self.judge(kind, &rows));
        if begun.is_err() {
            // The next session may be with another server, and is in no transaction.
            self.session = None;
        }
        begun
    }

    fn ask(&mut self, kind: Work) -> Result<Vec<SimpleQueryRow>, Fault> {
        self.session()?.begin_and_ask(kind == Work::Write, schema::NUMBER)
    }

    /// What the answers at the beginning come to.
    fn judge(&self, kind: Work, rows: &[SimpleQueryRow]) -> Result<(), Fault> {
        match rows.first().and_then(timeline) {
            None if kind == Work::Write => return Err(Fault::Standby),
            None => {}
            Some(found) => self.timeline.meet(found)?,
        }
        schema::expect_number(rows.get(1))
    }
}

#[cfg(test)]
mod tests {
    use crate::base::clock::Timestamp;
    use crate::store::contract::server::Database;
    use crate::store::postgres::schema::newest;
    use crate::store::{Location, Store, StoreError};

    #[tokio::test]
    async fn tables_that_another_replica_has_changed_are_left_alone() {
        let Some(database) = Database::create() else { return };
        let location = Location::Postgres(Box::new(database.server()));
        let store = Store::open(&location, Timestamp::from_millis(0)).await.unwrap();
        let reader = store.reader().await.unwrap();
        let schema =
            |number: i32| database.execute(&format!("UPDATE meta SET value = '{number}' WHERE name = 'schema'"));
        schema(newest() + 1);
        for error in [store.enable_receivers(None).await.unwrap_err(), reader.facts().await.unwrap_err()] {
            assert!(
                matches!(error, StoreError::Newer { found, known, .. } if (found, known) == (newest() + 1, newest()))
            );
            assert!(error.is_final() && !error.passes(), "whoever waited would wait for ever");
        }
        // A server that was given back what an older program had.
        schema(newest() - 1);
        let error = reader.facts().await.unwrap_err();
        assert!(matches!(error, StoreError::Older { .. }) && error.is_final(), "{error}");
        schema(newest());
        reader.facts().await.unwrap();
        store.enable_receivers(None).await.unwrap();
        store.close().await.unwrap();
    }
}
