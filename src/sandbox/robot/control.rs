//! `/_sandbox/…`: what the operator does and what tests look at; without authorization and outside all faults.
//!
//! Bodies and answers are JSON; what is asked with GET takes the same fields from the address.

use serde_json::{Value, json};

use super::asked::Asked;
use super::call::{Call, Fail, Who, absent, fail};
use super::counters::{Counters, Line};
use super::faults::{Fault, is_route};
use super::fields::Fields;
use super::jobs::Order;
use super::page::Page;
use super::routes::Verb;
use super::sim::Sim;
use super::table::{Table, Thing};
use super::things::{Asset, Process, Queue, Robot, Version};
use super::world::World;
use super::{state, view};

const HELP: &str = "GET state, job, log, messages, broken, counters, knobs, faults, table; POST robot, process, version, \
                    queue, task, asset, job, jobs, stop, abort, activate, delete, advance, knobs, reset, fault, faults, \
                    redeliver, effect, logoff, logon";
/// Jobs made by one call.
const MOST_JOBS: i64 = 1_000_000;

/// Answers a control request.
pub fn answer(sim: &Sim, asked: &Asked) -> Page {
    let what = asked.path.trim_start_matches("/_sandbox/").trim_end_matches('/');
    let answer = match asked.fields() {
        Err(why) => Err(fail(400, why)),
        Ok(fields) => match (asked.verb, what) {
            (Some(Verb::Get), "table") => return view::table(&mut sim.world()),
            (Some(Verb::Get), what) => told(&mut sim.world(), what, &fields),
            (Some(Verb::Post), "reset") => {
                reset(sim, &fields);
                Ok(json!({"ok": true}))
            }
            (Some(Verb::Post), what) => done(&mut sim.world(), what, &fields, asked),
            _ => Err(fail(404, HELP)),
        },
    };
    answer.map_or_else(|fail| Page::json(fail.status, &json!({"error": fail.message})), |value| Page::json(200, &value))
}

fn reset(sim: &Sim, fields: &Fields) {
    if fields.flag("data") == Some(true) {
        return sim.reset_data();
    }
    let mut world = sim.world();
    let active = world.counters.active;
    world.counters = Counters { active, max_active: active, ..Counters::default() };
    world.log.clear();
    world.watch.broken.clear();
}

fn written<T: serde::Serialize>(value: T) -> Result<Value, Fail> {
    serde_json::to_value(value).map_err(|error| fail(500, error.to_string()))
}

fn told(world: &mut World, what: &str, fields: &Fields) -> Result<Value, Fail> {
    match what {
        "state" => Ok(state::all(world)),
        "job" => {
            let id = of(&world.jobs, fields, &["guid", "job"])?;
            world.jobs.get(id).map(|job| state::job(world, job)).ok_or_else(|| absent("job"))
        }
        "log" => log(world, fields),
        "messages" => Ok(state::messages(world, fields)),
        "broken" => {
            let end = if fields.flag("over") == Some(true) { world.watch_end() } else { Vec::new() };
            Ok(world.watch.broken.iter().cloned().chain(end).collect())
        }
        "counters" => written(&world.counters),
        "knobs" => written(&world.knobs),
        "faults" => written(world.faults.all()),
        _ => Err(fail(404, HELP)),
    }
}

/// Requests: all, or those of a route, of a robot, after a number.
fn log(world: &World, fields: &Fields) -> Result<Value, Fail> {
    let route = fields.any(&["route"]).unwrap_or_else(|| "*".to_owned());
    let robot = fields.any(&["robot"]).unwrap_or_default();
    let after = fields.int("after").and_then(|after| u64::try_from(after).ok()).unwrap_or(0);
    let is_meant = |line: &&&Line| {
        let is_robot = robot.is_empty() || line.robot.eq_ignore_ascii_case(&robot);
        is_route(&route, &line.route) && is_robot && line.number > after
    };
    let lines = world.log.lines();
    written(lines.iter().filter(is_meant).collect::<Vec<_>>())
}

