//! The native transport: commands as messages over kept connections.

mod ask;
mod connection;
mod pool;
mod rows;
mod storage;

pub use ask::Ras;
pub use connection::Timeouts;
pub use pool::Pool;
