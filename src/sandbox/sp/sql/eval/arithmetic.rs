//! Signs between values.

use crate::sandbox::sp::sql::ast::Operator;
use crate::sandbox::sp::sql::compare::common;
use crate::sandbox::sp::sql::convert::{Way, as_float, convert};
use crate::sandbox::sp::sql::decimal;
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::moment::{DAY, DAY_1900, Moment};
use crate::sandbox::sp::sql::value::{Family, Type, Value};

/// The most bytes that a text may have.
pub const LONGEST: usize = 32 << 20;

/// What an operator is called in messages.
pub fn name(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "add",
        Operator::Subtract => "subtract",
        Operator::Multiply => "multiply",
        Operator::Divide => "divide",
        Operator::Modulo => "modulo",
        Operator::And => "'&'",
        Operator::Or => "'|'",
        Operator::Xor => "'^'",
        _ => "compare",
    }
}

/// The type of what comes out.
pub fn result_kind(operator: Operator, left: Type, right: Type) -> Answer<Type> {
    let families = (left.family(), right.family());
    let kind = common(left, right);
    match (operator, families) {
        (_, (Family::Variant | Family::Xml, _) | (_, Family::Variant | Family::Xml)) => {
            Err(failure::bad_operands(left, right, name(operator)))
        }
        (Operator::Add, (Family::Text, Family::Text)) => Ok(joined_kind(left, right)),
        (Operator::Add, (Family::Binary, Family::Binary)) => Ok(match (left.length(), right.length()) {
            (Some(one), Some(two)) => Type::VarBinary(Some(one.saturating_add(two).min(8000))),
            _ => Type::VarBinary(None),
        }),
        (Operator::And | Operator::Or | Operator::Xor, _) => match kind.family() {
            Family::Integer => Ok(kind),
            _ => Err(failure::bad_operands(left, right, name(operator))),
        },
        (_, (Family::Text, Family::Text)) => Err(failure::bad_operand(left, name(operator))),
        _ if families.0 == Family::Moment || families.1 == Family::Moment => moment_kind(operator, left, right),
        _ if matches!(kind, Type::Guid | Type::Bit) => Err(failure::bad_operand(kind, name(operator))),
        _ if matches!(kind, Type::Decimal { .. }) => {
            let digits = |own: Type| if own.is_number() { own.digits() } else { kind.digits() };
            Ok(decimal::result_kind(operator, digits(left), digits(right)))
        }
        _ => Ok(kind),
    }
}

/// A whole number that is written down has as many digits as it has, where it meets an exact one.
pub fn literal(value: &Value, other: Type) -> Option<Value> {
    match (value, other) {
        (&Value::Int(number), Type::Decimal { .. }) => {
            let precision = number.unsigned_abs().to_string().len() as u8;
            Some(Value::Decimal { digits: i128::from(number), precision, scale: 0 })
        }
        _ => None,
    }
}

/// A day can be added to the older types only.
fn moment_kind(operator: Operator, left: Type, right: Type) -> Answer<Type> {
    let kind = common(left, right);
    let is_sum = matches!(operator, Operator::Add | Operator::Subtract);
    if is_sum && matches!(kind, Type::DateTime | Type::SmallDateTime) {
        return Ok(kind);
    }
    let (one, two) = (left.family(), right.family());
    if one == Family::Moment && two == Family::Moment {
        return Err(failure::bad_operand(left, name(operator)));
    }
    if is_sum && (one.eq(&Family::Text) || two.eq(&Family::Text)) {
        return Err(failure::bad_operands(left, right, name(operator)));
    }
    let text = format!("Operand type clash: {} is incompatible with {}", left.name(), right.name());
    Err(failure::failure(206, 16, 2, text).reach(failure::Reach::Scope))
}

fn joined_kind(left: Type, right: Type) -> Type {
    let (is_unicode, most) = match left.is_unicode() || right.is_unicode() {
        true => (true, 4000),
        false => (false, 8000),
    };
    let length = match (left.length(), right.length()) {
        (Some(one), Some(two)) => Some(one.saturating_add(two).min(most)),
        _ => None,
    };
    if is_unicode { Type::NVarChar(length) } else { Type::VarChar(length) }
}

/// Does one operation; neither value is NULL.
pub fn compute(operator: Operator, left: Value, right: Value, way: Way) -> Answer<Value> {
    let kind = result_kind(operator, left.kind(), right.kind())?;
    match kind.family() {
        Family::Text => join_texts(left, right, kind),
        Family::Binary => match (left, right) {
            (Value::Binary(mut left), Value::Binary(right)) => {
                left.extend(right);
                convert(Value::Binary(left), kind, way)
            }
            _ => Ok(Value::Null),
        },
        Family::Moment => shifted(operator, left, right, kind, way),
        Family::Approximate => {
            let (left, right) = (convert(left, Type::Float, way)?, convert(right, Type::Float, way)?);
            approximate(operator, as_float(&left).unwrap_or_default(), as_float(&right).unwrap_or_default(), kind)
        }
        Family::Exact => exact(operator, left, right, kind, way),
        _ => {
            let (left, right) = (convert(left, kind, way)?, convert(right, kind, way)?);
            let both = left.as_integer().zip(right.as_integer());
            let (left, right) = both.ok_or_else(|| failure::bad_operand(kind, name(operator)))?;
            whole(operator, left, right, kind)
        }
    }
}

