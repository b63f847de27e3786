//! Slips that compile and do something else than is meant.

use rhai::{ASTNode, Expr, FnCallExpr, Ident, Position, Stmt};

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
        ASTNode::Expr(Expr::Array(..) | Expr::Map(..)) | ASTNode::Stmt(Stmt::Assignment(_)) => true,
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
fn passed_to<'a>(node: &ASTNode<'a>) -> Option<Option<(&'a FnCallExpr, Position)>> {
    match node {
        ASTNode::Expr(Expr::Stmt(_)) => None,
        ASTNode::Expr(Expr::MethodCall(call, position)) => Some(Some((call, *position))),
        _ => Some(None),
    }
}

/// Methods that change what they are called on and give nothing.
const IN_PLACE: &[&str] =
    &["trim", "sort", "replace", "push", "make_upper", "make_lower", "dedup", "pad", "truncate", "clear"];

/// `let t = s.trim()`: the value is always `()`.
pub fn in_place(path: &[ASTNode<'_>], is_scripted: impl Fn(&str) -> bool, found: &mut Found) {
    let [.., parent, ASTNode::Expr(Expr::Dot(chain, ..))] = path else { return };
    let is_value = match parent {
        ASTNode::Stmt(Stmt::Var(..) | Stmt::Assignment(_) | Stmt::Return(..) | Stmt::FnCall(..)) => true,
        ASTNode::Expr(expr) => matches!(
            expr,
            Expr::FnCall(..) | Expr::MethodCall(..) | Expr::InterpolatedString(..) | Expr::Array(..) | Expr::Map(..)
        ),
        _ => false,
    };
    let mut rest = &chain.rhs;
    loop {
        let (step, is_last) = match rest {
            Expr::Dot(further, ..) => (&further.lhs, false),
            last => (last, true),
        };
        if let Expr::MethodCall(call, position) = step
            && IN_PLACE.contains(&call.name.as_str())
            && !is_scripted(&call.name)
            && (is_value || !is_last)
        {
            let name = &call.name;
            let message = format!("`{name}` changes what it is called on and gives nothing");
            let hint = format!("make it a statement of its own, then use the variable: x.{name}(…); print(x);");
            found.push((*position, message, Some(hint)));
        }
        match rest {
            Expr::Dot(further, ..) => rest = &further.rhs,
            _ => return,
        }
    }
}

/// `row.ID == 7`: portals send ids as texts, and a text never equals a number.
pub fn comparison(call: &FnCallExpr, position: Position, text: &str, found: &mut Found) {
    if !matches!(call.name.as_str(), "==" | "!=") {
        return;
    }
    let [left, right] = call.args.as_slice() else { return };
    let number = |expr: &Expr| match expr {
        Expr::IntegerConstant(n, _) => Some(*n),
        _ => None,
    };
    let (other, number) = match (number(left), number(right)) {
        (None, Some(number)) => (left, number),
        (Some(number), None) => (right, number),
        _ => return,
    };
    let is_text = matches!(other, Expr::StringConstant(..) | Expr::InterpolatedString(..));
    // Maps of the script itself may hold numbers under such a name.
    let is_id = text.contains("b24.") && id(other).is_some_and(|name| !text.contains(&format!("{name}:")));
    if is_text || is_id {
        let message =
            format!("a text never equals a number{}", if is_id { ", and Bitrix24 sends ids as texts" } else { "" });
        found.push((position, message, Some(format!("compare with a text: {} \"{number}\"", call.name))));
    }
}

/// The field at the end of a chain, when its name is that of an id.
fn id(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Dot(chain, ..) => match &chain.rhs {
            Expr::Property(property, _) if property.2 == "ID" || property.2.ends_with("_ID") => Some(&property.2),
            further => id(further),
        },
        _ => None,
    }
}

/// A comment that nothing ends: what follows it is silently no code.
pub fn open_comment(text: &str, found: &mut Found) {
    let Some(at) = (Scene { text, at: 0 }).open_comment() else { return };
    let line = text[..at].matches('\n').count() + 1;
    let column = text[..at].rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let (Ok(line), Ok(column)) = (u16::try_from(line), u16::try_from(column)) else { return };
    let message = "this comment is never closed: everything behind it is no code".to_owned();
    found.push((Position::new(line, column), message, Some("close it with */, or begin each line with //".into())));
}
