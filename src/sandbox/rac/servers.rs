//! What is asked of working servers and processes.

use std::collections::HashMap;

use super::ask::{Acts, Answer, Ask, Outcome, change};
use super::chance::ticks;
use super::row::{Cell, Id, NIL, Row};
use super::seed;
use super::texts::Fail;
use super::world::{Cluster, Ground, Process, Server, own_id};
use crate::services::rac::table::RULE;

pub const ACTS: Acts = &[
    ("working servers", servers),
    ("server info", server),
    ("register or change server", register),
    ("remove server", remove),
    ("working processes", processes),
    ("process info", process),
    ("processes of a server", processes_of),
    ("turn a process off", turn_off),
];

fn servers<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.servers.iter().map(|server| &server.row).collect()))
}

fn server<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::One(&cluster.server(ask.id())?.row))
}

fn register<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let written = ask.row()?;
    let keeps_off = ask.int() != 0;
    if own_id(&written) != NIL {
        ports_are_free(cluster, &written)?;
        let rows = cluster.servers.iter_mut().map(|server| &mut server.row);
        return change(rows, &written).map(Answer::Id).ok_or(Fail::NoServer);
    }
    let (host, port) = (written.text("agent-host"), written.int("agent-port"));
    if host.is_empty() || ask.knobs.absent_hosts.iter().any(|absent| absent == host) {
        return Err(Fail::NoHost);
    }
    let place = |server: &Server| server.row.text("agent-host") == host && server.row.int("agent-port") == port;
    if cluster.servers.iter().any(place) {
        return Err(Fail::ServerTaken);
    }
    ports_are_free(cluster, &written)?;
    let id = ground.chance.id();
    let mut row = Row::fresh(written).with("server", id);
    if ports(&row).is_empty() {
        row.set("port-range", seed::usual_ports(row.int("cluster-port")));
    }
    let mut rules = Vec::new();
    if keeps_off {
        rules.push(Row::new(&RULE).with("rule", ground.chance.id()).with("rule-type", 0));
    }
    cluster.servers.push(Server { row, rules, settings: Vec::new() });
    seed::process(cluster, &mut ground.chance, id, ground.clock.now());
    Ok(Answer::Id(id))
}

fn ports(row: &Row) -> &[(u16, u16)] {
    match row.get("port-range") {
        Some(Cell::Ports(ports)) => ports,
        _ => &[],
    }
}

/// Whether processes of this server could listen beside all others on its host.
fn ports_are_free(cluster: &Cluster, written: &Row) -> Result<(), Fail> {
    if ports(written).iter().any(|(low, high)| low > high) {
        return Err(Fail::PortsReversed);
    }
    let (id, host) = (own_id(written), written.text("agent-host"));
    let others = cluster.servers.iter().map(|server| &server.row);
    let beside = others.filter(|row| own_id(row) != id && row.text("agent-host") == host);
    let taken = beside.flat_map(|row| ports(row).iter().copied());
    let manager = (cluster.row.text("host") == host).then_some(cluster.row.int("port") as u16);
    let taken: Vec<(u16, u16)> = taken.chain(manager.map(|port| (port, port))).collect();
    let is_taken = |(low, high): &(u16, u16)| taken.iter().any(|other| other.0 <= *high && *low <= other.1);
    if ports(written).iter().any(is_taken) { Err(Fail::PortsTaken) } else { Ok(()) }
}

fn remove<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let id = ask.id();
    if cluster.server(id)?.row.int("using") != 0 {
        return Err(Fail::ServerCentral);
    }
    cluster.servers.retain(|server| own_id(&server.row) != id);
    cluster.end_processes(|process| process.server == id);
    Ok(Answer::Void)
}

/// Brings up to date what processes tell of themselves.
fn count(cluster: &mut Cluster) {
    let mut connections: HashMap<Id, i64> = HashMap::new();
    for row in cluster.connections.all() {
        *connections.entry(row.id("process")).or_default() += 1;
    }
    for process in &mut cluster.processes {
        let count = connections.get(&own_id(&process.row)).copied().unwrap_or(0);
        process.row.set("connections", count);
    }
}

fn processes<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    count(cluster);
    Ok(Answer::Many(cluster.processes.iter().map(|process| &process.row).collect()))
}

fn process<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    count(cluster);
    let id = ask.id();
    let row = cluster.processes.iter().map(|process| &process.row).find(|row| own_id(row) == id);
    row.map(Answer::One).ok_or(Fail::NoProcess)
}

fn processes_of<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    count(cluster);
    let id = ask.id();
    cluster.server(id)?;
    let processes = cluster.processes.iter().filter(|process| process.server == id);
    Ok(Answer::Many(processes.map(|process| &process.row).collect()))
}

/// Another process begins in its place at once; it goes when nobody is connected, or when the cluster waits no longer.
fn turn_off<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let id = ask.id();
    let is_on = |process: &&mut Process| own_id(&process.row) == id && process.row.int("is-enable") != 0;
    // A real server does not say when there is none.
    let Some(process) = cluster.processes.iter_mut().find(is_on) else { return Ok(Answer::Void) };
    process.row.set("is-enable", false);
    process.row.set("use", 0);
    let (server, now) = (process.server, ground.clock.now());
    seed::process(cluster, &mut ground.chance, server, now);
    if let Some(begun) = cluster.processes.last_mut() {
        begun.row.set("started-at", ticks(now));
    }
    let patience = cluster.row.int("expiration-timeout").saturating_mul(1000);
    ground.retiring.insert((now.saturating_add(patience), cluster.id, id));
    Ok(Answer::Void)
}
