//! A list into a file, in constant memory, so that a killed process loses nothing of what was read.
//!
//! Rows go into a part file beside the target (`core::spool`). Now and then it is forced to the disk, and the state file
//! remembers how long it was and where the list goes on. The same call in another process cuts the part file back to that
//! length and goes on from there; when the list is complete, the file is made of the part file and gets its name.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Params;
use super::pieces::FOR_FILES;
use super::portal::Portal;
use crate::core::context::Context;
use crate::core::rows::Rows;
use crate::core::spool::Spool;
use crate::core::stats::grouped;
use crate::error::{Error, Kind, Result};
use crate::render::export::columns::Types;
use crate::render::export::{Form, failed, is_writable, save_spool};
use crate::services::b24::wire::check;

/// Where checkpoints are kept.
const AREA: &str = "b24.export";
/// So much of the work may be lost with the process.
const PAUSE: Duration = Duration::from_millis(500);
/// Rows that were read longer ago do not go into one file with those of today.
const STALE: i64 = 24 * 3600;

/// What is to be written, and how.
#[derive(Clone, Debug)]
pub struct Export {
    pub method: String,
    pub params: Params,
    pub path: PathBuf,
    pub form: Form,
    pub types: Typing,
    /// Whatever was begun before is forgotten.
    pub fresh: bool,
}

/// Where the types of columns come from.
#[derive(Clone, Debug)]
pub enum Typing {
    /// From the portal's list of fields.
    Asked,
    /// From whoever calls.
    Said(Types),
}

/// A file that was written.
#[derive(Clone, Debug)]
pub struct Exported {
    pub rows: u64,
    /// How many of them an earlier process had read.
    pub resumed: u64,
    /// What the reader of the file should know.
    pub warnings: Vec<String>,
}

impl Portal {
    /// Writes a whole list into a file. Interrupted in any way, the same call goes on where it was.
    pub async fn export(&self, export: Export) -> Result<Exported> {
        if self.0.context.only_tells(|| format!("b24: {} into {}", export.method, export.path.display())) {
            self.tell_plan(&export.method, &export.params).await;
            return Ok(Exported { rows: 0, resumed: 0, warnings: Vec::new() });
        }
        // What is wrong is told before anything is asked for or written.
        self.readable(&export.method, export.params.clone())?;
        is_writable(&export.path, &export.form).map_err(|error| failed(&export.path.display().to_string(), &error))?;
        let types = match &export.types {
            Typing::Said(types) => types.clone(),
            Typing::Asked => self.types(&export.method, &export.params).await?,
        };
        let call = json!([self.seen_by(), export.method, export.params]).to_string();
        let mut warnings = Vec::new();
        let mut work = Work::begin(&self.0.context, &export, call, &mut warnings)?;
        let resumed = work.kept.rows;
        // Shown when the rows are there; the reading has a bar of its own.
        let bar = self.bar(&export.method, None);
        if !work.kept.whole {
            self.read_into(&export, &mut work).await?;
        }
        bar.note("writing the file");
        let (path, rows) = (work.path.clone(), work.kept.rows);
        let part = beside(&path, "part");
        let asked = selected(&export.params);
        let written = save_spool(&path, part, &export.form, types, &asked, &mut work.spool).await;
        warnings.extend(written.map_err(|error| failed(&path.display().to_string(), &error))?);
        work.done()?;
        Ok(Exported { rows, resumed, warnings })
    }

    /// Reads what is left of the list.
    async fn read_into(&self, export: &Export, work: &mut Work<'_>) -> Result<()> {
        let begin = |from: Option<&str>| self.pieces(&export.method, export.params.clone(), from, FOR_FILES);
        let mut pieces = match begin(work.kept.position.as_deref()) {
            // Another version of this program wrote it.
            Err(error) if error.code() == "b24.position" => {
                work.anew()?;
                begin(None)?
            }
            pieces => pieces?,
        };
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            work.add(&piece.rows, piece.position)?;
        }
        work.kept.whole = true;
        work.keep()
    }
}

/// The columns that were asked for by name.
fn selected(params: &Params) -> Vec<&str> {
    let fields = check::parameter(params, "select").and_then(Params::as_array);
    let names: Vec<&str> = fields.into_iter().flatten().filter_map(Params::as_str).collect();
    if names.iter().any(|name| name.contains('*')) { Vec::new() } else { names }
}

