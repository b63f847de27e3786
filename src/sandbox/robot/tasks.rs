//! Tasks: their life, and the calls about single ones.

use serde_json::{Value, json};

use super::call::{Answer, Call, Fail, Reply, Who, absent, fail};
use super::clock::{date, read_date};
use super::processes::rename;
use super::table::Thing;
use super::things::task_status::{FAILED, IN_PROGRESS, LAST, NEW, POSTPONED};
use super::things::{Lock, Task};
use super::world::{Due, World};

impl World {
    pub fn show_task(&self, task: &Task) -> Value {
        json!({
            "id": task.base.id,
            "guid": task.base.guid,
            "queue_id": task.queue,
            "queue_guid": self.queues.guid(task.queue),
            "queue_name": self.queues.name(task.queue),
            "name": task.base.name,
            "description": task.base.description,
            "comment": task.comment,
            "status": task.status,
            "priority": task.priority,
            "deadline": task.deadline.map(date),
            "postponed_until": task.postponed.map(date),
            "retries": task.retries,
            "attempts": task.attempts,
            "tags": task.tags.join(";"),
            "parameters": task.parameters,
            "created_at": date(task.base.created),
            "updated_at": date(task.base.updated),
        })
    }

    /// Changes a task's status, with what follows: what has ended is nobody's, and what failed is tried again as its
    /// queue says.
    pub fn set_task(&mut self, id: u64, to: i64) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id) else { return };
        if to == IN_PROGRESS && task.status != IN_PROGRESS {
            task.attempts += 1;
        }
        (task.status, task.base.updated) = (to, now);
        if to != IN_PROGRESS {
            task.lock = None;
        }
        let (queue, attempts, own) = (task.queue, task.attempts, task.retries);
        let Some(queue) = self.queues.get(queue).filter(|_| to == FAILED) else { return };
        let (most, delay) = (queue.max_attempts.max(own + 1), queue.retry_delay);
        if attempts < most {
            self.postpone(id, now + delay);
        }
    }

    /// A task is New when the time comes; at once when it is past.
    pub fn postpone(&mut self, id: u64, until: f64) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.lock = None;
        if until <= now {
            (task.status, task.postponed) = (NEW, None);
            return;
        }
        (task.status, task.postponed) = (POSTPONED, Some(until));
        self.at(until, Due::Task(id));
    }

    /// Gives a task to whoever asks: in work, and nobody else's for a while.
    pub fn take_task(&mut self, id: u64, who: Who) {
        self.set_task(id, IN_PROGRESS);
        let (now, seconds) = (self.now, self.knobs.lock_seconds);
        let robot = who.robot();
        let under_way = |job: &u64| self.jobs.get(*job).is_some_and(|job| job.handed_to == robot && !job.is_final());
        let job = self.open.iter().rev().copied().find(|job| robot != 0 && under_way(job));
        if let Some(task) = self.tasks.get_mut(id) {
            (task.robot, task.job) = (robot, job.unwrap_or(0));
            task.lock = (seconds > 0.0).then_some(Lock { owner: robot, until: now + seconds });
        }
    }

    /// Whether somebody may change a task; the account may always.
    fn may_write(&self, task: &Task, who: Who) -> Result<(), Fail> {
        let held = task.lock.as_ref().filter(|lock| lock.until > self.now && lock.owner != who.robot());
        match held {
            Some(lock) if who != Who::Account => {
                Err(fail(409, format!("The task is locked by robot {}.", self.robots.name(lock.owner))))
            }
            _ => Ok(()),
        }
    }

    fn is_taken(&self, queue: u64, name: &str, but: u64) -> bool {
        let is_unique = self.queues.get(queue).is_some_and(|queue| queue.unique);
        let same = |task: &Task| task.queue == queue && task.base.name == name && task.base.id != but;
        is_unique && self.tasks.iter().any(same)
    }

    /// A new task by fields of the call's spelling.
    pub fn new_task(&mut self, queue: u64, call: &Call) -> Result<u64, Fail> {
        let name = call.needed("Name")?;
        if self.is_taken(queue, &name, 0) {
            return Err(fail(409, "The queue has a task of this name."));
        }
        let base = self.base(&name);
        let task = Task { base, queue, priority: 1, parameters: "{}".to_owned(), ..Task::default() };
        let id = self.tasks.insert(task);
        if let Err(error) = self.change_task(id, call) {
            self.tasks.remove(id);
            return Err(error);
        }
        Ok(id)
    }

    /// Puts the fields that are given into a task.
    fn change_task(&mut self, id: u64, call: &Call) -> Result<(), Fail> {
        let fields = &call.fields;
        let status = fields.any(&["Status"]).map(|_| fields.int("Status").filter(|to| (NEW..=LAST).contains(to)));
        let status = status.map(|to| to.ok_or_else(|| fail(422, "Status is a number from 0 to 6."))).transpose()?;
        let until = moment(call, &["PostponedUntil", "DelayUntil", "Postponed", "NotBefore"])?;
        let deadline = moment(call, &["Deadline"])?;
        let parameters = fields.text("Parameters").filter(|text| !text.trim().is_empty());
        let Some(task) = self.tasks.get_mut(id) else { return Err(absent(Task::WORD)) };
        rename(&mut task.base, call);
        task.deadline = deadline.or(task.deadline);
        task.parameters = parameters.unwrap_or_else(|| task.parameters.clone());
        task.comment = fields.text("Comment").unwrap_or_else(|| task.comment.clone());
        task.retries = fields.int("Retries").unwrap_or(task.retries);
        task.priority = priority(fields.any(&["Priority"])).unwrap_or(task.priority);
        if let Some(tags) = fields.text("Tags") {
            task.tags = split(&tags);
        }
        match (status, until) {
            (_, Some(until)) => self.postpone(id, until),
            (Some(to), None) => self.set_task(id, to),
            (None, None) => {}
        }
        Ok(())
    }
}

