//! What outlives the agent: jobs and how they ended, and what the Orchestrator has still to be told.
//!
//! One SQLite file is shared by agent, supervisors and jobs of all robots of a computer. Every change is on the disk when
//! its call returns. A row that cannot be understood is set aside in a table of its own, and the rest is used.

mod jobs;
mod outbox;
mod tables;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row, params};

pub use self::jobs::{Asks, Closed, Phase, Process, Record};
pub use self::outbox::{Item, What};
use super::trouble::code;
use crate::core::state::State;
use crate::error::{Error, Kind, Result};

/// So many rows of what was refused, and of what was set aside, are kept.
const KEPT: i64 = 1000;

/// What is written to prove that there is room for a job.
const ROOM: usize = 32 * 1024;

/// Set while the Orchestrator may be handing out a job that is not in the journal yet.
const CONSUMING: &str = "consuming";

/// A wall clock in milliseconds since 1970.
pub type Wall = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The wall clock of this computer.
pub fn system_clock() -> Wall {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// One robot's part of the file. Cheap to clone; every method is short and blocks.
#[derive(Clone)]
pub struct Journal {
    state: Arc<State>,
    robot: String,
    wall: Wall,
    /// Most bytes of lines that wait.
    room: i64,
}

impl Journal {
    /// Opens the file and makes it where there is none. `robot` is a [`key`](super::place::key). Fails with
    /// `robot.journal`.
    pub fn open(path: &Path, robot: &str) -> Result<Journal> {
        Journal::with(Arc::new(State::at(path)), robot, system_clock())
    }

    /// The same over a connection that others use as well.
    pub fn with(state: Arc<State>, robot: &str, wall: Wall) -> Result<Journal> {
        state.tables(tables::AREA, tables::TABLES).map_err(unwritten)?;
        Ok(Journal { state, robot: robot.into(), wall, room: outbox::ROOM })
    }

    pub fn robot(&self) -> &str {
        &self.robot
    }

    /// Writes what a job may need of room, and that one is being asked for. An error means that none must be taken.
    pub fn prepare(&self) -> Result<()> {
        let room = vec![0_u8; ROOM];
        self.change(|db| {
            let put = "INSERT INTO robot_marks VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT (robot, mark) DO UPDATE SET value = excluded.value, at = excluded.at";
            db.prepare_cached(put)?.execute(params![self.robot, CONSUMING, room, self.now()]).map(drop)
        })
    }

    /// The question for a job was answered, or given up.
    pub fn unprepare(&self) -> Result<()> {
        self.change(|db| self.unmark(db))
    }

    /// Whether a job was asked for and the answer never arrived.
    pub fn was_consuming(&self) -> Result<bool> {
        let find = "SELECT 1 FROM robot_marks WHERE robot = ?1 AND mark = ?2";
        let found = self.look(|db| db.query_row(find, params![self.robot, CONSUMING], |_| Ok(())).optional())?;
        Ok(found.is_some())
    }

    fn unmark(&self, db: &Connection) -> rusqlite::Result<()> {
        let remove = "DELETE FROM robot_marks WHERE robot = ?1 AND mark = ?2";
        db.prepare_cached(remove)?.execute(params![self.robot, CONSUMING]).map(drop)
    }

    /// Puts what cannot be understood where it disturbs nobody.
    fn set_aside(&self, db: &Connection, source: &str, body: &str, reason: &str) -> rusqlite::Result<()> {
        let put = "INSERT INTO robot_aside (robot, source, body, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)";
        db.execute(put, params![self.robot, source, body, reason, self.now()])?;
        let prune = "DELETE FROM robot_aside WHERE robot = ?1 AND id <= last_insert_rowid() - ?2";
        db.execute(prune, params![self.robot, KEPT]).map(drop)
    }

    /// What was set aside: where from, what, and why.
    pub fn aside(&self) -> Result<Vec<(String, String, String)>> {
        let all = "SELECT source, body, reason FROM robot_aside WHERE robot = ?1 ORDER BY id";
        self.look(|db| {
            let mut rows = db.prepare(all)?;
            let rows = rows.query_map([&self.robot], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect()
        })
    }

    fn now(&self) -> i64 {
        (self.wall)()
    }

    fn look<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.state.look(work).map_err(unwritten)
    }

    fn change<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.state.change(work).map_err(unwritten)
    }
}

/// As the journal's own error.
fn unwritten(error: Error) -> Error {
    let own = Error::new(Kind::File, code::JOURNAL, format!("the robot's journal cannot be used: {error}"));
    own.hint("make room on the disk, see to it that the file can be written, or name another one with `state`")
        .caused_by(error)
}

/// GUIDs are compared without regard to case.
fn lower(guid: &str) -> String {
    guid.trim().to_lowercase()
}

/// The text of a row's first field, whatever it is.
fn lossy(row: &Row<'_>) -> rusqlite::Result<String> {
    let bytes = row.get_ref(0)?.as_bytes_or_null().unwrap_or_default().unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}
