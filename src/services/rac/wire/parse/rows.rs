//! Records of the utility's output as rows: typed by the table, or as they were printed.

use std::borrow::Cow;
use std::collections::HashSet;

use memchr::memchr;

use super::field::{field, unquoted};
use super::scan::{Foreign, Pair, Scanner, Step};
use super::{Style, normal};
use crate::core::rows::{Builder, Field, Rows, TooLarge};
use crate::error::{Error, Kind, Result, Retry};
use crate::services::rac::table::{Line, Record, Shape};

/// What is done with the values of one key.
struct Column {
    /// As rows have it.
    name: String,
    line: Option<&'static Line>,
    /// In how many records it stood.
    count: u64,
    /// The sum of their numbers: if one record lacks the key, this tells which.
    sum: u64,
}

/// Puts the records of one output into rows.
struct Rowing<'a> {
    style: Style<'a>,
    record: &'static Record,
    scanner: Scanner<'a>,
    columns: Vec<Column>,
    names: HashSet<String>,
    rows: Builder,
}

/// The records of a text. Nothing in it is no record at all.
pub fn rows(text: &str, record: &'static Record, style: Style<'_>) -> Result<Rows> {
    match Scanner::open(text, record) {
        Ok(None) => Ok(Rows::default()),
        Err(Foreign) => Err(super::foreign(text)),
        Ok(Some(scanner)) => {
            let (columns, names) = (Vec::new(), HashSet::new());
            Rowing { style, record, scanner, columns, names, rows: Builder::new() }.read(text)
        }
    }
}

impl Rowing<'_> {
    fn read(mut self, text: &str) -> Result<Rows> {
        let mut is_closed = true;
        while let Some(step) = self.scanner.next() {
            match step {
                Step::Pair(pair) => self.pair(pair)?,
                Step::End { closed, same } => {
                    is_closed = closed;
                    if !same {
                        self.check_keys(text, closed)?;
                    }
                    self.rows.end_row();
                }
            }
        }
        if !is_closed {
            return Err(cut(format!("the output stops in record {} of {}", self.rows.len(), self.record.name)));
        }
        self.check_equal()?;
        Ok(self.rows.finish().into())
    }

    fn pair(&mut self, pair: Pair<'_>) -> Result<()> {
        while self.columns.len() <= pair.key {
            let column = self.column(self.columns.len());
            self.columns.push(column);
        }
        let column = &mut self.columns[pair.key];
        column.count += 1;
        column.sum += self.rows.len() as u64;
        self.rows.name(&column.name);
        let shape = column.line.map(|line| line.shape);
        push(&mut self.rows, self.style, shape, pair.value).map_err(|TooLarge| too_large())
    }

    /// What is known of a key that has not been seen before.
    fn column(&mut self, key: usize) -> Column {
        let (key, line) = (self.scanner.key(key), self.scanner.line_of(key));
        let name = match (self.style, line) {
            (Style::Raw, _) => key.to_owned(),
            (Style::Typed(_), Some(line)) => line.slot.replace('-', "_"),
            (Style::Typed(_), None) => normal(key).replace('-', "_"),
        };
        // Two keys that mean the same, in one output, stay two fields.
        let name = if self.names.contains(&name) { key.to_owned() } else { name };
        self.names.insert(name.clone());
        Column { name, line, count: 0, sum: 0 }
    }

    /// The record that has just ended is one that the utility prints, and all of it.
    fn check_keys(&self, text: &str, closed: bool) -> Result<()> {
        let keys = self.scanner.keys_of_record();
        let lines = || keys.iter().filter_map(|key| self.columns[*key].line);
        if lines().next().is_none() {
            return Err(super::foreign(text));
        }
        if !closed {
            return Ok(());
        }
        let always = self.record.lines.iter().filter(|line| line.is_always());
        match always.into_iter().find(|line| !lines().any(|printed| printed.slot == line.slot)) {
            None => Ok(()),
            Some(line) => Err(self.lacks(self.rows.len(), line.key)),
        }
    }

    /// A line that all records but one have is missing in that one.
    fn check_equal(&self) -> Result<()> {
        let count = self.rows.len() as u64;
        let all: u64 = (0..count).sum();
        match self.columns.iter().zip(0..).find(|(column, _)| count > 1 && column.count == count - 1) {
            None => Ok(()),
            Some((column, key)) => Err(self.lacks((all - column.sum) as usize, self.scanner.key(key))),
        }
    }

    fn lacks(&self, record: usize, key: &str) -> Error {
        cut(format!("record {} of {} has no `{key}`", record + 1, self.record.name))
    }
}

