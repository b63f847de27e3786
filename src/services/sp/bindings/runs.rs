//! What `sp` can do with the procedures of its catalogue.

use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};

use super::run;
use crate::core::rows::{Builder, Field, Rows};
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::script::bridge::{Thrown, host, throw, wait, wait_with_farewell};
use crate::script::convert;
use crate::script::options::Options;
use crate::services::sp::catalogue::Catalogue;
use crate::services::sp::client::engine::Running;
use crate::services::sp::client::history::Filter;
use crate::services::sp::client::run::{Order, RunState, StepState};
use crate::services::sp::client::show;
use crate::services::sp::client::site::{Site, Unknown};

/// Options of a run of one entity.
const OF_ENTITY: &[&str] = &["checks", "wait"];
/// Of a whole data source.
const OF_SOURCE: &[&str] = &["checks", "wait", "undated_only"];
/// States by which the history can be asked.
const STATES: &[(&str, RunState)] = &[
    ("waiting", RunState::Waiting),
    ("running", RunState::Running),
    ("ok", RunState::Ok),
    ("failed", RunState::Failed),
    ("cancelled", RunState::Cancelled),
    ("interrupted", RunState::Interrupted),
];
/// Titles are told in this language.
const LANGUAGE: &str = "en";
const NONE: (Dynamic, Dynamic) = (Dynamic::UNIT, Dynamic::UNIT);

/// One code or several.
fn codes(given: &Dynamic) -> Result<Vec<String>> {
    let one = |given: &Dynamic| given.read_lock::<ImmutableString>().map(|text| text.to_string());
    let several = given.read_lock::<Array>().map(|items| items.iter().map(one).collect::<Option<Vec<String>>>());
    several.unwrap_or_else(|| one(given).map(|code| vec![code])).ok_or_else(|| {
        Error::input("sp.order", format!("{} is no code of a data source", convert::type_name(given)))
            .hint("write \"0c06\", or a list: [\"0c01\", \"0c06\"]; sp.codes() lists them")
    })
}

/// What is asked for.
fn order(name: Option<&str>, source: &Dynamic, (month, year): &(Dynamic, Dynamic), options: &Map) -> Result<Order> {
    let options = Options::read(options, if name.is_some() { OF_ENTITY } else { OF_SOURCE })?;
    let wrong = |what: &str, n: i64| Error::input("sp.order", format!("{n} is no {what}"));
    let month = run::period("month", month)?.map(|n| u32::try_from(n).map_err(|_| wrong("month", n))).transpose()?;
    let year = run::period("year", year)?.map(|n| i32::try_from(n).map_err(|_| wrong("year", n))).transpose()?;
    Ok(Order {
        name: name.map(str::to_owned),
        codes: codes(source)?,
        month,
        year,
        undated_only: options.flag("undated_only", false)?,
        checks: options.flag("checks", true)?,
        wait: options.flag("wait", false)?,
    })
}

/// Runs an order to its end; a run that does not succeed is thrown. In a dry run its steps are told.
fn ordered(call: &NativeCallContext<'_>, sp: &super::Sp, order: Result<Order>) -> Thrown<Map> {
    let opened = sp.opened(call)?;
    let order = order.or_else(|error| throw(call, error))?;
    let context = &host(call).context;
    if context.is_dry_run() {
        let plan = opened.site.plan(&order).or_else(|error| throw(call, error))?;
        for step in &plan.steps {
            context.only_tells(|| format!("sp: {} [{}]", step.statement, step.database));
        }
        return run::held(&plan).or_else(|error| throw(call, error));
    }
    let running = opened.site.run(order, &opened.by).or_else(|error| throw(call, error))?;
    driven(call, &opened.site, &running)
}

