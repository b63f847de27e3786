//! The built program and everything that people and servers get wrong: each case ends by itself, with the right exit
//! code and a report that names what, where and the next step; without a panic and without a secret.
//!
//! `cargo test --test bad_input -- --nocapture` shows what a person would see of each.

mod calls;
mod config;
mod output;
mod portals;
mod program;
mod scripts;
mod servers;
