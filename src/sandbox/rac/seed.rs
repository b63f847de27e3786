//! The world at the beginning, from a seed.

use super::book::Book;
use super::chance::{Chance, Clock, ticks};
use super::knobs::{Knobs, credentials};
use super::people::{self, State};
use super::row::{Id, NIL, Row};
use super::words;
use super::world::{Cluster, Ground, Locks, Process, Server, World, own_id};
use crate::services::rac::table::{CLUSTER, INFOBASE, MANAGER, PROCESS, SERVER, SERVICE, USER};

const HOUR: i64 = 3_600_000;
const GIB: i64 = 1 << 30;

/// The world that these switches ask for.
pub fn world(knobs: &Knobs) -> World {
    let clock = Clock::starting(&knobs.starts_at);
    let now = clock.now();
    let mut ground = Ground {
        chance: Chance::new(knobs.seed),
        clock,
        databases: Default::default(),
        leaving: Default::default(),
        retiring: Default::default(),
        copies: Default::default(),
        works: Default::default(),
        arrivals: (0.0, now, 0),
    };
    let mut clusters: Vec<Cluster> = Vec::new();
    for number in 0..knobs.clusters {
        let name = if number == 0 {
            "Локальный кластер".to_owned()
        } else {
            format!("Кластер {}", number + 1)
        };
        let port = 1541 + 1000 * number as i64;
        let mut cluster = cluster(&mut ground.chance, "srv1", port, &name);
        grow(&mut cluster, &mut ground, knobs, now);
        clusters.push(cluster);
    }
    World { ground, agent_admins: admins(&knobs.agent_admin), clusters }
}

fn admins(given: &str) -> Vec<Row> {
    let admin = credentials(given).map(|(name, password)| Row::new(&USER).with("name", name).with("pwd", password));
    admin.into_iter().collect()
}

/// A cluster with a manager and its services, and nothing else.
pub fn cluster(chance: &mut Chance, host: &str, port: i64, name: &str) -> Cluster {
    let id = chance.id();
    let row = Row::new(&CLUSTER)
        .with("cluster", id)
        .with("host", host)
        .with("port", port)
        .with("name", name)
        .with("expiration-timeout", 60)
        .with("kill-problem-processes", true);
    let manager = Row::new(&MANAGER)
        .with("manager", chance.id())
        .with("descr", "Главный менеджер кластера")
        .with("host", host)
        .with("using", 1)
        .with("port", port)
        .with("pid", chance.between(1000, 30_000).to_string());
    let service = |(name, descr, main): &(&str, &str, bool)| {
        Row::new(&SERVICE)
            .with("name", *name)
            .with("descr", *descr)
            .with("main-only", *main)
            .with("manager", vec![own_id(&manager)])
    };
    Cluster {
        id,
        row,
        admins: Vec::new(),
        services: words::SERVICES.iter().map(service).collect(),
        managers: vec![manager],
        servers: Vec::new(),
        processes: Vec::new(),
        infobases: Vec::new(),
        connections: Book::default(),
        sessions: Book::default(),
        locks: Locks::default(),
        profiles: Vec::new(),
        counters: Vec::new(),
        limits: Vec::new(),
        numbers: (0, 0),
    }
}

/// The ports that processes of a cluster get when nobody says which.
pub fn usual_ports(cluster: i64) -> Vec<(u16, u16)> {
    let low = (cluster + 19).clamp(1, 65_000) as u16;
    vec![(low, low + 31)]
}

pub fn server(chance: &mut Chance, host: &str, name: &str, cluster: &Row, is_main: bool) -> Server {
    let port = cluster.int("port");
    let row = Row::new(&SERVER)
        .with("server", chance.id())
        .with("agent-host", host)
        .with("agent-port", port - 1)
        .with("name", name)
        .with("using", is_main)
        .with("cluster-port", port)
        .with("port-range", usual_ports(port));
    Server { row, rules: Vec::new(), settings: Vec::new() }
}

/// A process of a server, with a license of its own when it is among the first.
pub fn process(cluster: &mut Cluster, chance: &mut Chance, server: Id, now: i64) {
    let Some((host, low)) = cluster.servers.iter().find(|known| own_id(&known.row) == server).map(|server| {
        let low = match server.row.get("port-range") {
            Some(super::row::Cell::Ports(ports)) => ports.first().map_or(1560, |(low, _)| i64::from(*low)),
            _ => 1560,
        };
        (server.row.text("agent-host").to_owned(), low)
    }) else {
        return;
    };
    let beside =
        |port: &i64| cluster.processes.iter().any(|other| other.server == server && other.row.int("port") == *port);
    let (port, pid) = ((low..).find(|port| !beside(port)).unwrap_or(low), chance.between(1000, 30_000));
    let started = now - chance.between(2, 200) * HOUR;
    let mut row = Row::new(&PROCESS)
        .with("process", chance.id())
        .with("avg-call-time", chance.between(1, 60) as f64 / 1000.0)
        .with("avg-db-call-time", chance.between(1, 20) as f64 / 1000.0)
        .with("avg-lock-call-time", chance.between(0, 5) as f64 / 1000.0)
        .with("avg-server-call-time", chance.between(-3, 30) as f64 / 1000.0)
        .with("avg-threads", chance.between(1, 900) as f64 / 1000.0)
        .with("capacity", 1000)
        .with("host", host.as_str())
        .with("is-enable", true)
        .with("port", port)
        .with("memory-size", chance.between(300_000, 4_000_000))
        .with("pid", pid.to_string())
        .with("running", 1)
        .with("selection-size", chance.between(100, 40_000))
        .with("started-at", ticks(started))
        .with("use", 1)
        .with("available-perfomance", chance.between(60, 400));
    if cluster.processes.len() < 3 {
        let number = 3 * (1 + cluster.processes.len() as i64);
        row.set("licenses", vec![people::license(cluster, chance, number)]);
    }
    cluster.processes.push(Process { row, server });
    people::lock(cluster, format!("Рабочий процесс({host},{port},0)"), started, (NIL, NIL, NIL));
}

