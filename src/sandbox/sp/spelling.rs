//! Values as texts: dates for clients older than their types, everything for the log of calls.

use serde_json::{Value as Json, json};

use super::sql::value::Value;

/// Ticks of 100 ns in a second.
const SECOND: u64 = 10_000_000;
/// Days from 0001-01-01 to 1900-01-01.
const SINCE_1900: i32 = 693_595;

/// Who wants the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A client: the types that it does not know, as servers spell them.
    Server,
    /// A log: all dates.
    Log,
}

/// The text of a date or a time; `None` for everything else.
pub fn text(value: &Value, wanted: Wanted) -> Option<String> {
    Some(match *value {
        Value::Date(days) => date(days),
        Value::Time { ticks, scale } => time(ticks, scale),
        Value::DateTime2 { days, ticks, scale } => format!("{} {}", date(days), time(ticks, scale)),
        Value::DateTimeOffset { days, ticks, scale, minutes } => {
            let local = i64::from(days) * 864_000_000_000 + ticks as i64 + i64::from(minutes) * 600_000_000;
            let (days, ticks) = (local.div_euclid(864_000_000_000), local.rem_euclid(864_000_000_000));
            let (sign, off) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
            let local = format!("{} {}", date(days as i32), time(ticks as u64, scale));
            format!("{local} {sign}{:02}:{:02}", off / 60, off % 60)
        }
        Value::DateTime { days, ticks } if wanted == Wanted::Log => {
            let ticks = (u64::from(ticks) * 10 + 1) / 3 * 10_000;
            format!("{} {}", date(days.saturating_add(SINCE_1900)), time(ticks, 3))
        }
        Value::SmallDateTime { days, minutes } if wanted == Wanted::Log => {
            format!("{} {}", date(i32::from(days) + SINCE_1900), time(u64::from(minutes) * 60 * SECOND, 0))
        }
        _ => return None,
    })
}

/// A value for the log.
pub fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bit(bit) => json!(bit),
        Value::Real(number) => json!(number),
        Value::Float(number) => json!(number),
        &Value::Decimal { digits, scale, .. } => json!(exact(digits, scale)),
        &Value::Money(units) => json!(exact(units.into(), 4)),
        &Value::SmallMoney(units) => json!(exact(units.into(), 4)),
        Value::Binary(bytes) => json!(format!("0x{}", hex(bytes))),
        Value::Guid(bytes) => json!(hex(bytes)),
        Value::Variant(inner) => json(inner),
        value => match (value.as_text(), value.as_integer()) {
            (Some(text), _) => json!(text),
            (None, Some(number)) => json!(number),
            (None, None) => json!(text(value, Wanted::Log)),
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn exact(digits: i128, scale: u8) -> String {
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, part) = text.split_at(text.len() - usize::from(scale));
    let (sign, point) = (if digits < 0 { "-" } else { "" }, if scale == 0 { "" } else { "." });
    format!("{sign}{whole}{point}{part}")
}

/// Days since 0001-01-01 as `2026-11-22`.
fn date(days: i32) -> String {
    // Years begin with March, so that the leap day is the last; eras have 400 years.
    let shifted = i64::from(days) + 306;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + i64::from(month <= 2))
}

fn time(ticks: u64, scale: u8) -> String {
    let (seconds, part) = (ticks / SECOND, ticks % SECOND);
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match scale {
        0 => whole,
        scale => format!("{whole}.{}", &format!("{part:07}")[..usize::from(scale.min(7))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_spelt_as_servers_do() {
        let day = 739_941;
        let text = |value| text(&value, Wanted::Log).unwrap();
        assert_eq!(text(Value::Date(day)), "2026-11-22");
        assert_eq!(text(Value::Date(0)), "0001-01-01");
        assert_eq!(text(Value::Date(3_652_058)), "9999-12-31");
        assert_eq!(text(Value::Date(SINCE_1900 + 58)), "1900-02-28");
        assert_eq!(text(Value::Date(SINCE_1900 + 59)), "1900-03-01");
        assert_eq!(text(Value::Time { ticks: 863_999_999_999, scale: 7 }), "23:59:59.9999999");
        assert_eq!(text(Value::DateTime { days: 0, ticks: 25_919_999 }), "1900-01-01 23:59:59.997");
        let night = Value::DateTimeOffset { days: day, ticks: 23 * 3600 * SECOND, scale: 0, minutes: 180 };
        assert_eq!(text(night), "2026-11-23 02:00:00 +03:00");
        assert_eq!(text(Value::SmallDateTime { days: 1, minutes: 61 }), "1900-01-02 01:01:00");
    }

    #[test]
    fn exact_numbers_keep_their_digits_in_the_log() {
        assert_eq!(json(&Value::Decimal { digits: -5, precision: 5, scale: 2 }), json!("-0.05"));
        assert_eq!(json(&Value::Money(1_234_500)), json!("123.4500"));
        assert_eq!(json(&Value::Binary(vec![0, 255])), json!("0x00FF"));
        assert_eq!((json(&Value::BigInt(7)), json(&Value::Null)), (json!(7), Json::Null));
    }
}
