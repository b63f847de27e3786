//! Virtual machines: `domains/` and what is done with one of them.

use super::params::{DATAPOOL, DESCRIPTION, DRIVER_CACHE, FORCE, NAME, NODE, RESOURCE_POOL, STATUS, TARGET_BUS, fixed};
use super::words::{GROUP_ACTIONS, GUEST_COMMANDS};
use super::{Call, Entity, Gives, Holds, Id, Known, On, Param, Rule, Usual, Verb};

pub static DOMAIN: Entity = Entity {
    word: "domain",
    plural: "domains",
    path: "domains",
    class: "domain",
    type_name: "VeilDomain",
    named: "a virtual machine",
    id: Id::Uuid,
    name_field: "verbose_name",
    name_filter: Some("name"),
    filters: FILTERS,
    calls: CALLS,
    has_status: true,
    known: Known::Py,
};

const FILTERS: &[Param] = &[
    Param::new("resource_pool", Holds::Of("resource_pool"), "only those of this resource pool"),
    Param::new("cluster", Holds::Of("cluster"), "only those of this cluster"),
    Param::new("node", Holds::Of("node"), "only those on this host"),
    Param::new("datapool", Holds::Of("data_pool"), "only those with disks in this data pool"),
    Param::new("template", Holds::Flag, "only templates, or only machines"),
    Param::new("with_vdisks", Holds::Flag, "only those with disks, or only those without"),
    Param::new(
        "power_state",
        Holds::Choice(&["ON", "OFF", "SUSPENDED", "UNDEFINED"]),
        "only those that are switched so",
    ),
    STATUS,
    Param::new("ids", Holds::ManyOf("domain"), "only these; a long list is split into several requests"),
    Param::new("all_content", Holds::One, "the full objects"),
];

/// A call that switches a machine: a task, with `force`.
const fn power(name: &'static str, path: &'static str, help: &'static str, example: &'static str) -> Call {
    Call::new(name, Verb::Post, On::One, path, Gives::Task, help).with(&[FORCE]).example(example)
}

const fn post(name: &'static str, path: &'static str, gives: Gives, help: &'static str) -> Call {
    Call::new(name, Verb::Post, On::One, path, gives, help)
}

const fn put(name: &'static str, path: &'static str, gives: Gives, help: &'static str) -> Call {
    Call::new(name, Verb::Put, On::One, path, gives, help)
}

const fn get(name: &'static str, path: &'static str, gives: Gives, help: &'static str) -> Call {
    Call::new(name, Verb::Get, On::One, path, gives, help)
}

/// Joining a directory: the three that belong together, and what goes with them. The body calls them otherwise.
const AD: [Param; 6] = [
    Param::new("domain_name", Holds::Text, "join this directory").key("add_to_ad.domainname"),
    Param::new("login", Holds::Text, "an account of the directory that may do it").key("add_to_ad.login"),
    Param::new("password", Holds::Secret, "its password").key("add_to_ad.password"),
    Param::new("restart", Holds::One, "restart the machine afterwards; usually true")
        .key("add_to_ad.restart")
        .usual(Usual::With("domain_name")),
    Param::new("new_name", Holds::Text, "the name in the directory").key("add_to_ad.newname"),
    Param::new("oupath", Holds::Text, "the organizational unit").key("add_to_ad.oupath"),
];

const AD_RULES: Rule = Rule::Together(&["domain_name", "login", "password"]);
const AD_MORE: [Rule; 3] = [
    Rule::Needs("restart", "domain_name"),
    Rule::Needs("new_name", "domain_name"),
    Rule::Needs("oupath", "domain_name"),
];
const PLACE_RULES: Rule = Rule::Excludes("resource_pool", &["node", "datapool"]);

