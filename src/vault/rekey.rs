//! Gives a Vault other shares, so that at every moment the ones that are kept open it.
//!
//! The server makes the new shares and holds them back until they are shown to it once more (its
//! verification): until then the old ones are good. In between the new ones go into the store, and
//! only what was read back from there is shown.
//!
//! ```text
//!  old shares good                                        │ new shares good
//!  init ─► next: begun ─► update × threshold ─► next: keys ─► verify × threshold ─► keys, next cleared
//! ```
//!
//! Whoever finds something in `next` asks the server which are good: [`settle`].

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    init::{Init, Vault},
    keys::Keys,
    seal::{seal_status, unseal},
    store::Slot,
    token::{generate_root, revoke},
};

/// Shares that may be the ones to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Next {
    /// The number of the ceremony in which they are made, or shown.
    nonce: String,
    /// The shares, sealed; none before the server gave them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    keys: Option<String>,
}

/// The paths of the ceremony: of the shares that unseal, or of those that recover.
fn path(keys: &Keys, rest: &str) -> String {
    if keys.shares.is_empty() {
        format!("sys/rekey-recovery-key/{rest}")
    } else {
        format!("sys/rekey/{rest}")
    }
}

/// Whether a ceremony can be begun: a server that has none says so, and one of somebody else is left
/// alone. Gives the number of one that was begun and given nothing, which can be ended.
pub(super) async fn ready(
    vault: &Vault<'_>,
    client: &Client,
    keys: &Keys,
) -> Result<Option<String>, VaultError> {
    let status = client
        .read(&path(keys, "init"))
        .await
        .map_err(unsupported)?;
    if status.get("started").and_then(Value::as_bool) != Some(true) {
        return Ok(None);
    }
    let given = status.get("progress").and_then(Value::as_u64).unwrap_or(0);
    let made = !text(&status, "verification_nonce").is_empty();
    let nonce = text(&status, "nonce");
    let ours = load(vault).await?.is_some_and(|next| next.nonce == nonce);
    if !ours && (given > 0 || made) {
        let message = format!(
            "somebody is giving {} other shares: {given} of the old ones are there",
            client.describe()
        );
        return Err(VaultError::new(ErrorKind::Invalid, message)
            .help("wait for them, or end theirs with `vault operator rekey -cancel`"));
    }
    Ok(Some(nonce.to_owned()))
}

/// Ends a ceremony that was begun: the server wants its number.
async fn end(client: &Client, keys: &Keys, nonce: &str) -> Result<(), VaultError> {
    let body = json!({ "nonce": nonce });
    client.delete_with(&path(keys, "init"), &body).await
}

/// Gives other shares, and keeps them.
pub(super) async fn rekey(
    vault: &Vault<'_>,
    client: &Client,
    keys: &Keys,
    split: &Init,
) -> Result<Keys, VaultError> {
    if let Some(nonce) = ready(vault, client, keys).await? {
        end(client, keys, &nonce).await?;
    }
    let body = json!({
        "secret_shares": split.shares,
        "secret_threshold": split.threshold,
        "require_verification": true,
    });
    let begun = client.put(&path(keys, "init"), &body).await?;
    let nonce = text(&begun, "nonce").to_owned();
    save(
        vault,
        &Next {
            nonce: nonce.clone(),
            keys: None,
        },
    )
    .await?;

    let mut given = None;
    for share in old_shares(keys) {
        let body = json!({"key": share.expose(), "nonce": nonce});
        let answer = client.put(&path(keys, "update"), &body).await?;
        if answer.get("complete").and_then(Value::as_bool) == Some(true) {
            given = Some(answer);
            break;
        }
    }
    let given = given.ok_or_else(|| {
        VaultError::new(ErrorKind::Keys, "the shares that are kept are not enough")
    })?;
    let made = new_keys(keys, &given, split.threshold)?;
    let sealed = vault.sealer.seal(&made.to_bytes()).await?;
    let next = Next {
        nonce: text(&given, "verification_nonce").to_owned(),
        keys: Some(String::from_utf8_lossy(&sealed).into_owned()),
    };
    save(vault, &next).await?;
    let Some(back) = load(vault).await? else {
        return Err(not_kept(vault));
    };
    let back = open(vault, &back).await?.ok_or_else(|| not_kept(vault))?;
    if back != made {
        return Err(not_kept(vault));
    }
    show(client, &back, &next.nonce).await?;
    promote(vault, &back).await?;
    Ok(back)
}

