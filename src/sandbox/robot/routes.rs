//! The table of addresses.

use percent_encoding::percent_decode_str;

use super::call::{Answer, Call};
use super::world::World;
use super::{assets, groups, jobs, logs, processes, queues, robots, schedules, storage, tasks};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    pub fn word(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Delete => "DELETE",
        }
    }

    pub fn read(word: &str) -> Option<Verb> {
        [Verb::Get, Verb::Post, Verb::Put, Verb::Delete].into_iter().find(|verb| verb.word() == word)
    }
}

/// One address below `/api/`.
pub struct Route {
    pub name: &'static str,
    /// The one that stands in the documentation, then others.
    pub verbs: &'static [Verb],
    /// How many pieces may follow the name, at least and at most.
    keys: (usize, usize),
    pub act: fn(&mut World, &Call) -> Answer,
}

const fn route(
    name: &'static str,
    verbs: &'static [Verb],
    keys: (usize, usize),
    act: fn(&mut World, &Call) -> Answer,
) -> Route {
    Route { name, verbs, keys, act }
}

const GET: &[Verb] = &[Verb::Get];
const POST: &[Verb] = &[Verb::Post];
const PUT: &[Verb] = &[Verb::Put, Verb::Post];
const DELETE: &[Verb] = &[Verb::Delete, Verb::Post];
const NONE: (usize, usize) = (0, 0);
const ONE: (usize, usize) = (1, 1);
const MAYBE: (usize, usize) = (0, 1);

pub const ROUTES: &[Route] = &[
    route("robot/heartbeat", POST, NONE, robots::heartbeat),
    route("robot/consumeNextJob", POST, NONE, robots::consume),
    route("robot/create", POST, NONE, robots::create),
    route("robot/read", GET, ONE, robots::read),
    route("robot/update", PUT, NONE, robots::update),
    route("robot/delete", DELETE, ONE, robots::delete),
    route("robot/getStatus", GET, ONE, robots::get_status),
    route("robot/setStatus", PUT, NONE, robots::set_status),
    route("process/create", POST, NONE, processes::create),
    route("process/read", GET, ONE, processes::read),
    route("process/update", PUT, NONE, processes::update),
    route("process/delete", DELETE, ONE, processes::delete),
    route("processVersion/create", POST, NONE, processes::create_version),
    route("processVersion/read", GET, ONE, processes::read_version),
    route("processVersion/update", POST, NONE, processes::update_version),
    route("processVersion/delete", DELETE, ONE, processes::delete_version),
    route("job/create", POST, NONE, jobs::create),
    route("job/read", GET, ONE, jobs::read),
    route("job/update", PUT, NONE, jobs::update),
    route("job/delete", DELETE, ONE, jobs::delete),
    route("queue/create", POST, NONE, queues::create),
    route("queue/read", GET, ONE, queues::read),
    route("queue/update", PUT, NONE, queues::update),
    route("queue/delete", DELETE, ONE, queues::delete),
    route("queue/lastTask", GET, ONE, queues::last_task),
    route("task/create", POST, NONE, tasks::create),
    route("task/read", GET, ONE, tasks::read),
    route("task/filter/read", POST, (1, 2), queues::filter_read),
    route("task/filter/list", POST, (1, 2), queues::filter_list),
    route("task/update", PUT, NONE, tasks::update),
    route("task/delete", DELETE, MAYBE, tasks::delete),
    route("task/addTag", POST, NONE, tasks::add_tag),
    route("task/removeTag", POST, NONE, tasks::remove_tag),
    route("schedule/create", POST, NONE, schedules::create),
    route("schedule/read", GET, ONE, schedules::read),
    route("schedule/update", PUT, NONE, schedules::update),
    route("schedule/delete", DELETE, ONE, schedules::delete),
    route("asset/create", POST, NONE, assets::create),
    route("asset/read", GET, ONE, assets::read),
    route("asset/update", PUT, NONE, assets::update),
    route("asset/delete", DELETE, ONE, assets::delete),
    route("folders/create", POST, NONE, storage::create_folder),
    route("folders/read", GET, ONE, storage::read_folder),
    route("folders/list", GET, NONE, storage::list_folders),
    route("folders/update", PUT, NONE, storage::update_folder),
    route("folders/delete", DELETE, ONE, storage::delete_folder),
    route("files/create", POST, NONE, storage::create_file),
    route("files/read", GET, ONE, storage::read_file),
    route("files/update", PUT, NONE, storage::update_file),
    route("files/delete", DELETE, ONE, storage::delete_file),
    route("robotGroup/create", POST, NONE, groups::create),
    route("robotGroup/read", GET, ONE, groups::read),
    route("robotGroup/update", PUT, NONE, groups::update),
    route("robotGroup/delete", DELETE, ONE, groups::delete),
    route("robot/list", GET, NONE, robots::list),
    route("process/list", GET, NONE, processes::list),
    route("queue/list", GET, NONE, queues::list),
    route("files/list", GET, MAYBE, storage::list_files),
    route("log/create", POST, NONE, logs::create),
    route("log/read", GET, ONE, logs::read),
    route("log/list", GET, MAYBE, logs::list),
    route("log/purge", DELETE, NONE, logs::purge),
];

/// Those that nobody has documented.
pub const UNDOCUMENTED: [&str; 4] = ["robot/list", "process/list", "queue/list", "files/list"];

/// The route of a path and what stands in its gaps. The last gap takes the rest of the path.
pub fn find(path: &str) -> Option<(&'static Route, Vec<String>)> {
    let path = path.strip_prefix("/api/")?.trim_end_matches('/');
    ROUTES.iter().find_map(|route| {
        let rest = path.strip_prefix(route.name)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let (least, most) = route.keys;
        let rest = rest.trim_start_matches('/');
        let keys: Vec<String> = if rest.is_empty() {
            Vec::new()
        } else {
            let decode = |piece: &str| percent_decode_str(piece).decode_utf8_lossy().into_owned();
            rest.splitn(most.max(1), '/').map(decode).collect()
        };
        (least..=most).contains(&keys.len()).then_some((route, keys))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_with_what_stands_in_their_gaps() {
        let (route, keys) = find("/api/task/filter/read/invoices/status=0&name=a%2Fb").unwrap();
        assert_eq!(
            (route.name, keys),
            ("task/filter/read", vec!["invoices".to_owned(), "status=0&name=a/b".to_owned()])
        );
        let (route, keys) = find("/api/queue/lastTask/%D1%81%D1%87%D0%B5%D1%82%D0%B0").unwrap();
        assert_eq!((route.name, keys), ("queue/lastTask", vec!["счета".to_owned()]));
        assert!(find("/api/robot/heartbeat/").is_some());
        assert!(find("/api/robot/heartbeats").is_none() && find("/api/job/read").is_none() && find("/x").is_none());
    }
}
