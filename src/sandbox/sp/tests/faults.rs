//! Faults that are asked for, by statements of the connection itself.

use std::time::{Duration, Instant};

use tiberius::{Command, EncryptionLevel, QueryItem, error::Error};

use futures_util::TryStreamExt;

use super::driver::{Connected, config, connect, server};
use super::raw::{Asked, Raw, has, headers, wide};
use crate::sandbox::sp::{Encryption, SqlServer};

async fn steered(changes: &str) -> (SqlServer, Connected) {
    let server = server(|_| ()).await;
    let mut config = config(&server, EncryptionLevel::Off);
    config.database("bill_ab");
    let mut client = connect(config).await.unwrap();
    let text = format!("EXEC sandbox.knobs @changes = N'{changes}'");
    let row = client.simple_query(text).await.unwrap().into_row().await.unwrap().unwrap();
    let knobs: serde_json::Value = serde_json::from_str(row.get::<&str, _>(0).unwrap()).unwrap();
    assert_eq!(knobs["user"], "sa");
    (server, client)
}

/// A step of the catalogue: its return code, or the error.
async fn step(client: &mut Connected) -> Result<i32, Error> {
    let command = Command::new("crude.sp_load_datasource_payment");
    let result = command.exec(client).await?.into_command_result().await?;
    Ok(result.return_code() as i32)
}

fn number(outcome: Result<i32, Error>) -> (u32, u8) {
    match outcome {
        Err(Error::Server(error)) => (error.code(), error.class()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_step_fails_as_often_as_it_is_told_to() {
    let (_server, mut client) = steered(
        r#"{"fail": [{"stage": "crude", "entity": "payment", "number": 547, "text": "конфликт", "times": 2}]}"#,
    )
    .await;
    assert_eq!(number(step(&mut client).await), (547, 16));
    assert_eq!(number(step(&mut client).await), (547, 16));
    assert_eq!(step(&mut client).await.unwrap(), 0);
}

#[tokio::test]
async fn a_step_becomes_a_deadlock_victim_and_the_connection_goes_on() {
    let (_server, mut client) = steered(r#"{"deadlock": {"next": 1}}"#).await;
    assert_eq!(number(step(&mut client).await), (1205, 13));
    assert_eq!(step(&mut client).await.unwrap(), 0);
}

#[tokio::test]
async fn a_connection_is_lost_in_the_middle_of_a_step() {
    let (server, mut client) = steered(r#"{"drop": {"next": 1}}"#).await;
    assert!(matches!(step(&mut client).await, Err(Error::Io { .. })));
    assert_eq!(server.hub().calls().last().unwrap().outcome, "lost");
    assert_eq!(server.hub().clients(), []);
}

#[tokio::test]
async fn an_error_of_severity_20_is_told_and_ends_the_connection() {
    let (server, mut client) = steered(r#"{"fail": [{"number": 50001, "severity": 20, "text": "диск"}]}"#).await;
    assert_eq!(number(step(&mut client).await), (50001, 20));
    assert!(client.simple_query("SELECT 1").await.is_err());
    assert_eq!(server.hub().clients(), []);
}

#[tokio::test]
async fn a_step_that_hangs_takes_attention() {
    let (_server, mut client) = steered(r#"{"hang": {"next": 1}}"#).await;
    assert!(tokio::time::timeout(Duration::from_millis(200), step(&mut client)).await.is_err());
    client.cancel_query().await.unwrap();
    assert_eq!(step(&mut client).await.unwrap(), 0);
}

#[tokio::test]
async fn answers_are_late_by_the_latency_and_steps_last_as_long_as_is_said() {
    let (_server, mut client) = steered(r#"{"durations": {"crude": 150}}"#).await;
    let began = Instant::now();
    step(&mut client).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(150));
    client
        .simple_query(r#"EXEC sandbox.knobs @changes = N'{"latency_ms": 120}'"#)
        .await
        .unwrap()
        .into_results()
        .await
        .unwrap();
    let began = Instant::now();
    client.simple_query("SELECT 1").await.unwrap().into_results().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_wrong_switch_is_refused_with_its_name() {
    let (_server, mut client) = steered("{}").await;
    let told = client.simple_query(r#"EXEC sandbox.knobs @changes = N'{"latensy_ms": 1}'"#).await;
    let told = match told {
        Ok(stream) => stream.into_results().await.err(),
        Err(error) => Some(error),
    };
    assert!(told.unwrap().to_string().contains("latensy_ms"));
}

#[tokio::test]
async fn the_log_and_the_sessions_are_tables() {
    let (server, mut client) = steered("{}").await;
    step(&mut client).await.unwrap();
    let mut names = Vec::new();
    let mut stream = client.simple_query("EXEC sandbox.calls").await.unwrap();
    while let Some(item) = stream.try_next().await.unwrap() {
        match item {
            QueryItem::Metadata(columns) => {
                names = columns.columns().iter().map(|column| column.name().to_owned()).collect()
            }
            QueryItem::Row(row) => {
                assert_eq!(row.get::<&str, _>("text"), Some("crude.sp_load_datasource_payment"));
                assert_eq!((row.get::<&str, _>("kind"), row.get::<&str, _>("outcome")), (Some("rpc"), Some("ok")));
            }
        }
    }
    drop(stream);
    assert_eq!(names, ["at", "spid", "login", "database", "kind", "text", "parameters", "seconds", "outcome"]);
    let row = client.simple_query("EXEC sandbox.sessions").await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(row.get::<&str, _>("login"), Some("sa"));
    assert!(client.simple_query("EXEC sandbox.drop_connections").await.is_err());
    assert_eq!(server.hub().clients(), []);
}

#[tokio::test]
async fn what_is_said_without_waiting_arrives_before_the_end() {
    let server = server(|knobs| knobs.encryption = Encryption::Off).await;
    let (mut raw, _) = Raw::login(&server, Asked::default()).await;
    let text = "RAISERROR(N'половина', 0, 1) WITH NOWAIT; WAITFOR DELAY '00:01:00'";
    raw.send(0x01, 1, &[headers(0), wide(text)].concat()).await;
    let (head, body) = tokio::time::timeout(Duration::from_secs(5), raw.packet()).await.unwrap().unwrap();
    assert_eq!((head[1], body[0]), (0, 0xAB));
    assert!(has(&body, &wide("половина")));
    raw.send(0x06, 1, &[]).await;
    let (head, body) = raw.packet().await.unwrap();
    assert_eq!(head[1], 1);
    assert!(body.ends_with(&[0xFD, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
}
