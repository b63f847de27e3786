//! `RobotTask`: one task of a queue.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Map, NativeCallContext};
use serde_json::{Value, json};

use super::given;
use crate::error::{Error, Kind, Result};
use crate::script::bridge::{Host, Thrown, throw, wait};
use crate::script::convert;
use crate::secret;
use crate::services::robot::client::{self, Client, Options, words};

/// A task of a queue, as it was last seen. Cheap to clone.
#[derive(Clone)]
pub struct Task(Arc<Inner>);

struct Inner {
    api: Client,
    guid: String,
    seen: Mutex<Seen>,
}

/// What is known of it.
struct Seen {
    record: Value,
    /// The script has said what became of it.
    is_ended: bool,
}

/// How a task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Success,
    Failed,
    Business,
    Abandoned,
    /// Somebody else may have it.
    GivenBack,
}

impl End {
    fn status(self) -> &'static str {
        match self {
            End::Success => "success",
            End::Failed => "failed",
            End::Business => "business_failed",
            End::Abandoned => "abandoned",
            End::GivenBack => "new",
        }
    }
}

/// The longest comment that is sent, in characters.
const COMMENT: usize = 2000;
/// Nobody who has stopped a script waits for longer.
const FAREWELL: Duration = Duration::from_secs(5);

impl Task {
    /// A task by its record.
    pub fn new(api: &Client, record: Value) -> Task {
        let guid = client::text(client::field(&record, "guid"));
        Task(Arc::new(Inner { api: api.clone(), guid, seen: Mutex::new(Seen { record, is_ended: false }) }))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn guid(&self) -> &str {
        &self.0.guid
    }

    pub fn name(&self) -> String {
        self.text("name")
    }

    fn text(&self, name: &str) -> String {
        client::text(client::field(&self.seen().record, name))
    }

    fn value(&self, name: &str) -> Dynamic {
        client::field(&self.seen().record, name).map_or(Dynamic::UNIT, convert::from_value)
    }

    pub fn is_ended(&self) -> bool {
        self.seen().is_ended
    }

    /// The task as people read it.
    pub fn plain(&self) -> Dynamic {
        convert::from_value(&given::readable_task(&self.seen().record))
    }

    /// Sends changes, and knows them from then on.
    async fn change(&self, change: Options, ends: bool) -> Result<()> {
        let known = change.clone();
        self.0.api.change_task(self.guid(), change).await?;
        let mut seen = self.seen();
        seen.is_ended |= ends;
        if let Some(record) = seen.record.as_object_mut() {
            for (name, value) in known {
                let value = match name.as_str() {
                    "status" => value.as_str().and_then(|word| words::number(&words::TASK_STATUSES, word)).into(),
                    "priority" => value.as_str().and_then(|word| words::number(&words::PRIORITIES, word)).into(),
                    _ => value,
                };
                let name = if name == "params" { "parameters".to_owned() } else { name };
                let spelt = record.keys().find(|key| key.trim().eq_ignore_ascii_case(&name)).cloned();
                record.insert(spelt.unwrap_or(name), value);
            }
        }
        Ok(())
    }

    /// Says what became of it; a reason goes into its comment.
    pub async fn end(&self, end: End, reason: Option<&str>) -> Result<()> {
        let mut change = client::options(json!({ "status": end.status() }));
        if let Some(reason) = reason {
            let reason: String = secret::mask(reason).chars().take(COMMENT).collect();
            change.insert("comment".into(), reason.into());
        }
        self.change(change, true).await
    }

    /// Gives it back when the script is not allowed to wait any more. Nobody can be told when that fails.
    pub fn give_back(&self, host: &Host) {
        let given = host.context.runtime().block_on(tokio::time::timeout(FAREWELL, self.end(End::GivenBack, None)));
        let why = match given {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".into(),
        };
        host.warn(&format!("the task {} is still in progress at the Orchestrator: {why}", self.guid()));
    }
}

fn ended(call: &NativeCallContext<'_>, task: &Task, end: End, reason: Option<&str>) -> Thrown<()> {
    wait(call, task.end(end, reason))
}

/// `RobotTask` in scripts.
#[export_module]
pub mod task {
    pub type RobotTask = super::Task;

    /// The task's GUID.
    #[rhai_fn(get = "guid", pure)]
    pub fn guid(task: &mut RobotTask) -> String {
        task.guid().to_owned()
    }

    /// The task's name.
    #[rhai_fn(get = "name", pure)]
    pub fn name(task: &mut RobotTask) -> String {
        task.name()
    }