const CREATE: &[Param] = &[
    NAME.required(),
    Param::new("parent", Holds::Of("domain"), "the template to copy"),
    Param::new("count", Holds::Integer, "how many; the server numbers their names").usual(Usual::Integer(1)),
    Param::flag("thin", true, "share the template's disks instead of copying them"),
    RESOURCE_POOL,
    NODE,
    DATAPOOL,
    Param::flag("template", false, "make templates"),
    Param::flag("remote_access", false, "switch remote access on"),
    Param::flag("start", false, "start them").key("start_on"),
    Param::flag("set_hostname", false, "give the system inside the machine's name"),
    AD[0],
    AD[1],
    AD[2],
    AD[3],
    AD[4],
    AD[5],
    DESCRIPTION,
    Param::new("memory_count", Holds::Integer, "MiB of memory"),
    Param::new("cpu_count", Holds::Integer, "processors"),
    Param::new("cpu_count_max", Holds::Integer, "processors that may be added while it runs"),
    Param::new("cpu_priority", Holds::Integer, "the processors' priority"),
    CPU_MODE,
    Param::new("cpu_model", Holds::Text, "the model of a custom processor"),
    Param::new("cpu_topology", Holds::List, "sockets, cores and threads"),
    Param::new("os_type", Holds::Text, "`Windows`, `Linux` or `Other`"),
    Param::new("os_version", Holds::Text, "the system's version"),
    Param::new("machine", Holds::Choice(&["pc", "q35"]), "the chipset"),
    Param::new("boot_type", Holds::Text, "such as `LegacyMBR` or `UEFI`"),
    Param::new("start_on_boot", Holds::Flag, "start with the host"),
    Param::new("safety", Holds::Flag, "overwrite the disks when they are removed"),
    Param::new("clean_type", Holds::Choice(&["zero", "urandom"]), "with what they are overwritten"),
    Param::new("clean_count", Holds::Integer, "how often"),
    Param::new("memory_min_guarantee", Holds::Integer, "MiB that are always there"),
    Param::new("memory_shares", Holds::Integer, "the weight among others"),
    Param::new("memory_limit", Holds::Integer, "MiB at most"),
    Param::new("vdisks", Holds::List, "disks that exist: `[#{vdisk, target_bus, driver_cache}]`"),
    Param::new("new_vdisks", Holds::List, "disks to make: `[#{verbose_name, datapool, size, …}]`"),
    Param::new("isos", Holds::List, "images for drives that exist: `[#{iso, cdrom}]`"),
    Param::new("new_isos", Holds::List, "images with new drives: `[#{iso}]`"),
    Param::new("vmachine_infs", Holds::List, "network cards: `[#{vnetwork, mac_address, nic_driver}]`"),
    Param::new("cdroms", Holds::List, "further CD drives"),
    Param::new("luns", Holds::List, "block devices of the storage"),
    Param::new("vfunction_infs", Holds::List, "virtual functions of network cards"),
    Param::new("usb_devices", Holds::List, "USB devices of the host"),
    Param::new("pci_devices", Holds::List, "PCI devices of the host"),
    Param::new("mdev_devices", Holds::List, "shares of a graphics card"),
    Param::new("ssh_inject", Holds::Map, "`#{create_user, ssh_user, ssh_key}`"),
    Param::new("cloud_init", Holds::Flag, "use cloud-init"),
    USER_DATA,
    META_DATA,
    fixed("domains_ids", Usual::Fresh),
];

const CPU_MODE: Param =
    Param::new("cpu_mode", Holds::Choice(&["default", "host-model", "host-passthrough", "custom"]), "the processor");
const USER_DATA: Param =
    Param::new("user_data", Holds::Base64, "cloud-init: the user data, as YAML").key("cloud_init_config.user_data");
const META_DATA: Param =
    Param::new("meta_data", Holds::Base64, "cloud-init: the meta data, as YAML").key("cloud_init_config.meta_data");

