//! What is asked of sessions, connections and locks.

use super::ask::{Acts, Answer, Ask, Outcome};
use super::row::{NIL, Row};
use super::texts::Fail;
use super::world::{Cluster, Ground, Lock, own_id};
use crate::services::rac::table::CONNECTION_LONG;

pub const ACTS: Acts = &[
    ("connections", connections),
    ("connections of an infobase", connections_of),
    ("connection info", connection),
    ("connections with their counters", connections_long),
    ("disconnect", disconnect),
    ("sessions", sessions),
    ("sessions of an infobase", sessions_of),
    ("session info", session),
    ("terminate session", terminate),
    ("interrupt current call", interrupt),
    ("locks", locks),
    ("locks of an infobase", locks_of_infobase),
    ("locks of a connection", locks_of_connection),
    ("locks of a session", locks_of_session),
];

fn connections<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.connections.all().collect()))
}

fn connections_of<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let base = own_id(cluster.infobase(ask.id())?);
    Ok(Answer::Many(cluster.connections.all().filter(|row| row.id("infobase") == base).collect()))
}

fn connection<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    cluster.connections.get(ask.id()).map(Answer::One).ok_or(Fail::NoConnection)
}

fn connections_long<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (process, base) = (ask.id(), ask.id());
    ask.may_touch(cluster.infobase(base)?)?;
    if !cluster.processes.iter().any(|known| own_id(&known.row) == process) {
        return Err(Fail::NoProcess);
    }
    let now = ground.clock.now();
    let mut made = Vec::new();
    for session in cluster.sessions.all_mut().filter(|session| session.infobase == base && session.connection != NIL) {
        session.live(now);
        let connection = cluster.connections.get(session.connection);
        made.extend(connection.filter(|row| row.id("process") == process).map(|row| long(row, &session.row)));
    }
    Ok(Answer::Made(made))
}

/// A connection with what its session has used.
fn long(connection: &Row, session: &Row) -> Row {
    let mut row = Row::new(&CONNECTION_LONG);
    for (at, slot) in CONNECTION_LONG.slots.iter().enumerate() {
        if let Some(cell) = connection.get(slot.name).or_else(|| session.get(slot.name)) {
            row.cells[at] = cell.clone();
        }
    }
    row
}

fn disconnect<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (process, id) = (ask.id(), ask.id());
    let row = cluster.connections.get(id).filter(|row| row.id("process") == process).ok_or(Fail::NoClient(id))?;
    if let Ok(base) = cluster.infobase(row.id("infobase")) {
        ask.may_touch(base)?;
    }
    cluster.cut(id);
    Ok(Answer::Void)
}

fn sessions<'w>(cluster: &'w mut Cluster, ground: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    let now = ground.clock.now();
    cluster.sessions.all_mut().for_each(|session| session.live(now));
    Ok(Answer::Many(cluster.sessions.all().map(|session| &session.row).collect()))
}

fn sessions_of<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (base, now) = (own_id(cluster.infobase(ask.id())?), ground.clock.now());
    let mut rows = Vec::new();
    for session in cluster.sessions.all_mut().filter(|session| session.infobase == base) {
        session.live(now);
        rows.push(&session.row);
    }
    Ok(Answer::Many(rows))
}

fn session<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let session = cluster.sessions.get_mut(ask.id()).ok_or(Fail::NoSession)?;
    session.live(ground.clock.now());
    Ok(Answer::One(&session.row))
}

fn terminate<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let id = ask.id();
    let session = cluster.sessions.get_mut(id).ok_or(Fail::NoSession)?;
    if ask.knobs.leaving_ms == 0 {
        cluster.end_session(id);
    } else if !session.leaving {
        session.leaving = true;
        ground.leaving.insert((ground.clock.now() + ask.knobs.leaving_ms as i64, cluster.id, id));
    }
    Ok(Answer::Void)
}

fn interrupt<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let session = cluster.sessions.get_mut(ask.id()).ok_or(Fail::NoSession)?;
    session.interrupt(ground.clock.now());
    Ok(Answer::Void)
}

fn locks_where<'w>(cluster: &'w Cluster, is: impl Fn(&Lock) -> bool) -> Outcome<'w> {
    Ok(Answer::Many(cluster.locks.all().filter(|lock| is(lock)).map(|lock| &lock.row).collect()))
}

fn locks<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    locks_where(cluster, |_| true)
}

fn locks_of_infobase<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let base = own_id(cluster.infobase(ask.id())?);
    locks_where(cluster, |lock| lock.infobase == base)
}

fn locks_of_connection<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let id = ask.id();
    cluster.connections.get(id).ok_or(Fail::NoConnection)?;
    locks_where(cluster, |lock| lock.connection == id)
}

fn locks_of_session<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (base, id) = (ask.id(), ask.id());
    // Nobody's are everybody's, on a real server too.
    if (base, id) == (NIL, NIL) {
        return locks_where(cluster, |_| true);
    }
    cluster.infobase(base)?;
    let session = cluster.sessions.get(id).filter(|session| session.infobase == base).ok_or(Fail::NoSession)?;
    let connection = session.connection;
    locks_where(cluster, |lock| lock.session == id || (connection != NIL && lock.connection == connection))
}
