//! The words for an error of a running script.

use std::ops::Range;

use rhai::{Dynamic, EvalAltResult, Map};

use crate::error::{Kind, did_you_mean, near};
use crate::script::catalogue::Function;
use crate::script::convert;
use crate::script::report::call::{Call, no_index, property_missing};
use crate::script::report::scene::Scene;
use crate::script::report::syntax::syntax;
use crate::script::report::{Names, foreign, race};
use crate::services;

/// Functions that are written in scripts.
#[derive(Debug, Default)]
pub struct Scripted {
    /// In the one where the error happened.
    pub here: Vec<Function>,
    /// In the imported ones, under names that only their importers know.
    pub elsewhere: Vec<Function>,
}

pub struct Said {
    pub code: String,
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
    /// What to mark in place of the word at the error's own position: bytes of the text.
    pub at: Option<Range<usize>>,
}

impl Said {
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Said {
        Said { code: code.to_owned(), kind, message: message.into(), hint: None, at: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Said {
        self.hint = Some(hint.into());
        self
    }

    pub fn maybe(mut self, hint: Option<String>) -> Said {
        self.hint = hint;
        self
    }

    /// Marks the character that begins here or, for an end, the one before it.
    pub fn at(mut self, place: Option<usize>) -> Said {
        self.at = place.map(|place| place..place + 1);
        self
    }

    pub fn at_range(mut self, range: Range<usize>) -> Said {
        self.at = Some(range);
        self
    }

    pub fn at_word_before(mut self, scene: &Scene<'_>) -> Said {
        let end = scene.before().trim_end().len();
        self.at = Some(end - scene.word_before().len()..end);
        self
    }

    pub fn of(error: &EvalAltResult, names: &Names<'_>, own: &Scripted, scene: Option<&Scene<'_>>) -> Said {
        use EvalAltResult as E;
        let script = |code: &str, message: String| Said::new(Kind::Script, code, message);
        match error {
            E::ErrorParsing(wrong, _) => syntax(wrong, scene.unwrap_or(&Scene { text: "", at: 0 })),
            E::ErrorRuntime(value, _) => thrown_value(value),
            E::ErrorFunctionNotFound(call, _) => Call::taken_apart(call, scene).not_found(names, own, scene),
            E::ErrorVariableNotFound(name, _) => no_variable(name, names, own, scene),
            E::ErrorModuleNotFound(name, _) => no_module(name, names),
            E::ErrorPropertyNotFound(name, _) => {
                script("script.no_field", format!("the map has no field `{name}`")).hint(no_field(name, scene))
            }
            E::ErrorIndexNotFound(index, _) => script("script.no_index", format!("there is nothing at `{index}`")),
            E::ErrorArrayBounds(len, index, _) => bounds("element", "list", *len, *index),
            E::ErrorStringBounds(len, index, _) => bounds("character", "text", *len, *index),
            E::ErrorMismatchDataType(wanted, found, _) | E::ErrorMismatchOutputType(wanted, found, _) => {
                let (wanted, found) = (script_type(wanted), script_type(found));
                let said = script("script.type", format!("expected {}, found {}", a(&wanted), a(&found)));
                let is_index = scene.is_some_and(|scene| scene.before().trim_end().ends_with('['));
                match wanted.as_str() {
                    "integer" if found == "range" => said.hint("a part of a list is list.extract(0..2)"),
                    "integer" if is_index && found == "text" => {
                        said.hint("elements are counted from 0: list[0]; names belong to maps and rows: list[0].NAME")
                    }
                    "text" if is_index && found == "integer" => {
                        said.hint("keys of a map are texts: map[\"7\"], or map[id.to_string()]")
                    }
                    "bool" => said.hint("compare it with something: list.len() > 0, text != \"\", value != ()"),
                    _ => said,
                }
            }
            E::ErrorIndexingType(what, _) => {
                let (holder, index) = what.split_once(" [").unwrap_or((what, ""));
                let index = index.split(']').next().unwrap_or_default();
                match script_type(holder).as_str() {
                    "()" => nothing("the value before `[` is ()", "[…]"),
                    holder => no_index(holder, &script_type(index), what.contains("] = ")),
                }
            }
            E::ErrorDotExpr(what, _) => no_property(what, names),
            E::ErrorFor(_) => Said::new(Kind::Script, "script.for", "`for` needs something with elements")
                .hint("a list, Rows, a Stream or a range such as 0..10"),
            E::ErrorArithmetic(what, _) => {
                let said = script("script.arithmetic", lower(what));
                match what.contains("overflow") {
                    true => said.hint("integers have 64 bits; decimal(…) holds 28 digits"),
                    false => said,
                }
            }
            E::ErrorAssignmentToConstant(name, _) => script("script.constant", format!("`{name}` is a constant"))
                .hint("declare it with `let` to change it, or choose another name for a variable of your own"),
            E::ErrorUnboundThis(_) => Said::new(Kind::Script, "script.this", "`this` has no value here")
                .hint("call the function as a method: value.function()"),
            E::ErrorDataRace(what, _) => race::said(what, scene),
            E::ErrorStackOverflow(_) => {
                Said::new(Kind::Script, "script.too_deep", "functions call each other too deep")
                    .hint("look for a function that calls itself without an end")
            }
            E::ErrorTooManyOperations(_) => {
                Said::new(Kind::Script, "script.max_operations", "the script did more than --max-operations allows")
                    .hint("raise the number, or look for a loop without an end")
            }
            E::ErrorTerminated(..) => Said::new(Kind::Stopped, "stopped", "stopped"),
            other => script("script.error", lower(&plain_message(other))),
        }
    }
}

fn bounds(what: &str, of: &str, len: usize, index: i64) -> Said {
    let said = |message: String| Said::new(Kind::Script, "script.bounds", message);
    match len {
        0 => said(format!("there is no {what} {index}: the {of} is empty")),
        len => said(format!("there is no {what} {index}: the {of} has {len}"))
            .hint(format!("the first is 0, the last is {} or -1", len - 1)),
    }
}

/// Something was asked of `()`.
pub fn nothing(what: &str, access: &str) -> Said {
    Said::new(Kind::Script, "script.nothing", what)
        .hint(format!("it has no value; ask first: if x != () {{ … }}, or write x?{access}, which gives () then"))
}

/// The message without the position that Rhai appends.
fn plain_message(error: &EvalAltResult) -> String {
    let text = error.to_string();
    match text.rfind(" (line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

pub fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The map's own names are not known here; those that the script writes may help.
fn no_field(name: &str, scene: Option<&Scene<'_>>) -> String {
    if let Some(hint) = foreign::method("map", name) {
        return hint.to_owned();
    }
    if let Some(answer) = scene.and_then(Scene::answer) {
        return format!("an answer holds what came back as its field `result`: {answer}.result.{name}");
    }
    let otherwise = format!("where it may be missing, write .get(\"{name}\"), which gives () then");
    let known = scene.map(Scene::fields).unwrap_or_default();
    match near(name, known.into_iter().filter(|known| *known != name)).first() {
        Some(near) => format!("the script also writes `{near}`; {otherwise}"),
        None => otherwise,
    }
}

/// A thrown value: our own error map, one of Rhai's, or whatever the script threw.
fn thrown_value(value: &Dynamic) -> Said {
    let Some(map) = value.read_lock::<Map>() else {
        return Said::new(Kind::Script, "script.thrown", value.to_string());
    };
    let text = |name: &str| map.get(name).filter(|value| value.is_string()).map(ToString::to_string);
    let kind = text("kind").and_then(|word| Kind::from_word(&word)).unwrap_or(Kind::Script);
    let message = text("message").unwrap_or_else(|| {
        convert::to_value(&Dynamic::from(map.clone())).map_or_else(|_| format!("{map:?}"), |value| value.to_string())
    });
    let code = text("error").unwrap_or_else(|| "script.thrown".into());
    let more =
        (code == "b24.not_asked").then(|| "answers are found by their id; answers.results[0] is the first".into());
    Said::new(kind, &code, message).maybe(text("hint").or(more))
}

/// `Unknown property 'NAME' - a getter is not registered for type 'Moment'` taken apart.
fn no_property(what: &str, names: &Names<'_>) -> Said {
    let mut quoted = what.split('\'').skip(1).step_by(2);
    match (quoted.next(), quoted.next()) {
        (Some(name), Some(holder)) => property_missing(name, &script_type(holder), what.contains("setter"), names),
        _ => Said::new(Kind::Script, "script.no_property", lower(what)),
    }
}

fn no_variable(name: &str, names: &Names<'_>, own: &Scripted, scene: Option<&Scene<'_>>) -> Said {
    let said = Said::new(Kind::Script, "script.no_variable", format!("there is no variable `{name}`"));
    if names.constants.iter().any(|known| known == name) || scene.is_some_and(|scene| scene.has_constant(name)) {
        return said.hint(format!("inside a function a constant of the file is written global::{name}"));
    }
    if names.variables.iter().any(|known| known == name) {
        return said.hint("functions do not see the variables around them; pass it as a parameter");
    }
    let is_module = names.functions.iter().any(|function| function.namespace == name);
    let is_import = scene.is_some_and(|scene| scene.has_import(name));
    if let Some(hint) = scene.and_then(|scene| of_its_place(name, is_module || is_import, scene)) {
        return said.hint(hint);
    }
    if let Some(hint) = foreign::name(name) {
        return said.hint(hint);
    }
    if is_module {
        return said.hint(format!("`{name}` is a module: write {name}::function(…)"));
    }
    if let Some(written) = as_call(name, own.here.iter().chain(names.functions)) {
        return said.hint(format!("it is a function: write {written}"));
    }
    let variables = names.globals.iter().chain(names.variables).map(String::as_str);
    let functions =
        own.here.iter().chain(names.functions).filter(|known| known.is_callable() && known.namespace.is_empty());
    let functions: Vec<&str> =
        functions.filter(|known| known.receiver().is_none()).map(|known| known.name.as_str()).collect();
    // Variables first: a function is rarely meant where no bracket follows.
    let near = did_you_mean(name, variables).or_else(|| did_you_mean(name, functions));
    said.hint(near.unwrap_or_else(|| format!("declare it before it is used: let {name} = …")))
}

/// What the code around a name that means nothing says.
pub fn of_its_place(name: &str, is_module: bool, scene: &Scene<'_>) -> Option<String> {
    if scene.word() != name {
        return None;
    }
    if let Some(hint) = services::instead(scene.path()) {
        return Some(hint);
    }
    let behind = scene.after()[name.len()..].trim_start();
    let member =
        behind.strip_prefix('.').map(|rest| Scene { text: rest, at: 0 }.word()).filter(|word| !word.is_empty());
    match scene.word_before() {
        "import" if is_module => Some(format!("`{name}` is there without an import: write {name}::function(…)")),
        "import" => Some(format!("a file is brought in with import \"{name}\" as {name};")),
        _ if is_module && member.is_some() => {
            let member = member.unwrap_or_default();
            let instead = foreign::in_module(name, member).map(ToOwned::to_owned);
            Some(instead.unwrap_or_else(|| format!("`{name}` is a module: write {name}::{member}(…)")))
        }
        _ if behind.starts_with('=') && !behind.starts_with("==") && !scene.is_member() => {
            Some(format!("a new variable is declared with let: let {name} = …"))
        }
        _ => None,
    }
}

/// How a plain function is called, when there is one of this name.
pub fn as_call<'a>(name: &str, functions: impl Iterator<Item = &'a Function>) -> Option<String> {
    let named = |known: &&Function| known.name == name && known.namespace.is_empty() && known.receiver().is_none();
    let mut named = functions.filter(named).peekable();
    named.peek()?;
    Some(match named.any(|known| known.params.is_empty()) {
        true => format!("{name}()"),
        false => format!("{name}(…)"),
    })
}

fn no_module(name: &str, names: &Names<'_>) -> Said {
    let said = Said::new(Kind::Script, "script.no_module", format!("there is no module `{name}`"));
    if names.globals.iter().any(|known| known == name) {
        return said.hint(format!("`{name}` is an object: write {name}.function(…)"));
    }
    let modules = names.functions.iter().map(|function| function.namespace.as_str()).filter(|space| !space.is_empty());
    let near = did_you_mean(name, modules);
    said.hint(near.unwrap_or_else(|| format!("a file is brought in with import \"{name}\" as {name};")))
}

/// A type in one of Rhai's messages, as scripts call it.
pub fn script_type(rhai: &str) -> String {
    let name = rhai.split(" | ").next().unwrap_or(rhai).trim().trim_start_matches('&');
    let name = name.rsplit("::").next().unwrap_or(name);
    match name {
        "str" | "string" | "ImmutableString" | "String" => "text",
        "i64" | "INT" => "integer",
        "f64" | "FLOAT" => "number",
        "array" | "Array" => "list",
        "Map" => "map",
        "Fn" | "FnPtr" => "function",
        "Decimal" => "decimal",
        "char" => "character",
        "range" | "range=" | "Range" | "RangeInclusive" | "Range<i64>" | "RangeInclusive<i64>" => "range",
        other => other,
    }
    .to_owned()
}

/// A type in a sentence.
pub fn a(name: &str) -> String {
    match name {
        "bool" => "true or false".to_owned(),
        "integer" => "an integer".to_owned(),
        "text" | "number" | "decimal" | "list" | "map" | "function" | "character" | "range" => format!("a {name}"),
        other => other.to_owned(),
    }
}
