//! What lasts from line to line: variables, functions, imports, and the value of the last line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rhai::{AST, Dynamic, Expr, Position, Scope as Variables, Stmt};

use crate::error::Result;
use crate::repl::names::Names;
use crate::repl::text::{Kind, pieces};
use crate::repl::types::Typed;
use crate::script::catalogue::{self, Function};
use crate::script::imports::read_script;
use crate::script::session::{Ended, Session, source_name};

/// What `_` is called inside: the language has no variable of that name, and this letter is as wide and looks alike.
const LAST: &str = "\u{2cd}";

pub struct Lines {
    session: Session,
    variables: Variables<'static>,
    /// Those typed here, in their latest versions.
    functions: Vec<Function>,
    names: Names,
    count: usize,
}

/// What a line gave.
#[derive(Debug)]
pub struct Done {
    pub value: Dynamic,
    /// Something that the person should know although nothing failed.
    pub note: Option<String>,
}

impl Lines {
    pub fn new(session: Session) -> Lines {
        let names = Names::of(&session, &[]);
        let mut lines = Lines { session, variables: Variables::new(), functions: Vec::new(), names, count: 0 };
        lines.forget();
        lines
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Runs one line. A line that fails leaves no variable, function or import behind; what it did to values that were
    /// there before stays done.
    pub fn run(&mut self, text: &str) -> Ended<Done> {
        self.count += 1;
        let name = format!("repl:{}", self.count);
        self.run_as(&name, text)
    }

    /// Runs a script as if it were typed here.
    pub fn load(&mut self, path: &std::path::Path) -> Result<Ended<Done>> {
        let text = read_script(path)?;
        Ok(self.run_as(&source_name(path), &text))
    }

    fn run_as(&mut self, name: &str, text: &str) -> Ended<Done> {
        let ast = self.session.compile_as(name, text, &with_last(text))?;
        let before = self.variables.len();
        let value = self.session.run_ast(name, &ast, &mut self.variables).inspect_err(|_| {
            self.variables.rewind(before);
        })?;
        let note = self.keep(name, &ast);
        if !value.is_unit() {
            self.variables.push_dynamic(LAST, value.clone());
        }
        self.tidy();
        Ok(Done { value, note })
    }

    /// Makes the functions and imports of a good line visible to the lines after it, and inside functions.
    fn keep(&mut self, name: &str, ast: &AST) -> Option<String> {
        let functions = catalogue::of_script(ast, "");
        let mut note = None;
        let mut changed = !functions.is_empty();
        // Closures are functions too, without names of their own. The newest module is asked first, so that a new version
        // of a function replaces the old one everywhere.
        if ast.has_functions() {
            self.session.engine_mut().register_global_module(ast.shared_lib().clone());
        }
        if changed {
            self.functions.retain(|old| !functions.iter().any(|new| is_same(old, new)));
            self.functions.extend(functions);
        }
        for import in ast.statements() {
            let Stmt::Import(import, position) = import else { continue };
            match (&import.0, import.1.name.as_str()) {
                (_, "") => {}
                (Expr::StringConstant(path, _), alias) => {
                    if self.names.in_module(alias).any(|function| !function.scripted) {
                        note =
                            Some(format!("`{alias}` means \"{path}\" until :clear; the module of that name is hidden"));
                    }
                    changed |= self.keep_import(name, path, alias, *position);
                }
                (_, alias) => note = Some(format!("`{alias}` lasts for this line only: its path is not a plain text")),
            }
        }
        if changed {
            self.names = Names::of(&self.session, &self.functions);
        }
        note
    }

    fn keep_import(&mut self, name: &str, path: &str, alias: &str, position: Position) -> bool {
        let engine = self.session.engine();
        // The line has loaded it just now, so it is there and costs nothing.
        let Ok(module) = engine.module_resolver().resolve(engine, Some(name), path, position) else { return false };
        self.session.engine_mut().register_static_module(alias, module);
        true
    }

    /// Lets go of values that a later `let` of the same name hides, and tells completion what there is.
    fn tidy(&mut self) {
        let mut latest: BTreeMap<String, Dynamic> = BTreeMap::new();
        for (name, value, _) in std::mem::take(&mut self.variables) {
            latest.insert(name, value);
        }
        let seen = latest.iter().filter(|(name, _)| *name != LAST);
        let typed = seen.map(|(name, value)| (name.clone(), Typed::of(value, self.session.engine())));
        self.names.set_variables(typed.collect());
        for (name, value) in latest {
            self.variables.push_dynamic(name, value);
        }
    }

    /// Forgets every variable, function and import; imported files are read again.
    pub fn clear(&mut self) {
        self.session.renew();
        self.functions.clear();
        self.names = Names::of(&self.session, &[]);
        self.forget();
    }

    fn forget(&mut self) {
        self.variables.clear();
        self.variables.push_dynamic(LAST, Dynamic::UNIT);
        self.tidy();
    }

    /// The type of the last value.
    pub fn last(&self) -> Typed {
        self.variables.get(LAST).map(|value| Typed::of(value, self.session.engine())).unwrap_or_default()
    }

    /// Whether the text can be run as it is, or needs more lines first.
    pub fn is_finished(&self, text: &str) -> bool {
        super::validate::is_finished(&with_last(text), self.session.engine())
    }
}

fn is_same(one: &Function, other: &Function) -> bool {
    one.name == other.name && one.params.len() == other.params.len()
}

/// The text with the name of the last value in place of `_`; the `_` of a `switch` stays.
fn with_last(text: &str) -> Cow<'_, str> {
    let pieces = pieces(text);
    let is_last = |at: usize| {
        let arm = pieces.get(at + 1).is_some_and(|next| next.is("=>"));
        pieces[at].kind == Kind::Word && pieces[at].text == "_" && !arm
    };
    let mut shown = String::new();
    let mut from = 0;
    for at in (0..pieces.len()).filter(|&at| is_last(at)) {
        shown.push_str(&text[from..pieces[at].start]);
        shown.push_str(LAST);
        from = pieces[at].end();
    }
    match from {
        0 => Cow::Borrowed(text),
        from => Cow::Owned(shown + &text[from..]),
    }
}
