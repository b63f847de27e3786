//! What an Orchestrator keeps. Other things are named by their numbers; 0 is none.

use bytes::Bytes;

use super::table::{Base, Thing};

macro_rules! things {
    ($($thing:ty = $word:literal),* $(,)?) => {$(
        impl Thing for $thing {
            const WORD: &'static str = $word;

            fn base(&self) -> &Base {
                &self.base
            }

            fn base_mut(&mut self) -> &mut Base {
                &mut self.base
            }
        }
    )*};
}

things! {
    Robot = "robot", Group = "robot group", Process = "process", Version = "process version", Job = "job",
    Queue = "queue", Task = "task", Asset = "resource", Schedule = "trigger", Folder = "folder", Stored = "file",
    Message = "log message",
}

#[derive(Clone, Debug, Default)]
pub struct Robot {
    pub base: Base,
    /// Attended, Unattended or Coordinator.
    pub role: String,
    pub group: u64,
    pub active: bool,
    pub licensed: bool,
    /// Removed; known only to those who still report for it.
    pub deleted: bool,
    /// As it last said of itself.
    pub status: i64,
    pub machine: String,
    pub ip: String,
    pub mac: String,
    pub job_guid: String,
    pub job_name: String,
    pub last_seen: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub struct Group {
    pub base: Base,
}

#[derive(Clone, Debug, Default)]
pub struct Process {
    pub base: Base,
}

#[derive(Clone, Debug, Default)]
pub struct Version {
    pub base: Base,
    pub process: u64,
    pub file_name: String,
    pub file: Bytes,
}

/// One change of a job's status.
#[derive(Clone, Debug)]
pub struct Step {
    pub at: f64,
    pub from: Option<i64>,
    pub to: i64,
    /// `robot`, `operator`, `server`, or who made the job.
    pub by: &'static str,
}

#[derive(Clone, Debug, Default)]
pub struct Job {
    pub base: Base,
    pub status: i64,
    pub robot: u64,
    pub group: u64,
    pub version: u64,
    pub task: u64,
    pub schedule: u64,
    pub source: &'static str,
    /// 0 low, 1 normal, 2 high.
    pub priority: i64,
    /// Seconds after its beginning; 0 is never.
    pub stop_after: f64,
    /// The robot it was handed out to.
    pub handed_to: u64,
    pub handed_at: Option<f64>,
    pub started: Option<f64>,
    pub ended: Option<f64>,
    pub history: Vec<Step>,
    /// What is known of it for the invariants.
    pub marks: Marks,
}

/// What befell a job on its way.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// How often it was handed out.
    pub handed: u32,
    /// Its robot can know of it: the answer went out whole, or the robot has named it since.
    pub known: bool,
    /// The robot has named it. One that is known and was never named is an orphan.
    pub named: bool,
    /// A report of it was refused or met a fault.
    pub troubled: bool,
    /// A report of it was refused for good.
    pub refused: bool,
    /// When Abort was first answered.
    pub abort_told: Option<f64>,
    /// When the scripts said that they began.
    pub begun: u32,
}

/// Numbers of a job's status.
pub mod status {
    pub const CREATED: i64 = 0;
    pub const PENDING: i64 = 1;
    pub const ABORTING: i64 = 2;
    pub const ABORTED: i64 = 3;
    pub const SUCCESS: i64 = 4;
    pub const FAILED: i64 = 5;
    pub const STOPPING: i64 = 6;
    pub const STOPPED: i64 = 7;
    pub const IN_PROGRESS: i64 = 8;

    pub const WORDS: [&str; 9] =
        ["Created", "Pending", "Aborting", "Aborted", "Success", "Failed", "Stopping", "Stopped", "In_Progress"];

    pub fn word(status: i64) -> &'static str {
        usize::try_from(status).ok().and_then(|place| WORDS.get(place)).copied().unwrap_or("unknown")
    }

    pub fn is_final(status: i64) -> bool {
        matches!(status, ABORTED | SUCCESS | FAILED | STOPPED)
    }
}

impl Job {
    pub fn is_final(&self) -> bool {
        status::is_final(self.status)
    }

    /// Somebody wants it ended.
    pub fn is_asked(&self) -> bool {
        matches!(self.status, status::STOPPING | status::ABORTING)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Queue {
    pub base: Base,
    pub unique: bool,
    pub auto_change_status: bool,
    /// How often a task is tried at most; 0 or 1: once.
    pub max_attempts: i64,
    /// Seconds until a task that failed is New again.
    pub retry_delay: f64,
}

/// Numbers of a task's status.
pub mod task_status {
    pub const NEW: i64 = 0;
    pub const IN_PROGRESS: i64 = 1;
    pub const FAILED: i64 = 3;
    pub const POSTPONED: i64 = 5;
    pub const LAST: i64 = 6;
}

#[derive(Clone, Debug, Default)]
pub struct Task {
    pub base: Base,
    pub queue: u64,
    pub comment: String,
    pub status: i64,
    /// 0 low, 1 normal, 2 high.
    pub priority: i64,
    pub deadline: Option<f64>,
    /// Not before.
    pub postponed: Option<f64>,
    pub retries: i64,
    /// How often it was begun.
    pub attempts: i64,
    pub tags: Vec<String>,
    /// JSON.
    pub parameters: String,
    pub robot: u64,
    /// The job in which it was taken into work.
    pub job: u64,
    pub lock: Option<Lock>,
}

/// Whose a task is, and until when.
#[derive(Clone, Debug)]
pub struct Lock {
    /// A robot; 0 is the account.
    pub owner: u64,
    pub until: f64,
}

#[derive(Clone, Debug, Default)]
pub struct Asset {
    pub base: Base,
    /// 1 credentials, 2 text, 3 calendar.
    pub kind: i64,
    pub text: String,
    pub password: String,
    pub password_expiration: String,
    /// 1 one robot, 2 a group, 3 all.
    pub robot_type: i64,
    pub robot: u64,
    pub group: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Schedule {
    pub base: Base,
    pub on: bool,
    pub cron: String,
    /// 0 one robot, 1 a group.
    pub robot_type: i64,
    pub robot: u64,
    pub group: u64,
    /// 1 continuous, 2 by the clock.
    pub processing: i64,
    pub start: Option<f64>,
    pub end: Option<f64>,
    /// 0 is as often as it comes.
    pub max_runs: i64,
    pub max_running: i64,
    pub check_missed: bool,
    pub process: u64,
    pub runs: i64,
    /// When it makes its next job, by the clock.
    pub next: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub struct Folder {
    pub base: Base,
    pub parent: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub base: Base,
    pub folder: u64,
    pub content: Bytes,
}

#[derive(Clone, Debug, Default)]
pub struct Message {
    pub base: Base,
    pub robot: u64,
    pub version: u64,
    pub job: u64,
    /// The job's GUID as it was sent.
    pub job_guid: String,
    pub level: i64,
    pub text: String,
    /// Of what nobody knows but the one who sent it.
    pub file: Option<(String, Bytes)>,
}
