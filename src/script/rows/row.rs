//! `Row`: one row, its fields read when they are asked for.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Map, NativeCallContext};

use crate::core::rows;
use crate::error::{Error, did_you_mean};
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;

/// The value of a field; nothing where only other rows of the list have it; else an error that knows the names there are.
pub fn field(call: &NativeCallContext<'_>, row: &rows::Row, name: &str) -> Thrown<Dynamic> {
    match row.get(name) {
        Some(field) => Ok(convert::from_field(field)),
        None if row.is_column(name) => Ok(Dynamic::UNIT),
        None => throw(call, no_field(name, &row.shape().names().collect::<Vec<_>>())),
    }
}

pub fn no_field(name: &str, known: &[&str]) -> Error {
    let hint = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| match known.len() {
        0..=30 => format!("the fields are {}", known.join(", ")),
        n => format!("the {n} fields are {}, …", known[..30].join(", ")),
    });
    Error::input("rows.no_field", format!("there is no field `{name}`")).hint(hint)
}

#[export_module]
pub mod row {
    pub type Row = rows::Row;

    /// The value of the field `name`; `row.NAME` does the same. `()` where only other rows of the list have such a field;
    /// a name that none of them has is an error that lists the known ones.
    #[rhai_fn(index_get, return_raw, pure)]
    pub fn index(call: NativeCallContext, row: &mut Row, name: &str) -> Thrown<Dynamic> {
        field(&call, row, name)
    }

    /// The value of the field `name`, or `()` when the row has no such field.
    #[rhai_fn(pure)]
    pub fn get(row: &mut Row, name: &str) -> Dynamic {
        row.get(name).map_or(Dynamic::UNIT, convert::from_field)
    }

    /// Whether the row has the field `name`; the operator `in` asks the same.
    #[rhai_fn(pure)]
    pub fn contains(row: &mut Row, name: &str) -> bool {
        row.get(name).is_some()
    }

    /// The names of the fields, in the server's order.
    #[rhai_fn(pure)]
    pub fn keys(row: &mut Row) -> Array {
        row.shape().names().map(|name| name.to_string().into()).collect()
    }

    /// The values of the fields, in the server's order.
    #[rhai_fn(pure)]
    pub fn values(row: &mut Row) -> Array {
        row.fields().map(|(_, field)| convert::from_field(field)).collect()
    }

    /// The number of fields.
    #[rhai_fn(pure)]
    pub fn len(row: &mut Row) -> i64 {
        row.shape().names().len() as i64
    }

    /// The row as a map of its own, which can be changed.
    #[rhai_fn(pure)]
    pub fn to_map(row: &mut Row) -> Map {
        convert::from_row(row)
    }

    /// The row as JSON text.
    #[rhai_fn(return_raw, pure)]
    pub fn to_json(call: NativeCallContext, row: &mut Row) -> Thrown<String> {
        convert::row_value(row).map(|value| value.to_string()).or_else(|error| throw(&call, error))
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(row: &mut Row) -> String {
        convert::row_value(row).map(|value| value.to_string()).unwrap_or_default()
    }
}
