//! One robot at work: what it asks the Orchestrator, what it remembers, what it runs.

pub mod orchestrator;
pub mod trouble;
pub mod work;

pub use super::wire::shapes;
