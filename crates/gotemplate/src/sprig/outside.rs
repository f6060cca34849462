//! What templates can draw that their inputs do not determine: random bytes, new keys, the time.
//!
//! A rendering that must be repeatable hands in its own [`Outside`]; what was drawn, and by which function, can be
//! told and kept.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    crypto::keys::{self, KeyKind},
    dates::moment::{Moment, Zone},
};

/// A source of what is not determined by a template's inputs.
pub trait Outside: Send + Sync {
    /// Fills `bytes` at random.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String>;

    /// The time.
    fn now(&self) -> Moment;

    /// A new private key, as PKCS#8. The system's cryptography makes it unless this is replaced.
    fn private_key(&self, kind: KeyKind) -> Result<Vec<u8>, String> {
        keys::generate(kind)
    }

    /// Told before a function draws anything; `function` is the name it has in templates.
    fn drawn(&self, function: &str) {
        let _ = function;
    }
}

/// The operating system's randomness and clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Outside for System {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
        // Not by way of `aws_lc_rs`: seeding its generator takes 30 ms.
        getrandom::fill(bytes).map_err(|_| "the system gives no randomness".to_owned())
    }

    fn now(&self) -> Moment {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Moment {
            seconds: i64::try_from(since.as_secs()).unwrap_or_default(),
            nanos: since.subsec_nanos(),
            zone: Zone::Utc,
        }
    }
}

/// A random number below `bound`, each equally likely.
pub(super) fn below(outside: &dyn Outside, bound: u64) -> Result<u64, String> {
    // The largest multiple of the bound; draws from there on are thrown away.
    let usable = u64::MAX - u64::MAX % bound.max(1);
    loop {
        let mut bytes = [0; 8];
        outside.fill(&mut bytes)?;
        let drawn = u64::from_le_bytes(bytes);
        if drawn < usable {
            return Ok(drawn % bound.max(1));
        }
    }
}
