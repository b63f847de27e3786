//! Lists read by their ids, against the simulated portal. With `B24_FULL=1` at full size: 100,000 rows, ten seeds.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::simulated::{counters, id, list, portal_of, simulated};
use super::*;
use crate::core::rows::Rows;
use crate::sandbox::b24 as sim;
use crate::services::b24::client::pieces::FOR_FILES;

/// Rows and seeds of the long tests.
fn size() -> (u64, u64) {
    match std::env::var_os("B24_FULL") {
        Some(_) => (100_000, 10),
        None => (6_000, 3),
    }
}

async fn tell(simulated: &sim::Portal, what: &str, body: Value) {
    let address = format!("http://{}/_sandbox/{what}", simulated.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.post(address).body(body.to_string()).send().await.unwrap();
}

fn ids(rows: &Rows) -> Vec<u64> {
    rows.iter().map(|row| id(&row)).collect()
}

fn rising(ids: &[u64]) -> bool {
    ids.windows(2).all(|pair| pair[0] < pair[1])
}

/// The ids that a portal has now.
async fn all_ids(portal: &Portal, params: &Value) -> BTreeSet<u64> {
    let mut params = params.clone();
    params["select"] = json!(["ID"]);
    ids(&list(portal, "crm.deal.list", params).await).into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_others_write_nothing_is_missing_and_nothing_comes_twice() {
    let (rows, seeds) = size();
    let shapes =
        [json!({ "density": 0.9 }), json!({ "density": 0.2 }), json!({ "density": 0.9, "gap": 3000, "gap_every": 7 })];
    for seed in 1..=seeds {
        let shape = &shapes[seed as usize % shapes.len()];
        let mut knobs = json!({ "rows": { "deals": rows }, "seed": seed });
        knobs.as_object_mut().unwrap().extend(shape.as_object().unwrap().clone());
        let (simulated, portal) = simulated(knobs).await;
        for params in
            [json!({ "select": ["ID", "TITLE"] }), json!({ "select": ["ID"], "filter": { "STAGE_ID": "NEW" } })]
        {
            let before = all_ids(&portal, &params).await;
            tell(&simulated, "knobs", json!({ "changes_per_second": 200, "latency_ms": 50, "command_ms": 10 })).await;
            let read = list(&portal, "crm.deal.list", params.clone()).await;
            let changes = counters(&simulated).await["changes"].as_u64().unwrap();
            tell(&simulated, "knobs", json!({ "changes_per_second": 0, "latency_ms": 0, "command_ms": 0 })).await;
            let after = all_ids(&portal, &params).await;
            let read = ids(&read);
            assert!(rising(&read), "seed {seed}");
            let read: BTreeSet<u64> = read.into_iter().collect();
            let missing = before.intersection(&after).filter(|id| !read.contains(id)).count();
            assert_eq!(missing, 0, "seed {seed}, {changes} changes, {params}");
            assert!(changes > 20, "{changes}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_list_is_read_whole_by_few_requests() {
    // Rows, density, gap, every so many blocks; the most requests it may take without a limit in the way.
    for (rows, density, gap, gap_every, most) in [
        (0, 0.9, 0, 0, 1),
        (1, 0.9, 0, 0, 1),
        (50, 1.0, 0, 0, 1),
        (51, 1.0, 0, 0, 1),
        (2350, 0.9, 0, 0, 1),
        (2350, 0.05, 500, 3, 1),
        (2351, 1.0, 0, 0, 2),
        (20_000, 1.0, 0, 0, 70),
        (20_000, 0.1, 0, 0, 130),
        (20_000, 0.9, 200_000, 20, 180),
    ] {
        let knobs = json!({ "rows": { "deals": rows }, "density": density, "gap": gap, "gap_every": gap_every });
        let (simulated, portal) = simulated(knobs).await;
        let read = ids(&list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await);
        assert_eq!(read.len(), rows, "{density} {gap}");
        assert!(rising(&read));
        let counted = counters(&simulated).await;
        let requests = counted["requests"].as_u64().unwrap();
        assert!(requests <= most, "{rows} rows, density {density}, gaps {gap}: {requests} requests, {counted}");
    }
}

#[tokio::test]
async fn when_requests_are_scarce_hardly_a_page_is_spent_in_vain() {
    for (density, gap) in [(1.0, 0), (0.9, 0), (0.3, 0), (0.9, 4000)] {
        let knobs = json!({ "rows": { "deals": 60_000 }, "density": density, "gap": gap, "gap_every": 40 });
        let (simulated, _) = simulated(knobs).await;
        let rate = [("requests_per_second", Given::Integer(500)), ("burst", Given::Integer(4))];
        let portal = portal_of(&simulated, &rate);
        let read = ids(&list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await);
        assert_eq!(read.len(), 60_000);
        assert!(rising(&read));
        let counted = counters(&simulated).await;
        // 1,200 full pages are 24 batches.
        let commands = counted["commands_by_method"]["crm.deal.list"].as_u64().unwrap();
        let requests = counted["requests"].as_u64().unwrap();
        // Where rows lie in heaps, what is known of one place tells little of the next.
        let (most_commands, most_requests) = if gap == 0 { (1290, 31) } else { (1700, 40) };
        assert!(commands <= most_commands, "density {density}, gaps {gap}: {commands} pages");
        assert!(requests <= most_requests, "density {density}, gaps {gap}: {requests} requests");
    }
}

#[tokio::test]
async fn filters_by_id_and_orders_are_kept() {
    let (_simulated, portal) = simulated(json!({ "rows": { "deals": 4000 }, "density": 0.8 })).await;
    let all = ids(&list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await);
    let (low, high) = (all[700], all[3600]);
    let between = list(&portal, "crm.deal.list", json!({ "filter": { ">=ID": low, "<id": high.to_string() } })).await;
    assert_eq!(ids(&between), all[700..3600]);
    let falling = list(&portal, "crm.deal.list", json!({ "select": ["TITLE"], "order": { "ID": "DESC" } })).await;
    assert_eq!(ids(&falling), all.iter().rev().copied().collect::<Vec<_>>());
    let some: Vec<u64> = all.iter().step_by(100).copied().collect();
    assert_eq!(ids(&list(&portal, "crm.deal.list", json!({ "filter": { "@ID": some } })).await), some);
    let either = json!({ "entityTypeId": 2, "filter": { "logic": "OR", "0": { "stageId": "WON" }, "1": { "stageId": "LOSE" } } });
    let count = portal.count("crm.item.list", either.clone()).await.unwrap();
    assert_eq!(list(&portal, "crm.item.list", either).await.len() as u64, count);
    for (order, select) in [
        (json!([["OPPORTUNITY", "DESC"], ["ID", "ASC"]]), json!(["ID", "OPPORTUNITY"])),
        (json!([["DATE_CREATE", "ASC"], ["ID", "ASC"]]), json!(["ID", "DATE_CREATE"])),
        (json!([["TITLE", "ASC"], ["ID", "ASC"]]), json!(["*"])),
    ] {
        let sorted = ids(&list(&portal, "crm.deal.list", json!({ "order": order, "select": select })).await);
        for (start, count) in [(0, 50), (1950, 50), (3950, 50)] {
            let params = json!({ "order": [order[0], order[1]], "select": ["ID"], "start": start });
            let page = portal.call("crm.deal.list", params).await.unwrap();
            let page: Vec<Value> = serde_json::from_str(page.get()).unwrap();
            let page: Vec<u64> = page.iter().map(|row| row["ID"].as_str().unwrap().parse().unwrap()).collect();
            assert_eq!(sorted[start..start + count], page, "{order} from {start}");
        }
    }
}

#[tokio::test]
async fn pages_with_rows_missing_are_read_by_offsets() {
    for (rows, hidden) in [(10_000, 10), (10_000, 7), (60, 3), (5_000, 2)] {
        let (_simulated, portal) = simulated(json!({ "rows": { "deals": rows }, "hidden_every": hidden })).await;
        let params = json!({ "select": ["ID"] });
        let Answer::Rows(read) = portal.get_all("crm.deal.list", params.clone()).await.unwrap().answer else {
            panic!()
        };
        let read = ids(&read);
        let (_whole, other) = self::simulated(json!({ "rows": { "deals": rows } })).await;
        let seen: Vec<u64> =
            ids(&list(&other, "crm.deal.list", params).await).into_iter().filter(|id| id % hidden != 0).collect();
        assert_eq!(read.len(), seen.len(), "{rows} {hidden}");
        assert_eq!(read, seen);
    }
}

#[tokio::test]
async fn faults_cost_what_they_spoil_and_nothing_else() {
    let (rows, seeds) = size();
    for seed in 1..=seeds {
        for density in [0.9, 0.3] {
            let knobs = json!({ "rows": { "deals": rows }, "seed": seed, "density": density });
            let (quiet, portal) = simulated(knobs.clone()).await;
            let whole = ids(&list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await);
            let undisturbed = counters(&quiet).await["commands_by_method"]["crm.deal.list"].as_u64().unwrap();
            let (broken, portal) = simulated(knobs).await;
            portal.0.proven.store(true, Ordering::Relaxed);
            let faults = json!({
                "internal": { "probability": 0.02 }, "bad_gateway": { "probability": 0.02 }, "truncated": { "probability": 0.02 },
                "reset_before": { "probability": 0.02 }, "reset_after": { "probability": 0.02 },
                "command": { "probability": 0.001 }, "command_method": "crm.deal.list"
            });
            tell(&broken, "knobs", json!({ "faults": faults })).await;
            let read = ids(&list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await);
            assert_eq!(read, whole, "seed {seed}");
            let counted = counters(&broken).await;
            let (commands, repeats) =
                (counted["commands_by_method"]["crm.deal.list"].as_u64().unwrap(), portal.0.counters.repeats.get());
            // A chain that breaks is gone on with by one page more; the first request is repeated whole.
            assert!(
                commands <= undisturbed + repeats + 50 + repeats / 5,
                "{commands} > {undisturbed} + {repeats}: {counted}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_is_held_back_by_its_reader_and_is_complete() {
    let (simulated, portal) =
        simulated(json!({ "rows": { "deals": 30_000 }, "density": 0.7, "changes_per_second": 50 })).await;
    let mut stream = portal.stream("crm.deal.list", Value::Null).unwrap();
    let mut last = id(&stream.next().await.unwrap().unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let sent = counters(&simulated).await["rows_sent"].as_u64().unwrap();
    assert!(sent < 13_000, "{sent}");
    let mut count = 1;
    while let Some(row) = stream.next().await {
        let id = id(&row.unwrap());
        assert!(id > last);
        last = id;
        count += 1;
    }
    assert!(count > 25_000, "{count}");
    // Another order is the portal's business.
    let falling = json!({ "select": ["ID"], "order": { "ID": "DESC" }, "filter": { ">ID": last - 200 } });
    let mut stream = portal.stream("crm.deal.list", falling).unwrap();
    let (first, second) = (stream.next().await.unwrap().unwrap(), stream.next().await.unwrap().unwrap());
    assert!(id(&first) > id(&second));
}

#[tokio::test]
async fn a_list_is_gone_on_with_at_any_position() {
    let (_simulated, portal) = simulated(json!({ "rows": { "deals": 9_000 }, "density": 0.6 })).await;
    let params = json!({ "select": ["ID"], "filter": { "!STAGE_ID": "WON" } });
    let whole = ids(&list(&portal, "crm.deal.list", params.clone()).await);
    let mut pieces = portal.pieces("crm.deal.list", params.clone(), None, FOR_FILES).unwrap();
    let mut so_far = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.unwrap();
        so_far.extend(ids(&piece.rows));
        let mut rest = portal.pieces("crm.deal.list", params.clone(), piece.position.as_deref(), FOR_FILES).unwrap();
        let mut resumed = so_far.clone();
        while let Some(piece) = rest.next().await {
            resumed.extend(ids(&piece.unwrap().rows));
        }
        assert_eq!(resumed, whole);
    }
    assert_eq!(so_far, whole);
    for wrong in ["", "x", "{}"] {
        let error = portal.pieces("crm.deal.list", params.clone(), Some(wrong), FOR_FILES).map(drop).unwrap_err();
        assert_eq!(error.code(), "b24.position");
    }
}

#[tokio::test]
async fn a_plan_tells_the_cost_and_a_dry_run_tells_the_plan() {
    let knobs = json!({ "rows": { "deals": 300_000, "users": 200 }, "limits": true });
    let (simulated, _) = simulated(knobs).await;
    let portal = portal_of(&simulated, &[]);
    let plan = portal.plan("crm.deal.list", json!({ "select": ["ID"] })).await.unwrap();
    assert_eq!((plan.rows, plan.requests, plan.limit, &plan.way), (300_000, 121, Limit::Rate, &Way::Ids));
    // One of the burst is spent on the plan itself.
    assert!((35.0..38.0).contains(&plan.seconds), "{plan:?}");
    assert!(plan.told().contains("300,000 rows, 121 requests, 3"), "{}", plan.told());
    let short = portal.plan("crm.deal.list", json!({ "filter": { "<ID": 1000 } })).await.unwrap();
    assert_eq!((short.requests, short.limit), (1, Limit::Answers));
    let users = portal.plan("user.get", Value::Null).await.unwrap();
    assert!(matches!(&users.way, Way::Offsets(why) if why.contains("no filter by id")), "{users:?}");
    tell(&simulated, "knobs", json!({ "command_ms": 100 })).await;
    let slow = portal.plan("crm.deal.list", json!({ "select": ["ID"] })).await.unwrap();
    // Six hundred seconds of work: more than a method has in ten minutes.
    assert_eq!(slow.limit, Limit::Time);
    assert!(slow.seconds >= 600.0, "{slow:?}");
    for error in [
        portal.plan("crm.deal.add", Value::Null).await.unwrap_err(),
        portal.plan("crm.address.list", json!({ "start": 1 })).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Input, "{error:?}");
    }
    let told: std::sync::Arc<std::sync::Mutex<Vec<String>>> = Default::default();
    let log = told.clone();
    let context = context(Some(Box::new(move |what| log.lock().unwrap().push(what.to_owned()))));
    let portal = Portal::open(&settings(&[("webhook", text(simulated.webhook()))]), &context).unwrap();
    list(&portal, "crm.deal.list", json!({ "select": ["ID"], "filter": { "<ID": 500 } })).await;
    assert!(told.lock().unwrap()[0].contains("rows, 1 request, "), "{told:?}");
}

/// Seconds of the portal's clock, requests and refusals for a list of so many rows: a tenth of a second away, a fiftieth
/// for a page, the documented limits of a plan.
async fn timed(rows: u64, density: f64, enterprise: bool) -> (f64, u64, u64) {
    let (size, fall) = if enterprise { (250, 5) } else { (50, 2) };
    let (simulated, _) = simulated(json!({
        "rows": { "deals": rows }, "density": density, "limits": true, "bucket_size": size, "bucket_fall": fall,
        "latency_ms": 100, "command_ms": 20
    }))
    .await;
    let portal = portal_of(&simulated, &[("plan", text(if enterprise { "enterprise" } else { "standard" }))]);
    let began = tokio::time::Instant::now();
    let read = ids(&list(&portal, "crm.deal.list", json!({ "select": ["ID"] })).await);
    let took = began.elapsed().as_secs_f64();
    assert_eq!(read.len() as u64, rows);
    assert!(rising(&read));
    let counted = counters(&simulated).await;
    (took, counted["requests"].as_u64().unwrap(), counted["refused_503"].as_u64().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_rows_fit_the_burst() {
    for density in [1.0, 0.9] {
        let (took, requests, refused) = timed(100_000, density, false).await;
        assert!(
            took <= 1.45 && requests <= 49 && refused == 0,
            "{density}: {took} s, {requests} requests, {refused} refused"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_million_rows_go_at_the_rate() {
    if std::env::var_os("B24_FULL").is_none() {
        return;
    }
    for density in [1.0, 0.9, 0.4] {
        let (took, requests, refused) = timed(500_000, density, false).await;
        // 201 requests, 50 of them at once, then two a second: 1.03 × 75.5 s.
        eprintln!("{density}: {took} s, {requests} requests, {refused} refused");
        assert!(took <= 77.8 && refused == 0, "{density}: {took} s, {requests} requests, {refused} refused");
    }
    let (took, requests, refused) = timed(500_000, 0.9, true).await;
    eprintln!("enterprise: {took} s, {requests} requests, {refused} refused");
    assert!(took <= 2.5 && refused == 0, "{took} s, {requests} requests, {refused} refused");
}
