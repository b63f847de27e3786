//! What several servers answered, each for itself: one that failed takes nothing from the others.

use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Map, NativeCallContext};

use crate::core::json::too_large;
use crate::core::order::cell_text;
use crate::core::rows::{Builder, Field, Row, Rows};
use crate::error::{Error, Result, did_you_mean};
use crate::render::table;
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;

/// The column of [`Gathered`] that says who answered. Rows of a server have names of their own, `server` among them.
const ADDRESS: &str = "address";
/// So many rows are shown when nobody said how many.
const SHOWN: usize = 20;

/// The answers in the order in which the servers were named. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gathered(Arc<Vec<Answer>>);

/// What one of them answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub address: String,
    /// The value, or the error as scripts meet it.
    pub value: std::result::Result<Dynamic, Map>,
}

impl Answer {
    fn failure(&self) -> Option<Map> {
        let mut failure = self.value.as_ref().err()?.clone();
        failure.insert(ADDRESS.into(), self.address.as_str().into());
        Some(failure)
    }

    fn entry(&self) -> Map {
        let mut entry = self.failure().unwrap_or_default();
        entry.insert(ADDRESS.into(), self.address.as_str().into());
        entry.insert("ok".into(), self.value.is_ok().into());
        if let Ok(value) = &self.value {
            entry.insert("value".into(), value.clone());
        }
        entry
    }
}

impl Gathered {
    pub fn new(answers: Vec<Answer>) -> Gathered {
        Gathered(Arc::new(answers))
    }

    /// The rows of all, with the address of each in front. A value that is no row is the column `value`.
    pub fn rows(&self) -> Result<Rows> {
        let mut builder = Builder::new();
        for answer in self.0.iter() {
            if let Ok(value) = &answer.value {
                push(&mut builder, &answer.address, value)?;
            }
        }
        Ok(builder.finish().into())
    }

    /// One row for each server: what it answered in brief, or why it did not.
    pub fn overview(&self) -> Result<Rows> {
        let mut builder = Builder::new();
        for answer in self.0.iter() {
            let text = |name: &str| match &answer.value {
                Err(error) => error.get(name).map(ToString::to_string).unwrap_or_default(),
                Ok(_) => String::new(),
            };
            let value = answer.value.as_ref().map(brief).unwrap_or_default();
            let cells = [(ADDRESS, answer.address.clone()), ("value", value), ("error", text("error"))];
            for (name, text) in cells.iter().chain(&[("message", text("message"))]) {
                builder.name(name);
                builder.push(Field::Text(text)).map_err(|_| too_large())?;
            }
            builder.end_row();
        }
        Ok(builder.finish().into())
    }
}

/// Adds the rows of one answer; nothing adds none.
fn push(builder: &mut Builder, address: &str, value: &Dynamic) -> Result<()> {
    if value.is_unit() {
        return Ok(());
    }
    if let Some(rows) = value.read_lock::<Rows>() {
        return rows.iter().try_for_each(|row| push_row(builder, address, &row));
    }
    if let Some(items) = value.read_lock::<Array>() {
        return items.iter().try_for_each(|item| push(builder, address, item));
    }
    if let Some(row) = value.read_lock::<Row>() {
        return push_row(builder, address, &row);
    }
    builder.name(ADDRESS);
    builder.push(Field::Text(address)).map_err(|_| too_large())?;
    convert::push_row(builder, value, None)
}

fn push_row(builder: &mut Builder, address: &str, row: &Row) -> Result<()> {
    builder.name(ADDRESS);
    builder.push(Field::Text(address)).map_err(|_| too_large())?;
    for (name, field) in row.fields().filter(|(name, _)| *name != ADDRESS) {
        builder.name(name);
        builder.push(field).map_err(|_| too_large())?;
    }
    builder.end_row();
    Ok(())
}

