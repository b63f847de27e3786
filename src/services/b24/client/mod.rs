//! The calls: what a script asks for, sent within the portal's limits.

mod auth;
mod batches;
mod by_id;
mod call_batch;
mod calls;
mod export;
mod lists;
mod origins;
mod outcomes;
mod pieces;
mod plan;
mod portal;
mod read;
mod send;
mod sorting;
mod stream;
mod types;

pub use by_id::{ById, Via};
pub use call_batch::{Command, Told};
pub use export::{Export, Exported, Typing};
pub use outcomes::{All, Answer, Outcomes};
pub use pieces::{Piece, Pieces};
pub use plan::{Limit, Plan, Way};
pub use portal::Portal;

/// Parameters of a call: a map (its order is kept), a list for the methods that take them by place, or nothing.
pub type Params = serde_json::Value;

#[cfg(test)]
mod tests;
