//! What is done is seen by the next who looks.

use std::time::Duration;

use super::super::row::{Cell, NIL, Row};
use super::{Client, start};
use crate::services::rac::table::{
    CLUSTER, COUNTER, DIRECTORY, INFOBASE, LIMIT, MESSAGES, PROFILE, RULE, Reply, SERVER, SETTING, Wire,
};

#[tokio::test]
async fn every_message_of_the_table_is_carried_out() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    for message in MESSAGES {
        let cells = message.body.iter().map(|slot| match slot.wire {
            Wire::Uuid if slot.name == "cluster" => cluster.into(),
            _ => match super::super::row::Cell::first(slot) {
                Cell::Secret(text) => Cell::Text(text),
                cell => cell,
            },
        });
        let cells: Vec<Cell> = cells.collect();
        match client.ask(message.id, &cells).await {
            super::Said::Exception(class, text) => {
                assert!(!text.contains("Неизвестный тип") && class.starts_with('#'), "{}: {text}", message.name);
            }
            super::Said::Void => assert!(matches!(message.reply, Reply::Void), "{}", message.name),
            super::Said::Message(..) => {}
        }
        if message.name == "remove cluster" {
            break;
        }
    }
    // The cluster is gone now; the rest is asked of another world.
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    for message in MESSAGES.iter().filter(|message| message.id > 17) {
        let cells = message.body.iter().map(|slot| match slot.name {
            "cluster" => cluster.into(),
            _ => Cell::first(slot),
        });
        let cells: Vec<Cell> = cells.collect();
        if let super::Said::Exception(_, text) = client.ask(message.id, &cells).await {
            assert!(!text.contains("Неизвестный тип"), "{}: {text}", message.name);
        }
    }
}

#[tokio::test]
async fn a_session_goes_with_its_connection_and_its_locks() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let all = client.sessions(cluster).await;
    let connections = client.list(50, &[cluster.into()]).await.len();
    let locks = client.list(72, &[cluster.into()]).await.len();
    let gone = all.iter().find(|row| row.id("connection") != NIL && row.int("session-id") > 3).unwrap();
    let (id, connection) = (gone.id("session"), gone.id("connection"));
    let held = client.list(78, &[cluster.into(), gone.id("infobase").into(), id.into()]).await.len();
    assert!(held > 0);
    client.ask(71, &[cluster.into(), id.into(), "Пора".into()]).await.void();
    assert_eq!(client.sessions(cluster).await.len(), all.len() - 1);
    assert_eq!(client.list(50, &[cluster.into()]).await.len(), connections - 1);
    assert_eq!(client.list(72, &[cluster.into()]).await.len(), locks - held);
    assert_eq!(client.ask(71, &[cluster.into(), id.into(), "".into()]).await.exception().0, "#SessionNotFound");
    assert_eq!(client.ask(54, &[cluster.into(), connection.into()]).await.exception().0, "#ConnectionNotFound");
    // A connection that is cut takes its session along.
    let other = all.iter().find(|row| row.id("connection") != NIL && row.id("session") != id).unwrap();
    let cut = [cluster.into(), other.id("process").into(), other.id("connection").into()];
    client.ask(64, &cut).await.void();
    assert_eq!(client.sessions(cluster).await.len(), all.len() - 2);
    assert_eq!(client.ask(69, &[cluster.into(), other.id("session").into()]).await.exception().0, "#SessionNotFound");
    assert_eq!(client.ask(64, &cut).await.exception().0, "#ClientNotFound");
}

#[tokio::test]
async fn a_call_that_is_interrupted_ends() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let sessions = client.sessions(cluster).await;
    let busy = sessions.iter().find(|row| row.int("duration-current") > 0).unwrap();
    let id = busy.id("session");
    tokio::time::sleep(Duration::from_millis(30)).await;
    let later = client.info(69, &[cluster.into(), id.into()]).await;
    assert!(later.int("duration-current") >= busy.int("duration-current") + 30);
    client.ask(117, &[cluster.into(), id.into(), "Стоп".into()]).await.void();
    let after = client.info(69, &[cluster.into(), id.into()]).await;
    assert_eq!((after.int("duration-current"), after.int("memory-current")), (0, 0));
    assert!(after.int("duration-all") >= busy.int("duration-current"));
    // Nothing runs: that is no fault.
    client.ask(117, &[cluster.into(), id.into(), "".into()]).await.void();
}

