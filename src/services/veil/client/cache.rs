//! Answers to reading calls that may be used again for a while.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::services::veil::wire::answer::Answer;

/// As many as are kept at most; when there would be more, all are forgotten.
const MOST: usize = 1000;

/// One connection has one: its address, token and language are the same for all that is in here.
pub struct Cache {
    keeps: Duration,
    known: Mutex<HashMap<String, (Instant, Answer)>>,
    /// Counts how often everything was forgotten.
    forgotten: AtomicU64,
}

impl Cache {
    pub fn new(keeps: Duration) -> Cache {
        Cache { keeps, known: Mutex::default(), forgotten: AtomicU64::new(0) }
    }

    /// What was answered to this, if that is not too long ago.
    pub fn get(&self, key: &str) -> Option<Answer> {
        let known = self.known();
        known.get(key).filter(|(at, _)| at.elapsed() < self.keeps).map(|(_, answer)| answer.clone())
    }

    /// How things stand before a question is sent, for [`keep`](Cache::keep).
    pub fn age(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Keeps an answer, unless something was changed since the question was sent.
    pub fn keep(&self, key: String, answer: &Answer, age: u64) {
        if self.keeps.is_zero() || !answer.success() || age != self.age() {
            return;
        }
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, (Instant::now(), answer.clone()));
    }

    /// Something has changed, or may have.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, (Instant, Answer)>> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer::new(status, Vec::new(), "{}".into())
    }

    #[tokio::test(start_paused = true)]
    async fn good_answers_are_kept_for_their_time_and_until_a_change() {
        let cache = Cache::new(Duration::from_secs(30));
        cache.keep("a".into(), &answer(200), cache.age());
        cache.keep("b".into(), &answer(500), cache.age());
        assert!(cache.get("a").is_some() && cache.get("b").is_none());
        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(cache.get("a").is_none());
        let before = cache.age();
        cache.keep("a".into(), &answer(200), before);
        cache.forget();
        assert!(cache.get("a").is_none());
        cache.keep("a".into(), &answer(200), before);
        assert!(cache.get("a").is_none(), "it was asked before the change");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_unless_asked_for() {
        let cache = Cache::new(Duration::ZERO);
        cache.keep("a".into(), &answer(200), cache.age());
        assert!(cache.get("a").is_none());
    }
}
