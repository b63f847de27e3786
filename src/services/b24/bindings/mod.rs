//! `b24` in scripts. Only these files here know Rhai.

mod answers;
mod files;
mod given;

use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, FnPtr, Map, Module, NativeCallContext, Shared};

use self::answers::{Answers, answer, json, results_by_name, settled};
use self::given::{Given, given};
use super::client::{ById, Params, Portal, Via, Way};
use super::{NAME, SETTINGS};
use crate::error::Result;
use crate::script::bridge::{Host, Thrown, host, throw, thrown, wait};
use crate::script::closures::call_given;
use crate::script::options::{Options, connection};
use crate::settings::Settings;

/// What is done about calls that failed among many.
const ERRORS: &[&str] = &["throw", "return"];
/// How rows are fetched by their ids.
const VIA: &[&str] = &["method", "list", "each"];

/// The object: the default connection, or one that `connect` gave.
#[derive(Clone, Default)]
pub struct B24(Option<Arc<Portal>>);

impl B24 {
    fn portal(&self, call: &NativeCallContext<'_>) -> Thrown<Arc<Portal>> {
        match &self.0 {
            Some(portal) => Ok(portal.clone()),
            None => {
                let host = host(call);
                let opened = host.connections.open(NAME, None, |settings| opened(&host, settings));
                opened.or_else(|error| throw(call, error))
            }
        }
    }
}

/// Opens a connection; what is unwise about it is told once, here.
fn opened(host: &Host, settings: &Settings) -> Result<Portal> {
    let portal = Portal::open(settings, &host.context)?;
    if let Some(warning) = portal.warning() {
        host.warn(&warning);
    }
    Ok(portal)
}

pub fn register(engine: &mut Engine, globals: &mut Module) {
    engine.register_type_with_name::<B24>("B24");
    engine.register_type_with_name::<Answers>("Answers");
    engine.register_iterator::<Answers>();
    engine.register_global_module(Shared::new(rhai::exported_module!(b24)));
    engine.register_global_module(Shared::new(rhai::exported_module!(answers::answers)));
    engine.register_global_module(Shared::new(rhai::exported_module!(files::files)));
    globals.set_var(NAME, B24::default());
}

/// What is to be done about failures.
fn errors(options: &Map) -> Result<&'static str> {
    Options::read(options, &["errors"])?.choice("errors", ERRORS)
}

/// The options of `call`.
fn errors_and_origin(options: &Map) -> Result<(&'static str, Option<String>)> {
    let options = Options::read(options, &["errors", "origin"])?;
    let origin = options.text("origin")?.map(|field| field.to_string());
    Ok((options.choice("errors", ERRORS)?, origin))
}

