//! From one type to another: CAST, CONVERT, and what happens by itself.

use super::decimal;
use super::failure::{self, Answer};
use super::lexer::bytes_of_hex;
use super::moment::{self, Format, Moment};
use super::value::{Family, Type, Value};
use crate::sandbox::sp::codepage;

/// What a conversion depends on besides the value.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// DATEFORMAT of the session.
    pub format: Format,
    /// The third argument of CONVERT.
    pub style: Option<i32>,
}

/// A value as another type; too long texts are cut, as CAST does.
pub fn convert(value: Value, to: Type, way: Way) -> Answer<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let value = match value {
        Value::Variant(inner) if to != Type::Variant => *inner,
        value => value,
    };
    match to.family() {
        Family::Integer => to_integer(&value, to),
        Family::Exact => to_exact(&value, to),
        Family::Approximate => to_approximate(&value, to),
        Family::Text => to_text(value, to, way),
        Family::Xml => to_text(value, Type::NVarChar(None), way).map(|text| match text {
            Value::Text(text) => Value::Xml(text),
            other => other,
        }),
        Family::Binary => to_binary(value, to, way),
        Family::Guid => to_guid(&value),
        Family::Moment => to_moment(&value, to, way),
        Family::Variant => Ok(match value {
            Value::Variant(_) => value,
            value => Value::Variant(Box::new(value)),
        }),
    }
}

fn integer(number: i128, to: Type) -> Option<Value> {
    match to {
        Type::Bit => Some(Value::Bit(number != 0)),
        Type::TinyInt => u8::try_from(number).ok().map(Value::TinyInt),
        Type::SmallInt => i16::try_from(number).ok().map(Value::SmallInt),
        Type::Int => i32::try_from(number).ok().map(Value::Int),
        _ => i64::try_from(number).ok().map(Value::BigInt),
    }
}

fn to_integer(value: &Value, to: Type) -> Answer<Value> {
    let from = value.kind();
    if let Some(number) = value.as_integer() {
        let small = matches!(to, Type::TinyInt | Type::SmallInt);
        return integer(i128::from(number), to).ok_or_else(|| match small {
            true => failure::overflow_value(to, &number.to_string()),
            false => failure::overflow(to),
        });
    }
    if let Some((digits, _, scale)) = decimal::exact(value) {
        // Money is rounded, decimals are cut.
        let is_money = matches!(value, Value::Money(_) | Value::SmallMoney(_));
        let number = match is_money {
            true => decimal::rescaled(digits, scale, 0),
            false => decimal::power(u32::from(scale)).map(|unit| digits / unit),
        };
        let number = if to == Type::Bit { Some(digits.signum()) } else { number };
        return number.and_then(|number| integer(number, to)).ok_or_else(|| failure::overflow_from(from, to));
    }
    match value {
        Value::Float(_) | Value::Real(_) => {
            let number = as_float(value).unwrap_or_default();
            let number = if to == Type::Bit { f64::from(u8::from(number != 0.0)) } else { number.trunc() };
            integer(number as i128, to).ok_or_else(|| failure::overflow(to))
        }
        Value::Text(text) | Value::Char(text) => integer_of_text(text, from, to),
        Value::Binary(bytes) => {
            let number = bytes.iter().rev().take(8).rev().fold(0i64, |all, byte| all << 8 | i64::from(*byte));
            let number = match to {
                Type::Int => i128::from(number as i32),
                Type::SmallInt => i128::from(number as i16),
                Type::TinyInt => i128::from(number as u8),
                _ => i128::from(number),
            };
            integer(number, to).ok_or_else(|| failure::overflow(to))
        }
        Value::DateTime { .. } | Value::SmallDateTime { .. } => {
            let number = to_approximate(value, Type::Float)?;
            to_integer(&Value::Float(as_float(&number).unwrap_or_default().round()), to)
        }
        _ => Err(failure::forbidden_conversion(from, to)),
    }
}

fn integer_of_text(text: &str, from: Type, to: Type) -> Answer<Value> {
    let trimmed = text.trim_matches(' ');
    if to == Type::Bit {
        match trimmed.to_ascii_lowercase().as_str() {
            "true" => return Ok(Value::Bit(true)),
            "false" => return Ok(Value::Bit(false)),
            _ => {}
        }
    }
    if trimmed.is_empty() {
        return integer(0, to).ok_or_else(|| failure::overflow(to));
    }
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(match to {
            Type::BigInt => failure::no_conversion(from, to),
            _ => failure::not_convertible(text, from, to),
        });
    }
    let number = trimmed.parse::<i128>().ok().and_then(|number| integer(number, to));
    number.ok_or_else(|| match to {
        Type::Int => failure::text_overflow(text, from, to),
        Type::BigInt => failure::overflow(to),
        _ => failure::overflow_value(to, trimmed),
    })
}

