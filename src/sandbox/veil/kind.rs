//! The kinds of objects: their addresses, the words for them, what one may do with them.

/// Everything that has an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Controller,
    Datacenter,
    Cluster,
    Node,
    Datapool,
    Resourcepool,
    Domain,
    Vdisk,
    Library,
    Iso,
    Vnetwork,
    Inf,
    Snapshot,
    Tag,
    Event,
    Task,
    User,
}

/// What is known of a kind.
pub struct About {
    pub kind: Kind,
    /// The first part of its addresses.
    pub prefix: &'static str,
    /// The word for it in tags, tasks and events.
    pub class: &'static str,
    /// What to call one in messages, in Russian.
    pub ru: &'static str,
    pub permissions: &'static [&'static str],
}

const PLAIN: &[&str] = &["list", "retrieve", "update", "remove", "set_owners"];

/// One line for each kind, in the order of the kinds.
pub const KINDS: &[About] = &[
    about(Kind::Controller, "controllers", "controller", "Контроллер", &["list", "retrieve", "check", "base_version"]),
    about(Kind::Datacenter, "datacenters", "datacenter", "Локация", PLAIN),
    about(Kind::Cluster, "clusters", "cluster", "Кластер", &["list", "retrieve", "update", "usage", "stats", "remove"]),
    about(Kind::Node, "nodes", "node", "Сервер", NODE),
    about(Kind::Datapool, "data-pools", "datapool", "Пул данных", &["list", "retrieve", "update", "remove", "scan"]),
    about(Kind::Resourcepool, "resource-pools", "resourcepool", "Пул ресурсов", RESOURCE_POOL),
    about(Kind::Domain, "domains", "domain", "Виртуальная машина", DOMAIN),
    about(Kind::Vdisk, "vdisks", "vdisk", "Виртуальный диск", &["list", "retrieve", "update", "remove", "extend"]),
    about(Kind::Library, "library", "library", "Файл", &["list", "retrieve", "download", "import_file", "remove"]),
    about(Kind::Iso, "iso", "iso", "Образ", &["list", "retrieve", "download", "remove"]),
    about(Kind::Vnetwork, "vnetworks", "vnetwork", "Виртуальная сеть", PLAIN),
    about(Kind::Inf, "vmachine-infs", "vmachineinf", "Виртуальный интерфейс", PLAIN),
    about(Kind::Snapshot, "snapshots", "snapshot", "Снимок", &["list", "retrieve", "revert", "remove"]),
    about(Kind::Tag, "tags", "tag", "Тег", PLAIN),
    about(Kind::Event, "events", "event", "Событие", &["mark"]),
    about(Kind::Task, "tasks", "task", "Задача", &["cancel", "release_locks", "check", "run"]),
    about(Kind::User, "users", "user", "Пользователь", PLAIN),
];

const NODE: &[&str] = &["list", "retrieve", "update", "usage", "usb_devices", "set_status", "ballooning", "hw_info"];
const RESOURCE_POOL: &[&str] =
    &["list", "retrieve", "update", "remove", "optimal_node", "transfer_domains", "attach", "detach"];
const DOMAIN: &[&str] = &[
    "list",
    "retrieve",
    "update",
    "remove",
    "start",
    "shutdown",
    "reboot",
    "reset",
    "suspend",
    "resume",
    "clone",
    "template",
    "change_template",
    "remote_access",
    "spice",
    "vnc",
    "guest_command",
    "set_hostname",
    "add_to_ad",
    "rm_from_ad",
    "vdi_prepare",
    "attach_usb",
    "detach_usb",
    "attach_iso",
    "detach_iso",
    "attach_vdisk",
    "detach_vdisk",
    "attach_veil_utils_iso",
    "create_attach_vdisk",
    "multi_create_domain",
    "multi_manager",
    "backup",
    "show_backup",
    "automated_restore",
    "cloud_init",
    "migrate",
    "snapshots_info",
    "snapshots_tree",
];

const fn about(
    kind: Kind,
    prefix: &'static str,
    class: &'static str,
    ru: &'static str,
    permissions: &'static [&'static str],
) -> About {
    About { kind, prefix, class, ru, permissions }
}

impl Kind {
    pub fn about(self) -> &'static About {
        &KINDS[self as usize]
    }

    pub fn class(self) -> &'static str {
        self.about().class
    }

    pub fn of_class(class: &str) -> Option<Kind> {
        KINDS.iter().find(|about| about.class == class).map(|about| about.kind)
    }

    /// The kind of a channel of the event stream: `/data-pools/`, with either line between the words.
    pub fn of_channel(channel: &str) -> Option<Kind> {
        let word = channel.strip_prefix('/')?.strip_suffix('/')?.replace('_', "-");
        KINDS.iter().find(|about| about.prefix == word).map(|about| about.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_stand_in_the_order_of_the_kinds() {
        for (place, about) in KINDS.iter().enumerate() {
            assert_eq!(about.kind as usize, place, "{}", about.prefix);
        }
        assert_eq!(Kind::of_channel("/resource_pools/"), Some(Kind::Resourcepool));
        assert_eq!(Kind::of_channel("domains"), None);
    }
}
