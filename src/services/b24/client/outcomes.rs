//! What calls give back.

use serde_json::value::RawValue;

use crate::core::rows::{Row, Rows};
use crate::error::{Error, Kind, Result, Retry};

/// A list, one row of a list, or anything else as JSON text.
#[derive(Clone, Debug)]
pub enum Answer {
    Rows(Rows),
    Row(Row),
    Json(Box<RawValue>),
}

/// A whole list.
#[derive(Clone, Debug)]
pub struct All {
    pub answer: Answer,
    /// What the reader should know: a number of rows that differs from the portal's, parameters without an effect.
    pub warnings: Vec<String>,
}

/// The answers to many calls, in the order of the calls. A failed one harms no other.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// For calls by id: the ids as they were given, one for each answer.
    pub ids: Option<Vec<String>>,
    pub answers: Vec<Result<Answer>>,
}

impl Outcomes {
    /// Places and errors of the calls that failed.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &Error)> {
        self.answers.iter().enumerate().filter_map(|(place, answer)| Some((place, answer.as_ref().err()?)))
    }

    /// Places of the calls that may have been carried out although no answer arrived.
    pub fn unknown(&self) -> Vec<usize> {
        self.failures().filter(|(_, error)| error.may_retry() == Retry::Unknown).map(|(place, _)| place).collect()
    }

    /// One error for all that failed; `None` when nothing did. Its details hold the places that failed and those whose
    /// outcome is unknown.
    pub fn error(&self, method: &str) -> Option<Error> {
        let failed: Vec<usize> = self.failures().map(|(place, _)| place).collect();
        let (first, cause) = self.failures().next()?;
        let named = self.ids.as_ref().and_then(|ids| ids.get(first));
        let which = named.map_or_else(|| format!("item {} of the list", first + 1), |id| format!("id {id}"));
        let message = format!("{method}: {} of {} failed; first, {which}: {cause}", failed.len(), self.answers.len());
        let unknown = self.unknown();
        let error = Error::new(Kind::Partial, "b24.partial", message)
            .detail("failed", failed)
            .detail("first", cause.code())
            .detail("unknown", unknown.clone());
        Some(match (unknown.len(), cause.hint_text()) {
            (0, Some(hint)) => error.hint(hint),
            (0, None) => error,
            (n, _) => error.retry(Retry::Unknown).hint(format!(
                "{n} of them may have been carried out without an answer: look in the portal before repeating those"
            )),
        })
    }
}

/// JSON text as an answer. It was read before, so it is JSON; should it not be, that is the portal's fault.
pub(super) fn json(method: &str, text: &str) -> Result<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).map_err(|error| {
        Error::new(Kind::Protocol, "b24.not_json", format!("{method}: a part of the answer is not JSON"))
            .caused_by(error)
    })
}

/// The answer of a call that was only told of.
pub(super) fn nothing() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}
