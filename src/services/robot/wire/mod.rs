//! What robot and Orchestrator say to each other. Pure.

pub mod shapes;
