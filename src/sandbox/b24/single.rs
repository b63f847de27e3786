//! Methods that belong to no family.

use super::answer::{Answer, Reply, fail, missing};
use super::cell::{Cell, scalar_text};
use super::crud;
use super::filter::{Filter, Op, test};
use super::list::{Query, find, print_rows};
use super::methods::Act::{self, Read, Write};
use super::methods::Call;
use super::params::{children, get, get_exact, whole};
use super::php;
use super::schema::Kind;
use super::table::Changes;
use super::views::{PLAIN, View};
use super::world::World;
use crate::sandbox::mix::mix;
use serde_json::{Value, json};
use std::borrow::Cow;

/// They are found by these names.
pub const METHODS: &[(&str, Act)] = &[
    ("profile", Read(profile)),
    ("user.current", Read(current_user)),
    ("app.info", Read(app_info)),
    ("server.time", Read(server_time)),
    ("scope", Read(scope)),
    ("crm.deal.contact.items.get", Read(deal_contacts)),
    ("crm.company.contact.items.get", Read(company_contacts)),
    ("crm.deal.productrows.get", Read(product_rows)),
    ("crm.deal.productrows.set", Write(set_product_rows)),
    ("crm.item.productrow.list", Read(item_product_rows)),
    ("crm.dealcategory.stage.list", Read(funnel_stages)),
    ("crm.status.entity.items", Read(status_items)),
    ("im.recent.list", Read(recent)),
    ("im.notify.get", Read(notifications)),
    ("disk.file.get", Read(file)),
];

/// Chats answer in their newer names and with numbers; files in old names and with text.
static CHATS: View = View { camel: true, scalars: php::Scalars::Native, rows: "items", ..PLAIN_VALUES };
const PLAIN_VALUES: View = super::views::OLD;

fn profile(world: &World, call: &Call) -> Reply {
    let row = world.row(Kind::User, call.user);
    let word = |name| row.named(name).text().into_owned();
    Ok(Answer::of(&json!({
        "ID": call.user.to_string(), "ADMIN": true, "NAME": word("NAME"), "LAST_NAME": word("LAST_NAME"),
        "PERSONAL_GENDER": "", "TIME_ZONE": "", "TIME_ZONE_OFFSET": 0,
    })))
}

fn all_columns(kind: Kind) -> Vec<usize> {
    (0..kind.columns().len()).filter(|place| !kind.columns()[*place].name.is_empty()).collect()
}

fn current_user(world: &World, call: &Call) -> Reply {
    let mut answer = print_rows(world, &PLAIN, Kind::User, &[call.user], &all_columns(Kind::User));
    // One row without the list around it.
    answer.rows.clear();
    answer.body.pop();
    answer.body.remove(0);
    Ok(answer)
}

fn app_info(_: &World, _: &Call) -> Reply {
    Ok(Answer::of(&json!({
        "ID": "1", "CODE": "local.sandbox", "VERSION": "1", "STATUS": "L", "INSTALLED": true, "LICENSE": "ru_project", "LANGUAGE_ID": "ru",
    })))
}

fn server_time(_: &World, call: &Call) -> Reply {
    let mut out = vec![b'"'];
    php::moment(&mut out, call.now);
    out.push(b'"');
    Ok(Answer { body: out, ..Answer::default() })
}

fn scope(_: &World, _: &Call) -> Reply {
    Ok(Answer::of(&json!([
        "crm",
        "task",
        "tasks",
        "user",
        "lists",
        "im",
        "disk",
        "sonet_group",
        "telephony",
        "catalog",
        "userfieldconfig"
    ])))
}

fn record_id(call: &Call, kind: Kind, world: &World) -> Result<u64, super::answer::Fail> {
    let id = get(call.params, "id").and_then(whole).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
    let id = id.ok_or_else(|| fail(400, "", "ID is not defined or invalid."))?;
    if world.table(kind).holds(id) { Ok(id) } else { Err(fail(400, "", "Not found")) }
}

fn contact_items(contacts: &[i64]) -> Answer {
    let item = |(place, id): (usize, &i64)| json!({"CONTACT_ID": id, "SORT": (place + 1) * 10, "ROLE_ID": 0, "IS_PRIMARY": if place == 0 { "Y" } else { "N" }});
    Answer::of(&contacts.iter().enumerate().map(item).collect())
}

/// The deal's own contact, and one more with every third deal.
fn deal_contacts(world: &World, call: &Call) -> Reply {
    let id = record_id(call, Kind::Deal, world)?;
    let mut contacts: Vec<i64> = world.row(Kind::Deal, id).named("CONTACT_ID").number().into_iter().collect();
    let seeded = world.table(Kind::Contact).seeded();
    if id % 3 == 0 && !contacts.is_empty() && seeded.len() > 0 {
        let other = seeded.at(mix(id) % seeded.len()) as i64;
        contacts.extend(Some(other).filter(|other| !contacts.contains(other)));
    }
    Ok(contact_items(&contacts))
}

