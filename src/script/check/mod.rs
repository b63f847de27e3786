//! `pult check`: what can be said of a script without running it.

mod functions;
mod slips;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rhai::{AST, ASTNode, Expr, FnCallExpr, FnPtr, Position, Stmt};

use crate::error::{Fault, did_you_mean};
use crate::script::catalogue::{self, Function};
use crate::script::method_call;
use crate::script::report::scene::Scene;
use crate::script::report::{call, foreign, place, said};
use crate::script::session::{Ended, Session};
use crate::services;

/// Words that look like functions and belong to the language.
const LANGUAGE: &[&str] =
    &["Fn", "call", "curry", "type_of", "is_def_fn", "is_def_var", "is_shared", "eval", "print", "debug"];

/// A fault's place, its message, and what to do.
type Found = Vec<(Position, String, Option<String>)>;

/// Everything that is wrong with a script, as far as it compiles.
pub fn check(session: &Session, name: &str, text: &str) -> Ended<Vec<Fault>> {
    let ast = session.compile_as_written(name, text)?;
    let mut found = Found::new();
    let known = Known::of(session, &ast, name, text, &mut found);
    ast.walk(&mut |path| {
        known.look(path, &mut found);
        true
    });
    functions::outer(&ast, text, |name| known.is_global(name), &mut found);
    slips::open_comment(text, &mut found);
    let text: Arc<str> = text.into();
    found.sort_by_key(|(position, ..)| (position.line(), position.position()));
    found.dedup();
    let faults = found.into_iter().filter_map(|(position, message, hint)| {
        let place = place(name, text.clone(), position)?;
        Some(Fault { source: place.source, text: place.text, span: place.span, message, hint })
    });
    Ok(faults.collect())
}

/// The closure that is made here, and how many variables it captures.
fn curried(call: &FnCallExpr) -> Option<(String, usize)> {
    let (function, captured) = call.args.split_first().filter(|_| call.name == "curry")?;
    let Expr::DynamicConstant(function, _) = function else { return None };
    let function = function.read_lock::<FnPtr>()?;
    Some((function.fn_name().to_owned(), captured.len()))
}

/// What is meant by a word of another language.
fn instead(name: &str, shown: &str, count: usize) -> Option<String> {
    match shown.split_once("::") {
        Some((module, _)) => {
            foreign::in_module(module, name).map(ToOwned::to_owned).or_else(|| services::instead(shown))
        }
        None => foreign::function(name)
            .map(ToOwned::to_owned)
            .filter(|_| count != 1)
            .or_else(|| services::instead(shown))
            .or_else(|| foreign::any_method(name))
            .or_else(|| foreign::function(name).map(ToOwned::to_owned)),
    }
}

/// All names that mean something in the script.
struct Known {
    functions: Vec<Function>,
    /// Objects with the types of their methods: `b24`, `B24`.
    objects: Vec<(String, String)>,
    variables: HashSet<String>,
    /// Imports whose file could not be read here: their functions are not judged.
    unread: HashSet<String>,
    /// Variables of `for` loops.
    loops: HashSet<String>,
    text: String,
}

impl Known {
    fn of(session: &Session, ast: &AST, name: &str, text: &str, found: &mut Found) -> Known {
        let mut functions = session.functions();
        functions.extend(catalogue::of_script(ast, ""));
        let objects = services::ALL.iter().map(|service| service.name()).filter_map(|object| {
            let holds = session.engine().eval_expression::<String>(&format!("type_of({object})")).ok()?;
            Some((object.to_owned(), holds))
        });
        let mut known = Known {
            functions,
            objects: objects.collect(),
            variables: ["args", "global", "this", "_"].map(ToOwned::to_owned).into(),
            unread: HashSet::new(),
            loops: HashSet::new(),
            text: text.to_owned(),
        };
        let mut captured: HashMap<String, usize> = HashMap::new();
        ast.walk(&mut |path| {
            if let Some(ASTNode::Expr(Expr::FnCall(call, _))) = path.last() {
                captured.extend(curried(call));
            }
            true
        });
        // The first parameters of a closure are what it captures.
        let parameters = ast
            .iter_functions()
            .flat_map(|function| function.params.into_iter().skip(captured.get(function.name).copied().unwrap_or(0)));
        known.variables.extend(parameters.map(ToOwned::to_owned));
        ast.walk(&mut |path| {
            if let Some(ASTNode::Stmt(statement)) = path.last() {
                known.declare(statement, session, name, found);
            }
            true
        });
        known
    }

