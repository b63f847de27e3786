//! What the utility prints, read: records into rows, and everything else that it may say instead.

mod field;
mod foreign;
mod rows;
pub mod scan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use field::{field, unquoted};
pub use foreign::{foreign, is_help};
pub use rows::{columns, rows};

use jiff::tz::TimeZone;

use super::codec::Uuid;
use crate::core::rows::Rows;
use crate::error::Result;
use crate::services::rac::table::Answer;

/// In which form rows hold what was printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Style<'z> {
    /// Names of the table with underscores, and values of their types; the server's clock is in this zone.
    Typed(&'z TimeZone),
    /// Keys as they were printed, and texts without their quotes.
    Raw,
}

/// What a command printed.
#[derive(Debug)]
pub enum Printed {
    Nothing,
    Text(String),
    Id(Uuid),
    Rows(Rows),
}

/// Reads the standard output of a command that ended well.
pub fn answer(text: &str, expected: &Answer, style: Style<'_>) -> Result<Printed> {
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    match expected {
        Answer::Nothing if bare.is_empty() => Ok(Printed::Nothing),
        // A version without this command prints its help, and ends well.
        Answer::Nothing => Err(foreign(text)),
        Answer::Text if is_version(bare) => Ok(Printed::Text(bare.to_owned())),
        Answer::Text => Err(foreign(text)),
        Answer::Id(key) => id(bare, key).map(Printed::Id).ok_or_else(|| foreign(text)),
        Answer::One(record) | Answer::Many(record) => rows(text, record, style).map(Printed::Rows),
        Answer::Columns(record) => columns(text, record, style).map(Printed::Rows),
    }
}

/// The only bare text of the utility is a version.
fn is_version(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.contains('.') && text.split('.').all(is_number)
}

/// `cluster : 0f1e2d3c-…`
fn id(text: &str, expected: &str) -> Option<Uuid> {
    let (key, uuid) = text.split_once(':')?;
    (key.trim() == expected).then(|| uuid.trim().to_ascii_lowercase().parse().ok())?
}

/// The key with hyphens where the utility has blanks.
fn normal(key: &str) -> Cow<'_, str> {
    if key.contains(' ') { Cow::Owned(key.replace(' ', "-")) } else { Cow::Borrowed(key) }
}

/// Whether two keys differ at most in that.
fn same_key(one: &str, other: &str) -> bool {
    let plain = |key: &str| key.bytes().map(|byte| if byte == b' ' { b'-' } else { byte }).collect::<Vec<u8>>();
    one == other || (one.len() == other.len() && plain(one) == plain(other))
}
