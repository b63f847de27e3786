//! What the Python client calls things, and what they are called here.

use super::{kinds, methods};
use crate::error::did_you_mean;
use crate::services::veil::table::{ALL, Call, Entity, Holds};

/// Methods of the Python client, and what to write.
const METHODS: &[(&str, &str)] = &[
    ("enable_remote_access", "write .remote_access(true)"),
    ("disable_remote_access", "write .remote_access(false)"),
    ("remote_access_action", "write .remote_access(true) or .remote_access(false)"),
    ("convert_to_template", "write .template(true)"),
    ("convert_to_vm", "write .template(false)"),
    ("update_verbose_name", "write .rename(\"new name\")"),
    ("is_in_ad", "write .in_ad()"),
    ("guest_command", "write .guest(\"info\"), or .guest_exec(\"program\", [\"argument\"])"),
    ("add_to_ad_group", "it is left out: run your own command with .guest_exec(\"powershell.exe\", […])"),
    ("spice_conn", "write .spice(): a map with host, password, token, url"),
    ("vnc_conn", "write .vnc(): a map with host, password, token, url"),
    ("tags_list", "write .tags()"),
    ("backup_list", "write .backups()"),
    ("automated_restore", "write veil.domain().restore(file, node)"),
    ("multi_start", "write veil.domains(ids).start(), or veil.domain().multi(\"start\", ids)"),
    ("multi_shutdown", "write veil.domains(ids).shutdown(), or veil.domain().multi(\"shutdown\", ids)"),
    ("multi_suspend", "write veil.domains(ids).suspend(), or veil.domain().multi(\"suspend\", ids)"),
    ("multi_reboot", "write veil.domains(ids).reboot(), or veil.domain().multi(\"reboot\", ids)"),
    ("multi_resume", "write veil.domains(ids).resume(), or veil.domain().multi(\"resume\", ids)"),
    ("multi_remove", "write veil.domains(ids).remove(), or veil.domain().multi(\"remove\", ids)"),
    ("multi_migrate", "write veil.domain().multi(\"migrate\", ids)"),
    ("multi_manager", "write veil.domain().multi(\"start\", ids)"),
    ("base_version", "write veil.controller().version()"),
    ("get_system_time", "write veil.controller().time()"),
    ("system_time", "write veil.controller().time()"),
    ("is_ok", "write veil.controller().ok()"),
    ("add_entity", "write veil.tag(id).add(things)"),
    ("add_entities", "write veil.tag(id).add(things)"),
    ("remove_entity", "write veil.tag(id).detach(things)"),
    ("remove_entities", "write veil.tag(id).detach(things)"),
    ("response", "write .result()"),
    ("finished", "write .is_finished"),
    ("success", "what fails is thrown: there is nothing to ask"),
    ("power_on", "write .start()"),
    ("power_off", "write .shutdown(#{ force: true })"),
    ("stop", "write .shutdown()"),
    ("restart", "write .reboot()"),
    ("delete", "write .remove()"),
    ("delete_vm", "write .remove()"),
    ("destroy", "write .remove()"),
    ("multi_create", "write veil.domain().create(#{ verbose_name: \"name\", parent: template, count: 3 })"),
    ("snapshot_create", "write .snapshot(\"name\")"),
    ("create_snapshot", "write .snapshot(\"name\")"),
    ("revert_snapshot", "write veil.snapshot(id).revert()"),
    ("wait_until_done", "write .wait()"),
    ("add_client", "write veil.connect(address, token)"),
    ("remove_client", "write veil.disconnect(address)"),
    ("instances", "write veil.connections()"),
    ("update_token", "write veil.connect(address, token)"),
    ("delete_request", "there is no DELETE: things are removed by .remove(), or by veil.post(\"…/remove/\")"),
];

/// Words of lists and of [`Rows`](crate::core::rows::Rows), which sets do not have: nothing is asked for before `rows()`.
const OF_ROWS: &[&str] = &[
    "filter",
    "map",
    "sort_by",
    "sort",
    "find",
    "all",
    "any",
    "some",
    "sum",
    "group_by",
    "count_by",
    "index_by",
    "distinct",
    "column",
    "columns",
    "reduce",
    "max_by",
    "min_by",
    "select",
    "reverse",
    "skip",
    "take",
    "each",
    "for_each",
    "last",
    "to_array",
    "to_csv",
    "to_json",
    "to_ndjson",
    "to_xlsx",
];

