//! What calls give back to scripts.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use rhai::plugin::*;
use rhai::{Array, Dynamic, Map, NativeCallContext};

use crate::error::{Error, Kind, Result};
use crate::script::bridge::{Thrown, error_map, throw};
use crate::script::convert;
use crate::services::b24::client::{Answer, Outcomes, Told};

pub fn answer(call: &NativeCallContext<'_>, answer: Answer) -> Thrown<Dynamic> {
    match answer {
        Answer::Rows(rows) => Ok(Dynamic::from(rows)),
        Answer::Row(row) => Ok(Dynamic::from(row)),
        Answer::Json(text) => json(call, text.get()),
    }
}

pub fn json(call: &NativeCallContext<'_>, text: &str) -> Thrown<Dynamic> {
    convert::from_json(text).or_else(|error| throw(call, error))
}

/// The results, or what the caller wants of failures: an error that holds everything, or the answers as they are.
pub fn settled(
    call: &NativeCallContext<'_>,
    method: &str,
    outcomes: Outcomes,
    choice: &str,
    keyed: bool,
) -> Thrown<Dynamic> {
    let failed = outcomes.error(method);
    let answers = Answers::new(outcomes);
    match failed {
        Some(error) if choice == "throw" => {
            // What succeeded must not be lost with what failed.
            let mut map = error_map(&error, call.call_position());
            map.insert("results".into(), answers.results(call)?.into());
            map.insert("failures".into(), answers.failures().into());
            Err(Box::new(EvalAltResult::ErrorRuntime(map.into(), call.call_position())))
        }
        None if choice == "throw" && !keyed => answers.results(call).map(Dynamic::from),
        _ => Ok(Dynamic::from(answers)),
    }
}

/// The results by name. Failures are thrown together, with the results of the others inside.
pub fn results_by_name(call: &NativeCallContext<'_>, told: Vec<Told>) -> Thrown<Dynamic> {
    let mut results = Map::new();
    let mut failures: Vec<(String, Error)> = Vec::new();
    for command in told {
        match command.answer {
            Some(Ok(found)) => drop(results.insert(command.name.into(), json(call, found.get())?)),
            Some(Err(error)) => failures.push((command.name, error)),
            None => {}
        }
    }
    let error = match failures.as_slice() {
        [] => return Ok(results.into()),
        [(_, only)] => only.clone(),
        [(name, first), ..] => {
            let message = format!("{} commands failed; first, `{name}`: {}", failures.len(), first.message());
            let error = Error::new(Kind::Partial, "b24.partial", message);
            if let Some(hint) = first.hint_text() { error.hint(hint) } else { error }
        }
    };
    let mut map = error_map(&error, call.call_position());
    if let [(name, only)] = failures.as_slice() {
        map.insert("message".into(), format!("command `{name}`: {}", only.message()).into());
        map.insert("command".into(), name.as_str().into());
    }
    map.insert("results".into(), results.into());
    let failure = |(name, error): (String, Error)| {
        let mut failure = error_map(&error, rhai::Position::NONE);
        failure.insert("command".into(), name.into());
        Dynamic::from(failure)
    };
    map.insert("failures".into(), failures.into_iter().map(failure).collect::<Array>().into());
    Err(Box::new(EvalAltResult::ErrorRuntime(map.into(), call.call_position())))
}

/// The answers to many calls, in the order in which they were asked.
#[derive(Clone)]
pub struct Answers(Arc<Held>);

struct Held {
    outcomes: Outcomes,
    /// The place of each id, made when first asked for.
    places: OnceLock<HashMap<String, usize>>,
}

impl Answers {
    /// The results; `()` where a call failed.
    fn results(&self, call: &NativeCallContext<'_>) -> Thrown<Array> {
        self.outcomes().answers.iter().map(|answer| self.value(call, answer)).collect()
    }

    fn value(&self, call: &NativeCallContext<'_>, result: &Result<Answer>) -> Thrown<Dynamic> {
        match result {
            Ok(found) => answer(call, found.clone()),
            Err(_) => Ok(Dynamic::UNIT),
        }
    }

    pub fn new(outcomes: Outcomes) -> Answers {
        Answers(Arc::new(Held { outcomes, places: OnceLock::new() }))
    }

    fn outcomes(&self) -> &Outcomes {
        &self.0.outcomes
    }

    /// The place of an id.
    fn place(&self, id: &str) -> Option<usize> {
        let ids = self.outcomes().ids.as_ref()?;
        let places = self.0.places.get_or_init(|| ids.iter().cloned().zip(0..).collect());
        places.get(id).copied()
    }

