//! What robot and Orchestrator say to each other. Pure.

pub mod address;
pub mod answer;
pub mod calendar;
pub mod call;
pub mod date;
pub mod form;
pub mod header;
pub mod old;
pub mod request;
pub mod shapes;
pub mod words;