fn brief(value: &Dynamic) -> String {
    let many = |n: usize| format!("{n} row{}", if n == 1 { "" } else { "s" });
    if let Some(rows) = value.read_lock::<Rows>() {
        return many(rows.len());
    }
    if let Some(row) = value.read_lock::<Row>() {
        return row.fields().next().map_or_else(String::new, |(_, field)| cell_text(field).into_owned());
    }
    match value.is_unit() {
        true => String::new(),
        false => value.to_string(),
    }
}

pub fn register(engine: &mut rhai::Engine) {
    engine.register_type_with_name::<Gathered>("Gathered");
    engine.register_iterator::<Gathered>();
    engine.register_global_module(rhai::exported_module!(gathered).into());
}

/// `for answer in found`: `#{address, ok, value}`, or the error in place of the value.
impl IntoIterator for Gathered {
    type Item = Map;
    type IntoIter = std::vec::IntoIter<Map>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(Answer::entry).collect::<Vec<Map>>().into_iter()
    }
}

#[export_module]
pub mod gathered {
    pub type Gathered = super::Gathered;

    /// The number of servers.
    #[rhai_fn(pure)]
    pub fn len(found: &mut Gathered) -> i64 {
        found.0.len() as i64
    }

    /// Whether every server answered.
    #[rhai_fn(get = "ok", pure)]
    pub fn ok(found: &mut Gathered) -> bool {
        found.0.iter().all(|answer| answer.value.is_ok())
    }

    /// The rows of all servers that answered in one list, with the column `address` in front.
    ///
    /// ```rhai
    /// let found = rac::each([rac], "infobase_summary_list");
    /// assert_eq(found.rows().columns()[0], "address");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn rows(call: NativeCallContext, found: &mut Gathered) -> Thrown<Rows> {
        found.rows().or_else(|error| throw(&call, error))
    }

    /// What each server answered, in the order in which they were named; `()` where one failed.
    #[rhai_fn(name = "values", get = "values", pure)]
    pub fn values(found: &mut Gathered) -> Array {
        found.0.iter().map(|answer| answer.value.clone().unwrap_or(Dynamic::UNIT)).collect()
    }

    /// Which servers failed and why: `#{address, error, message, hint, …}` of each.
    #[rhai_fn(name = "failures", get = "failures", pure)]
    pub fn failures(found: &mut Gathered) -> Array {
        found.0.iter().filter_map(Answer::failure).map(Dynamic::from).collect()
    }

    /// What the server of this address answered; the error of one that failed is thrown.
    #[rhai_fn(index_get, return_raw, pure)]
    pub fn index(call: NativeCallContext, found: &mut Gathered, address: &str) -> Thrown<Dynamic> {
        let answer = found.0.iter().find(|answer| answer.address == address);
        match answer.map(|answer| &answer.value) {
            Some(Ok(value)) => Ok(value.clone()),
            Some(Err(error)) => Err(Box::new(EvalAltResult::ErrorRuntime(error.clone().into(), call.call_position()))),
            None => {
                let known = found.0.iter().map(|answer| answer.address.as_str());
                let error = Error::input("each.not_asked", format!("`{address}` was not asked"));
                let hint = did_you_mean(address, known.clone())
                    .unwrap_or_else(|| format!("asked were {}", known.collect::<Vec<_>>().join(", ")));
                throw(&call, error.hint(hint))
            }
        }
    }

    /// Prints one line for each server.
    #[rhai_fn(return_raw, pure)]
    pub fn show(call: NativeCallContext, found: &mut Gathered) -> Thrown<()> {
        let output = &crate::script::bridge::host(&call).output;
        let shown = found.overview().map(|rows| table::rows(&rows, usize::MAX, output.width()));
        shown.and_then(|text| output.line(&text)).or_else(|error| throw(&call, error))
    }

    #[rhai_fn(name = "to_string", pure)]
    pub fn shown(found: &mut Gathered) -> String {
        found.overview().map(|rows| table::rows(&rows, SHOWN, None)).unwrap_or_default()
    }

    #[rhai_fn(name = "to_debug", pure)]
    pub fn counted(found: &mut Gathered) -> String {
        format!("answers of {} servers", found.0.len())
    }
}
