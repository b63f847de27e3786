//! CSV, JSON and NDJSON.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::columns::{Column, Holds, Places, Value};
use super::{Form, Writer, synced};
use crate::core::clock;
use crate::core::order::cell_text;
use crate::core::rows::{Field, Row, Rows};

/// A CSV file under way.
pub(super) struct Csv {
    to: BufWriter<File>,
    line: Line,
    columns: Vec<Column>,
    places: Places,
}

/// What a line is made of.
struct Line {
    separator: u8,
    excel: bool,
    text: Vec<u8>,
}

impl Csv {
    pub fn begin(mut to: BufWriter<File>, form: &Form, columns: Vec<Column>) -> io::Result<Csv> {
        if form.bom {
            to.write_all("\u{feff}".as_bytes())?;
        }
        let mut line = Line { separator: form.separator, excel: form.excel, text: Vec::new() };
        if form.header && !columns.is_empty() {
            line.header(columns.iter().map(|column| &*column.name));
            to.write_all(&line.text)?;
        }
        Ok(Csv { to, line, columns, places: Places::default() })
    }
}

impl Writer for Csv {
    fn write(&mut self, rows: &Rows) -> io::Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        for row in rows.iter() {
            let places = self.places.of(&row, &self.columns);
            self.line.begin();
            for (column, place) in self.columns.iter().zip(&*places) {
                self.line.cell(column, place.map_or(Field::Null, |place| row.at(place)));
            }
            self.line.end(self.columns.len());
            self.to.write_all(&self.line.text)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        synced(self.to)
    }
}

impl Line {
    fn begin(&mut self) {
        self.text.clear();
    }

    fn header<'a>(&mut self, names: impl ExactSizeIterator<Item = &'a str>) {
        let columns = names.len();
        self.begin();
        for name in names {
            self.text(name);
        }
        self.end(columns);
    }

    fn cell(&mut self, column: &Column, field: Field<'_>) {
        match field {
            Field::Text(text) if !self.excel => self.text(text),
            Field::Integer(n) if !matches!(self.separator, b'-' | b'0'..=b'9') => self.plain(n),
            field if self.excel => self.for_excel(column, field),
            field => self.text(&cell_text(field)),
        }
    }

    /// As Excel in Russian reads numbers and moments.
    fn for_excel(&mut self, column: &Column, field: Field<'_>) {
        match column.value(field) {
            Value::Number(_) => self.text(&cell_text(field).replace('.', ",")),
            Value::Moment { at, .. } => self.text(&clock::shown(at).strftime("%Y-%m-%d %H:%M:%S").to_string()),
            Value::Day(day) => self.text(&day.to_string()),
            Value::Text(text) if is_formula(&text) => self.text(&format!("'{text}")),
            Value::Text(text) => self.text(&text),
            Value::Empty => self.text(""),
            Value::Integer(_) | Value::Flag(_) => self.text(&cell_text(field)),
        }
    }

    fn plain(&mut self, value: impl std::fmt::Display) {
        // Writing into a vector cannot fail.
        let _ = write!(self.text, "{value}");
        self.text.push(self.separator);
    }

    fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let asks = |byte: &u8| matches!(byte, b'"' | b'\n' | b'\r') || *byte == self.separator;
        if !bytes.iter().any(asks) {
            self.text.extend_from_slice(bytes);
        } else {
            self.text.push(b'"');
            for (at, part) in text.split('"').enumerate() {
                if at > 0 {
                    self.text.extend_from_slice(b"\"\"");
                }
                self.text.extend_from_slice(part.as_bytes());
            }
            self.text.push(b'"');
        }
        self.text.push(self.separator);
    }

    fn end(&mut self, columns: usize) {
        self.text.pop();
        // An empty line is no row for those who read it.
        if columns == 1 && self.text.is_empty() {
            self.text.extend_from_slice(b"\"\"");
        }
        self.text.extend_from_slice(if self.excel { b"\r\n" } else { b"\n" });
    }
}

/// Whether Excel would carry the text out: titles of leads are written by strangers. Telephone numbers are no formulas.
fn is_formula(text: &str) -> bool {
    let is_telephone = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || b" ().,-".contains(&byte));
    match text.as_bytes().first() {
        Some(b'=' | b'@' | b'\t' | b'\r') => true,
        Some(b'+' | b'-') => !is_telephone(&text[1..]),
        _ => false,
    }
}

/// Comma-separated, with a line of column names.
pub fn csv(to: impl Write, rows: &Rows) -> io::Result<()> {
    separated(to, rows, b',', true)
}

