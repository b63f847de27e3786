//! The Orchestrator's calls beside those of a working robot: verb, address, parameters, and what comes back.

use super::wire::request::Verb;
use super::wire::words::{PRIORITIES, TASK_STATUSES};

/// What a call gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// The GUID of what was made.
    Guid,
    Object,
    List,
    Nothing,
}

/// Whether anybody has seen the call described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Described,
    /// By the way of its neighbours.
    Assumed,
}

/// What a parameter takes, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Text,
    Number,
    /// 0 or 1.
    Flag,
    /// `YYYY-MM-DD HH:MM:SS`.
    Date,
    /// `dd.MM.yyyy HH:mm:ss`.
    FilterDate,
    /// Seconds since 1970.
    Unix,
    /// A list, joined by `;`.
    Tags,
    /// Anything, as JSON text; a text as it is.
    Json,
    /// A word or its number.
    Word(&'static [&'static str]),
    /// A file of this computer.
    File,
}

/// A parameter: its name in scripts, and its name in the request.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub wire: &'static str,
    pub holds: Holds,
    pub needed: bool,
}

/// A call.
#[derive(Debug)]
pub struct Call {
    /// `queue.create`
    pub name: &'static str,
    pub verb: Verb,
    pub path: &'static str,
    /// A GUID or a name stands behind the path.
    pub about: bool,
    pub params: &'static [Param],
    pub gives: Gives,
    /// It changes something.
    pub changes: bool,
    pub known: Known,
}

const fn param(name: &'static str, wire: &'static str, holds: Holds) -> Param {
    Param { name, wire, holds, needed: false }
}

const fn needed(name: &'static str, wire: &'static str, holds: Holds) -> Param {
    Param { name, wire, holds, needed: true }
}

/// Makes something of these parameters.
const fn create(name: &'static str, path: &'static str, params: &'static [Param]) -> Call {
    Call {
        name,
        verb: Verb::Post,
        path,
        about: false,
        params,
        gives: Gives::Guid,
        changes: true,
        known: Known::Described,
    }
}

const fn read(name: &'static str, path: &'static str) -> Call {
    let (verb, gives, known) = (Verb::Get, Gives::Object, Known::Described);
    Call { name, verb, path, about: true, params: &[], gives, changes: false, known }
}

const fn list(name: &'static str, path: &'static str, about: bool, params: &'static [Param]) -> Call {
    let (verb, gives, known) = (Verb::Get, Gives::List, Known::Described);
    Call { name, verb, path, about, params, gives, changes: false, known }
}

const fn update(name: &'static str, path: &'static str, params: &'static [Param]) -> Call {
    let (verb, gives, known) = (Verb::Put, Gives::Nothing, Known::Described);
    Call { name, verb, path, about: false, params, gives, changes: true, known }
}

const fn delete(name: &'static str, path: &'static str) -> Call {
    let (verb, gives, known) = (Verb::Delete, Gives::Nothing, Known::Described);
    Call { name, verb, path, about: true, params: &[], gives, changes: true, known }
}

const fn assumed(call: Call) -> Call {
    Call { known: Known::Assumed, ..call }
}

const fn by(verb: Verb, call: Call) -> Call {
    Call { verb, ..call }
}

use Holds::{Date, File, FilterDate, Flag, Json, Number, Tags, Text, Unix, Word};

const GUID: Param = needed("guid", "Guid", Text);
const NAME: Param = param("name", "Name", Text);
const NEW_NAME: Param = needed("name", "Name", Text);
const DESCRIPTION: Param = param("description", "Description", Text);

const QUEUE: [Param; 2] = [param("unique", "UniqueTasks", Flag), param("auto_change_status", "AutoChangeStatus", Flag)];

const COMMENT: Param = param("comment", "Comment", Text);
const DEADLINE: Param = param("deadline", "Deadline", Date);
const RETRIES: Param = param("retries", "Retries", Number);
const TAGS: Param = param("tags", "Tags", Tags);
const PARAMETERS: Param = param("params", "Parameters", Json);
const PRIORITY: Param = param("priority", "Priority", Word(&PRIORITIES));
const POSTPONED: Param = param("postponed_until", "PostponedUntil", Date);
const STATUS: Param = param("status", "Status", Word(&TASK_STATUSES));

