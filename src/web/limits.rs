//! How much each caller may ask for: requests a second, and streams of events at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Callers that are told apart at most; those beyond share one allowance.
const MOST_CALLERS: usize = 10_000;

/// One caller may hold no more than this part of all streams.
const SHARE: usize = 4;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Somebody with a token, by number.
    Person(usize),
    Address(IpAddr),
    /// Those for whom there is no room.
    Others,
}

impl Caller {
    /// A caller without a token. Who has an address of version 6 has 2^64 of them.
    pub fn stranger(address: IpAddr) -> Caller {
        Caller::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
            address => address,
        })
    }
}

/// A bucket for each caller, refilled at a rate.
pub struct Rates {
    /// Requests a second; 0 is no limit.
    rate: f64,
    burst: f64,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    of: HashMap<Caller, Bucket>,
    /// When full ones were last thrown out.
    swept: Option<Instant>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Rates {
    pub fn new(rate: f64, burst: f64) -> Rates {
        Rates { rate, burst: burst.max(1.0), buckets: Mutex::default() }
    }

    /// Takes one request from a caller's allowance; the error is how long to wait for the next.
    pub fn take(&self, caller: Caller, now: Instant) -> Result<(), Duration> {
        if self.rate <= 0.0 {
            return Ok(());
        }
        let mut buckets = lock(&self.buckets);
        let caller = match buckets.of.contains_key(&caller) || self.has_room(&mut buckets, now) {
            true => caller,
            false => Caller::Others,
        };
        let bucket = buckets.of.entry(caller).or_insert(Bucket { left: self.burst, at: now });
        *bucket = Bucket { left: self.filled(bucket, now), at: now };
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / self.rate));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    /// Whether one more caller can be told apart. Those who were silent for long enough are forgotten, and looked for
    /// once a second at most: strangers must not make work.
    fn has_room(&self, buckets: &mut Buckets, now: Instant) -> bool {
        let rested = buckets.swept.is_none_or(|at| now.saturating_duration_since(at) >= Duration::from_secs(1));
        if buckets.of.len() >= MOST_CALLERS && rested {
            buckets.swept = Some(now);
            buckets.of.retain(|_, bucket| self.filled(bucket, now) < self.burst);
        }
        buckets.of.len() < MOST_CALLERS
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + since * self.rate).min(self.burst)
    }
}

/// Streams of events that are open.
pub struct Streams {
    most: usize,
    open: Mutex<HashMap<Caller, usize>>,
}

impl Streams {
    pub fn new(most: usize) -> Arc<Streams> {
        Arc::new(Streams { most, open: Mutex::default() })
    }

    /// A place for one more, given back when dropped; none where all, or all of this caller's, are taken.
    pub fn enter(self: &Arc<Streams>, caller: Caller) -> Option<Stream> {
        let mut open = lock(&self.open);
        let (all, own) = (open.values().sum::<usize>(), open.get(&caller).copied().unwrap_or_default());
        if all >= self.most || own >= self.most.div_ceil(SHARE) {
            return None;
        }
        *open.entry(caller).or_default() += 1;
        Some(Stream { streams: self.clone(), caller })
    }

    pub fn open(&self) -> usize {
        lock(&self.open).values().sum()
    }
}

/// A place among the streams.
pub struct Stream {
    streams: Arc<Streams>,
    caller: Caller,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut open = lock(&self.streams.open);
        if let Some(own) = open.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.caller);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTAL: Caller = Caller::Person(0);

    #[test]
    fn a_burst_passes_and_then_as_much_as_the_rate() {
        let (rates, start) = (Rates::new(10.0, 3.0), Instant::now());
        for _ in 0..3 {
            assert_eq!(rates.take(PORTAL, start), Ok(()));
        }
        assert_eq!(rates.take(PORTAL, start), Err(Duration::from_millis(100)));
        assert_eq!(rates.take(Caller::Person(1), start), Ok(()));
        assert_eq!(rates.take(PORTAL, start + Duration::from_millis(100)), Ok(()));
        assert!(rates.take(PORTAL, start + Duration::from_millis(150)).is_err());
        let unlimited = Rates::new(0.0, 0.0);
        assert!((0..1000).all(|_| unlimited.take(PORTAL, start).is_ok()));
    }

    #[test]
    fn a_hundred_thousand_addresses_take_no_more_room_than_ten_thousand() {
        let (rates, now) = (Rates::new(1.0, 1.0), Instant::now());
        let address = |n: u32| Caller::stranger(IpAddr::V4(n.into()));
        let served = (0..100_000).filter(|n| rates.take(address(*n), now).is_ok()).count();
        assert_eq!(served, MOST_CALLERS + 1);
        assert_eq!(lock(&rates.buckets).of.len(), MOST_CALLERS + 1);
        // Once they have been silent for long enough, there is room again.
        assert_eq!(rates.take(address(99_999), now + Duration::from_secs(2)), Ok(()));
        assert_eq!(lock(&rates.buckets).of.len(), 1);
    }

    #[test]
    fn addresses_of_one_network_are_one_caller() {
        let caller = |text: &str| Caller::stranger(text.parse().unwrap());
        assert_eq!(caller("2001:db8::1"), caller("2001:db8::ffff:1"));
        assert_ne!(caller("2001:db8::1"), caller("2001:db8:0:1::1"));
        assert_eq!(caller("::ffff:10.0.0.1"), caller("10.0.0.1"));
    }

    #[test]
    fn streams_are_few_and_not_all_for_one() {
        let streams = Streams::new(8);
        let mine: Vec<_> = (0..8).filter_map(|_| streams.enter(PORTAL)).collect();
        assert_eq!((mine.len(), streams.open()), (2, 2));
        let others: Vec<_> = (1..9).filter_map(|n| streams.enter(Caller::Person(n))).collect();
        assert_eq!((others.len(), streams.open()), (6, 8));
        drop(mine);
        assert_eq!(streams.open(), 6);
        assert!(streams.enter(PORTAL).is_some());
    }
}
