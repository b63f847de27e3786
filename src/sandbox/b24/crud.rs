//! One record at a time: get, add, update, delete, fields, each in its family's dialect.

use super::answer::{Answer, Fail, Reply, fail, missing};
use super::cell::{Cell, Type, scalar_text};
use super::list::{keys_of, print_row};
use super::methods::Call;
use super::params::{children, get, whole};
use super::php;
use super::schema::Kind;
use super::table::Changes;
use super::views::{Dialect, View};
use super::world::World;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The record's id as the dialect names it.
fn id_of(call: &Call) -> Result<u64, Fail> {
    let name = match call.view.dialect {
        Dialect::Old | Dialect::Item => "id",
        Dialect::Task => "taskId",
        Dialect::Element => "ELEMENT_ID",
    };
    let id = get(call.params, name).and_then(whole).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
    id.ok_or_else(|| match call.view.dialect {
        Dialect::Old => fail(400, "", "ID is not defined or invalid."),
        _ => missing(name),
    })
}

fn not_found(view: &View) -> Fail {
    match view.dialect {
        Dialect::Old => fail(400, "", "Not found"),
        Dialect::Item => fail(400, "NOT_FOUND", "Элемент не найден"),
        Dialect::Task => fail(400, "ERROR_CORE", "Задача не найдена или недоступна"),
        Dialect::Element => fail(400, "ERROR_ELEMENT_NOT_FOUND", "Element not found"),
    }
}

/// A record as its `.get` shows it: with user fields and phones.
fn record(world: &World, view: &View, kind: Kind, id: u64) -> Answer {
    let columns: Vec<usize> = kind
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, c)| !view.name_of(c).is_empty())
        .map(|(place, _)| place)
        .collect();
    let mut answer = Answer::default();
    let out = &mut answer.body;
    if !view.one.is_empty() {
        out.push(b'{');
        php::text(out, view.one);
        out.push(b':');
    }
    print_row(out, &world.row(kind, id), view, &keys_of(view, kind, &columns));
    if !view.one.is_empty() {
        out.push(b'}');
    }
    answer
}

/// `.get`
pub fn get_one(world: &World, call: &Call) -> Reply {
    let kind = call.kind()?;
    let id = id_of(call)?;
    if world.table(kind).holds(id) { Ok(record(world, call.view, kind, id)) } else { Err(not_found(call.view)) }
}

/// `.add`
pub fn add(world: &mut World, call: &Call) -> Reply {
    let kind = call.kind()?;
    let fields = fields_of(call)?;
    let values = values_of(world, call, kind, fields, None)?;
    if call.view.dialect == Dialect::Task {
        check_task(kind, &values)?;
    }
    let id = create(world, kind, values, call.user, call.now);
    Ok(match call.view.dialect {
        Dialect::Old | Dialect::Element => Answer::of(&json!(id)),
        Dialect::Item | Dialect::Task => record(world, call.view, kind, id),
    })
}

/// Makes a record with the given values and the portal's own defaults.
pub fn create(world: &mut World, kind: Kind, values: Changes, user: u64, now: i64) -> u64 {
    let mut row: Changes =
        (0..kind.columns().len()).map(|place| (place, World::default_of(kind, place, user, now))).collect();
    row.extend(values);
    world.table_mut(kind).add(row)
}

/// `.update`
pub fn update(world: &mut World, call: &Call) -> Reply {
    let kind = call.kind()?;
    let id = id_of(call)?;
    if !world.table(kind).holds(id) {
        return Err(not_found(call.view));
    }
    let fields = fields_of(call)?;
    let mut values = values_of(world, call, kind, fields, Some(id))?;
    if let Some(modified) = kind.columns().iter().position(|column| matches!(column.gen_, super::schema::Gen::Modified))
    {
        values.insert(modified, Cell::Moment(call.now));
    }
    world.table_mut(kind).change(id, values);
    Ok(match call.view.dialect {
        Dialect::Old | Dialect::Element => Answer::of(&json!(true)),
        Dialect::Item | Dialect::Task => record(world, call.view, kind, id),
    })
}

/// `.delete`
pub fn delete(world: &mut World, call: &Call) -> Reply {
    let kind = call.kind()?;
    if !world.table_mut(kind).delete(id_of(call)?) {
        return Err(not_found(call.view));
    }
    Ok(Answer::of(&match call.view.dialect {
        Dialect::Old | Dialect::Element => json!(true),
        Dialect::Item => json!([]),
        Dialect::Task => json!({"task": true}),
    }))
}

