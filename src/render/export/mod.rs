//! Rows into files. A file gets its name only when it is complete.
//!
//! Rows are looked at first ([`columns::Survey`]: which columns, what they hold) and then written, so that a file is made of
//! what can be read twice: `Rows`, or a [spool](crate::core::spool) into which a stream has gone.

pub mod columns;
mod parquet;
mod sqlite;
pub mod text;
mod xlsx;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use self::columns::{Column, Survey, Types};
use crate::core::rows::Rows;
use crate::core::spool::Spool;
use crate::error::{Error, Kind, Result, did_you_mean};

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
    Json,
    Xlsx,
    Sqlite,
    Parquet,
}

/// Each with its name and the endings of its files.
const FORMATS: &[(Format, &str, &[&str])] = &[
    (Format::Csv, "csv", &["csv"]),
    (Format::Ndjson, "ndjson", &["ndjson", "jsonl"]),
    (Format::Json, "json", &["json"]),
    (Format::Xlsx, "xlsx", &["xlsx"]),
    (Format::Sqlite, "sqlite", &["sqlite", "sqlite3", "db"]),
    (Format::Parquet, "parquet", &["parquet"]),
];

impl Format {
    pub fn name(self) -> &'static str {
        FORMATS[self as usize].1
    }

    pub fn named(name: &str) -> Result<Format> {
        let known = FORMATS.iter().find(|(_, known, _)| *known == name).map(|(format, ..)| *format);
        known.ok_or_else(|| unknown(name, format!("`{name}` is no format of files")))
    }

    /// By the file's ending.
    pub fn of(path: &Path) -> Result<Format> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let known = FORMATS.iter().find(|(.., endings)| endings.contains(&ending.as_str()));
        known.map(|(format, ..)| *format).ok_or_else(|| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            unknown(&ending, format!("the ending of `{name}` says of no format what it is"))
        })
    }

    /// Whether its columns hold more than texts.
    pub fn is_typed(self) -> bool {
        matches!(self, Format::Xlsx | Format::Sqlite | Format::Parquet)
    }
}

fn unknown(name: &str, message: String) -> Error {
    let names: Vec<&str> = FORMATS.iter().map(|(_, name, _)| *name).collect();
    let hint =
        did_you_mean(name, names.iter().copied()).unwrap_or_else(|| format!("it is one of {}", names.join(", ")));
    Error::input("export.format", message).hint(hint)
}

/// What a file is to be like.
#[derive(Clone, Debug)]
pub struct Form {
    pub format: Format,
    /// CSV: what stands between cells.
    pub separator: u8,
    /// CSV: a line of column names.
    pub header: bool,
    /// CSV: the mark by which programs know UTF-8.
    pub bom: bool,
    /// CSV as Excel in Russian reads it: a comma in numbers, moments with a space, lines that end as in Windows.
    pub excel: bool,
    /// XLSX: the name of the sheet. SQLite: the name of the table.
    pub table: String,
}

impl Form {
    pub fn new(format: Format) -> Form {
        Form { format, separator: b',', header: true, bom: false, excel: false, table: "rows".to_owned() }
    }

    /// CSV with all that Excel in Russian expects.
    pub fn for_excel(self) -> Form {
        Form { separator: b';', bom: true, excel: true, ..self }
    }
}

/// A file under way.
pub trait Writer: Send {
    fn write(&mut self, rows: &Rows) -> io::Result<()>;

    /// Writes what stands at the end, and forces all of it to the disk.
    fn finish(self: Box<Self>) -> io::Result<()>;

    /// What the reader of the file should know.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A file that is being written beside the place where it belongs. Dropped before its end, it leaves nothing behind.
pub struct Unfinished {
    writer: Option<Box<dyn Writer>>,
    part: PathBuf,
    path: PathBuf,
    /// The table of a new database.
    table: Option<String>,
    kept: bool,
}

impl Unfinished {
    /// Begins `path` under the name `part` in the same folder. A table of a database that is there already is made in it
    /// instead, and appears when it is complete.
    pub fn begin(path: &Path, part: PathBuf, form: &Form, columns: Vec<Column>) -> io::Result<Unfinished> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let is_inside = form.format == Format::Sqlite && std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
        let part = if is_inside { path.to_owned() } else { part };
        let table = (form.format == Format::Sqlite).then(|| form.table.clone());
        let mut unfinished = Unfinished { writer: None, part, path: path.to_owned(), table, kept: is_inside };
        unfinished.writer = Some(match form.format {
            Format::Sqlite => Box::new(sqlite::Table::begin(&unfinished.part, is_inside, form, columns)?),
            format => {
                let file = File::create(&unfinished.part)?;
                as_before(path, &file)?;
                let file = BufWriter::with_capacity(1 << 18, file);
                match format {
                    Format::Csv => Box::new(text::Csv::begin(file, form, columns)?) as Box<dyn Writer>,
                    Format::Xlsx => Box::new(xlsx::Book::begin(file, form, columns)?),
                    Format::Parquet => Box::new(parquet::Groups::begin(file, columns)?),
                    Format::Json | Format::Sqlite => Box::new(text::Json::begin(file, true, columns)?),
                    Format::Ndjson => Box::new(text::Json::begin(file, false, columns)?),
                }
            }
        });
        Ok(unfinished)
    }

