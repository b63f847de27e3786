//! The envelope around every answer. It is scanned once; what it holds stays text until somebody reads it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::errors::Fault;
use super::methods::Family;
use crate::core::limiter::Spent;

/// An answer that holds a result.
#[derive(Debug)]
pub struct Envelope {
    text: String,
    result: Range<usize>,
    pub total: Option<u64>,
    pub next: Option<u64>,
    pub spent: Option<Spent>,
}

/// An answer that does not.
#[derive(Debug, PartialEq)]
pub enum Bad {
    /// The portal's own error.
    Fault(Fault),
    /// The text ends too early.
    Torn(String),
    /// No JSON, or none of the portal's.
    Strange(String),
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, default, deserialize_with = "even_null")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error_description: Option<&'a RawValue>,
    #[serde(borrow, default)]
    total: Option<&'a RawValue>,
    #[serde(borrow, default)]
    next: Option<&'a RawValue>,
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
}

/// `"result": null` is a result.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Envelope {
    pub fn read(text: String) -> Result<Envelope, Bad> {
        // A list would be read as the members in their order.
        if !text.trim_start().starts_with('{') {
            return Err(Bad::Strange(text));
        }
        let parts: Parts<'_> = match serde_json::from_str(&text) {
            Ok(parts) => parts,
            Err(error) if error.is_eof() => return Err(Bad::Torn(text)),
            Err(_) => return Err(Bad::Strange(text)),
        };
        let fault = parts.error.and_then(|error| fault(error.get(), parts.error_description));
        let (result, fault) = match (parts.result, fault) {
            // An empty code beside a result is no error.
            (Some(result), fault) if fault.as_ref().is_none_or(|fault| fault.code.is_empty()) => (result.get(), None),
            (_, Some(fault)) => ("", Some(fault)),
            (_, None) => return Err(Bad::Strange(text)),
        };
        if let Some(fault) = fault {
            return Err(Bad::Fault(fault));
        }
        let from = result.as_ptr() as usize - text.as_ptr() as usize;
        let result = from..from + result.len();
        let (total, next) = (parts.total.and_then(whole), parts.next.and_then(whole));
        let spent = parts.time.and_then(spent);
        Ok(Envelope { result, total, next, spent, text })
    }

    /// The result, as JSON text.
    pub fn result(&self) -> &str {
        &self.text[self.result.clone()]
    }

    /// The whole answer.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// A whole number, also one that PHP wrote as a text.
pub fn whole(json: &RawValue) -> Option<u64> {
    json.get().trim_matches('"').parse().ok()
}

/// What `time` says of the time budget; nothing where it is absent (boxed portals, errors) or has another shape.
pub fn spent(time: &RawValue) -> Option<Spent> {
    #[derive(Deserialize)]
    struct Time {
        operating: f64,
        #[serde(default)]
        operating_reset_at: Option<f64>,
    }
    let time: Time = serde_json::from_str(time.get()).ok()?;
    Some(Spent { seconds: time.operating, resets_at: time.operating_reset_at })
}

/// An error in any of its shapes: a code beside a description, an object with both, an object of REST 3.0, a text.
pub fn fault(error: &str, description: Option<&RawValue>) -> Option<Fault> {
    #[derive(Deserialize)]
    struct Field {
        #[serde(default)]
        field: String,
        #[serde(default)]
        message: String,
    }
    #[derive(Deserialize)]
    struct Object {
        #[serde(default, alias = "error")]
        code: serde_json::Value,
        #[serde(default, alias = "error_description")]
        message: String,
        #[serde(default)]
        validation: Vec<Field>,
    }
    let text_of = |json: &str| match serde_json::from_str(json) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(other) => other.to_string(),
    };
    match error {
        "null" | "false" | "[]" => None,
        object if object.starts_with('{') => {
            let read: Result<Object, _> = serde_json::from_str(object);
            Some(match read {
                Ok(read) => Fault {
                    code: text_of(&read.code.to_string()),
                    text: read.message,
                    fields: read.validation.into_iter().map(|field| (field.field, field.message)).collect(),
                },
                Err(_) => Fault { text: object.to_owned(), ..Fault::default() },
            })
        }
        code => Some(Fault {
            code: text_of(code),
            text: description.map(|text| text_of(text.get())).unwrap_or_default(),
            fields: Vec::new(),
        }),
    }
}

/// The entries of what ought to be a map. PHP writes an empty map as `[]`, and one whose keys are 0, 1, 2… as a list.
#[derive(Debug, Default)]
pub struct Entries<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map or a list")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Entries::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(value) = list.next_element()? {
                    entries.push((Cow::Owned(entries.len().to_string()), value));
                }
                Ok(Entries(entries))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    entries.push((name, value));
                }
                Ok(Entries(entries))
            }
        }
        from.deserialize_any(Reader)
    }
}

/// A map's key, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        from.deserialize_str(Reader)
    }
}

impl<'a> Entries<'a> {
    /// Empty when the text is neither a map nor a list.
    pub fn of(json: &'a str) -> Entries<'a> {
        serde_json::from_str(json).unwrap_or_default()
    }

    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.get())
    }
}

/// The rows in a result, as the text of a JSON list; `None` when it holds no list. `family` is absent for methods that
/// are not known to give lists; those are searched by the general rule alone: one key, and a list under it.
pub fn list_in<'a>(result: &'a str, family: Option<&Family>) -> Option<Cow<'a, str>> {
    if result.starts_with('[') {
        return Some(Cow::Borrowed(result));
    }
    if !result.starts_with('{') {
        return None;
    }
    let entries = Entries::of(result);
    let wrapped = family.filter(|family| !family.wrapper.is_empty()).and_then(|family| entries.get(family.wrapper));
    let only = match entries.0.as_slice() {
        [(name, value)] if !is_number(name) => Some(value.get()),
        _ => None,
    };
    for inner in wrapped.into_iter().chain(only) {
        if inner.starts_with('[') {
            return Some(Cow::Borrowed(inner));
        }
        if family.is_some() && inner.starts_with('{') {
            let inner = Entries::of(inner);
            if let Some(list) = numbered(&inner) {
                return Some(list);
            }
        }
    }
    family.and_then(|_| numbered(&entries))
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

