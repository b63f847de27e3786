//! Parameters as text: JSON for a call of its own, a PHP query string for a command of a batch.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Everything but letters, digits and `-_.~` is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The body of a call: the parameters in the user's order, untouched. Nothing at all is an empty map.
pub fn body(params: &Value) -> String {
    match params {
        Value::Null => "{}".into(),
        params => params.to_string(),
    }
}

/// `{"filter": {">ID": 5}, "select": ["ID"]}` as `filter[%3EID]=5&select[0]=ID`; a list as `0=…&1[…]=…` for the methods
/// that take their parameters by place.
///
/// A query string knows texts only. `null` becomes an empty text, which is how the old methods clear a field. `true`
/// and `false` become `1` and `0`: the old methods take these for `Y` and `N`, and PHP reads them as booleans where a
/// new method asks for one. An empty list or map inside a parameter becomes an empty text too (it clears a multiple
/// field); an empty parameter is left out, since `filter=` would be a text where a map must be — except in a list of
/// parameters, where every place counts.
pub fn query(params: &Value) -> String {
    let mut text = String::new();
    match params {
        Value::Object(map) => {
            for (name, value) in map {
                if !is_empty(value) {
                    write_pair(&mut text, &encoded(name), value);
                }
            }
        }
        Value::Array(list) => {
            for (place, value) in list.iter().enumerate() {
                write_pair(&mut text, &place.to_string(), value);
            }
        }
        _ => {}
    }
    text
}

/// A command of a batch.
pub fn command(method: &str, params: &Value) -> String {
    let query = query(params);
    match query.is_empty() {
        true => method.to_owned(),
        false => format!("{method}?{query}"),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

fn write_pair(text: &mut String, key: &str, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                write_pair(text, &format!("{key}[{}]", encoded(name)), value);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (place, value) in list.iter().enumerate() {
                write_pair(text, &format!("{key}[{place}]"), value);
            }
        }
        value => {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(key);
            text.push('=');
            // Writing to a String cannot fail.
            let _ = match value {
                Value::String(value) => write!(text, "{}", utf8_percent_encode(value, ENCODED)),
                Value::Bool(flag) => write!(text, "{}", u8::from(*flag)),
                Value::Number(number) => write!(text, "{}", utf8_percent_encode(&number.to_string(), ENCODED)),
                Value::Null | Value::Array(_) | Value::Object(_) => Ok(()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    #[test]
    fn parameters_become_a_php_query_in_their_order() {
        for (params, expected) in [
            (json!(null), ""),
            (json!({}), ""),
            (json!({"a": {"b": "c"}}), "a[b]=c"),
            (
                json!({"filter": {"!X": 1, ">ID": 5}, "select": ["ID", "UF_*"]}),
                "filter[%21X]=1&filter[%3EID]=5&select[0]=ID&select[1]=UF_%2A",
            ),
            (json!({"fields": {"PHONE": [{"VALUE": "+7 1"}]}}), "fields[PHONE][0][VALUE]=%2B7%201"),
            (
                json!({"fields": {"X": null, "Y": true, "Z": false, "M": []}}),
                "fields[X]=&fields[Y]=1&fields[Z]=0&fields[M]=",
            ),
            (json!({"filter": {}, "select": [], "start": -1}), "start=-1"),
            (json!([8, {"TEXT": "да"}]), "0=8&1[TEXT]=%D0%B4%D0%B0"),
            (json!([8, {}, ["ID"]]), "0=8&1=&2[0]=ID"),
            (json!({"b": 1.5, "a": "$result[x][0][ID]"}), "b=1.5&a=%24result%5Bx%5D%5B0%5D%5BID%5D"),
        ] {
            assert_eq!(query(&params), expected, "{params}");
        }
        assert_eq!(command("profile", &json!({})), "profile");
        assert_eq!(command("crm.deal.get", &json!({"ID": "7"})), "crm.deal.get?ID=7");
    }

    #[test]
    fn a_body_is_what_the_user_wrote() {
        let text = r#"{"ID":7,"fields":{"b":null,"a":true,"Z":[{"x":0}]},"params":[]}"#;
        let params: Value = serde_json::from_str(text).unwrap();
        assert_eq!(body(&params), text);
        assert_eq!(body(&Value::Null), "{}");
    }

    /// How PHP reads a query: brackets nest, everything is a text.
    fn php(query: &str) -> Value {
        let mut root = Value::Object(Map::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap();
            let mut at = &mut root;
            for part in key.split('[') {
                let name = decoded(part.trim_end_matches(']'));
                if !at.is_object() {
                    *at = Value::Object(Map::new());
                }
                at = at.as_object_mut().unwrap().entry(name).or_insert(Value::Null);
            }
            *at = Value::String(decoded(value));
        }
        root
    }

    fn decoded(text: &str) -> String {
        percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
    }

    /// What a query can carry of a value.
    fn carried(value: &Value) -> Value {
        match value {
            Value::Object(map) if !map.is_empty() => {
                Value::Object(map.iter().map(|(name, value)| (name.clone(), carried(value))).collect())
            }
            Value::Array(list) if !list.is_empty() => {
                Value::Object(list.iter().enumerate().map(|(at, value)| (at.to_string(), carried(value))).collect())
            }
            Value::String(text) => Value::String(text.clone()),
            Value::Number(number) => Value::String(number.to_string()),
            Value::Bool(flag) => Value::String(u8::from(*flag).to_string()),
            _ => Value::String(String::new()),
        }
    }

    fn values() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[^\\[\\]]{1,6}", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn php_reads_back_what_is_written(pairs in proptest::collection::vec(("[^\\[\\]]{1,6}", values()), 0..4)) {
            let params: Map<String, Value> = pairs.into_iter().collect();
            let expected: Map<String, Value> =
                params.iter().filter(|(_, value)| !is_empty(value)).map(|(name, value)| (name.clone(), carried(value))).collect();
            proptest::prop_assert_eq!(php(&query(&Value::Object(params))), Value::Object(expected));
        }
    }
}
