//! REST 3.0 for tasks: JSON only, filters of triples, pagination, batches with aliases, Idempotency-Key.

use super::answer::Fail;
use super::cell::{Cell, scalar_text};
use super::counters::count;
use super::crud;
use super::filter::{Filter, Op, Test, test};
use super::http::{Outcome, Page, Request};
use super::list::{Query, find, print_rows};
use super::params::{children, get, whole};
use super::php::{self, Scalars};
use super::rest::plain;
use super::run::{Caller, print_time};
use super::schema::Kind;
use super::sim::Sim;
use super::table::Changes;
use super::views::{OLD, View};
use super::world::World;
use crate::sandbox::http::lock;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::PoisonError;

/// Tasks as REST 3.0 shows them.
static TASKS: View = View { camel: true, scalars: Scalars::Native, ..OLD };
const TASK: Kind = Kind::Task;
/// Answers kept for Idempotency-Key.
const MOST_REPLAYS: usize = 1000;

/// A refusal: status, code without its common prefix, message, faulty fields.
struct Error {
    status: u16,
    code: Cow<'static, str>,
    message: String,
    fields: Vec<(&'static str, &'static str)>,
}

fn error(code: &'static str, message: impl Into<String>) -> Error {
    Error {
        status: 400,
        code: Cow::Owned(format!("BITRIX_REST_V3_EXCEPTION_{code}")),
        message: message.into(),
        fields: Vec::new(),
    }
}

fn invalid(field: &'static str, message: &'static str) -> Error {
    Error {
        fields: vec![(field, message)],
        ..error("VALIDATION_REQUESTVALIDATIONEXCEPTION", "Ошибка при валидации объекта запроса")
    }
}

impl From<Fail> for Error {
    fn from(fail: Fail) -> Error {
        Error { status: fail.status, code: fail.code, message: fail.text.into_owned(), fields: Vec::new() }
    }
}

impl Error {
    fn value(&self) -> Value {
        let mut about = json!({"code": self.code, "message": self.message});
        if !self.fields.is_empty() {
            about["validation"] =
                self.fields.iter().map(|(field, message)| json!({"field": field, "message": message})).collect();
        }
        json!({"error": about})
    }
}

/// Prints an error in the shape of REST 3.0.
pub fn print_error(out: &mut Vec<u8>, code: &str, message: &str, fields: &[(&'static str, &'static str)]) {
    let error =
        Error { status: 400, code: Cow::Owned(code.to_owned()), message: message.to_owned(), fields: fields.to_vec() };
    php::value(out, &error.value());
}

/// Answers a request to `/rest/api/…`.
pub async fn answer(sim: &Sim, request: &Request, caller: &mut Caller, method: &str, params: &Value) -> Outcome {
    let key = request.key.as_ref().map(|key| format!("{} {key}", request.path));
    if let Some((status, body)) = key.as_ref().and_then(|key| lock(&sim.replays).get(key).cloned()) {
        return Outcome::Answer(Page {
            status,
            content_type: "application/json; charset=utf-8",
            location: None,
            replayed: true,
            body,
        });
    }
    let result = if !request.is_post || !request.content_type.contains("json") {
        Err(error("INVALIDJSONEXCEPTION", "Only JSON in the body of a POST is read"))
    } else if method.eq_ignore_ascii_case("batch") {
        batch(sim, caller, params).await
    } else {
        one(sim, caller, method, params).await
    };
    let (status, body) = match result {
        Ok(value) => {
            let mut time = Vec::new();
            print_time(&mut time, caller.arrived, sim.now(), None);
            (200, plain(&value, &time))
        }
        Err(error) => {
            let mut body = Vec::new();
            php::value(&mut body, &error.value());
            (error.status, body)
        }
    };
    if let Some(key) = key.filter(|_| status == 200) {
        let mut replays = lock(&sim.replays);
        if replays.len() < MOST_REPLAYS {
            replays.insert(key, (status, body.clone()));
        }
    }
    Outcome::json(status, body)
}

