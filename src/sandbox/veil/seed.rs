//! What is there in the beginning; the same seed makes the same ids.

use std::borrow::Cow;

use serde_json::Map;

use super::ids::Id;
use super::kind::Kind;
use super::things::{Disk, Domain, File, Inf, Network, Node, Person, Pool, Power, Tag};
use super::world::World;
use crate::sandbox::mix::mix;

/// Series of ids; 1 to 3 are the controller, its datacenter and its cluster.
const NODES: u64 = 4;
const POOLS: u64 = 5;
const RESOURCE_POOLS: u64 = 6;
const NETWORKS: u64 = 7;
const TAGS: u64 = 8;
const FILES: u64 = 9;
const TEMPLATES: u64 = 10;
const DOMAINS: u64 = 11;
const FREE_DISKS: u64 = 12;
/// Series of a machine's parts, each seeded with the machine's own id.
const DISK: u64 = 13;
const INF: u64 = 14;
const CDROM: u64 = 15;

const GIB: i64 = 1024;

/// Number of the user whose token scripts use, and of the one who may only read, in the list of people.
pub const ROBOT: usize = 1;
pub const READER: usize = 2;

const OSES: [(&str, &str, &str); 4] = [
    ("astra", "Linux", "Astra Linux 1.7"),
    ("windows", "Windows", "Windows 10"),
    ("alt", "Linux", "Alt Linux 10"),
    ("windows-server", "Windows", "Windows Server 2019"),
];

/// Fills an empty controller.
pub fn fill(world: &mut World) {
    people(world);
    hardware(world);
    let tags = tags(world);
    files(world);
    let (templates, count) = (world.knobs.templates, world.knobs.domains);
    for number in 0..templates {
        machine(world, TEMPLATES, number);
    }
    for number in 0..count {
        let id = machine(world, DOMAINS, number);
        // Every third one is tagged, in turn.
        if number.is_multiple_of(3)
            && let Some(tag) = tags.get((number / 3) as usize % tags.len().max(1))
        {
            world.tagged.entry(id).or_insert((Kind::Domain, Vec::new())).1.push(*tag);
        }
    }
    for number in 0..world.knobs.free_disks {
        let (Some(pool), id) = (world.pools.first(), Id::seeded(world.knobs.seed, FREE_DISKS, number)) else { return };
        let disk = disk(format!("disk-free-{}", number + 1), pool, None, world.now);
        world.disks.insert(id, disk);
    }
    let used = world.pools.ids().map(|pool| world.used(pool)).max().unwrap_or(0);
    let size = match world.knobs.pool_gb {
        0 => (used * 2).max(2048 * GIB),
        size => i64::try_from(size).unwrap_or(i64::MAX / GIB).saturating_mul(GIB),
    };
    let pools: Vec<Id> = world.pools.ids().collect();
    for pool in pools {
        world.pools.get_mut(pool).into_iter().for_each(|pool| pool.size = size);
    }
}

fn people(world: &mut World) {
    let person = |number, name: &str, read_only| Person { number, name: name.to_owned(), read_only, failed: 0 };
    world.people = vec![person(1, &world.knobs.user, false), person(5, "robot", false), person(6, "auditor", true)];
}

fn hardware(world: &mut World) {
    let seed = world.knobs.seed;
    let nodes: Vec<Id> = (0..world.knobs.nodes.max(1)).map(|number| Id::seeded(seed, NODES, number)).collect();
    for (number, id) in nodes.iter().enumerate() {
        let name = format!("192.168.{}.{}", 10 + number / 200, 11 + number % 200);
        world.nodes.insert(*id, Node { name, cpu: 24, memory: 32_021, ballooning: true });
    }
    let local =
        Pool {
            name: "Базовый локальный пул данных".to_owned(), kind: "local", size: 0, nodes: nodes[..1].to_vec()
        };
    let shared = Pool { name: "nfs-shared".to_owned(), kind: "nfs", size: 0, nodes };
    world.pools.insert(Id::seeded(seed, POOLS, 0), local);
    world.pools.insert(Id::seeded(seed, POOLS, 1), shared);
    for (number, name) in ["Veil default cluster resource pool", "class-rooms"].into_iter().enumerate() {
        world.resource_pools.insert(Id::seeded(seed, RESOURCE_POOLS, number as u64), name.to_owned());
    }
    for number in 0..world.knobs.networks {
        let name = if number == 0 { "management".to_owned() } else { format!("vlan-{}", 100 + number) };
        let vlan = if number == 0 { 0 } else { 100 + number as u32 };
        world.networks.insert(Id::seeded(seed, NETWORKS, number), Network { name, vlan });
    }
}

fn tags(world: &mut World) -> Vec<Id> {
    let colours = [("office", "#a377e6"), ("class-room", "#3aa655"), ("critical", "#d64545")];
    let tags = colours.iter().enumerate().map(|(number, (name, colour))| {
        let tag = Tag { name: (*name).to_owned(), colour: (*colour).to_owned() };
        let id = Id::seeded(world.knobs.seed, TAGS, number as u64);
        world.tags.insert(id, tag);
        id
    });
    tags.collect()
}

