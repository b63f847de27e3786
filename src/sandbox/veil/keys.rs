//! Answers remembered by their idempotency keys.

use std::collections::HashMap;

use super::ids::Id;

/// What was answered to the first request with a key.
#[derive(Clone)]
pub enum Kept {
    /// The whole answer.
    Said { status: u16, body: Vec<u8> },
    /// The task that does the work inside the request; its end is the answer.
    Doing { task: Id, entity: Option<Id> },
}

/// By user and key.
#[derive(Default)]
pub struct Keys(HashMap<(usize, String), (f64, Kept)>);

/// Beyond this many, old ones are looked for and forgotten.
const MANY: usize = 10_000;

impl Keys {
    /// What a key of a user was answered, not longer ago than `life`.
    pub fn get(&self, user: usize, key: &str, now: f64, life: f64) -> Option<Kept> {
        let (at, kept) = self.0.get(&(user, key.to_owned()))?;
        (now - at <= life).then(|| kept.clone())
    }

    pub fn keep(&mut self, user: usize, key: String, now: f64, life: f64, kept: Kept) {
        if self.0.len() >= MANY {
            self.0.retain(|_, (at, _)| now - *at <= life);
        }
        self.0.insert((user, key), (now, kept));
    }
}