const EMPTY: &[Param] = &[
    NAME.required(),
    Param::new("domain_id", Holds::Uuid, "its id, if you want to choose it"),
    DESCRIPTION,
    NODE,
    Param::new("resource_pool", Holds::Of("resource_pool"), "the resource pool"),
    Param::new("memory_count", Holds::Integer, "MiB of memory"),
    Param::new("boot_type", Holds::Text, "such as `LegacyMBR` or `UEFI`"),
    Param::new("cpu_count", Holds::Integer, "processors"),
    Param::new("cpu_count_max", Holds::Integer, "processors that may be added while it runs"),
    Param::new("cpu_priority", Holds::Integer, "the processors' priority"),
    CPU_MODE,
    Param::new("cpu_model", Holds::Text, "the model of a custom processor"),
    Param::new("os_type", Holds::Text, "`Windows`, `Linux` or `Other`"),
    Param::new("os_version", Holds::Text, "the system's version"),
    Param::new("machine", Holds::Choice(&["pc", "q35"]), "the chipset"),
];

const CLONE: &[Param] = &[
    NAME.required(),
    Param::new("count", Holds::Integer, "how many").usual(Usual::Integer(1)),
    Param::new("snapshot", Holds::Of("snapshot"), "the state to copy"),
    RESOURCE_POOL,
    NODE,
    DATAPOOL,
    Param::flag("start", false, "start them").key("start_on"),
    Param::flag("template", false, "make templates"),
    Param::flag("remote_access", false, "switch remote access on"),
    Param::flag("set_hostname", false, "give the system inside the machine's name"),
    Param::new("replication", Holds::Flag, "a replica"),
    Param::new("cloud_init", Holds::Flag, "use cloud-init"),
    USER_DATA,
    META_DATA,
    fixed("domains_ids", Usual::Fresh),
];

const UPDATE: &[Param] = &[
    NAME,
    DESCRIPTION,
    Param::new("os_type", Holds::Text, "`Windows`, `Linux` or `Other`"),
    Param::new("os_version", Holds::Text, "the system's version"),
    Param::new("tablet", Holds::Flag, "a tablet instead of a mouse"),
    Param::new("start_on_boot", Holds::Flag, "start with the host"),
    Param::new("spice_stream", Holds::Flag, "stream video over SPICE"),
    Param::new("user_xml", Holds::Text, "further XML of the machine"),
    Param::new("gpu_optimize", Holds::Flag, "optimize for a graphics card"),
    Param::new("features", Holds::List, "features of the hypervisor"),
    Param::new("qemu_args", Holds::List, "arguments of the emulator"),
    Param::new("priority", Holds::Integer, "its priority among others"),
];

const PREPARE: &[Param] = &[
    Param::flag("remote_access", true, "switch remote access on"),
    Param::new("start", Holds::Flag, "start it").key("start_on"),
    Param::new("set_hostname", Holds::Flag, "give the system inside the machine's name"),
    AD[0],
    AD[1],
    AD[2],
    AD[3],
    AD[4],
    AD[5],
];

const ADD_TO_AD: &[Param] = &[
    Param::new("domain", Holds::Text, "the directory").key("domainname").required(),
    Param::new("login", Holds::Text, "an account of the directory that may do it").required(),
    Param::new("password", Holds::Secret, "its password").required(),
    RESTART,
    Param::new("new_name", Holds::Text, "the name in the directory").key("newname"),
    Param::new("oupath", Holds::Text, "the organizational unit"),
];

const RESTART: Param = Param::new("restart", Holds::One, "restart the machine afterwards").usual(Usual::Flag(true));

const MULTI: &[Param] = &[
    Param::new("action", Holds::Choice(GROUP_ACTIONS), "what to do; `remove` is `delete`").required(),
    Param::new("ids", Holds::ManyOf("domain"), "the machines").key("entity_ids").required(),
    Param::flag("full", true, "delete: with their disks").key("options.full"),
    Param::flag("force", false, "do it even where a machine does not agree").key("options.force"),
];

const ATTACH_USB: &[Param] = &[
    Param::new("host", Holds::Text, "where the device is shared").key("tcp_usb.host"),
    Param::new("port", Holds::Integer, "the port there").key("tcp_usb.service"),
    Param::new("usb", Holds::Map, "a device of the host"),
    Param::new("usb_controller", Holds::Map, "the controller to use"),
    Param::new("action_type", Holds::Text, "the kind of device").usual(Usual::Text("tcp_usb_device")),
];

