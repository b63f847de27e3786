//! Queues: the calls about them, and which task comes next.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::call::{Answer, Call, Fail, Reply, absent, fail};
use super::clock::read_date;
use super::fields::Fields;
use super::processes::{named, rename, with};
use super::table::Thing;
use super::tasks::priority;
use super::things::task_status::NEW;
use super::things::{Queue, Task};
use super::world::World;

/// How many tasks a list has when nobody says.
const USUAL: usize = 100;

fn change(queue: &mut Queue, fields: &Fields) {
    queue.unique = fields.flag("UniqueTasks").unwrap_or(queue.unique);
    queue.auto_change_status = fields.flag("AutoChangeStatus").unwrap_or(queue.auto_change_status);
    queue.max_attempts = fields.int("MaxAttempts").unwrap_or(queue.max_attempts);
    queue.retry_delay = fields.number("RetryDelay").unwrap_or(queue.retry_delay);
}

/// `queue/create`.
pub fn create(world: &mut World, call: &Call) -> Answer {
    let base = named(world, call)?;
    let guid = base.guid.clone();
    let mut queue = Queue { base, ..Queue::default() };
    change(&mut queue, &call.fields);
    world.queues.insert(queue);
    Ok(Reply::Json(json!({"guid": guid})))
}

fn show(queue: &Queue) -> Value {
    with(
        World::show_base(&queue.base),
        json!({
            "auto_change_status": i64::from(queue.auto_change_status),
            "unique_tasks": i64::from(queue.unique),
            "max_attempts": queue.max_attempts,
            "retry_delay": queue.retry_delay,
        }),
    )
}

/// `queue/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.queues, call.key())?;
    world.queues.get(id).map(|queue| Reply::Json(show(queue))).ok_or_else(|| absent(Queue::WORD))
}

/// `queue/list`.
pub fn list(world: &mut World, _: &Call) -> Answer {
    Ok(Reply::Json(world.queues.iter().map(show).collect()))
}

/// `queue/update`.
pub fn update(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.queues, &call.needed("Guid")?)?;
    let queue = world.queues.get_mut(id).ok_or_else(|| absent(Queue::WORD))?;
    rename(&mut queue.base, call);
    change(queue, &call.fields);
    Ok(Reply::Done)
}

/// `queue/delete`, with its tasks.
pub fn delete(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.queues, call.key())?;
    world.queues.remove(id);
    world.tasks.retain(|task| task.queue != id);
    Ok(Reply::Done)
}

/// The place of a task among those that wait: past its deadline, then by priority, then by age.
fn rank(task: &Task, now: f64) -> (bool, Reverse<i64>, u64) {
    let is_overdue = task.deadline.is_some_and(|deadline| deadline <= now);
    (!is_overdue, Reverse(task.priority), task.base.id)
}

/// `queue/lastTask`: the next task. It is not reserved: two robots may be given the same one.
pub fn last_task(world: &mut World, call: &Call) -> Answer {
    let queue = world.pick(&world.queues, call.key())?;
    let waiting = world.tasks.iter().filter(|task| task.queue == queue && task.status == NEW);
    let next = waiting.min_by_key(|task| rank(task, world.now));
    Ok(match next {
        Some(task) => Reply::Json(world.show_task(task)),
        None => Reply::Text(world.knobs.no_task_body.clone()),
    })
}

/// What of a queue is wanted. They are fields of the body, or pairs of a form in the last piece of the address.
struct Filter {
    guid: Option<String>,
    /// With `*` and `?`.
    name: Option<String>,
    status: Option<i64>,
    priority: Option<i64>,
    must: Vec<String>,
    must_not: Vec<String>,
    created_from: Option<f64>,
    offset: usize,
    count: usize,
    take: bool,
    error_when_none: bool,
}

impl Filter {
    fn read(call: &Call) -> Result<Filter, Fail> {
        let mut fields = call.fields.clone();
        if let Some(more) = call.keys.get(1) {
            fields.add_form(more);
        }
        let created = fields.any(&["created_from", "created", "created_at", "created_after"]);
        let read = |text: &String| {
            let wrong = || fail(422, format!("`{text}` is no date; they are written dd.MM.yyyy HH:mm:ss."));
            read_date(text).ok_or_else(wrong)
        };
        let tags = fields.any(&["tags"]).unwrap_or_default();
        let marked = |mark: char| {
            let one = |tag: &str| tag.trim().strip_prefix(mark).map(|tag| tag.trim().to_owned());
            tags.split(';').filter_map(one).collect::<Vec<_>>()
        };
        let plain = tags.split(';').map(str::trim).filter(|tag| !tag.is_empty() && !tag.starts_with(['+', '-']));
        let amount = |name: &str| fields.int(name).and_then(|number| usize::try_from(number).ok());
        Ok(Filter {
            guid: fields.any(&["guid"]),
            name: fields.any(&["name"]),
            status: fields.any(&["status"]).and_then(|_| fields.int("status")),
            priority: priority(fields.any(&["priority"])),
            must: marked('+').into_iter().chain(plain.map(str::to_owned)).collect(),
            must_not: marked('-'),
            created_from: created.as_ref().map(read).transpose()?,
            offset: amount("offset").unwrap_or(0),
            count: amount("count").or(amount("max")).or(amount("limit")).unwrap_or(USUAL),
            take: ["take", "take_into_work"].iter().any(|name| fields.flag(name) == Some(true)),
            error_when_none: ["error_when_none", "error_if_none"].iter().any(|name| fields.flag(name) == Some(true)),
        })
    }

