//! Many calls: order, outcomes, what is repeated and what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::server::{batch, fails};
use super::*;

fn items(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({ "ID": n })).collect()
}

/// `crm.deal.update?ID=17` is 17.
fn id(command: &str) -> usize {
    command.split("ID=").nth(1).and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{command}"))
}

#[tokio::test]
async fn answers_stand_in_the_order_of_the_items_and_a_bad_one_harms_no_other() {
    let server = Server::start(|_, seen| {
        batch(seen, |command| match id(command) {
            7 => Some(Err(("", "Not found"))),
            n => Some(Ok(json!(n * 10))),
        })
    })
    .await;
    let portal = portal(&server);
    let mut calls = items(130);
    calls[3] = json!({ "ID": 3, "fields": "wrong" });
    let outcomes = portal.call_many("crm.deal.update", calls).await.unwrap();
    let expected: Vec<String> = (0..130)
        .map(|n| match n {
            3 => "b24.wrong_parameter".into(),
            7 => "b24.NOT_FOUND".into(),
            n => (n * 10).to_string(),
        })
        .collect();
    assert_eq!(summary(&outcomes), expected);
    assert_eq!(outcomes.failures().map(|(place, _)| place).collect::<Vec<_>>(), [3, 7]);
    assert!(outcomes.unknown().is_empty());
    let error = outcomes.error("crm.deal.update").unwrap();
    assert_eq!(error.kind(), Kind::Partial);
    assert!(error.message().starts_with("crm.deal.update: 2 of 130 failed; first, item 4 of the list"), "{error}");
    let seen = server.seen();
    // Small batches while requests are free, and nothing sent twice.
    assert!(seen.len() > 3 && seen.iter().all(|seen| seen.commands()[0].0 == "c0"));
    assert_eq!(seen.iter().map(|seen| seen.commands().len()).sum::<usize>(), 129);
}

#[tokio::test]
async fn of_reading_commands_only_the_failed_and_the_missing_are_repeated() {
    let server = Server::start(|number, seen| {
        batch(seen, |command| match id(command) {
            1 if number == 0 => Some(Err(("INTERNAL_SERVER_ERROR", "broken"))),
            2 if number == 0 => None,
            n => Some(Ok(json!(n))),
        })
    })
    .await;
    let outcomes = portal(&server).call_many("crm.deal.get", items(4)).await.unwrap();
    assert_eq!(summary(&outcomes), ["0", "1", "2", "3"]);
    let sent: Vec<Vec<usize>> =
        server.seen().iter().map(|seen| seen.commands().iter().map(|(_, command)| id(command)).collect()).collect();
    assert_eq!(sent, [vec![0, 1, 2, 3], vec![1, 2]]);
}

#[tokio::test]
async fn changes_are_never_repeated_once_they_may_have_run() {
    let body = || r#"{"result":{"result":{"c0":1},"result_error":[]}}"#.to_owned();
    for reply in [0, 1, 2, 3, 4] {
        let server = Server::start(move |_, seen| match reply {
            0 => Reply::Gone,
            1 => Reply::Half(body()),
            2 => Reply::Text(200, body()[..20].to_owned()),
            3 => Reply::Text(504, "<html><h1>504 Gateway Time-out</h1></html>".into()),
            _ => batch(seen, |command| (id(command) == 0).then_some(Ok(json!(1)))),
        })
        .await;
        let outcomes = portal(&server).call_many("crm.deal.add", items(3)).await.unwrap();
        let unknown = if reply == 4 { vec![1, 2] } else { vec![0, 1, 2] };
        assert_eq!(outcomes.unknown(), unknown, "{reply}: {outcomes:?}");
        assert_eq!(server.seen().len(), 1, "{reply}");
        let error = outcomes.error("crm.deal.add").unwrap();
        assert!(error.hint_text().unwrap().contains("look in the portal"), "{error:?}");
    }
}

