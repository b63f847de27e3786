//! What the JSON interface answers.

pub mod catalogue;
pub mod health;
pub mod page;
pub mod runs;
