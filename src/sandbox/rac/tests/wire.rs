//! Greetings, packets, endpoints, versions: bytes as the reference works them out.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::RasServer;
use super::super::bytes::{Reader, put_nullable_size, put_size, put_text};
use super::{CONNECT, Client, GREETING, start};
use crate::services::rac::table::SESSION;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn sizes_and_texts_are_laid_out_as_worked_out() {
    for (size, bytes) in [(5, "05"), (127, "7f"), (128, "8001"), (132, "8401"), (300, "ac02"), (16384, "808001")] {
        let mut out = Vec::new();
        put_size(&mut out, size);
        assert_eq!(out, hex(bytes));
        assert_eq!(Reader(&out).size(), Ok(size));
    }
    let nullable = [
        (5, "05"),
        (63, "3f"),
        (64, "4001"),
        (65, "4101"),
        (100, "6401"),
        (128, "4002"),
        (1000, "680f"),
        (8191, "7f7f"),
        (8192, "408001"),
        (20000, "60b802"),
    ];
    for (size, bytes) in nullable {
        let mut out = Vec::new();
        put_nullable_size(&mut out, size);
        assert_eq!(out, hex(bytes));
        assert_eq!(Reader(&out).nullable_size(), Ok(Some(size)));
    }
    let mut out = Vec::new();
    put_text(&mut out, "пароль");
    assert_eq!(out, hex("0cd0bfd0b0d180d0bed0bbd18c"));
    assert_eq!(Reader(&[0x80]).text(), Ok(""));
    assert_eq!(super::super::chance::ticks(1_704_067_200_000), 638_396_640_000_000);
}

/// All that a server says until it has nothing more to say.
async fn conversation(server: &RasServer, parts: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for part in parts {
        stream.write_all(part).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    all
}

#[tokio::test]
async fn a_conversation_cut_at_any_byte_is_the_same() {
    let server = start(|_| {}).await;
    let open = hex("0b1f 18 76382e736572766963652e41646d696e2e436c7573746572 04 31312e30 80");
    let said = [&GREETING, CONNECT, &open, &hex("0e05010000010b 0d0101")].concat();
    let whole = conversation(&server, &[&said]).await;
    let ack = hex("020180 0c20 18 76382e736572766963652e41646d696e2e436c7573746572 04 31312e30 01 80");
    assert!(whole.starts_with(&ack), "{whole:x?}");
    assert_eq!(whole[ack.len()], 0x0e);
    for at in 1..said.len() {
        assert_eq!(conversation(&server, &[&said[..at], &said[at..]]).await, whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = said.chunks(1).collect();
    assert_eq!(conversation(&server, &bytes).await, whole);
    let counters = server.counters();
    assert_eq!(counters.endpoints_opened, counters.endpoints_closed);
    assert_eq!(counters.message(11), counters.connections);
}

#[tokio::test]
async fn clusters_and_authentication_are_as_worked_out() {
    let server = start(|knobs| knobs.sessions = 0).await;
    let cluster = hex("0f1e2d3c4b5a69788796a5b4c3d2e1f0");
    {
        let mut world = server.sim.world();
        let row = &mut world.clusters[0].row;
        row.set("cluster", <[u8; 16]>::try_from(cluster.clone()).unwrap());
        row.set("name", "Main");
        world.clusters[0].id = cluster.clone().try_into().unwrap();
    }
    let mut client = Client::open(&server, 11).await;
    client.stream.write_all(&hex("0e05010000010b")).await.unwrap();
    let (kind, payload) = client.packet().await.unwrap();
    let wanted = [
        hex("010000010c01"),
        cluster.clone(),
        hex("0000003c 0473727631 00000000 0605 00000000 00000000 044d61696e"),
        hex("00000000 00000000 00000000 00000000 0100"),
    ];
    assert_eq!((kind, payload), (14, wanted.concat()));
    // Nobody is asked for a password where there are no administrators.
    let request = [hex("0e26 01000001 09"), cluster, hex("0361646d 0cd0bfd0b0d180d0bed0bbd18c")].concat();
    client.stream.write_all(&request).await.unwrap();
    assert_eq!(client.packet().await.unwrap(), (14, hex("01000000")));
    let (class, text) = client.ask(13, &[[7; 16].into()]).await.exception();
    assert_eq!((class.as_str(), text.as_str()), ("#ClusterNotFound", "Кластер с указанным идентификатором не найден"));
}

#[tokio::test]
async fn a_version_that_is_not_served_is_refused_and_another_can_be_opened() {
    let server = start(|knobs| knobs.versions = vec![9, 10, 77]).await;
    let mut client = Client::raw(&server).await;
    for version in ["11.0", "12.0", "16.0", "10", "x"] {
        let (kind, payload) = client.ask_for(version).await;
        assert_eq!(kind, 15);
        let mut reader = Reader(&payload);
        assert_eq!(reader.text().unwrap(), "v8.service.Admin.Cluster");
        assert_eq!(reader.text().unwrap(), version);
        reader.nullable_size().unwrap();
        assert!(reader.text().unwrap().contains("UnsupportedService"));
        reader.text().unwrap();
        assert_eq!(reader.size(), Ok(0));
        reader.text().unwrap();
        assert!(reader.text().unwrap().contains("supported=[10.0,9.0]"));
        assert_eq!(reader.0, [0, 0x80]);
    }
    client.endpoint(10).await;
    client.cluster().await;
    assert_eq!(server.counters().versions_refused, 5);
}

#[tokio::test]
async fn endpoints_of_one_connection_have_their_own_versions() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 9).await;
    let first = client.endpoint;
    client.endpoint(16).await;
    assert_eq!((first, client.endpoint), (1, 2));
    let cluster = client.cluster().await;
    assert_eq!(client.info(13, &[cluster.into()]).await.int("unknown"), 1);
    (client.endpoint, client.version) = (1, 9);
    client.info(13, &[cluster.into()]).await;
    client.send(13, &[1]).await;
    client.send(16, &[]).await;
    client.say(11, &[]).await;
    assert_eq!(client.packet().await.unwrap().0, 15, "the endpoint is closed");
    (client.endpoint, client.version) = (2, 16);
    client.cluster().await;
    client.send(4, &[0x80]).await;
    assert!(client.packet().await.is_none());
    let counters = server.counters();
    assert_eq!((counters.keep_alives, counters.disconnects, counters.endpoints_closed), (1, 1, 1));
}

#[tokio::test]
async fn every_version_has_its_layout() {
    let server = start(|_| {}).await;
    for version in 3..=16 {
        let mut client = Client::open(&server, version).await;
        let cluster = client.cluster().await;
        let base = client.list(42, &[cluster.into()]).await[0].id("infobase");
        let mut lists = vec![18, 22, 29, 35, 42, 50, 65, 72, 89, 118, 124];
        lists.push(2);
        for id in lists {
            client.list(id, &[cluster.into()]).await;
        }
        client.info(48, &[cluster.into(), base.into()]).await;
        assert_eq!(client.sessions(cluster).await.len(), 60);
    }
}

#[tokio::test]
async fn a_client_that_knows_less_of_the_protocol_is_served() {
    let server = start(|_| {}).await;
    // An empty map of either kind, a timeout as a long, a byte too much after the map.
    let long = b"\x01\x1a\x01\x0fconnect.timeout\x05\x00\x00\x00\x00\x00\x00\x07\xd0";
    let more = b"\x01\x17\x01\x0fconnect.timeout\x04\x00\x00\x07\xd0\x80";
    for connect in [b"\x01\x01\x80".as_slice(), b"\x01\x01\x00", b"\x01\x00", long, more] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(&[&GREETING, connect].concat()).await.unwrap();
        let mut client = Client { stream, endpoint: 0, version: 0 };
        assert_eq!(client.packet().await.unwrap(), (2, vec![0x80]), "{connect:x?}");
        client.endpoint(10).await;
        let cluster = client.cluster().await;
        assert_eq!(client.sessions(cluster).await.len(), 60);
        // A close with a byte too much.
        client.send(13, &[1, 1, 0x80]).await;
        client.send(4, &[0x80]).await;
        assert!(client.packet().await.is_none());
    }
}

