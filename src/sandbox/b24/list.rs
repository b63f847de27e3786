//! Lists: filter, order, select, page, total and next.

use super::answer::{Answer, Fail, Reply, fail, missing};
use super::cell::Type;
use super::cell::scalar_text;
use super::filter::{Filter, Op, test};
use super::methods::Call;
use super::params::{children, get, whole};
use super::php;
use super::schema::{Column, Kind};
use super::views::{Dialect, Sorting, View};
use super::world::{Row, World};
use serde_json::Value;
use std::cmp::Ordering;

/// What rows are wanted.
pub struct Query {
    pub kind: Kind,
    pub filter: Filter,
    /// Columns, and whether each falls. Empty: by id, upwards.
    pub order: Vec<(usize, bool)>,
    /// Places of the first row and how many rows.
    pub start: u64,
    pub page: u64,
}

/// A page of rows and the number of all that fit.
pub struct Page {
    pub ids: Vec<u64>,
    pub total: u64,
}

/// A `.list` method of a family.
pub fn list(world: &World, call: &Call) -> Reply {
    let view = call.view;
    if let Some(name) = view.required.iter().find(|name| get(call.params, name).is_none()) {
        return Err(missing(name));
    }
    let kind = call.kind()?;
    let start = get(call.params, "start").and_then(whole).unwrap_or(0);
    let page = if view.page == 0 { u64::MAX } else { view.page };
    let from = if view.page == 0 { 0 } else { start.max(0) as u64 };
    let query = Query { kind, filter: filter_of(call, kind)?, order: order_of(call, kind), start: from, page };
    let mut found = find(world, &query);
    found.ids.retain(|id| call.hidden_every == 0 || id % call.hidden_every != 0);
    let columns = selected(call, kind);
    let mut answer = print_rows(world, view, kind, &found.ids, &columns);
    if view.total {
        let counted = start >= 0;
        answer.counted = counted && view.page > 0;
        answer.total = Some(if counted { found.total } else { 0 });
    }
    if view.total && start >= 0 {
        answer.next = from.checked_add(page).filter(|next| *next < found.total);
    }
    Ok(answer)
}

