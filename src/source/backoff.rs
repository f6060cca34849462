//! How long to wait after a failure.

use std::time::Duration;

/// Exponential backoff with jitter. The waits grow from `first` by the factor two up to `longest`;
/// each is drawn from the upper half of its range, so that many daemons that failed together do
/// not come back together, and none comes back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub first: Duration,
    /// The longest wait of all.
    pub longest: Duration,
}

impl Default for Backoff {
    /// From 2 s to 5 min.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            longest: Duration::from_mins(5),
        }
    }
}

impl Backoff {
    /// The wait after so many failures in a row. `chance` is a random number from 0 to 1: the
    /// function itself is pure.
    pub fn delay(&self, failures: u32, chance: f64) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let doublings = (failures - 1).min(31);
        let most = self.first.saturating_mul(1 << doublings).min(self.longest);
        let chance = if chance.is_finite() {
            chance.clamp(0.0, 1.0)
        } else {
            0.5
        };
        most.mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_mins(1),
        };
        let waits: Vec<u64> = (0..9).map(|n| backoff.delay(n, 1.0).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    proptest! {
        #[test]
        fn a_wait_lies_in_the_upper_half_of_its_range(failures in 1u32.., chance: f64) {
            let backoff = Backoff::default();
            let most = backoff.delay(failures, 1.0);
            let wait = backoff.delay(failures, chance);
            prop_assert!(wait >= most / 2 && wait <= most);
            prop_assert!(most <= backoff.longest);
        }
    }
}
