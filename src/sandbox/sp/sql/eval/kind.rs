//! Types of expressions, found before there is a row; names are looked up on the way.

use super::{Env, Scope, arithmetic};
use crate::sandbox::sp::sql::ast::{Call, Expr, Sign};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::functions;
use crate::sandbox::sp::sql::value::{Type, Value};

impl Env<'_> {
    /// The type of an expression.
    ///
    /// # Errors
    /// Names that are unknown, operands that do not go together.
    pub fn kind(&self, expr: &Expr, scope: &Scope) -> Answer<Type> {
        match expr {
            Expr::Literal(Value::Char(text)) if text.is_empty() => Ok(Type::VarChar(Some(1))),
            Expr::Literal(value) => Ok(value.kind()),
            Expr::Variable(name) => self.own.variable(name).map(|variable| variable.kind),
            Expr::Global(name) => functions::global(self, name).map(|value| match value {
                Value::Text(_) => Type::TEXT,
                other => other.kind(),
            }),
            Expr::Column(parts) => {
                let (inside, at) = scope.find(parts)?;
                self.check_grouped(parts, inside, at)?;
                Ok(inside.fields[at].kind)
            }
            Expr::Signed(sign, value) => {
                let kind = self.kind(value, scope)?;
                let is_lone = matches!(**value, Expr::Literal(Value::Decimal { digits: 2_147_483_648, scale: 0, .. }));
                Ok(match (sign, kind) {
                    (Sign::Minus, Type::TinyInt) => Type::SmallInt,
                    (Sign::Minus, _) if is_lone => Type::Int,
                    _ => kind,
                })
            }
            Expr::Chain(first, rest) => {
                let mut kind = self.kind(first, scope)?;
                let mut is_null = matches!(**first, Expr::Literal(Value::Null));
                let mut left = Some(&**first);
                for (operator, right) in rest {
                    let mut other = self.kind(right, scope)?;
                    if let Expr::Literal(value) = right {
                        other = arithmetic::literal(value, kind).map_or(other, |exact| exact.kind());
                    }
                    if let Some(Expr::Literal(value)) = left {
                        kind = arithmetic::literal(value, other).map_or(kind, |exact| exact.kind());
                    }
                    left = None;
                    let other_is_null = matches!(right, Expr::Literal(Value::Null));
                    kind = match (is_null, other_is_null) {
                        (true, _) => other,
                        (_, true) => kind,
                        _ => arithmetic::result_kind(*operator, kind, other)?,
                    };
                    is_null = is_null && other_is_null;
                }
                Ok(kind)
            }
            Expr::Case { operand, whens, otherwise } => {
                for (when, _) in whens {
                    match operand {
                        Some(_) => self.kind(when, scope).map(|_| ())?,
                        None => self.check(when, scope)?,
                    }
                }
                if let Some(operand) = operand {
                    self.kind(operand, scope)?;
                }
                let results = whens.iter().map(|(_, then)| then).chain(otherwise.as_deref());
                self.common_kind(results, scope)
            }
            Expr::Cast { value, kind, style, .. } => {
                self.kind(value, scope)?;
                style.as_ref().map(|style| self.kind(style, scope)).transpose()?;
                Ok(*kind)
            }
            Expr::Subquery(query) => {
                let columns = self.shape(query, scope)?;
                Ok(columns.first().map_or(Type::Int, |column| column.kind))
            }
            Expr::Call(call) => self.kind_of_call(call, scope),
            _ => Err(failure::syntax("=")),
        }
    }

    fn kind_of_call(&self, call: &Call, scope: &Scope) -> Answer<Type> {
        if let Some((parts, order)) = &call.over {
            for expr in parts.iter().chain(order.iter().map(|order| &order.by)) {
                self.kind(expr, scope)?;
            }
            return match functions::is_aggregate(call) {
                true => self.kind_of_aggregate(call, &Scope { grouped_by: None, ..*scope }),
                false => Ok(Type::BigInt),
            };
        }
        if functions::is_aggregate(call) {
            return self.kind_of_aggregate(call, scope);
        }
        functions::kind(self, call, scope)
    }

    pub(super) fn kind_of_aggregate(&self, call: &Call, scope: &Scope) -> Answer<Type> {
        let inside = Scope { grouped_by: None, ..*scope };
        let argument = call.arguments.first().map(|argument| self.kind(argument, &inside)).transpose()?;
        functions::kind_of_aggregate(call, argument)
    }

    /// Whether a condition can be read: its names are known.
    pub fn check(&self, condition: &Expr, scope: &Scope) -> Answer<()> {
        match condition {
            Expr::And(all) | Expr::Or(all) => all.iter().try_for_each(|condition| self.check(condition, scope)),
            Expr::Not(condition) => self.check(condition, scope),
            Expr::Compare(_, left, right) => {
                self.kind(left, scope)?;
                self.kind(right, scope).map(|_| ())
            }
            Expr::IsNull { value, .. } => self.kind(value, scope).map(|_| ()),
            Expr::Between { value, low, high, .. } => {
                [value, low, high].into_iter().try_for_each(|expr| self.kind(expr, scope).map(|_| ()))
            }
            Expr::In { value, list, .. } => {
                self.kind(value, scope)?;
                list.iter().try_for_each(|expr| self.kind(expr, scope).map(|_| ()))
            }
            Expr::InQuery { value, query, .. } => {
                self.kind(value, scope)?;
                self.shape(query, scope).map(|_| ())
            }
            Expr::Like { value, pattern, .. } => {
                self.kind(value, scope)?;
                self.kind(pattern, scope).map(|_| ())
            }
            Expr::Exists(query) => self.shape(query, scope).map(|_| ()),
            value => Err(super::not_a_condition(value)),
        }
    }

    /// Under GROUP BY a column outside of an aggregate has to be one of those.
    fn check_grouped(&self, parts: &[String], inside: &Scope, at: usize) -> Answer<()> {
        let Some(by) = inside.grouped_by else { return Ok(()) };
        let is_there = by.iter().any(|expr| match expr {
            Expr::Column(other) => inside.find(other).is_ok_and(|(_, other)| other == at),
            _ => false,
        });
        // What is grouped by an expression may be any part of it.
        let by_expression = by.iter().any(|expr| !matches!(expr, Expr::Column(_)));
        if is_there || by_expression {
            return Ok(());
        }
        let field = &inside.fields[at];
        let name = if field.table.is_empty() { parts.join(".") } else { format!("{}.{}", field.table, field.name) };
        Err(failure::not_grouped(&name))
    }
}
