//! The calls: what a script asks for, sent to a controller, and work followed to its end.

mod bulk;
mod cache;
mod call;
mod controller;
mod ensure;
mod events;
mod files;
mod lists;
mod names;
mod objects;
mod send;
mod tags;
mod tasks;
mod token;
mod under_way;

pub use bulk::{Bulk, Done, Via};
pub use call::{Asked, How, Reply};
pub use controller::Controller;
pub use ensure::Power;
pub use events::Event;
pub use names::Found;
pub use tasks::{Ended, Waiting};
pub use under_way::UnderWay;

pub use super::wire::answer::Answer;
pub use super::wire::console::Console;
pub use super::wire::errors::Fault;
pub use super::wire::request::Request;
pub use super::wire::task::{Outcome, TaskState};

/// Options of a call: a map whose order is kept.
pub type Options = serde_json::Map<String, serde_json::Value>;

#[cfg(test)]
mod tests;
