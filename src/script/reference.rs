//! The reference of everything scripts can call, made from the doc comments: pages in Markdown, JSON for tools, and
//! what a terminal shows for one name.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::config::Known;
use crate::script::catalogue::Function;
use crate::settings::COMMON;

/// One page: a module, a type, or the functions that need neither.
#[derive(Clone, Debug)]
pub struct Page {
    /// `json`, `Rows`, `global`.
    pub name: String,
    /// The name of its file. Some file systems take `rac.md` and `Rac.md` for one, so the object's says that it is one.
    pub file: String,
    pub functions: Vec<Function>,
}

/// The name of the page of plain functions.
const GLOBAL: &str = "global";

/// All pages, sorted by name. Operators and the like are left out.
pub fn pages(functions: &[Function]) -> Vec<Page> {
    let mut pages: BTreeMap<String, Vec<Function>> = BTreeMap::new();
    for function in functions.iter().filter(|function| shown(function)) {
        let page = function.owner().unwrap_or(GLOBAL);
        pages.entry(page.to_owned()).or_default().push(told_once(function, functions));
    }
    let modules: Vec<String> = pages.keys().filter(|name| name.starts_with(char::is_lowercase)).cloned().collect();
    let file = |name: &str| match name.starts_with(char::is_uppercase) && modules.contains(&name.to_lowercase()) {
        true => format!("{name}-object.md"),
        false => format!("{name}.md"),
    };
    pages.into_iter().map(|(name, functions)| Page { file: file(&name), name, functions }).collect()
}

/// A method that says the same as a function of a module refers to it.
fn told_once(function: &Function, functions: &[Function]) -> Function {
    let same = |other: &&Function| {
        !other.namespace.is_empty() && other.name == function.name && other.comment == function.comment
    };
    match functions.iter().find(same).filter(|_| function.receiver().is_some()) {
        Some(Function { namespace, name, .. }) => {
            let comment = format!("The same as [`{namespace}::{name}`]({namespace}.md#{name}) on this connection.");
            Function { comment, ..function.clone() }
        }
        None => function.clone(),
    }
}

/// What a person can write: functions with a comment, and properties.
fn shown(function: &Function) -> bool {
    (function.is_callable() || function.property().is_some()) && !function.comment.is_empty()
}

impl Page {
    /// The functions by their name, each with its overloads, shortest first.
    fn by_name(&self) -> BTreeMap<&str, Vec<&Function>> {
        let mut names: BTreeMap<&str, Vec<&Function>> = BTreeMap::new();
        for function in &self.functions {
            names.entry(function.property().unwrap_or(&function.name)).or_default().push(function);
        }
        for overloads in names.values_mut() {
            overloads.sort_by_key(|function| (function.property().is_some(), function.params.len()));
        }
        names
    }

    pub fn markdown(&self) -> String {
        let mut text =
            format!("# {}\n\nGenerated from the doc comments by `pult docs --write docs/reference`.\n", self.name);
        for (name, overloads) in self.by_name() {
            write_into(&mut text, format_args!("\n## {name}\n"));
            let mut said = "";
            for function in overloads {
                write_into(&mut text, format_args!("\n`{}`\n", written(function)));
                if function.comment != said {
                    write_into(&mut text, format_args!("\n{}\n", sunk(&function.comment)));
                }
                said = &function.comment;
            }
        }
        text
    }
}

/// The index of all pages.
pub fn index(pages: &[Page]) -> String {
    let mut text = "# Reference\n\nGenerated from the doc comments by `pult docs --write docs/reference`.\n".to_owned();
    for page in pages {
        let names: Vec<&str> = page.by_name().into_keys().collect();
        write_into(&mut text, format_args!("\n- [{}]({}): {}", page.name, page.file, names.join(", ")));
    }
    text.push_str("\n- [Settings](settings.md): what `pult.toml` says of each connection\n");
    text
}

/// What every section of `pult.toml` may say.
pub fn settings(known: &[Known]) -> String {
    let mut text = "# Settings\n\nWhat a connection is told, in `pult.toml` or by `connect(#{…})`. Generated from the \
                    services' tables by `pult docs --write docs/reference`.\n"
        .to_owned();
    for service in known {
        write_into(&mut text, format_args!("\n## [{}.NAME]\n\n", service.service));
        text.push_str("| setting | | example |\n|---|---|---|\n");
        for setting in service.settings.iter().chain(COMMON) {
            let help = setting.help.replace('|', "\\|");
            write_into(&mut text, format_args!("| `{}` | {help} | `{}` |\n", setting.name, setting.example));
        }
    }
    text
}

/// Everything, for tools.
pub fn as_json(pages: &[Page]) -> Value {
    let function = |function: &Function| {
        json!({
            "name": function.name, "namespace": function.namespace, "signature": written(function),
            "params": function.params.iter().map(|param| json!({"name": param.name, "type": param.holds})).collect::<Vec<_>>(),
            "returns": function.returns, "doc": function.comment,
        })
    };
    pages
        .iter()
        .map(|page| json!({"page": page.name, "functions": page.functions.iter().map(function).collect::<Vec<_>>()}))
        .collect()
}

/// How a call is written.
fn written(function: &Function) -> String {
    match (function.property(), function.receiver()) {
        (Some(property), Some(receiver)) => format!("{receiver}.{property} -> {}", function.returns),
        _ => function.signature(),
    }
}

/// Headings inside a comment stand below the function's own.
fn sunk(comment: &str) -> String {
    let line = |line: &str| if line.starts_with("# ") { format!("##{line}") } else { line.to_owned() };
    let mut in_code = false;
    let lines = comment.lines().map(|text| {
        in_code ^= text.starts_with("```");
        if in_code { text.to_owned() } else { line(text) }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The examples in a comment: the contents of its code blocks.
pub fn examples(comment: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut current: Option<String> = None;
    for line in comment.lines() {
        match (&mut current, line.trim()) {
            (None, "```rhai") => current = Some(String::new()),
            (Some(_), "```") => examples.extend(current.take()),
            (Some(example), _) => {
                example.push_str(line);
                example.push('\n');
            }
            (None, _) => {}
        }
    }
    examples
}

fn write_into(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = text.write_fmt(arguments);
}
