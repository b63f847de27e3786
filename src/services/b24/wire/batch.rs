//! A batch: up to fifty commands in one request, and the five maps of its answer.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::{Entries, fault, spent, whole};
use super::errors::Fault;
use crate::core::limiter::Spent;

/// What the server takes at most.
pub const MOST: usize = 50;

/// The body of a batch. Names that are not numbers keep the answer's maps from becoming lists.
pub fn body<'a>(halt: bool, commands: impl IntoIterator<Item = (Cow<'a, str>, &'a str)>) -> serde_json::Value {
    let commands: serde_json::Map<_, _> =
        commands.into_iter().map(|(name, command)| (name.into_owned(), command.into())).collect();
    serde_json::json!({ "halt": u8::from(halt), "cmd": commands })
}

/// What an answer says of one command.
#[derive(Debug, PartialEq)]
pub enum Said<'a> {
    Done {
        /// JSON text.
        result: &'a str,
        total: Option<u64>,
        next: Option<u64>,
    },
    Failed(Fault),
    /// Not a word: it did not run, or its answer was lost.
    Nothing,
}

#[derive(Deserialize)]
struct Maps<'a> {
    #[serde(borrow)]
    result: Entries<'a>,
    #[serde(borrow, default)]
    result_error: Entries<'a>,
    #[serde(borrow, default)]
    result_total: Entries<'a>,
    #[serde(borrow, default)]
    result_next: Entries<'a>,
    #[serde(borrow, default)]
    result_time: Entries<'a>,
}

/// The answer to a batch, still text.
#[derive(Debug)]
pub struct Answer<'a> {
    results: HashMap<Cow<'a, str>, &'a RawValue>,
    errors: HashMap<Cow<'a, str>, &'a RawValue>,
    totals: HashMap<Cow<'a, str>, &'a RawValue>,
    nexts: HashMap<Cow<'a, str>, &'a RawValue>,
    times: HashMap<Cow<'a, str>, &'a RawValue>,
}

impl<'a> Answer<'a> {
    /// `None` when the result is not that of a batch.
    pub fn read(result: &'a str) -> Option<Answer<'a>> {
        let maps: Maps<'a> = serde_json::from_str(result).ok()?;
        Some(Answer {
            results: maps.result.0.into_iter().collect(),
            errors: maps.result_error.0.into_iter().collect(),
            totals: maps.result_total.0.into_iter().collect(),
            nexts: maps.result_next.0.into_iter().collect(),
            times: maps.result_time.0.into_iter().collect(),
        })
    }

    pub fn of(&self, name: &str) -> Said<'a> {
        if let Some(error) = self.errors.get(name)
            && let Some(fault) = fault(error.get(), None)
        {
            return Said::Failed(fault);
        }
        match self.results.get(name) {
            Some(result) => Said::Done {
                result: result.get(),
                total: self.totals.get(name).and_then(|total| whole(total)),
                next: self.nexts.get(name).and_then(|next| whole(next)),
            },
            None => Said::Nothing,
        }
    }

    /// How long the portal worked on a command.
    pub fn seconds(&self, name: &str) -> Option<f64> {
        #[derive(Deserialize)]
        struct Time {
            duration: f64,
        }
        let time: Time = serde_json::from_str(self.times.get(name)?.get()).ok()?;
        Some(time.duration)
    }

    pub fn spent(&self, name: &str) -> Option<Spent> {
        self.times.get(name).and_then(|time| spent(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_keeps_the_order_of_its_commands() {
        let body = body(false, [("c1".into(), "crm.deal.get?ID=1"), ("c0".into(), "profile")]);
        assert_eq!(body.to_string(), r#"{"halt":0,"cmd":{"c1":"crm.deal.get?ID=1","c0":"profile"}}"#);
    }

    #[test]
    fn every_command_has_its_word() {
        let text = r#"{"result":{"c0":[],"c2":null},"result_error":{"c1":{"error":"","error_description":"Not found"}},
            "result_total":{"c0":7},"result_next":[],"result_time":{"c0":{"operating":1.5,"duration":0.25}}}"#;
        let answer = Answer::read(text).unwrap();
        assert_eq!(answer.of("c0"), Said::Done { result: "[]", total: Some(7), next: None });
        assert!(matches!(answer.of("c1"), Said::Failed(fault) if fault.text == "Not found" && fault.code.is_empty()));
        assert_eq!(answer.of("c2"), Said::Done { result: "null", total: None, next: None });
        assert_eq!(answer.of("c3"), Said::Nothing);
        assert_eq!(answer.spent("c0").unwrap().seconds, 1.5);
        assert_eq!(answer.spent("c1"), None);
        assert_eq!((answer.seconds("c0"), answer.seconds("c1")), (Some(0.25), None));
    }

    #[test]
    fn maps_that_php_made_lists_are_still_maps() {
        let text = r#"{"result":["a","b"],"result_error":[],"result_total":[5]}"#;
        let answer = Answer::read(text).unwrap();
        assert_eq!(answer.of("1"), Said::Done { result: "\"b\"", total: None, next: None });
        assert_eq!(answer.of("0"), Said::Done { result: "\"a\"", total: Some(5), next: None });
        assert!(Answer::read("[]").is_none());
        assert!(Answer::read("{\"items\":[]}").is_none());
    }
}
