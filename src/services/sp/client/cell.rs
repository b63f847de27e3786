//! Values between the driver and ours, without a digit lost.

use std::borrow::Cow;

use tiberius::numeric::Numeric;
use tiberius::time as wire_time;
use tiberius::{ColumnData, ColumnType};

use super::driver::Value;
use crate::core::json::too_large;
use crate::core::rows::{Builder, Field};
use crate::error::{Error, Kind, Result};
use crate::services::sp::wire::{time, value};

/// Longer texts are `nvarchar(max)`; the driver counts bytes.
const SHORT: usize = 4000;
const SHORT_BINARY: usize = 8000;

/// Whether a column holds `money`, which the driver hands over as a float.
pub fn is_money(kind: ColumnType) -> bool {
    matches!(kind, ColumnType::Money | ColumnType::Money4)
}

/// Writes a cell into a row. `scratch` is a place to write texts into.
pub fn push(rows: &mut Builder, cell: &ColumnData<'_>, is_money: bool, scratch: &mut String) -> Result<()> {
    scratch.clear();
    let field = match plain(cell, is_money, scratch)? {
        Plain::Field(field) => field,
        Plain::Written => Field::Text(scratch),
    };
    rows.push(field).map_err(|_| too_large())
}

/// A cell as a field, or written into the scratch.
enum Plain<'a> {
    Field(Field<'a>),
    Written,
}

fn plain<'a>(cell: &'a ColumnData<'_>, is_money: bool, text: &mut String) -> Result<Plain<'a>> {
    let field = match cell {
        ColumnData::U8(n) => n.map(|n| Field::Integer(n.into())),
        ColumnData::I16(n) => n.map(|n| Field::Integer(n.into())),
        ColumnData::I32(n) => n.map(|n| Field::Integer(n.into())),
        ColumnData::I64(n) => n.map(Field::Integer),
        ColumnData::Bit(flag) => flag.map(Field::Flag),
        ColumnData::F32(n) => n.map(|n| Field::Number(value::real(text, n))),
        ColumnData::F64(n) if !is_money => n.map(Field::Number),
        ColumnData::String(s) => s.as_deref().map(Field::Text),
        ColumnData::Xml(xml) => xml.as_deref().map(|xml| Field::Text(xml.as_ref())),
        _ => return written(cell, text),
    };
    Ok(Plain::Field(field.unwrap_or(Field::Null)))
}

/// What has no form of its own in rows is a text, as SQL Server shows it.
fn written<'a>(cell: &ColumnData<'_>, text: &mut String) -> Result<Plain<'a>> {
    let written = match cell {
        ColumnData::F64(n) => n.map(|n| value::money(text, n).ok_or_else(inexact)).transpose()?,
        ColumnData::Numeric(n) => n.map(|n| value::decimal(text, n.value(), n.scale())),
        ColumnData::Guid(id) => id.map(|id| value::guid(text, id.as_bytes())),
        ColumnData::Binary(bytes) => bytes.as_deref().map(|bytes| value::binary(text, bytes)),
        ColumnData::DateTime(at) => at.map(|at| time::datetime(text, at.days().into(), at.seconds_fragments().into())),
        ColumnData::SmallDateTime(at) => at.map(|at| time::smalldatetime(text, at.days(), at.seconds_fragments())),
        ColumnData::Date(date) => date.map(|date| time::date(text, date.days().into())),
        ColumnData::Time(at) => at.map(|at| time::time(text, at.increments(), at.scale())),
        ColumnData::DateTime2(at) => at.map(|at| {
            time::datetime2(text, at.date().days().into(), at.time().increments(), at.time().scale());
        }),
        ColumnData::DateTimeOffset(at) => at.map(|at| {
            let utc = at.datetime2();
            let (days, clock) = (utc.date().days().into(), utc.time());
            time::datetimeoffset(text, days, clock.increments(), clock.scale(), at.offset());
        }),
        _ => None,
    };
    Ok(written.map_or(Plain::Field(Field::Null), |()| Plain::Written))
}

fn inexact() -> Error {
    Error::new(
        Kind::Protocol,
        "sp.money",
        "an amount of money is so large (beyond 450 thousand million) that the driver loses its last digits",
    )
    .hint("have it converted by the server: CAST(column AS decimal(19, 4))")
}

