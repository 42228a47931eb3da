//! The one thread that owns the connection: work comes to it as closures and is done one at a time.
//!
//! A final error ends the store: nothing more is done with the file, and every later call says why.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::fault::Fault;
use super::open::Opened;
use crate::base::error::{Chain, of_panic};
use crate::store::StoreError;

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

/// What becomes of a transaction.
pub enum End<T> {
    /// It is stored.
    Commit(T),
    /// Nothing of it is stored.
    RollBack(T),
}

/// The way to the thread.
#[derive(Debug)]
pub struct Thread {
    path: PathBuf,
    jobs: mpsc::Sender<Job>,
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
pub struct Fuse(std::sync::Mutex<Option<(u32, bool)>>);

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
    /// Opens a store on a thread of its own; `open` blocks, so it runs there, too.
    pub async fn start<T: Send + 'static>(
        path: PathBuf,
        open: impl FnOnce() -> Result<(Opened, T), StoreError> + Send + 'static,
    ) -> Result<(Self, T), StoreError> {
        let (jobs, inbox) = mpsc::channel();
        let (reply, answer) = oneshot::channel();
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
        let value =
            answer.await.map_err(|_| StoreError::BrokeOff { path: path.clone(), why: "opening".to_owned() })??;
        let thread = Self {
            path,
            jobs,
            #[cfg(test)]
            fuse: Fuse::default(),
            #[cfg(test)]
            still: std::sync::atomic::AtomicBool::default(),
        };
        Ok((thread, value))
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
        let path = self.path.clone();
        let job = move |connection: Result<&mut Connection, &str>| {
            let result = match connection {
                Ok(connection) => attempt(connection, work).map_err(|fault| fault.at(&path)),
                Err(why) => Err(StoreError::Ended { path, why: why.to_owned() }),
            };
            let flow = match &result {
                Err(error) if error.is_final() => Flow::End(Chain(error).to_string()),
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
        self.call(move |connection| transact(connection, work)).await
    }

    /// Ends the thread after what was asked before, and lets go of the file.
    pub async fn close(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        if self.jobs.send(Job::Close(reply)).is_err() {
            return Ok(());
        }
        answer.await.unwrap_or(Ok(()))
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

/// Runs work; a panic in it rolls its transaction back on its way and is an error like any other.
fn attempt<T>(connection: &mut Connection, work: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(|| work(connection)))
        .unwrap_or_else(|panic| Err(Fault::BrokeOff(of_panic(panic.as_ref()).to_owned())))
}

fn serve(opened: Opened, inbox: &mpsc::Receiver<Job>) {
    let mut state = Ok(opened);
    while let Ok(job) = inbox.recv() {
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
