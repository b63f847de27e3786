//! Functions of numbers.

use super::{Function, integer};
use crate::sandbox::sp::sql::convert::as_float;
use crate::sandbox::sp::sql::decimal;
use crate::sandbox::sp::sql::eval::{Env, negated};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::value::{Family, Type, Value};

pub const FUNCTIONS: &[Function] = &[
    Function { name: "ABS", arguments: (1, 1), kind: same, run: absolute },
    Function { name: "SIGN", arguments: (1, 1), kind: same, run: sign },
    Function { name: "ROUND", arguments: (2, 3), kind: same, run: round },
    Function { name: "FLOOR", arguments: (1, 1), kind: whole, run: |env, values| to_whole(env, values, -1) },
    Function { name: "CEILING", arguments: (1, 1), kind: whole, run: |env, values| to_whole(env, values, 1) },
    Function { name: "POWER", arguments: (2, 2), kind: same, run: power },
    Function {
        name: "SQRT",
        arguments: (1, 1),
        kind: |_| Type::Float,
        run: |env, values| of_float(env, values, f64::sqrt),
    },
    Function {
        name: "SQUARE",
        arguments: (1, 1),
        kind: |_| Type::Float,
        run: |env, values| of_float(env, values, |x| x * x),
    },
    Function {
        name: "EXP",
        arguments: (1, 1),
        kind: |_| Type::Float,
        run: |env, values| of_float(env, values, f64::exp),
    },
    Function {
        name: "LOG",
        arguments: (1, 1),
        kind: |_| Type::Float,
        run: |env, values| of_float(env, values, f64::ln),
    },
    Function {
        name: "LOG10",
        arguments: (1, 1),
        kind: |_| Type::Float,
        run: |env, values| of_float(env, values, f64::log10),
    },
    Function {
        name: "PI",
        arguments: (0, 0),
        kind: |_| Type::Float,
        run: |_, _| Ok(Value::Float(std::f64::consts::PI)),
    },
    Function { name: "RAND", arguments: (0, 1), kind: |_| Type::Float, run: random },
    Function { name: "CHECKSUM", arguments: (1, super::MANY), kind: |_| Type::Int, run: checksum },
    Function { name: "ISNUMERIC", arguments: (1, 1), kind: |_| Type::Int, run: is_numeric },
];

/// Small numbers become int, texts become float.
fn same(kinds: &[Type]) -> Type {
    match kinds.first().copied().unwrap_or(Type::Int) {
        Type::TinyInt | Type::SmallInt | Type::Bit => Type::Int,
        Type::SmallMoney => Type::Money,
        Type::Real => Type::Float,
        kind if kind.is_number() => kind,
        _ => Type::Float,
    }
}

fn whole(kinds: &[Type]) -> Type {
    match same(kinds) {
        Type::Decimal { precision, .. } => Type::Decimal { precision, scale: 0 },
        kind => kind,
    }
}

/// The first argument as the number that comes out.
fn number(env: &Env, value: &Value) -> Answer<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let kind = value.kind();
    if matches!(kind.family(), Family::Moment | Family::Binary | Family::Guid) {
        return Err(failure::bad_argument(kind, 1, "abs"));
    }
    env.convert(value.clone(), same(&[kind]))
}

fn absolute(env: &Env, values: &[Value]) -> Answer<Value> {
    let number = number(env, &values[0])?;
    let is_negative = match &number {
        Value::Float(number) => *number < 0.0,
        other => decimal::exact(other).is_some_and(|(digits, _, _)| digits < 0),
    };
    if is_negative { negated(number) } else { Ok(number) }
}

fn sign(env: &Env, values: &[Value]) -> Answer<Value> {
    let number = number(env, &values[0])?;
    let kind = number.kind();
    match &number {
        Value::Null => Ok(Value::Null),
        Value::Float(number) => Ok(Value::Float(if *number == 0.0 { 0.0 } else { number.signum() })),
        other => {
            let digits = decimal::exact(other).map_or(0, |(digits, _, _)| digits.signum());
            env.convert(Value::Int(digits as i32), kind)
        }
    }
}

