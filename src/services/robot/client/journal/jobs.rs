//! Jobs in the journal: from the moment they are handed out until their last status is in the outbox.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Journal, lossy, lower};
use crate::error::{Error, Kind, Result};
use crate::services::robot::client::shapes::{JobStatus, Line, Taken};
use crate::services::robot::client::trouble::code;
use crate::services::robot::client::work::Ending;

/// So many finished jobs of a robot are remembered.
const FINISHED: i64 = 1000;

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Handed out, and not begun.
    Taken,
    /// Its process may be there.
    Begun,
    /// It has ended, and what came of it is known.
    Over,
    /// Its last status is in the outbox, or with the Orchestrator.
    Closed,
    /// The Orchestrator did not want it to be begun.
    Refused,
}

const PHASES: [(Phase, &str); 5] = [
    (Phase::Taken, "taken"),
    (Phase::Begun, "begun"),
    (Phase::Over, "over"),
    (Phase::Closed, "closed"),
    (Phase::Refused, "refused"),
];

impl Phase {
    pub fn word(self) -> &'static str {
        PHASES[self as usize].1
    }

    fn from_word(word: &str) -> Option<Phase> {
        PHASES.iter().find(|(_, known)| *known == word).map(|(phase, _)| *phase)
    }
}

/// What a job was asked for while it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Why it was to end itself: `operator`, or a sentence.
    pub stop: Option<String>,
    /// Why it was killed: `operator`, or a sentence.
    pub kill: Option<String>,
}

/// A job as the journal has it.
#[derive(Clone, Debug)]
pub struct Record {
    /// As the Orchestrator writes it.
    pub guid: String,
    pub name: String,
    pub version: String,
    /// As it was handed out; `None` when it is closed, or cannot be read.
    pub taken: Option<Taken>,
    pub phase: Phase,
    /// Its status 8 is in the outbox, or with the Orchestrator.
    pub announced: bool,
    /// How often it was begun.
    pub begun: u32,
    pub asks: Asks,
    pub ending: Option<Ending>,
    pub status: Option<JobStatus>,
    pub reason: String,
    pub progress: Option<(f64, String)>,
    /// Milliseconds since 1970.
    pub taken_at: i64,
    pub over_at: Option<i64>,
}

/// A process of a job: its number, and when it was started as the system tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub since: String,
}

/// A job that has come to its end before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub guid: String,
    pub name: String,
    pub version: String,
    pub status: JobStatus,
    pub reason: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

const FIELDS: &str = "guid, name, version, taken, phase, announced, begun, stop, kill, ending, status, reason, percent, \
                      doing, taken_at, over_at";

impl Journal {
    /// A job was handed out. Whatever was known of one with the same GUID is forgotten.
    pub fn took(&self, taken: &Taken) -> Result<()> {
        let body = serde_json::to_string(taken).map_err(|error| self.odd(&taken.guid, &error.to_string()))?;
        let put = "INSERT OR REPLACE INTO robot_jobs (robot, job, guid, name, version, taken, phase, taken_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'taken', ?7)";
        let job = lower(&taken.guid);
        self.change(|db| {
            db.execute("DELETE FROM robot_processes WHERE robot = ?1 AND job = ?2", params![self.robot, job])?;
            db.execute(put, params![self.robot, job, taken.guid, taken.name, taken.version, body, self.now()])?;
            self.unmark(db)
        })
    }

    /// Status 8 goes into the outbox; once for each time that a job was handed out.
    pub fn announce(&self, job: &str) -> Result<()> {
        self.change(|db| self.announce_in(db, job))
    }

    fn announce_in(&self, db: &Connection, job: &str) -> rusqlite::Result<()> {
        let set = "UPDATE robot_jobs SET announced = 1 WHERE robot = ?1 AND job = ?2 AND announced = 0";
        match db.execute(set, params![self.robot, lower(job)])? {
            0 => Ok(()),
            _ => self.push_status(db, job, JobStatus::InProgress),
        }
    }

