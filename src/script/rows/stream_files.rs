//! Streams into files, in constant memory: a stream can be read once, so what needs to know all columns beforehand goes
//! through a file of its own.

use rhai::plugin::*;
use rhai::{Map, NativeCallContext};

use crate::core::rows::Rows;
use crate::core::spool::Scratch;
use crate::core::stream::RowStream;
use crate::error::Result;
use crate::render::export::columns::Survey;
use crate::render::export::{Format, Unfinished, failed, part_of, save_spool};
use crate::script::bridge::{Thrown, wait};
use crate::script::rows::files::{Target, target, warn};
use crate::script::rows::stream::Stream as Rowing;

/// Writes the rows that are left; gives their number.
fn save(call: &NativeCallContext<'_>, stream: &Rowing, path: &str, format: Format, options: &Map) -> Thrown<i64> {
    let target = target(call, path, format, options)?;
    let mut rows = stream.rows();
    let (count, warnings) = wait(call, async {
        match format {
            Format::Json | Format::Ndjson => at_once(&mut rows, path, target).await,
            _ => through_spool(&mut rows, path, target).await,
        }
    })?;
    warn(call, path, &warnings);
    Ok(count)
}

/// Each page straight into the file, whose rows need not have the same columns.
async fn at_once(rows: &mut RowStream, path: &str, target: Target) -> Result<(i64, Vec<String>)> {
    let wrong = |error: std::io::Error| failed(path, &error);
    let names: Vec<String> = target.types.keys().cloned().collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns = Survey::new(target.types, &names).columns();
    let mut file = Unfinished::begin(&target.path, part_of(&target.path), &target.form, columns).map_err(wrong)?;
    let mut count = 0;
    while let Some(page) = rows.page().await {
        let page: Rows = page?;
        count += page.len() as i64;
        file.write(&page).map_err(wrong)?;
    }
    Ok((count, file.finish().map_err(wrong)?))
}

async fn through_spool(rows: &mut RowStream, path: &str, target: Target) -> Result<(i64, Vec<String>)> {
    let wrong = |error: std::io::Error| failed(path, &error);
    let part = part_of(&target.path);
    let mut spool = Scratch::begin(&part.with_extension("rows.part")).map_err(wrong)?;
    let mut count = 0;
    while let Some(page) = rows.page().await {
        let page = page?;
        count += page.len() as i64;
        spool.append(&page).map_err(wrong)?;
    }
    let saved = save_spool(&target.path, part, &target.form, target.types, &[], &mut spool).await;
    Ok((count, saved.map_err(wrong)?))
}

#[export_module]
pub mod stream_files {
    pub type Stream = Rowing;

    /// Writes the rows that are left into a file, as one JSON list; returns how many there were.
    #[rhai_fn(return_raw, pure)]
    pub fn to_json(call: NativeCallContext, stream: &mut Stream, path: &str) -> Thrown<i64> {
        save(&call, stream, path, Format::Json, &Map::new())
    }

    /// Writes the rows that are left into a file, one JSON map a line; returns how many there were.
    ///
    /// ```rhai
    /// let deals = b24.stream("crm.deal.list", #{ select: ["ID"], filter: #{ "<ID": 200 } });
    /// assert_eq(deals.to_ndjson("deals.ndjson"), fs::lines("deals.ndjson").len());
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn to_ndjson(call: NativeCallContext, stream: &mut Stream, path: &str) -> Thrown<i64> {
        save(&call, stream, path, Format::Ndjson, &Map::new())
    }

    /// The same with the options of Rows.
    #[rhai_fn(name = "to_ndjson", return_raw, pure)]
    pub fn to_ndjson_with(call: NativeCallContext, stream: &mut Stream, path: &str, options: Map) -> Thrown<i64> {
        save(&call, stream, path, Format::Ndjson, &options)
    }

    /// Writes the rows that are left into a CSV file, in constant memory; returns how many there were.
    ///
    /// ```rhai
    /// let deals = b24.stream("crm.deal.list", #{ select: ["ID", "TITLE"], filter: #{ "<ID": 200 } });
    /// let count = deals.to_csv("deals.csv");
    /// assert_eq(csv::read("deals.csv").len(), count);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn to_csv(call: NativeCallContext, stream: &mut Stream, path: &str) -> Thrown<i64> {
        save(&call, stream, path, Format::Csv, &Map::new())
    }

    /// The same with the options of Rows: `excel`, `separator`, `bom`, `header`, `types`.
    #[rhai_fn(name = "to_csv", return_raw, pure)]
    pub fn to_csv_with(call: NativeCallContext, stream: &mut Stream, path: &str, options: Map) -> Thrown<i64> {
        save(&call, stream, path, Format::Csv, &options)
    }

    /// Writes the rows that are left into a book of Excel (XLSX), in constant memory; returns how many there were.
    #[rhai_fn(return_raw, pure)]
    pub fn to_xlsx(call: NativeCallContext, stream: &mut Stream, path: &str) -> Thrown<i64> {
        save(&call, stream, path, Format::Xlsx, &Map::new())
    }

    /// The same with the options of Rows: `sheet`, `types`.
    ///
    /// ```rhai
    /// let deals = b24.stream("crm.deal.list", #{ select: ["ID", "TITLE"], filter: #{ "<ID": 200 } });
    /// deals.to_xlsx("deals.xlsx", #{ sheet: "Сделки", types: #{ ID: "integer" } });
    /// ```
    #[rhai_fn(name = "to_xlsx", return_raw, pure)]
    pub fn to_xlsx_with(call: NativeCallContext, stream: &mut Stream, path: &str, options: Map) -> Thrown<i64> {
        save(&call, stream, path, Format::Xlsx, &options)
    }

    /// Writes the rows that are left into a table of an SQLite database; returns how many there were.
    #[rhai_fn(return_raw, pure)]
    pub fn to_sqlite(call: NativeCallContext, stream: &mut Stream, path: &str) -> Thrown<i64> {
        save(&call, stream, path, Format::Sqlite, &Map::new())
    }

    /// The same with the options of Rows: `table`, `types`.
    #[rhai_fn(name = "to_sqlite", return_raw, pure)]
    pub fn to_sqlite_with(call: NativeCallContext, stream: &mut Stream, path: &str, options: Map) -> Thrown<i64> {
        save(&call, stream, path, Format::Sqlite, &options)
    }

    /// Writes the rows that are left into a Parquet file; returns how many there were.
    #[rhai_fn(return_raw, pure)]
    pub fn to_parquet(call: NativeCallContext, stream: &mut Stream, path: &str) -> Thrown<i64> {
        save(&call, stream, path, Format::Parquet, &Map::new())
    }

    /// The same with the options of Rows: `types`.
    #[rhai_fn(name = "to_parquet", return_raw, pure)]
    pub fn to_parquet_with(call: NativeCallContext, stream: &mut Stream, path: &str, options: Map) -> Thrown<i64> {
        save(&call, stream, path, Format::Parquet, &options)
    }
}
