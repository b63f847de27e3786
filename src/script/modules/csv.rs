//! Tables as text, with any separator.

use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};

use crate::core::json::too_large;
use crate::core::rows::{Builder, Field, Rows as HeldRows};
use crate::error::{Error, Kind, Result};
use crate::render::export::text;
use crate::script::bridge::{Thrown, throw};
use crate::script::modules::encoding::Encoding;
use crate::script::modules::fs::{bytes_of, write_bytes};
use crate::script::options::Options;
use crate::script::show;

/// What is tried when nobody named the separator, the likeliest first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

struct Form {
    separator: Option<u8>,
    header: bool,
    ragged: bool,
    encoding: Encoding,
}

fn form(options: &Map, known: &[&str]) -> Result<Form> {
    let options = Options::read(options, known)?;
    Ok(Form {
        separator: options.text("separator")?.map(|text| separator(&text)).transpose()?,
        header: options.flag("header", true)?,
        ragged: options.flag("ragged", false)?,
        encoding: options.text("encoding")?.map_or(Ok(Encoding::default()), |name| Encoding::named(&name))?,
    })
}

/// A separator, where a text is one.
pub fn separator(text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err(Error::input("csv.separator", format!("{text:?} is no separator"))
            .hint("write one character: \",\", \";\" or \"\\t\"")),
    }
}

/// The separator that occurs most in the first line, outside of quotes.
fn detected(text: &str) -> u8 {
    let mut counts = [0; SEPARATORS.len()];
    let mut quoted = false;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            byte => SEPARATORS.iter().position(|&known| known == byte).into_iter().for_each(|at| counts[at] += 1),
        }
    }
    let most = (0..counts.len()).rev().max_by_key(|&at| counts[at]);
    most.map_or(b',', |at| SEPARATORS[at])
}

/// The columns' names: those of the first line, made distinct, or `column_1` and so on.
fn names(header: Option<&csv::StringRecord>, width: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(width);
    for at in 0..header.map_or(width, csv::StringRecord::len) {
        let written = header.and_then(|header| header.get(at)).map(str::trim).filter(|name| !name.is_empty());
        let name = written.map_or_else(|| format!("column_{}", at + 1), ToOwned::to_owned);
        let name = match names.contains(&name) {
            true => (2..).map(|n| format!("{name}_{n}")).find(|name| !names.contains(name)).unwrap_or(name),
            false => name,
        };
        names.push(name);
    }
    names
}

fn read_text(text: &str, form: &Form) -> Result<HeldRows> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Excel's own first line.
    let (announced, text, lines_before) = match text.strip_prefix("sep=") {
        Some(rest) => (rest.bytes().next(), rest.split_once('\n').map_or("", |(_, rest)| rest), 1),
        None => (None, text, 0),
    };
    let separator = form.separator.or(announced).unwrap_or_else(|| detected(text));
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut builder = Builder::new();
    let mut columns = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| Error::input("csv.broken", error.to_string()))? {
        let first = columns.is_empty();
        if first {
            columns = names(form.header.then_some(&record), record.len());
        }
        if first && form.header {
            continue;
        }
        if record.len() > columns.len() || (record.len() < columns.len() && !form.ragged) {
            let line = lines_before + line_of(text, record.position());
            return Err(uneven(line, record.len(), columns.len()));
        }
        push(&mut builder, &columns, &record)?;
    }
    Ok(builder.finish().into())
}

fn push(rows: &mut Builder, columns: &[String], record: &csv::StringRecord) -> Result<()> {
    for (at, name) in columns.iter().enumerate() {
        rows.name(name);
        rows.push(Field::Text(record.get(at).unwrap_or_default())).map_err(|_| too_large())?;
    }
    rows.end_row();
    Ok(())
}

/// The line of a record; its position is that of the empty lines before it.
fn line_of(text: &str, position: Option<&csv::Position>) -> usize {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let empty = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    1 + before.matches('\n').count() + rest[..empty].matches('\n').count()
}

