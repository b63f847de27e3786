//! What went wrong, in one shape, whether the script did not compile, threw, or a native call failed.

use std::sync::Arc;

use rhai::{Dynamic, EvalAltResult, Map, ParseErrorType, Position};

use crate::error::{Error, Kind, did_you_mean};
use crate::render::snippet::{self, Place, Snippet, Style};
use crate::script::catalogue::Function;
use crate::script::convert;
use crate::script::imports::Sources;
use crate::script::method_call;

/// One step of the way to the fault.
#[derive(Debug)]
struct Step {
    what: String,
    source: String,
    position: Position,
}

/// A fault with its place and the calls that led there.
#[derive(Debug)]
pub struct Report {
    pub code: String,
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
    place: Option<Place>,
    /// Innermost first.
    trail: Vec<String>,
    /// Further faults of the same thing, each with its own place (a configuration's).
    others: Vec<crate::error::Fault>,
}

/// What is known about names, for hints.
pub struct Names<'a> {
    pub functions: &'a [Function],
    /// Objects such as `b24`, and the variables of a session.
    pub globals: &'a [String],
    /// Variables that exist at top level, which functions do not see.
    pub variables: &'a [String],
}

impl Report {
    /// Of an error that is not the script's.
    pub fn of(error: &Error) -> Report {
        Report {
            code: error.code().to_owned(),
            kind: error.kind(),
            message: error.message().to_owned(),
            hint: error.hint_text().map(ToOwned::to_owned),
            place: None,
            trail: Vec::new(),
            others: error.all_faults().to_vec(),
        }
    }

    /// Of what the engine returned for the text named `source`.
    pub fn of_script(error: &EvalAltResult, source: &str, sources: &Sources, names: &Names<'_>) -> Report {
        let (steps, inner, source, position) = unwind(error, source);
        let said = Said::of(inner, names);
        let place = sources.text(&source).and_then(|text| place(&source, text, position));
        let mut trail: Vec<String> =
            steps.iter().rev().map(|step| format!("{} ({})", step.what, at(&step.source, step.position))).collect();
        // A fault without a known text still tells where it is.
        if place.is_none() && !position.is_none() {
            trail.insert(0, at(&source, position));
        }
        Report {
            code: said.code,
            kind: said.kind,
            message: said.message,
            hint: said.hint,
            place,
            trail,
            others: Vec::new(),
        }
    }

    /// The report as text.
    pub fn draw(&self, style: Style) -> String {
        let snippet = Snippet {
            code: &self.code,
            message: &self.message,
            hint: self.hint.as_deref(),
            place: self.place.as_ref(),
        };
        let mut text = snippet::draw(&snippet, style);
        for (at, step) in self.trail.iter().enumerate() {
            text.push_str(if at == 0 { "\n  from: " } else { "\n        " });
            text.push_str(step);
        }
        for fault in &self.others {
            let place = Place { source: fault.source.clone(), text: fault.text.clone(), span: fault.span.clone() };
            let snippet =
                Snippet { code: &self.code, message: &fault.message, hint: fault.hint.as_deref(), place: Some(&place) };
            text.push_str("\n\n");
            text.push_str(&snippet::draw(&snippet, style));
        }
        text
    }
}

/// An error as a map with the code and the words that a report would have.
pub fn thrown_map(error: &EvalAltResult) -> Map {
    let inner = error.unwrap_inner();
    if let EvalAltResult::ErrorRuntime(value, _) = inner
        && let Some(map) = value.read_lock::<Map>()
    {
        return map.clone();
    }
    let said = Said::of(inner, &Names { functions: &[], globals: &[], variables: &[] });
    let mut map = Map::new();
    map.insert("error".into(), said.code.into());
    map.insert("kind".into(), said.kind.word().into());
    map.insert("message".into(), said.message.into());
    map.insert("hint".into(), said.hint.map_or(Dynamic::UNIT, Into::into));
    let place = |n: Option<usize>| n.and_then(|n| i64::try_from(n).ok()).map_or(Dynamic::UNIT, Into::into);
    map.insert("line".into(), place(inner.position().line()));
    map.insert("position".into(), place(inner.position().position()));
    map
}