fn join_texts(left: Value, right: Value, kind: Type) -> Answer<Value> {
    let (Value::Text(mut left) | Value::Char(mut left), Value::Text(right) | Value::Char(right)) = (left, right) else {
        return Ok(Value::Null);
    };
    if left.len() + right.len() > LONGEST {
        return Err(failure::no_memory());
    }
    left.push_str(&right);
    // The length of values, not of their types, is known here: only the type of the whole expression cuts.
    Ok(if kind.is_unicode() { Value::Text(left) } else { Value::Char(left) })
}

fn whole(operator: Operator, left: i64, right: i64, kind: Type) -> Answer<Value> {
    if right == 0 && matches!(operator, Operator::Divide | Operator::Modulo) {
        return Err(failure::zero_divide());
    }
    let (left, right) = (i128::from(left), i128::from(right));
    let number = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
        Operator::And => left & right,
        Operator::Or => left | right,
        _ => left ^ right,
    };
    let value = match kind {
        Type::Bit => Some(Value::Bit(number != 0)),
        Type::TinyInt => u8::try_from(number).ok().map(Value::TinyInt),
        Type::SmallInt => i16::try_from(number).ok().map(Value::SmallInt),
        Type::Int => i32::try_from(number).ok().map(Value::Int),
        _ => i64::try_from(number).ok().map(Value::BigInt),
    };
    value.ok_or_else(|| failure::overflow(kind))
}

fn approximate(operator: Operator, left: f64, right: f64, kind: Type) -> Answer<Value> {
    let number = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide | Operator::Modulo if right == 0.0 => return Err(failure::zero_divide()),
        Operator::Divide => left / right,
        _ => return Err(failure::bad_operand(kind, name(operator))),
    };
    if !number.is_finite() {
        return Err(failure::overflow(kind));
    }
    Ok(if kind == Type::Real { Value::Real(number as f32) } else { Value::Float(number) })
}

fn exact(operator: Operator, left: Value, right: Value, kind: Type, way: Way) -> Answer<Value> {
    if matches!(kind, Type::Money | Type::SmallMoney) {
        let (left, right) = (convert(left, Type::Money, way)?, convert(right, Type::Money, way)?);
        let (Value::Money(left), Value::Money(right)) = (left, right) else { return Ok(Value::Null) };
        let (left, right) = (i128::from(left), i128::from(right));
        let amount = match operator {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right / 10_000,
            _ if right == 0 => return Err(failure::zero_divide()),
            Operator::Divide => left * 10_000 / right,
            _ => left % right,
        };
        let amount = i64::try_from(amount).map_err(|_| failure::overflow(kind))?;
        return match kind {
            Type::Money => Ok(Value::Money(amount)),
            _ => i32::try_from(amount).map(Value::SmallMoney).map_err(|_| failure::overflow(kind)),
        };
    }
    let as_exact = |value: Value, other: &Value| -> Answer<Value> {
        if value.kind().is_number() { Ok(value) } else { convert(value, other.kind(), way) }
    };
    let (left, right) = (as_exact(left.clone(), &right)?, as_exact(right, &left)?);
    match decimal::exact(&left).zip(decimal::exact(&right)) {
        Some((left, right)) => decimal::compute(operator, left, right),
        None => Err(failure::overflow(kind)),
    }
}

/// A datetime some days later or earlier.
fn shifted(operator: Operator, left: Value, right: Value, kind: Type, way: Way) -> Answer<Value> {
    let (left, right) = (convert(left, Type::DateTime, way)?, convert(right, Type::DateTime, way)?);
    let (Some(left), Some(right)) = (Moment::of(&left), Moment::of(&right)) else { return Ok(Value::Null) };
    let by = i128::from(right.days - DAY_1900) * i128::from(DAY) + i128::from(right.ticks);
    let moment = left.plus_ticks(if operator == Operator::Add { by } else { -by });
    moment.and_then(|moment| moment.as_kind(kind)).ok_or_else(|| failure::overflow(kind))
}

/// `-x`.
pub fn negated(value: Value) -> Answer<Value> {
    let kind = value.kind();
    let negative = match value {
        Value::Null => Some(Value::Null),
        Value::TinyInt(number) => Some(Value::SmallInt(-i16::from(number))),
        Value::SmallInt(number) => number.checked_neg().map(Value::SmallInt),
        Value::Int(number) => number.checked_neg().map(Value::Int),
        Value::BigInt(number) => number.checked_neg().map(Value::BigInt),
        Value::Real(number) => Some(Value::Real(-number)),
        Value::Float(number) => Some(Value::Float(-number)),
        // The smallest int is written as a minus and a number that is none by itself.
        Value::Decimal { digits: 2_147_483_648, scale: 0, .. } => Some(Value::Int(i32::MIN)),
        Value::Decimal { digits, precision, scale } => Some(Value::Decimal { digits: -digits, precision, scale }),
        Value::Money(amount) => amount.checked_neg().map(Value::Money),
        Value::SmallMoney(amount) => amount.checked_neg().map(Value::SmallMoney),
        _ => return Err(failure::bad_operand(kind, "minus")),
    };
    negative.ok_or_else(|| failure::overflow(kind))
}

/// `~x`.
pub fn inverted(value: Value) -> Answer<Value> {
    Ok(match value {
        Value::Null => Value::Null,
        Value::Bit(bit) => Value::Bit(!bit),
        Value::TinyInt(number) => Value::TinyInt(!number),
        Value::SmallInt(number) => Value::SmallInt(!number),
        Value::Int(number) => Value::Int(!number),
        Value::BigInt(number) => Value::BigInt(!number),
        other => return Err(failure::bad_operand(other.kind(), "'~'")),
    })
}
