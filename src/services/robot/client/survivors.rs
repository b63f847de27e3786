//! What a job from before may have left running.

use super::journal::Process;
use crate::core::tree::{Started, kill_if_same};
use crate::error::{Error, Kind, Result};

/// Looks for processes and kills them; a number that belongs to another process by now is left alone.
pub trait Survivors: Send + Sync {
    fn is_there(&self, process: &Process) -> bool;
    /// Kills it with everything below it, and what a supervisor that was killed itself has left behind.
    fn kill(&self, process: &Process) -> Result<()>;
}

/// Those of this computer.
pub struct Here;

impl Survivors for Here {
    fn is_there(&self, process: &Process) -> bool {
        started(process).is_alive()
    }

    fn kill(&self, process: &Process) -> Result<()> {
        let failed = |error| Error::new(Kind::File, "robot.survivor", format!("a job from before goes on: {error}"));
        kill_if_same(&started(process)).map(drop).map_err(failed)
    }
}

fn started(process: &Process) -> Started {
    Started { pid: process.pid, since: process.since.clone() }
}
