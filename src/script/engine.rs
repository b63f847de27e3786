//! Puts the engine together: limits, stopping, printing, and everything scripts can call.

use std::collections::HashMap;
use std::sync::Arc;

use rhai::{Dynamic, Engine, Module, OptimizationLevel};

use crate::script::bridge::{Host, Tag};
use crate::script::imports::Imports;
use crate::script::modules::operators;
use crate::script::report::shown_name;
use crate::script::session::Options;
use crate::script::{gathered, method_call, modules, rows, stop};
use crate::services;

/// Rhai's own bounds (32 levels of expressions inside a function) refuse ordinary administrators' scripts.
const EXPRESSION_DEPTH: usize = 256;
const CALL_DEPTH: usize = 256;

/// An engine with everything in it. `max_operations` of 0 is no limit.
pub fn build(host: &Arc<Host>, options: &Options, imports: Imports) -> Engine {
    let mut engine = Engine::new();
    read(&mut engine);
    engine
        .set_max_call_levels(CALL_DEPTH)
        .set_max_operations(options.max_operations)
        // A misspelt field of a map is an error, not an empty value.
        .set_fail_on_invalid_map_property(true)
        // `Full` would call native functions while compiling, and `Simple` puts `rac`, `b24` and the like in the place of
        // parameters that have these names.
        .set_optimization_level(OptimizationLevel::None)
        .set_module_resolver(imports)
        .set_default_tag(Dynamic::from(Tag(host.clone())));
    engine.on_progress(|_| stop::must_end().then_some(Dynamic::UNIT));
    print_to(&mut engine, host);

    let mut globals = Module::new();
    let args: rhai::Array = options.args.iter().map(|arg| arg.as_str().into()).collect();
    globals.set_var("args", args);
    method_call::register(&mut engine);
    modules::register(&mut engine);
    // Tables are for scripts of people; a program that stays does without the memory that knowing them takes.
    if options.only.is_none() {
        rows::register(&mut engine);
        gathered::register(&mut engine);
    }
    for service in services::ALL.iter().filter(|service| options.only.is_none_or(|only| only == service.name())) {
        service.register(&mut engine, &mut globals);
    }
    let_closures_name(&mut engine, &globals);
    engine.register_global_module(globals.into());
    engine
}

/// Lets functions without a name speak of what is visible everywhere: Rhai looks for what they hold of their surroundings
/// among variables only, and `|| veil.domains()` would hold a variable that nobody has.
#[expect(
    deprecated,
    reason = "marked so because it may change; there is no other way to tell the engine of such names"
)]
fn let_closures_name(engine: &mut Engine, globals: &Module) {
    let known: HashMap<String, Dynamic> =
        globals.iter_var().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    engine.on_var(move |name, place, context| {
        // Variables that the text declares have a place, and those of a dialogue are in its scope: both come first.
        if place != 0 || context.scope().contains(name) {
            return Ok(None);
        }
        Ok(known.get(name).cloned())
    });
}

/// An engine that reads every expression as it stands in the text, and runs nothing: it knows no function.
pub fn reader() -> Engine {
    let mut engine = Engine::new_raw();
    read(&mut engine);
    engine.set_optimization_level(OptimizationLevel::None);
    engine
}

/// How texts are read, whatever is done with them.
fn read(engine: &mut Engine) {
    engine.set_max_expr_depths(EXPRESSION_DEPTH, EXPRESSION_DEPTH);
    method_call::read(engine);
    operators::read(engine);
}

/// `print` to the session's output; `debug` the same with the place in front. Rhai's hooks cannot fail, so an output
/// that cannot be written any more stops the session with that fault.
fn print_to(engine: &mut Engine, host: &Arc<Host>) {
    let printing = host.clone();
    engine.on_print(move |text| {
        printing.output.line(text).unwrap_or_else(|fault| printing.fail(fault));
    });
    let debugging = host.clone();
    engine.on_debug(move |text, source, position| {
        let place = [position.line(), position.position()].into_iter().flatten();
        let place = place.fold(shown_name(source.unwrap_or("script")), |place, n| format!("{place}:{n}"));
        let line = format!("{place} {text}");
        debugging.output.line(&line).unwrap_or_else(|fault| debugging.fail(fault));
    });
}
