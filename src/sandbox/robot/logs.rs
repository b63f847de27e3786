//! Messages of robots.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply, absent};
use super::clock::date;
use super::things::Message;
use super::world::World;

/// More are forgotten, the oldest first.
const MOST: usize = 200_000;

/// `log/create`.
pub fn create(world: &mut World, call: &Call) -> Answer {
    let fields = &call.fields;
    let text = call.needed("Message")?;
    let robot = fields.any(&["RobotGUID"]).and_then(|key| world.robots.find(&key));
    let version = fields.any(&["ProcessVersionGUID"]).and_then(|key| world.versions.by_guid(&key));
    let job_guid = fields.text("JobGUID").unwrap_or_default();
    let base = world.base("");
    let message = Message {
        base,
        robot: robot.unwrap_or(call.who.robot()),
        version: version.unwrap_or(0),
        job: world.jobs.by_guid(&job_guid).unwrap_or(0),
        job_guid,
        level: fields.int("Level").unwrap_or(1),
        text,
        file: fields.file("File").map(|file| (file.name.clone(), file.content.clone())),
    };
    world.messages.insert(message);
    world.counters.messages += 1;
    while world.messages.len() > MOST {
        let Some(first) = world.messages.iter().next().map(|message| message.base.id) else { break };
        world.messages.remove(first);
    }
    Ok(Reply::Done)
}

pub fn show(message: &Message) -> Value {
    json!({
        "id": message.base.id,
        "guid": message.base.guid,
        "robot_id": message.robot,
        "process_version_id": message.version,
        "job_id": message.job,
        "Level": message.level,
        "Message": message.text,
        "file": message.file.as_ref().map(|(name, _)| name),
        "created_at": date(message.base.created),
        "updated_at": date(message.base.updated),
    })
}

/// `log/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = world.messages.by_guid(call.key());
    let message = id.and_then(|id| world.messages.get(id)).ok_or_else(|| absent("log message"))?;
    Ok(Reply::Json(show(message)))
}

/// `log/list`: the files of a message, or of all messages of a robot or of a job.
pub fn list(world: &mut World, call: &Call) -> Answer {
    let asked = call.fields.any(&["Guid", "JobGUID", "RobotGUID"]).unwrap_or_else(|| call.key().to_owned());
    let (message, job, robot) =
        (world.messages.by_guid(&asked), world.jobs.by_guid(&asked), world.robots.by_guid(&asked));
    let is_meant = |one: &&Message| {
        message == Some(one.base.id) || (one.job != 0 && job == Some(one.job)) || robot == Some(one.robot)
    };
    let shown = world.messages.iter().filter(is_meant).filter_map(|one| {
        let (name, content) = one.file.as_ref()?;
        Some(json!({"guid": one.base.guid, "name": name, "size": content.len()}))
    });
    Ok(Reply::Json(shown.collect()))
}

/// `log/purge`: messages older than `Time`, in Unix seconds.
pub fn purge(world: &mut World, call: &Call) -> Answer {
    let time = call.needed("Time")?;
    let time = time.trim().parse::<f64>().map_err(|_| super::call::fail(422, "Time is not in Unix seconds."))?;
    world.messages.retain(|message| message.base.created >= time);
    Ok(Reply::Done)
}
