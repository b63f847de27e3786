//! Which version of the protocol is asked for, and which is taken.

use super::server::{Does, Played, message, one_cluster, opened, play, refused, void};
use super::{at, call, clusters, fails, open, rows, run};
use crate::services::rac::wire::packet;
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
        let server = knows(&["12.0", "15.0"], true).await;
        let error = fails(clusters(&open(&context, &[at(&server.address)]))).await;
        assert_eq!(error.code(), "rac.unknown_version");
        assert!(error.message().contains("it speaks 12.0, 15.0"), "{error}");
        assert!(error.hint_text().unwrap().contains("utility"));

        let server = play(|_, _, _| opened("13.0")).await;
        let error = fails(clusters(&open(&context, &[at(&server.address)]))).await;
        assert!(error.message().contains("it opened 13.0"), "{error}");
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
fn the_newest_is_wished_for_by_what_needs_it_and_asked_for_once() {
    run(async |context| {
        let server = play(|_, kind, payload| match kind {
            packet::ENDPOINT_OPEN if payload.ends_with(b"\x0416.0\x80") => refused("supported=[10.0, 11.0]"),
            packet::ENDPOINT_OPEN => opened("11.0"),
            _ => match payload[4] {
                9 => void(),
                11 => one_cluster(),
                _ => message(140, &[0]),
            },
        })
        .await;
        let opened = open(&context, &[at(&server.address)]);
        let settings = call(&["service-setting", "list"], &[("server", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")]);
        for _ in 0..2 {
            let error = fails(opened.run(settings.clone())).await;
            assert_eq!(error.code(), "rac.too_old", "{error}");
        }
        // The clusters were asked for on the first connection; the newest version was refused on the second.
        assert_eq!(server.versions(), ["11.0", "16.0", "11.0"]);
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