fn to_exact(value: &Value, to: Type) -> Answer<Value> {
    let from = value.kind();
    let (digits, scale) = match value {
        Value::Float(_) | Value::Real(_) => {
            let number = as_float(value).unwrap_or_default();
            return exact_of_float(number, to).ok_or_else(|| failure::overflow_from(from, to));
        }
        Value::Text(text) | Value::Char(text) if matches!(to, Type::Money | Type::SmallMoney) => {
            let amount = decimal::ten_thousandths(text).ok_or_else(|| match to {
                Type::Money => {
                    let text = "Cannot convert a char value to money. The char value has incorrect syntax.";
                    failure::failure(235, 16, 0, text).reach(failure::Reach::Transaction)
                }
                _ => failure::no_conversion(from, to),
            })?;
            (i128::from(amount), 4)
        }
        Value::Text(text) | Value::Char(text) => {
            let number = decimal::read(text).ok_or_else(|| failure::no_conversion(from, to))?;
            let (digits, _, scale) = decimal::exact(&number).unwrap_or_default();
            (digits, scale)
        }
        Value::Binary(_) => {
            let number = to_integer(value, Type::BigInt)?;
            (i128::from(number.as_integer().unwrap_or_default()), 0)
        }
        _ => match decimal::exact(value) {
            Some((digits, _, scale)) => (digits, scale),
            None => return Err(failure::forbidden_conversion(from, to)),
        },
    };
    exact_as(digits, scale, to).ok_or_else(|| failure::overflow_from(from, to))
}

fn exact_as(digits: i128, scale: u8, to: Type) -> Option<Value> {
    match to {
        Type::Money => {
            decimal::rescaled(digits, scale, 4).and_then(|digits| i64::try_from(digits).ok()).map(Value::Money)
        }
        Type::SmallMoney => {
            decimal::rescaled(digits, scale, 4).and_then(|digits| i32::try_from(digits).ok()).map(Value::SmallMoney)
        }
        _ => {
            let (precision, wanted) = to.digits();
            let digits = decimal::rescaled(digits, scale, wanted)?;
            decimal::fits(digits, precision).then_some(Value::Decimal { digits, precision, scale: wanted })
        }
    }
}

fn exact_of_float(number: f64, to: Type) -> Option<Value> {
    let (_, scale) = to.digits();
    let text = format!("{number:.*}", scale as usize);
    let (digits, _, scale) = decimal::exact(&decimal::read(&text)?)?;
    exact_as(digits, scale, to)
}

/// The number of any number.
pub fn as_float(value: &Value) -> Option<f64> {
    match value {
        &Value::Float(number) => Some(number),
        &Value::Real(number) => Some(f64::from(number)),
        Value::Variant(inner) => as_float(inner),
        other => {
            let (digits, _, scale) = decimal::exact(other)?;
            decimal::shown(digits, scale).parse().ok()
        }
    }
}

fn to_approximate(value: &Value, to: Type) -> Answer<Value> {
    let from = value.kind();
    let number = match value {
        Value::Text(text) | Value::Char(text) => match text.trim() {
            "" => 0.0,
            text => {
                let number = text.parse::<f64>().ok().filter(|_| !text.ends_with(|c: char| c.is_ascii_alphabetic()));
                number.ok_or_else(|| failure::no_conversion(from, to))?
            }
        },
        Value::DateTime { days, ticks } => f64::from(*days) + f64::from(*ticks) / 25_920_000.0,
        Value::SmallDateTime { days, minutes } => f64::from(*days) + f64::from(*minutes) / 1440.0,
        _ => as_float(value).ok_or_else(|| failure::forbidden_conversion(from, to))?,
    };
    if !number.is_finite() || to == Type::Real && !(number as f32).is_finite() {
        return Err(failure::overflow(to));
    }
    Ok(if to == Type::Real { Value::Real(number as f32) } else { Value::Float(number) })
}

/// Cuts a text to the length of a type, and fills a fixed one.
pub fn sized(mut text: String, to: Type) -> String {
    let Some(length) = to.length().map(usize::from) else { return text };
    let count = if to.is_unicode() { text.encode_utf16().count() } else { text.chars().count() };
    if count > length {
        let mut room = length;
        let fits = |c: char, room: &mut usize| {
            let width = if to.is_unicode() { c.len_utf16() } else { 1 };
            *room = room.checked_sub(width)?;
            Some(())
        };
        let end = text.char_indices().find(|(_, c)| fits(*c, &mut room).is_none()).map_or(text.len(), |(at, _)| at);
        text.truncate(end);
    } else if matches!(to, Type::NChar(_) | Type::Char(_)) {
        text.extend(std::iter::repeat_n(' ', length - count));
    }
    text
}

