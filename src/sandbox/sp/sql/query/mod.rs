//! Queries: what they give, and what their columns will be.

mod group;
mod order;
mod select;
mod source;
mod window;

use std::collections::HashSet;

use super::ast::{Body, Combine, Expr, Query};
use super::compare::{common, key_of};
use super::eval::{Env, Scope};
use super::failure::{self, Answer};
use super::out::Column;
use super::table::{MOST_ROWS, Row};
use super::value::{Type, Value};

pub use select::is_grouped;
pub use source::{MARK, Rowset};

/// What a query gives.
pub struct Answered {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

impl Env<'_> {
    /// Runs a query inside of a scope.
    pub fn query(&self, query: &Query, scope: &Scope) -> Answer<Answered> {
        let inside = Scope { with: &query.with, outer: Some(scope), ..Scope::default() };
        let scope = if query.with.is_empty() { scope } else { &inside };
        let mut answered = match &query.first {
            Body::Select(select) if query.more.is_empty() => self.select(select, &query.order, scope)?,
            body => {
                let mut all = self.body(body, scope)?;
                for (combine, body) in &query.more {
                    let more = self.body(body, scope)?;
                    all = self.combined(all, *combine, more)?;
                }
                order::by_output(self, &mut all, &query.order, scope)?;
                all
            }
        };
        self.cut(&mut answered, query, scope)?;
        Ok(answered)
    }

    /// OFFSET and FETCH.
    fn cut(&self, answered: &mut Answered, query: &Query, scope: &Scope) -> Answer<()> {
        let Some(offset) = &query.offset else { return Ok(()) };
        let offset = self.count(offset, scope)?;
        answered.rows.drain(..offset.min(answered.rows.len()));
        if let Some(fetch) = &query.fetch {
            answered.rows.truncate(self.count(fetch, scope)?);
        }
        Ok(())
    }

    /// A number of rows.
    pub fn count(&self, expr: &Expr, scope: &Scope) -> Answer<usize> {
        let value = self.convert(self.value(expr, scope)?, Type::BigInt)?;
        let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| {
            let text = "A TOP or FETCH clause contains an invalid value.";
            failure::failure(1014, 15, 1, text)
        })
    }

    fn body(&self, body: &Body, scope: &Scope) -> Answer<Answered> {
        match body {
            Body::Select(select) => self.select(select, &[], scope),
            Body::Query(query) => self.query(query, scope),
            Body::Values(rows) => self.values(rows, scope),
        }
    }

    fn values(&self, rows: &[Vec<Expr>], scope: &Scope) -> Answer<Answered> {
        let columns = self.columns_of_values(rows, scope)?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let values = row.iter().zip(&columns);
            let values = values.map(|(expr, column)| self.convert(self.value(expr, scope)?, column.kind));
            all.push(values.collect::<Answer<Row>>()?);
        }
        Ok(Answered { columns, rows: all })
    }

    fn columns_of_values(&self, rows: &[Vec<Expr>], scope: &Scope) -> Answer<Vec<Column>> {
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            let text = "All the rows in a VALUES list must have the same number of expressions.";
            return Err(failure::failure(10709, 16, 1, text).reach(failure::Reach::Scope));
        }
        let kinds = (0..width).map(|at| self.common_kind(rows.iter().filter_map(|row| row.get(at)), scope));
        kinds.map(|kind| kind.map(|kind| Column::new("", kind))).collect()
    }

    /// The columns that a query will have.
    pub fn shape(&self, query: &Query, scope: &Scope) -> Answer<Vec<Column>> {
        let inside = Scope { with: &query.with, outer: Some(scope), ..Scope::default() };
        let scope = if query.with.is_empty() { scope } else { &inside };
        let mut columns = self.shape_of_body(&query.first, scope)?;
        for (_, body) in &query.more {
            let more = self.shape_of_body(body, scope)?;
            join_columns(&mut columns, &more)?;
        }
        Ok(columns)
    }

    fn shape_of_body(&self, body: &Body, scope: &Scope) -> Answer<Vec<Column>> {
        match body {
            Body::Select(select) => self.shape_of_select(select, scope),
            Body::Query(query) => self.shape(query, scope),
            Body::Values(rows) => self.columns_of_values(rows, scope),
        }
    }

    fn combined(&self, mut first: Answered, combine: Combine, mut second: Answered) -> Answer<Answered> {
        join_columns(&mut first.columns, &second.columns)?;
        let columns = first.columns.clone();
        for row in first.rows.iter_mut().chain(&mut second.rows) {
            for (value, column) in row.iter_mut().zip(&columns) {
                *value = self.convert(std::mem::replace(value, Value::Null), column.kind)?;
            }
        }
        if first.rows.len() + second.rows.len() > MOST_ROWS {
            return Err(failure::no_memory());
        }
        let keys: HashSet<String> = second.rows.iter().map(|row| key_of_row(row)).collect();
        match combine {
            Combine::UnionAll | Combine::Union => first.rows.append(&mut second.rows),
            Combine::Except => first.rows.retain(|row| !keys.contains(&key_of_row(row))),
            Combine::Intersect => first.rows.retain(|row| keys.contains(&key_of_row(row))),
        }
        if combine != Combine::UnionAll {
            distinct(&mut first.rows);
        }
        Ok(first)
    }
}

/// The types of both, under the names of the first.
fn join_columns(columns: &mut [Column], more: &[Column]) -> Answer<()> {
    if columns.len() != more.len() {
        let text = "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of \
                    expressions in their target lists.";
        return Err(failure::failure(205, 16, 1, text).reach(failure::Reach::Scope));
    }
    for (column, other) in columns.iter_mut().zip(more) {
        column.kind = common(column.kind, other.kind);
        column.nullable |= other.nullable;
    }
    Ok(())
}

/// The same for rows that are equal.
pub fn key_of_row(row: &[Value]) -> String {
    row.iter().map(|value| key_of(value) + "\u{1}").collect()
}

/// Keeps the first of equal rows.
pub fn distinct(rows: &mut Vec<Row>) {
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(key_of_row(row)));
}
