//! The look of answers: what a switch changes in them without changing what they say.

use serde_json::{Value, json};

use super::guid::is_guid;
use super::knobs::Knobs;

/// A whole answer as the switches want it.
pub fn outer(knobs: &Knobs, mut answer: Value) -> Value {
    dress(knobs, &mut answer);
    answer
}

/// A part of an answer: JSON in a text, or the part itself.
pub fn inner(knobs: &Knobs, part: Value) -> Value {
    match knobs.nested_objects {
        true => part,
        false => Value::String(outer(knobs, part).to_string()),
    }
}

fn dress(knobs: &Knobs, value: &mut Value) {
    if let (true, Value::Object(fields)) = (knobs.extra_fields, &mut *value) {
        fields.insert("ServerVersion".to_owned(), json!("5.10.0"));
        fields.insert("extra".to_owned(), json!({"nested": [1, null, {"deep": true}], "текст": "да"}));
    }
    if knobs.upper_guids {
        each(value, &mut |value| {
            if let Value::String(text) = value
                && is_guid(text)
            {
                text.make_ascii_uppercase();
            }
        });
    }
    if knobs.numbers_as_text {
        numbers_as_text(value);
    }
}

/// Every number as a text.
pub fn numbers_as_text(value: &mut Value) {
    each(value, &mut |value| {
        if value.is_number() {
            *value = Value::String(value.to_string());
        }
    });
}

/// Every value of another kind than it should be.
pub fn wrong_types(value: &mut Value) {
    each(value, &mut |value| {
        *value = match value.take() {
            Value::Number(number) => json!({"value": number}),
            Value::String(_) => json!([1, 2]),
            Value::Bool(_) => json!("perhaps"),
            Value::Null => json!(0),
            other => other,
        }
    });
}

/// Visits whatever holds nothing further.
fn each(value: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| each(value, visit)),
        Value::Array(items) => items.iter_mut().for_each(|value| each(value, visit)),
        value => visit(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_text_in_text_and_dressed_itself() {
        let knobs = Knobs { numbers_as_text: true, upper_guids: true, ..Knobs::default() };
        let part = json!({"GUID": "5c1e2a00-0000-4000-8000-00000000000a", "status": 1});
        let Value::String(text) = inner(&knobs, part.clone()) else { panic!("no text") };
        assert_eq!(text, r#"{"GUID":"5C1E2A00-0000-4000-8000-00000000000A","status":"1"}"#);
        assert_eq!(inner(&Knobs { nested_objects: true, ..knobs }, part.clone()), part);
    }

    #[test]
    fn nothing_keeps_its_type() {
        let mut value = json!({"a": 1, "b": "x", "c": [true, null]});
        wrong_types(&mut value);
        assert_eq!(value, json!({"a": {"value": 1}, "b": [1, 2], "c": ["perhaps", 0]}));
    }
}
