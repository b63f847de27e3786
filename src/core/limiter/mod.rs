//! What an outside system allows: how many requests (the bucket), how much of its time (the budget), how many at once
//! (the lanes). One [`Limits`] stands for one server and is shared by every call to it in this process.

mod bucket;
mod budget;
mod lanes;

use std::sync::Arc;

pub use bucket::{Bucket, Rate, Slowed};
pub use budget::{Budget, Passed, Probing, Spent, Turn};
pub use lanes::{Lane, Lanes};

/// The three limits of one server.
#[derive(Debug)]
pub struct Limits {
    /// Shared, so that a slower rate can be held beyond the call that asked for it.
    pub bucket: Arc<Bucket>,
    pub budget: Budget,
    pub lanes: Lanes,
}

/// Full batches at once for a server that takes a burst of any size, and for one that takes a larger one than anybody
/// should make use of.
const UNBOUNDED: f64 = 50.0;
const MOST: f64 = 250.0;

impl Limits {
    /// As many requests at once as the bucket holds: what a server lets in together, it is ready to work on.
    pub fn new(rate: Rate, seconds_of_time: f64) -> Limits {
        let lanes = if rate.holds > 10_000.0 { UNBOUNDED } else { rate.holds.clamp(1.0, MOST) };
        Limits {
            bucket: Arc::new(Bucket::new(rate)),
            budget: Budget::new(seconds_of_time),
            lanes: Lanes::new(lanes),
        }
    }
}