#[tokio::test]
async fn a_session_takes_its_time_to_go_when_told_so() {
    let server = start(|knobs| knobs.leaving_ms = 60).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let id = client.sessions(cluster).await[0].id("session");
    client.ask(71, &[cluster.into(), id.into(), "".into()]).await.void();
    client.ask(71, &[cluster.into(), id.into(), "".into()]).await.void();
    client.info(69, &[cluster.into(), id.into()]).await;
    tokio::time::sleep(Duration::from_millis(90)).await;
    assert_eq!(client.ask(69, &[cluster.into(), id.into()]).await.exception().0, "#SessionNotFound");
}

#[tokio::test]
async fn what_the_version_of_a_writer_does_not_carry_becomes_what_a_new_record_holds() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let row = client.info(13, &[cluster.into()]).await;
    let row = row.with("ping-period", 5000).with("restart-schedule", "0 3 * * 6");
    assert_eq!(client.ask(15, &[Cell::Row(row)]).await.id(), cluster);
    assert_eq!(client.info(13, &[cluster.into()]).await.text("restart-schedule"), "0 3 * * 6");
    client.endpoint(9).await;
    let row = client.info(13, &[cluster.into()]).await.with("name", "Другое имя").with("lifetime-limit", 3600);
    assert_eq!(client.ask(15, &[Cell::Row(row)]).await.id(), cluster);
    client.endpoint(16).await;
    let row = client.info(13, &[cluster.into()]).await;
    assert_eq!((row.text("name"), row.int("lifetime-limit")), ("Другое имя", 3600));
    assert_eq!((row.int("ping-period"), row.text("restart-schedule")), (-1, ""));
}

#[tokio::test]
async fn clusters_and_servers_come_and_go() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let first = client.cluster().await;
    let row = Row::new(&CLUSTER).with("host", "srv1").with("port", 2541).with("name", "Второй").with("ping-period", 7);
    let second = client.ask(15, &[Cell::Row(row)]).await.id();
    assert_eq!(client.list(11, &[]).await.len(), 2);
    assert_eq!(client.info(13, &[second.into()]).await.int("ping-period"), 7);
    for id in [18, 22, 29] {
        assert_eq!(client.list(id, &[second.into()]).await.len(), 1);
    }
    client.ask(17, &[second.into()]).await.void();
    assert_eq!(client.ask(13, &[second.into()]).await.exception().0, "#ClusterNotFound");
    let row =
        Row::new(&SERVER).with("agent-host", "srv3").with("port-range", vec![(1560, 1591)]).with("name", "Третий");
    let third = client.ask(26, &[first.into(), Cell::Row(row), true.into()]).await.id();
    let seen = client.info(24, &[first.into(), third.into()]).await;
    assert_eq!((seen.text("name"), seen.int("agent-port")), ("Третий", 1540));
    assert_eq!(client.list(33, &[first.into(), third.into()]).await.len(), 1);
    let rules = client.list(85, &[first.into(), third.into()]).await;
    assert_eq!(rules[0].int("rule-type"), 0);
    // The second server goes: those who worked there go on elsewhere.
    let node = client.list(22, &[first.into()]).await[1].id("server");
    let gone: Vec<Cell> =
        client.list(33, &[first.into(), node.into()]).await.iter().map(|row| row.cells[0].clone()).collect();
    client.ask(28, &[first.into(), node.into()]).await.void();
    let connections = client.list(50, &[first.into()]).await;
    assert!(connections.iter().all(|row| !gone.contains(&row.id("process").into())));
    assert_eq!(
        client.list(29, &[first.into()]).await.iter().map(|row| row.int("connections")).sum::<i64>(),
        connections.len() as i64
    );
}

