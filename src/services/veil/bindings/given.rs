//! Values of scripts as what calls and lists take.

use std::time::Duration;

use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};
use serde_json::Value;

use super::Veil;
use super::kinds;
use super::things::Things;
use crate::core::order::cell_text;
use crate::core::rows::{Row, Rows};
use crate::error::{Error, Result, did_you_mean};
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;
use crate::script::options::Options as Named;
use crate::secret::Secret;
use crate::services::veil::client::{How, Options, Via};
use crate::services::veil::table::{Call, Entity, Holds, Param, entity};

/// What every reading call takes beside its own options.
pub const OF_READING: &[&str] = &["retry"];
/// What every change takes.
pub const OF_CHANGE: &[&str] = &["wait", "timeout", "interval", "errors", "cancel", "retry", "dry_run", "no_task"];
/// What every change of many takes.
pub const OF_BULK: &[&str] =
    &["limit", "wait", "timeout", "interval", "via", "cancel", "retry", "dry_run", "no_task", "errors"];
/// What waiting takes.
pub const OF_WAITING: &[&str] = &["timeout", "interval", "errors", "cancel"];

/// Requests at once where nobody said how many.
const USUALLY: i64 = 8;
const AT_MOST: i64 = 256;
/// The longest time that anybody means.
const LONGEST: f64 = 1e7;

/// How something is to be done, whatever it is.
#[derive(Clone, Debug)]
pub struct General {
    pub wait: Option<bool>,
    pub timeout: Option<Duration>,
    pub interval: Option<Duration>,
    /// Failures are given back instead of thrown.
    pub returns: bool,
    pub cancel: bool,
    pub limit: usize,
    pub via: Via,
    pub how: How,
}

impl General {
    /// Reads the options that are not the call's own. `usually` says what is done about failures.
    pub fn read(map: &Map, known: &[&str], usually: &'static str) -> Result<General> {
        let options = Named::read(map, known)?;
        let other = if usually == "throw" { "return" } else { "throw" };
        let errors = options.choice("errors", &[usually, other])?;
        let tries = match options.integer("retry")? {
            None => None,
            Some(tries @ 1..=100) => Some(tries as u32),
            Some(tries) => return Err(out_of("retry", tries, 1, 100)),
        };
        let limit = match options.integer("limit")?.unwrap_or(USUALLY) {
            limit @ 1..=AT_MOST => limit as usize,
            limit => return Err(out_of("limit", limit, 1, AT_MOST)),
        };
        let given = |name: &str| map.get(name).is_some_and(|value| !value.is_unit());
        let flag = |name: &str| Ok::<_, Error>(if given(name) { Some(options.flag(name, false)?) } else { None });
        let via = match options.choice("via", &["each", "multi"])? {
            "multi" => Via::Multi,
            _ => Via::Each,
        };
        Ok(General {
            wait: flag("wait")?,
            timeout: seconds(map, "timeout")?,
            interval: seconds(map, "interval")?,
            returns: errors == "return",
            cancel: options.flag("cancel", false)?,
            limit,
            via,
            how: How { tries, dry_run: options.flag("dry_run", false)?, at_once: flag("no_task")? },
        })
    }
}

fn out_of(name: &str, found: i64, least: i64, most: i64) -> Error {
    Error::input("options.value", format!("the option `{name}` cannot be {found}"))
        .hint(format!("it is a whole number from {least} to {most}"))
}

fn seconds(map: &Map, name: &str) -> Result<Option<Duration>> {
    let Some(value) = map.get(name).filter(|value| !value.is_unit()) else { return Ok(None) };
    let found = value.as_float().or_else(|_| value.as_int().map(|whole| whole as f64));
    match found {
        Ok(found) if found > 0.0 && found <= LONGEST => Ok(Some(Duration::from_secs_f64(found))),
        Ok(found) => Err(Error::input("options.value", format!("the option `{name}` cannot be {found}"))
            .hint("it is a number of seconds above 0")),
        Err(_) => Err(Error::input(
            "options.type",
            format!("the option `{name}` takes a number of seconds, not {}", convert::type_name(value)),
        )
        .hint(format!("write {name}: 60"))),
    }
}

