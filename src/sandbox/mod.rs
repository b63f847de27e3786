//! Simulators of the outside systems on loopback addresses.

pub mod b24;