/// The options of `get_by_id`: how to ask, and what is to be done about failures.
fn by_id(options: &Map, params: Params) -> Result<(ById, &'static str)> {
    let options = Options::read(options, &["errors", "id_field", "via"])?;
    let via = match options.choice("via", VIA)? {
        "list" => Via::List,
        "each" => Via::Each,
        _ => Via::Method,
    };
    let id_field = options.text("id_field")?.map(|name| name.to_string());
    Ok((ById { id_field, params, via }, options.choice("errors", ERRORS)?))
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

    /// The whole list of a list method with these parameters: `select`, `filter`, `order`. `start` and `limit` are not
    /// taken. A list is read by its ids, so that nothing is missing or doubled while others change it, and put into the
    /// `order` afterwards; where that cannot be, it is read by offsets, and a warning says why. An `order` by more than
    /// one field is a list of pairs, because a map has no order: `[["DATE_CREATE", "DESC"], ["ID", "ASC"]]`.
    ///
    /// ```rhai
    /// let won = b24.get_all("crm.deal.list", #{ select: ["ID", "OPPORTUNITY"], filter: #{ STAGE_ID: "WON" } });
    /// assert(won.all(|deal| deal.ID != ()));
    /// ```
    #[rhai_fn(name = "get_all", return_raw, pure)]
    pub fn get_all_with(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let params = given::params(&call, &params)?;
        let all = wait(&call, portal.get_all(method, params))?;
        for warning in &all.warnings {
            let named = if warning.starts_with(method) { warning.clone() } else { format!("{method}: {warning}") };
            host(&call).warn(&named);
        }
        answer(&call, all.answer)
    }

    /// What reading a whole list will take.
    #[rhai_fn(return_raw, pure)]
    pub fn plan(call: NativeCallContext, b24: &mut B24, method: &str) -> Thrown<Map> {
        plan_with(call, b24, method, Dynamic::UNIT)
    }

    /// What reading a whole list with these parameters will take: `rows`, `requests`, `seconds` (at least), `limit`
    /// (`"rate"` of requests, `"time"` that a method may use in ten minutes, `"answers"`: how fast the portal is), `way`
    /// (`"ids"`, or `"offsets"`, then with a `why`). Costs one request, which counts the rows.
    ///
    /// ```rhai
    /// let plan = b24.plan("crm.deal.list", #{ select: ["ID"], filter: #{ "<ID": 1000 } });
    /// assert_eq([plan.requests, plan.way], [1, "ids"]);
    /// ```
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_with(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Map> {
        let portal = b24.portal(&call)?;
        let params = given::params(&call, &params)?;
        let plan = wait(&call, portal.plan(method, params))?;
        let mut map = Map::new();
        map.insert("rows".into(), (plan.rows as i64).into());
        map.insert("requests".into(), (plan.requests as i64).into());
        map.insert("seconds".into(), ((plan.seconds * 10.0).round() / 10.0).into());
        map.insert("limit".into(), plan.limit.name().into());
        match plan.way {
            Way::Ids => drop(map.insert("way".into(), "ids".into())),
            Way::Offsets(why) => {
                map.insert("way".into(), "offsets".into());
                map.insert("why".into(), why.into());
            }
        }
        Ok(map)
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
        let params = given::params(&call, &params)?;
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
        let params = given::params(&call, &params)?;
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
        let params = given::params(&call, &params)?;
        let (by_id, errors) = super::by_id(&options, params).or_else(|error| throw(&call, error))?;
        let ids = given::ids(&call, &ids)?;
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
    /// - `origin`: for adds (`crm.deal.add`, `crm.item.add` and the like) a text field of the record that holds a key,
    ///   such as `"ORIGIN_ID"`; an item without a key in it gets one. When the answer to an add is lost, the record is looked up by
    ///   its key, and added again only if it is not there
    ///
    /// ```rhai
    /// let deals = [#{ fields: #{ TITLE: "Поставка" } }, #{ fields: #{ TITLE: "Ремонт", ORIGIN_ID: "1c-4711" } }];
    /// let made = b24.call("crm.deal.add", deals, #{ origin: "ORIGIN_ID" });
    /// assert_eq(b24.call("crm.deal.get", #{ ID: made[1] }).ORIGIN_ID, "1c-4711");
    /// ```
    #[rhai_fn(name = "call$", return_raw, pure)]
    pub fn call_options(
        call: NativeCallContext,
        b24: &mut B24,
        method: &str,
        params: Dynamic,
        options: Map,
    ) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let (errors, origin) = super::errors_and_origin(&options).or_else(|error| throw(&call, error))?;
        match (given(&call, &params)?, origin) {
            (Given::One(params), None) => {
                let text = wait(&call, portal.call(method, params))?;
                json(&call, text.get())
            }
            (Given::One(params), Some(origin)) => {
                let made = wait(&call, portal.add_one_once(method, params, &origin))?;
                answer(&call, made)
            }
            (Given::Many(items), origin) => {
                let outcomes = match origin {
                    None => wait(&call, portal.call_many(method, items))?,
                    Some(origin) => wait(&call, portal.add_once(method, items, &origin))?,
                };
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
        let errors = super::errors(&options).or_else(|error| throw(&call, error))?;
        let calls = given::mixed(given::params(&call, &calls.into())?).or_else(|error| throw(&call, error))?;
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
        let batch = given::batch(given::params(&call, &batch)?);
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
        let params = given::params(&call, &params)?;
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
        let params = given::params(&call, &params)?;
        let text = wait(&call, portal.raw(method, params))?;
        json(&call, text.get())
    }

    /// Calls a method of REST 3.0: parameters as its documentation writes them (`filter: [["id", ">", 5]]`); `"batch"`
    /// takes a list of `#{method, query}`. Changes carry a key by which the portal knows a repetition.
    #[rhai_fn(return_raw, pure)]
    pub fn v3(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let params = given::params(&call, &params)?;
        let text = wait(&call, portal.v3(method, params))?;
        json(&call, text.get())
    }

    /// Runs `f` with at most so many requests a second to this portal, evenly and without bursts: for calls that a
    /// portal cannot digest at its own documented speed. A connection in a variable is handed over:
    /// `second.slow(0.5, |second| second.call(…))`.
    ///
    /// ```rhai
    /// let title = b24.slow(20, || b24.call("crm.deal.get", #{ ID: 7 }).TITLE);
    /// assert(title.len() > 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn slow(call: NativeCallContext, b24: &mut B24, per_second: f64, f: FnPtr) -> Thrown<Dynamic> {
        let portal = b24.portal(&call)?;
        let _slowed = portal.slow(per_second).or_else(|error| throw(&call, error))?;
        call_given(&call, &f, Dynamic::from(b24.clone()))
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
        let opened = host.connections.open(NAME, Some(name), |settings| super::opened(&host, settings));
        opened.map(|portal| super::B24(Some(portal))).or_else(|error| throw(&call, error))
    }

    /// A connection described here: `b24.connect(#{webhook: env("B24_WEBHOOK")})`, with the settings of `pult.toml`.
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect_to(call: NativeCallContext, _b24: &mut B24, settings: Map) -> Thrown<B24> {
        let host = host(&call);
        let opened = connection(SETTINGS, &settings).and_then(|settings| super::opened(&host, &settings));
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
