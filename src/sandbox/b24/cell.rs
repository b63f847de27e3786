//! A value of a row: what it is, how it compares, how it is read from a parameter.

use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// The portal's time zone, +03:00, in seconds.
pub const ZONE: i64 = 3 * 3600;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Null,
    Int(i64),
    /// Money in hundredths.
    Money(i64),
    Text(Cow<'a, str>),
    /// `Y` or `N`.
    Char(bool),
    /// A real JSON boolean, as `user.get` has.
    Flag(bool),
    /// Unix seconds, printed with the portal's zone.
    Moment(i64),
    /// Days since 1970.
    Day(i64),
    Json(Value),
}

/// What a column holds; decides how parameters are read and how the answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Int,
    User,
    Crm(&'static str),
    Text,
    Status,
    Money,
    Char,
    Flag,
    Moment,
    Day,
    /// Phones, addresses…: a list of maps.
    Multi,
    Json,
}

impl Type {
    /// The name in the answer of `.fields`.
    pub fn name(self) -> &'static str {
        match self {
            Type::Int => "integer",
            Type::User => "user",
            Type::Crm(name) => name,
            Type::Text => "string",
            Type::Status => "crm_status",
            Type::Money => "double",
            Type::Char => "char",
            Type::Flag => "boolean",
            Type::Moment => "datetime",
            Type::Day => "date",
            Type::Multi => "crm_multifield",
            Type::Json => "array",
        }
    }

    /// Reads a parameter as a value of this type. What does not read at all is an empty value: the portal casts like PHP.
    pub fn read(self, value: &Value) -> Cell<'static> {
        if matches!(self, Type::Multi | Type::Json) {
            return match value {
                Value::Null => Cell::Null,
                Value::String(text) if text.is_empty() => Cell::Null,
                other => Cell::Json(other.clone()),
            };
        }
        let text = scalar_text(value);
        if text.is_empty() {
            return Cell::Null;
        }
        match self {
            Type::Int | Type::User | Type::Crm(_) => Cell::Int(php_number(&text) as i64),
            Type::Money => Cell::Money((php_number(&text) * 100.0).round() as i64),
            Type::Char => Cell::Char(truth(&text)),
            Type::Flag => Cell::Flag(truth(&text)),
            Type::Moment => read_moment(&text).map_or(Cell::Null, Cell::Moment),
            Type::Day => read_moment(&text).map_or(Cell::Null, |at| Cell::Day((at + ZONE).div_euclid(86_400))),
            _ => Cell::Text(Cow::Owned(text.into_owned())),
        }
    }
}

fn truth(text: &str) -> bool {
    matches!(text, "Y" | "y" | "1" | "true")
}

/// A scalar parameter as PHP would turn it to text; maps and lists give an empty text.
pub fn scalar_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("1"),
        Value::Number(number) => Cow::Owned(number.to_string()),
        _ => Cow::Borrowed(""),
    }
}

/// The number a text begins with, 0 when it begins with none: PHP's cast.
fn php_number(text: &str) -> f64 {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0.0)
}

/// Reads `2024-05-01`, `2024-05-01T10:00:00+03:00`, `2024-05-01 10:00` and `01.05.2024 10:00:00`; unix seconds.
pub fn read_moment(text: &str) -> Option<i64> {
    let (day, rest) = if text.as_bytes().get(2) == Some(&b'.') {
        let mut parts = text.get(..10)?.splitn(3, '.').map(str::parse::<i64>);
        let (day, month, year) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        (days_of(year, month, day)?, &text[10..])
    } else {
        let mut parts = text.get(..10)?.splitn(3, '-').map(str::parse::<i64>);
        let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        (days_of(year, month, day)?, &text[10..])
    };
    let rest = rest.trim_start_matches(['T', ' ']);
    let (clock, zone) = match rest.find(['+', '-', 'Z']) {
        Some(at) => (&rest[..at], read_zone(&rest[at..])?),
        None => (rest, ZONE),
    };
    let mut seconds = 0.0;
    for (part, unit) in clock.split(':').zip([3600.0, 60.0, 1.0]) {
        let number = if part.is_empty() { 0.0 } else { part.parse::<f64>().ok()? };
        if !(0.0..100.0).contains(&number) {
            return None;
        }
        seconds += number * unit;
    }
    Some(day * 86_400 + seconds as i64 - zone)
}

fn read_zone(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let digits: String = text[1..].chars().filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4).unwrap_or("0").parse().ok()?;
    let zone = hours * 3600 + minutes * 60;
    Some(if text.starts_with('-') { -zone } else { zone })
}

fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from the civil calendar, with March as the first month of the year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Year, month and day of a number of days since 1970.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

impl Cell<'_> {
    /// Whether the database would call it empty.
    pub fn is_empty(&self) -> bool {
        match self {
            Cell::Null => true,
            Cell::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// As a number, where it is one.
    pub fn number(&self) -> Option<i64> {
        match self {
            Cell::Int(n) | Cell::Moment(n) | Cell::Day(n) => Some(*n),
            Cell::Money(n) => Some(*n),
            Cell::Char(yes) | Cell::Flag(yes) => Some(i64::from(*yes)),
            _ => None,
        }
    }

    /// As text for `LIKE` and text comparison.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Null => Cow::Borrowed(""),
            Cell::Char(yes) => Cow::Borrowed(if *yes { "Y" } else { "N" }),
            Cell::Money(n) => {
                let sign = if *n < 0 { "-" } else { "" };
                Cow::Owned(format!("{sign}{}.{:02}", n.unsigned_abs() / 100, n.unsigned_abs() % 100))
            }
            Cell::Json(value) => Cow::Owned(value.to_string()),
            other => Cow::Owned(other.number().unwrap_or(0).to_string()),
        }
    }

    /// The order in a sorted list and in `<`, `>`: empty first, numbers by value, text without regard to case.
    pub fn order(&self, other: &Cell) -> Ordering {
        match (self, other) {
            (Cell::Null, Cell::Null) => Ordering::Equal,
            (Cell::Null, _) => Ordering::Less,
            (_, Cell::Null) => Ordering::Greater,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => text_order(&self.text(), &other.text()),
            },
        }
    }
}

/// MySQL's usual collation of a portal does not tell cases apart.
fn text_order(a: &str, b: &str) -> Ordering {
    a.chars().flat_map(char::to_lowercase).cmp(b.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn moments_are_read_in_every_form_the_portal_takes() {
        let noon = 1_714_554_000; // 2024-05-01 12:00 in Moscow
        for text in [
            "2024-05-01T12:00:00+03:00",
            "2024-05-01T09:00:00Z",
            "2024-05-01 12:00",
            "01.05.2024 12:00:00",
            "2024-05-01T12:00:00",
        ] {
            assert_eq!(read_moment(text), Some(noon), "{text}");
        }
        for text in ["", "yesterday", "2024-13-01", "2024-05-01T1x:00", "99.99.9999", "ююю-яя", "2024-05-01T9e99"]
        {
            assert_eq!(read_moment(text), None, "{text}");
        }
        assert_eq!(civil((noon + ZONE) / 86_400), (2024, 5, 1));
    }

    #[test]
    fn parameters_are_cast_as_php_casts_them() {
        assert_eq!(Type::Int.read(&json!("37 штук")), Cell::Int(37));
        assert_eq!(Type::Money.read(&json!("19999.99")), Cell::Money(1_999_999));
        assert_eq!(Type::Money.read(&json!(100)), Cell::Money(10_000));
        assert_eq!(Type::Char.read(&json!("Y")), Cell::Char(true));
        assert_eq!(Type::Text.read(&json!(null)), Cell::Null);
    }
}
