//! The web service over `sp`.

pub mod answer;
pub mod auth;
pub mod board;
pub mod limits;
pub mod log;
pub mod metrics;
