//! The fields of a request from wherever they came: the address, a form, JSON, or parts.

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::multipart::{self, Part};

/// Fields found by their names in any case, with or without underscores.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    values: Vec<(String, Value)>,
    files: Vec<(String, File)>,
}

/// A file that was sent.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub content: Bytes,
}

/// How a body could not be read.
pub type Unreadable = String;

impl Fields {
    /// From an address's query and a body.
    pub fn read(query: &str, content_type: &str, body: &Bytes) -> Result<Fields, Unreadable> {
        let mut fields = Fields::default();
        fields.add_form(query);
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind == "multipart/form-data" {
            let parts = multipart::parts(body, content_type).ok_or("the parts of the body cannot be told apart")?;
            parts.into_iter().for_each(|part| fields.add_part(part));
        } else if kind.ends_with("json") || body.trim_ascii_start().starts_with(b"{") {
            fields.add_json(body)?;
        } else {
            fields.add_form(std::str::from_utf8(body).map_err(|_| "the body is not text in UTF-8")?);
        }
        Ok(fields)
    }

    /// From a map.
    pub fn of(map: &Value) -> Fields {
        let values = map.as_object().into_iter().flatten().map(|(name, value)| (plain(name), value.clone()));
        Fields { values: values.collect(), files: Vec::new() }
    }

    /// Adds `name=value&…`.
    pub fn add_form(&mut self, form: &str) {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.values.push((plain(&decode(name)), Value::String(decode(value))));
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), Unreadable> {
        if body.trim_ascii().is_empty() {
            return Ok(());
        }
        let object: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| format!("the body is not a map in JSON: {error}"))?;
        self.values.extend(object.into_iter().map(|(name, value)| (plain(&name), value)));
        Ok(())
    }

    fn add_part(&mut self, part: Part) {
        let name = plain(&part.name);
        match part.file {
            Some(file) => self.files.push((name, File { name: file, content: part.content })),
            None => {
                let text = String::from_utf8_lossy(&part.content).into_owned();
                self.values.push((name, Value::String(text)));
            }
        }
    }

    /// The last value of that name, as PHP takes it.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let name = plain(name);
        self.values.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// A value as text; JSON inside stays JSON.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name).and_then(|value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }

    /// The first of these that is given and not empty.
    pub fn any(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name).filter(|text| !text.trim().is_empty()))
    }

    /// A number, also one in a text.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name).and_then(|text| text.trim().parse().ok()).filter(|number: &f64| number.is_finite())
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.number(name).map(|number| number as i64)
    }

    /// A switch: `1`, `true`, `on`, `yes` are on.
    pub fn flag(&self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        Some(matches!(text.trim().to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes"))
    }

    pub fn file(&self, name: &str) -> Option<&File> {
        let name = plain(name);
        self.files.iter().find(|(known, _)| *known == name).map(|(_, file)| file)
    }

    /// For the log: values as they came, files by their names and sizes.
    pub fn listed(&self) -> Value {
        let values = self.values.iter().cloned();
        let files = self
            .files
            .iter()
            .map(|(name, file)| (name.clone(), Value::String(format!("{} ({} bytes)", file.name, file.content.len()))));
        Value::Object(values.chain(files).collect())
    }
}

/// A name as it is compared: without case, underscores, spaces around it and PHP's `[]`.
fn plain(name: &str) -> String {
    let name = name.trim().trim_end_matches("[]");
    name.chars().filter(|&c| c != '_').flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, kind: &str, body: &str) -> Fields {
        Fields::read(query, kind, &Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    #[test]
    fn names_are_found_in_any_case_and_without_underscores() {
        let fields = read("", "application/x-www-form-urlencoded", "RobotGUID=ab&queue_guid=%D1%8F+1&Empty=");
        assert_eq!(fields.text("robot_guid").as_deref(), Some("ab"));
        assert_eq!(fields.text("QueueGuid").as_deref(), Some("я 1"));
        assert_eq!((fields.text("empty").as_deref(), fields.text("absent")), (Some(""), None));
    }

    #[test]
    fn a_body_in_json_and_a_query_are_fields_as_well() {
        let fields = read("Status=1", "application/json", r#"{"Guid": "g", "Retries": 3, "Parameters": {"a": 1}}"#);
        assert_eq!((fields.int("status"), fields.int("retries")), (Some(1), Some(3)));
        assert_eq!(fields.text("parameters").as_deref(), Some("{\"a\":1}"));
        // Somebody who forgets the header.
        assert_eq!(read("", "", "{\"guid\": 5}").text("Guid").as_deref(), Some("5"));
        assert!(Fields::read("", "application/json", &Bytes::from_static(b"[1]")).is_err());
        assert!(Fields::read("", "", &Bytes::from_static(b"a=\xff")).is_err());
    }
}
