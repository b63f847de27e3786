//! `b24` in scripts. The only file here that knows Rhai.

use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, FnPtr, Map, Module, NativeCallContext, Shared};
use serde_json::Value;

use super::client::{Answer, ById, Command, Outcomes, Params, Portal, Told, Via};
use super::{NAME, SETTINGS};
use crate::core::rows::Rows;
use crate::error::{Error, Result, Retry};
use crate::script::bridge::{Host, Thrown, error_map, host, throw, thrown, wait};
use crate::script::convert;
use crate::script::options::{self, Choice};

/// What is done about calls that failed among many.
const ERRORS: Choice = Choice { name: "errors", words: &["throw", "return"] };
/// How rows are fetched by their ids.
const VIA: Choice = Choice { name: "via", words: &["method", "list", "each"] };

/// The object: the default connection, or one that `connect` gave.
#[derive(Clone, Default)]
pub struct B24(Option<Arc<Portal>>);

impl B24 {
    fn portal(&self, call: &NativeCallContext<'_>) -> Thrown<Arc<Portal>> {
        match &self.0 {
            Some(portal) => Ok(portal.clone()),
            None => {
                let host = host(call);
                let opened = host.connections.open(NAME, None, |settings| Portal::open(settings, &host.context));
                opened.or_else(|error| throw(call, error))
            }
        }
    }
}

pub fn register(engine: &mut Engine, globals: &mut Module) {
    engine.register_type_with_name::<B24>("B24");
    engine.register_type_with_name::<Answers>("Answers");
    engine.register_iterator::<Answers>();
    engine.register_global_module(Shared::new(rhai::exported_module!(b24)));
    engine.register_global_module(Shared::new(rhai::exported_module!(answers)));
    globals.set_var(NAME, B24::default());
}

/// A script's value as parameters. A sort order by several fields means something by their order, which a map has lost.
fn params(call: &NativeCallContext<'_>, value: &Dynamic) -> Thrown<Params> {
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

fn answer(call: &NativeCallContext<'_>, answer: Answer) -> Thrown<Dynamic> {
    match answer {
        Answer::Rows(rows) => Ok(Dynamic::from(rows)),
        Answer::Row(row) => Ok(Dynamic::from(row)),
        Answer::Json(text) => json(call, text.get()),
    }
}

fn json(call: &NativeCallContext<'_>, text: &str) -> Thrown<Dynamic> {
    convert::from_json(text).or_else(|error| throw(call, error))
}

/// Many items, or the parameters of one call: a list of maps (or of lists, for methods that take parameters by their
/// place) is many.
enum Given {
    One(Params),
    Many(Vec<Params>),
}

fn given(call: &NativeCallContext<'_>, value: &Dynamic) -> Thrown<Given> {
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
fn ids(call: &NativeCallContext<'_>, value: &Dynamic) -> Thrown<Vec<String>> {
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
            throw(call, Error::input("b24.ids", message))
        }
    };
    items.iter().enumerate().map(id).collect()
}

/// The results, or what the caller wants of failures: an error that holds everything, or the answers as they are.
fn settled(
    call: &NativeCallContext<'_>,
    method: &str,
    outcomes: Outcomes,
    choice: &str,
    keyed: bool,
) -> Thrown<Dynamic> {
    let failed = outcomes.error(method);
    let answers = Answers(Arc::new(outcomes));
    match failed {
        Some(error) if choice == "throw" => {
            // What succeeded must not be lost with what failed.
            let mut map = error_map(&error, call.call_position());
            map.insert("results".into(), answers.results(call)?.into());
            map.insert("failures".into(), answers.failures().into());
            Err(Box::new(EvalAltResult::ErrorRuntime(map.into(), call.call_position())))
        }
        None if choice == "throw" && !keyed => answers.results(call).map(Dynamic::from),
        _ => Ok(Dynamic::from(answers)),
    }
}

