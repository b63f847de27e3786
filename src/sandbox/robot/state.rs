//! The whole state as JSON, for tests.

use serde_json::{Value, json};

use super::fields::Fields;
use super::processes::with;
use super::things::{Job, status};
use super::world::World;

pub fn all(world: &World) -> Value {
    let robots = world.robots.iter().map(|robot| {
        json!({
            "guid": robot.base.guid, "name": robot.base.name, "role": robot.role, "active": robot.active,
            "licensed": robot.licensed, "deleted": robot.deleted, "status": world.shown_status(robot),
            "machine": robot.machine, "ip": robot.ip, "mac": robot.mac, "last_seen": robot.last_seen,
            "job_guid": robot.job_guid, "job_name": robot.job_name,
        })
    });
    let queues = world.queues.iter().map(|queue| {
        json!({
            "guid": queue.base.guid, "name": queue.base.name, "unique": queue.unique,
            "auto_change_status": queue.auto_change_status, "max_attempts": queue.max_attempts,
        })
    });
    let tasks = world.tasks.iter().map(|task| {
        let more = json!({
            "robot": world.robots.guid(task.robot), "job": world.jobs.guid(task.job),
            "lock": task.lock.as_ref().map(|lock| json!({"owner": world.robots.guid(lock.owner), "until": lock.until})),
        });
        with(world.show_task(task), more)
    });
    let assets = world.assets.iter().map(|asset| {
        json!({
            "guid": asset.base.guid, "name": asset.base.name, "type": asset.kind, "text": asset.text,
            "password": asset.password, "robot_type": asset.robot_type, "robot": world.robots.guid(asset.robot),
        })
    });
    json!({
        "now": world.now,
        "seconds": world.clock.seconds(world.now),
        "robots": robots.collect::<Vec<_>>(),
        "jobs": world.jobs.iter().map(|one| job(world, one)).collect::<Vec<_>>(),
        "queues": queues.collect::<Vec<_>>(),
        "tasks": tasks.collect::<Vec<_>>(),
        "assets": assets.collect::<Vec<_>>(),
    })
}

pub fn job(world: &World, job: &Job) -> Value {
    let history =
        job.history.iter().map(|step| json!({"at": step.at, "from": step.from, "to": step.to, "by": step.by}));
    json!({
        "guid": job.base.guid,
        "status": job.status,
        "word": status::word(job.status),
        "final": job.is_final(),
        "robot": world.robots.guid(job.robot),
        "version": world.versions.name(job.version),
        "task": world.tasks.guid(job.task),
        "source": job.source,
        "priority": job.priority,
        "created_at": job.base.created,
        "handed_to": world.robots.guid(job.handed_to),
        "handed_at": job.handed_at,
        "handed_times": job.marks.handed,
        "started_at": job.started,
        "ended_at": job.ended,
        "stop_after": job.stop_after,
        "history": history.collect::<Vec<_>>(),
    })
}

/// The messages of robots: all, or those of a job or of a robot.
pub fn messages(world: &World, fields: &Fields) -> Value {
    let (job, robot) = (fields.any(&["job"]), fields.any(&["robot"]));
    let is_job = |guid: &str| job.as_ref().is_none_or(|job| job.eq_ignore_ascii_case(guid));
    let is_robot = |id: u64| robot.as_ref().is_none_or(|robot| robot.eq_ignore_ascii_case(&world.robots.guid(id)));
    let meant = world.messages.iter().filter(|one| is_job(&one.job_guid) && is_robot(one.robot));
    let shown = meant.map(|one| {
        json!({
            "at": one.base.created, "guid": one.base.guid, "robot": world.robots.guid(one.robot),
            "version": world.versions.guid(one.version), "job": one.job_guid, "level": one.level, "text": one.text,
            "file": one.file.as_ref().map(|(name, _)| name),
        })
    });
    shown.collect()
}