/// A list of commands, run in turn; a failed one leaves its error in its place and the others go on.
async fn batch(sim: &Sim, caller: &mut Caller, params: &Value) -> Result<Value, Error> {
    let Value::Array(commands) = params else {
        return Err(error("INVALIDJSONEXCEPTION", "A batch is a list of commands"));
    };
    if commands.len() > super::batch::MOST {
        return Err(error("BATCHLENGTHEXCEEDEDEXCEPTION", "Max batch length exceeded"));
    }
    sim.counters().batches += 1;
    let mut named: HashMap<String, Value> = HashMap::new();
    let mut results = Vec::new();
    for command in commands {
        let method = command["method"].as_str().unwrap_or_default();
        let query = resolved(command.get("query").unwrap_or(&Value::Null), &named);
        let result = match query {
            Ok(query) => one(sim, caller, method, &query).await,
            Err(error) => Err(error),
        };
        let value = result.unwrap_or_else(|error| error.value());
        // What a command changed cannot be referenced.
        if let Some(name) = command["as"].as_str().filter(|_| !method.ends_with(".add") && !method.ends_with(".update"))
        {
            named.insert(name.to_owned(), value.clone());
        }
        results.push(value);
    }
    Ok(Value::Array(results))
}

/// Replaces `{"$ref": "alias.item.id"}` and `{"$refArray": "alias.id"}`.
fn resolved(value: &Value, named: &HashMap<String, Value>) -> Result<Value, Error> {
    let unknown = |path: &str| error("INVALIDREFERENCEEXCEPTION", format!("Unable to resolve reference `{path}`"));
    match value {
        Value::Object(map) => {
            if let Some(path) = map.get("$ref").and_then(Value::as_str) {
                let (name, rest) = path.split_once('.').unwrap_or((path, ""));
                let found = named.get(name).and_then(|value| value.pointer(&pointer(rest)));
                return found.cloned().ok_or_else(|| unknown(path));
            }
            if let Some(path) = map.get("$refArray").and_then(Value::as_str) {
                let (name, field) = path.split_once('.').unwrap_or((path, ""));
                let items = named.get(name).and_then(|value| value["items"].as_array()).ok_or_else(|| unknown(path))?;
                return Ok(items.iter().filter_map(|item| item.pointer(&pointer(field)).cloned()).collect());
            }
            map.iter().map(|(key, value)| Ok((key.clone(), resolved(value, named)?))).collect()
        }
        Value::Array(items) => items.iter().map(|value| resolved(value, named)).collect(),
        other => Ok(other.clone()),
    }
}

fn pointer(path: &str) -> String {
    path.split('.').filter(|part| !part.is_empty()).map(|part| format!("/{part}")).collect()
}

/// One command with its limits and cost.
async fn one(sim: &Sim, caller: &mut Caller, method: &str, query: &Value) -> Result<Value, Error> {
    let knobs = caller.knobs.clone();
    let method = method.to_ascii_lowercase();
    let key = format!("{} {method}", caller.subject);
    caller.commands += 1;
    sim.disturb();
    sim.within_budget(&key, &knobs)?;
    let cap = knobs.v3_page_cap.max(1);
    let read = || sim.world.read().unwrap_or_else(PoisonError::into_inner);
    let write = || sim.world.write().unwrap_or_else(PoisonError::into_inner);
    let (result, writes) = match method.as_str() {
        "tasks.task.list" => (list(&read(), query, cap), false),
        "tasks.task.tail" => (tail(&read(), query, cap), false),
        "tasks.task.get" => (get_one(&read(), query), false),
        "tasks.task.add" => (add(&mut write(), query, caller.user, sim.now() as i64), true),
        "tasks.task.update" => (update(&mut write(), query), true),
        "tasks.task.delete" => (delete(&mut write(), query), true),
        _ => (
            Err(Error { status: 404, ..error("METHODNOTFOUNDEXCEPTION", format!("Method `{method}` not found")) }),
            false,
        ),
    };
    tally(sim, &method, &result, writes);
    let cost = knobs.command_ms / 1000.0;
    if !matches!(&result, Err(error) if error.status == 404) {
        sim.bill(&key, cost, &knobs);
    }
    caller.work(cost).await;
    result
}

fn tally(sim: &Sim, method: &str, result: &Result<Value, Error>, writes: bool) {
    let mut counters = sim.counters();
    counters.commands += 1;
    match result {
        Ok(value) => {
            count(&mut counters.commands_by_method, method);
            counters.rows_sent += value["items"].as_array().map_or(0, |items| items.len() as u64);
            if writes {
                count(&mut counters.writes_by_method, method);
            }
        }
        Err(_) => counters.failed_commands += 1,
    }
}

