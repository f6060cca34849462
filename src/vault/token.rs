//! A token that may configure: the first one while it lives, one that the shares make later, or one
//! that somebody gives. Ours are revoked when the work is done.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    keys::Keys,
};
use crate::source::Secret;

/// Makes a root token of the shares, by Vault's own ceremony. It is to be revoked as soon as its
/// work is done.
pub(super) async fn generate_root(client: &Client, keys: &Keys) -> Result<Secret, VaultError> {
    const ATTEMPT: &str = "sys/generate-root/attempt";
    let shares = if keys.shares.is_empty() {
        &keys.recovery
    } else {
        &keys.shares
    };
    // One that somebody left half done would mix its shares with ours.
    client.delete(ATTEMPT).await.map_err(unsupported)?;
    let begun = client.put(ATTEMPT, &json!({})).await.map_err(unsupported)?;
    let (nonce, otp) = (text(&begun, "nonce"), text(&begun, "otp"));
    for share in shares {
        let body = json!({"key": share.expose(), "nonce": nonce});
        let answer = client.put("sys/generate-root/update", &body).await?;
        if answer.get("complete").and_then(Value::as_bool) == Some(true) {
            return decode(text(&answer, "encoded_token"), otp);
        }
    }
    Err(VaultError::new(
        ErrorKind::Keys,
        "the shares that are kept are not enough for a root token",
    ))
}

/// The token is given combined (exclusive or) with the one-time password of the ceremony.
fn decode(encoded: &str, otp: &str) -> Result<Secret, VaultError> {
    let broken = || VaultError::new(ErrorKind::Server, "the server gave a token that is none");
    let encoded = encoded.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(encoded).map_err(|_| broken())?;
    let clear: Zeroizing<Vec<u8>> = Zeroizing::new(
        bytes
            .iter()
            .zip(otp.as_bytes())
            .map(|(a, b)| a ^ b)
            .collect(),
    );
    let token = std::str::from_utf8(&clear).map_err(|_| broken())?;
    Ok(Secret::new(token))
}

fn unsupported(error: VaultError) -> VaultError {
    if error.kind != ErrorKind::Unsupported {
        return error;
    }
    error.help(
        "this server makes no root token of shares: set `disable_unauthed_generate_root_endpoints = \
         false` on its listener, or give trueup a login of its own in `auth`",
    )
}

/// Revokes the token of a client.
pub(super) async fn revoke(client: &Client) -> Result<(), VaultError> {
    client.write("auth/token/revoke-self", &json!({})).await?;
    Ok(())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
