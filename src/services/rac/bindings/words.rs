//! What other libraries for `rac` call its commands and options, and what they are called here.

use super::spec;
use crate::services::rac::NAME;

/// The things that are administered, under other names.
const THINGS: &[(&str, &str)] = &[
    ("user_session", "session"),
    ("user_sessions", "session"),
    ("sessions", "session"),
    ("clusters", "cluster"),
    ("infobases", "infobase"),
    ("information_base", "infobase"),
    ("base", "infobase"),
    ("bases", "infobase"),
    ("ib", "infobase"),
    ("infobase_summaries", "infobase_summary"),
    ("servers", "server"),
    ("working_server", "server"),
    ("working_servers", "server"),
    ("processes", "process"),
    ("working_process", "process"),
    ("working_processes", "process"),
    ("connections", "connection"),
    ("locks", "lock"),
    ("rules", "rule"),
    ("assignment_rule", "rule"),
    ("assignment_rules", "rule"),
    ("profiles", "profile"),
    ("security_profile", "profile"),
    ("security_profiles", "profile"),
    ("counters", "counter"),
    ("resource_counter", "counter"),
    ("limits", "limit"),
    ("resource_limit", "limit"),
    ("managers", "manager"),
    ("cluster_manager", "manager"),
    ("services", "service"),
    ("cluster_service", "service"),
    ("service_settings", "service_setting"),
    ("storage", "binary_data_storage"),
    ("storages", "binary_data_storage"),
    ("binary_storage", "binary_data_storage"),
    ("admin", "cluster_admin"),
    ("admins", "cluster_admin"),
    ("agent_admins", "agent_admin"),
    ("cluster_admins", "cluster_admin"),
];

/// What is done with them, and the words for it here, the first that there is.
const VERBS: &[(&[&str], &[&str])] = &[
    (
        &["terminate", "kill", "end", "close", "stop", "finish", "disconnect", "remove", "delete", "drop", "del"],
        &["terminate", "disconnect", "drop", "remove", "turn_off"],
    ),
    (&["create", "add", "new", "insert", "register"], &["create", "insert", "register", "update"]),
    (&["list", "all", "ls", "get_all", "find"], &["list", "summary_list"]),
    (&["info", "get", "show", "read", "describe", "details"], &["info", "summary_info"]),
    (&["update", "set", "change", "edit", "modify", "save"], &["update"]),
    (&["interrupt", "cancel", "interrupt_call", "interrupt_current_call"], &["interrupt_current_server_call"]),
    (&["turn_off", "off", "disable", "switch_off", "shutdown"], &["turn_off"]),
    (&["values", "accumulated"], &["values", "accumulated_values"]),
    (&["clear", "reset"], &["clear"]),
    (&["version"], &["version"]),
];

/// Classes whose names are no thing that is administered.
const CLASSES: &[(&[&str], &str)] = &[
    (&["Session", "Rac", "RAC", "RacSession"], "a connection is rac::connect(\"host\", 1545)"),
    (
        &["Client", "RacClient"],
        "no client is needed: rac::connect(\"host\"), or with transport: \"utility\" among its settings",
    ),
];

/// What is meant by a call that nobody knows: `rac::session_kill`, `Rac.session_kill`, `UserSession.terminate`,
/// `Session`.
pub fn instead(written: &str) -> Option<String> {
    let of_module = written.strip_prefix(NAME).and_then(|rest| rest.strip_prefix("::"));
    if let Some(name) = of_module {
        return meant(name).map(|name| format!("it is called {NAME}::{name} here"));
    }
    if let Some(name) = written.strip_prefix("Rac.") {
        return meant(name).map(|name| format!("it is called {name} here"));
    }
    let is_class = written.starts_with(|c: char| c.is_ascii_uppercase());
    if !is_class {
        return None;
    }
    if let Some((_, hint)) = CLASSES.iter().find(|(names, _)| names.contains(&written)) {
        return Some((*hint).to_owned());
    }
    let name = snake(written);
    let name = if spec::named(&name).is_some() { Some(name) } else { meant(&name) };
    name.filter(|_| written.contains('.')).map(|name| format!("write {NAME}::{name}(…)"))
}

