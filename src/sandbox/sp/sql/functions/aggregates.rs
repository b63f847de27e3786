//! COUNT, SUM, MIN, MAX, AVG and the like.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::sandbox::sp::sql::ast::{Call, Operator};
use crate::sandbox::sp::sql::compare::{compare, key_of};
use crate::sandbox::sp::sql::eval::{Env, compute};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::value::{Family, Type, Value};

const NAMES: [&str; 7] = ["COUNT", "COUNT_BIG", "SUM", "AVG", "MIN", "MAX", "STRING_AGG"];

/// Whether a call is over many rows.
pub fn is_aggregate(call: &Call) -> bool {
    NAMES.contains(&call.name.as_str())
}

/// The type of what comes out, from that of the argument.
pub fn kind_of_aggregate(call: &Call, argument: Option<Type>) -> Answer<Type> {
    let is_count = matches!(call.name.as_str(), "COUNT" | "COUNT_BIG");
    let needed = usize::from(!call.star) + usize::from(call.name == "STRING_AGG");
    if call.arguments.len() != needed || call.star && !is_count {
        return Err(failure::arguments(&call.name.to_lowercase(), 1));
    }
    let kind = argument.unwrap_or(Type::Int);
    match call.name.as_str() {
        "COUNT" => Ok(Type::Int),
        "COUNT_BIG" => Ok(Type::BigInt),
        "STRING_AGG" => Ok(if kind.is_unicode() { Type::NVarChar(Some(4000)) } else { Type::VarChar(Some(8000)) }),
        "MIN" | "MAX" if kind != Type::Bit => Ok(kind),
        name => sum_kind(kind).ok_or_else(|| failure::bad_operand(kind, &name.to_lowercase())).map(|sum| {
            match (name, sum) {
                ("AVG", Type::Decimal { scale, .. }) => Type::Decimal { precision: 38, scale: scale.max(6) },
                _ => sum,
            }
        }),
    }
}

fn sum_kind(kind: Type) -> Option<Type> {
    match kind {
        Type::TinyInt | Type::SmallInt | Type::Int => Some(Type::Int),
        Type::Real | Type::Float => Some(Type::Float),
        Type::SmallMoney | Type::Money => Some(Type::Money),
        Type::Decimal { scale, .. } => Some(Type::Decimal { precision: 38, scale }),
        Type::BigInt => Some(Type::BigInt),
        _ => None,
    }
}

/// Goes over the values; NULLs do not count.
pub fn aggregate(env: &Env, call: &Call, kind: Type, values: impl Iterator<Item = Answer<Value>>) -> Answer<Value> {
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    for value in values {
        let value = value?;
        if call.star || !value.is_null() && (!call.distinct || seen.insert(key_of(&value))) {
            all.push(value);
        }
    }
    match call.name.as_str() {
        "COUNT" | "COUNT_BIG" => env.convert(Value::BigInt(all.len() as i64), kind),
        "MIN" => extreme(env, all, Ordering::Less),
        "MAX" => extreme(env, all, Ordering::Greater),
        "SUM" => sum(env, all, kind),
        "AVG" => {
            let count = all.len() as i64;
            let sum_kind = if kind == Type::Int { Type::BigInt } else { kind };
            let total = sum(env, all, sum_kind)?;
            if total.is_null() {
                return Ok(Value::Null);
            }
            let count = match kind.family() {
                Family::Exact => Value::Decimal { digits: i128::from(count), precision: 10, scale: 0 },
                _ => Value::BigInt(count),
            };
            env.convert(compute(Operator::Divide, total, count, env.way())?, kind)
        }
        _ => {
            let texts = all.iter().map(|value| super::text(env, value).map(Option::unwrap_or_default));
            let texts = texts.collect::<Answer<Vec<String>>>()?;
            let between = match call.arguments.get(1) {
                Some(between) => super::text(env, &env.value(between, &Default::default())?)?.unwrap_or_default(),
                None => String::new(),
            };
            if texts.is_empty() { Ok(Value::Null) } else { env.convert(Value::Text(texts.join(&between)), kind) }
        }
    }
}

fn sum(env: &Env, all: Vec<Value>, kind: Type) -> Answer<Value> {
    let mut values = all.into_iter();
    let Some(first) = values.next() else { return Ok(Value::Null) };
    let mut total = env.convert(first, kind)?;
    for value in values {
        total = env.convert(compute(Operator::Add, total, env.convert(value, kind)?, env.way())?, kind)?;
    }
    Ok(total)
}

fn extreme(env: &Env, all: Vec<Value>, wanted: Ordering) -> Answer<Value> {
    let mut best = Value::Null;
    for value in all {
        if best.is_null() || compare(&value, &best, env.way())? == Some(wanted) {
            best = value;
        }
    }
    Ok(best)
}