fn uneven(line: usize, found: usize, wanted: usize) -> Error {
    let hint = match found < wanted {
        true => "if the last cells may be missing, add #{ragged: true}",
        false => "a cell that holds the separator must stand in quotes; check the option `separator` as well",
    };
    Error::input("csv.uneven", format!("line {line} has {found} cells, the first line has {wanted}")).hint(hint)
}

fn written(value: &Dynamic, form: &Form) -> Result<String> {
    let rows = show::rows_of(value)?;
    let mut bytes = Vec::new();
    let failed = |error: String| Error::new(Kind::Input, "csv.failed", error);
    text::separated(&mut bytes, &rows, form.separator.unwrap_or(b','), form.header)
        .map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

#[export_module]
pub mod csv_tables {
    pub type Rows = HeldRows;

    /// The rows of a CSV text whose first line names the columns.
    ///
    /// Every cell stays a text, so `007` keeps its zeros. The separator (`,`, `;` or tab) is found out from the first
    /// line; empty lines are passed over. Throws `csv.uneven` with the line that has more or fewer cells than the first.
    ///
    /// ```rhai
    /// let people = csv::parse("id;name\n007;Анна\n");
    /// assert_eq(people, [#{id: "007", name: "Анна"}]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse(call: NativeCallContext, text: &str) -> Thrown<Rows> {
        parse_with(call, text, Map::new())
    }

    /// The same with options: `separator` (one character), `header` (false: the first line is a row too, and the
    /// columns are `column_1`, `column_2`, …), `ragged` (true: cells missing at the end of a line are empty).
    ///
    /// ```rhai
    /// let pairs = csv::parse("a|1\nb|2", #{separator: "|", header: false});
    /// assert_eq(pairs[1].column_2, "2");
    /// ```
    #[rhai_fn(name = "parse", return_raw)]
    pub fn parse_with(call: NativeCallContext, text: &str, options: Map) -> Thrown<Rows> {
        let rows = form(&options, &["separator", "header", "ragged"]).and_then(|form| read_text(text, &form));
        rows.or_else(|error| throw(&call, error))
    }

    /// The rows of a CSV file, as `csv::parse` reads them.
    ///
    /// The file lies below a permitted folder and holds UTF-8. Throws `fs.not_utf8`, `fs.not_found` and the like.
    ///
    /// ```rhai
    /// fs::write("people.csv", "id,name\n1,Анна\n");
    /// assert_eq(csv::read("people.csv")[0].name, "Анна");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn read(call: NativeCallContext, path: &str) -> Thrown<Rows> {
        read_with(call, path, Map::new())
    }

    /// The same with the options of `csv::parse`, and `encoding` (`"utf-8"`, `"cp1251"`, `"utf-16"`).
    ///
    /// ```rhai
    /// csv::write("old.csv", [#{name: "Анна"}], #{encoding: "cp1251"});
    /// assert_eq(csv::read("old.csv", #{encoding: "cp1251"})[0].name, "Анна");
    /// ```
    #[rhai_fn(name = "read", return_raw)]
    pub fn read_with(call: NativeCallContext, path: &str, options: Map) -> Thrown<Rows> {
        let rows = form(&options, &["separator", "header", "ragged", "encoding"]).and_then(|form| {
            let text = form.encoding.decode(bytes_of(&call, path)?, path)?;
            read_text(&text, &form)
        });
        rows.or_else(|error| throw(&call, error))
    }

    /// Rows, or a list of maps, as CSV text with a line of column names.
    ///
    /// Lines end with a line feed, the last one too. Lists and maps in a cell are written as JSON. The columns of maps
    /// stand in the order of the alphabet; `rows(list, ["ID", "TITLE"])` gives them another one.
    ///
    /// ```rhai
    /// assert_eq(csv::text([#{id: 1, name: "a,b"}]), "id,name\n1,\"a,b\"\n");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn text(call: NativeCallContext, rows: Dynamic) -> Thrown<String> {
        text_with(call, rows, Map::new())
    }

    /// The same with options: `separator` (one character), `header` (false: no line of column names).
    ///
    /// ```rhai
    /// assert_eq(csv::text([#{id: 1, sum: "2,5"}], #{separator: ";", header: false}), "1;2,5\n");
    /// ```
    #[rhai_fn(name = "text", return_raw)]
    pub fn text_with(call: NativeCallContext, rows: Dynamic, options: Map) -> Thrown<String> {
        let text = form(&options, &["separator", "header"]).and_then(|form| written(&rows, &form));
        text.or_else(|error| throw(&call, error))
    }

    /// Writes rows, or a list of maps, into a CSV file with commas, in UTF-8. It gets its name when it is complete.
    #[rhai_fn(return_raw)]
    pub fn write(call: NativeCallContext, path: &str, rows: Dynamic) -> Thrown<()> {
        write_with(call, path, rows, Map::new())
    }

    /// The same with options.
    ///
    /// Options: `separator`, `header`, `encoding` (`"cp1251"` with `";"` is what Russian Excel opens by itself). The
    /// file lies below a permitted folder. Throws `fs.encoding` when a character has no place in the encoding.
    ///
    /// ```rhai
    /// csv::write("for_excel.csv", [#{сумма: 10}], #{separator: ";", encoding: "cp1251"});
    /// ```
    #[rhai_fn(name = "write", return_raw)]
    pub fn write_with(call: NativeCallContext, path: &str, rows: Dynamic, options: Map) -> Thrown<()> {
        let done = form(&options, &["separator", "header", "encoding"]).and_then(|form| {
            let bytes = form.encoding.encode(&written(&rows, &form)?)?;
            write_bytes(&call, path, &bytes)
        });
        done.or_else(|error| throw(&call, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<HeldRows> {
        read_text(text, &form(&Map::new(), &[]).unwrap())
    }

    #[test]
    fn the_separator_is_that_of_the_first_line() {
        for (text, separator) in
            [("a,b;c,d\n", b','), ("a;b;c\n1,2,3,4;", b';'), ("\"a;b;c\",d", b','), ("a\tb", b'\t'), ("a", b',')]
        {
            assert_eq!(detected(text), separator, "{text}");
        }
    }

    #[test]
    fn names_are_never_empty_nor_twice() {
        let rows = parsed("\u{feff}id,,id,id_2\r\n1,2,3,4\r\n").unwrap();
        let columns: Vec<&str> = rows.columns().iter().map(AsRef::as_ref).collect();
        assert_eq!(columns, ["id", "column_2", "id_2", "id_2_2"]);
        assert_eq!(rows.len(), 1);
    }

    #[test]
    fn a_line_with_too_many_cells_is_named() {
        let error = parsed("a,b\n1,2\n\n1,2,3\n").unwrap_err();
        assert_eq!(error.message(), "line 4 has 3 cells, the first line has 2");
        assert_eq!(parsed("sep=;\na;b\n1;2").unwrap().len(), 1);
        assert_eq!(parsed("").unwrap().len(), 0);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_again(cells in proptest::collection::vec("\\PC{0,8}", 1..4)) {
            let mut builder = Builder::new();
            for (at, cell) in cells.iter().enumerate() {
                builder.name(&format!("c{at}"));
                builder.push(Field::Text(cell)).unwrap();
            }
            builder.end_row();
            let mut bytes = Vec::new();
            text::separated(&mut bytes, &builder.finish().into(), b';', true).unwrap();
            let form = Form { separator: Some(b';'), header: true, ragged: false, encoding: Encoding::Utf8 };
            let rows = read_text(&String::from_utf8(bytes).unwrap(), &form).unwrap();
            let row = rows.get(0).unwrap();
            let back: Vec<String> = row.fields().map(|(_, field)| match field {
                Field::Text(text) => text.to_owned(),
                other => format!("{other:?}"),
            }).collect();
            proptest::prop_assert_eq!(back, cells);
        }
    }
}
