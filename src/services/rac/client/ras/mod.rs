//! The native transport: commands as messages over kept connections.

mod ask;
mod connection;
mod pool;
mod rows;

pub use ask::{Answered, Ras};
pub use connection::Timeouts;
pub use pool::Pool;
