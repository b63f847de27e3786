//! The old service's callers, who match on its texts.

use serde_json::{Value, json};

use super::{PORTAL, SCREEN, Stage, request};

/// What is posted, and what comes back: a text with status 200.
async fn told(stage: &Stage, path: &str, body: Value) -> String {
    let answer = stage.ask(request("POST", path, None, &body.to_string())).await;
    assert_eq!(answer.status, 200, "{body}: {answer:?}");
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    answer.text
}

/// A good body with these changes; null takes a field away.
fn body(changes: Value) -> Value {
    let mut body =
        json!({ "token": PORTAL, "user": "serfb", "code": "0c06", "name": "payment", "month": 7, "year": 2019 });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().shift_remove(name)),
            value => body[name] = value.clone(),
        }
    }
    body
}

#[tokio::test]
async fn every_refusal_has_its_text() {
    let stage = Stage::new();
    let next_year = jiff::Zoned::now().year() + 1;
    let cases = [
        (json!({ "token": null }), "Authorization token is needed."),
        (json!({ "token": "" }), "Invalid token value."),
        (json!({ "token": "guess" }), "Invalid token value."),
        (json!({ "token": 5 }), "Invalid token value."),
        (json!({ "user": null }), "User is not specified."),
        (json!({ "user": "" }), "Invalid user value."),
        (json!({ "user": "  " }), "Invalid user value."),
        (json!({ "user": 7 }), "Invalid user value."),
        (json!({ "code": null }), "Code is not specified."),
        (json!({ "code": "0C06" }), "Invalid code value: 0C06."),
        (json!({ "code": "9z99" }), "Invalid code value: 9z99."),
        (json!({ "code": 5 }), "Invalid code value: 5."),
        (json!({ "name": null }), "Name is not specified."),
        (json!({ "name": "paiment" }), "Invalid name value: paiment."),
        (json!({ "name": "room", "code": "stek" }), "Invalid name value: room is not available for stek."),
        (json!({ "month": 77 }), "Invalid date value: 2019-77."),
        (json!({ "month": 0 }), "Invalid date value: 2019-00."),
        (json!({ "month": -1 }), "Invalid date value: 2019--1."),
        (json!({ "year": 1 }), "Invalid date value: 1-07."),
        (json!({ "month": 12, "year": 2017 }), "Invalid date value: 2017-12."),
        (json!({ "month": 1, "year": next_year }), &format!("Invalid date value: {next_year}-01.")),
        (json!({ "month": "7" }), "Invalid month value: 7 is not a whole number."),
        (json!({ "month": 7.5 }), "Invalid month value: 7.5 is not a whole number."),
        (json!({ "year": true }), "Invalid year value: true is not a whole number."),
        (json!({ "month": null }), "Date is not specified: month and year are needed."),
        (json!({ "month": null, "year": null }), "Date is not specified: month and year are needed."),
        (json!({ "token": SCREEN }), "This token only reads."),
    ];
    for (changes, text) in cases {
        assert_eq!(told(&stage, "/entity_sync", body(changes.clone())).await, text, "{changes}");
    }
    assert_eq!(stage.get("/api/status").await.json()["running"], false);
}

#[tokio::test]
async fn the_first_of_several_faults_is_the_whole_answer() {
    let stage = Stage::new();
    let all = json!({ "token": "x", "user": "", "code": "?", "name": "?", "month": 77 });
    let mut changes = json!({});
    for (fixed, text) in [
        ("", "Invalid token value."),
        ("token", "Invalid user value."),
        ("user", "Invalid code value: ?."),
        ("code", "Invalid name value: ?."),
        ("name", "Invalid date value: 2019-77."),
    ] {
        changes[fixed] = Value::from(1);
        let mut wrong = all.clone();
        wrong.as_object_mut().unwrap().retain(|name, _| changes.get(name).is_none());
        assert_eq!(told(&stage, "/entity_sync", body(wrong)).await, text);
    }
}

