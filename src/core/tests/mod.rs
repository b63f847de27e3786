//! What the tests of services share.

pub mod server;
