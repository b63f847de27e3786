//! One printed value as a field of a row, by its shape in the table.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use memchr::memchr;

use crate::core::rows::Field;
use crate::services::rac::table::Shape;
use crate::services::rac::wire::shape::{milliseconds, ticks};

/// The id of nothing.
const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// What the text of a value says; dates are what a clock of this zone showed. What does not have the form of its shape stays the text that it is: nothing of what
/// was printed is lost, whatever a version that nobody has seen prints.
pub fn field<'a>(shape: Shape, text: &'a str, zone: &'a TimeZone) -> Field<'a> {
    match shape {
        Shape::Uuid if text == NIL => Field::Null,
        Shape::Text | Shape::Quoted | Shape::Uuid | Shape::Uuids | Shape::Ports | Shape::Auth => Field::Text(text),
        Shape::Date => match ticks(text).and_then(milliseconds) {
            Some(at) => Field::Moment { at, zone },
            None => nothing_or(text),
        },
        Shape::Number | Shape::OrZero(_) => number(text),
        Shape::Decimal => match text.parse() {
            Ok(number) if text.len() < 16 => Field::Number(number),
            _ => nothing_or(text),
        },
        Shape::Words(words) if words.is_flag => match words.number(text) {
            Some(number) => Field::Flag(number != 0),
            None => nothing_or(text),
        },
        Shape::Words(words) if words.number(text).is_some() => Field::Text(text),
        // A number that the utility has no word for.
        Shape::Words(_) => number(text),
    }
}

fn nothing_or(text: &str) -> Field<'_> {
    if text.is_empty() { Field::Null } else { Field::Text(text) }
}

fn number(text: &str) -> Field<'_> {
    // What only looks like a number keeps its form.
    let is_plain = !text.starts_with(['0', '+']) || text == "0";
    text.parse().ok().filter(|_| is_plain).map_or_else(|| nothing_or(text), Field::Integer)
}

/// The text between quotes, if it stands between them; quotes inside are doubled.
pub fn unquoted(text: &str) -> Cow<'_, str> {
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inside {
        Some(inside) if memchr(b'"', inside.as_bytes()).is_some() => Cow::Owned(inside.replace("\"\"", "\"")),
        Some(inside) => Cow::Borrowed(inside),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::rac::table::{ANALYZE, CURRENT_CALL, YES_NO, ZERO_ONE};

    #[test]
    fn values_have_the_type_of_their_shape() {
        let cases = [
            (Shape::Number, "1560", Field::Integer(1560)),
            (Shape::Number, "6873995514006732799", Field::Integer(6_873_995_514_006_732_799)),
            (Shape::Number, "18446744073709551615", Field::Text("18446744073709551615")),
            (Shape::Number, "", Field::Null),
            (Shape::Number, "007", Field::Text("007")),
            (Shape::Number, "-5", Field::Integer(-5)),
            (Shape::Uuid, NIL, Field::Null),
            (Shape::Uuid, "8397b7bb-e836-4c95-9a4f-cf22bef822ff", Field::Text("8397b7bb-e836-4c95-9a4f-cf22bef822ff")),
            (Shape::Words(&ANALYZE), "7", Field::Integer(7)),
            (Shape::Decimal, "-1.096", Field::Number(-1.096)),
            (Shape::Date, "2026-02-26T03:32:24", Field::Moment { at: 1_772_076_744_000, zone: &TimeZone::UTC }),
            (Shape::Date, "tomorrow", Field::Text("tomorrow")),
            (Shape::Date, "", Field::Null),
            (Shape::Quoted, "", Field::Text("")),
            (Shape::Text, "007", Field::Text("007")),
            (Shape::Words(&YES_NO), "yes", Field::Flag(true)),
            (Shape::Words(&ZERO_ONE), "0", Field::Flag(false)),
            (Shape::Words(&YES_NO), "perhaps", Field::Text("perhaps")),
            (Shape::Words(&ANALYZE), "not-analyze", Field::Text("not-analyze")),
            (Shape::OrZero(CURRENT_CALL), "current-call", Field::Text("current-call")),
            (Shape::OrZero(CURRENT_CALL), "5", Field::Integer(5)),
        ];
        for (shape, text, expected) in cases {
            assert_eq!(field(shape, text, &TimeZone::UTC), expected, "{shape:?} {text}");
        }
    }

    #[test]
    fn only_a_pair_of_quotes_is_taken_off() {
        let cases = [
            ("\"a\"", "a"),
            ("\"a", "\"a"),
            ("a\"", "a\""),
            ("\"", "\""),
            ("\"\"", ""),
            ("\"ООО \"\"Ромашка\"\"\"", "ООО \"Ромашка\""),
            ("\"ООО \"Ромашка\"\"", "ООО \"Ромашка\""),
            ("''", "''"),
        ];
        for (text, expected) in cases {
            assert_eq!(unquoted(text), expected, "{text}");
        }
    }
}
