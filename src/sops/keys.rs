//! The age identities of this machine, found where `sops` finds them.

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use age::{Decryptor, Identity, IdentityFile, armor::ArmoredReader};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Error, File, Form, Part};
use crate::source::Secret;

/// Why a sealed file cannot be opened with the identities that are here. It holds nothing of what is sealed, and nothing of an
/// identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file itself is at fault.
    #[error("{0}")]
    File(#[from] Error),
    /// Nobody has named an identity.
    #[error("there is no age identity here")]
    NoIdentity,
    /// The identities cannot be read.
    #[error("the age identities of `{0}` cannot be read")]
    Broken(String),
    /// It is sealed to other kinds of keys alone.
    #[error("it is sealed to no age recipient")]
    NoRecipient,
    /// It is sealed to others.
    #[error("none of the age identities here is that of one of its recipients")]
    NotOurs,
    /// It is more than one document.
    #[error("it has several documents")]
    Several,
}

impl KeyError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::File(Error::Mac) => "change it with `sops`, or take the version before",
            Self::File(_) => "write it with `sops`, in a way that is read here",
            Self::NoIdentity => {
                "name it as for `sops`: `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY`, or \
                 `sops/age/keys.txt` in your folder of configuration"
            }
            Self::Broken(_) => {
                "`age-keygen -o FILE` writes one; its lines begin with `AGE-SECRET-KEY-1`"
            }
            Self::NoRecipient => "add an age recipient with `sops updatekeys`",
            Self::NotOurs => {
                "add the recipient with `sops updatekeys`, or name the identity in `SOPS_AGE_KEY_FILE`"
            }
            Self::Several => "write one file for each",
        }
    }
}

type Identities = Vec<Box<dyn Identity + Send + Sync>>;

/// Opens sealed files. Identities are looked for when the first file is opened, and once.
#[derive(Default)]
pub struct Keys(OnceLock<Result<Identities, KeyError>>);

impl Keys {
    /// Those that `sops` would use: of `SOPS_AGE_KEY`, of the file that `SOPS_AGE_KEY_FILE` names, and of `sops/age/keys.txt` in the
    /// user's folder of configuration.
    pub fn of_surroundings() -> Self {
        Self::default()
    }

    /// Those in the text of an identity file.
    pub fn of_text(text: &Secret) -> Self {
        Self(OnceLock::from(parse("identities", text)))
    }

    /// What a file holds, once its MAC fits: first what stands there in clear, then what was sealed.
    pub fn open(&self, text: &str, form: Form) -> Result<(Value, Value), KeyError> {
        let file = File::parse(text, form)?;
        let [part] = file.parts() else {
            return Err(KeyError::Several);
        };
        if part.sealed_keys().next().is_none() {
            return Err(KeyError::NoRecipient);
        }
        let key = self.key_of(part)?;
        let mut documents = part.open(&key)?;
        match (documents.pop(), documents.is_empty()) {
            (Some(document), true) => Ok(part.split(document)),
            _ => Err(KeyError::Several),
        }
    }

    fn key_of(&self, part: &Part) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let identities = self.0.get_or_init(surroundings);
        let identities = identities.as_ref().map_err(Clone::clone)?;
        if identities.is_empty() {
            return Err(KeyError::NoIdentity);
        }
        part.sealed_keys()
            .find_map(|sealed| open_with(identities, sealed))
            .ok_or(KeyError::NotOurs)
    }
}

fn open_with(identities: &Identities, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    let decryptor = Decryptor::new(ArmoredReader::new(sealed.as_bytes())).ok()?;
    let identities = identities.iter().map(|one| &**one as &dyn Identity);
    let mut reader = decryptor.decrypt(identities).ok()?;
    let mut clear = Zeroizing::new(Vec::new());
    reader.read_to_end(&mut clear).ok()?;
    Some(clear)
}

fn parse(place: &str, text: &Secret) -> Result<Identities, KeyError> {
    // What the library says of a broken file quotes it.
    let broken = || KeyError::Broken(place.to_owned());
    IdentityFile::from_buffer(text.expose().as_bytes())
        .map_err(|_| broken())?
        .into_identities()
        .map_err(|_| broken())
}

/// What `sops` would use.
fn surroundings() -> Result<Identities, KeyError> {
    let mut found = Vec::new();
    if let Ok(text) = env::var("SOPS_AGE_KEY") {
        found.extend(parse("SOPS_AGE_KEY", &Secret::new(text))?);
    }
    if let Some(path) = env::var_os("SOPS_AGE_KEY_FILE") {
        found.extend(read(Path::new(&path))?);
    }
    let folder = env::var_os("XDG_CONFIG_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config")));
    if let Some(path) = folder.map(|folder| folder.join("sops/age/keys.txt"))
        && path.exists()
    {
        found.extend(read(&path)?);
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Identities, KeyError> {
    let place = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => parse(&place, &Secret::new(text)),
        Err(_) => Err(KeyError::Broken(place)),
    }
}
