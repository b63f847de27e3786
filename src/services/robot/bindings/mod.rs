//! `robot` in scripts. Only these files here know Rhai.

use rhai::{Dynamic, Engine, Module};

use super::NAME;

/// The object: the default connection, or one that `connect` gave.
#[derive(Clone, Default)]
pub struct Robot;

pub fn register(engine: &mut Engine, globals: &mut Module) {
    engine.register_type_with_name::<Robot>("Robot");
    globals.set_var(NAME, Robot);
}

/// What a value of our own types holds.
pub fn plain(_value: &Dynamic) -> Option<Dynamic> {
    None
}
