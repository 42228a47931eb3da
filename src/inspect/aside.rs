//! Work that takes a processor for a while, away from the threads that pull, judge and deliver.

use tokio::sync::Semaphore;

/// One piece of work at a time, so that the other processors are left to the daemon.
static TURN: Semaphore = Semaphore::const_new(1);

/// Works beside everything else; whoever asks while others work waits for a turn.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // Nobody closes it. The turn is kept until the work is done, also where nobody waits for it any more.
    let turn = TURN.acquire().await.ok();
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    match done.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Cut off: the runtime ends, and this with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn work_is_done_one_by_one_and_a_panic_is_handed_on() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static AT_WORK: AtomicUsize = AtomicUsize::new(0);
        let piece = || {
            aside(|| {
                let others = AT_WORK.fetch_add(1, Ordering::SeqCst);
                std::thread::yield_now();
                AT_WORK.fetch_sub(1, Ordering::SeqCst);
                others
            })
        };
        let pieces = futures_util::future::join_all((0..8).map(|_| piece())).await;
        assert_eq!(pieces, [0; 8]);
        let panicked = std::panic::AssertUnwindSafe(aside(|| panic!("no"))).catch_unwind().await;
        assert!(panicked.is_err());
        assert_eq!(aside(|| 7).await, 7);
    }
}
