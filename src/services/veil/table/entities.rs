//! What a controller keeps.

use super::domain::DOMAIN;
use super::params::STATUS;
use super::words::TASK_STATUSES;
use super::{Call, Entity, Holds, Id, Known, Param, calls};

/// All of them, in the order in which people look for them.
pub static ALL: &[&Entity] = &[
    &DOMAIN,
    &NODE,
    &CLUSTER,
    &CONTROLLER,
    &DATA_POOL,
    &RESOURCE_POOL,
    &VDISK,
    &TASK,
    &TAG,
    &SNAPSHOT,
    &LIBRARY,
    &ISO,
    &EVENT,
    &DATACENTER,
    &VNETWORK,
    &VMACHINE_INF,
    &USER,
];

/// An entity like most: objects with UUIDs, a `verbose_name` and a status.
const fn usual(
    (word, plural, path, class): (&'static str, &'static str, &'static str, &'static str),
    (type_name, named): (&'static str, &'static str),
    filters: &'static [Param],
    calls: &'static [Call],
) -> Entity {
    Entity {
        word,
        plural,
        path,
        class,
        type_name,
        named,
        id: Id::Uuid,
        name_field: "verbose_name",
        name_filter: Some("name"),
        filters,
        calls,
        has_status: true,
        known: Known::Py,
    }
}

const CLUSTER_FILTER: Param = Param::new("cluster", Holds::Of("cluster"), "only those of this cluster");
const NODE_FILTER: Param = Param::new("node", Holds::Of("node"), "only those of this host");
const POOL_FILTER: Param = Param::new("resource_pool", Holds::Of("resource_pool"), "only those of this resource pool");
const DOMAIN_FILTER: Param = Param::new("domain", Holds::Of("domain"), "only those of this machine");

static CONTROLLER: Entity = usual(
    ("controller", "controllers", "controllers", "controller"),
    ("VeilController", "a controller"),
    &[],
    calls::CONTROLLER,
);

static CLUSTER: Entity =
    usual(("cluster", "clusters", "clusters", "cluster"), ("VeilCluster", "a cluster"), &[], calls::CLUSTER);

static NODE: Entity =
    usual(("node", "nodes", "nodes", "node"), ("VeilNode", "a host"), &[CLUSTER_FILTER, POOL_FILTER], calls::NODE);

static DATA_POOL: Entity = usual(
    ("data_pool", "data_pools", "data-pools", "datapool"),
    ("VeilDataPool", "a data pool"),
    &[NODE_FILTER, CLUSTER_FILTER, POOL_FILTER],
    calls::DATA_POOL,
);

static RESOURCE_POOL: Entity = Entity {
    has_status: false,
    ..usual(
        ("resource_pool", "resource_pools", "resource-pools", "resourcepool"),
        ("VeilResourcePool", "a resource pool"),
        &[NODE_FILTER, CLUSTER_FILTER],
        calls::RESOURCE_POOL,
    )
};

static VDISK: Entity =
    usual(("vdisk", "vdisks", "vdisks", "vdisk"), ("VeilVdisk", "a virtual disk"), &[DOMAIN_FILTER], calls::VDISK);

static TASK: Entity = Entity {
    has_status: false,
    name_field: "name",
    ..usual(
        ("task", "tasks", "tasks", "task"),
        ("VeilTask", "a task"),
        &[
            Param::new("parent", Holds::Uuid, "only the parts of this task"),
            Param::new("status", Holds::Choice(TASK_STATUSES), "only those in this state"),
        ],
        calls::TASK,
    )
};

static TAG: Entity = Entity {
    has_status: false,
    ..usual(
        ("tag", "tags", "tags", "tag"),
        ("VeilTag", "a tag"),
        &[
            Param::new("entity_uuid", Holds::Uuid, "only those of this object"),
            Param::new("entity_class", Holds::Text, "and its class: `domain`, `node`, …"),
        ],
        calls::TAG,
    )
};

static SNAPSHOT: Entity = Entity {
    known: Known::Assumed,
    ..usual(
        ("snapshot", "snapshots", "snapshots", "snapshot"),
        ("VeilSnapshot", "a kept state of a machine"),
        &[DOMAIN_FILTER.assumed()],
        calls::SNAPSHOT,
    )
};

static LIBRARY: Entity = Entity {
    name_field: "filename",
    name_filter: Some("filename"),
    ..usual(
        ("library", "library_files", "library", "library"),
        ("VeilLibrary", "a file of the library"),
        &[
            DOMAIN_FILTER,
            Param::new("datapool", Holds::Of("data_pool"), "only those in this data pool"),
            STATUS,
            Param::new("filename", Holds::Text, "only those with this name"),
        ],
        calls::LIBRARY,
    )
};

static ISO: Entity = Entity {
    name_field: "filename",
    name_filter: None,
    known: Known::Go,
    ..usual(
        ("iso", "isos", "iso", "iso"),
        ("VeilIso", "an ISO image"),
        &[Param::new("datapool", Holds::Of("data_pool"), "only those in this data pool").assumed()],
        calls::ISO,
    )
};

static EVENT: Entity = Entity {
    has_status: false,
    name_field: "message",
    name_filter: None,
    ..usual(
        ("event", "events", "events", "event"),
        ("VeilEvent", "an event"),
        &[
            Param::new("user", Holds::Text, "only those of this user"),
            Param::new("type", Holds::Choice(&["info", "warning", "error"]), "only those of this kind"),
        ],
        calls::EVENT,
    )
};

static DATACENTER: Entity = Entity {
    known: Known::Go,
    ..usual(
        ("datacenter", "datacenters", "datacenters", "datacenter"),
        ("VeilDatacenter", "a location"),
        &[],
        calls::DATACENTER,
    )
};

static VNETWORK: Entity = Entity {
    known: Known::Go,
    ..usual(
        ("vnetwork", "vnetworks", "vnetworks", "vnetwork"),
        ("VeilVnetwork", "a virtual network"),
        &[STATUS, NODE_FILTER, Param::new("verbose_name", Holds::Text, "only those with this name")],
        calls::VNETWORK,
    )
};

static VMACHINE_INF: Entity = Entity {
    name_field: "name",
    name_filter: None,
    known: Known::Go,
    ..usual(
        ("vmachine_inf", "vmachine_infs", "vmachine-infs", "vmachineinf"),
        ("VeilVmachineInf", "a network card of a machine"),
        &[],
        calls::VMACHINE_INF,
    )
};

static USER: Entity = Entity {
    id: Id::Number,
    name_field: "username",
    name_filter: None,
    has_status: false,
    known: Known::Go,
    ..usual(("user", "users", "users", "user"), ("VeilUser", "a user"), &[], calls::USER)
};
