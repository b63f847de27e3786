//! What an outside system allows: how many requests (the bucket), how much of its time (the budget), how many at once
//! (the lanes). One [`Limits`] stands for one server and is shared by every call to it in this process; bucket and budget
//! are shared with other processes as well, where somebody says how.

mod bucket;
mod budget;
mod lanes;
mod shared;

use std::sync::Arc;
use std::time::Duration;

pub use bucket::{Bucket, Rate, Slowed};
pub use budget::{Budget, Passed, Probing, Spent, Turn};
pub use lanes::{Lane, Lanes};
pub use shared::{FileLedger, Ledger, RedisLedger, Shared};

/// The three limits of one server.
#[derive(Debug)]
pub struct Limits {
    /// Shared, so that a slower rate can be held beyond the call that asked for it.
    pub bucket: Arc<Bucket>,
    pub budget: Budget,
    pub lanes: Lanes,
    shared: Option<Shared>,
}

/// Full batches at once for a server that takes a burst of any size, and for one that takes a larger one than anybody
/// should make use of.
const UNBOUNDED: f64 = 50.0;
const MOST: f64 = 250.0;

impl Limits {
    /// As many requests at once as the bucket holds: what a server lets in together, it is ready to work on.
    pub fn new(rate: Rate, seconds_of_time: f64) -> Limits {
        let lanes = if rate.holds > 10_000.0 { UNBOUNDED } else { rate.holds.clamp(1.0, MOST) };
        let (bucket, budget) = (Arc::new(Bucket::new(rate)), Budget::new(seconds_of_time));
        Limits { bucket, budget, lanes: Lanes::new(lanes), shared: None }
    }

    /// Other processes use the same server and count together with this one.
    pub fn shared(mut self, shared: Shared) -> Limits {
        self.shared = Some(shared);
        self
    }

    /// Waits until a request may go, and counts it: see [`Bucket::take`].
    pub async fn take(&self) -> Duration {
        self.bucket.take_among(self.shared.as_ref().map(|shared| (shared, &self.budget))).await
    }
}