/// Does the work of a run. Whoever stops the script cancels it.
fn driven(call: &NativeCallContext<'_>, site: &Site, running: &Running) -> Thrown<Map> {
    let context = host(call).context.clone();
    let work = async { Ok(show::watched(site, running, &context).await) };
    let done = wait_with_farewell(call, work, async { running.abandon().await })?;
    match done.state {
        RunState::Ok => run::whole(&done).or_else(|error| throw(call, error)),
        _ => Err(run::failed(call, &done)),
    }
}

/// In a dry run: the steps that going on with a run would do, without a state of their own yet.
fn told_of(call: &NativeCallContext<'_>, site: &Site, id: &str) -> Thrown<Map> {
    let found = site.find(id).and_then(|found| found.ok_or_else(|| no_run(id)));
    let found = found.or_else(|error| throw(call, error))?;
    let context = &host(call).context;
    for step in found.steps.iter().filter(|step| step.state != StepState::Ok) {
        context.only_tells(|| format!("sp: {} [{}]", step.statement, step.database));
    }
    run::whole(&found).or_else(|error| throw(call, error))
}

fn no_run(id: &str) -> Error {
    Error::new(Kind::NotFound, "sp.no_run", format!("there is no run `{id}`")).hint("sp.history() lists them")
}

fn planned(call: &NativeCallContext<'_>, sp: &super::Sp, order: Result<Order>) -> Thrown<Map> {
    let opened = sp.opened(call)?;
    let plan = order.and_then(|order| opened.site.plan(&order)).and_then(|plan| run::plan(&plan));
    plan.or_else(|error| throw(call, error))
}

fn filter(map: &Map) -> Result<Filter> {
    let options = Options::read(map, &["limit", "name", "code", "state", "before"])?;
    let limit = match options.integer("limit")?.unwrap_or(50) {
        limit @ 1..=10_000 => limit as usize,
        limit => {
            return Err(Error::input("options.value", format!("the option `limit` cannot be {limit}"))
                .hint("it is a whole number from 1 to 10000"));
        }
    };
    let text = |name: &str| Ok::<_, Error>(options.text(name)?.map(|text| text.to_string()));
    let state = match options.text("state")? {
        None => None,
        Some(word) => Some(
            STATES.iter().find(|(known, _)| *known == word.as_str()).map(|(_, state)| *state).ok_or_else(|| {
                let known: Vec<&str> = STATES.iter().map(|(known, _)| *known).collect();
                Error::input("options.value", format!("there is no state \"{word}\""))
                    .hint(format!("it is one of {}", known.join(", ")))
            })?,
        ),
    };
    Ok(Filter { limit, name: text("name")?, code: text("code")?, before: text("before")?, state, ..Filter::default() })
}

fn unknown(map: &Map) -> Result<Unknown> {
    Ok(match Options::read(map, &["unknown"])?.choice("unknown", &["refuse", "repeat", "skip"])? {
        "repeat" => Unknown::Repeat,
        "skip" => Unknown::Skip,
        _ => Unknown::Refuse,
    })
}

/// Rows of texts and flags, from a list of the catalogue.
fn listed(columns: &[&str], lines: impl IntoIterator<Item = Vec<Cell>>) -> Rows {
    let mut rows = Builder::new();
    for line in lines {
        for (column, field) in columns.iter().zip(&line) {
            rows.name(column);
            // A catalogue is far smaller than what rows can hold.
            let _ = rows.push(match field {
                Cell::Text(text) => Field::Text(text),
                Cell::Flag(flag) => Field::Flag(*flag),
                Cell::None => Field::Null,
            });
        }
        rows.end_row();
    }
    if rows.is_empty() { Rows::none(columns.iter().copied()) } else { rows.finish().into() }
}

/// A cell of a list.
enum Cell {
    Text(String),
    Flag(bool),
    None,
}

fn no_code(catalogue: &Catalogue, code: &str) -> Error {
    let known = catalogue.codes().iter().map(|known| known.key.as_str());
    let hint = did_you_mean(code, known).unwrap_or_else(|| "sp.codes() lists them".into());
    Error::new(Kind::NotFound, "sp.no_code", format!("the catalogue has no data source `{code}`")).hint(hint)
}

