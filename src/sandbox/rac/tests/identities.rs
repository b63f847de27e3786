//! Who may do what: administrators of the agent and of clusters, users of infobases.

use super::super::row::{Cell, MARK, Row};
use super::{Client, start};
use crate::services::rac::table::{INFOBASE, USER};

const NO_CLUSTER_ADMIN: &str = "Ошибка операции администрирования\nАдминистратор кластера не аутентифицирован";
const NO_AGENT_ADMIN: &str =
    "Ошибка операции администрирования\nАдминистратор центрального сервера не аутентифицирован";

fn user(name: &str, password: &str) -> Cell {
    let row = Row { record: &USER, cells: plain(Row::new(&USER)) };
    Cell::Row(row.with("name", name).with("pwd", password))
}

/// As a client writes it: passwords in clear text.
fn plain(row: Row) -> Vec<Cell> {
    let bare = |cell| match cell {
        Cell::Secret(text) => Cell::Text(text),
        cell => cell,
    };
    row.cells.into_iter().map(bare).collect()
}

#[tokio::test]
async fn a_cluster_with_an_administrator_wants_credentials_for_everything_in_it() {
    let server = start(|knobs| knobs.cluster_admin = "adm:пароль".into()).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    client.info(13, &[cluster.into()]).await;
    client.ask(135, &[]).await.body();
    for id in [2, 18, 22, 29, 35, 42, 50, 65, 72, 89, 118, 124, 17] {
        client.ask(id, &[cluster.into()]).await.refused("#Failure", NO_CLUSTER_ADMIN);
    }
    for (name, password) in [("adm", "wrong"), ("", ""), ("other", "пароль")] {
        client.ask(9, &[cluster.into(), name.into(), password.into()]).await.refused("#Failure", NO_CLUSTER_ADMIN);
        client.ask(65, &[cluster.into()]).await.refused("#Failure", NO_CLUSTER_ADMIN);
    }
    client.ask(9, &[cluster.into(), "adm".into(), "пароль".into()]).await.void();
    assert_eq!(client.sessions(cluster).await.len(), 60);
    // Another endpoint is somebody else.
    client.endpoint(11).await;
    client.ask(65, &[cluster.into()]).await.refused("#Failure", NO_CLUSTER_ADMIN);
    client.endpoint = 1;
    // And who then says something wrong is nobody.
    client.ask(9, &[cluster.into(), "adm".into(), "".into()]).await.exception();
    client.ask(65, &[cluster.into()]).await.refused("#Failure", NO_CLUSTER_ADMIN);
    assert_eq!(server.counters().authentications, 5);
    let missing = client.ask(9, &[[1; 16].into(), "adm".into(), "пароль".into()]).await;
    missing.refused("#ClusterNotFound", "Кластер с указанным идентификатором не найден");
}

#[tokio::test]
async fn administrators_are_registered_and_removed_and_their_passwords_not_told() {
    let server = start(|_| {}).await;
    let mut client = Client::open(&server, 11).await;
    let cluster = client.cluster().await;
    client.ask(5, &[cluster.into(), user("adm", "one")]).await.void();
    client.ask(65, &[cluster.into()]).await.refused("#Failure", NO_CLUSTER_ADMIN);
    client.ask(9, &[cluster.into(), "adm".into(), "one".into()]).await.void();
    let admins = client.list(2, &[cluster.into()]).await;
    assert_eq!((admins[0].text("name"), admins[0].text("pwd")), ("adm", MARK));
    // The mark sent back leaves the password as it was.
    client.ask(5, &[cluster.into(), user("adm", MARK)]).await.void();
    client.ask(9, &[cluster.into(), "adm".into(), "one".into()]).await.void();
    // The same name in other letters is the same administrator.
    client.ask(5, &[cluster.into(), user("Adm", MARK)]).await.void();
    assert_eq!(client.list(2, &[cluster.into()]).await.len(), 1);
    client.ask(9, &[cluster.into(), "ADM".into(), "one".into()]).await.void();
    let system = plain(Row::new(&USER).with("name", "os").with("os-user", "\\\\host\\user"));
    let mut system = Row { record: &USER, cells: system };
    system.cells[3] = Cell::Auth(false, true);
    client.ask(5, &[cluster.into(), Cell::Row(system.clone())]).await.void();
    let last = "В кластере не остается ни одного администратора с разрешенной аутентификацией паролем";
    client.ask(7, &[cluster.into(), "adm".into()]).await.refused("#Failure", last);
    let unknown = client.ask(7, &[cluster.into(), "nobody".into()]).await;
    unknown.refused("#Failure", "Администратор кластера серверов 1С:Предприятия не найден");
    client.ask(7, &[cluster.into(), "os".into()]).await.void();
    client.ask(7, &[cluster.into(), "adm".into()]).await.void();
    assert!(client.list(2, &[cluster.into()]).await.is_empty());
    // The first one has to have a password.
    client.ask(5, &[cluster.into(), Cell::Row(system)]).await.refused("#Failure", last);
}