    /// How it stood when it was last seen: `new`, `in_progress`, `success`, `failed`, `business_failed`, `postponed` or
    /// `abandoned`. `task.refresh()` looks again.
    #[rhai_fn(get = "status", pure)]
    pub fn status(task: &mut RobotTask) -> String {
        let seen = task.seen();
        client::field(&seen.record, "status").map_or(String::new(), |value| words::word(&words::TASK_STATUSES, value))
    }

    /// `low`, `normal` or `high`.
    #[rhai_fn(get = "priority", pure)]
    pub fn priority(task: &mut RobotTask) -> String {
        let seen = task.seen();
        client::field(&seen.record, "priority").map_or(String::new(), |value| words::word(&words::PRIORITIES, value))
    }

    /// Its parameters: a map, or what else they are; `()` where there are none.
    ///
    /// ```rhai
    /// let task = robot.queue("invoices").add("params-1", #{ file: "a.xml", sum: 12 });
    /// assert_eq(task.params.file, "a.xml");
    /// ```
    #[rhai_fn(get = "params", pure)]
    pub fn params(task: &mut RobotTask) -> Dynamic {
        convert::from_value(&client::params(&task.seen().record))
    }

    /// Its tags: a list of texts.
    #[rhai_fn(get = "tags", pure)]
    pub fn tags(task: &mut RobotTask) -> Array {
        given::tags(client::field(&task.seen().record, "tags")).into_iter().map(Dynamic::from).collect()
    }

    /// What was written about it: the reason of a failure, usually.
    #[rhai_fn(get = "comment", pure)]
    pub fn comment(task: &mut RobotTask) -> String {
        task.text("comment")
    }

    /// What it is about, in words.
    #[rhai_fn(get = "description", pure)]
    pub fn description(task: &mut RobotTask) -> String {
        task.text("description")
    }

    /// When it is to be done, as the Orchestrator writes it, or `()`.
    #[rhai_fn(get = "deadline", pure)]
    pub fn deadline(task: &mut RobotTask) -> Dynamic {
        task.value("deadline")
    }

    /// Everything that the Orchestrator tells of it: a map with words for its numbers, and `params`.
    ///
    /// ```rhai
    /// let task = robot.queue("invoices").add("fields-1", #{});
    /// assert_eq(task.refresh().fields.status, "new");
    /// ```
    #[rhai_fn(get = "fields", pure)]
    pub fn fields(task: &mut RobotTask) -> Dynamic {
        task.plain()
    }

    /// Looks at the Orchestrator how it stands; gives the task itself.
    #[rhai_fn(return_raw, pure)]
    pub fn refresh(call: NativeCallContext, task: &mut RobotTask) -> Thrown<RobotTask> {
        let record = wait(&call, task.0.api.record("task.read", task.guid()))?;
        task.seen().record = record;
        Ok(task.clone())
    }

    /// It was done well.
    ///
    /// ```rhai
    /// let task = robot.queue("invoices").add("ok-1", #{});
    /// task.ok();
    /// assert_eq(task.refresh().status, "success");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn ok(call: NativeCallContext, task: &mut RobotTask) -> Thrown<()> {
        ended(&call, task, End::Success, None)
    }

