//! Sealed under a key of AWS KMS, by envelope: each text has a key of its own, which KMS makes and only KMS
//! can open again.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    aws::{Aws, AwsError, Provider},
    vault::error::{ErrorKind, VaultError},
};

/// What KMS is told that its key is used for, so that a key given for something else opens nothing.
const PURPOSE: &str = "vault-keys";

/// A key of AWS KMS.
pub(in crate::vault) struct Kms {
    key: String,
    region: String,
    provider: Provider,
}

impl Kms {
    /// The key of this id, ARN or alias.
    pub(in crate::vault) fn new(key: &str, region: &str, provider: Provider) -> Self {
        Self {
            key: key.to_owned(),
            region: region.to_owned(),
            provider,
        }
    }

    async fn ask(&self, action: &str, mut body: Value) -> Result<Value, VaultError> {
        if let Some(body) = body.as_object_mut() {
            body.insert("KeyId".to_owned(), json!(self.key));
            body.insert("EncryptionContext".to_owned(), json!({"trueup": PURPOSE}));
        }
        let credentials = self.provider.credentials(&self.region).await;
        let aws = Aws::new(&self.region, credentials.map_err(|error| failed(&error))?);
        let target = format!("TrentService.{action}");
        let answer = aws.json("kms", &target, &body).await;
        answer.map_err(|error| failed(&error))
    }

    pub(super) async fn seal(&self, clear: &[u8]) -> Result<Vec<u8>, VaultError> {
        let answer = self
            .ask("GenerateDataKey", json!({"KeySpec": "AES_256"}))
            .await?;
        let wrapped = answer.get("CiphertextBlob").cloned().unwrap_or_default();
        let key = cipher(&answer)?;
        let mut nonce = [0_u8; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce)
            .map_err(|_| broken("the system gives no random numbers"))?;
        let mut sealed = clear.to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(PURPOSE),
            &mut sealed,
        )
        .map_err(|_| broken("it cannot be encrypted"))?;
        let text = json!({
            "version": 1,
            "kmsKey": self.key,
            "key": wrapped,
            "nonce": STANDARD.encode(nonce),
            "sealed": STANDARD.encode(&sealed),
        });
        Ok(text.to_string().into_bytes())
    }

    pub(super) async fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let value: Value =
            serde_json::from_slice(sealed).map_err(|_| broken("they are not sealed under KMS"))?;
        let bytes = |name: &str| {
            let text = value.get(name).and_then(Value::as_str).unwrap_or_default();
            STANDARD
                .decode(text)
                .map_err(|_| broken("they are not sealed under KMS"))
        };
        let nonce = Nonce::try_assume_unique_for_key(&bytes("nonce")?)
            .map_err(|_| broken("they are not sealed under KMS"))?;
        let wrapped = value.get("key").cloned().unwrap_or_default();
        let answer = self
            .ask("Decrypt", json!({"CiphertextBlob": wrapped}))
            .await?;
        let key = cipher(&answer)?;
        let mut clear = Zeroizing::new(bytes("sealed")?);
        let length = key
            .open_in_place(nonce, Aad::from(PURPOSE), &mut clear)
            .map_err(|_| broken("they were changed, or are of another key"))?
            .len();
        clear.truncate(length);
        Ok(clear)
    }
}

/// The key that an answer of KMS holds in clear.
fn cipher(answer: &Value) -> Result<LessSafeKey, VaultError> {
    let text = answer.get("Plaintext").and_then(Value::as_str);
    let bytes = Zeroizing::new(
        STANDARD
            .decode(text.unwrap_or_default())
            .map_err(|_| broken("KMS gave no key"))?,
    );
    UnboundKey::new(&AES_256_GCM, &bytes)
        .map(LessSafeKey::new)
        .map_err(|_| broken("KMS gave no key"))
}

fn broken(why: &str) -> VaultError {
    VaultError::new(ErrorKind::Keys, format!("the keys cannot be read: {why}"))
}

fn failed(error: &AwsError) -> VaultError {
    let found = VaultError::new(ErrorKind::Keys, error.message.clone());
    match &error.help {
        Some(help) => found.help(help.clone()),
        None => found.help("trueup needs `kms:GenerateDataKey` and `kms:Decrypt` on the key"),
    }
}
