//! Tests of reading what the utility prints.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::core::rows::Field;
use crate::error::Kind;
use crate::services::rac::table::{
    self, CLUSTER, COUNTER, INFOBASE, LOCK, NEWEST, PROCESS, PROFILE, Record, SERVER, SESSION, SUMMARY, Shape,
    TRANSFER, USER, VERSIONS, Version,
};

const TYPED: Style = Style::Typed(&TimeZone::UTC);

fn texts(rows: &Rows) -> Vec<Vec<(String, String)>> {
    let text = |field: Field<'_>| match field {
        Field::Text(text) => text.to_owned(),
        other => format!("{other:?}"),
    };
    rows.iter().map(|row| row.fields().map(|(name, field)| (name.to_owned(), text(field))).collect()).collect()
}

fn raw(text: &str, record: &'static Record) -> Vec<Vec<(String, String)>> {
    texts(&rows(text, record, Style::Raw).unwrap())
}

fn code(text: &str, record: &'static Record) -> String {
    rows(text, record, TYPED).unwrap_err().code().to_owned()
}

const TWO: &str = "infobase : 00000000-0000-0000-0000-000000000001\nname     : Торговля\ndescr    : \"ООО \"\"Ромашка\"\"\"\n\n\
                   infobase : 00000000-0000-0000-0000-000000000002\nname     : b\ndescr    : \n\n";

#[test]
fn records_are_read_with_either_line_end_and_with_a_mark_in_front() {
    let expected = raw(TWO, &SUMMARY);
    assert_eq!(expected[0][1], ("name".into(), "Торговля".into()));
    assert_eq!(expected[0][2], ("descr".into(), "ООО \"Ромашка\"".into()));
    assert_eq!(expected[1][2], ("descr".into(), String::new()));
    assert_eq!(expected.len(), 2);
    assert_eq!(raw(&TWO.replace('\n', "\r\n"), &SUMMARY), expected);
    assert_eq!(raw(&format!("\u{feff}{TWO}"), &SUMMARY), expected);
    assert_eq!(raw(&TWO.replace(" \n", "\n"), &SUMMARY), expected);
}

#[test]
fn a_repeated_key_begins_a_record_too() {
    assert_eq!(raw(&TWO.replacen("\n\n", "\n", 1), &SUMMARY), raw(TWO, &SUMMARY));
}

#[test]
fn a_line_without_a_key_continues_the_value_before_it() {
    let long = "\"Работы до 18:00\n\nПричина : обмен\nname : не ключ\n\"";
    let text = TWO.replacen("\"ООО \"\"Ромашка\"\"\"", long, 1);
    let read = raw(&text, &SUMMARY);
    assert_eq!(read[0][2].1, "Работы до 18:00\n\nПричина : обмен\nname : не ключ\n");
    assert_eq!(read[1][1].1, "b");
    assert_eq!(raw(&text.replace('\n', "\r\n"), &SUMMARY), read);
    let unquoted = TWO.replacen("Торговля", "a\nxyz : b\n\n", 1);
    assert_eq!(raw(&unquoted, &SUMMARY)[0][1].1, "a\nxyz : b\n\n");
}

#[test]
fn keys_need_not_stand_in_a_column() {
    let text = TWO.replace("name     :", "name :").replace("descr    :", "descr :");
    assert_eq!(raw(&text, &SUMMARY), raw(TWO, &SUMMARY));
}