    /// The application failed; the queue may try it again. The text becomes the task's comment.
    ///
    /// ```rhai
    /// let task = robot.queue("invoices").add("fail-1", #{});
    /// task.fail("1C did not answer");
    /// assert_eq(task.refresh().comment, "1C did not answer");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn fail(call: NativeCallContext, task: &mut RobotTask, text: &str) -> Thrown<()> {
        ended(&call, task, End::Failed, Some(text))
    }

    /// The matter itself cannot be done, and trying again would not help: a wrong invoice. The text becomes the task's
    /// comment.
    ///
    /// ```rhai
    /// let task = robot.queue("invoices").add("business-1", #{});
    /// task.business("the invoice has no number");
    /// assert_eq(task.refresh().status, "business_failed");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn business(call: NativeCallContext, task: &mut RobotTask, text: &str) -> Thrown<()> {
        ended(&call, task, End::Business, Some(text))
    }

    /// Puts it off: it is new again at this moment (a moment, or a text such as "2027-01-15 09:00:00").
    ///
    /// The Orchestrator's dates have no zone, and so it is what the moment's own clock shows.
    ///
    /// ```rhai
    /// let task = robot.queue("invoices").add("later-1", #{});
    /// task.postpone("2099-01-15 09:00:00");
    /// assert_eq(task.refresh().status, "postponed");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn postpone(call: NativeCallContext, task: &mut RobotTask, until: Dynamic) -> Thrown<()> {
        let until = convert::to_value(&until).or_else(|error| throw(&call, error))?;
        let change = client::options(json!({ "status": "postponed", "postponed_until": until }));
        wait(&call, task.change(change, true))
    }

    /// Nobody is to do it any more.
    #[rhai_fn(return_raw, pure)]
    pub fn abandon(call: NativeCallContext, task: &mut RobotTask) -> Thrown<()> {
        ended(&call, task, End::Abandoned, None)
    }

    /// Gives it back unfinished: it is new, and somebody else may take it.
    #[rhai_fn(return_raw, pure)]
    pub fn give_back(call: NativeCallContext, task: &mut RobotTask) -> Thrown<()> {
        ended(&call, task, End::GivenBack, None)
    }

    /// Changes it.
    ///
    /// # Options
    /// - `name`, `description`, `comment`: texts
    /// - `params`: a map
    /// - `priority`: `low`, `normal` or `high`
    /// - `deadline`: a moment or a text
    /// - `retries`: how often it may be tried again
    /// - `tags`: a list
    /// - `queue`: the GUID of the queue it is to stand in
    /// - `status`: a word; `task.ok()` and its like are the usual way
    ///
    /// ```rhai
    /// let task = robot.queue("invoices").add("set-1", #{ step: 1 });
    /// task.set(#{ params: #{ step: 2 }, priority: "high" });
    /// assert_eq(task.params.step, 2);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn set(call: NativeCallContext, task: &mut RobotTask, changes: Map) -> Thrown<()> {
        let changes = given::options(&call, &changes)?;
        let ends = changes.get("status").is_some_and(|status| status != "in_progress");
        wait(&call, task.change(changes, ends))
    }

    /// Adds a tag, or each of a list.
    ///
    /// ```rhai
    /// let task = robot.queue("invoices").add("tags-1", #{});
    /// task.tag(["urgent", "paper"]);
    /// task.untag("paper");
    /// assert_eq(task.refresh().tags, ["urgent"]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn tag(call: NativeCallContext, task: &mut RobotTask, tags: Dynamic) -> Thrown<()> {
        mark(&call, task, "task.tag", &tags)
    }

    /// Takes a tag off, or each of a list.
    #[rhai_fn(return_raw, pure)]
    pub fn untag(call: NativeCallContext, task: &mut RobotTask, tags: Dynamic) -> Thrown<()> {
        mark(&call, task, "task.untag", &tags)
    }

    /// Removes it from its queue for good.
    #[rhai_fn(return_raw, pure)]
    pub fn delete(call: NativeCallContext, task: &mut RobotTask) -> Thrown<()> {
        let about = client::options(json!({ "guid": task.guid() }));
        wait(&call, task.0.api.call("task.delete", None, &about))?;
        task.seen().is_ended = true;
        Ok(())
    }

    /// As it is printed.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(task: &mut RobotTask) -> String {
        format!("task {} ({})", task.name(), task.guid())
    }
}

fn mark(call: &NativeCallContext<'_>, task: &Task, name: &str, tags: &Dynamic) -> Thrown<()> {
    let tags = given::joined_tags(tags).or_else(|error| throw(call, error))?;
    let about = client::options(json!({ "guid": task.guid(), "tags": tags }));
    wait(call, task.0.api.call(name, None, &about))?;
    let mut seen = task.seen();
    let mut known = given::tags(client::field(&seen.record, "tags"));
    let given: Vec<String> = tags.as_array().into_iter().flatten().map(|tag| client::text(Some(tag))).collect();
    known.retain(|tag| !given.contains(tag));
    if name == "task.tag" {
        known.extend(given);
    }
    if let Some(record) = seen.record.as_object_mut() {
        record.insert("tags".into(), json!(known));
    }
    Ok(())
}

/// What a script throws when a task cannot be done for a reason of its own.
pub fn business(text: &str) -> Error {
    Error::new(Kind::Script, BUSINESS, secret::mask(text).into_owned())
        .hint("thrown by robot.business(…): inside queue.each it ends the task as a business failure")
}

/// The code of [`business`].
pub const BUSINESS: &str = "robot.business";
/// The code with which a job ends itself because it was asked to.
pub const STOP: &str = "robot.stop";