    /// From now on a process of the job may be there.
    pub fn begin(&self, job: &str) -> Result<()> {
        let set = "UPDATE robot_jobs SET phase = 'begun', begun = begun + 1, begun_at = ?3, ending = NULL, stop = NULL,
                   kill = NULL, status = NULL, reason = NULL WHERE robot = ?1 AND job = ?2";
        self.change(|db| {
            self.announce_in(db, job)?;
            db.execute("DELETE FROM robot_processes WHERE robot = ?1 AND job = ?2", params![self.robot, lower(job)])?;
            db.execute(set, params![self.robot, lower(job), self.now()]).map(drop)
        })
    }

    /// It is to be begun once more, as if it had just been handed out.
    pub fn again(&self, job: &str) -> Result<()> {
        let set = "UPDATE robot_jobs SET phase = 'taken', ending = NULL, stop = NULL, kill = NULL, status = NULL,
                   reason = NULL, over_at = NULL WHERE robot = ?1 AND job = ?2";
        self.change(|db| db.execute(set, params![self.robot, lower(job)]).map(drop))
    }

    /// What the job is asked for; to be known when its end is judged by another process.
    pub fn asked(&self, job: &str, asks: &Asks) -> Result<()> {
        let set = "UPDATE robot_jobs SET stop = ?3, kill = ?4 WHERE robot = ?1 AND job = ?2";
        self.change(|db| db.execute(set, params![self.robot, lower(job), asks.stop, asks.kill]).map(drop))
    }

    /// A process of the job that must not survive the agent.
    pub fn process(&self, job: &str, pid: u32, since: &str) -> Result<()> {
        let put = "INSERT OR REPLACE INTO robot_processes VALUES (?1, ?2, ?3, ?4)";
        self.change(|db| db.execute(put, params![self.robot, lower(job), pid, since]).map(drop))
    }

    pub fn processes(&self, job: &str) -> Result<Vec<Process>> {
        let all = "SELECT pid, since FROM robot_processes WHERE robot = ?1 AND job = ?2";
        self.look(|db| {
            let mut rows = db.prepare(all)?;
            let rows = rows.query_map(params![self.robot, lower(job)], |row| {
                Ok(Process { pid: row.get(0)?, since: row.get(1)? })
            })?;
            rows.collect()
        })
    }

    pub fn progress(&self, job: &str, percent: f64, text: &str) -> Result<()> {
        let set = "UPDATE robot_jobs SET percent = ?3, doing = ?4 WHERE robot = ?1 AND job = ?2";
        let text = crate::secret::mask(text);
        self.change(|db| db.execute(set, params![self.robot, lower(job), percent, text]).map(drop))
    }

    /// How the job ended; the first to say so is believed. For the supervisor, before it tells anybody.
    pub fn ended(&self, job: &str, ending: &Ending) -> Result<()> {
        let body = serde_json::to_string(ending).map_err(|error| self.odd(job, &error.to_string()))?;
        let set = "UPDATE robot_jobs SET ending = coalesce(ending, ?3), over_at = coalesce(over_at, ?4)
                   WHERE robot = ?1 AND job = ?2";
        match self.change(|db| db.execute(set, params![self.robot, lower(job), body, self.now()]))? {
            0 => Err(self.odd(job, "it is not in the journal")),
            _ => Ok(()),
        }
    }

    /// What came of the job, with the lines that say why: they go out before its last status.
    pub fn over(&self, job: &str, ending: &Ending, status: JobStatus, reason: &str, lines: &[Line]) -> Result<()> {
        let body = serde_json::to_string(ending).map_err(|error| self.odd(job, &error.to_string()))?;
        let set = "UPDATE robot_jobs SET phase = 'over', ending = coalesce(ending, ?3), status = ?4, reason = ?5,
                   over_at = coalesce(over_at, ?6) WHERE robot = ?1 AND job = ?2";
        let reason = crate::secret::mask(reason);
        self.change(|db| {
            db.execute(set, params![self.robot, lower(job), body, status.word(), reason, self.now()])?;
            lines.iter().try_for_each(|line| self.say_in(db, line))
        })
    }

