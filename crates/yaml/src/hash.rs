//! The 32-bit hash of a key's text, seeded for each process so that nobody can craft collisions.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish() | 1);

const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// The seed of this process; read once, then passed to `key_hash`.
pub(crate) fn seed() -> u64 {
    *SEED
}

/// Hash of a scalar key. Zero is kept for keys that are not scalars.
#[inline]
pub(crate) fn key_hash(seed: u64, key: &[u8]) -> u32 {
    let mut hash = seed ^ (key.len() as u64).wrapping_mul(MIX);
    let mut chunks = key.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.try_into().map_or(0, u64::from_le_bytes);
        hash = fold(hash ^ word, MIX ^ seed);
    }
    let mut tail = 0_u64;
    for &byte in chunks.remainder() {
        tail = (tail << 8) | u64::from(byte);
    }
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
