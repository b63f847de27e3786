//! One robot at work: what it asks the Orchestrator, what it remembers, what it runs.

pub mod agent;
mod calls;
pub mod failpoint;
mod here;
pub mod http;
pub mod jobs;
pub mod journal;
pub mod judge;
pub mod lock;
pub mod orchestrator;
mod outbox;
mod pace;
pub mod place;
pub mod survivors;
pub mod timing;
pub mod trouble;
pub mod work;

pub use http::Client;

pub use super::wire::old;
pub use super::wire::shapes;

#[cfg(test)]
mod tests;
