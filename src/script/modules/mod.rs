//! The plain modules of the script language: what belongs to no outside system.

mod flow;
mod numbers;

use rhai::{Engine, Shared};

use crate::script::values;

pub fn register(engine: &mut Engine) {
    engine.register_type_with_name::<values::Ordered>("Ordered");
    engine.register_global_module(Shared::new(rhai::exported_module!(flow::flow)));
    engine.register_global_module(Shared::new(rhai::exported_module!(numbers::numbers)));
}
