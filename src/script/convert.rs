//! Between JSON, rows and script values, without losing a digit or sending what cannot be sent.

use jiter::{Jiter, JiterError, Peek};
use rhai::{Array, Dynamic, Map};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::core::order::cell_text;
use crate::core::rows::{Builder, Field, Row, Rows};
use crate::core::{clock, json};
use crate::error::{Error, Kind, Result};
use crate::script::gathered::Gathered;
use crate::script::values::{Moment, Ordered};
use crate::services;

/// Deeper lists and maps are nobody's; reading and writing them would use up the stack.
const DEEPEST: usize = 200;

/// A field of a row as a script value. Lists and maps inside it are read when they are looked at.
pub fn from_field(field: Field<'_>) -> Dynamic {
    match field {
        Field::Null => Dynamic::UNIT,
        Field::Flag(flag) => flag.into(),
        Field::Integer(n) => n.into(),
        Field::Number(n) => n.into(),
        Field::Text(text) => text.into(),
        Field::Moment { at, zone } => Dynamic::from(Moment(clock::moment(at, zone))),
        // The text was read as JSON once already.
        Field::Json(text) => from_json(text).unwrap_or_else(|_| text.into()),
    }
}

pub fn from_row(row: &Row) -> Map {
    row.fields().map(|(name, field)| (name.into(), from_field(field))).collect()
}

pub fn from_value(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => from_field(json::number(&number.to_string())),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(from_value).collect::<Array>().into(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.as_str().into(), from_value(value))).collect::<Map>().into()
        }
    }
}

/// JSON text as a script value; numbers that neither an integer nor a float holds exactly become texts.
pub fn from_json(text: &str) -> Result<Dynamic> {
    let mut reader = Jiter::new(text.as_bytes());
    let read = read_value(&mut reader, text, 0).and_then(|value| Ok(reader.finish().map(|()| value)?));
    read.map_err(|unread| {
        let (what, index) = match &unread {
            Unread::Broken(error) => (
                format!("not JSON: {}", error.error_type).replace("EOF while parsing", "the text ends inside"),
                error.index,
            ),
            Unread::TooDeep(index) => (format!("the JSON is more than {DEEPEST} levels deep"), *index),
        };
        let (line, column) = place(text, index);
        Error::new(Kind::Input, "json.broken", format!("{what} (line {line}, column {column})"))
            .hint("look at the text there: print it, or write it to a file")
    })
}

/// Line and column, in characters and from 1, of a byte.
fn place(text: &str, index: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..index).unwrap_or(text.as_bytes());
    let line = before.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let lines = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    (lines, String::from_utf8_lossy(line).chars().count() + 1)
}

enum Unread {
    Broken(JiterError),
    TooDeep(usize),
}

impl From<JiterError> for Unread {
    fn from(error: JiterError) -> Unread {
        Unread::Broken(error)
    }
}

fn read_value(reader: &mut Jiter<'_>, text: &str, depth: usize) -> std::result::Result<Dynamic, Unread> {
    let peek = reader.peek()?;
    read_known(reader, text, peek, depth)
}

fn read_known(reader: &mut Jiter<'_>, text: &str, peek: Peek, depth: usize) -> std::result::Result<Dynamic, Unread> {
    if depth > DEEPEST {
        return Err(Unread::TooDeep(reader.current_index()));
    }
    Ok(match peek {
        Peek::Null => {
            reader.known_null()?;
            Dynamic::UNIT
        }
        Peek::True | Peek::False => reader.known_bool(peek)?.into(),
        Peek::String => reader.known_str()?.into(),
        Peek::Array => {
            let mut items = Array::new();
            let mut next = reader.known_array()?;
            while let Some(peek) = next {
                items.push(read_known(reader, text, peek, depth + 1)?);
                next = reader.array_step()?;
            }
            items.into()
        }
        Peek::Object => {
            let mut map = Map::new();
            let mut name = reader.known_object()?.map(ToOwned::to_owned);
            while let Some(known) = name {
                map.insert(known.into(), read_value(reader, text, depth + 1)?);
                name = reader.next_key()?.map(ToOwned::to_owned);
            }
            map.into()
        }
        _ => {
            let from = reader.current_index();
            reader.known_number_bytes(peek)?;
            from_field(json::number(&text[from..reader.current_index()]))
        }
    })
}

/// A script value as JSON, or an error that names the part which has no JSON form.
pub fn to_value(value: &Dynamic) -> Result<Value> {
    to_value_at(value, &mut Vec::new())
}

