//! What is asked of assignment rules and of settings of services.

use super::ask::{Acts, Answer, Ask, Outcome, change, one};
use super::row::{NIL, Row};
use super::texts::Fail;
use super::world::{Cluster, Ground, own_id};
use crate::services::rac::table::TRANSFER;

pub const ACTS: Acts = &[
    ("apply rules", apply),
    ("insert or change rule", put),
    ("remove rule", remove),
    ("rules", rules),
    ("rule info", rule),
    ("service setting info", setting),
    ("service settings", settings),
    ("setting of a service and an infobase", setting_of),
    ("insert or change setting", put_setting),
    ("remove setting", remove_setting),
    ("apply settings", apply_settings),
    ("directories for transfer", transfer),
];

/// Rules hold at once here: nothing is left to apply.
fn apply<'w>(_: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Void)
}

fn put<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let server = cluster.server(ask.id())?;
    let (written, position) = (ask.row()?, ask.int());
    let id = own_id(&written);
    let row = if id == NIL {
        Row::fresh(written).with("rule", ground.chance.id())
    } else {
        let at = server.rules.iter().position(|rule| own_id(rule) == id).ok_or(Fail::NoRule)?;
        let mut row = server.rules.remove(at);
        row.change(written);
        row
    };
    let id = own_id(&row);
    let at = (position.max(0) as usize).min(server.rules.len());
    server.rules.insert(at, row);
    Ok(Answer::Id(id))
}

fn remove<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let server = cluster.server(ask.id())?;
    take_out(&mut server.rules, ask, Fail::NoRule)
}

fn take_out<'w>(rows: &mut Vec<Row>, ask: &mut Ask<'_>, fail: Fail) -> Outcome<'w> {
    let id = ask.id();
    let at = rows.iter().position(|row| own_id(row) == id).ok_or(fail)?;
    rows.remove(at);
    Ok(Answer::Void)
}

fn rules<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.server(ask.id())?.rules.iter().collect()))
}

fn rule<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let server = cluster.server(ask.id())?;
    one(&server.rules, ask.id(), Fail::NoRule)
}

fn setting<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let server = cluster.server(ask.id())?;
    one(&server.settings, ask.id(), Fail::NoSetting)
}

fn setting_of<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let server = cluster.server(ask.id())?;
    let names = (ask.text(), ask.text());
    let is = |row: &&Row| (row.text("service-name"), row.text("infobase-name")) == (names.0.as_str(), names.1.as_str());
    server.settings.iter().find(is).map(Answer::One).ok_or(Fail::NoSuchSetting)
}

fn settings<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.server(ask.id())?.settings.iter().collect()))
}

/// A directory as the server puts it down: with slashes of one kind, and one at the end.
fn directory(path: &str) -> String {
    let path = path.replace('\\', "/");
    if path.is_empty() || path.ends_with('/') { path } else { format!("{path}/") }
}

fn put_setting<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let server = cluster.server(ask.id())?;
    let written = ask.row()?;
    if written.text("service-name").is_empty() {
        return Err(Fail::NoName);
    }
    let path = directory(written.text("service-data-dir"));
    // It begins to hold when settings are applied.
    let written = written.with("service-data-dir", path).with("active", 0);
    if own_id(&written) != NIL {
        return change(&mut server.settings, &written).map(Answer::Id).ok_or(Fail::NoSetting);
    }
    let id = ground.chance.id();
    server.settings.push(Row::fresh(written).with("setting", id));
    Ok(Answer::Id(id))
}

fn remove_setting<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let server = cluster.server(ask.id())?;
    take_out(&mut server.settings, ask, Fail::NoSetting)
}

fn apply_settings<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    cluster.server(ask.id())?.settings.iter_mut().for_each(|row| row.set("active", 1));
    Ok(Answer::Void)
}

/// Data that will move when the settings are applied.
fn transfer<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let port = cluster.row.int("port");
    let server = cluster.server(ask.id())?;
    let service = ask.text();
    let due = server.settings.iter().filter(|row| row.int("active") == 0);
    let due = due.filter(|row| service.is_empty() || row.text("service-name") == service);
    let moves = due.map(|row| {
        Row::new(&TRANSFER)
            .with("service-name", row.text("service-name"))
            .with("infobase-name", row.text("infobase-name"))
            .with("source", format!("/var/1C/1cv8/reg_{port}/"))
            .with("target", row.text("service-data-dir"))
    });
    Ok(Answer::Made(moves.collect()))
}
