//! Values of parameters: what each may hold, and how it stands in a body and in a query.

use base64::Engine;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Error, Result, did_you_mean};
use crate::services::veil::table::{Holds, Param};

/// The value as the server wants it. Ids of objects are resolved before: here they are ids.
pub fn checked(param: &Param, value: &Value) -> Result<Value> {
    match (param.holds, value) {
        (Holds::Text, Value::String(_))
        | (Holds::Secret, Value::String(_))
        | (Holds::Flag, Value::Bool(_))
        | (Holds::Integer, Value::Number(_))
        | (Holds::Map, Value::Object(_))
        | (Holds::List, Value::Array(_)) => whole(param, value),
        (Holds::Number, Value::Number(_)) => Ok(value.clone()),
        (Holds::One, Value::Bool(true)) => Ok(json!(1)),
        (Holds::One, Value::Bool(false)) => Ok(Value::Null),
        (Holds::Uuid | Holds::Of(_), Value::String(text)) => uuid(param, text).map(Value::from),
        // Ids of users are numbers.
        (Holds::Of(_), Value::Number(_)) => Ok(value.clone()),
        (Holds::ManyOf(_), Value::Array(ids)) => {
            let ids = ids.iter().map(|id| match id {
                Value::String(text) => uuid(param, text).map(Value::from),
                other => Err(wrong(param, other)),
            });
            ids.collect::<Result<Vec<Value>>>().map(Value::Array)
        }
        (Holds::Words, Value::String(text)) => Ok(json!(text.trim_end_matches(','))),
        (Holds::Words, Value::Array(words)) if words.iter().all(Value::is_string) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).filter(|word| !word.is_empty()).collect();
            Ok(json!(words.join(",")))
        }
        (Holds::Choice(words), Value::String(text)) => choice(param, words, text),
        (Holds::Colour, Value::String(text)) => colour(text).map(Value::from).ok_or_else(|| {
            Error::input("veil.colour", format!("`{}`: \"{text}\" is no colour", param.name))
                .hint("write it as #rrggbb or #rgb: \"#a377e6\"")
        }),
        (Holds::Base64, Value::String(text)) => {
            Ok(json!(base64::engine::general_purpose::STANDARD.encode(text.as_bytes())))
        }
        (_, other) => Err(wrong(param, other)),
    }
}

/// A whole number where one is wanted; anything else as it is.
fn whole(param: &Param, value: &Value) -> Result<Value> {
    match param.holds {
        Holds::Integer if !(value.is_i64() || value.is_u64()) => Err(wrong(param, value)),
        _ => Ok(value.clone()),
    }
}

fn choice(param: &Param, words: &[&str], text: &str) -> Result<Value> {
    if words.contains(&text) {
        return Ok(json!(text));
    }
    let hint =
        did_you_mean(text, words.iter().copied()).unwrap_or_else(|| format!("it is one of {}", words.join(", ")));
    Err(Error::input("veil.choice", format!("`{}` cannot be \"{text}\"", param.name)).hint(hint))
}

/// A UUID in its usual form.
pub fn is_uuid(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
}

fn uuid(param: &Param, text: &str) -> Result<String> {
    match Uuid::try_parse(text) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err(Error::input("veil.id", format!("`{}`: \"{text}\" is no id", param.name))
            .hint("an id looks like 6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b7d4")),
    }
}

fn colour(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('#')?;
    (matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())).then_some(text)
}

fn wrong(param: &Param, found: &Value) -> Error {
    let wanted = match param.holds {
        Holds::Text | Holds::Secret | Holds::Base64 => "a text",
        Holds::Flag | Holds::One => "true or false",
        Holds::Integer => "a whole number",
        Holds::Number => "a number",
        Holds::Uuid | Holds::Of(_) => "an id",
        Holds::ManyOf(_) => "a list of ids",
        Holds::Map => "a map",
        Holds::List => "a list",
        Holds::Words => "a text or a list of texts",
        Holds::Choice(_) => "a word",
        Holds::Colour => "a colour",
    };
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    };
    Error::input("veil.type", format!("`{}` takes {wanted}, not {found}", param.name))
        .hint(format!("write {}: and {wanted}", param.name))
}

/// How a value stands in a query. Nothing and empty texts are left out: the server cannot read them.
pub fn in_query(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().filter_map(in_query).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    // The server cannot parse a list that ends in a comma.
    let text = text.trim_end_matches(',');
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::veil::table::entity;

    fn param(entity_word: &str, call: &str, name: &str) -> &'static Param {
        entity(entity_word).unwrap().call(call).unwrap().option(name).unwrap()
    }

    #[test]
    fn values_are_taken_strictly() {
        let force = param("domain", "start", "force");
        assert!(checked(force, &json!(true)).is_ok());
        for wrong in [json!(1), json!("true"), Value::Null, json!([])] {
            assert_eq!(checked(force, &wrong).unwrap_err().code(), "veil.type");
        }
        let count = param("domain", "create", "count");
        assert!(checked(count, &json!(3)).is_ok());
        assert!(checked(count, &json!(3.5)).is_err() && checked(count, &json!(true)).is_err());
    }

    #[test]
    fn colours_ids_and_words() {
        let colour = param("tag", "create", "colour");
        assert_eq!(checked(colour, &json!("#a377e6")).unwrap(), json!("#a377e6"));
        assert_eq!(checked(colour, &json!("red")).unwrap_err().code(), "veil.colour");
        let parent = param("domain", "create", "parent");
        assert!(checked(parent, &json!("6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b7d4")).is_ok());
        assert_eq!(checked(parent, &json!("6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b7d")).unwrap_err().code(), "veil.id");
        let restart = param("domain", "add_to_ad", "restart");
        assert_eq!(checked(restart, &json!(true)).unwrap(), json!(1));
        assert_eq!(checked(restart, &json!(false)).unwrap(), Value::Null);
        let guest = param("domain", "guest", "veil_cmd");
        assert!(checked(guest, &json!("logof")).unwrap_err().hint_text().unwrap().contains("logoff"));
    }

    #[test]
    fn a_query_has_no_empty_values_and_no_comma_at_an_end() {
        assert_eq!(in_query(&json!("a,b,")).as_deref(), Some("a,b"));
        assert_eq!(in_query(&json!(["a", "b"])).as_deref(), Some("a,b"));
        assert_eq!(in_query(&json!(false)).as_deref(), Some("0"));
        assert_eq!(in_query(&json!("")), None);
        assert_eq!(in_query(&Value::Null), None);
    }
}
