//! Adds whose answers are lost, with a key by which they are found again.

use std::collections::HashSet;

use super::simulated::{counters, id, list, simulated};
use super::*;
use crate::core::rows::Field;

fn deals(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({ "fields": { "TITLE": format!("new {n}") } })).collect()
}

#[tokio::test(start_paused = true)]
async fn two_thousand_adds_with_lost_answers_make_two_thousand_records() {
    let faults = json!({
        "reset_after": { "probability": 0.15 }, "truncated": { "probability": 0.1 }, "bad_gateway": { "probability": 0.05 }
    });
    let (simulated, portal) = simulated(json!({ "rows": { "deals": 0 }, "seed": 11 })).await;
    let address = format!("http://{}/_sandbox/knobs", simulated.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    portal.call("crm.deal.fields", Value::Null).await.unwrap();
    client.post(address).body(json!({ "faults": faults }).to_string()).send().await.unwrap();
    let outcomes = portal.add_once("crm.deal.add", deals(2000), "ORIGIN_ID").await.unwrap();
    assert!(outcomes.failures().next().is_none(), "{:?}", outcomes.failures().next());
    let counted = counters(&simulated).await;
    let rows = list(&portal, "crm.deal.list", json!({ "select": ["ID", "TITLE", "ORIGIN_ID"] })).await;
    assert_eq!(rows.len(), 2000);
    let keys: HashSet<String> = rows.iter().map(|row| format!("{:?}", row.get("ORIGIN_ID").unwrap())).collect();
    assert_eq!(keys.len(), 2000);
    for (place, answer) in outcomes.answers.iter().enumerate() {
        let made = value(answer.as_ref().unwrap());
        let row = rows.iter().find(|row| made == json!(id(row))).unwrap();
        assert_eq!(row.get("TITLE"), Some(Field::Text(&format!("new {place}"))));
    }
    // Something was lost, and only that was looked up.
    assert!(counted["commands_by_method"]["crm.deal.list"].as_u64().unwrap_or(0) > 5, "{counted}");
}

#[tokio::test(start_paused = true)]
async fn items_whose_answers_are_lost_are_answered_as_if_nothing_had_been() {
    let (simulated, portal) = simulated(json!({ "rows": { "deals": 0 }, "seed": 12 })).await;
    let address = format!("http://{}/_sandbox/knobs", simulated.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    portal.call("crm.deal.fields", Value::Null).await.unwrap();
    let faults = json!({ "faults": { "reset_after": { "probability": 0.3 }, "truncated": { "probability": 0.1 } } });
    client.post(address).body(faults.to_string()).send().await.unwrap();
    let items: Vec<Value> =
        (0..200).map(|n| json!({ "entityTypeId": 2, "fields": { "title": format!("new {n}") } })).collect();
    let outcomes = portal.add_once("crm.item.add", items, "ORIGIN_ID").await.unwrap();
    let mut ids = HashSet::new();
    for (place, answer) in outcomes.answers.iter().enumerate() {
        let made = value(answer.as_ref().unwrap());
        assert_eq!(made["title"], json!(format!("new {place}")), "{made}");
        ids.insert(made["id"].as_u64().unwrap());
    }
    assert_eq!(ids.len(), 200);
    assert_eq!(list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await.len(), 200);
    assert!(counters(&simulated).await["commands_by_method"]["crm.item.get"].as_u64().unwrap_or(0) > 5);
}

#[tokio::test]
async fn a_key_of_ones_own_is_kept_and_what_cannot_be_found_again_is_refused_before_anything_is_added() {
    let (simulated, portal) = simulated(json!({ "rows": { "deals": 0 } })).await;
    let own = json!({ "fields": { "TITLE": "a", "ORIGIN_ID": "order-1" } });
    let made = portal.add_one_once("crm.deal.add", own.clone(), "origin_id").await.unwrap();
    let row = portal.call("crm.deal.get", json!({ "ID": value(&made) })).await.unwrap();
    assert!(row.get().contains(r#""ORIGIN_ID":"order-1""#), "{row}");
    for (method, items, field) in [
        ("crm.deal.update", deals(2), "ORIGIN_ID"),
        ("tasks.task.add", deals(2), "XML_ID"),
        ("crm.deal.add", deals(2), "ORIGIN"),
        ("crm.deal.add", deals(2), "ID"),
        ("crm.deal.add", vec![own.clone(), own.clone()], "ORIGIN_ID"),
        ("crm.deal.add", vec![json!({ "TITLE": "no fields" })], "ORIGIN_ID"),
        ("crm.item.add", deals(2), "originId"),
        ("crm.item.add", vec![json!({ "entityTypeId": 2 }), json!({ "entityTypeId": 3 })], "originId"),
        ("crm.item.add", vec![json!({ "entityTypeId": 2, "fields": {} })], "id"),
    ] {
        let error = portal.add_once(method, items, field).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("b24.origin", Kind::Input), "{method} {field}");
        assert!(error.hint_text().is_some());
    }
    assert_eq!(counters(&simulated).await["commands_by_method"]["crm.deal.add"], json!(1));
}
