//! Parameters that several calls share.

use super::{Holds, Param, Usual};

/// What every list takes.
pub const PAGING: &[Param] = &[
    Param::new("name", Holds::Text, "only those whose name contains this"),
    Param::new("ordering", Holds::Text, "the field to sort by; a `-` before it turns the order round"),
    Param::new("limit", Holds::Integer, "how many rows at most"),
    Param::new("offset", Holds::Integer, "how many rows to leave out at the beginning"),
    Param::new("fields", Holds::Words, "only these fields"),
];

pub const FORCE: Param = Param::flag("force", false, "do it even where the machine does not agree");

pub const RESOURCE_POOL: Param =
    Param::new("resource_pool", Holds::Of("resource_pool"), "the resource pool; not together with node and datapool");
pub const NODE: Param = Param::new("node", Holds::Of("node"), "the host");
pub const DATAPOOL: Param = Param::new("datapool", Holds::Of("data_pool"), "the data pool");
pub const NAME: Param = Param::new("verbose_name", Holds::Text, "the name");
pub const DESCRIPTION: Param = Param::new("description", Holds::Text, "the description");
pub const STATUS: Param = Param::new("status", Holds::Choice(super::words::STATUSES), "only those in this state");

pub const TARGET_BUS: Param =
    Param::new("target_bus", Holds::Choice(&["virtio", "ide", "scsi", "sata"]), "the bus of the disk");
pub const DRIVER_CACHE: Param = Param::new(
    "driver_cache",
    Holds::Choice(&["default", "none", "writethrough", "writeback", "directsync", "unsafe"]),
    "how the disk is cached",
);

/// The tag and task lists know objects by their class.
pub const fn fixed(key: &'static str, usual: Usual) -> Param {
    Param { name: "", ..Param::new(key, Holds::Text, "").usual(usual) }
}
