//! Tasks, where there is no event stream: asked for, until they are over.

use std::time::Duration;

use super::lists::query;
use super::*;

const QUICKLY: Waiting =
    Waiting { timeout: Duration::from_secs(20), interval: Some(Duration::from_millis(10)), cancel: None };

fn task(id: &str, status: &str, message: &str) -> Value {
    json!({ "id": id, "name": "Starting the machine.", "status": status, "progress": 50, "error_message": message })
}

fn polled(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.path.starts_with("/api/tasks/")).count()
}

#[tokio::test]
async fn every_end_of_a_task_is_an_end() {
    for (status, code) in [
        ("SUCCESS", None),
        ("FAILED", Some("veil.task_failed")),
        ("CANCELED", Some("veil.task_canceled")),
        ("LOST", Some("veil.task_lost")),
        ("PARTIAL", Some("veil.task_partial")),
    ] {
        let server = Server::start(move |number, seen| match (seen.path.starts_with("/ws/"), number) {
            (true, _) => bad(404, "x", "none"),
            (_, 0..=3) => ok(task(TASK, "IN_PROGRESS", "")),
            _ => ok(task(TASK, status, "no memory")),
        })
        .await;
        let ended = controller(&server).wait_task(TASK, QUICKLY).await.unwrap();
        let failure = ended.failure();
        assert_eq!(failure.as_ref().map(|error| error.code()), code);
        assert!(failure.is_none_or(|error| error.message().contains("no memory")));
    }
}

#[tokio::test]
async fn a_task_that_never_ends_is_waited_for_only_so_long() {
    let server = Server::start(|_, seen| match seen.path.starts_with("/ws/") {
        true => bad(404, "x", "none"),
        false => ok(task(TASK, "IN_PROGRESS", "")),
    })
    .await;
    let waiting = Waiting { timeout: Duration::from_millis(300), ..QUICKLY };
    let error = controller(&server).wait_task(TASK, waiting).await.unwrap_err();
    assert_eq!((error.code(), error.kind(), error.may_retry()), ("veil.task_timeout", Kind::Timeout, Retry::Unknown));
}

#[tokio::test]
async fn a_task_that_is_gone_ends_the_wait() {
    let server = Server::start(|_, seen| match seen.path.starts_with("/ws/") {
        true => bad(404, "x", "none"),
        false => bad(404, "x", "Not found."),
    })
    .await;
    let error = controller(&server).wait_task(TASK, QUICKLY).await.unwrap_err();
    assert_eq!((error.code(), error.may_retry()), ("veil.task_gone", Retry::Unknown));
}

#[tokio::test]
async fn a_refused_token_ends_the_wait() {
    let server = Server::start(|number, _| match number {
        0..=2 => ok(task(TASK, "IN_PROGRESS", "")),
        _ => bad(401, "invalid", "Signature has expired."),
    })
    .await;
    let controller = controller_with(&server, &[("stream", Given::Flag(false))]);
    let error = controller.wait_task(TASK, QUICKLY).await.unwrap_err();
    assert_eq!(error.code(), "veil.unauthorized");
}

#[tokio::test]
async fn many_tasks_are_asked_for_together() {
    let ids: Vec<String> = (0..200).map(|n| format!("task-{n}")).collect();
    let all = ids.clone();
    let server = Server::start(move |number, seen| {
        if seen.path.starts_with("/ws/") {
            return bad(404, "x", "none");
        }
        let status = if number < 3 { "IN_PROGRESS" } else { "SUCCESS" };
        let tasks: Vec<Value> = all.iter().map(|id| task(id, status, "")).collect();
        ok(json!({ "count": 200, "next": null, "results": tasks }))
    })
    .await;
    let began = std::time::Instant::now();
    let ended = controller(&server).wait_tasks(&ids, QUICKLY).await;
    assert!(
        ended.len() == 200 && ended.iter().all(|ended| ended.as_ref().is_ok_and(|ended| ended.failure().is_none()))
    );
    let seconds = began.elapsed().as_secs_f64();
    assert!(polled(&server) as f64 <= seconds + 1.5, "{} questions in {seconds:.1} s", polled(&server));
}

#[tokio::test]
async fn a_list_that_the_server_cuts_short_is_read_to_its_end_in_turns_with_what_is_on_none() {
    // Two pages, and two tasks on none of them, of which one ends.
    let listed: Vec<String> = (0..80).map(|n| format!("task-{n}")).collect();
    let ids: Vec<String> = listed.iter().cloned().chain(["hidden-0".into(), "hidden-1".into()]).collect();
    let server = Server::start(move |number, seen| {
        let Some(limit) = query(seen, "limit") else {
            let id = seen.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            return ok(task(id, if id == "hidden-1" { "SUCCESS" } else { "IN_PROGRESS" }, ""));
        };
        let offset = query(seen, "offset").unwrap_or(0) as usize;
        let limit = (limit as usize).min(50);
        let status = if number < 2 { "IN_PROGRESS" } else { "SUCCESS" };
        let tasks: Vec<Value> = listed.iter().skip(offset).take(limit).map(|id| task(id, status, "")).collect();
        let next = (offset + limit < listed.len()).then_some("http://elsewhere/");
        ok(json!({ "count": 80, "next": next, "results": tasks }))
    })
    .await;
    let controller = controller_with(&server, &[("stream", Given::Flag(false))]);
    let (timeout, interval) = (Duration::from_millis(5600), Some(Duration::from_secs(1)));
    let ended = controller.wait_tasks(&ids, Waiting { timeout, interval, cancel: None }).await;
    let asked: Vec<String> = server
        .seen()
        .iter()
        .map(|seen| query(seen, "limit").map_or("one".into(), |_| query(seen, "offset").unwrap_or(0).to_string()))
        .collect();
    assert_eq!(asked, ["0", "50", "0", "one", "50", "one"]);
    let open: Vec<&String> = ids.iter().zip(&ended).filter(|(_, ended)| ended.is_err()).map(|(id, _)| id).collect();
    assert_eq!(open, ["hidden-0"]);
}