/// What tasks are chosen by.
const FILTER: &[Param] = &[
    param("guid", "guid", Text),
    param("name", "name", Text),
    param("status", "status", Word(&TASK_STATUSES)),
    param("priority", "priority", Word(&PRIORITIES)),
    param("tags", "tags", Tags),
    param("created_from", "created_from", FilterDate),
    param("offset", "offset", Number),
    param("count", "count", Number),
    param("take", "take", Flag),
];

const ASSET: [Param; 8] = [
    DESCRIPTION,
    param("type", "Type", Word(&["", "credentials", "text", "calendar"])),
    param("text", "Text", Text),
    param("password", "Password", Text),
    param("password_expiration", "PasswordExpiration", Date),
    param("robot_type", "RobotType", Number),
    param("robot", "RobotId", Text),
    param("robot_group", "RobotGroupId", Text),
];

const SCHEDULE: [Param; 14] = [
    DESCRIPTION,
    param("status", "Status", Number),
    param("cron", "CronTab", Text),
    param("robot_type", "RobotType", Number),
    param("robot", "RobotId", Text),
    param("robot_group", "RobotGroupId", Text),
    param("processing_type", "ProcessingType", Number),
    param("start_at", "StartAt", Date),
    param("end_at", "EndAt", Date),
    param("max_runs", "MaxRuns", Number),
    param("max_running_robots", "MaxRunningRobots", Number),
    param("check_missed", "CheckMissedTrigger", Flag),
    param("process", "ProcessId", Text),
    PRIORITY,
];

const VERSION_FILE: Param = param("file", "ProcessFile", File);
const PROCESS: Param = param("process", "ProcessGuid", Text);
const FOLDER: Param = param("folder", "FolderGuid", Text);

