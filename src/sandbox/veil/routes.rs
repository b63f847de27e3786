//! Every address of the API: what it does and what its body may hold. The OpenAPI document is made of this table.

use super::call::Type::{Flag, Id, Ids, Int, List, Map, Number, Text};
use super::call::{Answer, Call, Field, may, must};
use super::kind::{KINDS, Kind};
use super::world::World;
use super::{create, guest, hardware, media, power, snapshots, tags, task_calls};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verb {
    Get,
    Post,
    Put,
}

impl Verb {
    pub fn word(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
        }
    }
}

use Verb::{Get, Post, Put};

pub type Act = fn(&mut World, &Call) -> Answer;

pub struct Route {
    pub verb: Verb,
    /// Below `/api/`, with a slash at the end; `{id}` is any segment.
    pub path: &'static str,
    pub act: Act,
    pub body: &'static [Field],
}

const fn route(verb: Verb, path: &'static str, act: Act, body: &'static [Field]) -> Route {
    Route { verb, path, act, body }
}

const FORCE: &[Field] = &[may("force", Flag)];
const NONE: &[Field] = &[];
const TAGGED: &[Field] = &[must("entity_uuid", Id), must("entity_class", Text), may("entity_name", Text)];
const TAGGED_MANY: &[Field] = &[must("entity_uuids", Ids), must("entity_class", Text)];
const FILE: &[Field] = &[must("datapool", Id), may("filename", Text), may("url", Text)];

/// Fields of every machine that is made.
macro_rules! machine {
    ($($more:expr),* $(,)?) => {
        &[
            must("verbose_name", Text), may("description", Text), may("node", Id), may("resource_pool", Id),
            may("datapool", Id), may("domain_id", Id), may("memory_count", Int), may("cpu_count", Int),
            may("cpu_count_max", Int), may("cpu_priority", Int), may("cpu_mode", Text), may("cpu_model", Text),
            may("os_type", Text), may("os_version", Text), may("machine", Text), may("boot_type", Text),
            may("cloud_init", Flag), may("cloud_init_config", Map), $($more),*
        ]
    };
}

const CREATE: &[Field] = machine![];
const COPIES: &[Field] = machine![
    may("count", Int),
    may("domains_ids", Ids),
    may("template", Flag),
    may("remote_access", Flag),
    may("start_on", Flag),
    may("set_hostname", Flag),
    may("add_to_ad", Map),
    may("parent", Id),
    may("thin", Flag),
    may("vdisks", List),
    may("new_vdisks", List),
    may("isos", List),
    may("new_isos", List),
    may("vmachine_infs", List),
    may("start_on_boot", Flag),
    may("ssh_inject", Map),
];
const CLONES: &[Field] = machine![
    may("count", Int),
    may("domains_ids", Ids),
    may("template", Flag),
    may("remote_access", Flag),
    may("start_on", Flag),
    may("set_hostname", Flag),
    may("snapshot", Id),
    may("replication", Flag),
];
const UPDATE: &[Field] = &[
    may("verbose_name", Text),
    may("description", Text),
    may("os_type", Text),
    may("os_version", Text),
    may("tablet", Flag),
    may("start_on_boot", Flag),
    may("spice_stream", Flag),
    may("user_xml", Text),
    may("gpu_optimize", Flag),
    may("features", List),
    may("qemu_args", List),
    may("priority", Int),
];
const AD: &[Field] = &[
    must("domainname", Text),
    must("login", Text),
    must("password", Text),
    may("restart", Flag),
    may("newname", Text),
    may("oupath", Text),
];
const PREPARE: &[Field] =
    &[may("remote_access", Flag), may("start_on", Flag), may("set_hostname", Flag), may("add_to_ad", Map)];
const DETACH_USB: &[Field] =
    &[may("action_type", Text), may("controller_order", Int), may("usb", Id), may("remove_all", Flag)];
const DISK: &[Field] = &[
    must("verbose_name", Text),
    must("size", Number),
    may("datapool", Id),
    may("preallocation", Flag),
    may("preallocation_type", Text),
    may("virtual_size", Int),
    may("target_bus", Text),
];
const REMOVE_DISK: &[Field] =
    &[may("force", Flag), may("guaranteed", Flag), may("clean_type", Text), may("clean_count", Int)];
const IMPORT: &[Field] =
    &[must("verbose_name", Text), may("datapool", Id), may("with_deletion", Flag), may("preallocate", Flag)];
const BACKUP: &[Field] = &[
    must("domain", Id),
    may("datapool", Id),
    may("backup", Id),
    may("can_be_incremental", Flag),
    may("increment", Flag),
    may("exclude_iso", Flag),
];

