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

impl Limits {
    pub fn new(rate: Rate, seconds_of_time: f64) -> Limits {
        Limits { bucket: Arc::new(Bucket::new(rate)), budget: Budget::new(seconds_of_time), lanes: Lanes::default() }
    }
}
