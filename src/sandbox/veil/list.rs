//! Lists: filters, order, pages.

use std::cmp::Ordering;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::call::{Answer, Call, Fail, Reply, not_found, truth_word};
use super::ids::Id;
use super::kind::Kind;
use super::out::Want;
use super::show::object;
use super::world::World;

/// Whether an object passes a filter that has this value.
type Test = fn(&World, Id, &str) -> bool;

/// The filters of lists beside `name` and `ids`; others are not looked at.
const FILTERS: &[(Kind, &str, Test)] = &[
    (Kind::Domain, "resource_pool", |world, id, value| domain(world, id).is_some_and(|d| is(d.pool, value))),
    (Kind::Domain, "cluster", |world, _, value| is(world.cluster, value)),
    (Kind::Domain, "node", |world, id, value| domain(world, id).is_some_and(|d| is(d.node, value))),
    (Kind::Domain, "datapool", |world, id, value| {
        let pools = domain(world, id).into_iter().flat_map(|d| &d.disks).filter_map(|disk| world.disks.get(*disk));
        pools.into_iter().any(|disk| is(disk.pool, value))
    }),
    (Kind::Domain, "template", |world, id, value| domain(world, id).is_some_and(|d| flag(d.template, value))),
    (Kind::Domain, "thin", |world, id, value| domain(world, id).is_some_and(|d| flag(d.thin, value))),
    (Kind::Domain, "with_vdisks", |world, id, value| {
        domain(world, id).is_some_and(|d| flag(!d.disks.is_empty(), value))
    }),
    (Kind::Domain, "parent", |world, id, value| {
        domain(world, id).and_then(|d| d.parent).is_some_and(|parent| is(parent, value))
    }),
    (Kind::Domain, "power_state", |world, id, value| {
        let power = domain(world, id).map(|d| d.power);
        power.is_some_and(|power| power.word().eq_ignore_ascii_case(value) || value == (power as i64).to_string())
    }),
    (Kind::Domain, "status", |_, _, value| value == "ACTIVE"),
    (Kind::Datapool, "node", |world, id, value| {
        world.pools.get(id).is_some_and(|pool| pool.nodes.iter().any(|node| is(*node, value)))
    }),
    (Kind::Datapool, "cluster", |world, _, value| is(world.cluster, value)),
    (Kind::Datapool, "resource_pool", |world, _, value| world.resource_pools.ids().any(|pool| is(pool, value))),
    (Kind::Node, "cluster", |world, _, value| is(world.cluster, value)),
    (Kind::Node, "resource_pool", |world, _, value| world.resource_pools.ids().any(|pool| is(pool, value))),
    (Kind::Resourcepool, "node", |world, _, value| world.nodes.ids().any(|node| is(node, value))),
    (Kind::Resourcepool, "cluster", |world, _, value| is(world.cluster, value)),
    (Kind::Vdisk, "domain", |world, id, value| {
        world.disks.get(id).and_then(|disk| disk.domain).is_some_and(|domain| is(domain, value))
    }),
    (Kind::Vdisk, "datapool", |world, id, value| world.disks.get(id).is_some_and(|disk| is(disk.pool, value))),
    (Kind::Tag, "entity_uuid", |world, id, value| {
        let tags = Id::parse(value).and_then(|entity| world.tagged.get(&entity));
        tags.is_some_and(|(_, tags)| tags.contains(&id))
    }),
    (Kind::Tag, "entity_class", |world, id, value| {
        world.tagged.values().any(|(kind, tags)| kind.class() == value && tags.contains(&id))
    }),
    (Kind::Library, "domain", |world, id, value| file_is(world, id, |file| file.domain.is_some_and(|d| is(d, value)))),
    (Kind::Library, "datapool", |world, id, value| file_is(world, id, |file| is(file.pool, value))),
    (Kind::Library, "status", |world, id, value| file_is(world, id, |file| file.status == value)),
    (Kind::Library, "filename", |world, id, value| file_is(world, id, |file| file.filename == value)),
    (Kind::Iso, "datapool", |world, id, value| file_is(world, id, |file| is(file.pool, value))),
    (Kind::Iso, "status", |world, id, value| file_is(world, id, |file| file.status == value)),
    (Kind::Iso, "filename", |world, id, value| file_is(world, id, |file| file.filename == value)),
    (Kind::Event, "user", |world, id, value| {
        let user = world.events.get(id).and_then(|event| world.people.get(event.user));
        user.is_some_and(|user| user.name == value)
    }),
    (Kind::Event, "type", |world, id, value| world.events.get(id).is_some_and(|event| event.level == value)),
    (Kind::Task, "parent", |world, id, value| {
        world.tasks.get(id).and_then(|task| task.parent).is_some_and(|parent| is(parent, value))
    }),
    (Kind::Task, "status", |world, id, value| world.tasks.get(id).is_some_and(|task| task.status.word() == value)),
    (Kind::Vnetwork, "status", |_, _, value| value == "ACTIVE"),
    (Kind::Vnetwork, "node", |world, _, value| world.nodes.ids().any(|node| is(node, value))),
    (Kind::Vnetwork, "verbose_name", |world, id, value| world.name(Kind::Vnetwork, id) == Some(value)),
    (Kind::Inf, "domain", |world, id, value| world.infs.get(id).is_some_and(|inf| is(inf.domain, value))),
    (Kind::Snapshot, "domain", |world, id, value| world.snapshots.get(id).is_some_and(|s| is(s.domain, value))),
];