const DETACH_USB: &[Param] = &[
    Param::new("usb", Holds::Uuid, "the device, as `attach_usb` told"),
    Param::new("controller_order", Holds::Integer, "the controller's number"),
    Param::new("all", Holds::One, "every device").key("remove_all"),
    Param::new("action_type", Holds::Text, "the kind of device").usual(Usual::Text("tcp_usb_device")),
];

const CREATE_ATTACH: &[Param] = &[
    Param::new("verbose_name", Holds::Text, "the disk's name, which must be new").required(),
    Param::new("size", Holds::Number, "GB").required(),
    Param::new("datapool", Holds::Of("data_pool"), "the data pool").required(),
    Param::flag("preallocation", false, "take the space at once"),
    TARGET_BUS,
];

const BACKUP: &[Param] = &[
    fixed("domain", Usual::This),
    Param::new("datapool", Holds::Of("data_pool"), "where to put it; not together with `backup`"),
    Param::new("backup", Holds::Of("library"), "the earlier file that this one adds to"),
    Param::flag("can_be_incremental", false, "later ones may add to it"),
    Param::flag("increment", false, "only what has changed"),
    Param::flag("exclude_iso", true, "leave mounted images out"),
];

/// Asks Windows whether it is a member of a directory.
const MEMBERSHIP: &str = "(Get-CimInstance -ClassName Win32_ComputerSystem).PartOfDomain";