fn to_text(value: Value, to: Type, way: Way) -> Answer<Value> {
    let from = value.kind();
    let text = match value {
        Value::Text(text) | Value::Char(text) | Value::Xml(text) => text,
        Value::Binary(bytes) => text_of_bytes(&bytes, to, way),
        value => {
            let text = shown(&value, way)?;
            let is_short = to.length().is_some_and(|length| text.chars().count() > usize::from(length));
            if is_short && from.is_number() {
                // A number that does not fit is a star, or an error in the newer types.
                if from.family() == Family::Integer && !to.is_unicode() {
                    return Ok(Value::Char(sized("*".to_owned(), to)));
                }
                return Err(match from.family() {
                    Family::Integer => failure::overflow(to),
                    _ => failure::overflow_from(from, to),
                });
            }
            if is_short && from == Type::Guid {
                let text = "Insufficient result space to convert uniqueidentifier value to char.";
                return Err(failure::failure(8170, 16, 2, text));
            }
            text
        }
    };
    let text = sized(text, to);
    Ok(if to.is_unicode() { Value::Text(text) } else { Value::Char(text) })
}

fn text_of_bytes(bytes: &[u8], to: Type, way: Way) -> String {
    let hex = || bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    match way.style {
        Some(1) => format!("0x{}", hex()),
        Some(2) => hex(),
        _ if to.is_unicode() => {
            let units: Vec<u16> =
                bytes.chunks(2).map(|pair| u16::from(pair[0]) | u16::from(*pair.get(1).unwrap_or(&0)) << 8).collect();
            String::from_utf16_lossy(&units)
        }
        _ => codepage::decoded(bytes, codepage::COLLATION),
    }
}

/// A value as a text, of whatever length.
pub fn shown(value: &Value, way: Way) -> Answer<String> {
    if let Some(moment) = Moment::of(value) {
        let kind = value.kind();
        return moment::shown(moment, kind, way.style).ok_or_else(|| {
            let style = way.style.unwrap_or_default();
            let text = format!(
                "{style} is not a valid style number when converting from {} to a character string.",
                kind.name()
            );
            failure::failure(281, 16, 1, text).reach(failure::Reach::Scope)
        });
    }
    Ok(match value {
        Value::Null => String::new(),
        Value::Text(text) | Value::Char(text) | Value::Xml(text) => text.clone(),
        Value::Real(number) => float_text(f64::from(*number), 6),
        Value::Float(number) => float_text(*number, if way.style == Some(3) { 17 } else { 6 }),
        Value::Money(_) | Value::SmallMoney(_) => {
            let (digits, _, scale) = decimal::exact(value).unwrap_or_default();
            let digits = if way.style == Some(2) { Some(digits) } else { decimal::rescaled(digits, scale, 2) };
            decimal::shown(digits.unwrap_or_default(), if way.style == Some(2) { 4 } else { 2 })
        }
        Value::Decimal { digits, scale, .. } => decimal::shown(*digits, *scale),
        Value::Binary(bytes) => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        Value::Guid(bytes) => guid_text(bytes),
        Value::Variant(inner) => shown(inner, way)?,
        other => other.as_integer().unwrap_or_default().to_string(),
    })
}

/// At most so many digits, in the server's notation: `1e+020`.
fn float_text(number: f64, digits: usize) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let written = format!("{number:.*e}", digits - 1);
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..digits as i32 + if digits == 6 { 0 } else { -1 }).contains(&exponent) {
        let places = (digits as i32 - 1 - exponent).max(0) as usize;
        let plain = format!("{number:.places$}");
        let is_whole = !plain.contains('.');
        return if is_whole { plain } else { plain.trim_end_matches('0').trim_end_matches('.').to_owned() };
    }
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:03}", exponent.abs())
}

