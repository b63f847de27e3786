//! The two limits of a portal: the rate bucket and the operating-time budget. Times are unix seconds.

use super::knobs::Knobs;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Leaky buckets, one for each source address.
#[derive(Default)]
pub struct Buckets {
    levels: HashMap<IpAddr, (f64, f64)>,
}

impl Buckets {
    /// Counts a request; false when it is refused with 503.
    pub fn take(&mut self, source: IpAddr, now: f64, knobs: &Knobs) -> bool {
        let (level, seen) = self.levels.entry(source).or_insert((0.0, now));
        let seconds = if knobs.bucket_step { now.floor() - seen.floor() } else { now - *seen };
        *level = (*level - seconds.max(0.0) * knobs.bucket_fall).max(0.0);
        *seen = now;
        // A hair of tolerance: 50 × 0.02 must not count as 1.0000001.
        let fits = *level + 1.0 <= knobs.bucket_size + 1e-9;
        if fits || knobs.bucket_counts_refused {
            *level += 1.0;
        }
        fits
    }
}

/// Time each method has worked, in ten baskets.
#[derive(Default)]
pub struct Operating {
    spent: HashMap<String, VecDeque<Basket>>,
}

struct Basket {
    number: i64,
    first_call: f64,
    seconds: f64,
}

/// A method's running total and when its oldest basket leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    pub seconds: f64,
    pub reset_at: f64,
}

const BASKETS: f64 = 10.0;

impl Operating {
    /// What a method has spent inside the window.
    pub fn spent(&mut self, key: &str, now: f64, knobs: &Knobs) -> Spent {
        let window = knobs.operating_window;
        let Some(baskets) = self.spent.get_mut(key) else { return Spent { seconds: 0.0, reset_at: now + window } };
        while baskets.front().is_some_and(|oldest| oldest.first_call + window <= now) {
            baskets.pop_front();
        }
        let reset_at = baskets.front().map_or(now, |oldest| oldest.first_call) + window;
        Spent { seconds: baskets.iter().map(|basket| basket.seconds).sum(), reset_at }
    }

    /// Bills a call that began at `now`.
    pub fn bill(&mut self, key: &str, now: f64, seconds: f64, knobs: &Knobs) {
        if seconds <= 0.0 || seconds < knobs.operating_free_below {
            return;
        }
        let number = (now / (knobs.operating_window / BASKETS)).floor() as i64;
        let baskets = self.spent.entry(key.to_owned()).or_default();
        match baskets.back_mut() {
            Some(basket) if basket.number == number => basket.seconds += seconds,
            _ => baskets.push_back(Basket { number, first_call: now, seconds }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn allowed(buckets: &mut Buckets, now: f64, tries: usize, knobs: &Knobs) -> usize {
        (0..tries).filter(|_| buckets.take(HERE, now, knobs)).count()
    }

    #[test]
    fn the_bucket_takes_a_burst_and_falls_smoothly() {
        let (knobs, mut buckets) = (Knobs::default(), Buckets::default());
        assert_eq!(allowed(&mut buckets, 100.2, 60, &knobs), 50);
        assert_eq!(allowed(&mut buckets, 100.6, 5, &knobs), 0);
        assert_eq!(allowed(&mut buckets, 100.7, 5, &knobs), 1, "half a second frees one");
        assert_eq!(allowed(&mut buckets, 1000.0, 60, &knobs), 50);
    }

    #[test]
    fn the_bucket_may_fall_in_steps_of_a_second() {
        let (knobs, mut buckets) = (Knobs { bucket_step: true, ..Knobs::default() }, Buckets::default());
        assert_eq!(allowed(&mut buckets, 100.2, 60, &knobs), 50);
        assert_eq!(allowed(&mut buckets, 100.9, 5, &knobs), 0);
        assert_eq!(allowed(&mut buckets, 101.0, 5, &knobs), 2);
    }

    #[test]
    fn refused_requests_may_count() {
        let (knobs, mut buckets) = (Knobs { bucket_counts_refused: true, ..Knobs::default() }, Buckets::default());
        assert_eq!(allowed(&mut buckets, 100.0, 60, &knobs), 50);
        assert_eq!(allowed(&mut buckets, 105.0, 1, &knobs), 0, "ten refused ones fell off first");
        assert_eq!(allowed(&mut buckets, 106.0, 1, &knobs), 1);
    }

    #[test]
    fn another_source_has_a_bucket_of_its_own() {
        let (knobs, mut buckets) = (Knobs::default(), Buckets::default());
        assert_eq!(allowed(&mut buckets, 100.0, 60, &knobs), 50);
        assert!(buckets.take(IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2)), 100.0, &knobs));
    }

    #[test]
    fn baskets_leave_ten_minutes_after_their_first_call() {
        let (knobs, mut operating) = (Knobs::default(), Operating::default());
        operating.bill("crm.deal.list", 1000.0, 100.0, &knobs);
        operating.bill("crm.deal.list", 1010.0, 100.0, &knobs);
        operating.bill("crm.deal.list", 1100.0, 50.0, &knobs);
        assert_eq!(operating.spent("crm.deal.list", 1599.0, &knobs), Spent { seconds: 250.0, reset_at: 1600.0 });
        assert_eq!(operating.spent("crm.deal.list", 1600.0, &knobs), Spent { seconds: 50.0, reset_at: 1700.0 });
        assert_eq!(operating.spent("crm.lead.list", 1600.0, &knobs).seconds, 0.0);
    }

    #[test]
    fn cheap_calls_may_be_free() {
        let (knobs, mut operating) = (Knobs { operating_free_below: 0.1, ..Knobs::default() }, Operating::default());
        operating.bill("a", 0.0, 0.09, &knobs);
        operating.bill("a", 0.0, 0.1, &knobs);
        assert_eq!(operating.spent("a", 1.0, &knobs).seconds, 0.1);
    }
}
