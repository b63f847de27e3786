//! What SQL Server's values, addresses, connection strings and errors look like. Pure: nothing here sends anything.

pub mod address;
pub mod columns;
pub mod connection_string;
pub mod errors;
pub mod literal;
pub mod time;
pub mod value;
