//! Tasks that are to be ended when nobody waits for them any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::StreamExt;

use super::controller::Controller;
use crate::error::Error;
use crate::services::veil::wire::task::TaskState;

/// Requests at once.
const AT_ONCE: usize = 16;

/// Tasks that somebody waits for. Clones are the same list: whoever drops a wait knows what it was for.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<Mutex<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    /// Tasks by their ids, and why one could not be ended.
    tasks: BTreeMap<String, Option<Error>>,
    /// Objects whose task is asked for: its id comes with the answer.
    asked: BTreeSet<String>,
}

impl UnderWay {
    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A task of this object is asked for.
    pub fn ask(&self, object: &str) {
        self.lists().asked.insert(object.to_owned());
    }

    /// The answer has come, and maybe a task with it.
    pub fn answered(&self, object: &str, task: Option<&str>) {
        self.lists().asked.remove(object);
        task.into_iter().for_each(|id| self.add(id));
    }

    pub fn add(&self, id: &str) {
        self.lists().tasks.insert(id.to_owned(), None);
    }

    /// It is over, or nobody wants it ended.
    pub fn remove(&self, id: &str) {
        self.lists().tasks.remove(id);
    }

    fn ids(&self) -> Vec<String> {
        self.lists().tasks.keys().cloned().collect()
    }

    /// What goes on although it was to be ended, for people.
    pub fn left(&self) -> Vec<String> {
        let lists = self.lists();
        let task = |(id, refused): (&String, &Option<Error>)| match refused {
            Some(error) => format!("the task {id} goes on, for the controller did not end it: {}", error.message()),
            None => format!("the task {id} goes on: there was no time to end it"),
        };
        let asked: Vec<&str> = lists.asked.iter().map(String::as_str).collect();
        let unknown = format!("what was just asked for goes on, if it was begun: {}", asked.join(", "));
        lists.tasks.iter().map(task).chain((!asked.is_empty()).then_some(unknown)).collect()
    }
}

/// What came of ending a task.
pub(super) enum Ending {
    /// The controller ends it.
    Told,
    /// It had ended by itself.
    Over(TaskState),
    Refused(Error),
}

impl Controller {
    /// Has the controller end everything under way. What goes on is [`left`](UnderWay::left).
    pub async fn end(&self, under_way: &UnderWay) {
        self.end_all(under_way).await;
    }

    /// The same, several at once; what came of each.
    pub(super) async fn end_all(&self, under_way: &UnderWay) -> Vec<(String, Ending)> {
        let ending = under_way.ids().into_iter().map(|id| async move {
            let ending = self.end_one(&id).await;
            match &ending {
                Ending::Refused(error) => drop(under_way.lists().tasks.insert(id.clone(), Some(error.clone()))),
                _ => under_way.remove(&id),
            }
            (id, ending)
        });
        futures_util::stream::iter(ending).buffer_unordered(AT_ONCE).collect().await
    }

    async fn end_one(&self, id: &str) -> Ending {
        let Err(error) = self.cancel_task(id).await else { return Ending::Told };
        match self.task(id).await {
            Ok(task) if task.is_over() => Ending::Over(task),
            _ => Ending::Refused(error),
        }
    }
}
