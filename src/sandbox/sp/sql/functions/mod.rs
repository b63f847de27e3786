//! Functions by their names: how many arguments, what type, what they do.

mod aggregates;
mod forms;
mod globals;
mod moments;
mod numbers;
mod system;
mod texts;

pub use aggregates::{aggregate, is_aggregate, kind_of_aggregate};
pub use globals::global;
pub use system::{number_of_schema, type_code};

use super::ast::{Call, Expr};
use super::eval::{Env, Scope};
use super::failure::{self, Answer};
use super::value::{Type, Value};

/// A function whose arguments are all evaluated before it is called.
pub struct Function {
    pub name: &'static str,
    /// The fewest and the most arguments.
    pub arguments: (usize, usize),
    pub kind: fn(&[Type]) -> Type,
    pub run: fn(&Env, &[Value]) -> Answer<Value>,
}

/// Any number of arguments.
pub const MANY: usize = 254;

const TABLES: [&[Function]; 4] = [texts::FUNCTIONS, numbers::FUNCTIONS, moments::FUNCTIONS, system::FUNCTIONS];

fn find(name: &str) -> Option<&'static Function> {
    TABLES.iter().flat_map(|table| table.iter()).find(|function| function.name == name)
}

fn check_arguments(call: &Call, (least, most): (usize, usize)) -> Answer<()> {
    let given = call.arguments.len();
    if (least..=most).contains(&given) && !call.star && !call.distinct {
        return Ok(());
    }
    let name = call.name.to_lowercase();
    if least == most {
        return Err(failure::arguments(&name, least));
    }
    let text = match most {
        MANY => format!("The function '{name}' requires at least {least} argument(s)."),
        _ => format!("The {name} function requires {least} to {most} arguments."),
    };
    Err(failure::failure(189, 15, 1, text).reach(failure::Reach::Scope))
}

/// The type of what a function gives; its arguments are looked at, too.
pub fn kind(env: &Env, call: &Call, scope: &Scope) -> Answer<Type> {
    if let Some(answer) = forms::kind(env, call, scope) {
        return answer;
    }
    let function = find(&call.name).ok_or_else(|| failure::no_function(&call.name))?;
    check_arguments(call, function.arguments)?;
    let kinds = call.arguments.iter().map(|argument| env.kind(argument, scope));
    Ok((function.kind)(&kinds.collect::<Answer<Vec<Type>>>()?))
}

/// What a function gives.
pub fn call(env: &Env, call: &Call, scope: &Scope) -> Answer<Value> {
    if let Some(answer) = forms::call(env, call, scope) {
        return answer;
    }
    let function = find(&call.name).ok_or_else(|| failure::no_function(&call.name))?;
    check_arguments(call, function.arguments)?;
    let values = call.arguments.iter().map(|argument| env.value(argument, scope));
    (function.run)(env, &values.collect::<Answer<Vec<Value>>>()?)
}

/// Whether an expression contains COUNT, SUM and the like, outside of its queries.
pub fn has_aggregate(expr: &Expr) -> bool {
    let any = |all: &[Expr]| all.iter().any(has_aggregate);
    match expr {
        Expr::Call(call) => is_aggregate(call) && call.over.is_none() || any(&call.arguments),
        Expr::Signed(_, value) | Expr::Not(value) => has_aggregate(value),
        Expr::Chain(first, rest) => has_aggregate(first) || rest.iter().any(|(_, expr)| has_aggregate(expr)),
        Expr::Compare(_, left, right) => has_aggregate(left) || has_aggregate(right),
        Expr::And(all) | Expr::Or(all) => any(all),
        Expr::IsNull { value, .. } | Expr::InQuery { value, .. } => has_aggregate(value),
        Expr::Between { value, low, high, .. } => [value, low, high].into_iter().any(|expr| has_aggregate(expr)),
        Expr::In { value, list, .. } => has_aggregate(value) || any(list),
        Expr::Like { value, pattern, .. } => has_aggregate(value) || has_aggregate(pattern),
        Expr::Case { operand, whens, otherwise } => {
            operand.iter().chain(otherwise).any(|expr| has_aggregate(expr))
                || whens.iter().any(|(when, then)| has_aggregate(when) || has_aggregate(then))
        }
        Expr::Cast { value, style, .. } => {
            has_aggregate(value) || style.as_ref().is_some_and(|style| has_aggregate(style))
        }
        _ => false,
    }
}

/// An argument as a text; none for NULL.
fn text(env: &Env, value: &Value) -> Answer<Option<String>> {
    if let Some(text) = value.as_text() {
        return Ok(Some(text.to_owned()));
    }
    let value = env.convert(value.clone(), Type::NVarChar(None))?;
    Ok(value.as_text().map(str::to_owned))
}

/// An argument as an integer; none for NULL.
fn integer(env: &Env, value: &Value) -> Answer<Option<i64>> {
    Ok(env.convert(value.clone(), Type::BigInt)?.as_integer())
}

/// Text of the kind that the first argument has: varchar stays varchar.
fn like_first(values: &[Value], text: String) -> Value {
    match values.first() {
        Some(Value::Char(_)) => Value::Char(text),
        _ => Value::Text(text),
    }
}

/// The type of the first argument, if it is a text; else what a number becomes.
fn text_kind(kinds: &[Type]) -> Type {
    match kinds.first() {
        Some(kind) if kind.is_text() => match *kind {
            Type::NChar(length) => Type::NVarChar(Some(length)),
            Type::Char(length) => Type::VarChar(Some(length)),
            Type::NText => Type::NVarChar(None),
            Type::Text => Type::VarChar(None),
            kind => kind,
        },
        _ => Type::VarChar(Some(8000)),
    }
}

/// As `text_kind`, but of any length: 8000 characters or `max`.
fn long_text_kind(kinds: &[Type]) -> Type {
    match text_kind(kinds) {
        Type::NVarChar(Some(_)) => Type::NVarChar(Some(4000)),
        Type::VarChar(Some(_)) => Type::VarChar(Some(8000)),
        kind => kind,
    }
}
