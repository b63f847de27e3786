//! How nodes, pools, clusters, networks, places and users are shown.

use super::ids::Id;
use super::kind::Kind;
use super::out::{Out, Want, id as print_id, reference};
use super::show::{common, tags};
use super::things::{Domain, Power};
use super::world::World;

const BUILT_IN: f64 = 1_660_000_000.0;
pub const CLUSTER_NAME: &str = "Default cluster";
pub const DATACENTER_NAME: &str = "Default location";

/// What most full objects begin with.
fn begin_full(world: &World, kind: Kind, id: Id, out: &mut Out) {
    out.full();
    out.text("description", "");
    out.moment("created", BUILT_IN);
    out.moment("modified", BUILT_IN);
    common(world, kind, id, out);
}

fn references(world: &World, name: &str, kind: Kind, ids: impl Iterator<Item = Id>, out: &mut Out) {
    let named = ids.filter_map(|id| Some((id, world.name(kind, id)?)));
    out.list(name, named, |bytes, to| reference(bytes, Some(to)));
}

pub fn node(world: &World, id: Id, out: &mut Out) {
    let Some(node) = world.nodes.get(id) else { return };
    let here = || world.domains.iter().filter(|(_, domain)| domain.node == id);
    out.id("id", id);
    out.text("verbose_name", &node.name);
    out.text("status", "ACTIVE");
    out.text("management_ip", &node.name);
    out.number("cpu_count", node.cpu);
    out.number("memory_count", node.memory);
    out.number("domains_count", here().count() as i64);
    out.number("domains_on_count", here().filter(|(_, domain)| domain.power == Power::On).count() as i64);
    // Lists have it as an object, full objects as its id.
    match out.want.full {
        true => out.id("cluster", world.cluster),
        false => out.reference("cluster", Some((world.cluster, CLUSTER_NAME))),
    }
    out.flag("built_in", world.nodes.first() == Some(id));
    tags(world, id, out);
    out.number("hints", 0);
    out.text("datacenter_name", DATACENTER_NAME);
    out.id("datacenter_id", world.datacenter);
    references(world, "resource_pools", Kind::Resourcepool, world.resource_pools.ids(), out);
    begin_full(world, Kind::Node, id, out);
    out.raw("cpu_topology", NODE_CPU);
    out.raw("domains_cpu_map", "{}");
    out.constants(&[
        ("ipmi_ip", "null"),
        ("ipmi_username", "null"),
        ("fencing_type", "\"SSH\""),
        ("heartbeat_type", "\"SSH\""),
    ]);
    out.flag("node_plus_controller_installation", world.nodes.first() == Some(id));
    if out.wants("uptime") {
        let want = Want::default();
        Out::object(out.bytes, &want, |out| {
            out.number("uptime", (world.now - BUILT_IN) as i64);
            out.moment("start_time", BUILT_IN);
            out.moment("system_time", world.now);
            out.text("timezone", "UTC");
        });
    }
    out.raw("drs_settings", "{}");
    out.text("cluster_name", CLUSTER_NAME);
    out.constants(&[
        ("ksm_enable", "0"),
        ("ksm_sleep_time", "20"),
        ("ksm_pages_to_scan", "100"),
        ("ksm_merge_across_nodes", "1"),
    ]);
    out.text("version", &world.knobs.version);
    out.flag("ballooning", node.ballooning);
}

const NODE_CPU: &str = concat!(
    r#"{"cpu_type":"Intel","cpu_cores":6,"cpu_count":24,"cpu_model":"Westmere","cpu_sockets":2,"cpu_threads":2,"#,
    r#""cpu_features":[],"cpu_map":{},"cpu_numa_nodes":2,"cpu_architecture":"x86_64","cpu_mhz_all":[],"proc_info":[]}"#
);

