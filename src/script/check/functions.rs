//! Functions see their parameters and nothing of the file around them.

use std::collections::HashSet;

use rhai::{AST, ASTFlags, ASTNode, Expr, Position, Stmt};

use super::Found;

/// Variables and constants of the file that a function names as if it saw them.
pub fn outer(ast: &AST, text: &str, is_known: impl Fn(&str) -> bool, found: &mut Found) {
    let mut variables = HashSet::new();
    let mut constants = HashSet::new();
    for statement in ast.statements() {
        if let Stmt::Var(declared, flags, _) = statement {
            let names = if flags.contains(ASTFlags::CONSTANT) { &mut constants } else { &mut variables };
            names.insert(declared.0.name.to_string());
        }
    }
    let bodies: Vec<(Position, Position)> =
        ast.iter_fn_def().map(|function| (function.body.start_position(), function.body.end_position())).collect();
    for function in ast.iter_fn_def().filter(|function| !function.name.starts_with("anon$")) {
        // Called as `name!(…)`, a function sees what its caller sees.
        if text.contains(&format!("{}!(", function.name)) {
            continue;
        }
        let start = function.body.start_position();
        let mut own: HashSet<String> = function.params.iter().map(ToString::to_string).collect();
        let mut named: Vec<(String, Position)> = Vec::new();
        ast.walk(&mut |path| {
            if path.first().is_some_and(|first| innermost(&bodies, first.position()) == Some(start)) {
                names(path, &mut own, &mut named);
            }
            true
        });
        for (name, position) in named.into_iter().filter(|(name, _)| !own.contains(name) && !is_known(name)) {
            let hint = match () {
                () if constants.contains(&name) => format!("a constant of the file is written global::{name} there"),
                () if variables.contains(&name) => format!("pass it as a parameter: fn {}(…, {name})", function.name),
                () => continue,
            };
            found.push((position, format!("the function `{}` does not see `{name}`", function.name), Some(hint)));
        }
    }
}

fn order(position: Position) -> (Option<usize>, Option<usize>) {
    (position.line(), position.position())
}

/// Where the innermost body begins that a statement lies in. The body of a short closure is one expression, whose end
/// is not known.
fn innermost(bodies: &[(Position, Position)], at: Position) -> Option<Position> {
    let holds =
        |(start, end): &&(Position, Position)| *start == at || (order(*start) <= order(at) && order(at) <= order(*end));
    bodies.iter().filter(holds).max_by_key(|(start, _)| order(*start)).map(|(start, _)| *start)
}

/// What a function declares, and what it names.
fn names(path: &[ASTNode<'_>], own: &mut HashSet<String>, named: &mut Vec<(String, Position)>) {
    match path.last() {
        Some(ASTNode::Stmt(Stmt::Var(declared, ..))) => drop(own.insert(declared.0.name.to_string())),
        Some(ASTNode::Stmt(Stmt::For(declared, _))) => {
            let names = std::iter::once(&declared.0).chain(&declared.1);
            own.extend(names.map(|ident| ident.name.to_string()));
        }
        Some(ASTNode::Stmt(Stmt::TryCatch(flow, _))) => {
            if let Expr::Variable(caught, ..) = &flow.expr {
                own.insert(caught.1.to_string());
            }
        }
        Some(ASTNode::Expr(Expr::Variable(variable, _, position))) if variable.2.is_empty() => {
            named.push((variable.1.to_string(), *position));
        }
        _ => {}
    }
}
