//! Tags: what has one, and what is to have one.

use serde_json::json;

use super::Options;
use super::call::{Asked, How, Reply};
use super::controller::{Controller, told};
use super::tasks::Waiting;
use crate::error::{Error, Kind, Result};
use crate::services::veil::table::{Verb, entity};
use crate::services::veil::wire::request::Request;

/// A tag that was to be made.
pub(super) enum Made {
    /// Its id.
    Tag(String),
    /// What would be sent.
    Told(String),
    /// The session is a dry run: told already.
    Held,
}

impl Controller {
    /// Puts a tag on objects of one class, or takes it off. With `how.dry_run`, gives what would be sent.
    pub async fn tag_entities(
        &self,
        tag: &str,
        on: bool,
        class: &str,
        ids: &[String],
        how: &How,
    ) -> Result<Option<String>> {
        let (what, path) = match on {
            true => ("tag.add", "add-entities"),
            false => ("tag.detach", "remove-entities"),
        };
        let body = json!({ "entity_class": class, "entity_uuids": ids });
        let request = Request {
            verb: Verb::Post,
            body: Some(body),
            changes: true,
            ..Request::get(format!("tags/{tag}/{path}/"))
        };
        let request = request.waits(how.at_once.unwrap_or(false)).keyed();
        if how.dry_run {
            return Ok(Some(told(&request)));
        }
        if self.only_tells(what, &request)? {
            return Ok(None);
        }
        self.0.counters.calls.add(1);
        let answer = self.ask(what, &request, how, false).await?;
        if let Some(task) = answer.task() {
            self.well(&task.id).await?;
        }
        Ok(None)
    }

    /// Makes a tag and waits until it is there.
    pub(super) async fn make_tag(&self, name: &str, how: &How) -> Result<Made> {
        let (entity, call) = entity("tag").and_then(|tag| Some((tag, tag.call("create")?))).ok_or_else(no_id)?;
        let options = Options::from_iter([("verbose_name".to_owned(), json!(name))]);
        let reply = self.call(Asked { entity, call, about: None, options, how: how.clone() }).await?;
        match reply {
            Reply::Task { task, entity, .. } => {
                let id = entity.or_else(|| task.of_class("tag").next().map(str::to_owned)).ok_or_else(no_id)?;
                self.well(&task.id).await?;
                Ok(Made::Tag(id))
            }
            Reply::Done { text, .. } => {
                let made: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                made.get("id").and_then(|id| id.as_str()).map(|id| Made::Tag(id.to_owned())).ok_or_else(no_id)
            }
            Reply::Told(told) => Ok(Made::Told(told)),
            _ => Ok(Made::Held),
        }
    }

    /// Waits for a task that has to end well.
    pub(super) async fn well(&self, task: &str) -> Result<()> {
        let ended = self.wait_task(task, Waiting::new(self.task_timeout())).await?;
        ended.failure().map_or(Ok(()), Err)
    }
}

fn no_id() -> Error {
    Error::new(Kind::Protocol, "veil.no_id", "the controller does not tell the id of the new tag")
        .hint("veil.tags() lists them")
}