    pub fn write(&mut self, rows: &Rows) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write(rows))
    }

    /// Completes the file and gives it its name. Tells what its reader should know.
    pub fn finish(mut self) -> io::Result<Vec<String>> {
        let warnings = self.writer.as_ref().map(|writer| writer.warnings()).unwrap_or_default();
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        match &self.table {
            _ if self.kept => {}
            Some(table) => sqlite::place(&self.part, &self.path, table)?,
            None => std::fs::rename(&self.part, &self.path)?,
        }
        self.kept = true;
        Ok(warnings)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // An open file cannot be removed everywhere.
        self.writer = None;
        if !self.kept {
            // Whatever ended it is the fault that matters.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

/// The name of a file while it is being written: one of its own for each writer, since several may write the same file.
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", uuid::Uuid::new_v4().simple()));
    path.with_file_name(name)
}

/// Rows that are looked at, and written, so many at once: between two portions somebody may stop it.
const PORTION: usize = 4096;

/// Writes rows into a file. `go_on` is asked now and then; when it says no, nothing is left behind and `None` comes back.
/// Gives what the reader of the file should know.
pub fn save(
    path: &Path,
    form: &Form,
    types: Types,
    rows: &Rows,
    go_on: impl Fn() -> bool,
) -> io::Result<Option<Vec<String>>> {
    let portions = || (0..rows.len()).step_by(PORTION).map(|at| rows.pick(at..rows.len().min(at + PORTION)));
    let names: Vec<&str> = rows.columns().iter().map(AsRef::as_ref).collect();
    let mut survey = Survey::new(types, &names);
    for portion in portions() {
        if !go_on() {
            return Ok(None);
        }
        survey.see(&portion);
    }
    let mut file = Unfinished::begin(path, part_of(path), form, survey.columns())?;
    for portion in portions() {
        if !go_on() {
            return Ok(None);
        }
        file.write(&portion)?;
    }
    file.finish().map(Some)
}

/// The same of rows in a spool, under the name `part` until the end; `asked`: columns that there are in any case. It can be
/// stopped by being dropped.
pub async fn save_spool(
    path: &Path,
    part: PathBuf,
    form: &Form,
    types: Types,
    asked: &[&str],
    spool: &mut Spool,
) -> io::Result<Vec<String>> {
    let mut survey = Survey::new(types, &[]);
    for rows in spool.pieces()? {
        survey.see(&rows?);
        tokio::task::yield_now().await;
    }
    survey.has(asked);
    let mut file = Unfinished::begin(path, part, form, survey.columns())?;
    for rows in spool.pieces()? {
        file.write(&rows?)?;
        tokio::task::yield_now().await;
    }
    file.finish()
}

/// Whether a file of this form can be there at all: to be asked before long work for it.
pub fn is_writable(path: &Path, form: &Form) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if form.format == Format::Sqlite && there.len() > 0 => sqlite::is_database(path),
        _ => Ok(()),
    }
}

/// What is said when a file cannot be written.
pub fn failed(path: &str, error: &io::Error) -> Error {
    let told = Error::new(Kind::File, "fs.write", format!("`{path}` cannot be written: {error}"));
    match error.kind() {
        io::ErrorKind::IsADirectory => told.hint("it is a folder; choose another name"),
        io::ErrorKind::InvalidData => told.hint("remove the file that is there, or choose another name"),
        io::ErrorKind::PermissionDenied => told.hint("close it where it is open, and check the rights of its folder"),
        _ => told,
    }
}

/// Writes a file under a temporary name beside it, and renames it when all is written.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let part = part_of(path);
    let written = File::create(&part).and_then(|file| {
        as_before(path, &file)?;
        let mut to = BufWriter::new(file);
        write(&mut to)?;
        synced(to)
    });
    match written.and_then(|()| std::fs::rename(&part, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // The fault that matters is the first one; the leftover may be gone already.
            let _ = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

/// A file that takes the place of another is for the same eyes.
#[cfg(unix)]
fn as_before(path: &Path, file: &File) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(before) => file.set_permissions(before.permissions()),
        Err(_) => Ok(()),
    }
}

/// On Windows the folder's rights hold.
#[cfg(not(unix))]
fn as_before(_path: &Path, _file: &File) -> io::Result<()> {
    Ok(())
}

fn synced(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner().map_err(|error| error.into_error())?.sync_all()
}

#[cfg(test)]
mod tests;
