//! Runs of the catalogue's procedures, and plain SQL, over whatever driver there is.

mod cell;
pub mod driver;
pub mod message;
mod login;
mod messages;
pub mod pool;
pub mod run;
pub mod sql;
pub mod tds;
pub mod way;
#[cfg(test)]
mod tests;
