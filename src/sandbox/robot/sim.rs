//! The running Orchestrator: its state behind one lock, and what it needs to be met over TLS.

use std::sync::{Mutex, MutexGuard, OnceLock};

use super::certificate::Certificates;
use super::counters::Counters;
use super::knobs::Knobs;
use super::world::World;
use crate::sandbox::http::lock;

pub struct Sim {
    world: Mutex<World>,
    certificates: OnceLock<Result<Certificates, String>>,
}

impl Sim {
    pub fn new(knobs: Knobs) -> Sim {
        Sim { world: Mutex::new(World::new(knobs)), certificates: OnceLock::new() }
    }

    /// The state, with everything done that was due.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.advance();
        world
    }

    /// Everything as in the beginning, by the switches as they are now; requests under way stay counted.
    pub fn reset_data(&self) {
        let mut world = self.world();
        let (knobs, active) = (world.knobs.clone(), world.counters.active);
        *world = World::new(knobs);
        world.counters = Counters { active, max_active: active, ..Counters::default() };
    }

    /// The certificates, made when first asked for.
    pub fn certificates(&self) -> Result<&Certificates, &str> {
        self.certificates.get_or_init(Certificates::new).as_ref().map_err(String::as_str)
    }
}
