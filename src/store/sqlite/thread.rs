//! The one thread that owns the connection: work comes to it as closures and is done one at a time. Reading for
//! others is done by threads with connections of their own.
//!
//! A final error ends the store: nothing more is done with the file, and every later call says why. What is read for
//! others changes nothing, so that an error there is the answer to that one call.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::open::Opened;
use crate::base::error::{Chain, of_panic};
use crate::store::StoreError;
use crate::store::sql::{End, Fault};

/// After so many steps of SQLite's machine it is asked whether a read goes on.
const STEPS: i32 = 10_000;
/// How often it goes on: some seconds of work. What reads for longer keeps the write-ahead log from being used anew.
const STEPS_ASKED: u32 = 20_000;

/// Work for the thread: it gets the connection, or the reason why there is none any more.
type Work = Box<dyn FnOnce(Result<&mut Connection, &str>) -> Flow + Send>;

enum Job {
    Work(Work),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// Whether the store goes on after a piece of work.
enum Flow {
    GoOn,
    End(String),
}

/// What is done on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// All there is to do with the store.
    Owns,
    /// Reading alone, each call as of one moment.
    Reads,
}

/// The way to the thread, or to several that do the same.
#[derive(Debug)]
pub struct Thread {
    path: PathBuf,
    role: Role,
    jobs: mpsc::Sender<Job>,
    /// How many threads there are.
    hands: usize,
    #[cfg(test)]
    pub fuse: Fuse,
    /// Whether whoever calls stands still until it is done, so that no time of a paused runtime goes by meanwhile.
    #[cfg(test)]
    pub still: std::sync::atomic::AtomicBool,
}

/// A crash at a chosen call, for tests: the call is not done, or done and never answered; and so is
/// every later one.
#[cfg(test)]
#[derive(Debug, Default)]
pub struct Fuse(Mutex<Option<(u32, bool)>>);

#[cfg(test)]
impl Fuse {
    /// Lets so many calls through; the next is cut off, after it was done when `done`.
    pub fn light(&self, calls: u32, done: bool) {
        *self.0.lock().unwrap() = Some((calls, done));
    }

    /// Whether this call is cut off: `Some(true)` after it was done.
    fn burn(&self) -> Option<bool> {
        let mut fuse = self.0.lock().unwrap();
        let (calls, done) = fuse.as_mut()?;
        let cut = (*calls == 0).then_some(*done);
        *calls = calls.saturating_sub(1);
        if cut.is_some() {
            *done = false;
        }
        cut
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Work(_) => "Work",
            Self::Close(_) => "Close",
        })
    }
}