/// The same with any separator, with or without the line of column names.
pub fn separated(mut to: impl Write, rows: &Rows, separator: u8, header: bool) -> io::Result<()> {
    let columns = rows.columns();
    if columns.is_empty() {
        return Ok(());
    }
    let mut line = Line { separator, excel: false, text: Vec::new() };
    if header {
        line.header(columns.iter().map(AsRef::as_ref));
        to.write_all(&line.text)?;
    }
    for row in rows.iter() {
        line.begin();
        for name in columns {
            line.text(&row.get(name).map_or("".into(), cell_text));
        }
        line.end(columns.len());
        to.write_all(&line.text)?;
    }
    to.flush()
}

/// JSON under way: one list, or one map a line.
pub(super) struct Json {
    to: BufWriter<File>,
    is_list: bool,
    is_first: bool,
    /// Those of which somebody said what they hold.
    said: Vec<Column>,
    places: Places,
    /// For each field of a row its column among those.
    columns: Vec<Option<usize>>,
}

impl Json {
    pub fn begin(mut to: BufWriter<File>, is_list: bool, columns: Vec<Column>) -> io::Result<Json> {
        if is_list {
            to.write_all(b"[")?;
        }
        let said = columns.into_iter().filter(|column| column.said).collect();
        Ok(Json { to, is_list, is_first: true, said, places: Places::default(), columns: Vec::new() })
    }
}

impl Writer for Json {
    fn write(&mut self, rows: &Rows) -> io::Result<()> {
        for row in rows.iter() {
            if self.is_list {
                self.to.write_all(if self.is_first { b"\n" } else { b",\n" })?;
                self.is_first = false;
            }
            self.columns.clear();
            for (column, place) in self.places.of(&row, &self.said).iter().enumerate() {
                if let Some(place) = *place {
                    self.columns.resize(self.columns.len().max(place + 1), None);
                    self.columns[place] = Some(column);
                }
            }
            let said = |field: usize| Some(&self.said[(*self.columns.get(field)?)?]);
            json_row(&mut self.to, &row, said)?;
            if !self.is_list {
                self.to.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.is_list {
            self.to.write_all(if self.is_first { b"]\n" } else { b"\n]\n" })?;
        }
        synced(self.to)
    }
}

/// One JSON list.
pub fn json(mut to: impl Write, rows: &Rows) -> io::Result<()> {
    to.write_all(b"[")?;
    for (at, row) in rows.iter().enumerate() {
        to.write_all(if at == 0 { b"\n" } else { b",\n" })?;
        json_row(&mut to, &row, |_| None)?;
    }
    to.write_all(if rows.is_empty() { b"]\n" } else { b"\n]\n" })
}

/// `said`: the column of the field at a place, where somebody said what it holds.
fn json_row<'a>(mut to: impl Write, row: &Row, said: impl Fn(usize) -> Option<&'a Column>) -> io::Result<()> {
    to.write_all(b"{")?;
    for (at, (name, field)) in row.fields().enumerate() {
        if at > 0 {
            to.write_all(b",")?;
        }
        serde_json::to_writer(&mut to, name)?;
        to.write_all(b":")?;
        match said(at) {
            Some(column) => json_said(&mut to, column, field)?,
            None => json_field(&mut to, field)?,
        }
    }
    to.write_all(b"}")
}

fn json_field(mut to: impl Write, field: Field<'_>) -> io::Result<()> {
    match field {
        Field::Null => to.write_all(b"null")?,
        Field::Flag(flag) => serde_json::to_writer(&mut to, &flag)?,
        Field::Integer(n) => serde_json::to_writer(&mut to, &n)?,
        Field::Number(n) => serde_json::to_writer(&mut to, &n)?,
        Field::Text(text) => serde_json::to_writer(&mut to, text)?,
        Field::Moment { .. } => serde_json::to_writer(&mut to, &cell_text(field))?,
        // Line ends in it stand between its parts, where a space does as well.
        Field::Json(text) if text.contains(['\n', '\r']) => to.write_all(text.replace(['\n', '\r'], " ").as_bytes())?,
        Field::Json(text) => to.write_all(text.as_bytes())?,
    }
    Ok(())
}

/// Numbers, flags and nothing as JSON has them; a number keeps its digits. Moments are texts there anyway.
fn json_said(mut to: impl Write, column: &Column, field: Field<'_>) -> io::Result<()> {
    match (column.value(field), field) {
        (Value::Empty, _) => to.write_all(b"null"),
        (Value::Flag(flag), _) => json_field(to, Field::Flag(flag)),
        (Value::Integer(_) | Value::Number(_), Field::Text(digits)) => to.write_all(digits.as_bytes()),
        (Value::Text(_), Field::Text("")) if column.holds != Holds::Text => to.write_all(b"null"),
        _ => json_field(to, field),
    }
}
