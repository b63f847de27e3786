//! The words for a call that found no function: a slip in the name, other arguments, a word of another language.

use crate::error::{Kind, did_you_mean, near};
use crate::script::catalogue::{Function, Param};
use crate::script::method_call;
use crate::script::report::Names;
use crate::script::report::foreign;
use crate::script::report::said::{Said, Scripted, a, nothing, script_type};
use crate::script::report::scene::Scene;
use crate::services;

/// Types that a message names as having a method.
const MOST_OWNERS: usize = 4;

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

/// A call for which there is no function.
pub struct Call {
    namespace: String,
    name: String,
    types: Vec<String>,
    /// Written `value.name(…)`; the first type is that of the value.
    is_method: bool,
}

impl Call {
    /// `get_al (B24, &str | ImmutableString | String)` taken apart.
    pub fn taken_apart(call: &str, scene: Option<&Scene<'_>>) -> Call {
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

    pub fn not_found(&self, names: &Names<'_>, own: &Scripted, scene: Option<&Scene<'_>>) -> Said {
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
                let instead = services::instead(&format!("{written}({found})"));
                return said(message).hint(instead.unwrap_or(there_is));
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
            let instead = instead.or_else(|| services::instead(&self.written()));
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
        let instead = self.instead(&[]).or_else(|| match self.is_method {
            true => services::instead(&format!("{receiver}.{}", self.name)),
            false => services::instead(&self.name),
        });
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
        let owners = owners.filter(|owner| *owner != "Decimal" && !owner.ends_with("Range"));
        let mut owners: Vec<String> = owners.map(ToOwned::to_owned).collect();
        if self.receiver() == "list" && owners.iter().any(|owner| owner == "Rows") {
            return Some(format!("Rows have it: write rows(list).{name}(…)"));
        }
        owners.sort();
        owners.dedup();
        // Many kinds of things may have it; a few tell enough.
        let more = owners.split_off(owners.len().min(MOST_OWNERS));
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        (!owners.is_empty()).then(|| format!("it is a method of {}{more}", owners.join(", ")))
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

/// `value[…]` for a value or an index that does not go together.
pub fn no_index(receiver: &str, index: &str, is_set: bool) -> Said {
    let said = |message: &str| Said::new(Kind::Script, "script.type", message);
    match (receiver, index) {
        ("Row", _) if is_set => unchangeable(),
        ("Rows", "range") => said("a range chooses no rows").hint("write rows.skip(0).take(2)"),
        ("Rows", "text") => {
            said("a name chooses no row").hint("rows.column(\"NAME\") is a column, rows[0].NAME a field")
        }
        ("Row", "integer") => said("a number chooses no field").hint("write row.NAME or row[\"NAME\"]"),
        _ => said(&format!("{} has no elements or fields to choose with […]", a(receiver)))
            .maybe(services::instead(&format!("{receiver}.[{index}]"))),
    }
}

fn unchangeable() -> Said {
    Said::new(Kind::Script, "script.row", "a row cannot be changed")
        .hint("make a map of it: let own = row.to_map(); own.NAME = …")
}

pub fn property_missing(name: &str, holder: &str, is_set: bool, names: &Names<'_>) -> Said {
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
    let instead = foreign::method(holder, name).map(ToOwned::to_owned);
    let near = instead.or_else(|| services::instead(&format!("{holder}.{name}"))).or(near);
    if holder == "Rows" && near.is_none() {
        return said.hint(format!("rows.column(\"{name}\") is the column, rows[0].{name} the field of one row"));
    }
    said.maybe(near.or_else(|| (!properties.is_empty()).then(|| format!("the fields are {}", properties.join(", ")))))
}
