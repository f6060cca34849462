//! Whether a server is initialised and sealed, and how it is unsealed.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    keys::Keys,
    refused,
};
use crate::source::Secret;

/// How often a server that fails to tell its seal is asked again.
const BEGINNING: u32 = 40;

/// How often a server that has its shares is asked whether it is open.
const JOINING: u32 = 80;

/// The time between.
const PAUSE: Duration = Duration::from_millis(250);

/// What a server says of its seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealStatus {
    /// Whether it ever was initialised.
    pub initialised: bool,
    /// Whether it is sealed.
    pub sealed: bool,
    /// How many shares it wants.
    pub threshold: u64,
    /// How many shares it has of those it wants.
    pub progress: u64,
    /// Whether its seal opens by itself, so that shares only recover.
    pub recovery: bool,
    /// Whether it moves from one seal to another.
    pub migrating: bool,
    /// The kind of its storage.
    pub storage: String,
    /// Its version.
    pub version: String,
}

/// Asks a server. One that fails is asked again for some seconds: while somebody initialises it, a
/// Vault answers 500 from having its barrier until it has written what seals it (`Initialized` in its
/// `vault/init.go`).
pub(super) async fn seal_status(client: &Client) -> Result<SealStatus, VaultError> {
    let mut answer = client.answer("sys/seal-status").await?;
    for _ in 0..BEGINNING {
        if !answer.status.is_server_error() {
            break;
        }
        sleep(PAUSE).await;
        answer = client.answer("sys/seal-status").await?;
    }
    let value = answer.json();
    if answer.status.is_success() && value.get("sealed").is_some() {
        return Ok(of_value(&value));
    }
    let message = format!(
        "{} does not say whether it is sealed: {}",
        client.describe(),
        answer.words()
    );
    let help = if answer.status.is_server_error() {
        "its log says why"
    } else {
        "is it a Vault, and the address its own?"
    };
    Err(VaultError::new(ErrorKind::Server, message).help(help))
}

fn of_value(value: &Value) -> SealStatus {
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or(0);
    let text = |name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    SealStatus {
        initialised: flag("initialized"),
        sealed: flag("sealed"),
        threshold: number("t"),
        progress: number("progress"),
        recovery: flag("recovery_seal"),
        migrating: flag("migration"),
        storage: text("storage_type"),
        version: text("version"),
    }
}

/// What became of an unsealing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsealed {
    /// It was open already.
    Open,
    /// It is open now.
    Now,
    /// Its seal opens by itself, and has not yet: shares are of no use.
    ByItself,
    /// The shares are sealed to the people who hold them.
    ByOthers,
}

/// Unseals one server with as many shares as it wants, and no more. What others gave before is
/// forgotten first: a wrong share among them would spoil ours.
pub(super) async fn unseal(client: &Client, keys: &Keys) -> Result<Unsealed, VaultError> {
    let status = seal_status(client).await?;
    if !status.sealed {
        return Ok(Unsealed::Open);
    }
    if !status.initialised {
        let message = format!(
            "{} is not initialised, so it cannot be unsealed",
            client.describe()
        );
        return Err(VaultError::new(ErrorKind::Uninitialised, message));
    }
    if status.migrating {
        let message = format!("{} is moving to another seal", client.describe());
        return Err(VaultError::new(ErrorKind::Sealed, message)
            .help("finish the migration by hand; trueup leaves it alone until then"));
    }
    if status.recovery || keys.shares.is_empty() {
        return Ok(Unsealed::ByItself);
    }
    if keys.is_withheld() {
        return Ok(Unsealed::ByOthers);
    }
    let wanted = usize::try_from(status.threshold).unwrap_or(usize::MAX);
    let shares = different(&keys.shares);
    if shares.len() < wanted {
        let message = format!(
            "{} wants {wanted} different shares, and {} are kept",
            client.describe(),
            shares.len()
        );
        return Err(VaultError::new(ErrorKind::Keys, message));
    }
    if try_shares(client, &shares, wanted, status.progress > 0).await? {
        return Ok(Unsealed::Now);
    }
    // One that joins others has to hear from them first.
    for _ in 0..JOINING {
        sleep(PAUSE).await;
        if !seal_status(client).await?.sealed {
            return Ok(Unsealed::Now);
        }
    }
    let message = format!(
        "{} is still sealed after {wanted} shares",
        client.describe()
    );
    Err(VaultError::new(ErrorKind::Sealed, message).help("its log says why"))
}

/// The shares, each once: a server takes one that it has for no other.
fn different(shares: &[Secret]) -> Vec<&Secret> {
    let mut different: Vec<&Secret> = Vec::with_capacity(shares.len());
    for share in shares {
        if !different.contains(&share) {
            different.push(share);
        }
    }
    different
}

/// Gives as many shares as are wanted, and others where the first are refused: one that was damaged spoils its
/// combination only. More than two combinations are not tried, and none again that was refused a moment ago.
async fn try_shares(
    client: &Client,
    shares: &[&Secret],
    wanted: usize,
    has_begun: bool,
) -> Result<bool, VaultError> {
    let first: Vec<&Secret> = shares.iter().copied().take(wanted).collect();
    let last: Vec<&Secret> = shares.iter().rev().copied().take(wanted).collect();
    let server = client.describe();
    refused::ask(&server, shares)?;
    let open = match give(client, &first, has_begun).await {
        Err(error) if error.kind == ErrorKind::Keys && shares.len() > wanted => {
            give(client, &last, true).await
        }
        open => open,
    };
    match &open {
        Err(error) if error.kind == ErrorKind::Keys => refused::remember(&server, shares),
        _ => refused::forget(&server),
    }
    open
}

/// Gives shares until the server is open; gives whether it is. What others gave before is forgotten first.
async fn give(client: &Client, shares: &[&Secret], has_begun: bool) -> Result<bool, VaultError> {
    if has_begun {
        client.put("sys/unseal", &json!({"reset": true})).await?;
    }
    for share in shares {
        let answer = client
            .put("sys/unseal", &json!({"key": share.expose()}))
            .await
            .map_err(|error| not_ours(client, error))?;
        if !of_value(&answer).sealed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A refused combination: the shares that are kept are not this server's.
fn not_ours(client: &Client, error: VaultError) -> VaultError {
    if error.kind != ErrorKind::Invalid && error.kind != ErrorKind::Server {
        return error;
    }
    let message = format!(
        "{} does not open with the shares that are kept: {}",
        client.describe(),
        error.message
    );
    VaultError::new(ErrorKind::Keys, message)
        .help("was its storage replaced, or is it another Vault? Nothing was changed")
}