/// All calls, those about one kind of thing together.
pub const CALLS: &[Call] = &[
    create("robot.create", "/api/robot/create", &[NEW_NAME, DESCRIPTION]),
    read("robot.read", "/api/robot/read"),
    update("robot.update", "/api/robot/update", &[GUID, NAME, DESCRIPTION, param("status", "Status", Number)]),
    delete("robot.delete", "/api/robot/delete"),
    read("robot.status", "/api/robot/getStatus"),
    update("robot.set_status", "/api/robot/setStatus", &[GUID, needed("status", "Status", Number)]),
    assumed(list("robot.list", "/api/robot/list", false, &[])),
    assumed(create("process.create", "/api/process/create", &[NEW_NAME, DESCRIPTION])),
    read("process.read", "/api/process/read"),
    assumed(update("process.update", "/api/process/update", &[GUID, NAME, DESCRIPTION])),
    assumed(delete("process.delete", "/api/process/delete")),
    assumed(list("process.list", "/api/process/list", false, &[])),
    create(
        "version.create",
        "/api/processVersion/create",
        &[NEW_NAME, DESCRIPTION, needed("process", "ProcessGuid", Text), needed("file", "ProcessFile", File)],
    ),
    read("version.read", "/api/processVersion/read"),
    by(
        Verb::Post,
        update("version.update", "/api/processVersion/update", &[GUID, NAME, DESCRIPTION, PROCESS, VERSION_FILE]),
    ),
    delete("version.delete", "/api/processVersion/delete"),
    assumed(create(
        "job.create",
        "/api/job/create",
        &[
            param("version", "ProcessVersionGuid", Text),
            PROCESS,
            param("robot", "RobotGuid", Text),
            param("robot_group", "RobotGroupGuid", Text),
            param("task", "TaskGuid", Text),
            param("stop_after", "StopAfter", Text),
            PRIORITY,
        ],
    )),
    read("job.read", "/api/job/read"),
    delete("job.delete", "/api/job/delete"),
    create("queue.create", "/api/queue/create", &[NEW_NAME, DESCRIPTION, QUEUE[0], QUEUE[1]]),
    read("queue.read", "/api/queue/read"),
    update("queue.update", "/api/queue/update", &[GUID, NAME, DESCRIPTION, QUEUE[0], QUEUE[1]]),
    delete("queue.delete", "/api/queue/delete"),
    assumed(list("queue.list", "/api/queue/list", false, &[])),
    read("queue.last_task", "/api/queue/lastTask"),
    create(
        "task.create",
        "/api/task/create",
        &[
            NEW_NAME,
            needed("queue", "QueueGuid", Text),
            DESCRIPTION,
            COMMENT,
            DEADLINE,
            RETRIES,
            TAGS,
            PARAMETERS,
            PRIORITY,
            POSTPONED,
        ],
    ),
    read("task.read", "/api/task/read"),
    Call { gives: Gives::Object, ..by(Verb::Post, list("task.find", "/api/task/filter/read", true, FILTER)) },
    by(Verb::Post, list("task.list", "/api/task/filter/list", true, FILTER)),
    update(
        "task.update",
        "/api/task/update",
        &[
            GUID,
            NAME,
            param("queue", "QueueGuid", Text),
            DESCRIPTION,
            COMMENT,
            DEADLINE,
            RETRIES,
            TAGS,
            PARAMETERS,
            PRIORITY,
            POSTPONED,
            STATUS,
        ],
    ),
    Call { about: false, params: &[GUID], ..delete("task.delete", "/api/task/delete") },
    by(Verb::Post, update("task.tag", "/api/task/addTag", &[GUID, needed("tags", "Tags", Tags)])),
    by(Verb::Post, update("task.untag", "/api/task/removeTag", &[GUID, needed("tags", "Tags", Tags)])),
    create("schedule.create", "/api/schedule/create", &with_first::<15>(NEW_NAME, &SCHEDULE)),
    read("schedule.read", "/api/schedule/read"),
    update("schedule.update", "/api/schedule/update", &with_two::<16>(GUID, NAME, &SCHEDULE)),
    delete("schedule.delete", "/api/schedule/delete"),
    create("asset.create", "/api/asset/create", &with_first::<9>(NEW_NAME, &ASSET)),
    read("asset.read", "/api/asset/read"),
    update("asset.update", "/api/asset/update", &with_two::<10>(GUID, NAME, &ASSET)),
    delete("asset.delete", "/api/asset/delete"),
    create("folder.create", "/api/folders/create", &[NEW_NAME, param("parent", "ParentGuid", Text)]),
    read("folder.read", "/api/folders/read"),
    list("folder.list", "/api/folders/list", false, &[]),
    assumed(update("folder.update", "/api/folders/update", &[GUID, NAME, param("parent", "ParentGuid", Text)])),
    delete("folder.delete", "/api/folders/delete"),
    create("file.create", "/api/files/create", &[NEW_NAME, FOLDER, needed("file", "File", File)]),
    read("file.read", "/api/files/read"),
    assumed(list("file.list", "/api/files/list", true, &[])),
    assumed(update("file.update", "/api/files/update", &[GUID, NAME, FOLDER, param("file", "File", File)])),
    delete("file.delete", "/api/files/delete"),
    read("log.read", "/api/log/read"),
    list("log.files", "/api/log/list", false, &[param("guid", "Guid", Text)]),
    Call { about: false, params: &[needed("time", "Time", Unix)], ..delete("log.purge", "/api/log/purge") },
];

/// One parameter in front of others.
const fn with_first<const N: usize>(first: Param, rest: &[Param]) -> [Param; N] {
    let mut all = [first; N];
    let mut place = 1;
    while place < N {
        all[place] = rest[place - 1];
        place += 1;
    }
    all
}

const fn with_two<const N: usize>(first: Param, second: Param, rest: &[Param]) -> [Param; N] {
    let mut all = [first; N];
    all[1] = second;
    let mut place = 2;
    while place < N {
        all[place] = rest[place - 2];
        place += 1;
    }
    all
}

/// The call of this name.
pub fn call(name: &str) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_used_once() {
        for (place, call) in CALLS.iter().enumerate() {
            for other in &CALLS[..place] {
                assert_ne!(call.name, other.name);
                assert!((call.verb, call.path) != (other.verb, other.path), "{}", call.name);
            }
            for (place, param) in call.params.iter().enumerate() {
                assert!(
                    call.params[..place].iter().all(|other| other.name != param.name),
                    "{}.{}",
                    call.name,
                    param.name
                );
            }
            assert!(call.path.starts_with("/api/") && !call.path.ends_with('/'), "{}", call.path);
        }
    }
}
