//! What is written is read back, by libraries that are not ours where there are some.

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field as Read;
use calamine::{Data, Reader, open_workbook_auto};
use jiff::civil::Date;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rusqlite::types::Value as Sql;

use super::columns::{Holds, Places, Value};
use super::*;
use crate::core::clock;
use crate::core::json::read_rows;
use crate::core::order::cell_text;
use crate::core::rows::{Builder, Field};
use crate::core::spool::Scratch;
use crate::core::tests::rows::{Made, made, rows_of};

fn rows(text: &str) -> Rows {
    let mut builder = Builder::new();
    read_rows(text, &mut builder).unwrap();
    builder.finish().into()
}

fn types(pairs: &[(&str, Holds)]) -> Types {
    pairs.iter().map(|(name, holds)| ((*name).to_owned(), *holds)).collect()
}

/// Writes into a new folder; gives it, the file and the warnings.
fn saved(form: &Form, types: Types, rows: &Rows) -> (tempfile::TempDir, PathBuf, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deals").with_extension(form.format.name());
    let warnings = save(&path, form, types, rows, || true).unwrap().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    (folder, path, warnings)
}

fn text_of(form: &Form, types: Types, rows: &Rows) -> String {
    std::fs::read_to_string(saved(form, types, rows).1).unwrap()
}

/// The values of the table as its columns have them, in their order.
fn values(types: Types, rows: &Rows) -> Vec<Vec<(Column, Value<'static>, String)>> {
    let names: Vec<&str> = rows.columns().iter().map(AsRef::as_ref).collect();
    let mut survey = Survey::new(types, &names);
    survey.see(rows);
    let columns = survey.columns();
    let cell = |row: &crate::core::rows::Row, column: &Column, place: Option<usize>| {
        let field = place.map_or(Field::Null, |place| row.at(place));
        let value = match column.value(field) {
            Value::Text(text) => Value::Text(text.into_owned().into()),
            Value::Empty => Value::Empty,
            Value::Integer(n) => Value::Integer(n),
            Value::Number(n) => Value::Number(n),
            Value::Flag(flag) => Value::Flag(flag),
            Value::Day(day) => Value::Day(day),
            Value::Moment { at, east } => Value::Moment { at, east },
        };
        (column.clone(), value, cell_text(field).into_owned())
    };
    let mut places = Places::default();
    rows.iter()
        .map(|row| {
            let at = places.of(&row, &columns);
            columns.iter().zip(&*at).map(|(column, place)| cell(&row, column, *place)).collect()
        })
        .collect()
}

/// Tables whose cells are of any kind, some columns with a type that somebody said.
fn table() -> impl Strategy<Value = (Rows, Types)> {
    let cell = prop_oneof![
        made(),
        any::<i64>().prop_map(|n| Made::Text(n.to_string())),
        (-99999i64..99999).prop_map(|n| Made::Text(format!("{}.{:02}", n / 100, n.abs() % 100))),
        "[YN01]?".prop_map(Made::Text),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9][+-]0[0-9]:00".prop_map(Made::Text),
    ];
    let said = vec(option::of(0usize..Holds::names().count()), 4);
    (vec(vec(option::of(cell), 0..4), 0..12), said).prop_map(|(table, said)| {
        let names: Vec<&str> = Holds::names().collect();
        let said = said.into_iter().enumerate().filter_map(|(at, said)| said.map(|said| (at, said)));
        let types = said.map(|(at, said)| (format!("c{at}"), Holds::named(names[said]).unwrap())).collect();
        (rows_of(&table), types)
    })
}

#[test]
fn formats_go_by_endings() {
    assert_eq!(Format::of(Path::new("a/Сделки.XLSX")).unwrap(), Format::Xlsx);
    assert_eq!(Format::of(Path::new("a.jsonl")).unwrap(), Format::Ndjson);
    for (format, name, endings) in FORMATS {
        assert_eq!((format.name(), Format::named(name).unwrap()), (*name, *format));
        assert_eq!(Format::of(Path::new(&format!("a.{}", endings[0]))).unwrap(), *format);
    }
    let error = Format::of(Path::new("deals.xls")).unwrap_err();
    assert!(error.hint_text().unwrap().contains("xlsx"), "{error:?}");
    assert!(Format::of(Path::new("deals")).unwrap_err().hint_text().unwrap().contains("parquet"));
}

