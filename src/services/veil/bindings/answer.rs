//! `VeilAnswer`: an answer as the controller gave it, whatever its status.

use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Map, NativeCallContext};

use super::Veil;
use super::kinds;
use super::thing::Thing;
use super::work;
use crate::core::json::read_rows;
use crate::core::rows::{Builder, Row, Rows};
use crate::error::{Error, Result};
use crate::render::table;
use crate::script::bridge::{Thrown, host, throw};
use crate::script::convert;
use crate::services::veil::client;
use crate::services::veil::table::Entity;

/// So many rows are shown when nobody said how many.
const SHOWN: usize = 20;

/// One answer. Cheap to clone.
#[derive(Clone)]
pub struct VeilAnswer(Arc<Held>);

struct Held {
    veil: Veil,
    /// What was asked about, where that is known.
    entity: Option<&'static Entity>,
    answer: client::Answer,
    rows: Rows,
}

impl VeilAnswer {
    pub fn new(veil: &Veil, entity: Option<&'static Entity>, answer: client::Answer) -> Result<VeilAnswer> {
        let mut builder = Builder::new();
        if let Some(page) = answer.page() {
            read_rows(page.results.get(), &mut builder)?;
        } else if answer.success() && answer.text().trim_start().starts_with('[') {
            read_rows(answer.text(), &mut builder)?;
        }
        let rows = builder.finish().into();
        Ok(VeilAnswer(Arc::new(Held { veil: veil.clone(), entity, answer, rows })))
    }

    fn answer(&self) -> &client::Answer {
        &self.0.answer
    }

    fn data(&self) -> Dynamic {
        // The text was read as JSON once already.
        convert::from_json(self.answer().text()).unwrap_or_default()
    }

    /// What it holds, for tables and JSON.
    pub fn plain(&self) -> Dynamic {
        match self.answer().page().is_some() {
            true => Dynamic::from(self.0.rows.clone()),
            false => self.data(),
        }
    }

    fn handle(&self, entity: &'static Entity, fields: Map, is_whole: bool) -> Dynamic {
        kinds::handle(Thing::of_fields(&self.0.veil, entity, fields, is_whole))
    }
}

/// `for row in answer`.
impl IntoIterator for VeilAnswer {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.rows.iter().collect::<Vec<Row>>().into_iter()
    }
}

#[export_module]
pub mod answer {
    pub type VeilAnswer = super::VeilAnswer;

    /// The HTTP status.
    #[rhai_fn(get = "status_code", pure)]
    pub fn status_code(answer: &mut VeilAnswer) -> i64 {
        i64::from(answer.answer().status)
    }

    /// The whole answer: a map, a list, whatever it was. `#{}` where it was no JSON.
    ///
    /// ```rhai
    /// assert(veil.try_get("controllers/base-version/").data.version.starts_with("4."));
    /// ```
    #[rhai_fn(get = "data", pure)]
    pub fn data(answer: &mut VeilAnswer) -> Dynamic {
        answer.data()
    }

    /// The headers of the answer: a map of texts.
    #[rhai_fn(get = "headers", pure)]
    pub fn headers(answer: &mut VeilAnswer) -> Map {
        let headers = answer.answer().headers.iter();
        headers.map(|(name, value)| (name.to_ascii_lowercase().into(), value.as_str().into())).collect()
    }

    /// Whether the controller did what was asked, or began to: 200, 201, 202 or 204.
    #[rhai_fn(get = "success", pure)]
    pub fn success(answer: &mut VeilAnswer) -> bool {
        answer.answer().success()
    }

    /// The rows of a page; none for everything else.
    #[rhai_fn(get = "paginator_results", pure)]
    pub fn paginator_results(answer: &mut VeilAnswer) -> Rows {
        if answer.answer().page().is_some() { answer.0.rows.clone() } else { Rows::default() }
    }

    /// How many rows the whole list has; 0 where this is no page.
    #[rhai_fn(get = "paginator_count", pure)]
    pub fn paginator_count(answer: &mut VeilAnswer) -> i64 {
        answer.answer().page().map_or(0, |page| page.count as i64)
    }

