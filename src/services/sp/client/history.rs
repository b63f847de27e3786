//! What is kept of runs: themselves, their steps, what servers said, and which steps are claimed by which run.
//!
//! One file is shared by any number of processes. A claim is a row that only one run can have; of two starts at the same
//! moment one finds it taken. Every process that has runs holds a lock on a file of its own beside the history: when it is
//! gone, killed or not, the lock is, and its runs are seen to be interrupted.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::alive::Alive;
use super::message::Message;
use super::run::{Run, RunState, Step, StepState};
use crate::core::state::State;
use crate::error::{Error, Kind, Result};

/// The area in the state file, and its tables as they came to be.
const AREA: &str = "sp_runs";
const TABLES: &[&str] = &["
    CREATE TABLE sp_runs (
        id TEXT PRIMARY KEY, site TEXT NOT NULL, state TEXT NOT NULL, name TEXT, codes TEXT NOT NULL,
        owner TEXT NOT NULL, cancel TEXT, body TEXT NOT NULL);
    CREATE INDEX sp_runs_state ON sp_runs (site, state);
    CREATE TABLE sp_steps (
        run TEXT NOT NULL, number INTEGER NOT NULL, stage TEXT NOT NULL, entity TEXT NOT NULL, code TEXT,
        state TEXT NOT NULL, seconds REAL, body TEXT NOT NULL, PRIMARY KEY (run, number));
    CREATE INDEX sp_steps_kind ON sp_steps (entity, stage, code, state, run);
    CREATE TABLE sp_messages (run TEXT NOT NULL, step INTEGER NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX sp_messages_step ON sp_messages (run, step);
    CREATE TABLE sp_claims (
        site TEXT NOT NULL, resource TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (site, resource));
    CREATE INDEX sp_claims_run ON sp_claims (run);
"];

/// So many runs that have ended are kept.
const KEPT: usize = 5000;

/// Estimates look at so many of the last times.
const TIMES: usize = 9;

/// Which runs are asked for.
#[derive(Clone, Debug)]
pub struct Filter {
    pub limit: usize,
    pub name: Option<String>,
    pub code: Option<String>,
    pub state: Option<RunState>,
    /// Only those older than this one.
    pub before: Option<String>,
    /// Leaves out the steps, too; what servers said is always left out.
    pub without_steps: bool,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter { limit: 50, name: None, code: None, state: None, before: None, without_steps: false }
    }
}

/// What became of a wish to have some resources.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    Yes,
    /// This run has one of them.
    No(String),
}

/// The runs of one site.
pub(super) struct History {
    state: State,
    site: String,
    alive: Alive,
    /// The tables are there.
    ready: AtomicBool,
    /// Runs whose end could not be recorded: a full disk, a file that others held for too long.
    unrecorded: Mutex<Vec<Run>>,
}

impl History {
    /// Opens nothing yet.
    pub fn new(state: State, site: String) -> History {
        let alive = Alive::new(state.path().map(PathBuf::from));
        History { state, site, alive, ready: AtomicBool::new(false), unrecorded: Mutex::default() }
    }

    /// Who this process is among those that share the file.
    pub fn owner(&self) -> &str {
        self.alive.name()
    }

    fn state(&self) -> Result<&State> {
        if !self.ready.load(Ordering::Acquire) {
            self.state.tables(AREA, TABLES)?;
            self.ready.store(true, Ordering::Release);
        }
        Ok(&self.state)
    }