fn no_name(catalogue: &Catalogue, name: &str) -> Error {
    let known = catalogue.entities().iter().map(|known| known.name.as_str());
    let hint = did_you_mean(name, known).unwrap_or_else(|| "sp.names(code) lists them".into());
    Error::new(Kind::NotFound, "sp.no_name", format!("the catalogue has no entity `{name}`")).hint(hint)
}

#[export_module]
pub mod sp {
    pub type Sp = super::super::Sp;

    /// Brings an entity of a data source into the aggregate: its procedures in the catalogue's order, each in a transaction
    /// of its own. Several codes at once (a list) are exported side by side, and taken in once.
    ///
    /// Gives the run, a map: `id`, `state`, `seconds`, `steps` (rows `number`, `stage`, `entity`, `code`, `state`, `seconds`,
    /// `rows`, `return_code`, `error`, `messages`, …), `checks` (the newest modification times `before` and `after`),
    /// `order`, `by`, `started`, `ended`. A run that does not succeed is thrown, `sp.run_failed`, and the error has the whole
    /// of it in `run`; `sp.resume(err.run.id)` goes on.
    ///
    /// ```rhai
    /// let run = sp.entity_sync("room", "0c06");
    /// assert_eq(run.state, "ok");
    /// run.steps.select(["stage", "entity", "state", "seconds"]).show();
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn entity_sync(call: NativeCallContext, sp: &mut Sp, name: &str, code: Dynamic) -> Thrown<Map> {
        ordered(&call, sp, order(Some(name), &code, &NONE, &Map::new()))
    }

    /// The same with options.
    ///
    /// # Options
    /// - `checks`: false leaves out the looks at modification times, which take time before and after
    /// - `wait`: true waits for a run that is in the way; usually it is refused, `sp.busy`
    ///
    /// ```rhai
    /// assert(sp.entity_sync("room", "0c06", #{ checks: false }).checks.is_empty());
    /// ```
    #[rhai_fn(name = "entity_sync", return_raw, pure)]
    pub fn entity_sync_options(
        call: NativeCallContext,
        sp: &mut Sp,
        name: &str,
        code: Dynamic,
        options: Map,
    ) -> Thrown<Map> {
        ordered(&call, sp, order(Some(name), &code, &NONE, &options))
    }

    /// Brings a month of an entity into the aggregate.
    ///
    /// ```rhai
    /// let run = sp.entity_sync("payment", ["0c01", "0c06"], 7, 2019);
    /// assert_eq(run.steps.column("stage"), ["prep", "prep", "crude", "heap"]);
    /// ```
    #[rhai_fn(name = "entity_sync", return_raw, pure)]
    pub fn entity_sync_month(
        call: NativeCallContext,
        sp: &mut Sp,
        name: &str,
        code: Dynamic,
        month: Dynamic,
        year: Dynamic,
    ) -> Thrown<Map> {
        ordered(&call, sp, order(Some(name), &code, &(month, year), &Map::new()))
    }

    /// The same with options: `checks`, `wait`.
    #[rhai_fn(name = "entity_sync", return_raw, pure)]
    pub fn entity_sync_month_options(
        call: NativeCallContext,
        sp: &mut Sp,
        name: &str,
        code: Dynamic,
        month: Dynamic,
        year: Dynamic,
        options: Map,
    ) -> Thrown<Map> {
        ordered(&call, sp, order(Some(name), &code, &(month, year), &options))
    }

    /// Brings a whole data source into the aggregate, which needs a month: see `data_source_sync(code, month, year)`.
    #[rhai_fn(return_raw, pure)]
    pub fn data_source_sync(call: NativeCallContext, sp: &mut Sp, code: Dynamic) -> Thrown<Map> {
        ordered(&call, sp, order(None, &code, &NONE, &Map::new()))
    }

