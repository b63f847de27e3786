//! pult

pub mod sandbox;
