//! The client against a server that answers what it is told to.

mod export;
mod faults;
mod lists;
mod many;
mod oauth;
mod origins;
mod reading;
mod server;
mod simulated;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use self::server::{Reply, Server, ok};
use super::*;
use crate::core::context::{Context, Would};
use crate::core::progress::Progress;
use crate::core::state::State;
use crate::error::Kind;
use crate::services::b24::SETTINGS;
use crate::settings::{Given, Settings};

fn context(would: Option<Box<Would>>) -> Context {
    Context::new(Handle::current(), Progress::new(false), State::in_memory(), would)
}

fn settings(pairs: &[(&str, Given)]) -> Settings {
    let mut settings = Settings::new("[b24.main] in pult.toml");
    for (name, given) in pairs {
        settings.set(SETTINGS, name, given.clone()).unwrap();
    }
    settings
}

fn text(text: impl Into<String>) -> Given {
    Given::Text(text.into())
}

fn portal_with(server: &Server, more: &[(&str, Given)]) -> Portal {
    let mut pairs = vec![("webhook", text(server.webhook()))];
    pairs.extend_from_slice(more);
    Portal::open(&settings(&pairs), &context(None)).unwrap()
}

fn portal(server: &Server) -> Portal {
    portal_with(server, &[])
}

fn value(answer: &Answer) -> Value {
    match answer {
        Answer::Json(json) => serde_json::from_str(json.get()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Each answer as JSON, or the error's code.
fn summary(outcomes: &Outcomes) -> Vec<String> {
    let one = |answer: &crate::error::Result<Answer>| match answer {
        Ok(Answer::Row(row)) => format!("{:?}", row.fields().next().unwrap().1),
        Ok(answer) => value(answer).to_string(),
        Err(error) => error.code().to_owned(),
    };
    outcomes.answers.iter().map(one).collect()
}

#[tokio::test]
async fn a_call_sends_what_was_written_and_nothing_else() {
    let server = Server::start(|_, _| ok(json!({ "item": { "id": 5 } }))).await;
    let params: Value = serde_json::from_str(r#"{"z":1,"ID":7,"fields":{"B":null,"A":true,"Я":"é"}}"#).unwrap();
    let result = portal(&server).call("crm.item.update", params.clone()).await.unwrap();
    assert_eq!(result.get(), r#"{"id":5}"#);
    portal(&server).call("task.item.update", json!([8, { "TITLE": "x" }])).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].path, "/rest/1/t0pS3cretCode/crm.item.update");
    assert_eq!(seen[0].body, params.to_string());
    assert_eq!(seen[1].body, r#"[8,{"TITLE":"x"}]"#);
    for header in
        ["user-agent: pult/", "accept: application/json", "content-type: application/json", "accept-encoding: gzip"]
    {
        assert!(seen[0].head.contains(header), "{}", seen[0].head);
    }
}

#[tokio::test]
async fn nothing_is_sent_when_the_call_is_wrong_in_itself() {
    let server = Server::start(|_, _| ok(json!(1))).await;
    let portal = portal(&server);
    for error in [
        portal.call("crm deal", Value::Null).await.unwrap_err(),
        portal.call("batch", json!({})).await.unwrap_err(),
        portal.call("crm.deal.list", json!({ "select": "ID" })).await.unwrap_err(),
        portal.get_all("crm.deal.list", json!({ "start": 50 })).await.unwrap_err(),
        portal.get_by_id("crm.deal.get", vec![], ById::default()).await.unwrap_err(),
        portal.get_by_id("crm.deal.get", vec!["1".into(), " ".into()], ById::default()).await.unwrap_err(),
        portal
            .get_by_id("crm.deal.get", vec!["1".into()], ById { params: json!({ "id": 1 }), ..ById::default() })
            .await
            .unwrap_err(),
        portal.call_many("crm.deal.add", vec![]).await.unwrap_err(),
        portal.call_batch(false, vec![]).await.unwrap_err(),
        portal.count("crm.deal.add", Value::Null).await.unwrap_err(),
        portal.stream("crm.deal.get", Value::Null).unwrap_err(),
        portal.slow(0.0).unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Input, "{error:?}");
        assert!(error.hint_text().is_some(), "{error:?}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_wrong_connection_says_what_to_set() {
    let context = context(None);
    for (pairs, message) in [
        (vec![], "`webhook`: it is missing"),
        (vec![("webhook", text("my.bitrix24.ru/rest/1/code"))], "complete address"),
        (vec![("portal", text("https://my.bitrix24.ru"))], "OAuth tokens"),
        (
            vec![("webhook", text("https://my.bitrix24.ru/rest/1/abcd1")), ("portal", text("https://x.ru"))],
            "one of the two",
        ),
        (
            vec![("webhook", text("https://my.bitrix24.ru/rest/1/abcd1")), ("burst", Given::Integer(0))],
            "not above zero",
        ),
        (vec![("webhook", text("https://my.bitrix24.ru/rest/1/abcd1")), ("ca", text("/no/such/file"))], "`ca`"),
    ] {
        let Err(error) = Portal::open(&settings(&pairs), &context) else { panic!("{message}") };
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().contains(message) && error.message().contains("[b24.main]"), "{error}");
    }
}

#[tokio::test]
async fn a_dry_run_reads_and_only_tells_of_changes() {
    let told: std::sync::Arc<std::sync::Mutex<Vec<String>>> = Default::default();
    let log = told.clone();
    let context = context(Some(Box::new(move |what| log.lock().unwrap().push(what.to_owned()))));
    let server = Server::start(|_, _| ok(json!([{ "ID": "1" }]))).await;
    let portal = Portal::open(&settings(&[("webhook", text(server.webhook()))]), &context).unwrap();
    portal.call("crm.deal.list", Value::Null).await.unwrap();
    assert_eq!(portal.call("crm.deal.update", json!({ "ID": 7, "t": "t0pS3cretCode" })).await.unwrap().get(), "null");
    let many = portal.call_many("crm.deal.delete", vec![json!({ "ID": 1 }), json!({ "ID": 2 })]).await.unwrap();
    assert_eq!(summary(&many), ["null", "null"]);
    let by_id = portal.get_by_id("crm.deal.delete", vec!["3".into()], ById::default()).await.unwrap();
    assert_eq!(summary(&by_id), ["null"]);
    let command = Command::text("crm.deal.add?fields[TITLE]=x").unwrap();
    portal.call_batch(false, vec![("a".into(), command)]).await.unwrap();
    assert_eq!(server.seen().len(), 1);
    let told = told.lock().unwrap();
    assert_eq!(told[0], r#"would send: b24: crm.deal.update {"ID":7,"t":"***"}"#);
    assert_eq!(told.len(), 5);
    assert!(told[4].contains("crm.deal.add"), "{told:?}");
}

#[tokio::test]
async fn a_read_only_connection_refuses_changes_and_names_itself() {
    let server = Server::start(|_, _| ok(json!(7))).await;
    let portal = portal_with(&server, &[("read_only", Given::Flag(true))]);
    assert!(portal.call("crm.deal.get", json!({ "ID": 7 })).await.is_ok());
    for error in [
        portal.call("crm.deal.update", json!({})).await.unwrap_err(),
        portal.call_many("crm.deal.update", vec![json!({})]).await.unwrap_err(),
        portal.call_many("crm.deal.update", vec![json!({}), json!({})]).await.unwrap_err(),
        portal.raw("batch", json!({ "cmd": { "a": "profile", "b": "crm.deal.add" } })).await.unwrap_err(),
        portal.v3("tasks.task.add", json!({})).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "b24.read_only");
        assert!(error.message().contains("[b24.main]"), "{error}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_batch_of_ones_own_keeps_names_references_and_numbers() {
    let server = Server::start(|_, _| {
        ok(json!({
            "result": { "list": [{ "ID": "5" }] },
            "result_error": { "get": { "error": "", "error_description": "Not found" } },
            "result_total": { "list": 60 }, "result_next": { "list": 50 }, "result_time": []
        }))
    })
    .await;
    let commands = vec![
        ("list".to_owned(), Command::new("crm.deal.list", json!({ "filter": { ">ID": 1 } })).unwrap()),
        ("get".to_owned(), Command::text("crm.deal.get?ID=$result[list][0][ID]").unwrap()),
        ("last".to_owned(), Command::new("profile", Value::Null).unwrap()),
    ];
    let told = portal(&server).call_batch(true, commands).await.unwrap();
    assert_eq!(
        server.seen()[0].body,
        r#"{"halt":1,"cmd":{"list":"crm.deal.list?filter[%3EID]=1","get":"crm.deal.get?ID=$result[list][0][ID]","last":"profile"}}"#
    );
    assert_eq!(told[0].answer.as_ref().unwrap().as_ref().unwrap().get(), r#"[{"ID":"5"}]"#);
    assert_eq!((told[0].total, told[0].next), (Some(60), Some(50)));
    assert_eq!(told[1].answer.as_ref().unwrap().as_ref().unwrap_err().code(), "b24.NOT_FOUND");
    assert!(told[2].answer.is_none());
    let fifty_one = (0..51).map(|n| (format!("c{n}"), Command::text("profile").unwrap())).collect();
    let error = portal(&server).call_batch(false, fifty_one).await.unwrap_err();
    assert!(error.message().contains("at most 50 commands, not 51"), "{error}");
    let numbered = vec![("0".to_owned(), Command::text("profile").unwrap())];
    assert!(portal(&server).call_batch(false, numbered).await.unwrap_err().message().contains("loses numbers"));
}

#[tokio::test]
async fn the_whole_envelope_and_the_number_of_rows() {
    let server = Server::start(|_, _| {
        Reply::Text(200, json!({ "result": [{ "ID": "1" }], "total": 253, "next": 50, "time": {} }).to_string())
    })
    .await;
    let portal = portal(&server);
    let raw = portal.raw("crm.deal.list", json!({ "start": 0 })).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(raw.get()).unwrap()["next"], 50);
    assert_eq!(portal.count("crm.deal.list", json!({ "filter": { "A": 1 } })).await.unwrap(), 253);
    assert_eq!(server.seen()[1].body, r#"{"filter":{"A":1},"select":["ID"]}"#);
}

/// Bindings spawn these.
#[tokio::test]
async fn calls_can_go_to_another_thread() {
    fn sendable<T: Send>(_: T) {}
    let server = Server::start(|_, _| ok(json!(1))).await;
    let portal = portal(&server);
    sendable(portal.get_all("a.list", Value::Null));
    sendable(portal.call("a", Value::Null));
    sendable(portal.call_many("a", vec![]));
    sendable(portal.get_by_id("a", vec![], ById::default()));
    sendable(portal.list_and_get("a", Value::Null, None));
    sendable(portal.call_batch(false, vec![]));
    sendable(portal.v3("a", Value::Null));
}

#[tokio::test]
async fn a_command_without_a_word_in_the_answer_is_told_of() {
    let answer =
        json!({ "result": { "a": 1 }, "result_error": [], "result_total": [], "result_next": [], "result_time": [] });
    let server = Server::start(move |_, _| ok(answer.clone())).await;
    let commands = || ["a", "b"].map(|name| (name.to_owned(), Command::text("crm.deal.add?x=1").unwrap())).into();
    for halt in [false, true] {
        let told = portal(&server).call_batch(halt, commands()).await.unwrap();
        let lost = told[1].answer.as_ref().unwrap().as_ref().unwrap_err();
        assert_eq!((lost.code(), lost.may_retry()), ("b24.no_answer", crate::error::Retry::Unknown), "halt: {halt}");
    }
}
