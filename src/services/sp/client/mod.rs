//! Runs of the catalogue's procedures, and plain SQL, over whatever driver there is.

mod cell;
pub mod driver;
mod login;
pub mod message;
mod messages;
pub mod pool;
pub mod run;
pub mod sql;
pub mod tds;
#[cfg(test)]
mod tests;
pub mod way;
