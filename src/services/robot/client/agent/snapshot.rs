//! How the agent is, and what it has done so far.

use std::time::Duration;

use tokio::time::Instant;

use super::{Agent, Stage};
use crate::services::robot::client::shapes::JobStatus;

/// Upper ends of the groups in which the times of jobs are counted, in seconds; longer ones are in a group after the last.
pub const BUCKETS: [f64; 8] = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0];

/// What was counted since the agent was opened.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub beats_sent: u64,
    pub beats_failed: u64,
    /// In a row, up to now.
    pub failing: u32,
    pub last_good: Option<Instant>,
    /// Of the outbox.
    pub delivered: u64,
    pub postponed: u64,
    pub dead: u64,
    /// Jobs by how they ended, in the order of [`Counts::RESULTS`].
    pub results: [u64; 4],
    /// Jobs by their time, see [`BUCKETS`].
    pub times: [u64; BUCKETS.len() + 1],
    /// All their times together.
    pub time: Duration,
    /// Jobs that were killed, the times from the kill to the job's end together, and the last of them.
    pub kills: u64,
    pub kill_time: Duration,
    pub last_kill: Option<Duration>,
}

impl Counts {
    pub const RESULTS: [JobStatus; 4] = [JobStatus::Success, JobStatus::Failed, JobStatus::Stopped, JobStatus::Aborted];

    /// Whether it is the first one after one that failed.
    pub(super) fn beat_was_good(&mut self, at: Instant) -> bool {
        let again = self.failing > 0;
        self.beats_sent += 1;
        self.failing = 0;
        self.last_good = Some(at);
        again
    }

    pub(super) fn beat_failed(&mut self) {
        self.beats_sent += 1;
        self.beats_failed += 1;
        self.failing = self.failing.saturating_add(1);
    }

    pub(super) fn finished(&mut self, status: JobStatus) {
        if let Some(place) = Counts::RESULTS.iter().position(|known| *known == status) {
            self.results[place] += 1;
        }
    }

    pub(super) fn killed(&mut self, time: Duration) {
        self.kills += 1;
        self.kill_time += time;
        self.last_kill = Some(time);
    }

    pub(super) fn took(&mut self, time: Duration) {
        let place = BUCKETS.iter().position(|end| time.as_secs_f64() <= *end).unwrap_or(BUCKETS.len());
        self.times[place] += 1;
        self.time += time;
    }
}

/// An agent at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The connection's name.
    pub robot: String,
    pub state: &'static str,
    pub is_leaving: bool,
    /// The robot is this agent's.
    pub is_locked: bool,
    /// GUID and name of the job that is not finished.
    pub job: Option<(String, String)>,
    /// Its processes are there.
    pub is_running: bool,
    /// How long ago it was handed out. Real time, as all that follow.
    pub since: Option<Duration>,
    pub progress: Option<(f64, String)>,
    /// How long ago a heartbeat was answered well for the last time.
    pub last_good: Option<Duration>,
    /// Between two questions for work.
    pub interval: Duration,
    /// Things in the outbox; `None` where that is not known.
    pub outbox: Option<usize>,
    pub counts: Counts,
}

impl Agent {
    /// May be asked for by any thread at any moment.
    pub fn snapshot(&self) -> Snapshot {
        let counts = self.count(|counts| counts.clone());
        // Nobody who only looks makes a journal.
        let outbox = self.0.store.get().and_then(|store| store.journal.depth().ok());
        self.now(|now| {
            let job = now.job.as_ref();
            Snapshot {
                robot: self.0.name.clone(),
                state: now.state,
                is_leaving: self.is_leaving(),
                is_locked: self.0.lock.is_held(),
                job: job.map(|job| (job.guid.clone(), job.name.clone())),
                is_running: job.is_some_and(|job| job.stage == Stage::Running),
                since: job.map(|job| job.since.elapsed()),
                progress: job.and_then(|job| job.progress.clone()),
                last_good: counts.last_good.map(|at| at.elapsed()),
                interval: self.0.timing.poll,
                outbox,
                counts,
            }
        })
    }
}
