//! The controller's own words for states.

/// States of objects.
pub const STATUSES: &[&str] = &["CREATING", "ACTIVE", "FAILED", "DELETING", "SERVICE", "PARTIAL"];

/// `user_power_state`, by its number; the query says `power_state=ON`.
pub const POWER: &[&str] = &["UNDEFINED", "OFF", "SUSPENDED", "ON"];

/// States of tasks. All but the first are final.
pub const TASK_STATUSES: &[&str] = &["IN_PROGRESS", "SUCCESS", "FAILED", "CANCELED", "LOST", "PARTIAL"];

/// The only state in which a task goes on.
pub const RUNNING: &str = "IN_PROGRESS";

/// What the guest agent understands.
pub const GUEST_COMMANDS: &[&str] = &[
    "lock_screen",
    "logoff",
    "shutdown",
    "login",
    "hibernate",
    "set_number_of_cpus",
    "echo",
    "lifecycle_event",
    "memory_stats",
    "disk_usages",
    "free_ram",
    "api_version",
    "fqdn",
    "user_info",
    "timezone",
    "info",
    "os_info",
    "app_list",
];

/// What can be done with many machines in one request. `remove` is the script's word for `delete`.
pub const GROUP_ACTIONS: &[&str] = &["start", "shutdown", "suspend", "reboot", "resume", "delete", "migrate"];

/// The action of a group for the word of a single machine's call.
pub fn group_action(word: &str) -> Option<&'static str> {
    let word = if word == "remove" { "delete" } else { word };
    GROUP_ACTIONS.iter().find(|known| **known == word).copied()
}
