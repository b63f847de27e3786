//! The words for an error of a running script.

use std::ops::Range;

use rhai::{Dynamic, EvalAltResult, Map};

use crate::error::{Kind, did_you_mean, near};
use crate::script::catalogue::{Function, Param};
use crate::script::convert;
use crate::script::method_call;
use crate::script::report::scene::Scene;
use crate::script::report::syntax::syntax;
use crate::script::report::{Names, foreign, race};

/// More signatures than this help nobody.
const MOST_SIGNATURES: usize = 4;

/// Types that scripts do not meet; what takes them is not offered.
const INTERNAL: &[&str] = &[
    "i8",
    "i16",
    "i32",
    "i128",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "f32",
    "Blob",
    "char",
    "Range",
    "ExclusiveRange",
    "InclusiveRange",
    "RangeInclusive",
];

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
fn nothing(what: &str, access: &str) -> Said {
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

/// A call for which there is no function.
struct Call {
    namespace: String,
    name: String,
    types: Vec<String>,
    /// Written `value.name(…)`; the first type is that of the value.
    is_method: bool,
}

impl Call {
    /// `get_al (B24, &str | ImmutableString | String)` taken apart.
    fn taken_apart(call: &str, scene: Option<&Scene<'_>>) -> Call {
        let (name, types) = call.split_once(" (").unwrap_or((call, ""));
        let name = method_call::written(name);
        let types = types.strip_suffix(')').unwrap_or(types);
        let name = method_call::written(name);
        let (namespace, name) = name.rsplit_once("::").unwrap_or(("", name));
        Call {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            types: types.split(", ").filter(|word| !word.is_empty()).map(script_type).collect(),
            is_method: scene.is_some_and(Scene::is_member),
        }
    }

    /// The types as they stand between the brackets.
    fn given(&self) -> &[String] {
        self.types.get(usize::from(self.is_method)..).unwrap_or_default()
    }

    fn receiver(&self) -> &str {
        self.types.first().map_or("", String::as_str)
    }

    fn written(&self) -> String {
        match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}::{}", self.name),
        }
    }

    fn not_found(&self, names: &Names<'_>, own: &Scripted, scene: Option<&Scene<'_>>) -> Said {
        let name = &self.name;
        if let Some(property) = name.strip_prefix("get$").or_else(|| name.strip_prefix("set$")) {
            return property_missing(property, self.receiver(), name.starts_with("set$"), names);
        }
        if name.starts_with("index$") {
            let index = self.types.get(1).map_or("", String::as_str);
            return no_index(self.receiver(), index, name.contains("set"));
        }
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return self.no_operator();
        }
        if name.starts_with("anon$") {
            return self.wrong_closure(scene);
        }
        if self.is_method && self.receiver() == "()" {
            return nothing(&format!("`{name}` is called on ()"), &format!(".{name}(…)"));
        }
        let scripted = if self.namespace.is_empty() { &own.here } else { &own.elsewhere };
        // One that takes so many arguments would have been called, were it still there: a dialogue forgets failed lines.
        let is_other = |known: &&Function| known.name == self.name && known.params.len() != self.types.len();
        let scripted = scripted.iter().filter(is_other);
        let native = names.functions.iter().filter(|known| self.may_mean(known));
        let mut overloads: Vec<&Function> = match names.functions.iter().any(|known| known.namespace == self.namespace)
        {
            true if !self.namespace.is_empty() => native.collect(),
            _ => scripted.chain(native).collect(),
        };
        // What belongs to the type says more than what takes anything.
        if overloads.iter().any(|known| known.receiver().is_some()) && self.is_method {
            overloads.retain(|known| known.receiver().is_some());
        }
        match overloads.is_empty() {
            true => self.unknown(names, own, scene),
            false => self.wrong_arguments(&overloads),
        }
    }

    /// A function without a name that has other parameters than it is called with.
    fn wrong_closure(&self, scene: Option<&Scene<'_>>) -> Said {
        let count = match self.types.len() {
            1 => "one argument".to_owned(),
            n => format!("{n} arguments"),
        };
        let caller = scene.map(Scene::word).filter(|word| !word.is_empty() && *word != "call");
        let message = match caller {
            Some(caller) => format!("`{caller}` calls its function with {count}, and this one takes another number"),
            None => format!("the function is called with {count}, and takes another number"),
        };
        let params: Vec<&str> = ["a", "b", "c", "d"].into_iter().take(self.types.len()).collect();
        let said = Said::new(Kind::Script, "script.arguments", message);
        if params.len() == self.types.len() { said.hint(format!("write |{}| …", params.join(", "))) } else { said }
    }

    fn no_operator(&self) -> Said {
        let [left, right] = self.types.as_slice() else {
            return Said::new(Kind::Script, "script.operator", format!("`{}` does not work here", self.name));
        };
        let message = format!("`{}` does not work with {} and {}", self.name, a(left), a(right));
        let said = Said::new(Kind::Script, "script.operator", message);
        let is_number = |name: &str| matches!(name, "integer" | "number" | "decimal");
        match (left.as_str(), right.as_str()) {
            ("()", _) | (_, "()") => said.hint("one of them has no value: x ?? 0 puts another value in its place"),
            ("text", _) if self.name == "%" => said.hint("values are put into a text by `… ${x} …`"),
            ("text", "integer") if self.name == "*" => {
                said.hint("text::repeat(text, 3) repeats it; parse_int(text) or decimal(text) makes a number of it")
            }
            ("text", other) | (other, "text") if is_number(other) => {
                said.hint("parse_int(text), parse_float(text) or decimal(text) makes a number of a text")
            }
            ("decimal", "number") | ("number", "decimal") => {
                said.hint("decimal(x) makes an exact number of the other one")
            }
            ("Moment", "integer" | "number") => {
                said.hint("moment.add(#{seconds: n}) gives a later or an earlier moment")
            }
            _ => said,
        }
    }

    fn may_mean(&self, known: &Function) -> bool {
        if known.name != self.name || known.namespace != self.namespace {
            return false;
        }
        let first = known.params.first().map_or("", |param| param.holds.as_str());
        match known.receiver() {
            Some(receiver) => script_type(receiver) == self.receiver(),
            None if self.is_method => first.is_empty() || first == self.receiver(),
            None => true,
        }
    }

    fn wrong_arguments(&self, overloads: &[&Function]) -> Said {
        let written = match (self.is_method, self.receiver()) {
            (true, receiver) if receiver.starts_with(char::is_uppercase) => format!("{receiver}.{}", self.name),
            _ => self.written(),
        };
        let overloads = offered(overloads);
        let same_count: Vec<&&Function> =
            overloads.iter().filter(|known| known.params.len() == self.types.len()).collect();
        let mut signatures: Vec<String> = overloads.iter().map(|known| known.signature()).collect();
        signatures.dedup();
        let more = signatures.len().saturating_sub(MOST_SIGNATURES);
        signatures.truncate(MOST_SIGNATURES);
        let said = |message: String| Said::new(Kind::Script, "script.arguments", message);
        let there_is = format!("there is {}{}", signatures.join("; "), if more > 0 { "; …" } else { "" });
        let there_is = self.instead(&overloads).unwrap_or(there_is);
        if let [known] = same_count.as_slice() {
            let wrong = known.params.iter().zip(&self.types).enumerate();
            let wrong = wrong
                .into_iter()
                .find(|(_, (param, found))| !param.holds.is_empty() && script_type(&param.holds) != **found);
            if let Some((at, (param, found))) = wrong {
                let number = at + 1 - usize::from(self.is_method);
                let message = match number {
                    0 => format!("`{}` is called on {}, where {} is wanted", self.name, a(found), a(&param.holds)),
                    n => format!(
                        "argument {n} (`{}`) of `{written}` is {}, where {} is wanted",
                        param.name,
                        a(found),
                        a(&param.holds)
                    ),
                };
                return said(message).hint(there_is);
            }
        }
        let given: Vec<String> = self.given().iter().map(|found| a(found)).collect();
        let message = match given.len() {
            0 => format!("`{written}` cannot be called without an argument"),
            _ => format!("`{written}` cannot be called with ({})", given.join(", ")),
        };
        said(message).hint(there_is)
    }

    /// What is meant in place of a call that other languages would understand.
    fn instead(&self, overloads: &[&Function]) -> Option<String> {
        if overloads.iter().any(|known| known.scripted) {
            return None;
        }
        let is_function = |param: &(&Param, &String)| param.0.holds == "function" && param.1 != "function";
        let fitting = |known: &&&Function| known.params.len() == self.types.len();
        let wants_function = |known: &Function| known.params.iter().zip(&self.types).any(|pair| is_function(&pair));
        let hint = match self.is_method {
            true => foreign::method(self.receiver(), &self.name),
            false => foreign::function(&self.name).filter(|_| self.namespace.is_empty()),
        };
        match (self.name.as_str(), self.given().len()) {
            ("get", 2) if self.is_method => Some("write .get(name) ?? otherwise".to_owned()),
            ("timeout" | "slow", _) if overloads.iter().filter(fitting).any(|known| wants_function(known)) => {
                Some(format!("give it a function, which it calls itself: {}(…, || …)", self.name))
            }
            _ => hint.map(ToOwned::to_owned),
        }
    }

    fn unknown(&self, names: &Names<'_>, own: &Scripted, scene: Option<&Scene<'_>>) -> Said {
        let said = |message: String| Said::new(Kind::Script, "script.no_function", message);
        if !self.namespace.is_empty() {
            let native = names.functions.iter().filter(|known| known.namespace == self.namespace);
            let mut known: Vec<&str> = native.map(|known| known.name.as_str()).collect();
            let is_import = known.is_empty();
            if is_import {
                known = own.elsewhere.iter().map(|known| known.name.as_str()).collect();
            }
            known.retain(|known| *known != self.name);
            let instead = foreign::in_module(&self.namespace, &self.name).map(ToOwned::to_owned);
            let near = instead.or_else(|| did_you_mean(&self.name, known.iter().copied()));
            let near = near.or_else(|| all_of(if is_import { "imported files have" } else { "the module has" }, known));
            let near = near.unwrap_or_else(|| format!("`pult docs {}` lists what there is", self.namespace));
            return said(format!("there is no function `{}`", self.written())).hint(near);
        }
        let receiver = self.receiver();
        let is_own = receiver.starts_with(char::is_uppercase);
        let callable = names.functions.iter().filter(|known| known.is_callable());
        let fitting = callable.clone().filter(|known| match known.receiver() {
            Some(other) => other == receiver,
            None => !is_own && known.namespace.is_empty(),
        });
        let here = own.here.iter().chain(fitting).map(|known| known.name.as_str()).filter(|known| *known != self.name);
        let near = did_you_mean(&self.name, here);
        let instead = self.instead(&[]);
        let hint = match self.is_method {
            true => instead.or_else(|| self.as_field(names)).or(near).or_else(|| self.of_another_type(names)),
            false => self.held(names, scene).or(instead).or(near).or_else(|| self.in_a_module(names)),
        };
        let said = match self.is_method {
            true => said(format!("{} has no method `{}`", a(receiver), self.name)),
            false => said(format!("there is no function `{}`", self.name)),
        };
        said.hint(hint.unwrap_or_else(|| "`pult docs` lists what there is".into()))
    }
}