/// The names of the filters of a kind.
pub fn filters(kind: Kind) -> impl Iterator<Item = &'static str> {
    let own = FILTERS.iter().filter(move |(of, ..)| *of == kind).map(|(_, name, _)| *name);
    ["name", "ids"].into_iter().chain(own)
}

fn domain(world: &World, id: Id) -> Option<&super::things::Domain> {
    world.domains.get(id)
}

fn file_is(world: &World, id: Id, test: impl FnOnce(&super::things::File) -> bool) -> bool {
    world.files.get(id).is_some_and(test)
}

fn is(id: Id, value: &str) -> bool {
    Id::parse(value) == Some(id)
}

fn flag(has: bool, value: &str) -> bool {
    truth_word(value).is_none_or(|wanted| wanted == has)
}

impl World {
    /// All objects of a kind, in the order of lists.
    pub fn all(&self, kind: Kind) -> Vec<Id> {
        match kind {
            Kind::Controller => vec![self.controller],
            Kind::Datacenter => vec![self.datacenter],
            Kind::Cluster => vec![self.cluster],
            Kind::Node => self.nodes.ids().collect(),
            Kind::Datapool => self.pools.ids().collect(),
            Kind::Resourcepool => self.resource_pools.ids().collect(),
            Kind::Domain => self.domains.ids().collect(),
            Kind::Vdisk => self.disks.ids().collect(),
            Kind::Library => self.files.iter().filter(|(_, file)| !file.is_iso).map(|(id, _)| id).collect(),
            Kind::Iso => self.files.iter().filter(|(_, file)| file.is_iso).map(|(id, _)| id).collect(),
            Kind::Vnetwork => self.networks.ids().collect(),
            Kind::Inf => self.infs.ids().collect(),
            Kind::Snapshot => self.snapshots.ids().collect(),
            Kind::Tag => self.tags.ids().collect(),
            // The newest first.
            Kind::Event => self.events.ids().rev().collect(),
            Kind::Task => self.tasks.iter().rev().filter(|(_, task)| !task.is_hidden).map(|(id, _)| id).collect(),
            Kind::User => self.people.iter().map(|person| Id(person.number as u128)).collect(),
        }
    }

    pub fn holds(&self, kind: Kind, id: Id) -> bool {
        match kind {
            Kind::Controller => self.controller == id,
            Kind::Datacenter => self.datacenter == id,
            Kind::Cluster => self.cluster == id,
            Kind::Node => self.nodes.holds(id),
            Kind::Datapool => self.pools.holds(id),
            Kind::Resourcepool => self.resource_pools.holds(id),
            Kind::Domain => self.domains.holds(id),
            Kind::Vdisk => self.disks.holds(id),
            Kind::Library => self.files.get(id).is_some_and(|file| !file.is_iso),
            Kind::Iso => self.files.get(id).is_some_and(|file| file.is_iso),
            Kind::Vnetwork => self.networks.holds(id),
            Kind::Inf => self.infs.holds(id),
            Kind::Snapshot => self.snapshots.holds(id),
            Kind::Tag => self.tags.holds(id),
            Kind::Event => self.events.holds(id),
            Kind::Task => self.tasks.get(id).is_some_and(|task| !task.is_hidden),
            Kind::User => self.people.iter().any(|person| person.number as u128 == id.0),
        }
    }

    /// What an object is called.
    pub fn name(&self, kind: Kind, id: Id) -> Option<&str> {
        match kind {
            Kind::Controller => Some("Controller"),
            Kind::Datacenter => Some(super::show_hardware::DATACENTER_NAME),
            Kind::Cluster => Some(super::show_hardware::CLUSTER_NAME),
            Kind::Node => self.nodes.get(id).map(|node| node.name.as_str()),
            Kind::Datapool => self.pools.get(id).map(|pool| pool.name.as_str()),
            Kind::Resourcepool => self.resource_pools.get(id).map(String::as_str),
            Kind::Domain => self.domains.get(id).map(|domain| domain.name.as_str()),
            Kind::Vdisk => self.disks.get(id).map(|disk| disk.name.as_str()),
            Kind::Library | Kind::Iso => self.files.get(id).map(|file| file.filename.as_str()),
            Kind::Vnetwork => self.networks.get(id).map(|network| network.name.as_str()),
            Kind::Inf => self.infs.get(id).map(|inf| inf.mac.as_str()),
            Kind::Snapshot => self.snapshots.get(id).map(|snapshot| snapshot.name.as_str()),
            Kind::Tag => self.tags.get(id).map(|tag| tag.name.as_str()),
            Kind::Event => self.events.get(id).map(|event| event.message.of(Default::default())),
            Kind::Task => self.tasks.get(id).map(|task| task.name.of(Default::default())),
            Kind::User => {
                self.people.iter().find(|person| person.number as u128 == id.0).map(|person| person.name.as_str())
            }
        }
    }

