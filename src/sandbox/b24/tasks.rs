//! `task.elapseditem.*`, `task.commentitem.*`, `task.checklistitem.*`: old methods that take their parameters by order.

use super::answer::{Answer, Fail, Reply, fail, missing};
use super::cell::{Cell, scalar_text};
use super::crud;
use super::filter::{Filter, Op, Test, test};
use super::list::{Query, find, print_rows};
use super::methods::Act::{self, Read, Write};
use super::methods::Call;
use super::params::{children, get, nth, whole};
use super::schema::Kind;
use super::table::Changes;
use super::views::PLAIN;
use super::world::World;
use serde_json::{Value, json};

/// They are found by these names.
pub const METHODS: &[(&str, Act)] = &[
    ("task.elapseditem.getlist", Read(list)),
    ("task.elapseditem.get", Read(get_one)),
    ("task.elapseditem.add", Write(add)),
    ("task.elapseditem.update", Write(update)),
    ("task.elapseditem.delete", Write(delete)),
    ("task.commentitem.getlist", Read(list)),
    ("task.commentitem.get", Read(get_one)),
    ("task.commentitem.add", Write(add)),
    ("task.commentitem.update", Write(update)),
    ("task.commentitem.delete", Write(delete)),
    ("task.checklistitem.getlist", Read(list)),
    ("task.checklistitem.get", Read(get_one)),
    ("task.checklistitem.add", Write(add)),
    ("task.checklistitem.update", Write(update)),
    ("task.checklistitem.delete", Write(delete)),
];

/// Place of `TASK_ID` in the three tables.
const TASK: usize = 1;

fn kind_of(call: &Call) -> Kind {
    match call.name.split('.').nth(1) {
        Some("elapseditem") => Kind::Elapsed,
        Some("commentitem") => Kind::Comment,
        _ => Kind::Checklist,
    }
}

fn wrong(call: &Call, place: usize, name: &str, wanted: &str) -> Fail {
    let text = format!("Param #{place} ({name}) for method {}() expected to be of type \"{wanted}\"", call.name);
    fail(400, "ERROR_CORE", format!("TASKS_ERROR_EXCEPTION_#256; {text}; 256/TE/WRONG_ARGUMENTS"))
}

fn number(call: &Call, place: usize, name: &str) -> Result<u64, Fail> {
    let value = nth(call.params, place).ok_or_else(|| missing(name))?;
    whole(value).and_then(|id| u64::try_from(id).ok()).ok_or_else(|| wrong(call, place, name, "integer"))
}

fn map<'a>(call: &Call<'a>, place: usize, name: &str) -> Result<Option<&'a Value>, Fail> {
    match nth(call.params, place) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(value @ (Value::Object(_) | Value::Array(_))) => Ok(Some(value)),
        Some(_) => Err(wrong(call, place, name, "array")),
    }
}

/// `getlist`: TASKID, ORDER, and for elapsed time FILTER, SELECT, PARAMS with `NAV_PARAMS` instead of `start`.
fn list(world: &World, call: &Call) -> Reply {
    let kind = kind_of(call);
    let task = number(call, 0, "TASKID")?;
    let order = map(call, 1, "ORDER")?;
    let given = map(call, 2, "FILTER")?;
    let mut filter = Filter::read(kind, given, false).unwrap_or_default();
    filter.push(test(kind, TASK, Op::Eq, &json!(task)));
    let order = match order {
        Some(Value::Object(order)) => {
            let falls = |way: &Value| scalar_text(way).eq_ignore_ascii_case("desc");
            order.iter().filter_map(|(name, way)| Some((kind.column(name)?, falls(way)))).collect()
        }
        _ => Vec::new(),
    };
    let names: Vec<usize> = map(call, 3, "SELECT")?
        .map(|select| children(select).filter_map(|name| kind.column(&scalar_text(name))).collect())
        .unwrap_or_default();
    let (start, page) = if kind == Kind::Elapsed { navigation(map(call, 4, "PARAMS")?) } else { (0, u64::MAX) };
    let found = find(world, &Query { kind, filter, order, start, page });
    let columns: Vec<usize> =
        (0..kind.columns().len()).filter(|place| names.is_empty() || names.contains(place)).collect();
    let answer = print_rows(world, &PLAIN, kind, &found.ids, &columns);
    Ok(if kind == Kind::Elapsed { answer.with_total(found.total) } else { answer })
}

fn navigation(params: Option<&Value>) -> (u64, u64) {
    const MOST: i64 = 50;
    let nav = params.and_then(|params| get(params, "NAV_PARAMS"));
    let number = |name, usual| nav.and_then(|nav| get(nav, name)).and_then(whole).unwrap_or(usual);
    let page = number("nPageSize", MOST).clamp(1, MOST) as u64;
    let number = number("iNumPage", 1).max(1) as u64;
    ((number - 1).saturating_mul(page), page)
}

/// The item, if it belongs to the task.
fn item(world: &World, call: &Call) -> Result<u64, Fail> {
    let kind = kind_of(call);
    let (task, id) = (number(call, 0, "TASKID")?, number(call, 1, "ITEMID")?);
    let belongs = Test::One { column: TASK, op: Op::Eq, to: vec![Cell::Int(task as i64)] };
    let found = world.table(kind).holds(id) && belongs.holds(&world.row(kind, id));
    found.then_some(id).ok_or_else(|| {
        fail(400, "ERROR_CORE", "TASKS_ERROR_EXCEPTION_#8; Action failed; 8/TE/ACTION_FAILED_TO_BE_PROCESSED")
    })
}

fn get_one(world: &World, call: &Call) -> Reply {
    let kind = kind_of(call);
    let id = item(world, call)?;
    let columns: Vec<usize> = (0..kind.columns().len()).collect();
    let mut answer = print_rows(world, &PLAIN, kind, &[id], &columns);
    // One row without the list around it.
    answer.rows.clear();
    answer.body.pop();
    answer.body.remove(0);
    Ok(answer)
}

fn values(call: &Call, kind: Kind, place: usize) -> Result<Changes, Fail> {
    let fields = map(call, place, "ARFIELDS")?.ok_or_else(|| missing("ARFIELDS"))?;
    let Value::Object(fields) = fields else { return Ok(Changes::new()) };
    let known = fields.iter().filter_map(|(name, value)| {
        let column = kind.column(name)?;
        (kind.columns()[column].is_writable() && column != TASK)
            .then(|| (column, kind.columns()[column].kind.read(value)))
    });
    Ok(known.collect())
}

fn add(world: &mut World, call: &Call) -> Reply {
    let kind = kind_of(call);
    let task = number(call, 0, "TASKID")?;
    if !world.table(Kind::Task).holds(task) {
        return Err(fail(
            400,
            "ERROR_CORE",
            "TASKS_ERROR_EXCEPTION_#4; Task not found or not accessible; 4/TE/TASK_NOT_FOUND_OR_NOT_ACCESSIBLE",
        ));
    }
    let mut values = values(call, kind, 1)?;
    values.insert(TASK, Cell::Int(task as i64));
    let id = crud::create(world, kind, values, call.user, call.now);
    Ok(Answer::of(&json!(id)))
}

fn update(world: &mut World, call: &Call) -> Reply {
    let kind = kind_of(call);
    let id = item(world, call)?;
    let values = values(call, kind, 2)?;
    world.table_mut(kind).change(id, values);
    Ok(Answer::of(&Value::Null))
}

fn delete(world: &mut World, call: &Call) -> Reply {
    let id = item(world, call)?;
    world.table_mut(kind_of(call)).delete(id);
    Ok(Answer::of(&Value::Null))
}
