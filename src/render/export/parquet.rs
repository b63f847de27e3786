//! Parquet: a group of rows at a time, each column with one kind of values.

use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;

use jiff::civil::Date;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::columns::{Column, Holds, Places, Value};
use super::{Writer, synced};
use crate::core::order::cell_text;
use crate::core::rows::{Field, Row, Rows};

/// Rows of a group, and bytes of its values: what is held in memory at once.
const ROWS: usize = 100_000;
const BYTES: usize = 64 << 20;
/// What a value takes, and what a text takes beside its bytes: its place in the column and its own piece of memory.
const VALUE: usize = 10;
const TEXT: usize = 80;
const DAY: i64 = 86_400_000;

/// A file under way.
pub(super) struct Groups {
    to: SerializedFileWriter<BufWriter<File>>,
    columns: Vec<Column>,
    values: Vec<Values>,
    places: Places,
    rows: usize,
    bytes: usize,
}

/// The values of one column in the group under way.
struct Values {
    /// 1 where there is a value, 0 where there is none.
    there: Vec<i16>,
    kept: Kept,
}

enum Kept {
    Flags(Vec<bool>),
    Days(Vec<i32>),
    Whole(Vec<i64>),
    Moments(Vec<i64>),
    Numbers(Vec<f64>),
    Texts(Vec<ByteArray>),
}

impl Kept {
    fn of(column: &Column) -> Kept {
        match column.holds {
            _ if !is_typed(column) => Kept::Texts(Vec::new()),
            Holds::Flag => Kept::Flags(Vec::new()),
            Holds::Day => Kept::Days(Vec::new()),
            Holds::Integer => Kept::Whole(Vec::new()),
            Holds::Moment => Kept::Moments(Vec::new()),
            Holds::Number => Kept::Numbers(Vec::new()),
            Holds::Text | Holds::Json => Kept::Texts(Vec::new()),
        }
    }

    fn schema(&self, column: &Column) -> Result<Type, ParquetError> {
        let (physical, logical) = match self {
            Kept::Flags(_) => (Physical::BOOLEAN, None),
            Kept::Days(_) => (Physical::INT32, Some(LogicalType::Date)),
            Kept::Whole(_) => (Physical::INT64, None),
            Kept::Moments(_) => {
                (Physical::INT64, Some(LogicalType::timestamp(column.is_zoned() == Some(true), TimeUnit::MILLIS)))
            }
            Kept::Numbers(_) => (Physical::DOUBLE, None),
            Kept::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        Type::primitive_type_builder(&column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
    }
}

impl Values {
    /// Adds the field; tells about how many bytes that takes.
    fn push(&mut self, column: &Column, field: Field<'_>) -> usize {
        let value = column.value(field);
        let mut bytes = VALUE;
        let fits = match (&mut self.kept, value) {
            (_, Value::Empty) => false,
            (Kept::Flags(kept), Value::Flag(flag)) => push(kept, flag),
            (Kept::Days(kept), Value::Day(day)) => push(kept, days(day)),
            (Kept::Whole(kept), Value::Integer(n)) => push(kept, n),
            (Kept::Numbers(kept), Value::Number(n)) => push(kept, n),
            (Kept::Moments(kept), Value::Moment { at, east }) => push(kept, at - i64::from(east.unwrap_or(0)) * 1000),
            (Kept::Texts(kept), _) => {
                let text = cell_text(field).into_owned().into_bytes();
                bytes += TEXT + text.len();
                push(kept, text.into())
            }
            // The survey has seen all values, so this column has no such one.
            _ => false,
        };
        self.there.push(i16::from(fits));
        bytes
    }

    fn write(&mut self, to: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let there = Some(self.there.as_slice());
        match &self.kept {
            Kept::Flags(kept) => to.typed::<BoolType>().write_batch(kept, there, None),
            Kept::Days(kept) => to.typed::<Int32Type>().write_batch(kept, there, None),
            Kept::Whole(kept) | Kept::Moments(kept) => to.typed::<Int64Type>().write_batch(kept, there, None),
            Kept::Numbers(kept) => to.typed::<DoubleType>().write_batch(kept, there, None),
            Kept::Texts(kept) => to.typed::<ByteArrayType>().write_batch(kept, there, None),
        }?;
        self.there.clear();
        match &mut self.kept {
            Kept::Flags(kept) => kept.clear(),
            Kept::Days(kept) => kept.clear(),
            Kept::Whole(kept) | Kept::Moments(kept) => kept.clear(),
            Kept::Numbers(kept) => kept.clear(),
            Kept::Texts(kept) => kept.clear(),
        }
        Ok(())
    }
}

fn push<T>(to: &mut Vec<T>, value: T) -> bool {
    to.push(value);
    true
}

/// Days since 1970.
fn days(day: Date) -> i32 {
    let days = crate::core::clock::of(day.at(0, 0, 0, 0)).div_euclid(DAY);
    i32::try_from(days).unwrap_or_default()
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

impl Groups {
    pub fn begin(file: BufWriter<File>, columns: Vec<Column>) -> io::Result<Groups> {
        let values: Vec<Values> =
            columns.iter().map(|column| Values { there: Vec::new(), kept: Kept::of(column) }).collect();
        let fields: Result<Vec<Arc<Type>>, ParquetError> =
            values.iter().zip(&columns).map(|(values, column)| values.kept.schema(column).map(Arc::new)).collect();
        let schema = fields.and_then(|fields| Type::group_type_builder("rows").with_fields(fields).build());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("pult version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let to = schema.and_then(|schema| SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)));
        Ok(Groups { to: to.map_err(failed)?, columns, values, places: Places::default(), rows: 0, bytes: 0 })
    }

    fn row(&mut self, row: &Row) -> io::Result<()> {
        let places = self.places.of(row, &self.columns);
        for ((values, column), place) in self.values.iter_mut().zip(&self.columns).zip(&*places) {
            self.bytes += values.push(column, place.map_or(Field::Null, |place| row.at(place)));
        }
        self.rows += 1;
        if self.rows < ROWS && self.bytes < BYTES { Ok(()) } else { self.group().map_err(failed) }
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 || self.columns.is_empty() {
            return Ok(());
        }
        let mut group = self.to.next_row_group()?;
        for values in &mut self.values {
            if let Some(mut column) = group.next_column()? {
                values.write(&mut column)?;
                column.close()?;
            }
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Writer for Groups {
    fn write(&mut self, rows: &Rows) -> io::Result<()> {
        rows.iter().try_for_each(|row| self.row(&row))
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.group().and_then(|()| self.to.into_inner()).map_err(failed).and_then(synced)
    }

    fn warnings(&self) -> Vec<String> {
        let texts = self.columns.iter().filter(|column| !is_typed(column));
        texts
            .map(|column| {
                format!("`{}` is a column of texts, since not every value is {}", column.name, one_of(column))
            })
            .collect()
    }
}

/// Whether all values are of the column's type: moments with a zone and those without are not alike.
fn is_typed(column: &Column) -> bool {
    column.fits && column.is_zoned().is_some()
}

fn one_of(column: &Column) -> &'static str {
    match column.holds {
        Holds::Integer => "a whole number",
        Holds::Number => "a number of at most fifteen digits",
        Holds::Flag => "yes or no",
        Holds::Day => "a day",
        Holds::Moment if column.fits => "a moment with the time of a place, or none without it",
        Holds::Moment => "a moment",
        Holds::Text | Holds::Json => "a text",
    }
}
