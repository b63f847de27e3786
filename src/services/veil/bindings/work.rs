//! Tasks: how they stand, what they make, waiting for them.

use std::future::Future;

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, NativeCallContext};

use super::Veil;
use super::given::General;
use super::kinds;
use super::thing::Thing;
use crate::core::json::{read_rows, too_large};
use crate::core::rows::{Builder, Field, Row, Rows};
use crate::error::{Error, Kind, Result};
use crate::script::bridge::{Thrown, error_map, host, throw, wait, wait_with_farewell};
use crate::script::convert;
use crate::services::veil::client::{Controller, Ended, Outcome, TaskState, UnderWay, Waiting};
use crate::services::veil::table::entity;

/// What is known of a task.
#[derive(Default)]
pub struct Work {
    task: Option<TaskState>,
    /// Ids that the caller chose for what is made.
    made: Vec<String>,
    /// The id that the controller told of what is made.
    entity: Option<String>,
    /// The controller did the work inside the request; there is no task.
    done: bool,
    /// The controller does not know the task any more.
    gone: bool,
    /// What it changes: known otherwise once it is over.
    changes: Option<Thing>,
}

impl Work {
    pub fn see(&mut self, task: TaskState) {
        self.task = Some(task);
    }

    pub fn is_done(&self) -> bool {
        self.done
    }

    /// What was seen is old; what it makes stays.
    pub fn forget(&mut self) {
        if self.task.as_ref().is_some_and(|task| !task.is_over()) {
            self.task = None;
        }
    }

    fn outcome(&self) -> Option<&'static str> {
        match &self.task {
            _ if self.gone => Some("gone"),
            _ if self.done => Some(Outcome::Success.word()),
            Some(task) if task.is_over() => Some(task.outcome().word()),
            _ => None,
        }
    }
}

/// The task that a call of a thing began.
pub fn begun_by(thing: &Thing, task: TaskState, entity: Option<String>, made: Vec<String>) -> Thing {
    let task = begun(thing.veil(), task, entity, made);
    task.state().work.changes = Some(thing.clone());
    task
}

/// The task of an answer.
pub fn begun(veil: &Veil, task: TaskState, entity: Option<String>, made: Vec<String>) -> Thing {
    let thing = kinds::task(veil, Some(task.id.clone()));
    let fields = convert::from_json(&task.text).ok().and_then(Dynamic::try_cast::<Map>);
    thing.learn(fields.unwrap_or_default(), false);
    let mut state = thing.state();
    state.work = Work { task: Some(task), made, entity, ..Work::default() };
    drop(state);
    thing
}

/// A task in name only: the work is done, and this is what came.
pub fn done(veil: &Veil, text: &str, made: Vec<String>) -> Thing {
    let thing = kinds::task(veil, None);
    let fields = convert::from_json(text).ok().and_then(Dynamic::try_cast::<Map>).unwrap_or_default();
    let entity = fields.get("id").and_then(|id| id.clone().into_string().ok());
    thing.learn(fields, true);
    thing.state().work = Work { entity, made, done: true, ..Work::default() };
    thing
}

