//! Which version of the protocol is asked for, and which is taken.

use super::server::{Does, Played, message, one_cluster, opened, play, refused, void};
use super::{at, call, clusters, fails, open, rows, run};
use crate::error::Kind;
use crate::services::rac::wire::Writer;
use crate::services::rac::wire::packet::{self, Exception};
use crate::settings::Given;

/// A server that knows these versions and says so when it is asked for another.
async fn knows(versions: &'static [&'static str], says: bool) -> Played {
    play(move |_, kind, payload| match kind {
        packet::ENDPOINT_OPEN => {
            let asked = String::from_utf8_lossy(&payload[26..payload.len() - 1]).into_owned();
            match versions.contains(&&*asked) {
                true => opened(&asked),
                false if says => refused(&format!("no such service, supported=[{}]", versions.join(", "))),
                false => refused("no such service"),
            }
        }
        _ => one_cluster(),
    })
    .await
}

#[test]
fn the_version_that_all_servers_know_is_asked_for_first() {
    run(async |context| {
        let server = knows(&["11.0", "16.0"], true).await;
        let found = rows(clusters(&open(&context, &[at(&server.address)])).await.unwrap());
        assert_eq!((found.len(), server.versions()), (1, vec!["11.0".to_owned()]));
    });
}

#[test]
fn older_servers_say_what_they_know_and_get_the_highest_of_it() {
    run(async |context| {
        let server = knows(&["8.0", "9.0", "10.0"], true).await;
        clusters(&open(&context, &[at(&server.address)])).await.unwrap();
        assert_eq!(server.versions(), ["11.0", "10.0"]);
    });
}

#[test]
fn a_server_that_does_not_say_is_asked_one_by_one() {
    run(async |context| {
        let server = knows(&["8.0"], false).await;
        clusters(&open(&context, &[at(&server.address)])).await.unwrap();
        assert_eq!(server.versions(), ["11.0", "10.0", "9.0", "8.0"]);
    });
}

#[test]
fn versions_that_nobody_knows_are_not_guessed_at() {
    run(async |context| {
        let server = knows(&["17.0", "18.0"], true).await;
        let error = fails(clusters(&open(&context, &[at(&server.address)]))).await;
        assert_eq!(error.code(), "rac.unknown_version");
        assert!(error.message().contains("it speaks 17.0, 18.0"), "{error}");
        assert!(error.hint_text().unwrap().contains("11.0, 12.0, 13.0, 14.0, 15.0, 16.0; set transport"));

        let server = play(|_, _, _| opened("17.0")).await;
        let error = fails(clusters(&open(&context, &[at(&server.address)]))).await;
        assert!(error.message().contains("it opened 17.0"), "{error}");
    });
}

#[test]
fn a_server_of_newer_versions_alone_is_asked_in_the_newest_that_is_known() {
    run(async |context| {
        let server = knows(&["12.0", "15.0", "17.0"], true).await;
        // What it answers is laid out as 11.0 has it.
        fails(clusters(&open(&context, &[at(&server.address)]))).await;
        assert_eq!(server.versions(), ["11.0", "15.0"]);
    });
}

#[test]
fn a_server_that_names_what_it_refuses_is_not_asked_for_it_again() {
    run(async |context| {
        let server = play(|_, _, _| refused("no such service, supported=[11.0, 16.0]")).await;
        let settings = [at(&server.address), ("timeout", Given::Number(5.0))];
        let error = fails(clusters(&open(&context, &settings))).await;
        assert_eq!((error.code(), server.versions().len()), ("rac.unknown_version", 2), "{error}");
    });
}

#[test]
fn the_setting_decides_where_to_begin() {
    run(async |context| {
        let server = knows(&["9.0"], true).await;
        let settings = [at(&server.address), ("protocol", Given::Text("9.0".into()))];
        clusters(&open(&context, &settings)).await.unwrap();
        assert_eq!(server.versions(), ["9.0"]);
    });
}

