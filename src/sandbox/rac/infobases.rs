//! What is asked of infobases.

use super::ask::{Acts, Answer, Ask, Outcome, change};
use super::row::Row;
use super::texts::Fail;
use super::world::{Cluster, Ground, own_id};
use crate::services::rac::table::SUMMARY;

pub const ACTS: Acts = &[
    ("infobase summaries", summaries),
    ("infobases in full", full),
    ("summary of one", summary),
    ("change summary", change_summary),
    ("infobase info", info),
    ("create infobase", create),
    ("change infobase", change_infobase),
    ("drop infobase", drop_infobase),
];

fn brief(base: &Row) -> Row {
    Row::new(&SUMMARY).with("infobase", own_id(base)).with("descr", base.text("descr")).with("name", base.text("name"))
}

fn summaries<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Made(cluster.infobases.iter().map(brief).collect()))
}

fn summary<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    cluster.infobase(ask.id()).map(|base| Answer::Made(vec![brief(base)]))
}

fn change_summary<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (id, descr) = (ask.id(), ask.text());
    let base = cluster.infobases.iter_mut().find(|base| own_id(base) == id).ok_or(Fail::NoInfobase)?;
    base.set("descr", descr);
    Ok(Answer::Void)
}

fn info<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let base = cluster.infobase(ask.id())?;
    ask.may_touch(base)?;
    Ok(Answer::One(base))
}

/// Everything about those that the users named may touch.
fn full<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    cluster.infobases.iter().try_for_each(|base| ask.may_touch(base))?;
    Ok(Answer::Many(cluster.infobases.iter().collect()))
}

/// Names differ by more than the case of their letters.
fn name_is_free(cluster: &Cluster, base: &Row) -> Result<(), Fail> {
    let name = base.text("name").to_lowercase();
    let is_same = |other: &Row| own_id(other) != own_id(base) && other.text("name").to_lowercase() == name;
    match cluster.infobases.iter().any(is_same) {
        true => Err(Fail::NameTaken(base.text("name").to_owned())),
        false => Ok(()),
    }
}

fn database(base: &Row) -> (String, String) {
    (base.text("db-server").to_lowercase(), base.text("db-name").to_lowercase())
}

fn create<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let written = ask.row()?;
    let creates_database = ask.int() == 1;
    if written.text("name").is_empty() {
        return Err(Fail::NoName);
    }
    name_is_free(cluster, &written)?;
    if let Some(missing) = ["dbms", "db-server", "db-name"].into_iter().find(|name| written.text(name).is_empty()) {
        return Err(Fail::BadDatabase(missing));
    }
    let host = written.text("db-server");
    if ask.knobs.absent_hosts.iter().any(|absent| absent == host) {
        return Err(Fail::NoDatabaseServer(host.to_owned()));
    }
    let database = database(&written);
    if !creates_database && !ground.databases.contains(&database) {
        return Err(Fail::NoDatabase(written.text("db-name").to_owned()));
    }
    ground.databases.insert(database);
    let id = ground.chance.id();
    cluster.infobases.push(Row::fresh(written).with("infobase", id));
    Ok(Answer::Id(id))
}

fn change_infobase<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let written = ask.row()?;
    ask.may_touch(cluster.infobase(own_id(&written))?)?;
    if written.text("name").is_empty() {
        return Err(Fail::NoName);
    }
    // Namesakes that were there from the beginning may be changed as well.
    if cluster.infobase(own_id(&written))?.text("name") != written.text("name") {
        name_is_free(cluster, &written)?;
    }
    change(&mut cluster.infobases, &written).map(|_| Answer::Void).ok_or(Fail::NoInfobase)
}

fn drop_infobase<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (id, mode) = (ask.id(), ask.int());
    let base = cluster.infobase(id)?;
    ask.may_touch(base)?;
    if mode == 1 {
        ground.databases.remove(&database(base));
    }
    cluster.infobases.retain(|base| own_id(base) != id);
    let sessions = cluster.sessions.all().filter(|session| session.infobase == id);
    for session in sessions.map(|session| session.id).collect::<Vec<_>>() {
        cluster.sessions.remove(session);
    }
    let connections = cluster.connections.all().filter(|row| row.id("infobase") == id);
    for connection in connections.map(own_id).collect::<Vec<_>>() {
        cluster.connections.remove(connection);
        cluster.locks.release(connection);
    }
    Ok(Answer::Void)
}
