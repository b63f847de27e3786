//! One value as the utility shows it, and what an option was given as a value.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::codec::{Uuid, Value};
use crate::core::clock;
use crate::services::rac::table::{Opt, Shape, Slot, Takes, Version, Wire};

/// Ticks of 0.1 ms from the year 1 to 1970.
const EPOCH: i64 = 621_355_968_000_000;
/// Ticks of one millisecond.
const MILLISECOND: i64 = 10;

/// Milliseconds since 1970 by the same clock on the wall; nothing for no date.
pub fn milliseconds(ticks: i64) -> Option<i64> {
    (ticks != 0).then(|| ticks.saturating_sub(EPOCH).div_euclid(MILLISECOND))
}

/// The ticks of a date as people write it: `2026-02-26T03:32:24`; nothing is no date.
pub fn ticks(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    Some(clock::of(text.parse().ok()?) * MILLISECOND + EPOCH)
}

/// Adds the value as the utility would print it, but for quotes.
pub fn print(shape: Shape, value: &Value<'_>, to: &mut String) {
    // Writing to a string cannot fail.
    let _ = match (shape, value) {
        (Shape::Words(words), value) => match words.word(number(value)) {
            Some(word) => to.write_str(word),
            None => write!(to, "{}", number(value)),
        },
        (Shape::OrZero(word), Value::Int(0)) => to.write_str(word),
        (_, Value::Text(text)) => to.write_str(text),
        (_, Value::Int(n)) => write!(to, "{n}"),
        (_, Value::Double(n)) => write!(to, "{n:.3}"),
        (_, Value::Uuid(uuid)) => to.write_str(uuid.text(&mut [0; Uuid::LENGTH])),
        (_, Value::Time(ticks)) => match milliseconds(*ticks) {
            Some(at) => write!(to, "{}", clock::shown(at).strftime("%Y-%m-%dT%H:%M:%S")),
            None => Ok(()),
        },
        (_, Value::Bool(flag)) => write!(to, "{}", u8::from(*flag)),
        (_, Value::Ports(ports)) => joined(to, ports, |to, (low, high)| write!(to, "{low}:{high}")),
        (_, Value::Uuids(uuids)) => joined(to, uuids, |to, uuid| write!(to, "{uuid}")),
        (_, Value::Auth { password, os }) => to.write_str(match (password, os) {
            (true, true) => "pwd|os",
            (true, false) => "pwd",
            (false, true) => "os",
            (false, false) => "",
        }),
        // Records in records have lines of their own.
        (_, Value::One(_) | Value::Many(_)) => Ok(()),
    };
}

fn joined<T>(
    to: &mut String,
    items: &[T],
    mut print: impl FnMut(&mut String, &T) -> std::fmt::Result,
) -> std::fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            to.push(',');
        }
        print(to, item)?;
    }
    Ok(())
}

fn number(value: &Value<'_>) -> i64 {
    match value {
        Value::Int(n) => *n,
        Value::Bool(flag) => i64::from(*flag),
        _ => 0,
    }
}

/// What an option was given, checked against what it takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    Flag,
    /// A text, or the name of what an id would name.
    Text(String),
    /// A number, or the number of a word.
    Number(i64),
    Id(Uuid),
    /// Ticks of the protocol.
    Date(i64),
    /// (low, high) of each.
    Ports(Vec<(u16, u16)>),
    Auth {
        password: bool,
        os: bool,
    },
}

/// What an option takes, as one would name it in a message.
pub fn wanted(takes: Takes) -> String {
    match takes {
        Takes::Flag => "nothing: it is there or not".into(),
        Takes::Id(_) => "an id".into(),
        Takes::Text | Takes::Password => "a text".into(),
        Takes::Number => "a whole number".into(),
        Takes::Date => "a date, such as 2026-02-26T03:32:24".into(),
        Takes::Ports => "ports, such as 1560:1591".into(),
        Takes::Auth => "pwd, os or pwd,os".into(),
        Takes::OrZero(word) => format!("a whole number or {word}"),
        Takes::Words(words) => format!("one of {}", words.listed().replace('|', ", ")),
        Takes::OneOf(words) => format!("one of {}", words.join(", ")),
    }
}

