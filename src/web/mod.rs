//! The web service over `sp`: the old service's six routes, a JSON interface with live events, and the page for people.
//!
//! `routes` is the table of all that is served; the router and the OpenAPI document are made of it, and every request
//! passes through its one door (token, rate, query, body). `service` holds what requests share and drives the runs in
//! tasks of its own; `board` is what goes on, in memory, so that a status costs no database. `desk` is what is needed of
//! the engine.

pub mod answer;
pub mod api;
pub mod auth;
pub mod board;
mod body;
mod compat;
mod cors;
pub mod desk;
pub mod events;
pub mod limits;
pub mod listen;
pub mod log;
pub mod metrics;
mod openapi;
pub mod options;
mod order;
pub mod routes;
pub mod service;
pub mod site;
#[cfg(test)]
mod tests;
