//! Machines that are made: copies of a template, clones, from scratch.

use serde_json::{Map, Value};

use super::call::{Answer, Call, Fail, Reply, refused, truth, wrong_field};
use super::ids::Id;
use super::kind::Kind;
use super::out::{Want, quoted};
use super::power::{free, set_power};
use super::seed;
use super::tasks::Job;
use super::text::{Text, text};
use super::things::{Disk, Domain, Inf, Power};
use super::world::World;

/// GiB a thin clone takes.
const THIN: f64 = 1.0;
const MOST: u64 = 1000;

/// What all machines of one call have in common.
#[derive(Clone)]
struct Plan {
    source: Option<Id>,
    node: Id,
    pool: Id,
    datapool: Option<Id>,
    thin: bool,
    template: bool,
    start: bool,
    set_hostname: bool,
    ad: Option<Map<String, Value>>,
    body: Map<String, Value>,
    description: String,
}

/// POST domains/multi-create-domain/
pub fn multi_create(world: &mut World, call: &Call) -> Answer {
    let parent = call.other(world, "parent", Kind::Domain)?;
    if let Some(parent) = parent.and_then(|id| world.domains.get(id)).filter(|parent| !parent.template) {
        return Err(wrong_field(
            "parent",
            format!("The virtual machine {} is not a template.", parent.name),
            format!("Виртуальная машина {} не является шаблоном.", parent.name),
        ));
    }
    made(world, call, parent, parent.is_some() && call.flag("thin").unwrap_or(false), ("create", CREATING))
}

/// POST domains/{id}/clone/
pub fn clone(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    free(world, id)?;
    call.other(world, "snapshot", Kind::Snapshot)?;
    made(world, call, Some(id), false, ("clone", CLONING))
}

/// POST domains/: one machine of one's own.
pub fn create(world: &mut World, call: &Call) -> Answer {
    made(world, call, None, false, ("create", CREATING))
}

const CREATING: (&str, &str) = ("Creating the virtual machine", "Создание виртуальной машины");
const CLONING: (&str, &str) = ("Cloning the virtual machine", "Клонирование виртуальной машины");