    /// The last status goes into the outbox, and the job is finished. One that never began does not say any more that it
    /// did.
    pub fn close(&self, job: &str, status: JobStatus) -> Result<()> {
        let set = "UPDATE robot_jobs SET phase = 'closed', status = ?3, taken = NULL, over_at = coalesce(over_at, ?4)
                   WHERE robot = ?1 AND job = ?2";
        self.change(|db| {
            if status != JobStatus::Success {
                self.unannounce(db, job)?;
            }
            db.execute(set, params![self.robot, lower(job), status.word(), self.now()])?;
            db.execute("DELETE FROM robot_processes WHERE robot = ?1 AND job = ?2", params![self.robot, lower(job)])?;
            self.push_status(db, job, status)?;
            self.forget(db)
        })
    }

    /// The Orchestrator has told the robot not to begin the job.
    pub fn refuse(&self, job: &str, reason: &str) -> Result<()> {
        let set = "UPDATE robot_jobs SET phase = 'refused', reason = ?3, taken = NULL, over_at = ?4
                   WHERE robot = ?1 AND job = ?2";
        self.change(|db| {
            db.execute(set, params![self.robot, lower(job), reason, self.now()])?;
            self.forget(db)
        })
    }

    /// Takes status 8 of a job that was never begun out of the outbox.
    fn unannounce(&self, db: &Connection, job: &str) -> rusqlite::Result<()> {
        let remove = "DELETE FROM robot_outbox WHERE robot = ?1 AND job = ?2 AND kind = 'status' AND body = ?3
                      AND EXISTS (SELECT 1 FROM robot_jobs AS jobs
                      WHERE jobs.robot = ?1 AND jobs.job = ?2 AND jobs.begun = 0 AND jobs.phase <> 'closed')";
        db.execute(remove, params![self.robot, lower(job), JobStatus::InProgress.word()]).map(drop)
    }

