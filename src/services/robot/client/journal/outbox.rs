//! What the Orchestrator has still to be told, in order for each job.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Journal, KEPT, lossy, lower};
use crate::error::Result;
use crate::services::robot::client::shapes::{JobStatus, Level, Line};

/// Longest text of a line, in bytes: longer ones go out in pieces.
pub const CHUNK: usize = 8 * 1024;

/// Most bytes of lines that wait.
pub const ROOM: i64 = 64 * 1024 * 1024;

/// Lines that have waited longer are dropped, in milliseconds.
pub const AGE: i64 = 7 * 24 * 3600 * 1000;

/// What is dropped when there is no room: down to so many of 8 parts, so that not every line has to make room.
const EIGHTHS: i64 = 7;

/// A thing to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Status(JobStatus),
    Line(Line),
    /// So many lines were dropped.
    Dropped(i64),
}

/// A thing that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub seq: i64,
    /// The job's GUID as the Orchestrator writes it; empty for what belongs to none.
    pub job: String,
    pub what: What,
    /// Milliseconds since 1970.
    pub at: i64,
    pub attempts: u32,
    /// It was sent, and no answer came.
    pub doubtful: bool,
}

const FIELDS: &str = "seq, guid, kind, body, at, attempts, doubtful";

impl Journal {
    /// Puts a line into the outbox: masked, and in pieces when it is long.
    pub fn say(&self, line: &Line) -> Result<()> {
        self.say_all(std::slice::from_ref(line))
    }

    /// Several lines with one wait for the disk.
    pub fn say_all(&self, lines: &[Line]) -> Result<()> {
        match lines {
            [] => Ok(()),
            lines => self.change(|db| lines.iter().try_for_each(|line| self.say_in(db, line))),
        }
    }

    pub(super) fn say_in(&self, db: &Connection, line: &Line) -> rusqlite::Result<()> {
        let text = crate::secret::mask(&line.text);
        let put = "INSERT INTO robot_outbox (robot, job, guid, kind, body, weight, size, at)
                   VALUES (?1, ?2, ?3, 'log', ?4, ?5, ?6, ?7)";
        let mut put = db.prepare_cached(put)?;
        for text in pieces(&text) {
            let body = serde_json::json!({ "version": line.version, "level": line.level.word(), "text": text });
            let body = body.to_string();
            let size = body.len() as i64;
            put.execute(params![self.robot, lower(&line.job), line.job, body, weight(line.level), size, self.now()])?;
        }
        self.make_room(db)
    }

    pub(super) fn push_status(&self, db: &Connection, job: &str, status: JobStatus) -> rusqlite::Result<()> {
        let put = "INSERT INTO robot_outbox (robot, job, guid, kind, body, weight, size, at)
                   VALUES (?1, ?2, ?3, 'status', ?4, 0, 0, ?5)";
        db.prepare_cached(put)?.execute(params![self.robot, lower(job), job, status.word(), self.now()]).map(drop)
    }

    /// Drops the least grave and oldest lines when there are too many.
    fn make_room(&self, db: &Connection) -> rusqlite::Result<()> {
        let size = "SELECT bytes FROM robot_sizes WHERE robot = ?1";
        let size: Option<i64> = db.prepare_cached(size)?.query_row([&self.robot], |row| row.get(0)).optional()?;
        let mut over = size.unwrap_or_default() - self.room;
        if over <= 0 {
            return Ok(());
        }
        over += self.room / 8 * (8 - EIGHTHS);
        let mut found = db.prepare_cached(
            "SELECT seq, size FROM robot_outbox WHERE robot = ?1 AND weight > 0 ORDER BY weight DESC, seq",
        )?;
        let mut rows = found.query([&self.robot])?;
        let mut gone = Vec::new();
        while let (true, Some(row)) = (over > 0, rows.next()?) {
            gone.push(row.get::<_, i64>(0)?);
            over -= row.get::<_, i64>(1)?;
        }
        let mut remove = db.prepare_cached("DELETE FROM robot_outbox WHERE seq = ?1")?;
        gone.iter().try_for_each(|seq| remove.execute([seq]).map(drop))?;
        self.note_dropped(db, gone.len() as i64)
    }

    /// Drops lines that have waited too long.
    pub fn drop_old(&self) -> Result<()> {
        let remove = "DELETE FROM robot_outbox WHERE robot = ?1 AND weight > 0 AND at < ?2";
        self.change(|db| {
            let gone = db.execute(remove, params![self.robot, self.now() - AGE])?;
            self.note_dropped(db, gone as i64)
        })
    }

