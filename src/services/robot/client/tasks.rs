//! Tasks: taken into work so that no two robots work on one, and ended.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::Reply;
use super::http::{Client, TakeBy};
use super::trouble::{Trouble, code};
use crate::core::retry::Schedule;
use crate::error::{Error, Kind, Result};
use crate::services::robot::wire::answer;
use crate::services::robot::wire::call::Options;

/// Numbers of a task's status.
const NEW: i64 = 0;
const IN_PROGRESS: i64 = 1;

/// How long another robot's change may be under way when ours is compared with it.
const SETTLES: Duration = Duration::from_millis(250);
/// So many tasks are looked at before a queue counts as fought over.
const MOST_LOST: usize = 20;

/// How often a change of a task is sent.
const AGAIN: Schedule = Schedule { tries: 5, first: Duration::from_millis(500), longest: Duration::from_secs(8) };
/// A server may ask for a pause; not for any pause.
const MOST: Duration = Duration::from_secs(30);

fn status(task: &Value) -> Option<i64> {
    answer::field(task, "status").and_then(answer::number)
}

fn text(task: &Value, name: &str) -> String {
    answer::words(answer::field(task, name))
}

impl Client {
    /// Takes the next task of a queue into work; `None` when there is none that fits. `filter` holds the parameters of
    /// `task.find`.
    pub async fn take_task(&self, queue: &str, filter: &Options) -> Result<Option<Value>> {
        let by = self.0.take_by;
        if by == TakeBy::LastTask || (by == TakeBy::Auto && self.0.has_no_filter.load(Ordering::Relaxed)) {
            return self.take_last(queue, filter).await;
        }
        match self.take_found(queue, filter).await {
            Err(error) if by == TakeBy::Auto && matches!(error.code(), code::NOT_FOUND | code::REFUSED) => {
                // There may be no such call; or no such queue, and then the other way says so.
                let taken = self.take_last(queue, filter).await?;
                self.0.has_no_filter.store(true, Ordering::Relaxed);
                Ok(taken)
            }
            taken => taken,
        }
    }

    /// By the filter that takes in the same request.
    async fn take_found(&self, queue: &str, filter: &Options) -> Result<Option<Value>> {
        let mut options = filter.clone();
        options.entry("status").or_insert_with(|| NEW.into());
        options.insert("count".into(), 1.into());
        options.insert("take".into(), true.into());
        for _ in 0..MOST_LOST {
            let Reply::Object(Some(task)) = self.call("task.find", Some(queue), &options).await? else {
                return Ok(None);
            };
            // A server that does not know `take` tells of a task that anybody may take.
            if self.0.take_by == TakeBy::Filter || status(&task) != Some(NEW) {
                return Ok(Some(task));
            }
            if let Some(task) = self.claim(task).await? {
                return Ok(Some(task));
            }
        }
        Err(self.fought_over(queue))
    }

    /// By the call that shows the next task and leaves it where it is.
    async fn take_last(&self, queue: &str, filter: &Options) -> Result<Option<Value>> {
        if let Some(name) = filter.keys().find(|name| *name != "status") {
            let message = format!("robot.take: this Orchestrator cannot choose tasks by `{name}`");
            return Err(Error::new(Kind::Refused, "robot.no_filter", message)
                .hint("take without a filter, or set take_by = \"filter\" if it can"));
        }
        for _ in 0..MOST_LOST {
            let Reply::Object(Some(task)) = self.call("queue.last_task", Some(queue), &Options::new()).await? else {
                return Ok(None);
            };
            if let Some(task) = self.claim(task).await? {
                return Ok(Some(task));
            }
        }
        Err(self.fought_over(queue))
    }

    /// Changes a task that was new and looks whose change stands. `None` when somebody else was faster.
    async fn claim(&self, shown: Value) -> Result<Option<Value>> {
        let guid = text(&shown, "guid");
        let task = self.record("task.read", &guid).await?;
        if status(&task).is_some_and(|status| status != NEW) {
            tokio::time::sleep(SETTLES).await;
            return Ok(None);
        }
        let comment = text(&task, "comment");
        let mark = format!("[taken {}]", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let marked = format!("{comment} {mark}").trim().to_owned();
        let change = options(json!({ "guid": guid, "status": IN_PROGRESS, "comment": marked }));
        if self.call("task.update", None, &change).await? == Reply::Held {
            return Ok(None);
        }
        tokio::time::sleep(SETTLES).await;
        let mut now = self.record("task.read", &guid).await?;
        if status(&now) != Some(IN_PROGRESS) || !text(&now, "comment").contains(&mark) {
            return Ok(None);
        }
        // The mark has done its work.
        let back = options(json!({ "guid": guid, "comment": comment }));
        self.call("task.update", None, &back).await?;
        if let Some(map) = now.as_object_mut() {
            map.insert("comment".into(), comment.into());
        }
        Ok(Some(now))
    }

    fn fought_over(&self, queue: &str) -> Error {
        let message = format!("robot.take: other robots were faster {MOST_LOST} times at the queue `{queue}`");
        Error::new(Kind::Limit, "robot.fought_over", message).hint("try again; or let fewer robots take from it")
    }

    /// Changes fields of a task, its status among them. False in a dry run. What has become of a task is not lost because
    /// the Orchestrator was away for a moment: saying it twice does no harm.
    pub async fn change_task(&self, guid: &str, mut change: Options) -> Result<bool> {
        change.insert("guid".into(), guid.into());
        let mut failed = 0;
        loop {
            let error = match self.call("task.update", None, &change).await {
                Ok(reply) => return Ok(reply == Reply::Done),
                Err(error) => error,
            };
            failed += 1;
            let Trouble::Transient(after) = Trouble::of(&error) else { return Err(error) };
            let Some(pause) = AGAIN.pause(failed) else { return Err(error) };
            tokio::time::sleep(after.unwrap_or(pause).clamp(pause, MOST)).await;
        }
    }
}

/// A map of options from JSON.
pub fn options(value: Value) -> Options {
    match value {
        Value::Object(map) => map,
        _ => Options::new(),
    }
}