/// A list with holes, which PHP writes as a map of numbers.
fn numbered<'a>(entries: &Entries<'_>) -> Option<Cow<'a, str>> {
    if entries.0.is_empty() || !entries.0.iter().all(|(name, _)| is_number(name)) {
        return None;
    }
    let values: Vec<&str> = entries.0.iter().map(|(_, value)| value.get()).collect();
    Some(Cow::Owned(format!("[{}]", values.join(","))))
}

/// A result without the `item` or `task` around it, as `fast_bitrix24` gives it.
pub fn unwrapped(result: &str) -> &str {
    if !result.starts_with('{') {
        return result;
    }
    match Entries::of(result).0.as_slice() {
        [(name, value)] if matches!(&**name, "item" | "task") => value.get(),
        _ => result,
    }
}

#[cfg(test)]
mod tests {
    use super::super::methods::family;
    use super::*;

    fn read(text: &str) -> Result<Envelope, Bad> {
        Envelope::read(text.to_owned())
    }

    #[test]
    fn an_envelope_is_read_whatever_the_result() {
        let all =
            r#"{"result":[{"ID":"1"}],"total":253,"next":50,"time":{"operating":3.3,"operating_reset_at":1778747792}}"#;
        let envelope = read(all).unwrap();
        assert_eq!(envelope.result(), r#"[{"ID":"1"}]"#);
        assert_eq!((envelope.total, envelope.next), (Some(253), Some(50)));
        assert_eq!(envelope.spent, Some(Spent { seconds: 3.3, resets_at: Some(1778747792.0) }));
        for result in ["123", "true", "null", "\"text\"", "[]", "{\"a\":[1]}"] {
            assert_eq!(read(&format!("{{\"result\": {result} ,\"time\":[]}}")).unwrap().result(), result);
        }
        let loose = read(r#"{"result":1,"total":"7","next":null,"time":{"operating":0}}"#).unwrap();
        assert_eq!((loose.total, loose.next), (Some(7), None));
        assert_eq!(loose.spent.unwrap().resets_at, None);
    }

    #[test]
    fn errors_come_in_four_shapes() {
        let said = |text: &str| match read(text) {
            Err(Bad::Fault(fault)) => (fault.code, fault.text),
            other => panic!("{text}: {other:?}"),
        };
        let pair = |code: &str, text: &str| (code.to_owned(), text.to_owned());
        assert_eq!(said(r#"{"error":"X","error_description":"why"}"#), pair("X", "why"));
        assert_eq!(said(r#"{"error":"","error_description":"Not found"}"#), pair("", "Not found"));
        assert_eq!(said(r#"{"error":100}"#), pair("100", ""));
        assert_eq!(
            said(r#"{"error":{"code":"V3","message":"why","validation":[{"field":"a","message":"b"}]}}"#),
            pair("V3", "why")
        );
        assert!(read(r#"{"error":"","result":5}"#).is_ok());
        assert!(matches!(read(r#"{"something":5}"#), Err(Bad::Strange(_))));
        assert!(matches!(read("<html>"), Err(Bad::Strange(_))));
        assert!(matches!(read("[1, 2, 3]"), Err(Bad::Strange(_))));
        assert!(matches!(read(""), Err(Bad::Strange(_))));
        assert!(matches!(read(r#"{"result":[{"ID":"#), Err(Bad::Torn(_))));
    }

    #[test]
    fn a_list_is_found_wherever_it_is() {
        let list = |result, method: &str| list_in(result, family(method).as_ref()).map(Cow::into_owned);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(list("[1]", "crm.deal.list"), some("[1]"));
        assert_eq!(list(r#"{"tasks":[1],"more":2}"#, "tasks.task.list"), some("[1]"));
        assert_eq!(list(r#"{"tasks":{"5":1,"7":2}}"#, "tasks.task.list"), some("[1,2]"));
        assert_eq!(list(r#"{"whatever":[1]}"#, "some.thing.list"), some("[1]"));
        assert_eq!(list(r#"{"1":{"a":1},"3":{}}"#, "some.thing.list"), some(r#"[{"a":1},{}]"#));
        assert_eq!(list(r#"{"1":{"a":1},"3":{}}"#, "crm.deal.fields"), None);
        assert_eq!(list(r#"{"ID":{"type":"x"},"T":[1]}"#, "crm.deal.fields"), None);
        assert_eq!(list("7", "crm.deal.list"), None);
    }

    #[test]
    fn item_and_task_are_taken_off() {
        assert_eq!(unwrapped(r#"{"item":{"id":1}}"#), r#"{"id":1}"#);
        assert_eq!(unwrapped(r#"{"task":{"id":1}}"#), r#"{"id":1}"#);
        assert_eq!(unwrapped(r#"{"item":1,"b":2}"#), r#"{"item":1,"b":2}"#);
        assert_eq!(unwrapped(r#"{"deal":{}}"#), r#"{"deal":{}}"#);
        assert_eq!(unwrapped("[]"), "[]");
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "[\\[\\]{}\":,a-z0-9]{0,40}") {
            let _ = Envelope::read(text.clone());
            let _ = list_in(&text, family("tasks.task.list").as_ref());
            let _ = unwrapped(&text);
        }
    }
}
