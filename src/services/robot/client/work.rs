//! What it takes to carry out a job, apart from how that is done.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::shapes::Taken;
use crate::error::Result;

/// A job, and what it may use up.
#[derive(Clone, Debug)]
pub struct Order {
    pub taken: Taken,
    /// How often it was begun before.
    pub before: u32,
    pub limits: Limits,
    /// The file of the journal, where the end is written before anybody is told of it.
    pub state: PathBuf,
    /// The robot in that file.
    pub robot: String,
}

/// What a job may use up. Times of the job's clock, which is the real one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// All its processes together, in bytes.
    pub memory: Option<u64>,
    /// Of Rhai.
    pub operations: Option<u64>,
}

/// Somebody who can carry out jobs.
pub trait Workshop: Send + Sync {
    /// What stands against beginning it: no such script, a name that leads out of the folder, nothing to run it with.
    /// Reads nothing outside the folder of scripts.
    fn fault(&self, taken: &Taken) -> Option<String>;
    fn begin<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Box<dyn Running>>>;
}

/// A job under way. Dropping it kills all its processes.
pub trait Running: Send {
    /// What happens next; nothing comes after [`Event::Ended`]. May be dropped and asked again.
    fn next(&mut self) -> BoxFuture<'_, Event>;
    /// Tells the job to end itself; once is enough.
    fn stop(&mut self) -> BoxFuture<'_, Result<()>>;
    /// Kills it with everything it has started. Its end follows from [`Running::next`].
    fn kill(&mut self) -> BoxFuture<'_, Result<()>>;
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// There is something new in the outbox.
    Logged,
    /// Percent, and what is being done.
    Progress(f64, String),
    Ended(Ending),
}

/// How a job ended, before anybody judges it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    pub how: How,
    /// The script has noticed that it was to stop.
    pub observed: bool,
    pub took: Duration,
    /// Its last lines, at most 50.
    pub tail: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Well.
    Returned,
    /// With an exit code other than 0.
    Exited(i32),
    /// By a signal that did not come from us.
    Signal(i32),
    /// A Rhai script threw: message and place.
    Thrown(String),
    /// It ended itself because it was asked to.
    Stopped,
    /// It used up a limit, which is named.
    Limit(String),
    /// We killed it.
    Killed,
    /// The agent was gone, and so it was killed.
    Orphaned,
    /// It never began, and why.
    NotStarted(String),
}
