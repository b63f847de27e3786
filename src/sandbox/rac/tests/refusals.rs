//! What the server refuses, and its words for it.

use super::super::row::{Cell, Row, shown};
use super::super::texts::Language;
use super::{Client, start};
use crate::services::rac::table::{CLUSTER, COUNTER, DIRECTORY, INFOBASE, LIMIT, PROFILE, RULE, SERVER, SETTING};

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = Cell::Id(client.cluster().await);
    let node = client.list(22, std::slice::from_ref(&cluster)).await[0].id("server");
    let no: Cell = [9; 16].into();
    let cases = [
        (20, vec![no.clone()], "#Failure", "Менеджер кластера с указанным идентификатором не найден"),
        (24, vec![no.clone()], "#Failure", "Рабочий сервер с указанным идентификатором не найден"),
        (28, vec![no.clone()], "#Failure", "Рабочий сервер с указанным идентификатором не найден"),
        (31, vec![no.clone()], "#Failure", "Рабочий процесс с указанным идентификатором не найден"),
        (46, vec![no.clone()], "#InfoBaseNotFound", "Информационная база с указанным идентификатором не найдена"),
        (48, vec![no.clone()], "#InfoBaseNotFound", "Информационная база с указанным идентификатором не найдена"),
        (52, vec![no.clone()], "#InfoBaseNotFound", "Информационная база с указанным идентификатором не найдена"),
        (67, vec![no.clone()], "#InfoBaseNotFound", "Информационная база с указанным идентификатором не найдена"),
        (74, vec![no.clone()], "#InfoBaseNotFound", "Информационная база с указанным идентификатором не найдена"),
        (54, vec![no.clone()], "#ConnectionNotFound", "Соединение с указанным идентификатором не найдено"),
        (69, vec![no.clone()], "#SessionNotFound", "Сеанс с указанным идентификатором не найден"),
        (71, vec![no.clone(), "".into()], "#SessionNotFound", "Сеанс с указанным идентификатором не найден"),
        (117, vec![no.clone(), "".into()], "#SessionNotFound", "Сеанс с указанным идентификатором не найден"),
        (120, vec!["x".into()], "#Failure", "Счетчик с указанным идентификатором не найден"),
        (123, vec!["x".into()], "#Failure", "Счетчик с указанным идентификатором не найден"),
        (126, vec!["x".into()], "#Failure", "Ограничение ресурсов с указанным идентификатором не найдено"),
        (129, vec!["x".into()], "#Failure", "Ограничение ресурсов с указанным идентификатором не найдено"),
        (92, vec!["x".into()], "#Failure", "Профиль безопасности с указанным именем не найден"),
        (93, vec!["x".into()], "#Failure", "Профиль безопасности с указанным именем не найден"),
        (96, vec!["Ограниченный".into(), "x".into()], "#Failure", "Объект x не найден в профиле безопасности"),
        (87, vec![node.into(), no.clone()], "#Failure", "Требование размещения с указанным идентификатором не найдено"),
        (84, vec![node.into(), no.clone()], "#Failure", "Требование размещения с указанным идентификатором не найдено"),
        (137, vec![node.into(), no.clone()], "#Failure", "Настройка сервиса с указанным идентификатором не найдена"),
    ];
    for (id, body, class, text) in cases {
        let body: Vec<Cell> = std::iter::once(cluster.clone()).chain(body).collect();
        client.ask(id, &body).await.refused(class, text);
    }
    let told = format!("Соединение {} не найдено", shown([9; 16]));
    client.ask(64, &[cluster, no.clone(), no]).await.refused("#ClientNotFound", &told);
    // The endpoint goes on.
    client.cluster().await;
}

/// A new record, as a client writes it.
fn written(row: Row) -> Cell {
    let bare = |cell| match cell {
        Cell::Secret(text) => Cell::Text(text),
        cell => cell,
    };
    Cell::Row(Row { record: row.record, cells: row.cells.into_iter().map(bare).collect() })
}

fn base(name: &str, host: &str, database: &str) -> Cell {
    let row = Row::new(&INFOBASE).with("name", name).with("dbms", "PostgreSQL");
    written(row.with("db-server", host).with("db-name", database).with("locale", "ru_RU"))
}

#[tokio::test]
async fn an_infobase_is_not_made_of_what_is_missing_or_taken() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    let cases = [
        (base("зуп", "db1", "new"), "Информационная база зуп уже зарегистрирована в кластере серверов 1С:Предприятия"),
        (base("Новая", "db1", "absent"), "База данных absent не найдена в сервере баз данных"),
        (
            base("Новая", "nowhere", "new"),
            "Ошибка при выполнении операции с информационной базой\nСервер баз данных не обнаружен\nnowhere",
        ),
        (base("", "db1", "new"), "Не указано имя"),
    ];
    for (row, text) in cases {
        client.ask(37, &[cluster.into(), row, 0.into()]).await.refused("#Failure", text);
    }
    let (_, text) = client.ask(37, &[cluster.into(), base("Новая", "db1", ""), 1.into()]).await.exception();
    assert_eq!(text.lines().count(), 3);
    assert!(text.contains("Неверные или отсутствующие параметры соединения"));
    // A database that stays is found again, one that was dropped is not.
    let first = client.ask(37, &[cluster.into(), base("Новая", "db1", "new"), 1.into()]).await.id();
    client.ask(41, &[cluster.into(), first.into(), 0.into()]).await.void();
    let second = client.ask(37, &[cluster.into(), base("Новая", "DB1", "new"), 0.into()]).await.id();
    client.ask(41, &[cluster.into(), second.into(), 1.into()]).await.void();
    client.ask(37, &[cluster.into(), base("Новая", "db1", "new"), 0.into()]).await.exception();
}

