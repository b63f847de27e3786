//! SQL Server: stored procedures run by a catalogue, and plain SQL.

pub mod catalogue;
pub mod client;

/// The section of `pult.toml`, and the object in scripts.
pub const NAME: &str = "sp";