    /// What of a data source needs no month, with `undated_only: true`.
    ///
    /// ```rhai
    /// let run = sp.data_source_sync("zagser", #{ undated_only: true, checks: false });
    /// assert_eq(run.state, "ok");
    /// ```
    #[rhai_fn(name = "data_source_sync", return_raw, pure)]
    pub fn data_source_sync_options(call: NativeCallContext, sp: &mut Sp, code: Dynamic, options: Map) -> Thrown<Map> {
        ordered(&call, sp, order(None, &code, &NONE, &options))
    }

    /// Brings all entities of a data source, or of several, into the aggregate, in the catalogue's order. Gives the run.
    ///
    /// ```rhai
    /// let run = sp.data_source_sync("zagser", 7, 2019);
    /// assert_eq([run.state, run.steps.distinct("entity").len()], ["ok", 12]);
    /// ```
    #[rhai_fn(name = "data_source_sync", return_raw, pure)]
    pub fn data_source_sync_month(
        call: NativeCallContext,
        sp: &mut Sp,
        code: Dynamic,
        month: Dynamic,
        year: Dynamic,
    ) -> Thrown<Map> {
        ordered(&call, sp, order(None, &code, &(month, year), &Map::new()))
    }

    /// The same with options.
    ///
    /// # Options
    /// - `checks`: false leaves out the looks at modification times
    /// - `wait`: true waits for a run that is in the way
    /// - `undated_only`: true leaves out what needs a month
    #[rhai_fn(name = "data_source_sync", return_raw, pure)]
    pub fn data_source_sync_month_options(
        call: NativeCallContext,
        sp: &mut Sp,
        code: Dynamic,
        month: Dynamic,
        year: Dynamic,
        options: Map,
    ) -> Thrown<Map> {
        ordered(&call, sp, order(None, &code, &(month, year), &options))
    }

    /// What `entity_sync` would do, without doing it: a map with `steps` (statements, databases, locks, estimates), the
    /// `estimate` of the whole in seconds, and `notes`.
    ///
    /// ```rhai
    /// let plan = sp.plan("room", "0c06");
    /// assert(plan.steps[0].statement.starts_with("EXECUTE"));
    /// ```
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_entity(call: NativeCallContext, sp: &mut Sp, name: &str, code: &str) -> Thrown<Map> {
        planned(&call, sp, order(Some(name), &code.into(), &NONE, &Map::new()))
    }

    /// The same for several codes.
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_entity_codes(call: NativeCallContext, sp: &mut Sp, name: &str, codes: Array) -> Thrown<Map> {
        planned(&call, sp, order(Some(name), &codes.into(), &NONE, &Map::new()))
    }

    /// The same with the options of `entity_sync`.
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_entity_options(
        call: NativeCallContext,
        sp: &mut Sp,
        name: &str,
        code: Dynamic,
        options: Map,
    ) -> Thrown<Map> {
        planned(&call, sp, order(Some(name), &code, &NONE, &options))
    }

    /// What `entity_sync` would do for a month.
    ///
    /// ```rhai
    /// let plan = sp.plan("payment", ["0c01", "0c06"], 7, 2019);
    /// plan.steps.select(["stage", "code", "database", "statement"]).show();
    /// ```
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_entity_month(
        call: NativeCallContext,
        sp: &mut Sp,
        name: &str,
        code: Dynamic,
        month: Dynamic,
        year: Dynamic,
    ) -> Thrown<Map> {
        planned(&call, sp, order(Some(name), &code, &(month, year), &Map::new()))
    }

    /// What `data_source_sync` would do, with its options.
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_source_options(call: NativeCallContext, sp: &mut Sp, code: &str, options: Map) -> Thrown<Map> {
        planned(&call, sp, order(None, &code.into(), &NONE, &options))
    }

    /// The same for several codes.
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_sources_options(call: NativeCallContext, sp: &mut Sp, codes: Array, options: Map) -> Thrown<Map> {
        planned(&call, sp, order(None, &codes.into(), &NONE, &options))
    }

