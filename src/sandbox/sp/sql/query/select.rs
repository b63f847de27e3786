//! One SELECT: rows, filter, groups, items.

use super::order::Sorted;
use super::{Answered, distinct, window};
use crate::sandbox::sp::sql::ast::{Expr, Item, Order, Select};
use crate::sandbox::sp::sql::eval::{Env, Field, Scope};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::functions;
use crate::sandbox::sp::sql::out::Column;
use crate::sandbox::sp::sql::query::source::MARK;
use crate::sandbox::sp::sql::table::{Row, same_name};
use crate::sandbox::sp::sql::value::{Type, Value};

/// An item of a select list after `*` was written out.
pub enum Listed<'a> {
    /// Number of the field.
    Field(usize),
    Value(&'a Expr),
}

impl Env<'_> {
    /// The columns that a SELECT will have.
    pub(super) fn shape_of_select(&self, select: &Select, scope: &Scope) -> Answer<Vec<Column>> {
        let from = self.sources(&select.from, None, false, scope)?;
        let inside = Scope { fields: &from.fields, outer: Some(scope), ..Scope::default() };
        self.columns(select, &inside).map(|(columns, _)| columns)
    }

    /// Columns and items, with every name looked up.
    fn columns<'s>(&self, select: &'s Select, scope: &Scope) -> Answer<(Vec<Column>, Vec<Listed<'s>>)> {
        select.filter.as_ref().map_or(Ok(()), |filter| self.check(filter, scope))?;
        for by in &select.group {
            self.kind(by, scope)?;
        }
        let grouped_by = is_grouped(select).then_some(&select.group[..]);
        let scope = &Scope { grouped_by, ..*scope };
        select.having.as_ref().map_or(Ok(()), |having| self.check(having, scope))?;
        let (mut columns, mut listed) = (Vec::new(), Vec::new());
        for item in &select.items {
            match item {
                Item::Star(table) => self.star(table.as_deref(), scope, &mut columns, &mut listed)?,
                Item::Value { value, alias } => {
                    columns.push(self.column_of(value, alias.as_deref(), scope)?);
                    listed.push(Listed::Value(value));
                }
                Item::Assign { value, .. } => {
                    columns.push(self.column_of(value, None, scope)?);
                    listed.push(Listed::Value(value));
                }
            }
        }
        Ok((columns, listed))
    }

    fn star(
        &self,
        table: Option<&str>,
        scope: &Scope,
        columns: &mut Vec<Column>,
        listed: &mut Vec<Listed>,
    ) -> Answer<()> {
        let before = columns.len();
        for (at, field) in scope.fields.iter().enumerate() {
            let is_wanted = table.is_none_or(|table| same_name(table, &field.table)) && field.name != MARK;
            if !is_wanted {
                continue;
            }
            let (name, kind, nullable, identity) = (field.name.clone(), field.kind, field.nullable, field.identity);
            columns.push(Column { name, kind, nullable, identity });
            listed.push(Listed::Field(at));
        }
        match table {
            Some(table) if columns.len() == before => {
                let text = format!(
                    "The column prefix '{table}' does not match with a table name or alias name used in the query."
                );
                Err(failure::failure(107, 15, 1, text).reach(failure::Reach::Scope))
            }
            None if columns.len() == before => {
                Err(failure::failure(263, 16, 1, "Must specify table to select from.").reach(failure::Reach::Scope))
            }
            _ => Ok(()),
        }
    }

    fn column_of(&self, value: &Expr, alias: Option<&str>, scope: &Scope) -> Answer<Column> {
        let kind = self.kind(value, scope)?;
        let (mut column, is_plain) = match value {
            Expr::Column(parts) => {
                let (inside, at) = scope.find(parts)?;
                let Field { name, nullable, identity, .. } = &inside.fields[at];
                (Column { name: name.clone(), kind, nullable: *nullable, identity: *identity }, true)
            }
            _ => (Column::new("", kind), false),
        };
        if let Some(alias) = alias {
            alias.clone_into(&mut column.name);
        }
        if !is_plain {
            column.nullable = is_nullable(value);
        }
        Ok(column)
    }

    /// Runs a SELECT.
    pub(super) fn select(&self, select: &Select, order: &[Order], scope: &Scope) -> Answer<Answered> {
        let mut from = self.sources(&select.from, None, true, scope)?;
        let fields = std::mem::take(&mut from.fields);
        let inside = Scope { fields: &fields, outer: Some(scope), ..Scope::default() };
        let (columns, listed) = self.columns(select, &inside)?;
        let mut rows = from.rows;
        if let Some(filter) = &select.filter {
            rows = self.kept(rows, filter, &inside)?;
        }
        let sorted = match is_grouped(select) || order.iter().any(|order| functions::has_aggregate(&order.by)) {
            true => self.grouped(select, order, &columns, &listed, rows, &inside)?,
            false => self.plain(select, order, &columns, &listed, rows, &inside)?,
        };
        let mut rows = sorted.rows();
        if select.distinct {
            distinct(&mut rows);
        }
        if let Some(top) = &select.top {
            if top.with_ties {
                return Err(failure::unsupported("WITH TIES"));
            }
            let count = match top.percent {
                true => {
                    let percent = self.convert(self.value(&top.count, scope)?, Type::Float)?;
                    let percent = crate::sandbox::sp::sql::convert::as_float(&percent).unwrap_or(0.0);
                    (rows.len() as f64 * percent.clamp(0.0, 100.0) / 100.0).ceil() as usize
                }
                false => self.count(&top.count, scope)?,
            };
            rows.truncate(count);
        }
        Ok(Answered { columns, rows })
    }

    /// The columns of a SELECT over these fields, with every name looked up.
    pub fn shape_of_items(&self, select: &Select, scope: &Scope) -> Answer<Vec<Field>> {
        let (columns, _) = self.columns(select, scope)?;
        let field = |column: Column| Field {
            table: String::new(),
            name: column.name,
            kind: column.kind,
            nullable: column.nullable,
            identity: column.identity,
        };
        Ok(columns.into_iter().map(field).collect())
    }

    /// The rows of a SELECT.
    pub fn select_rows(&self, select: &Select, order: &[Order], scope: &Scope) -> Answer<Vec<Row>> {
        self.select(select, order, scope).map(|answered| answered.rows)
    }

    /// Rows of a FROM in an order.
    pub fn sorted(&self, rows: Vec<Row>, order: &[Order], scope: &Scope) -> Answer<Vec<Row>> {
        let mut sorted = Sorted::default();
        for row in rows {
            let keys = self.sort_keys(order, &[], &[], &Scope { row: &row, ..*scope })?;
            sorted.push(keys, row);
        }
        sorted.sort(self, order)?;
        Ok(sorted.rows())
    }

    /// The rows for which a condition holds.
    pub fn kept(&self, rows: Vec<Row>, filter: &Expr, scope: &Scope) -> Answer<Vec<Row>> {
        let mut kept = Vec::new();
        for row in rows {
            let holds = self.test(filter, &Scope { row: &row, ..*scope })? == Some(true);
            if holds {
                kept.push(row);
            }
        }
        Ok(kept)
    }

    fn plain(
        &self,
        select: &Select,
        order: &[Order],
        columns: &[Column],
        listed: &[Listed],
        rows: Vec<Row>,
        scope: &Scope,
    ) -> Answer<Sorted> {
        let windows = window::values(self, select, order, &rows, scope)?;
        let mut sorted = Sorted::default();
        for (at, row) in rows.iter().enumerate() {
            let own = windows.get(at).map_or(&[][..], |own| own);
            let inside = Scope { row, windows: own, ..*scope };
            let out = self.items(listed, columns, &inside)?;
            let keys = self.sort_keys(order, columns, &out, &inside)?;
            sorted.push(keys, out);
        }
        sorted.sort(self, order)?;
        Ok(sorted)
    }

    /// The values of a select list for a row or a group.
    pub(super) fn items(&self, listed: &[Listed], columns: &[Column], scope: &Scope) -> Answer<Row> {
        let values = listed.iter().zip(columns).map(|(item, column)| match item {
            Listed::Field(at) => Ok(scope.row.get(*at).cloned().unwrap_or(Value::Null)),
            Listed::Value(value) => self.convert(self.value(value, scope)?, column.kind),
        });
        values.collect()
    }
}

/// Whether rows are put together.
pub fn is_grouped(select: &Select) -> bool {
    let in_items = select.items.iter().any(|item| match item {
        Item::Value { value, .. } | Item::Assign { value, .. } => functions::has_aggregate(value),
        Item::Star(_) => false,
    });
    !select.group.is_empty() || in_items || select.having.is_some()
}

/// Whether an expression can be NULL, as far as can be seen.
fn is_nullable(value: &Expr) -> bool {
    match value {
        Expr::Literal(value) => value.is_null(),
        Expr::Call(call) => {
            !matches!(call.name.as_str(), "COUNT" | "COUNT_BIG" | "GETDATE" | "SYSDATETIME" | "ROW_NUMBER")
        }
        _ => true,
    }
}
