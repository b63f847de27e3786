//! Calls about the controller, its clusters and its nodes: versions, clocks, load, devices.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::ids::Id;
use super::kind::Kind;
use super::text::moment;
use super::things::Power;
use super::world::World;
use crate::sandbox::mix::mix;

/// GET controllers/base-version/
pub fn base_version(world: &mut World, _: &Call) -> Answer {
    Reply::value(&json!({"version": world.knobs.version}))
}

/// GET controllers/check/
pub fn check(_: &mut World, _: &Call) -> Answer {
    Reply::value(&json!({}))
}

/// GET controllers/system-time/
pub fn system_time(world: &mut World, _: &Call) -> Answer {
    let now = moment(world.now);
    Reply::value(&json!({"time_zone": "UTC", "local_time": now, "utc_time": now}))
}

/// How busy a node is, or all of them: processors by chance, memory by the machines that are on.
pub fn load(world: &World, node: Option<Id>) -> (f64, f64) {
    let of = |id: Id| node.is_none_or(|node| node == id);
    let nodes = world.nodes.iter().filter(|(id, _)| of(*id));
    let (cpu, memory) = nodes.fold((0, 0), |(cpu, memory), (_, node)| (cpu + node.cpu, memory + node.memory));
    let on = world.domains.iter().filter(|(_, domain)| domain.power == Power::On && of(domain.node));
    let (used_cpu, used_memory) = on.fold((0.0, 0), |(cpu, memory), (id, domain)| {
        let busy = (mix(id.draw() ^ (world.now / 10.0) as u64) % 60) as f64 / 100.0;
        (cpu + busy * f64::from(domain.cpu), memory + u64::from(domain.memory))
    });
    let percent = |used: f64, of: f64| (used / of.max(1.0) * 1000.0).round().min(1000.0) / 10.0;
    (percent(used_cpu, f64::from(cpu)), percent(used_memory as f64, f64::from(memory)))
}

/// GET clusters/{id}/usage/ and nodes/{id}/usage/
pub fn usage(world: &mut World, call: &Call) -> Answer {
    let node = match call.url.contains("/nodes/") {
        true => Some(call.target(world, Kind::Node)?),
        false => {
            call.target(world, Kind::Cluster)?;
            None
        }
    };
    let (cpu, memory) = load(world, node);
    Reply::value(&json!({"cpu_used_percent": cpu, "mem_used_percent": memory}))
}

/// GET nodes/{id}/usb-devices/
pub fn usb_devices(world: &mut World, call: &Call) -> Answer {
    call.target(world, Kind::Node)?;
    Reply::value(&json!({"usb_devices": [
        {"vendor_id": "0x0951", "product_id": "0x1666", "vendor": "Kingston", "product": "DataTraveler", "bus": 1, "device": 3},
    ]}))
}

/// GET nodes/{id}/hw-info/
pub fn hw_info(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Node)?;
    let memory = world.nodes.get(id).map_or(0, |node| node.memory);
    let part = |class: &str, product: &str, description: String| json!({"class": class, "product": product, "description": description, "children": Value::Array(Vec::new())});
    let board = json!({"class": "bus", "product": "X11DPi", "description": "Motherboard", "children": [
        part("processor", "Xeon", "CPU".to_owned()),
        part("memory", "DIMM", format!("{memory} MiB")),
        part("network", "I350", "Ethernet interface".to_owned()),
    ]});
    Reply::value(&json!({"children": [{"product": "Server", "children": [board]}]}))
}