fn made(
    world: &mut World,
    call: &Call,
    source: Option<Id>,
    thin: bool,
    (action, (en, ru)): (&'static str, (&str, &str)),
) -> Answer {
    let count = call.whole("count").unwrap_or(1);
    if count == 0 || count > MOST {
        return Err(wrong_field("count", format!("From 1 to {MOST}."), format!("От 1 до {MOST}.")));
    }
    let plan = plan(world, call, source, thin)?;
    room(world, &plan, count)?;
    let ids = new_ids(world, call, count)?;
    let base = call.text("verbose_name").unwrap_or_default().to_owned();
    let several = count > 1;
    let job = |place: usize, id: Id| {
        let name = if several { format!("{base}-{}", place + 1) } else { base.clone() };
        let title = text(en, ru).about(&format!("{name}."));
        let plan = plan.clone();
        let on = [Some((id, Kind::Domain)), source.map(|source| (source, Kind::Domain))];
        let work = Box::new(move |world: &mut World| make(world, id, name, &plan).map(|()| Some((Kind::Domain, id))));
        Job::new(title, action, on.into_iter().flatten().collect(), work)
    };
    let entity = ids.first().copied();
    let jobs = ids.iter().enumerate().map(|(place, id)| job(place, *id));
    let job = match several {
        false => jobs.into_iter().next().ok_or_else(|| refused("Nothing to do.", "Нечего делать."))?,
        true => {
            let jobs = jobs.collect();
            let on = ids.iter().map(|id| (*id, Kind::Domain)).collect();
            Job::multi(text(en, ru).about(&format!("{base} ({count}).")), on, jobs)
        }
    };
    Ok(Reply::Job(job, entity))
}

fn plan(world: &World, call: &Call, source: Option<Id>, thin: bool) -> Result<Plan, Fail> {
    let node = call.other(world, "node", Kind::Node)?;
    let pool = call.other(world, "resource_pool", Kind::Resourcepool)?;
    let datapool = call.other(world, "datapool", Kind::Datapool)?;
    let from = source.and_then(|id| world.domains.get(id));
    let node = node.or_else(|| from.map(|from| from.node)).or_else(|| world.nodes.first());
    let pool = pool.or_else(|| from.map(|from| from.pool)).or_else(|| world.resource_pools.first());
    let (Some(node), Some(pool)) = (node, pool) else {
        return Err(refused("There is no place for it.", "Нет места для размещения."));
    };
    let flag = |name| call.flag(name).unwrap_or(false);
    // The type of the Go client sends a text here.
    let template = flag("template");
    Ok(Plan {
        source,
        node,
        pool,
        datapool,
        thin,
        template,
        start: flag("start_on"),
        set_hostname: flag("set_hostname"),
        ad: call.given("add_to_ad").and_then(Value::as_object).cloned(),
        description: call.text("description").unwrap_or_default().to_owned(),
        body: call.body.clone(),
    })
}

/// Whether the data pool takes this many.
fn room(world: &mut World, plan: &Plan, count: u64) -> Result<(), Fail> {
    let disks: Vec<&Disk> = plan
        .source
        .and_then(|id| world.domains.get(id))
        .map_or(Vec::new(), |source| source.disks.iter().filter_map(|disk| world.disks.get(*disk)).collect());
    let needed: f64 = disks.iter().map(|disk| if plan.thin { THIN } else { disk.size }).sum::<f64>() * count as f64;
    let pool = plan.datapool.or_else(|| disks.first().map(|disk| disk.pool)).or_else(|| world.pools.first());
    let Some(pool) = pool else { return Ok(()) };
    fits(world, pool, needed)
}

/// Whether a data pool has room for this many GiB.
pub fn fits(world: &mut World, pool: Id, needed: f64) -> Result<(), Fail> {
    let is_full = world.strikes("full_pool", |faults| &mut faults.full_pool);
    let Some(of) = world.pools.get(pool) else { return Ok(()) };
    let free = of.size - world.used(pool);
    if !is_full && (needed * 1024.0) as i64 <= free {
        return Ok(());
    }
    Err(refused(
        format!("Not enough free space in the data pool {}.", of.name),
        format!("Недостаточно свободного места (free space) в пуле данных {}.", of.name),
    ))
}

/// The ids the caller chose, or new ones.
fn new_ids(world: &mut World, call: &Call, count: u64) -> Result<Vec<Id>, Fail> {
    let mut ids = call.ids("domains_ids");
    ids.extend(call.id("domain_id"));
    if ids.is_empty() {
        return Ok((0..count).map(|_| world.new_id()).collect());
    }
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if ids.len() as u64 != count || sorted.len() != ids.len() {
        return Err(wrong_field(
            "domains_ids",
            "One different id for each machine.",
            "Нужен свой id для каждой машины.",
        ));
    }
    // Neither one that exists nor one that is on its way.
    if ids.iter().any(|id| world.domains.holds(*id) || world.locks.contains_key(id)) {
        return Err(wrong_field(
            "domains_ids",
            "A virtual machine with this id already exists.",
            "Виртуальная машина с таким id уже существует.",
        ));
    }
    Ok(ids)
}

fn make(world: &mut World, id: Id, name: String, plan: &Plan) -> Result<(), Text> {
    let now = world.now;
    let source = match plan.source {
        Some(source) => Some(world.domains.get(source).cloned().ok_or_else(super::power::gone)?),
        None => None,
    };
    let mut domain = seed::domain(name, plan.node, plan.pool, now);
    if let Some(source) = &source {
        domain.cpu = source.cpu;
        domain.memory = source.memory;
        domain.os_type = source.os_type.clone();
        domain.os_version = source.os_version.clone();
        domain.given = source.given.clone();
    }
    // A clone keeps what its original was a copy of only when it shares its disk.
    domain.parent = plan.source.filter(|_| plan.thin);
    domain.thin = plan.thin;
    domain.template = plan.template;
    domain.description = plan.description.clone();
    domain.remote_access = plan.body.get("remote_access").and_then(truth).unwrap_or(false);
    given(&mut domain, &plan.body);
    if plan.set_hostname {
        domain.hostname = domain.name.clone();
    }
    if let Some(ad) = &plan.ad {
        joined(&mut domain, ad);
    }
    let infs = source.as_ref().map_or(0, |source| source.infs.len());
    let disks = source.map(|source| source.disks).unwrap_or_default();
    for disk in disks {
        copy_disk(world, id, &mut domain, disk, plan);
    }
    devices(world, id, &mut domain, plan, infs);
    world.domains.insert(id, domain);
    world.created(Kind::Domain, id);
    if plan.start && !plan.template {
        set_power(world, id, Power::On);
        world.did(id, "start");
    }
    Ok(())
}

/// What the body says of a machine, in fields that are shown again.
pub fn given(domain: &mut Domain, body: &Map<String, Value>) {
    const SHOWN: &[&str] = &[
        "tablet",
        "start_on_boot",
        "spice_stream",
        "user_xml",
        "gpu_optimize",
        "features",
        "qemu_args",
        "priority",
        "boot_type",
        "machine",
        "cpu_mode",
        "cpu_model",
        "cpu_count_max",
        "cpu_priority",
        "cloud_init",
        "cloud_init_config",
        "memory_min_guarantee",
        "memory_shares",
        "memory_limit",
        "safety",
        "clean_type",
        "clean_count",
    ];
    let word = |name: &str| body.get(name).and_then(Value::as_str).map(|word| word.to_owned().into());
    domain.os_type = word("os_type").unwrap_or_else(|| domain.os_type.clone());
    domain.os_version = word("os_version").unwrap_or_else(|| domain.os_version.clone());
    let number = |name: &str| body.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    domain.cpu = number("cpu_count").filter(|cpu| *cpu > 0).unwrap_or(domain.cpu);
    domain.memory = number("memory_count").filter(|memory| *memory > 0).unwrap_or(domain.memory);
    for name in SHOWN {
        if let Some(value) = body.get(*name).filter(|value| !value.is_null()) {
            domain.given.insert((*name).to_owned(), value.clone());
        }
    }
}

/// A machine becomes a member of a directory.
pub fn joined(domain: &mut Domain, ad: &Map<String, Value>) {
    let word = |name: &str| ad.get(name).and_then(Value::as_str).unwrap_or_default();
    domain.ad = word("domainname").to_owned();
    if !word("newname").is_empty() {
        domain.hostname = word("newname").to_owned();
    }
}

fn copy_disk(world: &mut World, id: Id, domain: &mut Domain, disk: Id, plan: &Plan) {
    let Some(mut copy) = world.disks.get(disk).cloned() else { return };
    let new = world.new_id();
    copy.name = format!("{}-disk-{}", domain.name, domain.disks.len() + 1);
    copy.pool = plan.datapool.unwrap_or(copy.pool);
    copy.size = if plan.thin { THIN } else { copy.size };
    copy.domain = Some(id);
    copy.created = world.now;
    domain.disks.push(new);
    world.disks.insert(new, copy);
}

/// Disks, images and interfaces named in the body; interfaces like the original's when none are.
fn devices(world: &mut World, id: Id, domain: &mut Domain, plan: &Plan, copied_infs: usize) {
    let empty = Vec::new();
    let items = |name: &str| plan.body.get(name).and_then(Value::as_array).unwrap_or(&empty).iter();
    let id_of = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).and_then(Id::parse);
    let word = |item: &Value, name: &str, usual: &str| {
        item.get(name).and_then(Value::as_str).filter(|word| !word.is_empty()).unwrap_or(usual).to_owned()
    };
    for item in items("vdisks") {
        if let Some(disk) = id_of(item, "vdisk")
            && let Some(row) = world.disks.get_mut(disk)
        {
            row.domain = Some(id);
            domain.disks.push(disk);
        }
    }
    for item in items("new_vdisks") {
        let Some(pool) = id_of(item, "datapool").or(plan.datapool).or_else(|| world.pools.first()) else { continue };
        let usual = format!("{}-disk-{}", domain.name, domain.disks.len() + 1);
        let mut disk = seed::disk(word(item, "verbose_name", &usual), pool, Some(id), world.now);
        disk.size = item.get("size").and_then(Value::as_f64).unwrap_or(disk.size);
        disk.target_bus = word(item, "target_bus", "virtio").into();
        disk.driver_cache = word(item, "driver_cache", "default").into();
        let new = world.new_id();
        domain.disks.push(new);
        world.disks.insert(new, disk);
    }
    let isos: Vec<Option<Id>> = items("isos").chain(items("new_isos")).map(|item| id_of(item, "iso")).collect();
    for iso in isos.into_iter().chain(domain.cdroms.is_empty().then_some(None)) {
        let cdrom = world.new_id();
        domain.cdroms.push((cdrom, iso.filter(|iso| world.holds(Kind::Iso, *iso))));
    }
    let named: Vec<(Option<Id>, String, String, String)> = items("vmachine_infs")
        .map(|item| {
            (
                id_of(item, "vnetwork"),
                word(item, "mac_address", ""),
                word(item, "nic_driver", "virtio"),
                word(item, "link_state", "up"),
            )
        })
        .collect();
    for (network, mac, driver, link) in named {
        let new = world.new_id();
        let usual = seed::inf(id, network, new);
        let mac = if mac.is_empty() { usual.mac } else { mac };
        domain.infs.push(new);
        world.infs.insert(new, Inf { domain: id, network, mac, driver, link });
    }
    if domain.infs.is_empty() {
        for _ in 0..copied_infs {
            let (new, network) = (world.new_id(), world.networks.first());
            domain.infs.push(new);
            world.infs.insert(new, seed::inf(id, network, new));
        }
    }
}

