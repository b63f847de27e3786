//! Clusters of 1C:Enterprise servers, administered over the protocol of the administration server or through `rac`.
//!
//! [`table`] is what there is to administer; [`wire`] is bytes and the utility's texts, and is pure; [`client`] asks.

mod bindings;
pub mod client;
pub mod table;
pub mod wire;

use rhai::{Engine, Module};

use crate::services::{Comment, Service};
use crate::settings::{Setting, Type, setting};

/// The section of `pult.toml`, and the module in scripts.
pub const NAME: &str = "rac";

/// Clusters of 1C:Enterprise servers.
pub struct Clusters;

impl Service for Clusters {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "1C clusters: every command of `rac`, over the protocol of the administration server or through the utility"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn page(&self) -> &'static str {
        include_str!("page.md")
    }

    fn register(&self, engine: &mut Engine, globals: &mut Module) {
        bindings::register(engine, globals);
    }

    fn comments(&self) -> Vec<Comment> {
        bindings::comments()
    }

    fn instead(&self, written: &str) -> Option<String> {
        bindings::instead(written)
    }
}

/// What a connection may be told, beside what all services take (`read_only`).
pub const SETTINGS: &[Setting] = &[
    setting(
        "address",
        Type::Text,
        "The administration server (`ras`): host, or host:port; default localhost:1545.",
        "\"srv1:1545\"",
    ),
    setting(
        "transport",
        Type::Choice(&["ras", "utility"]),
        "How it is asked: over its own protocol, or by running 1C's `rac`; default ras.",
        "\"ras\"",
    ),
    setting("cluster", Type::Text, "The cluster that is meant where none is named: its name or id.", "\"Main\""),
    setting("cluster_user", Type::Text, "Administrator of the cluster.", "\"admin\""),
    setting("cluster_pwd", Type::Secret, "That administrator's password.", "{ env = \"RAC_CLUSTER_PWD\" }"),
    setting("agent_user", Type::Text, "Administrator of the central server.", "\"admin\""),
    setting("agent_pwd", Type::Secret, "That administrator's password.", "{ env = \"RAC_AGENT_PWD\" }"),
    setting("infobase_user", Type::Text, "User of infobases with the right to administer.", "\"Администратор\""),
    setting("infobase_pwd", Type::Secret, "That user's password.", "{ env = \"RAC_INFOBASE_PWD\" }"),
    setting("timeout", Type::Seconds, "Longest wait for one answer; default 60.", "60"),
    setting("connect_timeout", Type::Seconds, "Longest wait for a connection; default 5.", "5"),
    setting("connections", Type::Integer, "Connections, or running utilities, at once; default 8.", "8"),
    setting(
        "protocol",
        Type::Choice(&["auto", "16.0", "11.0", "10.0", "9.0", "8.0", "7.0", "6.0", "5.0", "4.0", "3.0"]),
        "The version of the protocol to read with; default auto, which is 11.0. What is changed is written in the newest.",
        "\"auto\"",
    ),
    setting(
        "time_zone",
        Type::Text,
        "Where the server's clock hangs; default: the zone of this computer.",
        "\"Europe/Moscow\"",
    ),
    setting(
        "utility",
        Type::Text,
        "With transport utility: the path of `rac`, its folder, or a version; default: the newest that is installed.",
        "\"/opt/1cv8/x86_64/8.3.27.1936/rac\"",
    ),
    setting(
        "encoding",
        Type::Choice(&["auto", "utf-8", "cp866", "cp1251"]),
        "With transport utility: how its output is encoded; default auto.",
        "\"auto\"",
    ),
];
