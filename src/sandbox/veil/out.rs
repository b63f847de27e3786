//! Objects as JSON text, field by field: what is not asked for is not made.

use serde_json::Value;

use super::ids::Id;
use super::text::{Lang, moment};

/// What of an object is wanted.
#[derive(Clone, Debug, Default)]
pub struct Want {
    /// Also what lists leave out.
    pub full: bool,
    /// Only these fields, when there are any.
    pub fields: Vec<String>,
    pub lang: Lang,
    /// Permissions as a map of flags, as until about 4.4, instead of a list of names.
    pub permission_flags: bool,
}

/// An object being written.
pub struct Out<'a> {
    pub bytes: &'a mut Vec<u8>,
    pub want: &'a Want,
    is_open: bool,
    is_over: bool,
}

impl<'a> Out<'a> {
    /// Writes an object with what `fill` puts into it.
    pub fn object(bytes: &'a mut Vec<u8>, want: &'a Want, fill: impl FnOnce(&mut Out)) {
        bytes.push(b'{');
        let mut out = Out { bytes, want, is_open: false, is_over: false };
        fill(&mut out);
        out.bytes.push(b'}');
    }

    /// What follows stands in full objects alone.
    pub fn full(&mut self) {
        self.is_over = !self.want.full;
    }

    /// Begins a field; false when nobody wants it.
    pub fn wants(&mut self, name: &str) -> bool {
        if self.is_over || !self.want.fields.is_empty() && !self.want.fields.iter().any(|field| field == name) {
            return false;
        }
        if self.is_open {
            self.bytes.push(b',');
        }
        self.is_open = true;
        self.bytes.push(b'"');
        self.bytes.extend(name.bytes());
        self.bytes.extend(b"\":");
        true
    }

    pub fn text(&mut self, name: &str, value: &str) {
        if self.wants(name) {
            quoted(self.bytes, value);
        }
    }

    pub fn id(&mut self, name: &str, value: impl Into<Option<Id>>) {
        if self.wants(name) {
            id(self.bytes, value.into());
        }
    }

    pub fn number(&mut self, name: &str, value: impl Into<i64>) {
        if self.wants(name) {
            self.bytes.extend(value.into().to_string().bytes());
        }
    }

    pub fn decimal(&mut self, name: &str, value: f64) {
        if self.wants(name) {
            self.bytes.extend(Value::from(value).to_string().bytes());
        }
    }

    pub fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    pub fn moment(&mut self, name: &str, value: impl Into<Option<f64>>) {
        if self.wants(name) {
            match value.into() {
                Some(at) => quoted(self.bytes, &moment(at)),
                None => self.bytes.extend(b"null"),
            }
        }
    }

    /// JSON that is text already.
    pub fn raw(&mut self, name: &str, json: &str) {
        if self.wants(name) {
            self.bytes.extend(json.bytes());
        }
    }

    pub fn value(&mut self, name: &str, value: &Value) {
        if self.wants(name) {
            self.bytes.extend(value.to_string().bytes());
        }
    }

    /// The short form of another object.
    pub fn reference(&mut self, name: &str, to: Option<(Id, &str)>) {
        if self.wants(name) {
            reference(self.bytes, to);
        }
    }

    /// A list of things written one by one.
    pub fn list<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, print: impl FnMut(&mut Vec<u8>, T)) {
        if self.wants(name) {
            list(self.bytes, items, print);
        }
    }

    /// Fields that are always the same, each with its JSON text.
    pub fn constants(&mut self, fields: &[(&str, &str)]) {
        for (name, json) in fields {
            self.raw(name, json);
        }
    }

    pub fn permissions(&mut self, names: &[&str]) {
        if !self.wants("permissions") {
            return;
        }
        if !self.want.permission_flags {
            return list(self.bytes, names, |bytes, name| quoted(bytes, name));
        }
        let want = Want::default();
        Out::object(self.bytes, &want, |out| names.iter().for_each(|name| out.flag(name, true)));
    }
}

/// A text in quotation marks.
pub fn quoted(bytes: &mut Vec<u8>, text: &str) {
    let plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if plain {
        bytes.push(b'"');
        bytes.extend(text.bytes());
        bytes.push(b'"');
    } else {
        bytes.extend(Value::from(text).to_string().bytes());
    }
}

pub fn id(bytes: &mut Vec<u8>, value: Option<Id>) {
    let Some(value) = value else { return bytes.extend(b"null") };
    bytes.push(b'"');
    value.print(bytes);
    bytes.push(b'"');
}

pub fn reference(bytes: &mut Vec<u8>, to: Option<(Id, &str)>) {
    let Some((to, name)) = to else { return bytes.extend(b"null") };
    bytes.extend(b"{\"id\":");
    id(bytes, Some(to));
    bytes.extend(b",\"verbose_name\":");
    quoted(bytes, name);
    bytes.push(b'}');
}

pub fn list<T>(bytes: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut print: impl FnMut(&mut Vec<u8>, T)) {
    bytes.push(b'[');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            bytes.push(b',');
        }
        print(bytes, item);
    }
    bytes.push(b']');
}
