//! Slips that compile and do something else than is meant.

use rhai::{ASTNode, Expr, Ident, Position};

use super::Found;
use crate::script::method_call;
use crate::script::report::race;
use crate::script::report::scene::Scene;

/// Where a closure that was kept for later meets the last value of the loop's variable.
const KEEPING: &[&str] = &["push", "insert", "+=", "set"];

/// Whether the closure at the end of the path is kept for later.
pub fn is_kept(path: &[ASTNode<'_>]) -> bool {
    path.iter().rev().any(|node| match node {
        ASTNode::Expr(Expr::MethodCall(call, _)) => KEEPING.contains(&call.name.as_str()),
        ASTNode::Expr(Expr::Array(..) | Expr::Map(..)) | ASTNode::Stmt(rhai::Stmt::Assignment(_)) => true,
        _ => false,
    })
}

/// A function passed to a chain that begins with one of the variables that it captures.
pub fn race(
    text: &str,
    path: &[ASTNode<'_>],
    captured: &[(Ident, Option<std::num::NonZeroUsize>)],
    is_own: impl Fn(&str) -> bool,
    found: &mut Found,
) {
    let Some((call, position)) = path.iter().rev().skip(1).find_map(passed_to).flatten() else { return };
    let name = method_call::written(&call.name);
    let scene = Scene::at(text, position).filter(|scene| scene.word() == name);
    if let Some(scene) = scene
        && let Some(root) = scene.root()
        && is_own(root)
        && captured.iter().any(|(ident, _)| ident.name == root)
    {
        found.push((position, race::message(root, name), Some(race::hint(&scene))));
    }
}

/// The method whose argument the closure is: nothing more stands between them than the closure's own block.
fn passed_to<'a>(node: &ASTNode<'a>) -> Option<Option<(&'a rhai::FnCallExpr, Position)>> {
    match node {
        ASTNode::Expr(Expr::Stmt(_)) => None,
        ASTNode::Expr(Expr::MethodCall(call, position)) => Some(Some((call, *position))),
        _ => Some(None),
    }
}