pub fn pool(world: &World, id: Id, out: &mut Out) {
    let Some(pool) = world.pools.get(id) else { return };
    let used = world.used(id);
    out.id("id", id);
    out.text("verbose_name", &pool.name);
    out.text("status", "ACTIVE");
    out.text("type", pool.kind);
    out.flag("built_in", pool.kind == "local");
    out.number("size", pool.size);
    out.number("used_space", used);
    out.number("free_space", (pool.size - used).max(0));
    let shared = pool.kind != "local";
    out.reference("shared_storage", shared.then_some((Id(id.0 ^ 1), &pool.name)));
    out.constants(&[("cluster_storage", "null"), ("zfs_pool", "null")]);
    out.list("nodes_connected", &pool.nodes, |bytes, node| {
        let want = Want::default();
        Out::object(bytes, &want, |out| {
            out.id("id", *node);
            out.text("verbose_name", world.name(Kind::Node, *node).unwrap_or_default());
            out.text("connection_status", "SUCCESS");
        });
    });
    let files = |is_iso: bool| world.files.iter().filter(|(_, file)| file.pool == id && file.is_iso == is_iso).count();
    out.number("iso_count", files(true) as i64);
    out.number("file_count", files(false) as i64);
    out.number("vdisk_count", world.disks.iter().filter(|(_, disk)| disk.pool == id).count() as i64);
    out.number("hints", 0);
    tags(world, id, out);
    references(world, "resource_pools", Kind::Resourcepool, world.resource_pools.ids(), out);
    out.number("priority", 10);
    begin_full(world, Kind::Datapool, id, out);
    out.constants(&[
        ("path", "\"/storages/local/default\""),
        ("options", r#"{"path":"/storages/local/default"}"#),
        ("lun", "null"),
    ]);
}

pub fn resource_pool(world: &World, id: Id, out: &mut Out) {
    let Some(name) = world.resource_pools.get(id) else { return };
    let inside = || world.domains.iter().filter(|(_, domain)| domain.pool == id).map(|(_, domain)| domain);
    let sum = |of: fn(&Domain) -> u32| inside().map(|domain| i64::from(of(domain))).sum::<i64>();
    let (all_cpu, all_memory) = world
        .nodes
        .iter()
        .fold((0, 0), |(cpu, memory), (_, node)| (cpu + i64::from(node.cpu), memory + i64::from(node.memory)));
    out.id("id", id);
    out.text("verbose_name", name);
    out.number("hints", 0);
    tags(world, id, out);
    out.raw("organization", "null");
    out.number("domains_count", inside().count() as i64);
    out.constants(&[("cpu_limit", "0"), ("memory_limit", "0")]);
    out.number("nodes_cpu_count", all_cpu);
    out.number("nodes_memory_count", all_memory);
    out.number("domains_cpu_count", sum(|domain| domain.cpu));
    out.number("domains_memory_count", sum(|domain| domain.memory));
    begin_full(world, Kind::Resourcepool, id, out);
    out.flag("built_in", world.resource_pools.first() == Some(id));
    out.reference("cluster", Some((world.cluster, CLUSTER_NAME)));
    out.constants(&[
        ("cpu_shares", "1024"),
        ("memory_shares", "1024"),
        ("cpu_min_guarantee", "0"),
        ("memory_min_guarantee", "0"),
        ("cpu_shares_actual", "1024"),
        ("memory_shares_actual", "1024"),
        ("cpu_min_guarantee_per_domain", "0"),
        ("memory_min_guarantee_per_domain", "0"),
        ("cpu_min_guarantee_per_domain_actual", "0"),
        ("memory_min_guarantee_per_domain_actual", "0"),
        ("size_limit", "0"),
    ]);
    out.number("domains_cpu_free", (all_cpu - sum(|domain| domain.cpu)).max(0));
    out.number("domains_memory_free", (all_memory - sum(|domain| domain.memory)).max(0));
}

pub fn cluster(world: &World, id: Id, out: &mut Out) {
    let sum =
        |of: fn(&super::things::Node) -> u32| world.nodes.iter().map(|(_, node)| i64::from(of(node))).sum::<i64>();
    out.id("id", id);
    out.text("verbose_name", CLUSTER_NAME);
    out.text("status", "ACTIVE");
    out.number("cpu_count", sum(|node| node.cpu));
    out.number("memory_count", sum(|node| node.memory));
    out.number("nodes_count", world.nodes.len() as i64);
    out.reference("datacenter", Some((world.datacenter, DATACENTER_NAME)));
    out.flag("built_in", true);
    out.number("hints", 0);
    tags(world, id, out);
    let (cpu, memory) = super::hardware::load(world, None);
    out.decimal("cpu_used_percent_user", cpu);
    out.decimal("mem_used_percent_user", memory);
    begin_full(world, Kind::Cluster, id, out);
    references(world, "nodes", Kind::Node, world.nodes.ids(), out);
    out.constants(CLUSTER);
}

const CLUSTER: &[(&str, &str)] = &[
    ("fencing_type", "\"SSH\""),
    ("heartbeat_type", "\"SSH\""),
    ("quorum", "false"),
    ("ha_autoselect", "false"),
    ("ha_enabled", "false"),
    ("ha_nodepolicy", "[]"),
    ("ha_retrycount", "5"),
    ("ha_timeout", "60"),
    ("ha_boot_delay", "0"),
    ("ha_boot_agent", "false"),
    ("drs_enabled", "false"),
    ("drs_mode", "\"SOFT\""),
    ("drs_strategy", "\"AVERAGE\""),
    ("drs_metrics_strategy", "\"MEMORY\""),
    ("drs_check_timeout", "180"),
    ("drs_deviation_limit", "2.0"),
    ("drs_node_settings", r#"{"cpu_hh_level":85,"cpu_hi_level":80,"mem_hh_level":85,"mem_hi_level":80}"#),
    ("tag_enabled", "false"),
    ("anti_affinity_enabled", "false"),
    ("vdi", "false"),
    ("optimal_cpu_model", "\"Westmere\""),
];

pub fn network(world: &World, id: Id, out: &mut Out) {
    let Some(network) = world.networks.get(id) else { return };
    out.id("id", id);
    out.text("status", "ACTIVE");
    out.text("verbose_name", &network.name);
    out.flag("management", network.vlan == 0);
    tags(world, id, out);
    out.raw("data_subnet", "null");
    out.number("data_vlan", network.vlan);
    out.flag("data_use_nat", false);
    begin_full(world, Kind::Vnetwork, id, out);
    out.constants(&[
        ("data_mtu", "1500"),
        ("data_vni", "0"),
        ("linked_lswitch_info", "{}"),
        ("linked_vswitch_info", "[]"),
        ("uplinks", "[]"),
    ]);
    out.list("connected_nodes", world.nodes.ids(), |bytes, node| print_id(bytes, Some(node)));
    out.raw("lswitch", "{}");
    if out.wants("port_group") {
        let want = Want::default();
        let linked = world.infs.iter().filter(|(_, inf)| inf.network == Some(id)).count();
        Out::object(out.bytes, &want, |out| {
            out.id("id", Id(id.0 ^ 2));
            out.text("verbose_name", &network.name);
            out.text("vlan_mode", "access");
            out.number("vlan_tag", network.vlan);
            out.number("mtu", 1500);
            out.number("linked_interfaces_count", linked as i64);
        });
    }
}

/// The controller and its datacenter.
pub fn place(world: &World, kind: Kind, id: Id, out: &mut Out) {
    let sum =
        |of: fn(&super::things::Node) -> u32| world.nodes.iter().map(|(_, node)| i64::from(of(node))).sum::<i64>();
    let is_controller = kind == Kind::Controller;
    out.id("id", id);
    out.text("verbose_name", if is_controller { "Controller" } else { DATACENTER_NAME });
    out.text("status", "ACTIVE");
    if is_controller {
        out.text("address", "127.0.0.1");
        out.text("version", &world.knobs.version);
    } else {
        out.number("clusters_count", 1);
        out.number("cpu_count", sum(|node| node.cpu));
        out.number("memory_count", sum(|node| node.memory));
        out.number("shared_storages_count", 1);
        out.number("transport_storages_count", 0);
    }
    out.flag("built_in", true);
    tags(world, id, out);
    out.number("hints", 0);
    begin_full(world, kind, id, out);
    if !is_controller {
        references(world, "clusters", Kind::Cluster, [world.cluster].into_iter(), out);
        out.text("optimal_cpu_model", "Westmere");
    }
}

pub fn user(world: &World, id: Id, out: &mut Out) {
    let Some(person) = world.people.iter().find(|person| person.number as u128 == id.0) else { return };
    out.number("id", person.number);
    out.text("username", &person.name);
    out.flag("is_active", true);
    let group = if person.read_only {
        ("Read only", "Только просмотр")
    } else {
        ("Administrator", "Администратор")
    };
    if out.wants("groups") {
        let want = Want { lang: out.want.lang, ..Want::default() };
        out.bytes.push(b'[');
        Out::object(out.bytes, &want, |out| {
            out.number("id", if person.read_only { 2 } else { 1 });
            out.text("name", group.0);
            out.text("translated_name", super::text::text(group.0, group.1).of(out.want.lang));
        });
        out.bytes.push(b']');
    }
    out.text("email", &format!("{}@example.com", person.name));
    out.text("first_name", "");
    out.text("last_name", "");
    out.raw("settings", USER_SETTINGS);
    if out.wants("logins") {
        let want = Want::default();
        Out::object(out.bytes, &want, |out| {
            out.number("current_failed_attempts", person.failed as i64);
            out.number("total_failed_attempts", person.failed as i64);
            out.constants(&[("last_failed_attempt", "null"), ("last_success_attempt", "null")]);
        });
    }
}

const USER_SETTINGS: &str = concat!(
    r#"{"timezone":"UTC","expiration_date":null,"password_expiration_date":null,"daily_period":null,"#,
    r#""two_fa_enabled":false,"max_sessions_per_user":0,"inactivity_days":0}"#
);