/// The chain of calls (outermost first), the error at its end, and where that is. The place of a step lies in the text
/// of the step around it.
fn unwind<'e>(error: &'e EvalAltResult, source: &str) -> (Vec<Step>, &'e EvalAltResult, String, Position) {
    let mut steps = Vec::new();
    let mut source = source.to_owned();
    let mut error = error;
    loop {
        let (what, inside, inner, position) = match error {
            EvalAltResult::ErrorInFunctionCall(name, inside, inner, position) => {
                let what = match name.starts_with("anon$") {
                    true => "in a function without a name, called".to_owned(),
                    false => format!("in `{name}`, called"),
                };
                (what, inside, inner, *position)
            }
            EvalAltResult::ErrorInModule(name, inner, position) => ("imported".to_owned(), name, inner, *position),
            last => return (steps, last, source, last.position()),
        };
        if !position.is_none() {
            steps.push(Step { what, source: source.clone(), position });
        }
        if !inside.is_empty() {
            source.clone_from(inside);
        }
        error = inner;
    }
}

fn at(source: &str, position: Position) -> String {
    match (position.line(), position.position()) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", shown_name(source)),
        (Some(line), None) => format!("{}:{line}", shown_name(source)),
        _ => shown_name(source),
    }
}

/// A file's path as short as it is clear: relative to where `pult` was started when it lies below.
pub fn shown_name(source: &str) -> String {
    let here = std::env::current_dir().ok().and_then(|here| dunce::canonicalize(here).ok());
    here.and_then(|here| std::path::Path::new(source).strip_prefix(here).ok().map(|path| path.display().to_string()))
        .unwrap_or_else(|| source.to_owned())
}

