//! Those who follow runs live: quick ones, slow ones, and those who come back.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::Value;

use super::{PORTAL, Stage, request};

/// A stream of events, read event by event.
struct Events {
    pieces: BodyDataStream,
    read: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Events {
    async fn open(stage: &Stage, path: &str, last: Option<&str>) -> Events {
        let mut request: Request<Body> = request("GET", path, Some(PORTAL), "");
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", last.parse().unwrap());
        }
        let reply = stage.reply(request).await;
        assert_eq!(
            (reply.status().as_u16(), reply.headers()["content-type"].to_str().unwrap()),
            (200, "text/event-stream; charset=utf-8")
        );
        Events { pieces: reply.into_body().into_data_stream(), read: String::new() }
    }

    /// The next event; none at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                        .unwrap_or_default()
                        .to_owned()
                };
                let (name, id, data) = (field("event"), field("id"), field("data"));
                self.read = rest.to_owned();
                if !name.is_empty() {
                    return Some(Event { name, id, data: serde_json::from_str(&data).unwrap() });
                }
                continue;
            }
            let piece = tokio::time::timeout(Duration::from_secs(20), self.pieces.next()).await.unwrap()?.unwrap();
            self.read.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

#[tokio::test]
async fn a_run_is_followed_from_its_start_to_its_end() {
    let stage = Stage::new();
    stage.desk.gate.send_replace(false);
    let id = stage.start().await;
    let path = format!("/api/runs/{id}/events");
    let mut events = Events::open(&stage, &path, None).await;
    let first = events.next().await.unwrap();
    assert_eq!(
        (first.name.as_str(), &first.data["id"], first.data["steps"].as_array().unwrap().len()),
        ("run", &Value::from(id.clone()), 3)
    );
    stage.desk.say(&id, "половина готова");
    stage.desk.gate.send_replace(true);
    let rest = events.rest().await;
    assert!(rest.iter().any(|event| event.name == "message" && event.data["message"]["text"] == "половина готова"));
    let states =
        rest.iter().filter(|event| event.name == "step").map(|event| event.data["step"]["state"].as_str().unwrap());
    assert_eq!(states.filter(|state| *state == "ok").count(), 3);
    assert_eq!(rest.last().unwrap().name, "end");
    let last = rest.iter().rev().find(|event| event.name == "run").unwrap();
    assert_eq!(last.data["state"], "ok");
    // Whoever comes later finds the run as it ended; whoever has seen that is sent away.
    let later = Events::open(&stage, &path, None).await.rest().await;
    assert_eq!((names(&later), &later[0].data["state"]), (vec!["run", "end"], &Value::from("ok")));
    let mut again = request("GET", &path, Some(PORTAL), "");
    again.headers_mut().insert("last-event-id", later[1].id.parse().unwrap());
    assert_eq!(stage.ask(again).await.status, 204);
    assert_eq!(stage.get("/api/runs/none/events").await.status, 404);
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_was_missed_and_no_more() {
    let stage = Stage::new();
    stage.desk.gate.send_replace(false);
    let id = stage.start().await;
    let path = format!("/api/runs/{id}/events");
    let mut events = Events::open(&stage, &path, None).await;
    events.next().await.unwrap();
    stage.desk.say(&id, "one");
    let one = loop {
        let event = events.next().await.unwrap();
        if event.name == "message" {
            break event;
        }
    };
    drop(events);
    stage.desk.say(&id, "two");
    stage.desk.gate.send_replace(true);
    stage.ended(&id).await;
    let missed = Events::open(&stage, &path, Some(&one.id)).await.rest().await;
    assert_eq!((missed[0].name.as_str(), &missed[0].data["message"]["text"]), ("message", &Value::from("two")));
    assert!(
        !missed
            .iter()
            .any(|event| event.name == "run" && event.data.get("steps").is_some() && event.data["state"] != "ok")
    );
    // An id of another process, or of nothing at all, is answered with the whole.
    for unknown in ["deadbeef-1", "x", "", "99999999999999999999"] {
        let events = Events::open(&stage, &path, Some(unknown)).await.rest().await;
        assert_eq!(names(&events), ["run", "end"], "{unknown}");
    }
}

#[tokio::test]
async fn a_slow_reader_holds_nobody_up_and_is_told_that_it_missed_something() {
    let stage = Stage::new();
    stage.desk.gate.send_replace(false);
    let id = stage.start().await;
    let path = format!("/api/runs/{id}/events");
    let mut slow = Events::open(&stage, &path, None).await;
    let mut quick = Events::open(&stage, &path, None).await;
    assert_eq!(slow.next().await.unwrap().name, "run");
    let mut heard = 0;
    for n in 0..6000 {
        stage.desk.say(&id, &format!("{n} {}", "x".repeat(500)));
        if n % 20 == 0 {
            // The engine's own queue is short: its listener has to keep up, and does.
            while heard <= n {
                heard += usize::from(quick.next().await.unwrap().name == "message");
            }
        }
    }
    assert_eq!(slow.next().await.unwrap().name, "lagged");
    let whole = slow.next().await.unwrap();
    assert_eq!(whole.name, "run");
    assert!(whole.data["steps"][0]["messages"].as_array().unwrap().len() > 5900);
    stage.desk.gate.send_replace(true);
    assert_eq!(slow.rest().await.last().unwrap().name, "end");
    assert_eq!(stage.ended(&id).await["state"], "ok");
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_now_and_then() {
    let stage = Stage::new();
    let reply = stage.reply(request("GET", "/api/events", Some(PORTAL), "")).await;
    let mut pieces = reply.into_body().into_data_stream();
    let first = pieces.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("event: status\ndata: {\"running\":false"), "{first:?}");
    let start = tokio::time::Instant::now();
    let piece = pieces.next().await.unwrap().unwrap();
    assert_eq!((&piece[..], start.elapsed().as_secs()), (&b": nothing new\n\n"[..], 15));
}

#[tokio::test]
async fn all_runs_are_followed_at_once() {
    let stage = Stage::new();
    let mut events = Events::open(&stage, "/api/events", None).await;
    assert_eq!(events.next().await.unwrap().name, "status");
    let id = stage.start().await;
    let begun = events.next().await.unwrap();
    assert_eq!((begun.name.as_str(), &begun.data["id"]), ("run", &Value::from(id.clone())));
    loop {
        let event = events.next().await.unwrap();
        if event.name == "run" && event.data["state"] == "ok" {
            break;
        }
    }
    stage.ended(&id).await;
    stage.service.stop(crate::web::options::OnStop::Finish).await;
    assert_eq!(events.rest().await, []);
}

#[tokio::test]
async fn streams_are_counted() {
    let stage = Stage::with(|options| options.streams = 2);
    let first = Events::open(&stage, "/api/events", None).await;
    let refused = stage.get("/api/events").await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (429, Some("limit.streams")));
    assert!(stage.get("/metrics").await.text.contains("pult_event_streams 1\n"));
    drop(first);
    Events::open(&stage, "/api/events", None).await;
}
