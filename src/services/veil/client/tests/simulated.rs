//! The client against the simulated controller.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::*;
use crate::core::rows::Field;
use crate::sandbox::veil as sim;

const WAITING: Waiting = Waiting { timeout: Duration::from_secs(20), interval: None, cancel: None };

async fn simulated(knobs: Value) -> (sim::Controller, Controller) {
    let knobs = serde_json::to_value(sim::Knobs::default()).map(|usual| merged(usual, &knobs)).unwrap();
    let simulated = sim::Controller::start(serde_json::from_value(knobs).unwrap()).await.unwrap();
    let controller = reached(&simulated, "http", &[]);
    (simulated, controller)
}

fn merged(mut usual: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match (usual.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(changes)) => {
                changes.iter().for_each(|(name, value)| drop(inner.insert(name.clone(), value.clone())));
            }
            _ => usual[name] = value.clone(),
        }
    }
    usual
}

fn reached(simulated: &sim::Controller, scheme: &str, more: &[(&str, Given)]) -> Controller {
    let mut settings = Settings::new("test");
    let usual = [
        ("address", Given::Text(format!("{scheme}://{}", simulated.address()))),
        ("token", Given::Text(simulated.token())),
    ];
    for (name, given) in usual.iter().chain(more) {
        settings.set(SETTINGS, name, given.clone()).unwrap();
    }
    Controller::open(&settings, &context(None)).unwrap()
}

async fn counters(simulated: &sim::Controller) -> Value {
    let address = format!("http://{}/_sandbox/counters", simulated.address());
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(address).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// The machines that a filter leaves.
async fn machines(controller: &Controller, filter: Value) -> Vec<Found> {
    let rows = controller.rows(domain(), filter.as_object().unwrap()).await.unwrap();
    let text = |field: Option<Field<'_>>| match field {
        Some(Field::Text(text)) => text.to_owned(),
        other => panic!("{other:?}"),
    };
    rows.iter().map(|row| Found { id: text(row.get("id")), name: Some(text(row.get("verbose_name"))) }).collect()
}

fn bulk(limit: usize) -> Bulk {
    Bulk { limit, wait: Some(WAITING), via: Via::Each, how: How::default() }
}

async fn start(controller: &Controller, objects: &[Found], bulk: &Bulk) -> Vec<Done> {
    controller.bulk(domain(), domain().call("start").unwrap(), objects, &Options::new(), bulk).await.unwrap()
}

#[tokio::test]
async fn two_hundred_machines_are_started_over_one_stream() {
    let (simulated, controller) = simulated(json!({ "domains": 400, "task_ms": 300 })).await;
    let off = machines(&controller, json!({ "power_state": "OFF", "template": false })).await;
    assert_eq!(off.len(), 200);
    let before = counters(&simulated).await["requests"].as_u64().unwrap();
    let done = start(&controller, &off, &bulk(16)).await;
    assert!(done.iter().all(|done| done.result.is_ok() && done.changed), "{done:?}");
    let requests = counters(&simulated).await["requests"].as_u64().unwrap() - before;
    assert!(requests <= 205, "{requests} requests: 200 starts, the stream, a question or two");
    assert_eq!(machines(&controller, json!({ "power_state": "OFF", "template": false })).await.len(), 0);
}

#[tokio::test]
async fn without_a_stream_it_is_asked_for_and_with_one_that_breaks_too() {
    for faults in [
        json!({ "ws_absent": { "probability": 1.0, "next": 0 } }),
        json!({ "ws_breaks": { "probability": 1.0, "next": 0 }, "ws_frames": 3 }),
    ] {
        let (_simulated, controller) = simulated(json!({ "domains": 20, "task_ms": 200, "faults": faults })).await;
        let off = machines(&controller, json!({ "power_state": "OFF", "template": false })).await;
        let done = start(&controller, &off, &bulk(4)).await;
        assert!(done.len() == 10 && done.iter().all(|done| done.result.is_ok()), "{faults}: {done:?}");
    }
}

