//! What a method gives back: its result already printed, or a refusal.

use super::php;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// A printed result.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub body: Vec<u8>,
    /// Where the rows of a list stand in `body`, so that a later command can look at one without reading all.
    pub rows: Vec<Range<usize>>,
    /// The key that wraps the rows.
    pub wrapper: &'static str,
    pub total: Option<u64>,
    pub next: Option<u64>,
    /// The rows were counted, which costs.
    pub counted: bool,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Fail {
    pub status: u16,
    pub code: Cow<'static, str>,
    pub text: Cow<'static, str>,
}

/// What methods return.
pub type Reply = Result<Answer, Fail>;

/// A refusal with a code and a text.
pub fn fail(status: u16, code: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Fail {
    Fail { status, code: code.into(), text: text.into() }
}

/// A parameter the method cannot do without was not given.
pub fn missing(name: &str) -> Fail {
    fail(400, "100", format!("Could not find value for parameter {{{name}}}"))
}

impl Answer {
    /// A result that is no list.
    pub fn of(value: &Value) -> Answer {
        let mut body = Vec::new();
        php::value(&mut body, value);
        Answer { body, ..Answer::default() }
    }

    /// A result that counts.
    pub fn with_total(mut self, total: u64) -> Answer {
        self.total = Some(total);
        self
    }

    /// The value at a path inside the result, as `$result[…]` asks; none when it leads nowhere.
    pub fn look(&self, path: &[&str]) -> Option<Value> {
        let in_rows = match path {
            [wrapper, rest @ ..] if !self.wrapper.is_empty() && *wrapper == self.wrapper => Some(rest),
            rest if self.wrapper.is_empty() => Some(rest),
            _ => None,
        };
        let (json, path) = match in_rows {
            Some([number, rest @ ..]) if !self.rows.is_empty() => {
                let row = self.rows.get(number.parse::<usize>().ok()?)?;
                (&self.body[row.clone()], rest)
            }
            _ => (&self.body[..], path),
        };
        let mut value = serde_json::from_slice::<Value>(json).ok()?;
        for key in path {
            value = match value {
                Value::Object(mut map) => map.swap_remove(*key)?,
                Value::Array(mut items) => {
                    let place = key.parse::<usize>().ok().filter(|place| *place < items.len())?;
                    items.swap_remove(place)
                }
                _ => return None,
            };
        }
        Some(value)
    }
}

impl Fail {
    /// `error` and `error_description`, as members.
    pub fn print(&self, out: &mut Vec<u8>) {
        out.extend(b"{\"error\":");
        php::text(out, &self.code);
        out.extend(b",\"error_description\":");
        php::text(out, &self.text);
        out.push(b'}');
    }
}
