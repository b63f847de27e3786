//! Values of parameters as clients send them, with their types before them.

use super::bytes::{Bytes, Malformed, Read, utf16};
use super::codepage;
use super::shape::{shuffled, time_width};
use super::sql::value::{Type, Value};

/// The length that says `max`, and that of a NULL, in types whose lengths have two bytes.
const WIDEST: u16 = 0xFFFF;
/// Longest text or binary that is not `max`, in bytes.
const LONGEST: u16 = 8000;

/// Why a value is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed(Malformed),
    /// A type that the server has and this simulator does not, by its number.
    Unsupported(u8),
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Refusal {
        Refusal::Malformed(malformed)
    }
}

/// How the bytes of a value are delimited.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Width {
    /// As many bytes as the type has.
    Fixed(usize),
    /// One byte of length; 0 is NULL.
    Byte,
    /// The same, where 0xFF is NULL and 0 is nothing: types of old.
    OldByte,
    /// Two bytes of length; 0xFFFF is NULL.
    Short,
    /// Eight bytes of length, then chunks.
    Chunks,
    /// Four bytes of length.
    Long,
    /// Four bytes of length, then the type.
    Variant,
}

/// What the description of a type says.
#[derive(Clone, Copy, Debug)]
struct Described {
    kind: Type,
    width: Width,
    collation: [u8; 5],
}

/// Reads a type and a value of it.
pub fn typed_value(bytes: &mut Bytes<'_>) -> Result<(Type, Value), Refusal> {
    let described = describe(bytes)?;
    let value = value(bytes, &described)?;
    Ok((described.kind, value))
}

fn describe(bytes: &mut Bytes<'_>) -> Result<Described, Refusal> {
    let id = bytes.u8()?;
    let plain = |kind, width| Ok(Described { kind, width, collation: codepage::COLLATION });
    match id {
        // A NULL without a type.
        0x1F => plain(Type::TEXT, Width::Fixed(0)),
        0x30 => plain(Type::TinyInt, Width::Fixed(1)),
        0x32 => plain(Type::Bit, Width::Fixed(1)),
        0x34 => plain(Type::SmallInt, Width::Fixed(2)),
        0x38 => plain(Type::Int, Width::Fixed(4)),
        0x3A => plain(Type::SmallDateTime, Width::Fixed(4)),
        0x3B => plain(Type::Real, Width::Fixed(4)),
        0x3C => plain(Type::Money, Width::Fixed(8)),
        0x3D => plain(Type::DateTime, Width::Fixed(8)),
        0x3E => plain(Type::Float, Width::Fixed(8)),
        0x7A => plain(Type::SmallMoney, Width::Fixed(4)),
        0x7F => plain(Type::BigInt, Width::Fixed(8)),
        0x24 | 0x26 | 0x68 | 0x6D | 0x6E | 0x6F => {
            let kind = match (id, bytes.u8()?) {
                (0x24, 16) => Type::Guid,
                (0x26, 1) => Type::TinyInt,
                (0x26, 2) => Type::SmallInt,
                (0x26, 4) => Type::Int,
                (0x26, 8) => Type::BigInt,
                (0x68, 1) => Type::Bit,
                (0x6D, 4) => Type::Real,
                (0x6D, 8) => Type::Float,
                (0x6E, 4) => Type::SmallMoney,
                (0x6E, 8) => Type::Money,
                (0x6F, 4) => Type::SmallDateTime,
                (0x6F, 8) => Type::DateTime,
                _ => return Err(Malformed("a type has an impossible length").into()),
            };
            plain(kind, Width::Byte)
        }
        0x37 | 0x3F | 0x6A | 0x6C => {
            let [_, precision, scale] = bytes.array()?;
            if !(1..=38).contains(&precision) || scale > precision {
                return Err(Malformed("a decimal has an impossible precision").into());
            }
            plain(Type::Decimal { precision, scale }, Width::Byte)
        }
        0x28 => plain(Type::Date, Width::Byte),
        0x29..=0x2B => {
            let scale = bytes.u8()?;
            if scale > 7 {
                return Err(Malformed("a time has an impossible scale").into());
            }
            let kind = match id {
                0x29 => Type::Time(scale),
                0x2A => Type::DateTime2(scale),
                _ => Type::DateTimeOffset(scale),
            };
            plain(kind, Width::Byte)
        }
        0x2F | 0x27 => {
            let length = u16::from(bytes.u8()?).max(1);
            let kind = if id == 0x2F { Type::Char(length) } else { Type::VarChar(Some(length)) };
            plain(kind, Width::OldByte)
        }
        0x2D | 0x25 => {
            let length = u16::from(bytes.u8()?).max(1);
            let kind = if id == 0x2D { Type::Binary(length) } else { Type::VarBinary(Some(length)) };
            plain(kind, Width::OldByte)
        }
        0xA5 | 0xA7 | 0xAD | 0xAF | 0xE7 | 0xEF => sized(bytes, id),
        0x22 | 0x23 | 0x63 => {
            bytes.u32()?;
            let collation = if id == 0x22 { codepage::COLLATION } else { bytes.array()? };
            let kind = match id {
                0x22 => Type::Image,
                0x23 => Type::Text,
                _ => Type::NText,
            };
            Ok(Described { kind, width: Width::Long, collation })
        }
        0x62 => {
            bytes.u32()?;
            plain(Type::Variant, Width::Variant)
        }
        0xF1 => {
            // A schema is named by its database, its owner and itself.
            if bytes.u8()? != 0 {
                bytes.b_varchar()?;
                bytes.b_varchar()?;
                let length = bytes.u16()?;
                bytes.utf16(length.into())?;
            }
            plain(Type::Xml, Width::Chunks)
        }
        // Types of the CLR, tables, JSON, vectors.
        0xF0 | 0xF3 | 0xF4 | 0xF5 => Err(Refusal::Unsupported(id)),
        _ => Err(Malformed("there is no such type").into()),
    }
}

