//! Whether another process is still there: as long as it is, it holds a lock on a file of its own, which the operating
//! system takes back however the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use std::sync::Mutex;

use crate::error::{Error, Kind, Result};

/// This process among those that share a history.
pub(super) struct Alive {
    name: String,
    /// The history; without a file nobody shares it.
    beside: Option<PathBuf>,
    held: Mutex<Option<File>>,
}

impl Alive {
    pub fn new(beside: Option<PathBuf>) -> Alive {
        Alive { name: uuid::Uuid::new_v4().simple().to_string(), beside, held: Mutex::default() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        let beside = self.beside.as_ref()?;
        let mut file = beside.file_name()?.to_owned();
        file.push(format!(".{name}.alive"));
        Some(beside.with_file_name(file))
    }

    /// From now on others can see that this process is there.
    pub fn begin(&self) -> Result<()> {
        let Some(path) = self.file(&self.name) else { return Ok(()) };
        let mut held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if held.is_some() {
            return Ok(());
        }
        let failed = |error: std::io::Error| {
            let message = format!("{}: {error}", path.display());
            Error::new(Kind::File, "sp.history", message).hint("check that the folder of the history can be written")
        };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        *held = Some(file);
        Ok(())
    }

    /// Whether the process of that name is there.
    pub fn is_alive(&self, name: &str) -> bool {
        if name == self.name {
            return true;
        }
        let Some(path) = self.file(name) else { return false };
        let Ok(file) = File::open(path) else { return false };
        match file.try_lock() {
            Ok(()) => false,
            // Where locks do not work nobody's run is taken away.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        }
    }

    /// Nothing is left of a process that is gone.
    pub fn bury(&self, name: &str) {
        if let Some(path) = self.file(name) {
            // Another one may have done it.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if self.held.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).take().is_some() {
            self.bury(&self.name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_there_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = Some(folder.path().join("history.sqlite"));
        let (one, other) = (Alive::new(path.clone()), Alive::new(path));
        assert!(one.is_alive(one.name()) && !other.is_alive(one.name()), "it has not begun");
        one.begin().unwrap();
        one.begin().unwrap();
        assert!(other.is_alive(one.name()));
        let name = one.name().to_owned();
        drop(one);
        assert!(!other.is_alive(&name));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_killed_process_leaves_a_file_that_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let other = Alive::new(Some(folder.path().join("history.sqlite")));
        let left = folder.path().join("history.sqlite.0123.alive");
        std::fs::write(&left, "").unwrap();
        assert!(!other.is_alive("0123"));
        other.bury("0123");
        assert!(!left.exists());
    }
}
