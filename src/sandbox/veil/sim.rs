//! The running controller: its state behind one lock, its clock, what it needs to be met over TLS.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::certificate::Certificate;
use super::knobs::Knobs;
use super::world::World;
use crate::sandbox::http::lock;

pub struct Sim {
    /// Made when first looked at, so that a controller nobody asks costs nothing.
    world: OnceLock<Mutex<World>>,
    knobs: Knobs,
    certificate: OnceLock<Result<Certificate, String>>,
    bell: Arc<Notify>,
    started: Instant,
    started_unix: f64,
}

impl Sim {
    pub fn new(knobs: Knobs) -> Sim {
        Sim {
            world: OnceLock::new(),
            knobs,
            certificate: OnceLock::new(),
            bell: Arc::default(),
            started: Instant::now(),
            started_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()),
        }
    }

    /// Unix seconds by tokio's clock, so that tests may move it.
    pub fn now(&self) -> f64 {
        self.started_unix + self.started.elapsed().as_secs_f64()
    }

    /// The state, with everything done that was due.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let now = self.now();
        let world = self.world.get_or_init(|| Mutex::new(World::new(self.knobs.clone(), now, self.bell.clone())));
        let mut world = lock(world);
        world.advance(now);
        world
    }

    /// Data, tokens and tasks as in the beginning, by the switches as they are now. Counters stay.
    pub fn reset_data(&self) {
        let now = self.now();
        let mut world = self.world();
        let counters = std::mem::take(&mut world.counters);
        let feeds = std::mem::take(&mut world.feeds);
        *world = World::new(world.knobs.clone(), now, self.bell.clone());
        world.counters = counters;
        world.feeds = feeds;
    }

    /// The certificate, made when first asked for.
    pub fn certificate(&self) -> Result<&Certificate, &str> {
        self.certificate.get_or_init(Certificate::new).as_ref().map_err(String::as_str)
    }

    /// Looks at the clock whenever something is due, for those who listen to the event stream.
    pub async fn pulse(&self) {
        loop {
            let next = match self.world.get() {
                None => None,
                Some(_) => {
                    let world = self.world();
                    world.next_due().filter(|_| !world.feeds.is_empty())
                }
            };
            let rung = self.bell.notified();
            match next {
                None => rung.await,
                Some(at) => {
                    let left = Duration::from_secs_f64((at - self.now()).clamp(0.001, 3600.0));
                    tokio::select! { () = rung => {} () = sleep(left) => {} }
                }
            }
        }
    }
}