#[tokio::test]
async fn an_infobase_is_made_changed_and_dropped_with_its_sessions() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let mut row = Row::new(&INFOBASE).with("name", "Новая").with("dbms", "MSSQLServer").with("db-server", "db2");
    row = row.with("db-name", "new").with("db-user", "sa");
    row.cells = row.cells.into_iter().map(|cell| if let Cell::Secret(_) = cell { "p".into() } else { cell }).collect();
    let id = client.ask(37, &[cluster.into(), Cell::Row(row), 1.into()]).await.id();
    assert_eq!(client.info(46, &[cluster.into(), id.into()]).await.text("name"), "Новая");
    client.ask(39, &[cluster.into(), id.into(), "Описание: \"новое\"".into(), "".into()]).await.void();
    let mut row = client.info(48, &[cluster.into(), id.into()]).await;
    assert_eq!((row.text("descr"), row.text("name")), ("Описание: \"новое\"", "Новая"));
    row.set("sessions-deny", true);
    row.set("permission-code", "код");
    client.ask(40, &[cluster.into(), Cell::Row(row)]).await.void();
    assert_eq!(client.info(48, &[cluster.into(), id.into()]).await.text("permission-code"), "код");
    let busy = client.list(42, &[cluster.into()]).await[0].id("infobase");
    let all = client.sessions(cluster).await.len();
    let its = client.list(67, &[cluster.into(), busy.into()]).await.len();
    assert!(its > 5);
    client.ask(41, &[cluster.into(), busy.into(), 1.into()]).await.void();
    assert_eq!(client.sessions(cluster).await.len(), all - its);
    assert!(client.list(50, &[cluster.into()]).await.iter().all(|row| row.id("infobase") != busy));
    assert_eq!(client.ask(74, &[cluster.into(), busy.into()]).await.exception().0, "#InfoBaseNotFound");
}

#[tokio::test]
async fn rules_stand_where_they_are_put() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let node = client.list(22, &[cluster.into()]).await[0].id("server");
    // All as a client that was told nothing writes it: the bytes were recorded.
    let body = [&cluster[..], &node, &NIL, &[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    let first = client.bytes(82, &body).await.id();
    let put = |row: Row, at: i64| vec![cluster.into(), node.into(), Cell::Row(row), at.into()];
    let second = client.ask(82, &put(Row::new(&RULE).with("object-type", "JobService"), 0)).await.id();
    let ids = |rows: Vec<Row>| rows.iter().map(|row| row.id("rule")).collect::<Vec<_>>();
    assert_eq!(ids(client.list(85, &[cluster.into(), node.into()]).await), [second, first]);
    let row = client.info(87, &[cluster.into(), node.into(), second.into()]).await.with("priority", 5);
    assert_eq!(client.ask(82, &put(row, 99)).await.id(), second);
    assert_eq!(ids(client.list(85, &[cluster.into(), node.into()]).await), [first, second]);
    assert_eq!(client.info(87, &[cluster.into(), node.into(), second.into()]).await.int("priority"), 5);
    client.ask(81, &[cluster.into(), 1.into()]).await.void();
    client.ask(84, &[cluster.into(), node.into(), first.into()]).await.void();
    assert_eq!(ids(client.list(85, &[cluster.into(), node.into()]).await), [second]);
}

#[tokio::test]
async fn profiles_and_their_lists_are_kept_by_name() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let profile = |descr: &str| Cell::Row(Row::new(&PROFILE).with("name", "Новый").with("descr", descr));
    client.ask(91, &[cluster.into(), profile("один")]).await.void();
    client.ask(91, &[cluster.into(), profile("два")]).await.void();
    let profiles = client.list(89, &[cluster.into()]).await;
    assert_eq!((profiles.len(), profiles[1].text("descr")), (2, "два"));
    let directory = Row::new(&DIRECTORY).with("profile", "Новый").with("alias", "/tmp").with("allowedRead", true);
    client.ask(95, &[cluster.into(), Cell::Row(directory.clone())]).await.void();
    client.ask(95, &[cluster.into(), Cell::Row(directory.with("allowedWrite", true))]).await.void();
    let listed = client.list(93, &[cluster.into(), "Новый".into()]).await;
    assert_eq!((listed.len(), listed[0].int("allowedWrite")), (1, 1));
    for id in [93, 97, 101, 105, 109, 113] {
        assert_eq!(client.list(id, &[cluster.into(), "Ограниченный".into()]).await.len(), 1);
    }
    client.ask(96, &[cluster.into(), "Новый".into(), "/tmp".into()]).await.void();
    assert!(client.list(93, &[cluster.into(), "Новый".into()]).await.is_empty());
    client.ask(92, &[cluster.into(), "Новый".into()]).await.void();
    assert_eq!(client.list(89, &[cluster.into()]).await.len(), 1);
}

