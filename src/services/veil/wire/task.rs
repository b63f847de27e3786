//! Tasks: work that goes on after the answer.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::services::veil::table::words::RUNNING;

/// A task as it was last seen.
#[derive(Clone, Debug, Default)]
pub struct TaskState {
    pub id: String,
    pub name: String,
    pub status: String,
    pub progress: i64,
    pub error_message: String,
    pub parent: Option<String>,
    pub is_multitask: bool,
    /// Ids of what it is about and their classes, in the server's order.
    pub entities: Vec<(String, String)>,
    /// The whole object, as JSON.
    pub text: String,
}

/// Every field may be absent, and of any type.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    progress: Value,
    #[serde(default)]
    error_message: Value,
    #[serde(default)]
    parent: Value,
    #[serde(default)]
    is_multitask: Value,
    #[serde(default)]
    entities: Value,
}

impl TaskState {
    /// Reads a task's object; `None` when it has no id.
    pub fn read(text: &str) -> Option<TaskState> {
        let sent: Sent = serde_json::from_str(text).ok()?;
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = words(&sent.id);
        (!id.is_empty()).then(|| TaskState {
            id,
            name: words(&sent.name),
            status: words(&sent.status),
            progress: sent.progress.as_i64().or_else(|| sent.progress.as_f64().map(|n| n as i64)).unwrap_or(0),
            error_message: words(&sent.error_message),
            parent: sent.parent.as_str().map(str::to_owned),
            is_multitask: sent.is_multitask.as_bool().unwrap_or(false),
            entities: sent.entities.as_object().map(entities).unwrap_or_default(),
            text: text.to_owned(),
        })
    }

    /// Every task of a list's `results`.
    pub fn read_all(results: &str) -> Vec<TaskState> {
        let all: Vec<&RawValue> = serde_json::from_str(results).unwrap_or_default();
        all.into_iter().filter_map(|task| TaskState::read(task.get())).collect()
    }

    /// Whether nothing more will happen: every state but one is final, also those that we do not know.
    pub fn is_over(&self) -> bool {
        !(self.status == RUNNING || self.status.is_empty())
    }

    pub fn outcome(&self) -> Outcome {
        match self.status.as_str() {
            "" | RUNNING => Outcome::Running,
            "SUCCESS" => Outcome::Success,
            "PARTIAL" => Outcome::Partial,
            "CANCELED" | "CANCELLED" => Outcome::Canceled,
            "LOST" => Outcome::Lost,
            _ => Outcome::Failed,
        }
    }

    /// Ids of this class among what it is about.
    pub fn of_class<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a str> {
        self.entities.iter().filter(move |(_, known)| known == class).map(|(id, _)| id.as_str())
    }
}

fn entities(map: &Map<String, Value>) -> Vec<(String, String)> {
    map.iter().map(|(id, class)| (id.clone(), class.as_str().unwrap_or_default().to_owned())).collect()
}

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Running,
    Success,
    Failed,
    Partial,
    Canceled,
    Lost,
}

impl Outcome {
    /// As scripts see it.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Running => "running",
            Outcome::Success => "success",
            Outcome::Failed => "failed",
            Outcome::Partial => "partial",
            Outcome::Canceled => "canceled",
            Outcome::Lost => "lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_whatever_the_types_of_its_fields() {
        let text = r#"{"id":"1","name":"N","status":"IN_PROGRESS","progress":"5","executed":0,"entities":{"b":"domain","a":"node"},"parent":null}"#;
        let task = TaskState::read(text).unwrap();
        assert_eq!((task.progress, task.is_over(), task.entities[0].0.as_str()), (0, false, "b"));
        assert_eq!(task.of_class("node").collect::<Vec<_>>(), ["a"]);
        assert!(TaskState::read("{}").is_none() && TaskState::read("[]").is_none());
    }

    #[test]
    fn every_state_but_one_is_final() {
        for (status, is_over, word) in [
            ("IN_PROGRESS", false, "running"),
            ("SUCCESS", true, "success"),
            ("FAILED", true, "failed"),
            ("CANCELED", true, "canceled"),
            ("LOST", true, "lost"),
            ("PARTIAL", true, "partial"),
            ("SOMETHING_NEW", true, "failed"),
        ] {
            let task = TaskState { status: status.into(), ..TaskState::default() };
            assert_eq!((task.is_over(), task.outcome().word()), (is_over, word), "{status}");
        }
    }
}