#[tokio::test]
async fn the_agent_has_administrators_of_its_own() {
    let server = start(|knobs| knobs.agent_admin = "agent:secret".into()).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let row = Cell::Row(client.info(13, &[cluster.into()]).await);
    for (id, body) in [
        (0, vec![]),
        (4, vec![user("x", "y")]),
        (6, vec!["agent".into()]),
        (15, vec![row.clone()]),
        (5, vec![cluster.into(), user("x", "y")]),
    ] {
        client.ask(id, &body).await.refused("#Failure", NO_AGENT_ADMIN);
    }
    client.ask(8, &["agent".into(), "wrong".into()]).await.refused("#Failure", NO_AGENT_ADMIN);
    client.ask(8, &["agent".into(), "secret".into()]).await.void();
    assert_eq!(client.list(0, &[]).await.len(), 1);
    assert_eq!(client.ask(15, &[row]).await.id(), cluster);
    client.ask(4, &[user("second", "p")]).await.void();
    client.ask(6, &["agent".into()]).await.void();
    // Who has just gone may do nothing more.
    client.ask(0, &[]).await.refused("#Failure", NO_AGENT_ADMIN);
}

#[tokio::test]
async fn a_wrong_user_of_an_infobase_shows_at_the_operation() {
    let server = start(|knobs| knobs.infobase_user = "ib:pass".into()).await;
    let mut client = Client::open(&server, 10).await;
    let cluster = client.cluster().await;
    let base = client.list(42, &[cluster.into()]).await[0].id("infobase");
    let no_rights = "Недостаточно прав пользователя на информационную базу Бухгалтерия";
    client.ask(48, &[cluster.into(), base.into()]).await.refused("#Rights", no_rights);
    client.ask(10, &[cluster.into(), "ib".into(), "wrong".into()]).await.void();
    client.ask(48, &[cluster.into(), base.into()]).await.refused("#Rights", no_rights);
    client.ask(41, &[cluster.into(), base.into(), 0.into()]).await.refused("#Rights", no_rights);
    let connections = client.list(52, &[cluster.into(), base.into()]).await;
    let (process, connection) = (connections[0].id("process"), connections[0].id("connection"));
    let cut = [cluster.into(), process.into(), connection.into()];
    client.ask(64, &cut).await.refused("#Rights", no_rights);
    client.ask(10, &[cluster.into(), "ib".into(), "pass".into()]).await.void();
    let row = client.info(48, &[cluster.into(), base.into()]).await;
    assert_eq!(row.text("db-pwd"), MARK);
    assert!(std::ptr::eq(row.record, &INFOBASE));
    client.ask(40, &[cluster.into(), Cell::Row(row)]).await.void();
    client.ask(64, &cut).await.void();
    assert_eq!(server.sim.world().clusters[0].infobases[0].text("db-pwd"), "dbsecret");
}