/// Halves go away from zero; a third argument cuts off instead.
fn round(env: &Env, values: &[Value]) -> Answer<Value> {
    let number = number(env, &values[0])?;
    let Some(places) = integer(env, &values[1])? else { return Ok(Value::Null) };
    let cuts = values.get(2).map_or(Ok(Some(0)), |cuts| integer(env, cuts))?.unwrap_or(0) != 0;
    let places = places.clamp(-40, 40) as i32;
    let kind = number.kind();
    if let Value::Float(number) = number {
        let unit = 10f64.powi(places);
        let scaled = number * unit;
        return Ok(Value::Float(if cuts { scaled.trunc() } else { scaled.round() } / unit));
    }
    let Some((digits, _, scale)) = decimal::exact(&number) else { return Ok(Value::Null) };
    let cut = i32::from(scale) - places;
    if cut <= 0 {
        return Ok(number);
    }
    let Some(unit) = decimal::power(cut as u32) else { return env.convert(Value::Int(0), kind) };
    let rest = digits % unit;
    let up = !cuts && rest.unsigned_abs() * 2 >= unit.unsigned_abs();
    let rounded = digits - rest + if up { digits.signum() * unit } else { 0 };
    let value = match kind {
        Type::Decimal { precision, scale } => {
            return match decimal::fits(rounded, precision) {
                true => Ok(Value::Decimal { digits: rounded, precision, scale }),
                false => Err(failure::overflow(kind)),
            };
        }
        Type::Money => Value::Money(i64::try_from(rounded).map_err(|_| failure::overflow(kind))?),
        _ => Value::BigInt(i64::try_from(rounded).map_err(|_| failure::overflow(kind))?),
    };
    env.convert(value, kind)
}

fn to_whole(env: &Env, values: &[Value], side: i128) -> Answer<Value> {
    let number = number(env, &values[0])?;
    let kind = number.kind();
    match number {
        Value::Float(number) => Ok(Value::Float(if side < 0 { number.floor() } else { number.ceil() })),
        Value::Decimal { digits, precision, scale } => {
            let unit = decimal::power(u32::from(scale)).unwrap_or(1);
            let cut = digits.div_euclid(unit);
            let digits = if side > 0 && digits.rem_euclid(unit) != 0 { cut + 1 } else { cut };
            Ok(Value::Decimal { digits, precision, scale: 0 })
        }
        Value::Money(amount) => {
            let cut = amount.div_euclid(10_000);
            let up = i64::from(side > 0 && amount.rem_euclid(10_000) != 0);
            (cut + up).checked_mul(10_000).map(Value::Money).ok_or_else(|| failure::overflow(kind))
        }
        other => Ok(other),
    }
}

fn power(env: &Env, values: &[Value]) -> Answer<Value> {
    let base = number(env, &values[0])?;
    let exponent = as_float(&env.convert(values[1].clone(), Type::Float)?);
    let (Some(number), Some(exponent)) = (as_float(&base), exponent) else { return Ok(Value::Null) };
    let result = number.powf(exponent);
    let kind = base.kind();
    if !result.is_finite() {
        return Err(failure::overflow(kind));
    }
    let result = if kind.family() == Family::Integer { result.round() } else { result };
    env.convert(Value::Float(result), kind)
}

fn of_float(env: &Env, values: &[Value], run: fn(f64) -> f64) -> Answer<Value> {
    let number = env.convert(values[0].clone(), Type::Float)?;
    let Some(number) = as_float(&number) else { return Ok(Value::Null) };
    let result = run(number);
    if result.is_finite() {
        return Ok(Value::Float(result));
    }
    Err(failure::failure(3623, 16, 1, "An invalid floating point operation occurred."))
}

fn random(env: &Env, _: &[Value]) -> Answer<Value> {
    Ok(Value::Float((env.world.hub.draw() >> 11) as f64 / (1u64 << 53) as f64))
}

fn checksum(_: &Env, values: &[Value]) -> Answer<Value> {
    let text: String = values.iter().map(crate::sandbox::sp::sql::compare::key_of).collect();
    let sum = text.bytes().fold(0u32, |sum, byte| sum.rotate_left(4) ^ u32::from(byte));
    Ok(Value::Int(sum as i32))
}

fn is_numeric(env: &Env, values: &[Value]) -> Answer<Value> {
    let is = !values[0].is_null()
        && (env.convert(values[0].clone(), Type::Float).is_ok() || env.convert(values[0].clone(), Type::Money).is_ok());
    Ok(Value::Int(i32::from(is)))
}
