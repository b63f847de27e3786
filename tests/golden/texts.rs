//! Recorded texts of the utility: read into rows and printed again they are themselves, and what is no answer is told.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pult::core::rows::{Field, Row, Rows};
use pult::services::rac::table::{self, Answer, Command, Mode, Record, Shape};
use pult::services::rac::wire::parse::{self, Printed, Style};

use super::{files, folder};

/// What must not come of recorded records: the reader would not know what they are.
const UNKNOWN: [&str; 2] = ["rac.not_rac", "rac.half_printed"];

/// The command that a file is named after, and whether its licenses were asked for. Names end in what tells recordings
/// of one command apart.
fn command(name: &str) -> Option<(&'static Mode, &'static Command, bool)> {
    let name = name.strip_prefix("8.5_").unwrap_or(name);
    let rest = |mode: &Mode, command: &Command| {
        let rest = name.strip_prefix(&mode.script_name(command))?;
        (rest.is_empty() || rest.starts_with('_')).then_some(rest)
    };
    let fitting = table::commands().filter_map(|(mode, command)| Some((mode, command, rest(mode, command)?)));
    let (mode, command, rest) = fitting.min_by_key(|(.., rest)| rest.len())?;
    Some((mode, command, rest.contains("licenses")))
}

/// What the command prints; with `--licenses`, something else.
fn answer(command: &'static Command, licenses: bool) -> Answer {
    match command.licenses.filter(|_| licenses) {
        Some(record) => Answer::Many(record),
        None => command.answer,
    }
}

/// A value as the utility prints it.
fn printed(shape: Option<Shape>, field: Field<'_>) -> String {
    match (shape, field) {
        (Some(Shape::Words(words)), Field::Flag(flag)) => words.word(i64::from(flag)).unwrap().to_owned(),
        (Some(Shape::Quoted), Field::Text(text)) if !text.is_empty() => format!("\"{}\"", text.replace('"', "\"\"")),
        (Some(Shape::Uuid), Field::Null) => "00000000-0000-0000-0000-000000000000".to_owned(),
        (_, Field::Null) => String::new(),
        (_, Field::Text(text)) => text.to_owned(),
        (_, Field::Integer(n)) => n.to_string(),
        (_, Field::Number(n)) => format!("{n:.3}"),
        (_, Field::Moment { at, .. }) => {
            Timestamp::from_millisecond(at).unwrap().strftime("%Y-%m-%dT%H:%M:%S").to_string()
        }
        (shape, field) => panic!("{shape:?} {field:?}"),
    }
}

fn line(record: &Record, key: &str) -> Option<Shape> {
    record.lines.iter().find(|line| line.key == key).map(|line| line.shape)
}

/// Records with the keys of one reading and the values of the other.
fn records(record: &'static Record, keys: &Rows, values: &Rows) -> String {
    let print = |(keys, values): (Row, Row)| {
        let width = keys.fields().map(|(key, _)| key.len()).max().unwrap();
        let pairs = keys.fields().zip(values.fields());
        let lines =
            pairs.map(|((key, _), (_, field))| format!("{key:width$} : {}\n", printed(line(record, key), field)));
        lines.collect::<String>() + "\n"
    };
    keys.iter().zip(values.iter()).map(print).collect()
}

fn columns(record: &'static Record, values: &Rows) -> String {
    let print = |row: Row| {
        let values = record.lines.iter().zip(row.fields());
        let values: Vec<String> = values.map(|(line, (_, field))| printed(Some(line.shape), field)).collect();
        values.join(" : ") + "\n"
    };
    let lines: String = values.iter().map(print).collect();
    if lines.is_empty() { lines } else { lines + "\n" }
}

fn rows(text: &str, answer: &Answer, style: Style<'_>) -> Rows {
    match parse::answer(text, answer, style) {
        Ok(Printed::Rows(rows)) => rows,
        other => panic!("{other:?}"),
    }
}

/// Reads a text and prints it again; nothing when it is no answer.
fn again(name: &str, text: &str, answer: &Answer) -> Option<String> {
    let typed = Style::Typed(&TimeZone::UTC);
    match (parse::answer(text, answer, typed), answer) {
        (Err(error), _) => {
            // Words of an error that nobody has seen are no records.
            assert!(!text.contains(" : ") || !UNKNOWN.contains(&error.code()), "{name}: {error:?}");
            None
        }
        (Ok(Printed::Nothing), _) => Some(String::new()),
        (Ok(Printed::Text(text)), _) => Some(format!("{text}\n")),
        (Ok(Printed::Id(id)), Answer::Id(key)) => Some(format!("{key} : {id}\n")),
        (Ok(Printed::Rows(values)), Answer::Columns(record)) => Some(columns(record, &values)),
        (Ok(Printed::Rows(values)), Answer::One(record) | Answer::Many(record)) => {
            Some(records(record, &rows(text, answer, Style::Raw), &values))
        }
        (Ok(printed), _) => panic!("{name}: {printed:?}"),
    }
}

/// Reads all texts of a folder whose names end so.
fn compare(kind: &str, ending: &str) {
    let Some(folder) = folder(kind) else { return };
    let (mut compared, mut refused, mut unknown) = (0, Vec::new(), Vec::new());
    for (name, path) in files(&folder, ending) {
        let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
        let Some((_, command, licenses)) = command(&name) else {
            unknown.push(format!("{name} ({})", parse::foreign(&text).code()));
            continue;
        };
        match again(&name, &text, &answer(command, licenses)) {
            // An empty list of a command that answers something is one.
            Some(printed) => {
                assert_eq!(printed, text, "{name}");
                compared += 1;
            }
            None if text.is_empty() => compared += 1,
            None => refused.push(name),
        }
    }
    println!("{compared} texts of {kind} survive; told as no answers: {refused:?}; of no command: {unknown:?}");
}

#[test]
fn texts_survive_being_read_and_printed() {
    compare("rac", ".out");
}

#[test]
fn texts_beside_recorded_bytes_survive_too() {
    compare("ras", "_rac.out");
}
