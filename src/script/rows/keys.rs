//! What rows are sorted, grouped and added up by: a column, or a function of the row.

use std::collections::HashMap;

use rhai::{Dynamic, FnPtr, ImmutableString, NativeCallContext};
use rust_decimal::Decimal;

use crate::core::clock;
use crate::core::order::Key;
use crate::core::rows::{self as held, Field};
use crate::error::Error;
use crate::script::bridge::{Thrown, ended, throw};
use crate::script::convert;
use crate::script::rows::row::no_field;
use crate::script::stop::Scope;
use crate::script::values::Moment;

/// Refuses a column that no row has.
pub fn known_column(call: &NativeCallContext<'_>, rows: &held::Rows, name: &str) -> Thrown<()> {
    if rows.is_empty() || rows.columns().iter().any(|column| **column == *name) {
        return Ok(());
    }
    throw(call, no_field(name, &rows.columns().iter().map(AsRef::as_ref).collect::<Vec<_>>()))
}

/// What `by` (a column or a function of the row) says of each row.
pub fn keys(call: &NativeCallContext<'_>, rows: &held::Rows, by: &Dynamic) -> Thrown<Vec<Key>> {
    if let Some(name) = by.read_lock::<ImmutableString>() {
        known_column(call, rows, &name)?;
        return Ok(rows.iter().map(|row| row.get(&name).map_or(Key::Nothing, key_of)).collect());
    }
    let Some(f) = by.read_lock::<FnPtr>().map(|f| f.clone()) else {
        return throw(call, neither(by));
    };
    let key = |row: held::Row| {
        let value = f.call_within_context::<Dynamic>(call, (row,))?;
        if let Some(moment) = value.read_lock::<Moment>() {
            return Ok(Key::of(moment.field()));
        }
        let value = convert::to_value(&value).or_else(|error| throw(call, error))?;
        Ok(match &value {
            serde_json::Value::Null => Key::Nothing,
            serde_json::Value::Bool(flag) => Key::Flag(*flag),
            serde_json::Value::String(text) => key_of(Field::Text(text)),
            other => key_of(crate::core::json::number(&other.to_string())),
        })
    };
    rows.iter().map(key).collect()
}

/// Portals send an empty text where there is no number or date.
fn key_of(field: Field<'_>) -> Key {
    match field {
        Field::Text("") => Key::Nothing,
        field => Key::of(field),
    }
}

fn neither(by: &Dynamic) -> Error {
    Error::input(
        "rows.by",
        format!("expected a column's name or a function of the row, found {}", convert::type_name(by)),
    )
    .hint("write \"COLUMN\" or |row| row.COLUMN")
}

/// The places of those that have a value.
pub fn valued(keys: &[Key]) -> impl Iterator<Item = usize> {
    (0..keys.len()).filter(|&at| keys[at] != Key::Nothing)
}

/// The places of the rows of each group, in the order in which the groups first occur.
pub fn groups(call: &NativeCallContext<'_>, rows: &held::Rows, by: &Dynamic) -> Thrown<Vec<(String, Vec<usize>)>> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at, key) in keys(call, rows, by)?.into_iter().enumerate() {
        // A native loop has no operations between which the engine could look.
        if at % 4096 == 0 && Scope::current().is_over() {
            return Err(ended(call.call_position()));
        }
        let name = match key {
            Key::Nothing => String::new(),
            Key::Flag(flag) => flag.to_string(),
            Key::Number(n) => n.to_string(),
            Key::Float(n) => n.to_string(),
            Key::Moment(_, at) => clock::shown(at).to_string(),
            Key::Text(text) => text.into(),
        };
        let place = *places.entry(name.clone()).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(at);
    }
    Ok(groups)
}

/// The exact sum, as a whole number where all are, else as a decimal.
pub fn total(call: &NativeCallContext<'_>, rows: &held::Rows, by: &Dynamic) -> Thrown<Dynamic> {
    let mut sum = Decimal::ZERO;
    let mut whole = true;
    for (at, key) in keys(call, rows, by)?.into_iter().enumerate() {
        let n = match key {
            Key::Nothing => continue,
            Key::Number(n) => n,
            other => return throw(call, no_number(at, &other)),
        };
        whole &= n.scale() == 0;
        match sum.checked_add(n) {
            Some(added) => sum = added,
            None => return throw(call, Error::input("rows.too_large", "the sum has more than 28 digits")),
        }
    }
    Ok(match i64::try_from(sum) {
        Ok(n) if whole => n.into(),
        _ => Dynamic::from_decimal(sum),
    })
}

fn no_number(at: usize, key: &Key) -> Error {
    let shown = match key {
        Key::Text(text) => format!("\"{text}\""),
        Key::Flag(flag) => flag.to_string(),
        Key::Moment(_, at) => clock::shown(*at).to_string(),
        other => format!("{other:?}"),
    };
    Error::input("rows.no_number", format!("row {at} holds {shown}, which is not a number"))
        .hint("filter such rows out first, or sum a function that turns them into numbers")
}