pub fn infobase(chance: &mut Chance, name: &str, descr: &str) -> Row {
    Row::new(&INFOBASE)
        .with("infobase", chance.id())
        .with("name", name)
        .with("descr", descr)
        .with("dbms", "PostgreSQL")
        .with("db-server", "db1")
        .with("db-name", name.to_lowercase())
        .with("db-user", "usr1cv8")
        .with("db-pwd", "dbsecret")
        .with("locale", "ru_RU")
        .with("license-distribution", 1)
}

/// The name and the description of the infobase of this number.
fn base_name(number: usize) -> (String, String) {
    match words::INFOBASES.get(number) {
        Some((name, descr)) => ((*name).to_owned(), (*descr).to_owned()),
        None => (format!("base_{:04}", number + 1), format!("База № {}", number + 1)),
    }
}

/// Puts into a cluster all that the switches ask for.
fn grow(cluster: &mut Cluster, ground: &mut Ground, knobs: &Knobs, now: i64) {
    let chance = &mut ground.chance;
    cluster.admins = admins(&knobs.cluster_admin);
    let (host, port) = (cluster.row.text("host").to_owned(), cluster.row.int("port"));
    people::lock(cluster, format!("Менеджер кластера({host},{port},0)"), now - 300 * HOUR, (NIL, NIL, NIL));
    for number in 0..knobs.servers.max(1) {
        let name = if number == 0 {
            "Центральный сервер".to_owned()
        } else {
            format!("Рабочий сервер {}", number + 1)
        };
        let mut server = server(chance, &format!("srv{}", number + 1), &name, &cluster.row, number == 0);
        if number > 0 {
            server.row.set("memory-limit", 64 * GIB / 1024);
            server.row.set("safe-call-memory-limit", 2 * GIB);
        }
        cluster.servers.push(server);
    }
    let servers: Vec<Id> = cluster.servers.iter().map(|server| own_id(&server.row)).collect();
    for number in 0..knobs.processes.max(1) {
        process(cluster, chance, servers[number % servers.len()], now);
    }
    for number in 0..knobs.infobases {
        let (name, descr) = base_name(number);
        let mut base = infobase(chance, &name, &descr);
        base.set("scheduled-jobs-deny", name.starts_with("Архив"));
        cluster.infobases.push(base);
    }
    if let Some(first) = cluster.infobases.first().filter(|_| knobs.twins).cloned() {
        cluster.infobases.push(infobase(chance, first.text("name"), "Тёзка").with("db-name", "namesake"));
    }
    for base in &cluster.infobases {
        let database = (base.text("db-server").to_lowercase(), base.text("db-name").to_lowercase());
        ground.databases.insert(database);
    }
    super::seed_rules::put(cluster, chance);
    sessions(cluster, chance, knobs.sessions, now);
    super::limits::count_all(cluster, now);
}

fn sessions(cluster: &mut Cluster, chance: &mut Chance, count: usize, now: i64) {
    if cluster.infobases.is_empty() {
        return;
    }
    for number in 0..count {
        // Half of the users are in the first two; every infobase has somebody.
        let bases = cluster.infobases.len();
        let base = if number % 2 == 0 { (number / 2) % bases.min(2) } else { (number / 2) % bases };
        let base = cluster.infobases[base].clone();
        let app = chance.word(words::APPLICATIONS);
        let state = match number % 12 {
            3 => State::Asleep,
            5 | 8 => State::Resting,
            7 => State::Calling,
            10 => State::Hungry,
            _ => State::Working,
        };
        let app = if number % 15 == 4 { "BackgroundJob" } else { app };
        let began = now - chance.between(1, 14 * 60) * 60_000;
        people::begin(cluster, chance, &base, (app, state), began, now);
    }
    service_connections(cluster, chance, now);
}

/// Connections of the server itself: they have no session.
fn service_connections(cluster: &mut Cluster, chance: &mut Chance, now: i64) {
    let host = cluster.row.text("host").to_owned();
    let process = cluster.processes.first().map_or(NIL, |process| own_id(&process.row));
    for app in ["AgentStandardCall", "JobScheduler"] {
        let id = chance.id();
        let row = Row::new(&crate::services::rac::table::CONNECTION)
            .with("connection", id)
            .with("application", app)
            .with("connected-at", ticks(now - 30 * HOUR))
            .with("host", host.as_str())
            .with("process", process);
        cluster.connections.add(id, row);
        let told = format!("Соединение(ServerJobExecutorContext,{host},{app})");
        people::lock(cluster, told, now - 30 * HOUR, (id, NIL, NIL));
    }
}
