//! Shares that a server refused are not sent to it again and again: each time they are refused, the time until
//! they may be tried once more doubles.
//!
//! It is remembered for as long as the process lives, whoever unseals: a pass, or what keeps servers open.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::error::{ErrorKind, VaultError};
use crate::source::Secret;

/// How long shares are not tried again after they were refused for the first time.
const FIRST: Duration = Duration::from_mins(1);

/// How long at most: a storage may be brought back from a backup at any time.
const LONGEST: Duration = Duration::from_mins(30);

/// Shares that a server refused.
struct Refused {
    /// Which ones, not to be told from this.
    shares: [u8; 32],
    /// How often.
    times: u32,
    /// When they may be tried again.
    until: Instant,
}

static REFUSED: LazyLock<Mutex<HashMap<String, Refused>>> = LazyLock::new(Mutex::default);

fn all() -> MutexGuard<'static, HashMap<String, Refused>> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn digest(shares: &[&Secret]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix("trueup refused shares");
    for share in shares {
        hash.update(Sha256::digest(share.expose()));
    }
    hash.finalize().into()
}

/// An error where these shares were refused by the server a moment ago.
pub(super) fn ask(server: &str, shares: &[&Secret]) -> Result<(), VaultError> {
    let all = all();
    let Some(refused) = all.get(server) else {
        return Ok(());
    };
    let left = refused.until.saturating_duration_since(Instant::now());
    if refused.shares != digest(shares) || left.is_zero() {
        return Ok(());
    }
    let message = format!(
        "{server} does not open with the shares that are kept; they are tried again in {} s",
        left.as_secs() + 1
    );
    Err(VaultError::new(ErrorKind::Keys, message)
        .help("was its storage replaced, or is it another Vault? Nothing was changed"))
}

/// Remembers that the server refused these shares.
pub(super) fn remember(server: &str, shares: &[&Secret]) {
    let shares = digest(shares);
    let mut all = all();
    let before = all.get(server).filter(|before| before.shares == shares);
    let times = before.map_or(0, |before| before.times.saturating_add(1));
    let wait = FIRST
        .saturating_mul(2_u32.saturating_pow(times))
        .min(LONGEST);
    let until = Instant::now() + wait;
    all.insert(
        server.to_owned(),
        Refused {
            shares,
            times,
            until,
        },
    );
}

/// Forgets it: the server took what it was given.
pub(super) fn forget(server: &str) {
    all().remove(server);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refused_shares_are_tried_again_after_ever_longer_times() {
        let (server, share) = ("http://refused-shares.example", Secret::new("share"));
        let shares = [&share];
        for wait in [60, 120, 240, 480, 960, 1800, 1800] {
            assert!(ask(server, &shares).is_ok());
            remember(server, &shares);
            tokio::time::advance(Duration::from_secs(wait - 1)).await;
            let error = ask(server, &shares).unwrap_err();
            assert!(error.message.contains("does not open"), "{error}");
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        remember(server, &shares);
        let other = Secret::new("another share");
        assert!(
            ask(server, &[&other]).is_ok(),
            "others may be tried at once"
        );
        forget(server);
        assert!(ask(server, &shares).is_ok());
    }
}