fn files(world: &mut World) {
    let Some(pool) = world.pools.first() else { return };
    let names = ["veil-guest-utils.iso", "astra-1.7.iso", "windows-10.iso"];
    for number in 0..world.knobs.isos {
        let name =
            names.get(number as usize).map_or_else(|| format!("image-{}.iso", number + 1), |name| (*name).to_owned());
        let file = file(true, name, pool, (number + 1) << 19, world.now);
        world.files.insert(Id::seeded(world.knobs.seed, FILES, number), file);
    }
    let image = file(false, "astra-1.7.qcow2".to_owned(), pool, 3 << 20, world.now);
    world.files.insert(Id::seeded(world.knobs.seed, FILES, 1 << 32), image);
}

pub fn file(is_iso: bool, filename: String, pool: Id, size: u64, now: f64) -> File {
    File {
        is_iso,
        filename,
        status: "ACTIVE",
        size,
        pool,
        domain: None,
        created: now,
        assignment: if is_iso { "iso" } else { "qcow" },
        incremental: false,
        url: String::new(),
        can_upload: false,
        can_download: false,
        content: None,
    }
}

pub fn disk(name: String, pool: Id, domain: Option<Id>, now: f64) -> Disk {
    Disk {
        name,
        description: String::new(),
        size: 20.0,
        pool,
        domain,
        created: now,
        modified: now,
        target_bus: Cow::Borrowed("virtio"),
        driver_cache: Cow::Borrowed("default"),
    }
}

/// A machine as it comes, without parts.
pub fn domain(name: String, node: Id, pool: Id, now: f64) -> Domain {
    Domain {
        name,
        description: String::new(),
        node,
        pool,
        parent: None,
        template: false,
        thin: false,
        power: Power::Off,
        on_since: now,
        created: now,
        modified: now,
        cpu: 2,
        memory: 4096,
        os_type: Cow::Borrowed("Linux"),
        os_version: Cow::Borrowed("Linux"),
        remote_access: true,
        hostname: String::new(),
        ad: String::new(),
        usb: Vec::new(),
        cdroms: Vec::new(),
        disks: Vec::new(),
        infs: Vec::new(),
        snapshot: None,
        applied: None,
        given: Map::new(),
    }
}

/// One seeded machine with its disk, its interface and its drive.
fn machine(world: &mut World, series: u64, number: u64) -> Id {
    let seed = world.knobs.seed;
    let is_template = series == TEMPLATES;
    let (word, os, version) = OSES[(number % if is_template { 4 } else { 3 }) as usize];
    let name = match (is_template, number / 4) {
        (true, 0) => format!("template-{word}"),
        (true, round) => format!("template-{word}-{}", round + 1),
        (false, _) => format!("vm-{:04}", number + 1),
    };
    let nodes = world.knobs.nodes.max(1);
    let node = Id::seeded(seed, NODES, number % nodes);
    let resource_pool = Id::seeded(seed, RESOURCE_POOLS, u64::from(!is_template && number % 5 == 4));
    let pool = Id::seeded(seed, POOLS, number % 2);
    let id = Id::seeded(seed, series, number);
    // As if they had been made one each minute before now, and had run since.
    let made = world.now - 60.0 * (number + 60) as f64;
    let mut machine = domain(name.clone(), node, resource_pool, made);
    machine.template = is_template;
    machine.os_type = Cow::Borrowed(os);
    machine.os_version = Cow::Borrowed(version);
    machine.cpu = [2, 4, 1, 8][(mix(id.draw()) % 4) as usize];
    machine.memory = [2048, 4096, 8192, 1024][(mix(id.draw() ^ 1) % 4) as usize];
    if !is_template && number.is_multiple_of(2) {
        machine.power = Power::On;
    }
    let (disk_id, inf_id) = (Id::seeded(id.draw(), DISK, 0), Id::seeded(id.draw(), INF, 0));
    machine.disks.push(disk_id);
    machine.infs.push(inf_id);
    machine.cdroms.push((Id::seeded(id.draw(), CDROM, 0), None));
    world.domains.insert(id, machine);
    world.disks.insert(disk_id, disk(format!("{name}-disk-1"), pool, Some(id), made));
    let network = (world.networks.len() > 0).then(|| Id::seeded(seed, NETWORKS, number % world.networks.len() as u64));
    world.infs.insert(inf_id, inf(id, network, inf_id));
    id
}

pub fn inf(domain: Id, network: Option<Id>, id: Id) -> Inf {
    let [.., a, b, c] = id.draw().to_be_bytes();
    Inf {
        domain,
        network,
        mac: format!("52:54:00:{a:02x}:{b:02x}:{c:02x}"),
        driver: "virtio".to_owned(),
        link: "up".to_owned(),
    }
}
