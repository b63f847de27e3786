//! ORDER BY: by columns of the answer, by their numbers, by anything else of the row.

use std::cmp::Ordering;

use super::Answered;
use crate::sandbox::sp::sql::ast::{Expr, Order};
use crate::sandbox::sp::sql::compare::compare;
use crate::sandbox::sp::sql::eval::{Env, Scope};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::out::Column;
use crate::sandbox::sp::sql::table::{Row, same_name};
use crate::sandbox::sp::sql::value::Value;

/// Rows beside what they are sorted by.
#[derive(Default)]
pub struct Sorted {
    rows: Vec<(Row, Row)>,
}

impl Sorted {
    pub fn push(&mut self, keys: Row, row: Row) {
        self.rows.push((keys, row));
    }

    pub fn sort(&mut self, env: &Env, order: &[Order]) -> Answer<()> {
        if order.is_empty() {
            return Ok(());
        }
        // A comparison can fail; the first failure is what counts.
        let mut failed = None;
        self.rows.sort_by(|(one, _), (two, _)| {
            compared(env, one, two, order).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                Ordering::Equal
            })
        });
        failed.map_or(Ok(()), Err)
    }

    pub fn rows(self) -> Vec<Row> {
        self.rows.into_iter().map(|(_, row)| row).collect()
    }
}

/// NULLs come first.
pub fn compared(env: &Env, one: &[Value], two: &[Value], order: &[Order]) -> Answer<Ordering> {
    for ((one, two), order) in one.iter().zip(two).zip(order) {
        let found = match (one.is_null(), two.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => compare(one, two, env.way())?.unwrap_or(Ordering::Equal),
        };
        if found != Ordering::Equal {
            return Ok(if order.descending { found.reverse() } else { found });
        }
    }
    Ok(Ordering::Equal)
}

/// The column of the answer that is meant, if it is one.
fn output_column(by: &Expr, columns: &[Column]) -> Answer<Option<usize>> {
    match by {
        Expr::Literal(Value::Int(number)) => {
            let at = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
            let at = at.filter(|at| *at < columns.len());
            at.map(Some).ok_or_else(|| {
                let text = format!(
                    "The ORDER BY position number {number} is out of range of the number of items in the select list."
                );
                failure::failure(108, 16, 1, text).reach(failure::Reach::Scope)
            })
        }
        Expr::Column(parts) if parts.len() == 1 => {
            Ok(columns.iter().position(|column| same_name(&column.name, &parts[0])))
        }
        _ => Ok(None),
    }
}

impl Env<'_> {
    /// What a row is sorted by.
    pub(super) fn sort_keys(&self, order: &[Order], columns: &[Column], out: &[Value], scope: &Scope) -> Answer<Row> {
        let keys = order.iter().map(|Order { by, .. }| match output_column(by, columns)? {
            Some(at) => Ok(out[at].clone()),
            None => self.value(by, scope),
        });
        keys.collect()
    }
}

/// Sorts what a UNION gives, which has no other columns than those of the answer.
pub fn by_output(env: &Env, answered: &mut Answered, order: &[Order], scope: &Scope) -> Answer<()> {
    let mut sorted = Sorted::default();
    for row in std::mem::take(&mut answered.rows) {
        let keys = env.sort_keys(order, &answered.columns, &row, scope)?;
        sorted.push(keys, row);
    }
    sorted.sort(env, order)?;
    answered.rows = sorted.rows();
    Ok(())
}