#[test]
fn names_are_those_of_the_slots_whatever_the_version_calls_them() {
    let cut_to = |record: &'static Record, version| printed(record, version, &mut |_, shape| sample(shape));
    for (version, text) in [11, NEWEST].map(|version| (version, cut_to(&PROCESS, version))) {
        let rows = rows(&text, &PROCESS, TYPED).unwrap();
        assert_eq!(rows.get(0).unwrap().get("is_enable"), Some(Field::Flag(true)), "{version}");
        let rows = super::rows(&cut_to(&SESSION, version), &SESSION, TYPED).unwrap();
        assert_eq!(rows.get(0).unwrap().get("duration_current_dbms"), Some(Field::Integer(5)), "{version}");
    }
    let (key, _) = &raw(&cut_to(&SESSION, 11), &SESSION)[0][28];
    assert_eq!(key, "duration current-dbms");
    // The other spelling where it is not expected.
    let other = cut_to(&SESSION, 11).replace("duration current-dbms", "duration-current-dbms");
    let rows = rows(&other, &SESSION, TYPED).unwrap();
    assert_eq!(rows.get(0).unwrap().get("duration_current_dbms"), Some(Field::Integer(5)));
}

#[test]
fn what_the_table_does_not_know_is_kept_as_text() {
    let text = TWO.replace("\ndescr    :", "\nnew-size : 007\nnew-text : \"a\"\ndescr    :");
    let row = rows(&text, &SUMMARY, TYPED).unwrap().get(0).unwrap();
    assert_eq!(row.get("new_size"), Some(Field::Text("007")));
    assert_eq!(row.get("new_text"), Some(Field::Text("a")));
}

#[test]
fn quotes_are_taken_off_where_the_utility_puts_them() {
    let text = TWO.replace("Торговля", "\"как есть\"");
    assert_eq!(raw(&text, &SUMMARY)[0][1].1, "\"как есть\"");
}

#[test]
fn a_part_of_an_answer_is_told_as_such() {
    for cut in [TWO.len() - 1, TWO.len() - 4, TWO.len() - 30] {
        assert_eq!(code(&TWO[..cut], &SUMMARY), "rac.half_printed", "{cut}");
    }
    let error = rows(&TWO.replacen("name     : b\n", "", 1), &SUMMARY, TYPED).unwrap_err();
    assert!(error.message().contains("record 2 of infobase summary has no `name`"), "{error}");
    // A line that not every version prints, and that all other records have.
    let one = printed(&CLUSTER, 11, &mut |_, shape| sample(shape));
    let less: String = one.split_inclusive('\n').filter(|line| !line.starts_with("kill-by")).collect();
    assert!(rows(&less, &CLUSTER, TYPED).is_ok());
    let error = rows(&format!("{one}{less}{one}"), &CLUSTER, TYPED).unwrap_err();
    assert!(error.message().contains("record 2 of cluster has no `kill-by-memory-with-dump`"), "{error}");
}

#[test]
fn what_is_no_answer_is_told_as_what_it_is() {
    let help = "1C:Enterprise 8.3 Remote Administrative Client Utility © 1C-Soft LLC 1996-2022\n\nUse:\n";
    assert_eq!(code(help, &SUMMARY), "rac.help_printed");
    assert_eq!(answer(help, &table::Answer::Nothing, TYPED).unwrap_err().code(), "rac.help_printed");
    assert_eq!(code("Администратор кластера не аутентифицирован\n", &SUMMARY), "rac.cluster_auth");
    assert_eq!(code("Usage: rac [options] FILE...\n", &SUMMARY), "rac.not_rac");
    assert_eq!(code("cpu MHz : 1200\nflags   : fpu vme\n\n", &SUMMARY), "rac.not_rac");
    assert_eq!(rows("\u{feff}\r\n", &SUMMARY, TYPED).unwrap().len(), 0);
    let nothing = answer("", &table::Answer::Id("cluster"), TYPED).unwrap_err();
    assert_eq!((nothing.code(), nothing.kind()), ("rac.no_answer", Kind::Protocol));
}

#[test]
fn single_lines_are_read() {
    let id = answer("cluster : 0F1E2D3C-4b5a-6978-8796-a5b4c3d2e1f0\r\n", &table::Answer::Id("cluster"), TYPED);
    assert!(matches!(id, Ok(Printed::Id(id)) if id.to_string() == "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"));
    assert!(answer("cluster : 0f1e2d3c-4b5a\n", &table::Answer::Id("cluster"), TYPED).is_err());
    let version = answer("8.3.27.1936\n", &table::Answer::Text, TYPED);
    assert!(matches!(version, Ok(Printed::Text(text)) if text == "8.3.27.1936"));
    assert!(answer("8.3.27.", &table::Answer::Text, TYPED).is_err());
}