/// Addresses with a word where others have an id come first.
pub const ROUTES: &[Route] = &[
    route(Get, "controllers/base-version/", hardware::base_version, NONE),
    route(Get, "controllers/check/", hardware::check, NONE),
    route(Get, "controllers/system-time/", hardware::system_time, NONE),
    route(Get, "clusters/{id}/usage/", hardware::usage, NONE),
    route(Get, "nodes/{id}/usage/", hardware::usage, NONE),
    route(Get, "nodes/{id}/usb-devices/", hardware::usb_devices, NONE),
    route(Get, "nodes/{id}/hw-info/", hardware::hw_info, NONE),
    route(Put, "nodes/{id}/ballooning/", tags::ballooning, &[must("ballooning", Flag)]),
    route(Post, "domains/", create::create, CREATE),
    route(Post, "domains/multi-create-domain/", create::multi_create, COPIES),
    route(
        Post,
        "domains/multi-manager/",
        power::multi_manager,
        &[must("entity_ids", Ids), must("action", Text), may("options", Map)],
    ),
    route(Post, "domains/backup/", media::backup, BACKUP),
    route(Post, "domains/show-backup/", media::show_backup, &[must("file", Id)]),
    route(
        Post,
        "domains/automated-restore/",
        media::restore,
        &[must("file", Id), may("node", Id), may("datapool", Id)],
    ),
    route(Put, "domains/{id}/", create::update, UPDATE),
    route(Post, "domains/{id}/start/", power::power, FORCE),
    route(Post, "domains/{id}/shutdown/", power::power, FORCE),
    route(Post, "domains/{id}/reboot/", power::power, FORCE),
    route(Post, "domains/{id}/reset/", power::power, FORCE),
    route(Post, "domains/{id}/suspend/", power::power, FORCE),
    route(Post, "domains/{id}/resume/", power::power, FORCE),
    route(Post, "domains/{id}/remove/", power::remove, &[may("full", Flag), may("force", Flag)]),
    route(Post, "domains/{id}/migrate/", power::migrate, &[may("node", Id), may("force", Flag)]),
    route(Post, "domains/{id}/clone/", create::clone, CLONES),
    route(Put, "domains/{id}/template/", create::template, &[must("template", Flag)]),
    route(Post, "domains/{id}/change-template/", create::change_template, NONE),
    route(
        Put,
        "domains/{id}/cloud-init/",
        create::cloud_init,
        &[must("cloud_init", Flag), may("cloud_init_config", Map)],
    ),
    route(Get, "domains/{id}/spice/", create::console, NONE),
    route(Get, "domains/{id}/vnc/", create::console, NONE),
    route(Get, "domains/{id}/all-content/", create::all_content, NONE),
    route(Post, "domains/{id}/remote-access/", guest::remote_access, &[must("remote_access", Flag)]),
    route(
        Post,
        "domains/{id}/guest-command/",
        guest::command,
        &[may("veil_cmd", Text), may("qemu_cmd", Text), may("fargs", Map), may("timeout", Int)],
    ),
    route(Post, "domains/{id}/set-hostname/", guest::set_hostname, &[may("hostname", Text)]),
    route(Post, "domains/{id}/add-to-ad/", guest::add_to_ad, AD),
    route(
        Post,
        "domains/{id}/rm-from-ad/",
        guest::rm_from_ad,
        &[must("login", Text), must("password", Text), may("restart", Flag)],
    ),
    route(Post, "domains/{id}/vdi-prepare/", guest::prepare, PREPARE),
    route(
        Post,
        "domains/{id}/attach-usb/",
        guest::attach_usb,
        &[may("action_type", Text), may("usb", Map), may("usb_controller", Map), may("tcp_usb", Map)],
    ),
    route(Post, "domains/{id}/detach-usb/", guest::detach_usb, DETACH_USB),
    route(Post, "domains/{id}/attach-veil-utils-iso/", media::move_iso, NONE),
    route(Post, "domains/{id}/attach-iso/", media::move_iso, &[must("iso", Id), must("cdrom", Id)]),
    route(Post, "domains/{id}/detach-iso/", media::move_iso, &[must("cdrom", Id)]),
    route(Post, "domains/{id}/create-attach-vdisk/", media::create_disk, DISK),
    route(
        Post,
        "domains/{id}/attach-vdisk/",
        media::move_disk,
        &[must("vdisk", Id), may("target_bus", Text), may("driver_cache", Text)],
    ),
    route(Post, "domains/{id}/detach-vdisk/", media::move_disk, &[must("vdisk", Id)]),
    route(Get, "domains/{id}/snapshots-info/", snapshots::info, NONE),
    route(Get, "domains/{id}/snapshots-tree/", snapshots::tree, NONE),
    route(
        Post,
        "snapshots/",
        snapshots::create,
        &[must("domain", Id), must("verbose_name", Text), may("description", Text)],
    ),
    route(Post, "snapshots/{id}/revert/", snapshots::revert, NONE),
    route(Post, "snapshots/{id}/remove/", snapshots::remove, NONE),
    route(Post, "vdisks/", media::create_disk, DISK),
    route(Put, "vdisks/{id}/", media::update_disk, &[may("description", Text), may("verbose_name", Text)]),
    route(Post, "vdisks/{id}/extend/", media::extend_disk, &[must("size", Number)]),
    route(Post, "vdisks/{id}/remove/", media::remove_disk, REMOVE_DISK),
    route(Put, "library/", media::create_file, FILE),
    route(Put, "library/{id}/download/", media::download_address, NONE),
    route(Post, "library/{id}/import-file/", media::import_file, IMPORT),
    route(Post, "library/{id}/remove/", media::remove_file, NONE),
    route(Put, "iso/", media::create_file, FILE),
    route(Put, "iso/{id}/download/", media::download_address, NONE),
    route(Post, "iso/{id}/remove/", media::remove_file, NONE),
    route(Post, "tags/", tags::create, &[must("verbose_name", Text), may("colour", Text)]),
    route(Put, "tags/{id}/", tags::update, &[may("verbose_name", Text), may("colour", Text)]),
    route(Post, "tags/{id}/remove/", tags::remove, NONE),
    route(Post, "tags/{id}/add-entity/", tags::entities, TAGGED),
    route(Post, "tags/{id}/remove-entity/", tags::entities, TAGGED),
    route(Post, "tags/{id}/add-entities/", tags::entities, TAGGED_MANY),
    route(Post, "tags/{id}/remove-entities/", tags::entities, TAGGED_MANY),
    route(Put, "tasks/check/", task_calls::check, NONE),
    route(Get, "tasks/count/", task_calls::count, NONE),
    route(Get, "tasks/{id}/", task_calls::info, NONE),
    route(Put, "tasks/{id}/cancel/", task_calls::cancel, &[may("force", Flag)]),
    route(Put, "tasks/{id}/release-locks/", task_calls::release_locks, NONE),
    route(Get, "tasks/{id}/jid/", task_calls::jid, NONE),
    route(Get, "tasks/{id}/response/", task_calls::response, NONE),
];

