//! The same call for many objects: a bounded number of requests at once, and for each object what became of it.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Options;
use super::call::{Asked, How, Reply};
use super::controller::Controller;
use super::names::Found;
use super::tasks::{Ended, Waiting, Watch};
use crate::error::{Error, Kind, Result};
use crate::services::veil::table::words::group_action;
use crate::services::veil::table::{Call, Entity, entity};
use crate::services::veil::wire::task::{Outcome, TaskState};

/// How many are worked on, and how.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// Requests under way at once.
    pub limit: usize,
    /// Wait until the work is done, and not only begun; for as long as this.
    pub wait: Option<Waiting>,
    pub via: Via,
    pub how: How,
}

/// By which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// One for each object.
    Each,
    /// One for all, where the controller has it: for machines.
    Multi,
}

/// What became of one object.
#[derive(Clone, Debug)]
pub struct Done {
    pub id: String,
    pub name: Option<String>,
    pub result: Result<()>,
    /// False where there was nothing to do.
    pub changed: bool,
    /// The task that did it, as it was last seen.
    pub task: Option<TaskState>,
    /// What would be sent, where that is only told.
    pub told: Option<String>,
    pub took: Duration,
}

impl Done {
    pub(super) fn new(found: &Found, result: Result<()>, changed: bool) -> Done {
        let Found { id, name } = found.clone();
        Done { id, name, result, changed, task: None, told: None, took: Duration::ZERO }
    }
}

impl Controller {
    /// Makes a call for each of these objects. An error is about all of them alike; what became of each is in the result.
    pub async fn bulk(
        &self,
        entity: &'static Entity,
        call: &'static Call,
        objects: &[Found],
        options: &Options,
        bulk: &Bulk,
    ) -> Result<Vec<Done>> {
        match bulk.via {
            Via::Each => Ok(self.each(entity, call, objects, options, bulk).await),
            Via::Multi if entity.word == "domain" => self.together(call, objects, options, bulk).await,
            Via::Multi => Err(no_group()),
        }
    }

    async fn each(
        &self,
        entity: &'static Entity,
        call: &'static Call,
        objects: &[Found],
        options: &Options,
        bulk: &Bulk,
    ) -> Vec<Done> {
        let label = format!("{}.{}", entity.plural, call.name);
        let waiting = bulk.wait.clone().unwrap_or(Waiting::new(Duration::ZERO));
        let mut watch = Watch::new(self, waiting, self.bar(&label, Some(objects.len())));
        if bulk.wait.is_some() && !self.0.context.is_dry_run() && !bulk.how.dry_run {
            watch.follow();
        }
        let begun = futures_util::stream::iter(objects.iter().enumerate())
            .map(|(at, found)| async move { (at, self.begin(entity, call, found, options, bulk).await) });
        let mut done: Vec<Option<Done>> = vec![None; objects.len()];
        let begun = begun.buffer_unordered(bulk.limit.max(1)).for_each(|(at, one)| {
            done[at] = Some(one);
            std::future::ready(())
        });
        tokio::select! {
            () = begun => {}
            () = watch.hear_all() => {}
        }
        let mut done: Vec<Done> = done.into_iter().flatten().collect();
        if bulk.wait.is_some() {
            await_all(watch, &mut done).await;
        }
        done
    }

    async fn begin(
        &self,
        entity: &'static Entity,
        call: &'static Call,
        found: &Found,
        options: &Options,
        bulk: &Bulk,
    ) -> Done {
        let began = Instant::now();
        let under_way = bulk.wait.as_ref().and_then(|waiting| waiting.cancel.as_ref());
        let (about, options, how) = (Some(found.id.clone()), options.clone(), bulk.how.clone());
        under_way.into_iter().for_each(|under_way| under_way.ask(found.shown()));
        let reply = self.call(Asked { entity, call, about, options, how }).await;
        let task = match &reply {
            Ok(Reply::Task { task, .. }) => Some(task.id.as_str()),
            _ => None,
        };
        under_way.into_iter().for_each(|under_way| under_way.answered(found.shown(), task));
        let (result, task, changed, told) = match reply {
            Ok(Reply::Task { task, .. }) => (Ok(()), Some(task), true, None),
            Ok(Reply::Told(told)) => (Ok(()), None, false, Some(told)),
            Ok(Reply::Held) => (Ok(()), None, false, None),
            Ok(_) => (Ok(()), None, true, None),
            Err(error) => (Err(error), None, false, None),
        };
        Done { task, told, took: began.elapsed(), ..Done::new(found, result, changed) }
    }

