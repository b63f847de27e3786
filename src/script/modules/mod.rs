//! The plain modules of the script language: what belongs to no outside system.

mod assert;
mod csv;
mod encoding;
mod flow;
mod fs;
mod json;
mod log;
mod numbers;
pub mod operators;
mod session;
mod sizes;
mod text;
pub mod time;

pub use csv::separator;

use rhai::{Engine, Shared, exported_module};

use crate::script::values;

pub fn register(engine: &mut Engine) {
    operators::register(engine);
    engine.register_type_with_name::<values::Ordered>("Ordered");
    engine.register_type_with_name::<values::Moment>("Moment");
    engine.register_global_module(Shared::new(exported_module!(flow::flow)));
    engine.register_global_module(Shared::new(exported_module!(numbers::numbers)));
    engine.register_global_module(Shared::new(exported_module!(sizes::sizes)));
    engine.register_global_module(Shared::new(exported_module!(assert::asserting)));
    engine.register_global_module(Shared::new(exported_module!(time::moment)));
    engine.register_static_module("csv", Shared::new(exported_module!(csv::csv_tables)));
    engine.register_static_module("fs", Shared::new(exported_module!(fs::files)));
    engine.register_static_module("json", Shared::new(exported_module!(json::json)));
    engine.register_static_module("log", Shared::new(exported_module!(log::log)));
    engine.register_static_module("session", Shared::new(exported_module!(session::session)));
    engine.register_static_module("text", Shared::new(exported_module!(text::texts)));
    engine.register_static_module("time", Shared::new(exported_module!(time::times)));
}
