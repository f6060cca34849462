//! The 32-bit hash of a key's text, seeded for each process so that nobody can craft collisions.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish() | 1);

const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// The seed of this process; read once, then passed to `key_hash`.
pub(crate) fn seed() -> u64 {
    *SEED
}

/// A key of mappings with its hash, for one that is looked up again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    text: Box<str>,
    hash: u32,
}

impl Key {
    /// A key of this text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        let hash = key_hash(seed(), text.as_bytes());
        Self { text, hash }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn hash(&self) -> u32 {
        self.hash
    }
}

/// Hash of a scalar key. Zero is kept for keys that are not scalars.
#[inline]
pub(crate) fn key_hash(seed: u64, key: &[u8]) -> u32 {
    let mut hash = seed ^ (key.len() as u64).wrapping_mul(MIX);
    let mut rest = key;
    while let Some((word, after)) = rest
        .split_first_chunk::<8>()
        .filter(|(_, after)| !after.is_empty())
    {
        hash = fold(hash ^ u64::from_le_bytes(*word), MIX ^ seed);
        rest = after;
    }
    // The end: eight bytes, which may overlap with what came before, or what a shorter key has.
    let tail = match (
        key.last_chunk::<8>(),
        rest.first_chunk::<4>(),
        rest.last_chunk::<4>(),
    ) {
        (Some(last), ..) => u64::from_le_bytes(*last),
        (None, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | (u64::from(u32::from_le_bytes(*last)) << 32)
        }
        _ => match rest {
            [] => 0,
            [a] => u64::from(*a),
            [a, b] => u64::from(*a) | (u64::from(*b) << 8),
            [a, b, c, ..] => u64::from(*a) | (u64::from(*b) << 8) | (u64::from(*c) << 16),
        },
    };
    hash = fold(hash ^ tail, MIX ^ seed);
    let folded = (hash >> 32) ^ hash;
    u32::try_from(folded & 0xFFFF_FFFF).unwrap_or(0).max(1)
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0);
    let high = u64::try_from(product >> 64).unwrap_or(0);
    low ^ high
}