/// Names differ from the old methods in one.
fn column(name: &str) -> Option<usize> {
    TASK.column(if name == "creatorId" { "createdBy" } else { name })
}

fn known_column(name: &str) -> Result<usize, Error> {
    column(name).ok_or_else(|| error("UNKNOWNDTOPROPERTYEXCEPTION", format!("Unknown property `{name}`")))
}

fn list(world: &World, query: &Value, cap: u64) -> Result<Value, Error> {
    let filter = filter_of(query)?;
    let mut order = Vec::new();
    if let Some(Value::Object(map)) = query.get("order") {
        for (name, way) in map {
            order.push((known_column(name)?, scalar_text(way).eq_ignore_ascii_case("desc")));
        }
    }
    let (start, page) = pagination(query.get("pagination").unwrap_or(&Value::Null), cap)?;
    rows(world, query, Query { kind: TASK, filter, order, start, page })
}

/// `limit` 0 is refused and −1 breaks the server, as b24jssdk PR 531 measured.
fn pagination(value: &Value, cap: u64) -> Result<(u64, u64), Error> {
    let wrong = || error("INVALIDPAGINATIONEXCEPTION", format!("Unable to recognize pagination parameter `{value}`"));
    let number = |name: &str, usual: i64| value.get(name).map_or(Ok(usual), |given| whole(given).ok_or_else(wrong));
    let limit = number("limit", 50)?;
    if limit < 0 {
        return Err(Error {
            status: 500,
            code: Cow::Borrowed("INTERNAL_SERVER_ERROR"),
            ..error("", "Internal server error")
        });
    }
    if limit == 0 {
        return Err(wrong());
    }
    let page = (limit as u64).min(cap);
    let number_of_page = u64::try_from(number("page", 1)?).map_err(|_| wrong())?.max(1);
    let offset = u64::try_from(number("offset", 0)?).map_err(|_| wrong())?;
    Ok(((number_of_page - 1).saturating_mul(page).saturating_add(offset), page))
}

/// `cursor: {field, value, order, limit}`: the rows after a value, without an offset.
fn tail(world: &World, query: &Value, cap: u64) -> Result<Value, Error> {
    let cursor = query.get("cursor").ok_or_else(|| invalid("cursor", "Обязательное поле `cursor` не указано"))?;
    let field = known_column(cursor["field"].as_str().unwrap_or("id"))?;
    let falls = cursor["order"].as_str().is_some_and(|way| way.eq_ignore_ascii_case("desc"));
    let mut filter = filter_of(query)?;
    if let Some(value) = cursor.get("value").filter(|value| !value.is_null()) {
        filter.push(test(TASK, field, if falls { Op::Lt } else { Op::Gt }, value));
    }
    let (_, page) = pagination(&json!({"limit": cursor.get("limit").cloned().unwrap_or(json!(50))}), cap)?;
    rows(world, query, Query { kind: TASK, filter, order: vec![(field, falls)], start: 0, page })
}

fn rows(world: &World, query: &Value, wanted: Query) -> Result<Value, Error> {
    let found = find(world, &wanted);
    let mut items = Vec::new();
    for id in found.ids {
        items.push(item(world, query, id)?);
    }
    Ok(json!({"items": items}))
}

/// A task as a value; `select` may reach into related objects with dots.
fn item(world: &World, query: &Value, id: u64) -> Result<Value, Error> {
    let names: Vec<Cow<str>> =
        query.get("select").map(|select| children(select).map(scalar_text).collect()).unwrap_or_default();
    let mut columns = Vec::new();
    for name in &names {
        columns.push(known_column(name.split('.').next().unwrap_or(name))?);
    }
    if columns.is_empty() {
        columns = (0..TASK.columns().len()).collect();
    }
    columns.push(0);
    columns.sort_unstable();
    columns.dedup();
    let answer = print_rows(world, &TASKS, TASK, &[id], &columns);
    let mut item = answer.look(&["0"]).unwrap_or(Value::Null);
    for (root, _) in names.iter().filter_map(|name| name.split_once('.')) {
        let inner: Vec<&str> = names
            .iter()
            .filter_map(|name| name.split_once('.'))
            .filter(|(other, _)| *other == root)
            .map(|(_, field)| field)
            .collect();
        if let Some(Value::Object(related)) = item.get_mut(root) {
            related.retain(|name, _| inner.contains(&name.as_str()));
        }
    }
    Ok(item)
}

