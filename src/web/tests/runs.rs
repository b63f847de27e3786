//! Runs over the JSON interface: started once, looked at, cancelled, resumed, and brought to an end with the service.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::{PORTAL, Stage, request};
use crate::services::sp::client::run::RunState;
use crate::web::options::OnStop;

const ORDER: &str = r#"{"name":"payment","code":"0c06","month":7,"year":2019,"checks":true}"#;

#[tokio::test]
async fn a_run_is_started_looked_at_and_kept() {
    let stage = Stage::new();
    stage.desk.gate.send_replace(false);
    let answer = stage.post("/api/runs", ORDER).await;
    assert_eq!((answer.status, answer.header("location")), (202, "/api/runs/run-1"));
    let run = answer.json();
    assert_eq!(
        (&run["by"], &run["state"], &run["order"]["checks"]),
        (&json!("portal"), &json!("running"), &json!(true))
    );
    let status = stage.get("/api/status").await.json();
    assert_eq!((&status["running"], &status["runs"][0]["id"]), (&json!(true), &json!("run-1")));
    assert_eq!(status["runs"][0].get("steps"), None);
    stage.desk.gate.send_replace(true);
    let run = stage.ended("run-1").await;
    assert_eq!(run["steps"][2]["state"], "ok");
    assert_eq!(stage.get("/api/status").await.json(), json!({ "running": false, "runs": [] }));
    let history = stage.get("/api/runs?name=payment&state=ok").await.json();
    assert_eq!(history["runs"][0]["progress"], json!({ "ok": 3, "total": 3 }));
    assert_eq!(stage.get("/api/runs?before=run-1").await.json(), json!({ "runs": [] }));
    let durations = stage.get("/api/durations?name=payment&code=0c06").await.json();
    assert_eq!(
        durations,
        json!([{ "run": "run-1", "started": "2026-11-22T10:00:00Z", "seconds": 3.0, "state": "ok" }])
    );
    let metrics = stage.get("/metrics").await.text;
    assert!(metrics.contains("pult_runs_total{state=\"ok\"} 1\n"), "{metrics}");
    assert!(metrics.contains("pult_steps_total{stage=\"heap\",state=\"ok\"} 1\n"), "{metrics}");
    assert!(metrics.contains("{method=\"POST\",route=\"/api/runs\",status=\"202\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn of_many_starts_at_the_same_moment_exactly_one_wins() {
    let stage = Stage::new();
    stage.desk.gate.send_replace(false);
    let starts = futures_util::future::join_all((0..50).map(|_| stage.post("/api/runs", ORDER))).await;
    let won: Vec<_> = starts.iter().filter(|answer| answer.status == 202).collect();
    assert_eq!(won.len(), 1);
    for lost in starts.iter().filter(|answer| answer.status != 202) {
        assert_eq!(
            (lost.status, lost.json()["error"].as_str(), lost.json()["run"].as_str()),
            (409, Some("sp.busy"), Some("run-1"))
        );
    }
    stage.desk.gate.send_replace(true);
    stage.ended("run-1").await;
    assert_eq!(stage.post("/api/runs", ORDER).await.status, 202);
}

#[tokio::test]
async fn a_run_goes_on_when_whoever_started_it_goes_away() {
    let stage = Stage::new();
    let answer = stage.service.answer([127, 0, 0, 1].into(), request("POST", "/api/runs", Some(PORTAL), ORDER));
    // The connection breaks before the engine has answered.
    drop(tokio::time::timeout(Duration::ZERO, answer).await);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.ended("run-1").await["state"], "ok");
}

#[tokio::test]
async fn a_run_is_cancelled_and_resumed() {
    let stage = Stage::new();
    stage.desk.gate.send_replace(false);
    let id = stage.start().await;
    let path = format!("/api/runs/{id}");
    assert_eq!(stage.post(&format!("{path}/cancel"), "").await.status, 202);
    assert_eq!(stage.ended(&id).await["state"], "cancelled");
    let again = stage.post(&format!("{path}/cancel"), "{}").await;
    assert_eq!((again.status, again.json()["error"].as_str()), (409, Some("sp.not_running")));
    stage.desk.gate.send_replace(true);
    let resumed = stage.post(&format!("{path}/resume"), "").await;
    assert_eq!((resumed.status, resumed.json()["state"].as_str()), (202, Some("running")));
    assert_eq!(stage.ended(&id).await["state"], "ok");
    assert_eq!(stage.post(&format!("{path}/resume"), "{}").await.status, 409);
    assert_eq!(stage.post("/api/runs/none/cancel", "").await.status, 404);
    assert_eq!(stage.post("/api/runs/none/resume", "").await.status, 404);
}

#[tokio::test]
async fn a_step_of_unknown_outcome_is_repeated_or_skipped_only_as_somebody_says() {
    let stage = Stage::new();
    let id = stage.start().await;
    stage.ended(&id).await;
    stage.desk.runs.lock().unwrap()[0].state = RunState::Interrupted;
    let path = format!("/api/runs/{id}/resume");
    let refused = stage.post(&path, "{}").await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (409, Some("sp.unknown_outcome")));
    let wrong = stage.post(&path, r#"{"unknown":"maybe","unkown":1}"#).await;
    let fields = json!({ "unkown": "there is no field `unkown`; did you mean `unknown`?", "unknown": "`unknown` has to be refuse, repeat or skip" });
    assert_eq!((wrong.status, &wrong.json()["fields"]), (422, &fields));
    assert_eq!(stage.post(&path, r#"{"unknown":"repeat"}"#).await.status, 202);
    assert_eq!(stage.ended(&id).await["state"], "ok");
}

#[tokio::test]
async fn a_run_that_breaks_off_is_not_shown_for_ever() {
    let stage = Stage::with(|options| assert!(options.people.admit("panics", "panics-token-0123456789", true)));
    let answer = stage.ask(request("POST", "/api/runs", Some("panics-token-0123456789"), ORDER)).await;
    assert_eq!(answer.status, 202);
    assert_eq!(stage.ended("run-1").await["state"], "interrupted");
}

#[tokio::test]
async fn the_catalogue_is_told_in_the_callers_language() {
    let stage = Stage::new();
    let codes = stage.get("/api/codes").await;
    assert_eq!(codes.header("vary"), "Accept-Language");
    let all = codes.json().as_array().unwrap().iter().find(|code| code["code"] == "all").cloned().unwrap();
    assert_eq!((&all["virtual"], &all["group"]), (&json!(true), &json!("hcs")));
    let mut russian = request("GET", "/api/codes", Some(PORTAL), "");
    russian.headers_mut().insert("accept-language", "ru-RU,ru;q=0.9,en;q=0.8".parse().unwrap());
    assert_ne!(stage.ask(russian).await.text, codes.text);
    assert_eq!(stage.get("/api/codes/stek/names").await.json().as_array().unwrap().len(), 12);
    let names = stage.get("/api/codes/0c06/names").await.json();
    let room = names.as_array().unwrap().iter().find(|name| name["name"] == "room").cloned().unwrap();
    assert_eq!((&room["dated"], &room["shared"]), (&json!(false), &json!(true)));
    assert_eq!(stage.get("/api/names/room").await.json()["groups"], json!(["hcs"]));
    assert_eq!(stage.get("/api/catalogue").await.json()["min_period"], "2018-01");
    for missing in
        ["/api/codes/x/names", "/api/names/x", "/api/checks?name=x&code=0c06", "/api/checks?name=room&code=x"]
    {
        assert_eq!(stage.get(missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_a_bad_gateway_and_not_a_wrong_token() {
    let stage = Stage::new();
    stage.desk.is_reached.store(false, Ordering::Relaxed);
    let answer = stage.get("/api/checks?name=room&code=all").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (502, Some("sp.18456")));
}

#[tokio::test]
async fn readiness_is_about_the_history_and_where_asked_the_database() {
    let stage = Stage::with(|options| options.ready_database = true);
    assert_eq!(stage.get("/readyz").await.json(), json!({ "status": "ok" }));
    stage.desk.is_reached.store(false, Ordering::Relaxed);
    // The server is not asked for each probe.
    assert_eq!(stage.get("/readyz").await.status, 200);
    assert_eq!(*stage.desk.reaches.lock().unwrap(), 1);
    stage.desk.is_ready.store(false, Ordering::Relaxed);
    let answer = stage.get("/readyz").await;
    assert_eq!((answer.status, answer.json()), (503, json!({ "status": "not ready", "wrong": ["history"] })));
    assert!(!answer.text.contains("state.db"));
}

#[tokio::test(start_paused = true)]
async fn stopping_lets_runs_finish_or_cancels_them_and_begins_none() {
    for (on_stop, state) in [(OnStop::Finish, "ok"), (OnStop::Cancel, "cancelled")] {
        let stage = Stage::new();
        stage.desk.gate.send_replace(false);
        let id = stage.start().await;
        let (service, desk) = (stage.service.clone(), stage.desk.clone());
        let stopping = tokio::spawn(async move { service.stop(on_stop).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let refused = stage.post("/api/runs", r#"{"name":"room","code":"0c06"}"#).await;
        assert_eq!((refused.status, refused.json()["error"].as_str()), (503, Some("service.stopping")));
        if on_stop == OnStop::Finish {
            assert!(!stopping.is_finished());
            desk.gate.send_replace(true);
        }
        assert!(stopping.await.unwrap());
        let run = stage.get(&format!("/api/runs/{id}")).await.json();
        assert_eq!(run["state"], Value::from(state));
        assert_eq!(stage.get("/readyz").await.json()["wrong"], json!(["stopping"]));
    }
}

#[tokio::test(start_paused = true)]
async fn runs_of_another_process_are_shown_and_followed() {
    let stage = Stage::new();
    let ours = stage.start().await;
    stage.ended(&ours).await;
    let id = "of-another-process".to_owned();
    let mut other = stage.desk.runs.lock().unwrap()[0].clone();
    (other.id, other.state) = (id.clone(), RunState::Running);
    stage.desk.runs.lock().unwrap().insert(0, other);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.get("/api/status").await.json()["runs"][0]["id"], Value::from(id.clone()));
    let events = stage.reply(request("GET", &format!("/api/runs/{id}/events"), Some(PORTAL), "")).await;
    stage.desk.runs.lock().unwrap()[0].state = RunState::Ok;
    let text = http_body_util::BodyExt::collect(events.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(text.matches("event: run\n").count(), 2, "{text}");
    assert!(text.ends_with("event: end\ndata: {}\n\n"), "{text}");
    assert_eq!(stage.get("/api/status").await.json()["running"], false);
}