    fn declare(&mut self, statement: &Stmt, session: &Session, source: &str, found: &mut Found) {
        match statement {
            Stmt::Var(declared, ..) => drop(self.variables.insert(declared.0.name.to_string())),
            Stmt::For(declared, _) => {
                let names = std::iter::once(&declared.0).chain(&declared.1);
                for name in names.map(|ident| ident.name.to_string()) {
                    self.loops.insert(name.clone());
                    self.variables.insert(name);
                }
            }
            Stmt::TryCatch(flow, _) => {
                if let Expr::Variable(caught, ..) = &flow.expr {
                    self.variables.insert(caught.1.to_string());
                }
            }
            Stmt::Import(import, _) => {
                let alias = import.1.name.to_string();
                let Expr::StringConstant(path, position) = &import.0 else {
                    self.unread.insert(alias);
                    return;
                };
                match session.imports().read(session.engine(), path, Some(source)) {
                    Ok(ast) => self.functions.extend(catalogue::of_script(&ast, &alias)),
                    Err((message, hint)) => {
                        self.unread.insert(alias);
                        found.push((*position, message, hint));
                    }
                }
            }
            _ => {}
        }
    }

    fn look(&self, path: &[ASTNode<'_>], found: &mut Found) {
        match path.last() {
            Some(ASTNode::Expr(Expr::Variable(named, _, position))) if named.2.is_empty() => {
                self.variable(&named.1, *position, found);
            }
            Some(ASTNode::Expr(Expr::FnCall(call, position)) | ASTNode::Stmt(Stmt::FnCall(call, position))) => {
                slips::comparison(call, *position, &self.text, found);
                self.call(call, *position, found);
            }
            Some(ASTNode::Expr(Expr::Dot(chain, ..))) => {
                let scripted = |name: &str| self.functions.iter().any(|known| known.scripted && known.name == name);
                slips::in_place(path, scripted, found);
                if let Expr::MethodCall(call, position) = &chain.rhs {
                    self.method(&chain.lhs, call, *position, found);
                } else if let Expr::Dot(further, ..) = &chain.rhs
                    && let Expr::MethodCall(call, position) = &further.lhs
                {
                    self.method(&chain.lhs, call, *position, found);
                }
            }
            Some(ASTNode::Stmt(Stmt::Import(import, position))) => {
                let alias = import.1.name.as_str();
                if alias.is_empty() {
                    let hint = "give it a name: import \"…\" as name; then name::function(…)";
                    found.push((*position, "nothing of this import can be called".to_owned(), Some(hint.into())));
                }
                if self.objects.iter().any(|(object, _)| object == alias) {
                    let message = format!("the import hides the object `{alias}`");
                    found.push((*position, message, Some("give it another name after `as`".into())));
                }
            }
            Some(ASTNode::Stmt(Stmt::Share(captured))) => self.captured(path, captured, found),
            _ => {}
        }
    }

    /// What is visible everywhere.
    fn is_global(&self, name: &str) -> bool {
        matches!(name, "args" | "global" | "this" | "_")
            || self.objects.iter().any(|(object, _)| object == name)
            || self.functions.iter().any(|function| function.name == name)
    }

    fn has_variable(&self, name: &str) -> bool {
        self.variables.contains(name)
            || self.objects.iter().any(|(object, _)| object == name)
            || self.functions.iter().any(|function| function.name == name)
    }

    fn variable(&self, name: &str, position: Position, found: &mut Found) {
        if !self.has_variable(name) && !name.contains('$') {
            let names =
                self.variables.iter().map(String::as_str).chain(self.objects.iter().map(|(object, _)| object.as_str()));
            let is_module = self.unread.contains(name) || self.functions.iter().any(|known| known.namespace == name);
            let hint = Scene::at(&self.text, position).and_then(|scene| said::of_its_place(name, is_module, &scene));
            let hint =
                hint.or_else(|| foreign::name(name).map(ToOwned::to_owned)).or_else(|| did_you_mean(name, names));
            found.push((position, format!("there is no variable `{name}`"), hint));
        }
    }

    fn call(&self, call: &FnCallExpr, position: Position, found: &mut Found) {
        let name = method_call::written(&call.name);
        let namespace = call.namespace.to_string();
        let namespace = namespace.trim_end_matches("::");
        let skipped = call.op_token.is_some()
            || LANGUAGE.contains(&name)
            || self.unread.contains(namespace)
            || !name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if skipped {
            return;
        }
        let is_named = |function: &Function| function.namespace.is_empty() && function.name == name;
        if namespace.is_empty() && self.variables.contains(name) {
            if !self.functions.iter().any(is_named) {
                found.push((position, format!("there is no function `{name}`"), Some(call::held(name))));
            }
            return;
        }
        let shown = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}::{name}") };
        let here = |function: &&Function| function.namespace == namespace;
        self.judge(name, &shown, call.args.len(), here, position, found);
    }