impl Call {
    /// A field that is called like a method.
    fn as_field(&self, names: &Names<'_>) -> Option<String> {
        let is_it = |known: &Function| {
            known.property() == Some(&self.name)
                && known.params.first().is_some_and(|param| param.holds == self.receiver())
        };
        names.functions.iter().any(is_it).then(|| format!("it is a field: write .{}", self.name))
    }

    /// A variable that is called like a function.
    fn held(&self, names: &Names<'_>, scene: Option<&Scene<'_>>) -> Option<String> {
        let name = &self.name;
        let is_known = names.variables.contains(name) || scene.is_some_and(|scene| scene.has_variable(name));
        is_known.then(|| held(name))
    }

    /// A plain function that exists in modules under this name or a near one.
    fn in_a_module(&self, names: &Names<'_>) -> Option<String> {
        let qualified = names.functions.iter().filter(|known| known.is_callable() && !known.namespace.is_empty());
        let nearest = near(&self.name, qualified.clone().map(|known| known.name.as_str())).first().copied()?;
        let qualified = qualified.filter(|known| known.name == nearest);
        any_of(qualified.map(|known| format!("{}::{}", known.namespace, known.name)).collect())
    }

    /// A method that exists, but not for this value.
    fn of_another_type(&self, names: &Names<'_>) -> Option<String> {
        let name = &self.name;
        if self.receiver() == "text"
            && names.functions.iter().any(|known| known.namespace == "text" && known.name == *name)
        {
            return Some(format!("write text::{name}(…) with the text as its first argument"));
        }
        let owners = names.functions.iter().filter(|known| known.name == *name).filter_map(Function::receiver);
        let owners = owners.filter(|owner| *owner != "Decimal");
        let mut owners: Vec<String> = owners.map(ToOwned::to_owned).collect();
        if self.receiver() == "list" && owners.iter().any(|owner| owner == "Rows") {
            return Some(format!("Rows have it: write rows(list).{name}(…)"));
        }
        owners.sort();
        owners.dedup();
        (!owners.is_empty()).then(|| format!("it is a method of {}", owners.join(", ")))
    }
}

