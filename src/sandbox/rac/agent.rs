//! What is asked of the agent: its version, its administrators, its clusters; and authentication.

use super::ask::{Answer, Ask, Outcome};
use super::identity::{has_password, is_called};
use super::knobs::Knobs;
use super::row::{NIL, Row};
use super::texts::Fail;
use super::world::{World, own_id};
use super::{people, seed};
use crate::services::rac::table::USER;

type Act = for<'w> fn(&'w mut World, &mut Ask<'_>) -> Outcome<'w>;

const ACTS: &[(&str, Act)] = &[
    ("agent admins", admins),
    ("register agent admin", register_admin),
    ("remove agent admin", remove_admin),
    ("authenticate agent", authenticate_agent),
    ("authenticate cluster", authenticate_cluster),
    ("authenticate infobase", authenticate_infobase),
    ("clusters", clusters),
    ("register or change cluster", register),
    ("remove cluster", remove),
    ("agent version", version),
];

pub fn act(name: &str) -> Option<Act> {
    ACTS.iter().find(|(known, _)| *known == name).map(|(_, act)| *act)
}

fn admins<'w>(world: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    ask.who.is_agent_admin(&world.agent_admins)?;
    Ok(Answer::Many(world.agent_admins.iter().collect()))
}

fn register_admin<'w>(world: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    ask.who.is_agent_admin(&world.agent_admins)?;
    add_admin(&mut world.agent_admins, ask.row()?)
}

fn remove_admin<'w>(world: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    ask.who.is_agent_admin(&world.agent_admins)?;
    drop_admin(&mut world.agent_admins, &ask.text(), ask.knobs)
}

/// Registers an administrator, or changes the one of this name.
pub fn add_admin<'w>(admins: &'w mut Vec<Row>, written: Row) -> Outcome<'w> {
    let name = written.text("name").to_owned();
    if name.is_empty() {
        return Err(Fail::NoName);
    }
    let others = admins.iter().any(|admin| !is_called(admin, &name) && has_password(admin));
    if !has_password(&written) && !others {
        return Err(Fail::LastAdmin);
    }
    // Who is registered again goes to the end, and without a password when it lets nobody in.
    let known = admins.iter().position(|admin| is_called(admin, &name)).map(|at| admins.remove(at));
    let mut admin = known.unwrap_or_else(|| Row::new(&USER));
    admin.change(written);
    if !has_password(&admin) {
        admin.set("pwd", "");
    }
    admins.push(admin);
    Ok(Answer::Void)
}

/// Removes an administrator, unless those who stay could not come in with a password.
pub fn drop_admin<'w>(admins: &'w mut Vec<Row>, name: &str, knobs: &Knobs) -> Outcome<'w> {
    let at = admins.iter().position(|admin| is_called(admin, name)).ok_or(Fail::NoAdmin)?;
    let has_others = admins.len() > 1 || knobs.keep_last_admin;
    let mut others = admins.iter().enumerate().filter(|(other, _)| *other != at);
    if has_others && !others.any(|(_, admin)| has_password(admin)) {
        return Err(Fail::LastAdmin);
    }
    admins.remove(at);
    Ok(Answer::Void)
}

fn authenticate_agent<'w>(world: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    let pair = (ask.text(), ask.text());
    ask.who.agent(pair, &world.agent_admins).map(|()| Answer::Void)
}

fn authenticate_cluster<'w>(world: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (cluster, _) = world.cluster(ask.id())?;
    let pair = (ask.text(), ask.text());
    ask.who.cluster(cluster.id, pair, &cluster.admins).map(|()| Answer::Void)
}

fn authenticate_infobase<'w>(_: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    // Clients do not agree on what this id is: the cluster's, or a process's.
    ask.id();
    let pair = (ask.text(), ask.text());
    ask.who.infobase(pair);
    Ok(Answer::Void)
}

fn clusters<'w>(world: &'w mut World, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(world.clusters.iter().map(|cluster| &cluster.row).collect()))
}

fn register<'w>(world: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    ask.who.is_agent_admin(&world.agent_admins)?;
    let written = ask.row()?;
    let id = own_id(&written);
    if id != NIL {
        let (cluster, _) = world.cluster(id)?;
        cluster.row.change(written);
        return Ok(Answer::Id(id));
    }
    let (host, port) = (written.text("host"), written.int("port"));
    if host.is_empty() || ask.knobs.absent_hosts.iter().any(|absent| absent == host) {
        return Err(Fail::NoHost);
    }
    if world.clusters.iter().any(|known| known.row.text("host") == host && known.row.int("port") == port) {
        return Err(Fail::PortsTaken);
    }
    let now = world.ground.clock.now();
    let chance = &mut world.ground.chance;
    let mut cluster = seed::cluster(chance, host, port, written.text("name"));
    let server = seed::server(chance, host, "Центральный сервер", &cluster.row, true);
    let (id, server_id) = (cluster.id, own_id(&server.row));
    cluster.servers.push(server);
    people::lock(&mut cluster, format!("Менеджер кластера({host},{port},0)"), now, (NIL, NIL, NIL));
    seed::process(&mut cluster, chance, server_id, now);
    cluster.row.change(written);
    // Clients say 0 there, and read 1.
    cluster.row.set("unknown", 1);
    cluster.row.set("cluster", id);
    world.clusters.push(cluster);
    Ok(Answer::Id(id))
}

fn remove<'w>(world: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (cluster, _) = world.cluster(ask.id())?;
    ask.who.is_cluster_admin(cluster.id, &cluster.admins)?;
    let id = cluster.id;
    world.clusters.retain(|cluster| cluster.id != id);
    Ok(Answer::Void)
}

fn version<'w>(_: &'w mut World, ask: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Text(ask.knobs.platform.clone()))
}
