//! Expressions and conditions over rows: values, and types without values. Nothing here waits.

mod arithmetic;
mod kind;

use std::cmp::Ordering;
use std::sync::Arc;

use super::ast::{Call, Expr, Operator, Query, Sign};
use super::compare::{common, compare, like, satisfies};
use super::convert::{Way, convert};
use super::failure::{self, Answer};
use super::functions;
use super::own::Own;
use super::table::{Row, same_name};
use super::value::{Type, Value};
use crate::sandbox::sp::world::{State, World};

pub use arithmetic::{compute, negated};

/// What an expression may look at.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    pub world: &'a World,
    pub state: &'a State,
    pub own: &'a Own,
}

/// A column that an expression can name.
#[derive(Clone, Debug)]
pub struct Field {
    /// What the table is called here.
    pub table: String,
    pub name: String,
    pub kind: Type,
    pub nullable: bool,
    pub identity: bool,
}

/// Queries that a WITH has given names to.
pub type CommonTable = (String, Vec<String>, Arc<Query>);

/// A row under its column names, and what is around it.
#[derive(Clone, Copy, Default)]
pub struct Scope<'a> {
    pub fields: &'a [Field],
    pub row: &'a [Value],
    /// The rows of which this one is the first, under GROUP BY.
    pub group: Option<&'a [Row]>,
    /// Under GROUP BY, what every column has to be.
    pub grouped_by: Option<&'a [Expr]>,
    /// Values of OVER, by the place of the call in memory.
    pub windows: &'a [(usize, Value)],
    pub with: &'a [CommonTable],
    pub outer: Option<&'a Scope<'a>>,
}

/// Where a call stands in memory, which names it.
pub fn place_of(call: &Call) -> usize {
    std::ptr::from_ref(call) as usize
}

impl<'a> Scope<'a> {
    /// The number of the column that a name means, and how many scopes outside it is.
    ///
    /// # Errors
    /// 207, 209, 4104.
    pub fn find(&self, parts: &[String]) -> Answer<(&Scope<'a>, usize)> {
        let Some((name, tables)) = parts.split_last() else { return Err(failure::no_column("")) };
        let table = tables.last().filter(|table| !table.is_empty());
        let mut scope = Some(self);
        while let Some(inside) = scope {
            let fits = |field: &&Field| {
                same_name(&field.name, name) && table.is_none_or(|table| same_name(&field.table, table))
            };
            let mut found = inside.fields.iter().enumerate().filter(|(_, field)| fits(field));
            if let Some((at, _)) = found.next() {
                return if found.next().is_some() { Err(failure::ambiguous(name)) } else { Ok((inside, at)) };
            }
            scope = inside.outer;
        }
        Err(match table {
            Some(_) => failure::unbound(&parts.join(".")),
            None => failure::no_column(name),
        })
    }

    /// The query that a WITH has called so, and the ones before it.
    pub fn common_table(&self, name: &str) -> Option<(&'a CommonTable, &'a [CommonTable], Option<&Scope<'a>>)> {
        let mut scope = Some(self);
        while let Some(inside) = scope {
            let with: &'a [CommonTable] = inside.with;
            if let Some(at) = with.iter().position(|(known, _, _)| same_name(known, name)) {
                return Some((&with[at], &with[..at], inside.outer));
            }
            scope = inside.outer;
        }
        None
    }
}

impl<'a> Env<'a> {
    pub fn way(&self) -> Way {
        Way { format: self.own.options.date_format, style: None }
    }

    pub fn convert(&self, value: Value, to: Type) -> Answer<Value> {
        convert(value, to, self.way())
    }

    /// The value of an expression.
    pub fn value(&self, expr: &Expr, scope: &Scope) -> Answer<Value> {
        match expr {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Variable(name) => self.own.variable(name).map(|variable| variable.value.clone()),
            Expr::Global(name) => functions::global(self, name),
            Expr::Column(parts) => self.column(parts, scope),
            Expr::Signed(sign, value) => self.signed(*sign, value, scope),
            Expr::Chain(first, rest) => self.chain(first, rest, scope),
            Expr::Subquery(query) => self.scalar(query, scope),
            Expr::Case { operand, whens, otherwise } => {
                self.case(expr, operand.as_deref(), whens, otherwise.as_deref(), scope)
            }
            Expr::Cast { value, kind, style, attempt } => self.cast(value, *kind, style.as_deref(), *attempt, scope),
            Expr::Call(call) => self.call(call, scope),
            condition => {
                let truth = self.test(condition, scope)?;
                Ok(truth.map_or(Value::Null, Value::Bit))
            }
        }
    }

