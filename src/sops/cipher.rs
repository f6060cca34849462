//! Opens single values: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use aes_gcm::{
    AesGcm, KeyInit,
    aead::consts::U32,
    aead::{Aead, Payload, generic_array::GenericArray},
    aes::Aes256,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::Error;

/// AES-256 in GCM with the nonces of 32 bytes that SOPS takes.
pub(super) struct Cipher(AesGcm<Aes256, U32>);

/// A value in clear, with the word for its type.
pub(super) struct Opened {
    pub text: Zeroizing<Vec<u8>>,
    pub kind: String,
}

impl Cipher {
    pub(super) fn new(key: &[u8]) -> Result<Self, Error> {
        let cipher = AesGcm::new_from_slice(key);
        cipher
            .map(Self)
            .map_err(|_| Error::NotSops("its key is not of 32 bytes".to_owned()))
    }

    /// Opens a value that is bound to `bound`; none where it cannot be.
    pub(super) fn open(&self, sealed: &str, bound: &str) -> Option<Opened> {
        let inside = sealed.strip_prefix("ENC[AES256_GCM,")?.strip_suffix(']')?;
        let (mut data, mut iv, mut tag, mut kind) = (None, None, None, None);
        for part in inside.split(',') {
            let (name, value) = part.split_once(':')?;
            match name {
                "data" => data = Some(STANDARD.decode(value).ok()?),
                "iv" => iv = Some(STANDARD.decode(value).ok()?),
                "tag" => tag = Some(STANDARD.decode(value).ok()?),
                "type" => kind = Some(value.to_owned()),
                _ => return None,
            }
        }
        let (mut message, iv) = (data?, iv.filter(|iv| iv.len() == 32)?);
        message.extend(tag.filter(|tag| tag.len() == 16)?);
        let payload = Payload {
            msg: &message,
            aad: bound.as_bytes(),
        };
        let text = self
            .0
            .decrypt(GenericArray::from_slice(&iv), payload)
            .ok()?;
        Some(Opened {
            text: Zeroizing::new(text),
            kind: kind?,
        })
    }
}

#[cfg(test)]
impl Cipher {
    /// Seals a value, as SOPS does.
    pub(super) fn seal(&self, clear: &str, kind: &str, bound: &str) -> String {
        let iv: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
        let payload = Payload {
            msg: clear.as_bytes(),
            aad: bound.as_bytes(),
        };
        let sealed = self
            .0
            .encrypt(GenericArray::from_slice(&iv), payload)
            .unwrap();
        let (data, tag) = sealed.split_at(sealed.len() - 16);
        let [data, iv, tag] = [data, &iv, tag].map(|bytes| STANDARD.encode(bytes));
        format!("ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:{kind}]")
    }
}
