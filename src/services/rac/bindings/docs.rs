//! Doc comments of the commands, written from the table.

use std::fmt::Write;

use super::examples::EXAMPLES;
use super::given::takes_flag;
use super::spec::{self, AT_ONCE, RAW, Spec};
use crate::services::Comment;
use crate::services::rac::NAME;
use crate::services::rac::table::{Answer, Command, NEWEST, Opt, Record, Takes, Thing};

/// What the engine is told that a command gives.
pub fn gives(spec: Spec) -> &'static str {
    match spec.command.answer {
        Answer::Nothing => "Dynamic",
        Answer::Text | Answer::Id(_) => "String",
        Answer::One(_) => "Row",
        Answer::Many(_) | Answer::Columns(_) => "Rows",
    }
}

/// What is said of every command.
pub fn comments() -> Vec<Comment> {
    spec::all().map(|spec| Comment { of: &[NAME, "Rac"], name: spec.name(), text: comment(spec) }).collect()
}

/// The comment of a command's functions.
fn comment(spec: Spec) -> String {
    let mut text = format!("{}.\n", capital(spec.command.about.0));
    for paragraph in [result(spec.command), about(spec)].into_iter().flatten() {
        write_into(&mut text, format_args!("\n{paragraph}\n"));
    }
    options(spec, &mut text);
    if let Some((_, example)) = EXAMPLES.iter().find(|(name, _)| *name == spec.name()) {
        write_into(&mut text, format_args!("\n```rhai\n{example}\n```\n"));
    }
    text.truncate(text.trim_end().len());
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What it gives.
fn result(command: &Command) -> Option<String> {
    Some(match command.answer {
        Answer::Nothing => return None,
        Answer::Text => "Gives a text.".into(),
        Answer::Id(_) => "Gives the id of what was made.".into(),
        Answer::One(record) if command.licenses.is_some() => {
            format!("Gives a row: {}. With `licenses` it gives rows.", columns(record))
        }
        Answer::One(record) => format!("Gives a row: {}.", columns(record)),
        Answer::Many(record) | Answer::Columns(record) => format!("Gives rows: {}.", columns(record)),
    })
}

fn columns(record: &Record) -> String {
    let mut names: Vec<String> = Vec::new();
    for line in record.lines {
        let name = line.slot.replace('-', "_");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What may stand in front of the options.
fn about(spec: Spec) -> Option<String> {
    let key = spec.key?;
    let name = key.script_name();
    let what = match key.takes {
        Takes::Id(Thing::Other) => "its id, or a row that has it",
        Takes::Id(_) => "its name, its id, or a row that has it",
        _ => "its name, or a row that has it",
    };
    let many = match spec.gives_records() {
        true => "gives the rows of all of them",
        false => "does it for all of them, some at once, and gives rows `{name}`, `done`, `error`, `message`",
    };
    let many = many.replace("{name}", &name);
    let may = if spec.is_filter(key) { "may be" } else { "is" };
    Some(format!("`{name}` {may} {what}. A list of them, or rows, {many}."))
}

fn options(spec: Spec, text: &mut String) {
    let mut items: Vec<String> = spec.options().map(|option| item(spec, option)).collect();
    if spec.gives_records() {
        items.push(format!("`{RAW}`: true gives the utility's own names and texts"));
    }
    if spec.key.is_some() {
        items.push(format!("`{AT_ONCE}`: how many of many at once; usually 8"));
    }
    if !items.is_empty() {
        write_into(text, format_args!("\n# Options\n"));
    }
    for item in items {
        write_into(text, format_args!("- {item}\n"));
    }
}

fn item(spec: Spec, option: &Opt) -> String {
    let is_either = option.selects || (option.takes == Takes::Id(Thing::Infobase) && spec.is_by_name());
    let needed = match option.takes {
        Takes::Id(Thing::Cluster) => " (may be left out where there is one)",
        _ if is_either => " (required, or the other)",
        _ if option.is_required => " (required)",
        _ => "",
    };
    let values = values(option);
    let values = if values.is_empty() { values } else { format!("; {values}") };
    let only = if is_new(spec, option) { "; needs protocol 16.0" } else { "" };
    format!("`{}`{needed}: {}{values}{only}", option.script_name(), option.about.0)
}

/// The values that it takes, where that is not plain.
fn values(option: &Opt) -> String {
    let quoted = |words: &mut dyn Iterator<Item = &str>| {
        let words: Vec<String> = words.map(|word| format!("`\"{word}\"`")).collect();
        words.join(" or ")
    };
    match option.takes {
        Takes::Flag => "true or false".into(),
        Takes::Words(words) if takes_flag(words) => "true or false".into(),
        Takes::Words(words) => quoted(&mut words.words.iter().map(|(_, word)| *word)),
        Takes::OneOf(words) => quoted(&mut words.iter().copied()),
        Takes::Date => "a moment, or a text such as 2026-02-26T03:32:24".into(),
        Takes::Ports => "a text such as 1560:1591".into(),
        Takes::OrZero(word) => format!("a number or \"{word}\""),
        Takes::Id(Thing::Cluster | Thing::Server | Thing::Infobase) => "its name or id".into(),
        _ => String::new(),
    }
}

/// Whether only the newest protocol carries it.
fn is_new(spec: Spec, option: &Opt) -> bool {
    let (Answer::Nothing | Answer::Id(_)) = spec.command.answer else { return false };
    let record = match spec.mode.name {
        "cluster" => &crate::services::rac::table::CLUSTER,
        "server" => &crate::services::rac::table::SERVER,
        "infobase" => &crate::services::rac::table::INFOBASE,
        _ => return false,
    };
    record.slot(option.name).is_some_and(|slot| slot.since == NEWEST)
}

fn write_into(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = text.write_fmt(arguments);
}