    /// Whether a condition holds; none is unknown.
    pub fn test(&self, expr: &Expr, scope: &Scope) -> Answer<Option<bool>> {
        match expr {
            Expr::And(all) => self.every(all, true, scope),
            Expr::Or(all) => self.every(all, false, scope),
            Expr::Not(condition) => Ok(self.test(condition, scope)?.map(|truth| !truth)),
            Expr::Compare(operator, left, right) => {
                let order = self.order_of(left, right, scope)?;
                Ok(order.map(|order| satisfies(order, *operator)))
            }
            Expr::IsNull { value, not } => Ok(Some(self.value(value, scope)?.is_null() != *not)),
            Expr::Between { value, low, high, not } => {
                let above = self.order_of(value, low, scope)?.map(Ordering::is_ge);
                let below = self.order_of(value, high, scope)?.map(Ordering::is_le);
                let truth = match (above, below) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                Ok(truth.map(|truth| truth != *not))
            }
            Expr::In { value, list, not } => {
                let value = self.value(value, scope)?;
                let list = list.iter().map(|item| self.value(item, scope));
                self.is_in(&value, list, *not)
            }
            Expr::InQuery { value, query, not } => {
                let value = self.value(value, scope)?;
                let rows = self.query(query, scope)?.rows;
                let list = rows.into_iter().map(|row| Ok(row.into_iter().next().unwrap_or(Value::Null)));
                self.is_in(&value, list, *not)
            }
            Expr::Like { value, pattern, escape, not } => self.likeness(value, pattern, escape.as_deref(), *not, scope),
            Expr::Exists(query) => Ok(Some(!self.query(query, scope)?.rows.is_empty())),
            value => Err(not_a_condition(value)),
        }
    }

    /// AND where all have to be `wanted`, OR where none may be.
    fn every(&self, all: &[Expr], wanted: bool, scope: &Scope) -> Answer<Option<bool>> {
        let mut truth = Some(wanted);
        for condition in all {
            match self.test(condition, scope)? {
                Some(found) if found != wanted => return Ok(Some(found)),
                Some(_) => {}
                None => truth = None,
            }
        }
        Ok(truth)
    }

    fn order_of(&self, left: &Expr, right: &Expr, scope: &Scope) -> Answer<Option<Ordering>> {
        let (left, right) = (self.value(left, scope)?, self.value(right, scope)?);
        compare(&left, &right, self.way())
    }

    fn is_in(&self, value: &Value, list: impl Iterator<Item = Answer<Value>>, not: bool) -> Answer<Option<bool>> {
        let mut truth = Some(not);
        for item in list {
            match compare(value, &item?, self.way())? {
                Some(Ordering::Equal) => return Ok(Some(!not)),
                Some(_) => {}
                None => truth = None,
            }
        }
        Ok(truth)
    }

    fn likeness(
        &self,
        value: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        not: bool,
        scope: &Scope,
    ) -> Answer<Option<bool>> {
        let text = |expr: &Expr| -> Answer<Option<String>> {
            let value = self.convert(self.value(expr, scope)?, Type::NVarChar(None))?;
            Ok(value.as_text().map(str::to_owned))
        };
        let (value, pattern) = (text(value)?, text(pattern)?);
        let escape = escape.map(text).transpose()?.flatten();
        let (Some(value), Some(pattern)) = (value, pattern) else { return Ok(None) };
        let escape = escape.as_ref().and_then(|escape| escape.chars().next());
        Ok(Some(like(&value, &pattern, escape) != not))
    }

    fn column(&self, parts: &[String], scope: &Scope) -> Answer<Value> {
        let (inside, at) = scope.find(parts)?;
        Ok(inside.row.get(at).cloned().unwrap_or(Value::Null))
    }

    fn signed(&self, sign: Sign, value: &Expr, scope: &Scope) -> Answer<Value> {
        let value = self.value(value, scope)?;
        match sign {
            Sign::Plus => Ok(value),
            Sign::Minus => negated(value),
            Sign::Not => arithmetic::inverted(value),
        }
    }

    fn chain(&self, first: &Expr, rest: &[(Operator, Expr)], scope: &Scope) -> Answer<Value> {
        let mut value = self.value(first, scope)?;
        let mut is_literal = matches!(first, Expr::Literal(_));
        for (operator, right) in rest {
            let mut right_value = self.value(right, scope)?;
            if is_literal && let Some(exact) = arithmetic::literal(&value, right_value.kind()) {
                value = exact;
            }
            if matches!(right, Expr::Literal(_))
                && let Some(exact) = arithmetic::literal(&right_value, value.kind())
            {
                right_value = exact;
            }
            is_literal = false;
            let is_null = value.is_null() || right_value.is_null();
            value = match is_null {
                true => Value::Null,
                false => compute(*operator, value, right_value, self.way())?,
            };
        }
        Ok(value)
    }