#[tokio::test]
async fn what_was_refused_for_the_rate_is_repeated_even_if_it_changes() {
    let server = Server::start(|number, seen| match number {
        0 => fails(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"),
        _ => batch(seen, |command| Some(Ok(json!(id(command))))),
    })
    .await;
    let portal = portal_with(&server, &[("requests_per_second", Given::Number(20.0)), ("burst", Given::Number(5.0))]);
    assert_eq!(summary(&portal.call_many("crm.deal.add", items(2)).await.unwrap()), ["0", "1"]);
    assert_eq!(server.seen().len(), 2);
    assert_eq!(portal.0.counters.refusals.get(), 1);
}

#[tokio::test]
async fn a_gateways_timeout_halves_the_batches_of_that_method() {
    let server = Server::start(|_, seen| match seen.commands().len() {
        3.. => Reply::Text(504, "<html>504</html>".into()),
        _ => batch(seen, |command| Some(Ok(json!(id(command))))),
    })
    .await;
    let portal = portal(&server);
    // Somebody who answered before is given more tries.
    portal.0.proven.store(true, Ordering::Relaxed);
    let outcomes = portal.call_many("crm.deal.get", items(8)).await.unwrap();
    assert!(outcomes.failures().next().is_none(), "{outcomes:?}");
    assert!((2..=4).contains(&portal.size("crm.deal.get")));
    assert_eq!(portal.size("crm.lead.get"), 50);
}

#[tokio::test]
async fn a_method_whose_time_is_used_up_waits_and_the_others_go_on() {
    let closed = Arc::new(AtomicUsize::new(0));
    let first_lead = Arc::new(std::sync::Mutex::new(None));
    let began = Instant::now();
    let (refusals, lead) = (closed.clone(), first_lead.clone());
    let server = Server::start(move |_, seen| {
        let open = began.elapsed().as_secs_f64() > 1.0;
        let reset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() + 1.0;
        let commands = seen.commands();
        let (mut results, mut errors, mut times) = (json!({}), json!({}), json!({}));
        for (name, command) in commands {
            if command.starts_with("crm.deal") && !open {
                refusals.fetch_add(1, Ordering::Relaxed);
                errors[&name] = json!({ "error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked" });
            } else {
                lead.lock().unwrap().get_or_insert(began.elapsed());
                results[&name] = json!(1);
            }
            times[&name] = json!({ "operating": 1, "operating_reset_at": reset });
        }
        ok(json!({ "result": results, "result_error": errors, "result_time": times }))
    })
    .await;
    let calls = (0..60).map(|n| (["crm.deal.get", "crm.lead.get"][n % 2].to_owned(), json!({ "ID": n }))).collect();
    let outcomes = portal(&server).call_each(calls).await.unwrap();
    assert!(outcomes.failures().next().is_none(), "{outcomes:?}");
    assert!(first_lead.lock().unwrap().unwrap().as_secs_f64() < 0.9);
    assert!(began.elapsed().as_secs_f64() < 5.0);
    // Waiting is not asking again and again.
    assert!(server.seen().len() < 30, "{}", server.seen().len());
    assert!(closed.load(Ordering::Relaxed) <= 30);
}

#[tokio::test]
async fn batches_that_wait_for_their_turn_do_not_go_once_their_time_is_used_up() {
    let began = Instant::now();
    let server = Server::start(move |_, seen| {
        let is_open = began.elapsed().as_secs_f64() > 2.0;
        let reset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() + 1.0;
        let (mut results, mut errors, mut times) = (json!({}), json!({}), json!({}));
        for (name, _) in seen.commands() {
            match is_open {
                true => results[&name] = json!(1),
                false => errors[&name] = json!({ "error": "OPERATION_TIME_LIMIT", "error_description": "blocked" }),
            }
            times[&name] = json!({ "operating": 1, "operating_reset_at": reset });
        }
        ok(json!({ "result": results, "result_error": errors, "result_time": times }))
    })
    .await;
    let portal = portal_with(&server, &[("requests_per_second", Given::Integer(10)), ("burst", Given::Integer(2))]);
    let outcomes = portal.call_many("crm.deal.get", items(500)).await.unwrap();
    assert!(outcomes.failures().next().is_none());
    // Ten full batches; before the time is up again a probe now and then.
    assert!(server.seen().len() <= 17, "{}", server.seen().len());
}

#[tokio::test]
async fn a_portal_that_bills_whole_batches_is_waited_for_too() {
    let began = Instant::now();
    let server = Server::start(move |number, seen| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        if number == 1 && began.elapsed().as_secs_f64() < 0.9 {
            return fails(429, "OPERATION_TIME_LIMIT", "Method is blocked");
        }
        let results: serde_json::Map<_, _> = seen.commands().into_iter().map(|(name, _)| (name, json!(1))).collect();
        let result = json!({ "result": results, "result_error": [] });
        let time = json!({ "operating": if number == 0 { 481.0 } else { 3.0 }, "operating_reset_at": now + 1.0 });
        Reply::Text(200, json!({ "result": result, "time": time }).to_string())
    })
    .await;
    let portal = portal(&server);
    portal.call_many("crm.deal.get", items(2)).await.unwrap();
    let outcomes = portal.call_many("crm.deal.get", items(20)).await.unwrap();
    assert!(outcomes.failures().next().is_none(), "{outcomes:?}");
    assert!(began.elapsed().as_secs_f64() > 0.9);
    // After the wait one command goes to see.
    assert_eq!(server.seen()[1].commands().len(), 1);
}

#[tokio::test]
async fn a_method_that_goes_into_no_batch_is_called_alone() {
    let server = Server::start(|_, seen| match seen.method() {
        "batch" => batch(seen, |_| Some(Err(("ERROR_BATCH_METHOD_NOT_ALLOWED", "no")))),
        _ => ok(json!(seen.body)),
    })
    .await;
    let outcomes = portal(&server).call_many("disk.folder.uploadfile", items(3)).await.unwrap();
    assert_eq!(summary(&outcomes), ["\"ID=0\"", "\"ID=1\"", "\"ID=2\""]);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn what_is_pointless_is_not_tried_two_hundred_times() {
    let server = Server::start(|_, _| fails(401, "NO_AUTH_FOUND", "Wrong authorization data")).await;
    let portal = portal_with(&server, &[("burst", Given::Number(3.0))]);
    let outcomes = portal.call_many("crm.deal.get", items(5000)).await.unwrap();
    assert_eq!(outcomes.failures().count(), 5000);
    assert!(server.seen().len() <= 10, "{}", server.seen().len());
}

#[tokio::test]
async fn dropping_a_call_stops_it() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let portal = portal(&server);
    let waited =
        tokio::time::timeout(std::time::Duration::from_millis(200), portal.call_many("crm.deal.get", items(500)));
    assert!(waited.await.is_err());
    let free = portal.0.limits.bucket.free();
    let seen = server.seen().len();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(server.seen().len(), seen);
    assert!(portal.0.limits.bucket.free() >= free && portal.0.limits.lanes.enter(1.0).await_now());
}

/// Whether there is room at once.
trait Now {
    fn await_now(self) -> bool;
}

impl<F: Future> Now for F {
    fn await_now(self) -> bool {
        futures_util::FutureExt::now_or_never(self).is_some()
    }
}