#[test]
fn rows_survive_the_way_into_json_and_back() {
    let text = r#"[{"ID":"7","N":1.5,"X":null,"T":"а\"б\n","P":[{"V":1}]},{"ID":"8"}]"#;
    let mut written = Vec::new();
    text::json(&mut written, &rows(text)).unwrap();
    let (back, sent): (serde_json::Value, serde_json::Value) =
        (serde_json::from_slice(&written).unwrap(), serde_json::from_str(text).unwrap());
    assert_eq!(back, sent);
    assert_eq!(text_of(&Form::new(Format::Json), Types::new(), &rows(text)).as_bytes(), written);
    assert_eq!(text_of(&Form::new(Format::Json), Types::new(), &Rows::default()), "[]\n");
}

#[test]
fn a_line_of_json_is_one_line_and_has_types_where_they_were_said() {
    let list =
        rows("[{\"ID\":\"7\",\"SUM\":\"10.50\",\"OPEN\":\"Y\",\"X\":\"\",\"P\":[1,\n2]},{\"ID\":\"a\",\"SUM\":\"\"}]");
    let said = types(&[("ID", Holds::Integer), ("SUM", Holds::Number), ("OPEN", Holds::Flag)]);
    let written = text_of(&Form::new(Format::Ndjson), said, &list);
    assert_eq!(
        written,
        "{\"ID\":7,\"SUM\":10.50,\"OPEN\":true,\"X\":\"\",\"P\":[1, 2]}\n{\"ID\":\"a\",\"SUM\":null}\n"
    );
}

