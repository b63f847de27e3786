//! `RobotQueue`: tasks added, taken, worked through.

use std::sync::{Arc, OnceLock};

use futures_util::{StreamExt, stream};
use rhai::plugin::*;
use rhai::{Array, Dynamic, EvalAltResult, FnPtr, Map, NativeCallContext};
use serde_json::{Value, json};

use super::given;
use super::task::{BUSINESS, End, STOP, Task, business};
use crate::core::rows::Rows;
use crate::error::{Error, Kind, Result};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::script::closures::call_given;
use crate::script::convert;
use crate::script::report;
use crate::services::robot::client::{self, Client, Options};

/// A queue, by its name or GUID. Cheap to clone; making one sends nothing.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    api: Client,
    about: String,
    guid: OnceLock<String>,
}

/// Requests at once while many tasks are added.
const AT_ONCE: usize = 8;
/// Tasks that are asked for at once while a list is read: the Orchestrator's own number.
const PAGE: usize = 100;
/// Failures that a summary tells one by one.
const TOLD: usize = 1000;

impl Queue {
    fn new(api: Client, about: &str) -> Queue {
        Queue(Arc::new(Inner { api, about: about.to_owned(), guid: OnceLock::new() }))
    }

    async fn guid(&self) -> Result<String> {
        if let Some(guid) = self.0.guid.get() {
            return Ok(guid.clone());
        }
        let guid = self.0.api.guid_of("queue", &self.0.about).await?;
        Ok(self.0.guid.get_or_init(|| guid).clone())
    }

    /// Adds a task; `None` when there is one of this name already and that is not wanted.
    async fn add(&self, name: &str, params: Value, mut options: Options) -> Result<Option<Task>> {
        let unique = given::own(&mut options, "unique") == Some(Value::Bool(true));
        if unique && self.has(name).await? {
            return Ok(None);
        }
        options.insert("name".into(), name.into());
        options.insert("queue".into(), self.guid().await?.into());
        if !params.is_null() {
            options.insert("params".into(), params.clone());
        }
        let guid = self.0.api.make("task.create", &options).await?.unwrap_or_default();
        let mut record = client::options(json!({ "guid": guid, "name": name, "status": 0, "parameters": params }));
        for known in ["tags", "comment", "description", "deadline"] {
            if let Some(value) = options.get(known) {
                record.insert(known.into(), value.clone());
            }
        }
        Ok(Some(Task::new(&self.0.api, record.into())))
    }

    /// Whether a task of exactly this name is in the queue.
    async fn has(&self, name: &str) -> Result<bool> {
        let filter = client::options(json!({ "name": name }));
        let found = self.0.api.list("task.list", Some(&self.0.about), &filter).await?;
        Ok(found.iter().any(|task| client::text(client::field(task, "name")) == name))
    }

    async fn add_all(&self, rows: Vec<Value>, mut options: Options) -> Result<Array> {
        let prefix = given::own_text(&mut options, "prefix")?.unwrap_or_else(|| format!("{}-", self.0.about));
        let column = given::own_text(&mut options, "name")?;
        // As the Orchestrator's own block names them.
        let stamp = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut named = Vec::with_capacity(rows.len());
        for (place, row) in rows.into_iter().enumerate() {
            let name = match &column {
                Some(column) => client::text(row.get(column)),
                None => format!("{prefix}{stamp} {}", place + 1),
            };
            if name.is_empty() {
                let message = format!(
                    "row {} has no name: there is nothing in its column `{}`",
                    place + 1,
                    column.unwrap_or_default()
                );
                return Err(Error::input("robot.no_name", message).hint("no task was added"));
            }
            named.push((name, row));
        }
        self.guid().await?;
        let bar = self.0.api.bar(&format!("tasks to {}", self.0.about), named.len());
        let adding = named.into_iter().map(|(name, row)| {
            let (options, bar) = (options.clone(), &bar);
            async move {
                let added = self.add(&name, row, options).await;
                bar.add(1);
                added
            }
        });
        let done: Vec<Result<Option<Task>>> = stream::iter(adding).buffered(AT_ONCE).collect().await;
        let total = done.len();
        let (mut added, mut failed) = (Array::new(), Vec::new());
        for (place, one) in done.into_iter().enumerate() {
            match one {
                Ok(task) => added.extend(task.map(Dynamic::from)),
                Err(error) => failed.push((place, error)),
            }
        }
        let Some((place, first)) = failed.first() else { return Ok(added) };
        let message = format!(
            "queue.add_all: {} of {total} rows failed; first (row {}): {}",
            failed.len(),
            place + 1,
            first.message()
        );
        let places: Vec<usize> = failed.iter().map(|(place, _)| *place).collect();
        Err(Error::new(Kind::Partial, "robot.partial", message)
            .detail("failed", json!(places))
            .hint("err.failed holds the places of the rows that were not added; the others were"))
    }

