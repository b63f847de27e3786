//! JSON as PHP prints it: `\u` for everything beyond ASCII, `\/`, `[]` for an empty map, a list for keys 0, 1, 2….

use super::cell::{Cell, ZONE, civil};
use serde_json::{Map, Value};

/// How the scalars of an answer are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalars {
    /// Old CRM: everything is text.
    Text,
    /// `crm.item.*` and other newer methods: numbers are numbers.
    Native,
}

/// Prints a text with its quotes.
pub fn text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() * 3 + 2);
    out.push(b'"');
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '/') {
            continue;
        }
        // What needs no escape is copied in one piece.
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + c.len_utf8();
        match c {
            '"' | '\\' | '/' => out.extend_from_slice(&[b'\\', c as u8]),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            _ if (c as usize) < ESCAPES.len() => out.extend_from_slice(&ESCAPES[c as usize]),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.extend_from_slice(&escaped(*unit))),
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

/// The escapes of the first 0x500 characters: Latin and Cyrillic.
static ESCAPES: [[u8; 6]; 0x500] = {
    let mut all = [[0; 6]; 0x500];
    let mut unit = 0;
    while unit < all.len() {
        all[unit] = escaped(unit as u16);
        unit += 1;
    }
    all
};

const fn escaped(unit: u16) -> [u8; 6] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let (high, low) = ((unit >> 8) as usize, (unit & 255) as usize);
    [b'\\', b'u', HEX[high >> 4], HEX[high & 15], HEX[low >> 4], HEX[low & 15]]
}

/// Prints a whole number.
pub fn integer(out: &mut Vec<u8>, number: i64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut left = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend(&digits[at..]);
}

/// Prints any value.
pub fn value(out: &mut Vec<u8>, value_: &Value) {
    match value_ {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) => out.extend(number.to_string().as_bytes()),
        Value::String(string) => text(out, string),
        Value::Array(items) => {
            out.push(b'[');
            separated(out, items.iter(), value);
            out.push(b']');
        }
        Value::Object(map) => object(out, map),
    }
}

fn object(out: &mut Vec<u8>, map: &Map<String, Value>) {
    members(out, map.len(), map.iter().map(|(key, item)| (key.as_str(), item)), value);
}

/// Prints named members as PHP prints an array: a list when the names are 0, 1, 2… (or there are none).
pub fn members<'a, T>(
    out: &mut Vec<u8>,
    count: usize,
    items: impl Iterator<Item = (&'a str, T)> + Clone,
    print: impl Fn(&mut Vec<u8>, T),
) {
    let mut numbers = items.clone().enumerate();
    if count == 0 || numbers.all(|(number, (key, _))| is_index(key, number)) {
        out.push(b'[');
        separated(out, items, |out, (_, item)| print(out, item));
        out.push(b']');
    } else {
        out.push(b'{');
        separated(out, items, |out, (key, item)| {
            text(out, key);
            out.push(b':');
            print(out, item);
        });
        out.push(b'}');
    }
}

fn is_index(key: &str, number: usize) -> bool {
    key.len() <= 10 && (key == "0" || !key.starts_with('0')) && key.parse() == Ok(number)
}

fn separated<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, print: impl Fn(&mut Vec<u8>, T)) {
    for (number, item) in items.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        print(out, item);
    }
}

/// Prints a value of a row.
pub fn cell(out: &mut Vec<u8>, cell: &Cell, scalars: Scalars) {
    match (cell, scalars) {
        (Cell::Null, _) => out.extend(b"null"),
        (Cell::Text(string), _) => text(out, string),
        (Cell::Char(yes), _) => out.extend(if *yes { b"\"Y\"" } else { b"\"N\"" }),
        (Cell::Flag(yes), _) => out.extend(if *yes { &b"true"[..] } else { b"false" }),
        (Cell::Int(number), Scalars::Native) => integer(out, *number),
        (Cell::Money(hundredths), Scalars::Native) if hundredths % 100 == 0 => integer(out, hundredths / 100),
        (Cell::Money(hundredths), Scalars::Native) => money(out, *hundredths),
        (Cell::Int(number), Scalars::Text) => quoted(out, |out| integer(out, *number)),
        (Cell::Money(hundredths), Scalars::Text) => quoted(out, |out| money(out, *hundredths)),
        (Cell::Moment(at), _) => quoted(out, |out| moment(out, *at)),
        (Cell::Day(days), _) => quoted(out, |out| {
            day(out, *days);
            out.extend(b"T00:00:00+03:00");
        }),
        (Cell::Json(json), _) => value(out, json),
    }
}

fn quoted(out: &mut Vec<u8>, print: impl Fn(&mut Vec<u8>)) {
    out.push(b'"');
    print(out);
    out.push(b'"');
}

fn money(out: &mut Vec<u8>, hundredths: i64) {
    if hundredths < 0 {
        out.push(b'-');
    }
    let positive = hundredths.unsigned_abs();
    integer(out, (positive / 100) as i64);
    out.push(b'.');
    two(out, (positive % 100) as i64);
}

fn two(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

fn day(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil(days);
    two(out, year / 100);
    two(out, year);
    out.push(b'-');
    two(out, month);
    out.push(b'-');
    two(out, day);
}

/// Prints a moment in the portal's zone, without quotes.
pub fn moment(out: &mut Vec<u8>, at: i64) {
    let local = at + ZONE;
    day(out, local.div_euclid(86_400));
    out.push(b'T');
    let clock = local.rem_euclid(86_400);
    two(out, clock / 3600);
    out.push(b':');
    two(out, clock / 60 % 60);
    out.push(b':');
    two(out, clock % 60);
    out.extend(b"+03:00");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn printed(json: &Value) -> String {
        let mut out = Vec::new();
        value(&mut out, json);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn maps_are_printed_as_php_arrays() {
        assert_eq!(printed(&json!({})), "[]");
        assert_eq!(printed(&json!({"0": "a", "1": {}})), r#"["a",[]]"#);
        assert_eq!(printed(&json!({"1": "a"})), r#"{"1":"a"}"#);
        assert_eq!(printed(&json!({"1": "a", "0": "b"})), r#"{"1":"a","0":"b"}"#);
        assert_eq!(printed(&json!({"00": 1})), r#"{"00":1}"#);
    }

    #[test]
    fn text_leaves_ascii_only() {
        assert_eq!(printed(&json!("Яна/\"\n😀")), r#""\u042f\u043d\u0430\/\"\n\ud83d\ude00""#);
    }

    #[test]
    fn money_and_moments() {
        let mut out = Vec::new();
        for (row, scalars) in [
            (Cell::Money(1_999_999), Scalars::Text),
            (Cell::Money(1_999_999), Scalars::Native),
            (Cell::Money(500), Scalars::Native),
            (Cell::Moment(1_714_554_000), Scalars::Text),
            (Cell::Int(i64::MIN), Scalars::Native),
        ] {
            cell(&mut out, &row, scalars);
            out.push(b' ');
        }
        let expected = r#""19999.99" 19999.99 5 "2024-05-01T12:00:00+03:00" -9223372036854775808 "#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