/// PUT domains/{id}/
pub fn update(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    free(world, id)?;
    let name = call.text("verbose_name").map(|name| free_name(world, id, name));
    let (body, description) = (call.body.clone(), call.text("description").map(str::to_owned));
    world.change(id, |domain| {
        domain.name = name.unwrap_or_else(|| domain.name.clone());
        domain.description = description.unwrap_or_else(|| domain.description.clone());
        given(domain, &body);
    });
    world.did(id, "update");
    edited(world, call, id, "The virtual machine is changed:", "Виртуальная машина изменена:");
    Reply::object(world, call, Kind::Domain, id)
}

/// A name nobody else has: a number is put behind one that is taken.
fn free_name(world: &World, id: Id, name: &str) -> String {
    let is_taken = |name: &str| world.domains.iter().any(|(other, domain)| other != id && domain.name == name);
    let numbered = (1..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !is_taken(name)).unwrap_or_default()
}

/// PUT domains/{id}/cloud-init/
pub fn cloud_init(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    free(world, id)?;
    let body = call.body.clone();
    world.change(id, |domain| given(domain, &body));
    world.did(id, "cloud-init");
    edited(world, call, id, "Cloud-init is set for", "Задан cloud-init для");
    Reply::object(world, call, Kind::Domain, id)
}

