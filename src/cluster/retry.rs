//! When to try a request again, and after how long.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use super::error::{Error, ErrorKind};

/// How patient requests are. Every request trueup makes may be repeated: applies and deletes with
/// preconditions are idempotent.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// How often a request is tried at most, the first time included.
    pub attempts: u32,
    /// How long to wait before the second try; doubled for each one after it.
    pub first_delay: Duration,
    /// The longest wait, also where a server asks for more.
    pub longest_delay: Duration,
    /// How long one try may take.
    pub timeout: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_delay: Duration::from_millis(200),
            longest_delay: Duration::from_secs(30),
            timeout: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// How long to wait before trying again after `error`, the `tried`-th failure in a row; none
    /// when it is not worth it.
    pub(super) fn delay(&self, error: &Error, tried: u32) -> Option<Duration> {
        if tried >= self.attempts || !error.is_transient() {
            return None;
        }
        let backoff = self.backoff(tried);
        let wait = match error.kind() {
            ErrorKind::TooManyRequests {
                retry_after: Some(asked),
            } => {
                // Never earlier than asked, and not all at the same moment.
                (*asked).min(self.longest_delay) + jittered(self.first_delay)
            }
            _ => backoff / 2 + jittered(backoff / 2),
        };
        Some(wait)
    }

    /// How long to wait before a write is tried again that lost against other writers `tried` times; none
    /// when it is not worth it.
    pub(super) fn delay_between_writers(&self, tried: u32) -> Option<Duration> {
        (tried < self.attempts).then(|| jittered(self.backoff(tried)))
    }

    fn backoff(&self, tried: u32) -> Duration {
        let doubled = self
            .first_delay
            .saturating_mul(2_u32.saturating_pow(tried.saturating_sub(1)));
        doubled.min(self.longest_delay)
    }
}

/// Somewhere between nothing and `most`.
fn jittered(most: Duration) -> Duration {
    // A new `RandomState` is seeded at random: enough to spread clients, no generator needed.
    let random = RandomState::new().hash_one(());
    let share = u32::try_from(random % 1000).unwrap_or_default();
    most.saturating_mul(share) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: ErrorKind) -> Error {
        Error::new(kind, "apply", "ConfigMap a/b", "no")
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let policy = RetryPolicy {
            attempts: 4,
            first_delay: Duration::from_secs(4),
            longest_delay: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
        };
        for (tried, least, most) in [(1, 2, 4), (2, 4, 8), (3, 5, 10)] {
            let delay = policy.delay(&failure(ErrorKind::Transient), tried).unwrap();
            assert!(delay >= Duration::from_secs(least) && delay <= Duration::from_secs(most));
        }
        assert_eq!(policy.delay(&failure(ErrorKind::Transient), 4), None);
    }

    #[test]
    fn a_server_that_names_a_time_is_obeyed() {
        let asked = Duration::from_secs(7);
        let kind = ErrorKind::TooManyRequests {
            retry_after: Some(asked),
        };
        let delay = RetryPolicy::default().delay(&failure(kind), 1).unwrap();
        assert!(delay >= asked && delay <= asked + RetryPolicy::default().first_delay);
    }

    #[test]
    fn what_a_retry_cannot_cure_is_not_retried() {
        for kind in [
            ErrorKind::Forbidden,
            ErrorKind::NotFound,
            ErrorKind::Invalid { causes: Vec::new() },
            ErrorKind::Conflict { causes: Vec::new() },
            ErrorKind::Gone,
        ] {
            assert_eq!(RetryPolicy::default().delay(&failure(kind), 1), None);
        }
    }
}
