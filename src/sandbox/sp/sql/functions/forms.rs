//! Functions whose arguments are not all evaluated, or whose type depends on more than types.

use std::cmp::Ordering;

use crate::sandbox::sp::sql::ast::{Call, Expr};
use crate::sandbox::sp::sql::compare::compare;
use crate::sandbox::sp::sql::eval::{Env, Scope};
use crate::sandbox::sp::sql::failure::Answer;
use crate::sandbox::sp::sql::value::{Type, Value};

const FORMS: [(&str, usize, usize); 5] =
    [("ISNULL", 2, 2), ("COALESCE", 2, super::MANY), ("NULLIF", 2, 2), ("IIF", 3, 3), ("CHOOSE", 2, super::MANY)];

fn checked(call: &Call) -> Option<Answer<()>> {
    let (_, least, most) = FORMS.iter().find(|(name, _, _)| *name == call.name)?;
    Some(super::check_arguments(call, (*least, *most)))
}

fn is_null_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(Value::Null))
}

/// The type of such a function; none where it is another one.
pub fn kind(env: &Env, call: &Call, scope: &Scope) -> Option<Answer<Type>> {
    let checked = checked(call)?;
    Some(checked.and_then(|()| match call.name.as_str() {
        "ISNULL" => {
            let second = env.kind(&call.arguments[1], scope)?;
            let first = env.kind(&call.arguments[0], scope)?;
            Ok(if is_null_literal(&call.arguments[0]) { second } else { first })
        }
        "NULLIF" => {
            env.kind(&call.arguments[1], scope)?;
            env.kind(&call.arguments[0], scope)
        }
        "IIF" => {
            env.check(&call.arguments[0], scope)?;
            env.common_kind(call.arguments[1..].iter(), scope)
        }
        "CHOOSE" => {
            env.kind(&call.arguments[0], scope)?;
            env.common_kind(call.arguments[1..].iter(), scope)
        }
        _ => env.common_kind(call.arguments.iter(), scope),
    }))
}

/// What such a function gives; none where it is another one.
pub fn call(env: &Env, call: &Call, scope: &Scope) -> Option<Answer<Value>> {
    let checked = checked(call)?;
    Some(checked.and_then(|()| {
        let kind = kind(env, call, scope).unwrap_or(Ok(Type::Int))?;
        env.convert(chosen(env, call, scope)?, kind)
    }))
}

fn chosen(env: &Env, call: &Call, scope: &Scope) -> Answer<Value> {
    let value = |at: usize| call.arguments.get(at).map_or(Ok(Value::Null), |expr| env.value(expr, scope));
    match call.name.as_str() {
        "NULLIF" => {
            let first = value(0)?;
            let is_same = compare(&first, &value(1)?, env.way())? == Some(Ordering::Equal);
            Ok(if is_same { Value::Null } else { first })
        }
        "IIF" => value(if env.test(&call.arguments[0], scope)? == Some(true) { 1 } else { 2 }),
        "CHOOSE" => match super::integer(env, &value(0)?)? {
            Some(number @ 1..) => value(number as usize),
            _ => Ok(Value::Null),
        },
        _ => {
            for at in 0..call.arguments.len() {
                let found = value(at)?;
                if !found.is_null() {
                    return Ok(found);
                }
            }
            Ok(Value::Null)
        }
    }
}
