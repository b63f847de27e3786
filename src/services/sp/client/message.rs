//! What a server says beside rows: messages and errors.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// A line that a server said while it worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When it arrived, RFC 3339.
    pub at: String,
    pub text: String,
}

/// An error as SQL Server tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlError {
    pub number: i64,
    pub severity: i64,
    pub state: i64,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

impl SqlError {
    /// What a server said, where this is a server's error.
    pub fn of(error: &Error) -> Option<SqlError> {
        let detail = |name: &str| error.details().iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        let number = |name: &str| detail(name).and_then(Value::as_i64);
        let text = |name: &str| detail(name).and_then(Value::as_str).map(str::to_owned);
        Some(SqlError {
            number: number("number")?,
            severity: number("severity")?,
            state: number("state").unwrap_or_default(),
            message: error.message().to_owned(),
            procedure: text("procedure"),
            line: number("line_of_procedure"),
            server: text("server"),
        })
    }
}