    /// One line says how many are missing. It belongs to no job, so that it can go out when the jobs' last statuses have.
    fn note_dropped(&self, db: &Connection, gone: i64) -> rusqlite::Result<()> {
        if gone == 0 {
            return Ok(());
        }
        let add = "UPDATE robot_outbox SET body = body + ?2 WHERE robot = ?1 AND job = '' AND kind = 'dropped'";
        if db.execute(add, params![self.robot, gone])? == 0 {
            let put = "INSERT INTO robot_outbox (robot, job, guid, kind, body, weight, size, at)
                       VALUES (?1, '', '', 'dropped', ?2, 0, 0, ?3)";
            db.execute(put, params![self.robot, gone, self.now()])?;
        }
        Ok(())
    }

    /// What goes out next: a status whose job has nothing older waiting, else the oldest thing. `passes`: a status does not
    /// wait for lines.
    pub fn next(&self, passes: bool) -> Result<Option<Item>> {
        match self.next_status(passes)? {
            Some(status) => Ok(Some(status)),
            None => {
                let oldest = format!("SELECT {FIELDS} FROM robot_outbox WHERE robot = ?1 ORDER BY seq LIMIT 1");
                self.first(&oldest, params![self.robot])
            }
        }
    }

    /// The same of statuses alone.
    pub fn next_status(&self, passes: bool) -> Result<Option<Item>> {
        let status = format!(
            "SELECT {FIELDS} FROM robot_outbox AS waits WHERE robot = ?1 AND kind = 'status'
             AND NOT EXISTS (SELECT 1 FROM robot_outbox AS older
                 WHERE older.robot = waits.robot AND older.job = waits.job AND older.seq < waits.seq
                 AND (older.kind = 'status' OR NOT ?2))
             ORDER BY seq LIMIT 1"
        );
        self.first(&status, params![self.robot, passes])
    }

    /// The first row that can be read; those that cannot are set aside.
    fn first(&self, query: &str, given: &[&dyn rusqlite::ToSql]) -> Result<Option<Item>> {
        loop {
            let found = self.look(|db| db.prepare_cached(query)?.query_row(given, |row| Ok(read(row))).optional())?;
            match found {
                None => return Ok(None),
                Some(Ok(item)) => return Ok(Some(item)),
                Some(Err((seq, wrong))) => self.aside_item(seq, &wrong)?,
            }
        }
    }

    fn aside_item(&self, seq: i64, wrong: &str) -> Result<()> {
        let body = "SELECT guid || ' ' || kind || ' ' || body FROM robot_outbox WHERE seq = ?1";
        self.change(|db| {
            let body = db.query_row(body, [seq], lossy)?;
            self.set_aside(db, "robot_outbox", &body, wrong)?;
            db.execute("DELETE FROM robot_outbox WHERE seq = ?1", [seq]).map(drop)
        })
    }

    /// All that waits, in the order of its coming.
    pub fn waiting(&self, most: u32) -> Result<Vec<Item>> {
        self.list("1", most)
    }

    /// The statuses among it.
    pub fn waiting_statuses(&self, most: u32) -> Result<Vec<Item>> {
        self.list("kind = 'status'", most)
    }

