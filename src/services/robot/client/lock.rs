//! One agent for each robot on a computer; and when it sent its last heartbeat, for the agent that comes after it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::place::Place;
use super::trouble::code;
use crate::error::{Error, Kind, Result};

/// Holds the robot until it is released, or the process is gone in whatever way.
pub struct Lock {
    folder: PathBuf,
    held: Mutex<Option<File>>,
}

impl Lock {
    pub fn new(place: &Place) -> Lock {
        Lock { folder: place.folder(), held: Mutex::default() }
    }

    /// Takes the robot. Gives when its last heartbeat was sent (milliseconds since 1970), or `None` when it was held already
    /// or nothing is known. Fails with `robot.locked` when another agent has it, and with `robot.journal` when the folder
    /// cannot be used.
    pub fn take(&self) -> Result<Option<i64>> {
        let mut held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if held.is_some() {
            return Ok(None);
        }
        let path = self.folder.join("lock");
        let unusable = |error: std::io::Error| unusable(&path, &error);
        std::fs::create_dir_all(&self.folder).map_err(unusable)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(self.busy()),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let mut last = String::new();
        // What is no number says nothing.
        let last = file.read_to_string(&mut last).ok().and_then(|_| last.trim().parse().ok());
        // Windows hides what is in a locked file, so who holds it stands in another one. It helps people alone.
        let _ = std::fs::write(self.folder.join("pid"), std::process::id().to_string());
        *held = Some(file);
        Ok(last)
    }

    pub fn is_held(&self) -> bool {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_some()
    }

    /// Notes that a heartbeat goes out now. Costs one write into the system's memory; a computer that loses its power is not
    /// back within ten seconds.
    pub fn note(&self, wall: i64) {
        let mut held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(file) = held.as_mut() {
            // Always as long, so that nothing of the last one is left. When it fails, the next agent may be early once.
            let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(format!("{wall:<20}\n").as_bytes()));
        }
    }

    /// Gives the robot back.
    pub fn release(&self) {
        let mut held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if held.take().is_some() {
            let _ = std::fs::remove_file(self.folder.join("pid"));
        }
    }

    fn busy(&self) -> Error {
        let pid = std::fs::read_to_string(self.folder.join("pid")).unwrap_or_default();
        let pid: Option<u32> = pid.trim().parse().ok();
        let who = match pid {
            Some(pid) if pid == std::process::id() => "this process, under another connection,".to_owned(),
            Some(pid) => format!("process {pid}"),
            None => "another process".to_owned(),
        };
        let error = Error::new(Kind::Refused, code::LOCKED, format!("{who} is this robot already"));
        let error = error.hint("a robot has one agent: end the other one, or use another robot's GUID");
        match pid {
            Some(pid) => error.detail("pid", pid),
            None => error,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("{}: {error}", path.display());
    Error::new(Kind::File, code::JOURNAL, message)
        .hint("the robot keeps its lock beside its journal: see to it that the folder can be written, or set `state`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &tempfile::TempDir) -> Place {
        Place::new(folder.path().join("state.sqlite"), "0123456789abcdef")
    }

    /// Test 69, the lock.
    #[test]
    fn a_robot_has_one_agent_and_the_other_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Lock::new(&place(&folder)), Lock::new(&place(&folder)));
        one.take().unwrap();
        one.take().unwrap();
        let error = other.take().unwrap_err();
        assert_eq!((error.code(), error.kind().exit_code()), ("robot.locked", 4));
        assert!(error.message().contains("this process"), "{error}");
        std::fs::write(place(&folder).folder().join("pid"), "4711").unwrap();
        assert_eq!(other.take().unwrap_err().message(), "process 4711 is this robot already");
        one.release();
        other.take().unwrap();
    }

    #[test]
    fn the_next_agent_knows_when_the_last_heartbeat_was() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::new(&place(&folder));
        assert_eq!(lock.take().unwrap(), None);
        lock.note(1_772_076_744_000);
        lock.note(99);
        drop(lock);
        assert_eq!(Lock::new(&place(&folder)).take().unwrap(), Some(99));
        std::fs::write(place(&folder).folder().join("lock"), [0xff, 0, 1]).unwrap();
        assert_eq!(Lock::new(&place(&folder)).take().unwrap(), None);
    }
}
