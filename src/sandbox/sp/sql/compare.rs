//! How values compare: texts without their case and their trailing blanks, other things by the wider of two types.

use std::cmp::Ordering;

use super::ast::Operator;
use super::convert::{Way, as_float, convert};
use super::decimal;
use super::failure::{self, Answer};
use super::moment::Moment;
use super::value::{Family, Type, Value};

/// The type that two things have in common: that of the higher rank, with the longer of two lengths.
pub fn common(one: Type, two: Type) -> Type {
    let (low, high) = if one.rank() <= two.rank() { (one, two) } else { (two, one) };
    let longer = match (low.length(), high.length()) {
        (Some(one), Some(two)) => Some(one.max(two)),
        _ => None,
    };
    match high {
        Type::Decimal { precision, scale } => {
            let (other_precision, other_scale) = if low.is_number() { low.digits() } else { (precision, scale) };
            let scale_of_both = scale.max(other_scale);
            let whole = (precision - scale).max(other_precision.saturating_sub(other_scale));
            let precision = (whole + scale_of_both).min(decimal::MOST);
            Type::Decimal { precision, scale: scale_of_both.min(precision) }
        }
        _ if low.is_text() && high.is_text() => match (high, low) {
            (Type::NVarChar(_), _) => Type::NVarChar(longer),
            (Type::NChar(_), Type::VarChar(_)) => Type::NVarChar(longer),
            (Type::NChar(_), _) => longer.map_or(Type::NVarChar(None), Type::NChar),
            (Type::VarChar(_), _) => Type::VarChar(longer),
            (Type::Char(_), _) => longer.map_or(Type::VarChar(None), Type::Char),
            _ => high,
        },
        Type::VarBinary(_) if low.family() == Family::Binary => Type::VarBinary(longer),
        Type::DateTime2(scale) => match low {
            Type::DateTime2(other) | Type::Time(other) => Type::DateTime2(scale.max(other)),
            _ => high,
        },
        _ => high,
    }
}

/// How two values compare; none where one is NULL.
pub fn compare(one: &Value, two: &Value, way: Way) -> Answer<Option<Ordering>> {
    if one.is_null() || two.is_null() {
        return Ok(None);
    }
    if let (Value::Variant(one), two) | (two, Value::Variant(one)) = (one, two) {
        let inner = match two {
            Value::Variant(inner) => inner,
            two => two,
        };
        return compare(one, inner, way);
    }
    let (left, right) = (one.kind(), two.kind());
    let families = (left.family(), right.family());
    if let (Some(one), Some(two)) = (one.as_integer(), two.as_integer()) {
        return Ok(Some(one.cmp(&two)));
    }
    if let (Some(one), Some(two)) = (one.as_text(), two.as_text()) {
        return Ok(Some(compare_texts(one, two)));
    }
    if families == (Family::Moment, Family::Moment) {
        return Ok(compare_moments(one, two));
    }
    if let (true, (Value::Binary(one), Value::Binary(two))) = (families.0 == families.1, (one, two)) {
        return Ok(Some(trimmed(one).cmp(trimmed(two))));
    }
    if let (Value::Guid(one), Value::Guid(two)) = (one, two) {
        return Ok(Some(guid_order(one).cmp(&guid_order(two))));
    }
    if left.is_number() && right.is_number() {
        return Ok(compare_numbers(one, two));
    }
    if matches!(left, Type::Xml | Type::NText | Type::Text | Type::Image) {
        return Err(failure::bad_operands(left, right, "equal to"));
    }
    let kind = if left.rank() >= right.rank() { left } else { right };
    let (one, two) = (convert(one.clone(), kind, way)?, convert(two.clone(), kind, way)?);
    if one.kind().family() == two.kind().family() { compare(&one, &two, way) } else { Ok(None) }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    &bytes[..end]
}

/// GUIDs are sorted by their last six bytes first.
fn guid_order(guid: &[u8; 16]) -> [u8; 16] {
    const ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];
    ORDER.map(|at| guid[at])
}

fn compare_moments(one: &Value, two: &Value) -> Option<Ordering> {
    let (one, two) = (Moment::of(one)?.utc(), Moment::of(two)?.utc());
    Some((one.days, one.ticks).cmp(&(two.days, two.ticks)))
}

