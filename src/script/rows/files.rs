//! Rows and streams into files: which format, and what it is to be like.

use std::path::{Path, PathBuf};

use rhai::plugin::*;
use rhai::{Dynamic, ImmutableString, Map, NativeCallContext};

use crate::core::rows as held;
use crate::error::{Error, Result, did_you_mean};
use crate::render::export::columns::{Holds, Types};
use crate::render::export::{self, Form, Format};
use crate::script::bridge::{Thrown, ended, host, throw};
use crate::script::convert;
use crate::script::modules::separator;
use crate::script::options::Options;
use crate::script::stop::Scope;

/// The options of each format, besides `types`, which all have.
const CSV: &[&str] = &["bom", "excel", "header", "separator"];
const XLSX: &[&str] = &["sheet"];
const SQLITE: &[&str] = &["table"];

/// The options that a file of this format takes.
pub fn known(format: Format) -> Vec<&'static str> {
    let own = match format {
        Format::Csv => CSV,
        Format::Xlsx => XLSX,
        Format::Sqlite => SQLITE,
        Format::Json | Format::Ndjson | Format::Parquet => &[],
    };
    own.iter().copied().chain(["types"]).collect()
}

/// What the options say of a file.
pub fn form(format: Format, path: &Path, options: &Options<'_>) -> Result<Form> {
    let mut form = Form::new(format);
    match format {
        Format::Csv => {
            if options.flag("excel", false)? {
                form = form.for_excel();
            }
            form.bom = options.flag("bom", form.bom)?;
            form.header = options.flag("header", true)?;
            if let Some(text) = options.text("separator")? {
                form.separator = separator(&text)?;
            }
        }
        Format::Xlsx => {
            if let Some(sheet) = options.text("sheet")? {
                form.table = sheet_name(&sheet)?;
            }
        }
        Format::Sqlite => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            form.table = options.text("table")?.map_or_else(|| stem.into_owned(), |table| table.to_string());
            if form.table.is_empty() || form.table.to_lowercase().starts_with("sqlite_") || form.table.contains('\0') {
                let message = format!("a table cannot be called `{}`", form.table);
                return Err(Error::input("export.table", message).hint("name it with the option `table`"));
            }
        }
        Format::Json | Format::Ndjson | Format::Parquet => {}
    }
    Ok(form)
}

/// Excel refuses books whose sheets have other names.
fn sheet_name(name: &str) -> Result<String> {
    let wrong = |why: &str| {
        Error::input("export.sheet", format!("a sheet cannot be called `{name}`: {why}"))
            .hint("Excel takes up to 31 characters without [ ] : * ? / \\, and no ' at either end")
    };
    match name {
        "" => Err(wrong("it needs a name")),
        _ if name.encode_utf16().count() > 31 => Err(wrong("that is longer than 31 characters")),
        _ if name.contains(['[', ']', ':', '*', '?', '/', '\\']) || name.contains(char::is_control) => {
            Err(wrong("there is a character in it that Excel does not take"))
        }
        _ if name.eq_ignore_ascii_case("history") => Err(wrong("Excel keeps that name for itself")),
        _ if name.starts_with('\'') || name.ends_with('\'') => Err(wrong("it begins or ends with '")),
        _ => Ok(name.to_owned()),
    }
}

/// A map from columns to what they hold: `#{SUM: "number"}`.
pub fn types(given: &Dynamic) -> Result<Types> {
    let Some(map) = given.read_lock::<Map>() else {
        let message = format!("the option `types` takes a map, not {}", convert::type_name(given));
        return Err(Error::input("options.type", message).hint("write types: #{OPPORTUNITY: \"number\"}"));
    };
    let one = |(column, word): (&rhai::Identifier, &Dynamic)| {
        let word = word.read_lock::<ImmutableString>().map(|word| word.to_string()).unwrap_or_default();
        match Holds::named(&word) {
            Some(holds) => Ok((column.to_string(), holds)),
            None => {
                let names: Vec<&str> = Holds::names().collect();
                let hint = did_you_mean(&word, names.iter().copied())
                    .unwrap_or_else(|| format!("a column holds one of {}", names.join(", ")));
                let message = format!("types: the column `{column}` cannot hold \"{word}\"");
                Err(Error::input("options.value", message).hint(hint))
            }
        }
    };
    map.iter().map(one).collect()
}

/// Where a file goes, and what it is to be like.
pub(super) struct Target {
    pub path: PathBuf,
    pub form: Form,
    pub types: Types,
}

/// What a script wants written.
pub(super) fn target(call: &NativeCallContext<'_>, path: &str, format: Format, options: &Map) -> Thrown<Target> {
    let read = || {
        let options = Options::read(options, &known(format))?;
        let full = host(call).folders.resolve(path)?;
        let form = form(format, &full, &options)?;
        let types = options.value("types").map(types).transpose()?.unwrap_or_default();
        Ok(Target { path: full, form, types })
    };
    read().or_else(|error| throw(call, error))
}

/// Tells the person what the reader of the file should know.
pub(super) fn warn(call: &NativeCallContext<'_>, path: &str, warnings: &[String]) {
    warnings.iter().for_each(|warning| host(call).warn(&format!("{path}: {warning}")));
}

fn save(call: &NativeCallContext<'_>, rows: &held::Rows, path: &str, format: Format, options: &Map) -> Thrown<()> {
    let target = target(call, path, format, options)?;
    let scope = Scope::current();
    match export::save(&target.path, &target.form, target.types, rows, || !scope.is_over()) {
        Ok(Some(warnings)) => {
            warn(call, path, &warnings);
            Ok(())
        }
        Ok(None) => Err(ended(call.call_position())),
        Err(error) => throw(call, export::failed(path, &error)),
    }
}

