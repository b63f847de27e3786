//! Servers that are not what they should be.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::server::{Does, message, one_cluster, opened, play, refused, void};
use super::{at, call, clusters, fails, open, rows, run};
use crate::core::rows::Field;
use crate::error::{Kind, Retry};
use crate::services::rac::wire::packet;
use crate::settings::Given;

/// A listener that says this to whoever comes, and closes.
async fn says(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(bytes).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    address
}

#[test]
fn other_servers_are_told_apart() {
    run(async |context| {
        for (bytes, what) in [
            (&b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2000\r\n\r\n"[..], "HTTP/1.1 400 Bad"),
            (b"", "it closed the connection"),
            (b"\x02\x01\x80", "the connection was lost"),
            (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH-2.0"),
        ] {
            let address = says(bytes).await;
            let error = fails(clusters(&open(&context, &[at(&address)]))).await;
            assert!(error.message().contains(what), "{error}");
            assert!(error.hint_text().is_some());
        }
        let error = fails(clusters(&open(&context, &[at("127.0.0.1:1")]))).await;
        assert_eq!((error.code(), error.may_retry()), ("rac.unreachable", Retry::Safe));
    });
}

#[test]
fn whoever_says_nothing_is_not_waited_for_without_end() {
    run(async |context| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let settings = [at(&address), ("timeout", Given::Number(0.1))];
        let error = fails(clusters(&open(&context, &settings))).await;
        assert!(error.message().contains("it says nothing"), "{error}");

        let server = play(|_, kind, _| match kind {
            packet::ENDPOINT_OPEN => opened("11.0"),
            _ => Does::SaysNothing,
        })
        .await;
        let settings = [at(&server.address), ("timeout", Given::Number(0.1))];
        let error = fails(clusters(&open(&context, &settings))).await;
        assert_eq!((error.kind(), error.may_retry()), (Kind::Timeout, Retry::Safe));
    });
}

/// What a server sends in answer to the list of clusters, and what is said of it.
const BROKEN: &[(&[u8], &str)] = &[
    // A gigabyte is announced.
    (b"\x0e\xff\xff\xff\xff\x03", "a packet of 1073741823 bytes is announced"),
    // A length without an end.
    (b"\x0e\xff\xff\xff\xff\xff\xff\xff", "a size of more than 32 bits"),
    // More clusters than bytes.
    (b"\x0e\x06\x01\x00\x00\x01\x0c\x7f", "a list of 127 in 0 bytes"),
    // A cluster that ends in its id.
    (b"\x0e\x08\x01\x00\x00\x01\x0c\x01\x0f\x1e", "needs 16 more bytes"),
    // An answer to another question.
    (b"\x0e\x06\x01\x00\x00\x01\x42\x00", "the answer 66 to the question 11"),
    (b"\x0e\x04\x01\x00\x00\x00", "an empty answer"),
    (b"\x0e\x06\x02\x00\x00\x01\x0c\x00", "an answer for endpoint 2"),
    (b"\x0e\x04\x01\x00\x00\x07", "unknown kind 7"),
    (b"\x0e\x04\x01\x00\x01\x00", "unknown format 1"),
    (b"\x63\x01\x00", "packet 63 00 instead of an answer"),
];

#[test]
fn answers_that_cannot_be_read_say_where_and_why() {
    run(async |context| {
        for (bytes, what) in BROKEN {
            let server = play(|_, kind, _| match kind {
                packet::ENDPOINT_OPEN => opened("11.0"),
                _ => Does::Sends(bytes.to_vec()),
            })
            .await;
            let error = fails(clusters(&open(&context, &[at(&server.address)]))).await;
            assert_eq!((error.kind(), error.may_retry()), (Kind::Protocol, Retry::Safe), "{what}");
            assert!(error.message().contains(what), "{error}");
        }
    });
}

#[test]
fn a_connection_cut_in_the_middle_of_an_answer_is_lost_and_for_a_change_the_outcome_unknown() {
    run(async |context| {
        let server = play(|_, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("11.0"),
            (_, Some(11)) => one_cluster(),
            (_, Some(9)) => void(),
            _ => Does::Closes(b"\x0e\x40\x01\x00".to_vec()),
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        let error = fails(opened.run(call(&["session", "list"], &[]))).await;
        assert!(error.message().contains("in the middle of a message"), "{error}");
        assert_eq!(error.may_retry(), Retry::Safe);
        let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        let error = fails(opened.run(call(&["session", "terminate"], &[("session", id)]))).await;
        assert_eq!((error.code(), error.may_retry()), ("rac.connection_lost", Retry::Unknown));
        // It was not sent a second time.
        assert_eq!(server.messages().iter().filter(|(_, id)| *id == 71).count(), 1);
    });
}

#[test]
fn an_endpoint_that_the_server_has_closed_is_not_asked_again() {
    run(async |context| {
        let server = play(|connection, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("11.0"),
            (_, Some(11)) => one_cluster(),
            (_, Some(9)) => void(),
            _ if connection == 0 => refused("the endpoint is gone"),
            (_, Some(65)) => message(66, &[0]),
            _ => void(),
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        clusters(&opened).await.unwrap();
        // A question is asked on a new one; a change is not made twice, and leaves no dead connection behind.
        assert_eq!(rows(opened.run(call(&["session", "list"], &[])).await.unwrap()).len(), 0);
        assert_eq!(server.messages()[2..], [(0, 9), (0, 65), (1, 9), (1, 65)]);

        let server = play(|connection, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => super::server::opened("11.0"),
            (_, Some(11)) => one_cluster(),
            (_, Some(71)) if connection == 0 => refused("the endpoint is gone"),
            _ => void(),
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        clusters(&opened).await.unwrap();
        let end = || call(&["session", "terminate"], &[("session", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")]);
        fails(opened.run(end())).await;
        opened.run(end()).await.unwrap();
        let ended = |messages: Vec<(usize, u8)>| messages.into_iter().filter(|(_, id)| *id == 71).collect::<Vec<_>>();
        assert_eq!(ended(server.messages()), [(0, 71), (1, 71)]);
    });
}

#[test]
fn one_bad_text_does_not_hide_the_rest() {
    run(async |context| {
        let server = play(|_, kind, _| match kind {
            packet::ENDPOINT_OPEN => opened("11.0"),
            _ => match one_cluster() {
                Does::Sends(mut bytes) => {
                    let at = bytes.windows(4).position(|word| word == b"Main").unwrap();
                    bytes[at] = 0xff;
                    Does::Sends(bytes)
                }
                other => other,
            },
        })
        .await;
        let found = rows(clusters(&open(&context, &[at(&server.address)])).await.unwrap());
        assert_eq!(found.get(0).unwrap().get("name"), Some(Field::Text("\u{fffd}ain")));
        assert_eq!(found.get(0).unwrap().get("kill_problem_processes"), Some(Field::Flag(true)));
    });
}

#[test]
fn a_bad_text_is_not_written_back_as_another() {
    run(async |context| {
        let server = play(|_, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("11.0"),
            (_, Some(135)) => message(136, b"\x0b8.3.27.1936"),
            (_, Some(13)) => match one_cluster() {
                Does::Sends(bytes) => {
                    let mut body = bytes[8..].to_vec();
                    let at = body.windows(4).position(|word| word == b"Main").unwrap();
                    body[at] = 0xff;
                    message(14, &body)
                }
                other => other,
            },
            (_, Some(15)) => message(16, &[7; 16]),
            _ => void(),
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        let error = fails(opened.run(call(&["cluster", "update"], &[("cluster", id), ("lifetime_limit", "5")]))).await;
        assert_eq!(error.code(), "rac.bad_text", "{error}");
        assert!(error.message().contains("`name`"), "{error}");
        assert!(!server.messages().iter().any(|(_, id)| *id == 15));
        // Whoever gives it anew mends it.
        opened.run(call(&["cluster", "update"], &[("cluster", id), ("name", "Main")])).await.unwrap();
    });
}

#[test]
fn a_record_of_which_a_part_is_not_known_is_not_written_back() {
    run(async |context| {
        let server = play(|_, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("11.0"),
            (_, Some(135)) => message(136, b"\x0b8.3.27.1936"),
            (_, Some(13)) => match one_cluster() {
                Does::Sends(bytes) => message(14, &[&bytes[8..], &[0, 0, 0, 7]].concat()),
                other => other,
            },
            _ => void(),
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        // Reading loses nothing.
        opened.run(call(&["cluster", "info"], &[("cluster", id)])).await.unwrap();
        let error = fails(opened.run(call(&["cluster", "update"], &[("cluster", id), ("lifetime_limit", "5")]))).await;
        assert_eq!((error.code(), error.may_retry()), ("rac.unknown_fields", Retry::Useless), "{error}");
        assert!(error.message().contains("4 bytes"), "{error}");
        assert!(!server.messages().iter().any(|(_, id)| *id == 15));
    });
}

#[test]
fn names_that_are_not_there_or_there_twice_are_refused_before_anything_is_done() {
    run(async |context| {
        let server = play(|_, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("11.0"),
            (_, Some(11)) => one_cluster(),
            (_, Some(9)) => void(),
            _ => {
                let mut body = vec![3];
                for (id, name) in [(1, "erp"), (2, "buh"), (3, "buh")] {
                    body.extend([id; 16]);
                    body.push(0);
                    body.push(name.len() as u8);
                    body.extend(name.as_bytes());
                }
                message(43, &body)
            }
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        let error = fails(opened.run(call(&["infobase", "info"], &[("infobase", "epr")]))).await;
        assert_eq!((error.code(), error.hint_text()), ("rac.infobase_not_found", Some("did you mean `erp`?")));
        let error = fails(opened.run(call(&["infobase", "drop"], &[("name", "buh")]))).await;
        assert_eq!(error.code(), "rac.ambiguous_name");
        assert!(error.hint_text().unwrap().contains("02020202-0202-0202-0202-020202020202, 03030303-"));
        let error = fails(opened.run(call(&["infobase", "info"], &[]))).await;
        assert!(error.message().contains("which infobase is not said"), "{error}");
        let error = fails(opened.run(call(&["infobase", "info"], &[("cluster", "Mein"), ("infobase", "erp")]))).await;
        assert_eq!((error.code(), error.hint_text()), ("rac.cluster_not_found", Some("did you mean `Main`?")));
    });
}

#[test]
fn many_names_of_one_call_are_one_list() {
    run(async |context| {
        let server = play(|_, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("11.0"),
            (_, Some(11)) => one_cluster(),
            (_, Some(9)) => super::server::void(),
            (_, Some(42)) => {
                let mut body = vec![2];
                for id in [1, 2] {
                    body.extend([id; 16]);
                    body.extend([0, 1, b'a' + id]);
                }
                message(43, &body)
            }
            _ => message(68, &[0]),
        })
        .await;
        let calls = ["b", "c", "b", "c"].map(|name| call(&["session", "list"], &[("infobase", name)]));
        let outcomes = open(&context, &[at(&server.address)]).run_many(calls.to_vec(), 2, || {}).await;
        assert!(outcomes.iter().all(|outcome| outcome.is_ok()), "{outcomes:?}");
        let lists = server.messages().iter().filter(|(_, id)| *id == 42).count();
        assert_eq!(lists, 1);
    });
}
