//! The client against the simulated portal.

use std::collections::HashSet;

use super::*;
use crate::core::rows::{Field, Rows};
use crate::sandbox::b24 as sim;

pub(super) async fn simulated(knobs: Value) -> (sim::Portal, Portal) {
    let knobs = sim::Knobs { limits: false, ..sim::Knobs::default() }.merged(&knobs).unwrap();
    let simulated = sim::Portal::start(knobs).await.unwrap();
    let portal = portal_of(&simulated, &[("plan", text("box"))]);
    (simulated, portal)
}

pub(super) fn portal_of(simulated: &sim::Portal, more: &[(&str, Given)]) -> Portal {
    let webhook = ("webhook", text(simulated.webhook()));
    let pairs: Vec<_> = std::iter::once(webhook).chain(more.iter().cloned()).collect();
    Portal::open(&settings(&pairs), &context(None)).unwrap()
}

pub(super) async fn counters(simulated: &sim::Portal) -> Value {
    let address = format!("http://{}/_sandbox/counters", simulated.address());
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(address).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

pub(super) async fn list(portal: &Portal, method: &str, params: Value) -> Rows {
    let all = portal.get_all(method, params).await.unwrap_or_else(|error| panic!("{method}: {error:?}"));
    // Nobody changes anything here.
    let strange = all.warnings.iter().find(|warning| !warning.contains("was read by offsets"));
    assert!(strange.is_none(), "{method}: {:?}", all.warnings);
    match all.answer {
        Answer::Rows(rows) => rows,
        other => panic!("{method}: {other:?}"),
    }
}

pub(super) fn id(row: &crate::core::rows::Row) -> u64 {
    match row.get("ID").or_else(|| row.get("id")) {
        Some(Field::Integer(id)) => id as u64,
        Some(Field::Text(id)) => id.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_family_of_lists_is_read_whole() {
    let rows = json!({ "deals": 1234, "leads": 60, "contacts": 51, "companies": 50, "stage_history": 130, "tasks": 120, "addresses": 170 });
    let (_simulated, portal) = simulated(json!({ "rows": rows })).await;
    for (method, params, count) in [
        ("crm.deal.list", json!({ "select": ["ID"] }), 1234),
        ("crm.deal.list", json!({ "order": [["ID", "DESC"]] }), 1234),
        ("crm.lead.list", json!({}), 60),
        ("crm.contact.list", json!({}), 51),
        ("crm.company.list", json!({}), 50),
        ("crm.item.list", json!({ "entityTypeId": 2 }), 1234),
        ("crm.stagehistory.list", json!({ "entityTypeId": 2 }), 130),
        ("tasks.task.list", json!({}), 120),
        ("crm.address.list", json!({}), 170),
        ("user.get", json!({}), 200),
        ("department.get", json!({}), 12),
        ("catalog.document.element.list", json!({}), 95),
        ("socialnetwork.api.workgroup.list", json!({}), 120),
    ] {
        assert_eq!(list(&portal, method, params).await.len(), count, "{method}");
    }
    let fields = portal.get_all("crm.deal.fields", Value::Null).await.unwrap();
    assert!(matches!(fields.answer, Answer::Json(_)));
    assert_eq!(portal.count("crm.deal.list", json!({})).await.unwrap(), 1234);
    let deals = list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await;
    let ids: Vec<u64> = deals.iter().map(|row| id(&row)).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
}

#[tokio::test]
async fn pages_of_a_positional_list_are_read_by_number() {
    let (_simulated, portal) = simulated(json!({ "rows": { "tasks": 2, "elapsed": 300 } })).await;
    let mut count = 0;
    for task in list(&portal, "tasks.task.list", json!({})).await.iter() {
        let rows = list(&portal, "task.elapseditem.getlist", json!([id(&task)])).await;
        assert!(rows.len() > 50);
        count += rows.len();
    }
    assert_eq!(count, 300);
}

#[tokio::test]
async fn what_one_call_changes_the_next_shows() {
    let (simulated, portal) = simulated(json!({ "rows": { "deals": 300 } })).await;
    let deals = list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await;
    let ids: Vec<String> = deals.iter().map(|row| id(&row).to_string()).collect();
    let changes = ids.iter().map(|id| json!({ "ID": id, "fields": { "TITLE": format!("№{id} & сын?") } })).collect();
    let changed = portal.call_many("crm.deal.update", changes).await.unwrap();
    assert!(changed.error("crm.deal.update").is_none(), "{:?}", changed.error("crm.deal.update"));
    let mut asked = ids.clone();
    asked.insert(1, "999999".into());
    for via in [Via::Each, Via::List] {
        let found = portal.get_by_id("crm.deal.get", asked.clone(), ById { via, ..ById::default() }).await.unwrap();
        assert_eq!(found.failures().map(|(place, _)| place).collect::<Vec<_>>(), [1], "{via:?}");
        for (id, answer) in asked.iter().zip(&found.answers) {
            let title = match answer {
                Ok(Answer::Row(row)) => format!("{:?}", row.get("TITLE").unwrap()),
                Ok(answer) => format!("Text({:?})", value(answer)["TITLE"].as_str().unwrap()),
                Err(error) => {
                    assert_eq!((error.code(), error.kind()), ("b24.NOT_FOUND", Kind::NotFound));
                    continue;
                }
            };
            assert_eq!(title, format!("Text(\"№{id} & сын?\")"), "{via:?}");
        }
    }
    let counted = counters(&simulated).await;
    assert_eq!(counted["commands_by_method"]["crm.deal.update"], 300);
    // 301 ids by fifties, beside the pages of the first list's only request.
    assert_eq!(counted["commands_by_method"]["crm.deal.list"], 48 + 7);
}

#[tokio::test]
async fn lost_answers_make_no_record_twice() {
    let (_simulated, portal) = simulated(
        json!({ "rows": { "deals": 0 }, "faults": { "reset_after": { "next": 2 }, "truncated": { "next": 1 } } }),
    )
    .await;
    let items: Vec<Value> = (0..400).map(|n| json!({ "fields": { "TITLE": format!("new {n}") } })).collect();
    let outcomes = portal.call_many("crm.deal.add", items).await.unwrap();
    let unknown: HashSet<usize> = outcomes.unknown().into_iter().collect();
    assert!(!unknown.is_empty() && unknown.len() == outcomes.failures().count());
    let deals = list(&portal, "crm.deal.list", json!({ "select": ["ID", "TITLE"] })).await;
    // All of them ran; those without an answer are listed, and each is there once.
    assert_eq!(deals.len(), 400);
    let titles: HashSet<String> = deals.iter().map(|row| format!("{:?}", row.get("TITLE").unwrap())).collect();
    assert_eq!(titles.len(), 400);
    for (place, answer) in outcomes.answers.iter().enumerate().filter(|(place, _)| !unknown.contains(place)) {
        let made = value(answer.as_ref().unwrap());
        let row = deals.iter().find(|row| made == json!(id(row))).unwrap();
        assert_eq!(row.get("TITLE"), Some(Field::Text(&format!("new {place}"))));
    }
}

#[tokio::test]
async fn faults_of_every_kind_do_not_spoil_a_list() {
    let faults = json!({
        "internal": { "probability": 0.04 }, "bad_gateway": { "probability": 0.04 }, "gateway_timeout": { "probability": 0.04 },
        "truncated": { "probability": 0.04 }, "reset_before": { "probability": 0.04 }, "reset_after": { "probability": 0.04 },
        "no_time": { "probability": 0.2 }
    });
    let (_simulated, portal) = simulated(json!({ "rows": { "deals": 2000 }, "faults": faults, "seed": 5 })).await;
    portal.0.proven.store(true, std::sync::atomic::Ordering::Relaxed);
    // A page may be unlucky five times; a whole list then fails with that page's error, and never comes back short.
    for _ in 0..3 {
        match portal.get_all("crm.deal.list", json!({ "select": ["ID"] })).await {
            Ok(All { answer: Answer::Rows(rows), .. }) => return assert_eq!(rows.len(), 2000),
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(error.kind(), Kind::Unavailable, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn the_rate_and_the_time_budget_are_kept_in_both_billing_modes() {
    for bill_batch in [false, true] {
        let (simulated, portal) = simulated(json!({
            "rows": { "deals": 600 }, "limits": true, "bucket_size": 20, "bucket_fall": 10, "operating_bill_batch": bill_batch,
            "operating_limit": 0.5, "operating_window": 2, "command_ms": 10
        }))
        .await;
        drop(portal);
        let rate = [("requests_per_second", Given::Integer(10)), ("burst", Given::Integer(20))];
        let portal = portal_of(&simulated, &rate);
        let ids = list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await;
        let items = ids.iter().take(60).map(|row| json!({ "ID": id(&row) })).collect();
        let outcomes = portal.call_many("crm.deal.get", items).await.unwrap();
        assert!(outcomes.error("crm.deal.get").is_none(), "{bill_batch}: {:?}", outcomes.error("crm.deal.get"));
        let counted = counters(&simulated).await;
        assert_eq!(counted["refused_503"], 0, "{bill_batch}: {counted}");
    }
}

#[tokio::test]
async fn tokens_are_renewed_and_a_moved_portal_is_followed() {
    let (new, _) = simulated(json!({ "rows": { "deals": 10 } })).await;
    let (old, _) = simulated(
        json!({ "faults": { "moved": { "probability": 1 } }, "moved_to": format!("http://{}", new.address()) }),
    )
    .await;
    let portal = Portal::open(&settings(&[("webhook", text(old.webhook()))]), &context(None)).unwrap();
    assert_eq!(list(&portal, "crm.deal.list", json!({})).await.len(), 10);
    let address = format!("http://{}", new.address());
    let pairs = [
        ("portal", text(address.clone())),
        ("auth_server", text(address)),
        ("client_id", text("local.sandbox")),
        ("client_secret", text("sandbox-secret")),
        ("refresh_token", text("sandbox-refresh")),
    ];
    let portal = Portal::open(&settings(&pairs), &context(None)).unwrap();
    assert_eq!(list(&portal, "crm.deal.list", json!({})).await.len(), 10);
    assert_eq!(counters(&new).await["tokens_issued"], 1);
    let tasks = portal.v3("tasks.task.list", json!({ "pagination": { "limit": 5 } })).await.unwrap();
    let tasks: Value = serde_json::from_str(tasks.get()).unwrap();
    assert_eq!(tasks["items"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn references_lead_from_one_command_to_the_next() {
    let (_simulated, portal) = simulated(json!({ "rows": { "deals": 100 } })).await;
    let commands = vec![
        ("list".to_owned(), Command::new("crm.deal.list", json!({ "select": ["ID"], "start": -1 })).unwrap()),
        ("get".to_owned(), Command::new("crm.deal.get", json!({ "ID": "$result[list][3][ID]" })).unwrap()),
        ("bad".to_owned(), Command::new("crm.deal.get", json!({ "ID": 0 })).unwrap()),
        ("after".to_owned(), Command::text("user.current").unwrap()),
    ];
    let told = portal.call_batch(true, commands).await.unwrap();
    let of = |at: usize| -> Value {
        serde_json::from_str(told[at].answer.as_ref().unwrap().as_ref().unwrap().get()).unwrap()
    };
    assert_eq!(of(0)[3]["ID"], of(1)["ID"]);
    assert!(told[2].answer.as_ref().unwrap().is_err());
    assert!(told[3].answer.is_none());
}
