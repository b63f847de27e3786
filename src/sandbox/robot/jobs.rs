//! Jobs: how they are made, how their status may change, and what robots report of them.

use serde_json::{Value, json};

use super::call::{Answer, Call, Fail, Reply, Who, absent, fail};
use super::clock::date;
use super::knobs::Late;
use super::table::Thing;
use super::things::status::{
    ABORTED, ABORTING, CREATED, FAILED, IN_PROGRESS, PENDING, STOPPED, STOPPING, SUCCESS, is_final, word,
};
use super::things::{Job, Step, task_status};
use super::world::{Due, World};

/// What a job is made of.
#[derive(Clone, Debug, Default)]
pub struct Order {
    pub robot: u64,
    pub group: u64,
    pub version: u64,
    pub task: u64,
    pub schedule: u64,
    pub priority: i64,
    pub stop_after: f64,
    pub source: &'static str,
}

/// What becomes of a report.
enum Report {
    Change,
    /// Taken, and the status stays.
    Nothing,
    Refused(&'static str),
}

impl World {
    /// A new job; its number. One that belongs to a robot or to a group waits at once.
    pub fn new_job(&mut self, order: Order) -> u64 {
        let base = self.base("");
        let mut job = Job {
            base,
            status: CREATED,
            robot: order.robot,
            group: order.group,
            version: order.version,
            task: order.task,
            schedule: order.schedule,
            source: order.source,
            priority: order.priority,
            stop_after: order.stop_after,
            ..Job::default()
        };
        job.history.push(Step { at: self.now, from: None, to: CREATED, by: order.source });
        let id = self.jobs.insert(job);
        self.open.insert(id);
        self.counters.jobs_created += 1;
        if order.robot != 0 || order.group != 0 {
            self.set_job(id, PENDING, "server");
        }
        id
    }

    /// Changes a job's status without asking whether it may be.
    pub fn set_job(&mut self, id: u64, to: i64, by: &'static str) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.history.push(Step { at: now, from: Some(job.status), to, by });
        (job.status, job.base.updated) = (to, now);
        if to == IN_PROGRESS && job.started.is_none() {
            self.begun(id);
        }
        if is_final(to) {
            self.over(id, to);
        }
    }

    /// A job has begun: its time runs, and its own task is in work.
    fn begun(&mut self, id: u64) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.started = Some(now);
        let (task, robot, stop_after) = (job.task, job.handed_to, job.stop_after);
        if stop_after > 0.0 {
            self.at(now + stop_after, Due::StopJob(id));
        }
        let is_auto = |world: &World, queue: u64| world.queues.get(queue).is_some_and(|queue| queue.auto_change_status);
        let queue = self.tasks.get(task).map_or(0, |task| task.queue);
        if is_auto(self, queue)
            && let Some(task) = self.tasks.get_mut(task).filter(|task| task.status == task_status::NEW)
        {
            (task.status, task.robot, task.job, task.base.updated) = (task_status::IN_PROGRESS, robot, id, now);
            task.attempts += 1;
        }
    }

    fn over(&mut self, id: u64, to: i64) {
        let now = self.now;
        self.open.remove(&id);
        *self.counters.jobs_ended.entry(word(to)).or_insert(0) += 1;
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.ended = Some(now);
        let own = job.task;
        if to == SUCCESS {
            return;
        }
        let queues = &self.queues;
        let is_hit = |queue: u64| queues.get(queue).is_some_and(|queue| queue.auto_change_status);
        let hit = self.tasks.iter().filter(|task| {
            let belongs = task.job == id || (own != 0 && task.base.id == own);
            belongs && task.status == task_status::IN_PROGRESS && is_hit(task.queue)
        });
        let hit: Vec<u64> = hit.map(|task| task.base.id).collect();
        hit.into_iter().for_each(|task| self.set_task(task, task_status::FAILED));
    }

    /// Whether a robot's report is taken.
    fn judge(&self, job: &Job, to: i64) -> Report {
        let knobs = &self.knobs;
        let is_handed = job.handed_to != 0;
        match (job.status, to) {
            (from, to) if from == to => Report::Nothing,
            (from, _) if is_final(from) => Report::Refused("the job is over"),
            (CREATED | PENDING, _) if !is_handed => Report::Refused("nobody has taken the job"),
            (CREATED | PENDING, IN_PROGRESS | ABORTED | FAILED | STOPPED) => Report::Change,
            (STOPPING | ABORTING, IN_PROGRESS) => match knobs.start_while_asked {
                Late::Keep => Report::Nothing,
                Late::Refuse => Report::Refused("the job is to be ended"),
            },
            (IN_PROGRESS, SUCCESS | FAILED) => Report::Change,
            (IN_PROGRESS, STOPPED) if knobs.stopped_unasked => Report::Change,
            (STOPPING, STOPPED) | (ABORTING, ABORTED) => Report::Change,
            (STOPPING, SUCCESS | FAILED) | (ABORTING, SUCCESS | FAILED | STOPPED) if knobs.late_results => {
                Report::Change
            }
            _ => Report::Refused("the job's status does not allow that"),
        }
    }

