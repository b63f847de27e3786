//! The agent on a paused clock: an Orchestrator and a workshop that do what the test says.

mod asked;
mod durable;
mod faults;
mod looped;
mod soak;
mod world;
mod yard;
