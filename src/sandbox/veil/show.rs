//! How objects are shown: a machine in lists and in full; the other kinds are in `show_more`.

use super::ids::Id;
use super::kind::Kind;
use super::out::{self, Out, Want, quoted};
use super::things::{Domain, Power};
use super::world::World;
use crate::sandbox::mix::mix;

/// Writes an object; false when there is none.
pub fn object(world: &World, kind: Kind, id: Id, want: &Want, bytes: &mut Vec<u8>) -> bool {
    if !world.holds(kind, id) {
        return false;
    }
    Out::object(bytes, want, |out| match kind {
        Kind::Domain => domain(world, id, out),
        Kind::Task => super::show_more::task(world, id, out),
        Kind::Event => super::show_more::event(world, id, out),
        Kind::Vdisk => super::show_more::disk(world, id, out),
        Kind::Inf => super::show_more::inf(world, id, out),
        Kind::Library | Kind::Iso => super::show_more::file(world, kind, id, out),
        Kind::Tag => super::show_more::tag(world, id, out),
        Kind::Snapshot => super::show_more::snapshot(world, id, out),
        Kind::User => super::show_hardware::user(world, id, out),
        Kind::Node => super::show_hardware::node(world, id, out),
        Kind::Datapool => super::show_hardware::pool(world, id, out),
        Kind::Resourcepool => super::show_hardware::resource_pool(world, id, out),
        Kind::Cluster => super::show_hardware::cluster(world, id, out),
        Kind::Vnetwork => super::show_hardware::network(world, id, out),
        Kind::Controller | Kind::Datacenter => super::show_hardware::place(world, kind, id, out),
    });
    true
}

/// The tags of an object, as objects.
pub fn tags(world: &World, id: Id, out: &mut Out) {
    let tags = world.tagged.get(&id).map(|(_, tags)| &tags[..]).unwrap_or_default();
    let tags = tags.iter().filter_map(|tag| Some((*tag, world.tags.get(*tag)?)));
    out.list("tags", tags, |bytes, (id, tag)| {
        let want = Want::default();
        Out::object(bytes, &want, |out| {
            out.id("id", id);
            out.text("verbose_name", &tag.name);
            out.text("colour", &tag.colour);
        });
    });
}

/// What full objects of most kinds have in common.
pub fn common(world: &World, kind: Kind, id: Id, out: &mut Out) {
    out.id("locked_by", world.locks.get(&id).copied());
    out.permissions(kind.about().permissions);
    out.text("entity_type", kind.class());
}