    /// The only value of a query.
    fn scalar(&self, query: &Query, scope: &Scope) -> Answer<Value> {
        let answered = self.query(query, scope)?;
        if answered.columns.len() != 1 {
            let text = "Only one expression can be specified in the select list when the subquery is not introduced \
                        with EXISTS.";
            return Err(failure::failure(116, 16, 1, text).reach(failure::Reach::Scope));
        }
        let mut rows = answered.rows.into_iter();
        let first = rows.next();
        if rows.next().is_some() {
            return Err(failure::many_rows());
        }
        Ok(first.and_then(|row| row.into_iter().next()).unwrap_or(Value::Null))
    }

    fn case(
        &self,
        whole: &Expr,
        operand: Option<&Expr>,
        whens: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        scope: &Scope,
    ) -> Answer<Value> {
        let operand = operand.map(|operand| self.value(operand, scope)).transpose()?;
        let mut chosen = otherwise;
        for (when, then) in whens {
            let fits = match &operand {
                Some(operand) => compare(operand, &self.value(when, scope)?, self.way())? == Some(Ordering::Equal),
                None => self.test(when, scope)? == Some(true),
            };
            if fits {
                chosen = Some(then);
                break;
            }
        }
        let value = chosen.map_or(Ok(Value::Null), |chosen| self.value(chosen, scope))?;
        let kind = self.kind(whole, scope)?;
        self.convert(value, kind)
    }

    fn cast(&self, value: &Expr, kind: Type, style: Option<&Expr>, attempt: bool, scope: &Scope) -> Answer<Value> {
        let value = self.value(value, scope)?;
        let style = match style {
            Some(style) => {
                let style = self.convert(self.value(style, scope)?, Type::Int)?;
                style.as_integer().map(|style| style as i32)
            }
            None => None,
        };
        match convert(value, kind, Way { style, ..self.way() }) {
            Err(error) if attempt && error.number != 529 => Ok(Value::Null),
            answer => answer,
        }
    }

    fn call(&self, call: &Call, scope: &Scope) -> Answer<Value> {
        if call.over.is_some() {
            let found = scope.windows.iter().find(|(at, _)| *at == place_of(call));
            return found.map(|(_, value)| value.clone()).ok_or_else(|| {
                let text = "Windowed functions can only appear in the SELECT or ORDER BY clauses.";
                failure::failure(4108, 15, 1, text).reach(failure::Reach::Scope)
            });
        }
        if functions::is_aggregate(call) {
            return self.aggregate(call, scope);
        }
        functions::call(self, call, scope)
    }

    /// COUNT, SUM and the like over the rows of a group.
    fn aggregate(&self, call: &Call, scope: &Scope) -> Answer<Value> {
        let mut inside = Some(scope);
        while let Some(candidate) = inside {
            if let Some(rows) = candidate.group {
                let one = |row: &Row| {
                    let scope = Scope { row, group: None, grouped_by: None, ..*candidate };
                    call.arguments.first().map_or(Ok(Value::Int(1)), |argument| self.value(argument, &scope))
                };
                let kind = self.kind_of_aggregate(call, candidate)?;
                return functions::aggregate(self, call, kind, rows.iter().map(one));
            }
            inside = candidate.outer;
        }
        let text = "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING \
                    clause or a select list, and the column being aggregated is an outer reference.";
        Err(failure::failure(147, 15, 1, text).reach(failure::Reach::Scope))
    }

    /// The type that all of these have in common; bare NULLs have none.
    pub fn common_kind<'e>(&self, all: impl Iterator<Item = &'e Expr>, scope: &Scope) -> Answer<Type> {
        let mut found = None;
        for expr in all {
            let kind = self.kind(expr, scope)?;
            if !matches!(expr, Expr::Literal(Value::Null)) {
                found = Some(found.map_or(kind, |before| common(before, kind)));
            }
        }
        Ok(found.unwrap_or(Type::Int))
    }
}

fn not_a_condition(value: &Expr) -> failure::Failure {
    let near = match value {
        Expr::Column(parts) => parts.join("."),
        Expr::Variable(name) => name.clone(),
        _ => ")".to_owned(),
    };
    let text = format!(
        "An expression of non-boolean type specified in a context where a condition is expected, near '{near}'."
    );
    failure::failure(4145, 15, 1, text).reach(failure::Reach::Scope)
}