/// A value that came back: what rows show as a text is a text here as well.
pub fn value(cell: &ColumnData<'_>) -> Result<Value> {
    let mut text = String::new();
    if let ColumnData::Binary(Some(bytes)) = cell {
        return Ok(Value::Binary(bytes.to_vec()));
    }
    Ok(match plain(cell, false, &mut text)? {
        Plain::Field(Field::Null) => Value::Null,
        Plain::Field(Field::Flag(flag)) => Value::Flag(flag),
        Plain::Field(Field::Integer(n)) => Value::Integer(n),
        Plain::Field(Field::Number(n)) => Value::Number(n),
        Plain::Field(Field::Text(text) | Field::Json(text)) => Value::Text(text.to_owned()),
        Plain::Field(Field::Moment { .. }) => Value::Null,
        Plain::Written if matches!(cell, ColumnData::Numeric(_)) => Value::Decimal(text),
        Plain::Written => Value::Text(text),
    })
}

/// A parameter's value as it travels, and the type under which a text declares it.
pub fn sent(given: &Value) -> Result<(ColumnData<'_>, Cow<'static, str>)> {
    Ok(match given {
        Value::Null => (ColumnData::String(None), "nvarchar(4000)".into()),
        Value::Flag(flag) => (ColumnData::Bit(Some(*flag)), "bit".into()),
        Value::Integer(n) => match i32::try_from(*n) {
            Ok(n) => (ColumnData::I32(Some(n)), "int".into()),
            Err(_) => (ColumnData::I64(Some(*n)), "bigint".into()),
        },
        Value::Number(n) if !n.is_finite() => {
            return Err(Error::input("sp.value", format!("SQL Server has no number {n}")));
        }
        Value::Number(n) => (ColumnData::F64(Some(*n)), "float(53)".into()),
        Value::Text(text) => {
            let kind = if text.len() <= SHORT { "nvarchar(4000)" } else { "nvarchar(max)" };
            (ColumnData::String(Some(text.as_str().into())), kind.into())
        }
        Value::Decimal(text) => {
            let number = numeric(text)?;
            (
                ColumnData::Numeric(Some(number)),
                format!("numeric({},{})", number.precision().max(1), number.scale()).into(),
            )
        }
        Value::Binary(bytes) => {
            let kind = if bytes.len() <= SHORT_BINARY { "varbinary(8000)" } else { "varbinary(max)" };
            (ColumnData::Binary(Some(bytes.as_slice().into())), kind.into())
        }
        Value::Date(date) => (ColumnData::Date(Some(day(*date))), "date".into()),
        Value::Moment(moment) => (ColumnData::DateTime2(Some(moment2(*moment))), "datetime2(7)".into()),
        Value::Zoned(zoned) => {
            let utc = zoned.with_time_zone(jiff::tz::TimeZone::UTC).datetime();
            let minutes = zoned.offset().seconds() / 60;
            let minutes = i16::try_from(minutes).unwrap_or_default();
            let at = wire_time::DateTimeOffset::new(moment2(utc), minutes);
            (ColumnData::DateTimeOffset(Some(at)), "datetimeoffset(7)".into())
        }
    })
}

/// A value that is to come back. The driver declares an exact number only as wide as it is, so one travels as a text,
/// which the server converts both ways.
pub fn sent_out(given: &Value) -> Result<ColumnData<'_>> {
    match given {
        Value::Decimal(text) => Ok(ColumnData::String(Some(text.as_str().into()))),
        // An integer of unknown size is the widest.
        Value::Integer(n) => Ok(ColumnData::I64(Some(*n))),
        Value::Null => Err(Error::input("sp.out", "an OUT parameter needs a value of the type that it has")
            .hint("write sp.out(0), sp.out(\"\"), sp.out(false), sp.out(decimal(\"0\"))")),
        other => sent(other).map(|(data, _)| data),
    }
}

fn numeric(text: &str) -> Result<Numeric> {
    let (digits, scale) = value::digits(text).ok_or_else(|| {
        Error::input("sp.value", format!("`{text}` is no exact number of at most 38 digits"))
            .hint("write it with digits and a point: \"-1234.50\"")
    })?;
    Ok(Numeric::new_with_scale(digits, scale))
}

fn day(date: jiff::civil::Date) -> wire_time::Date {
    wire_time::Date::new(time::days(date))
}