/// Fields of a full machine that nothing in the simulator moves.
const FIXED: &[(&str, &str)] = &[
    ("cpu_type", "\"Intel\""),
    ("memory_min_guarantee", "0"),
    ("memory_shares", "1024"),
    ("memory_limit", "0"),
    ("machine", "\"pc\""),
    ("boot_type", "\"LegacyMBR\""),
    ("bootmenu", "false"),
    ("bootmenu_timeout", "3"),
    ("features", "[]"),
    ("qemu_args", "[]"),
    ("user_xml", "null"),
    ("gpu_optimize", "false"),
    ("cloud_init", "false"),
    ("cloud_init_config", "{}"),
    ("ha_enabled", "false"),
    ("ha_autoselect", "false"),
    ("ha_nodepolicy", "[]"),
    ("ha_boot_order", "5"),
    ("ha_retrycount", "5"),
    ("ha_timeout", "60"),
    ("ha_options_cluster_sync", "true"),
    ("video", r#"{"type":"cirrus","vram":16384,"heads":1}"#),
    ("sound", r#"{"codec":"micro","model":"ich6"}"#),
    ("usb_devices", "[]"),
    ("pci_devices", "[]"),
    ("mdev_devices", "[]"),
    ("controllers", r#"{"ide":[],"pci":[],"usb":[],"sata":[],"scsi":[]}"#),
    ("free_slots", r#"{"pci":27,"ide":3,"scsi":0,"sata":0,"usb":5}"#),
    ("spice_usb_channels", "[]"),
    ("consoles", "[]"),
    ("remote_access_allow_all", "true"),
    ("remote_access_white_list", "[]"),
    ("graphics_settings", GRAPHICS),
    ("spice_stream", "false"),
    ("tablet", "true"),
    ("safety", "false"),
    ("clean_type", "\"zero\""),
    ("clean_count", "1"),
    ("disastery_enabled", "false"),
    ("start_on_boot", "false"),
    ("migrated", "null"),
    ("owners", "[]"),
    ("priority", "10"),
];

const GRAPHICS: &str = concat!(
    r#"{"image_compression":"auto_glz","jpeg_compression":"auto","zlib_compression":"auto","playback_compression":"on","#,
    r#""streaming_mode":"filter","mouse_mode":"client","clipboard":"yes","filetransfer":"yes"}"#
);

fn domain(world: &World, id: Id, out: &mut Out) {
    let Some(domain) = world.domains.get(id) else { return };
    let name_of = |kind: Kind, id: Id| Some((id, world.name(kind, id)?));
    out.id("id", id);
    out.text("verbose_name", &domain.name);
    out.text("status", "ACTIVE");
    out.number("memory_count", domain.memory);
    out.number("cpu_count", domain.cpu);
    out.number("user_power_state", domain.power as i64);
    out.flag("template", domain.template);
    out.flag("thin", domain.thin);
    out.reference("node", name_of(Kind::Node, domain.node));
    out.reference("resource_pool", name_of(Kind::Resourcepool, domain.pool));
    out.reference("parent", domain.parent.and_then(|parent| name_of(Kind::Domain, parent)));
    tags(world, id, out);
    out.number("hints", 0);
    out.raw("memory_pool", "null");
    out.number("vmachine_infs_count", domain.infs.len() as i64);
    out.number("vdisks_count", domain.disks.len() as i64);
    out.constants(&[("vfunctions_count", "0"), ("luns_count", "0"), ("mdevs_count", "0"), ("replication", "null")]);
    let load = if domain.power == Power::On { mix(id.draw() ^ (world.now / 10.0) as u64) } else { 0 };
    out.number("cpu_used_percent_user", (load % 60) as i64);
    out.number("mem_used_percent_user", (load >> 8) as i64 % 80);
    guest_utils(world, id, domain, out);
    out.full();
    full(world, id, domain, out);
}

/// The address a guest has while it has one.
pub fn address(world: &World, id: Id) -> String {
    let [.., a, b] = id.draw().to_be_bytes();
    let net = if world.knobs.apipa { (169, 254) } else { (192, 168) };
    format!("{}.{}.{a}.{}", net.0, net.1, b.clamp(1, 254))
}

fn guest_utils(world: &World, id: Id, domain: &Domain, out: &mut Out) {
    if !out.wants("guest_utils") {
        return;
    }
    if !world.has_agent(domain) {
        return out.bytes.extend(b"{}");
    }
    let (want, address) = (Want::default(), address(world, id));
    Out::object(out.bytes, &want, |out| {
        out.flag("veil_state", true);
        out.flag("qemu_state", true);
        out.text("version", "1.3.5");
        out.text("hostname", domain.hostname());
        out.list("ipv4", [&address], |bytes, address| quoted(bytes, address));
        out.list("interfaces", [&address], |bytes, address| {
            let want = Want::default();
            Out::object(bytes, &want, |out| {
                out.text("name", if domain.is_windows() { "Ethernet" } else { "eth0" });
                out.list("ipv4", [address], |bytes, address| quoted(bytes, address));
            });
        });
    });
}

fn full(world: &World, id: Id, domain: &Domain, out: &mut Out) {
    out.text("description", &domain.description);
    out.moment("created", domain.created);
    out.moment("modified", domain.modified);
    common(world, Kind::Domain, id, out);
    out.id("cluster", world.cluster);
    out.flag("built_in", false);
    cpu_topology(domain, out);
    out.text("os_type", &domain.os_type);
    out.text("os_version", &domain.os_version);
    if out.wants("os_defaults") {
        out.bytes.extend(br#"{"controllers":[],"video":"cirrus","sound":"ich6","vmachineinf":"virtio","os_version":"#);
        quoted(out.bytes, &domain.os_version);
        out.bytes.push(b'}');
    }
    let up = if domain.power == Power::Off { 0.0 } else { world.now - domain.on_since };
    if out.wants("uptime_on_current_node") {
        let want = Want::default();
        Out::object(out.bytes, &want, |out| {
            out.moment("start_time", (domain.power != Power::Off).then_some(domain.on_since));
            out.number("uptime", up as i64);
            out.moment("system_time", world.now);
        });
    }
    out.number("uptime_total", up as i64);
    out.list("tcp_usb_devices", &domain.usb, |bytes, usb| {
        let want = Want::default();
        Out::object(bytes, &want, |out| {
            out.text("host", &usb.host);
            out.number("service", usb.service);
            out.id("uuid", usb.uuid);
        });
    });
    out.flag("remote_access", domain.remote_access);
    let port = if domain.remote_access { 5900 + (id.draw() % 1000) as i64 } else { 0 };
    out.number("remote_access_port", port);
    out.number("real_remote_access_port", port);
    out.text("graphics_password", &graphics_password(id));
    out.id("current_state", domain.snapshot);
    out.id("applied_snapshot", domain.applied);
    for (name, usual) in FIXED {
        match domain.given.get(*name) {
            Some(given) => out.value(name, given),
            None => out.raw(name, usual),
        }
    }
}

/// The password of a machine's console.
pub fn graphics_password(id: Id) -> String {
    format!("{:010x}", id.draw() & 0xff_ffff_ffff)
}

fn cpu_topology(domain: &Domain, out: &mut Out) {
    if !out.wants("cpu_topology") {
        return;
    }
    let given = |name: &str, usual: &str| domain.given.get(name).map_or(usual.to_owned(), |value| value.to_string());
    let want = Want::default();
    Out::object(out.bytes, &want, |out| {
        out.raw("cpu_map", "{}");
        out.raw("cpu_mode", &given("cpu_mode", "\"default\""));
        out.raw("cpu_model", &given("cpu_model", "\"default\""));
        out.number("cpu_cores", 1);
        out.number("cpu_count", domain.cpu);
        out.raw("cpu_count_max", &given("cpu_count_max", &domain.cpu.to_string()));
        out.number("cpu_sockets", domain.cpu);
        out.constants(&[("cpu_threads", "1"), ("cpu_shares", "1024")]);
        out.raw("cpu_priority", &given("cpu_priority", "10"));
        out.number("cpu_min_guarantee", 0);
    });
}

/// A full machine with what hangs on it.
pub fn all_content(world: &World, id: Id, bytes: &mut Vec<u8>, want: &Want) {
    Out::object(bytes, want, |out| {
        domain(world, id, out);
        let Some(domain) = world.domains.get(id) else { return };
        let small = Want { fields: ["id", "verbose_name", "size"].map(str::to_owned).to_vec(), ..Want::default() };
        out.list("vdisks", &domain.disks, |bytes, disk| {
            object(world, Kind::Vdisk, *disk, &small, bytes);
        });
        out.list("cdroms", &domain.cdroms, |bytes, (cdrom, iso)| {
            let want = Want::default();
            Out::object(bytes, &want, |out| {
                out.id("id", *cdrom);
                out.reference("iso", iso.and_then(|iso| Some((iso, world.name(Kind::Iso, iso)?))));
            });
        });
        out.list("vmachine_infs", &domain.infs, |bytes, inf| out::id(bytes, Some(*inf)));
    });
}
