//! Lists that are longer than a page, and that change while they are read.

use std::sync::Mutex;

use super::*;

pub(super) fn query(seen: &Seen, name: &str) -> Option<u64> {
    let start = seen.path.find(&format!("{name}="))? + name.len() + 1;
    seen.path[start..].split('&').next()?.parse().ok()
}

/// A page of objects with these ids; the server never gives more than `most` rows.
fn page(seen: &Seen, ids: &[u32], most: u64) -> Told {
    let limit = query(seen, "limit").unwrap_or(100).min(most) as usize;
    let offset = query(seen, "offset").unwrap_or(0) as usize;
    let rows: Vec<Value> = ids.iter().skip(offset).take(limit).map(|id| json!({ "id": format!("vm-{id}") })).collect();
    let next = (offset + limit < ids.len()).then_some("http://elsewhere/");
    ok(json!({ "count": ids.len(), "next": next, "previous": null, "results": rows }))
}

async fn ids(controller: &Controller, options: Value) -> Vec<String> {
    let rows = controller.rows(domain(), options.as_object().unwrap()).await.unwrap();
    rows.iter().map(|row| format!("{:?}", row.get("id").unwrap())).collect()
}

#[tokio::test]
async fn all_rows_come_whatever_the_server_caps() {
    let all: Vec<u32> = (0..250).collect();
    let server = Server::start(move |_, seen| page(seen, &all, 100)).await;
    let found = ids(&controller(&server), json!({})).await;
    assert_eq!(found.len(), 250);
    assert_eq!(query(&server.seen()[0], "limit"), Some(1000));
    let some = ids(&controller(&server), json!({ "limit": 7, "offset": 3 })).await;
    assert_eq!((some.len(), some[0].as_str()), (7, "Text(\"vm-3\")"));
}

#[tokio::test]
async fn nothing_is_lost_when_objects_vanish_between_two_pages() {
    for vanish in [1, 4, 5, 50, 99] {
        let all: Mutex<Vec<u32>> = Mutex::new((0..300).collect());
        let server = Server::start(move |number, seen| {
            let mut all = all.lock().unwrap();
            let answer = page(seen, &all, 100);
            if number == 0 {
                all.drain(..vanish);
            }
            answer
        })
        .await;
        let found = ids(&controller(&server), json!({})).await;
        assert_eq!(found.len(), 300, "{vanish} vanished");
        assert_eq!(found.iter().collect::<std::collections::HashSet<_>>().len(), 300, "{vanish} vanished");
    }
}

#[tokio::test]
async fn a_list_that_shrinks_to_nothing_ends() {
    let server = Server::start(|number, seen| match number {
        0 => page(seen, &(0..300).collect::<Vec<u32>>(), 100),
        _ => page(seen, &[], 100),
    })
    .await;
    assert_eq!(ids(&controller(&server), json!({})).await.len(), 100);
    assert!(server.seen().len() < 10);
}

#[tokio::test]
async fn nothing_comes_twice_when_objects_appear_between_two_pages() {
    let server = Server::start(|number, seen| match number {
        0 => page(seen, &(0..150).collect::<Vec<u32>>(), 100),
        _ => page(seen, &(500..540).chain(0..150).collect::<Vec<u32>>(), 100),
    })
    .await;
    let found = ids(&controller(&server), json!({})).await;
    assert_eq!(found.iter().collect::<std::collections::HashSet<_>>().len(), found.len());
    assert!(found.len() >= 150);
}

#[tokio::test]
async fn many_ids_are_asked_for_in_several_requests() {
    let server = Server::start(|_, seen| {
        let from = seen.path.find("ids=").unwrap() + 4;
        let asked = seen.path[from..].split('&').next().unwrap();
        let rows: Vec<Value> = asked.split("%2C").map(|id| json!({ "id": id })).collect();
        ok(json!({ "count": rows.len(), "next": null, "results": rows }))
    })
    .await;
    let wanted: Vec<String> = (0..300).map(|n| format!("6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b{n:03}")).collect();
    assert_eq!(ids(&controller(&server), json!({ "ids": wanted })).await.len(), 300);
    assert!(server.seen().len() >= 3 && server.seen().iter().all(|seen| seen.path.len() < 6000));
}

#[tokio::test]
async fn a_filter_that_nobody_has_described_is_only_trusted_when_the_rows_show_it() {
    let (pool, other) = (VM, TASK);
    // One that knows the filter, one that ignores it, one that does not say where its images are.
    for (asked, is_good) in [(json!({ "id": pool }), true), (json!({ "id": other }), false), (Value::Null, false)] {
        let row = move |n: u32, pool: &Value| json!({ "id": n.to_string(), "filename": format!("{n}.iso"), "datapool": pool });
        let server = Server::start(move |_, _| {
            let rows = [row(1, &json!({ "id": pool.to_uppercase() })), row(2, &asked)];
            ok(json!({ "count": 2, "next": null, "results": rows }))
        })
        .await;
        let (iso, controller) = (entity("iso").unwrap(), controller(&server));
        let listed = controller.listed(iso, json!({ "datapool": pool }).as_object().unwrap()).await;
        assert!(server.seen()[0].path.contains("fields=id%2Cfilename%2Cdatapool"), "{}", server.seen()[0].path);
        match listed {
            Ok(found) => assert!(is_good && found.len() == 2 && found[1].name.as_deref() == Some("2.iso")),
            Err(error) => assert_eq!((error.code(), is_good), ("veil.filter_ignored", false)),
        }
        // Without the filter there is nothing to doubt.
        assert_eq!(controller.listed(iso, &Options::new()).await.unwrap().len(), 2);
    }
}
