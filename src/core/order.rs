//! How fields compare: numbers as numbers whatever their form, moments by when they were, the rest as text, nothing before
//! something.

use std::cmp::Ordering;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::core::clock;
use crate::core::rows::Field;

/// A value to sort by, made once for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    Nothing,
    Flag(bool),
    Number(Decimal),
    /// A number too large or too small for an exact one.
    Float(f64),
    /// When it was, and what the clock showed.
    Moment(Timestamp, i64),
    Text(Box<str>),
}

impl Key {
    pub fn of(field: Field<'_>) -> Key {
        match field {
            Field::Null => Key::Nothing,
            Field::Flag(flag) => Key::Flag(flag),
            Field::Integer(n) => Key::Number(n.into()),
            Field::Number(n) => Decimal::try_from(n).map_or(Key::Float(n), Key::Number),
            Field::Text(text) => match number(text) {
                Some(n) => Key::Number(n),
                None => Key::Text(text.into()),
            },
            Field::Moment { at, zone } => Key::Moment(clock::moment(at, zone).timestamp(), at),
            Field::Json(text) => Key::Text(text.into()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Key::Nothing => 0,
            Key::Flag(_) => 1,
            Key::Number(_) | Key::Float(_) => 2,
            Key::Moment(..) => 3,
            Key::Text(_) => 4,
        }
    }
}

/// A text that is a plain number, as portals send their ids and money.
pub fn number(text: &str) -> Option<Decimal> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'-') {
        return None;
    }
    text.parse().ok()
}

pub fn compare(a: &Key, b: &Key) -> Ordering {
    match (a, b) {
        (Key::Flag(a), Key::Flag(b)) => a.cmp(b),
        (Key::Number(a), Key::Number(b)) => a.cmp(b),
        (Key::Text(a), Key::Text(b)) => a.cmp(b),
        (Key::Moment(a, _), Key::Moment(b, _)) => a.cmp(b),
        (Key::Float(a), Key::Float(b)) => a.total_cmp(b),
        (Key::Float(a), Key::Number(_)) => {
            if *a < 0.0 {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (Key::Number(_), Key::Float(_)) => compare(b, a).reverse(),
        _ => a.rank().cmp(&b.rank()),
    }
}

/// A field as the text of a cell.
pub fn cell_text(field: Field<'_>) -> std::borrow::Cow<'_, str> {
    match field {
        Field::Null => "".into(),
        Field::Flag(flag) => if flag { "true" } else { "false" }.into(),
        Field::Integer(n) => n.to_string().into(),
        Field::Number(n) => n.to_string().into(),
        Field::Text(text) | Field::Json(text) => text.into(),
        // As the clock showed it: `2026-02-26T03:32:24`.
        Field::Moment { at, .. } => clock::shown(at).to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::{self, TimeZone};

    use super::*;

    #[test]
    fn moments_of_two_zones_sort_by_when_they_were() {
        let east = TimeZone::fixed(tz::offset(3));
        let (early, late) =
            (Field::Moment { at: 3_000, zone: &east }, Field::Moment { at: 2_000, zone: &TimeZone::UTC });
        assert_eq!(compare(&Key::of(early), &Key::of(late)), Ordering::Less);
        assert_eq!((cell_text(early), cell_text(late)), ("1970-01-01T00:00:03".into(), "1970-01-01T00:00:02".into()));
    }

    #[test]
    fn numbers_sort_as_numbers_even_when_they_came_as_texts() {
        let fields = [
            Field::Text("10"),
            Field::Text("9"),
            Field::Null,
            Field::Text("а"),
            Field::Number(9.5),
            Field::Integer(-1),
            Field::Moment { at: -1000, zone: &TimeZone::UTC },
        ];
        let mut keys: Vec<Key> = fields.into_iter().map(Key::of).collect();
        keys.sort_by(compare);
        let shown: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        let moment = "Moment(1969-12-31T23:59:59Z, -1000)";
        assert_eq!(shown, ["Nothing", "Number(-1)", "Number(9)", "Number(9.5)", "Number(10)", moment, "Text(\"а\")"]);
    }
}