#[test]
fn csv_has_every_column_for_every_row() {
    let list = rows(r#"[{"ID":"7","T":"а,б"},{"ID":"8","X":true}]"#);
    let expected = "ID,T,X\n7,\"а,б\",\n8,,true\n";
    let mut written = Vec::new();
    text::csv(&mut written, &list).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), expected);
    assert_eq!(text_of(&Form::new(Format::Csv), Types::new(), &list), expected);
    assert_eq!(text_of(&Form::new(Format::Csv), Types::new(), &Rows::none(["ID", "T"])), "ID,T\n");
    assert_eq!(text_of(&Form::new(Format::Csv), Types::new(), &rows(r#"[{"A":""}]"#)), "A\n\"\"\n");
}

#[test]
fn excel_in_russian_gets_what_it_reads() {
    let list = rows(r#"[{"ID":"7","SUM":"10.50","AT":"2026-02-26T03:32:24+03:00","T":"a;b","N":1.5}]"#);
    let said = types(&[("ID", Holds::Integer), ("SUM", Holds::Number), ("AT", Holds::Moment)]);
    let written = text_of(&Form::new(Format::Csv).for_excel(), said, &list);
    assert_eq!(written, "\u{feff}ID;SUM;AT;T;N\r\n7;10,50;2026-02-26 03:32:24;\"a;b\";1,5\r\n");
    // What strangers wrote is not carried out; telephone numbers stay as they are.
    let list = rows(r#"[{"A":"=1+1","B":"@SUM(A1)","C":"-2+cmd|x","D":"+7 (495) 123-45-67","E":"-5"}]"#);
    let written = text_of(&Form::new(Format::Csv).for_excel(), Types::new(), &list);
    assert_eq!(written, "\u{feff}A;B;C;D;E\r\n'=1+1;'@SUM(A1);'-2+cmd|x;+7 (495) 123-45-67;-5\r\n");
}

#[test]
fn a_file_that_fails_half_way_never_gets_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deals.csv");
    std::fs::write(&path, "old").unwrap();
    let failed = write_whole(&path, |to| {
        to.write_all(b"half")?;
        Err(io::Error::other("broken"))
    });
    assert!(failed.is_err());
    let stopped = save(&path, &Form::new(Format::Csv), Types::new(), &rows(r#"[{"A":1}]"#), || false).unwrap();
    assert!(stopped.is_none());
    for format in [Format::Csv, Format::Ndjson, Format::Json, Format::Xlsx, Format::Sqlite, Format::Parquet] {
        let path = folder.path().join("new");
        let mut file = Unfinished::begin(&path, part_of(&path), &Form::new(format), Vec::new()).unwrap();
        file.write(&rows(r#"[{"A":1}]"#)).unwrap();
        assert!(!path.exists());
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_that_takes_the_place_of_another_is_for_the_same_eyes() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deals.csv");
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    save(&path, &Form::new(Format::Csv), Types::new(), &rows(r#"[{"A":1}]"#), || true).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn moments_with_and_without_a_zone_are_not_one_type() {
    let list = rows(r#"[{"AT":"2026-02-26T15:30:00+03:00"},{"AT":"2026-02-26 15:30:00"}]"#);
    let said = types(&[("AT", Holds::Moment)]);
    let (_folder, _, warnings) = saved(&Form::new(Format::Parquet), said, &list);
    assert!(warnings[0].contains("`AT` is a column of texts"), "{warnings:?}");
}

#[test]
fn a_table_joins_a_database_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.db");
    let form = |table: &str| Form { table: table.to_owned(), ..Form::new(Format::Sqlite) };
    for (table, text) in
        [("deals", r#"[{"ID":"1"}]"#), ("a \"b\"", r#"[{"id":2,"ID":3}]"#), ("deals", r#"[{"ID":"007"}]"#)]
    {
        let said = types(&[("ID", Holds::Integer)]);
        save(&path, &form(table), said, &rows(text), || true).unwrap().unwrap();
    }
    // One that is not finished changes nothing.
    let mut file = Unfinished::begin(&path, part_of(&path), &form("deals"), Vec::new()).unwrap();
    file.write(&Rows::default()).unwrap();
    drop(file);
    let db = rusqlite::Connection::open(&path).unwrap();
    let id: String = db.query_row("SELECT ID FROM deals", [], |row| row.get(0)).unwrap();
    assert_eq!(id, "007");
    let sum: i64 = db.query_row("SELECT id + ID_2 FROM \"a \"\"b\"\"\"", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 5);
    std::fs::write(&path, "this is no database, and it is longer than nothing at all ".repeat(20)).unwrap();
    assert!(save(&path, &form("deals"), Types::new(), &rows("[]"), || true).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_table_that_is_replaced_takes_nothing_of_others_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE deals (ID INTEGER PRIMARY KEY); INSERT INTO deals VALUES (1);
         CREATE TABLE notes (deal REFERENCES deals(ID) ON DELETE CASCADE); INSERT INTO notes VALUES (1);
         CREATE TABLE bills (deal REFERENCES deals(ID)); INSERT INTO bills VALUES (1)",
    )
    .unwrap();
    let form = Form { table: "deals".to_owned(), ..Form::new(Format::Sqlite) };
    save(&path, &form, Types::new(), &rows(r#"[{"ID":"2"}]"#), || true).unwrap();
    let notes: i64 = db.query_row("SELECT count(*) FROM notes", [], |row| row.get(0)).unwrap();
    assert_eq!(notes, 1);
}

#[test]
fn several_who_write_the_same_file_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let begin = |name: &str, form: Form, rows: &Rows| {
        let path = folder.path().join(name);
        let mut survey = Survey::new(Types::new(), &[]);
        survey.see(rows);
        Unfinished::begin(&path, part_of(&path), &form, survey.columns()).unwrap()
    };
    let (one, other) = (rows(r#"[{"ID":"1"}]"#), rows(r#"[{"ID":"2"},{"ID":"3"}]"#));
    let csv = || Form::new(Format::Csv);
    let (mut first, mut second) = (begin("deals.csv", csv(), &one), begin("deals.csv", csv(), &other));
    second.write(&other).unwrap();
    first.write(&one).unwrap();
    first.finish().unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("deals.csv")).unwrap(), "ID\n1\n");
    second.finish().unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("deals.csv")).unwrap(), "ID\n2\n3\n");
    // A new database gets the tables of all who began it.
    let table = |name: &str| Form { table: name.to_owned(), ..Form::new(Format::Sqlite) };
    let mut files = ["deals", "leads", "deals"].map(|name| begin("all.db", table(name), &other));
    for file in &mut files {
        file.write(&other).unwrap();
    }
    files.into_iter().for_each(|file| drop(file.finish().unwrap()));
    let db = rusqlite::Connection::open(folder.path().join("all.db")).unwrap();
    for name in ["deals", "leads"] {
        let count: i64 = db.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0)).unwrap();
        assert_eq!(count, 2, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_spool_becomes_the_same_file_as_its_rows() {
    let list = rows(r#"[{"ID":"7","SUM":"10.50"},{"ID":"8","X":true}]"#);
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Scratch::begin(&folder.path().join("rows.part")).unwrap();
    spool.append(&list.pick([0])).unwrap();
    spool.append(&list.pick([1])).unwrap();
    for format in [Format::Csv, Format::Ndjson, Format::Json, Format::Xlsx, Format::Parquet] {
        let said = types(&[("SUM", Holds::Number)]);
        let (_whole, expected, _) = saved(&Form::new(format), said.clone(), &list);
        let path = folder.path().join("deals");
        save_spool(&path, part_of(&path), &Form::new(format), said, &[], &mut spool).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&expected).unwrap(), "{format:?}");
    }
    drop(spool);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn csv_is_read_back((rows, _) in table(), separator in prop_oneof![Just(b','), Just(b';'), Just(b'\t')]) {
        let form = Form { separator, ..Form::new(Format::Csv) };
        let text = text_of(&form, Types::new(), &rows);
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> = values(Types::new(), &rows)
            .into_iter().map(|row| row.into_iter().map(|(.., text)| text).collect()).collect();
        let found: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        if !rows.columns().is_empty() {
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn lines_of_json_are_read_back((rows, _) in table()) {
        let text = text_of(&Form::new(Format::Ndjson), Types::new(), &rows);
        let list = format!("[{}]", text.lines().collect::<Vec<_>>().join(","));
        let mut builder = Builder::new();
        read_rows(&list, &mut builder).unwrap();
        let back = Rows::from(builder.finish());
        prop_assert_eq!(back.len(), rows.len());
        for (back, row) in back.iter().zip(rows.iter()) {
            let of = |row: &crate::core::rows::Row| -> Vec<(String, String)> {
                row.fields().map(|(name, field)| (name.to_owned(), cell_text(field).into_owned())).collect()
            };
            prop_assert_eq!(of(&back), of(&row));
        }
    }

    #[test]
    fn a_book_is_read_back((rows, types) in table()) {
        let (_folder, path, _) = saved(&Form::new(Format::Xlsx), types.clone(), &rows);
        let mut book = open_workbook_auto(&path).unwrap();
        let range = book.worksheet_range("rows").unwrap();
        for (at, row) in values(types, &rows).into_iter().enumerate() {
            for (column, (about, value, text)) in row.into_iter().enumerate() {
                let found = range.get_value((at as u32 + 1, column as u32)).cloned().unwrap_or(Data::Empty);
                prop_assert!(is_same(&found, &value, &text), "{about:?}: {found:?} for {value:?}");
            }
        }
    }

    #[test]
    fn a_table_is_read_back((rows, types) in table()) {
        let (_folder, path, _) = saved(&Form::new(Format::Sqlite), types.clone(), &rows);
        let db = rusqlite::Connection::open(&path).unwrap();
        let mut select = db.prepare("SELECT * FROM rows").unwrap();
        let width = select.column_count();
        let found: Vec<Vec<Sql>> = select
            .query_map([], |row| (0..width).map(|at| row.get::<_, Sql>(at)).collect()).unwrap()
            .map(|row| row.unwrap()).collect();
        let expected: Vec<Vec<Sql>> = values(types, &rows).into_iter().map(|row| row.into_iter().map(|(_, value, text)| match value {
            Value::Empty => Sql::Null,
            Value::Integer(n) => Sql::Integer(n),
            Value::Flag(flag) => Sql::Integer(i64::from(flag)),
            Value::Number(n) => Sql::Real(n),
            _ => Sql::Text(text),
        }).collect()).collect();
        if !rows.columns().is_empty() {
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn columns_are_read_back((rows, types) in table()) {
        let (_folder, path, warnings) = saved(&Form::new(Format::Parquet), types.clone(), &rows);
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let found: Vec<Vec<Read>> = reader.get_row_iter(None).unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect()).collect();
        let expected: Vec<Vec<Read>> = values(types, &rows).into_iter().map(|row| row.into_iter().map(|(column, value, text)| {
            if !column.fits || column.is_zoned().is_none() {
                assert!(warnings.iter().any(|warning| warning.contains(&*column.name)));
            }
            match value {
                // What somebody said is a number is nothing where it is empty, also among texts.
                Value::Empty => Read::Null,
                _ if !column.fits || column.is_zoned().is_none() => Read::Str(text),
                Value::Integer(n) => Read::Long(n),
                Value::Flag(flag) => Read::Bool(flag),
                Value::Number(n) => Read::Double(n),
                Value::Day(day) => Read::Date((clock::of(day.at(0, 0, 0, 0)) / 86_400_000) as i32),
                Value::Moment { at, east } => Read::TimestampMillis(
                    at - i64::from(east.unwrap_or(0)) * 1000),
                Value::Text(_) => Read::Str(text),
            }
        }).collect()).collect();
        if !rows.columns().is_empty() {
            prop_assert_eq!(found, expected);
        }
    }
}

/// Whether a cell that calamine has read is what was to be written.
fn is_same(found: &Data, value: &Value<'_>, text: &str) -> bool {
    let day = |found: &calamine::ExcelDateTime| (found.as_f64() - 25_569.0) * 86_400_000.0;
    match (value, found) {
        (Value::Empty, found) => *found == Data::Empty,
        (Value::Flag(flag), Data::Bool(found)) => flag == found,
        (Value::Integer(n), Data::Float(found)) => *found == *n as f64 && n.unsigned_abs() < 1_000_000_000_000_000,
        (Value::Integer(n), Data::Int(found)) => found == n,
        (Value::Number(n), Data::Float(found)) => n == found,
        (Value::Number(n), Data::Int(found)) => *n == *found as f64,
        (Value::Day(from), Data::DateTime(found)) => (day(found) - clock::of(from.at(0, 0, 0, 0)) as f64).abs() < 1.0,
        (Value::Moment { at, .. }, Data::DateTime(found)) => (day(found) - *at as f64).abs() < 1.0,
        // What Excel cannot have as a number or as a moment.
        (Value::Integer(_) | Value::Number(_), Data::String(found)) => found == text,
        (Value::Day(_) | Value::Moment { .. }, Data::String(found)) => {
            found == text && text.get(..4).is_some_and(|year| year < "1901" || year.starts_with('-'))
        }
        (Value::Text(_), Data::Empty) => text.is_empty(),
        (Value::Text(_), Data::String(found)) => found == text,
        _ => false,
    }
}

/// The first day that Excel's calendar has as the real one has it.
#[test]
fn the_calendar_of_excel_begins_in_march_of_1900() {
    let list = rows(r#"[{"D":"1900-02-28"},{"D":"1900-03-01"}]"#);
    let (_folder, path, _) = saved(&Form::new(Format::Xlsx), types(&[("D", Holds::Day)]), &list);
    let range = open_workbook_auto(&path).unwrap().worksheet_range("rows").unwrap();
    assert_eq!(range.get_value((1, 0)), Some(&Data::String("1900-02-28".into())));
    assert!(is_same(range.get_value((2, 0)).unwrap(), &Value::Day(Date::constant(1900, 3, 1)), ""));
}
