//! The state file: what has to outlive the process (renewed tokens now; checkpoints, journals and shared limits later).

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::error::{Error, Kind, Result};

/// Raised with every change of the tables; a file of a later version is refused rather than guessed at.
const VERSION: i64 = 1;

/// Opened when first used; one for the process.
#[derive(Debug)]
pub struct State {
    path: Option<PathBuf>,
    open: Mutex<Option<Connection>>,
    /// Does not wait for the disk.
    quick: bool,
    /// The tables of its one area are there.
    made: AtomicBool,
}

impl State {
    pub fn at(path: impl Into<PathBuf>) -> State {
        State { path: Some(path.into()), open: Mutex::new(None), quick: false, made: AtomicBool::new(false) }
    }

    /// Forgotten with the process; for the sandbox and tests.
    pub fn in_memory() -> State {
        State { path: None, open: Mutex::new(None), quick: false, made: AtomicBool::new(false) }
    }

    /// The value kept under this key of this area.
    pub fn get(&self, area: &str, key: &str) -> Result<Option<String>> {
        self.with(|db| {
            db.query_row("SELECT value FROM kept WHERE area = ?1 AND key = ?2", params![area, key], |row| row.get(0))
                .optional()
        })
    }

    pub fn put(&self, area: &str, key: &str, value: &str) -> Result<()> {
        self.with(|db| {
            db.execute(
                "INSERT INTO kept (area, key, value, changed) VALUES (?1, ?2, ?3, unixepoch())
                 ON CONFLICT (area, key) DO UPDATE SET value = excluded.value, changed = excluded.changed",
                params![area, key, value],
            )
            .map(drop)
        })
    }

    /// Removes what is kept under this key.
    pub fn forget(&self, area: &str, key: &str) -> Result<()> {
        self.with(|db| db.execute("DELETE FROM kept WHERE area = ?1 AND key = ?2", params![area, key]).map(drop))
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut open = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let db = match &mut *open {
            Some(db) => db,
            closed => closed.insert(self.connect()?),
        };
        work(db).map_err(|error| self.failed(error))
    }

    /// The file, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Another way into the same file for what is written often: it survives the end of the process, but not always that of
    /// the computer's power. In memory it is a state of its own.
    pub fn for_journals(&self) -> State {
        State { path: self.path.clone(), open: Mutex::new(None), quick: true, made: AtomicBool::new(false) }
    }

    /// Makes the tables of an area, step by step from the version that the file has; an area of a later version is refused.
    pub fn tables(&self, area: &str, steps: &[&str]) -> Result<()> {
        let newest = steps.len() as i64;
        // Usually there is nothing to do, and nobody has to wait for the disk, or for room on it.
        let version = "SELECT version FROM areas WHERE area = ?1";
        if self.look(|db| Ok(db.query_row(version, [area], |row| row.get::<_, i64>(0)).ok()))? == Some(newest) {
            return Ok(());
        }
        let found = self.change(|db| {
            db.execute("CREATE TABLE IF NOT EXISTS areas (area TEXT PRIMARY KEY, version INTEGER NOT NULL)", [])?;
            let found: i64 = db.query_row(version, [area], |row| row.get(0)).optional()?.unwrap_or_default();
            for step in steps.iter().skip(usize::try_from(found).unwrap_or_default()) {
                db.execute_batch(step)?;
            }
            let set = "INSERT INTO areas VALUES (?1, ?2) ON CONFLICT (area) DO UPDATE SET version = excluded.version";
            db.execute(set, params![area, newest.max(found)])?;
            Ok(found)
        })?;
        match found > newest {
            true => Err(self.failed(format!("its `{area}` was written by a newer pult (version {found})"))),
            false => Ok(()),
        }
    }

    /// The same, once for this way into the file.
    pub fn tables_once(&self, area: &str, steps: &[&str]) -> Result<()> {
        if self.made.load(Ordering::Acquire) {
            return Ok(());
        }
        self.tables(area, steps)?;
        self.made.store(true, Ordering::Release);
        Ok(())
    }

