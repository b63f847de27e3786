//! Runs of the catalogue's procedures, and plain SQL, over whatever driver there is.

mod alive;
pub mod driver;
pub mod engine;
mod estimate;
pub mod history;
mod live;
mod locks;
mod looks;
pub mod message;
mod order;
pub mod plan;
mod resume;
pub mod run;
pub mod site;
mod stamp;
mod step;