#[tokio::test]
async fn each_of_many_has_its_own_outcome_and_is_begun_once() {
    let ids: Vec<String> = (0..20).map(|n| format!("6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b{n:03}")).collect();
    let server = Server::start(move |_, seen| {
        let id = seen.path.split('/').nth(3).unwrap_or_default();
        match seen.path.contains("/start/") {
            true if id.ends_with("007") => bad(404, "x", "Not found."),
            true => Told::Text(202, json!({ "_task": task(&format!("task-{id}"), "IN_PROGRESS", "") }).to_string()),
            false if seen.path.starts_with("/ws/") => bad(404, "x", "none"),
            false if seen.path.contains("limit=") => {
                let tasks: Vec<Value> = (0..20)
                    .map(|n| format!("task-6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b{n:03}"))
                    .map(|id| task(&id, if id.ends_with("003") { "FAILED" } else { "SUCCESS" }, "no host"))
                    .collect();
                ok(json!({ "count": 20, "next": null, "results": tasks }))
            }
            false => bad(500, "50004", "?"),
        }
    })
    .await;
    let objects: Vec<Found> = ids.iter().map(|id| Found { id: id.clone(), name: None }).collect();
    let bulk = Bulk { limit: 4, wait: Some(QUICKLY), via: Via::Each, how: How::default() };
    let done = controller(&server)
        .bulk(domain(), domain().call("start").unwrap(), &objects, &Options::new(), &bulk)
        .await
        .unwrap();
    let failed: Vec<(usize, &str)> =
        done.iter().enumerate().filter_map(|(at, done)| Some((at, done.result.as_ref().err()?.code()))).collect();
    assert_eq!(failed, [(3, "veil.task_failed"), (7, "veil.not_found")]);
    let starts = server.seen().iter().filter(|seen| seen.path.contains("/start/")).count();
    assert_eq!((starts, done[0].id.as_str()), (20, ids[0].as_str()));
}

/// What a controller says to work on many that never ends by itself: one task is over when it is to be ended, one cannot be
/// ended, and one machine gives no answer.
fn endless(seen: &Seen) -> Told {
    let id = seen.path.split('/').nth(3).unwrap_or_default();
    match (seen.path.contains("/start/"), seen.path.contains("/cancel/")) {
        (true, _) if id.ends_with("009") => Told::Silence,
        (true, _) => Told::Text(202, json!({ "_task": task(&format!("task-{id}"), "IN_PROGRESS", "") }).to_string()),
        (_, true) if id.ends_with("003") || id.ends_with("005") => bad(400, "50001", "It cannot be ended."),
        (_, true) => ok(json!({})),
        _ if seen.path.starts_with("/ws/") => bad(404, "x", "none"),
        _ if seen.path.contains("limit=") => ok(json!({ "count": 0, "next": null, "results": [] })),
        _ => ok(task(id, if id.ends_with("003") { "SUCCESS" } else { "IN_PROGRESS" }, "")),
    }
}

fn many(count: usize) -> Vec<Found> {
    let id = |n| format!("6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b{n:03}");
    (0..count).map(|n| Found { id: id(n), name: Some(format!("vm-{n:03}")) }).collect()
}

fn cancels(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.path.contains("/cancel/")).count()
}

async fn start_until(server: &Server, count: usize, waiting: Waiting) -> Vec<Done> {
    let bulk = Bulk { limit: 32, wait: Some(waiting), via: Via::Each, how: How::default() };
    let call = domain().call("start").unwrap();
    controller(server).bulk(domain(), call, &many(count), &Options::new(), &bulk).await.unwrap()
}

#[tokio::test]
async fn what_is_late_is_ended_where_that_is_wanted() {
    let server = Server::start(|_, seen| endless(seen)).await;
    let waiting = Waiting { timeout: Duration::from_millis(300), ..QUICKLY };
    let done = start_until(&server, 8, waiting.clone()).await;
    assert!(done.iter().all(|done| done.result.as_ref().unwrap_err().hint_text().unwrap().contains("it goes on")));
    assert_eq!(cancels(&server), 0);
    let cancel = UnderWay::default();
    let done = start_until(&server, 8, Waiting { cancel: Some(cancel.clone()), ..waiting }).await;
    assert_eq!((cancels(&server), cancel.left()), (8, vec![]));
    assert!(done[3].result.is_ok(), "it had ended by itself: {:?}", done[3]);
    for (at, hint) in
        [(0, "was told to end it"), (5, "did not end it: task.cancel: the controller refuses: It cannot be ended")]
    {
        let error = done[at].result.as_ref().unwrap_err();
        assert_eq!((error.code(), error.hint_text().unwrap().contains(hint)), ("veil.task_timeout", true), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_under_way_is_ended_by_whoever_drops_the_wait_and_what_goes_on_is_told() {
    let server = Server::start(|_, seen| endless(seen)).await;
    let cancel = UnderWay::default();
    let waiting = Waiting { cancel: Some(cancel.clone()), ..QUICKLY };
    tokio::time::timeout(Duration::from_millis(500), start_until(&server, 10, waiting)).await.unwrap_err();
    assert_eq!(cancel.left().len(), 10);
    controller(&server).end(&cancel).await;
    assert_eq!(cancels(&server), 9);
    let left = cancel.left();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].contains(
        "b005 goes on, for the controller did not end it: task.cancel: the controller refuses: It cannot be ended"
    ));
    assert_eq!(left[1], "what was just asked for goes on, if it was begun: vm-009");
}
