//! Snapshots: an entity of their own, as far as that can be told from the names of permissions.

use serde_json::json;

use super::call::{Answer, Call, Reply, not_found, refused};
use super::ids::Id;
use super::kind::Kind;
use super::out::{self, Out, Want};
use super::power::{free, gone, needs_off};
use super::tasks::Job;
use super::text::{Text, text};
use super::things::{Power, Snapshot};
use super::world::World;

/// POST snapshots/
pub fn create(world: &mut World, call: &Call) -> Answer {
    let Some(domain) = call.other(world, "domain", Kind::Domain)? else { return Err(not_found(Kind::Domain)) };
    free(world, domain)?;
    if world.domains.get(domain).is_some_and(|domain| domain.template) {
        return Err(refused("A template has no snapshots.", "У шаблона не бывает снимков."));
    }
    let name = call.text("verbose_name").unwrap_or_default().to_owned();
    let description = call.text("description").unwrap_or_default().to_owned();
    let id = world.new_id();
    let title = text("Taking the snapshot", "Создание снимка").about(&name);
    let work = move |world: &mut World| {
        let of = world.domains.get(domain).ok_or_else(gone)?;
        let (cpu, memory, with_memory) = (of.cpu, of.memory, of.power != Power::Off);
        let size = 256 + (id.draw() % 1024) as i64 + if with_memory { i64::from(memory) } else { 0 };
        let (parent, created) = (of.snapshot, world.now);
        let snapshot = Snapshot { name, description, domain, parent, created, size, with_memory, cpu, memory };
        world.snapshots.insert(id, snapshot);
        world.created(Kind::Snapshot, id);
        world.change(domain, |domain| domain.snapshot = Some(id));
        Ok(Some((Kind::Snapshot, id)))
    };
    let on = vec![(id, Kind::Snapshot), (domain, Kind::Domain)];
    let mut job = Job::new(title, "create", on, Box::new(work));
    job.locks = vec![domain];
    Ok(Reply::Job(job, Some(id)))
}

/// POST snapshots/{id}/revert/
pub fn revert(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Snapshot)?;
    let Some(snapshot) = world.snapshots.get(id).cloned() else { return Err(not_found(Kind::Snapshot)) };
    let domain = snapshot.domain;
    free(world, domain)?;
    needs_off(world, domain)?;
    let title = text("Reverting to the snapshot", "Возврат к снимку").about(&snapshot.name);
    let work = move |world: &mut World| {
        if !world.snapshots.holds(id) {
            return Err(no_snapshot());
        }
        world.change(domain, |domain| {
            domain.cpu = snapshot.cpu;
            domain.memory = snapshot.memory;
            domain.applied = Some(id);
            domain.snapshot = Some(id);
        });
        Ok(Some((Kind::Snapshot, id)))
    };
    let mut job = Job::new(title, "revert", vec![(id, Kind::Snapshot), (domain, Kind::Domain)], Box::new(work));
    job.locks = vec![domain, id];
    Reply::job(job)
}

fn no_snapshot() -> Text {
    text("The snapshot does not exist any more.", "Снимок больше не существует.")
}

/// POST snapshots/{id}/remove/: its children come to its parent.
pub fn remove(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Snapshot)?;
    let Some(domain) = world.snapshots.get(id).map(|snapshot| snapshot.domain) else {
        return Err(not_found(Kind::Snapshot));
    };
    free(world, domain)?;
    let title =
        text("Removing the snapshot", "Удаление снимка").about(world.name(Kind::Snapshot, id).unwrap_or_default());
    let work = move |world: &mut World| {
        world.deleted(Kind::Snapshot, id);
        let parent = world.snapshots.remove(id).ok_or_else(no_snapshot)?.parent;
        let children: Vec<Id> =
            world.snapshots.iter().filter(|(_, other)| other.parent == Some(id)).map(|(id, _)| id).collect();
        for child in children {
            world.snapshots.get_mut(child).into_iter().for_each(|child| child.parent = parent);
        }
        world.change(domain, |domain| {
            for place in [&mut domain.snapshot, &mut domain.applied] {
                if *place == Some(id) {
                    *place = parent;
                }
            }
        });
        Ok(None)
    };
    let mut job = Job::new(title, "remove", vec![(id, Kind::Snapshot), (domain, Kind::Domain)], Box::new(work));
    job.locks = vec![domain, id];
    Reply::job(job)
}

/// GET domains/{id}/snapshots-info/
pub fn info(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    let own = || world.snapshots.iter().filter(|(_, snapshot)| snapshot.domain == id);
    Reply::value(&json!({"count": own().count(), "size": own().map(|(_, snapshot)| snapshot.size).sum::<i64>()}))
}

/// GET domains/{id}/snapshots-tree/
pub fn tree(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    let mut bytes = Vec::new();
    branches(world, id, None, &mut bytes);
    Ok(Reply::Json(bytes))
}

fn branches(world: &World, domain: Id, parent: Option<Id>, bytes: &mut Vec<u8>) {
    let own = world.snapshots.iter().filter(|(_, other)| other.domain == domain && other.parent == parent);
    out::list(bytes, own, |bytes, (id, snapshot)| {
        let want = Want::default();
        Out::object(bytes, &want, |out| {
            out.id("id", id);
            out.text("verbose_name", &snapshot.name);
            out.moment("created", snapshot.created);
            out.id("parent", snapshot.parent);
            if out.wants("children") {
                branches(world, domain, Some(id), out.bytes);
            }
        });
    });
}