fn filter_of(query: &Value) -> Result<Filter, Error> {
    let mut filter = Filter::default();
    if let Some(given) = query.get("filter") {
        for condition in children(given) {
            filter.push(condition_of(condition, 0)?);
        }
    }
    Ok(filter)
}

fn condition_of(condition: &Value, depth: usize) -> Result<Test, Error> {
    const DEEPEST: usize = 16;
    let wrong = || error("INVALIDFILTEREXCEPTION", format!("Unable to recognize filter `{condition}`"));
    if let Some(conditions) = condition.get("conditions").filter(|_| depth < DEEPEST) {
        let any = condition["logic"].as_str().is_some_and(|logic| logic.eq_ignore_ascii_case("or"));
        let tests = children(conditions).map(|inner| condition_of(inner, depth + 1)).collect::<Result<_, _>>()?;
        return Ok(Test::Group { any, tests });
    }
    let parts: Vec<&Value> = children(condition).collect();
    let (name, operator, value) = match parts[..] {
        [name, value] => (name, "=", value),
        [name, operator, value] => (name, operator.as_str().unwrap_or_default(), value),
        _ => return Err(wrong()),
    };
    let column = known_column(name.as_str().ok_or_else(wrong)?)?;
    let op = match operator {
        "=" | "in" => Op::Eq,
        "!=" => Op::Ne,
        ">" => Op::Gt,
        ">=" => Op::Ge,
        "<" => Op::Lt,
        "<=" => Op::Le,
        "between" => {
            let bounds: Vec<&Value> = children(value).collect();
            let [low, high] = bounds[..] else { return Err(wrong()) };
            let tests = vec![test(TASK, column, Op::Ge, low), test(TASK, column, Op::Le, high)];
            return Ok(Test::Group { any: false, tests });
        }
        _ => return Err(wrong()),
    };
    Ok(test(TASK, column, op, value))
}

fn id_of(world: &World, query: &Value) -> Result<u64, Error> {
    let id = get(query, "id").and_then(whole).ok_or_else(|| invalid("id", "Обязательное поле `id` не указано"))?;
    let known = u64::try_from(id).ok().filter(|id| world.table(TASK).holds(*id));
    known.ok_or_else(|| error("ENTITYNOTFOUNDEXCEPTION", format!("Запись с ID = `{id}` не найдена")))
}

fn get_one(world: &World, query: &Value) -> Result<Value, Error> {
    let id = id_of(world, query)?;
    Ok(json!({"item": item(world, query, id)?}))
}

fn values_of(query: &Value) -> Result<Changes, Error> {
    let Some(Value::Object(fields)) = query.get("fields") else {
        return Err(invalid("fields", "Обязательное поле `fields` не указано"));
    };
    let mut values = Changes::new();
    for (name, value) in fields {
        let place = known_column(name)?;
        if TASK.columns()[place].is_writable() {
            values.insert(place, TASK.columns()[place].kind.read(value));
        }
    }
    Ok(values)
}

fn add(world: &mut World, query: &Value, user: u64, now: i64) -> Result<Value, Error> {
    let values = values_of(query)?;
    let given = |name| column(name).and_then(|place| values.get(&place)).is_some_and(|cell: &Cell| !cell.is_empty());
    if !given("title") {
        return Err(invalid("title", "Обязательное поле `title` не указано"));
    }
    if !given("responsibleId") {
        return Err(invalid("responsibleId", "Обязательное поле `responsibleId` не указано"));
    }
    let id = crud::create(world, TASK, values, user, now);
    Ok(json!({"item": item(world, &Value::Object(Map::new()), id)?}))
}

fn update(world: &mut World, query: &Value) -> Result<Value, Error> {
    let id = id_of(world, query)?;
    let values = values_of(query)?;
    Ok(json!({"result": world.table_mut(TASK).change(id, values)}))
}

fn delete(world: &mut World, query: &Value) -> Result<Value, Error> {
    let id = id_of(world, query)?;
    Ok(json!({"result": world.table_mut(TASK).delete(id)}))
}
