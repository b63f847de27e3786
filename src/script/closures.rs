//! Closures that native functions call.

use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext};

use crate::script::bridge::Thrown;

/// The closure with handles of its own. A captured variable is shared, and locked while a method of it runs, so several
/// threads that use one object would find it locked. Our own types are handles that never change: a clone is the same
/// thing.
pub fn with_own_handles(f: &FnPtr) -> FnPtr {
    let mut f = f.clone();
    for captured in f.iter_curry_mut().filter(|captured| captured.is_shared() && is_handle(captured)) {
        *captured = captured.flatten_clone();
    }
    f
}

/// A value of one of our own types.
fn is_handle(value: &Dynamic) -> bool {
    value.type_name().starts_with("pult::")
}

/// Calls a closure that may take `given` or nothing. A variable cannot be captured while a method of it runs; one that
/// is handed over can be used.
pub fn call_given(call: &NativeCallContext<'_>, f: &FnPtr, given: impl Into<Dynamic>) -> Thrown<Dynamic> {
    match f.call_within_context::<Dynamic>(call, (given.into(),)) {
        Err(error) if takes_another_number(&error, f) => f.call_within_context(call, ()),
        called => called,
    }
}

/// Whether the closure itself was not found with so many parameters; then nothing of it has run.
fn takes_another_number(error: &EvalAltResult, f: &FnPtr) -> bool {
    matches!(error, EvalAltResult::ErrorFunctionNotFound(signature, _) if signature.starts_with(f.fn_name()))
}