    /// The object of this kind that has an id written so.
    pub fn find(&self, kind: Kind, text: &str) -> Result<Id, Fail> {
        let id = match kind {
            Kind::User => text.parse().ok().map(Id),
            _ => Id::parse(text),
        };
        id.filter(|id| self.holds(kind, *id)).ok_or_else(|| not_found(kind))
    }
}

/// The answer to a list.
pub fn list(world: &mut World, call: &Call, kind: Kind) -> Answer {
    let offset = number(call, "offset").unwrap_or(0);
    if offset > 0 && kind == Kind::Domain && world.strikes("shrink", |faults| &mut faults.shrink) {
        let first = world.domains.iter().find(|(_, domain)| !domain.template).map(|(id, _)| id);
        first.into_iter().for_each(|id| world.remove_domain(id, true));
    }
    let mut found = filtered(world, call, kind);
    order(world, call, kind, &mut found);
    let most = match world.knobs.max_limit {
        0 => usize::MAX,
        most => most as usize,
    };
    const USUAL: usize = 100;
    let limit = number(call, "limit").filter(|limit| *limit > 0).unwrap_or(USUAL).min(most);
    let wants_all = call.param("all_content").and_then(truth_word) == Some(true);
    let mut want = call.want(world, wants_all);
    if let Some(fields) = call.param("fields").filter(|_| !wants_all) {
        want.fields = fields.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    }
    let page = found.iter().skip(offset).take(limit);
    let mut bytes = Vec::with_capacity(page.len() * 700 + 300);
    bytes.extend(format!("{{\"count\":{},\"next\":", found.len()).bytes());
    let next = offset.saturating_add(limit);
    bytes.extend(link(call, limit, (next < found.len()).then_some(next)).bytes());
    bytes.extend(b",\"previous\":");
    bytes.extend(link(call, limit, (offset > 0).then(|| offset.saturating_sub(limit))).bytes());
    bytes.extend(b",\"results\":");
    super::out::list(&mut bytes, page, |bytes, id| {
        object(world, kind, *id, &want, bytes);
    });
    bytes.push(b'}');
    Ok(Reply::Json(bytes))
}

fn number(call: &Call, name: &str) -> Option<usize> {
    call.param(name)?.parse().ok()
}

fn filtered(world: &World, call: &Call, kind: Kind) -> Vec<Id> {
    let mut found = world.all(kind);
    if let Some(ids) = call.param("ids").filter(|ids| !ids.is_empty()) {
        let ids: std::collections::HashSet<Id> = ids.split(',').filter_map(Id::parse).collect();
        found.retain(|id| ids.contains(id));
    }
    for (_, name, test) in FILTERS.iter().filter(|(of, ..)| *of == kind) {
        if let Some(value) = call.param(name).filter(|value| !value.is_empty()) {
            found.retain(|id| test(world, *id, value));
        }
    }
    if let Some(part) = call.param("name").filter(|part| !part.is_empty()) {
        let part = part.to_lowercase();
        found.retain(|id| world.name(kind, *id).is_some_and(|name| name.to_lowercase().contains(&part)));
    }
    found
}

/// Puts objects into the order of a field; one that nothing has changes nothing.
fn order(world: &World, call: &Call, kind: Kind, found: &mut Vec<Id>) {
    let Some(ordering) = call.param("ordering").filter(|ordering| !ordering.is_empty()) else { return };
    // The later names decide where the earlier ones leave equals.
    for name in ordering.rsplit(',') {
        let (name, falls) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        let want = Want { full: true, fields: vec![name.to_owned()], lang: call.lang, ..Want::default() };
        let mut bytes = Vec::new();
        let mut keyed: Vec<(Value, Id)> = Vec::with_capacity(found.len());
        for id in found.iter() {
            bytes.clear();
            object(world, kind, *id, &want, &mut bytes);
            let value = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
            keyed.push((value.get(name).map(key).unwrap_or_default(), *id));
        }
        keyed.sort_by(|(a, _), (b, _)| if falls { compare(b, a) } else { compare(a, b) });
        *found = keyed.into_iter().map(|(_, id)| id).collect();
    }
}

/// What of a field decides: of an object its name.
fn key(value: &Value) -> Value {
    value.get("verbose_name").unwrap_or(value).clone()
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => a.to_string().cmp(&b.to_string()),
    }
}

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The address of another page of the same list, as JSON.
fn link(call: &Call, limit: usize, offset: Option<usize>) -> String {
    let Some(offset) = offset else { return "null".to_owned() };
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let kept = call.query.iter().filter(|(name, _)| name != "limit" && name != "offset");
    let kept: Vec<String> = kept.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let mut query = vec![format!("limit={limit}")];
    if offset > 0 {
        query.push(format!("offset={offset}"));
    }
    query.extend(kept);
    Value::from(format!("{}?{}", call.url, query.join("&"))).to_string()
}
