//! Tasks: what is under way, how far it is, what it did. They move when somebody looks, by the clock.

use std::cmp::Reverse;

use super::ids::Id;
use super::kind::Kind;
use super::text::{Text, text};
use super::world::{Due, World};
use crate::sandbox::mix::mix;

/// What a task does when it ends well; the object it answers with, or why it failed.
pub type Work = Box<dyn FnOnce(&mut World) -> Result<Option<(Kind, Id)>, Text> + Send>;

/// Work that was accepted.
pub struct Job {
    pub name: Text,
    /// What is counted for each of `on` of the right kind when it is done.
    pub action: &'static str,
    /// The first of them is what the task is about.
    pub on: Vec<(Id, Kind)>,
    /// What nobody else may change meanwhile.
    pub locks: Vec<Id>,
    pub work: Work,
    /// Its parts; with any, the work is done when they are.
    pub children: Vec<Job>,
}

impl Job {
    pub fn new(name: Text, action: &'static str, on: Vec<(Id, Kind)>, work: Work) -> Job {
        let locks = on.first().map(|(id, _)| *id).into_iter().collect();
        Job { name, action, on, locks, work, children: Vec::new() }
    }

    /// Work that consists of other work.
    pub fn multi(name: Text, on: Vec<(Id, Kind)>, children: Vec<Job>) -> Job {
        Job { name, action: "", on, locks: Vec::new(), work: Box::new(|_| Ok(None)), children }
    }

    /// A part that cannot be done as things are: it fails when its time has come.
    pub fn hopeless(name: Text, on: Vec<(Id, Kind)>, why: Text) -> Job {
        Job { locks: Vec::new(), ..Job::new(name, "", on, Box::new(move |_| Err(why))) }
    }
}

/// `status` of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    InProgress,
    Success,
    Failed,
    Canceled,
    Lost,
    Partial,
}

pub const STATUSES: [Status; 6] =
    [Status::InProgress, Status::Success, Status::Failed, Status::Canceled, Status::Lost, Status::Partial];

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::InProgress => "IN_PROGRESS",
            Status::Success => "SUCCESS",
            Status::Failed => "FAILED",
            Status::Canceled => "CANCELED",
            Status::Lost => "LOST",
            Status::Partial => "PARTIAL",
        }
    }
}

/// How a task will end, decided by the faults when it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Good,
    Failed,
    Lost,
    Stuck,
}

pub struct Task {
    pub name: Text,
    pub status: Status,
    pub created: f64,
    pub finished: Option<f64>,
    /// When it is due; never is infinite.
    pub ends: f64,
    pub error: Text,
    pub parent: Option<Id>,
    pub is_multi: bool,
    pub on: Vec<(Id, Kind)>,
    pub node: Option<Id>,
    pub user: usize,
    pub result: Option<(Kind, Id)>,
    /// Nobody sees it any more, but it goes on.
    pub is_hidden: bool,
    action: &'static str,
    locks: Vec<Id>,
    work: Option<Work>,
    fate: Fate,
    open_children: usize,
    good_children: usize,
    children: Vec<Id>,
    /// Progress when it was stopped.
    reached: i64,
}

impl Task {
    /// 0 to 100, by the clock.
    pub fn progress(&self, now: f64) -> i64 {
        if self.finished.is_some() {
            return if self.status == Status::Success { 100 } else { self.reached };
        }
        let length = if self.ends.is_finite() { self.ends - self.created } else { 60.0 };
        let part = (now - self.created) / length.max(1e-9);
        (part * 100.0).clamp(0.0, 99.0) as i64
    }

    pub fn is_running(&self) -> bool {
        self.status == Status::InProgress
    }
}

impl World {
    /// Begins accepted work; it is done when its time has come.
    pub fn begin(&mut self, job: Job, user: usize) -> Id {
        let partial = !job.children.is_empty() && self.strikes("task_partial", |faults| &mut faults.task_partial);
        let id = self.began(job, user, None, partial);
        self.wake();
        id
    }

    fn began(&mut self, job: Job, user: usize, parent: Option<Id>, partial: bool) -> Id {
        let id = self.new_id();
        let is_multi = !job.children.is_empty();
        let fate = self.fate(is_multi);
        let now = self.now;
        let seconds = self.duration(id);
        for lock in &job.locks {
            self.locks.insert(*lock, id);
        }
        let node = job.on.iter().find_map(|(id, _)| self.domains.get(*id)).map(|domain| domain.node);
        let mut task = Task {
            name: job.name,
            status: Status::InProgress,
            created: now,
            finished: None,
            ends: if fate == Fate::Stuck || is_multi { f64::INFINITY } else { now + seconds },
            error: Text::default(),
            parent,
            is_multi,
            on: job.on,
            node,
            user,
            result: None,
            is_hidden: false,
            action: job.action,
            locks: job.locks,
            work: Some(job.work),
            fate,
            open_children: job.children.len(),
            good_children: 0,
            children: Vec::new(),
            reached: 0,
        };
        if task.ends.is_finite() {
            for step in 1..4 {
                self.later(now + seconds * f64::from(step) / 4.0, Due::Step(id));
            }
            self.later(task.ends, Due::End(id));
        }
        let locked: Vec<Id> = task.locks.clone();
        self.counters.tasks += 1;
        let children = job.children;
        task.children.reserve(children.len());
        self.tasks.insert(id, task);
        self.created(Kind::Task, id);
        for lock in locked {
            self.updated_any(lock);
        }
        self.begin_children(id, children, user, partial);
        id
    }