    /// What is known of one answer, without its result.
    fn entry(&self, at: usize) -> Map {
        let mut map = Map::new();
        map.insert("index".into(), (at as i64).into());
        if let Some(id) = self.outcomes().ids.as_ref().and_then(|ids| ids.get(at)) {
            map.insert("id".into(), id.as_str().into());
        }
        let error = self.outcomes().answers[at].as_ref().err();
        map.insert("ok".into(), error.is_none().into());
        if let Some(error) = error {
            map.extend(error_map(error, rhai::Position::NONE));
        }
        map
    }

    fn failures(&self) -> Array {
        let failed = (0..self.outcomes().answers.len()).filter(|&at| self.outcomes().answers[at].is_err());
        failed.map(|at| self.entry(at).into()).collect()
    }
}

/// `for answer in answers`: `#{index, id, ok, result}`, or the failure in place of the result.
impl IntoIterator for Answers {
    type Item = Map;
    type IntoIter = std::vec::IntoIter<Map>;

    fn into_iter(self) -> Self::IntoIter {
        let entry = |at: usize| {
            let mut map = self.entry(at);
            if let Ok(found) = &self.outcomes().answers[at] {
                let result = match found {
                    Answer::Rows(rows) => Dynamic::from(rows.clone()),
                    Answer::Row(row) => Dynamic::from(row.clone()),
                    // What is not JSON was refused when it was read.
                    Answer::Json(text) => convert::from_json(text.get()).unwrap_or(Dynamic::UNIT),
                };
                map.insert("result".into(), result);
            }
            map
        };
        (0..self.outcomes().answers.len()).map(entry).collect::<Vec<Map>>().into_iter()
    }
}

#[export_module]
pub mod answers {
    pub type Answers = super::Answers;

    /// The number of answers.
    #[rhai_fn(pure)]
    pub fn len(answers: &mut Answers) -> i64 {
        answers.outcomes().answers.len() as i64
    }

    /// Whether every call succeeded.
    #[rhai_fn(get = "ok", pure)]
    pub fn ok(answers: &mut Answers) -> bool {
        answers.outcomes().answers.iter().all(std::result::Result::is_ok)
    }

    /// The results in the order of the questions; `()` where a call failed.
    #[rhai_fn(name = "results", get = "results", return_raw, pure)]
    pub fn results(call: NativeCallContext, answers: &mut Answers) -> Thrown<Array> {
        answers.results(&call)
    }

    /// The same as `results`.
    #[rhai_fn(return_raw, pure)]
    pub fn values(call: NativeCallContext, answers: &mut Answers) -> Thrown<Array> {
        answers.results(&call)
    }

    /// The ids that were asked for, in their order.
    #[rhai_fn(name = "ids", name = "keys", get = "ids", pure)]
    pub fn ids(answers: &mut Answers) -> Array {
        answers.outcomes().ids.iter().flatten().map(|id| id.as_str().into()).collect()
    }

    /// What failed: `#{index, id, error, message, hint, unknown, …}` of each; `unknown` is true where a change may have
    /// been made although no answer came.
    #[rhai_fn(name = "failures", get = "failures", pure)]
    pub fn failures(answers: &mut Answers) -> Array {
        answers.failures()
    }

    /// The result for an id (a number or a text), or `()` when the id was not asked for or its call failed.
    #[rhai_fn(return_raw, pure)]
    pub fn get(call: NativeCallContext, answers: &mut Answers, id: Dynamic) -> Thrown<Dynamic> {
        match answers.place(&id.to_string()) {
            Some(at) => answers.value(&call, &answers.outcomes().answers[at]),
            None => Ok(Dynamic::UNIT),
        }
    }

    /// The result for an id; without ids, the result at a place. One that failed throws its error.
    #[rhai_fn(index_get, return_raw, pure)]
    pub fn index(call: NativeCallContext, answers: &mut Answers, id: Dynamic) -> Thrown<Dynamic> {
        let at = match answers.outcomes().ids.is_some() {
            true => answers.place(&id.to_string()),
            false => id.as_int().ok().and_then(|at| usize::try_from(at).ok()),
        };
        match at.and_then(|at| answers.outcomes().answers.get(at)) {
            Some(Ok(found)) => answer(&call, found.clone()),
            Some(Err(error)) => throw(&call, error.clone()),
            None => throw(&call, Error::input("b24.not_asked", format!("`{id}` was not asked for"))),
        }
    }

    /// Whether the id was asked for and its call succeeded; the operator `in` asks the same.
    #[rhai_fn(pure)]
    pub fn contains(answers: &mut Answers, id: Dynamic) -> bool {
        answers.place(&id.to_string()).is_some_and(|at| answers.outcomes().answers[at].is_ok())
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(answers: &mut Answers) -> String {
        let failed = answers.outcomes().answers.iter().filter(|answer| answer.is_err()).count();
        format!("{} answers, {failed} failed", answers.outcomes().answers.len())
    }
}
