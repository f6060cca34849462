//! What charts drew, as it is kept in the cluster.

use std::{collections::BTreeMap, fmt, sync::OnceLock};

use aws_lc_rs::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trueup_helm::{Draw, Drawn};

/// How large the record may become: a Secret holds a mebibyte, in which it stands as base64.
const MAX_BYTES: usize = 700_000;
const VERSION: u32 = 1;

/// Why a record is of no use.
#[derive(Debug, PartialEq, Eq)]
pub enum RecordError {
    /// It cannot be read.
    Unreadable,
    /// A newer trueup wrote it.
    Newer(u32),
    /// So many bytes are more than a Secret holds.
    TooLarge(usize),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("it is not what trueup writes there"),
            Self::Newer(version) => write!(f, "it has the form {version} of a newer trueup"),
            Self::TooLarge(bytes) => write!(
                f,
                "it would have {bytes} bytes, and {MAX_BYTES} fit into a Secret"
            ),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    function: String,
    value: Value,
    /// When it was drawn, in seconds since 1970.
    at: i64,
    /// When it is drawn anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Written {
    version: u32,
    key: String,
    releases: BTreeMap<String, BTreeMap<String, Entry>>,
}

/// What the charts of an environment drew, by release and call. Its `Debug` shows none of it.
#[derive(Clone, Default)]
pub struct Record {
    /// Calls are told apart by keyed hashes: their arguments may be secret. Made when the first one is: most
    /// runs draw nothing, and a source of randomness takes its time to start.
    key: OnceLock<Vec<u8>>,
    releases: BTreeMap<String, BTreeMap<String, Entry>>,
    changed: bool,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} releases)", self.releases.len())
    }
}

impl Record {
    /// Reads what [`Self::write`] wrote.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let value: Value = serde_json::from_str(text).map_err(|_| RecordError::Unreadable)?;
        let version = value.get("version").and_then(Value::as_u64).unwrap_or(0);
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        if version > VERSION {
            return Err(RecordError::Newer(version));
        }
        let written: Written =
            serde_json::from_value(value).map_err(|_| RecordError::Unreadable)?;
        let key = STANDARD
            .decode(&written.key)
            .map_err(|_| RecordError::Unreadable)?;
        Ok(Self {
            key: OnceLock::from(key),
            releases: written.releases,
            changed: false,
        })
    }

    /// The text to keep.
    pub fn write(&self) -> Result<String, RecordError> {
        let written = Written {
            version: VERSION,
            key: STANDARD.encode(self.key()),
            releases: self.releases.clone(),
        };
        let text = serde_json::to_string(&written).map_err(|_| RecordError::Unreadable)?;
        if text.len() > MAX_BYTES {
            return Err(RecordError::TooLarge(text.len()));
        }
        Ok(text)
    }

    /// Whether anything was drawn since it was read.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// Drops what was drawn for releases that are no more.
    #[must_use]
    pub fn without_others(mut self, releases: &[String]) -> Self {
        self.releases.retain(|name, _| releases.contains(name));
        self
    }

    fn key(&self) -> &[u8] {
        self.key.get_or_init(|| {
            let mut key = vec![0; 32];
            // Without randomness no draw succeeds either, and a key of zeros only makes hashes that can be tried out.
            let _ = SystemRandom::new().fill(&mut key);
            key
        })
    }

    fn id(&self, draw: &Draw<'_>) -> String {
        use std::fmt::Write as _;
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key());
        let tag = hmac::sign(&key, draw.identity);
        tag.as_ref()
            .iter()
            .take(16)
            .fold(String::new(), |mut id, byte| {
                // Writing to a string cannot fail.
                let _ = write!(id, "{byte:02x}");
                id
            })
    }

    pub(super) fn recall(&self, release: &str, draw: &Draw<'_>, now: i64) -> Option<&Value> {
        let entry = self.releases.get(release)?.get(&self.id(draw))?;
        let fresh = entry.until.is_none_or(|until| now < until);
        fresh.then_some(&entry.value)
    }

    pub(super) fn keep(&mut self, release: &str, draw: &Draw<'_>, drawn: Drawn, now: i64) {
        let id = self.id(draw);
        let entry = Entry {
            function: draw.function.to_owned(),
            value: drawn.value,
            at: now,
            until: drawn.lasts.map(|seconds| now.saturating_add(seconds)),
        };
        let entries = self.releases.entry(release.to_owned()).or_default();
        entries.insert(id, entry);
        self.changed = true;
    }
}