/// A text or binary whose length has two bytes.
fn sized(bytes: &mut Bytes<'_>, id: u8) -> Result<Described, Refusal> {
    let length = bytes.u16()?;
    let collation = if matches!(id, 0xA5 | 0xAD) { codepage::COLLATION } else { bytes.array()? };
    let is_max = length == WIDEST;
    if (is_max && matches!(id, 0xAD | 0xAF | 0xEF)) || (!is_max && length > LONGEST) {
        return Err(Malformed("a type has an impossible length").into());
    }
    // A text of nothing is described with length 0.
    let (length, wide) = (length.max(1), (length / 2).max(1));
    let kind = match id {
        0xA5 => Type::VarBinary((!is_max).then_some(length)),
        0xA7 => Type::VarChar((!is_max).then_some(length)),
        0xAD => Type::Binary(length),
        0xAF => Type::Char(length),
        0xE7 => Type::NVarChar((!is_max).then_some(wide)),
        _ => Type::NChar(wide),
    };
    Ok(Described { kind, width: if is_max { Width::Chunks } else { Width::Short }, collation })
}

fn value(bytes: &mut Bytes<'_>, described: &Described) -> Result<Value, Refusal> {
    let taken = match described.width {
        Width::Fixed(0) => None,
        Width::Fixed(width) => Some(bytes.take(width)?),
        Width::Byte => match bytes.u8()? {
            0 => None,
            length => Some(bytes.take(length.into())?),
        },
        Width::OldByte => match bytes.u8()? {
            0xFF => None,
            length => Some(bytes.take(length.into())?),
        },
        Width::Short => match bytes.u16()? {
            WIDEST => None,
            length => Some(bytes.take(length.into())?),
        },
        Width::Long => match bytes.u32()? {
            u32::MAX => None,
            length => Some(bytes.take(usize::try_from(length).unwrap_or(usize::MAX))?),
        },
        Width::Chunks => {
            return Ok(match chunks(bytes)? {
                None => Value::Null,
                Some(whole) => of_bytes(described, &whole)?,
            });
        }
        Width::Variant => {
            return match bytes.u32()? {
                0 => Ok(Value::Null),
                length => {
                    let whole = bytes.take(usize::try_from(length).unwrap_or(usize::MAX))?;
                    Ok(Value::Variant(Box::new(variant(&mut Bytes::new(whole))?)))
                }
            };
        }
    };
    taken.map_or(Ok(Value::Null), |taken| of_bytes(described, taken))
}

/// A long value in chunks.
fn chunks(bytes: &mut Bytes<'_>) -> Read<Option<Vec<u8>>> {
    if bytes.u64()? == u64::MAX {
        return Ok(None);
    }
    let mut whole = Vec::new();
    loop {
        match bytes.u32()? {
            0 => return Ok(Some(whole)),
            length => whole.extend_from_slice(bytes.take(usize::try_from(length).unwrap_or(usize::MAX))?),
        }
    }
}

/// A value with its base type, and what that type needs, before it.
fn variant(bytes: &mut Bytes<'_>) -> Result<Value, Refusal> {
    let (id, properties) = (bytes.u8()?, bytes.u8()?);
    let properties = bytes.take(properties.into())?;
    let described = match (id, properties) {
        (0x6A | 0x6C, &[precision, scale]) => Described {
            kind: Type::Decimal { precision, scale },
            width: Width::Fixed(0),
            collation: codepage::COLLATION,
        },
        // The collation comes before the length here, and after it everywhere else.
        (0xA7 | 0xAF | 0xE7 | 0xEF, &[a, b, c, d, e, low, high]) => {
            describe(&mut Bytes::new(&[id, low, high, a, b, c, d, e]))?
        }
        (0x24, []) => describe(&mut Bytes::new(&[id, 16]))?,
        (_, properties) => describe(&mut Bytes::new(&[&[id], properties].concat()))?,
    };
    of_bytes(&described, bytes.rest())
}