/// The word at a position, or one character.
pub fn place(source: &str, text: Arc<str>, position: Position) -> Option<Place> {
    let line_number = position.line()?;
    let mut start = 0;
    let mut line = "";
    for (n, candidate) in text.split_inclusive('\n').enumerate() {
        if n + 1 == line_number {
            line = candidate;
            break;
        }
        start += candidate.len();
    }
    let content = line.trim_end_matches(['\n', '\r']);
    // Rhai counts characters, the drawing counts bytes.
    let column = position.position().unwrap_or(1).saturating_sub(1);
    let from = content.char_indices().nth(column).map_or(content.len(), |(at, _)| at);
    let word: usize =
        content[from..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
    let length = match word {
        0 => content[from..].chars().next().map_or(0, char::len_utf8),
        word => word,
    };
    Some(Place { source: shown_name(source), text, span: start + from..start + from + length })
}

/// The words for an error.
struct Said {
    code: String,
    kind: Kind,
    message: String,
    hint: Option<String>,
}

impl Said {
    fn new(kind: Kind, code: &str, message: impl Into<String>) -> Said {
        Said { code: code.to_owned(), kind, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Said {
        self.hint = Some(hint.into());
        self
    }

    fn maybe(mut self, hint: Option<String>) -> Said {
        self.hint = hint;
        self
    }

    fn of(error: &EvalAltResult, names: &Names<'_>) -> Said {
        use EvalAltResult as E;
        match error {
            E::ErrorParsing(wrong, _) => syntax(wrong),
            E::ErrorRuntime(value, _) => thrown_value(value),
            E::ErrorFunctionNotFound(call, _) => no_function(call, names),
            E::ErrorVariableNotFound(name, _) => no_variable(name, names),
            E::ErrorModuleNotFound(name, _) => no_module(name, names),
            E::ErrorPropertyNotFound(name, _) => {
                Said::new(Kind::Script, "script.no_field", format!("there is no field `{name}`"))
                    .hint(format!("where it may be missing, write `.get(\"{name}\")`, which gives () then"))
            }
            E::ErrorIndexNotFound(index, _) => {
                Said::new(Kind::Script, "script.no_index", format!("there is nothing at `{index}`"))
            }
            E::ErrorArrayBounds(len, index, _) => {
                Said::new(Kind::Script, "script.bounds", format!("there is no element {index}: the list has {len}"))
            }
            E::ErrorStringBounds(len, index, _) => {
                Said::new(Kind::Script, "script.bounds", format!("there is no character {index}: the text has {len}"))
            }
            E::ErrorMismatchDataType(wanted, found, _) | E::ErrorMismatchOutputType(wanted, found, _) => {
                let message = format!("expected {}, found {}", script_type(wanted), script_type(found));
                Said::new(Kind::Script, "script.type", message)
            }
            E::ErrorIndexingType(what, _) => {
                Said::new(Kind::Script, "script.type", format!("{} has no elements or fields", script_type(what)))
            }
            E::ErrorDotExpr(what, _) => Said::new(Kind::Script, "script.property", what.clone()),
            E::ErrorFor(_) => Said::new(Kind::Script, "script.for", "`for` needs something with elements")
                .hint("a list, Rows, a Stream or a range such as 0..10"),
            E::ErrorArithmetic(what, _) => Said::new(Kind::Script, "script.arithmetic", lower(what)),
            E::ErrorAssignmentToConstant(name, _) => {
                Said::new(Kind::Script, "script.constant", format!("`{name}` is a constant"))
                    .hint("choose another name for a variable of your own, or declare it with `let`")
            }
            E::ErrorUnboundThis(_) => Said::new(Kind::Script, "script.this", "`this` has no value here")
                .hint("call the function as a method: value.function()"),
            E::ErrorDataRace(name, _) => {
                Said::new(Kind::Script, "script.data_race", format!("`{name}` is in use by the call that is going on"))
                    .hint("copy it into another variable before the call")
            }
            E::ErrorStackOverflow(_) => {
                Said::new(Kind::Script, "script.too_deep", "functions call each other too deep")
                    .hint("look for a function that calls itself without an end")
            }
            E::ErrorTooManyOperations(_) => {
                Said::new(Kind::Script, "script.max_operations", "the script did more than --max-operations allows")
                    .hint("raise the number, or look for a loop without an end")
            }
            E::ErrorTerminated(..) => Said::new(Kind::Stopped, "stopped", "stopped"),
            other => Said::new(Kind::Script, "script.error", lower(&plain_message(other))),
        }
    }
}

/// The message without the position that Rhai appends.
fn plain_message(error: &EvalAltResult) -> String {
    let text = error.to_string();
    match text.rfind(" (line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn syntax(wrong: &ParseErrorType) -> Said {
    let said = Said::new(Kind::Compile, "script.syntax", lower(&wrong.to_string()));
    match wrong {
        ParseErrorType::Reserved(word) => said.hint(format!(
            "`{word}` is a word of the language; choose another name, and reach a field of that name as row[\"{word}\"]"
        )),
        ParseErrorType::ExprTooDeep => said.hint("divide the expression, or move its inner part into a function"),
        ParseErrorType::UnexpectedEOF => said.hint("a bracket or a block is still open"),
        ParseErrorType::WrongFnDefinition => said.hint("move the function to the top level of the file"),
        ParseErrorType::ExprExpected(_) => {
            said.hint("`try`, `if` and loops end in a value only where a value is wanted; see the line above as well")
        }
        ParseErrorType::MissingToken(token, _) if token == ";" => said.hint("end the statement before with `;`"),
        ParseErrorType::VariableExpected => said.hint("a name begins with a letter or `_`"),
        _ => said,
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
    Said::new(kind, &text("error").unwrap_or_else(|| "script.thrown".into()), message).maybe(text("hint"))
}

/// `get_al (B24, &str | ImmutableString | String)` taken apart.
fn no_function(call: &str, names: &Names<'_>) -> Said {
    let (name, types) = call.split_once(" (").unwrap_or((call, ""));
    let name = method_call::written(name);
    let types = types.trim_end_matches(')');
    let (namespace, plain) = name.rsplit_once("::").map_or(("", name), |(space, plain)| (space, plain));
    let types: Vec<String> = types.split(", ").filter(|word| !word.is_empty()).map(script_type).collect();
    if let Some(property) = plain.strip_prefix("get$").or_else(|| plain.strip_prefix("set$")) {
        let receiver = types.first().cloned().unwrap_or_default();
        return Said::new(Kind::Script, "script.no_property", format!("{receiver} has no property `{property}`"))
            .maybe(near_methods(property, &receiver, names));
    }
    if !plain.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        let message = format!("`{plain}` does not work with {}", types.join(" and "));
        return Said::new(Kind::Script, "script.operator", message).hint("convert one of them first");
    }
    let overloads: Vec<String> = names
        .functions
        .iter()
        .filter(|function| function.name == plain && (namespace.is_empty() || function.namespace == namespace))
        .filter(|function| fits_receiver(function, types.first()))
        .map(Function::signature)
        .collect();
    if !overloads.is_empty() {
        let message = format!("`{name}` cannot be called with ({})", types.join(", "));
        return Said::new(Kind::Script, "script.arguments", message).hint(format!("there is {}", overloads.join("; ")));
    }
    let receiver = types.first().cloned().unwrap_or_default();
    let hint = match namespace {
        "" => near_methods(plain, &receiver, names),
        space => {
            let known = names.functions.iter().filter(|function| function.namespace == space);
            did_you_mean(plain, known.map(|function| function.name.as_str()))
        }
    };
    let what = match receiver.starts_with(char::is_uppercase) && namespace.is_empty() {
        true => format!("{receiver} has no method `{plain}`"),
        false => format!("there is no function `{name}`"),
    };
    Said::new(Kind::Script, "script.no_function", what).maybe(hint)
}

/// Methods of a type are not offered for another one.
fn fits_receiver(function: &Function, first: Option<&String>) -> bool {
    match (function.receiver(), first) {
        (Some(receiver), Some(first)) => receiver == first,
        (Some(_), None) => false,
        (None, _) => true,
    }
}

fn near_methods(name: &str, receiver: &str, names: &Names<'_>) -> Option<String> {
    let is_own = receiver.starts_with(char::is_uppercase);
    let known =
        names.functions.iter().filter(|function| function.is_callable()).filter(|function| match function.receiver() {
            Some(other) => other == receiver,
            None => !is_own && function.namespace.is_empty(),
        });
    did_you_mean(name, known.map(|function| function.name.as_str()))
}

fn no_variable(name: &str, names: &Names<'_>) -> Said {
    let said = Said::new(Kind::Script, "script.no_variable", format!("there is no variable `{name}`"));
    if names.variables.iter().any(|known| known == name) {
        return said.hint("functions do not see the variables around them; pass it as a parameter");
    }
    let known = names.globals.iter().chain(names.variables).map(String::as_str);
    let functions = names.functions.iter().map(|function| function.name.as_str());
    match names.functions.iter().any(|function| function.namespace == name) {
        true => said.hint(format!("`{name}` is a module: write {name}::function(…)")),
        false => said.maybe(did_you_mean(name, known.chain(functions))),
    }
}

fn no_module(name: &str, names: &Names<'_>) -> Said {
    let said = Said::new(Kind::Script, "script.no_module", format!("there is no module `{name}`"));
    if names.globals.iter().any(|known| known == name) {
        return said.hint(format!("`{name}` is an object: write {name}.function(…)"));
    }
    let modules = names.functions.iter().map(|function| function.namespace.as_str()).filter(|space| !space.is_empty());
    said.maybe(did_you_mean(name, modules))
}

/// A type in one of Rhai's messages, as scripts call it.
fn script_type(rhai: &str) -> String {
    let name = rhai.split(" | ").next().unwrap_or(rhai).trim().trim_start_matches('&');
    let name = name.rsplit("::").next().unwrap_or(name);
    match name {
        "str" | "string" | "ImmutableString" | "String" => "text",
        "i64" | "INT" => "integer",
        "f64" | "FLOAT" => "number",
        "array" => "list",
        "Fn" => "function",
        other => other,
    }
    .to_owned()
}