/// A call's own options, and the general ones.
pub fn options(
    call: &NativeCallContext<'_>,
    veil: &Veil,
    what: &str,
    does: &'static Call,
    placed: &[Dynamic],
    given: &Map,
    (known, usually): (&[&str], &'static str),
) -> Thrown<(Options, General)> {
    let mut own = Options::new();
    let mut general = Map::new();
    // `vm.migrate(node)` with a map that the controller gave.
    let is_object = |param: &&'static Param| {
        let is_id = matches!(param.holds, Holds::Of(_) | Holds::ManyOf(_));
        is_id && placed.is_empty() && given.contains_key("id") && does.option("id").is_none()
    };
    if let Some(param) = does.by_place().next().filter(is_object) {
        own.insert(param.name.to_owned(), json(call, veil, param, &given.clone().into())?);
        let general = General::read(&Map::new(), known, usually).or_else(|error| throw(call, error))?;
        return Ok((own, general));
    }
    for (param, value) in does.by_place().zip(placed) {
        own.insert(param.name.to_owned(), json(call, veil, param, value)?);
    }
    for (name, value) in given {
        match does.option(name) {
            Some(param) if own.contains_key(param.name) => {
                let error = Error::input("veil.options", format!("{what}: `{name}` is given twice"));
                return throw(call, error.hint("leave it out of the options, or give it there alone"));
            }
            Some(_) if value.is_unit() => {}
            Some(param) => drop(own.insert(param.name.to_owned(), json(call, veil, param, value)?)),
            None if known.contains(&name.as_str()) => drop(general.insert(name.clone(), value.clone())),
            None => {
                let names: Vec<&str> = does.options().map(|param| param.name).chain(known.iter().copied()).collect();
                return throw(call, unknown(what, name, &names));
            }
        }
    }
    let general = General::read(&general, known, usually).or_else(|error| throw(call, error))?;
    Ok((own, general))
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Error {
    let hint = super::words::option(name, known)
        .or_else(|| did_you_mean(name, known.iter().copied()))
        .unwrap_or_else(|| format!("its options are {}", known.join(", ")));
    Error::input("veil.unknown_option", format!("{what} has no option `{name}`")).hint(hint)
}

/// What narrows a list. Nothing is asked for here.
pub fn filter(call: &NativeCallContext<'_>, veil: &Veil, entity: &'static Entity, given: &Map) -> Thrown<Options> {
    let mut options = Options::new();
    for (name, value) in given {
        match entity.list_params().find(|param| param.name == name.as_str()) {
            Some(param) => drop(options.insert(param.name.to_owned(), json(call, veil, param, value)?)),
            None => {
                let names: Vec<&str> = entity.list_params().map(|param| param.name).collect();
                return throw(call, unknown(&format!("the list of {}", entity.plural), name, &names));
            }
        }
    }
    Ok(options)
}

/// A value as a parameter takes it. What stands for an object becomes its id or its name.
fn json(call: &NativeCallContext<'_>, veil: &Veil, param: &Param, value: &Dynamic) -> Thrown<Value> {
    match param.holds {
        _ if value.is_unit() => Ok(Value::Null),
        Holds::Of(word) => about(call, veil, Some(word), value).map(Value::from),
        Holds::ManyOf(word) => {
            let ids = many(call, veil, word, value)?;
            Ok(ids.into_iter().map(Value::from).collect())
        }
        Holds::Uuid => device(call, veil, value).map(Value::from),
        Holds::Map | Holds::List => plain(call, veil, value),
        Holds::Secret => {
            let text = convert::to_value(value).or_else(|error| throw(call, error))?;
            if let Value::String(secret) = &text {
                drop(Secret::new(secret.as_str()));
            }
            Ok(text)
        }
        _ => convert::to_value(value).or_else(|error| throw(call, error)),
    }
}

/// The id or the name of one object: from a text, a number, a row, a map or a handle. `word` says of which entity.
pub fn about(call: &NativeCallContext<'_>, veil: &Veil, word: Option<&str>, value: &Dynamic) -> Thrown<String> {
    let wrong = |message: String| {
        let named = word.map_or_else(|| "an object".to_owned(), |word| word.replace('_', " "));
        let hint = format!("give the id or the name of the {named}, a row or a handle of it");
        throw(call, Error::input("veil.no_id", message).hint(hint))
    };
    if let Some(thing) = kinds::thing(value) {
        if word.is_some_and(|word| word != thing.entity().word) {
            return wrong(format!("{} is {}", thing.shown(), thing.entity().named));
        }
        veil.own(call, thing.veil(), &thing.shown())?;
        return match thing.about() {
            Some(about) => Ok(about),
            None => throw(call, thing.no_object("an id")),
        };
    }
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return match text.trim() {
            "" => wrong("an empty text is no id".into()),
            text => Ok(text.to_owned()),
        };
    }
    if let Ok(number) = value.as_int() {
        return Ok(number.to_string());
    }
    if let Some(row) = value.read_lock::<Row>() {
        return match row.get("id") {
            Some(field) => Ok(cell_text(field).into_owned()),
            None => wrong("the row has no field `id`".into()),
        };
    }
    if let Some(map) = value.read_lock::<Map>() {
        return match map.get("id").filter(|id| !id.is_unit()) {
            Some(id) => Ok(id.to_string()),
            None => match word.and_then(entity) {
                Some(entity) => throw(
                    call,
                    Error::input("veil.no_id", "the map has no `id`").hint(format!(
                        "one object is named by its id or its name; a filter leaves several: veil.{}(#{{…}})",
                        entity.plural
                    )),
                ),
                None => wrong("the map has no `id`".into()),
            },
        };
    }
    wrong(format!("{} is no id", convert::type_name(value)))
}

