//! `Rows`, `Row` and `Stream` in scripts.

mod bindings;
pub mod files;
mod keys;
mod row;
mod stream;
mod stream_files;

pub use stream::Stream;

use rhai::{Engine, Shared};

use crate::core;

pub fn register(engine: &mut Engine) {
    engine.register_type_with_name::<core::rows::Rows>("Rows");
    engine.register_type_with_name::<core::rows::Row>("Row");
    engine.register_type_with_name::<Stream>("Stream");
    engine.register_global_module(Shared::new(rhai::exported_module!(bindings::rows)));
    engine.register_global_module(Shared::new(rhai::exported_module!(files::files)));
    engine.register_global_module(Shared::new(rhai::exported_module!(row::row)));
    engine.register_global_module(Shared::new(rhai::exported_module!(stream::stream)));
    engine.register_global_module(Shared::new(rhai::exported_module!(stream_files::stream_files)));
    engine.register_iterator::<core::rows::Rows>();
    engine.register_iterator_result::<Stream, rhai::Dynamic>();
}