fn compare_numbers(one: &Value, two: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (decimal::exact(one), decimal::exact(two)) {
        let scale = left.2.max(right.2);
        let both = (decimal::rescaled(left.0, left.2, scale), decimal::rescaled(right.0, right.2, scale));
        if let (Some(left), Some(right)) = both {
            return Some(left.cmp(&right));
        }
    }
    as_float(one)?.partial_cmp(&as_float(two)?)
}

/// A letter's place: its case does not count, and ё stands behind е.
fn place(c: char) -> (u32, u8) {
    let lower = c.to_lowercase().next().unwrap_or(c);
    match lower {
        'ё' => ('е' as u32, 1),
        // Signs stand before digits and letters.
        lower if !lower.is_alphanumeric() && lower.is_ascii() => (lower as u32 & 0x1F, 2),
        lower => (lower as u32, 0),
    }
}

/// How two texts compare in the collation of the server.
pub fn compare_texts(one: &str, two: &str) -> Ordering {
    let (one, two) = (one.trim_end_matches(' '), two.trim_end_matches(' '));
    one.chars().map(place).cmp(two.chars().map(place))
}

/// A text that is the same for values that are equal.
pub fn key_of(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Text(text) | Value::Char(text) | Value::Xml(text) => {
            let folded: String = text.trim_end_matches(' ').chars().flat_map(char::to_lowercase).collect();
            format!("t{folded}")
        }
        Value::Binary(bytes) => format!("b{:?}", trimmed(bytes)),
        Value::Guid(bytes) => format!("g{bytes:?}"),
        Value::Variant(inner) => key_of(inner),
        Value::Float(_) | Value::Real(_) => format!("f{}", as_float(value).unwrap_or_default()),
        other => match (Moment::of(other), decimal::exact(other)) {
            (Some(moment), _) => format!("m{}.{}", moment.utc().days, moment.utc().ticks),
            (_, Some((digits, _, scale))) => {
                let shown = decimal::shown(digits, scale);
                let shown = match shown.contains('.') {
                    true => shown.trim_end_matches('0').trim_end_matches('.'),
                    false => &shown,
                };
                format!("n{shown}")
            }
            _ => String::new(),
        },
    }
}

/// Whether an order satisfies a sign of comparison.
pub fn satisfies(order: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Different => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// `%`, `_`, `[a-z]`, `[^a]`; case does not count. Time grows with both lengths only.
pub fn like(text: &str, pattern: &str, escape: Option<char>) -> bool {
    let text: Vec<char> = text.chars().collect();
    let parts = parts_of(pattern, escape);
    // Where the last `%` was, and how much of the text it has swallowed.
    let (mut at, mut part, mut back) = (0, 0, None);
    loop {
        match parts.get(part) {
            Some(Part::Any) => {
                back = Some((part, at));
                part += 1;
                continue;
            }
            Some(wanted) if at < text.len() && wanted.fits(text[at]) => {
                (at, part) = (at + 1, part + 1);
                continue;
            }
            // Trailing blanks of the text do not count.
            None if text[at..].iter().all(|c| *c == ' ') => return true,
            _ => {}
        }
        match &mut back {
            Some((star, swallowed)) if *swallowed < text.len() => {
                *swallowed += 1;
                (part, at) = (*star + 1, *swallowed);
            }
            _ => return false,
        }
    }
}

/// A piece of a pattern.
enum Part {
    Any,
    One,
    Letter((u32, u8)),
    Class { not: bool, ranges: Vec<((u32, u8), (u32, u8))> },
}

impl Part {
    fn fits(&self, c: char) -> bool {
        let c = place(c);
        match self {
            Part::Any | Part::One => true,
            Part::Letter(letter) => *letter == c,
            Part::Class { not, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *not,
        }
    }
}

fn parts_of(pattern: &str, escape: Option<char>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            if let Some(next) = chars.next() {
                parts.push(Part::Letter(place(next)));
            }
            continue;
        }
        match c {
            '%' => parts.push(Part::Any),
            '_' => parts.push(Part::One),
            '[' => {
                let not = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while let Some(from) = chars.next_if(|c| *c != ']' || ranges.is_empty()) {
                    let mut ahead = chars.clone();
                    let to = match (ahead.next(), ahead.next()) {
                        (Some('-'), Some(to)) if to != ']' => {
                            chars = ahead;
                            to
                        }
                        _ => from,
                    };
                    ranges.push((place(from), place(to)));
                }
                chars.next();
                parts.push(Part::Class { not, ranges });
            }
            c => parts.push(Part::Letter(place(c))),
        }
    }
    parts
}
