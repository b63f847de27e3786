//! The world that a seed makes.

use std::collections::HashSet;
use std::time::Instant;

use super::super::row::{Cell, NIL, Row};
use super::super::seed;
use super::{Client, Knobs, start};
use crate::services::rac::table::{Slot, Wire};

/// Whether every value is of the kind that the table wants.
fn fits(row: &Row) {
    for (slot, cell) in row.record.slots.iter().zip(&row.cells) {
        assert!(is_kind(slot, cell), "{} {}: {cell:?}", row.record.name, slot.name);
        if let Cell::Rows(rows) = cell {
            rows.iter().for_each(fits);
        }
    }
}

fn is_kind(slot: &Slot, cell: &Cell) -> bool {
    match slot.wire {
        Wire::Bool | Wire::Byte | Wire::Short | Wire::Int | Wire::Long | Wire::Time => matches!(cell, Cell::Int(_)),
        Wire::Double => matches!(cell, Cell::Double(_)),
        Wire::Uuid => matches!(cell, Cell::Id(_)),
        Wire::Text => matches!(cell, Cell::Text(_) | Cell::Secret(_)),
        Wire::Ports => matches!(cell, Cell::Ports(_)),
        Wire::Uuids => matches!(cell, Cell::Ids(_)),
        Wire::Auth => matches!(cell, Cell::Auth(..)),
        Wire::Many(_) => matches!(cell, Cell::Rows(_)),
        Wire::One(_) => matches!(cell, Cell::Row(_)),
    }
}

#[tokio::test]
async fn the_usual_world_has_something_of_everything() {
    let world = seed::world(&Knobs::default());
    assert_eq!(world.clusters.len(), 1);
    let cluster = &world.clusters[0];
    assert_eq!((cluster.row.text("name"), cluster.row.text("host")), ("Локальный кластер", "srv1"));
    assert_eq!((cluster.servers.len(), cluster.processes.len(), cluster.managers.len()), (2, 4, 1));
    assert_eq!((cluster.infobases.len(), cluster.admins.len()), (8, 0));
    assert!(cluster.infobases.iter().any(|base| base.text("descr").contains('"')));
    assert!(cluster.infobases.iter().any(|base| base.text("descr").contains(':')));
    let sessions: Vec<_> = cluster.sessions.all().collect();
    assert_eq!(sessions.len(), 60);
    assert!(sessions.iter().any(|session| session.row.int("hibernate") != 0));
    assert!(sessions.iter().any(|session| session.call.is_some()));
    assert!(sessions.iter().any(|session| session.row.int("memory-current") > 500 << 20));
    assert!(sessions.iter().any(|session| session.connection == NIL));
    assert!(sessions.iter().any(|session| session.row.text("app-id") == "BackgroundJob"));
    let users: HashSet<&str> = sessions.iter().map(|session| session.row.text("user-name")).collect();
    assert!(users.len() > 5 && users.contains("Иванова А. П."));
    assert!(cluster.locks.all().count() > 40 && cluster.connections.all().count() > 40);
    for base in &cluster.infobases {
        assert!(sessions.iter().any(|session| session.infobase == base.id("infobase")), "{}", base.text("name"));
    }
    let rows = cluster.infobases.iter().chain(&cluster.managers).chain(&cluster.services).chain(&cluster.limits);
    let rows = rows.chain(cluster.servers.iter().map(|server| &server.row)).chain(cluster.connections.all());
    let rows = rows.chain(cluster.processes.iter().map(|process| &process.row));
    let rows = rows.chain(cluster.counters.iter().flat_map(|counter| counter.values.iter().chain([&counter.row])));
    let rows = rows.chain(cluster.profiles.iter().flat_map(|it| it.lists.values().flatten().chain([&it.row])));
    rows.chain(sessions.iter().map(|session| &session.row)).chain([&cluster.row]).for_each(fits);
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world() {
    let of = |seed: u64| {
        let world = seed::world(&Knobs { seed, starts_at: "2026-03-02T09:00:00".into(), ..Knobs::default() });
        let sessions: Vec<Row> = world.clusters[0].sessions.all().map(|session| session.row.clone()).collect();
        (world.clusters[0].id, sessions)
    };
    assert!(of(5) == of(5));
    assert!(of(5) != of(6));
}

#[tokio::test]
async fn as_many_as_wanted_are_there() {
    let server = start(|knobs| {
        (knobs.clusters, knobs.servers, knobs.processes) = (3, 4, 9);
        (knobs.infobases, knobs.sessions, knobs.twins) = (20, 30, true);
    })
    .await;
    let mut client = Client::open(&server, 11).await;
    for cluster in client.list(11, &[]).await {
        let cluster = cluster.id("cluster");
        assert_eq!(client.list(22, &[cluster.into()]).await.len(), 4);
        assert_eq!(client.list(29, &[cluster.into()]).await.len(), 9);
        let bases = client.list(42, &[cluster.into()]).await;
        let names: HashSet<&str> = bases.iter().map(|base| base.text("name")).collect();
        assert_eq!((bases.len(), names.len()), (21, 20));
        assert_eq!(client.sessions(cluster).await.len(), 30);
    }
}

#[tokio::test]
async fn ten_thousand_sessions_are_listed_and_ended() {
    let server = start(|knobs| knobs.sessions = 10_000).await;
    let mut client = Client::open(&server, 16).await;
    let cluster = client.cluster().await;
    let started = Instant::now();
    let sessions = client.sessions(cluster).await;
    println!("listed and read in {:?}", started.elapsed());
    assert_eq!(sessions.len(), 10_000);
    let started = Instant::now();
    for session in &sessions[..200] {
        client.ask(71, &[cluster.into(), session.id("session").into(), "".into()]).await.void();
    }
    println!("200 ended in {:?}", started.elapsed());
    let base = client.list(42, &[cluster.into()]).await[0].id("infobase");
    client.ask(41, &[cluster.into(), base.into(), 0.into()]).await.void();
    assert!(client.sessions(cluster).await.len() < 9_800);
}

#[test]
fn a_date_to_begin_with_is_taken() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    let clock = super::super::chance::Clock::starting("2024-05-17T09:30:15");
    let ticks = super::super::chance::ticks(clock.now() / 1000 * 1000);
    assert_eq!(ticks.to_be_bytes(), [0x00, 0x02, 0x44, 0xb9, 0xf0, 0xa1, 0x1b, 0x70]);
}