#[tokio::test]
async fn counters_count_and_limits_are_kept() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let counter =
        Row::new(&COUNTER).with("name", "c").with("number-of-sessions", 1).with("filter", "infobase=ЗУП|infobase=УТ");
    client.ask(122, &[cluster.into(), Cell::Row(counter)]).await.void();
    let of = |filter: &str| vec![cluster.into(), "c".into(), filter.into()];
    let values = client.list(130, &of("")).await;
    let bases = client.list(42, &[cluster.into()]).await;
    let mut wanted = 0;
    for base in bases.iter().filter(|base| ["ЗУП", "УТ"].contains(&base.text("name"))) {
        wanted += client.list(67, &[cluster.into(), base.id("infobase").into()]).await.len() as i64;
    }
    assert_eq!(values.iter().map(|row| row.int("number-of-sessions")).sum::<i64>(), wanted);
    assert!(values.iter().all(|row| row.int("duration") == 0 && row.text("object").contains(";userName=")));
    assert!(client.list(130, &of("infobase=УТ")).await.len() < values.len());
    client.ask(132, &of("infobase=УТ")).await.void();
    assert!(client.list(130, &of("infobase=УТ")).await.is_empty());
    assert!(!client.list(133, &of("infobase=ЗУП")).await.is_empty());
    client.ask(123, &[cluster.into(), "c".into()]).await.void();
    client.ask(120, &[cluster.into(), "c".into()]).await.exception();
    let limit = Row::new(&LIMIT).with("name", "l").with("counter", "memory").with("action", 3).with("memory", 1 << 40);
    client.ask(128, &[cluster.into(), Cell::Row(limit.clone())]).await.void();
    assert_eq!(client.info(126, &[cluster.into(), "l".into()]).await, limit);
    client.ask(129, &[cluster.into(), "l".into()]).await.void();
    assert_eq!(client.list(124, &[cluster.into()]).await.len(), 1);
}

#[tokio::test]
async fn settings_of_services_hold_when_they_are_applied() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let node = client.list(22, &[cluster.into()]).await[0].id("server");
    let row = Row::new(&SETTING).with("service-name", "JobService").with("service-data-dir", "\\srv\\jobs");
    let id = client.ask(141, &[cluster.into(), node.into(), Cell::Row(row)]).await.id();
    let row = client.info(137, &[cluster.into(), node.into(), id.into()]).await;
    assert_eq!((row.text("service-data-dir"), row.int("active")), ("/srv/jobs/", 0));
    let moves = client.list(145, &[cluster.into(), node.into(), "".into()]).await;
    assert_eq!((moves.len(), moves[0].text("target")), (1, "/srv/jobs/"));
    assert_eq!(client.info(147, &[cluster.into(), node.into(), "JobService".into(), "".into()]).await, row);
    let other = client.ask(147, &[cluster.into(), node.into(), "JobService".into(), "x".into()]).await;
    other.refused("#Failure", "Настройка сервиса с указанными параметрами не найдена");
    assert!(client.list(145, &[cluster.into(), node.into(), "EventLogService".into()]).await.is_empty());
    client.ask(144, &[cluster.into(), node.into()]).await.void();
    assert_eq!(client.info(137, &[cluster.into(), node.into(), id.into()]).await.int("active"), 1);
    assert_eq!(client.ask(141, &[cluster.into(), node.into(), Cell::Row(row)]).await.id(), id);
    client.ask(143, &[cluster.into(), node.into(), id.into()]).await.void();
    assert_eq!(client.list(139, &[cluster.into(), node.into()]).await.len(), 1);
}

#[tokio::test]
async fn newcomers_come_where_they_are_let_in() {
    let server = start(|knobs| (knobs.infobases, knobs.sessions) = (1, 0)).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    server.set_knobs(super::Knobs { newcomers_per_second: 200.0, ..server.knobs() });
    client.sessions(cluster).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(client.sessions(cluster).await.len() > 5);
    let base = client.list(42, &[cluster.into()]).await[0].id("infobase");
    let row = client.info(48, &[cluster.into(), base.into()]).await;
    let closed = row.clone().with("sessions-deny", true).with("permission-code", "код");
    client.ask(40, &[cluster.into(), Cell::Row(closed.clone())]).await.void();
    let before = client.sessions(cluster).await.len();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(client.sessions(cluster).await.len(), before);
    assert!(server.counters().kept_out > 5);
    // The time of the lock is over; and who knows the code comes in at any time.
    let over = closed.with("denied-to", super::super::chance::ticks(1_000_000));
    client.ask(40, &[cluster.into(), Cell::Row(over.clone())]).await.void();
    tokio::time::sleep(Duration::from_millis(60)).await;
    let open = client.sessions(cluster).await.len();
    assert!(open > before);
    client.ask(40, &[cluster.into(), Cell::Row(over.with("denied-to", 0))]).await.void();
    server.set_knobs(super::Knobs { newcomers_code: "код".into(), ..server.knobs() });
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(client.sessions(cluster).await.len() > open);
}

