//! Sealed to age recipients, opened by the identity that the file names.

use std::io::{Read, Write};

use age::{
    Decryptor, Encryptor, Identity, IdentityFile, Recipient,
    armor::{ArmoredReader, ArmoredWriter, Format},
    x25519,
};
use zeroize::Zeroizing;

use crate::{
    source::Secret,
    vault::error::{ErrorKind, VaultError},
};

/// Encrypts to recipients, and opens with identities.
pub(in crate::vault) struct Age {
    recipients: Vec<x25519::Recipient>,
    identities: Vec<Box<dyn Identity + Send + Sync>>,
}

impl Age {
    /// Of recipients (`age1…`) and the text of an identity file, if there is one here.
    pub(super) fn new(
        recipients: &[String],
        identities: Option<&Secret>,
    ) -> Result<Self, VaultError> {
        let recipients = recipients
            .iter()
            .map(|text| {
                text.trim().parse().map_err(|why: &str| {
                    VaultError::new(
                        ErrorKind::Keys,
                        format!("`{text}` is no age recipient: {why}"),
                    )
                    .help("an age recipient begins with `age1`; `age-keygen` prints it")
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if recipients.is_empty() {
            return Err(VaultError::new(
                ErrorKind::Keys,
                "there is no age recipient",
            ));
        }
        let identities = match identities {
            Some(text) => parse(text)?,
            None => Vec::new(),
        };
        Ok(Self {
            recipients,
            identities,
        })
    }

    /// Whether it can open anything here.
    pub(super) fn opens(&self) -> bool {
        !self.identities.is_empty()
    }

    /// Encrypts to every recipient, as armoured text.
    pub(super) fn seal(&self, clear: &[u8]) -> Result<Vec<u8>, VaultError> {
        let failed =
            |error: &dyn std::fmt::Display| VaultError::new(ErrorKind::Keys, error.to_string());
        let recipients = self.recipients.iter().map(|one| one as &dyn Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(|error| failed(&error))?;
        let mut sealed = Vec::new();
        let write = |sealed: &mut Vec<u8>| -> std::io::Result<()> {
            let armour = ArmoredWriter::wrap_output(sealed, Format::AsciiArmor)?;
            let mut writer = encryptor.wrap_output(armour)?;
            writer.write_all(clear)?;
            writer.finish()?.finish()?;
            Ok(())
        };
        write(&mut sealed).map_err(|error| failed(&error))?;
        Ok(sealed)
    }

    /// Opens what [`Self::seal`] gave.
    pub(super) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if !self.opens() {
            return Err(VaultError::new(
                ErrorKind::Keys,
                "there is no age identity here, so the keys cannot be read",
            )
            .help("name it in `keys.identityFrom`"));
        }
        let unreadable = |error: &dyn std::fmt::Display| {
            VaultError::new(ErrorKind::Keys, format!("the keys cannot be read: {error}"))
                .help("the identity in `keys.identityFrom` must be that of one of the recipients")
        };
        let decryptor =
            Decryptor::new(ArmoredReader::new(sealed)).map_err(|error| unreadable(&error))?;
        let identities = self.identities.iter().map(|one| &**one as &dyn Identity);
        let mut reader = decryptor
            .decrypt(identities)
            .map_err(|error| unreadable(&error))?;
        let mut clear = Zeroizing::new(Vec::new());
        reader
            .read_to_end(&mut clear)
            .map_err(|error| unreadable(&error))?;
        Ok(clear)
    }
}

fn parse(text: &Secret) -> Result<Vec<Box<dyn Identity + Send + Sync>>, VaultError> {
    // What the library says of a broken file quotes it.
    let broken = || {
        VaultError::new(ErrorKind::Keys, "the age identity file cannot be read")
            .help("`age-keygen -o FILE` writes one; its lines begin with `AGE-SECRET-KEY-1`")
    };
    IdentityFile::from_buffer(text.expose().as_bytes())
        .map_err(|_| broken())?
        .into_identities()
        .map_err(|_| broken())
}
