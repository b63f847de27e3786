//! Types on the wire: how the server describes a column, and values as such a column holds them.

use super::codepage::{self, COLLATION};
use super::spelling;
use super::sql::value::{Type, Value};
use super::version::Version;

/// The length that says `max` in the description of a type.
const MAX: u16 = 0xFFFF;
/// The length of a NULL in types whose lengths have two bytes.
const NULL: u16 = 0xFFFF;

/// A type as it is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    pub kind: Type,
    /// Whether values go without a length: a number that is never NULL.
    pub fixed: bool,
    /// Whether a date goes as a text, for clients older than these types.
    spelt: bool,
}

/// A value that its column cannot hold: a slip of whoever made the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

impl Shape {
    /// What a type is for a client of this version: the types that it does not know are replaced as servers do.
    pub fn new(kind: Type, nullable: bool, version: Version) -> Shape {
        let older = match kind {
            Type::Date if !version.has_dates() => Type::NVarChar(Some(10)),
            Type::Time(_) if !version.has_dates() => Type::NVarChar(Some(16)),
            Type::DateTime2(_) if !version.has_dates() => Type::NVarChar(Some(27)),
            Type::DateTimeOffset(_) if !version.has_dates() => Type::NVarChar(Some(34)),
            Type::NVarChar(None) | Type::Xml if !version.is_7_2() => Type::NText,
            Type::VarChar(None) if !version.is_7_2() => Type::Text,
            Type::VarBinary(None) if !version.is_7_2() => Type::Image,
            kind => kind,
        };
        let spelt = older != kind && !version.has_dates() && matches!(older, Type::NVarChar(_));
        Shape { kind: older, fixed: !nullable && Shape::fixed_id(older).is_some(), spelt }
    }

    /// A parameter or a variable: always with a length.
    pub fn nullable(kind: Type, version: Version) -> Shape {
        Shape::new(kind, true, version)
    }

    fn fixed_id(kind: Type) -> Option<u8> {
        Some(match kind {
            Type::TinyInt => 0x30,
            Type::Bit => 0x32,
            Type::SmallInt => 0x34,
            Type::Int => 0x38,
            Type::SmallDateTime => 0x3A,
            Type::Real => 0x3B,
            Type::Money => 0x3C,
            Type::DateTime => 0x3D,
            Type::Float => 0x3E,
            Type::SmallMoney => 0x7A,
            Type::BigInt => 0x7F,
            _ => return None,
        })
    }

    /// The description of the type, as the columns of a result set and OUT values begin with it.
    pub fn describe(&self, out: &mut Vec<u8>) {
        if let (true, Some(id)) = (self.fixed, Shape::fixed_id(self.kind)) {
            return out.push(id);
        }
        match self.kind {
            Type::Bit => out.extend([0x68, 1]),
            Type::TinyInt => out.extend([0x26, 1]),
            Type::SmallInt => out.extend([0x26, 2]),
            Type::Int => out.extend([0x26, 4]),
            Type::BigInt => out.extend([0x26, 8]),
            Type::Real => out.extend([0x6D, 4]),
            Type::Float => out.extend([0x6D, 8]),
            Type::SmallMoney => out.extend([0x6E, 4]),
            Type::Money => out.extend([0x6E, 8]),
            Type::SmallDateTime => out.extend([0x6F, 4]),
            Type::DateTime => out.extend([0x6F, 8]),
            Type::Decimal { precision, scale } => out.extend([0x6C, digits_width(precision) + 1, precision, scale]),
            Type::Guid => out.extend([0x24, 16]),
            Type::Date => out.push(0x28),
            Type::Time(scale) => out.extend([0x29, scale]),
            Type::DateTime2(scale) => out.extend([0x2A, scale]),
            Type::DateTimeOffset(scale) => out.extend([0x2B, scale]),
            Type::NVarChar(length) => sized(out, 0xE7, length.map_or(MAX, |length| length.saturating_mul(2)), true),
            Type::NChar(length) => sized(out, 0xEF, length.saturating_mul(2), true),
            Type::VarChar(length) => sized(out, 0xA7, length.unwrap_or(MAX), true),
            Type::Char(length) => sized(out, 0xAF, length, true),
            Type::VarBinary(length) => sized(out, 0xA5, length.unwrap_or(MAX), false),
            Type::Binary(length) => sized(out, 0xAD, length, false),
            Type::NText => long(out, 0x63, 0x7FFF_FFFE, true),
            Type::Text => long(out, 0x23, 0x7FFF_FFFF, true),
            Type::Image => long(out, 0x22, 0x7FFF_FFFF, false),
            Type::Variant => long(out, 0x62, 8009, false),
            // No schema is known.
            Type::Xml => out.extend([0xF1, 0]),
        }
    }