    async fn list(&self, mut filter: Options) -> Result<Rows> {
        let wanted = given::own_count(&mut filter, "count")?.map(|count| count as usize);
        let mut offset = given::own_count(&mut filter, "offset")?.unwrap_or(0) as usize;
        let (mut tasks, mut first) = (Vec::new(), None);
        while wanted.is_none_or(|wanted| tasks.len() < wanted) {
            let ask = wanted.map_or(PAGE, |wanted| (wanted - tasks.len()).min(PAGE));
            filter.insert("count".into(), ask.into());
            filter.insert("offset".into(), offset.into());
            let page = self.0.api.list("task.list", Some(&self.0.about), &filter).await?;
            let begins = page.first().map(|task| client::text(client::field(task, "guid")));
            // A server that knows no offset would give the same tasks for ever.
            if page.is_empty() || (begins.is_some() && begins == first) {
                break;
            }
            let came = page.len();
            tasks.extend(page.iter().map(given::readable_task));
            (first, offset) = (begins, offset + came);
            if came < ask {
                break;
            }
        }
        given::table(&tasks)
    }

    async fn take(&self, filter: &Options) -> Result<Option<Task>> {
        let taken = self.0.api.take_task(&self.0.about, filter).await?;
        Ok(taken.map(|record| Task::new(&self.0.api, record)))
    }
}

/// What became of the tasks of a loop.
#[derive(Default)]
struct Summary {
    taken: i64,
    success: i64,
    failed: i64,
    business: i64,
    /// Those the function ended otherwise.
    other: i64,
    is_stopped: bool,
    errors: Array,
}

impl Summary {
    fn tell(&mut self, task: &Task, error: Map) {
        if self.errors.len() < TOLD {
            let mut told = Map::from([("task".into(), task.name().into()), ("guid".into(), task.guid().into())]);
            told.insert("error".into(), error.get("error").cloned().unwrap_or_default());
            told.insert("message".into(), error.get("message").cloned().unwrap_or_default());
            self.errors.push(told.into());
        }
    }

    fn map(self) -> Map {
        Map::from([
            ("taken".into(), self.taken.into()),
            ("success".into(), self.success.into()),
            ("failed".into(), self.failed.into()),
            ("business".into(), self.business.into()),
            ("other".into(), self.other.into()),
            ("stopped".into(), self.is_stopped.into()),
            ("errors".into(), self.errors.into()),
        ])
    }
}

/// Takes tasks one by one and gives each to the function, until there is none.
fn work_through(call: &NativeCallContext<'_>, queue: &Queue, f: &FnPtr, options: &Map) -> Thrown<Map> {
    let mut filter = given::options(call, options)?;
    let most = given::own_count(&mut filter, "most").or_else(|error| throw(call, error))?;
    let mut summary = Summary::default();
    while most.is_none_or(|most| (summary.taken as u64) < most) {
        if super::is_to_stop(call)? {
            summary.is_stopped = true;
            break;
        }
        let Some(task) = wait(call, queue.take(&filter))? else { break };
        summary.taken += 1;
        match call_given(call, f, Dynamic::from(task.clone())) {
            Ok(_) if task.is_ended() => summary.other += 1,
            Ok(_) => {
                wait(call, task.end(End::Success, None))?;
                summary.success += 1;
            }
            Err(error) => fail(call, &task, error, &mut summary)?,
        }
    }
    Ok(summary.map())
}