    fn look<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.state()?.look(work)
    }

    fn change<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.state()?.change(work)
    }

    /// Whether something could be written. The error is that of the state file.
    pub fn is_writable(&self) -> Result<()> {
        self.change(|_| Ok(()))
    }

    /// Runs of processes that are gone are interrupted, and their claims free.
    pub fn sweep(&self) -> Result<()> {
        let owners = self.look(|db| {
            let live = "SELECT DISTINCT owner FROM sp_runs WHERE site = ?1 AND state IN ('waiting', 'running')";
            texts(db, live, &[&self.site])
        })?;
        let gone: Vec<String> = owners.into_iter().filter(|owner| !self.alive.is_alive(owner)).collect();
        for owner in gone {
            self.change(|db| {
                let live = "SELECT id FROM sp_runs WHERE owner = ?1 AND state IN ('waiting', 'running')";
                let runs = texts(db, live, &[&owner])?;
                runs.iter().try_for_each(|run| interrupt(db, run))
            })?;
            self.alive.bury(&owner);
        }
        Ok(())
    }

    /// To be done before anything is claimed: the file is there, this process can be seen, and those that are gone hold
    /// nothing any more.
    fn enter(&self) -> Result<()> {
        self.state()?;
        self.alive.begin()?;
        let unrecorded = std::mem::take(&mut *self.unrecorded());
        unrecorded.iter().try_for_each(|run| self.put_run(run))?;
        self.sweep()
    }

    fn unrecorded(&self) -> MutexGuard<'_, Vec<Run>> {
        self.unrecorded.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Records a new run, with its claims or waiting for them. A run that is in the way keeps it from being recorded at
    /// all, unless it `waits`.
    pub fn begin(&self, run: &Run, resources: &[String], waits: bool) -> Result<Claimed> {
        self.enter()?;
        self.change(|db| {
            let in_the_way = self.taken(db, run, resources)?;
            if let (Some(other), false) = (&in_the_way, waits) {
                return Ok(Claimed::No(other.clone()));
            }
            let mut run = run.clone();
            run.state = if in_the_way.is_some() { RunState::Waiting } else { RunState::Running };
            put_run(db, &self.site, self.owner(), &run)?;
            run.steps.iter().try_for_each(|step| put_step(db, &run.id, step))?;
            if in_the_way.is_none() {
                self.claim(db, &run, resources)?;
            }
            self.prune(db)?;
            Ok(in_the_way.map_or(Claimed::Yes, Claimed::No))
        })
    }

    /// Claims for a run that is recorded already: one that waits, or one that is taken up again.
    pub fn go_on(&self, run: &Run, resources: &[String]) -> Result<Claimed> {
        self.enter()?;
        self.change(|db| {
            if let Some(other) = self.taken(db, run, resources)? {
                return Ok(Claimed::No(other));
            }
            // Somebody else may have taken it up meanwhile.
            let kept = "SELECT owner FROM sp_runs WHERE id = ?1 AND state = 'running'";
            let owner: Option<String> = db.query_row(kept, [&run.id], |row| row.get(0)).optional()?;
            if owner.is_some() {
                return Ok(Claimed::No(run.id.clone()));
            }
            // A wish to cancel is an old one, except of a run that has only waited so far.
            db.execute("UPDATE sp_runs SET cancel = NULL WHERE id = ?1 AND state <> 'waiting'", [&run.id])?;
            put_run(db, &self.site, self.owner(), run)?;
            run.steps.iter().try_for_each(|step| put_step(db, &run.id, step))?;
            self.claim(db, run, resources)?;
            Ok(Claimed::Yes)
        })
    }

    /// The run that has one of these.
    fn taken(&self, db: &Connection, run: &Run, resources: &[String]) -> rusqlite::Result<Option<String>> {
        let mut find =
            db.prepare_cached("SELECT run FROM sp_claims WHERE site = ?1 AND resource = ?2 AND run <> ?3")?;
        for resource in resources {
            let other = find.query_row(params![self.site, resource, run.id], |row| row.get(0)).optional()?;
            if other.is_some() {
                return Ok(other);
            }
        }
        Ok(None)
    }

    fn claim(&self, db: &Connection, run: &Run, resources: &[String]) -> rusqlite::Result<()> {
        let mut put = db.prepare_cached("INSERT OR REPLACE INTO sp_claims VALUES (?1, ?2, ?3)")?;
        resources.iter().try_for_each(|resource| put.execute(params![self.site, resource, run.id]).map(drop))
    }

    fn prune(&self, db: &Connection) -> rusqlite::Result<()> {
        let old = "SELECT id FROM sp_runs WHERE site = ?1 AND state NOT IN ('waiting', 'running')
                   ORDER BY id DESC LIMIT -1 OFFSET ?2";
        let kept = KEPT.to_string();
        for run in texts(db, old, &[&self.site, &kept])? {
            for table in ["DELETE FROM sp_messages WHERE run = ?1", "DELETE FROM sp_steps WHERE run = ?1"] {
                db.execute(table, [&run])?;
            }
            db.execute("DELETE FROM sp_runs WHERE id = ?1", [&run])?;
        }
        Ok(())
    }

    /// Records how a run stands; one that has ended gives up its claims. An end that cannot be recorded is recorded before
    /// the next claim: nobody else can end a run of a process that is alive.
    pub fn put_run(&self, run: &Run) -> Result<()> {
        let is_over = !is_live(run.state);
        let recorded = self.change(|db| {
            put_run(db, &self.site, self.owner(), run)?;
            if is_over {
                db.execute("DELETE FROM sp_claims WHERE run = ?1", [&run.id])?;
            }
            Ok(())
        });
        if recorded.is_err() && is_over {
            self.unrecorded().push(run.clone());
        }
        recorded
    }

    pub fn put_step(&self, run: &str, step: &Step) -> Result<()> {
        self.change(|db| put_step(db, run, step))
    }

    pub fn put_message(&self, run: &str, step: u32, message: &Message) -> Result<()> {
        self.change(|db| {
            let mut put = db.prepare_cached("INSERT INTO sp_messages VALUES (?1, ?2, ?3, ?4)")?;
            put.execute(params![run, step, message.at, message.text]).map(drop)
        })
    }

    /// A run with everything.
    pub fn find(&self, id: &str) -> Result<Option<Run>> {
        self.sweep()?;
        let found = self.look(|db| {
            let body = "SELECT body FROM sp_runs WHERE id = ?1 AND site = ?2";
            let body: Option<String> = db.query_row(body, params![id, self.site], |row| row.get(0)).optional()?;
            let Some(body) = body else { return Ok(None) };
            let steps = texts(db, "SELECT body FROM sp_steps WHERE run = ?1 ORDER BY number", &[id])?;
            let mut said = db.prepare("SELECT step, at, text FROM sp_messages WHERE run = ?1 ORDER BY rowid")?;
            let message = |row: &Row| Ok((row.get::<_, u32>(0)?, Message { at: row.get(1)?, text: row.get(2)? }));
            let said = said.query_map([id], message)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Some((body, steps, said)))
        })?;
        let Some((body, steps, said)) = found else { return Ok(None) };
        let mut run: Run = parsed(&body)?;
        run.steps = steps.iter().map(|step| parsed(step)).collect::<Result<_>>()?;
        for (number, message) in said {
            if let Some(step) = run.steps.iter_mut().find(|step| step.number == number) {
                step.messages.push(message);
            }
        }
        Ok(Some(run))
    }

    /// Runs, the newest first.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Run>> {
        self.sweep()?;
        let state = filter.state.map(word).transpose()?;
        let code = filter.code.as_ref().map(|code| format!("%,{},%", code.replace(['%', '_', ','], "")));
        let limit = filter.limit.min(10_000).to_string();
        let mut sql = "SELECT body, id FROM sp_runs WHERE site = ?1".to_owned();
        let mut given = vec![self.site.clone()];
        let conditions = [
            ("name = ", filter.name.clone()),
            ("state = ", state),
            ("codes LIKE ", code),
            ("id < ", filter.before.clone()),
        ];
        for (condition, value) in conditions {
            if let Some(value) = value {
                given.push(value);
                sql.push_str(&format!(" AND {condition}?{}", given.len()));
            }
        }
        given.push(limit);
        sql.push_str(&format!(" ORDER BY id DESC LIMIT ?{}", given.len()));
        let found = self.look(|db| {
            let mut runs = Vec::new();
            let mut list = db.prepare_cached(&sql)?;
            let mut rows = list.query(params_from_iter(given))?;
            while let Some(row) = rows.next()? {
                let id: String = row.get(1)?;
                let steps = match filter.without_steps {
                    true => Vec::new(),
                    false => texts(db, "SELECT body FROM sp_steps WHERE run = ?1 ORDER BY number", &[&id])?,
                };
                runs.push((row.get::<_, String>(0)?, steps));
            }
            Ok(runs)
        })?;
        let run = |(body, steps): (String, Vec<String>)| {
            let mut run: Run = parsed(&body)?;
            run.steps = steps.iter().map(|step| parsed(step)).collect::<Result<_>>()?;
            Ok(run)
        };
        found.into_iter().map(run).collect()
    }

    /// The last durations of steps that went well, the newest first.
    pub fn seconds(&self, stage: &str, entity: &str, code: Option<&str>) -> Result<Vec<f64>> {
        self.look(|db| {
            let last = "SELECT s.seconds FROM sp_steps AS s JOIN sp_runs AS r ON r.id = s.run
                        WHERE s.entity = ?1 AND s.stage = ?2 AND s.code IS ?3 AND s.state = 'ok' AND r.site = ?4
                          AND s.seconds IS NOT NULL ORDER BY s.run DESC LIMIT ?5";
            let mut last = db.prepare_cached(last)?;
            let rows = last.query_map(params![entity, stage, code, self.site, TIMES as i64], |row| row.get(0))?;
            rows.collect()
        })
    }

    /// Asks whoever carries out a run to leave it. False when nobody does.
    pub fn ask_to_cancel(&self, id: &str, by: &str) -> Result<bool> {
        self.sweep()?;
        let ask = "UPDATE sp_runs SET cancel = ?2 WHERE id = ?1 AND state IN ('waiting', 'running')";
        self.change(|db| db.execute(ask, [id, by])).map(|changed| changed > 0)
    }

    /// Whether somebody, perhaps in another process, wants this run to be left.
    pub fn is_to_cancel(&self, id: &str) -> Result<bool> {
        let asked = "SELECT cancel IS NOT NULL FROM sp_runs WHERE id = ?1";
        self.look(|db| db.prepare_cached(asked)?.query_row([id], |row| row.get(0)))
    }

    /// Runs under way that are of other processes.
    pub fn others(&self) -> Result<Vec<Run>> {
        self.sweep()?;
        let live = self.look(|db| {
            let live = "SELECT id FROM sp_runs WHERE site = ?1 AND state IN ('waiting', 'running') AND owner <> ?2 ORDER BY id";
            texts(db, live, &[&self.site, self.owner()])
        })?;
        live.iter().filter_map(|id| self.find(id).transpose()).collect()
    }
}

