//! Triggers: they make jobs, again and again while a robot is free, or when the clock says so.

use serde_json::{Value, json};

use super::call::{Answer, Call, Fail, Reply, absent, fail};
use super::clock::{date, read_date};
use super::cron::Cron;
use super::jobs::Order;
use super::processes::{named, rename, with};
use super::table::Thing;
use super::things::Schedule;
use super::world::World;

const GROUP: i64 = 1;
const CONTINUOUS: i64 = 1;
const SCHEDULED: i64 = 2;
/// Missed firings that are made up for at once.
const MOST_MISSED: usize = 100;

/// Makes the jobs that are due.
pub fn fire(world: &mut World) {
    let active: Vec<u64> = world.schedules.iter().filter(|one| one.on).map(|schedule| schedule.base.id).collect();
    for id in active {
        let Some(schedule) = world.schedules.get(id).cloned() else { continue };
        let is_time = schedule.start.is_none_or(|start| start <= world.now)
            && schedule.end.is_none_or(|end| world.now <= end)
            && (schedule.max_runs <= 0 || schedule.runs < schedule.max_runs);
        if !is_time {
            continue;
        }
        match schedule.processing {
            CONTINUOUS => again(world, &schedule),
            _ => on_time(world, &schedule),
        }
    }
}

/// A job whenever there are fewer than may run at once: one for a robot, so many for a group.
fn again(world: &mut World, schedule: &Schedule) {
    let most = if schedule.robot_type == GROUP { schedule.max_running.max(1) } else { 1 };
    let open = world.open.iter().filter_map(|&id| world.jobs.get(id));
    let running = open.filter(|job| job.schedule == schedule.base.id).count() as i64;
    let left = if schedule.max_runs > 0 { schedule.max_runs - schedule.runs } else { i64::MAX };
    for _ in 0..(most - running).min(left).max(0) {
        make(world, schedule);
    }
}

fn on_time(world: &mut World, schedule: &Schedule) {
    let Ok(cron) = Cron::read(&schedule.cron) else { return };
    let mut due = Vec::new();
    let mut next = schedule.next;
    while let Some(at) = next.filter(|&at| at <= world.now && due.len() < MOST_MISSED) {
        due.push(at);
        next = cron.next(at);
    }
    let Some(&last) = due.last() else { return };
    if let Some(schedule) = world.schedules.get_mut(schedule.base.id) {
        schedule.next = cron.next(last.max(world.now));
    }
    // Only the last of those that were missed counts, unless they are to be made up for.
    let due = if schedule.check_missed { &due[..] } else { &due[due.len() - 1..] };
    let left = if schedule.max_runs > 0 { schedule.max_runs - schedule.runs } else { i64::MAX };
    let left = usize::try_from(left).unwrap_or(0);
    due.iter().take(left).for_each(|_| make(world, schedule));
}

fn make(world: &mut World, schedule: &Schedule) {
    let id = schedule.base.id;
    if let Some(schedule) = world.schedules.get_mut(id) {
        schedule.runs += 1;
    }
    let Some(version) = world.newest_version(schedule.process) else { return };
    let (robot, group) = if schedule.robot_type == GROUP { (0, schedule.group) } else { (schedule.robot, 0) };
    world.new_job(Order { robot, group, version, schedule: id, priority: 1, source: "trigger", ..Order::default() });
}

fn show(world: &World, schedule: &Schedule) -> Value {
    let robot = (schedule.robot != 0).then(|| world.robots.guid(schedule.robot));
    let group = (schedule.group != 0).then(|| world.groups.guid(schedule.group));
    with(
        World::show_base(&schedule.base),
        json!({
            "status": i64::from(schedule.on), "cron_tab": schedule.cron, "robot_type": schedule.robot_type,
            "robot_id": robot, "robot_group_id": group, "processing_type": schedule.processing,
            "start_at": schedule.start.map(date), "end_at": schedule.end.map(date), "max_runs": schedule.max_runs,
            "max_running_robots": schedule.max_running, "check_missed_trigger": i64::from(schedule.check_missed),
            "process_id": world.processes.guid(schedule.process), "runs": schedule.runs,
        }),
    )
}