    /// Reads from an area's tables.
    pub fn look<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.with(work)
    }

    /// Changes an area's tables: all of it or nothing, and nobody else at the same moment, in other processes neither.
    pub fn change<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.with(|db| {
            let transaction = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }

    fn connect(&self) -> Result<Connection> {
        let db = match &self.path {
            None => Connection::open_in_memory(),
            Some(path) => {
                make_private(path).map_err(|error| self.failed(error))?;
                Connection::open(path)
            }
        };
        let db = db.map_err(|error| self.failed(error))?;
        let prepared = db.busy_timeout(std::time::Duration::from_secs(10)).and_then(|()| {
            db.pragma_update(None, "journal_mode", "WAL")?;
            if self.quick {
                db.pragma_update(None, "synchronous", "NORMAL")?;
            }
            db.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        });
        let version = prepared.map_err(|error| self.failed(error))?;
        if version > VERSION {
            return Err(self.failed(format!("it was written by a newer pult (version {version})")));
        }
        if version == VERSION {
            return Ok(db);
        }
        db.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS kept (area TEXT, key TEXT, value TEXT, changed INTEGER, PRIMARY KEY (area, key));
             PRAGMA user_version = {VERSION};"
        ))
        .map_err(|error| self.failed(error))?;
        Ok(db)
    }

    fn failed(&self, error: impl std::fmt::Display) -> Error {
        let place = self.path.as_deref().map_or("the state in memory".into(), |path| path.display().to_string());
        Error::new(Kind::File, "state.failed", format!("{place}: {error}")).hint(
            "check that the folder can be written and that the file is not damaged; removing it forgets renewed tokens",
        )
    }
}

/// The file holds tokens: it is made readable for its owner alone before anything is written to it.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder/state.db");
        let state = State::at(&path);
        assert_eq!(state.get("b24.tokens", "portal").unwrap(), None);
        state.put("b24.tokens", "portal", "one").unwrap();
        state.put("b24.tokens", "portal", "two").unwrap();
        drop(state);
        assert_eq!(State::at(&path).get("b24.tokens", "portal").unwrap().as_deref(), Some("two"));
        State::at(&path).forget("b24.tokens", "portal").unwrap();
        assert_eq!(State::at(&path).get("b24.tokens", "portal").unwrap(), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn an_area_grows_step_by_step_and_refuses_what_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let steps =
            ["CREATE TABLE one (n INTEGER)", "ALTER TABLE one ADD COLUMN m INTEGER; CREATE TABLE two (n INTEGER)"];
        let old = State::at(&path);
        old.tables("runs", &steps[..1]).unwrap();
        old.change(|db| db.execute("INSERT INTO one VALUES (1)", [])).unwrap();
        let new = State::at(&path).for_journals();
        new.tables("runs", &steps).unwrap();
        new.tables("runs", &steps).unwrap();
        let n: i64 = new.look(|db| db.query_row("SELECT n FROM one WHERE m IS NULL", [], |row| row.get(0))).unwrap();
        assert_eq!(n, 1);
        assert!(old.tables("runs", &steps[..1]).unwrap_err().message().contains("newer pult"));
    }

    #[test]
    fn a_change_is_whole_or_not_at_all() {
        let state = State::in_memory();
        state.tables("x", &["CREATE TABLE t (n INTEGER)"]).unwrap();
        let failed = state.change(|db| {
            db.execute("INSERT INTO t VALUES (1)", [])?;
            db.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        assert!(failed.is_err());
        let n: i64 = state.look(|db| db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))).unwrap();
        assert_eq!(n, 0);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::fs::write(&path, "this is no database, but it is long enough to be looked at as one").unwrap();
        let error = State::at(&path).get("a", "b").unwrap_err();
        assert!(error.message().contains("state.db"), "{error}");
        assert!(error.hint_text().is_some());
    }
}