    /// Whether the description of a column goes on with the name of its table.
    pub fn names_table(&self) -> bool {
        matches!(self.kind, Type::NText | Type::Text | Type::Image)
    }

    /// Bytes that a NULL takes in a row.
    pub fn null_width(&self) -> usize {
        match self.kind {
            Type::NVarChar(None) | Type::VarChar(None) | Type::VarBinary(None) | Type::Xml => 8,
            Type::NVarChar(_) | Type::NChar(_) | Type::VarChar(_) | Type::Char(_) => 2,
            Type::VarBinary(_) | Type::Binary(_) => 2,
            Type::Variant => 4,
            _ => 1,
        }
    }

    /// A value as it stands in a row or after the description of an OUT value.
    pub fn put(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let value = match value {
            Value::Variant(inner) if self.kind != Type::Variant => inner,
            value => value,
        };
        if value.is_null() {
            return self.put_null(out);
        }
        if self.spelt {
            let text = spelling::text(value, spelling::Wanted::Server).ok_or(Misfit)?;
            return put_text(out, Type::NVarChar(Some(34)), &text);
        }
        match self.kind {
            Type::Variant => put_variant(out, value),
            kind if kind.is_text() || kind == Type::Xml => put_text(out, kind, value.as_text().ok_or(Misfit)?),
            kind @ (Type::VarBinary(_) | Type::Binary(_) | Type::Image) => match value {
                Value::Binary(bytes) => put_bytes(out, kind, bytes),
                _ => Err(Misfit),
            },
            kind => {
                let at = out.len();
                if !self.fixed {
                    out.push(0);
                }
                put_plain(out, kind, value)?;
                if !self.fixed {
                    // No plain value has more than 17 bytes.
                    out[at] = (out.len() - at - 1) as u8;
                }
                Ok(())
            }
        }
    }

    fn put_null(&self, out: &mut Vec<u8>) -> Result<(), Misfit> {
        if self.fixed {
            return Err(Misfit);
        }
        let byte = if matches!(self.null_width(), 2 | 8) { 0xFF } else { 0 };
        out.extend(std::iter::repeat_n(byte, self.null_width()));
        Ok(())
    }
}

fn sized(out: &mut Vec<u8>, id: u8, bytes: u16, collated: bool) {
    out.push(id);
    out.extend(bytes.to_le_bytes());
    if collated {
        out.extend(COLLATION);
    }
}

fn long(out: &mut Vec<u8>, id: u8, bytes: u32, collated: bool) {
    out.push(id);
    out.extend(bytes.to_le_bytes());
    if collated {
        out.extend(COLLATION);
    }
}

/// Bytes of the digits of a decimal.
pub fn digits_width(precision: u8) -> u8 {
    match precision {
        0..=9 => 4,
        10..=19 => 8,
        20..=28 => 12,
        _ => 16,
    }
}