#[tokio::test]
async fn certificates_are_verified() {
    let (simulated, _) = simulated(json!({})).await;
    let pem = simulated.certificate().unwrap().to_owned();
    let ask = async |more: &[(&str, Given)]| reached(&simulated, "https", more).count(domain(), &Options::new()).await;
    let unknown = ask(&[]).await.unwrap_err();
    assert_eq!(unknown.code(), "veil.certificate", "{unknown:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    assert!(ask(&[("ca", Given::Text(path.display().to_string()))]).await.unwrap() > 0);
    assert!(ask(&[("insecure", Given::Flag(true))]).await.unwrap() > 0);
}

#[tokio::test]
async fn tasks_are_followed_over_tls_as_well() {
    let (simulated, _) = simulated(json!({ "task_ms": 100 })).await;
    let controller = reached(&simulated, "https", &[("insecure", Given::Flag(true))]);
    let off = machines(&controller, json!({ "power_state": "OFF", "template": false, "limit": 1 })).await;
    let done = start(&controller, &off, &bulk(1)).await;
    assert!(done[0].result.is_ok());
    let counters = counters(&simulated).await;
    assert_eq!((&counters["ws_connections"], counters["tls_connections"].as_u64() > Some(0)), (&json!(1), true));
}

#[tokio::test]
async fn machines_vanish_while_they_are_worked_on_and_none_is_started_twice() {
    let faults = json!({ "reset_after": { "probability": 0.2, "next": 0 }, "domain_vanishes": { "probability": 0.0, "next": 2 } });
    let (simulated, controller) = simulated(json!({ "domains": 60, "task_ms": 50, "faults": faults })).await;
    let off = machines(&controller, json!({ "power_state": "OFF", "template": false })).await;
    let done = start(&controller, &off, &bulk(8)).await;
    let gone: Vec<&Done> = done.iter().filter(|done| done.result.is_err()).collect();
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert!(gone.iter().all(|done| done.result.as_ref().is_err_and(|error| error.code() == "veil.not_found")));
    let counters = counters(&simulated).await;
    let twice: Vec<_> = actions(&counters).into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// How often something was carried out on each machine.
fn actions(counters: &Value) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for (domain, actions) in counters["actions"].as_object().unwrap_or_else(|| panic!("{counters}")) {
        for (action, times) in actions.as_object().unwrap() {
            found.push((format!("{action} {domain}"), times.as_u64().unwrap()));
        }
    }
    found
}

#[tokio::test]
async fn a_list_that_shrinks_under_the_reader_loses_no_machine_that_is_still_there() {
    let faults = json!({ "shrink": { "probability": 0.5, "next": 0 } });
    let (_simulated, controller) = simulated(json!({ "domains": 900, "faults": faults, "max_limit": 50 })).await;
    let read: HashSet<String> = machines(&controller, json!({})).await.into_iter().map(|found| found.id).collect();
    let (_, calm) = (&read, controller.clone());
    let left: HashSet<String> = machines(&calm, json!({})).await.into_iter().map(|found| found.id).collect();
    let lost: Vec<&String> = left.difference(&read).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test]
async fn power_is_ensured_once() {
    let (simulated, controller) = simulated(json!({ "domains": 12, "task_ms": 50 })).await;
    let all = machines(&controller, json!({ "template": false })).await;
    let done = controller.ensure_power(&all, Power::On, &Options::new(), &bulk(8)).await.unwrap();
    assert_eq!(done.iter().filter(|done| done.changed).count(), 6);
    let again = controller.ensure_power(&all, Power::On, &Options::new(), &bulk(8)).await.unwrap();
    assert!(again.iter().all(|done| done.result.is_ok() && !done.changed));
    let force = json!({ "force": true });
    let off = controller.ensure_power(&all, Power::Off, force.as_object().unwrap(), &bulk(8)).await.unwrap();
    assert!(off.iter().all(|done| done.result.is_ok() && done.changed), "{off:?}");
    assert_eq!(actions(&counters(&simulated).await).iter().filter(|(name, _)| name.starts_with("start")).count(), 6);
}

#[tokio::test]
async fn a_group_has_an_outcome_for_each_machine() {
    let (_simulated, controller) = simulated(json!({ "domains": 12, "task_ms": 50, "failing_child": 2 })).await;
    let off = machines(&controller, json!({ "power_state": "OFF", "template": false })).await;
    let done = start(&controller, &off, &Bulk { via: Via::Multi, ..bulk(8) }).await;
    let failed: Vec<usize> = (0..done.len()).filter(|at| done[*at].result.is_err()).collect();
    assert_eq!(failed, [1], "{done:?}");
}

#[tokio::test]
async fn a_tag_is_made_once_and_given_to_those_that_lack_it() {
    let (_simulated, controller) = simulated(json!({ "domains": 4, "task_ms": 50 })).await;
    let all = machines(&controller, json!({ "template": false })).await;
    for (objects, changed) in [(&all[..2], 2), (&all[..], 2), (&all[..], 0)] {
        let done = controller.ensure_tag(domain(), objects, "class-7", &How::default()).await.unwrap();
        assert_eq!(done.iter().filter(|done| done.changed).count(), changed);
    }
    let tags =
        controller.rows(entity("tag").unwrap(), json!({ "name": "class-7" }).as_object().unwrap()).await.unwrap();
    assert_eq!(tags.len(), 1);
}

#[tokio::test]
async fn what_happens_is_told_as_it_happens() {
    let (_simulated, controller) = simulated(json!({ "task_ms": 100 })).await;
    let mut events = controller.watch(&["domains".into(), "tasks".into()]).unwrap();
    let off = machines(&controller, json!({ "power_state": "OFF", "template": false, "limit": 1 })).await;
    // The stream is subscribed before anything happens.
    tokio::time::sleep(Duration::from_millis(300)).await;
    start(&controller, &off, &bulk(1)).await;
    let mut channels = HashSet::new();
    let until = Instant::now() + Duration::from_secs(5);
    while channels.len() < 2 && Instant::now() < until {
        let row = tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap().unwrap();
        channels.insert(format!("{:?}", row.get("channel").unwrap()));
    }
    assert_eq!(channels.len(), 2, "{channels:?}");
    assert_eq!(controller.watch(&["domain".into()]).unwrap_err().hint_text(), Some("did you mean `domains`?"));
}

#[tokio::test]
async fn files_go_there_and_come_back_whole() {
    let (_simulated, controller) = simulated(json!({ "task_ms": 50 })).await;
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("диск.iso"), folder.path().join("back.iso"));
    let bytes: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&from, &bytes).unwrap();
    let pools = controller.rows(entity("data_pool").unwrap(), &Options::new()).await.unwrap();
    let pool = pools.get(0).unwrap();
    let Some(Field::Text(pool)) = pool.get("id") else { panic!("{pool:?}") };
    for word in ["iso", "library"] {
        let kind = entity(word).unwrap();
        let made = controller.upload(kind, pool, &from, "диск.iso").await.unwrap().unwrap();
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!(made["status"], "ACTIVE");
        let size = controller.download(kind, made["id"].as_str().unwrap(), &to).await.unwrap();
        assert_eq!((size as usize, std::fs::read(&to).unwrap() == bytes), (bytes.len(), true), "{word}");
    }
}

#[tokio::test]
async fn the_controller_describes_itself() {
    let (_simulated, controller) = simulated(json!({})).await;
    let described = controller.swagger().await.unwrap().json();
    // Every call of the table that somebody has seen at a real controller is one of its addresses.
    let paths: HashSet<String> =
        described["paths"].as_object().unwrap().keys().map(|path| path.replace("{domain_id}", "{id}")).collect();
    for kind in crate::services::veil::table::ALL {
        assert!(paths.contains(&format!("/{}/", kind.path)), "{}: {paths:?}", kind.path);
    }
}