#[test]
fn columns_are_read_one_by_one() {
    let text = "\"EventLogService\" : \"база \"\"a\"\" : b\" : C:\\old : C:\\new\r\n\"Other\" :  : /a/ : \r\n\r\n";
    let rows = columns(text, &TRANSFER, TYPED).unwrap();
    let values: Vec<Vec<String>> =
        texts(&rows).into_iter().map(|row| row.into_iter().map(|(_, value)| value).collect()).collect();
    assert_eq!(values[0], ["EventLogService", "база \"a\" : b", "C:\\old", "C:\\new"]);
    assert_eq!(values[1], ["Other", "", "/a/", ""]);
    assert_eq!(columns(&text[..text.len() - 2], &TRANSFER, TYPED).unwrap_err().code(), "rac.half_printed");
    assert_eq!(columns("x\n\n", &TRANSFER, TYPED).unwrap_err().code(), "rac.not_rac");
}

/// A value of this shape.
fn sample(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::Quoted => "имя".into(),
        Shape::Uuid | Shape::Uuids => "8397b7bb-e836-4c95-9a4f-cf22bef822ff".into(),
        Shape::Number | Shape::OrZero(_) => "5".into(),
        Shape::Decimal => "0.125".into(),
        Shape::Date => "2026-02-23T03:32:56".into(),
        Shape::Ports => "1560:1591".into(),
        Shape::Auth => "pwd|os".into(),
        Shape::Words(words) => words.words[1].1.into(),
    }
}

/// A record as this version prints it, with these values.
fn printed(record: &Record, version: Version, value: &mut dyn FnMut(usize, Shape) -> String) -> String {
    let lines: Vec<_> = record.lines(version).collect();
    let width = lines.iter().map(|line| line.key.len()).max().unwrap();
    let lines = lines.iter().enumerate().map(|(at, line)| {
        let value = value(at, line.shape);
        match line.shape {
            Shape::Quoted if !value.is_empty() => {
                format!("{:width$} : \"{}\"\n", line.key, value.replace('"', "\"\""))
            }
            _ => format!("{:width$} : {value}\n", line.key),
        }
    });
    lines.collect::<String>() + "\n"
}

static RECORDS: [&Record; 9] = [&CLUSTER, &SERVER, &PROCESS, &SUMMARY, &INFOBASE, &SESSION, &LOCK, &PROFILE, &COUNTER];

/// Lines of texts as people write them, and worse.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ a-zA-Zа-яА-Я0-9\"':,.()-]{0,20}",
        Just("Внимание : работы".to_owned()),
        Just("xy : 1".to_owned()),
        Just("name : чужое".to_owned()),
        Just("\"\"".to_owned()),
    ]
}

fn value(shape: Shape, is_last: bool) -> BoxedStrategy<String> {
    match shape {
        Shape::Quoted => prop::collection::vec(line(), 0..4).prop_map(|lines| lines.join("\n")).boxed(),
        // Without quotes nobody can tell at the end of a record where the text ends.
        Shape::Text if is_last => line().prop_filter("a key", |line| !line.starts_with("name")).boxed(),
        Shape::Text => prop::collection::vec(line(), 0..4).prop_map(|lines| lines.join("\n")).boxed(),
        Shape::Number => any::<i64>().prop_map(|n| n.to_string()).boxed(),
        Shape::Decimal => (-1_000_000_000i64..1_000_000_000).prop_map(|n| format!("{:.3}", n as f64 / 1000.0)).boxed(),
        Shape::Date => prop_oneof![Just(String::new()), Just("2026-02-26T03:32:24".to_owned())].boxed(),
        Shape::Uuid => {
            prop_oneof![Just(sample(shape)), Just("00000000-0000-0000-0000-000000000000".to_owned())].boxed()
        }
        Shape::Words(words) => prop::sample::select(words.words).prop_map(|(_, word)| (*word).to_owned()).boxed(),
        shape => Just(sample(shape)).boxed(),
    }
}

