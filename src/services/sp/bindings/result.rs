//! `SpResult`: what a procedure or a batch has given.

use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

use super::value;
use crate::core::rows::Rows;
use crate::script::convert;
use crate::services::sp::client::sql::Outcome;

/// Result sets, OUT values, return code, counts and messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SpResult(Arc<Outcome>);

impl SpResult {
    pub fn new(outcome: Outcome) -> SpResult {
        SpResult(Arc::new(outcome))
    }

    fn sets(&self) -> Array {
        self.0.sets.iter().cloned().map(Dynamic::from).collect()
    }

    fn rows(&self) -> Rows {
        self.0.sets.first().cloned().unwrap_or_default()
    }

    fn out(&self) -> Map {
        self.0.out.iter().map(|(name, value)| (name.as_str().into(), value::script(value))).collect()
    }

    fn affected(&self) -> i64 {
        self.0.affected.iter().fold(0, |sum, count| sum.saturating_add(i64::try_from(*count).unwrap_or(i64::MAX)))
    }

    fn counts(&self) -> Array {
        self.0.affected.iter().map(|count| i64::try_from(*count).unwrap_or(i64::MAX).into()).collect()
    }

    fn return_code(&self) -> Dynamic {
        self.0.return_code.map_or(Dynamic::UNIT, |code| i64::from(code).into())
    }

    fn messages(&self) -> Array {
        let map = |at: &str, text: &str| Map::from([("at".into(), at.into()), ("text".into(), text.into())]);
        self.0.messages.iter().map(|message| map(&message.at, &message.text).into()).collect()
    }

    /// All of it, as a map.
    pub fn plain(&self) -> Map {
        Map::from([
            ("sets".into(), self.sets().into()),
            ("out".into(), self.out().into()),
            ("return_code".into(), self.return_code()),
            ("affected".into(), self.affected().into()),
            ("messages".into(), self.messages().into()),
        ])
    }
}

#[export_module]
pub mod result {
    pub type SpResult = super::SpResult;

    /// All result sets: a list of Rows.
    ///
    /// ```rhai
    /// assert_eq(sp.batch("SELECT 1 AS a; SELECT 2 AS b").sets.len(), 2);
    /// ```
    #[rhai_fn(get = "sets", pure)]
    pub fn sets(result: &mut SpResult) -> Array {
        result.sets()
    }

    /// The first result set; no rows where there is none.
    #[rhai_fn(get = "rows", pure)]
    pub fn rows(result: &mut SpResult) -> Rows {
        result.rows()
    }

    /// The values of the OUT parameters, by their names: a map. Exact numbers and moments are texts, as in rows.
    #[rhai_fn(get = "out", pure)]
    pub fn out(result: &mut SpResult) -> Map {
        result.out()
    }

    /// What the procedure returned; `()` after a batch.
    #[rhai_fn(get = "return_code", pure)]
    pub fn return_code(result: &mut SpResult) -> Dynamic {
        result.return_code()
    }

    /// How many rows were inserted, changed and deleted by all statements together.
    #[rhai_fn(get = "affected", pure)]
    pub fn affected(result: &mut SpResult) -> i64 {
        result.affected()
    }

    /// The same of each statement that touched any: a list.
    #[rhai_fn(get = "counts", pure)]
    pub fn counts(result: &mut SpResult) -> Array {
        result.counts()
    }

    /// What the server said meanwhile (PRINT, RAISERROR below severity 11): a list of maps `at`, `text`.
    ///
    /// ```rhai
    /// assert_eq(sp.batch("PRINT 'done'").messages[0].text, "done");
    /// ```
    #[rhai_fn(get = "messages", pure)]
    pub fn messages(result: &mut SpResult) -> Array {
        result.messages()
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(result: &mut SpResult) -> String {
        convert::to_value(&result.plain().into()).map(|value| value.to_string()).unwrap_or_default()
    }
}