/// Writes the event of a change that needs no task.
pub fn edited(world: &mut World, call: &Call, id: Id, en: &str, ru: &str) {
    let name = world.name(Kind::Domain, id).unwrap_or_default();
    let message = text(en, ru).about(&format!("{name}."));
    world.tell("info", message, Text::default(), vec![(id, Kind::Domain)], None, call.user);
}

/// PUT domains/{id}/template/
pub fn template(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    free(world, id)?;
    let becomes = call.flag("template").unwrap_or(false);
    let domain = super::power::needs_off(world, id)?;
    if becomes && domain.thin {
        return Err(refused(
            format!("The virtual machine {} is a thin clone.", domain.name),
            format!("Виртуальная машина {} является тонким клоном.", domain.name),
        ));
    }
    if !becomes && world.domains.iter().any(|(_, other)| other.thin && other.parent == Some(id)) {
        return Err(refused("The template has thin clones.", "У шаблона есть тонкие клоны."));
    }
    let name = text("Changing the template attribute of", "Изменение признака шаблона").about(&domain.name);
    let work = move |world: &mut World| {
        world.change(id, |domain| domain.template = becomes);
        world.domains.holds(id).then_some(Some((Kind::Domain, id))).ok_or_else(super::power::gone)
    };
    Reply::job(Job::new(name, "template", vec![(id, Kind::Domain)], Box::new(work)))
}

/// POST domains/{id}/change-template/: the template takes the state of its thin clone.
pub fn change_template(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    free(world, id)?;
    let domain = super::power::needs_off(world, id)?;
    let Some(parent) = domain.parent.filter(|_| domain.thin) else {
        return Err(refused("The virtual machine is no thin clone.", "Виртуальная машина не является тонким клоном."));
    };
    let name = text("Changing the template by", "Изменение шаблона по").about(&domain.name);
    let work = move |world: &mut World| {
        let clone = world.domains.get(id).cloned().ok_or_else(super::power::gone)?;
        world.change(parent, |template| {
            template.cpu = clone.cpu;
            template.memory = clone.memory;
            template.given = clone.given;
        });
        Ok(Some((Kind::Domain, id)))
    };
    let on = vec![(id, Kind::Domain), (parent, Kind::Domain)];
    Reply::job(Job::new(name, "change-template", on, Box::new(work)))
}

/// GET domains/{id}/spice/ and vnc/
pub fn console(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    let domain = world.domains.get(id).filter(|domain| domain.power != Power::Off);
    let domain = domain.ok_or_else(|| refused("The virtual machine is off.", "Виртуальная машина выключена."))?;
    let host = world.name(Kind::Node, domain.node).unwrap_or_default();
    let (password, token) = (super::show::graphics_password(id), format!("{:016x}", id.draw()));
    let (name, page) = match call.url.ends_with("spice/") {
        true => ("spice_url", "/spice-html5/spice_auto.html"),
        false => ("vnc_url", "/no-vnc/vnc.html"),
    };
    let url = format!("{page}?host={host}&password={password}&path=websockify?token={token}");
    let mut bytes = format!("{{\"{name}\":").into_bytes();
    quoted(&mut bytes, &url);
    bytes.push(b'}');
    Ok(Reply::Json(bytes))
}

/// GET domains/{id}/all-content/
pub fn all_content(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    let (mut bytes, want) = (Vec::new(), Want { fields: Vec::new(), ..call.want(world, true) });
    super::show::all_content(world, id, &mut bytes, &want);
    Ok(Reply::Json(bytes))
}
