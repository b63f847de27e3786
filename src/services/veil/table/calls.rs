//! What is done with everything but virtual machines.

use super::params::{DESCRIPTION, NAME, fixed};
use super::{Call, Gives, Holds, Known, On, Param, Rule, Usual, Verb};

const fn get(name: &'static str, on: On, path: &'static str, gives: Gives, help: &'static str) -> Call {
    Call::new(name, Verb::Get, on, path, gives, help)
}

const fn post(name: &'static str, on: On, path: &'static str, gives: Gives, help: &'static str) -> Call {
    Call::new(name, Verb::Post, on, path, gives, help)
}

const fn put(name: &'static str, on: On, path: &'static str, gives: Gives, help: &'static str) -> Call {
    Call::new(name, Verb::Put, on, path, gives, help)
}

/// The tags of an object of this class.
macro_rules! tags {
    ($class:literal) => {
        get("tags", On::Api, "tags/", Gives::Rows, "Its tags.")
            .with(&[fixed("entity_uuid", Usual::This), fixed("entity_class", Usual::Text($class))])
    };
}

const REMOVE: Call = post("remove", On::One, "remove/", Gives::Task, "Removes it.");

pub const CONTROLLER: &[Call] = &[
    get("check", On::All, "check/", Gives::Data, "Asks the controller how it is."),
    get("ok", On::All, "check/", Gives::Works, "Whether the controller is well."),
    get("version", On::All, "base-version/", Gives::Field("version"), "The controller's version.")
        .example("assert(veil.controller().version().starts_with(\"4.\"));"),
    get("time", On::All, "system-time/", Gives::Data, "The controller's clock."),
    tags!("controller"),
];

pub const CLUSTER: &[Call] =
    &[get("usage", On::One, "usage/", Gives::Data, "Its load: processors and memory."), tags!("cluster")];

pub const NODE: &[Call] = &[
    get("usage", On::One, "usage/", Gives::Data, "Its load: processors and memory."),
    get("usb_devices", On::One, "usb-devices/", Gives::Data, "The USB devices plugged into it."),
    get("hw_info", On::One, "hw-info/", Gives::Data, "What it is built of, as a tree.").known(Known::User),
    put("ballooning", On::One, "ballooning/", Gives::Data, "Lets machines give memory back, or not.")
        .with(&[Param::flag("ballooning", true, "which of the two")])
        .placed(1)
        .known(Known::User),
    tags!("node"),
];

pub const DATA_POOL: &[Call] = &[tags!("datapool")];
pub const RESOURCE_POOL: &[Call] = &[tags!("resourcepool")];

pub const VDISK: &[Call] = &[
    post("create", On::All, "", Gives::Task, "Makes a disk.")
        .with(&[
            NAME.required(),
            Param::new("datapool", Holds::Of("data_pool"), "the data pool").required(),
            Param::new("size", Holds::Number, "GB").required(),
            Param::new("preallocation", Holds::Flag, "take the space at once"),
            Param::new("preallocation_type", Holds::Choice(&["falloc", "full", "metadata"]), "how"),
            Param::new("virtual_size", Holds::Integer, "the size that the machine sees"),
        ])
        .known(Known::Go),
    put("update", On::One, "", Gives::Object("vdisk"), "Changes its description.")
        .with(&[DESCRIPTION.required()])
        .known(Known::Go),
    post("extend", On::One, "extend/", Gives::Task, "Makes it larger.")
        .with(&[Param::new("size", Holds::Number, "GB in all").required()])
        .placed(1)
        .known(Known::Go),
    post("remove", On::One, "remove/", Gives::Task, "Removes it.")
        .with(&[
            Param::new("force", Holds::Flag, "even where it is in use"),
            Param::new("guaranteed", Holds::Flag, "overwrite it"),
            Param::new("clean_type", Holds::Choice(&["zero", "urandom"]), "with what"),
            Param::new("clean_count", Holds::Integer, "how often"),
        ])
        .known(Known::Go),
    tags!("vdisk"),
];

pub const LIBRARY: &[Call] = &[
    put("create", On::All, "", Gives::Object("library"), "Announces a file: one to upload, or one at an address.")
        .with(&[
            Param::new("datapool", Holds::Of("data_pool"), "the data pool").required(),
            Param::new("filename", Holds::Text, "the file's name, when it is uploaded"),
            Param::new("url", Holds::Text, "the address from which the controller fetches it"),
        ])
        .rules(&[Rule::Any(&["filename", "url"])])
        .known(Known::Go),
    post("import_file", On::One, "import-file/", Gives::Task, "Makes a disk of the file; `task.result()` is the disk.")
        .with(&[
            NAME.required(),
            Param::new("datapool", Holds::Of("data_pool"), "the data pool").required(),
            Param::new("with_deletion", Holds::Flag, "remove the file afterwards"),
            Param::new("preallocate", Holds::Flag, "take the space at once"),
        ])
        .known(Known::Go),
    REMOVE.known(Known::Go),
    tags!("library"),
];

pub const ISO: &[Call] = &[
    put("create", On::All, "", Gives::Object("iso"), "Announces an image: one to upload, or one at an address.")
        .with(&[
            Param::new("datapool", Holds::Of("data_pool"), "the data pool").required(),
            Param::new("filename", Holds::Text, "the image's name, when it is uploaded"),
            Param::new("url", Holds::Text, "the address from which the controller fetches it"),
        ])
        .rules(&[Rule::Any(&["filename", "url"])])
        .known(Known::Go),
    REMOVE.known(Known::Go),
    tags!("iso"),
];

pub const TAG: &[Call] = &[
    post("create", On::All, "", Gives::Task, "Makes a tag; `task.entity` is its id.")
        .with(&[NAME.required(), Param::new("colour", Holds::Colour, "its colour").usual(Usual::Text("#c0ffee"))]),
    put("update", On::One, "", Gives::Object("tag"), "Changes its name or colour.")
        .with(&[NAME, Param::new("colour", Holds::Colour, "its colour")])
        .rules(&[Rule::Any(&["verbose_name", "colour"])]),
    REMOVE,
];

pub const TASK: &[Call] = &[
    put("check", On::All, "check/", Gives::Data, "Has the controller look which tasks are done."),
    get("count", On::All, "count/", Gives::Data, "How many tasks there are in each state."),
    put("cancel", On::One, "cancel/", Gives::Data, "Ends the task.").with(&[Param::flag(
        "force",
        true,
        "without waiting for what it is doing",
    )]),
    get("jid", On::One, "jid/", Gives::Data, "The number of its job on the host."),
    put("release_locks", On::One, "release-locks/", Gives::Data, "Frees what the task has locked."),
    get("result", On::One, "response/", Gives::Data, "What its work gave: of a copy or an import, the new object."),
];

pub const SNAPSHOT: &[Call] = &[
    post("create", On::All, "", Gives::Task, "Keeps the present state of a machine.")
        .with(&[Param::new("domain", Holds::Of("domain"), "the machine").required(), NAME.required(), DESCRIPTION])
        .known(Known::Assumed),
    post("revert", On::One, "revert/", Gives::Task, "Takes the machine back to this state; it is off.")
        .known(Known::Assumed),
    REMOVE.known(Known::Assumed),
];

/// Entities that are only looked at.
pub const EVENT: &[Call] = &[];
pub const DATACENTER: &[Call] = &[tags!("datacenter")];
pub const VNETWORK: &[Call] = &[tags!("vnetwork")];
pub const VMACHINE_INF: &[Call] = &[];
pub const USER: &[Call] = &[];
