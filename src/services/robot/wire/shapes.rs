//! Robots, jobs and their states, as both sides name them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a robot says of itself. The numbers are the Orchestrator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RobotStatus {
    Disconnected = 0,
    Unlicensed = 1,
    Ready = 2,
    Working = 3,
}

/// What becomes of a job. The order of the numbers is not the order of a job's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobStatus {
    Created = 0,
    Pending = 1,
    Aborting = 2,
    Aborted = 3,
    Success = 4,
    Failed = 5,
    Stopping = 6,
    Stopped = 7,
    InProgress = 8,
}

/// Each status with the word that scripts use, in the order of the numbers.
const STATUSES: [(JobStatus, &str); 9] = [
    (JobStatus::Created, "created"),
    (JobStatus::Pending, "pending"),
    (JobStatus::Aborting, "aborting"),
    (JobStatus::Aborted, "aborted"),
    (JobStatus::Success, "success"),
    (JobStatus::Failed, "failed"),
    (JobStatus::Stopping, "stopping"),
    (JobStatus::Stopped, "stopped"),
    (JobStatus::InProgress, "in_progress"),
];

impl JobStatus {
    pub fn number(self) -> i64 {
        self as i64
    }

    pub fn word(self) -> &'static str {
        STATUSES[self as usize].1
    }

    pub fn from_number(number: i64) -> Option<JobStatus> {
        usize::try_from(number).ok().and_then(|place| STATUSES.get(place)).map(|(status, _)| *status)
    }

    pub fn from_word(word: &str) -> Option<JobStatus> {
        STATUSES.iter().find(|(_, known)| *known == word).map(|(status, _)| *status)
    }

    /// All words, for messages.
    pub fn words() -> impl Iterator<Item = &'static str> {
        STATUSES.iter().map(|(_, word)| *word)
    }

    pub fn is_final(self) -> bool {
        matches!(self, JobStatus::Aborted | JobStatus::Success | JobStatus::Failed | JobStatus::Stopped)
    }
}

/// What a robot tells in a heartbeat beside who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    pub status: RobotStatus,
    /// Of the job under way, else empty.
    pub job: String,
    /// The script of that job, else empty.
    pub name: String,
}

impl Beat {
    pub fn ready() -> Beat {
        Beat { status: RobotStatus::Ready, job: String::new(), name: String::new() }
    }

    pub fn working(job: &str, name: &str) -> Beat {
        Beat { status: RobotStatus::Working, job: job.into(), name: name.into() }
    }
}

/// What the operator wants of the job under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is to end itself correctly.
    Stop,
    /// It is to be killed.
    Abort,
}

/// The answer to a heartbeat. An unknown robot (code 101) is an error instead: `robot.unknown`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pulse {
    /// `HeartbeatErrorCode` as it came.
    pub code: i64,
    pub text: String,
    pub has_job: bool,
    /// The whole answer.
    pub raw: Value,
}

impl Pulse {
    pub fn asked(&self) -> Option<Asked> {
        match self.code {
            10 => Some(Asked::Abort),
            20 => Some(Asked::Stop),
            _ => None,
        }
    }
}

/// A job as the Orchestrator handed it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// As the Orchestrator wrote it; empty when it wrote none.
    pub guid: String,
    /// The process version's name: the script to run; empty when there is none.
    pub name: String,
    /// The process version's GUID, or empty.
    pub version: String,
    /// The three parts of the answer, decoded; `Null` for what is absent.
    pub job: Value,
    pub process_version: Value,
    pub task: Value,
    /// The task's parameters: a map where they are one, `Null` where there are none, else what they are.
    pub params: Value,
    /// What of the answer could not be read, and why: the job cannot be started as it is.
    pub unreadable: Option<String>,
}

/// How grave a line of the log is. The numbers are in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    Info,
    Critical,
    Error,
    Warning,
    Debug,
}

/// Each level with its word and its usual number.
pub const LEVELS: [(Level, &str, i64); 5] = [
    (Level::Info, "info", 1),
    (Level::Critical, "critical", 2),
    (Level::Error, "error", 3),
    (Level::Warning, "warning", 4),
    (Level::Debug, "debug", 5),
];

impl Level {
    pub fn word(self) -> &'static str {
        LEVELS[self as usize].1
    }

    pub fn from_word(word: &str) -> Option<Level> {
        LEVELS.iter().find(|(_, known, _)| *known == word).map(|(level, ..)| *level)
    }
}

/// A line for the Orchestrator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Of the job it belongs to, or empty.
    pub job: String,
    /// Of that job's process version, or empty.
    pub version: String,
    pub level: Level,
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_mean_the_same_status() {
        for number in 0..9 {
            let status = JobStatus::from_number(number).unwrap();
            assert_eq!((status.number(), JobStatus::from_word(status.word())), (number, Some(status)));
        }
        assert_eq!((JobStatus::from_number(9), JobStatus::from_number(-1)), (None, None));
        let last: Vec<_> = JobStatus::words().filter(|word| JobStatus::from_word(word).unwrap().is_final()).collect();
        assert_eq!(last, ["aborted", "success", "failed", "stopped"]);
    }

    #[test]
    fn every_level_is_found_by_its_word() {
        for (level, word, _) in LEVELS {
            assert_eq!((level.word(), Level::from_word(word)), (word, Some(level)));
        }
    }
}
