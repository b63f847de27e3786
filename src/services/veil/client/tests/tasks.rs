//! Tasks, where there is no event stream: asked for, until they are over.

use std::time::Duration;

use super::*;

const QUICKLY: Waiting = Waiting { timeout: Duration::from_secs(20), interval: Some(Duration::from_millis(10)) };

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
