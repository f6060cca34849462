//! Asks again where the next answer may be better: a server that wants fewer requests, one that
//! changes its leader, one that has not heard yet of what was just written, AWS that does not know yet
//! what was just made.

use std::time::Duration;

use futures::future::BoxFuture;

use super::error::{ErrorKind, VaultError};

/// How often something is tried.
const TRIES: u32 = 6;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(200);

/// What AWS says, through a server, of what it does not know yet.
const AWS: [&str; 2] = ["InvalidClientTokenId", "NoSuchEntity"];

/// Tries until it goes well, or cannot.
pub(super) async fn patiently<'a, T>(
    mut attempt: impl FnMut() -> BoxFuture<'a, Result<T, VaultError>>,
) -> Result<T, VaultError> {
    let mut wait = FIRST;
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if may_pass(&error) => {
                // Not all at once again.
                tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
                wait *= 2;
            }
            result => return result,
        }
    }
    attempt().await
}

/// A sealed server stays so until it is unsealed: that is for whoever asked.
fn may_pass(error: &VaultError) -> bool {
    error.kind != ErrorKind::Sealed
        && (error.is_transient() || AWS.iter().any(|code| error.message.contains(code)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::FutureExt;

    use super::*;

    async fn tries(kind: ErrorKind, message: &str, fails: u32) -> (u32, bool) {
        let count = AtomicU32::new(0);
        let result = patiently(|| {
            let now = count.fetch_add(1, Ordering::SeqCst) + 1;
            let answer = if now <= fails {
                Err(VaultError::new(kind, message))
            } else {
                Ok(())
            };
            async move { answer }.boxed()
        })
        .await;
        (count.load(Ordering::SeqCst), result.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_what_cannot_is_not() {
        for (kind, message, fails, expected) in [
            (ErrorKind::Throttled, "", 3, (4, true)),
            (ErrorKind::Server, "", 99, (TRIES, false)),
            (ErrorKind::Invalid, "InvalidClientTokenId: x", 2, (3, true)),
            (ErrorKind::Invalid, "no such field", 99, (1, false)),
            (ErrorKind::Forbidden, "", 99, (1, false)),
            (ErrorKind::Sealed, "", 99, (1, false)),
        ] {
            assert_eq!(tries(kind, message, fails).await, expected, "{kind:?}");
        }
    }
}