/// The thing that the first of these fields names.
fn of<T: Thing>(table: &Table<T>, fields: &Fields, names: &[&str]) -> Result<u64, Fail> {
    let key = fields.any(names).ok_or_else(|| fail(400, format!("`{}` is missing", names[0])))?;
    table.find(&key).ok_or_else(|| absent(T::WORD))
}

/// The same, or another when there is no such field.
fn of_or<T: Thing>(table: &Table<T>, fields: &Fields, name: &str, usual: u64) -> Result<u64, Fail> {
    if fields.any(&[name]).is_some() { of(table, fields, &[name]) } else { Ok(usual) }
}

fn guid(guid: String) -> Result<Value, Fail> {
    Ok(json!({"guid": guid}))
}

fn done(world: &mut World, what: &str, fields: &Fields, asked: &Asked) -> Result<Value, Fail> {
    let fine = Ok(json!({"ok": true}));
    match what {
        "robot" => guid(new_robot(world, fields)),
        "process" => {
            let base = world.base(needed(fields, "name")?);
            let id = world.processes.insert(Process { base });
            guid(world.processes.guid(id))
        }
        "version" => guid(new_version(world, fields)?),
        "queue" => guid(new_queue(world, fields)?),
        "task" => {
            let queue = of(&world.queues, fields, &["queue"])?;
            let id = new_task(world, queue, fields)?;
            guid(world.tasks.guid(id))
        }
        "asset" => guid(new_asset(world, fields)?),
        "job" => guid(new_job(world, fields)?),
        "jobs" => {
            let count = fields.int("count").unwrap_or(1).clamp(0, MOST_JOBS);
            let guids = (0..count).map(|_| new_job(world, fields)).collect::<Result<Vec<_>, _>>()?;
            Ok(json!({"guids": guids}))
        }
        "stop" | "abort" => {
            let id = of(&world.jobs, fields, &["job", "guid"])?;
            world.end_job(id, what == "abort").map(|status| json!({"status": status}))
        }
        "activate" | "delete" | "logoff" | "logon" => {
            let id = of_or(&world.robots, fields, "robot", 1)?;
            change_robot(world, what, id, fields);
            fine
        }
        "redeliver" => {
            let id = of(&world.jobs, fields, &["job", "guid"])?;
            world.watch.again.insert(id);
            fine
        }
        "effect" => {
            let id = of(&world.jobs, fields, &["job", "guid"])?;
            world.watch_effect(id, &fields.text("text").unwrap_or_default());
            fine
        }
        "advance" => {
            let seconds = fields.number("seconds").ok_or_else(|| fail(400, "`seconds` is missing"))?;
            world.clock.advance(seconds);
            world.advance();
            Ok(json!({"now": world.now}))
        }
        "knobs" => knobs(world, &map(asked)?),
        "fault" => {
            let fault: Fault = serde_json::from_value(map(asked)?).map_err(|error| fail(400, error.to_string()))?;
            world.knobs.merged(&Value::Object(fault.knobs.clone())).map_err(|error| fail(400, error))?;
            world.faults.add(fault, world.now);
            fine
        }
        "faults" => {
            world.faults.clear();
            fine
        }
        _ => Err(fail(404, HELP)),
    }
}

fn map(asked: &Asked) -> Result<Value, Fail> {
    if asked.body.trim_ascii().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&asked.body).map_err(|error| fail(400, format!("the body is no JSON: {error}")))
}

fn knobs(world: &mut World, changes: &Value) -> Result<Value, Fail> {
    world.knobs = world.knobs.merged(changes).map_err(|error| fail(400, error))?;
    let speed = world.knobs.speed;
    if speed != world.clock.speed() {
        world.clock.set_speed(speed);
    }
    written(&world.knobs)
}

fn needed(fields: &Fields, name: &str) -> Result<String, Fail> {
    fields.any(&[name]).ok_or_else(|| fail(400, format!("`{name}` is missing")))
}

fn new_robot(world: &mut World, fields: &Fields) -> String {
    let name = fields.any(&["name"]).unwrap_or_else(|| format!("robot-{}", world.robots.len() + 1));
    let mut base = world.base(name);
    if let Some(guid) = fields.any(&["guid"]) {
        base.guid = guid;
    }
    let id = world.robots.insert(Robot {
        base,
        role: fields.any(&["role"]).unwrap_or_else(|| "Unattended".to_owned()),
        active: fields.flag("active").unwrap_or(true),
        licensed: fields.flag("licensed").unwrap_or(true),
        ..Robot::default()
    });
    world.robots.guid(id)
}