/// One value into the row.
fn push(rows: &mut Builder, style: Style<'_>, shape: Option<Shape>, value: &str) -> Result<(), TooLarge> {
    let trimmed = value.trim();
    let text = match shape {
        // Without a table there is only what it looks like.
        Some(Shape::Quoted) | None if trimmed.starts_with('"') => unquoted(trimmed),
        Some(Shape::Quoted | Shape::Text) | None => Cow::Borrowed(value),
        Some(_) => Cow::Borrowed(trimmed),
    };
    let is_text = matches!(shape, Some(Shape::Quoted | Shape::Text) | None);
    if is_text && memchr(b'\r', text.as_bytes()).is_some() {
        return rows.push(Field::Text(&text.replace("\r\n", "\n")));
    }
    match (style, shape) {
        (Style::Typed(zone), Some(shape)) => rows.push(field(shape, &text, zone)),
        (Style::Raw, _) | (_, None) => rows.push(Field::Text(&text)),
    }
}

/// The lines of directories for transfer: values in columns, an empty line after all of them.
pub fn columns(text: &str, record: &'static Record, style: Style<'_>) -> Result<Rows> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = Builder::new();
    let mut is_closed = true;
    for line in text.split_inclusive('\n') {
        let values = line.trim_end_matches(['\n', '\r']);
        is_closed = values.trim().is_empty();
        if is_closed {
            continue;
        }
        let Some(values) = split(values, record.lines) else { return Err(super::foreign(text)) };
        for (line, value) in record.lines.iter().zip(values) {
            rows.name(&if style == Style::Raw { line.key.to_owned() } else { line.slot.replace('-', "_") });
            push(&mut rows, style, Some(line.shape), value).map_err(|TooLarge| too_large())?;
        }
        rows.end_row();
    }
    match is_closed {
        true => Ok(rows.finish().into()),
        false => Err(cut(format!("the output stops in line {} of {}", rows.len(), record.name))),
    }
}

/// The values of a line, one for each of the record's.
fn split<'a>(mut line: &'a str, lines: &[Line]) -> Option<Vec<&'a str>> {
    const BETWEEN: &str = " : ";
    let mut values = Vec::with_capacity(lines.len());
    while values.len() + 1 < lines.len() {
        // Between quotes anything may stand.
        let from = line.strip_prefix('"').and_then(closing).unwrap_or(0);
        let at = from + line[from..].find(BETWEEN)?;
        values.push(&line[..at]);
        line = &line[at + BETWEEN.len()..];
    }
    values.push(line);
    Some(values)
}

/// How long a text between quotes is with both of them, of which the first is taken off. Two in a row are one inside.
fn closing(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('"').map(|(at, _)| at).peekable();
    while let Some(at) = quotes.next() {
        if quotes.next_if_eq(&(at + 1)).is_none() {
            return Some(at + 2);
        }
    }
    None
}

fn cut(message: String) -> Error {
    Error::new(Kind::Protocol, "rac.half_printed", format!("rac printed only a part of its answer: {message}"))
        .retry(Retry::Safe)
        .hint("ask again; if it stays so, this version of the utility prints what is not known here")
}

fn too_large() -> Error {
    Error::new(Kind::Limit, "rac.too_large", "rac printed more than fits in one list")
        .hint("ask for less at once: one infobase, one server")
}
