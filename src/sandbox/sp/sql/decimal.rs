//! Exact numbers: digits and a scale, with the precisions that T-SQL gives to results.

use super::ast::Operator;
use super::failure::{self, Answer};
use super::value::{Type, Value};

/// The most digits.
pub const MOST: u8 = 38;

/// A number's digits, precision and scale.
pub type Exact = (i128, u8, u8);

/// 10 to that power; none above what fits.
pub fn power(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

/// Reads `-12.50`, with as many digits as are written.
pub fn read(text: &str) -> Option<Value> {
    let (sign, rest) = match text.trim().strip_prefix(['-', '+']) {
        Some(rest) => (if text.trim().starts_with('-') { -1 } else { 1 }, rest),
        None => (1, text.trim()),
    };
    let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
    if whole.is_empty() && part.is_empty() || !whole.chars().chain(part.chars()).all(|c| c.is_ascii_digit()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let length = whole.len() + part.len();
    if length > MOST as usize {
        return None;
    }
    let digits: i128 = format!("0{whole}{part}").parse().ok()?;
    let (precision, scale) = (length.max(1) as u8, part.len() as u8);
    Some(Value::Decimal { digits: sign * digits, precision, scale })
}

/// Reads an amount of money.
pub fn ten_thousandths(text: &str) -> Option<i64> {
    let text = text.trim();
    let text: String = text.chars().filter(|c| !matches!(c, ',' | '$')).collect();
    let digits = match text.as_str() {
        "" | "-" | "+" => Some((0, 1, 0)),
        text => exact(&read(text)?),
    };
    let (digits, _, scale) = digits?;
    i64::try_from(rescaled(digits, scale, 4)?).ok()
}

/// `12.50`; the scale says how many digits stand behind the point.
pub fn shown(digits: i128, scale: u8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let text = digits.unsigned_abs().to_string();
    let scale = scale as usize;
    if scale == 0 {
        return format!("{sign}{text}");
    }
    let text = format!("{text:0>width$}", width = scale + 1);
    let (whole, part) = text.split_at(text.len() - scale);
    format!("{sign}{whole}.{part}")
}

/// The same number with another scale, halves away from zero.
pub fn rescaled(digits: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        return digits.checked_mul(power(u32::from(to - from))?);
    }
    let unit = power(u32::from(from - to))?;
    let (whole, rest) = (digits / unit, digits % unit);
    let is_up = rest.unsigned_abs() * 2 >= unit.unsigned_abs();
    Some(if is_up { whole + digits.signum() } else { whole })
}

/// The number of an exact or whole value.
pub fn exact(value: &Value) -> Option<Exact> {
    match value {
        &Value::Decimal { digits, precision, scale } => Some((digits, precision, scale)),
        &Value::Money(amount) => Some((i128::from(amount), 19, 4)),
        &Value::SmallMoney(amount) => Some((i128::from(amount), 10, 4)),
        Value::Variant(inner) => exact(inner),
        other => {
            let (precision, _) = other.kind().digits();
            other.as_integer().map(|number| (i128::from(number), precision, 0))
        }
    }
}

/// Precision and scale of what comes out of an operation.
pub fn result_kind(operator: Operator, left: (u8, u8), right: (u8, u8)) -> Type {
    let ((p1, s1), (p2, s2)) = (left, right);
    let [p1, s1, p2, s2] = [p1, s1, p2, s2].map(i32::from);
    let (precision, scale) = match operator {
        Operator::Multiply => (p1 + p2 + 1, s1 + s2),
        Operator::Divide => {
            let scale = 6.max(s1 + p2 + 1);
            (p1 - s1 + s2 + scale, scale)
        }
        Operator::Modulo => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
        _ => (s1.max(s2) + (p1 - s1).max(p2 - s2) + 1, s1.max(s2)),
    };
    if precision <= i32::from(MOST) {
        return Type::Decimal { precision: precision.max(1) as u8, scale: scale as u8 };
    }
    let whole = precision - scale;
    let scale = scale.min((i32::from(MOST) - whole).max(scale.min(6)));
    Type::Decimal { precision: MOST, scale: scale as u8 }
}

/// Does sums and products exactly.
pub fn compute(operator: Operator, left: Exact, right: Exact) -> Answer<Value> {
    let kind = result_kind(operator, (left.1, left.2), (right.1, right.2));
    let (precision, scale) = kind.digits();
    let digits = digits_of(operator, left, right, scale)?;
    let digits = digits.filter(|digits| fits(*digits, precision)).ok_or_else(|| failure::overflow(kind))?;
    Ok(Value::Decimal { digits, precision, scale })
}

/// Whether so many digits are enough.
pub fn fits(digits: i128, precision: u8) -> bool {
    power(u32::from(precision)).is_none_or(|limit| digits.unsigned_abs() < limit.unsigned_abs())
}

fn digits_of(operator: Operator, left: Exact, right: Exact, scale: u8) -> Answer<Option<i128>> {
    let common = left.2.max(right.2);
    let both = || Some((rescaled(left.0, left.2, common)?, rescaled(right.0, right.2, common)?));
    Ok(match operator {
        Operator::Multiply => left.0.checked_mul(right.0).and_then(|digits| rescaled(digits, left.2 + right.2, scale)),
        Operator::Divide if right.0 == 0 => return Err(failure::zero_divide()),
        Operator::Modulo if right.0 == 0 => return Err(failure::zero_divide()),
        Operator::Divide => quotient(left, right, scale),
        Operator::Modulo => both().and_then(|(left, right)| left.checked_rem(right)),
        Operator::Subtract => {
            both().and_then(|(left, right)| left.checked_sub(right)).and_then(|digits| rescaled(digits, common, scale))
        }
        _ => {
            both().and_then(|(left, right)| left.checked_add(right)).and_then(|digits| rescaled(digits, common, scale))
        }
    })
}

/// Digit after digit, cut off at the end as the server does.
fn quotient(left: Exact, right: Exact, scale: u8) -> Option<i128> {
    let shift = i32::from(scale) - i32::from(left.2) + i32::from(right.2);
    let negative = (left.0 < 0) != (right.0 < 0);
    let divisor = right.0.unsigned_abs();
    let (mut whole, mut rest) = (left.0.unsigned_abs() / divisor, left.0.unsigned_abs() % divisor);
    for _ in 0..shift.max(0) {
        rest = rest.checked_mul(10)?;
        whole = whole.checked_mul(10)?.checked_add(rest / divisor)?;
        rest %= divisor;
    }
    for _ in shift.min(0)..0 {
        whole /= 10;
    }
    let whole = i128::try_from(whole).ok()?;
    Some(if negative { -whole } else { whole })
}