fn of_bytes(described: &Described, taken: &[u8]) -> Result<Value, Refusal> {
    let mut bytes = Bytes::new(taken);
    let wrong = Malformed("a value does not have the length of its type");
    let value = match described.kind {
        Type::NVarChar(_) | Type::NChar(_) | Type::NText => return Ok(Value::Text(utf16(taken))),
        Type::Xml => return Ok(Value::Xml(utf16(taken))),
        Type::VarChar(_) | Type::Char(_) | Type::Text => {
            return Ok(Value::Char(codepage::decoded(taken, described.collation)));
        }
        Type::VarBinary(_) | Type::Binary(_) | Type::Image => return Ok(Value::Binary(taken.to_vec())),
        Type::Variant => return Err(Malformed("a variant within a variant").into()),
        Type::Bit => Value::Bit(bytes.u8()? != 0),
        Type::TinyInt => Value::TinyInt(bytes.u8()?),
        Type::SmallInt => Value::SmallInt(i16::from_le_bytes(bytes.array()?)),
        Type::Int => Value::Int(i32::from_le_bytes(bytes.array()?)),
        Type::BigInt => Value::BigInt(i64::from_le_bytes(bytes.array()?)),
        Type::Real => Value::Real(f32::from_le_bytes(bytes.array()?)),
        Type::Float => Value::Float(f64::from_le_bytes(bytes.array()?)),
        Type::Decimal { precision, scale } => decimal(&mut bytes, precision, scale)?,
        Type::Money => {
            let (high, low) = (i32::from_le_bytes(bytes.array()?), bytes.u32()?);
            Value::Money((i64::from(high) << 32) | i64::from(low))
        }
        Type::SmallMoney => Value::SmallMoney(i32::from_le_bytes(bytes.array()?)),
        Type::Guid => Value::Guid(shuffled(bytes.array()?)),
        Type::Date => Value::Date(days(&mut bytes)?),
        Type::Time(scale) => Value::Time { ticks: time(&mut bytes, scale)?, scale },
        Type::DateTime => {
            let (days, ticks) = (i32::from_le_bytes(bytes.array()?), bytes.u32()?);
            // 1753 to 9999, and a day.
            if !(-53_690..=2_958_463).contains(&days) || ticks >= 25_920_000 {
                return Err(Malformed("a datetime is out of range").into());
            }
            Value::DateTime { days, ticks }
        }
        Type::SmallDateTime => {
            let (days, minutes) = (bytes.u16()?, bytes.u16()?);
            if minutes >= 1440 {
                return Err(Malformed("a smalldatetime is out of range").into());
            }
            Value::SmallDateTime { days, minutes }
        }
        Type::DateTime2(scale) => {
            let ticks = time(&mut bytes, scale)?;
            Value::DateTime2 { days: days(&mut bytes)?, ticks, scale }
        }
        Type::DateTimeOffset(scale) => {
            let (ticks, days) = (time(&mut bytes, scale)?, days(&mut bytes)?);
            let minutes = i16::from_le_bytes(bytes.array()?);
            if !(-840..=840).contains(&minutes) {
                return Err(Malformed("an offset is out of range").into());
            }
            Value::DateTimeOffset { days, ticks, scale, minutes }
        }
    };
    if bytes.is_empty() { Ok(value) } else { Err(wrong.into()) }
}

fn decimal(bytes: &mut Bytes<'_>, precision: u8, scale: u8) -> Read<Value> {
    let is_positive = bytes.u8()? != 0;
    let mut magnitude = [0; 16];
    let digits = bytes.rest();
    magnitude.get_mut(..digits.len()).ok_or(Malformed("a decimal is too wide"))?.copy_from_slice(digits);
    let digits = i128::from_le_bytes(magnitude);
    if !(0..10i128.pow(38)).contains(&digits) {
        return Err(Malformed("a decimal is too large"));
    }
    Ok(Value::Decimal { digits: if is_positive { digits } else { -digits }, precision, scale })
}

fn days(bytes: &mut Bytes<'_>) -> Read<i32> {
    let days = bytes.number(3)?;
    // Up to 9999-12-31.
    if days > 3_652_058 { Err(Malformed("a date is out of range")) } else { Ok(days as i32) }
}

fn time(bytes: &mut Bytes<'_>, scale: u8) -> Read<u64> {
    let units = bytes.number(time_width(scale))?;
    let ticks = units.saturating_mul(10u64.pow(7u32.saturating_sub(scale.into())));
    if ticks >= 864_000_000_000 { Err(Malformed("a time is out of range")) } else { Ok(ticks) }
}
