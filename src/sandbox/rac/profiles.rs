//! What is asked of security profiles and of their six lists.

use std::collections::HashMap;

use super::ask::{Acts, Answer, Ask, Outcome};
use super::row::Row;
use super::texts::Fail;
use super::world::{Cluster, Ground, Profile};
use crate::services::rac::table::{ADDIN, APPLICATION, COM_CLASS, DIRECTORY, MODULE, RESOURCE, Record};

pub const ACTS: Acts = &[
    ("profiles", profiles),
    ("create or change profile", put),
    ("remove profile", remove),
    ("virtual directories", |cluster, _, ask| listed(cluster, ask, &DIRECTORY)),
    ("create virtual directory", list),
    ("remove virtual directory", |cluster, _, ask| strike(cluster, ask, &DIRECTORY)),
    ("COM classes", |cluster, _, ask| listed(cluster, ask, &COM_CLASS)),
    ("create COM class", list),
    ("remove COM class", |cluster, _, ask| strike(cluster, ask, &COM_CLASS)),
    ("add-ins", |cluster, _, ask| listed(cluster, ask, &ADDIN)),
    ("create add-in", list),
    ("remove add-in", |cluster, _, ask| strike(cluster, ask, &ADDIN)),
    ("external modules", |cluster, _, ask| listed(cluster, ask, &MODULE)),
    ("create external module", list),
    ("remove external module", |cluster, _, ask| strike(cluster, ask, &MODULE)),
    ("applications", |cluster, _, ask| listed(cluster, ask, &APPLICATION)),
    ("create application", list),
    ("remove application", |cluster, _, ask| strike(cluster, ask, &APPLICATION)),
    ("internet resources", |cluster, _, ask| listed(cluster, ask, &RESOURCE)),
    ("create internet resource", list),
    ("remove internet resource", |cluster, _, ask| strike(cluster, ask, &RESOURCE)),
];

fn profiles<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.profiles.iter().map(|profile| &profile.row).collect()))
}

fn put<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let written = ask.row()?;
    let name = written.text("name");
    if name.is_empty() {
        return Err(Fail::NoName);
    }
    match cluster.profiles.iter_mut().find(|profile| profile.row.text("name") == name) {
        Some(profile) => profile.row.change(written),
        None => {
            let row = Row::fresh(written);
            cluster.profiles.push(Profile { row, lists: HashMap::new() });
        }
    }
    Ok(Answer::Void)
}

fn remove<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let name = ask.text();
    let at = cluster.profiles.iter().position(|profile| profile.row.text("name") == name);
    cluster.profiles.remove(at.ok_or(Fail::NoProfile)?);
    Ok(Answer::Void)
}

fn profile<'w>(cluster: &'w mut Cluster, name: &str) -> Result<&'w mut Profile, Fail> {
    cluster.profiles.iter_mut().find(|profile| profile.row.text("name") == name).ok_or(Fail::NoProfile)
}

/// What a list's records are found by: the value behind the profile's name.
fn key(row: &Row) -> &str {
    row.text(row.record.slots.get(1).map_or("", |slot| slot.name))
}

fn listed<'w>(cluster: &'w mut Cluster, ask: &mut Ask<'_>, record: &'static Record) -> Outcome<'w> {
    let rows = profile(cluster, &ask.text())?.lists.get(record.name);
    Ok(Answer::Many(rows.into_iter().flatten().collect()))
}

fn list<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let written = ask.row()?;
    let profile = profile(cluster, written.text("profile"))?;
    if key(&written).is_empty() {
        return Err(Fail::NoName);
    }
    let rows = profile.lists.entry(written.record.name).or_default();
    match rows.iter_mut().find(|row| key(row) == key(&written)) {
        Some(row) => row.change(written),
        None => rows.push(Row::fresh(written)),
    }
    Ok(Answer::Void)
}

fn strike<'w>(cluster: &'w mut Cluster, ask: &mut Ask<'_>, record: &'static Record) -> Outcome<'w> {
    let (profile, name) = (profile(cluster, &ask.text())?, ask.text());
    let rows = profile.lists.entry(record.name).or_default();
    let at = rows.iter().position(|row| key(row) == name);
    rows.remove(at.ok_or(Fail::NotListed(name))?);
    Ok(Answer::Void)
}