/// The command that a name of another library means.
fn meant(name: &str) -> Option<String> {
    let found = VERBS.iter().find_map(|(said, meant)| {
        let thing = said.iter().find_map(|verb| {
            name.strip_suffix(verb).and_then(|rest| rest.strip_suffix('_')).or_else(|| {
                // `get_sessions` is a list, `get_session` is one.
                let rest = name.strip_prefix(verb).and_then(|rest| rest.strip_prefix('_'))?;
                (*verb != "get" || !is_many(rest)).then_some(rest)
            })
        })?;
        existing(thing, meant)
    });
    let found = found.or_else(|| {
        let renamed = |(said, thing): &(&str, &str)| {
            let rest = name.strip_prefix(said)?.strip_prefix('_')?;
            Some(format!("{thing}_{rest}")).filter(|name| spec::named(name).is_some())
        };
        THINGS.iter().find_map(renamed)
    });
    found.or_else(|| existing(name.strip_prefix("get_").unwrap_or(name), &["list", "summary_list", "info"]))
}

fn is_many(thing: &str) -> bool {
    thing.ends_with('s')
}

/// The first of these that there is to be done with it.
fn existing(thing: &str, verbs: &[&str]) -> Option<String> {
    let thing = THINGS.iter().find(|(said, _)| *said == thing).map_or(thing, |(_, thing)| thing);
    verbs.iter().map(|verb| format!("{thing}_{verb}")).find(|name| spec::named(name).is_some())
}

/// `UserSession.terminate` as `user_session_terminate`.
fn snake(written: &str) -> String {
    let mut name = String::new();
    let mut after_small = false;
    for c in written.chars() {
        if c == '.' || (c.is_ascii_uppercase() && after_small) {
            name.push('_');
        }
        if c != '.' {
            name.extend(c.to_lowercase());
        }
        after_small = c.is_ascii_lowercase();
    }
    name
}

/// What an option is called here that other libraries call otherwise, among those of a command.
pub fn option(name: &str, known: &[String]) -> Option<String> {
    let short = name.strip_suffix("_uuid").or_else(|| name.strip_suffix("_id")).unwrap_or(name);
    let short = match short {
        "user_session" | "infobase_session" => "session",
        "safe_working_processess_memory_limit" => "safe_working_processes_memory_limit",
        "counter_name" if !known.iter().any(|name| name == "counter") => "name",
        "limit_name" if !known.iter().any(|name| name == "limit") => "name",
        short => short.strip_suffix("_name").unwrap_or(short),
    };
    known.iter().find(|name| **name == *short).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_libraries_lead_to_the_command() {
        for (said, expected) in [
            ("rac::session_kill", "rac::session_terminate"),
            ("rac::infobase_list", "rac::infobase_summary_list"),
            ("rac::user_session_terminate", "rac::session_terminate"),
            ("rac::user_session_list", "rac::session_list"),
            ("rac::user_session_interrupt_current_server_call", "rac::session_interrupt_current_server_call"),
            ("rac::cluster_create", "rac::cluster_insert"),
            ("rac::connection_kill", "rac::connection_disconnect"),
            ("rac::rule_create", "rac::rule_insert"),
            ("rac::server_delete", "rac::server_remove"),
            ("rac::infobase_remove", "rac::infobase_drop"),
            ("rac::agent_admin_create", "rac::agent_admin_register"),
            ("rac::counter_create", "rac::counter_update"),
            ("rac::sessions", "rac::session_list"),
            ("rac::get_sessions", "rac::session_list"),
            ("rac::get_session", "rac::session_info"),
            ("rac::list_clusters", "rac::cluster_list"),
            ("rac::process_off", "rac::process_turn_off"),
            ("UserSession.terminate", "rac::session_terminate"),
            ("UserSession.kill", "rac::session_terminate"),
            ("Infobase.Summary.list", "rac::infobase_summary_list"),
            ("Agent.Admin.create", "rac::agent_admin_register"),
            ("Profile.ACL.Directory.list", "rac::profile_acl_directory_list"),
            ("BinaryDataStorage.list", "rac::binary_data_storage_list"),
            ("Session", "rac::connect"),
        ] {
            let hint = instead(said).unwrap_or_else(|| panic!("{said}"));
            let found = hint.split([' ', '(']).find(|word| word.starts_with("rac::"));
            assert_eq!(found, Some(expected), "{said}: {hint}");
        }
        assert_eq!(instead("Rac.session_kill").unwrap(), "it is called session_terminate here");
        for nothing in ["rac::frobnicate", "Deal.list", "b24.list", "session_kill", "Cluster"] {
            assert_eq!(instead(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn options_of_other_libraries_lead_to_ours() {
        let known = ["cluster", "session", "name"].map(str::to_owned);
        for (said, expected) in
            [("cluster_uuid", "cluster"), ("user_session_uuid", "session"), ("counter_name", "name")]
        {
            assert_eq!(option(said, &known).as_deref(), Some(expected), "{said}");
        }
        assert_eq!(option("colour", &known), None);
    }
}