/// How a function that a variable holds is called.
pub fn held(name: &str) -> String {
    format!("`{name}` is a variable; a function that it holds is called by {name}.call(…)")
}

/// What a module has, where nothing is near.
pub fn all_of(who: &str, mut names: Vec<&str>) -> Option<String> {
    names.retain(|name| name.starts_with(char::is_alphabetic) && !name.contains('$'));
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| format!("{who} {}", names.join(", ")))
}

/// Those that a script can call with what it has.
fn offered<'a>(overloads: &[&'a Function]) -> Vec<&'a Function> {
    let is_internal = |holds: &str| INTERNAL.contains(&holds.split('<').next().unwrap_or(holds).trim());
    let is_offered = |known: &&&Function| {
        !known.params.iter().any(|param| is_internal(&param.holds)) && !is_internal(&known.returns)
    };
    let offered: Vec<&Function> = overloads.iter().filter(is_offered).copied().collect();
    if offered.is_empty() { overloads.to_vec() } else { offered }
}

/// "did you mean `json::parse` or `csv::parse`?" of names that are near by another measure.
fn any_of(names: Vec<String>) -> Option<String> {
    let mut names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.sort();
    names.dedup();
    names.truncate(3);
    let last = names.pop()?;
    Some(match names.is_empty() {
        true => format!("did you mean {last}?"),
        false => format!("did you mean {} or {last}?", names.join(", ")),
    })
}

