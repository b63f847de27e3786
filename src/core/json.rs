//! JSON text into rows and values without losing a digit.
//!
//! A whole number outside 64 bits, and a fraction that a float would change, become texts with their digits as sent.

use jiter::{Jiter, JiterError, Peek};

use crate::core::rows::{Builder, Field};
use crate::error::{Error, Kind, Result};

/// What is wrong with a JSON text, and where.
fn broken(json: &Jiter<'_>, error: &JiterError) -> Error {
    let place = error.get_position(json);
    Error::new(
        Kind::Protocol,
        "json.broken",
        format!("not JSON: {} (line {}, column {})", error.error_type, place.line, place.column),
    )
}

/// A JSON number as the narrowest thing that keeps every digit.
pub fn number(digits: &str) -> Field<'_> {
    if let Ok(n) = digits.parse::<i64>() {
        return Field::Integer(n);
    }
    let is_fraction = digits.contains(['.', 'e', 'E']);
    match digits.parse::<f64>() {
        Ok(n) if n.is_finite() && (is_fraction || n == 0.0) && same_digits(digits, n) => Field::Number(n),
        _ => Field::Text(digits),
    }
}

/// Whether the float, written out, has the very digits of the text (zeros at either end apart).
fn same_digits(digits: &str, n: f64) -> bool {
    let significant = digits.bytes().take_while(|b| !matches!(b, b'e' | b'E')).filter(u8::is_ascii_digit).count();
    // Fifteen significant digits always survive the way to a float and back.
    significant <= 15 || significant_digits(digits) == significant_digits(&format!("{n:e}"))
}

fn significant_digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Reads a JSON list of objects into `rows`. Elements that are not objects become rows with the one field `value`.
pub fn read_rows(text: &str, rows: &mut Builder) -> Result<()> {
    let mut json = Jiter::new(text.as_bytes());
    read_list(&mut json, text, rows).map_err(|error| match error {
        Fail::Json(error) => broken(&json, &error),
        Fail::Full => too_large(),
    })
}

pub fn too_large() -> Error {
    Error::new(Kind::Protocol, "rows.too_large", "one answer holds more than 4 GB of text")
}

enum Fail {
    Json(JiterError),
    Full,
}

impl From<JiterError> for Fail {
    fn from(error: JiterError) -> Fail {
        Fail::Json(error)
    }
}

impl From<crate::core::rows::TooLarge> for Fail {
    fn from(_: crate::core::rows::TooLarge) -> Fail {
        Fail::Full
    }
}

fn read_list(json: &mut Jiter<'_>, text: &str, rows: &mut Builder) -> std::result::Result<(), Fail> {
    let mut next = json.next_array()?;
    while let Some(peek) = next {
        if peek == Peek::Object {
            let mut named = json.known_object()?.map(|name| rows.name(name));
            while named.is_some() {
                let peek = json.peek()?;
                read_field(json, text, peek, rows)?;
                named = json.next_key()?.map(|name| rows.name(name));
            }
        } else {
            rows.name("value");
            read_field(json, text, peek, rows)?;
        }
        rows.end_row();
        next = json.array_step()?;
    }
    json.finish()?;
    Ok(())
}

fn read_field(json: &mut Jiter<'_>, text: &str, peek: Peek, rows: &mut Builder) -> std::result::Result<(), Fail> {
    match peek {
        Peek::String => rows.push(Field::Text(json.known_str()?))?,
        Peek::Null => {
            json.known_null()?;
            rows.push(Field::Null)?;
        }
        Peek::True | Peek::False => {
            let flag = json.known_bool(peek)?;
            rows.push(Field::Flag(flag))?;
        }
        Peek::Object | Peek::Array => {
            let from = json.current_index();
            json.known_skip(peek)?;
            rows.push(Field::Json(&text[from..json.current_index()]))?;
        }
        _ => {
            let from = json.current_index();
            json.known_number_bytes(peek)?;
            rows.push(number(&text[from..json.current_index()]))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rows::Rows;

    fn rows(text: &str) -> Rows {
        let mut builder = Builder::new();
        read_rows(text, &mut builder).unwrap();
        builder.finish().into()
    }

    #[test]
    fn a_list_of_objects_becomes_rows_in_the_servers_order() {
        let rows = rows(r#"[{"ID":"7","TITLE":"Сделка «А»","SUM":"10.50","PHONE":[{"V":1}],"X":null},{"ID":"8"}]"#);
        assert_eq!(rows.len(), 2);
        let first = rows.get(0).unwrap();
        let names: Vec<&str> = first.shape().names().collect();
        assert_eq!(names, ["ID", "TITLE", "SUM", "PHONE", "X"]);
        assert_eq!(first.get("TITLE"), Some(Field::Text("Сделка «А»")));
        assert_eq!(first.get("SUM"), Some(Field::Text("10.50")));
        assert_eq!(first.get("PHONE"), Some(Field::Json(r#"[{"V":1}]"#)));
        assert_eq!(first.get("X"), Some(Field::Null));
    }

    #[test]
    fn numbers_lose_no_digit() {
        assert_eq!(number("9223372036854775807"), Field::Integer(i64::MAX));
        assert_eq!(number("9223372036854775808"), Field::Text("9223372036854775808"));
        assert_eq!(number("9007199254740993"), Field::Integer(9007199254740993));
        assert_eq!(number("1.5"), Field::Number(1.5));
        assert_eq!(number("0.12345678901234567890123"), Field::Text("0.12345678901234567890123"));
        assert_eq!(number("1e3"), Field::Number(1000.0));
        assert_eq!(number("1e999"), Field::Text("1e999"));
        assert_eq!(number("-0"), Field::Integer(0));
        assert_eq!(number("0.30000000000000004"), Field::Number(0.30000000000000004));
    }

    #[test]
    fn a_torn_text_is_refused_with_its_place() {
        let error = read_rows("[{\"ID\":\n 1,", &mut Builder::new()).unwrap_err();
        assert_eq!(error.code(), "json.broken");
        assert!(error.message().contains("line 2"), "{error}");
    }

    #[test]
    fn a_list_of_plain_values_has_one_column() {
        let rows = rows(r#"[1, "two", [3]]"#);
        assert_eq!(rows.get(1).unwrap().get("value"), Some(Field::Text("two")));
    }

    proptest::proptest! {
        #[test]
        fn whole_numbers_survive(n: i128) {
            let digits = n.to_string();
            let back = match number(&digits) {
                Field::Integer(n) => n.to_string(),
                Field::Text(text) => text.to_owned(),
                other => format!("{other:?}"),
            };
            proptest::prop_assert_eq!(back, digits);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,64}") {
            let _ = read_rows(&text, &mut Builder::new());
        }
    }
}