    /// One request for all of them, then what its parts say of each.
    async fn together(
        &self,
        call: &'static Call,
        objects: &[Found],
        options: &Options,
        bulk: &Bulk,
    ) -> Result<Vec<Done>> {
        let (entity, multi) =
            entity("domain").and_then(|domain| Some((domain, domain.call("multi")?))).ok_or_else(no_group)?;
        let action = group_action(call.name).ok_or_else(no_group)?;
        let mut all = options.clone();
        all.insert("action".into(), json!(action));
        all.insert("ids".into(), objects.iter().map(|found| Value::from(found.id.as_str())).collect());
        let how = bulk.how.clone();
        let reply = self.call(Asked { entity, call: multi, about: None, options: all, how }).await?;
        let every =
            |changed: bool| -> Vec<Done> { objects.iter().map(|found| Done::new(found, Ok(()), changed)).collect() };
        let task = match reply {
            Reply::Task { task, .. } => task,
            Reply::Told(told) => {
                return Ok(every(false).into_iter().map(|one| Done { told: Some(told.clone()), ..one }).collect());
            }
            Reply::Held => return Ok(every(false)),
            _ => return Ok(every(true)),
        };
        let Some(waiting) = bulk.wait.clone() else {
            let begun = |found| Done { task: Some(task.clone()), ..Done::new(found, Ok(()), true) };
            return Ok(objects.iter().map(begun).collect());
        };
        Ok(match self.wait_task(&task.id, waiting).await {
            Ok(ended) => objects.iter().map(|found| of_parts(found, &ended)).collect(),
            Err(error) => {
                let unknown = |found| Done { task: Some(task.clone()), ..Done::new(found, Err(error.clone()), true) };
                objects.iter().map(unknown).collect()
            }
        })
    }
}

fn no_group() -> Error {
    Error::input("veil.no_group", "this cannot be done for many machines in one request").hint("leave `via` out")
}

/// Waits for the tasks of those that were begun.
async fn await_all(mut watch: Watch<'_>, done: &mut [Done]) {
    let ids: Vec<String> = done.iter().filter_map(|done| Some(done.task.as_ref()?.id.clone())).collect();
    watch.add(&ids);
    watch.finish().await;
    let ended: HashMap<String, Result<Ended>> = ids.iter().cloned().zip(watch.results(&ids).await).collect();
    for one in done {
        match one.task.as_ref().and_then(|task| ended.get(&task.id)) {
            Some(Ok(ended)) => {
                one.took = ended.took;
                one.task = Some(ended.task.clone());
                one.result = ended.failure().map_or(Ok(()), Err);
            }
            Some(Err(error)) => one.result = Err(error.clone()),
            None => {}
        }
    }
}

/// What the parts of a task about many machines say of one.
fn of_parts(found: &Found, ended: &Ended) -> Done {
    let part = ended.parts.iter().find(|part| part.of_class("domain").any(|id| id == found.id));
    let task = part.unwrap_or(&ended.task);
    let own = Ended { task: task.clone(), parts: Vec::new(), took: ended.took };
    let result = match (part, ended.task.outcome()) {
        (Some(_), _) | (None, Outcome::Success) => own.failure().map_or(Ok(()), Err),
        (None, _) => {
            Err(Error::new(Kind::Partial, "veil.task_partial", "the controller does not say what became of this one")
                .hint("look at the machine itself"))
        }
    };
    Done { task: Some(task.clone()), took: ended.took, ..Done::new(found, result, true) }
}
