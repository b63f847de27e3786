//! Runs of the catalogue's procedures, and plain SQL, over whatever driver there is.

pub mod driver;
pub mod message;
pub mod run;