#[test]
fn what_is_written_back_is_written_in_the_newest_version_that_both_know() {
    run(async |context| {
        let server = play(|_, kind, payload| match kind {
            packet::ENDPOINT_OPEN => match payload.ends_with(b"\x0416.0\x80") {
                true => refused("supported=[15.0, 11.0, 10.0]"),
                false => opened(&String::from_utf8_lossy(&payload[26..payload.len() - 1])),
            },
            _ => match payload[4] {
                11 => one_cluster(),
                // A cluster as 15.0 lays it out: with a check every 59,999 ms.
                13 => match one_cluster() {
                    Does::Sends(bytes) => {
                        let mut body = bytes[8..].to_vec();
                        body.extend([0, 0, 0, 1, 1, 0, 0, 0xea, 0x5f, 0, 0, 0xff, 0x56, 0]);
                        message(14, &body)
                    }
                    other => other,
                },
                135 => message(136, b"\x0b8.3.27.1936"),
                _ => message(16, &[7; 16]),
            },
        })
        .await;
        let server_opened = open(&context, &[at(&server.address)]);
        for lifetime in ["60", "120"] {
            let cluster = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
            let options = [("cluster", cluster), ("lifetime_limit", lifetime)];
            server_opened.run(call(&["cluster", "update"], &options)).await.unwrap();
        }
        // The newest was asked for once.
        assert_eq!(server.versions(), ["16.0", "15.0"]);
        // What is read afterwards has the usual fields, whichever connections are kept.
        clusters(&server_opened).await.unwrap();
        assert_eq!(server.versions(), ["16.0", "15.0", "11.0"]);
        let got = server.got.lock().unwrap();
        let written = got.iter().filter(|(_, kind, payload)| *kind == packet::ENDPOINT_MESSAGE && payload[4] == 15);
        for (.., payload) in written {
            // What was not changed is as it was.
            assert!(payload.ends_with(&[0, 0, 0, 1, 1, 0, 0, 0xea, 0x5f, 0, 0, 0xff, 0x56, 0]), "{payload:02x?}");
        }
    });
}

#[test]
fn records_of_later_platforms_are_not_written_back_with_losses() {
    run(async |context| {
        let server = play(|_, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("16.0"),
            (_, Some(135)) => message(136, b"\x0a8.5.4.1878"),
            _ => one_cluster(),
        })
        .await;
        let cluster = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        let update = call(&["cluster", "update"], &[("cluster", cluster), ("lifetime_limit", "60")]);
        let error = fails(open(&context, &[at(&server.address)]).run(update)).await;
        assert_eq!(error.code(), "rac.too_new", "{error}");
        assert!(error.message().contains("8.5.4.1878") && error.hint_text().unwrap().contains("utility"));
        assert_eq!(server.messages(), [(0, 135)]);
    });
}

#[test]
fn authentication_is_sent_once_on_a_connection() {
    run(async |context| {
        let server = play(|_, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("11.0"),
            (_, Some(11)) => one_cluster(),
            (_, Some(9)) => void(),
            _ => message(66, &[0]),
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        for _ in 0..3 {
            assert_eq!(rows(opened.run(call(&["session", "list"], &[])).await.unwrap()).len(), 0);
        }
        assert_eq!(server.messages(), [(0, 11), (0, 9), (0, 65), (0, 65), (0, 65)]);
        // Other credentials get a connection of their own: rights must not mix.
        let other = call(&["session", "list"], &[("cluster_user", "adm"), ("cluster_pwd", "long secret")]);
        opened.run(other).await.unwrap();
        assert_eq!(server.messages()[5..], [(1, 9), (1, 65)]);
    });
}

#[test]
fn a_connection_that_the_server_closed_is_replaced_without_a_word() {
    run(async |context| {
        let server = play(|connection, kind, _| match kind {
            packet::ENDPOINT_OPEN => opened("11.0"),
            // The first connection answers once and is gone.
            _ if connection == 0 => match one_cluster() {
                Does::Sends(bytes) => Does::Closes(bytes),
                other => other,
            },
            _ => one_cluster(),
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        for _ in 0..3 {
            clusters(&opened).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(server.messages(), [(0, 11), (1, 11), (1, 11)]);
    });
}

#[test]
fn a_wrong_password_is_sent_once_for_each_call() {
    run(async |context| {
        let server = play(|_, kind, payload| match (kind, payload.get(4)) {
            (packet::ENDPOINT_OPEN, _) => opened("11.0"),
            (_, Some(11)) => one_cluster(),
            _ => {
                let mut payload = Writer::new();
                payload.nullable_size(1).short(0).byte(packet::EXCEPTION);
                let text = "Администратор кластера не аутентифицирован";
                let refusal = Exception {
                    class: "v8.service.Admin.Cluster#Failure".into(),
                    text: text.into(),
                    ..Exception::default()
                };
                refusal.write(&mut payload);
                Does::Sends(packet::packet(packet::ENDPOINT_MESSAGE, payload.bytes()))
            }
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        let wrong = call(&["session", "list"], &[("cluster_user", "admin"), ("cluster_pwd", "not the password")]);
        for calls in 1..=3 {
            let error = fails(opened.run(wrong.clone())).await;
            assert_eq!(error.kind(), Kind::Auth, "{error}");
            assert_eq!(server.messages().iter().filter(|(_, id)| *id == 9).count(), calls);
        }
    });
}