#[export_module]
pub mod files {
    pub type Rows = held::Rows;

    /// Writes the rows into a file, as one JSON list. A file gets its name when it is complete.
    #[rhai_fn(name = "to_json", return_raw, pure)]
    pub fn to_json_file(call: NativeCallContext, rows: &mut Rows, path: &str) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Json, &Map::new())
    }

    /// Writes the rows into a file, one JSON map a line.
    #[rhai_fn(return_raw, pure)]
    pub fn to_ndjson(call: NativeCallContext, rows: &mut Rows, path: &str) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Ndjson, &Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `types`: what columns hold, `#{OPPORTUNITY: "number"}`: `text`, `integer`, `number`, `flag`, `date`,
    ///   `datetime` or `json`. Texts of such a column are read as that where nothing of them gets lost
    #[rhai_fn(name = "to_ndjson", return_raw, pure)]
    pub fn to_ndjson_with(call: NativeCallContext, rows: &mut Rows, path: &str, options: Map) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Ndjson, &options)
    }

    /// Writes the rows into a CSV file, with a line of column names.
    ///
    /// ```rhai
    /// rows([#{ID: 1, TITLE: "A"}], ["ID", "TITLE"]).to_csv("deals.csv");
    /// assert_eq(fs::lines("deals.csv"), ["ID,TITLE", "1,A"]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn to_csv(call: NativeCallContext, rows: &mut Rows, path: &str) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Csv, &Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `excel`: true for what Excel in Russian opens by itself: semicolons, a byte order mark, commas in numbers
    /// - `separator`: one character; usually a comma
    /// - `bom`: true for a byte order mark, by which programs know UTF-8
    /// - `header`: false for no line of column names
    /// - `types`: what columns hold, `#{OPPORTUNITY: "number"}`
    ///
    /// ```rhai
    /// let deals = rows([#{ID: "1", SUM: "10.50"}]);
    /// deals.to_csv("deals.csv", #{ excel: true, types: #{ SUM: "number" } });
    /// assert_eq(fs::lines("deals.csv"), ["ID;SUM", "1;10,50"]);
    /// ```
    #[rhai_fn(name = "to_csv", return_raw, pure)]
    pub fn to_csv_with(call: NativeCallContext, rows: &mut Rows, path: &str, options: Map) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Csv, &options)
    }

    /// Writes the rows into a book of Excel (XLSX), with a line of column names that stays in sight.
    ///
    /// Texts stay texts, `007` too. Rows beyond Excel's 1,048,576 go on on a further sheet.
    ///
    /// ```rhai
    /// b24.get_all("crm.deal.list", #{ select: ["ID", "TITLE"], filter: #{ "<ID": 100 } }).to_xlsx("deals.xlsx");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn to_xlsx(call: NativeCallContext, rows: &mut Rows, path: &str) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Xlsx, &Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `sheet`: the name of the sheet; usually `rows`
    /// - `types`: what columns hold, `#{OPPORTUNITY: "number"}`: `text`, `integer`, `number`, `flag`, `date`,
    ///   `datetime` or `json`. Texts of such a column are read as that where nothing of them gets lost; `b24.types` asks
    ///   the portal
    ///
    /// ```rhai
    /// let deals = b24.get_all("crm.deal.list", #{ filter: #{ "<ID": 100 } });
    /// deals.to_xlsx("deals.xlsx", #{ sheet: "Сделки", types: b24.types("crm.deal.list") });
    /// ```
    #[rhai_fn(name = "to_xlsx", return_raw, pure)]
    pub fn to_xlsx_with(call: NativeCallContext, rows: &mut Rows, path: &str, options: Map) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Xlsx, &options)
    }

    /// Writes the rows into a table of an SQLite database, called like the file. In a database that is there already the
    /// table takes the place of one of its name; others stay.
    #[rhai_fn(return_raw, pure)]
    pub fn to_sqlite(call: NativeCallContext, rows: &mut Rows, path: &str) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Sqlite, &Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `table`: the name of the table
    /// - `types`: what columns hold, `#{OPPORTUNITY: "number"}`
    ///
    /// ```rhai
    /// rows([#{ID: "1"}]).to_sqlite("portal.db", #{ table: "deals", types: #{ ID: "integer" } });
    /// rows([#{ID: "2"}]).to_sqlite("portal.db", #{ table: "leads" });
    /// ```
    #[rhai_fn(name = "to_sqlite", return_raw, pure)]
    pub fn to_sqlite_with(call: NativeCallContext, rows: &mut Rows, path: &str, options: Map) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Sqlite, &options)
    }

    /// Writes the rows into a Parquet file.
    #[rhai_fn(return_raw, pure)]
    pub fn to_parquet(call: NativeCallContext, rows: &mut Rows, path: &str) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Parquet, &Map::new())
    }

    /// The same with options. A column in which a value is not of its type is one of texts; a warning says so.
    ///
    /// # Options
    /// - `types`: what columns hold, `#{OPPORTUNITY: "number"}`
    ///
    /// ```rhai
    /// rows([#{ID: "1", SUM: "10.50"}]).to_parquet("deals.parquet", #{ types: #{ ID: "integer", SUM: "number" } });
    /// ```
    #[rhai_fn(name = "to_parquet", return_raw, pure)]
    pub fn to_parquet_with(call: NativeCallContext, rows: &mut Rows, path: &str, options: Map) -> Thrown<()> {
        save(&call, &rows.clone(), path, Format::Parquet, &options)
    }
}
