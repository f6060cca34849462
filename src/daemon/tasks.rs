//! The tasks of the daemon, by name: a panic or an early end of one is the end of the process, never
//! a silence.

use std::{any::Any, collections::HashMap, future::Future, time::Duration};

use tokio::{
    task::{AbortHandle, Id, JoinError, JoinHandle, JoinSet},
    time::{Instant, timeout_at},
};

use super::DaemonError;

/// Tasks that are watched over together.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    set: JoinSet<Result<(), DaemonError>>,
    names: HashMap<Id, String>,
}

impl Tasks {
    /// Starts a task.
    pub(super) fn spawn(
        &mut self,
        name: impl Into<String>,
        task: impl Future<Output = Result<(), DaemonError>> + Send + 'static,
    ) -> AbortHandle {
        let handle = self.set.spawn(task);
        self.names.insert(handle.id(), name.into());
        handle
    }

    /// The next task that ends: its name, and how it ended. Never resolves while all run.
    pub(super) async fn next_end(&mut self) -> (String, Result<(), DaemonError>) {
        loop {
            if let Some(ended) = self.set.join_next_with_id().await {
                return self.took(ended);
            }
            std::future::pending::<()>().await;
        }
    }

    fn took(
        &mut self,
        ended: Result<(Id, Result<(), DaemonError>), JoinError>,
    ) -> (String, Result<(), DaemonError>) {
        match ended {
            Ok((id, result)) => (self.names.remove(&id).unwrap_or_default(), result),
            Err(error) => {
                let task = self.names.remove(&error.id()).unwrap_or_default();
                let result = if error.is_cancelled() {
                    Ok(())
                } else {
                    let message = panic_message(error.into_panic().as_ref());
                    Err(DaemonError::Panicked {
                        task: task.clone(),
                        message,
                    })
                };
                (task, result)
            }
        }
    }

    /// Waits for every task to end after all were asked to, and gives the first failure. What is
    /// still running at the deadline is aborted and named.
    pub(super) async fn drain(&mut self, deadline: Duration) -> Result<(), DaemonError> {
        let mut outcome = Ok(());
        let until = Instant::now() + deadline;
        while !self.set.is_empty() {
            match timeout_at(until, self.set.join_next_with_id()).await {
                Ok(Some(ended)) => {
                    let (_, result) = self.took(ended);
                    outcome = outcome.and(result);
                }
                Ok(None) => break,
                Err(_) => {
                    let mut tasks: Vec<String> = self.names.values().cloned().collect();
                    tasks.sort();
                    self.set.abort_all();
                    return outcome.and(Err(DaemonError::Late { deadline, tasks }));
                }
            }
        }
        outcome
    }
}

/// Waits for a task that was started elsewhere, so that its panic does not go unseen.
pub(super) async fn watch_over(name: &str, task: JoinHandle<()>) -> Result<(), DaemonError> {
    match task.await {
        Err(error) if error.is_panic() => {
            let message = panic_message(error.into_panic().as_ref());
            Err(DaemonError::Panicked {
                task: name.to_owned(),
                message,
            })
        }
        _ => Ok(()),
    }
}

/// What a panic said.
pub(super) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_task_comes_out_with_its_name_and_message() {
        let mut tasks = Tasks::default();
        tasks.spawn("runs for ever", std::future::pending());
        tasks.spawn("worker", async { panic!("oh {}", "no") });
        let (name, result) = tasks.next_end().await;
        assert_eq!(name, "worker");
        assert_eq!(result.unwrap_err().to_string(), "`worker` panicked: oh no");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("stuck", std::future::pending());
        tasks.spawn("good", async { Ok(()) });
        let error = tasks.drain(Duration::from_secs(9)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "still running 9 s after the request to end: stuck"
        );
    }

    #[tokio::test]
    async fn a_failure_on_the_way_out_is_not_lost() {
        let mut tasks = Tasks::default();
        tasks.spawn("bad", async {
            Err(DaemonError::Ended {
                task: "x".to_owned(),
            })
        });
        tasks.spawn("good", async { Ok(()) });
        assert!(tasks.drain(Duration::from_secs(9)).await.is_err());
    }
}
