//! One command, asked once or for many things.

use std::sync::Arc;

use rhai::{Array, Dynamic, EvalAltResult, Map, NativeCallContext};

use super::Rac;
use super::given::{self, at_once, give_key};
use super::spec::Spec;
use crate::core::json::too_large;
use crate::core::rows::{Builder, Field, Row, Rows};
use crate::error::{Error, Kind, Result, Retry};
use crate::script::bridge::{Thrown, error_map, host, throw, wait};
use crate::services::rac::client::{Call, Reply, Server};
use crate::services::rac::table::Opt;

/// Calls a command with what it is about, if it is about one thing, and with options.
pub fn run(
    call: &NativeCallContext<'_>,
    rac: &Rac,
    spec: Spec,
    about: Option<Dynamic>,
    options: &Map,
) -> Thrown<Dynamic> {
    let server = rac.server(call)?;
    let options = rac.with_usual(spec, options);
    let Some((key, about)) = spec.key.zip(about) else {
        let asked = given::call(spec, &options, server.zone()).or_else(|error| throw(call, error))?;
        return wait(call, server.run(asked)).map(value);
    };
    match many(&about) {
        Some(items) => run_many(call, &server, spec, key, &items, &options),
        None => {
            let asked = about_one(spec, key, &about, &options, &server).or_else(|error| throw(call, error))?;
            wait(call, server.run(asked)).map(value)
        }
    }
}

/// A reply as a script gets it.
pub fn value(reply: Reply) -> Dynamic {
    match reply {
        Reply::Nothing => Dynamic::UNIT,
        Reply::Text(text) | Reply::Id(text) => text.into(),
        Reply::Row(row) => Dynamic::from(row),
        Reply::Rows(rows) => Dynamic::from(rows),
    }
}

/// The single things of a list or of rows.
fn many(about: &Dynamic) -> Option<Array> {
    if let Some(rows) = about.read_lock::<Rows>() {
        return Some(rows.iter().map(Dynamic::from).collect());
    }
    about.read_lock::<Array>().map(|items| items.clone())
}

fn about_one(spec: Spec, key: &'static Opt, about: &Dynamic, options: &Map, server: &Server) -> Result<Call> {
    let mut asked = given::call(spec, options, server.zone())?;
    give_key(&mut asked, spec, key, about, server.zone())?;
    Ok(asked)
}

/// How one of many is called in the answer.
fn label(key: &Opt, item: &Dynamic) -> String {
    let of_row = item.read_lock::<Row>().and_then(|row| given::of_row(&row, key));
    of_row.unwrap_or_else(|| item.to_string())
}

/// The same for each of many, a few at once. All are read before the first is asked: a list with a slip changes nothing.
fn run_many(
    call: &NativeCallContext<'_>,
    server: &Arc<Server>,
    spec: Spec,
    key: &'static Opt,
    items: &[Dynamic],
    options: &Map,
) -> Thrown<Dynamic> {
    let at_once = at_once(options).or_else(|error| throw(call, error))?;
    let asked = items.iter().map(|item| about_one(spec, key, item, options, server));
    let asked = asked.collect::<Result<Vec<Call>>>().or_else(|error| throw(call, error))?;
    let labels: Vec<String> = items.iter().map(|item| label(key, item)).collect();
    let bar = host(call).context.progress().start(spec.name().replace('_', " "), Some(asked.len() as u64));
    let replies = wait(call, async { Ok(server.run_many(asked, at_once, || bar.add(1)).await) })?;
    if let Some(error) = common_failure(&replies) {
        return throw(call, error);
    }
    match spec.gives_records() {
        true => records(call, key, &labels, replies),
        false => done(key, &labels, &replies).map(Dynamic::from).or_else(|error| throw(call, error)),
    }
}

/// What failed for all alike and is no matter of a single one: the server is not there, nobody is known. Changes that may
/// have been made all the same are told one by one.
fn common_failure(replies: &[Result<Reply>]) -> Option<Error> {
    let first = replies.first()?.as_ref().err()?;
    if replies.iter().flat_map(|reply| reply.as_ref().err()).any(|error| error.may_retry() == Retry::Unknown) {
        return None;
    }
    let is_its_own = matches!(first.kind(), Kind::NotFound | Kind::Refused);
    let is_same = |reply: &Result<Reply>| reply.as_ref().is_err_and(|error| error.code() == first.code());
    (replies.iter().all(is_same) && (!is_its_own || first.code() == "rac.read_only")).then(|| first.clone())
}

/// One row for each: whether it was done, and why not.
fn done(key: &Opt, labels: &[String], replies: &[Result<Reply>]) -> Result<Rows> {
    let name = key.script_name();
    let mut rows = Builder::new();
    for (label, reply) in labels.iter().zip(replies) {
        let error = reply.as_ref().err();
        let cells = [
            (name.as_str(), Field::Text(label)),
            ("done", Field::Flag(error.is_none())),
            ("error", error.map_or(Field::Null, |error| Field::Text(error.code()))),
            ("message", error.map_or(Field::Null, |error| Field::Text(error.message()))),
        ];
        for (name, field) in cells {
            rows.name(name);
            rows.push(field).map_err(|_| too_large())?;
        }
        rows.end_row();
    }
    Ok(rows.finish().into())
}

/// The records of all. Those that failed are thrown together, with the records of the others inside.
fn records(call: &NativeCallContext<'_>, key: &Opt, labels: &[String], replies: Vec<Result<Reply>>) -> Thrown<Dynamic> {
    let mut found: Vec<Row> = Vec::new();
    let mut failures: Vec<(&str, Error)> = Vec::new();
    for (label, reply) in labels.iter().zip(replies) {
        match reply {
            Ok(Reply::Rows(rows)) => found.extend(rows.iter()),
            Ok(Reply::Row(row)) => found.push(row),
            Ok(_) => {}
            Err(error) => failures.push((label, error)),
        }
    }
    let Some((label, first)) = failures.first() else { return Ok(Dynamic::from(Rows::of(found))) };
    let message = format!("{} of {} failed; first, {label}: {}", failures.len(), labels.len(), first.message());
    let error = Error::new(Kind::Partial, "rac.partial", message)
        .hint("the error holds the others: err.rows, and err.failures says why");
    let mut map = error_map(&error, call.call_position());
    map.insert("rows".into(), Dynamic::from(Rows::of(found)));
    let failure = |(label, error): &(&str, Error)| {
        let mut failure = error_map(error, rhai::Position::NONE);
        failure.insert(key.script_name().into(), (*label).into());
        Dynamic::from(failure)
    };
    map.insert("failures".into(), failures.iter().map(failure).collect::<Array>().into());
    Err(Box::new(EvalAltResult::ErrorRuntime(map.into(), call.call_position())))
}