/// A record's table, a version, and the values of some records.
fn lists() -> impl Strategy<Value = (&'static Record, Version, Vec<Vec<String>>)> {
    let versions: Vec<Version> = VERSIONS.iter().copied().chain([NEWEST]).collect();
    (prop::sample::select(&RECORDS[..]), prop::sample::select(versions)).prop_flat_map(|(record, version)| {
        let shapes: Vec<Shape> = record.lines(version).map(|line| line.shape).collect();
        let last = shapes.len() - 1;
        let one: Vec<_> = shapes.into_iter().enumerate().map(|(at, shape)| value(shape, at == last)).collect();
        prop::collection::vec(one, 0..4).prop_map(move |values| (record, version, values))
    })
}

fn print_all(record: &Record, version: Version, values: &[Vec<String>]) -> String {
    values.iter().map(|values| printed(record, version, &mut |at, _| values[at].clone())).collect()
}

/// A typed value as the utility would print it.
fn back(shape: Shape, field: Field<'_>) -> String {
    match (shape, field) {
        (Shape::Words(words), Field::Flag(flag)) => words.word(i64::from(flag)).unwrap().to_owned(),
        (Shape::Uuid, Field::Null) => "00000000-0000-0000-0000-000000000000".to_owned(),
        (_, Field::Null) => String::new(),
        (_, Field::Integer(n)) => n.to_string(),
        (_, Field::Number(n)) => format!("{n:.3}"),
        (_, Field::Moment { at, .. }) => {
            jiff::Timestamp::from_millisecond(at).unwrap().strftime("%Y-%m-%dT%H:%M:%S").to_string()
        }
        (_, Field::Text(text)) => text.to_owned(),
        (shape, field) => unreachable!("{shape:?} {field:?}"),
    }
}

proptest! {
    #[test]
    fn what_was_printed_is_read_back((record, version, values) in lists(), crlf in any::<bool>()) {
        let mut text = print_all(record, version, &values);
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let typed = rows(&text, record, TYPED).unwrap();
        let raw = rows(&text, record, Style::Raw).unwrap();
        prop_assert_eq!((typed.len(), raw.len()), (values.len(), values.len()), "{}", text);
        for ((typed, raw), values) in typed.iter().zip(raw.iter()).zip(&values) {
            prop_assert_eq!(raw.fields().count(), values.len());
            let fields = typed.fields().zip(raw.fields()).zip(record.lines(version)).zip(values);
            for ((((name, field), (key, text)), line), value) in fields {
                prop_assert_eq!(name, line.slot.replace('-', "_"));
                prop_assert_eq!(key, line.key);
                prop_assert_eq!(text, Field::Text(value));
                prop_assert_eq!(&back(line.shape, field), value);
            }
        }
    }

    #[test]
    fn a_cut_text_is_never_read_as_a_whole_one((record, version, values) in lists(), place in any::<prop::sample::Index>()) {
        let text = print_all(record, version, &values);
        let mut at = place.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let ends: Vec<usize> = (0..=values.len()).map(|count| print_all(record, version, &values[..count]).len()).collect();
        match rows(&text[..at], record, TYPED) {
            Ok(rows) => prop_assert!(ends.contains(&at), "{} rows of {:?}", rows.len(), &text[..at]),
            Err(error) => prop_assert!(!ends.contains(&at), "{error:?}"),
        }
    }

    #[test]
    fn nothing_that_is_printed_makes_it_panic(text in "(name|descr|infobase|[a-z]{1,3}|[ :\"\r\nё]{1,3}|  : |\n\n){0,30}") {
        let _ = rows(&text, &SUMMARY, TYPED);
        let _ = rows(&text, &USER, Style::Raw);
        let _ = columns(&text, &TRANSFER, TYPED);
    }
}