fn change_robot(world: &mut World, what: &str, id: u64, fields: &Fields) {
    match what {
        "logoff" => world.watch_logoff(id),
        "logon" => world.watch_logon(id),
        _ => {
            let Some(robot) = world.robots.get_mut(id) else { return };
            if what == "delete" {
                robot.deleted = fields.flag("deleted").unwrap_or(true);
            } else {
                robot.active = fields.flag("active").unwrap_or(true);
                robot.licensed = fields.flag("licensed").unwrap_or(robot.licensed);
            }
        }
    }
}

fn new_version(world: &mut World, fields: &Fields) -> Result<String, Fail> {
    let name = needed(fields, "name")?;
    let id = match fields.any(&["process"]) {
        None => world.version_named(&name),
        Some(_) => {
            let process = of(&world.processes, fields, &["process"])?;
            let base = world.base(name);
            world.versions.insert(Version { base, process, ..Version::default() })
        }
    };
    Ok(world.versions.guid(id))
}

fn new_queue(world: &mut World, fields: &Fields) -> Result<String, Fail> {
    let base = world.base(needed(fields, "name")?);
    let id = world.queues.insert(Queue {
        base,
        unique: fields.flag("unique").unwrap_or(false),
        auto_change_status: fields.flag("auto_change_status").unwrap_or(false),
        max_attempts: fields.int("max_attempts").unwrap_or(0),
        retry_delay: fields.number("retry_delay").unwrap_or(0.0),
    });
    Ok(world.queues.guid(id))
}

fn new_task(world: &mut World, queue: u64, fields: &Fields) -> Result<u64, Fail> {
    let call = Call { who: Who::Account, keys: Vec::new(), fields: fields.clone(), now: world.now, is_lost: false };
    world.new_task(queue, &call)
}

fn new_asset(world: &mut World, fields: &Fields) -> Result<String, Fail> {
    let base = world.base(needed(fields, "name")?);
    let robot = of_or(&world.robots, fields, "robot", 0)?;
    let kind = match fields.any(&["type"]).as_deref() {
        Some("credentials" | "1") => 1,
        Some("calendar" | "3") => 3,
        _ => 2,
    };
    let id = world.assets.insert(Asset {
        base,
        kind,
        text: fields.text("text").unwrap_or_default(),
        password: fields.text("password").unwrap_or_default(),
        robot_type: if robot == 0 { 3 } else { 1 },
        robot,
        ..Asset::default()
    });
    Ok(world.assets.guid(id))
}

/// A job of the first robot, or of the one that is named; its version is made when there is none of that name.
fn new_job(world: &mut World, fields: &Fields) -> Result<String, Fail> {
    let name = needed(fields, "version")?;
    let robot = of_or(&world.robots, fields, "robot", 1)?;
    let task = match fields.value("task") {
        None | Some(Value::Null) => 0,
        Some(Value::String(key)) => world.tasks.find(key).ok_or_else(|| absent("task"))?,
        Some(task) => {
            let task = Fields::of(task);
            let queue = of_or(&world.queues, &task, "queue", 1)?;
            new_task(world, queue, &task)?
        }
    };
    let version = world.version_named(&name);
    let id = world.new_job(Order {
        robot,
        version,
        task,
        priority: fields.int("priority").unwrap_or(1),
        stop_after: fields.number("stop_after").unwrap_or(0.0),
        source: "operator",
        ..Order::default()
    });
    Ok(world.jobs.guid(id))
}

impl World {
    /// A thing by what an account writes: a GUID in any case, a name where names are understood, the number.
    pub fn pick<T: Thing>(&self, table: &Table<T>, key: &str) -> Result<u64, Fail> {
        let numbered = || key.trim().parse().ok().filter(|&id| table.get(id).is_some());
        let found = if self.knobs.by_name { table.find(key) } else { table.by_guid(key) };
        found.or_else(numbered).ok_or_else(|| absent(T::WORD))
    }
}
