//! The event stream, and TLS.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

/// Asks for the event stream; the status, and the stream when it is one.
async fn upgraded<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, token: &str) -> (u16, WebSocketStream<S>) {
    let ask = format!(
        "GET /ws/?token={token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let status = head[9..12].parse().unwrap();
    assert_eq!(status == 101, head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    (status, WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}

async fn next<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut WebSocketStream<S>) -> Option<Value> {
    let wait = tokio::time::timeout(Duration::from_secs(5), stream.next());
    match wait.await.unwrap()? {
        Ok(Message::Text(text)) => Some(serde_json::from_str(&text).unwrap()),
        _ => None,
    }
}

fn bare(story: &Story) -> String {
    story.token.trim_start_matches("jwt ").to_owned()
}

async fn plain(story: &Story) -> TcpStream {
    TcpStream::connect(story.controller.address()).await.unwrap()
}

#[tokio::test]
async fn the_stream_tells_what_happens_without_being_asked() {
    let story = story(|knobs| (knobs.task_ms, knobs.agent_ms) = (40.0, 10.0)).await;
    let (status, mut stream) = upgraded(plain(&story).await, &bare(&story)).await;
    assert_eq!(status, 101);
    for channel in ["/tasks/", "/domains/", "/nowhere/"] {
        stream.send(Message::text(format!("add {channel}"))).await.unwrap();
        let reply = next(&mut stream).await.unwrap();
        assert_eq!(reply, json!({"msg_type": "control", "error": channel == "/nowhere/", "resource": channel}));
    }
    let id = story.off().await;
    story.post(&format!("domains/{id}/start/?async=1"), json!({})).await;
    let mut seen = Vec::new();
    // Nobody asks any more: the stream alone moves on.
    loop {
        let frame = next(&mut stream).await.unwrap();
        assert_eq!(frame["msg_type"], "data");
        let object = &frame["object"];
        assert_eq!(frame["id"], object["id"]);
        seen.push((frame["resource"].as_str().unwrap().to_owned(), frame["event"].as_str().unwrap().to_owned()));
        if object["guest_utils"]["qemu_state"] == true {
            assert_eq!((&object["user_power_state"], &object["verbose_name"]), (&json!(3), &json!("vm-0002")));
            break;
        }
    }
    assert_eq!(seen[0], ("/tasks/".to_owned(), "CREATED".to_owned()));
    assert!(seen.iter().filter(|(of, _)| of == "/tasks/").count() >= 4, "progress and end: {seen:?}");
    stream.send(Message::text("delete /domains/")).await.unwrap();
    assert_eq!(next(&mut stream).await.unwrap()["msg_type"], "control");
    let counters = story.counters().await;
    assert_eq!((&counters["ws_connections"], &counters["ws_open"]), (&json!(1), &json!(1)));
    stream.close(None).await.unwrap();
    while next(&mut stream).await.is_some() {}
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(story.counters().await["ws_open"], 0);
}

#[tokio::test]
async fn a_stream_is_refused_absent_or_broken() {
    let story = story(|_| ()).await;
    let (_, mut stream) = upgraded(plain(&story).await, "wrong").await;
    assert!(next(&mut stream).await.unwrap().to_string().contains("token error"));
    assert_eq!(next(&mut stream).await, None);
    story.knobs(json!({"faults": {"ws_absent": {"next": 1}, "ws_breaks": {"next": 1}, "ws_frames": 2}})).await;
    assert_eq!(upgraded(plain(&story).await, &bare(&story)).await.0, 404);
    let (_, mut stream) = upgraded(plain(&story).await, &bare(&story)).await;
    for channel in ["/tasks/", "/domains/", "/nodes/"] {
        stream.send(Message::text(format!("add {channel}"))).await.ok();
    }
    assert!(next(&mut stream).await.is_some() && next(&mut stream).await.is_some());
    assert_eq!(next(&mut stream).await, None);
    let (_, mut stream) = upgraded(plain(&story).await, &bare(&story)).await;
    stream.send(Message::text("add /tasks/")).await.unwrap();
    assert!(next(&mut stream).await.is_some());
    story.post("/_sandbox/break-streams", json!({})).await;
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn the_same_port_speaks_tls() {
    let story = story(|_| ()).await;
    let pem = story.controller.certificate().unwrap();
    let root = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let url = format!("https://{}/api/domains/?limit=1", story.controller.address());
    let answer = client.get(&url).header("Authorization", &story.token).send().await.unwrap();
    let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert!(page["next"].as_str().unwrap().starts_with("https://"), "{page}");
    assert!(story.client.get(&url).send().await.is_err(), "nobody else trusts it");

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let name = ServerName::try_from("localhost").unwrap();
    let secure = connector.connect(name, plain(&story).await).await.unwrap();
    let (status, mut stream) = upgraded(secure, &bare(&story)).await;
    assert_eq!(status, 101);
    stream.send(Message::text("add /tags/")).await.unwrap();
    assert_eq!(next(&mut stream).await.unwrap()["error"], false);
    story.done("tags/", json!({"verbose_name": "x"})).await;
    assert_eq!(next(&mut stream).await.unwrap()["object"]["verbose_name"], "x");
    let counters = story.counters().await;
    assert!(counters["tls_connections"].as_i64().unwrap() >= 2);
    let address = story.controller.address();
    drop(story);
    assert_eq!(next(&mut stream).await, None);
    assert!(TcpStream::connect(address).await.is_err());
}
