//! What a double received, and waiting for it: the only ways in which a test waits.
//!
//! Every wait is for something that can be seen, and ends with a panic that says what came instead.

use std::fmt::Debug;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The longest wait. A test that passes never comes near it; it only bounds one that hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Things received, oldest first. Every clone is the same inbox.
pub struct Inbox<T>(Arc<(Mutex<Vec<T>>, Condvar)>);

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone + Debug> Inbox<T> {
    pub fn new() -> Self {
        Self(Arc::new((Mutex::new(Vec::new()), Condvar::new())))
    }

    pub fn push(&self, item: T) {
        self.0.0.lock().unwrap().push(item);
        self.0.1.notify_all();
    }

    pub fn all(&self) -> Vec<T> {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until enough has come; all of it.
    #[track_caller]
    pub fn wait(&self, what: &str, enough: impl Fn(&[T]) -> bool) -> Vec<T> {
        let items = self.0.0.lock().unwrap();
        let (items, waited) = self.0.1.wait_timeout_while(items, PATIENCE, |items| !enough(items)).unwrap();
        let all = items.clone();
        drop(items);
        assert!(!waited.timed_out(), "waited in vain for {what}; there is {all:#?}");
        all
    }
}

/// A gate that a double waits at until the test opens it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open; gives up like every wait, but quietly: the test says what it missed.
    pub fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap());
    }
}

#[test]
fn an_inbox_waits_for_what_another_thread_brings() {
    let (inbox, gate) = (Inbox::new(), Gate::default());
    let (other, door) = (inbox.clone(), gate.clone());
    let thread = std::thread::spawn(move || {
        door.pass();
        other.push("first");
        other.push("second");
    });
    assert!(inbox.all().is_empty());
    gate.open();
    assert_eq!(inbox.wait("two", |all| all.len() == 2), ["first", "second"]);
    thread.join().unwrap();
}
