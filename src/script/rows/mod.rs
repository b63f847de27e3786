//! `Rows`, `Row` and `Stream` in scripts.

mod bindings;
mod keys;
mod row;
mod stream;

pub use stream::Stream;

use rhai::{Engine, Shared};

use crate::core;

pub fn register(engine: &mut Engine) {
    engine.register_type_with_name::<core::rows::Rows>("Rows");
    engine.register_type_with_name::<core::rows::Row>("Row");
    engine.register_type_with_name::<Stream>("Stream");
    engine.register_global_module(Shared::new(rhai::exported_module!(bindings::rows)));
    engine.register_global_module(Shared::new(rhai::exported_module!(row::row)));
    engine.register_global_module(Shared::new(rhai::exported_module!(stream::stream)));
    engine.register_iterator::<core::rows::Rows>();
    engine.register_iterator_result::<Stream, rhai::Dynamic>();
}
