//! OVER: numbers and sums over parts of the rows.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::key_of_row;
use super::order::compared;
use crate::sandbox::sp::sql::ast::{Call, Expr, Item, Order, Select};
use crate::sandbox::sp::sql::eval::{Env, Scope, place_of};
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::functions;
use crate::sandbox::sp::sql::table::Row;
use crate::sandbox::sp::sql::value::Value;

/// Calls with OVER in an expression, those in its parts included.
fn collect<'e>(expr: &'e Expr, into: &mut Vec<&'e Call>) {
    match expr {
        Expr::Call(call) => {
            if call.over.is_some() {
                into.push(call);
            }
            call.arguments.iter().for_each(|argument| collect(argument, into));
        }
        Expr::Signed(_, value) => collect(value, into),
        Expr::Cast { value, .. } => collect(value, into),
        Expr::Chain(first, rest) => {
            collect(first, into);
            rest.iter().for_each(|(_, value)| collect(value, into));
        }
        Expr::Compare(_, left, right) => {
            collect(left, into);
            collect(right, into);
        }
        Expr::Case { operand, whens, otherwise } => {
            operand.iter().chain(otherwise).for_each(|value| collect(value, into));
            whens.iter().flat_map(|(when, then)| [when, then]).for_each(|value| collect(value, into));
        }
        _ => {}
    }
}

/// For every row the values of all calls with OVER; nothing where there is none.
pub fn values(
    env: &Env,
    select: &Select,
    order: &[Order],
    rows: &[Row],
    scope: &Scope,
) -> Answer<Vec<Vec<(usize, Value)>>> {
    let mut calls = Vec::new();
    for item in &select.items {
        if let Item::Value { value, .. } | Item::Assign { value, .. } = item {
            collect(value, &mut calls);
        }
    }
    order.iter().for_each(|order| collect(&order.by, &mut calls));
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = vec![Vec::new(); rows.len()];
    for call in calls {
        let place = place_of(call);
        for (row, value) in over(env, call, rows, scope)?.into_iter().enumerate() {
            all[row].push((place, value));
        }
    }
    Ok(all)
}

/// One value for each row.
fn over(env: &Env, call: &Call, rows: &[Row], scope: &Scope) -> Answer<Vec<Value>> {
    let Some((parts, order)) = &call.over else { return Ok(Vec::new()) };
    let mut members: HashMap<String, Vec<(Row, usize)>> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let inside = Scope { row, ..*scope };
        let part = parts.iter().map(|part| env.value(part, &inside)).collect::<Answer<Row>>()?;
        let keys = order.iter().map(|order| env.value(&order.by, &inside)).collect::<Answer<Row>>()?;
        members.entry(key_of_row(&part)).or_default().push((keys, at));
    }
    let mut values = vec![Value::Null; rows.len()];
    for mut part in members.into_values() {
        let mut failed = None;
        part.sort_by(|(one, _), (two, _)| {
            compared(env, one, two, order).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                Ordering::Equal
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if functions::is_aggregate(call) {
            aggregated(env, call, &part, rows, scope, &mut values)?;
        } else {
            numbered(env, call, &part, &mut values)?;
        }
    }
    Ok(values)
}

fn numbered(env: &Env, call: &Call, part: &[(Row, usize)], values: &mut [Value]) -> Answer<()> {
    let Some((_, order)) = &call.over else { return Ok(()) };
    let (mut rank, mut dense) = (0, 0);
    for (number, (keys, at)) in part.iter().enumerate() {
        let is_new = match number.checked_sub(1) {
            Some(before) => compared(env, &part[before].0, keys, order)? != Ordering::Equal,
            None => true,
        };
        if is_new {
            (rank, dense) = (number as i64 + 1, dense + 1);
        }
        values[*at] = Value::BigInt(match call.name.as_str() {
            "ROW_NUMBER" => number as i64 + 1,
            "RANK" => rank,
            "DENSE_RANK" => dense,
            name => return Err(failure::unsupported(&format!("{name} … OVER"))),
        });
    }
    Ok(())
}

/// With an order, everything up to and with the rows that are equal in it; without one, all of the part.
fn aggregated(
    env: &Env,
    call: &Call,
    part: &[(Row, usize)],
    rows: &[Row],
    scope: &Scope,
    values: &mut [Value],
) -> Answer<()> {
    let Some((_, order)) = &call.over else { return Ok(()) };
    let mut from = 0;
    while from < part.len() {
        let mut to = from + 1;
        while to < part.len() && (order.is_empty() || compared(env, &part[from].0, &part[to].0, order)?.is_eq()) {
            to += 1;
        }
        let group: Vec<Row> = part[..to].iter().map(|(_, at)| rows[*at].clone()).collect();
        let bare = Call {
            name: call.name.clone(),
            arguments: Vec::new(),
            distinct: call.distinct,
            star: call.star,
            over: None,
        };
        let argument = |row: &Row| {
            let inside = Scope { row, ..*scope };
            call.arguments.first().map_or(Ok(Value::Int(1)), |argument| env.value(argument, &inside))
        };
        let kind = call.arguments.first().map(|argument| env.kind(argument, scope)).transpose()?;
        let kind = functions::kind_of_aggregate(call, kind)?;
        let value = functions::aggregate(env, &bare, kind, group.iter().map(argument))?;
        for (_, at) in &part[from..to] {
            values[*at] = value.clone();
        }
        from = to;
    }
    Ok(())
}