    /// The address of the next page, or `()`.
    #[rhai_fn(get = "paginator_next", pure)]
    pub fn paginator_next(answer: &mut VeilAnswer) -> Dynamic {
        answer.answer().page().and_then(|page| page.next).map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The address of the page before, or `()`.
    #[rhai_fn(get = "paginator_previous", pure)]
    pub fn paginator_previous(answer: &mut VeilAnswer) -> Dynamic {
        answer.answer().page().and_then(|page| page.previous).map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The object of a plain good answer (200); `#{}` for everything else.
    #[rhai_fn(get = "value", pure)]
    pub fn value(answer: &mut VeilAnswer) -> Dynamic {
        convert::from_json(answer.answer().value()).unwrap_or_default()
    }

    /// Handles: one for each row of a page, or one of the object that was asked for, or that is being made.
    #[rhai_fn(get = "response", pure)]
    pub fn response(answer: &mut VeilAnswer) -> Array {
        let Some(entity) = answer.0.entity else { return Array::new() };
        if answer.answer().page().is_some() {
            let rows = answer.0.rows.iter();
            return rows.map(|row| answer.handle(entity, convert::from_row(&row), false)).collect();
        }
        if let Some(id) = answer.answer().entity().filter(|_| answer.answer().success()) {
            return vec![kinds::handle(Thing::new(&answer.0.veil, entity, Some(id)))];
        }
        let fields = value(answer).try_cast::<Map>().filter(|fields| fields.contains_key("id"));
        fields.map(|fields| answer.handle(entity, fields, true)).into_iter().collect()
    }

    /// The task that was begun, or `()`.
    #[rhai_fn(get = "task", pure)]
    pub fn task(answer: &mut VeilAnswer) -> Dynamic {
        let begun = answer.answer().task();
        let entity = answer.answer().entity();
        begun.map_or(Dynamic::UNIT, |task| kinds::handle(work::begun(&answer.0.veil, task, entity, Vec::new())))
    }

    /// What was wrong: a list of `#{detail, code, key, field}`; `()` for a good answer.
    #[rhai_fn(get = "errors", pure)]
    pub fn errors(answer: &mut VeilAnswer) -> Dynamic {
        if answer.answer().success() {
            return Dynamic::UNIT;
        }
        let text = |text: Option<String>| text.map_or(Dynamic::UNIT, Dynamic::from);
        let fault = |fault: client::Fault| {
            let fields = [
                ("detail", fault.detail.into()),
                ("code", text(fault.code)),
                ("key", text(fault.key)),
                ("field", text(fault.field)),
            ];
            Dynamic::from(fields.into_iter().map(|(name, value)| (name.into(), value)).collect::<Map>())
        };
        answer.answer().faults().into_iter().map(fault).collect::<Array>().into()
    }

    /// The controller's number of the error; 0 for a good answer, 50000 where it tells none.
    #[rhai_fn(get = "error_code", pure)]
    pub fn error_code(answer: &mut VeilAnswer) -> i64 {
        answer.answer().error_code()
    }

    /// The controller's words for the error, or `()`.
    #[rhai_fn(get = "error_detail", pure)]
    pub fn error_detail(answer: &mut VeilAnswer) -> Dynamic {
        answer.answer().error_detail().map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The rows of a page or of a list.
    #[rhai_fn(pure)]
    pub fn rows(answer: &mut VeilAnswer) -> Rows {
        answer.0.rows.clone()
    }

    /// How many rows came.
    #[rhai_fn(pure)]
    pub fn len(answer: &mut VeilAnswer) -> i64 {
        answer.0.rows.len() as i64
    }

    /// The row at this place; the first is 0, the last is -1.
    #[rhai_fn(index_get, return_raw, pure)]
    pub fn index(call: NativeCallContext, answer: &mut VeilAnswer, at: i64) -> Thrown<Row> {
        let count = answer.0.rows.len();
        let place = if at < 0 { at + count as i64 } else { at };
        match usize::try_from(place).ok().and_then(|place| answer.0.rows.get(place)) {
            Some(row) => Ok(row),
            None => throw(
                &call,
                Error::input("rows.no_row", format!("there is no row {at}: the answer has {count}"))
                    .hint("an object that is no page is in .value"),
            ),
        }
    }

    /// Prints the answer as a table.
    #[rhai_fn(return_raw, pure)]
    pub fn show(call: NativeCallContext, answer: &mut VeilAnswer) -> Thrown<()> {
        host(&call).output.line(&shown(answer)).or_else(|error| throw(&call, error))
    }

    #[rhai_fn(name = "to_string", pure)]
    pub fn shown(answer: &mut VeilAnswer) -> String {
        let status = answer.answer().status;
        if let Some(detail) = answer.answer().error_detail() {
            return format!("{status}: {detail}");
        }
        match answer.answer().page() {
            Some(page) => {
                let rows = &answer.0.rows;
                format!("{status}: {} of {} rows\n{}", rows.len(), page.count, table::rows(rows, SHOWN, None))
            }
            None => format!("{status}: {}", answer.answer().text()),
        }
    }

    #[rhai_fn(name = "to_debug", pure)]
    pub fn brief(answer: &mut VeilAnswer) -> String {
        format!("VeilAnswer {}", answer.answer().status)
    }
}