/// What an address leads to.
pub enum Way {
    To(&'static Route),
    List(Kind),
    Info(Kind),
    Swagger,
}

impl Way {
    /// The address with `{id}` in it.
    pub fn pattern(&self) -> String {
        match self {
            Way::To(route) => route.path.to_owned(),
            Way::List(kind) => format!("{}/", kind.about().prefix),
            Way::Info(kind) => format!("{}/{{id}}/", kind.about().prefix),
            Way::Swagger => "swagger/".to_owned(),
        }
    }
}

/// The way of a path below `/api/`, and what stands for `{id}` in it.
pub fn way(verb: Verb, path: &str) -> Option<(Way, Option<&str>)> {
    if verb == Get && path == "swagger/" {
        return Some((Way::Swagger, None));
    }
    let routes = ROUTES.iter().filter(|route| route.verb == verb);
    let found = routes.filter_map(|route| Some((Way::To(route), fitting(route.path, path)?))).next();
    if found.is_some() || verb != Get {
        return found;
    }
    let (prefix, rest) = path.split_once('/')?;
    let kind = KINDS.iter().find(|about| about.prefix == prefix)?.kind;
    match rest.strip_suffix('/') {
        None => rest.is_empty().then_some((Way::List(kind), None)),
        Some(id) => (!id.contains('/')).then_some((Way::Info(kind), Some(id))),
    }
}

/// Whether a path is of a pattern; the segment that is its id.
fn fitting<'a>(pattern: &str, path: &'a str) -> Option<Option<&'a str>> {
    let Some((before, after)) = pattern.split_once("{id}") else { return (pattern == path).then_some(None) };
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains('/')).then_some(Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_told_apart() {
        let pattern = |verb, path| way(verb, path).map(|(way, id)| (way.pattern(), id));
        assert_eq!(pattern(Get, "domains/"), Some(("domains/".to_owned(), None)));
        assert_eq!(pattern(Get, "domains/7/"), Some(("domains/{id}/".to_owned(), Some("7"))));
        assert_eq!(pattern(Get, "tasks/count/"), Some(("tasks/count/".to_owned(), None)));
        assert_eq!(pattern(Post, "domains/7/start/"), Some(("domains/{id}/start/".to_owned(), Some("7"))));
        assert_eq!(pattern(Post, "domains/backup/"), Some(("domains/backup/".to_owned(), None)));
        assert!(way(Get, "domains/7/start/").is_none() && way(Post, "domains").is_none() && way(Get, "x/").is_none());
    }
}