fn to_value_at(value: &Dynamic, path: &mut Vec<String>) -> Result<Value> {
    if path.len() > DEEPEST {
        return Err(Error::input("json.no_form", format!("the value is more than {DEEPEST} levels deep")));
    }
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(flag.into());
    }
    if let Ok(n) = value.as_int() {
        return Ok(n.into());
    }
    if let Ok(n) = value.as_float() {
        return serde_json::Number::from_f64(n)
            .map(Value::Number)
            .ok_or_else(|| no_form(path, &format!("the number {n} has no JSON form")));
    }
    if let Some(text) = value.read_lock::<rhai::ImmutableString>() {
        return Ok(text.as_str().into());
    }
    if let Some(items) = value.read_lock::<Array>() {
        let items =
            items.iter().enumerate().map(|(at, item)| within(path, at.to_string(), |path| to_value_at(item, path)));
        return items.collect::<Result<Vec<Value>>>().map(Value::Array);
    }
    if let Some(map) = value.read_lock::<Map>() {
        let fields = map.iter().map(|(name, value)| {
            let value = within(path, name.to_string(), |path| to_value_at(value, path))?;
            Ok((name.to_string(), value))
        });
        return fields.collect::<Result<serde_json::Map<String, Value>>>().map(Value::Object);
    }
    own_type(value, path)
}

fn own_type(value: &Dynamic, path: &mut Vec<String>) -> Result<Value> {
    if let Some(ordered) = value.read_lock::<Ordered>() {
        let fields = ordered.fields().iter().map(|(name, value)| {
            let value = within(path, name.to_string(), |path| to_value_at(value, path))?;
            Ok((name.to_string(), value))
        });
        return fields.collect::<Result<serde_json::Map<String, Value>>>().map(Value::Object);
    }
    if let Some(row) = value.read_lock::<Row>() {
        return row_value(&row);
    }
    if let Some(rows) = value.read_lock::<Rows>() {
        return rows.iter().map(|row| row_value(&row)).collect::<Result<Vec<Value>>>().map(Value::Array);
    }
    if let Some(gathered) = value.read_lock::<Gathered>() {
        let entries: Array = gathered.clone().into_iter().map(Dynamic::from).collect();
        return to_value_at(&entries.into(), path);
    }
    if let Some(decimal) = value.read_lock::<Decimal>() {
        return Ok(decimal.to_string().into());
    }
    if let Some(moment) = value.read_lock::<Moment>() {
        return Ok(moment.to_string().into());
    }
    if let Ok(letter) = value.as_char() {
        return Ok(letter.to_string().into());
    }
    if let Some(plain) = services::plain(value) {
        return to_value_at(&plain, path);
    }
    let what = match value.is_fnptr() {
        true => "a function".to_owned(),
        false => format!("a value of type {}", type_name(value)),
    };
    Err(no_form(path, &format!("{what} cannot be sent")))
}

/// A field as JSON.
pub fn field_value(field: Field<'_>) -> Result<Value> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Flag(flag) => flag.into(),
        Field::Integer(n) => n.into(),
        Field::Number(n) => n.into(),
        Field::Text(text) => text.into(),
        Field::Moment { .. } => cell_text(field).into_owned().into(),
        Field::Json(text) => serde_json::from_str(text)
            .map_err(|error| Error::new(Kind::Protocol, "json.broken", format!("not JSON: {error}")))?,
    })
}

pub fn row_value(row: &Row) -> Result<Value> {
    let fields = row.fields().map(|(name, field)| Ok((name.to_owned(), field_value(field)?)));
    fields.collect::<Result<serde_json::Map<String, Value>>>().map(Value::Object)
}

/// Runs with one more step in the path, for the message.
fn within<T>(path: &mut Vec<String>, step: String, work: impl FnOnce(&mut Vec<String>) -> T) -> T {
    path.push(step);
    let done = work(path);
    path.pop();
    done
}

fn no_form(path: &[String], what: &str) -> Error {
    let message = match path.is_empty() {
        true => what.to_owned(),
        false => format!("{}: {what}", path.join(".")),
    };
    Error::input("json.no_form", message).hint("send texts, numbers, true or false, (), lists and maps")
}

/// The type of a value as scripts call it.
pub fn type_name(value: &Dynamic) -> &str {
    match value.type_name() {
        name if name.ends_with("::Rows") => "Rows",
        name if name.ends_with("::Row") => "Row",
        name if name.ends_with("::Moment") => "Moment",
        name if name.ends_with("::Ordered") => "Ordered",
        "i64" => "a whole number",
        "f64" => "a number",
        "string" => "a text",
        "array" => "a list",
        "map" => "a map",
        "bool" => "true or false",
        "()" => "()",
        "Fn" => "a function",
        name => services::type_name(value).unwrap_or_else(|| name.rsplit("::").next().unwrap_or(name)),
    }
}

