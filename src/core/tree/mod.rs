//! A process with everything that it starts: found, counted, and killed whole.
//!
//! A [`Keeper`] is a process whose only work is to look after another one: whatever that one starts stays its own, however
//! it hides. On Linux orphans come to the keeper (it is a "child subreaper") and all below it is found in `/proc`; on
//! Windows keeper and kept share a job object that takes all of them along when the keeper ends; elsewhere a process group
//! must do. What a keeper that was killed itself has left behind is known by a mark in its environment (Linux).

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(any(target_os = "linux", windows)), path = "group.rs")]
mod system;
#[cfg(unix)]
mod unix;

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The variable that all kept processes have: which keeper's they are.
pub const MARK: &str = "PULT_JOB_MARK";

/// Between two looks at what is still there.
const AGAIN: Duration = Duration::from_millis(10);

/// What cannot be killed within this time will not be: it hangs in the system.
const PATIENCE: Duration = Duration::from_secs(3);

/// One process among all that ever had its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub pid: u32,
    /// When it began, as the system tells it; texts of different systems do not compare.
    pub since: String,
}

impl Started {
    /// The process that has this number now.
    pub fn of(pid: u32) -> Option<Started> {
        system::since(pid).map(|since| Started { pid, since })
    }

    /// This process.
    pub fn this() -> io::Result<Started> {
        Started::of(std::process::id())
            .ok_or_else(|| io::Error::other("the system does not tell when this process began"))
    }

    /// Whether it is still there: another one with its number is not it.
    pub fn is_alive(&self) -> bool {
        system::since(self.pid).is_some_and(|since| since == self.since)
    }

    /// The value of [`MARK`] of everything that this process keeps.
    pub fn mark(&self) -> String {
        format!("{}@{}", self.pid, self.since)
    }
}

/// Kills a keeper, everything below it, and (on Linux) everything that has its mark even when the keeper is gone; comes back
/// when nothing of them is left. A process that only has its number is not touched. How many were
/// there at once.
pub fn kill_if_same(started: &Started) -> io::Result<usize> {
    let began = Instant::now();
    let mut killed = 0;
    loop {
        match kill_once(started) {
            0 => return Ok(killed),
            left if began.elapsed() > PATIENCE => {
                let message = format!("{left} processes of {} cannot be killed", started.pid);
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            found => killed = killed.max(found),
        }
        std::thread::sleep(AGAIN);
    }
}

/// One round of that: how many were found and killed. Zero when nothing is left.
pub fn kill_once(started: &Started) -> usize {
    let doomed = system::leftover(started);
    doomed.iter().copied().for_each(system::kill);
    doomed.len()
}

/// This process, as one that looks after another.
pub struct Keeper {
    system: system::Keeper,
    mark: String,
}

impl Keeper {
    /// Makes this process a keeper. To be called once and before anything is started.
    pub fn begin() -> io::Result<Keeper> {
        Ok(Keeper { mark: Started::this()?.mark(), system: system::Keeper::begin()? })
    }

    /// Starts what is to be kept, in a group of its own: keys pressed in a terminal do not reach it.
    pub fn start(&mut self, command: &mut Command) -> io::Result<Child> {
        self.system.start(command.env(MARK, &self.mark))
    }

    /// Waits for what was started and tells how it ended; then goes on until the orphans that came to this process are over as
    /// well. For a thread of its own. Nobody else in this process may wait for its children.
    pub fn watch(child: Child, tell: impl FnOnce(ExitStatus)) {
        system::watch(child, tell);
    }

    /// Kills all that is there at this moment; to be repeated until there was nothing, because what is killed may have started
    /// another one in the same moment. How many there were.
    pub fn kill(&mut self) -> usize {
        self.system.kill()
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.system.count()
    }

    /// Memory of all of them together, in bytes: what they have in use; what they share is counted for each.
    pub fn memory(&self) -> u64 {
        self.system.memory()
    }
}

/// Has this process killed when the one that started it is over (Linux; elsewhere its keeper sees to that).
pub fn die_with_parent() {
    system::die_with_parent();
}

/// Asks a child of this process to end itself: SIGTERM. Windows has nothing of the kind without a window.
pub fn ask_to_end(child: u32) -> bool {
    system::ask_to_end(child)
}

#[cfg(test)]
mod tests;
