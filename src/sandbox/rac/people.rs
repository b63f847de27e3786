//! Sessions as users begin them: their applications, what they do, what they hold.

use super::chance::{Chance, ticks};
use super::row::{Id, NIL, Row};
use super::session::Session;
use super::words;
use super::world::{Cluster, Lock, own_id};
use crate::services::rac::table::{CONNECTION, LICENSE, LOCK, SESSION};

/// What a session is at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// A short call now and then.
    Working,
    /// One call for many minutes.
    Calling,
    /// Nothing for a while; the connection was given back.
    Resting,
    Asleep,
    /// A call that holds much memory.
    Hungry,
}

/// A user begins to work in an infobase.
pub fn arrive(cluster: &mut Cluster, chance: &mut Chance, base: &Row, now: i64) {
    let app = chance.word(words::APPLICATIONS);
    begin(cluster, chance, base, (app, State::Working), now, now);
}

/// A session that began at this moment and is in this state now.
pub fn begin(
    cluster: &mut Cluster,
    chance: &mut Chance,
    base: &Row,
    (app, state): (&'static str, State),
    began: i64,
    now: i64,
) {
    cluster.numbers.0 += 1;
    let number = cluster.numbers.0;
    let id = chance.id();
    let host = match app {
        "BackgroundJob" | "WSConnection" | "HTTPServiceConnection" | "WebClient" => cluster.row.text("host").to_owned(),
        _ => format!("pc-{:03}", chance.between(1, 200)),
    };
    let user = match app {
        "BackgroundJob" => "",
        "WSConnection" | "HTTPServiceConnection" => "ОбменДанными",
        "Designer" => "Администратор",
        _ => chance.word(words::USERS),
    };
    let address = format!("10.0.{}.{}", chance.between(0, 4), chance.between(2, 250));
    let mut row = Row::new(&SESSION)
        .with("session", id)
        .with("session-id", number)
        .with("infobase", own_id(base))
        .with("app-id", app)
        .with("user-name", user)
        .with("host", host.as_str())
        .with("locale", if app == "BackgroundJob" { "" } else { "ru" })
        .with("started-at", ticks(began))
        .with("last-active-at", ticks(now))
        .with("passive-session-hibernate-time", 1200)
        .with("hibernate-session-terminate-time", 86400)
        .with("data-separation", "''")
        .with("client-ip", address);
    if !matches!(app, "BackgroundJob" | "Designer") {
        row.set("licenses", vec![license(cluster, chance, number)]);
    }
    past(&mut row, chance, now - began);
    let mut session = Session::new(row, now);
    act(&mut session, chance, state, began, now);
    if !matches!(state, State::Resting | State::Asleep) {
        session.connection = connect(cluster, chance, &mut session.row, base, began);
    }
    cluster.sessions.add(id, session);
}

/// What a session of this age has used up.
fn past(row: &mut Row, chance: &mut Chance, age: i64) {
    let calls = age / 4000 + chance.between(1, 20);
    let numbers = [
        ("calls-all", calls),
        ("bytes-all", calls * chance.between(300, 900)),
        ("dbms-bytes-all", calls * chance.between(900, 4000)),
        ("duration-all", calls * chance.between(10, 40)),
        ("duration-all-dbms", calls * chance.between(2, 10)),
        ("duration-all-service", calls / 8),
        ("memory-total", calls * 130_000),
        ("read-total", calls * 29_000),
        ("write-total", calls * 27_000),
        ("cpu-time-total", calls * 8),
    ];
    for (name, n) in numbers {
        row.set(name, n);
    }
}

fn act(session: &mut Session, chance: &mut Chance, state: State, began: i64, now: i64) {
    let row = &mut session.row;
    match state {
        State::Working => {
            session.pace = chance.between(2, 40) * 1000;
            row.set("calls-last-5min", 300_000 / session.pace);
            row.set("bytes-last-5min", 300_000 / session.pace * 540);
            row.set("duration-last-5min", 300_000 / session.pace * 18);
            row.set("memory-last-5min", chance.between(1, 40) * 100_000);
            row.set("cpu-time-last-5min", 300_000 / session.pace * 8);
        }
        State::Calling | State::Hungry => {
            session.call = Some((now - chance.between(30, 3600) * 1000).max(began));
            let memory = if state == State::Hungry { chance.between(600, 4000) } else { chance.between(2, 60) };
            row.set("memory-current", memory << 20);
            row.set("memory-last-5min", memory << 20);
            row.set("memory-total", memory << 21);
            row.set("read-current", memory * 4000);
            row.set("duration-last-5min", 300_000);
            row.set("duration-last-5min-dbms", 100_000);
            row.set("db-proc-info", format!("{}", chance.between(51, 400)));
            row.set("db-proc-took", chance.between(100, 9000));
            row.set("db-proc-took-at", ticks(now - 20_000));
        }
        State::Resting => row.set("last-active-at", ticks((now - chance.between(5, 19) * 60_000).max(began))),
        State::Asleep => {
            row.set("hibernate", true);
            row.set("last-active-at", ticks((now - chance.between(21, 600) * 60_000).max(began)));
        }
    }
}

/// A connection for a session, with its lock.
fn connect(cluster: &mut Cluster, chance: &mut Chance, session: &mut Row, base: &Row, at: i64) -> Id {
    let process = chance.between(0, cluster.processes.len() as i64) as usize;
    let process = cluster.processes.get(process).map_or(NIL, |process| own_id(&process.row));
    cluster.numbers.1 += 1;
    let (id, number) = (chance.id(), cluster.numbers.1);
    let (app, host, name) = (session.text("app-id"), session.text("host"), base.text("name"));
    let connection = Row::new(&CONNECTION)
        .with("connection", id)
        .with("application", app)
        .with("connected-at", ticks(at))
        .with("conn-id", number)
        .with("host", host)
        .with("infobase", own_id(base))
        .with("process", process)
        .with("session-number", session.int("session-id"));
    let told = format!("Соединение({name},{host},{app},({name},{number}))");
    lock(cluster, told, at, (id, NIL, own_id(base)));
    if number % 3 == 0 {
        let told = format!("БД(сеанс {},{name},разделяемая)", session.int("session-id"));
        lock(cluster, told, at, (id, session.id("session"), own_id(base)));
    }
    cluster.connections.add(id, connection);
    session.set("connection", id);
    session.set("process", process);
    id
}

pub fn lock(cluster: &mut Cluster, told: String, at: i64, (connection, session, infobase): (Id, Id, Id)) {
    let row = Row::new(&LOCK)
        .with("connection", connection)
        .with("session", session)
        .with("locked", ticks(at))
        .with("descr", told);
    cluster.locks.add(Lock { row, connection, session, infobase });
}

/// A license as most sessions have one: of a shared key, or of a file on the server.
pub fn license(cluster: &Cluster, chance: &mut Chance, number: i64) -> Row {
    let (host, port) = (cluster.row.text("host"), cluster.row.int("port"));
    let pid = cluster.managers.first().map_or("", |manager| manager.text("pid"));
    let row = Row::new(&LICENSE).with("max-users-all", 50).with("max-users-cur", 50).with("rmngr-pid", pid);
    if number % 3 == 0 {
        let series = format!("5000001{:05}", chance.between(10_000, 99_999));
        let file = format!("file:///var/1C/licenses/{series}.lic");
        return row
            .with("full-presentation", format!("Сервер, {host}, {port}, {series}, {file}"))
            .with("short-presentation", format!("Сервер, {series} 50"))
            .with("full-name", file)
            .with("series", series)
            .with("issued-by-server", true)
            .with("rmngr-address", host)
            .with("rmngr-port", port);
    }
    row.with("series", "ORGL8")
        .with("license-type", 1)
        .with("net", true)
        .with("short-presentation", "Клиент, ORGL8 Сет 50")
        .with("full-presentation", format!("Клиент, {pid}, ORGL8 Сетевой 50"))
}