#[tokio::test]
async fn work_on_a_storage_is_asked_after_until_it_is_done() {
    let server = start(|knobs| knobs.storage_ms = 40).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let base = client.list(42, &[cluster.into()]).await[0].id("infobase");
    let storages = client.list(153, &[cluster.into(), base.into()]).await;
    assert_eq!((storages[0].id("storage"), storages[1].text("name")), (NIL, "Файлы"));
    let work = |storage: [u8; 16], kind: i64, argument: &str| {
        vec![cluster.into(), base.into(), storage.into(), 0.into(), kind.into(), argument.into()]
    };
    let missing = client.ask(161, &work(NIL, 2, "/copies/full")).await;
    missing.refused("#Failure", "Резервная копия /copies/full не найдена");
    let id = client.ask(161, &work(NIL, 1, "/copies/full")).await.id();
    assert_eq!(client.ask(163, &[cluster.into(), base.into(), id.into()]).await.body(), [0]);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(client.ask(163, &[cluster.into(), base.into(), id.into()]).await.body(), [1]);
    client.ask(161, &work(storages[1].id("storage"), 1, "/copies/full\n/copies/diff")).await.id();
    client.ask(161, &work(NIL, 2, "/copies/full\n/copies/diff")).await.id();
    client.ask(161, &work(NIL, 0, "638396640000000")).await.id();
    client.ask(161, &work([3; 16], 0, "")).await.exception();
}

#[tokio::test]
async fn a_process_is_turned_off() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let process = client.list(29, &[cluster.into()]).await[1].id("process");
    let before = client.list(29, &[cluster.into()]).await;
    client.ask(165, &[cluster.into(), process.into()]).await.void();
    assert_eq!(client.info(31, &[cluster.into(), process.into()]).await.int("is-enable"), 0);
    // Another has begun in its place, on a port of its own.
    let after = client.list(29, &[cluster.into()]).await;
    let place = |row: &Row| (row.text("host").to_owned(), row.int("port"));
    assert_eq!(after.len(), before.len() + 1);
    assert!(!before.iter().any(|row| place(row) == place(&after[4])));
    // It goes with its last connection.
    let connections = client.list(50, &[cluster.into()]).await;
    for row in connections.iter().filter(|row| row.id("process") == process) {
        client.ask(64, &[cluster.into(), process.into(), row.id("connection").into()]).await.void();
    }
    assert_eq!(client.list(29, &[cluster.into()]).await.len(), before.len());
    // Nobody says that there is no such process.
    client.ask(165, &[cluster.into(), [3; 16].into()]).await.void();
}

#[tokio::test]
async fn a_process_that_is_turned_off_goes_when_the_cluster_waits_no_longer() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let row = client.info(13, &[cluster.into()]).await.with("expiration-timeout", 0);
    client.ask(15, &[Cell::Row(row)]).await.id();
    let process = client.list(29, &[cluster.into()]).await[0].id("process");
    client.ask(165, &[cluster.into(), process.into()]).await.void();
    assert!(client.list(29, &[cluster.into()]).await.iter().all(|row| row.id("process") != process));
    // Nobody was thrown out.
    let connections = client.list(50, &[cluster.into()]).await;
    assert_eq!(connections.len(), 47);
    assert!(connections.iter().all(|row| row.id("process") != process));
}

#[tokio::test]
async fn infobases_are_told_in_full_at_once() {
    let server = start(|knobs| knobs.infobase_user = "ib:pass".into()).await;
    let mut client = Client::open(&server, 12).await;
    let cluster = client.cluster().await;
    let refused = client.ask(44, &[cluster.into()]).await;
    refused.refused("#Rights", "Недостаточно прав пользователя на информационную базу Бухгалтерия");
    client.ask(10, &[cluster.into(), "ib".into(), "pass".into()]).await.void();
    for row in client.list(44, &[cluster.into()]).await {
        assert_eq!(client.info(48, &[cluster.into(), row.id("infobase").into()]).await, row);
    }
}

#[tokio::test]
async fn nobodys_locks_are_everybodys() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let all = client.list(72, &[cluster.into()]).await;
    assert_eq!(client.list(78, &[cluster.into(), NIL.into(), NIL.into()]).await, all);
}