/// Puts the fields that are given into a trigger, and looks whether it makes sense.
fn change(world: &World, schedule: &mut Schedule, call: &Call) -> Result<(), Fail> {
    let fields = &call.fields;
    let time = |name: &str| match fields.any(&[name]) {
        None => Ok(None),
        Some(text) => read_date(&text).map(Some).ok_or_else(|| fail(422, format!("{name} is no date."))),
    };
    schedule.on = fields.flag("Status").unwrap_or(schedule.on);
    schedule.robot_type = fields.int("RobotType").unwrap_or(schedule.robot_type);
    schedule.processing = fields.int("ProcessingType").unwrap_or(schedule.processing);
    schedule.max_runs = fields.int("MaxRuns").unwrap_or(schedule.max_runs);
    schedule.max_running = fields.int("MaxRunningRobots").unwrap_or(schedule.max_running);
    schedule.check_missed = fields.flag("CheckMissedTrigger").unwrap_or(schedule.check_missed);
    (schedule.start, schedule.end) = (time("StartAt")?.or(schedule.start), time("EndAt")?.or(schedule.end));
    if let Some(key) = fields.any(&["RobotId", "RobotGuid"]) {
        schedule.robot = world.pick(&world.robots, &key)?;
    }
    if let Some(key) = fields.any(&["RobotGroupId", "RobotGroupGuid"]) {
        schedule.group = world.pick(&world.groups, &key)?;
    }
    if let Some(key) = fields.any(&["ProcessId", "ProcessGuid"]) {
        schedule.process = world.pick(&world.processes, &key)?;
    }
    if let Some(cron) = fields.any(&["CronTab"]) {
        schedule.cron = cron;
    }
    match schedule.processing {
        CONTINUOUS => Ok(()),
        SCHEDULED => {
            let cron = Cron::read(&schedule.cron).map_err(|why| fail(422, format!("CronTab: {why}.")))?;
            schedule.next = cron.next(world.now);
            Ok(())
        }
        _ => Err(fail(422, "ProcessingType is 1 (continuous) or 2 (scheduled).")),
    }?;
    match (schedule.process, schedule.robot_type) {
        (0, _) => Err(fail(422, "The field ProcessId is required.")),
        (_, GROUP) if schedule.group == 0 => Err(fail(422, "The field RobotGroupId is required.")),
        (_, kind) if kind != GROUP && schedule.robot == 0 => Err(fail(422, "The field RobotId is required.")),
        _ => Ok(()),
    }
}

/// `schedule/create`.
pub fn create(world: &mut World, call: &Call) -> Answer {
    call.needed("ProcessingType")?;
    let base = named(world, call)?;
    let guid = base.guid.clone();
    let mut schedule = Schedule { base, on: true, ..Schedule::default() };
    change(world, &mut schedule, call)?;
    world.schedules.insert(schedule);
    Ok(Reply::Json(json!({"guid": guid})))
}

/// `schedule/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.schedules, call.key())?;
    let schedule = world.schedules.get(id).ok_or_else(|| absent(Schedule::WORD))?;
    Ok(Reply::Json(show(world, schedule)))
}

/// `schedule/update`. What it missed while it was off stays missed.
pub fn update(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.schedules, &call.needed("Guid")?)?;
    let mut schedule = world.schedules.get(id).cloned().ok_or_else(|| absent(Schedule::WORD))?;
    rename(&mut schedule.base, call);
    change(world, &mut schedule, call)?;
    if let Some(place) = world.schedules.get_mut(id) {
        *place = schedule;
    }
    Ok(Reply::Done)
}

/// `schedule/delete`.
pub fn delete(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.schedules, call.key())?;
    world.schedules.remove(id);
    Ok(Reply::Done)
}