/// Whether a run is under way.
pub(super) fn is_live(state: RunState) -> bool {
    matches!(state, RunState::Waiting | RunState::Running)
}

/// A run whose process has ended before it did. What was being committed stays so: nobody knows whether it was.
fn interrupt(db: &Connection, id: &str) -> rusqlite::Result<()> {
    let body: String = db.query_row("SELECT body FROM sp_runs WHERE id = ?1", [id], |row| row.get(0))?;
    if let Ok(mut run) = serde_json::from_str::<Run>(&body) {
        run.state = RunState::Interrupted;
        run.reason = Some("the process that carried it out has ended".to_owned());
        db.execute("UPDATE sp_runs SET state = 'interrupted', body = ?2 WHERE id = ?1", [id, &text(&run)?])?;
    }
    for body in texts(db, "SELECT body FROM sp_steps WHERE run = ?1 AND state = 'running'", &[id])? {
        if let Ok(mut step) = serde_json::from_str::<Step>(&body) {
            step.state = StepState::Interrupted;
            put_step(db, id, &step)?;
        }
    }
    db.execute("DELETE FROM sp_claims WHERE run = ?1", [id]).map(drop)
}

fn put_run(db: &Connection, site: &str, owner: &str, run: &Run) -> rusqlite::Result<()> {
    let codes = format!(",{},", run.order.codes.join(","));
    let alone = Run { steps: Vec::new(), ..run.clone() };
    let mut put = db.prepare_cached(
        "INSERT INTO sp_runs (id, site, state, name, codes, owner, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, owner = excluded.owner, body = excluded.body",
    )?;
    let state = text(&run.state)?;
    put.execute(params![run.id, site, state.trim_matches('"'), run.order.name, codes, owner, text(&alone)?]).map(drop)
}

fn put_step(db: &Connection, run: &str, step: &Step) -> rusqlite::Result<()> {
    let alone = Step { messages: Vec::new(), ..step.clone() };
    let state = text(&step.state)?;
    let mut put = db.prepare_cached("INSERT OR REPLACE INTO sp_steps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    let state = state.trim_matches('"');
    put.execute(params![run, step.number, step.stage, step.entity, step.code, state, step.seconds, text(&alone)?])
        .map(drop)
}

fn texts(db: &Connection, sql: &str, given: &[&str]) -> rusqlite::Result<Vec<String>> {
    let mut list = db.prepare_cached(sql)?;
    let rows = list.query_map(params_from_iter(given), |row| row.get(0))?;
    rows.collect()
}

fn text(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn word(state: RunState) -> Result<String> {
    let text = serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned));
    text.ok_or_else(|| damaged(&"a state without a word"))
}

fn parsed<T: DeserializeOwned>(body: &str) -> Result<T> {
    serde_json::from_str(body).map_err(|error| damaged(&error))
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::File, "sp.history", format!("the history of runs cannot be read: {error}"))
}