/// 0 low, 1 normal, 2 high; as a number or as a word.
pub fn priority(given: Option<String>) -> Option<i64> {
    match given?.trim().to_lowercase().as_str() {
        "0" | "low" => Some(0),
        "1" | "normal" => Some(1),
        "2" | "high" => Some(2),
        _ => None,
    }
}

/// Tags with `;` between them.
pub fn split(tags: &str) -> Vec<String> {
    tags.split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// A date of the first of these fields that is given; Unix seconds are understood as well.
fn moment(call: &Call, names: &[&str]) -> Result<Option<f64>, Fail> {
    let Some(text) = call.fields.any(names) else { return Ok(None) };
    let read = text.trim().parse().ok().filter(|unix: &f64| unix.is_finite()).or_else(|| read_date(&text));
    read.map(Some).ok_or_else(|| fail(422, format!("`{text}` is no date; they are written YYYY-MM-DD HH:MM:SS.")))
}

fn find(world: &World, call: &Call) -> Result<u64, Fail> {
    let key = call.fields.any(&["Guid", "TaskGuid"]).or_else(|| call.keys.first().cloned());
    let key = key.or_else(|| call.fields.any(&["Name"])).ok_or_else(|| fail(422, "The field Guid is required."))?;
    world.pick(&world.tasks, &key)
}

/// `task/create`.
pub fn create(world: &mut World, call: &Call) -> Answer {
    let queue = call.fields.any(&["QueueGuid", "Queue", "QueueName"]);
    let queue = queue.ok_or_else(|| fail(422, "The field QueueGuid is required."))?;
    let queue = world.pick(&world.queues, &queue)?;
    let id = world.new_task(queue, call)?;
    Ok(Reply::Json(json!({"guid": world.tasks.guid(id)})))
}

/// `task/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.tasks, call.key())?;
    let task = world.tasks.get(id).ok_or_else(|| absent(Task::WORD))?;
    Ok(Reply::Json(world.show_task(task)))
}

/// `task/update`.
pub fn update(world: &mut World, call: &Call) -> Answer {
    let id = find(world, call)?;
    let task = world.tasks.get(id).ok_or_else(|| absent(Task::WORD))?;
    world.may_write(task, call.who)?;
    let queue = call.fields.any(&["QueueGuid"]).map(|key| world.pick(&world.queues, &key)).transpose()?;
    let (now_in, name) = (queue.unwrap_or(task.queue), call.fields.any(&["Name"]));
    if name.is_some_and(|name| world.is_taken(now_in, &name, id)) {
        return Err(fail(409, "The queue has a task of this name."));
    }
    let was = task.status;
    world.change_task(id, call)?;
    let robot = call.who.robot();
    let job = world.open.iter().rev().copied().find(|&job| {
        world.jobs.get(job).is_some_and(|job| robot != 0 && job.handed_to == robot && job.started.is_some())
    });
    if let Some(task) = world.tasks.get_mut(id) {
        task.queue = now_in;
        // Claimed in a second call, as the published example does.
        if task.status == IN_PROGRESS && was != IN_PROGRESS {
            (task.robot, task.job) = (robot, job.unwrap_or(0));
        }
    }
    Ok(Reply::Done)
}

/// `task/delete`.
pub fn delete(world: &mut World, call: &Call) -> Answer {
    let id = find(world, call)?;
    world.tasks.remove(id);
    Ok(Reply::Done)
}

/// `task/addTag`.
pub fn add_tag(world: &mut World, call: &Call) -> Answer {
    change_tags(world, call, |tags, tag| {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    })
}

/// `task/removeTag`.
pub fn remove_tag(world: &mut World, call: &Call) -> Answer {
    change_tags(world, call, |tags, tag| tags.retain(|known| *known != tag))
}

fn change_tags(world: &mut World, call: &Call, change: fn(&mut Vec<String>, String)) -> Answer {
    let id = find(world, call)?;
    let tags = call.fields.any(&["Tags", "Tag"]).ok_or_else(|| fail(422, "The field Tags is required."))?;
    let task = world.tasks.get_mut(id).ok_or_else(|| absent(Task::WORD))?;
    split(&tags).into_iter().for_each(|tag| change(&mut task.tags, tag));
    task.base.updated = call.now;
    Ok(Reply::Done)
}