/// `Unknown property 'NAME' - a getter is not registered for type 'Moment'` taken apart.
fn no_property(what: &str, names: &Names<'_>) -> Said {
    let mut quoted = what.split('\'').skip(1).step_by(2);
    match (quoted.next(), quoted.next()) {
        (Some(name), Some(holder)) => property_missing(name, &script_type(holder), what.contains("setter"), names),
        _ => Said::new(Kind::Script, "script.no_property", lower(what)),
    }
}

/// `value[…]` for a value or an index that does not go together.
fn no_index(receiver: &str, index: &str, is_set: bool) -> Said {
    let said = |message: &str| Said::new(Kind::Script, "script.type", message);
    match (receiver, index) {
        ("Row", _) if is_set => unchangeable(),
        ("Rows", "range") => said("a range chooses no rows").hint("write rows.skip(0).take(2)"),
        ("Rows", "text") => {
            said("a name chooses no row").hint("rows.column(\"NAME\") is a column, rows[0].NAME a field")
        }
        ("Row", "integer") => said("a number chooses no field").hint("write row.NAME or row[\"NAME\"]"),
        _ => said(&format!("{} has no elements or fields to choose with […]", a(receiver))),
    }
}

fn unchangeable() -> Said {
    Said::new(Kind::Script, "script.row", "a row cannot be changed")
        .hint("make a map of it: let own = row.to_map(); own.NAME = …")
}

fn property_missing(name: &str, holder: &str, is_set: bool, names: &Names<'_>) -> Said {
    if holder == "()" {
        return nothing(&format!("`.{name}` is asked of ()"), &format!(".{name}"));
    }
    if is_set && holder == "Row" {
        return unchangeable();
    }
    let said = Said::new(Kind::Script, "script.no_property", format!("{} has no field `{name}`", a(holder)));
    let of_holder = |known: &&Function| known.params.first().is_some_and(|param| param.holds == holder);
    if names.functions.iter().filter(of_holder).any(|known| known.name == name) {
        return said.hint(format!("it is a method: write .{name}(…)"));
    }
    let properties: Vec<&str> = names.functions.iter().filter(of_holder).filter_map(Function::property).collect();
    let methods = names.functions.iter().filter(of_holder).filter(|known| known.is_callable());
    let methods: Vec<String> = methods.map(|known| known.name.clone()).collect();
    let near = did_you_mean(name, properties.iter().copied().chain(methods.iter().map(String::as_str)));
    let near = foreign::method(holder, name).map(ToOwned::to_owned).or(near);
    if holder == "Rows" && near.is_none() {
        return said.hint(format!("rows.column(\"{name}\") is the column, rows[0].{name} the field of one row"));
    }
    said.maybe(near.or_else(|| (!properties.is_empty()).then(|| format!("the fields are {}", properties.join(", ")))))
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
fn script_type(rhai: &str) -> String {
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
fn a(name: &str) -> String {
    match name {
        "bool" => "true or false".to_owned(),
        "integer" => "an integer".to_owned(),
        "text" | "number" | "decimal" | "list" | "map" | "function" | "character" | "range" => format!("a {name}"),
        other => other.to_owned(),
    }
}