fn filter_of(call: &Call, kind: Kind) -> Result<Filter, Fail> {
    let view = call.view;
    let given = get(call.params, "filter");
    let mut filter = Filter::read(kind, given, view.dialect == Dialect::Item).map_err(|unknown| {
        fail(400, "INVALID_ARG_VALUE", format!("Invalid filter: field '{}' is not allowed in filter", unknown.0))
    })?;
    if view.flat_filter
        && let Value::Object(top) = call.params
    {
        let flat: serde_json::Map<String, Value> = top
            .iter()
            .filter(|(key, _)| {
                !["sort", "order", "filter", "start", "auth"].iter().any(|name| key.eq_ignore_ascii_case(name))
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let flat = Filter::read(kind, Some(&Value::Object(flat)), false).unwrap_or_default();
        filter.tests.extend(flat.tests);
        filter.low = filter.low.max(flat.low);
        filter.high = filter.high.min(flat.high);
        filter.only = flat.only.or(filter.only);
    }
    for (column, parameter) in view.given {
        if let (Some(column), Some(value)) = (kind.column(column), get(call.params, parameter)) {
            filter.push(test(kind, column, Op::Eq, value));
        }
    }
    for (column, value) in view.always {
        if let Some(column) = kind.column(column) {
            filter.push(test(kind, column, Op::Eq, &Value::from(*value)));
        }
    }
    Ok(filter)
}

fn order_of(call: &Call, kind: Kind) -> Vec<(usize, bool)> {
    let falls = |direction: &Value| scalar_text(direction).to_ascii_lowercase().starts_with("desc");
    let asked: Vec<(usize, bool)> = match call.view.sorting {
        Sorting::No => Vec::new(),
        Sorting::Map(name) => match get(call.params, name) {
            Some(Value::Object(map)) => {
                map.iter().filter_map(|(name, way)| Some((kind.column(name)?, falls(way)))).collect()
            }
            _ => Vec::new(),
        },
        Sorting::Strings => {
            let field = get(call.params, "sort").map(scalar_text).unwrap_or_default();
            let way = get(call.params, "order").is_some_and(falls);
            kind.column(&field).map(|column| (column, way)).into_iter().collect()
        }
    };
    if asked.is_empty() && call.view.newest_first { vec![(0, true)] } else { asked }
}

/// The columns a list answers with. The id always comes along, as portals do.
fn selected(call: &Call, kind: Kind) -> Vec<usize> {
    let view = call.view;
    let names: Vec<String> = get(call.params, "select")
        .map(|select| children(select).map(|name| scalar_text(name).into_owned()).collect())
        .unwrap_or_default();
    let star = names.is_empty() || names.iter().any(|name| name == "*");
    let user_fields = names.iter().any(|name| name.eq_ignore_ascii_case("UF_*"));
    let named: Vec<usize> = names.iter().filter_map(|name| kind.column(name)).collect();
    let wanted = |place: usize, column: &Column| {
        if place == 0 || named.contains(&place) {
            return true;
        }
        match (view.narrow, column.is_user_field(), column.kind) {
            (_, _, Type::Multi) => false,
            (true, true, _) => user_fields,
            (_, is_user_field, _) => star || (is_user_field && user_fields),
        }
    };
    let columns = kind.columns().iter().enumerate();
    columns
        .filter(|(place, column)| !view.name_of(column).is_empty() && wanted(*place, column))
        .map(|(place, _)| place)
        .collect()
}

/// Finds a page.
pub fn find(world: &World, query: &Query) -> Page {
    let table = world.table(query.kind);
    let by_id = match query.order.first() {
        None => Some(false),
        Some((0, falls)) => Some(*falls),
        _ => None,
    };
    let filter = &query.filter;
    if let Some(only) = &filter.only {
        let alive = |id: &u64| table.holds(*id) && filter.in_window(*id) && filter.accepts(&world.row(query.kind, *id));
        let mut ids: Vec<u64> = only.iter().copied().filter(alive).collect();
        sort(world, query, by_id, &mut ids);
        return cut(&ids, query);
    }
    match by_id {
        Some(falls) if filter.tests.is_empty() => {
            let (low, high) = (table.below(filter.low), table.below(filter.high.saturating_add(1)));
            let total =
                if filter.high == u64::MAX { table.len().saturating_sub(low) } else { high.saturating_sub(low) };
            let left = total.saturating_sub(query.start).min(query.page);
            let mut ids = if left == 0 {
                Vec::new()
            } else if falls {
                table.upwards(low + total - query.start - left, left)
            } else {
                table.upwards(low + query.start, left)
            };
            if falls {
                ids.reverse();
            }
            Page { ids, total }
        }
        _ => searched(world, query, by_id),
    }
}

/// A list that needs a look at every row; what was found is remembered, without the bounds on the id.
fn searched(world: &World, query: &Query, by_id: Option<bool>) -> Page {
    let (kind, filter) = (query.kind, &query.filter);
    let key = format!("{kind:?} {:?} {:?}", filter.tests, query.order);
    let all = world.remembered(kind, key, || {
        let ids = world.table(kind).upwards(0, u64::MAX);
        let mut ids: Vec<u64> = ids.into_iter().filter(|id| filter.accepts(&world.row(kind, *id))).collect();
        sort(world, query, by_id, &mut ids);
        ids
    });
    match by_id {
        Some(false) => {
            let low = all.partition_point(|id| *id < filter.low);
            let high = all.partition_point(|id| *id <= filter.high).max(low);
            cut(&all[low..high], query)
        }
        Some(true) => {
            let low = all.partition_point(|id| *id > filter.high);
            let high = all.partition_point(|id| *id >= filter.low).max(low);
            cut(&all[low..high], query)
        }
        None if filter.low == 0 && filter.high == u64::MAX => cut(&all, query),
        None => cut(&all.iter().copied().filter(|id| filter.in_window(*id)).collect::<Vec<_>>(), query),
    }
}

fn cut(ids: &[u64], query: &Query) -> Page {
    let from = (query.start as usize).min(ids.len());
    let to = from.saturating_add(query.page as usize).min(ids.len());
    Page { ids: ids[from..to].to_vec(), total: ids.len() as u64 }
}

fn sort(world: &World, query: &Query, by_id: Option<bool>, ids: &mut [u64]) {
    match by_id {
        Some(false) => {}
        Some(true) => ids.reverse(),
        None => ids.sort_by(|a, b| {
            let (a, b) = (world.row(query.kind, *a), world.row(query.kind, *b));
            let compare = |(column, falls): &(usize, bool)| {
                let order = a.cell(*column).order(&b.cell(*column));
                if *falls { order.reverse() } else { order }
            };
            query.order.iter().map(compare).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
        }),
    }
}

/// Prints rows under the family's wrapper.
pub fn print_rows(world: &World, view: &View, kind: Kind, ids: &[u64], columns: &[usize]) -> Answer {
    let keys = keys_of(view, kind, columns);
    let mut answer =
        Answer { wrapper: view.rows, body: Vec::with_capacity(64 + ids.len() * 1100), ..Answer::default() };
    let out = &mut answer.body;
    if !view.rows.is_empty() {
        out.push(b'{');
        php::text(out, view.rows);
        out.push(b':');
    }
    out.push(b'[');
    let mut shape = vec![kind as u8, view.scalars as u8];
    keys.iter().for_each(|(_, key)| shape.extend_from_slice(key));
    answer.rows = world.print_each(out, (kind, shape), ids, b',', |out, row| print_row(out, row, view, &keys));
    out.push(b']');
    if !view.rows.is_empty() {
        out.push(b'}');
    }
    answer
}

/// Columns with their printed names.
pub fn keys_of(view: &View, kind: Kind, columns: &[usize]) -> Vec<(usize, Vec<u8>)> {
    let key = |place: &usize| {
        let mut key = Vec::new();
        php::text(&mut key, view.name_of(&kind.columns()[*place]));
        key.push(b':');
        (*place, key)
    };
    columns.iter().map(key).collect()
}

/// Prints one row. A row without a phone has no `PHONE` at all.
pub fn print_row(out: &mut Vec<u8>, row: &Row, view: &View, keys: &[(usize, Vec<u8>)]) {
    let from = out.len();
    out.push(b'{');
    for (place, key) in keys {
        let cell = row.cell(*place);
        if row.kind().columns()[*place].kind == Type::Multi && cell.is_empty() {
            continue;
        }
        if out.len() > from + 1 {
            out.push(b',');
        }
        out.extend(key);
        php::cell(out, &cell, view.scalars);
    }
    out.push(b'}');
}
