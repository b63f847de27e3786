//! One robot at work: what it asks the Orchestrator, what it remembers, what it runs.

pub mod jobs;
pub mod journal;
pub mod orchestrator;
pub mod place;
pub mod trouble;
pub mod work;

pub use super::wire::shapes;