/// `.fields`
pub fn fields(_: &World, call: &Call) -> Reply {
    let kind = call.kind()?;
    let mut all = Map::new();
    for column in kind.columns() {
        // Tasks have other names here than in their rows.
        let name = if call.view.dialect == Dialect::Task { column.name } else { call.view.name_of(column) };
        if name.is_empty() {
            continue;
        }
        let about = json!({
            "type": column.kind.name(),
            "isRequired": false,
            "isReadOnly": !column.is_writable(),
            "isImmutable": false,
            "isMultiple": column.kind == Type::Multi,
            "isDynamic": column.is_user_field(),
            "title": name,
        });
        all.insert(name.to_owned(), about);
    }
    Ok(Answer::of(&match call.view.dialect {
        Dialect::Item | Dialect::Task => json!({"fields": all}),
        _ => Value::Object(all),
    }))
}

fn fields_of<'a>(call: &Call<'a>) -> Result<&'a Value, Fail> {
    let name = if call.view.dialect == Dialect::Element { "FIELDS" } else { "fields" };
    match (get(call.params, name), call.view.dialect) {
        (Some(fields @ (Value::Object(_) | Value::Array(_))), _) => Ok(fields),
        (_, Dialect::Old) => Err(fail(400, "", "Parameter 'fields' must be array.")),
        _ => Err(missing(name)),
    }
}

/// The values to set. What the entity does not have is left out, as the portal does; `null` clears.
fn values_of(world: &mut World, call: &Call, kind: Kind, fields: &Value, id: Option<u64>) -> Result<Changes, Fail> {
    let mut values = Changes::new();
    let Value::Object(fields) = fields else { return Ok(values) };
    for (name, value) in fields {
        let Some(place) = kind.column(name) else { continue };
        let column = &kind.columns()[place];
        if !column.is_writable() {
            continue;
        }
        let cell = match column.kind {
            Type::Multi => parts(world, kind, place, id, value),
            other => other.read(value),
        };
        values.insert(place, cell);
    }
    if call.view.dialect == Dialect::Element {
        for (column, parameter) in [("IBLOCK_ID", "IBLOCK_ID"), ("CODE", "ELEMENT_CODE")] {
            if let (Some(place), Some(value)) = (kind.column(column), get(call.params, parameter)) {
                values.insert(place, kind.columns()[place].kind.read(value));
            }
        }
    }
    Ok(values)
}

/// Phones and the like: an entry with a known `ID` replaces that one (or deletes it when its `VALUE` is empty), others are added.
fn parts(world: &mut World, kind: Kind, place: usize, id: Option<u64>, value: &Value) -> Cell<'static> {
    let name = kind.columns()[place].name;
    let mut now: Vec<Value> = match id.map(|id| world.row(kind, id).cell(place)) {
        Some(Cell::Json(Value::Array(parts))) => parts.clone(),
        _ => Vec::new(),
    };
    for part in children(value) {
        let text = get(part, "VALUE").map(scalar_text).unwrap_or_default();
        let known = get(part, "ID").map(scalar_text).unwrap_or(Cow::Borrowed(""));
        now.retain(|old| known.is_empty() || old["ID"].as_str() != Some(&known));
        if !text.is_empty() {
            let number = if known.is_empty() { world.new_part().to_string() } else { known.into_owned() };
            let place = get(part, "VALUE_TYPE").map(scalar_text).filter(|place| !place.is_empty());
            let place = place.unwrap_or(Cow::Borrowed("WORK"));
            now.push(json!({"ID": number, "VALUE_TYPE": place, "VALUE": text, "TYPE_ID": name}));
        }
    }
    if now.is_empty() { Cell::Null } else { Cell::Json(Value::Array(now)) }
}

fn check_task(kind: Kind, values: &Changes) -> Result<(), Fail> {
    let given = |name| kind.column(name).and_then(|place| values.get(&place)).is_some_and(|cell| !cell.is_empty());
    if !given("TITLE") {
        return Err(fail(400, "ERROR_CORE", "Не указано название задачи"));
    }
    if !given("RESPONSIBLE_ID") {
        return Err(fail(400, "ERROR_CORE", "Не указан исполнитель"));
    }
    Ok(())
}

/// Up to 20 new records in one command: `crm.item.batchImport`.
pub fn import(world: &mut World, call: &Call) -> Reply {
    const MOST: usize = 20;
    let kind = call.kind()?;
    let data: Vec<&Value> =
        get(call.params, "data").map(|data| children(data).collect()).ok_or_else(|| missing("data"))?;
    if data.len() > MOST {
        return Err(fail(
            400,
            "MAX_IMPORT_BATCH_SIZE_EXCEEDED",
            format!("Number of elements must be less or equal {MOST}"),
        ));
    }
    let mut items = Vec::new();
    for fields in data {
        let values = values_of(world, call, kind, fields, None)?;
        items.push(json!({"item": {"id": create(world, kind, values, call.user, call.now)}}));
    }
    Ok(Answer::of(&json!({"items": items})))
}