/// What handles of machines can do beside the calls of the table.
const OF_MACHINES: &[&str] = &["ensure_on", "ensure_off", "ensure_tag", "wait_agent", "wait_power"];

/// Classes of the Python client.
const CLASSES: &[(&str, &str)] = &[
    ("VeilClient", "write veil, or veil.connect(address, token)"),
    ("VeilClientSingleton", "write veil.connect(address, token): the same pair gives the same connection"),
    ("VeilRestPaginator", "give a map: .list(#{ limit: 10, offset: 0, ordering: \"verbose_name\" })"),
    ("VeilRetryConfiguration", "set `tries` of the connection, or give the option `retry`"),
    ("VeilCacheConfiguration", "set `cache` of the connection"),
    ("DomainConfiguration", "give a map: veil.domain().create(#{ verbose_name: \"name\", parent: template })"),
    ("DomainCloneConfiguration", "give a map: vm.clone(#{ verbose_name: \"name\" })"),
    ("DomainUpdateConfiguration", "give a map: vm.update(#{ description: \"text\" })"),
    ("DomainBackupConfiguration", "give a map: vm.backup(#{ datapool: pool })"),
    ("TagConfiguration", "give a map: veil.tag().create(#{ verbose_name: \"name\" })"),
    ("EntityConfiguration", "give the object itself: veil.tag(id).add(veil.domain(id))"),
    ("DomainTcpUsb", "give a map: vm.attach_usb(#{ host: \"10.0.0.5\", port: 5431 })"),
];

/// What is meant by a call that nobody knows.
pub fn instead(written: &str) -> Option<String> {
    if let Some(name) = written.strip_prefix("veil::") {
        return Some(format!("veil is an object: write veil.{name}(…)"));
    }
    if let Some((_, hint)) = CLASSES.iter().find(|(name, _)| *name == written) {
        return Some((*hint).to_owned());
    }
    let (owner, name) = written.split_once('.')?;
    if let Some((name, found)) = name.strip_suffix(')').and_then(|name| name.split_once('(')) {
        return as_option(owner, name, found);
    }
    match (owner, name) {
        ("Rows", "wait") => {
            let hint = "changes of a set are waited for already; after wait: false, write veil.wait(rows)";
            return Some(hint.to_owned());
        }
        ("Row", name) => return of_row(name),
        ("VeilTask", "success") => return Some("write .is_success; .wait() throws what fails".to_owned()),
        _ => {}
    }
    if !owner.starts_with("Veil") {
        return None;
    }
    if let Some((_, hint)) = METHODS.iter().find(|(known, _)| *known == name) {
        return Some((*hint).to_owned());
    }
    if let Some(entity) = ALL.iter().find(|entity| kinds::set_name(entity) == owner) {
        return of_set(entity, name);
    }
    if owner == "Veil" && name == "delete" {
        return Some("there is no DELETE: things are removed by .remove()".to_owned());
    }
    if owner == "Veil" {
        // `veil.vm(…)`, `veil.datapool(…)`.
        let word = match name {
            "vm" | "machine" => "domain",
            "vms" | "machines" => "domains",
            "datapool" => "data_pool",
            "datapools" => "data_pools",
            "host" => "node",
            "hosts" => "nodes",
            "disk" => "vdisk",
            "disks" => "vdisks",
            "pool" => "resource_pool",
            "network" => "vnetwork",
            "libraries" => "library_files",
            _ => return did_you_mean(name, methods::words()),
        };
        return Some(format!("write veil.{word}(…)"));
    }
    None
}

/// A value that stands alone where options are wanted.
fn as_option(owner: &str, name: &str, found: &str) -> Option<String> {
    let entity = ALL.iter().find(|entity| entity.type_name == owner || kinds::set_name(entity) == owner)?;
    let flag = || entity.call(name)?.options().find(|param| param.holds == Holds::Flag);
    let option = match found {
        "bool" => format!("{}: true", flag()?.name),
        "integer" | "number" if name.starts_with("wait") => "timeout: 60".to_owned(),
        _ => return None,
    };
    Some(format!("options have names: write .{name}(#{{ {option} }})"))
}

