//! The signature of the function that is being called, behind the cursor.

use crate::repl::calls::Call;
use crate::repl::names::Names;
use crate::repl::text::{Kind, pieces};
use crate::script::catalogue::{Function, Param};

/// What stands around the parameter that comes next.
pub const MARKS: [char; 2] = ['‹', '›'];

/// The hint for a line whose cursor stands at its end.
pub fn of(text: &str, names: &Names) -> Option<String> {
    let text = match text.trim_start().split_once(' ') {
        Some((command, rest)) if command.starts_with(':') => rest,
        _ if text.trim_start().starts_with([':', '?']) => return None,
        _ => text,
    };
    let pieces = pieces(text);
    if pieces.last().is_some_and(|last| last.kind == Kind::Comment) {
        return None;
    }
    // An open string is part of the argument that it stands in.
    let call = Call::around(&pieces, pieces.len(), names)?;
    let fitting = |function: &&&Function| call.params(function).len() > call.argument;
    let function = call.overloads.iter().find(fitting).or_else(|| call.overloads.first())?;
    let params: Vec<String> =
        call.params(function).iter().enumerate().map(|(at, param)| shown(param, at == call.argument)).collect();
    let returns = match function.returns.as_str() {
        "" => String::new(),
        returns => format!(" -> {returns}"),
    };
    let others = match call.overloads.len() {
        0 | 1 => String::new(),
        several => format!("  (+{})", several - 1),
    };
    Some(format!("  {}({}){returns}{others}", function.name, params.join(", ")))
}

fn shown(param: &Param, is_next: bool) -> String {
    let text = match param.holds.as_str() {
        "" => param.name.clone(),
        holds => format!("{}: {holds}", param.name),
    };
    match is_next {
        true => format!("{}{text}{}", MARKS[0], MARKS[1]),
        false => text,
    }
}
