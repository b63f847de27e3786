//! A table of an SQLite database: a new one, or one in a database that is there already.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, TransactionBehavior, types::ToSqlOutput};

use super::columns::{Column, Holds, Places, Value};
use super::{Form, Writer};
use crate::core::order::cell_text;
use crate::core::rows::{Field, Row, Rows};

/// So long another writer of the database is waited for.
const BUSY: Duration = Duration::from_secs(10);

/// A table under way. Nobody sees it, nor that an older one of its name is gone, before it is complete.
pub(super) struct Table {
    db: Connection,
    path: PathBuf,
    insert: String,
    columns: Vec<Column>,
    places: Places,
}

impl Table {
    /// `is_inside`: in the database that is there.
    pub fn begin(path: &Path, is_inside: bool, form: &Form, columns: Vec<Column>) -> io::Result<Table> {
        if !is_inside {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let table = quoted(&form.table);
        let declared: Vec<String> = distinct(&columns)
            .iter()
            .zip(&columns)
            .map(|(name, column)| format!("{} {}", quoted(name), affinity(column)))
            .collect();
        // A table has at least one column.
        let declared = if declared.is_empty() { "\"nothing\"".to_owned() } else { declared.join(", ") };
        let begin = || {
            let db = Connection::open(path)?;
            db.busy_timeout(BUSY)?;
            // To replace a table is not to delete what the rows of others refer to.
            db.execute_batch("PRAGMA foreign_keys = OFF")?;
            if !is_inside {
                // Until it has its name, nobody misses it; it is forced to the disk as a whole.
                db.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
            }
            db.execute_batch(&format!(
                "BEGIN IMMEDIATE; DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({declared})"
            ))?;
            Ok(db)
        };
        let db = begin().map_err(failed)?;
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO {table} VALUES ({marks})");
        Ok(Table { db, path: path.to_owned(), insert, columns, places: Places::default() })
    }
}

/// Whether what is there is a database, to which a table can be added.
pub(super) fn is_database(path: &Path) -> io::Result<()> {
    let version = |db: Connection| db.query_row("PRAGMA schema_version", [], |row| row.get::<_, i64>(0));
    match Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(version) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the file that is there is no SQLite database"))
        }
        _ => Ok(()),
    }
}

/// Gives a finished database with one table its name; where somebody has made a database of that name meanwhile, the table
/// goes into it.
pub(super) fn place(part: &Path, path: &Path, table: &str) -> io::Result<()> {
    match std::fs::hard_link(part, path) {
        Ok(()) => std::fs::remove_file(part),
        // It is there, or the disk's files have one name only.
        Err(_) if std::fs::metadata(path).is_ok_and(|there| there.len() > 0) => {
            join(part, path, table).map_err(failed)?;
            std::fs::remove_file(part)
        }
        Err(_) => std::fs::rename(part, path),
    }
}

fn join(part: &Path, path: &Path, table: &str) -> rusqlite::Result<()> {
    let mut db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    db.execute_batch("PRAGMA foreign_keys = OFF")?;
    db.execute("ATTACH ? AS made", [part.to_string_lossy()])?;
    let create: String =
        db.query_row("SELECT sql FROM made.sqlite_schema WHERE type = 'table'", [], |row| row.get(0))?;
    let table = quoted(table);
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute_batch(&format!(
        "DROP TABLE IF EXISTS main.{table}; {create}; INSERT INTO main.{table} SELECT * FROM made.{table}"
    ))?;
    change.commit()
}

fn failed(error: rusqlite::Error) -> io::Error {
    io::Error::other(error)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Of a column with other texts among its numbers nothing is declared: SQLite would make numbers of them, and lose zeros.
fn affinity(column: &Column) -> &'static str {
    match column.holds {
        _ if !column.fits => "",
        Holds::Integer | Holds::Flag => "INTEGER",
        Holds::Number => "REAL",
        Holds::Text | Holds::Day | Holds::Moment | Holds::Json => "TEXT",
    }
}

/// The names of the columns; SQLite takes `id` and `ID` for one.
fn distinct(columns: &[Column]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let is_free = |name: &String| !names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let further = (2..).map(|n| format!("{}_{n}", column.name));
        let name = std::iter::once(column.name.to_string()).chain(further).find(is_free);
        names.extend(name);
    }
    names
}

/// A cell as SQLite takes it: no date there is more than a text, and a text is kept as it came.
struct Cell<'a>(Value<'a>, Field<'a>);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = |text| ToSqlOutput::Borrowed(ValueRef::Text(text));
        Ok(match (&self.0, self.1) {
            (Value::Empty, _) => ToSqlOutput::Borrowed(ValueRef::Null),
            (Value::Integer(n), _) => ToSqlOutput::Borrowed(ValueRef::Integer(*n)),
            (Value::Flag(flag), _) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*flag))),
            (Value::Number(n), _) => ToSqlOutput::Borrowed(ValueRef::Real(*n)),
            (_, Field::Text(written) | Field::Json(written)) => text(written.as_bytes()),
            (Value::Text(written), _) => text(written.as_bytes()),
            (_, field) => ToSqlOutput::from(cell_text(field).into_owned()),
        })
    }
}

impl Writer for Table {
    fn write(&mut self, rows: &Rows) -> io::Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let mut insert = self.db.prepare_cached(&self.insert).map_err(failed)?;
        for row in rows.iter() {
            let places = self.places.of(&row, &self.columns);
            let cell = |(at, place): (usize, &Option<usize>)| cell(&row, &self.columns[at], *place);
            insert.execute(rusqlite::params_from_iter(places.iter().enumerate().map(cell))).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.db.execute_batch("COMMIT").map_err(failed)?;
        self.db.close().map_err(|(_, error)| failed(error))?;
        OpenOptions::new().write(true).open(&self.path)?.sync_all()
    }
}

fn cell<'a>(row: &'a Row, column: &Column, place: Option<usize>) -> Cell<'a> {
    let field = place.map_or(Field::Null, |place| row.at(place));
    Cell(column.value(field), field)
}