/// A list of `[method, parameters]`.
fn mixed(given: Params) -> Result<Vec<(String, Params)>> {
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
fn batch(given: Params) -> Result<(bool, Vec<(String, Command)>)> {
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

/// The results by name. The first failure is thrown, with the results of the others inside.
fn results_by_name(call: &NativeCallContext<'_>, told: Vec<Told>) -> Thrown<Dynamic> {
    let mut results = Map::new();
    let mut failed = None;
    for command in told {
        match command.answer {
            Some(Ok(found)) => drop(results.insert(command.name.into(), json(call, found.get())?)),
            Some(Err(error)) => drop(failed.get_or_insert((command.name, error))),
            None => {}
        }
    }
    let Some((name, error)) = failed else { return Ok(results.into()) };
    let mut map = error_map(&error, call.call_position());
    map.insert("message".into(), format!("command `{name}`: {}", error.message()).into());
    map.insert("command".into(), name.into());
    map.insert("results".into(), results.into());
    Err(Box::new(EvalAltResult::ErrorRuntime(map.into(), call.call_position())))
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

/// The answers to many calls, in the order in which they were asked.
#[derive(Clone)]
pub struct Answers(Arc<Outcomes>);

impl Answers {
    /// The results; `()` where a call failed.
    fn results(&self, call: &NativeCallContext<'_>) -> Thrown<Array> {
        self.0.answers.iter().map(|answer| self.value(call, answer)).collect()
    }

    fn value(&self, call: &NativeCallContext<'_>, result: &Result<Answer>) -> Thrown<Dynamic> {
        match result {
            Ok(found) => answer(call, found.clone()),
            Err(_) => Ok(Dynamic::UNIT),
        }
    }

    /// The place of an id.
    fn place(&self, id: &str) -> Option<usize> {
        self.0.ids.as_ref()?.iter().position(|known| known == id)
    }

    /// What is known of one answer, without its result.
    fn entry(&self, at: usize) -> Map {
        let mut map = Map::new();
        map.insert("index".into(), (at as i64).into());
        if let Some(id) = self.0.ids.as_ref().and_then(|ids| ids.get(at)) {
            map.insert("id".into(), id.as_str().into());
        }
        let error = self.0.answers[at].as_ref().err();
        map.insert("ok".into(), error.is_none().into());
        if let Some(error) = error {
            map.extend(error_map(error, rhai::Position::NONE));
            map.insert("unknown".into(), (error.may_retry() == Retry::Unknown).into());
        }
        map
    }

    fn failures(&self) -> Array {
        let failed = (0..self.0.answers.len()).filter(|&at| self.0.answers[at].is_err());
        failed.map(|at| self.entry(at).into()).collect()
    }
}

/// `for answer in answers`: `#{index, id, ok, result}`, or the failure in place of the result.
impl IntoIterator for Answers {
    type Item = Map;
    type IntoIter = std::vec::IntoIter<Map>;

    fn into_iter(self) -> Self::IntoIter {
        let entry = |at: usize| {
            let mut map = self.entry(at);
            if let Ok(found) = &self.0.answers[at] {
                let result = match found {
                    Answer::Rows(rows) => Dynamic::from(rows.clone()),
                    Answer::Row(row) => Dynamic::from(row.clone()),
                    // What is not JSON was refused when it was read.
                    Answer::Json(text) => convert::from_json(text.get()).unwrap_or(Dynamic::UNIT),
                };
                map.insert("result".into(), result);
            }
            map
        };
        (0..self.0.answers.len()).map(entry).collect::<Vec<Map>>().into_iter()
    }
}

#[export_module]
pub mod answers {
    pub type Answers = super::Answers;

    /// The number of answers.
    #[rhai_fn(pure)]
    pub fn len(answers: &mut Answers) -> i64 {
        answers.0.answers.len() as i64
    }

    /// Whether every call succeeded.
    #[rhai_fn(get = "ok", pure)]
    pub fn ok(answers: &mut Answers) -> bool {
        answers.0.answers.iter().all(std::result::Result::is_ok)
    }

    /// The results in the order of the questions; `()` where a call failed.
    #[rhai_fn(name = "results", get = "results", return_raw, pure)]
    pub fn results(call: NativeCallContext, answers: &mut Answers) -> Thrown<Array> {
        answers.results(&call)
    }

    /// The same as `results`.
    #[rhai_fn(return_raw, pure)]
    pub fn values(call: NativeCallContext, answers: &mut Answers) -> Thrown<Array> {
        answers.results(&call)
    }

    /// The ids that were asked for, in their order.
    #[rhai_fn(name = "ids", name = "keys", get = "ids", pure)]
    pub fn ids(answers: &mut Answers) -> Array {
        answers.0.ids.iter().flatten().map(|id| id.as_str().into()).collect()
    }

    /// What failed: `#{index, id, error, message, hint, unknown, …}` of each; `unknown` is true where a change may have
    /// been made although no answer came.
    #[rhai_fn(name = "failures", get = "failures", pure)]
    pub fn failures(answers: &mut Answers) -> Array {
        answers.failures()
    }

    /// The result for an id (a number or a text), or `()` when the id was not asked for or its call failed.
    #[rhai_fn(return_raw, pure)]
    pub fn get(call: NativeCallContext, answers: &mut Answers, id: Dynamic) -> Thrown<Dynamic> {
        match answers.place(&id.to_string()) {
            Some(at) => answers.value(&call, &answers.0.answers[at]),
            None => Ok(Dynamic::UNIT),
        }
    }

    /// The result for an id; without ids, the result at a place. One that failed throws its error.
    #[rhai_fn(index_get, return_raw, pure)]
    pub fn index(call: NativeCallContext, answers: &mut Answers, id: Dynamic) -> Thrown<Dynamic> {
        let at = match answers.0.ids.is_some() {
            true => answers.place(&id.to_string()),
            false => id.as_int().ok().and_then(|at| usize::try_from(at).ok()),
        };
        match at.and_then(|at| answers.0.answers.get(at)) {
            Some(Ok(found)) => answer(&call, found.clone()),
            Some(Err(error)) => throw(&call, error.clone()),
            None => throw(&call, Error::input("b24.not_asked", format!("`{id}` was not asked for"))),
        }
    }

    /// Whether the id was asked for and its call succeeded; the operator `in` asks the same.
    #[rhai_fn(pure)]
    pub fn contains(answers: &mut Answers, id: Dynamic) -> bool {
        answers.place(&id.to_string()).is_some_and(|at| answers.0.answers[at].is_ok())
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(answers: &mut Answers) -> String {
        let failed = answers.0.answers.iter().filter(|answer| answer.is_err()).count();
        format!("{} answers, {failed} failed", answers.0.answers.len())
    }
}

#[export_module]
pub mod b24 {
    pub type B24 = super::B24;
    pub type Stream = crate::script::rows::Stream;

    /// The whole list of a list method, as `Rows`; the value itself when the method gives no list.
    ///
    /// Pages are read in parallel batches below the portal's limits.
    ///
    /// ```rhai
    /// let leads = b24.get_all("crm.lead.list");
    /// assert(leads.len() > 50);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn get_all(call: NativeCallContext, b24: &mut B24, method: &str) -> Thrown<Dynamic> {
        get_all_with(call, b24, method, Dynamic::UNIT)
    }

    /// The whole list of a list method with these parameters, sent as they are written: `select`, `filter`, `order`.
    /// `start` and `limit` are not taken. An `order` by more than one field is a list of pairs, because a map has no
    /// order: `[["DATE_CREATE", "DESC"], ["ID", "ASC"]]`.
    ///
    /// ```rhai
    /// let won = b24.get_all("crm.deal.list", #{ select: ["ID", "OPPORTUNITY"], filter: #{ STAGE_ID: "WON" } });
    /// assert(won.all(|deal| deal.ID != ()));
    /// ```
    #[rhai_fn(name = "get_all", return_raw, pure)]
    pub fn get_all_with(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let params = super::params(&call, &params)?;
        let all = wait(&call, portal.get_all(method, params))?;
        for warning in &all.warnings {
            host(&call).warn(&format!("{method}: {warning}"));
        }
        answer(&call, all.answer)
    }

    /// How many rows a list method has.
    #[rhai_fn(return_raw, pure)]
    pub fn count(call: NativeCallContext, b24: &mut B24, method: &str) -> Thrown<i64> {
        count_with(call, b24, method, Dynamic::UNIT)
    }

    /// How many rows a list method has with these parameters.
    ///
    /// ```rhai
    /// assert(b24.count("crm.deal.list", #{ filter: #{ "<ID": 100 } }) < 100);
    /// ```
    #[rhai_fn(name = "count", return_raw, pure)]
    pub fn count_with(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<i64> {
        let portal = b24.portal(&call)?;
        let params = super::params(&call, &params)?;
        wait(&call, portal.count(method, params)).map(|count| count as i64)
    }

    /// The rows of a list method one by one, read while they are used: for lists that need not be held whole.
    #[rhai_fn(return_raw, pure)]
    pub fn stream(call: NativeCallContext, b24: &mut B24, method: &str) -> Thrown<Stream> {
        stream_with(call, b24, method, Dynamic::UNIT)
    }

    /// The rows of a list method with these parameters one by one, in the order of their ids.
    ///
    /// ```rhai
    /// let first = [];
    /// for deal in b24.stream("crm.deal.list", #{ select: ["ID"] }) {
    ///     first.push(deal.ID);
    ///     if first.len() == 3 { break; }
    /// }
    /// assert_eq(first.len(), 3);
    /// ```
    #[rhai_fn(name = "stream", return_raw, pure)]
    pub fn stream_with(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Stream> {
        let portal = b24.portal(&call)?;
        let params = super::params(&call, &params)?;
        let rows = portal.stream(method, params).or_else(|error| throw(&call, error))?;
        Ok(Stream::new(host(&call), rows))
    }

    /// Calls a method for each of many ids; a `.list` method gets them by fifties. The answers are in the order of the
    /// ids and can be reached by id: `answers[7]`.
    ///
    /// ```rhai
    /// let found = b24.get_by_id("crm.deal.get", [7, 8]);
    /// assert_eq(found[7].ID, "7");
    /// ```
    #[rhai_fn(name = "get_by_id", name = "get_by_ID", return_raw, pure)]
    pub fn get_by_id(call: NativeCallContext, b24: &mut B24, method: &str, ids: Dynamic) -> Thrown<Dynamic> {
        get_by_id_options(call, b24, method, ids, Dynamic::UNIT, Map::new())
    }

    /// The same with further parameters for every call.
    #[rhai_fn(name = "get_by_id", name = "get_by_ID", return_raw, pure)]
    pub fn get_by_id_with(
        call: NativeCallContext,
        b24: &mut B24,
        method: &str,
        ids: Dynamic,
        params: Dynamic,
    ) -> Thrown<Dynamic> {
        get_by_id_options(call, b24, method, ids, params, Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `errors`: `"throw"` (usual: failures are thrown together, with what succeeded inside) or `"return"`
    /// - `id_field`: the name under which the method takes the id; usually `"ID"`
    /// - `via`: `"method"` (usual), `"list"` (fifty ids in one command, through the `.list` beside a `.get`; its rows
    ///   are nearly the same) or `"each"` (every id in a command of its own)
    #[rhai_fn(name = "get_by_id", name = "get_by_ID", return_raw, pure)]
    pub fn get_by_id_options(
        call: NativeCallContext,
        b24: &mut B24,
        method: &str,
        ids: Dynamic,
        params: Dynamic,
        options: Map,
    ) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        options::known(&options, &["errors", "id_field", "via"]).or_else(|error| throw(&call, error))?;
        let errors = ERRORS.of(&options).or_else(|error| throw(&call, error))?;
        let by_id = ById {
            id_field: options::text(&options, "id_field").or_else(|error| throw(&call, error))?,
            via: match VIA.of(&options).or_else(|error| throw(&call, error))? {
                "list" => Via::List,
                "each" => Via::Each,
                _ => Via::Method,
            },
            params: super::params(&call, &params)?,
        };
        let ids = super::ids(&call, &ids)?;
        let outcomes = wait(&call, portal.get_by_id(method, ids, by_id))?;
        settled(&call, method, outcomes, errors, true)
    }

    /// Calls a method without parameters.
    #[rhai_fn(name = "call$", return_raw, pure)]
    pub fn call(call: NativeCallContext, b24: &mut B24, method: &str) -> Thrown<Dynamic> {
        call_options(call, b24, method, Dynamic::UNIT, Map::new())
    }

    /// Calls a method once with a map of parameters, or many times with a list of maps (or rows): then in batches, and
    /// the results are in the order of the list. Methods that take parameters by their place get a list:
    /// `["12", #{…}]`.
    ///
    /// Changes are never repeated after they may have been made.
    ///
    /// ```rhai
    /// let id = b24.call("crm.deal.add", #{ fields: #{ TITLE: "Поставка" } });
    /// assert_eq(b24.call("crm.deal.get", #{ ID: id }).TITLE, "Поставка");
    /// let done = b24.call("crm.deal.update", [#{ ID: id, fields: #{ TITLE: "Ремонт" } }]);
    /// assert_eq(done, [true]);
    /// ```
    #[rhai_fn(name = "call$", return_raw, pure)]
    pub fn call_with(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Dynamic> {
        call_options(call, b24, method, params, Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `errors`: `"throw"` (usual: failures of many calls are thrown together, with what succeeded inside) or
    ///   `"return"`
    #[rhai_fn(name = "call$", return_raw, pure)]
    pub fn call_options(
        call: NativeCallContext,
        b24: &mut B24,
        method: &str,
        params: Dynamic,
        options: Map,
    ) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        options::known(&options, &["errors"]).or_else(|error| throw(&call, error))?;
        let errors = ERRORS.of(&options).or_else(|error| throw(&call, error))?;
        match given(&call, &params)? {
            Given::One(params) => {
                let text = wait(&call, portal.call(method, params))?;
                json(&call, text.get())
            }
            Given::Many(items) => {
                let outcomes = wait(&call, portal.call_many(method, items))?;
                settled(&call, method, outcomes, errors, false)
            }
        }
    }

    /// Calls of different methods in batches: a list of `[method, parameters]`; the results are in its order.
    ///
    /// ```rhai
    /// let found = b24.call_each([["crm.deal.get", #{ ID: 7 }], ["crm.lead.fields", #{}]]);
    /// assert_eq(found[0].ID, "7");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn call_each(call: NativeCallContext, b24: &mut B24, calls: Array) -> Thrown<Dynamic> {
        call_each_options(call, b24, calls, Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `errors`: `"throw"` (usual) or `"return"`
    #[rhai_fn(name = "call_each", return_raw, pure)]
    pub fn call_each_options(call: NativeCallContext, b24: &mut B24, calls: Array, options: Map) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        options::known(&options, &["errors"]).or_else(|error| throw(&call, error))?;
        let errors = ERRORS.of(&options).or_else(|error| throw(&call, error))?;
        let calls = super::mixed(super::params(&call, &calls.into())?).or_else(|error| throw(&call, error))?;
        let outcomes = wait(&call, portal.call_each(calls))?;
        settled(&call, "call_each", outcomes, errors, false)
    }

    /// Sends a batch of your own: `#{halt: 0, cmd: #{deals: "crm.deal.list?start=0", …}}`; gives a map from each
    /// command's name to its result. Commands may refer to earlier results (`$result[deals][0][ID]`); their order is
    /// kept when `cmd` is `ordered([...])` or a list of commands.
    ///
    /// ```rhai
    /// let found = b24.call_batch(#{ halt: 0, cmd: ordered([
    ///     ["deals", "crm.deal.list?order[ID]=ASC&start=-1"],
    ///     ["first", "crm.deal.get?ID=$result[deals][0][ID]"],
    /// ]) });
    /// assert_eq(found.first.ID, found.deals[0].ID);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn call_batch(call: NativeCallContext, b24: &mut B24, batch: Dynamic) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let batch = super::batch(super::params(&call, &batch)?);
        let (halt, commands) = batch.or_else(|error| throw(&call, error))?;
        let told = wait(&call, portal.call_batch(halt, commands))?;
        results_by_name(&call, told)
    }

    /// The ids of a list, then every one of them whole: `list_and_get("crm.lead")` calls `crm.lead.list` and
    /// `crm.lead.get`.
    #[rhai_fn(return_raw, pure)]
    pub fn list_and_get(call: NativeCallContext, b24: &mut B24, branch: &str) -> Thrown<Dynamic> {
        list_and_get_with(call, b24, branch, Dynamic::UNIT)
    }

    /// The same for the rows that these parameters (a `filter`) leave.
    #[rhai_fn(name = "list_and_get", return_raw, pure)]
    pub fn list_and_get_with(call: NativeCallContext, b24: &mut B24, branch: &str, params: Dynamic) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let params = super::params(&call, &params)?;
        let outcomes = wait(&call, portal.list_and_get(branch, params, None))?;
        settled(&call, branch, outcomes, "throw", true)
    }

    /// The whole answer to one call, sent exactly as given: `result`, `total`, `next`, `time`.
    #[rhai_fn(return_raw, pure)]
    pub fn raw(call: NativeCallContext, b24: &mut B24, method: &str) -> Thrown<Dynamic> {
        raw_with(call, b24, method, Dynamic::UNIT)
    }

    /// The whole answer to one call with these parameters, sent exactly as given.
    ///
    /// ```rhai
    /// assert(b24.raw("crm.deal.list", #{ start: 0 }).total > 0);
    /// ```
    #[rhai_fn(name = "raw", return_raw, pure)]
    pub fn raw_with(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let params = super::params(&call, &params)?;
        let text = wait(&call, portal.raw(method, params))?;
        json(&call, text.get())
    }

    /// Calls a method of REST 3.0: parameters as its documentation writes them (`filter: [["id", ">", 5]]`); `"batch"`
    /// takes a list of `#{method, query}`. Changes carry a key by which the portal knows a repetition.
    #[rhai_fn(return_raw, pure)]
    pub fn v3(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let params = super::params(&call, &params)?;
        let text = wait(&call, portal.v3(method, params))?;
        json(&call, text.get())
    }

    /// Runs `f` with at most so many requests a second to this portal, evenly and without bursts: for calls that a
    /// portal cannot digest at its own documented speed.
    ///
    /// ```rhai
    /// let title = b24.slow(20, || b24.call("crm.deal.get", #{ ID: 7 }).TITLE);
    /// assert(title.len() > 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn slow(call: NativeCallContext, b24: &mut B24, per_second: f64, f: FnPtr) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let _slowed = portal.slow(per_second).or_else(|error| throw(&call, error))?;
        f.call_within_context(&call, ())
    }

    /// The same with a whole number.
    #[rhai_fn(name = "slow", return_raw, pure)]
    pub fn slow_whole(call: NativeCallContext, b24: &mut B24, per_second: i64, f: FnPtr) -> Thrown<Dynamic> {
        slow(call, b24, per_second as f64, f)
    }

    /// Another connection of `pult.toml`.
    #[rhai_fn(return_raw, pure)]
    pub fn connect(call: NativeCallContext, _b24: &mut B24, name: &str) -> Thrown<B24> {
        let host = host(&call);
        let opened = host.connections.open(NAME, Some(name), |settings| Portal::open(settings, &host.context));
        opened.map(|portal| super::B24(Some(portal))).or_else(|error| throw(&call, error))
    }

    /// A connection described here: `b24.connect(#{webhook: env("B24_WEBHOOK")})`, with the settings of `pult.toml`.
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect_to(call: NativeCallContext, _b24: &mut B24, settings: Map) -> Thrown<B24> {
        let opened = options::connection(SETTINGS, &settings).and_then(|settings| {
            let host: Arc<Host> = host(&call);
            Portal::open(&settings, &host.context)
        });
        opened.map(|portal| super::B24(Some(Arc::new(portal)))).map_err(|error| thrown(error, call.call_position()))
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(b24: &mut B24) -> String {
        match &b24.0 {
            Some(portal) => format!("b24 at {}", portal.shown()),
            None => "b24".into(),
        }
    }
}