/// The task as it is; asked anew while it runs. `None` where there is none: the work is done.
fn now(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<Option<TaskState>> {
    let state = thing.state();
    if state.work.done {
        return Ok(None);
    }
    if let Some(task) = state.work.task.clone().filter(|task| task.is_over() || state.work.gone) {
        return Ok(Some(task));
    }
    drop(state);
    let controller = thing.veil().controller(call)?;
    wait(call, refresh(thing, &controller)).map(Some)
}

async fn refresh(thing: &Thing, controller: &Controller) -> Result<TaskState> {
    if thing.about().is_none() {
        return Err(thing.no_object("its state"));
    }
    let id = thing.found(controller).await?.id;
    let task = controller.task(&id).await?;
    thing.take_in(&task.text)?;
    if task.is_over() {
        changed(thing);
    }
    Ok(task)
}

/// The controller's word: `IN_PROGRESS`, `SUCCESS`, …
pub fn status(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<String> {
    Ok(now(call, thing)?.map_or_else(|| "SUCCESS".to_owned(), |task| task.status))
}

/// Our word for how it ended.
pub fn outcome(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<String> {
    if let Some(word) = thing.state().work.outcome() {
        return Ok(word.to_owned());
    }
    Ok(now(call, thing)?.map_or(Outcome::Success, |task| task.outcome()).word().to_owned())
}

pub fn progress(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<i64> {
    Ok(now(call, thing)?.map_or(100, |task| task.progress))
}

pub fn error_message(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<String> {
    Ok(now(call, thing)?.map_or_else(String::new, |task| task.error_message))
}

pub fn is(call: &NativeCallContext<'_>, thing: &Thing, wanted: impl Fn(&str) -> bool) -> Thrown<bool> {
    outcome(call, thing).map(|outcome| wanted(&outcome))
}

/// The id of what it makes, where the controller has told it.
pub fn made_entity(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<Dynamic> {
    let known = thing.state().work.entity.clone();
    match known {
        Some(id) => Ok(id.into()),
        None => first_entity(call, thing),
    }
}

/// The first of the ids that it is about.
pub fn first_entity(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<Dynamic> {
    let first = known(call, thing)?.and_then(|task| task.entities.first().map(|(id, _)| id.clone()));
    Ok(first.map_or(Dynamic::UNIT, Dynamic::from))
}

/// The task as it was last seen; what it is about does not change.
fn known(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<Option<TaskState>> {
    let seen = thing.state().work.task.clone();
    match seen {
        Some(task) => Ok(Some(task)),
        None => now(call, thing),
    }
}

/// The machines that it makes or is about.
pub fn domains(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<Array> {
    let made = thing.state().work.made.clone();
    let ids = match made.is_empty() {
        false => made,
        true => {
            let task = known(call, thing)?;
            let about = task.iter().flat_map(|task| task.of_class("domain")).map(str::to_owned);
            let mut ids: Vec<String> = about.collect();
            if ids.is_empty() {
                ids.extend(thing.state().work.entity.clone().filter(|_| task.is_none()));
            }
            ids
        }
    };
    let Some(domain) = entity("domain") else { return Ok(Array::new()) };
    let handle = |id: String| kinds::handle(Thing::new(thing.veil(), domain, Some(id)));
    Ok(ids.into_iter().map(handle).collect())
}

/// The parts of a task about many objects.
pub fn parts(call: &NativeCallContext<'_>, thing: &Thing) -> Thrown<Rows> {
    if thing.state().work.done {
        return Ok(Rows::default());
    }
    let controller = thing.veil().controller(call)?;
    let read = async {
        let id = thing.found(&controller).await?.id;
        let parts = controller.parts(&id).await?;
        let texts: Vec<String> = parts.into_iter().map(|part| part.text).collect();
        let mut builder = Builder::new();
        read_rows(&format!("[{}]", texts.join(",")), &mut builder)?;
        Ok(builder.finish().into())
    };
    wait(call, read)
}

/// Waits for one task; throws when it does not end well, unless told to return.
pub fn wait_for(call: &NativeCallContext<'_>, thing: &Thing, general: &General) -> Thrown<()> {
    if thing.state().work.done {
        return Ok(());
    }
    let controller = thing.veil().controller(call)?;
    if thing.about().is_none() {
        return throw(call, thing.no_object("waiting"));
    }
    let under_way = UnderWay::default();
    let job = async {
        let id = thing.found(&controller).await?.id;
        to_its_end(thing, &controller, &id, general, &under_way).await
    };
    wait_or_end(call, &controller, &under_way, job)
}

/// Runs a job that begins tasks or waits for them. Should it be stopped, the controller ends those under way.
pub fn wait_or_end<T>(
    call: &NativeCallContext<'_>,
    controller: &Controller,
    under_way: &UnderWay,
    job: impl Future<Output = Result<T>>,
) -> Thrown<T> {
    let done = wait_with_farewell(call, job, controller.end(under_way));
    if done.as_ref().is_err_and(|error| matches!(**error, EvalAltResult::ErrorTerminated(..))) {
        let host = host(call);
        under_way.left().iter().for_each(|told| host.warn(told));
    }
    done
}

/// Follows a task to its end.
pub async fn to_its_end(
    thing: &Thing,
    controller: &Controller,
    id: &str,
    general: &General,
    under_way: &UnderWay,
) -> Result<()> {
    let ended = controller.wait_task(id, general.waiting(controller, under_way)).await;
    match settle(thing, ended) {
        Err(error) if !general.returns || !is_about_task(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Keeps how a task ended.
fn settle(thing: &Thing, ended: Result<Ended>) -> Result<()> {
    match ended {
        Ok(ended) => {
            let failure = ended.failure();
            thing.take_in(&ended.task.text)?;
            changed(thing);
            failure.map_or(Ok(()), Err)
        }
        Err(error) => {
            thing.state().work.gone |= error.code() == "veil.task_gone";
            Err(error)
        }
    }
}

/// What a task has changed is to be read anew.
fn changed(task: &Thing) {
    let thing = task.state().work.changes.take();
    if let Some(thing) = thing {
        thing.forget();
    }
}

/// Whether an error is how a task ended, and not that nobody could ask.
fn is_about_task(error: &Error) -> bool {
    error.code().starts_with("veil.task_")
}

/// One of many tasks that are waited for.
struct Awaited {
    thing: Option<Thing>,
    /// Empty where the work is done already, or was never begun.
    id: String,
    name: String,
    /// Why it was not begun.
    refused: Option<Error>,
}

/// Waits for many tasks: a row for each.
pub fn wait_for_all(call: &NativeCallContext<'_>, veil: &Veil, tasks: &Array, general: &General) -> Thrown<Rows> {
    let controller = veil.controller(call)?;
    let mut awaited = Vec::with_capacity(tasks.len());
    for (at, task) in tasks.iter().enumerate() {
        // In a dry run nothing was begun.
        if task.is_unit() {
            continue;
        }
        awaited.push(one(call, veil, &controller, at, task)?);
    }
    let ids: Vec<String> = awaited.iter().filter(|one| !one.id.is_empty()).map(|one| one.id.clone()).collect();
    let under_way = UnderWay::default();
    let waiting = general.waiting(&controller, &under_way);
    let job = async {
        match ids.is_empty() {
            true => Ok(Vec::new()),
            false => Ok(controller.wait_tasks(&ids, waiting).await),
        }
    };
    let mut ended = wait_or_end(call, &controller, &under_way, job)?.into_iter();
    let ended: Vec<Option<Result<Ended>>> =
        awaited.iter().map(|one| if one.id.is_empty() { None } else { ended.next() }).collect();
    let (rows, failures) = rows_of(&awaited, &ended).or_else(|error| throw(call, error))?;
    for (one, ended) in awaited.into_iter().zip(ended) {
        if let (Some(thing), Some(ended)) = (one.thing, ended) {
            // How each ended stands in the rows.
            drop(settle(&thing, ended));
        }
    }
    match failures.first() {
        Some(first) if !general.returns => {
            let message =
                format!("{} of {} tasks did not end well; first: {}", failures.len(), rows.len(), first.message());
            thrown_with(
                call,
                &Error::new(Kind::Partial, "veil.partial", message).hint("err.rows says what became of each"),
                &rows,
            )
        }
        _ => Ok(rows),
    }
}

/// Throws an error with rows inside.
pub fn thrown_with<T>(call: &NativeCallContext<'_>, error: &Error, rows: &Rows) -> Thrown<T> {
    let mut map = error_map(error, call.call_position());
    map.insert("rows".into(), Dynamic::from(rows.clone()));
    Err(Box::new(rhai::EvalAltResult::ErrorRuntime(map.into(), call.call_position())))
}

/// A handle, an id, a row with a `task` or an `id`.
fn one(
    call: &NativeCallContext<'_>,
    veil: &Veil,
    controller: &Controller,
    at: usize,
    task: &Dynamic,
) -> Thrown<Awaited> {
    if let Some(thing) = kinds::thing(task).filter(Thing::is_task) {
        veil.own(call, thing.veil(), &thing.shown())?;
        let is_done = thing.state().work.done;
        let id = if is_done { String::new() } else { wait(call, thing.found(controller))?.id };
        let name = thing.state().work.task.as_ref().map(|task| task.name.clone());
        return Ok(Awaited { id, name: name.unwrap_or_default(), thing: Some(thing), refused: None });
    }
    let text = |id: String| Awaited { id, name: String::new(), thing: None, refused: None };
    if let Some(id) = task.read_lock::<ImmutableString>().filter(|id| !id.is_empty()) {
        if id.contains(" /api/") {
            let error = Error::input("veil.task", format!("number {at} is what a dry run tells, not a task"));
            return throw(call, error.hint("leave dry_run out: nothing was begun that could be waited for"));
        }
        return Ok(text(id.to_string()));
    }
    if let Some(row) = task.read_lock::<Row>() {
        match row.get("task").or_else(|| row.get("id")) {
            Some(Field::Text(id)) => return Ok(text(id.to_owned())),
            // A change that was refused, or made at once, has no task.
            Some(Field::Null) => return Ok(Awaited { refused: refused(&row), ..text(String::new()) }),
            _ => {}
        }
    }
    let message = format!("number {at} is {}, not a task", convert::type_name(task));
    throw(
        call,
        Error::input("veil.task", message).hint("give tasks, their ids, or rows of a call for many with wait: false"),
    )
}

/// The error that a row tells of.
fn refused(row: &Row) -> Option<Error> {
    let word = |name: &str| match row.get(name) {
        Some(Field::Text(text)) => Some(text.to_owned()),
        _ => None,
    };
    word("error").map(|code| Error::new(Kind::Refused, code, word("message").unwrap_or_default()))
}

fn rows_of(awaited: &[Awaited], ended: &[Option<Result<Ended>>]) -> Result<(Rows, Vec<Error>)> {
    let mut builder = Builder::new();
    let mut failures = Vec::new();
    for (one, ended) in awaited.iter().zip(ended) {
        let ended_well = ended.as_ref().and_then(|ended| ended.as_ref().ok());
        let error = match ended {
            Some(Ok(ended)) => ended.failure(),
            Some(Err(error)) => Some(error.clone()),
            None => one.refused.clone(),
        };
        let outcome = match (ended, &error) {
            (None, Some(_)) => Outcome::Failed.word(),
            (None, None) => Outcome::Success.word(),
            (Some(Ok(ended)), _) => ended.task.outcome().word(),
            (Some(Err(error)), _) if error.code() == "veil.task_gone" => "gone",
            (Some(Err(error)), _) if error.kind() == Kind::Timeout => "timeout",
            (Some(Err(_)), _) => "unknown",
        };
        let name = ended_well.map_or(one.name.as_str(), |ended| ended.task.name.as_str());
        let took = ended_well.map(|ended| ended.took.as_secs_f64());
        let cells = [
            ("task", if one.id.is_empty() { Field::Null } else { Field::Text(&one.id) }),
            ("name", Field::Text(name)),
            ("outcome", Field::Text(outcome)),
            ("seconds", took.map_or(Field::Null, |took| Field::Number((took * 1000.0).round() / 1000.0))),
            ("error", error.as_ref().map_or(Field::Null, |error| Field::Text(error.code()))),
            ("message", error.as_ref().map_or(Field::Null, |error| Field::Text(error.message()))),
        ];
        push(&mut builder, &cells)?;
        failures.extend(error);
    }
    Ok((builder.finish().into(), failures))
}

/// Adds a row.
pub fn push(builder: &mut Builder, cells: &[(&str, Field<'_>)]) -> Result<()> {
    for (name, field) in cells {
        builder.name(name);
        builder.push(*field).map_err(|_| too_large())?;
    }
    builder.end_row();
    Ok(())
}

impl General {
    /// How long and how often, and what is to be ended when the wait is.
    pub fn waiting(&self, controller: &Controller, under_way: &UnderWay) -> Waiting {
        let timeout = self.timeout.unwrap_or_else(|| controller.task_timeout());
        Waiting { timeout, interval: self.interval, cancel: self.cancel.then(|| under_way.clone()) }
    }
}
