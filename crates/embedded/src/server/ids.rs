//! Times, UIDs and random suffixes, all replaceable so that a simulation replays.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A stream of numbers from a seed (`SplitMix64`). Not for secrets.
#[derive(Debug)]
pub(crate) struct Ids(AtomicU64);

// The alphabet of `k8s.io/apimachinery/pkg/util/rand`: no vowels, no look-alikes.
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Ids {
    pub(crate) fn seeded(seed: Option<u64>) -> Self {
        // `RandomState` is the standard library's own source of process randomness.
        let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A version 4 UUID.
    pub(crate) fn uid(&self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            (low >> 48) & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }

    /// Letters as `generateName` appends them.
    pub(crate) fn suffix(&self, length: usize) -> String {
        (0..length)
            .map(|_| {
                let index = usize::try_from(self.next() % SUFFIX.len() as u64).unwrap_or(0);
                SUFFIX.get(index).map_or('x', |byte| char::from(*byte))
            })
            .collect()
    }
}

/// A time as Kubernetes writes it: seconds, UTC.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As Kubernetes writes times that are finer than a second.
pub(crate) fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_ids_again_and_uids_are_version_four() {
        let (a, b) = (Ids::seeded(Some(7)), Ids::seeded(Some(7)));
        let uid = a.uid();
        assert_eq!(uid, b.uid());
        assert_eq!(a.suffix(5), b.suffix(5));
        assert_ne!(a.uid(), uid);
        let parts: Vec<usize> = uid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(uid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uid.as_bytes()[19]));
    }

    #[test]
    fn times_are_written_in_utc_to_the_second_or_microsecond() {
        let time = Timestamp::new(1_000_000_000, 120_000_000).unwrap();
        assert_eq!(rfc3339(time), "2001-09-09T01:46:40Z");
        assert_eq!(micro(time), "2001-09-09T01:46:40.120000Z");
    }
}
