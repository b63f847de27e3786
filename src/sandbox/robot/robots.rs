//! Robots: the two calls they live by, and what an account does with them.

use std::cmp::Reverse;

use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Fail, Reply, absent, fail};
use super::clock::date;
use super::knobs::Absent;
use super::shape;
use super::things::status::{ABORTING, IN_PROGRESS, PENDING, STOPPING};
use super::things::{Job, Robot};
use super::world::World;

const NO_ERROR: i64 = 0;
const ROBOT_NOT_FOUND: i64 = 101;
const NO_NEW_JOB: i64 = 102;
const JOB_ABORTING: i64 = 10;
const JOB_STOPPING: i64 = 20;

impl World {
    /// The job that a robot would be given: of its own or of its group, the highest priority and then the oldest.
    fn next_job(&self, id: u64) -> Option<u64> {
        let robot = self.robots.get(id)?;
        if !robot.active || !robot.licensed || robot.deleted {
            return None;
        }
        let again = self.jobs_again().find(|job| job.robot == id).map(|job| job.base.id);
        let is_free = |job: &&Job| {
            let is_ours = job.robot == id || (job.robot == 0 && job.group != 0 && job.group == robot.group);
            is_ours && job.status == PENDING && self.can_be_handed(job)
        };
        let open = self.open.iter().filter_map(|&id| self.jobs.get(id)).filter(is_free);
        let first = || open.min_by_key(|job| (Reverse(job.priority), job.base.id)).map(|job| job.base.id);
        again.or_else(first)
    }

    /// Jobs that are to be handed out once more, whatever became of them.
    fn jobs_again(&self) -> impl Iterator<Item = &Job> {
        self.watch.again.iter().filter_map(|&id| self.jobs.get(id))
    }

    fn can_be_handed(&self, job: &Job) -> bool {
        let after = self.knobs.redeliver_after;
        match job.handed_at {
            None => true,
            Some(at) => after > 0.0 && at + after <= self.now,
        }
    }

    /// What the operator wants of the job that a heartbeat names.
    fn code(&mut self, robot: u64, job_guid: &str) -> i64 {
        let stale = self.knobs.stale_codes;
        let belongs = |job: &&Job| job.handed_to == robot;
        let id = match self.jobs.by_guid(job_guid) {
            Some(id) => self.jobs.get(id).filter(belongs).map(|job| job.base.id),
            None if job_guid.trim().is_empty() && stale => {
                let asked = self.open.iter().rev().filter_map(|&id| self.jobs.get(id)).filter(belongs);
                asked.filter(|job| job.is_asked()).map(|job| job.base.id).next()
            }
            None => None,
        };
        let now = self.now;
        let Some(job) = id.and_then(|id| self.jobs.get_mut(id)) else { return NO_ERROR };
        (job.marks.known, job.marks.named) = (true, true);
        if job.started.is_none() && !self.knobs.codes_before_start {
            return NO_ERROR;
        }
        match job.status {
            ABORTING => {
                job.marks.abort_told.get_or_insert(now);
                JOB_ABORTING
            }
            STOPPING => JOB_STOPPING,
            _ => NO_ERROR,
        }
    }

    fn robot_of(&self, call: &Call) -> Option<u64> {
        let id = self.robots.by_guid(&call.fields.text("RobotGUID").unwrap_or_default())?;
        self.robots.get(id).filter(|robot| !robot.deleted).map(|robot| robot.base.id)
    }
}

/// `robot/heartbeat`.
pub fn heartbeat(world: &mut World, call: &Call) -> Answer {
    let answer = |code: i64, text: &str, has_job: bool| {
        Ok(Reply::Json(json!({"HeartbeatErrorCode": code, "ErrorText": text, "HasNewJob": i64::from(has_job)})))
    };
    let Some(id) = world.robot_of(call) else { return answer(ROBOT_NOT_FOUND, "Robot not found", false) };
    let (now, fields) = (world.now, &call.fields);
    let job = fields.text("JobGUID").unwrap_or_default();
    let Some(robot) = world.robots.get_mut(id) else { return answer(ROBOT_NOT_FOUND, "Robot not found", false) };
    for (name, place) in [
        ("Machine", &mut robot.machine),
        ("IP", &mut robot.ip),
        ("MAC", &mut robot.mac),
        ("JobGUID", &mut robot.job_guid),
        ("JobName", &mut robot.job_name),
    ] {
        *place = fields.text(name).unwrap_or_default();
    }
    robot.status = fields.int("Status").unwrap_or(robot.status);
    robot.last_seen = Some(now);
    let text = if robot.licensed { "" } else { "Robot is not licensed" };
    let code = world.code(id, &job);
    let has_job = world.next_job(id).is_some();
    answer(code, text, has_job)
}

/// `robot/consumeNextJob`.
pub fn consume(world: &mut World, call: &Call) -> Answer {
    let Some(robot) = world.robot_of(call) else { return Ok(nothing(ROBOT_NOT_FOUND, "Robot not found")) };
    let Some(id) = world.next_job(robot) else { return Ok(nothing(NO_NEW_JOB, "New job not found")) };
    world.hand_out(id, robot, call.is_lost);
    Ok(Reply::Json(handed(world, id)))
}

fn nothing(code: i64, text: &str) -> Reply {
    let none = Value::Null;
    Reply::Json(json!({
        "ConsumeJobErrorCode": code, "ErrorText": text, "Job": none, "ProcessVersion": none, "Task": none,
    }))
}

