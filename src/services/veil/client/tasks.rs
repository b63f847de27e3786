//! Waiting for tasks: by the event stream where there is one, else by asking, never more than once a second for many.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::call::How;
use super::controller::Controller;
use super::events::Events;
use super::under_way::{Ending, UnderWay};
use crate::core::progress::Bar;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::veil::table::Verb;
use crate::services::veil::wire::request::Request;
use crate::services::veil::wire::task::{Outcome, TaskState};

/// How a task is waited for.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub timeout: Duration,
    /// The pause between two questions, where the event stream does not tell; grows by itself unless given.
    pub interval: Option<Duration>,
    /// What is late is ended, and what is waited for stands here: whoever drops the wait can have it ended.
    pub cancel: Option<UnderWay>,
}

impl Waiting {
    pub fn new(timeout: Duration) -> Waiting {
        Waiting { timeout, interval: None, cancel: None }
    }
}

/// How a task ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub task: TaskState,
    /// The parts of a task about many objects, as they ended.
    pub parts: Vec<TaskState>,
    pub took: Duration,
}

/// The first pause; it grows up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);
/// Many tasks are asked for together, once in this time.
const MANY: Duration = Duration::from_secs(1);
/// With the event stream, a question now and then makes up for events that got lost.
const BESIDE_EVENTS: Duration = Duration::from_secs(10);
/// Rows of the list that finds many tasks at once.
const MOST_LISTED: usize = 10_000;
const FIELDS: &str =
    "id,name,status,progress,error_message,parent,is_multitask,entities,executed,finished_time,created";

impl Controller {
    /// A task as it is now.
    pub async fn task(&self, id: &str) -> Result<TaskState> {
        let request = Request::get(format!("tasks/{id}/"));
        let answer = self.ask("task.info", &request, &How::default(), false).await?;
        TaskState::read(answer.text()).ok_or_else(|| {
            Error::new(Kind::Protocol, "veil.no_task", format!("the controller gave something else than the task {id}"))
        })
    }

    /// Waits until a task is over. An error is about the waiting; how the task ended is in the result.
    pub async fn wait_task(&self, id: &str, waiting: Waiting) -> Result<Ended> {
        let mut ended = self.wait_tasks(&[id.to_owned()], waiting).await;
        match ended.pop() {
            Some(ended) => ended,
            None => Err(Error::new(Kind::Protocol, "veil.no_task", "there is no task to wait for")),
        }
    }

    /// Waits until all of these tasks are over; each has its own result, in the order of the ids.
    pub async fn wait_tasks(&self, ids: &[String], waiting: Waiting) -> Vec<Result<Ended>> {
        let label = if ids.len() == 1 { "task" } else { "tasks" };
        let mut watch = Watch::new(self, waiting, self.bar(label, Some(if ids.len() == 1 { 100 } else { ids.len() })));
        watch.follow();
        watch.add(ids);
        watch.finish().await;
        watch.results(ids).await
    }

    /// The parts of a task about many objects.
    pub async fn parts(&self, id: &str) -> Result<Vec<TaskState>> {
        let request = Request::get("tasks/").with("parent", id).with("limit", MOST_LISTED.to_string());
        let answer = self.ask("task.list", &request, &How::default(), false).await?;
        Ok(answer.page().map(|page| TaskState::read_all(page.results.get())).unwrap_or_default())
    }

    /// Has the controller end a task.
    pub async fn cancel_task(&self, id: &str) -> Result<()> {
        let body = Some(serde_json::json!({ "force": true }));
        let request = Request { verb: Verb::Put, body, changes: true, ..Request::get(format!("tasks/{id}/cancel/")) };
        if self.only_tells("task.cancel", &request)? {
            return Ok(());
        }
        self.ask("task.cancel", &request, &How::default(), false).await.map(drop)
    }
}