/// What this text is for the option; nothing when it does not fit. Names stand for ids only when `by_name`.
pub fn given(opt: &Opt, text: &str, by_name: bool) -> Option<Given> {
    match opt.takes {
        Takes::Flag => None,
        Takes::Id(_) if by_name => Some(text.parse().map_or_else(|()| Given::Text(text.into()), Given::Id)),
        Takes::Id(_) => text.parse().ok().map(Given::Id),
        Takes::Text | Takes::Password => Some(Given::Text(text.into())),
        Takes::Number => text.parse().ok().map(Given::Number),
        Takes::Date => ticks(text).map(Given::Date),
        Takes::Ports => text.split(',').map(ports).collect::<Option<Vec<_>>>().map(Given::Ports),
        Takes::Auth => auth(text),
        Takes::OrZero(word) if text == word => Some(Given::Number(0)),
        Takes::OrZero(_) => text.parse().ok().map(Given::Number),
        Takes::Words(words) => words.number(text).map(Given::Number),
        Takes::OneOf(words) => words.contains(&text).then(|| Given::Text(text.into())),
    }
}

fn ports(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.trim().split_once(':')?;
    Some((low.parse().ok()?, high.parse().ok()?))
}

fn auth(text: &str) -> Option<Given> {
    let ways: Vec<&str> = text.split([',', '|']).map(str::trim).filter(|way| !way.is_empty()).collect();
    let known = ways.iter().all(|way| matches!(*way, "pwd" | "os"));
    known.then(|| Given::Auth { password: ways.contains(&"pwd"), os: ways.contains(&"os") })
}

impl Given {
    /// As the utility takes it; nothing for a flag.
    pub fn text(&self, takes: Takes) -> Cow<'_, str> {
        let mut to = String::new();
        match self {
            Given::Flag => {}
            Given::Text(text) => return Cow::Borrowed(text),
            Given::Number(n) => match takes {
                Takes::Words(words) => print(Shape::Words(words), &Value::Int(*n), &mut to),
                Takes::OrZero(word) => print(Shape::OrZero(word), &Value::Int(*n), &mut to),
                _ => to = n.to_string(),
            },
            Given::Id(uuid) => to = uuid.to_string(),
            Given::Date(ticks) => print(Shape::Date, &Value::Time(*ticks), &mut to),
            Given::Ports(ports) => print(Shape::Ports, &Value::Ports(ports.clone()), &mut to),
            Given::Auth { password, os } => {
                print(Shape::Auth, &Value::Auth { password: *password, os: *os }, &mut to);
                // Printed with a bar, given with a comma.
                to = to.replace('|', ",");
            }
        }
        Cow::Owned(to)
    }

    /// The value for a slot; else the most that the protocol carries there.
    pub fn value(&self, slot: &Slot, version: Version) -> Result<Value<'static>, String> {
        let within = |n: i64, least: i64, most: i64| match (least..=most).contains(&n) {
            true => Ok(Value::Int(n)),
            false => Err(format!("{n} is not between {least} and {most}")),
        };
        match (slot.wire, self) {
            (Wire::Bool, Given::Number(n)) => Ok(Value::Bool(*n != 0)),
            (Wire::Byte, Given::Number(n)) => within(*n, 0, i64::from(u8::MAX)),
            (Wire::Short, Given::Number(n)) => within(*n, 0, i64::from(u16::MAX)),
            (Wire::Int, Given::Number(n)) => within(*n, i64::from(i32::MIN), i64::from(i32::MAX)),
            (Wire::Long, Given::Number(n)) => Ok(Value::Int(*n)),
            (Wire::Uuid, Given::Id(uuid)) => Ok(Value::Uuid(*uuid)),
            (Wire::Text, Given::Text(text)) => Ok(Value::Text(Cow::Owned(text.clone()))),
            (Wire::Time, Given::Date(ticks)) => Ok(Value::Time(*ticks)),
            (Wire::Ports, Given::Ports(ports)) => Ok(Value::Ports(ports.clone())),
            (Wire::Auth, Given::Auth { password, os }) => Ok(Value::Auth { password: *password, os: *os }),
            (_, Given::Flag) => Ok(Value::first(slot, version)),
            (_, given) => Err(format!("{given:?} is not what it takes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_the_ticks_of_the_protocol() {
        for (text, expected) in [
            ("2024-01-01T00:00:00", 638_396_640_000_000),
            ("2024-05-17T09:30:15", 0x0002_44b9_f0a1_1b70),
            ("2026-02-23T00:00:00", 0x0002_453c_03b5_7800),
            ("1970-01-01T00:00:00", EPOCH),
            ("", 0),
        ] {
            assert_eq!(ticks(text), Some(expected), "{text}");
            let mut printed = String::new();
            print(Shape::Date, &Value::Time(expected), &mut printed);
            assert_eq!(printed, text);
        }
        assert_eq!(ticks("2024-01-01"), ticks("2024-01-01T00:00:00"));
        assert_eq!(ticks("yesterday"), None);
    }
}
