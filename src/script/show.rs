//! A value as a person or another program wants to see it at the end of a line.

use rhai::{Array, Dynamic, Engine, Map, Scope};

use crate::core::rows::{Builder, Row, Rows};
use crate::core::stats::grouped;
use crate::error::{Error, Kind, Result};
use crate::render::export::text;
use crate::render::table;
use crate::script::convert;
use crate::services;

/// So many rows are enough to see what there is.
const SHOWN: usize = 20;

/// For people: tables for rows, lists of maps and maps; everything else as text. `None` for nothing.
pub fn for_people(engine: &Engine, value: &Dynamic, width: Option<u16>) -> Option<String> {
    if value.is_unit() {
        return None;
    }
    if let Some(plain) = services::plain(value) {
        return for_people(engine, &plain, width);
    }
    if let Some(rows) = as_rows(value) {
        return Some(table::rows(&rows, SHOWN, width));
    }
    if let Some(row) = value.read_lock::<Row>() {
        let fields: Vec<(&str, String)> =
            row.fields().map(|(name, field)| (name, crate::core::order::cell_text(field).into_owned())).collect();
        return Some(table::pairs(fields.into_iter(), width));
    }
    if let Some(map) = value.read_lock::<Map>().filter(|map| !map.is_empty()) {
        return Some(table::pairs(map.iter().map(|(name, value)| (name.as_str(), plain(engine, value))), width));
    }
    Some(text_of(engine, value))
}

/// The text that scripts get from `to_string()`; only the engine knows it for its own types.
fn text_of(engine: &Engine, value: &Dynamic) -> String {
    let mut scope = Scope::new();
    scope.push_dynamic("value", value.clone());
    let text = engine.eval_expression_with_scope::<String>(&mut scope, "value.to_string()");
    text.unwrap_or_else(|_| value.to_string())
}

/// As JSON text, without a line end.
pub fn as_json(value: &Dynamic) -> Result<String> {
    Ok(convert::to_value(value)?.to_string())
}

/// As CSV: rows, a list, a map; a single value is one cell.
pub fn as_csv(value: &Dynamic) -> Result<String> {
    let rows = rows_of(value)?;
    let mut bytes = Vec::new();
    text::csv(&mut bytes, &rows).map_err(|error| Error::new(Kind::Input, "csv.failed", error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
}

/// Any value as rows: a list has one for each element, a single value is one row.
pub fn rows_of(value: &Dynamic) -> Result<Rows> {
    if let Some(rows) = as_rows(value) {
        return Ok(rows);
    }
    let mut builder = Builder::new();
    match value.read_lock::<Array>() {
        Some(items) => items.iter().try_for_each(|item| convert::push_row(&mut builder, item, None))?,
        None => convert::push_row(&mut builder, value, None)?,
    }
    Ok(builder.finish().into())
}

/// Rows, or a list of maps as rows.
fn as_rows(value: &Dynamic) -> Option<Rows> {
    if let Some(plain) = services::plain(value) {
        return as_rows(&plain);
    }
    if let Some(rows) = value.read_lock::<Rows>() {
        return Some(rows.clone());
    }
    let items = value.read_lock::<Array>()?;
    let is_table = !items.is_empty() && items.iter().all(|item| item.is_map() || item.is::<Row>());
    if !is_table {
        return None;
    }
    let mut builder = Builder::new();
    items.iter().try_for_each(|item| convert::push_row(&mut builder, item, None)).ok()?;
    Some(builder.finish().into())
}

/// A value inside a table's cell.
fn plain(engine: &Engine, value: &Dynamic) -> String {
    if let Some(rows) = value.read_lock::<Rows>() {
        return match rows.len() {
            1 => "1 row".to_owned(),
            n => format!("{} rows", grouped(n as u64)),
        };
    }
    match value.is_map() || value.is_array() || value.is::<Row>() {
        true => as_json(value).unwrap_or_else(|_| text_of(engine, value)),
        false => text_of(engine, value),
    }
}