    fn list(&self, which: &str, most: u32) -> Result<Vec<Item>> {
        let all = format!("SELECT {FIELDS} FROM robot_outbox WHERE robot = ?1 AND {which} ORDER BY seq LIMIT ?2");
        let found = self.look(|db| {
            let mut rows = db.prepare(&all)?;
            let rows = rows.query_map(params![self.robot, most], |row| Ok(read(row)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(found.into_iter().filter_map(|read| read.ok()).collect())
    }

    /// How many things wait, and how many of them for this job.
    pub fn depth(&self) -> Result<usize> {
        let count = "SELECT count(*) FROM robot_outbox WHERE robot = ?1";
        let depth: i64 = self.look(|db| db.prepare_cached(count)?.query_row([&self.robot], |row| row.get(0)))?;
        Ok(usize::try_from(depth).unwrap_or_default())
    }

    /// Whether any status waits.
    pub fn awaits_any(&self) -> Result<bool> {
        let find = "SELECT 1 FROM robot_outbox WHERE robot = ?1 AND kind = 'status' LIMIT 1";
        let found = self.look(|db| db.prepare_cached(find)?.query_row([&self.robot], |_| Ok(())).optional())?;
        Ok(found.is_some())
    }

    /// Whether this status of this job waits.
    pub fn awaits(&self, job: &str, status: JobStatus) -> Result<bool> {
        let find = "SELECT 1 FROM robot_outbox WHERE robot = ?1 AND job = ?2 AND kind = 'status' AND body = ?3";
        let given = params![self.robot, lower(job), status.word()];
        let found = self.look(|db| db.prepare_cached(find)?.query_row(given, |_| Ok(())).optional())?;
        Ok(found.is_some())
    }

    /// The Orchestrator has it.
    pub fn delivered(&self, item: &Item) -> Result<()> {
        self.change(|db| self.remove(db, item))
    }

    fn remove(&self, db: &Connection, item: &Item) -> rusqlite::Result<()> {
        if let What::Dropped(told) = item.what {
            // More may have been dropped meanwhile.
            db.execute("UPDATE robot_outbox SET body = body - ?2 WHERE seq = ?1", params![item.seq, told])?;
            return db.execute("DELETE FROM robot_outbox WHERE seq = ?1 AND body + 0 <= 0", [item.seq]).map(drop);
        }
        db.prepare_cached("DELETE FROM robot_outbox WHERE seq = ?1")?.execute([item.seq]).map(drop)
    }

    /// It was not accepted this time. `doubtful`: it may have been.
    pub fn postponed(&self, item: &Item, doubtful: bool) -> Result<()> {
        let set = "UPDATE robot_outbox SET attempts = attempts + 1, doubtful = max(doubtful, ?2) WHERE seq = ?1";
        self.change(|db| db.prepare_cached(set)?.execute(params![item.seq, doubtful]).map(drop))
    }

    /// It will never be accepted: it is kept with the reason, out of the way of the others.
    pub fn dead(&self, item: &Item, reason: &str) -> Result<()> {
        let put = "INSERT INTO robot_dead (robot, job, kind, body, reason, at)
                   SELECT robot, guid, kind, body, ?2, ?3 FROM robot_outbox WHERE seq = ?1";
        let prune = "DELETE FROM robot_dead WHERE robot = ?1 AND id <= last_insert_rowid() - ?2";
        let reason = crate::secret::mask(reason);
        self.change(|db| {
            db.execute(put, params![item.seq, reason, self.now()])?;
            db.execute(prune, params![self.robot, KEPT])?;
            self.remove(db, item)
        })
    }

    /// What was refused for good: job, what, why.
    pub fn dead_letters(&self) -> Result<Vec<(String, String, String)>> {
        let all = "SELECT job, kind || ' ' || body, reason FROM robot_dead WHERE robot = ?1 ORDER BY id";
        self.look(|db| {
            let mut rows = db.prepare(all)?;
            let rows = rows.query_map([&self.robot], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect()
        })
    }

    /// Takes back what was never accepted of a job's status.
    pub fn withdraw(&self, job: &str, status: JobStatus) -> Result<()> {
        let remove = "DELETE FROM robot_outbox WHERE robot = ?1 AND job = ?2 AND kind = 'status' AND body = ?3";
        self.change(|db| db.execute(remove, params![self.robot, lower(job), status.word()]).map(drop))
    }
}

/// Which lines are dropped first: the higher the sooner.
fn weight(level: Level) -> i64 {
    match level {
        Level::Critical => 1,
        Level::Error => 2,
        Level::Warning => 3,
        Level::Info => 4,
        Level::Debug => 5,
    }
}

/// A text in pieces of at most [`CHUNK`] bytes, cut at ends of lines where there are any.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > CHUNK {
        let end = (0..=CHUNK).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(CHUNK);
        let cut = rest[..end].rfind('\n').filter(|at| *at > 0).unwrap_or(end);
        pieces.push(&rest[..cut]);
        rest = rest[cut..].strip_prefix('\n').unwrap_or(&rest[cut..]);
    }
    pieces.push(rest);
    pieces
}

/// A row; or its number, and why nothing can be made of it.
fn read(row: &Row<'_>) -> std::result::Result<Item, (i64, String)> {
    let text = |place: usize| match row.get::<_, Value>(place) {
        Ok(Value::Text(text)) => text,
        Ok(Value::Integer(number)) => number.to_string(),
        _ => String::new(),
    };
    let number = |place: usize| row.get::<_, i64>(place).unwrap_or_default();
    let seq = number(0);
    let what = what(&text(2), &text(3), &text(1)).map_err(|wrong| (seq, wrong))?;
    let attempts = u32::try_from(number(5)).unwrap_or_default();
    Ok(Item { seq, job: text(1), what, at: number(4), attempts, doubtful: number(6) != 0 })
}

fn what(kind: &str, body: &str, guid: &str) -> std::result::Result<What, String> {
    match kind {
        "status" => JobStatus::from_word(body).map(What::Status).ok_or(format!("the status `{body}` is not known")),
        "dropped" => body.parse().map(What::Dropped).map_err(|error| error.to_string()),
        "log" => {
            let body: serde_json::Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
            let field = |name: &str| body[name].as_str().ok_or(format!("there is no `{name}`"));
            let level = field("level")?;
            Ok(What::Line(Line {
                job: guid.into(),
                version: field("version")?.into(),
                level: Level::from_word(level).ok_or(format!("the level `{level}` is not known"))?,
                text: field("text")?.into(),
            }))
        }
        other => Err(format!("the kind `{other}` is not known")),
    }
}