impl World {
    fn hand_out(&mut self, id: u64, robot: u64, is_lost: bool) {
        let now = self.now;
        self.watch.again.remove(&id);
        self.counters.jobs_handed_out += 1;
        let Some(job) = self.jobs.get_mut(id) else { return };
        (job.robot, job.handed_to, job.handed_at) = (robot, robot, Some(now));
        job.marks.handed += 1;
        job.marks.known = !is_lost;
        let starts = self.knobs.consume_starts && job.status == PENDING;
        if starts {
            self.set_job(id, IN_PROGRESS, "server");
        }
        self.watch_handed(robot);
    }
}

/// The answer that hands out a job.
fn handed(world: &World, id: u64) -> Value {
    let knobs = &world.knobs;
    let mut answer = Map::new();
    answer.insert("ConsumeJobErrorCode".to_owned(), json!(NO_ERROR));
    answer.insert("ErrorText".to_owned(), json!(""));
    let Some(job) = world.jobs.get(id) else { return Value::Object(answer) };
    let shown = json!({
        "GUID": job.base.guid, "id": job.base.id, "status": job.status, "priority": job.priority,
        "stop_after": (job.stop_after > 0.0).then_some(job.stop_after), "created_at": date(job.base.created),
    });
    answer.insert("Job".to_owned(), shape::inner(knobs, shown));
    if let Some(version) = world.versions.get(job.version) {
        let shown = json!({
            "GUID": version.base.guid, "id": version.base.id, "Name": version.base.name,
            "Description": version.base.description, "process_id": version.process,
            "process_name": world.processes.name(version.process), "process_file_name": version.file_name,
        });
        answer.insert("ProcessVersion".to_owned(), shape::inner(knobs, shown));
    }
    let task = world.tasks.get(job.task).map(|task| shape::inner(knobs, world.show_task(task)));
    let task = task.or(match knobs.absent_task {
        Absent::Null => Some(Value::Null),
        Absent::Empty => Some(json!("")),
        Absent::Array => Some(json!("[]")),
        Absent::Absent => None,
    });
    if let Some(task) = task {
        answer.insert(knobs.task_key.clone(), task);
    }
    Value::Object(answer)
}

fn find(world: &World, key: &str) -> Result<u64, Fail> {
    let id = world.pick(&world.robots, key)?;
    world.robots.get(id).filter(|robot| !robot.deleted).map(|robot| robot.base.id).ok_or_else(|| absent("robot"))
}

fn show(world: &World, robot: &Robot) -> Value {
    json!({
        "id": robot.base.id,
        "guid": robot.base.guid,
        "name": robot.base.name,
        "description": robot.base.description,
        "status": world.shown_status(robot),
        "role": robot.role,
        "active": i64::from(robot.active),
        "licensed": i64::from(robot.licensed),
        "machine": robot.machine,
        "ip": robot.ip,
        "mac": robot.mac,
        "robot_group_id": (robot.group != 0).then_some(robot.group),
        "last_seen": robot.last_seen.map(date),
        "created_at": date(robot.base.created),
        "updated_at": date(robot.base.updated),
    })
}

/// `robot/create`.
pub fn create(world: &mut World, call: &Call) -> Answer {
    let name = call.needed("Name")?;
    let description = call.fields.text("Description").unwrap_or_default();
    let mut base = world.base(&name);
    base.description.clone_from(&description);
    let guid = base.guid.clone();
    let robot = Robot { base, role: "Unattended".to_owned(), active: true, licensed: true, ..Robot::default() };
    world.robots.insert(robot);
    Ok(Reply::Json(json!({"Name": name, "Description": description, "GUID": guid, "Status": 0})))
}

/// `robot/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = find(world, call.key())?;
    let robot = world.robots.get(id).ok_or_else(|| absent("robot"))?;
    Ok(Reply::Json(show(world, robot)))
}

/// `robot/list`.
pub fn list(world: &mut World, _: &Call) -> Answer {
    let shown = world.robots.iter().filter(|robot| !robot.deleted).map(|robot| show(world, robot));
    Ok(Reply::Json(shown.collect()))
}

/// `robot/update` and `robot/setStatus`.
pub fn update(world: &mut World, call: &Call) -> Answer {
    let id = find(world, &call.needed("GUID")?)?;
    let (now, fields) = (world.now, &call.fields);
    let robot = world.robots.get_mut(id).ok_or_else(|| absent("robot"))?;
    if let Some(name) = fields.any(&["Name"]) {
        robot.base.name = name;
    }
    if let Some(text) = fields.text("Description") {
        robot.base.description = text;
    }
    if let Some(status) = fields.int("Status") {
        robot.status = status;
    }
    robot.base.updated = now;
    Ok(Reply::Done)
}

/// `robot/getStatus`.
pub fn get_status(world: &mut World, call: &Call) -> Answer {
    let id = find(world, call.key())?;
    let status = world.robots.get(id).map(|robot| world.shown_status(robot));
    Ok(Reply::Json(json!({"Status": status})))
}

/// `robot/setStatus`.
pub fn set_status(world: &mut World, call: &Call) -> Answer {
    call.fields.int("Status").ok_or_else(|| fail(422, "The field Status is required."))?;
    update(world, call)
}

/// `robot/delete`. Its GUID is kept: what it still reports is taken.
pub fn delete(world: &mut World, call: &Call) -> Answer {
    let id = find(world, call.key())?;
    world.robots.get_mut(id).ok_or_else(|| absent("robot"))?.deleted = true;
    Ok(Reply::Done)
}
