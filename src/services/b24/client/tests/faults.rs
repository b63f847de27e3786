//! Portals that are away, broken, moved or somebody else.

use std::sync::Arc;

use super::server::fails;
use super::*;
use crate::error::Retry;

fn no_secret(error: &crate::error::Error) {
    let mut whole = format!("{error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        whole.push_str(&format!(" / {cause}"));
        source = cause.source();
    }
    assert!(!whole.contains("t0pS3cretCode"), "{whole}");
}

#[tokio::test]
async fn a_reading_call_is_repeated_after_faults() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Gone,
        1 => Reply::Text(502, "<html>502</html>".into()),
        2 => Reply::Text(200, r#"{"result":[1"#.into()),
        _ => ok(json!(7)),
    })
    .await;
    let portal = portal(&server);
    portal.0.proven.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(portal.call("crm.deal.get", json!({ "ID": 1 })).await.unwrap().get(), "7");
    assert_eq!(server.seen().len(), 4);
    assert_eq!(portal.0.counters.repeats.get(), 3);
}

#[tokio::test]
async fn faults_are_told_with_their_next_step_and_without_secrets() {
    for (reply, code, status) in [
        ((200, "<html><title>Sign in</title></html>"), "b24.not_json", Some(200)),
        ((404, "<h1>404 Not Found</h1>"), "b24.not_json", Some(404)),
        ((200, r#"{"result":[{"ID":"#), "b24.half_answer", Some(200)),
        ((200, ""), "b24.not_json", Some(200)),
        (
            (401, r#"{"error":"NO_AUTH_FOUND","error_description":"Wrong authorization data"}"#),
            "b24.NO_AUTH_FOUND",
            Some(401),
        ),
        (
            (503, r#"{"error":"OVERLOAD_LIMIT","error_description":"REST API is blocked"}"#),
            "b24.OVERLOAD_LIMIT",
            Some(503),
        ),
        (
            (404, r#"{"error":"ERROR_METHOD_NOT_FOUND","error_description":"Method not found!"}"#),
            "b24.ERROR_METHOD_NOT_FOUND",
            Some(404),
        ),
    ] {
        let server = Server::start(move |_, _| Reply::Text(reply.0, reply.1.into())).await;
        let error = portal(&server).call("crm.deal.lst", json!({})).await.unwrap_err();
        assert_eq!((error.code(), error.http_status()), (code, status));
        assert!(error.hint_text().is_some());
        no_secret(&error);
        assert!(server.seen().len() <= 2);
    }
}

#[tokio::test]
async fn a_portal_that_is_not_there_is_told_soon() {
    let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let webhook = text(format!("http://{address}/rest/1/t0pS3cretCode/"));
    let portal = Portal::open(&settings(&[("webhook", webhook)]), &context(None)).unwrap();
    let began = std::time::Instant::now();
    let error = portal.call("crm.deal.add", json!({})).await.unwrap_err();
    assert_eq!((error.code(), error.may_retry()), ("b24.unreachable", Retry::Safe));
    assert!(error.message().contains(&format!("http://{address}/rest/***/***/ cannot be reached")), "{error}");
    assert!(began.elapsed().as_secs() < 3);
    no_secret(&error);
}

#[tokio::test]
async fn a_certificate_that_nobody_knows_is_refused_unless_the_connection_says_so() {
    let _ = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"result\":7}").await;
            let _ = stream.shutdown().await;
        }
    });
    let webhook = ("webhook", text(format!("https://localhost:{port}/rest/1/t0pS3cretCode/")));
    let open = |more: &[(&str, Given)]| {
        let pairs: Vec<_> = std::iter::once(webhook.clone()).chain(more.iter().cloned()).collect();
        Portal::open(&settings(&pairs), &context(None)).unwrap()
    };
    let error = open(&[]).call("profile", json!({})).await.unwrap_err();
    assert_eq!(error.code(), "b24.certificate", "{error:?}");
    assert!(error.hint_text().unwrap().contains("`ca`"));
    no_secret(&error);
    assert_eq!(open(&[("insecure", Given::Flag(true))]).call("profile", json!({})).await.unwrap().get(), "7");
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let trusting = open(&[("ca", text(ca.to_str().unwrap()))]);
    assert_eq!(trusting.call("profile", json!({})).await.unwrap().get(), "7");
}

#[tokio::test]
async fn a_portal_that_moved_gets_the_same_call_at_its_new_place_from_then_on() {
    let new = Server::start(|_, seen| ok(json!(seen.body))).await;
    let to = format!("http://{}", new.address);
    let old = Server::start(move |_, seen| Reply::Moved(format!("{to}{}", seen.path))).await;
    let portal = portal(&old);
    for _ in 0..2 {
        let result = portal.call("crm.deal.add", json!({ "a": 1 })).await.unwrap();
        assert_eq!(result.get(), r#""{\"a\":1}""#);
    }
    assert_eq!((old.seen().len(), new.seen().len()), (1, 2));
    let circle = Server::start(|_, seen| Reply::Moved(seen.path.clone())).await;
    assert_eq!(super::portal(&circle).call("profile", json!({})).await.unwrap_err().code(), "b24.moved");
    let login = Server::start(|_, _| Reply::Moved("/auth/?login=yes".into())).await;
    assert_eq!(super::portal(&login).call("profile", json!({})).await.unwrap_err().code(), "b24.moved");
}

#[tokio::test]
async fn a_silent_portal_leaves_the_outcome_open() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let portal = portal_with(&server, &[("timeout", Given::Number(0.2))]);
    let error = portal.call("crm.deal.add", json!({})).await.unwrap_err();
    assert_eq!((error.code(), error.may_retry()), ("b24.timeout", Retry::Unknown));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn rest_3_repeats_a_change_under_the_same_key() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Gone,
        1 => ok(json!({ "item": { "id": 1 } })),
        _ => Reply::Text(
            400,
            json!({ "error": { "code": "BITRIX_REST_V3_EXCEPTION_VALIDATION", "message": "Bad", "validation": [{ "field": "title", "message": "empty" }] } })
                .to_string(),
        ),
    })
    .await;
    let portal = portal(&server);
    let result = portal.v3("tasks.task.add", json!({ "fields": { "title": "x" } })).await.unwrap();
    assert_eq!(result.get(), r#"{"item":{"id":1}}"#);
    let seen = server.seen();
    let key =
        |at: usize| seen[at].head.split("idempotency-key: ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
    assert_eq!(key(0), key(1));
    assert_eq!(key(0).len(), 36);
    assert_eq!(seen[0].path, "/rest/api/1/t0pS3cretCode/tasks.task.add");
    let error = portal.v3("tasks.task.list", json!({})).await.unwrap_err();
    assert_eq!(error.code(), "b24.BITRIX_REST_V3_EXCEPTION_VALIDATION");
    assert!(error.message().contains("title: empty"), "{error}");
    assert!(!server.seen()[2].head.contains("idempotency"));
}

#[tokio::test]
async fn an_error_with_an_empty_code_keeps_its_text() {
    let server = Server::start(|_, _| fails(400, "", "ID is not defined or invalid.")).await;
    let error = portal(&server).call("crm.deal.get", json!({})).await.unwrap_err();
    assert_eq!(error.code(), "b24.INVALID_ID");
    assert_eq!(error.message(), "crm.deal.get: ID is not defined or invalid.");
}