impl Thread {
    /// Opens a store on a thread of its own, or on several; opening blocks, so it runs there, too.
    pub async fn start<T: Send + 'static>(
        path: PathBuf,
        role: Role,
        openings: Vec<impl FnOnce() -> Result<(Opened, T), StoreError> + Send + 'static>,
    ) -> Result<(Self, Vec<T>), StoreError> {
        let (jobs, inbox) = mpsc::channel();
        let (inbox, hands) = (Arc::new(Mutex::new(inbox)), openings.len());
        let mut answers = Vec::with_capacity(hands);
        for open in openings {
            let (reply, answer) = oneshot::channel();
            let inbox = inbox.clone();
            let run = move || match open() {
                Ok((opened, value)) => {
                    // Whoever asked may have gone: then the inbox is closed, too, and the store with it.
                    drop(reply.send(Ok(value)));
                    serve(opened, &inbox);
                }
                Err(error) => drop(reply.send(Err(error))),
            };
            let spawned = std::thread::Builder::new().name("store".to_owned()).spawn(run);
            spawned.map_err(|error| StoreError::Io { path: path.clone(), source: Box::new(error) })?;
            answers.push(answer);
        }
        let mut values = Vec::with_capacity(hands);
        for answer in answers {
            let broke_off = |_| StoreError::BrokeOff { path: path.clone(), why: "opening".to_owned() };
            values.push(answer.await.map_err(broke_off)??);
        }
        let thread = Self {
            path,
            role,
            jobs,
            hands,
            #[cfg(test)]
            fuse: Fuse::default(),
            #[cfg(test)]
            still: std::sync::atomic::AtomicBool::default(),
        };
        Ok((thread, values))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether only reading is done there.
    pub fn reads_only(&self) -> bool {
        self.role == Role::Reads
    }

    /// Refuses what changes anything where only reading is done.
    pub fn may_write(&self) -> Result<(), StoreError> {
        if self.reads_only() { Err(StoreError::ReadOnly { path: self.path.clone() }) } else { Ok(()) }
    }

    /// Does some work with the connection.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        #[cfg(test)]
        let cut = self.fuse.burn();
        #[cfg(test)]
        if cut == Some(false) {
            return Err(StoreError::Ended { path: self.path.clone(), why: "it crashed".to_owned() });
        }
        let (reply, answer) = oneshot::channel();
        let (path, role) = (self.path.clone(), self.role);
        let job = move |connection: Result<&mut Connection, &str>| {
            let done = |connection: &mut Connection| match role {
                Role::Owns => attempt(connection, work),
                Role::Reads => read(connection, work),
            };
            let result = match connection {
                Ok(connection) => done(connection).map_err(|fault| fault.at(&path)),
                Err(why) => Err(StoreError::Ended { path, why: why.to_owned() }),
            };
            let flow = match &result {
                Err(error) if error.is_final() && role == Role::Owns => Flow::End(Chain(error).to_string()),
                Err(_) | Ok(_) => Flow::GoOn,
            };
            // Whoever asked may have gone; what was done stands.
            drop(reply.send(result));
            flow
        };
        let closed = || StoreError::Ended { path: self.path.clone(), why: "it was closed".to_owned() };
        self.jobs.send(Job::Work(Box::new(job))).map_err(|_| closed())?;
        #[cfg(test)]
        while self.still.load(std::sync::atomic::Ordering::Relaxed) && answer.is_empty() && !answer.is_terminated() {
            std::thread::yield_now();
        }
        let result = answer.await.map_err(|_| closed())?;
        #[cfg(test)]
        if cut == Some(true) {
            return Err(StoreError::Ended { path: self.path.clone(), why: "it crashed".to_owned() });
        }
        result
    }

    /// Does some work in one transaction that no other writer can get into.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.may_write()?;
        self.call(move |connection| transact(connection, work)).await
    }

    /// Ends the threads after what was asked before, and lets go of the file.
    pub async fn close(&self) -> Result<(), StoreError> {
        for _ in 0..self.hands {
            let (reply, answer) = oneshot::channel();
            if self.jobs.send(Job::Close(reply)).is_err() {
                return Ok(());
            }
            answer.await.unwrap_or(Ok(()))?;
        }
        Ok(())
    }
}

/// Runs work in a transaction.
pub fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<End<T>, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match work(&transaction)? {
        End::Commit(value) => {
            Transaction::commit(transaction).map_err(Fault::Commit)?;
            Ok(value)
        }
        End::RollBack(value) => {
            transaction.rollback()?;
            Ok(value)
        }
    }
}

/// Does some work without asking of each row whether what it refers to exists.
pub fn unchecked<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    let done = catch_unwind(AssertUnwindSafe(|| work(connection)));
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    done.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs work; a panic in it rolls its transaction back on its way and is an error like any other.
fn attempt<T>(connection: &mut Connection, work: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(|| work(connection)))
        .unwrap_or_else(|panic| Err(Fault::BrokeOff(of_panic(panic.as_ref()).to_owned())))
}

/// Runs work that reads, in a transaction of its own: several statements see one moment, and nothing of it lasts.
fn read<T>(connection: &mut Connection, work: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    let mut left = STEPS_ASKED;
    let ends = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    connection.progress_handler(STEPS, Some(ends))?;
    connection.execute_batch("BEGIN")?;
    let result = attempt(connection, work);
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

/// The next of what is asked; `None` where nobody can ask any more.
fn next(inbox: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn serve(opened: Opened, inbox: &Mutex<mpsc::Receiver<Job>>) {
    let mut state = Ok(opened);
    while let Some(job) = next(inbox) {
        match job {
            Job::Work(work) => {
                let flow =
                    work(state.as_mut().map(|opened| &mut opened.connection).map_err(|why: &mut Gone| &*why.why));
                if let (Flow::End(why), Ok(_)) = (flow, &state) {
                    state = end(state, why);
                }
            }
            Job::Close(reply) => {
                let closed = state.map_or_else(|_| Ok(()), Opened::close);
                drop(reply.send(closed));
                return;
            }
        }
    }
}

/// A store that ended; the lock stays with the process, which is about to end.
struct Gone {
    why: String,
    _lock: Option<super::lock::Lock>,
}

fn end(state: Result<Opened, Gone>, why: String) -> Result<Opened, Gone> {
    let opened = state?;
    Err(Gone { why, _lock: opened.abandon() })
}