    /// What `data_source_sync` would do for a month.
    ///
    /// ```rhai
    /// let plan = sp.plan("zagser", 7, 2019);
    /// assert(plan.estimate > 0.0);
    /// ```
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_source_month(call: NativeCallContext, sp: &mut Sp, code: &str, month: i64, year: i64) -> Thrown<Map> {
        planned(&call, sp, order(None, &code.into(), &(month.into(), year.into()), &Map::new()))
    }

    /// The same for several codes.
    #[rhai_fn(name = "plan", return_raw, pure)]
    pub fn plan_sources_month(
        call: NativeCallContext,
        sp: &mut Sp,
        codes: Array,
        month: i64,
        year: i64,
    ) -> Thrown<Map> {
        planned(&call, sp, order(None, &codes.into(), &(month.into(), year.into()), &Map::new()))
    }

    /// The runs under way: rows `id`, `state`, `name`, `codes`, `month`, `year`, `by`, `started`, `done` of `steps`, ….
    ///
    /// ```rhai
    /// assert(sp.status().is_empty());
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn status(call: NativeCallContext, sp: &mut Sp) -> Thrown<Rows> {
        let opened = sp.opened(&call)?;
        opened.site.status().and_then(|runs| run::list(&runs)).or_else(|error| throw(&call, error))
    }

