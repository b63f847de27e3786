//! What is random in the simulated world, and its clock; both follow from a seed and a beginning.

use tokio::time::Instant;

use super::row::Id;
use crate::sandbox::mix::{STEP, mix};

/// Numbers that follow from a seed (splitmix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    pub fn next(&mut self) -> u64 {
        let next = mix(self.0);
        self.0 = self.0.wrapping_add(STEP);
        next
    }

    /// From the first up to, but not, the second.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low).max(1) as u64) as i64
    }

    /// One of these; nothing of none.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> Option<&'a T> {
        let at = self.between(0, from.len() as i64);
        from.get(at as usize).copied()
    }

    pub fn word(&mut self, from: &[&'static str]) -> &'static str {
        self.pick(from).unwrap_or_default()
    }

    /// An id as random ones are made.
    pub fn id(&mut self) -> Id {
        let [high, low] = [self.next(), self.next()];
        let mut id = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        id
    }
}

/// The server's clock on the wall, in milliseconds of its own time since 1970.
pub struct Clock {
    started: Instant,
    wall: i64,
}

/// Ticks of 0.1 ms from the year 1 to 1970.
const EPOCH: i64 = 621_355_968_000_000;

/// A moment as the protocol has it.
pub fn ticks(ms: i64) -> i64 {
    ms * 10 + EPOCH
}

impl Clock {
    /// A clock that shows this date and time now; the real one when it is none.
    pub fn starting(at: &str) -> Clock {
        let wall = at.parse().unwrap_or_else(|_| jiff::Zoned::now().datetime());
        let wall = wall.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |wall| wall.timestamp().as_millisecond());
        // Whole seconds, as what the utility prints.
        Clock { started: Instant::now(), wall: wall / 1000 * 1000 }
    }

    pub fn now(&self) -> i64 {
        self.wall + self.started.elapsed().as_millis() as i64
    }
}