/// None, one or two contacts by the company's id.
fn company_contacts(world: &World, call: &Call) -> Reply {
    let id = record_id(call, Kind::Company, world)?;
    let seeded = world.table(Kind::Contact).seeded();
    let count = if seeded.len() < 2 { 0 } else { mix(id) % 3 };
    let first = mix(id ^ 0xC0) % seeded.len().max(1);
    let contacts: Vec<i64> = (0..count).map(|place| seeded.at((first + place) % seeded.len()) as i64).collect();
    Ok(contact_items(&contacts))
}

/// What was set, else up to three goods by the deal's id.
fn rows_of_deal(world: &World, deal: u64) -> Vec<Value> {
    if let Some(rows) = world.product_rows.get(&deal) {
        return rows.clone();
    }
    let goods = world.table(Kind::Product).seeded();
    let row = |place: u64| {
        let product = goods.at(mix(deal ^ place << 40) % goods.len());
        let name = world.row(Kind::Product, product).named("NAME").text().into_owned();
        json!({
            "ID": (deal * 4 + place).to_string(), "OWNER_ID": deal.to_string(), "OWNER_TYPE": "D", "PRODUCT_ID": product,
            "PRODUCT_NAME": name, "PRICE": 1000 + deal % 900, "QUANTITY": 1 + place, "DISCOUNT_SUM": 0, "TAX_RATE": 20,
            "TAX_INCLUDED": "Y", "MEASURE_CODE": 796, "MEASURE_NAME": "шт", "SORT": (place + 1) * 10,
        })
    };
    let count = if goods.len() == 0 { 0 } else { mix(deal ^ 0x60) % 4 };
    (0..count).map(row).collect()
}

fn product_rows(world: &World, call: &Call) -> Reply {
    let id = record_id(call, Kind::Deal, world)?;
    Ok(Answer::of(&Value::Array(rows_of_deal(world, id))))
}

fn set_product_rows(world: &mut World, call: &Call) -> Reply {
    let id = record_id(call, Kind::Deal, world)?;
    let rows = get(call.params, "rows").ok_or_else(|| fail(400, "", "Parameter 'rows' must be array."))?;
    let mut set = Vec::new();
    for given in children(rows) {
        let mut row = json!({
            "ID": world.new_part().to_string(), "OWNER_ID": id.to_string(), "OWNER_TYPE": "D", "PRODUCT_ID": 0, "PRODUCT_NAME": "",
            "PRICE": 0, "QUANTITY": 1, "DISCOUNT_SUM": 0, "TAX_RATE": null, "TAX_INCLUDED": "N",
        });
        if let (Value::Object(row), Value::Object(given)) = (&mut row, given) {
            let own = |name: &str| ["ID", "OWNER_ID", "OWNER_TYPE"].iter().any(|own| own.eq_ignore_ascii_case(name));
            row.extend(
                given
                    .iter()
                    .filter(|(name, _)| !own(name))
                    .map(|(name, value)| (name.to_ascii_uppercase(), number_like(name, value))),
            );
        }
        set.push(row);
    }
    world.product_rows.insert(id, set);
    Ok(Answer::of(&json!(true)))
}

/// Prices and amounts come back as numbers, also when they were sent as text.
fn number_like(name: &str, value: &Value) -> Value {
    let numeric = ["PRODUCT_ID", "PRICE", "QUANTITY", "DISCOUNT_SUM", "TAX_RATE"]
        .iter()
        .any(|column| column.eq_ignore_ascii_case(name));
    match value {
        Value::String(text) if numeric => {
            text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from)).unwrap_or(json!(0))
        }
        other => other.clone(),
    }
}

/// Needs `=ownerType` and `=ownerId`; an extra parameter makes it find nothing of the sort.
fn item_product_rows(world: &World, call: &Call) -> Reply {
    let filter = get(call.params, "filter").ok_or_else(|| missing("filter"))?;
    let value = |name: &str| get(filter, &format!("={name}")).or_else(|| get(filter, name));
    let owner = value("ownerId").and_then(whole).ok_or_else(|| missing("ownerId"))?;
    let is_deal = value("ownerType").is_some_and(|kind| scalar_text(kind) == "D");
    let rows = if is_deal && world.table(Kind::Deal).holds(owner.max(0) as u64) {
        rows_of_deal(world, owner as u64)
    } else {
        Vec::new()
    };
    let newer = |row: &Value| {
        let of = |name: &str| row[name].clone();
        let id = row["ID"].as_str().and_then(|id| id.parse::<i64>().ok());
        json!({
            "id": id, "ownerId": owner, "ownerType": "D", "productId": of("PRODUCT_ID"), "productName": of("PRODUCT_NAME"),
            "price": of("PRICE"), "quantity": of("QUANTITY"), "discountSum": of("DISCOUNT_SUM"), "taxRate": of("TAX_RATE"), "taxIncluded": of("TAX_INCLUDED"),
        })
    };
    let rows: Vec<Value> = rows.iter().map(newer).collect();
    let total = rows.len() as u64;
    Ok(Answer::of(&json!({"productRows": rows})).with_total(total))
}

