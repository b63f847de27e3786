//! Faults on request, latency, counters.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::super::{Fault, Faults, Knobs, RasServer};
use super::{Client, Said, start};

const NEXT: Fault = Fault { every: 0, next: 1 };

fn hurt(server: &RasServer, change: impl FnOnce(&mut Faults)) {
    let mut faults = Faults::default();
    change(&mut faults);
    server.set_knobs(Knobs { faults, ..server.knobs() });
}

#[tokio::test]
async fn a_connection_ends_when_told_so() {
    let server = start(|_| {}).await;
    let cases: [fn(&mut Faults); 3] =
        [|faults| faults.close = NEXT, |faults| faults.close_after = NEXT, |faults| faults.cut = NEXT];
    for change in cases {
        hurt(&server, change);
        let mut client = Client::open(&server, 11).await;
        client.say(11, &[]).await;
        assert!(client.packet().await.is_none());
        Client::open(&server, 11).await.cluster().await;
    }
    hurt(&server, |faults| faults.messages_until_closed = 2);
    let mut client = Client::open(&server, 11).await;
    client.cluster().await;
    client.cluster().await;
    assert!(client.packet().await.is_none());
}

#[tokio::test]
async fn lengths_lie() {
    let server = start(|_| {}).await;
    let long: [fn(&mut Faults); 2] = [|faults| faults.longer = NEXT, |faults| faults.huge = NEXT];
    for change in long {
        hurt(&server, change);
        let mut client = Client::open(&server, 11).await;
        client.say(11, &[]).await;
        assert!(timeout(Duration::from_millis(50), client.packet()).await.is_err());
    }
    hurt(&server, |faults| faults.shorter = NEXT);
    let mut client = Client::open(&server, 11).await;
    client.say(11, &[]).await;
    let (kind, payload) = client.packet().await.unwrap();
    assert!(kind == 14 && payload.len() > 20);
    hurt(&server, |faults| faults.more = NEXT);
    let mut client = Client::open(&server, 11).await;
    assert!(client.bytes(11, &[]).await.body().ends_with(b"\x04more"));
}

#[tokio::test]
async fn answers_are_spoilt() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    hurt(&server, |faults| faults.kind = NEXT);
    client.say(11, &[]).await;
    assert_eq!(client.packet().await.unwrap().1[3], 77);
    hurt(&server, |faults| faults.number = NEXT);
    assert!(matches!(client.bytes(11, &[]).await, Said::Message(15, _)));
    hurt(&server, |faults| faults.text = NEXT);
    let body = client.bytes(42, &cluster).await.body();
    assert!(String::from_utf8_lossy(&body).contains('\u{FFFD}') && body.contains(&0xff));
    hurt(&server, |faults| faults.exception = NEXT);
    assert_eq!(client.bytes(11, &[]).await.exception().0, "swp.UnknownThrowable");
    hurt(&server, |faults| faults.hang = NEXT);
    client.say(11, &[]).await;
    assert!(timeout(Duration::from_millis(50), client.packet()).await.is_err());
    client.cluster().await;
    hurt(&server, |faults| (faults.slow, faults.slow_ms) = (NEXT, 1));
    let started = Instant::now();
    client.cluster().await;
    assert!(started.elapsed() > Duration::from_millis(60));
    assert_eq!(server.counters().faults.len(), 6);
}

#[tokio::test]
async fn every_nth_message_is_hit_and_only_those_that_are_meant() {
    let server = start(|_| {}).await;
    hurt(&server, |faults| (faults.message, faults.exception.every) = (13, 3));
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let mut hit = Vec::new();
    for at in 1..=7 {
        client.cluster().await;
        if let Said::Exception(..) = client.bytes(13, &cluster).await {
            hit.push(at);
        }
    }
    assert_eq!(hit, [3, 6]);
}

#[tokio::test]
async fn who_is_no_such_server_says_something_else() {
    let server = start(|knobs| knobs.faults.stranger = true).await;
    let mut client = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut client, &super::GREETING).await.unwrap();
    let mut said = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut client, &mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn requests_that_come_together_wait_together() {
    let server = start(|knobs| knobs.latency_ms = 50.0).await;
    let mut client = Client::open(&server, 11).await;
    let started = Instant::now();
    for _ in 0..10 {
        client.say(135, &[]).await;
    }
    for _ in 0..10 {
        assert!(matches!(client.heard().await, Some(Said::Message(136, _))));
    }
    let took = started.elapsed();
    assert!(took > Duration::from_millis(49) && took < Duration::from_millis(250), "{took:?}");
}

#[tokio::test]
async fn what_happened_is_counted() {
    let server = start(|_| {}).await;
    let mut one = Client::open(&server, 11).await;
    let mut other = Client::open(&server, 16).await;
    let cluster = one.cluster().await;
    other.ask(9, &[cluster.into(), "".into(), "".into()]).await.void();
    other.sessions(cluster).await;
    other.bytes(58, &[]).await.exception();
    let counters = server.counters();
    assert_eq!((counters.connections, counters.active, counters.most_active), (2, 2, 2));
    assert_eq!((counters.endpoints_opened, counters.authentications, counters.exceptions), (2, 1, 1));
    assert_eq!((counters.message(11), counters.message(65), counters.all_messages()), (1, 1, 4));
    drop(one);
    drop(other);
    while server.counters().active > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    server.reset_counters();
    assert_eq!(server.counters(), super::super::Counters::default());
}
