//! What the tests of services share.

pub mod rows;
pub mod server;