/// What an interrupted ceremony left is brought to its end: gives the keys that are good now. With
/// every server sealed, one is opened to find out.
pub(super) async fn settle(vault: &Vault<'_>, old: Keys) -> Result<Keys, VaultError> {
    let Some(next) = load(vault).await? else {
        return Ok(old);
    };
    vault.guard.ensure().await?;
    let Some(new) = open(vault, &next).await? else {
        // It gave nothing that is here. What the server may have made is good for nothing.
        for server in vault.servers {
            let status = server.read(&path(&old, "init")).await;
            if status.is_ok_and(|status| text(&status, "nonce") == next.nonce) {
                end(server, &old, &next.nonce).await?;
            }
        }
        vault.store.clear(Slot::Next).await?;
        return Ok(old);
    };
    let Some(server) = opened(vault, &old, &new).await? else {
        return Ok(old);
    };
    let under_way = server.read(&path(&old, "verify")).await;
    let under_way = under_way.is_ok_and(|status| text(&status, "nonce") == next.nonce);
    if under_way {
        show(server, &new, &next.nonce).await?;
        promote(vault, &new).await?;
        return Ok(new);
    }
    // It was verified, or the server has forgotten it: what opens it tells.
    match generate_root(server, &new).await {
        Ok(token) => {
            revoke(&server.clone().with_token(token)).await?;
            promote(vault, &new).await?;
            Ok(new)
        }
        Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Keys) => {
            vault.store.clear(Slot::Next).await?;
            Ok(old)
        }
        Err(error) => Err(error),
    }
}

/// A server that is open, opened where none is; none where none is initialised or opens by itself.
async fn opened<'a>(
    vault: &Vault<'a>,
    old: &Keys,
    new: &Keys,
) -> Result<Option<&'a Client>, VaultError> {
    let mut sealed = None;
    for server in vault.servers {
        let status = seal_status(server).await?;
        if !status.sealed {
            return Ok(Some(server));
        }
        if status.initialised && !status.recovery {
            sealed.get_or_insert(server);
        }
    }
    let Some(server) = sealed else {
        return Ok(None);
    };
    match unseal(server, old).await {
        Err(error) if error.kind == ErrorKind::Keys => {
            unseal(server, new).await?;
        }
        other => {
            other?;
        }
    }
    Ok(Some(server))
}

/// Shows the new shares, as they were read back: from the last of them on they are the good ones.
async fn show(client: &Client, new: &Keys, nonce: &str) -> Result<(), VaultError> {
    for share in old_shares(new) {
        let body = json!({"key": share.expose(), "nonce": nonce});
        let answer = match client.put(&path(new, "verify"), &body).await {
            // A process that ended before had shown it.
            Err(error) if error.message.contains("already been provided") => continue,
            answer => answer?,
        };
        if answer.get("complete").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
    }
    Err(VaultError::new(
        ErrorKind::Keys,
        format!("{} does not take its new shares", client.describe()),
    )
    .help("the old ones are good still; run it again"))
}

/// The new shares become the kept ones.
async fn promote(vault: &Vault<'_>, new: &Keys) -> Result<(), VaultError> {
    let sealed = vault.sealer.seal(&new.to_bytes()).await?;
    vault.store.save(Slot::Keys, &sealed).await?;
    let back = vault.store.load(Slot::Keys).await?.unwrap_or_default();
    let back = Keys::of_bytes(&vault.sealer.open(&back).await?)?;
    if back != *new {
        return Err(not_kept(vault));
    }
    vault.store.clear(Slot::Next).await
}

fn old_shares(keys: &Keys) -> &[crate::source::Secret] {
    if keys.shares.is_empty() {
        &keys.recovery
    } else {
        &keys.shares
    }
}

/// The keys of the answer that ended the ceremony, of the same kind as before.
fn new_keys(old: &Keys, answer: &Value, threshold: u64) -> Result<Keys, VaultError> {
    let mut made = Keys::of_answer(answer.to_string().as_bytes(), threshold)?;
    if old.shares.is_empty() {
        made.recovery = std::mem::take(&mut made.shares);
    }
    made.root.clone_from(&old.root);
    Ok(made)
}

async fn load(vault: &Vault<'_>) -> Result<Option<Next>, VaultError> {
    let Some(bytes) = vault.store.load(Slot::Next).await? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let message = format!(
            "what `rekey` left beside {} is damaged: {error}",
            vault.store.describe()
        );
        VaultError::new(ErrorKind::Keys, message).help("bring it back from a backup")
    })
}

async fn open(vault: &Vault<'_>, next: &Next) -> Result<Option<Keys>, VaultError> {
    let Some(sealed) = &next.keys else {
        return Ok(None);
    };
    Keys::of_bytes(&vault.sealer.open(sealed.as_bytes()).await?).map(Some)
}

async fn save(vault: &Vault<'_>, next: &Next) -> Result<(), VaultError> {
    let bytes = serde_json::to_vec(next).map_err(|_| not_kept(vault))?;
    vault.store.save(Slot::Next, &bytes).await
}

fn not_kept(vault: &Vault<'_>) -> VaultError {
    let message = format!("{} does not keep what it is given", vault.store.describe());
    VaultError::new(ErrorKind::Keys, message).help("the old shares are good still; mend the store")
}

fn unsupported(error: VaultError) -> VaultError {
    if error.kind != ErrorKind::Unsupported {
        return error;
    }
    error.help(
        "this server gives no other shares without a token: set \
         `disable_unauthed_rekey_endpoints = false` on its listener",
    )
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
