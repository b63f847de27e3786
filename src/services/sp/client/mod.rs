//! Runs of the catalogue's procedures, and plain SQL, over whatever driver there is.

mod alive;
mod cell;
pub mod driver;
pub mod engine;
mod estimate;
pub mod history;
mod live;
mod locks;
mod login;
mod looks;
pub mod message;
mod messages;
mod open;
mod order;
pub mod plan;
pub mod pool;
mod resume;
pub mod run;
pub mod show;
pub mod site;
pub mod sql;
mod stamp;
mod step;
pub mod tds;
#[cfg(test)]
mod tests;
pub mod way;
