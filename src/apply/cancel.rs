//! How a run is told to stop.

use tokio::sync::watch;

/// Why a run stops before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A newer revision is there.
    Superseded,
    /// The process is to end.
    Shutdown,
}

/// Tells runs to stop.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Option<Stop>>);

/// Learns that it is to stop. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stopped(watch::Receiver<Option<Stop>>);

/// A pair of the two. A run whose [`Stopper`] is gone is never stopped.
pub fn stopping() -> (Stopper, Stopped) {
    let (sender, receiver) = watch::channel(None);
    (Stopper(sender), Stopped(receiver))
}

impl Stopper {
    /// Tells the run to finish the requests in hand, to start no others and to wait for nothing.
    pub fn stop(&self, why: Stop) {
        self.0.send_replace(Some(why));
    }
}

impl Stopped {
    /// One that never comes.
    pub fn never() -> Self {
        stopping().1
    }

    /// Why to stop, where it is to stop.
    pub fn why(&self) -> Option<Stop> {
        *self.0.borrow()
    }

    /// Comes back when it is to stop.
    pub async fn stopped(&mut self) -> Stop {
        loop {
            if let Some(why) = *self.0.borrow_and_update() {
                return why;
            }
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
