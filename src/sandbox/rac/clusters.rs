//! What is asked of a cluster itself: its record, administrators, managers, services.

use super::agent::{add_admin, drop_admin};
use super::ask::{Acts, Answer, Ask, Outcome, one};
use super::texts::Fail;
use super::world::{Cluster, Ground};

pub const ACTS: Acts = &[
    ("cluster info", info),
    ("cluster admins", admins),
    ("register cluster admin", register_admin),
    ("remove cluster admin", remove_admin),
    ("managers", managers),
    ("manager info", manager),
    ("services", services),
];

fn info<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::One(&cluster.row))
}

fn admins<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.admins.iter().collect()))
}

fn register_admin<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    add_admin(&mut cluster.admins, ask.row()?)
}

fn remove_admin<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    drop_admin(&mut cluster.admins, &ask.text(), ask.knobs)
}

fn managers<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.managers.iter().collect()))
}

fn manager<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    one(&cluster.managers, ask.id(), Fail::NoManager)
}

fn services<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.services.iter().collect()))
}