/// Ends a task by what was thrown. What ends the script itself goes on.
fn fail(call: &NativeCallContext<'_>, task: &Task, error: Box<EvalAltResult>, summary: &mut Summary) -> Thrown<()> {
    if matches!(error.unwrap_inner(), EvalAltResult::ErrorTerminated(..)) {
        if !task.is_ended() {
            task.give_back(&host(call));
        }
        return Err(error);
    }
    let map = report::thrown_map(&error);
    let word = |name: &str| map.get(name).map(ToString::to_string).unwrap_or_default();
    let code = word("error");
    if code == STOP {
        if !task.is_ended() {
            wait(call, task.end(End::GivenBack, None))?;
        }
        return Err(error);
    }
    let is_business = code == BUSINESS;
    // It has said what became of it before it failed.
    if !task.is_ended() {
        let end = if is_business { End::Business } else { End::Failed };
        let line = map.get("line").filter(|line| !line.is_unit() && !is_business);
        let place = line.map(|line| format!(" (line {line})")).unwrap_or_default();
        wait(call, task.end(end, Some(&format!("{}{place}", word("message")))))?;
    }
    match is_business {
        true => summary.business += 1,
        false => summary.failed += 1,
    }
    summary.tell(task, map);
    Ok(())
}

/// Queues in scripts.
#[export_module]
pub mod queue {
    pub type Robot = super::super::Robot;
    pub type RobotQueue = super::Queue;
    pub type RobotTask = super::super::task::Task;

