//! The calls: a command of the table with what its options were given, carried out over either transport.

mod call;
mod complete;
mod ras;
mod server;
pub mod utility;

pub use super::wire::shape::Given;
pub use call::{Call, Reply};
pub use server::{Server, address};

#[cfg(test)]
mod tests;
