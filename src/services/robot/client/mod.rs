//! One robot at work: what it asks the Orchestrator, what it remembers, what it runs.

mod calls;
mod here;
pub mod http;
pub mod jobs;
pub mod journal;
pub mod orchestrator;
pub mod place;
pub mod trouble;
pub mod work;

pub use http::Client;

pub use super::wire::old;
pub use super::wire::shapes;

#[cfg(test)]
mod tests;