#[tokio::test]
async fn all_of_2018_is_allowed_and_a_run_starts_once() {
    let stage = Stage::new();
    stage.desk.gate.send_replace(false);
    assert_eq!(stage.get("/sync_status").await.text, "Synchronization is not running.");
    let first =
        stage.ask(request("POST", "/entity_sync", None, &body(json!({ "year": 2018, "month": 1 })).to_string())).await;
    assert_eq!((first.status, first.text.as_str()), (200, "Synchronization was started."));
    assert_eq!(first.header("location"), "/api/runs/run-1");
    assert_eq!(stage.get("/sync_status").await.text, "Synchronization is running.");
    assert_eq!(told(&stage, "/entity_sync", body(json!({}))).await, "Thread is busy, try again later.");
    let run = stage.get("/api/runs/run-1").await.json();
    // The user is whose token it is; what the caller says stands beside it.
    assert_eq!(run["by"], "portal (serfb)");
    assert_eq!((&run["order"]["month"], &run["order"]["year"]), (&json!(1), &json!(2018)));
    stage.desk.gate.send_replace(true);
    stage.ended("run-1").await;
    assert_eq!(stage.get("/sync_status").await.text, "Synchronization is not running.");
}

#[tokio::test]
async fn a_whole_source_needs_a_month_unless_only_the_undated_is_wanted() {
    let stage = Stage::new();
    let whole = |changes: Value| {
        let mut body = body(changes);
        body.as_object_mut().unwrap().shift_remove("name");
        body
    };
    let text = told(&stage, "/data_source_sync", whole(json!({ "month": null }))).await;
    assert_eq!(text, "Date is not specified: month and year are needed.");
    let undated = whole(json!({ "month": null, "year": null, "undated_only": true }));
    assert_eq!(told(&stage, "/data_source_sync", undated).await, "Synchronization was started.");
    stage.ended("run-1").await;
    assert_eq!(told(&stage, "/data_source_sync", whole(json!({}))).await, "Synchronization was started.");
    let run = stage.ended("run-2").await;
    assert_eq!(run["order"]["codes"], json!(["0c06"]));
    assert_eq!(told(&stage, "/data_source_sync", body(json!({ "name": "x" }))).await, "Invalid name value: x.");
}

#[tokio::test]
async fn an_undated_entity_takes_no_month_and_minds_none() {
    let stage = Stage::new();
    let room = json!({ "name": "room", "month": null, "year": null });
    assert_eq!(told(&stage, "/entity_sync", body(room)).await, "Synchronization was started.");
    stage.ended("run-1").await;
    let room = json!({ "name": "room", "year": null });
    assert_eq!(told(&stage, "/entity_sync", body(room)).await, "Synchronization was started.");
    assert_eq!(stage.ended("run-2").await["order"].get("month"), None);
    assert_eq!(
        told(&stage, "/entity_sync", body(json!({ "name": "room", "month": 77 }))).await,
        "Invalid date value: 2019-77."
    );
}

#[tokio::test]
async fn what_is_no_json_is_told_and_not_an_error_500() {
    let stage = Stage::new();
    for body in ["", "token=x&user=y", "[1]", "\"text\"", "{", "{\"token\": \"\\ud800\"}"] {
        for path in ["/entity_sync", "/data_source_sync"] {
            let answer = stage.ask(request("POST", path, None, body)).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, "The body is not a JSON object."), "{body}");
        }
    }
}

#[tokio::test]
async fn lists_are_json_as_it_was() {
    let stage = Stage::new();
    let codes = stage.get("/valid_codes").await;
    assert_eq!(codes.json().as_object().unwrap().len(), 16);
    assert!(!codes.text.contains("\\u"), "{}", codes.text);
    assert_eq!(stage.get("/0c06/valid_names").await.json().as_object().unwrap().len(), 20);
    assert_eq!(stage.get("/stek/valid_names").await.json().as_object().unwrap().len(), 12);
    assert_eq!(stage.get("/nothing/valid_names").await.text, "null");
    for (name, text) in [("payment", "True"), ("room", "False"), ("nothing", "None"), ("%D1%8F", "None")] {
        assert_eq!(stage.get(&format!("/{name}/is_dated")).await.text, text);
    }
    assert_eq!(stage.get("/%FF/is_dated").await.status, 400);
}

#[tokio::test]
async fn old_callers_read_without_a_token_only_where_that_is_allowed() {
    let asked = |stage: Stage| async move { stage.ask(request("GET", "/sync_status", None, "")).await.status };
    assert_eq!(asked(Stage::new()).await, 401);
    assert_eq!(asked(Stage::with(|options| options.anyone_reads = true)).await, 200);
}
