//! Script values as the client wants them.

use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};
use serde_json::Value;

use crate::core::rows::Rows;
use crate::error::{Error, Result};
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;
use crate::services::b24::client::{Command, Params};

/// A script's value as parameters. A sort order by several fields means something by their order, which a map has lost.
pub fn params(call: &NativeCallContext<'_>, value: &Dynamic) -> Thrown<Params> {
    let unordered = value.read_lock::<Map>().is_some_and(|map| {
        map.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("order") && value.read_lock::<Map>().is_some_and(|order| order.len() > 1)
        })
    });
    if unordered {
        let error = Error::input("b24.unordered", "`order` has several fields, and a map does not keep their order");
        return throw(call, error.hint("write order: [[\"DATE_CREATE\", \"DESC\"], [\"ID\", \"ASC\"]]"));
    }
    convert::to_value(value).or_else(|error| throw(call, error))
}

/// Many items, or the parameters of one call: a list of maps (or of lists, for methods that take parameters by their
/// place) is many.
pub enum Given {
    One(Params),
    Many(Vec<Params>),
}

pub fn given(call: &NativeCallContext<'_>, value: &Dynamic) -> Thrown<Given> {
    if let Some(rows) = value.read_lock::<Rows>() {
        let items = rows.iter().map(|row| convert::row_value(&row)).collect::<Result<Vec<Value>>>();
        return items.map(Given::Many).or_else(|error| throw(call, error));
    }
    Ok(match params(call, value)? {
        Value::Array(items) if items.iter().all(Value::is_object) || items.iter().all(Value::is_array) => {
            Given::Many(items)
        }
        one => Given::One(one),
    })
}

/// Ids as texts: from numbers, texts, or rows that have an `ID` or `id`.
pub fn ids(call: &NativeCallContext<'_>, value: &Dynamic) -> Thrown<Vec<String>> {
    if let Some(rows) = value.read_lock::<Rows>() {
        let column = rows.columns().iter().find(|name| name.eq_ignore_ascii_case("id")).cloned();
        let Some(column) = column else {
            return throw(call, Error::input("b24.ids", "the rows have no column ID").hint("pass rows.column(\"…\")"));
        };
        let id = |row: crate::core::rows::Row| {
            row.get(&column).map_or_else(String::new, |field| crate::core::order::cell_text(field).into_owned())
        };
        return Ok(rows.iter().map(id).collect());
    }
    let Some(items) = value.read_lock::<Array>() else {
        let message = format!("the ids are {}, not a list", convert::type_name(value));
        return throw(call, Error::input("b24.ids", message).hint("pass a list such as [1, 2, 3], or rows"));
    };
    let id = |(at, item): (usize, &Dynamic)| match (item.as_int(), item.read_lock::<ImmutableString>()) {
        (Ok(n), _) => Ok(n.to_string()),
        (_, Some(text)) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => {
            let message = format!("id number {at} is {}, not an id", convert::type_name(item));
            throw(
                call,
                Error::input("b24.ids", message)
                    .hint("an id is a whole number or a text; a change in a dry run gives (), since it was not made"),
            )
        }
    };
    items.iter().enumerate().map(id).collect()
}

/// A list of `[method, parameters]`.
pub fn mixed(given: Params) -> Result<Vec<(String, Params)>> {
    let Value::Array(calls) = given else { return Err(Error::input("b24.calls", "expected a list of calls")) };
    let pair = |(at, call): (usize, Value)| match call {
        Value::Array(mut pair) if pair.len() == 2 && pair[0].is_string() => {
            let params = pair.pop().unwrap_or_default();
            Ok((pair[0].as_str().unwrap_or_default().to_owned(), params))
        }
        _ => Err(Error::input("b24.calls", format!("call number {at} is not a list [method, parameters]"))
            .hint("write [[\"crm.deal.get\", #{ID: 7}], …]")),
    };
    calls.into_iter().enumerate().map(pair).collect()
}

/// The user's own batch: `#{halt, cmd}`, with commands by name, or in a list.
pub fn batch(given: Params) -> Result<(bool, Vec<(String, Command)>)> {
    let wrong = |message: &str| {
        Error::input("b24.batch", format!("call_batch: {message}"))
            .hint("write #{halt: 0, cmd: #{name: \"crm.deal.get?ID=7\", …}}, or cmd: ordered([[\"name\", …], …])")
    };
    let Value::Object(mut fields) = given else { return Err(wrong("expected a map")) };
    let halt = match fields.remove("halt").unwrap_or(Value::Null) {
        Value::Null => false,
        Value::Bool(halt) => halt,
        Value::Number(n) => n.as_i64() != Some(0),
        _ => return Err(wrong("`halt` is 0 or 1")),
    };
    let commands = match fields.remove("cmd") {
        Some(Value::Object(named)) => named.into_iter().collect::<Vec<_>>(),
        Some(Value::Array(listed)) => {
            listed.into_iter().enumerate().map(|(at, command)| (format!("c{at}"), command)).collect()
        }
        _ => return Err(wrong("`cmd` holds the commands")),
    };
    if let Some(name) = fields.keys().next() {
        return Err(wrong(&format!("there is no `{name}` in a batch")));
    }
    let command = |(name, command): (String, Value)| match one_command(command) {
        Some(command) => Ok((name, command?)),
        None => {
            Err(wrong(&format!("`{name}` is neither a text such as \"crm.deal.get?ID=7\" nor [method, parameters]")))
        }
    };
    Ok((halt, commands.into_iter().map(command).collect::<Result<_>>()?))
}

/// A text as it is sent, or `[method, parameters]`.
fn one_command(command: Value) -> Option<Result<Command>> {
    match command {
        Value::String(text) => Some(Command::text(text)),
        Value::Array(mut pair) if pair.len() == 2 => {
            let params = pair.pop()?;
            Some(Command::new(pair.pop()?.as_str()?, params))
        }
        _ => None,
    }
}
