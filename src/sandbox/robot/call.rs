//! A call that is carried out, and how it ends.

use bytes::Bytes;
use serde_json::Value;

use super::fields::Fields;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The robot with this number.
    Robot(u64),
    /// Nobody known, with a robot's call for a robot that there is not.
    Unknown,
    /// Whoever has the account's key.
    Account,
}

impl Who {
    /// The robot's number, or 0.
    pub fn robot(self) -> u64 {
        if let Who::Robot(id) = self { id } else { 0 }
    }
}

pub struct Call {
    pub who: Who,
    /// What stood in the address in place of the pattern's gaps.
    pub keys: Vec<String>,
    pub fields: Fields,
    pub now: f64,
    /// What is known of the way of the answer: it will not reach the caller whole.
    pub is_lost: bool,
}

impl Call {
    pub fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    /// A field that has to be there.
    pub fn needed(&self, name: &str) -> Result<String, Fail> {
        self.fields.any(&[name]).ok_or_else(|| fail(422, format!("The field {name} is required.")))
    }
}

pub enum Reply {
    Json(Value),
    /// The call changed something and has nothing to say.
    Done,
    /// A body as it is.
    Text(String),
    File(String, Bytes),
}

/// A refusal.
#[derive(Debug)]
pub struct Fail {
    pub status: u16,
    pub message: String,
}

pub type Answer = Result<Reply, Fail>;

pub fn fail(status: u16, message: impl Into<String>) -> Fail {
    Fail { status, message: message.into() }
}

/// That something is not there; the word says what.
pub fn absent(what: &str) -> Fail {
    fail(404, format!("No {what} found."))
}