/// Bytes of a time of day with so many digits after the second.
pub fn time_width(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

fn put_time(out: &mut Vec<u8>, ticks: u64, scale: u8) {
    let units = ticks / 10u64.pow(7u32.saturating_sub(scale.into()));
    out.extend_from_slice(&units.to_le_bytes()[..time_width(scale)]);
}

fn put_days(out: &mut Vec<u8>, days: i32) {
    out.extend_from_slice(&days.to_le_bytes()[..3]);
}

/// A value of at most 17 bytes, without its length.
fn put_plain(out: &mut Vec<u8>, kind: Type, value: &Value) -> Result<(), Misfit> {
    let integer = || value.as_integer().ok_or(Misfit);
    match (kind, value) {
        (Type::Bit, _) => out.push(u8::from(integer()? != 0)),
        (Type::TinyInt, _) => out.push(u8::try_from(integer()?).map_err(|_| Misfit)?),
        (Type::SmallInt, _) => out.extend(i16::try_from(integer()?).map_err(|_| Misfit)?.to_le_bytes()),
        (Type::Int, _) => out.extend(i32::try_from(integer()?).map_err(|_| Misfit)?.to_le_bytes()),
        (Type::BigInt, _) => out.extend(integer()?.to_le_bytes()),
        (Type::Real, Value::Real(number)) => out.extend(number.to_le_bytes()),
        (Type::Real, Value::Float(number)) => out.extend((*number as f32).to_le_bytes()),
        (Type::Float, Value::Float(number)) => out.extend(number.to_le_bytes()),
        (Type::Float, Value::Real(number)) => out.extend(f64::from(*number).to_le_bytes()),
        (Type::Decimal { precision, scale }, value) => put_decimal(out, rescaled(value, scale)?, precision)?,
        (Type::Money, _) => {
            let units = money(value)?;
            // The higher half goes first.
            out.extend(((units >> 32) as i32).to_le_bytes());
            out.extend((units as i32).to_le_bytes());
        }
        (Type::SmallMoney, _) => out.extend(i32::try_from(money(value)?).map_err(|_| Misfit)?.to_le_bytes()),
        (Type::Guid, Value::Guid(bytes)) => out.extend(shuffled(*bytes)),
        (Type::Date, &Value::Date(days)) => put_days(out, days),
        (Type::Time(scale), &Value::Time { ticks, .. }) => put_time(out, ticks, scale),
        (Type::DateTime, &Value::DateTime { days, ticks }) => {
            out.extend(days.to_le_bytes());
            out.extend(ticks.to_le_bytes());
        }
        (Type::SmallDateTime, &Value::SmallDateTime { days, minutes }) => {
            out.extend(days.to_le_bytes());
            out.extend(minutes.to_le_bytes());
        }
        (Type::DateTime2(scale), &Value::DateTime2 { days, ticks, .. }) => {
            put_time(out, ticks, scale);
            put_days(out, days);
        }
        (Type::DateTimeOffset(scale), &Value::DateTimeOffset { days, ticks, minutes, .. }) => {
            put_time(out, ticks, scale);
            put_days(out, days);
            out.extend(minutes.to_le_bytes());
        }
        _ => return Err(Misfit),
    }
    Ok(())
}

/// The digits that a number has with this scale. None are cut off.
fn rescaled(value: &Value, scale: u8) -> Result<i128, Misfit> {
    let (digits, from) = match value {
        &Value::Decimal { digits, scale, .. } => (digits, scale),
        value => (value.as_integer().ok_or(Misfit)?.into(), 0),
    };
    let more = scale.checked_sub(from).ok_or(Misfit)?;
    10i128.checked_pow(more.into()).and_then(|factor| digits.checked_mul(factor)).ok_or(Misfit)
}

fn put_decimal(out: &mut Vec<u8>, digits: i128, precision: u8) -> Result<(), Misfit> {
    let (width, bytes) = (usize::from(digits_width(precision)), digits.unsigned_abs().to_le_bytes());
    if bytes[width..].iter().any(|byte| *byte != 0) {
        return Err(Misfit);
    }
    out.push(u8::from(digits >= 0));
    out.extend_from_slice(&bytes[..width]);
    Ok(())
}

fn money(value: &Value) -> Result<i64, Misfit> {
    match *value {
        Value::Money(units) => Ok(units),
        Value::SmallMoney(units) => Ok(units.into()),
        _ => Err(Misfit),
    }
}

/// A GUID in the order of its text becomes one in the order of the wire, and the other way round: its first three
/// fields are little-endian there.
pub fn shuffled(bytes: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let [i, j, k, l, m, n, o, p] = rest;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

fn put_text(out: &mut Vec<u8>, kind: Type, text: &str) -> Result<(), Misfit> {
    with_length(out, kind, |out| {
        if kind.is_unicode() {
            text.encode_utf16().for_each(|unit| out.extend(unit.to_le_bytes()));
        } else {
            out.extend(text.chars().map(codepage::byte));
        }
    })
}

fn put_bytes(out: &mut Vec<u8>, kind: Type, bytes: &[u8]) -> Result<(), Misfit> {
    with_length(out, kind, |out| out.extend_from_slice(bytes))
}

/// Bytes with what tells their length in this type.
fn with_length(out: &mut Vec<u8>, kind: Type, put: impl FnOnce(&mut Vec<u8>)) -> Result<(), Misfit> {
    let at = out.len();
    match kind {
        Type::NVarChar(None) | Type::VarChar(None) | Type::VarBinary(None) | Type::Xml => {
            out.extend([0; 12]);
            put(out);
            let length = out.len() - at - 12;
            out[at..at + 8].copy_from_slice(&(length as u64).to_le_bytes());
            let chunk = u32::try_from(length).map_err(|_| Misfit)?;
            out[at + 8..at + 12].copy_from_slice(&chunk.to_le_bytes());
            // A chunk of nothing is the end already.
            if chunk > 0 {
                out.extend([0; 4]);
            }
        }
        Type::NText | Type::Text | Type::Image => {
            // A pointer to the text and its time stamp, which clients have to carry along.
            out.push(16);
            out.extend(*b"sandbox pointer.");
            out.extend(*b"sandbox.");
            let at = out.len();
            out.extend([0; 4]);
            put(out);
            let length = u32::try_from(out.len() - at - 4).map_err(|_| Misfit)?;
            out[at..at + 4].copy_from_slice(&length.to_le_bytes());
        }
        _ => {
            out.extend([0; 2]);
            put(out);
            let length = u16::try_from(out.len() - at - 2).map_err(|_| Misfit)?;
            if length == NULL {
                return Err(Misfit);
            }
            out[at..at + 2].copy_from_slice(&length.to_le_bytes());
        }
    }
    Ok(())
}

/// A value with its own type before it.
fn put_variant(out: &mut Vec<u8>, value: &Value) -> Result<(), Misfit> {
    let value = match value {
        Value::Variant(inner) => inner,
        value => value,
    };
    let kind = value.kind();
    let at = out.len();
    out.extend([0; 4]);
    let start = out.len();
    match (kind, value) {
        (Type::NVarChar(Some(length)), Value::Text(text)) => {
            out.extend([0xE7, 7]);
            out.extend(COLLATION);
            out.extend(length.saturating_mul(2).to_le_bytes());
            text.encode_utf16().for_each(|unit| out.extend(unit.to_le_bytes()));
        }
        (Type::VarChar(Some(length)), Value::Char(text)) => {
            out.extend([0xA7, 7]);
            out.extend(COLLATION);
            out.extend(length.to_le_bytes());
            out.extend(text.chars().map(codepage::byte));
        }
        (Type::VarBinary(Some(length)), Value::Binary(bytes)) => {
            out.extend([0xA5, 2]);
            out.extend(length.to_le_bytes());
            out.extend_from_slice(bytes);
        }
        _ => {
            match (kind, Shape::fixed_id(kind)) {
                (_, Some(id)) => out.extend([id, 0]),
                (Type::Decimal { precision, scale }, _) => out.extend([0x6C, 2, precision, scale]),
                (Type::Guid, _) => out.extend([0x24, 0]),
                (Type::Date, _) => out.extend([0x28, 0]),
                (Type::Time(scale), _) => out.extend([0x29, 1, scale]),
                (Type::DateTime2(scale), _) => out.extend([0x2A, 1, scale]),
                (Type::DateTimeOffset(scale), _) => out.extend([0x2B, 1, scale]),
                _ => return Err(Misfit),
            }
            put_plain(out, kind, value)?;
        }
    }
    let length = (out.len() - start) as u32;
    out[at..start].copy_from_slice(&length.to_le_bytes());
    Ok(())
}
