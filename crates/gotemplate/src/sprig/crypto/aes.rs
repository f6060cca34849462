//! AES-256 in CBC mode as `encryptAES` and `decryptAES` use it: the password, cut or padded with zeros, is the key.

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use base64::{Engine, engine::general_purpose::STANDARD};

const BLOCK: usize = 16;

fn key(password: &[u8]) -> Option<UnboundCipherKey> {
    let mut key = [0; 32];
    for (slot, byte) in key.iter_mut().zip(password) {
        *slot = *byte;
    }
    UnboundCipherKey::new(&AES_256, &key).ok()
}

/// Base64 of the initial vector and the ciphertext.
pub(super) fn encrypt(password: &[u8], text: &[u8], iv: [u8; BLOCK]) -> Result<String, String> {
    let failed = || "the system's cryptography failed".to_owned();
    let padding = BLOCK - text.len() % BLOCK;
    let mut content = text.to_vec();
    content.resize(
        text.len() + padding,
        u8::try_from(padding).unwrap_or_default(),
    );
    let key = key(password)
        .and_then(|key| EncryptingKey::cbc(key).ok())
        .ok_or_else(failed)?;
    key.less_safe_encrypt(&mut content, EncryptionContext::Iv128((&iv).into()))
        .map_err(|_| failed())?;
    Ok(STANDARD.encode([iv.as_slice(), &content].concat()))
}

/// The text of what `encrypt` gave; `capacity` is that of the buffer Go would have decoded it into. Texts that it did not give end in the panics that Go's run into.
pub(super) fn decrypt(password: &[u8], bytes: &[u8], capacity: usize) -> Result<Vec<u8>, String> {
    let Some((iv, content)) = bytes.split_first_chunk::<BLOCK>() else {
        return Err(format!(
            "runtime error: slice bounds out of range [:{BLOCK}] with capacity {capacity}"
        ));
    };
    if content.len() % BLOCK != 0 {
        return Err("crypto/cipher: input not full blocks".into());
    }
    let mut content = content.to_vec();
    if !content.is_empty() {
        let failed = || "the system's cryptography failed".to_owned();
        let key = key(password)
            .and_then(|key| DecryptingKey::cbc(key).ok())
            .ok_or_else(failed)?;
        key.decrypt(&mut content, DecryptionContext::Iv128(iv.into()))
            .map_err(|_| failed())?;
    }
    let padding = content
        .last()
        .copied()
        .ok_or("runtime error: index out of range [-1]")?;
    let Some(end) = content.len().checked_sub(usize::from(padding)) else {
        let over = i64::from(padding) - i64::try_from(content.len()).unwrap_or_default();
        return Err(format!(
            "runtime error: slice bounds out of range [:-{over}]"
        ));
    };
    content.truncate(end);
    Ok(content)
}