/// Tasks that are waited for.
pub(super) struct Watch<'a> {
    controller: &'a Controller,
    waiting: Waiting,
    bar: Bar,
    began: Instant,
    /// The event stream while it is being opened.
    opening: Option<BoxFuture<'a, Result<Option<Events>>>>,
    events: Option<Events>,
    open: HashSet<String>,
    over: HashMap<String, (Result<TaskState>, Duration)>,
    /// Tasks that ended before anybody said that they are waited for.
    early: HashMap<String, TaskState>,
    /// Found in no list: asked for one by one, in turns with the list.
    unlisted: VecDeque<String>,
    /// What the pages of the list have shown so far.
    listed: HashSet<String>,
    /// Where the next page begins.
    from: usize,
    asked: u32,
    /// The stream has told of something: it works.
    has_heard: bool,
}

/// Ends that are remembered of tasks that nobody waits for yet.
const MOST_EARLY: usize = 20_000;

impl<'a> Watch<'a> {
    pub fn new(controller: &'a Controller, waiting: Waiting, bar: Bar) -> Watch<'a> {
        Watch {
            controller,
            waiting,
            bar,
            began: Instant::now(),
            opening: None,
            events: None,
            open: HashSet::new(),
            over: HashMap::new(),
            early: HashMap::new(),
            unlisted: VecDeque::new(),
            listed: HashSet::new(),
            from: 0,
            asked: 0,
            has_heard: false,
        }
    }

    /// Uses the event stream, where there is one. It is opened while something else is done already.
    pub fn follow(&mut self) {
        self.opening = Some(self.controller.events_of(&["tasks"]).boxed());
    }

    /// Waits until the stream is open; may be broken off and begun again.
    async fn listen(&mut self) {
        if let Some(opening) = &mut self.opening {
            self.events = opening.await.unwrap_or_default();
            self.opening = None;
        }
    }

    /// Waits for these, too.
    pub fn add(&mut self, ids: &[String]) {
        for id in ids {
            match self.early.remove(id) {
                Some(task) => self.settle(id.clone(), Ok(task)),
                None => {
                    self.waiting.cancel.iter().for_each(|under_way| under_way.add(id));
                    self.open.insert(id.clone());
                }
            }
        }
    }

    fn settle(&mut self, id: String, task: Result<TaskState>) {
        // What its work has changed is not what is remembered.
        self.controller.0.cache.forget();
        self.waiting.cancel.iter().for_each(|under_way| under_way.remove(&id));
        self.open.remove(&id);
        self.unlisted.retain(|unlisted| *unlisted != id);
        if self.over.insert(id, (task, self.began.elapsed())).is_none() {
            self.bar.add(1);
        }
    }

    /// Waits for all of them, or until the time is up; then ends those that are late, if that is wanted.
    pub async fn finish(&mut self) {
        self.wait().await;
        if let Some(under_way) = self.waiting.cancel.clone().filter(|_| !self.open.is_empty()) {
            self.end_late(&under_way).await;
        }
    }

    async fn wait(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let until = self.began + self.waiting.timeout;
        if tokio::time::timeout_at(until, self.listen()).await.is_err() {
            return;
        }
        // What ended before the stream was open is told by nobody.
        let mut next = Instant::now();
        while !self.open.is_empty() {
            if Instant::now() >= until {
                return;
            }
            let heard = tokio::select! {
                biased;
                () = tokio::time::sleep_until(next.min(until)) => None,
                heard = heard(&mut self.events) => Some(heard),
            };
            match heard {
                Some(Some(task)) => {
                    self.has_heard = true;
                    self.hear(task);
                }
                // The stream is gone: from now on it is asked for.
                Some(None) => {
                    self.events = None;
                    next = Instant::now() + self.pause();
                }
                None => {
                    if Instant::now() < until && !self.ask().await {
                        return;
                    }
                    next = Instant::now() + self.pause();
                }
            }
        }
    }

    /// Has the controller end those that are not over in time.
    async fn end_late(&mut self, under_way: &UnderWay) {
        for (id, ending) in self.controller.end_all(under_way).await {
            let late = timed_out(&id, self.waiting.timeout);
            let task = match ending {
                Ending::Over(task) => Ok(task),
                Ending::Told => Err(late
                    .hint(format!("the controller was told to end it: veil.task(\"{id}\").status says how it stands"))),
                Ending::Refused(error) => {
                    Err(late.hint(format!("it goes on, for the controller did not end it: {}", error.message())))
                }
            };
            self.settle(id, task);
        }
    }

    /// Takes in what the stream tells while something else is done, until dropped.
    pub async fn hear_all(&mut self) {
        self.listen().await;
        loop {
            match heard(&mut self.events).await {
                Some(task) => {
                    self.has_heard = true;
                    self.hear(task);
                }
                None => {
                    self.events = None;
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    fn hear(&mut self, task: TaskState) {
        if self.open.len() == 1 && self.open.contains(&task.id) {
            self.show(&task);
        }
        if !task.is_over() {
            return;
        }
        match self.open.contains(&task.id) {
            true => self.settle(task.id.clone(), Ok(task)),
            false => {
                self.waiting.cancel.iter().for_each(|under_way| under_way.remove(&task.id));
                if self.early.len() < MOST_EARLY {
                    self.early.insert(task.id.clone(), task);
                }
            }
        }
    }

    fn show(&self, task: &TaskState) {
        self.bar.note(format!("{} {} %", task.name, task.progress));
    }

    fn pause(&self) -> Duration {
        let many = self.open.len() > 1;
        let growing = FIRST.saturating_mul(1 << self.asked.saturating_sub(1).min(4)).min(LONGEST);
        let pause = self.waiting.interval.unwrap_or(if many { MANY } else { growing });
        match (self.events.is_some() && self.has_heard, many) {
            (true, _) => pause.max(BESIDE_EVENTS),
            (false, true) => pause.max(MANY),
            (false, false) => pause,
        }
    }

    /// Asks how they stand. False when the controller cannot be asked any more: then all that is open has failed.
    async fn ask(&mut self) -> bool {
        self.asked += 1;
        let asked = match self.open.len() {
            1 => match self.open.iter().next().cloned() {
                Some(id) => self.ask_one(id).await,
                None => Ok(()),
            },
            // In turns: what is in no list takes many questions, and the others end meanwhile.
            _ => match if self.asked.is_multiple_of(2) { self.unlisted.pop_front() } else { None } {
                Some(id) => {
                    let asked = self.ask_one(id.clone()).await;
                    self.unlisted.extend(self.open.get(&id).cloned());
                    asked
                }
                None => self.ask_all().await,
            },
        };
        if let Err(error) = asked {
            for id in self.open.clone() {
                let unknown = unasked(&id, &error);
                self.settle(id, Err(unknown));
            }
            return false;
        }
        true
    }

    async fn ask_one(&mut self, id: String) -> Result<()> {
        match self.controller.task(&id).await {
            Ok(task) => self.hear(task),
            Err(error) if error.kind() == Kind::NotFound => {
                let gone = Error::new(
                    Kind::NotFound,
                    "veil.task_gone",
                    format!("the controller does not know the task {id} any more"),
                )
                .retry(Retry::Unknown)
                .hint("look at the object itself: whether the work was done is not known")
                .caused_by(error);
                self.settle(id, Err(gone));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// One request for all: the newest tasks, among which ours are. A server that gives fewer than it was asked for is
    /// asked for the next page the next time.
    async fn ask_all(&mut self) -> Result<()> {
        let most = (self.open.len() * 2).clamp(200, MOST_LISTED).max(self.from + 1);
        let mut request = Request::get("tasks/").with("ordering", "-created").with("fields", FIELDS);
        request = request.with("limit", (most - self.from).to_string());
        if self.from > 0 {
            request = request.with("offset", self.from.to_string());
        }
        let answer = self.controller.ask("task.list", &request, &How::default(), false).await?;
        let page = answer.page();
        let tasks = page.as_ref().map(|page| TaskState::read_all(page.results.get())).unwrap_or_default();
        self.from += tasks.len();
        let is_last = tasks.is_empty() || self.from >= most || page.is_none_or(|page| page.next.is_none());
        self.listed.extend(tasks.iter().map(|task| task.id.clone()));
        tasks.into_iter().for_each(|task| self.hear(task));
        if is_last || self.open.iter().all(|id| self.listed.contains(id)) {
            self.turn();
        }
        Ok(())
    }

    /// All pages are read: what was on none of them is asked for by itself, the longest forgotten first.
    fn turn(&mut self) {
        let (open, listed) = (&self.open, std::mem::take(&mut self.listed));
        self.from = 0;
        let unlisted = open.iter().filter(|id| !listed.contains(*id));
        let fresh: Vec<String> = unlisted.filter(|id| !self.unlisted.contains(id)).cloned().collect();
        self.unlisted.retain(|id| open.contains(id) && !listed.contains(id));
        self.unlisted.extend(fresh);
    }

    /// What became of each.
    pub async fn results(self, ids: &[String]) -> Vec<Result<Ended>> {
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            results.push(match self.over.get(id) {
                Some((Ok(task), took)) => self.ended(task.clone(), *took).await,
                Some((Err(error), _)) => Err(error.clone()),
                None => Err(timed_out(id, self.waiting.timeout)),
            });
        }
        results
    }

    async fn ended(&self, task: TaskState, took: Duration) -> Result<Ended> {
        let parts = match task.is_multitask {
            true => self.controller.parts(&task.id).await?,
            false => Vec::new(),
        };
        Ok(Ended { task, parts, took })
    }
}

/// The next task that the stream speaks of; `None` when the stream has ended; never, when there is none.
async fn heard(events: &mut Option<Events>) -> Option<TaskState> {
    let Some(events) = events else { return std::future::pending().await };
    loop {
        let event = events.next().await?.ok()?;
        if let Some(task) = TaskState::read(&event.object) {
            return Some(task);
        }
    }
}

/// The controller cannot be asked how a task stands: the work itself may go on.
fn unasked(id: &str, error: &Error) -> Error {
    let next = error.hint_text().unwrap_or("look at the object itself").to_owned();
    error
        .clone()
        .retry(Retry::Unknown)
        .detail("task", id.to_owned())
        .hint(format!("the work may go on: wait again with veil.task(\"{id}\").wait(); {next}"))
}

fn timed_out(id: &str, timeout: Duration) -> Error {
    let message = format!("the task {id} is not over after {} s", timeout.as_secs_f64());
    Error::new(Kind::Timeout, "veil.task_timeout", message).retry(Retry::Unknown).detail("task", id.to_owned()).hint(
        "it goes on at the controller: wait again with veil.task(id).wait(), or end it with veil.task(id).cancel()",
    )
}

impl Ended {
    /// The error of a task that did not end well.
    pub fn failure(&self) -> Option<Error> {
        let task = &self.task;
        let (code, kind, how) = match task.outcome() {
            Outcome::Success => return None,
            Outcome::Partial => ("veil.task_partial", Kind::Partial, "was done in part"),
            Outcome::Canceled => ("veil.task_canceled", Kind::Refused, "was canceled"),
            Outcome::Lost => ("veil.task_lost", Kind::Unavailable, "was lost by the controller"),
            Outcome::Failed | Outcome::Running => ("veil.task_failed", Kind::Refused, "failed"),
        };
        let name = if task.name.is_empty() { &task.id } else { &task.name };
        let failed: Vec<&TaskState> = self.parts.iter().filter(|part| part.outcome() != Outcome::Success).collect();
        let mut message = format!("task \"{}\" {how}", name.trim_end_matches('.'));
        if !self.parts.is_empty() {
            message.push_str(&format!(" ({} of {} parts failed)", failed.len(), self.parts.len()));
        }
        let said = failed.iter().map(|part| part.error_message.as_str()).chain([task.error_message.as_str()]);
        if let Some(said) = said.into_iter().find(|said| !said.is_empty()) {
            message.push_str(&format!(": {said}"));
        }
        let retry = if task.outcome() == Outcome::Lost { Retry::Unknown } else { Retry::Useless };
        let error = Error::new(kind, code, message).retry(retry).detail("task", task.id.clone());
        Some(match task.outcome() {
            Outcome::Lost => error.hint("look at the object itself: whether the work was done is not known"),
            Outcome::Partial => error.hint("`parts` of the task tells which were done"),
            _ => error.hint(format!("veil.task(\"{}\").info() has its events", task.id)),
        })
    }
}
