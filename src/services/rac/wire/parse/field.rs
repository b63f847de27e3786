//! One printed value as a field of a row, by its shape in the table.

use std::borrow::Cow;

use memchr::memchr;

use crate::core::rows::Field;
use crate::services::rac::table::Shape;

/// What the text of a value says. What does not have the form of its shape stays the text that it is: nothing of what
/// was printed is lost, whatever a version that nobody has seen prints.
pub fn field(shape: Shape, text: &str) -> Field<'_> {
    match shape {
        Shape::Text | Shape::Quoted | Shape::Uuid | Shape::Uuids | Shape::Ports | Shape::Auth => Field::Text(text),
        Shape::Date if text.is_empty() => Field::Null,
        Shape::Date => Field::Text(text),
        Shape::Number | Shape::OrZero(_) => number(text),
        Shape::Decimal => match text.parse() {
            Ok(number) if text.len() < 16 => Field::Number(number),
            _ => nothing_or(text),
        },
        Shape::Words(words) if words.is_flag => match words.number(text) {
            Some(number) => Field::Flag(number != 0),
            None => nothing_or(text),
        },
        Shape::Words(_) => nothing_or(text),
    }
}

fn nothing_or(text: &str) -> Field<'_> {
    if text.is_empty() { Field::Null } else { Field::Text(text) }
}

fn number(text: &str) -> Field<'_> {
    text.parse().map_or_else(|_| nothing_or(text), Field::Integer)
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
            (Shape::Decimal, "-1.096", Field::Number(-1.096)),
            (Shape::Date, "2026-02-26T03:32:24", Field::Text("2026-02-26T03:32:24")),
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
            assert_eq!(field(shape, text), expected, "{shape:?} {text}");
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
