//! When and how often a call is repeated. Whether it may be is decided where its answer is read (see
//! [`crate::error::Retry`]).

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Pauses that double, each shortened at random by up to a half so that many callers do not come back together.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// How often a thing is tried at most, the first time included.
    pub tries: u32,
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule { tries: 5, first: Duration::from_millis(400), longest: Duration::from_secs(10) }
    }
}

impl Schedule {
    /// The pause before the next try, after `failed` failed ones; `None` when it is time to give up.
    pub fn pause(&self, failed: u32) -> Option<Duration> {
        if failed >= self.tries {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << failed.saturating_sub(1).min(16));
        Some(doubled.min(self.longest).mul_f64(0.5 + random() / 2.0))
    }
}

/// A number from 0 to 1 that differs from call to call; spreading pauses needs no better one.
fn random() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let schedule = Schedule { tries: 4, first: Duration::from_secs(1), longest: Duration::from_secs(3) };
        for (failed, least, most) in [(1, 0.5, 1.0), (2, 1.0, 2.0), (3, 1.5, 3.0)] {
            let pause = schedule.pause(failed).unwrap().as_secs_f64();
            assert!((least..=most).contains(&pause), "after {failed}: {pause}");
        }
        assert_eq!(schedule.pause(4), None);
    }
}