    fn method(&self, object: &Expr, call: &FnCallExpr, position: Position, found: &mut Found) {
        let name = method_call::written(&call.name);
        if LANGUAGE.contains(&name) {
            return;
        }
        let holds = match object {
            Expr::Variable(named, ..) => {
                self.objects.iter().find(|(object, _)| *object == *named.1).map(|(_, holds)| holds.as_str())
            }
            _ => None,
        };
        match holds {
            Some(holds) => {
                let here = |function: &&Function| function.receiver() == Some(holds);
                self.judge(name, &format!("{holds}.{name}"), call.args.len() + 1, here, position, found);
            }
            // Said already that there is no such object.
            None if matches!(object, Expr::Variable(named, ..) if !self.has_variable(&named.1)) => {}
            // A method of something whose type is not known: any function of that name may be meant, called with the
            // object in front or, when it is a script's, as `this`.
            None => {
                let fits = |function: &Function| {
                    function.namespace.is_empty()
                        && function.name == name
                        && (function.params.len() == call.args.len() + 1
                            || function.scripted && function.params.len() == call.args.len())
                };
                if !self.functions.iter().any(fits) {
                    let here = |function: &&Function| function.namespace.is_empty();
                    self.judge(name, name, call.args.len() + 1, here, position, found);
                }
            }
        }
    }

    fn judge(
        &self,
        name: &str,
        shown: &str,
        count: usize,
        here: impl Fn(&&Function) -> bool,
        position: Position,
        found: &mut Found,
    ) {
        let named: Vec<&Function> =
            self.functions.iter().filter(&here).filter(|function| function.name == name).collect();
        if named.is_empty() {
            let callable = self.functions.iter().filter(&here).filter(|function| function.is_callable());
            let callable: Vec<&str> = callable.map(|function| function.name.as_str()).collect();
            let hint = instead(name, shown, count)
                .or_else(|| did_you_mean(name, callable.iter().copied()))
                .or_else(|| shown.contains("::").then(|| call::all_of("there is", callable)).flatten());
            found.push((position, format!("there is no function `{shown}`"), hint));
        } else if !named.iter().any(|function| function.params.len() == count) {
            let mut signatures: Vec<String> = named.iter().map(|function| function.signature()).collect();
            signatures.dedup();
            found.push((
                position,
                format!("`{shown}` takes another number of arguments"),
                Some(format!("there is {}", signatures.join("; "))),
            ));
        }
    }

    /// A closure made in a loop and kept for later sees the loop's variable itself, not its value of that turn.
    fn captured(
        &self,
        path: &[ASTNode<'_>],
        captured: &[(rhai::Ident, Option<std::num::NonZeroUsize>)],
        found: &mut Found,
    ) {
        // Objects and what the program gives are no variables that could be held.
        let is_own = |name: &str| name != "args" && !self.objects.iter().any(|(object, _)| object == name);
        slips::race(&self.text, path, captured, is_own, found);
        let is_kept = slips::is_kept(path);
        for (ident, _) in captured.iter().filter(|(ident, _)| is_kept && self.loops.contains(ident.name.as_str())) {
            let name = &ident.name;
            found.push((
                ident.pos,
                format!("the function keeps `{name}` of the loop itself: later it will see its last value"),
                Some(format!("write `let own = {name};` inside the loop and use `own`, or pass {name} as a parameter")),
            ));
        }
    }
}
