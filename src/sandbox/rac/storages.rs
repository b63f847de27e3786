//! What is asked of storages of binary data: work on them is begun, and asked after until it is done.

use super::ask::{Acts, Answer, Ask, Outcome};
use super::row::{NIL, Row};
use super::texts::Fail;
use super::world::{Cluster, Ground, own_id};
use crate::services::rac::table::STORAGE;

pub const ACTS: Acts = &[("storages", storages), ("work on a storage", work), ("is the work done", is_done)];

/// What an infobase has of itself, and one more of the first infobase.
fn of(cluster: &Cluster, base: &Row) -> Vec<Row> {
    let mut all = vec![Row::new(&STORAGE).with("unknown", 1)];
    if cluster.infobases.first().is_some_and(|first| own_id(first) == own_id(base)) {
        let mut id = own_id(base);
        id.reverse();
        all.push(Row::new(&STORAGE).with("storage", id).with("name", "Файлы"));
    }
    all
}

fn storages<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let base = cluster.infobase(ask.id())?;
    ask.may_touch(base)?;
    Ok(Answer::Made(of(cluster, base)))
}

const CLEAR: i64 = 0;
const SAVE: i64 = 1;

/// The argument of a copy is its path; of one of what differs, the path of the full one before it.
fn work<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let base = cluster.infobase(ask.id())?;
    ask.may_touch(base)?;
    let (storage, _, kind, argument) = (ask.id(), ask.int(), ask.int(), ask.text());
    if storage != NIL && !of(cluster, base).iter().any(|known| own_id(known) == storage) {
        return Err(Fail::NoStorage);
    }
    let mut paths: Vec<&str> = argument.lines().collect();
    let made = if kind == SAVE { paths.pop() } else { None };
    if kind != CLEAR
        && let Some(missing) = paths.iter().find(|path| !ground.copies.contains(**path))
    {
        return Err(Fail::NoCopy((*missing).to_owned()));
    }
    ground.copies.extend(made.map(str::to_owned));
    let id = ground.chance.id();
    ground.works.insert(id, ground.clock.now() + ask.knobs.storage_ms as i64);
    Ok(Answer::Id(id))
}

fn is_done<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    cluster.infobase(ask.id())?;
    let id = ask.id();
    // A real server takes it for a session, and so is the refusal.
    let done = *ground.works.get(&id).ok_or(Fail::NoSession)? <= ground.clock.now();
    if done {
        ground.works.remove(&id);
    }
    Ok(Answer::Bool(done))
}