    /// Forgets the oldest of the jobs that are finished.
    fn forget(&self, db: &Connection) -> rusqlite::Result<()> {
        let remove = "DELETE FROM robot_jobs WHERE rowid IN (SELECT rowid FROM robot_jobs
                      WHERE robot = ?1 AND phase IN ('closed', 'refused') ORDER BY over_at DESC LIMIT -1 OFFSET ?2)";
        db.prepare_cached(remove)?.execute(params![self.robot, FINISHED]).map(drop)
    }

    /// The status of a finished job goes out once more.
    pub fn repeat(&self, job: &str, status: JobStatus) -> Result<()> {
        self.change(|db| {
            self.push_status(db, job, status)?;
            self.unmark(db)
        })
    }

    /// The job, if it was finished here before.
    pub fn finished(&self, job: &str) -> Result<Option<Closed>> {
        let record = self.record(job)?.filter(|record| record.phase == Phase::Closed);
        Ok(record.and_then(Closed::of))
    }

    /// The last jobs that were finished, the latest first.
    pub fn history(&self, most: u32) -> Result<Vec<Closed>> {
        let all = format!(
            "SELECT {FIELDS} FROM robot_jobs WHERE robot = ?1 AND phase = 'closed' ORDER BY over_at DESC LIMIT ?2"
        );
        let records = self.look(|db| {
            let mut rows = db.prepare(&all)?;
            let rows = rows.query_map(params![self.robot, most], |row| Ok(read(row)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(records.into_iter().filter_map(|read| read.ok().and_then(|(record, _)| Closed::of(record))).collect())
    }

    pub fn record(&self, job: &str) -> Result<Option<Record>> {
        let one = format!("SELECT {FIELDS} FROM robot_jobs WHERE robot = ?1 AND job = ?2");
        let found = self.look(|db| {
            db.prepare_cached(&one)?.query_row(params![self.robot, lower(job)], |row| Ok(read(row))).optional()
        })?;
        Ok(found.and_then(|read| read.ok()).map(|(record, _)| record))
    }

    /// The jobs whose last status is not in the outbox, in the order in which they were handed out. What of them cannot be
    /// read is set aside, and they are given with what can.
    pub fn unfinished(&self) -> Result<Vec<Record>> {
        let all = format!(
            "SELECT {FIELDS}, job FROM robot_jobs WHERE robot = ?1 AND phase NOT IN ('closed', 'refused')
             ORDER BY taken_at, rowid"
        );
        let found: Vec<(String, Read)> = self.look(|db| {
            let mut rows = db.prepare_cached(&all)?;
            let rows = rows.query_map([&self.robot], |row| Ok((row.get(16)?, read(row))))?;
            rows.collect()
        })?;
        let mut records = Vec::with_capacity(found.len());
        for (job, read) in found {
            match read {
                Ok((record, None)) => records.push(record),
                Ok((record, Some(wrong))) => {
                    self.aside_job(&job, &wrong, false)?;
                    records.push(record);
                }
                Err(wrong) => self.aside_job(&job, &wrong, true)?,
            }
        }
        Ok(records)
    }

    /// Puts a copy of a row aside; a row of which nothing can be used is removed.
    fn aside_job(&self, job: &str, wrong: &str, remove: bool) -> Result<()> {
        let body = "SELECT json_object('guid', guid, 'name', name, 'phase', phase, 'taken', taken, 'ending', ending,
                    'status', status) FROM robot_jobs WHERE robot = ?1 AND job = ?2";
        self.change(|db| {
            let body = db.query_row(body, params![self.robot, job], lossy)?;
            self.set_aside(db, "robot_jobs", &body, wrong)?;
            let put_right = match remove {
                true => "DELETE FROM robot_jobs WHERE robot = ?1 AND job = ?2",
                false => {
                    "UPDATE robot_jobs SET taken = CASE WHEN json_valid(taken) THEN taken END,
                     ending = CASE WHEN json_valid(ending) THEN ending END WHERE robot = ?1 AND job = ?2"
                }
            };
            db.execute(put_right, params![self.robot, job]).map(drop)
        })
    }

    fn odd(&self, job: &str, why: &str) -> Error {
        Error::new(Kind::File, code::JOURNAL, format!("the journal cannot note job {job}: {why}"))
    }
}

impl Closed {
    fn of(record: Record) -> Option<Closed> {
        Some(Closed {
            guid: record.guid,
            name: record.name,
            version: record.version,
            status: record.status?,
            reason: record.reason,
            at: record.over_at.unwrap_or(record.taken_at),
        })
    }
}

/// A row with what of it could not be read; or why nothing can be made of it.
type Read = std::result::Result<(Record, Option<String>), String>;

fn read(row: &Row<'_>) -> Read {
    let text = |place: usize| match row.get::<_, Value>(place) {
        Ok(Value::Text(text)) => text,
        _ => String::new(),
    };
    let number = |place: usize| match row.get::<_, Value>(place) {
        Ok(Value::Integer(number)) => Some(number),
        _ => None,
    };
    let given = |place: usize| Some(text(place)).filter(|text| !text.is_empty());
    let mut wrong = None;
    let phase = Phase::from_word(&text(4)).ok_or_else(|| format!("the phase `{}` is not known", text(4)))?;
    let record = Record {
        guid: given(0).ok_or("there is no GUID")?,
        name: text(1),
        version: text(2),
        taken: json(given(3), "taken", &mut wrong),
        phase,
        announced: number(5) == Some(1),
        begun: number(6).and_then(|begun| u32::try_from(begun).ok()).unwrap_or_default(),
        asks: Asks { stop: given(7), kill: given(8) },
        ending: json(given(9), "ending", &mut wrong),
        status: given(10).and_then(|word| JobStatus::from_word(&word)),
        reason: text(11),
        progress: row.get::<_, f64>(12).ok().map(|percent| (percent, text(13))),
        taken_at: number(14).unwrap_or_default(),
        over_at: number(15),
    };
    Ok((record, wrong))
}

fn json<T: serde::de::DeserializeOwned>(text: Option<String>, name: &str, wrong: &mut Option<String>) -> Option<T> {
    match serde_json::from_str(&text?) {
        Ok(value) => Some(value),
        Err(error) => {
            *wrong = Some(format!("`{name}`: {error}"));
            None
        }
    }
}
