//! What may be asked of tasks and events.

use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Reply, refused};
use super::kind::Kind;
use super::tasks::STATUSES;
use super::world::World;

/// GET tasks/{id}/: one that is looked at may be gone.
pub fn info(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Task)?;
    if world.strikes("task_vanishes", |faults| &mut faults.task_vanishes)
        && let Some(task) = world.tasks.get_mut(id)
    {
        task.is_hidden = true;
    }
    Reply::object(world, call, Kind::Task, id)
}

/// GET tasks/count/
pub fn count(world: &mut World, _: &Call) -> Answer {
    let number = |status| world.tasks.iter().filter(|(_, task)| !task.is_hidden && task.status == status).count();
    let counts = STATUSES.iter().map(|status| (status.word().to_owned(), json!(number(*status))));
    Reply::value(&Value::Object(counts.collect::<Map<_, _>>()))
}

/// PUT tasks/check/: nothing is to be found out, the clock has been looked at.
pub fn check(_: &mut World, _: &Call) -> Answer {
    Reply::value(&json!({}))
}

/// PUT tasks/{id}/cancel/
pub fn cancel(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Task)?;
    if !world.tasks.get(id).is_some_and(|task| task.is_running()) {
        return Err(refused("The task is finished.", "Задача уже завершена."));
    }
    world.cancel(id);
    Reply::object(world, call, Kind::Task, id)
}

/// PUT tasks/{id}/release-locks/
pub fn release_locks(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Task)?;
    world.release_locks(id);
    Reply::object(world, call, Kind::Task, id)
}

/// GET tasks/{id}/jid/
pub fn jid(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Task)?;
    Reply::value(&json!({"jid": format!("{:020}", id.draw())}))
}

/// GET tasks/{id}/response/: the object the work was about.
pub fn response(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Task)?;
    match world.tasks.get(id).and_then(|task| task.result) {
        Some((kind, id)) => Reply::object(world, call, kind, id),
        None => Reply::value(&json!({})),
    }
}