/// `deals.csv.rows.part` for `deals.csv`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// What the state file remembers of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    call: String,
    /// The name inside the part file.
    spool: String,
    /// How long it was then.
    end: u64,
    rows: u64,
    /// Where the list goes on.
    position: Option<String>,
    /// Nothing is left to be read.
    whole: bool,
    /// When that was, in seconds since 1970.
    at: i64,
}

/// An export under way.
struct Work<'a> {
    context: &'a Context,
    path: PathBuf,
    spool: Spool,
    kept: Kept,
    /// When the last checkpoint was; none in this process yet.
    last: Option<Instant>,
    /// Rows came since.
    changed: bool,
    /// The file has its name.
    done: bool,
}

impl Work<'_> {
    /// Goes on with what the same call has begun, or begins.
    fn begin<'a>(context: &'a Context, export: &Export, call: String, warnings: &mut Vec<String>) -> Result<Work<'a>> {
        let path = export.path.clone();
        let part = beside(&path, "rows.part");
        let spool = Spool::take(&part).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => in_use(&path),
            _ => failed(&part.display().to_string(), &error),
        })?;
        let before = context.state().get(AREA, &key(&path))?.and_then(|kept| serde_json::from_str::<Kept>(&kept).ok());
        let kept = Kept { call, spool: String::new(), end: 0, rows: 0, position: None, whole: false, at: now() };
        let mut work = Work { context, path, spool, kept, last: None, changed: false, done: false };
        if let Some(before) = before.filter(|_| !export.fresh) {
            if before.call != work.kept.call {
                warnings.push("what another export had begun here is not gone on with".to_owned());
            } else if now() - before.at > STALE {
                warnings.push("what an interrupted export read over a day ago is not gone on with".to_owned());
            } else if work.spool.go_on(&before.spool, before.end).map_err(|error| work.failed(&error))? {
                work.kept = before;
                return Ok(work);
            }
        }
        work.anew()?;
        Ok(work)
    }

    /// Forgets what was begun.
    fn anew(&mut self) -> Result<()> {
        self.context.state().forget(AREA, &key(&self.path))?;
        self.spool.begin().map_err(|error| self.failed(&error))?;
        self.kept = Kept { spool: self.spool.id(), end: 0, rows: 0, position: None, whole: false, ..self.kept.clone() };
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Error {
        failed(&beside(&self.path, "rows.part").display().to_string(), error)
            .hint("what was read so far is kept; the same call goes on with it")
    }

    fn add(&mut self, rows: &Rows, position: Option<String>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.spool.append(rows).map_err(|error| self.failed(&error))?;
        self.kept.rows += rows.len() as u64;
        self.kept.position = position;
        self.changed = true;
        let is_time = self.last.is_none_or(|last| last.elapsed() >= PAUSE);
        if is_time { self.keep() } else { Ok(()) }
    }

    /// A checkpoint, where one makes sense: first the rows are on the disk, then the state file says so.
    fn keep(&mut self) -> Result<()> {
        self.changed = false;
        if self.kept.position.is_none() && !self.kept.whole {
            return Ok(());
        }
        self.kept.end = self.spool.sync().map_err(|error| self.failed(&error))?;
        self.kept.at = now();
        let kept = serde_json::to_string(&self.kept)
            .map_err(|error| Error::new(Kind::Protocol, "export.checkpoint", error.to_string()))?;
        self.context.state().put(AREA, &key(&self.path), &kept)?;
        self.last = Some(Instant::now());
        Ok(())
    }

    /// The file has its name: nothing is to be gone on with.
    fn done(mut self) -> Result<()> {
        self.changed = false;
        self.done = true;
        self.context.state().forget(AREA, &key(&self.path))?;
        self.spool.clear();
        Ok(())
    }
}

impl Drop for Work<'_> {
    /// Stopped by Ctrl-C, a deadline or a fault of the portal: nothing of what was read is asked for again.
    fn drop(&mut self) {
        if self.changed {
            // Without it the last checkpoint is gone on with.
            let _ = self.keep();
        }
        if self.done {
            return;
        }
        match self.last {
            Some(_) => self.context.warn(&format!(
                "{}: {} rows are kept; the same call goes on with them",
                self.path.display(),
                grouped(self.kept.rows)
            )),
            // Nothing in it can be gone on with.
            None if self.kept.end == 0 => self.spool.clear(),
            None => {}
        }
    }
}

/// Under which the state file remembers it.
fn key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn in_use(path: &Path) -> Error {
    let message = format!("another export into `{}` is under way", path.display());
    Error::new(Kind::File, "export.in_use", message).hint("wait for its end, or write into another file")
}

fn now() -> i64 {
    Timestamp::now().as_second()
}
