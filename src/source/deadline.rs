//! Blocking work with a deadline.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time};

use super::error::SourceError;

/// Tells blocking work that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Whether the work should end as soon as it can.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sets its [`Cancel`] when dropped: at the deadline, or with the future that waits.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` on a thread of its own and waits for it until `limit`, when it gives `late`.
///
/// It is not tokio's blocking pool: a runtime waits for that when it shuts down, and a server that
/// hangs must not hold up the end of the daemon. A thread that is given up sees its `Cancel` at
/// the next progress report, or ends with libgit2's own time-out.
pub(super) async fn run<T, W>(
    limit: Duration,
    late: impl FnOnce() -> SourceError,
    work: W,
) -> Result<T, SourceError>
where
    T: Send + 'static,
    W: FnOnce(&Cancel) -> Result<T, SourceError> + Send + 'static,
{
    let cancel = Cancel::default();
    let guard = CancelOnDrop(cancel.clone());
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new()
        .name("trueup-source".to_owned())
        .spawn(move || {
            // The other side may have given up; then nobody wants the result.
            let _ = sender.send(work(&cancel));
        })
        .map_err(|error| SourceError::Internal(format!("cannot start a thread: {error}")))?;
    let outcome = time::timeout(limit, receiver).await;
    drop(guard);
    match outcome {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(SourceError::Internal(
            "the thread that polls it panicked".to_owned(),
        )),
        Err(_) => Err(late()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late() -> SourceError {
        SourceError::Busy {
            url: "late".to_owned(),
        }
    }

    #[tokio::test]
    async fn work_that_ends_in_time_gives_its_result() {
        let result = run(Duration::from_mins(1), late, |cancel| Ok(cancel.is_set())).await;
        assert_eq!(result, Ok(false));
    }

    #[tokio::test]
    async fn work_that_hangs_is_given_up_and_told_so() {
        let (told, was_told) = std::sync::mpsc::channel();
        let result: Result<(), _> = run(Duration::from_millis(10), late, move |cancel| {
            while !cancel.is_set() {
                thread::yield_now();
            }
            told.send(()).unwrap();
            Ok(())
        })
        .await;
        assert_eq!(result, Err(late()));
        was_told.recv().unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error() {
        let result: Result<(), _> = run(Duration::from_mins(1), late, |_| panic!("broken")).await;
        assert!(matches!(result, Err(SourceError::Internal(_))));
    }
}
