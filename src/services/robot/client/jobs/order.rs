//! What agent, supervisor and job say to each other: JSON in lines, and files in the job's folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::tree::Started;
use crate::services::robot::client::work::{Ending, How, Limits};

/// The first line that a supervisor reads: all it needs to know. It goes through a pipe and is written nowhere, because it
/// holds secrets.
#[derive(Serialize, Deserialize)]
pub struct Errand {
    /// The job's GUID, and its process version's.
    pub job: String,
    pub version: String,
    pub program: PathBuf,
    pub args: Vec<String>,
    /// The script's.
    pub folder: PathBuf,
    /// Further variables of the environment.
    pub variables: Vec<(String, String)>,
    /// Variables with any of these in them are not handed on.
    pub withheld: Vec<String>,
    /// What must not be shown.
    pub secrets: Vec<String>,
    /// Whether the job is a script of ours: it looks for the request to stop by itself.
    pub is_own: bool,
    pub files: Files,
    pub limits: Limits,
    /// Whether what it prints goes to the Orchestrator.
    pub log_output: bool,
    /// The journal's file, and the robot in it.
    pub state: PathBuf,
    pub robot: String,
}

/// The files of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    pub folder: PathBuf,
}

impl Files {
    /// Everything about the job, for itself.
    pub fn job(&self) -> PathBuf {
        self.folder.join("job.json")
    }

    /// There when the job is to stop.
    pub fn stop(&self) -> PathBuf {
        self.folder.join("stop")
    }

    /// There when the job has noticed that.
    pub fn observed(&self) -> PathBuf {
        self.folder.join("observed")
    }

    /// All it has printed.
    pub fn output(&self) -> PathBuf {
        self.folder.join("output.log")
    }

    /// How a script of ours ended: [`How`].
    pub fn ending(&self) -> PathBuf {
        self.folder.join("ending.json")
    }

    /// How far it is: [`Progress`].
    pub fn progress(&self) -> PathBuf {
        self.folder.join("progress.json")
    }
}

/// What `job.json` holds, and the job's standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobFile {
    pub guid: String,
    pub name: String,
    /// The three parts of the Orchestrator's answer.
    pub job: Value,
    pub version: Value,
    pub task: Value,
    pub params: Value,
    /// The connection of `pult.toml`.
    pub robot: String,
    pub address: String,
    pub folder: PathBuf,
    /// The journal's file, and the robot in it.
    pub state: PathBuf,
    pub key: String,
    /// The process version's GUID.
    pub version_guid: String,
    /// How often it was begun before.
    pub before: u32,
}

impl JobFile {
    pub fn files(&self) -> Files {
        Files { folder: self.folder.clone() }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub percent: f64,
    pub text: String,
}

/// What a supervisor tells, a line each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The supervisor is there.
    Started(Started),
    /// There is something new in the outbox.
    Logged,
    Progress(Progress),
    /// Comes last.
    Ended(Ending),
}

/// What a supervisor hears behind its errand, a word on a line. The end of its input means that the agent is gone.
pub const STOP: &str = "stop";
pub const KILL: &str = "kill";

/// Reads a small file of ours, if it is there and whole.
pub fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Writes one so that nobody ever sees half of it.
pub fn write<T: Serialize>(path: &Path, value: &T) -> std::io::Result<()> {
    let half = path.with_extension("half");
    std::fs::write(&half, serde_json::to_vec(value)?)?;
    std::fs::rename(&half, path)
}

/// An end that came before the beginning.
pub fn not_started(why: impl Into<String>) -> Ending {
    Ending { how: How::NotStarted(why.into()), observed: false, took: std::time::Duration::ZERO, tail: Vec::new() }
}