const CALLS: &[Call] = &[
    power("start", "start/", "Starts the machine.", "off.start().wait()"),
    power("shutdown", "shutdown/", "Shuts the system down; with `force`, switches the machine off.", "vm.shutdown()"),
    power("reboot", "reboot/", "Restarts the system.", "vm.reboot().wait()"),
    power("reset", "reset/", "Restarts the machine without asking the system.", "vm.reset().wait()"),
    power("suspend", "suspend/", "Stops the machine where it stands.", "vm.suspend().wait()"),
    power("resume", "resume/", "Lets a suspended machine go on.", "vm.suspend().wait();\nvm.resume().wait()"),
    post("remove", "remove/", Gives::Task, "Removes the machine.")
        .with(&[Param::flag("full", true, "with its disks"), FORCE]),
    post("remote_access", "remote-access/", Gives::Task, "Switches remote access on or off.")
        .with(&[Param::flag("remote_access", true, "on or off")])
        .placed(1),
    put("template", "template/", Gives::Task, "Makes the machine a template, or a template a machine.")
        .with(&[Param::flag("template", true, "which of the two")])
        .placed(1),
    post(
        "change_template",
        "change-template/",
        Gives::Task,
        "Puts a thin clone's state into its template and all clones.",
    ),
    post("attach_veil_utils_iso", "attach-veil-utils-iso/", Gives::Task, "Mounts the guest tools; the machine is off."),
    Call::new(
        "multi",
        Verb::Post,
        On::All,
        "multi-manager/",
        Gives::Task,
        "Does the same with many machines, in one request and one task.",
    )
    .with(MULTI)
    .placed(2),
    Call::new(
        "create",
        Verb::Post,
        On::All,
        "multi-create-domain/",
        Gives::Task,
        "Makes machines, usually copies of a template. `task.domains` has them, before the work is done.",
    )
    .with(CREATE)
    .rules(&[PLACE_RULES, AD_RULES, AD_MORE[0], AD_MORE[1], AD_MORE[2]]),
    Call::new(
        "create_empty",
        Verb::Post,
        On::All,
        "",
        Gives::Object("domain"),
        "Makes one machine from scratch, without disks.",
    )
    .with(EMPTY)
    .at_once()
    .known(Known::Go),
    post("clone", "clone/", Gives::Task, "Copies the machine with its disks. `task.domains` has the copies.")
        .with(CLONE)
        .rules(&[PLACE_RULES]),
    put("update", "", Gives::Object("domain"), "Changes what is said of the machine.").with(UPDATE).rules(&[
        Rule::Any(&[
            "verbose_name",
            "description",
            "os_type",
            "os_version",
            "tablet",
            "start_on_boot",
            "spice_stream",
            "user_xml",
            "gpu_optimize",
            "features",
            "qemu_args",
            "priority",
        ]),
    ]),
    put("rename", "", Gives::Object("domain"), "Gives the machine another name.").with(&[NAME.required()]).placed(1),
    put("cloud_init", "cloud-init/", Gives::Data, "Sets what cloud-init does at the next start.")
        .with(&[Param::flag("cloud_init", true, "use cloud-init"), USER_DATA, META_DATA])
        .known(Known::Go),
    get("spice", "spice/", Gives::Console, "Where the screen can be seen over SPICE: host, password, token, url."),
    get("vnc", "vnc/", Gives::Console, "Where the screen can be seen over VNC: host, password, token, url."),
    post("guest", "guest-command/", Gives::Data, "Asks the guest agent; the answer is keyed by the command.")
        .with(&[
            Param::new("veil_cmd", Holds::Choice(GUEST_COMMANDS), "the command"),
            Param::new("qemu_cmd", Holds::Text, "a command of the emulator's agent instead"),
            Param::new("fargs", Holds::Map, "its arguments"),
            GUEST_TIMEOUT,
        ])
        .placed(1)
        .rules(&[Rule::Any(&["veil_cmd", "qemu_cmd"])]),
    post(
        "guest_exec",
        "guest-command/",
        Gives::Field("guest-exec"),
        "Runs a program inside the machine; gives what it wrote.",
    )
    .with(&[
        Param::new("path", Holds::Text, "the program").key("fargs.path").required(),
        Param::new("args", Holds::List, "its arguments").key("fargs.arg"),
        Param::flag("capture", true, "give back what it writes").key("fargs.capture-output"),
        GUEST_TIMEOUT,
        fixed("qemu_cmd", Usual::Text("guest-exec")),
    ])
    .placed(2),
    post("in_ad", "guest-command/", Gives::Says("True"), "Whether the system inside is a member of a directory.")
        .with(&[
            fixed("qemu_cmd", Usual::Text("guest-exec")),
            fixed("fargs.path", Usual::Text("powershell.exe")),
            fixed("fargs.arg.0", Usual::Text("-NonInteractive")),
            fixed("fargs.arg.1", Usual::Text("-Command")),
            fixed("fargs.arg.2", Usual::Text(MEMBERSHIP)),
            fixed("fargs.capture-output", Usual::Flag(true)),
            GUEST_TIMEOUT,
        ])
        .reads(),
    post("set_hostname", "set-hostname/", Gives::Task, "Gives the system inside a name, usually the machine's.")
        .with(&[Param::new("hostname", Holds::Text, "the name").usual(Usual::Name)])
        .placed(1),
    post("add_to_ad", "add-to-ad/", Gives::Task, "Joins the system inside to a directory.").with(ADD_TO_AD),
    post("rm_from_ad", "rm-from-ad/", Gives::Task, "Takes the system inside out of its directory.").with(&[
        Param::new("login", Holds::Text, "an account of the directory that may do it").required(),
        Param::new("password", Holds::Secret, "its password").required(),
        RESTART,
    ]),
    post("prepare", "vdi-prepare/", Gives::Task, "Prepares the machine for a user: remote access, name, directory.")
        .with(PREPARE)
        .rules(&[AD_RULES, AD_MORE[0], AD_MORE[1], AD_MORE[2]]),
    post("attach_usb", "attach-usb/", Gives::Data, "Connects a USB device, usually one shared over the network.")
        .with(ATTACH_USB)
        .rules(&[Rule::Together(&["host", "port"]), Rule::Any(&["host", "usb"])])
        .at_once(),
    post("detach_usb", "detach-usb/", Gives::Task, "Disconnects a USB device, or all of them with `all`.")
        .with(DETACH_USB)
        .placed(1)
        .rules(&[Rule::Any(&["usb", "controller_order", "all"]), Rule::Excludes("all", &["usb"])]),
    post("attach_iso", "attach-iso/", Gives::Task, "Puts an image into a drive of the machine.")
        .with(&[
            Param::new("iso", Holds::Of("iso"), "the image").required(),
            Param::new("cdrom", Holds::Uuid, "the drive; the first one unless given"),
        ])
        .placed(1)
        .known(Known::User),
    post("detach_iso", "detach-iso/", Gives::Task, "Takes the image out of a drive.")
        .with(&[Param::new("cdrom", Holds::Uuid, "the drive; the first one unless given")])
        .known(Known::Assumed),
    post("create_vdisk", "create-attach-vdisk/", Gives::Task, "Makes a disk and connects it.")
        .with(CREATE_ATTACH)
        .known(Known::User),
    post("attach_vdisk", "attach-vdisk/", Gives::Task, "Connects a disk that exists.")
        .with(&[Param::new("vdisk", Holds::Of("vdisk"), "the disk").required(), TARGET_BUS, DRIVER_CACHE])
        .placed(1)
        .known(Known::Assumed),
    post("detach_vdisk", "detach-vdisk/", Gives::Task, "Disconnects a disk.")
        .with(&[Param::new("vdisk", Holds::Of("vdisk"), "the disk").required()])
        .placed(1)
        .known(Known::Assumed),
    get("all_content", "all-content/", Gives::Data, "Everything about the machine, with its disks and drives.")
        .known(Known::User),
    post("migrate", "migrate/", Gives::Task, "Moves the machine to another host.")
        .with(&[Param::new("node", Holds::Of("node"), "the host").required(), FORCE])
        .placed(1)
        .known(Known::Assumed),
    Call::new("backup", Verb::Post, On::Api, "domains/backup/", Gives::Task, "Writes a backup into the library.")
        .with(BACKUP)
        .rules(&[Rule::Excludes("backup", &["datapool"])]),
    Call::new("show_backup", Verb::Post, On::All, "show-backup/", Gives::Data, "What is inside a backup.")
        .with(&[Param::new("file", Holds::Of("library"), "the file").required()])
        .placed(1)
        .reads(),
    Call::new("restore", Verb::Post, On::All, "automated-restore/", Gives::Task, "Makes a machine of a backup.")
        .with(&[
            Param::new("file", Holds::Of("library"), "the file").required(),
            Param::new("node", Holds::Of("node"), "the host").required(),
            DATAPOOL,
        ])
        .placed(2),
    Call::new("backups", Verb::Get, On::Api, "library/", Gives::Rows, "The machine's backups in the library.")
        .with(&[fixed("domain", Usual::This)]),
    Call::new("tags", Verb::Get, On::Api, "tags/", Gives::Rows, "The machine's tags.")
        .with(&[fixed("entity_uuid", Usual::This), fixed("entity_class", Usual::Text("domain"))]),
    Call::new("snapshot", Verb::Post, On::Api, "snapshots/", Gives::Task, "Keeps the machine's present state.")
        .with(&[NAME.required(), DESCRIPTION, fixed("domain", Usual::This)])
        .placed(1)
        .known(Known::Assumed),
    Call::new("snapshots", Verb::Get, On::Api, "snapshots/", Gives::Rows, "The machine's kept states.")
        .with(&[fixed("domain", Usual::This)])
        .known(Known::Assumed),
    get("snapshots_info", "snapshots-info/", Gives::Data, "How many kept states there are, and how large.")
        .known(Known::Vdi),
    get("snapshots_tree", "snapshots-tree/", Gives::Data, "The kept states, each with those that follow from it.")
        .known(Known::Vdi),
];

const GUEST_TIMEOUT: Param =
    Param::new("timeout", Holds::Integer, "seconds that the agent may take").usual(Usual::Integer(5));
