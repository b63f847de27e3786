//! One robot at work: what it asks the Orchestrator, what it remembers, what it runs.

pub mod agent;
mod api;
mod assets;
mod calls;
pub mod failpoint;
mod files;
pub mod gone;
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
mod starts;
pub mod survivors;
mod tasks;
pub mod timing;
pub mod trouble;
pub mod work;

pub use api::{Reply, known};
pub use assets::Credential;
pub use http::Client;
pub use tasks::options;

pub use super::wire::answer::{field, number, params, words as text};
pub use super::wire::calendar::Calendar;
pub use super::wire::call::Options;
pub use super::wire::old;
pub use super::wire::request::Verb;
pub use super::wire::shapes;
pub use super::wire::words;

#[cfg(test)]
mod tests;