/// Adds a map or a row as one row, with these columns (in this order), or with all it has.
pub fn push_row(rows: &mut Builder, value: &Dynamic, columns: Option<&[String]>) -> Result<()> {
    if let Some(plain) = services::plain(value).filter(|plain| plain.is_map()) {
        return push_row(rows, &plain, columns);
    }
    if let Some(row) = value.read_lock::<Row>() {
        for (name, field) in row.fields() {
            if columns.is_none_or(|columns| columns.iter().any(|column| column == name)) {
                rows.name(name);
                rows.push(field).map_err(|_| json::too_large())?;
            }
        }
    } else if let Some(map) = value.read_lock::<Map>() {
        match columns {
            Some(columns) => {
                for name in columns {
                    push_field(rows, name, map.get(name.as_str()).unwrap_or(&Dynamic::UNIT))?;
                }
            }
            None => map.iter().try_for_each(|(name, value)| push_field(rows, name, value))?,
        }
    } else if let Some(ordered) = value.read_lock::<Ordered>() {
        ordered.fields().iter().try_for_each(|(name, value)| push_field(rows, name, value))?;
    } else {
        push_field(rows, "value", value)?;
    }
    rows.end_row();
    Ok(())
}

fn push_field(rows: &mut Builder, name: &str, value: &Dynamic) -> Result<()> {
    rows.name(name);
    if let Some(moment) = value.read_lock::<Moment>() {
        return rows.push(moment.field()).map_err(|_| json::too_large());
    }
    let json = to_value_at(value, &mut vec![name.to_owned()])?;
    let text;
    let field = match &json {
        Value::Null => Field::Null,
        Value::Bool(flag) => Field::Flag(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(n) => Field::Integer(n),
            None => Field::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Field::Text(text),
        nested => {
            text = nested.to_string();
            Field::Json(&text)
        }
    };
    rows.push(field).map_err(|_| json::too_large())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_values_and_back_without_losing_a_digit() {
        let text =
            r#"{"big":18446744073709551616,"deep":[{"a":null},true],"id":9007199254740993,"sum":"10.50","x":1.5}"#;
        let value = from_json(text).unwrap();
        let map = value.read_lock::<Map>().unwrap();
        assert_eq!(map["id"].as_int().unwrap(), 9007199254740993);
        assert_eq!(map["big"].clone().into_string().unwrap(), "18446744073709551616");
        let back = to_value(&value).unwrap().to_string();
        assert_eq!(back, text.replace("18446744073709551616", "\"18446744073709551616\""));
    }

    #[test]
    fn what_has_no_json_form_is_named_with_its_path() {
        let mut inner = Map::new();
        inner.insert("date".into(), Dynamic::from(rhai::FnPtr::new("f").unwrap()));
        let mut outer = Map::new();
        outer.insert("filter".into(), inner.into());
        let error = to_value(&outer.into()).unwrap_err();
        assert_eq!(error.message(), "filter.date: a function cannot be sent");
        assert!(to_value(&f64::NAN.into()).is_err());
    }

    #[test]
    fn what_is_too_deep_is_refused_and_places_count_characters() {
        assert!(from_json(&"[".repeat(1_000_000)).unwrap_err().message().contains("levels deep"));
        assert!(from_json(&format!("{}{}", "[".repeat(150), "]".repeat(150))).is_ok());
        let error = from_json("{\n  \"имя\": oops}").unwrap_err();
        assert!(error.message().ends_with("(line 2, column 10)"), "{error}");
        let mut deep = Dynamic::from_array(Vec::new());
        for _ in 0..1000 {
            deep = Dynamic::from_array(vec![deep]);
        }
        assert!(to_value(&deep).is_err());
    }

    #[test]
    fn a_moment_goes_into_a_row_and_comes_out_the_same() {
        let moment = Moment("2026-02-26T03:32:24.5+03:00[+03:00]".parse().unwrap());
        let mut rows = Builder::new();
        push_row(&mut rows, &Map::from([("at".into(), Dynamic::from(moment.clone()))]).into(), None).unwrap();
        let row = Rows::from(rows.finish()).get(0).unwrap();
        let back = from_field(row.get("at").unwrap());
        assert_eq!(*back.read_lock::<Moment>().unwrap(), moment);
        assert_eq!(row_value(&row).unwrap().to_string(), r#"{"at":"2026-02-26T03:32:24.5"}"#);
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives(text in "\\PC*") {
            let json = serde_json::to_string(&text).unwrap();
            proptest::prop_assert_eq!(from_json(&json).unwrap().into_string().unwrap(), text);
        }
    }
}