    /// Runs that were made, the newest first: rows as those of `sp.status()`.
    ///
    /// ```rhai
    /// let run = sp.entity_sync("room", "0c06", #{ checks: false });
    /// assert_eq(sp.history()[0].id, run.id);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn history(call: NativeCallContext, sp: &mut Sp) -> Thrown<Rows> {
        history_of(call, sp, Map::new())
    }

    /// Those of them that are wanted.
    ///
    /// # Options
    /// - `limit`: so many at most; usually 50
    /// - `name`, `code`: those of an entity, of a data source
    /// - `state`: `"ok"`, `"failed"`, `"cancelled"`, `"interrupted"`, `"running"`, `"waiting"`
    /// - `before`: only those older than this run
    #[rhai_fn(name = "history", return_raw, pure)]
    pub fn history_of(call: NativeCallContext, sp: &mut Sp, options: Map) -> Thrown<Rows> {
        let opened = sp.opened(&call)?;
        let runs = filter(&options).and_then(|filter| opened.site.history(&filter)).and_then(|runs| run::list(&runs));
        runs.or_else(|error| throw(&call, error))
    }

    /// A run with its steps and what the servers said in them: the map that `entity_sync` gives.
    ///
    /// ```rhai
    /// let id = sp.entity_sync("room", "0c06", #{ checks: false }).id;
    /// assert_eq(sp.run(id).state, "ok");
    /// ```
    #[rhai_fn(name = "run", return_raw, pure)]
    pub fn run_by_id(call: NativeCallContext, sp: &mut Sp, id: &str) -> Thrown<Map> {
        let opened = sp.opened(&call)?;
        let found = opened.site.find(id).and_then(|found| found.ok_or_else(|| no_run(id)));
        found.and_then(|found| run::whole(&found)).or_else(|error| throw(&call, error))
    }

    /// Ends a run under way, also one of another program that shares the history: the server is told to leave the step, and
    /// what it did is rolled back. That takes a moment.
    #[rhai_fn(return_raw, pure)]
    pub fn cancel(call: NativeCallContext, sp: &mut Sp, id: &str) -> Thrown<()> {
        let opened = sp.opened(&call)?;
        if host(&call).context.only_tells(|| format!("sp: run {id} would be cancelled")) {
            return Ok(());
        }
        opened.site.cancel(id).or_else(|error| throw(&call, error))
    }

    /// Goes on with a run at the first step that is not done. A step that may have been carried out although nobody knows
    /// is asked about: `sp.unknown_outcome`.
    #[rhai_fn(return_raw, pure)]
    pub fn resume(call: NativeCallContext, sp: &mut Sp, id: &str) -> Thrown<Map> {
        resume_with(call, sp, id, Map::new())
    }

    /// The same with an answer to that.
    ///
    /// # Options
    /// - `unknown`: `"repeat"` does such a step again, `"skip"` takes it as done; usually `"refuse"`
    #[rhai_fn(name = "resume", return_raw, pure)]
    pub fn resume_with(call: NativeCallContext, sp: &mut Sp, id: &str, options: Map) -> Thrown<Map> {
        let opened = sp.opened(&call)?;
        let unknown = unknown(&options).or_else(|error| throw(&call, error))?;
        if host(&call).context.is_dry_run() {
            return told_of(&call, &opened.site, id);
        }
        let running = opened.site.resume(id, &opened.by, unknown);
        driven(&call, &opened.site, &running.or_else(|error| throw(&call, error))?)
    }

    /// The newest modification times of an entity in each stage, in `after`: rows `check`, `entity`, `code`, `before`,
    /// `after`, `warning`.
    ///
    /// ```rhai
    /// sp.entity_sync("payment", "0c06", 7, 2019);
    /// assert(sp.check("payment", "0c06").any(|check| check.after != ()));
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn check(call: NativeCallContext, sp: &mut Sp, name: &str, code: &str) -> Thrown<Rows> {
        let opened = sp.opened(&call)?;
        let checks = wait(&call, opened.site.check(name, code))?;
        run::checks(&checks).or_else(|error| throw(&call, error))
    }

    /// The data sources of the catalogue: rows `code`, `title`, `group`, `virtual` (it stands for all of its group).
    ///
    /// ```rhai
    /// assert(sp.codes().column("code").contains("0c06"));
    /// ```
    #[rhai_fn(name = "codes", name = "valid_codes", return_raw, pure)]
    pub fn codes_of(call: NativeCallContext, sp: &mut Sp) -> Thrown<Rows> {
        let opened = sp.opened(&call)?;
        let lines = opened.site.catalogue().codes().iter().map(|code| {
            let title = code.title.text(LANGUAGE).to_owned();
            vec![
                Cell::Text(code.key.clone()),
                Cell::Text(title),
                Cell::Text(code.group.clone()),
                Cell::Flag(code.is_virtual),
            ]
        });
        Ok(listed(&["code", "title", "group", "virtual"], lines))
    }

    /// The entities that a data source has: rows `name`, `title`, `dated` (it needs a month), `shared` (the code whose run
    /// serves all of the group).
    ///
    /// ```rhai
    /// assert_eq(sp.names("zagser").len(), 12);
    /// ```
    #[rhai_fn(name = "names", name = "valid_names", return_raw, pure)]
    pub fn names_of(call: NativeCallContext, sp: &mut Sp, code: &str) -> Thrown<Rows> {
        let opened = sp.opened(&call)?;
        let catalogue = opened.site.catalogue();
        let Some(found) = catalogue.code(code) else { return throw(&call, no_code(catalogue, code)) };
        let lines = catalogue.entities().iter().filter(|entity| entity.is_in(&found.group)).map(|entity| {
            let shared = entity.shared_in(&found.group).map_or(Cell::None, |code| Cell::Text(code.to_owned()));
            let title = entity.title.text(LANGUAGE).to_owned();
            vec![Cell::Text(entity.name.clone()), Cell::Text(title), Cell::Flag(entity.dated), shared]
        });
        Ok(listed(&["name", "title", "dated", "shared"], lines))
    }

    /// Whether an entity needs a month.
    ///
    /// ```rhai
    /// assert(sp.is_dated("payment") && !sp.is_dated("room"));
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn is_dated(call: NativeCallContext, sp: &mut Sp, name: &str) -> Thrown<bool> {
        let opened = sp.opened(&call)?;
        let catalogue = opened.site.catalogue();
        match catalogue.is_dated(name) {
            Some(dated) => Ok(dated),
            None => throw(&call, no_name(catalogue, name)),
        }
    }
}