    fn begin_children(&mut self, parent: Id, children: Vec<Job>, user: usize, partial: bool) {
        let count = children.len();
        for (place, child) in children.into_iter().enumerate() {
            let is_doomed = self.knobs.failing_child == place as u64 + 1 || partial && place >= count.div_ceil(2);
            let child = self.began(child, user, Some(parent), false);
            if is_doomed && let Some(task) = self.tasks.get_mut(child) {
                task.fate = Fate::Failed;
            }
            if let Some(task) = self.tasks.get_mut(parent) {
                task.children.push(child);
            }
        }
    }

    fn fate(&mut self, is_multi: bool) -> Fate {
        if self.strikes("task_stuck", |faults| &mut faults.task_stuck) {
            Fate::Stuck
        } else if self.strikes("task_lost", |faults| &mut faults.task_lost) {
            Fate::Lost
        } else if !is_multi && self.strikes("task_failed", |faults| &mut faults.task_failed) {
            Fate::Failed
        } else {
            Fate::Good
        }
    }

    /// Seconds this task takes.
    fn duration(&self, id: Id) -> f64 {
        let jitter = self.knobs.task_jitter.clamp(0.0, 1.0);
        let part = (mix(id.draw()) >> 11) as f64 / (1u64 << 53) as f64;
        self.knobs.task_ms.max(0.0) / 1000.0 * (1.0 + jitter * (part * 2.0 - 1.0))
    }

    /// The time of a task has come.
    pub fn end(&mut self, id: Id) {
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.is_running()) else { return };
        let (work, fate) = (task.work.take(), task.fate);
        let (status, result, error) = match (fate, work) {
            (Fate::Failed, _) => {
                (Status::Failed, None, text("The node refused the operation.", "Сервер отклонил операцию."))
            }
            (Fate::Lost, _) => {
                (Status::Lost, None, text("Connection with the node is lost.", "Связь с сервером потеряна."))
            }
            (_, Some(work)) => match work(self) {
                Ok(result) => (Status::Success, result, Text::default()),
                Err(why) => (Status::Failed, None, why),
            },
            (_, None) => (Status::Failed, None, Text::default()),
        };
        if status == Status::Success {
            self.carried_out(id);
        }
        if let Some(task) = self.tasks.get_mut(id) {
            task.result = result;
        }
        self.close(id, status, error);
    }

    /// Counts what a task did.
    fn carried_out(&mut self, id: Id) {
        let Some(task) = self.tasks.get(id).filter(|task| !task.action.is_empty()) else { return };
        let (action, on) = (task.action, task.on.first().copied());
        if let Some((id, _)) = on {
            self.did(id, action);
        }
    }

    /// A task is over: locks fall, the parent hears of it, an event is written.
    fn close(&mut self, id: Id, status: Status, error: Text) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.is_running()) else { return };
        task.reached = task.progress(now);
        task.status = status;
        task.finished = Some(now);
        task.ends = now;
        task.error = error;
        task.work = None;
        let (parent, name, user) = (task.parent, task.name.clone(), task.user);
        let (locks, on, error) = (std::mem::take(&mut task.locks), task.on.clone(), task.error.clone());
        *self.counters.tasks_ended.entry(status.word()).or_insert(0) += 1;
        for lock in locks {
            if self.locks.get(&lock) == Some(&id) {
                self.locks.remove(&lock);
                self.updated_any(lock);
            }
        }
        self.updated(Kind::Task, id);
        let level = if status == Status::Success { "info" } else { "error" };
        self.tell(level, name, error, on, Some(id), user);
        if let Some(parent) = parent {
            self.child_ended(parent, status);
        }
    }

    fn child_ended(&mut self, parent: Id, status: Status) {
        let Some(task) = self.tasks.get_mut(parent).filter(|task| task.is_running()) else { return };
        task.open_children = task.open_children.saturating_sub(1);
        task.good_children += usize::from(status == Status::Success);
        if task.open_children > 0 {
            return self.updated(Kind::Task, parent);
        }
        let (good, all) = (task.good_children, task.children.len());
        match task.fate {
            Fate::Stuck => {}
            Fate::Lost => self.end(parent),
            _ if good == all => self.end(parent),
            _ => {
                let status = if good == 0 { Status::Failed } else { Status::Partial };
                let (en, ru) = (format!("{good} of {all} done"), format!("Выполнено {good} из {all}"));
                self.close(parent, status, text(en, ru));
            }
        }
    }

    /// Stops a task and its children; what they were to do is not done.
    pub fn cancel(&mut self, id: Id) {
        let children = self.tasks.get(id).map(|task| task.children.clone()).unwrap_or_default();
        // The parent first: it must not end by its children.
        self.close(id, Status::Canceled, Text::default());
        for child in children {
            self.close(child, Status::Canceled, Text::default());
        }
    }

    /// Drops the locks a task holds.
    pub fn release_locks(&mut self, id: Id) {
        let locks = self.tasks.get_mut(id).map(|task| std::mem::take(&mut task.locks)).unwrap_or_default();
        for lock in locks {
            self.locks.remove(&lock);
            self.updated_any(lock);
        }
    }

    /// Something is due at a moment.
    pub fn later(&mut self, at: f64, due: Due) {
        let number = self.number();
        self.due.push(Reverse(((at * 1e6) as u64, number, due)));
    }
}
