//! Comparisons that Rhai answers silently: a text is never more and never less than a number for it. Portals send ids
//! and money as texts, so silence here would be a report without its rows.

use std::any::TypeId;
use std::cmp::Ordering;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};
use rust_decimal::Decimal;

use crate::error::Error;
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;
use crate::script::values::Moment;

/// Where comparisons stand among Rhai's own operators.
const PRECEDENCE: u8 = 130;

type Holds = fn(Ordering) -> bool;

const SIGNS: [(&str, Holds); 4] =
    [("<", Ordering::is_lt), ("<=", Ordering::is_le), (">", Ordering::is_gt), (">=", Ordering::is_ge)];

/// The engine answers for its own types before it looks at registered functions, unless the operator is not its own.
pub fn read(engine: &mut Engine) {
    for (sign, _) in SIGNS {
        let taken = engine.disable_symbol(sign).register_custom_operator(sign, PRECEDENCE).err();
        if let Some(wrong) = taken {
            unreachable!("the signs are not taken: {wrong}");
        }
    }
}

pub fn register(engine: &mut Engine) {
    let any = TypeId::of::<Dynamic>();
    for (sign, holds) in SIGNS {
        engine.register_raw_fn(sign, [any, any], move |call: NativeCallContext<'_>, args: &mut [&mut Dynamic]| {
            compare(&call, args[0], args[1]).map(|ordering| ordering.is_some_and(holds))
        });
    }
    refuse_sum::<i64>(engine);
    refuse_sum::<f64>(engine);
    refuse_sum::<Decimal>(engine);
}

/// A number and a text are not put together as texts: `0 + row.OPPORTUNITY` is meant as a sum.
fn refuse_sum<N: rhai::Variant + Clone>(engine: &mut Engine) {
    engine.register_fn("+", |call: NativeCallContext<'_>, _: N, _: ImmutableString| -> Thrown<Dynamic> {
        let error = Error::input("script.sum", "`+` adds a text to a number");
        throw(&call, error.hint("decimal(text) makes a number of it; `${number}${text}` puts both into one text"))
    });
}

/// How two values compare; `None` for numbers that are not.
fn compare(call: &NativeCallContext<'_>, a: &Dynamic, b: &Dynamic) -> Thrown<Option<Ordering>> {
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return Ok(Some(a.cmp(&b)));
    }
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return Ok(match (a, b) {
            (Number::Exact(a), Number::Exact(b)) => Some(a.cmp(&b)),
            (a, b) => a.float().partial_cmp(&b.float()),
        });
    }
    if let (Some(a), Some(b)) = (a.read_lock::<ImmutableString>(), b.read_lock::<ImmutableString>()) {
        return Ok(Some(a.as_str().cmp(b.as_str())));
    }
    if let (Some(a), Some(b)) = (text(a), text(b)) {
        return Ok(Some(a.cmp(&b)));
    }
    if let (Some(a), Some(b)) = (a.read_lock::<Moment>(), b.read_lock::<Moment>()) {
        return Ok(a.partial_cmp(&b));
    }
    throw(call, different(call.fn_name(), a, b))
}

enum Number {
    Exact(Decimal),
    Float(f64),
}

impl Number {
    fn float(&self) -> f64 {
        match self {
            Number::Exact(n) => f64::try_from(*n).unwrap_or(f64::NAN),
            Number::Float(n) => *n,
        }
    }
}

fn number(value: &Dynamic) -> Option<Number> {
    if let Ok(n) = value.as_int() {
        return Some(Number::Exact(n.into()));
    }
    if let Ok(n) = value.as_float() {
        return Some(Number::Float(n));
    }
    value.as_decimal().ok().map(Number::Exact)
}

/// A text, or a letter as one.
fn text(value: &Dynamic) -> Option<String> {
    match value.as_char() {
        Ok(letter) => Some(letter.to_string()),
        Err(_) => value.read_lock::<ImmutableString>().map(|text| text.to_string()),
    }
}

fn different(sign: &str, a: &Dynamic, b: &Dynamic) -> Error {
    let is_text = |value: &Dynamic| value.is_string() || value.is_char();
    let hint = match (number(a).is_some() || number(b).is_some(), is_text(a) || is_text(b)) {
        (true, true) => "numbers often come as texts: decimal(text) or parse_int(text) makes a number of one",
        (false, true) => "time::parse(text) makes a moment of a text",
        _ if a.is_unit() || b.is_unit() => "one of them has no value: x ?? 0 puts another value in its place",
        _ => "only numbers, texts and moments have an order, each among themselves",
    };
    let message = format!("`{sign}` does not compare {} with {}", convert::type_name(a), convert::type_name(b));
    Error::input("script.compare", message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Engine {
        let mut engine = Engine::new();
        read(&mut engine);
        register(&mut engine);
        engine.register_fn("decimal", |text: &str| text.parse::<Decimal>().unwrap());
        engine
    }

    #[test]
    fn what_belongs_together_is_compared() {
        for expression in [
            "1 < 2 && 2 > 1 && 2 >= 2 && 2 <= 2",
            "1 < 2.5 && 2.5 > 1",
            "decimal(\"1.5\") < 2 && 2.5 > decimal(\"1.5\")",
            "\"a\" < \"b\" && 'a' < \"b\" && !(\"b\" < \"a\")",
            "let n = 0; while n < 5 { n += 1; } n >= 5 && 1 + 1 > 1 && !(3 > 4 - 1)",
        ] {
            assert!(engine().eval::<bool>(expression).unwrap(), "{expression}");
        }
    }

    #[test]
    fn what_does_not_belong_together_is_an_error_and_no_silence() {
        for sum in ["0 + \"5\"", "let s = 0; s += \"5\"; s", "0.5 + \"5\""] {
            let error = engine().eval::<Dynamic>(sum).unwrap_err().to_string();
            assert!(error.contains("adds a text to a number"), "{sum}: {error}");
        }
        assert_eq!(engine().eval::<String>("\"№ \" + 5").unwrap(), "№ 5");
        for expression in ["\"7\" > 5", "5 < \"7\"", "() < 5", "[1] < [2]", "decimal(\"1\") <= \"2\"", "true > 0"] {
            let error = engine().eval::<bool>(expression).unwrap_err().to_string();
            assert!(error.contains("does not compare"), "{expression}: {error}");
        }
    }
}