    fn is_met(&self, task: &Task) -> bool {
        self.guid.as_ref().is_none_or(|guid| guid.eq_ignore_ascii_case(&task.base.guid))
            && self.name.as_ref().is_none_or(|name| is_like(&task.base.name, name))
            && self.status.is_none_or(|status| task.status == status)
            && self.priority.is_none_or(|priority| task.priority == priority)
            && self.must.iter().all(|tag| task.tags.contains(tag))
            && !self.must_not.iter().any(|tag| task.tags.contains(tag))
            && self.created_from.is_none_or(|from| task.base.created >= from)
    }
}

/// Whether a text is like a pattern of `*` (any text) and `?` (one character), in any case.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) =
        (text.to_lowercase().chars().collect(), pattern.to_lowercase().chars().collect());
    let (mut at, mut place) = (0, 0);
    // The last `*`, and how much of the text it covers so far.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some('*') => {
                star = Some((place, at));
                place += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[at] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((back, covered)) = star else { return false };
                star = Some((back, covered + 1));
                (at, place) = (covered + 1, back + 1);
            }
        }
    }
    pattern[place..].iter().all(|&rest| rest == '*')
}

/// Tasks that a filter lets through, the next one first.
fn filtered(world: &World, call: &Call, filter: &Filter) -> Result<Vec<u64>, Fail> {
    let queue = world.pick(&world.queues, call.key())?;
    let met = world.tasks.iter().filter(|task| task.queue == queue && filter.is_met(task));
    let mut met: Vec<&Task> = met.collect();
    met.sort_by_key(|task| rank(task, world.now));
    Ok(met.into_iter().skip(filter.offset).take(filter.count).map(|task| task.base.id).collect())
}

fn understood(world: &World) -> Result<(), Fail> {
    match world.knobs.filters {
        true => Ok(()),
        false => Err(fail(404, "The route api/task/filter could not be found.")),
    }
}

/// `task/filter/read`: one task; with `take` it is in work when it is answered. Without a status New ones are meant when
/// the task is to be taken.
pub fn filter_read(world: &mut World, call: &Call) -> Answer {
    understood(world)?;
    let mut filter = Filter::read(call)?;
    if filter.take {
        filter.status = Some(filter.status.unwrap_or(NEW));
    }
    let Some(id) = filtered(world, call, &filter)?.first().copied() else {
        return if filter.error_when_none { Err(absent(Task::WORD)) } else { Ok(Reply::Json(json!([]))) };
    };
    if filter.take {
        world.take_task(id, call.who);
    }
    let task = world.tasks.get(id).ok_or_else(|| absent(Task::WORD))?;
    Ok(Reply::Json(world.show_task(task)))
}

/// `task/filter/list`.
pub fn filter_list(world: &mut World, call: &Call) -> Answer {
    understood(world)?;
    let filter = Filter::read(call)?;
    let ids = filtered(world, call, &filter)?;
    if ids.is_empty() && filter.error_when_none {
        return Err(absent(Task::WORD));
    }
    if filter.take {
        ids.iter().for_each(|&id| world.take_task(id, call.who));
    }
    let shown = ids.iter().filter_map(|&id| world.tasks.get(id)).map(|task| world.show_task(task));
    Ok(Reply::Json(shown.collect()))
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn wildcards_stand_for_any_text_and_for_one_character() {
        for (text, pattern, wanted) in [
            ("inv-17", "inv-*", true),
            ("inv-17", "INV-1?", true),
            ("inv-17", "inv", false),
            ("inv-17", "*7", true),
            ("a.b.c", "a*b*c", true),
            ("счёт", "сч?т", true),
            ("", "*", true),
            ("x", "", false),
            ("aab", "*ab", true),
        ] {
            assert_eq!(is_like(text, pattern), wanted, "{text} {pattern}");
        }
    }
}