#[tokio::test]
async fn a_server_is_not_put_where_it_cannot_be() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let place = |host: &str, port: i64, ports: (u16, u16)| {
        Cell::Row(Row::new(&SERVER).with("agent-host", host).with("agent-port", port).with("port-range", vec![ports]))
    };
    for (row, text) in [
        (place("srv1", 1540, (2560, 2591)), "Рабочий сервер уже зарегистрирован в кластере"),
        (place("srv3", 1540, (1591, 1560)), "Левая граница диапазона IP портов больше правой"),
        (place("srv1", 1640, (1591, 1600)), "Запуск рабочего процесса не возможен из-за конфликта IP портов"),
        (place("nowhere", 1540, (1560, 1591)), "Компьютер отсутствует в сети или недоступен"),
    ] {
        client.ask(26, &[cluster.into(), row, false.into()]).await.refused("#Failure", text);
    }
    let servers = client.list(22, &[cluster.into()]).await;
    let central = client.ask(28, &[cluster.into(), servers[0].id("server").into()]).await;
    central.refused("#Failure", "Рабочий сервер является центральным. Удаление невозможно");
    let mut wrong = servers[1].clone();
    wrong.set("port-range", vec![(9, 8)]);
    let reversed = client.ask(26, &[cluster.into(), Cell::Row(wrong), false.into()]).await;
    reversed.refused("#Failure", "Левая граница диапазона IP портов больше правой");
    let there = Cell::Row(Row::new(&CLUSTER).with("host", "srv1").with("port", 1541).with("name", "Ещё один"));
    client
        .ask(15, &[there])
        .await
        .refused("#Failure", "Запуск рабочего процесса не возможен из-за конфликта IP портов");
}

#[tokio::test]
async fn what_has_no_name_is_not_kept() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let node = client.list(22, &[cluster.into()]).await[0].id("server");
    let bare = |record| Cell::Row(Row::new(record));
    for (id, body) in [
        (91, vec![bare(&PROFILE)]),
        (122, vec![bare(&COUNTER)]),
        (128, vec![bare(&LIMIT)]),
        (95, vec![Cell::Row(Row::new(&DIRECTORY).with("profile", "Ограниченный"))]),
        (141, vec![node.into(), bare(&SETTING)]),
    ] {
        let body: Vec<Cell> = std::iter::once(cluster.into()).chain(body).collect();
        client.ask(id, &body).await.refused("#Failure", "Не указано имя");
    }
    let rule = Cell::Row(Row::new(&RULE).with("rule", [5; 16]));
    let text = "Требование размещения с указанным идентификатором не найдено";
    client.ask(82, &[cluster.into(), node.into(), rule, 0.into()]).await.refused("#Failure", text);
}

#[tokio::test]
async fn the_server_has_a_language() {
    let server = start(|knobs| knobs.language = Language::En).await;
    let mut client = Client::open(&server, 11).await;
    let said = client.ask(13, &[[1; 16].into()]).await;
    said.refused("#ClusterNotFound", "Cluster with the specified identifier is not found");
    server.set_knobs(super::Knobs { language: Language::Ru, ..server.knobs() });
    let said = client.ask(13, &[[1; 16].into()]).await;
    said.refused("#ClusterNotFound", "Кластер с указанным идентификатором не найден");
}

#[test]
fn every_refusal_has_words_in_both_languages() {
    use super::super::texts::Fail;
    let name = || "x".to_owned();
    let all = [
        Fail::NoCluster,
        Fail::NoManager,
        Fail::NoServer,
        Fail::NoProcess,
        Fail::NoInfobase,
        Fail::NoSession,
        Fail::NoConnection,
        Fail::NoClient([1; 16]),
        Fail::NoRule,
        Fail::NoCounter,
        Fail::NoLimit,
        Fail::NoProfile,
        Fail::NoSetting,
        Fail::NoSuchSetting,
        Fail::NoAdmin,
        Fail::NotListed(name()),
        Fail::ClusterAdmin,
        Fail::AgentAdmin,
        Fail::Rights(name()),
        Fail::LastAdmin,
        Fail::NameTaken(name()),
        Fail::NoDatabase(name()),
        Fail::NoDatabaseServer(name()),
        Fail::BadDatabase("x"),
        Fail::ServerTaken,
        Fail::ServerCentral,
        Fail::PortsReversed,
        Fail::PortsTaken,
        Fail::NoHost,
        Fail::NoName,
        Fail::Unknown(1),
        Fail::Cut,
        Fail::NotText,
    ];
    for fail in all {
        let [russian, english] = [Language::Ru, Language::En].map(|language| fail.text(language));
        assert!(!russian.is_empty() && !english.is_empty() && russian != english, "{fail:?}");
    }
}
