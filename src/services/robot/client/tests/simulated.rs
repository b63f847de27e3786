//! The client against the simulated Orchestrator.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::orchestrator::Orchestrator;
use super::super::shapes::{Beat, JobStatus, Level, Line};
use super::super::trouble::{Trouble, code};
use super::*;
use crate::sandbox::robot as sim;

async fn simulated(knobs: Value) -> (sim::Orchestrator, Client) {
    let mut all = serde_json::to_value(sim::Knobs::default()).unwrap();
    for (name, value) in knobs.as_object().unwrap() {
        all[name] = value.clone();
    }
    let simulated = sim::Orchestrator::start(serde_json::from_value(all).unwrap()).await.unwrap();
    let client = Client::open(&settings(&simulated.address(), &[]), &context(None)).unwrap();
    (simulated, client)
}

/// Steers the simulator.
async fn control(simulated: &sim::Orchestrator, call: &str, body: Value) -> Value {
    let address = format!("{}/_sandbox/{call}", simulated.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = match body.is_null() {
        true => client.get(address).send().await.unwrap(),
        false => client.post(address).body(body.to_string()).send().await.unwrap(),
    };
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{call}: {text}"))
}

async fn job(simulated: &sim::Orchestrator, task: Value) -> String {
    let made = control(simulated, "job", json!({ "version": "import", "task": task })).await;
    made["guid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_robot_goes_its_round_whatever_the_answers_look_like() {
    for knobs in [
        json!({}),
        json!({ "task_key": " Task ", "numbers_as_text": true, "extra_fields": true }),
        json!({ "nested_objects": true, "upper_guids": true, "bom": true }),
    ] {
        let (simulated, client) = simulated(knobs.clone()).await;
        let guid = job(&simulated, json!({ "name": "счёт-1", "parameters": { "file": "счёт.xml" } })).await;
        assert!(client.hears(&Beat::ready()).await.unwrap().has_job, "{knobs}");
        let taken = client.consume().await.unwrap().unwrap();
        assert!(taken.guid.eq_ignore_ascii_case(&guid));
        assert_eq!((&*taken.name, &taken.params["file"], taken.unreadable), ("import", &json!("счёт.xml"), None));
        client.update(&taken.guid, JobStatus::InProgress).await.unwrap();
        let line =
            Line { job: taken.guid.clone(), version: taken.version, level: Level::Error, text: "да & нет".into() };
        client.log(&line).await.unwrap();
        client.update(&taken.guid, JobStatus::Success).await.unwrap();
        assert_eq!(client.job_status(&taken.guid).await.unwrap(), JobStatus::Success);
        assert_eq!(client.consume().await.unwrap(), None);
        assert_eq!(client.update(&taken.guid, JobStatus::Failed).await.unwrap_err().code(), code::REFUSED);
        let messages = control(&simulated, "messages", Value::Null).await;
        assert!(messages.to_string().contains("да & нет"), "{messages}");
    }
}

#[tokio::test]
async fn stop_and_abort_come_with_heartbeats_and_strangers_are_unknown() {
    let (simulated, client) = simulated(json!({})).await;
    let guid = job(&simulated, Value::Null).await;
    client.hears(&Beat::ready()).await.unwrap();
    let taken = client.consume().await.unwrap().unwrap();
    assert!(taken.task.is_null() && taken.params.is_null());
    client.update(&guid, JobStatus::InProgress).await.unwrap();
    for (call, expected) in [("stop", 20), ("abort", 10)] {
        control(&simulated, call, json!({ "job": guid })).await;
        assert_eq!(client.hears(&Beat::working(&guid, "import")).await.unwrap().code, expected);
    }
    let other = [("guid", Given::Text("0f0e0d0c-0b0a-4908-8706-050403020100".into()))];
    let stranger = Client::open(&settings(&simulated.address(), &other), &context(None)).unwrap();
    let error = stranger.hears(&Beat::ready()).await.unwrap_err();
    assert!(matches!(Trouble::of(&error), Trouble::Unknown | Trouble::Auth), "{error:?}");
}

#[tokio::test]
async fn faults_are_told_apart() {
    let (simulated, client) = simulated(json!({})).await;
    for (fault, expected) in [
        (json!({ "kind": "html" }), code::ANSWER),
        (json!({ "kind": "truncated" }), code::ANSWER),
        (json!({ "kind": "wrong_types" }), code::ANSWER),
        (json!({ "kind": "empty" }), code::ANSWER),
        (json!({ "kind": "status", "status": 503, "retry_after": 3 }), code::BUSY),
        (json!({ "kind": "status", "status": 401 }), code::UNAUTHORISED),
        (json!({ "kind": "status", "status": 404 }), code::NOT_FOUND),
        (json!({ "kind": "drop" }), code::BROKEN_OFF),
        (json!({ "kind": "reset", "bytes": 20 }), code::BROKEN_OFF),
        (json!({ "kind": "redirect", "to": "http://elsewhere.invalid/api/robot/heartbeat" }), code::REDIRECTED),
    ] {
        let mut fault = fault;
        fault["route"] = json!("heartbeat");
        fault["times"] = json!(1);
        control(&simulated, "fault", fault.clone()).await;
        let error = client.hears(&Beat::ready()).await.unwrap_err();
        assert_eq!(error.code(), expected, "{fault}: {error:?}");
        client.hears(&Beat::ready()).await.unwrap();
    }
    for kind in ["text_numbers", "bom"] {
        control(&simulated, "fault", json!({ "route": "heartbeat", "kind": kind, "times": 1 })).await;
        client.hears(&Beat::ready()).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_wants_post_is_given_it() {
    let (simulated, client) = simulated(json!({ "put_status": 405 })).await;
    let guid = job(&simulated, Value::Null).await;
    client.hears(&Beat::ready()).await.unwrap();
    client.consume().await.unwrap().unwrap();
    client.update(&guid, JobStatus::InProgress).await.unwrap();
    client.update(&guid, JobStatus::Success).await.unwrap();
    assert_eq!(client.job_status(&guid).await.unwrap(), JobStatus::Success);
}

#[tokio::test]
async fn tls_is_verified_unless_it_is_said_otherwise() {
    let (simulated, _) = simulated(json!({})).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, simulated.certificate().unwrap()).unwrap();
    let address = simulated.address().replace("http://", "https://");
    let open = |more: &[(&str, Given)]| Client::open(&settings(&address, more), &context(None)).unwrap();
    let error = open(&[]).hears(&Beat::ready()).await.unwrap_err();
    assert_eq!((error.code(), Trouble::of(&error)), (code::CERTIFICATE, Trouble::Way));
    open(&[("ca", Given::Text(ca.display().to_string()))]).hears(&Beat::ready()).await.unwrap();
    let trusting = open(&[("insecure", Given::Flag(true))]);
    assert!(trusting.warning().is_some());
    trusting.hears(&Beat::ready()).await.unwrap();
}

#[tokio::test]
async fn several_robots_take_each_task_once() {
    let (simulated, client) = simulated(json!({})).await;
    client.make("queue.create", &options(json!({ "name": "many" }))).await.unwrap();
    for number in 0..60 {
        let task =
            options(json!({ "name": format!("t-{number}"), "queue": client.guid_of("queue", "many").await.unwrap() }));
        client.make("task.create", &task).await.unwrap();
    }
    let drain = async |client: Client| {
        let mut taken = Vec::new();
        while let Some(task) = client.take_task("many", &Options::new()).await.unwrap() {
            let guid = text(field(&task, "guid"));
            client.change_task(&guid, options(json!({ "status": "success" }))).await.unwrap();
            taken.push(guid);
        }
        taken
    };
    let other = Client::open(&settings(&simulated.address(), &[]), &context(None)).unwrap();
    let (one, two, three) = tokio::join!(drain(client.clone()), drain(other.clone()), drain(client));
    let all: Vec<&String> = one.iter().chain(&two).chain(&three).collect();
    assert_eq!((all.len(), all.iter().collect::<HashSet<_>>().len()), (60, 60));
}

#[tokio::test]
async fn without_filters_tasks_are_taken_one_after_the_other() {
    let (_simulated, client) = simulated(json!({ "filters": false })).await;
    let first = client.take_task("payments", &Options::new()).await.unwrap().unwrap();
    let second = client.take_task("payments", &Options::new()).await.unwrap().unwrap();
    assert_ne!(text(field(&first, "guid")), text(field(&second, "guid")));
    assert_eq!(number(field(&first, "status").unwrap()), Some(1));
}

#[tokio::test]
async fn what_people_do_works() {
    let (simulated, client) = simulated(json!({})).await;
    assert_eq!(client.asset_text("base_url").await.unwrap(), "http://1c.example/base");
    assert!(client.set_asset("fresh", "новое").await.unwrap());
    assert!(client.set_asset("fresh", "ещё").await.unwrap());
    assert_eq!(client.asset_text("fresh").await.unwrap(), "ещё");
    assert_eq!(client.credential("1c_login").await.unwrap().login, "robot");
    let started = client.start_job("Примеры", &Options::new()).await.unwrap().unwrap();
    let waiting = client.wait_job(&started, Duration::from_millis(50), Some(Duration::from_millis(10))).await;
    assert_eq!(waiting.unwrap_err().code(), "robot.job_timeout");
    control(&simulated, "abort", json!({ "job": started })).await;
    let status = client.wait_job(&started, Duration::from_secs(5), Some(Duration::from_millis(10))).await.unwrap();
    assert_eq!(status, JobStatus::Aborted);
    let folder = tempfile::tempdir().unwrap();
    let (there, back) = (folder.path().join("a.txt"), folder.path().join("b.txt"));
    std::fs::write(&there, "файл\n".repeat(100_000)).unwrap();
    let about = options(json!({ "name": "a.txt", "file": there.to_str().unwrap() }));
    let file = client.make("file.create", &about).await.unwrap().unwrap();
    client.download_file(&file, &back).await.unwrap();
    assert_eq!(std::fs::read(&there).unwrap(), std::fs::read(&back).unwrap());
    assert!(client.robot_status(None).await.unwrap() >= 0);
}
