//! `?` and `?name`: what there is, told by the same comments that the reference pages are made of.

use crate::error::did_you_mean;
use crate::repl::commands;
use crate::repl::names::{Names, is_offered};
use crate::repl::text::{KEYWORDS, pieces};
use crate::repl::types;
use crate::script::catalogue::Function;
use crate::services;

const KEYS: &[(&str, &str)] = &[
    ("Tab", "completes names, options, files and connections"),
    ("Enter", "runs a complete line; two empty lines end an incomplete one"),
    ("Up, Ctrl-R", "earlier lines; searches them"),
    ("Ctrl-C", "drops the line, or stops what runs"),
    ("Ctrl-D", "leaves"),
];

/// What there is at all.
pub fn overview(names: &Names, width: usize) -> String {
    let services = services::ALL.iter().map(|service| (service.name().to_owned(), service.summary().to_owned()));
    let modules = names.modules().map(|module| {
        let mut functions: Vec<&str> =
            names.in_module(module).filter(|f| f.is_callable()).map(|f| f.name.as_str()).collect();
        functions.dedup();
        (format!("{module}::"), functions.join(", "))
    });
    let variables = names.variables().iter().map(|(name, typed)| (name.clone(), typed.name.clone()));
    let commands = commands::ALL.iter().map(|command| (command.usage(), command.help.to_owned()));
    let keys = KEYS.iter().map(|(key, help)| ((*key).to_owned(), (*help).to_owned()));
    let sections = [
        section("Objects", services.collect(), width),
        section("Modules", modules.collect(), width),
        section("Variables", variables.collect(), width),
        section("Commands", commands.collect(), width),
        section("Keys", keys.collect(), width),
    ];
    let mut text: Vec<String> = sections.into_iter().flatten().collect();
    text.push("?name tells about a function, a module, an object or a type; `_` is the last value.".to_owned());
    text.join("\n\n")
}

fn section(title: &str, lines: Vec<(String, String)>, width: usize) -> Option<String> {
    (!lines.is_empty()).then(|| format!("{title}\n{}", table(&lines, width)))
}

/// Two columns, the second one cut to what a line holds.
fn table(lines: &[(String, String)], width: usize) -> String {
    let first = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let row = |(name, text): &(String, String)| {
        let text = console::truncate_str(text, width.saturating_sub(first + 4), "…").into_owned();
        format!("  {name:first$}  {text}").trim_end().to_owned()
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// What is known under this name.
pub fn about(name: &str, names: &Names, width: usize) -> String {
    let name = name.trim().trim_end_matches(['(', ')', ';']);
    if name.is_empty() {
        return overview(names, width);
    }
    if let Some(command) = name.strip_prefix(':').and_then(commands::find) {
        return format!("{}\n    {}", command.usage(), command.help);
    }
    let parts: Vec<String> =
        [value(name, names, width), kind(name, names, width), module(name, names, width), functions(name, names)]
            .into_iter()
            .flatten()
            .collect();
    match parts.is_empty() {
        true => unknown(name, names),
        false => parts.join("\n\n"),
    }
}

/// An object or a variable, by what can be called on it.
fn value(name: &str, names: &Names, width: usize) -> Option<String> {
    let typed = names.value(name)?;
    let service = services::ALL.iter().find(|service| service.name() == name);
    let title = match service {
        Some(service) => format!("{name} ({}): {}", typed.name, service.summary()),
        None => format!("{name}: {}", typed.name),
    };
    Some(with_members(&title, &typed.name, names, width))
}

/// A type.
fn kind(name: &str, names: &Names, width: usize) -> Option<String> {
    let has_members = names.members(name).next().is_some();
    has_members.then(|| with_members(&format!("The type {name}"), name, names, width))
}

fn with_members(title: &str, holds: &str, names: &Names, width: usize) -> String {
    let methods = names.members(holds).filter(|function| is_offered(function));
    let properties = names.members(holds).filter_map(|function| Some((function.property()?, function)));
    let mut lines: Vec<(String, String)> = methods
        .map(|function| (format!("{}({})", function.name, params(function, 1)), function.summary().to_owned()))
        .chain(properties.map(|(name, function)| (name.to_owned(), function.summary().to_owned())))
        .collect();
    lines.sort();
    match lines.is_empty() {
        true => title.to_owned(),
        false => format!("{title}\n{}", table(&lines, width)),
    }
}

fn params(function: &Function, skip: usize) -> String {
    function.params.iter().skip(skip).map(|param| param.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn module(name: &str, names: &Names, width: usize) -> Option<String> {
    let module = name.trim_end_matches("::");
    let functions = names.in_module(module).filter(|function| function.is_callable());
    let line = |function: &Function| {
        (format!("{module}::{}({})", function.name, params(function, 0)), function.summary().to_owned())
    };
    section(&format!("The module {module}"), functions.map(line).collect(), width)
}

/// All overloads of a function with their comments: `name`, `module::name`, `value.name`, `Type.name`.
fn functions(name: &str, names: &Names) -> Option<String> {
    let pieces = pieces(name);
    let last = pieces.last().filter(|last| last.is_word())?;
    let dot = pieces.len().checked_sub(2).map(|at| &pieces[at]);
    let overloads: Vec<&Function> = match dot {
        Some(sign) if sign.is("::") => {
            names.in_module(&types::module(&pieces, pieces.len() - 2)).filter(|f| f.name == last.text).collect()
        }
        Some(sign) if sign.is(".") => {
            let typed = types::before(&pieces, pieces.len() - 2, names).map(|typed| typed.name);
            let holds = typed.unwrap_or_else(|| pieces[0].text.to_owned());
            let property = format!("get${}", last.text);
            names.methods(&holds, last.text).chain(names.methods(&holds, &property)).collect()
        }
        None => names.every(last.text).filter(|function| function.is_callable()).collect(),
        Some(_) => return None,
    };
    (!overloads.is_empty()).then(|| described(&overloads))
}

/// Signatures that share a comment stand above it together.
fn described(overloads: &[&Function]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for same in overloads.chunk_by(|one, next| one.comment == next.comment) {
        let mut lines: Vec<String> = same.iter().map(|function| signature(function)).collect();
        lines.extend(same[0].comment.lines().map(|line| format!("    {line}").trim_end().to_owned()));
        texts.push(lines.join("\n"));
    }
    texts.join("\n\n")
}

fn signature(function: &Function) -> String {
    match (function.property(), function.params.first(), function.returns.as_str()) {
        (Some(name), Some(receiver), "") => format!("{}.{name}", receiver.holds),
        (Some(name), Some(receiver), returns) => format!("{}.{name} -> {returns}", receiver.holds),
        _ => function.signature(),
    }
}

fn unknown(name: &str, names: &Names) -> String {
    if KEYWORDS.contains(&name) {
        return format!("`{name}` is a word of the language");
    }
    let last = pieces(name).last().map_or(name, |piece| piece.text);
    let functions = names.functions().iter().filter(|function| function.is_callable());
    let known = functions.map(|function| function.name.as_str());
    let known = known.chain(names.modules()).chain(names.globals().keys().map(String::as_str));
    let known = known.chain(names.variables().keys().map(String::as_str));
    match did_you_mean(last, known) {
        Some(near) => format!("nothing is known about `{name}`; {near}"),
        None => format!("nothing is known about `{name}`; ? alone lists what there is"),
    }
}
