//! The outside systems: one folder for each.

pub mod b24;
