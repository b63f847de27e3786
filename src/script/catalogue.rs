//! What there is to call: names, parameters and types, taken from the engine itself, and comments, from there or from the
//! service whose table made a function. Help, completion, hints in reports and the reference pages all read this list.

use std::collections::HashMap;

use rhai::{AST, Engine, FnAccess};

use crate::script::method_call;
use crate::services;

/// One function, method, property or operator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// `json` in `json::parse`; empty for global functions and methods.
    pub namespace: String,
    pub name: String,
    pub params: Vec<Param>,
    /// The type it gives, as scripts call it; empty for nothing.
    pub returns: String,
    /// The doc comment, without its slashes.
    pub comment: String,
    /// Written in a script rather than in Rust.
    pub scripted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Param {
    pub name: String,
    /// As scripts call it; empty when anything goes.
    pub holds: String,
}

impl Function {
    /// `get_all(method: text, params: map) -> Rows`.
    pub fn signature(&self) -> String {
        let params: Vec<String> = self
            .params
            .iter()
            .skip(usize::from(self.receiver().is_some()))
            .map(|param| match param.holds.as_str() {
                "" => param.name.clone(),
                holds => format!("{}: {holds}", param.name),
            })
            .collect();
        let prefix = match (self.receiver(), self.namespace.as_str()) {
            (Some(receiver), _) => format!("{receiver}."),
            (None, "") => String::new(),
            (None, namespace) => format!("{namespace}::"),
        };
        let returns = match self.returns.as_str() {
            "" => String::new(),
            returns => format!(" -> {returns}"),
        };
        format!("{prefix}{}({}){returns}", self.name, params.join(", "))
    }

    /// The type that it is a method of.
    pub fn receiver(&self) -> Option<&str> {
        let first = self.params.first()?;
        (self.namespace.is_empty() && first.holds.starts_with(char::is_uppercase)).then_some(first.holds.as_str())
    }

    /// The module or the type that it belongs to.
    pub fn owner(&self) -> Option<&str> {
        if self.namespace.is_empty() { self.receiver() } else { Some(&self.namespace) }
    }

    /// The property that it reads, for `row.NAME` in place of a call.
    pub fn property(&self) -> Option<&str> {
        self.name.strip_prefix("get$")
    }

    /// Whether a person can write its name; operators and the like are left out of lists.
    pub fn is_callable(&self) -> bool {
        self.name.starts_with(|c: char| c.is_alphabetic()) && !self.name.contains('$')
    }

    /// The first sentence of its comment.
    pub fn summary(&self) -> &str {
        let first = self.comment.split("\n\n").next().unwrap_or_default();
        match first.find(". ") {
            Some(end) => &first[..=end],
            None => first,
        }
    }
}

/// Everything that is not Rhai's own, sorted.
pub fn own(engine: &Engine) -> Vec<Function> {
    collect(engine, false)
}

/// Everything, Rhai's own functions included.
pub fn all(engine: &Engine) -> Vec<Function> {
    collect(engine, true)
}

fn collect(engine: &Engine, standard: bool) -> Vec<Function> {
    let mut functions = engine.collect_fn_metadata(
        None,
        |info| {
            let meta = info.metadata;
            let params = meta.params_info.iter().map(|param| parameter(param)).collect();
            Some(Function {
                namespace: info.namespace.to_string(),
                name: method_call::written(&meta.name).to_owned(),
                params,
                returns: script_type(&meta.return_type),
                comment: plain_comment(meta.comments.iter().map(AsRef::as_ref)),
                scripted: info.script.is_some(),
            })
        },
        standard,
    );
    // The context of a call is no parameter of a script's.
    for function in &mut functions {
        function.params.retain(|param| param.holds != "NativeCallContext");
    }
    comment(&mut functions);
    functions.sort();
    functions.dedup();
    functions
}

/// Gives the functions that services made from tables their comments.
fn comment(functions: &mut [Function]) {
    let comments: Vec<_> = services::ALL.iter().flat_map(|service| service.comments()).collect();
    let named = comments.iter().flat_map(|told| told.of.iter().map(|of| ((*of, told.name.as_str()), &told.text)));
    let texts: HashMap<(&str, &str), &String> = named.collect();
    for function in functions.iter_mut().filter(|function| function.comment.is_empty() && !function.scripted) {
        let owner = function.owner().unwrap_or_default();
        if let Some(text) = texts.get(&(owner, function.name.as_str())) {
            function.comment = (*text).clone();
        }
    }
}

/// The functions of a script.
pub fn of_script(ast: &AST, namespace: &str) -> Vec<Function> {
    let mut functions: Vec<Function> = ast
        .iter_functions()
        .filter(|function| !function.name.starts_with("anon$"))
        // What is private is there for its own file alone.
        .filter(|function| namespace.is_empty() || function.access == FnAccess::Public)
        .map(|function| Function {
            namespace: namespace.to_owned(),
            name: function.name.to_owned(),
            params: function
                .params
                .iter()
                .map(|name| Param { name: (*name).to_owned(), holds: String::new() })
                .collect(),
            returns: String::new(),
            comment: plain_comment(function.comments.iter().copied()),
            scripted: true,
        })
        .collect();
    functions.sort();
    functions
}

fn parameter(written: &str) -> Param {
    let (name, holds) = written.split_once(':').unwrap_or((written, ""));
    Param { name: name.trim().trim_start_matches('_').to_owned(), holds: script_type(holds.trim()) }
}

/// A Rust type as scripts call it.
fn script_type(rust: &str) -> String {
    let mut name = rust.trim().trim_start_matches("&mut ").trim_start_matches('&').trim();
    for wrapper in ["Result<", "Thrown<", "RhaiResultOf<"] {
        if let Some(inner) = name.strip_prefix(wrapper) {
            name = inner.split(", Box<").next().unwrap_or(inner).trim_end_matches('>').trim();
        }
    }
    let name = name.rsplit("::").next().unwrap_or(name);
    match name {
        "" | "()" | "Dynamic" | "?" | "RhaiResult" => "",
        "str" | "String" | "ImmutableString" | "&str" | "string" => "text",
        "i64" | "INT" | "int" => "integer",
        "f64" | "FLOAT" | "float" => "number",
        "bool" => "bool",
        "Array" | "array" => "list",
        "Map" | "map" => "map",
        "FnPtr" | "Fn" => "function",
        other => other,
    }
    .to_owned()
}

/// The text of doc comments, without `///` and the one space behind it.
fn plain_comment<'a>(blocks: impl Iterator<Item = &'a str>) -> String {
    let mut lines = Vec::new();
    for line in blocks.flat_map(str::lines) {
        let line = line.trim_start();
        let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).unwrap_or(line);
        lines.push(text.strip_prefix(' ').unwrap_or(text).trim_end());
    }
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_types_are_shown_as_scripts_call_them() {
        for (rust, script) in [
            ("&str", "text"),
            ("Thrown<Rows>", "Rows"),
            ("Result<Array, Box<EvalAltResult>>", "list"),
            ("&mut B24", "B24"),
            ("Dynamic", ""),
            ("Thrown<()>", ""),
            ("super::Rows", "Rows"),
        ] {
            assert_eq!(script_type(rust), script, "{rust}");
        }
    }

    #[test]
    fn comments_lose_their_slashes_and_keep_their_lines() {
        assert_eq!(plain_comment(["/// One.\n///\n/// # Two\n///   x"].into_iter()), "One.\n\n# Two\n  x");
    }
}
