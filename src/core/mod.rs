//! The native engine below every service. Knows neither Rhai nor any outside system.

pub mod batch;
pub mod clock;
pub mod code_page;
pub mod context;
pub mod http;
pub mod json;
pub mod limiter;
pub mod order;
pub mod packed;
pub mod programs;
pub mod progress;
pub mod retry;
pub mod root;
pub mod rows;
pub mod screen;
pub mod spool;
pub mod state;
pub mod stats;
pub mod stream;
#[cfg(test)]
pub mod tests;
pub mod tree;
