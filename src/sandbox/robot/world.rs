//! The state of one Orchestrator, and what happens in it by itself.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::clock::Clock;
use super::counters::{Counters, Line};
use super::faults::Faults;
use super::guid::guid;
use super::knobs::Knobs;
use super::table::{Base, Table};
use super::things::{
    Asset, Folder, Group, Job, Message, Process, Queue, Robot, Schedule, Stored, Task, Version, status, task_status,
};
use super::watch::Watch;
use crate::sandbox::log::Log;

/// What happens at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A job has gone on for as long as it may.
    StopJob(u64),
    /// A postponed task is New.
    Task(u64),
}

pub struct World {
    pub knobs: Knobs,
    pub clock: Clock,
    /// Unix seconds, as of the last look at the clock.
    pub now: f64,
    pub robots: Table<Robot>,
    pub groups: Table<Group>,
    pub processes: Table<Process>,
    pub versions: Table<Version>,
    pub jobs: Table<Job>,
    /// Jobs that are not over.
    pub open: BTreeSet<u64>,
    pub queues: Table<Queue>,
    pub tasks: Table<Task>,
    pub assets: Table<Asset>,
    pub schedules: Table<Schedule>,
    pub folders: Table<Folder>,
    pub files: Table<Stored>,
    pub messages: Table<Message>,
    pub faults: Faults,
    pub watch: Watch,
    pub counters: Counters,
    pub log: Log<Line>,
    /// Requests since the beginning.
    pub requests: u64,
    guids: u64,
    due: BinaryHeap<Reverse<(u64, Due)>>,
}

impl World {
    /// An Orchestrator whose data follow from the knobs.
    pub fn new(knobs: Knobs) -> World {
        let clock = Clock::new(knobs.speed);
        let mut world = World {
            now: clock.now(),
            clock,
            robots: Table::default(),
            groups: Table::default(),
            processes: Table::default(),
            versions: Table::default(),
            jobs: Table::default(),
            open: BTreeSet::new(),
            queues: Table::default(),
            tasks: Table::default(),
            assets: Table::default(),
            schedules: Table::default(),
            folders: Table::default(),
            files: Table::default(),
            messages: Table::default(),
            faults: Faults::new(knobs.seed),
            watch: Watch::default(),
            counters: Counters::default(),
            log: Log::holding(knobs.max_log),
            requests: 0,
            guids: 0,
            due: BinaryHeap::new(),
            knobs,
        };
        super::seed::fill(&mut world);
        world
    }

    /// What a new thing begins with.
    pub fn base(&mut self, name: impl Into<String>) -> Base {
        self.guids += 1;
        let guid = guid(self.knobs.seed, self.guids);
        Base { guid, name: name.into(), created: self.now, updated: self.now, ..Base::default() }
    }

    /// Something is to happen at that time.
    pub fn at(&mut self, time: f64, due: Due) {
        self.due.push(Reverse(((time.max(0.0) * 1000.0) as u64, due)));
    }

    /// Looks at the clock and does what is due.
    pub fn advance(&mut self) {
        self.now = self.clock.now();
        let now = (self.now * 1000.0) as u64;
        while let Some(Reverse((time, due))) = self.due.peek().copied() {
            if time > now {
                break;
            }
            self.due.pop();
            match due {
                Due::StopJob(id) => self.stop_time(id),
                Due::Task(id) => self.task_due(id),
            }
        }
        self.fail_silent();
        super::schedules::fire(self);
    }

    fn stop_time(&mut self, id: u64) {
        if self.jobs.get(id).is_some_and(|job| job.status == status::IN_PROGRESS) {
            self.set_job(id, status::STOPPING, "server");
        }
    }

    fn task_due(&mut self, id: u64) {
        let now = self.now;
        let due = |task: &&mut Task| {
            task.status == task_status::POSTPONED && task.postponed.is_some_and(|at| at <= now + 0.001)
        };
        if let Some(task) = self.tasks.get_mut(id).filter(due) {
            (task.status, task.postponed, task.base.updated) = (task_status::NEW, None, now);
        }
    }

    /// Jobs of robots that have been silent for too long fail.
    fn fail_silent(&mut self) {
        let after = self.knobs.fail_silent_after;
        if after <= 0.0 {
            return;
        }
        let now = self.now;
        let silent = |id: u64| self.robots.get(id).and_then(|robot| robot.last_seen).is_some_and(|at| at + after < now);
        let lost = |job: &&Job| (job.status == status::IN_PROGRESS || job.is_asked()) && silent(job.handed_to);
        let lost: Vec<u64> =
            self.open.iter().filter_map(|&id| self.jobs.get(id)).filter(lost).map(|job| job.base.id).collect();
        lost.into_iter().for_each(|id| self.set_job(id, status::FAILED, "server"));
    }

    /// The robot's status as it is shown: 0 when it has been silent for long.
    pub fn shown_status(&self, robot: &Robot) -> i64 {
        let is_here = robot.last_seen.is_some_and(|at| at + self.knobs.disconnect_after >= self.now);
        match (is_here, robot.licensed) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => robot.status,
        }
    }
}