fn moment2(moment: jiff::civil::DateTime) -> wire_time::DateTime2 {
    wire_time::DateTime2::new(day(moment.date()), wire_time::Time::new(time::ticks(moment), 7))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};

    /// What a script sees of a cell.
    fn shown(cell: &ColumnData<'_>, is_money: bool) -> String {
        let mut rows = Builder::new();
        rows.name("a");
        push(&mut rows, cell, is_money, &mut String::from("left over")).unwrap();
        rows.end_row();
        let rows = crate::core::rows::Rows::from(rows.finish());
        format!("{:?}", rows.get(0).unwrap().get("a").unwrap())
    }

    #[test]
    fn every_type_is_exact() {
        let utc = DateTime2::new(Date::new(737_251), Time::new(457_899_430_001, 7));
        for (cell, expected) in [
            (ColumnData::U8(Some(255)), "Integer(255)"),
            (ColumnData::I16(Some(-1)), "Integer(-1)"),
            (ColumnData::I32(Some(i32::MIN)), "Integer(-2147483648)"),
            (ColumnData::I64(Some(i64::MAX)), "Integer(9223372036854775807)"),
            (ColumnData::Bit(Some(true)), "Flag(true)"),
            (ColumnData::F32(Some(0.1)), "Number(0.1)"),
            (ColumnData::F64(Some(1.1)), "Number(1.1)"),
            (ColumnData::Numeric(Some(Numeric::new_with_scale(-12_345, 2))), "Text(\"-123.45\")"),
            (ColumnData::String(Some("Жёлтый".into())), "Text(\"Жёлтый\")"),
            (ColumnData::Guid(Some(uuid::Uuid::from_u128(10))), "Text(\"00000000-0000-0000-0000-00000000000A\")"),
            (ColumnData::Binary(Some(vec![1, 171].into())), "Text(\"0x01AB\")"),
            (ColumnData::Xml(Some(Cow::Owned(tiberius::xml::XmlData::new("<a/>")))), "Text(\"<a/>\")"),
            (ColumnData::DateTime(Some(DateTime::new(43_656, 16_976_983))), "Text(\"2019-07-12 15:43:09.943\")"),
            (ColumnData::SmallDateTime(Some(SmallDateTime::new(43_656, 943))), "Text(\"2019-07-12 15:43:00\")"),
            (ColumnData::Date(Some(Date::new(737_251))), "Text(\"2019-07-12\")"),
            (ColumnData::Time(Some(Time::new(5_658_994, 2))), "Text(\"15:43:09.94\")"),
            (ColumnData::DateTime2(Some(utc)), "Text(\"2019-07-12 12:43:09.9430001\")"),
            (
                ColumnData::DateTimeOffset(Some(DateTimeOffset::new(utc, 180))),
                "Text(\"2019-07-12 15:43:09.9430001 +03:00\")",
            ),
            (ColumnData::DateTimeOffset(None), "Null"),
            (ColumnData::String(None), "Null"),
            (ColumnData::Numeric(None), "Null"),
            (ColumnData::F64(None), "Null"),
        ] {
            assert_eq!(shown(&cell, false), expected);
        }
        assert_eq!(shown(&ColumnData::F64(Some(19_999.99)), true), "Text(\"19999.9900\")");
        assert_eq!(shown(&ColumnData::F64(None), true), "Null");
        let mut rows = Builder::new();
        rows.name("a");
        let beyond = push(&mut rows, &ColumnData::F64(Some(9e14)), true, &mut String::new()).unwrap_err();
        assert_eq!(beyond.code(), "sp.money");
    }

    #[test]
    fn parameters_travel_under_a_type_that_holds_them() {
        let zoned: jiff::Zoned = "2019-07-12T15:43:09.9430001+03:00[+03:00]".parse().unwrap();
        for (given, kind) in [
            (Value::Null, "nvarchar(4000)"),
            (Value::Flag(true), "bit"),
            (Value::Integer(7), "int"),
            (Value::Integer(1 << 40), "bigint"),
            (Value::Number(1.5), "float(53)"),
            (Value::Text("a".repeat(4000)), "nvarchar(4000)"),
            (Value::Text("a".repeat(4001)), "nvarchar(max)"),
            (Value::Decimal("-0.050".into()), "numeric(4,3)"),
            (Value::Binary(vec![0; 8001]), "varbinary(max)"),
            (Value::Date(zoned.date()), "date"),
            (Value::Moment(zoned.datetime()), "datetime2(7)"),
            (Value::Zoned(zoned.clone()), "datetimeoffset(7)"),
        ] {
            let (data, declared) = sent(&given).unwrap();
            assert_eq!(declared, kind);
            if let ColumnData::DateTimeOffset(_) = data {
                assert_eq!(shown(&data, false), "Text(\"2019-07-12 15:43:09.9430001 +03:00\")");
            }
        }
        for wrong in [Value::Number(f64::NAN), Value::Decimal("1e5".into())] {
            assert_eq!(sent(&wrong).unwrap_err().code(), "sp.value");
        }
        assert!(matches!(sent_out(&Value::Decimal("0.00".into())), Ok(ColumnData::String(_))));
        assert_eq!(sent_out(&Value::Null).unwrap_err().code(), "sp.out");
    }
}
