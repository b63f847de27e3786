//! Lets objects have methods named `call` and `export`.
//!
//! Rhai keeps `x.call(…)` for function pointers and refuses it for everything else, but a Bitrix24 portal is called by
//! `b24.call(…)`. So the word after a dot is read as another name, under which both kinds of calls are ordinary
//! functions. `export` begins a statement of Rhai's, which never stands after a dot.

use std::any::TypeId;
use std::cell::Cell;

use rhai::{Dynamic, Engine, FnPtr, LexError, NativeCallContext, Token};

use crate::script::bridge::Thrown;

/// The word as people write it, and as the engine knows it; the latter cannot be written.
const WRITTEN: &str = "call";
pub const KNOWN: &str = "call$";
const EXPORT: &str = "export";

/// A function's name as people write it.
pub fn written(name: &str) -> &str {
    if name == KNOWN { WRITTEN } else { name }
}

/// A function pointer is called with at most so many arguments; functions of scripts have fewer.
const MOST: usize = 12;

thread_local! {
    /// Whether the token before was a dot. A text is read on one thread from beginning to end.
    static AFTER_DOT: Cell<bool> = const { Cell::new(false) };
}

pub fn register(engine: &mut Engine) {
    let (any, pointer) = (TypeId::of::<Dynamic>(), TypeId::of::<FnPtr>());
    for count in 0..=MOST {
        // f.call(…)
        let mut types = vec![any; count + 1];
        types[0] = pointer;
        engine.register_raw_fn(KNOWN, &types, call_pointer);
        if count > 0 {
            // f.call(g, …): f is called, not g.
            types[1] = pointer;
            engine.register_raw_fn(KNOWN, &types, call_pointer);
            // value.call(f, …): `this` is the value.
            types[0] = any;
            engine.register_raw_fn(KNOWN, &types, call_with_this);
        }
    }
}

#[expect(deprecated, reason = "marked so because it may change; there is no other way to free the word")]
pub fn read(engine: &mut Engine) {
    engine.on_parse_token(|token, _, _| {
        let after_dot = AFTER_DOT.replace(matches!(token, Token::Period | Token::Elvis));
        match token {
            Token::Identifier(word) | Token::Reserved(word) if after_dot && word.as_str() == WRITTEN => {
                Token::Identifier(Box::new(KNOWN.into()))
            }
            Token::Export if after_dot => Token::Identifier(Box::new(EXPORT.into())),
            // A number that only a float can hold would lose its last digits, and with them the id that it may be.
            Token::FloatConstant(number) if number.1.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                Token::LexError(Box::new(LexError::MalformedNumber(number.1.to_string())))
            }
            token => token,
        }
    });
}

fn values(args: &mut [&mut Dynamic]) -> Vec<Dynamic> {
    args.iter_mut().map(|arg| std::mem::take(*arg)).collect()
}

fn call_pointer(call: NativeCallContext<'_>, args: &mut [&mut Dynamic]) -> Thrown<Dynamic> {
    let (pointer, args) = args.split_at_mut(1);
    // A clone, because the function may change the variable that holds it.
    let pointer = pointer[0].clone_cast::<FnPtr>();
    pointer.call_raw(&call, None, values(args))
}

fn call_with_this(call: NativeCallContext<'_>, args: &mut [&mut Dynamic]) -> Thrown<Dynamic> {
    let (this, args) = args.split_at_mut(1);
    let pointer = args[0].clone_cast::<FnPtr>();
    pointer.call_raw(&call, Some(this[0]), values(&mut args[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Portal;

    fn engine() -> Engine {
        let mut engine = Engine::new();
        read(&mut engine);
        register(&mut engine);
        engine.register_fn(KNOWN, |_: &mut Portal, method: &str| format!("called {method}"));
        engine.register_fn(EXPORT, |_: &mut Portal, path: &str| format!("exported {path}"));
        engine.register_fn("portal", || Portal);
        engine
    }

    #[test]
    fn an_object_may_have_a_method_named_call() {
        assert_eq!(engine().eval::<String>(r#"portal().call("profile")"#).unwrap(), "called profile");
    }

    #[test]
    fn an_object_may_have_a_method_named_export() {
        let exported = r#"const N = 1; export N as M; portal().export("deals.csv")"#;
        assert_eq!(engine().eval::<String>(exported).unwrap(), "exported deals.csv");
    }

    #[test]
    fn function_pointers_are_called_as_ever() {
        for (script, expected) in [
            ("let f = |a, b| a + b; f.call(1, 2)", 3),
            ("let n = 5; let f = |a| a + n; f.call(1)", 6),
            ("let f = |g| g.call(2); f.call(|x| x * 10)", 20),
            ("let f = Fn(\"twice\"); fn twice(x) { x * 2 } f.call(4)", 8),
            ("let m = #{ f: |x| x + 1 }; m.f.call(1)", 2),
            ("let f = |a, b| a - b; f.curry(10).call(3)", 7),
            ("let x = 40; x.call(|a| this += a, 2); x", 42),
            ("call(|x| x, 7)", 7),
        ] {
            assert_eq!(engine().eval::<i64>(script).unwrap(), expected, "{script}");
        }
    }
}
