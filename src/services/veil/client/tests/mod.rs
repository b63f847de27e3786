//! The client against a controller that answers what it is told to.

mod faults;
mod lists;
mod simulated;
mod tasks;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::*;
use crate::core::context::{Context, Would};
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::core::tests::server::{Reply as Told, Seen, Server};
use crate::error::{Kind, Retry};
use crate::services::veil::SETTINGS;
use crate::services::veil::table::{Entity, entity};
use crate::settings::{Given, Settings};

const VM: &str = "6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b7d4";
const TASK: &str = "90ab3c52-0d7e-4d0b-9c2a-51f0a8e3b7d4";

fn context(would: Option<Box<Would>>) -> Context {
    Context::new(Handle::current(), Progress::new(false), State::in_memory(), would)
}

fn settings(server: &Server, more: &[(&str, Given)]) -> Settings {
    let mut settings = Settings::new("[veil.main] in pult.toml");
    let address = Given::Text(format!("http://{}", server.address));
    let usual = [("address", address), ("token", Given::Text("jwt eyJ0b2tlbg.e30.x".into()))];
    for (name, given) in usual.iter().chain(more) {
        settings.set(SETTINGS, name, given.clone()).unwrap();
    }
    settings
}

fn controller_with(server: &Server, more: &[(&str, Given)]) -> Controller {
    Controller::open(&settings(server, more), &context(None)).unwrap()
}

fn controller(server: &Server) -> Controller {
    controller_with(server, &[])
}

fn domain() -> &'static Entity {
    entity("domain").unwrap()
}

fn asked(call: &str, options: Value) -> Asked {
    Asked {
        entity: domain(),
        call: domain().call(call).unwrap(),
        about: Some(VM.into()),
        options: options.as_object().unwrap().clone(),
        how: How::default(),
    }
}

fn ok(body: Value) -> Told {
    Told::Text(200, body.to_string())
}

fn accepted() -> Told {
    let task = json!({ "id": TASK, "name": "Starting", "status": "IN_PROGRESS", "progress": 0 });
    Told::Text(202, json!({ "_task": task }).to_string())
}

fn bad(status: u16, code: &str, detail: &str) -> Told {
    Told::Text(status, json!({ "errors": [{ "detail": detail, "code": code }] }).to_string())
}

fn key(seen: &Seen) -> Option<String> {
    seen.json().get("idempotency_key").and_then(Value::as_str).map(str::to_owned)
}

#[tokio::test]
async fn a_call_sends_what_the_python_client_sends() {
    let server = Server::start(|_, _| accepted()).await;
    let reply = controller(&server).call(asked("start", json!({ "force": true }))).await.unwrap();
    assert!(matches!(reply, Reply::Task { task, .. } if task.id == TASK));
    let seen = &server.seen()[0];
    assert_eq!(seen.path, format!("/api/domains/{VM}/start/?async=1"));
    assert_eq!((seen.json()["force"].clone(), key(seen).unwrap().len()), (json!(true), 36));
    for header in ["authorization: jwt eyj0b2tlbg.e30.x", "accept-language: en", "content-type: application/json"] {
        assert!(seen.head.contains(header), "{}", seen.head);
    }
}

#[tokio::test]
async fn a_name_is_looked_up_and_must_be_one_of_a_kind() {
    let server = Server::start(|_, seen| match seen.path.contains("name=twice") {
        true => ok(json!({ "count": 2, "next": null, "results": [
            { "id": "1", "verbose_name": "twice" }, { "id": "2", "verbose_name": "twice" }] })),
        false => ok(json!({ "count": 2, "next": null, "results": [
            { "id": VM, "verbose_name": "vm-1" }, { "id": TASK, "verbose_name": "vm-10" }] })),
    })
    .await;
    let controller = controller(&server);
    assert_eq!(controller.find(domain(), "vm-1").await.unwrap().id, VM);
    let ambiguous = controller.find(domain(), "twice").await.unwrap_err();
    assert_eq!((ambiguous.code(), ambiguous.hint_text()), ("veil.ambiguous", Some("name one by its id: 1, 2")));
    let unknown = controller.find(domain(), "vm-2").await.unwrap_err();
    assert_eq!((unknown.code(), unknown.kind()), ("veil.not_found", Kind::NotFound));
    assert!(unknown.hint_text().unwrap().contains("vm-1"));
    let number = server.seen().len();
    controller.find(domain(), VM).await.unwrap();
    assert_eq!(server.seen().len(), number, "an id is not looked up");
}

#[tokio::test]
async fn a_dry_run_tells_verb_path_and_masked_body_and_sends_nothing() {
    let server = Server::start(|_, _| accepted()).await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = told.clone();
    let would: Box<Would> = Box::new(move |line: &str| log.lock().unwrap().push(line.to_owned()));
    let controller = Controller::open(&settings(&server, &[]), &context(Some(would))).unwrap();
    let join = json!({ "domain": "corp.local", "login": "admin", "password": "Пароль-1" });
    assert!(matches!(controller.call(asked("add_to_ad", join)).await.unwrap(), Reply::Held));
    assert_eq!(
        told.lock().unwrap()[0],
        format!(
            "would send: veil: POST /api/domains/{VM}/add-to-ad/ {{\"domainname\":\"corp.local\",\"login\":\"admin\",\
             \"password\":\"***\",\"restart\":1}}"
        )
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_connection_for_reading_refuses_changes() {
    let server = Server::start(|_, _| accepted()).await;
    let controller = controller_with(&server, &[("read_only", Given::Flag(true))]);
    let error = controller.call(asked("start", json!({}))).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("veil.read_only", Kind::Refused));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_wrong_connection_says_what_to_set() {
    for (pairs, message) in [
        (vec![], "`address`: it is missing"),
        (vec![("address", "ftp://x")], "not by ftp://"),
        (vec![("address", "x")], "`token`: it is missing"),
        (vec![("address", "x"), ("token", "Bearer abc")], "knows only `jwt`"),
        (vec![("address", "x"), ("user", "u")], "`password`: it is missing"),
        (vec![("address", "x"), ("token", "t0ken"), ("user", "u")], "one of the two"),
        (vec![("address", "x"), ("token", "t0ken"), ("retry_statuses", "often")], "no list of statuses"),
        (vec![("address", "x"), ("token", "t0ken"), ("ca", "/nowhere.pem")], "cannot be read"),
    ] {
        let mut settings = Settings::new("[veil.main] in pult.toml");
        for (name, text) in pairs {
            settings.set(SETTINGS, name, Given::Text(text.into())).unwrap();
        }
        let error = Controller::open(&settings, &context(None)).err().unwrap();
        assert!(error.message().contains(message), "{error:?}");
        assert_eq!(error.kind(), Kind::Config);
    }
}
