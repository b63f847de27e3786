//! The running portal's state: what requests share.

use super::counters::{Counters, Line};
use super::knobs::{Faults, Knobs};
use super::limits::{Buckets, Operating, Spent};
use super::oauth::Oauth;
use super::world::World;
use crate::sandbox::fault::Fault;
use crate::sandbox::http::lock;
use crate::sandbox::log::Log;
use crate::sandbox::mix::mix;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The state of one portal.
pub struct Sim {
    knobs: RwLock<Arc<Knobs>>,
    /// Tables and their rows.
    pub world: RwLock<World>,
    buckets: Mutex<Buckets>,
    operating: Mutex<Operating>,
    oauth: Mutex<Oauth>,
    counters: Mutex<Counters>,
    log: Mutex<Log<Line>>,
    workers: Mutex<Arc<Semaphore>>,
    changes: Mutex<Changes>,
    /// Answers to REST 3.0 calls by Idempotency-Key.
    pub replays: Mutex<HashMap<String, (u16, Vec<u8>)>>,
    draws: AtomicU64,
    started: Instant,
    started_unix: f64,
    /// `http://127.0.0.1:PORT`
    pub base: String,
}

/// The changes under way: since when, and how many steps were made.
#[derive(Default)]
struct Changes {
    since: f64,
    made: u64,
    step: u64,
    rate: f64,
}

fn permits(workers: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(if workers == 0 { Semaphore::MAX_PERMITS } else { workers }))
}

impl Sim {
    /// A portal as the knobs say, reachable at `base`.
    pub fn new(knobs: Knobs, base: String) -> Sim {
        let started_unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Sim {
            world: RwLock::new(World::new(&knobs)),
            buckets: Mutex::default(),
            operating: Mutex::default(),
            oauth: Mutex::new(Oauth::new(&knobs, started_unix)),
            counters: Mutex::default(),
            log: Mutex::default(),
            workers: Mutex::new(permits(knobs.workers)),
            changes: Mutex::default(),
            replays: Mutex::default(),
            draws: AtomicU64::new(0),
            started: Instant::now(),
            started_unix,
            base,
            knobs: RwLock::new(Arc::new(knobs)),
        }
    }

    /// Unix seconds by tokio's clock, so that tests may move it.
    pub fn now(&self) -> f64 {
        self.started_unix + self.started.elapsed().as_secs_f64()
    }

    /// The knobs as they are now.
    pub fn knobs(&self) -> Arc<Knobs> {
        self.knobs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the knobs.
    pub fn set_knobs(&self, knobs: Knobs) {
        // Changes that are due at the old pace come first; the new pace counts from now.
        self.disturb();
        *lock(&self.workers) = permits(knobs.workers);
        *self.knobs.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(knobs);
        self.disturb();
    }

    /// Counters, to read or to raise.
    pub fn counters(&self) -> MutexGuard<'_, Counters> {
        lock(&self.counters)
    }

    /// The log of requests.
    pub fn log(&self) -> MutexGuard<'_, Log<Line>> {
        lock(&self.log)
    }

    /// Tokens and codes.
    pub fn oauth(&self) -> MutexGuard<'_, Oauth> {
        lock(&self.oauth)
    }

    /// Who may work now.
    pub fn workers(&self) -> Arc<Semaphore> {
        lock(&self.workers).clone()
    }

    /// Forgets counters and log.
    pub fn reset_counters(&self) {
        let mut counters = self.counters();
        *counters = Counters { active: counters.active, max_active: counters.active, ..Counters::default() };
        drop(counters);
        self.log().clear();
    }

    /// Data, tokens and limits as they were at the start.
    pub fn reset_data(&self) {
        let knobs = self.knobs();
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = World::new(&knobs);
        *self.oauth() = Oauth::new(&knobs, self.now());
        *lock(&self.buckets) = Buckets::default();
        *lock(&self.operating) = Operating::default();
        *lock(&self.changes) = Changes::default();
        lock(&self.replays).clear();
    }

    /// Counts a request in the rate bucket; false when it must be refused.
    pub fn admits(&self, source: std::net::IpAddr, knobs: &Knobs) -> bool {
        !knobs.limits || lock(&self.buckets).take(source, self.now(), knobs)
    }

    /// What a method has spent.
    pub fn spent(&self, key: &str, knobs: &Knobs) -> Spent {
        lock(&self.operating).spent(key, self.now(), knobs)
    }

    /// Bills a method.
    pub fn bill(&self, key: &str, seconds: f64, knobs: &Knobs) {
        lock(&self.operating).bill(key, self.now(), seconds, knobs);
    }

    /// Whether a fault strikes now; counts it when it does.
    pub fn strikes(&self, name: &'static str, pick: fn(&mut Faults) -> &mut Fault) -> bool {
        if self.knobs().faults == Faults::default() {
            return false;
        }
        let mut shared = self.knobs.write().unwrap_or_else(PoisonError::into_inner);
        let knobs = Arc::make_mut(&mut shared);
        let seed = knobs.seed;
        let draw = || mix(seed ^ 0xFA01 ^ self.draws.fetch_add(1, Ordering::Relaxed) << 16);
        let strikes = pick(&mut knobs.faults).strikes(draw);
        drop(shared);
        if strikes {
            *self.counters().faults.entry(name).or_insert(0) += 1;
        }
        strikes
    }

    /// Makes the changes under way that are due. Done before each command, so no task of its own is needed.
    pub fn disturb(&self) {
        let rate = self.knobs().changes_per_second;
        let mut changes = lock(&self.changes);
        if rate <= 0.0 && changes.rate <= 0.0 {
            return;
        }
        let now = self.now();
        if changes.rate != rate {
            *changes = Changes { since: now, made: 0, step: changes.step, rate };
        }
        // A portal left alone for long does not owe the whole time at once.
        const MOST: u64 = 10_000;
        let due = (((now - changes.since) * rate.max(0.0)) as u64).saturating_sub(changes.made).min(MOST);
        if due == 0 {
            return;
        }
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..due {
            world.disturb(changes.step, now as i64);
            changes.step += 1;
        }
        changes.made += due;
        self.counters().changes += due;
    }
}
