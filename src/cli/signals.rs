//! Ctrl-C and SIGTERM, for the commands that run for a while.

use tokio::signal::unix::{SignalKind, signal};

use super::{console::Console, exit::Failure};
use crate::apply::{Stop, Stopper};

/// Tells a run to stop at the first signal: requests in hand are finished, no others are begun. The
/// second signal ends the process at once, which is safe at any point.
pub(super) async fn stop_on_signal(stopper: Stopper, console: &Console) -> Result<(), Failure> {
    let listen = |kind| {
        signal(kind).map_err(|error| {
            Failure::new(
                "cli/signals",
                format!("signals cannot be listened for: {error}"),
            )
        })
    };
    let (mut interrupt, mut terminate) = (
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stopper.stop(Stop::Shutdown);
    console.message("stopping after the requests in hand; once more stops at once");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
