//! One command of the table as scripts call it: its name, the one thing it is about, and what it takes.

use crate::services::rac::client::Call;
use crate::services::rac::table::{self, Answer, Command, Mode, Opt, Takes, Thing};

/// Answers with the utility's own keys and texts.
pub const RAW: &str = "raw";
/// How many of many are asked at once.
pub const AT_ONCE: &str = "at_once";

/// A command with its mode. Small, and everything in it is part of the table.
#[derive(Clone, Copy)]
pub struct Spec {
    pub mode: &'static Mode,
    pub command: &'static Command,
    /// What may be given as the first argument, in place of an option.
    pub key: Option<&'static Opt>,
}

/// All commands.
pub fn all() -> impl Iterator<Item = Spec> {
    table::commands().map(|(mode, command)| Spec { mode, command, key: key(mode, command) })
}

/// The command of this name.
pub fn named(name: &str) -> Option<Spec> {
    all().find(|spec| spec.name() == name)
}

impl Spec {
    /// As scripts call it: `session_list`.
    pub fn name(&self) -> String {
        self.mode.script_name(self.command)
    }

    pub fn call(&self) -> Call {
        Call::new(self.mode, self.command)
    }

    pub fn options(self) -> impl Iterator<Item = &'static Opt> {
        self.mode.options(self.command)
    }

    pub fn option(&self, name: &str) -> Option<&'static Opt> {
        self.options().find(|option| option.script_name() == name)
    }

    pub fn gives_records(&self) -> bool {
        matches!(self.command.answer, Answer::One(_) | Answer::Many(_) | Answer::Columns(_))
    }

    /// Whether it can be called with nothing at all; the cluster is found where there is one.
    pub fn may_be_bare(&self) -> bool {
        !self.options().any(|option| option.is_required && !is_cluster(option)) && !self.is_by_name()
    }

    /// Whether a map of options says anything to it.
    pub fn takes_options(&self) -> bool {
        self.gives_records() || self.options().next().is_some()
    }

    /// Whether one of two options has to be given: an id, or a name in its place.
    pub fn is_by_name(&self) -> bool {
        self.options().any(|option| option.selects)
    }

    /// Whether it has this option for choosing among records, and nothing fails without it.
    pub fn is_filter(&self, option: &Opt) -> bool {
        !option.is_required && !self.is_by_name()
    }
}

fn is_cluster(option: &Opt) -> bool {
    option.takes == Takes::Id(Thing::Cluster)
}

fn is_id(option: &&Opt) -> bool {
    matches!(option.takes, Takes::Id(_)) && !is_cluster(option)
}

/// What a command is about: the id that it needs, the last one where it needs several (a rule of a server); else the
/// infobase that an id or a name chooses; else the one thing that it needs; else the cluster; else what narrows a list.
fn key(mode: &'static Mode, command: &'static Command) -> Option<&'static Opt> {
    let own = || command.options.iter();
    let needed = || own().filter(|option| option.is_required && !is_cluster(option));
    if let Some(id) = needed().rfind(is_id) {
        return Some(id);
    }
    if let Some(id) = mode.options.iter().filter(|option| option.is_required).find(is_id) {
        return Some(id);
    }
    if own().any(|option| option.selects) {
        return own().find(is_id);
    }
    match (needed().next(), needed().nth(1)) {
        (Some(only), None) => Some(only),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let infobase = |option: &&Opt| option.takes == Takes::Id(Thing::Infobase);
            own().find(|option| is_cluster(option)).or_else(|| own().find(infobase)).or_else(|| own().find(is_id))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_knows_what_it_is_about() {
        for (name, key) in [
            ("agent_version", None),
            ("agent_admin_register", Some("name")),
            ("cluster_info", Some("cluster")),
            ("cluster_insert", None),
            ("cluster_admin_list", Some("cluster")),
            ("cluster_admin_remove", Some("name")),
            ("server_update", Some("server")),
            ("server_insert", None),
            ("process_list", Some("server")),
            ("infobase_info", Some("infobase")),
            ("infobase_drop", Some("infobase")),
            ("infobase_create", None),
            ("connection_disconnect", Some("connection")),
            ("connection_list", Some("infobase")),
            ("session_list", Some("infobase")),
            ("session_terminate", Some("session")),
            ("lock_list", Some("infobase")),
            ("rule_insert", Some("server")),
            ("rule_info", Some("rule")),
            ("rule_apply", None),
            ("profile_acl_com_list", Some("profile")),
            ("profile_acl_com_remove", None),
            ("counter_values", Some("counter")),
            ("counter_update", None),
            ("limit_remove", Some("name")),
            ("service_setting_list", Some("server")),
            ("service_setting_remove", Some("setting")),
            ("binary_data_storage_create_full_backup", Some("infobase")),
        ] {
            let spec = named(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(spec.key.map(|option| option.script_name()).as_deref(), key, "{name}");
        }
        assert!(named("session_list").unwrap().may_be_bare() && named("cluster_info").unwrap().may_be_bare());
        assert!(!named("infobase_info").unwrap().may_be_bare() && !named("session_info").unwrap().may_be_bare());
    }
}
