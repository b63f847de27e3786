//! Refusals as errors.

use crate::error::{Error, Kind};

pub fn from_exception(class: &str, text: &str) -> Error {
    Error::new(Kind::Refused, "rac.refused", format!("{text} ({class})"))
}