/// What a row is asked to do that only a handle can.
fn of_row(name: &str) -> Option<String> {
    let knows = |entity: &&&Entity| {
        entity.call(name).is_some_and(Call::needs_object) || entity.word == "domain" && OF_MACHINES.contains(&name)
    };
    let entity = ALL.iter().find(knows)?;
    let what = if entity.word == "domain" { "a machine" } else { entity.named };
    Some(format!("a row is only what was read: for {what} write veil.{}(row).{name}(…)", entity.word))
}

/// What a set is asked as if it were a list. `[…]` stands for a place in it.
fn of_set(entity: &Entity, name: &str) -> Option<String> {
    match name {
        "len" | "length" | "size" => Some("write .count()".to_owned()),
        "is_empty" => Some("write .count() == 0".to_owned()),
        "get" | "[integer]" => Some("write .first(), .rows()[0] or .handles()[0]".to_owned()),
        "[text]" => Some(format!("write veil.{}(\"name\")", entity.word)),
        name => OF_ROWS.contains(&name).then(|| format!("write .rows().{name}(…)")),
    }
}

/// What an option is called here that the Python client calls otherwise.
pub fn option(name: &str, known: &[&str]) -> Option<String> {
    let short = name.strip_suffix("_id").or_else(|| name.strip_suffix("_uuid")).unwrap_or(name);
    let meant = match short {
        "start_on" => "start",
        "domainname" => "domain_name",
        "newname" => "new_name",
        "remove_all" => "all",
        "color" => "colour",
        "data_pool" => "datapool",
        "template" if known.contains(&"parent") => "parent",
        "name" if known.contains(&"verbose_name") => "verbose_name",
        "entity" => "ids",
        "async" => "no_task",
        "retry_opts" | "tries" => "retry",
        "paginator" => "limit",
        short => short,
    };
    (meant != name && known.contains(&meant)).then(|| format!("it is called `{meant}` here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_python_client_lead_to_ours() {
        for (said, expected) in [
            ("VeilDomain.enable_remote_access", ".remote_access(true)"),
            ("VeilDomain.multi_start", "veil.domains(ids).start()"),
            ("VeilController.is_ok", "veil.controller().ok()"),
            ("VeilTag.add_entity", ".add(things)"),
            ("Veil.add_client", "veil.connect(address, token)"),
            ("Veil.vm", "veil.domain("),
            ("Veil.domian", "domain"),
            ("VeilClientSingleton", "veil.connect"),
            ("veil::domain", "veil.domain("),
            ("VeilTask.success", ".is_success"),
            ("VeilDomain.success", "thrown"),
            ("VeilDomains.len", ".count()"),
            ("VeilIsos.filter", ".rows().filter(…)"),
            ("VeilNodes.[integer]", ".first()"),
            ("VeilNodes.[text]", "veil.node("),
            ("Row.start", "for a machine write veil.domain(row).start(…)"),
            ("Row.ensure_on", "veil.domain(row)"),
            ("Row.extend", "for a virtual disk write veil.vdisk(row).extend(…)"),
            ("Row.revert", "veil.snapshot(row)"),
            ("VeilDomain.start(bool)", ".start(#{ force: true })"),
            ("VeilDomains.shutdown(bool)", ".shutdown(#{ force: true })"),
            ("VeilDomain.wait_agent(integer)", ".wait_agent(#{ timeout: 60 })"),
            ("VeilTask.wait(number)", ".wait(#{ timeout: 60 })"),
        ] {
            assert!(instead(said).unwrap_or_default().contains(expected), "{said}");
        }
        for unknown in ["VeilDomain.frobnicate", "VeilDomain.start(text)", "VeilDomain.start(integer)"] {
            assert_eq!(instead(unknown), None);
        }
        assert_eq!(instead("Row.frobnicate"), None);
        assert_eq!(instead("B24.delete"), None);
    }

    #[test]
    fn options_of_the_python_client_lead_to_ours() {
        let known = ["start", "verbose_name", "datapool", "no_task"];
        for (said, expected) in
            [("start_on", "start"), ("name", "verbose_name"), ("data_pool_id", "datapool"), ("async", "no_task")]
        {
            assert!(option(said, &known).unwrap_or_default().contains(expected), "{said}");
        }
        assert_eq!(option("colour", &known), None);
    }
}