#[tokio::test]
async fn what_is_no_such_client_is_left() {
    let server = start(|_| {}).await;
    let all: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0x1c, 0x53, 0x57],
        &[&GREETING[..], b"\x0e\x05\x01\x00\x00\x01\x0b"].concat(),
        &[&GREETING[..], b"\x63\x01\x80"].concat(),
        &[&GREETING[..], b"\x01\xff\xff\xff\xff\x7f"].concat(),
    ];
    for bytes in all {
        assert_eq!(conversation(&server, &[bytes]).await, b"", "{bytes:x?}");
    }
    Client::open(&server, 11).await.cluster().await;
}

#[tokio::test]
async fn a_message_that_is_not_understood_is_refused_and_the_next_one_answered() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    for id in [58, 63, 80, 146, 166, 255] {
        let (class, text) = client.bytes(id, &cluster).await.exception();
        assert_eq!((class.as_str(), text), ("#Failure", format!("Неизвестный тип сообщения {id}")));
    }
    let cut = client.bytes(65, &cluster[..15]).await;
    cut.refused("#Failure", "Неожиданный конец данных сообщения");
    // What is left over is passed over, as real servers do.
    let more = client.bytes(65, &[&cluster[..], b"abc"].concat()).await.rows(&SESSION, 11);
    assert_eq!(more.len(), 60);
    let text = client.bytes(120, &[&cluster[..], &[2, 0xff, 0xfe]].concat()).await;
    text.refused("#Failure", "Текст в сообщении не в кодировке UTF-8");
    // A text that says it is a gigabyte.
    client.bytes(120, &[&cluster[..], &[0x40, 0x80, 0x80, 0x80, 0x01]].concat()).await.exception();
    // No number at all; a kind that only a server sends; another format.
    for payload in [[1, 0, 0, 1].as_slice(), &[1, 0, 0, 0], &[1, 0, 0, 255, 0], &[1, 0, 9, 1, 11]] {
        client.send(14, payload).await;
        client.heard().await.unwrap().exception();
    }
    client.cluster().await;
}