/// The ids or the names of many.
pub fn many(call: &NativeCallContext<'_>, veil: &Veil, word: &str, value: &Dynamic) -> Thrown<Vec<String>> {
    if let Some(rows) = value.read_lock::<Rows>() {
        return rows.iter().map(|row| about(call, veil, Some(word), &Dynamic::from(row))).collect();
    }
    if let Some(items) = value.read_lock::<Array>() {
        return items.iter().map(|item| about(call, veil, Some(word), item)).collect();
    }
    match kinds::things(value) {
        Some(things) if things.entity().word == word => {
            veil.own(call, things.veil(), &things.shown())?;
            things.ids(call)
        }
        _ => about(call, veil, Some(word), value).map(|one| vec![one]),
    }
}

/// The id of something that has no list: a drive, a device.
fn device(call: &NativeCallContext<'_>, veil: &Veil, value: &Dynamic) -> Thrown<String> {
    let uuid = value.read_lock::<Map>().and_then(|map| map.get("uuid").map(ToString::to_string));
    match uuid {
        Some(uuid) => Ok(uuid),
        None => about(call, veil, None, value),
    }
}

/// Lists and maps that are sent as they are; handles inside become ids.
pub fn plain(call: &NativeCallContext<'_>, veil: &Veil, value: &Dynamic) -> Thrown<Value> {
    if let Some(thing) = kinds::thing(value) {
        veil.own(call, thing.veil(), &thing.shown())?;
        return Ok(thing.id(call)?.map_or(Value::Null, Value::from));
    }
    if let Some(things) = kinds::things(value) {
        veil.own(call, things.veil(), &things.shown())?;
        return Ok(Things::ids(&things, call)?.into());
    }
    if let Some(items) = value.read_lock::<Array>() {
        return items.iter().map(|item| plain(call, veil, item)).collect::<Thrown<Vec<Value>>>().map(Value::Array);
    }
    if let Some(map) = value.read_lock::<Map>() {
        let fields = map.iter().map(|(name, value)| Ok((name.to_string(), plain(call, veil, value)?)));
        return fields.collect::<Thrown<Options>>().map(Value::Object);
    }
    convert::to_value(value).or_else(|error| throw(call, error))
}