fn to_binary(value: Value, to: Type, way: Way) -> Answer<Value> {
    let from = value.kind();
    let is_fixed = matches!(to, Type::Binary(_));
    let is_number = from.family() == Family::Integer;
    let mut bytes = match value {
        Value::Binary(bytes) => bytes,
        Value::Text(text) | Value::Char(text) if matches!(way.style, Some(1 | 2)) => {
            let digits = if way.style == Some(1) { text.strip_prefix("0x").map(str::to_owned) } else { Some(text) };
            let digits = digits.filter(|digits| digits.len() % 2 == 0 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
            let digits = digits.ok_or_else(|| failure::no_conversion(from, to))?;
            bytes_of_hex(&digits)
        }
        Value::Text(text) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Value::Char(text) => text.chars().map(codepage::byte).collect(),
        Value::Guid(bytes) => guid_bytes(&bytes),
        Value::Bit(bit) => vec![u8::from(bit)],
        Value::TinyInt(number) => vec![number],
        Value::SmallInt(number) => number.to_be_bytes().to_vec(),
        Value::Int(number) => number.to_be_bytes().to_vec(),
        Value::BigInt(number) => number.to_be_bytes().to_vec(),
        Value::Float(number) => number.to_be_bytes().to_vec(),
        Value::Real(number) => number.to_be_bytes().to_vec(),
        Value::Money(amount) => amount.to_be_bytes().to_vec(),
        _ => return Err(failure::forbidden_conversion(from, to)),
    };
    if let Some(length) = to.length().map(usize::from) {
        if is_number && is_fixed && bytes.len() < length {
            bytes.splice(0..0, std::iter::repeat_n(0, length - bytes.len()));
        } else if is_number && bytes.len() > length {
            bytes.drain(..bytes.len() - length);
        }
        bytes.truncate(length);
        if is_fixed {
            bytes.resize(length, 0);
        }
    }
    Ok(Value::Binary(bytes))
}

/// A GUID as SQL Server lays it in bytes: its first three parts are little-endian.
fn guid_bytes(guid: &[u8; 16]) -> Vec<u8> {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    ORDER.iter().map(|at| guid[*at]).collect()
}

/// In capitals, as the server writes it.
pub fn guid_text(guid: &[u8; 16]) -> String {
    let hex: String = guid.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn to_guid(value: &Value) -> Answer<Value> {
    let bytes = match value {
        Value::Guid(bytes) => return Ok(Value::Guid(*bytes)),
        Value::Binary(bytes) => {
            let mut padded = bytes.clone();
            padded.resize(16, 0);
            <[u8; 16]>::try_from(padded.as_slice()).ok().map(|bytes| guid_bytes(&bytes))
        }
        Value::Text(text) | Value::Char(text) => {
            let text = text.trim_end().trim_start_matches('{').trim_end_matches('}');
            let has_places = text.char_indices().all(|(at, c)| match at {
                8 | 13 | 18 | 23 => c == '-',
                _ => c.is_ascii_hexdigit(),
            });
            (has_places && text.len() == 36).then(|| bytes_of_hex(&text.replace('-', "")))
        }
        other => return Err(failure::forbidden_conversion(other.kind(), Type::Guid)),
    };
    let bytes = bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    bytes.map(Value::Guid).ok_or_else(failure::bad_guid)
}

fn to_moment(value: &Value, to: Type, way: Way) -> Answer<Value> {
    let from = value.kind();
    let is_old = matches!(to, Type::DateTime | Type::SmallDateTime);
    let moment = match value {
        Value::Text(text) | Value::Char(text) => {
            // Styles tell the order of the parts.
            let format = match way.style {
                Some(3..=5 | 103..=105) => Format::Dmy,
                Some(1 | 10 | 101 | 110) => Format::Mdy,
                Some(2 | 11 | 12 | 20 | 21 | 23 | 102 | 111 | 112 | 120 | 121 | 126) => Format::Ymd,
                _ => way.format,
            };
            match moment::read(text, format, is_old) {
                Ok(moment) => moment,
                Err(moment::Unread::OutOfRange) if is_old => return Err(failure::moment_out_of_range(from, to)),
                Err(_) => return Err(failure::bad_moment()),
            }
        }
        _ if from.family() == Family::Moment => {
            let moment = Moment::of(value).ok_or_else(failure::bad_moment)?;
            if from == Type::Date && matches!(to, Type::Time(_)) {
                return Err(failure::forbidden_conversion(from, to));
            }
            moment
        }
        _ if is_old && from.is_number() => {
            let days = as_float(value).unwrap_or_default();
            let ticks = (days * moment::DAY as f64).round() as i128;
            let start = Moment { days: moment::DAY_1900, ticks: 0, offset: None };
            let text = format!("Arithmetic overflow error converting expression to data type {}.", to.name());
            start.plus_ticks(ticks).ok_or_else(|| failure::failure(8115, 16, 2, text))?
        }
        _ => return Err(failure::forbidden_conversion(from, to)),
    };
    moment.as_kind(to).ok_or_else(|| failure::moment_out_of_range(from, to))
}
