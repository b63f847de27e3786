//! Taking tasks at Orchestrators of several kinds, and what people do beside.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::super::trouble::code;
use super::*;
use crate::error::Kind;

const TASK: &str = "77aa0000-0000-4000-8000-000000000001";

/// One task in a queue of an Orchestrator that has no filter.
fn plain(state: &Mutex<Value>, seen: &Seen) -> Told {
    let mut task = state.lock().unwrap();
    let path = seen.path.as_str();
    if path.starts_with("/api/task/filter/") {
        return Told::Text(404, r#"{"message":"The route could not be found."}"#.into());
    }
    if path.starts_with("/api/queue/lastTask/") {
        return match task["status"] == 0 {
            true => Told::Text(200, task.to_string()),
            false => Told::Text(200, "[]".into()),
        };
    }
    if path.starts_with("/api/task/update") {
        let url = reqwest::Url::parse(&format!("http://a/?{}", seen.body)).unwrap();
        for (name, value) in url.query_pairs() {
            let name = name.to_lowercase();
            task[&name] = if name == "status" { value.parse::<i64>().unwrap().into() } else { json!(value) };
        }
        return Told::Text(200, "[]".into());
    }
    Told::Text(200, task.to_string())
}

fn new_task() -> Value {
    json!({ "id": "1", "guid": TASK, "name": "inv-1", "status": 0, "comment": "by hand", "parameters": "{\"n\":1}" })
}

#[tokio::test]
async fn without_a_filter_a_task_is_claimed_and_looked_at_again() {
    let state = std::sync::Arc::new(Mutex::new(new_task()));
    let shared = state.clone();
    let server = Server::start(move |_, seen| plain(&shared, seen)).await;
    let client = client(&server);
    let task = client.take_task("invoices", &Options::new()).await.unwrap().unwrap();
    assert_eq!((&task["status"], &task["comment"]), (&json!(1), &json!("by hand")));
    assert_eq!(params(&task), json!({ "n": 1 }));
    assert_eq!(state.lock().unwrap()["comment"], "by hand", "the mark is gone again");
    assert_eq!(client.take_task("invoices", &Options::new()).await.unwrap(), None);
    let asked = server.seen().iter().filter(|seen| seen.path.contains("/filter/")).count();
    assert_eq!(asked, 1, "that there is no filter is remembered");
    let error = client.take_task("invoices", &options(json!({ "tags": "a" }))).await.unwrap_err();
    assert_eq!(error.code(), "robot.no_filter");
}

#[tokio::test]
async fn a_task_that_another_robot_claims_later_is_left_to_it() {
    let state = std::sync::Arc::new(Mutex::new(new_task()));
    let shared = state.clone();
    let server = Server::start(move |_, seen| {
        let told = plain(&shared, seen);
        if seen.path.starts_with("/api/task/update") && seen.body.contains("Status=1") {
            shared.lock().unwrap()["comment"] = json!("[taken somebodyelse]");
        }
        told
    })
    .await;
    let client = client_with(&server, &[("take_by", Given::Text("last_task".into()))]);
    assert_eq!(client.take_task("invoices", &Options::new()).await.unwrap(), None);
}

#[tokio::test]
async fn a_filter_that_only_shows_tasks_is_not_believed() {
    let state = std::sync::Arc::new(Mutex::new(new_task()));
    let shared = state.clone();
    let server = Server::start(move |_, seen| match seen.path.starts_with("/api/task/filter/read/") {
        true if shared.lock().unwrap()["status"] == 0 => Told::Text(200, shared.lock().unwrap().to_string()),
        true => Told::Text(200, "[]".into()),
        false => plain(&shared, seen),
    })
    .await;
    let client = client(&server);
    assert!(client.take_task("q", &Options::new()).await.unwrap().is_some());
    assert_eq!(state.lock().unwrap()["status"], 1);
    assert_eq!(client.take_task("q", &Options::new()).await.unwrap(), None);
}

#[tokio::test]
async fn what_became_of_a_task_is_said_until_it_is_heard() {
    let server = Server::start(|number, _| match number {
        0 => Told::Text(503, String::new()),
        1 => Told::Gone,
        _ => Told::Text(200, "[]".into()),
    })
    .await;
    let change = options(json!({ "status": "success" }));
    assert!(client(&server).change_task(TASK, change.clone()).await.unwrap());
    assert_eq!(server.seen().len(), 3);
    let server = Server::start(|_, _| Told::Text(409, r#"{"message":"locked"}"#.into())).await;
    let error = client(&server).change_task(TASK, change).await.unwrap_err();
    assert_eq!((error.code(), server.seen().len()), (code::REFUSED, 1));
}

#[tokio::test]
async fn a_thing_is_found_by_its_name_where_the_orchestrator_takes_none() {
    let server = Server::start(|_, seen| match seen.path.as_str() {
        "/api/process/list" => Told::Text(200, json!([{ "GUID": TASK, "name": "Счета" }]).to_string()),
        _ => Told::Text(404, String::new()),
    })
    .await;
    let client = client(&server);
    assert_eq!(client.guid_of("process", "Счета").await.unwrap(), TASK);
    assert_eq!(client.guid_of("process", "other").await.unwrap_err().code(), code::NOT_FOUND);
    assert_eq!(client.guid_of("process", &TASK.to_uppercase()).await.unwrap(), TASK.to_uppercase());
}

#[tokio::test]
async fn a_password_is_a_secret_from_the_moment_it_was_read() {
    let server = Server::start(|_, seen| match seen.path.contains("calendar") {
        true => {
            Told::Text(200, json!({ "guid": TASK, "type": "3", "text": "{\"2026-01-01\":\"holiday\"}" }).to_string())
        }
        false => Told::Text(
            200,
            json!({ "guid": TASK, "type": "1", "text": "robot", "password": "pass-of-the-robot-17" }).to_string(),
        ),
    })
    .await;
    let client = client(&server);
    let found = client.credential("1c").await.unwrap();
    assert_eq!((&*found.login, found.password.expose()), ("robot", "pass-of-the-robot-17"));
    assert_eq!(crate::secret::mask("x pass-of-the-robot-17"), "x ***");
    assert!(!format!("{found:?}").contains("pass-of"));
    assert!(!client.calendar("calendar").await.unwrap().is_working(jiff::civil::date(2026, 1, 1)));
    let error = client.credential("calendar").await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("robot.asset_kind", Kind::Input));
}

#[tokio::test]
async fn a_file_comes_plain_in_json_or_from_another_path() {
    let server = Server::start(|_, seen| {
        let json = |value: Value| Told::Text(200, value.to_string());
        let plain = |text: &str| Told::Headed(200, "Content-Type: text/plain\r\n".into(), text.into());
        match seen.path.as_str() {
            "/api/files/read/1" => plain("content"),
            "/api/files/read/2" => json(json!({ "guid": "2", "content": "Y29udGVudA==" })),
            "/api/files/read/3" => json(json!({ "guid": "3", "url": "/storage/3.txt" })),
            "/storage/3.txt" => plain("content"),
            "/api/files/read/4" => json(json!({ "guid": "4", "url": "http://elsewhere/4" })),
            _ => Told::Text(404, String::new()),
        }
    })
    .await;
    let (client, folder) = (client(&server), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.txt");
    for guid in ["1", "2", "3"] {
        assert_eq!(client.download_file(guid, &path).await.unwrap(), 7, "{guid}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "content");
    }
    for (guid, expected) in [("4", code::ANSWER), ("5", code::NOT_FOUND)] {
        assert_eq!(client.download_file(guid, &path).await.unwrap_err().code(), expected);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half written stays");
}

#[tokio::test]
async fn a_version_is_published_with_its_file() {
    let server = Server::start(|_, _| Told::Text(200, json!({ "guid": TASK }).to_string())).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("import.robot");
    std::fs::write(&file, "steps").unwrap();
    let client = client(&server);
    let more = options(json!({ "description": "вторая" }));
    let made = client.publish(TASK, "import", file.to_str().unwrap(), &more).await.unwrap();
    assert_eq!(made.as_deref(), Some(TASK));
    let seen = &server.seen()[0];
    assert!(seen.head.contains("content-type: multipart/form-data; boundary=pult-"), "{}", seen.head);
    for part in [
        "name=\"Name\"\r\n\r\nimport\r\n",
        "вторая",
        "name=\"ProcessFile\"; filename=\"import.robot\"",
        "\r\nsteps\r\n",
    ] {
        assert!(seen.body.contains(part), "{}", seen.body);
    }
    let error = client.publish(TASK, "import", "/no/such/file", &Options::new()).await.unwrap_err();
    assert_eq!((error.kind(), server.seen().len()), (Kind::File, 1));
}

#[tokio::test]
async fn a_job_is_waited_for_to_its_end() {
    let server = Server::start(|number, _| match number {
        0 => Told::Text(200, r#"{"status":"1"}"#.into()),
        1 => Told::Text(502, String::new()),
        _ => Told::Text(200, r#"{"status":7}"#.into()),
    })
    .await;
    let pause = Some(std::time::Duration::from_millis(5));
    let client = client(&server);
    let status = client.wait_job(TASK, std::time::Duration::from_secs(5), pause).await.unwrap();
    assert_eq!(status.word(), "stopped");
    let server = Server::start(|_, _| Told::Text(200, r#"{"status":8}"#.into())).await;
    let error = super::client(&server).wait_job(TASK, std::time::Duration::from_millis(30), pause).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("robot.job_timeout", Kind::Timeout));
}

#[tokio::test]
async fn any_call_can_be_made() {
    let server = Server::start(|_, seen| match seen.path.as_str() {
        "/api/x?a=1&b=%D1%8F" => Told::Text(200, "[]".into()),
        _ => Told::Text(200, "words".into()),
    })
    .await;
    let client = client(&server);
    let fields = |given: &[(&str, &str)]| given.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    assert_eq!(client.raw(Verb::Get, "api/x", fields(&[("a", "1"), ("b", "я")])).await.unwrap(), json!([]));
    assert_eq!(client.raw(Verb::Delete, "/api/y", fields(&[("a", "1")])).await.unwrap(), json!("words"));
    client.raw(Verb::Post, "/api/y", fields(&[("a", "")])).await.unwrap();
    let seen = server.seen();
    assert_eq!((&*seen[1].path, &*seen[1].body, &*seen[2].body), ("/api/y?a=1", "", "a="));
    assert_eq!(client.call("queue.raed", None, &Options::new()).await.unwrap_err().code(), "robot.no_call");
}
