//! What scripts give to the Orchestrator's calls, and what comes back as script values.

use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};
use serde_json::{Value, json};

use crate::core::json::read_rows;
use crate::core::rows::{Builder, Rows};
use crate::error::{Error, Result};
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;
use crate::services::robot::client::{self, Options, words};

/// A map of options as JSON; moments become texts by what their clock shows.
pub fn options(call: &NativeCallContext<'_>, given: &Map) -> Thrown<Options> {
    json_map(given).or_else(|error| throw(call, error))
}

fn json_map(given: &Map) -> Result<Options> {
    given.iter().map(|(name, value)| Ok((name.to_string(), convert::to_value(value)?))).collect()
}

/// Takes an option out of a map: it is ours and none of the Orchestrator's.
pub fn own(options: &mut Options, name: &str) -> Option<Value> {
    options.remove(name).filter(|value| !value.is_null())
}

/// A text among the options.
pub fn own_text(options: &mut Options, name: &str) -> Result<Option<String>> {
    match own(options, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong(name, "a text", &other)),
    }
}

/// A number of seconds among the options.
pub fn own_seconds(options: &mut Options, name: &str) -> Result<Option<std::time::Duration>> {
    let Some(value) = own(options, name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=1e8).contains(seconds));
    let seconds = seconds.ok_or_else(|| wrong(name, "a number of seconds", &value))?;
    Ok(Some(std::time::Duration::from_secs_f64(seconds)))
}

/// A whole number among the options.
pub fn own_count(options: &mut Options, name: &str) -> Result<Option<u64>> {
    let Some(value) = own(options, name) else { return Ok(None) };
    value.as_u64().map(Some).ok_or_else(|| wrong(name, "a whole number", &value))
}

fn wrong(name: &str, wanted: &str, found: &Value) -> Error {
    Error::input("options.type", format!("the option `{name}` takes {wanted}, not {found}"))
}

/// Rows of a script: a list of maps, or rows of a table.
pub fn rows_given(given: &Dynamic) -> Result<Vec<Value>> {
    let value = convert::to_value(given)?;
    let rows = value.as_array().filter(|rows| rows.iter().all(Value::is_object)).cloned();
    rows.ok_or_else(|| {
        Error::input("robot.rows", format!("{} is no list of maps", convert::type_name(given)))
            .hint("give rows, such as csv::read(…), or a list: [#{ number: 1 }, #{ number: 2 }]")
    })
}

/// Records as a table.
pub fn table(records: &[Value]) -> Result<Rows> {
    let mut builder = Builder::new();
    read_rows(&json!(records).to_string(), &mut builder)?;
    Ok(builder.finish().into())
}

/// A record of a task as people read it: words for numbers, its parameters read.
pub fn readable_task(task: &Value) -> Value {
    let mut shown = serde_json::Map::new();
    let Some(fields) = task.as_object() else { return task.clone() };
    for (name, value) in fields {
        let name = name.trim().to_lowercase();
        let value = match name.as_str() {
            "status" => words::word(&words::TASK_STATUSES, value).into(),
            "priority" if !value.is_null() => words::word(&words::PRIORITIES, value).into(),
            "parameters" => continue,
            "tags" => tags(Some(value)).into(),
            _ => value.clone(),
        };
        shown.insert(name, value);
    }
    shown.insert("params".into(), client::params(task));
    shown.into()
}

/// The tags of a record.
pub fn tags(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list.iter().map(|tag| client::text(Some(tag))).collect(),
        value => {
            let text = client::text(value);
            text.split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        }
    }
}

/// One text or a list of them, joined as the Orchestrator wants tags.
pub fn joined_tags(given: &Dynamic) -> Result<Value> {
    let one = |tag: &Dynamic| {
        let text = tag.read_lock::<ImmutableString>().map(|text| text.to_string());
        text.filter(|tag| !tag.contains(';') && !tag.trim().is_empty()).ok_or_else(|| {
            Error::input("robot.tags", format!("{} is no tag", convert::type_name(tag)))
                .hint("give a text without `;`, or a list of texts")
        })
    };
    match given.read_lock::<Array>() {
        Some(list) => Ok(json!(list.iter().map(one).collect::<Result<Vec<String>>>()?)),
        None => Ok(json!([one(given)?])),
    }
}