    /// What a robot, or the account, says of a job.
    fn report(&mut self, id: u64, to: i64, who: Who) -> Answer {
        let Some(job) = self.jobs.get(id) else { return Err(absent(Job::WORD)) };
        let report = self.judge(job, to);
        self.watch_report(id, to, matches!(report, Report::Refused(_)));
        match report {
            Report::Change => self.set_job(id, to, if who == Who::Account { "account" } else { "robot" }),
            Report::Nothing => {
                let is_late = self.jobs.get(id).is_some_and(|job| job.is_asked() && job.started.is_none());
                if to == IN_PROGRESS && is_late {
                    self.begun(id);
                }
            }
            Report::Refused(why) => {
                if let Some(job) = self.jobs.get_mut(id) {
                    (job.marks.troubled, job.marks.refused) = (true, true);
                }
                if self.knobs.strict_order {
                    return Err(fail(409, format!("The status cannot become {}: {why}.", word(to))));
                }
            }
        }
        Ok(Reply::Done)
    }

    /// The operator wants a job ended: softly, or at once.
    pub fn end_job(&mut self, id: u64, is_hard: bool) -> Result<i64, Fail> {
        let Some(job) = self.jobs.get(id) else { return Err(absent(Job::WORD)) };
        let (asked, done) = if is_hard { (ABORTING, ABORTED) } else { (STOPPING, STOPPED) };
        let to = match job.status {
            from if is_final(from) => return Err(fail(409, "The job is over.")),
            CREATED | PENDING if job.handed_to == 0 => done,
            // Abort is not taken back by Stop.
            ABORTING => ABORTING,
            _ => asked,
        };
        if to != job.status {
            self.set_job(id, to, "operator");
        }
        Ok(to)
    }

    pub fn show_job(&self, job: &Job) -> Value {
        let guid = |id: u64, of: String| if id == 0 { Value::Null } else { Value::String(of) };
        json!({
            "id": job.base.id,
            "guid": job.base.guid,
            "status": job.status,
            "process_version_id": job.version,
            "process_version_guid": guid(job.version, self.versions.guid(job.version)),
            "robot_id": job.robot,
            "robot_guid": guid(job.robot, self.robots.guid(job.robot)),
            "robot_group_guid": guid(job.group, self.groups.guid(job.group)),
            "task_guid": guid(job.task, self.tasks.guid(job.task)),
            "account_id": 1,
            "schedule_id": (job.schedule != 0).then_some(job.schedule),
            "priority": job.priority,
            "stop_after": (job.stop_after > 0.0).then_some(job.stop_after),
            "started_at": job.started.map(date),
            "ended_at": job.ended.map(date),
            "created_at": date(job.base.created),
            "updated_at": date(job.base.updated),
        })
    }
}

/// `job/update`.
pub fn update(world: &mut World, call: &Call) -> Answer {
    let guid = call.needed("guid")?;
    let to = call.fields.int("status").filter(|to| (0..=8).contains(to));
    let to = to.ok_or_else(|| fail(422, "The field status is required: 0 to 8."))?;
    let id = world.jobs.by_guid(&guid).ok_or_else(|| absent(Job::WORD))?;
    let owner = world.jobs.get(id).map_or(0, |job| if job.handed_to == 0 { job.robot } else { job.handed_to });
    if let Who::Robot(robot) = call.who
        && robot != owner
        && !world.knobs.lenient_owner
    {
        return Err(fail(403, "The job belongs to another robot."));
    }
    world.report(id, to, call.who)
}

/// `job/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = world.jobs.by_guid(call.key()).ok_or_else(|| absent(Job::WORD))?;
    let job = world.jobs.get(id).ok_or_else(|| absent(Job::WORD))?;
    Ok(Reply::Json(world.show_job(job)))
}

/// `job/delete`.
pub fn delete(world: &mut World, call: &Call) -> Answer {
    let id = world.jobs.by_guid(call.key()).ok_or_else(|| absent(Job::WORD))?;
    world.jobs.remove(id);
    world.open.remove(&id);
    Ok(Reply::Done)
}

/// `job/create`. Nothing is known of its fields: a version, or a process whose newest version is meant; a robot or a
/// group; a task; `StopAfter` in seconds.
pub fn create(world: &mut World, call: &Call) -> Answer {
    let fields = &call.fields;
    let version = match fields.any(&["ProcessVersionGuid", "ProcessVersion", "VersionGuid", "ProcessVersionId"]) {
        Some(key) => world.pick(&world.versions, &key)?,
        None => {
            let key = fields.any(&["ProcessGuid", "Process", "ProcessId"]);
            let key = key.ok_or_else(|| fail(422, "The field ProcessVersionGuid or ProcessGuid is required."))?;
            let process = world.pick(&world.processes, &key)?;
            world.newest_version(process).ok_or_else(|| fail(422, "The process has no version."))?
        }
    };
    let robot = fields.any(&["RobotGuid", "Robot", "RobotId"]).map(|key| world.pick(&world.robots, &key));
    let group =
        fields.any(&["RobotGroupGuid", "RobotGroup", "RobotGroupId"]).map(|key| world.pick(&world.groups, &key));
    let task = fields.any(&["TaskGuid", "Task", "TaskId"]).map(|key| world.pick(&world.tasks, &key));
    let order = Order {
        robot: robot.transpose()?.unwrap_or(0),
        group: group.transpose()?.unwrap_or(0),
        version,
        task: task.transpose()?.unwrap_or(0),
        priority: fields.int("priority").unwrap_or(1),
        stop_after: fields.number("stop_after").unwrap_or(0.0),
        source: "api",
        ..Order::default()
    };
    if order.robot == 0 && order.group == 0 {
        return Err(fail(422, "The field RobotGuid or RobotGroupGuid is required."));
    }
    let id = world.new_job(order);
    Ok(Reply::Json(json!({"guid": world.jobs.guid(id)})))
}