    /// A queue of the Orchestrator, by its name or GUID. Nothing is sent before it is used.
    ///
    /// ```rhai
    /// let queue = robot.queue("invoices");
    /// queue.add("inv-17", #{ file: "a.xml" });
    /// let done = queue.each(|task| print(task.name));
    /// assert(done.success >= 1 && done.failed == 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn queue(call: NativeCallContext, robot: &mut Robot, name: &str) -> Thrown<RobotQueue> {
        Ok(Queue::new(robot.api(&call)?, name))
    }

    /// Makes a queue.
    ///
    /// # Options
    /// - `description`: what it is for
    /// - `unique`: its tasks' names are unique
    /// - `auto_change_status`: tasks in work fail when the job that works on them ends badly
    ///
    /// ```rhai
    /// let queue = robot.create_queue("made by the reference", #{ unique: true });
    /// assert_eq(queue.list().len(), 0);
    /// queue.delete();
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn create_queue(call: NativeCallContext, robot: &mut Robot, name: &str, options: Map) -> Thrown<RobotQueue> {
        let api = robot.api(&call)?;
        let mut options = given::options(&call, &options)?;
        options.insert("name".into(), name.into());
        let guid = wait(&call, api.make("queue.create", &options))?;
        Ok(Queue::new(api, guid.as_deref().unwrap_or(name)))
    }

    /// A task by its GUID or name.
    ///
    /// ```rhai
    /// let added = robot.queue("invoices").add("by-guid-1", #{});
    /// assert_eq(robot.task(added.guid).name, "by-guid-1");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn task(call: NativeCallContext, robot: &mut Robot, guid: &str) -> Thrown<RobotTask> {
        let api = robot.api(&call)?;
        let record = wait(&call, api.record("task.read", guid))?;
        Ok(Task::new(&api, record))
    }

    /// Throws what ends the task under way in `queue.each` as a business failure: the matter itself is wrong, and trying
    /// again would not help.
    ///
    /// ```rhai
    /// let queue = robot.create_queue("business by the reference", #{});
    /// queue.add("no-number", #{});
    /// let done = queue.each(|task| if !("number" in task.params) { robot.business("there is no number") });
    /// assert_eq([done.business, done.errors[0].message], [1, "there is no number"]);
    /// queue.delete();
    /// ```
    #[rhai_fn(name = "business", return_raw, pure)]
    pub fn business_error(call: NativeCallContext, _robot: &mut Robot, text: &str) -> Thrown<()> {
        throw(&call, business(text))
    }

    /// The name or GUID by which it was asked for.
    #[rhai_fn(get = "name", pure)]
    pub fn name(queue: &mut RobotQueue) -> String {
        queue.0.about.clone()
    }

    /// Its GUID; the Orchestrator is asked once.
    #[rhai_fn(get = "guid", return_raw, pure)]
    pub fn guid(call: NativeCallContext, queue: &mut RobotQueue) -> Thrown<String> {
        wait(&call, queue.guid())
    }

    /// What the Orchestrator tells of it: a map.
    #[rhai_fn(return_raw, pure)]
    pub fn read(call: NativeCallContext, queue: &mut RobotQueue) -> Thrown<Dynamic> {
        Ok(convert::from_value(&wait(&call, queue.0.api.record("queue.read", &queue.0.about))?))
    }

    /// Adds a task with these parameters (a map).
    #[rhai_fn(return_raw, pure)]
    pub fn add(call: NativeCallContext, queue: &mut RobotQueue, name: &str, params: Dynamic) -> Thrown<Dynamic> {
        add_with(call, queue, name, params, Map::new())
    }

    /// Adds a task with parameters and options; `()` when `unique` is wanted and there is one of this name.
    ///
    /// # Options
    /// - `priority`: `low`, `normal` (default) or `high`
    /// - `deadline`: a moment or a text; a task whose deadline has passed comes before all others
    /// - `tags`: a list
    /// - `unique`: look first whether there is a task of this name; a queue can be told to see to that itself
    /// - `postponed_until`: not before this moment
    /// - `retries`, `description`, `comment`
    ///
    /// ```rhai
    /// let queue = robot.queue("invoices");
    /// let task = queue.add("inv-18", #{ file: "b.xml" }, #{ priority: "high", tags: ["paper"] });
    /// assert_eq(queue.add("inv-18", #{}, #{ unique: true }), ());
    /// task.ok();
    /// ```
    #[rhai_fn(name = "add", return_raw, pure)]
    pub fn add_with(
        call: NativeCallContext,
        queue: &mut RobotQueue,
        name: &str,
        params: Dynamic,
        options: Map,
    ) -> Thrown<Dynamic> {
        let options = given::options(&call, &options)?;
        let params = convert::to_value(&params).or_else(|error| throw(&call, error))?;
        let added = wait(&call, queue.add(name, params, options))?;
        Ok(added.map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// Adds a task for each row: rows of a table, or a list of maps. A list of the tasks.
    ///
    /// ```rhai
    /// let queue = robot.create_queue("rows of the reference", #{});
    /// let tasks = queue.add_all([#{ number: 1 }, #{ number: 2 }]);
    /// assert_eq([tasks.len(), tasks[1].params.number, queue.list().len()], [2, 2, 2]);
    /// queue.delete();
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn add_all(call: NativeCallContext, queue: &mut RobotQueue, rows: Dynamic) -> Thrown<Array> {
        add_all_with(call, queue, rows, Map::new())
    }

    /// The same with options. Rows that cannot be added do not keep the others back: `robot.partial` is thrown at the end,
    /// with their places in `err.failed`.
    ///
    /// # Options
    /// - `name`: the column with the tasks' names; usually they are the prefix, the time and a number
    /// - `prefix`: what names begin with; usually the queue's name
    /// - those of `queue.add`, for all of them
    #[rhai_fn(name = "add_all", return_raw, pure)]
    pub fn add_all_with(call: NativeCallContext, queue: &mut RobotQueue, rows: Dynamic, options: Map) -> Thrown<Array> {
        let options = given::options(&call, &options)?;
        let rows = given::rows_given(&rows).or_else(|error| throw(&call, error))?;
        wait(&call, queue.add_all(rows, options))
    }

    /// All its tasks: Rows with words for numbers, and their parameters in `params`.
    ///
    /// ```rhai
    /// let rows = robot.queue("invoices").list();
    /// assert("status" in rows.columns);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn list(call: NativeCallContext, queue: &mut RobotQueue) -> Thrown<Rows> {
        wait(&call, queue.list(Options::new()))
    }

    /// The tasks that a filter lets through.
    ///
    /// # Options
    /// - `status`: a word, such as `new` or `failed`
    /// - `name`: with `*` and `?`
    /// - `tags`: `"+must;-mustnot"`
    /// - `priority`: `low`, `normal` or `high`
    /// - `created_from`: a moment or a text
    /// - `guid`, `offset`, `count`
    ///
    /// ```rhai
    /// let rows = robot.queue("invoices").list(#{ status: "new", count: 5 });
    /// assert(rows.len() <= 5);
    /// ```
    #[rhai_fn(name = "list", return_raw, pure)]
    pub fn list_with(call: NativeCallContext, queue: &mut RobotQueue, filter: Map) -> Thrown<Rows> {
        let filter = given::options(&call, &filter)?;
        wait(&call, queue.list(filter))
    }

    /// Takes the next task into work: nobody else gets it. `()` when there is none.
    ///
    /// Those past their deadline come first, then by priority, then the oldest.
    ///
    /// ```rhai
    /// let queue = robot.queue("payments");
    /// let task = queue.take();
    /// assert_eq(task.status, "in_progress");
    /// task.give_back();
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn take(call: NativeCallContext, queue: &mut RobotQueue) -> Thrown<Dynamic> {
        take_with(call, queue, Map::new())
    }

    /// Takes the next task that a filter lets through, as `queue.list` takes it.
    #[rhai_fn(name = "take", return_raw, pure)]
    pub fn take_with(call: NativeCallContext, queue: &mut RobotQueue, filter: Map) -> Thrown<Dynamic> {
        let filter = given::options(&call, &filter)?;
        Ok(wait(&call, queue.take(&filter))?.map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// Takes tasks one by one and gives each to a function, until the queue is empty. A map: `taken`, `success`, `failed`,
    /// `business`, `other`, `stopped`, `errors`.
    ///
    /// Nothing thrown is a success; what `robot.business(text)` throws is a business failure; anything else thrown is a
    /// failure of the application. The text becomes the task's comment, and the next task follows. A function that ends
    /// its task itself (`task.postpone(…)`) has said it all. A script that is stopped gives its task back.
    ///
    /// ```rhai
    /// let queue = robot.create_queue("each by the reference", #{});
    /// queue.add_all([#{ n: 1 }, #{ n: 0 }]);
    /// let done = queue.each(|task| 10 / task.params.n);
    /// assert_eq([done.taken, done.success, done.failed], [2, 1, 1]);
    /// queue.delete();
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn each(call: NativeCallContext, queue: &mut RobotQueue, f: FnPtr) -> Thrown<Map> {
        work_through(&call, queue, &f, &Map::new())
    }

    /// The same with a filter, as `queue.list` takes it, and `most`: no more than so many tasks.
    #[rhai_fn(name = "each", return_raw, pure)]
    pub fn each_with(call: NativeCallContext, queue: &mut RobotQueue, f: FnPtr, options: Map) -> Thrown<Map> {
        work_through(&call, queue, &f, &options)
    }

    /// Changes its name, `description`, `unique`, `auto_change_status`.
    #[rhai_fn(return_raw, pure)]
    pub fn set(call: NativeCallContext, queue: &mut RobotQueue, changes: Map) -> Thrown<()> {
        let mut changes = given::options(&call, &changes)?;
        let job = async {
            changes.insert("guid".into(), queue.guid().await?.into());
            queue.0.api.call("queue.update", None, &changes).await
        };
        wait(&call, job).map(drop)
    }

    /// Removes it with its tasks.
    #[rhai_fn(return_raw, pure)]
    pub fn delete(call: NativeCallContext, queue: &mut RobotQueue) -> Thrown<()> {
        wait(&call, async { queue.0.api.call("queue.delete", Some(&queue.guid().await?), &Options::new()).await })
            .map(drop)
    }

    /// As it is printed.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(queue: &mut RobotQueue) -> String {
        format!("queue {}", queue.0.about)
    }
}