fn statuses(world: &World, entity: &str) -> Vec<Value> {
    let ids = world.table(Kind::Status).upwards(0, u64::MAX);
    let rows = ids.iter().map(|id| world.row(Kind::Status, *id)).filter(|row| row.named("ENTITY_ID").text() == entity);
    rows.map(|row| json!({"NAME": row.named("NAME").text(), "SORT": row.named("SORT").number(), "STATUS_ID": row.named("STATUS_ID").text()})).collect()
}

fn funnel_stages(world: &World, call: &Call) -> Reply {
    let id = get(call.params, "id").and_then(whole).unwrap_or(0);
    let entity = if id == 0 { "DEAL_STAGE".to_owned() } else { format!("DEAL_STAGE_{id}") };
    Ok(Answer::of(&Value::Array(statuses(world, &entity))))
}

fn status_items(world: &World, call: &Call) -> Reply {
    let entity = get(call.params, "entityId").ok_or_else(|| missing("entityId"))?;
    Ok(Answer::of(&Value::Array(statuses(world, &scalar_text(entity)))))
}

fn bound(call: &Call, name: &str, usual: i64, most: i64) -> u64 {
    get(call.params, name).and_then(whole).unwrap_or(usual).clamp(0, most) as u64
}

/// Pages by `OFFSET` and `LIMIT`, up to 200.
fn recent(world: &World, call: &Call) -> Reply {
    let (start, page) = (bound(call, "OFFSET", 0, i64::MAX), bound(call, "LIMIT", 50, 200));
    let found =
        find(world, &Query { kind: Kind::Chat, filter: Filter::default(), order: vec![(0, true)], start, page });
    let columns: Vec<usize> = (0..Kind::Chat.columns().len()).collect();
    let mut answer = print_rows(world, &CHATS, Kind::Chat, &found.ids, &columns);
    let more = start + (found.ids.len() as u64) < found.total;
    answer.body.pop();
    answer.body.extend(format!(",\"hasMorePages\":{more},\"hasMore\":{more}}}").bytes());
    Ok(answer)
}

/// Newest first; `LAST_ID` is the cursor.
fn notifications(world: &World, call: &Call) -> Reply {
    let mut filter = Filter::default();
    if let Some(last) = get(call.params, "LAST_ID").filter(|last| whole(last).is_some_and(|id| id > 0)) {
        filter.push(test(Kind::Notification, 0, Op::Lt, last));
    }
    let page = bound(call, "LIMIT", 50, 50);
    let found = find(world, &Query { kind: Kind::Notification, filter, order: vec![(0, true)], start: 0, page });
    let columns: Vec<usize> = (0..Kind::Notification.columns().len()).collect();
    let list = View { rows: "notifications", ..PLAIN_VALUES };
    let mut answer = print_rows(
        world,
        &View { camel: true, scalars: php::Scalars::Native, ..list },
        Kind::Notification,
        &found.ids,
        &columns,
    );
    answer.body.pop();
    let total = world.table(Kind::Notification).len();
    answer
        .body
        .extend(format!(",\"total_count\":{total},\"total_unread_count\":0,\"chat_id\":17,\"users\":[]}}").bytes());
    Ok(answer)
}

/// This module is strict about names: only the lower-case `id` is seen.
fn file(world: &World, call: &Call) -> Reply {
    let id = get_exact(call.params, "id").ok_or_else(|| missing("id"))?;
    let id = whole(id).unwrap_or(0).max(0) as u64;
    if !world.table(Kind::File).holds(id) {
        return Err(fail(400, "ERROR_NOT_FOUND", "Could not find entity with id `X`."));
    }
    let mut answer = print_rows(world, &PLAIN, Kind::File, &[id], &all_columns(Kind::File));
    answer.rows.clear();
    answer.body.pop();
    answer.body.remove(0);
    Ok(answer)
}

/// Takes a file's name and content; not allowed inside a batch.
pub fn upload(world: &mut World, call: &Call) -> Reply {
    let data = get_exact(call.params, "data").ok_or_else(|| missing("data"))?;
    let name = get(data, "NAME").map(scalar_text).unwrap_or(Cow::Borrowed("file"));
    let mut values = Changes::new();
    if let Some(column) = Kind::File.column("NAME") {
        values.insert(column, Cell::Text(Cow::Owned(name.clone().into_owned())));
    }
    let id = crud::create(world, Kind::File, values, call.user, call.now);
    Ok(Answer::of(&json!({"ID": id.to_string(), "NAME": name, "TYPE": "file"})))
}
