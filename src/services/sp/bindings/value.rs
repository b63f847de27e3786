//! Values of scripts as SQL Server's, and `SpValue`: one whose type is said.

use rhai::plugin::*;
use rhai::{Blob, Dynamic, ImmutableString};
use rust_decimal::Decimal;

use crate::error::{Error, Result};
use crate::script::convert;
use crate::script::values::Moment;
use crate::services::sp::client::driver::{Param, Value};

/// A value of a type that a script has not, or one that is to come back.
#[derive(Clone, Debug, PartialEq)]
pub struct SpValue {
    pub value: Value,
    /// It comes back from a procedure.
    pub out: bool,
}

impl SpValue {
    pub fn new(value: Value) -> SpValue {
        SpValue { value, out: false }
    }
}

/// A parameter of this name.
pub fn param(name: &str, given: &Dynamic) -> Result<Param> {
    let name = name.trim_start_matches('@');
    if name.is_empty() || name.contains(|c: char| !(c.is_alphanumeric() || "_@#$".contains(c))) {
        return Err(Error::input("sp.parameter", format!("`{name}` cannot be the name of a parameter")));
    }
    let (value, out) = match given.read_lock::<SpValue>() {
        Some(typed) => (typed.value.clone(), typed.out),
        None => (value(name, given)?, false),
    };
    Ok(Param { name: name.to_owned(), value, out })
}

/// A value as it is sent. Moments go by what their clock shows, because most columns have no zone.
pub fn value(name: &str, given: &Dynamic) -> Result<Value> {
    if given.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = given.as_bool() {
        return Ok(Value::Flag(flag));
    }
    if let Ok(n) = given.as_int() {
        return Ok(Value::Integer(n));
    }
    if let Ok(n) = given.as_float() {
        return Ok(Value::Number(n));
    }
    if let Ok(letter) = given.as_char() {
        return Ok(Value::Text(letter.to_string()));
    }
    if let Some(text) = given.read_lock::<ImmutableString>() {
        return Ok(Value::Text(text.to_string()));
    }
    if let Some(number) = given.read_lock::<Decimal>() {
        return Ok(Value::Decimal(number.to_string()));
    }
    if let Some(moment) = given.read_lock::<Moment>() {
        return Ok(Value::Moment(moment.0.datetime()));
    }
    if let Some(bytes) = given.read_lock::<Blob>() {
        return Ok(Value::Binary(bytes.to_vec()));
    }
    if let Some(typed) = given.read_lock::<SpValue>() {
        return Ok(typed.value.clone());
    }
    let message = format!("@{name}: {} cannot be a parameter", convert::type_name(given));
    Err(Error::input("sp.value", message).hint(
        "a list goes as JSON: `WHERE id IN (SELECT value FROM OPENJSON(@ids))` with #{ ids: json::to_text(ids) }",
    ))
}

/// A value that came back as a script has it: exact numbers and moments as texts, bytes as `0x…`, as in rows.
pub fn script(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Flag(flag) => (*flag).into(),
        Value::Integer(n) => (*n).into(),
        Value::Number(n) => (*n).into(),
        Value::Text(text) | Value::Decimal(text) => text.as_str().into(),
        Value::Binary(_) | Value::Date(_) | Value::Moment(_) | Value::Zoned(_) => value.to_string().into(),
    }
}

#[export_module]
pub mod values {
    pub type SpValue = super::SpValue;

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(value: &mut SpValue) -> String {
        let text = value.value.to_string();
        if value.out { format!("{text} OUTPUT") } else { text }
    }

    #[rhai_fn(name = "==", pure)]
    pub fn same(value: &mut SpValue, other: SpValue) -> bool {
        *value == other
    }

    #[rhai_fn(name = "!=", pure)]
    pub fn other(value: &mut SpValue, other: SpValue) -> bool {
        *value != other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_may_have_their_sign_and_nothing_strange() {
        assert_eq!(param("@code", &1.into()).unwrap().name, "code");
        assert_eq!(param("месяц", &1.into()).unwrap().name, "месяц");
        for name in ["", "@", "a b", "a;--", "a int, @b"] {
            assert_eq!(param(name, &1.into()).unwrap_err().code(), "sp.parameter", "{name}");
        }
    }

    #[test]
    fn every_value_of_a_script_has_a_type_or_is_refused() {
        let moment: jiff::Zoned = "2019-07-12T15:43:09.943+03:00[+03:00]".parse().unwrap();
        for (given, expected) in [
            (Dynamic::UNIT, Value::Null),
            (true.into(), Value::Flag(true)),
            (7_i64.into(), Value::Integer(7)),
            (1.5.into(), Value::Number(1.5)),
            ('a'.into(), Value::Text("a".into())),
            ("да".into(), Value::Text("да".into())),
            (Dynamic::from(Decimal::new(1050, 2)), Value::Decimal("10.50".into())),
            (Dynamic::from(Moment(moment.clone())), Value::Moment(moment.datetime())),
            (Dynamic::from_blob(vec![1, 2]), Value::Binary(vec![1, 2])),
        ] {
            assert_eq!(value("a", &given).unwrap(), expected);
        }
        let list = Dynamic::from_array(vec![1_i64.into()]);
        assert!(value("ids", &list).unwrap_err().hint_text().unwrap().contains("OPENJSON"));
        let out = Dynamic::from(SpValue { value: Value::Integer(0), out: true });
        assert!(param("total", &out).unwrap().out);
    }
}
