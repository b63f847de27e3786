//! What follows from the fields of a virtual machine, and waiting until it is as it should be.

use std::time::Duration;

use rhai::{Array, Dynamic, Map, NativeCallContext};
use serde_json::Value;

use super::given::General;
use super::thing::Thing;
use crate::error::{Error, did_you_mean};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::services::veil::client::Waiting;
use crate::services::veil::table::words::POWER;

/// A guest agent that has not come by then does not come.
const USUALLY: Duration = Duration::from_secs(420);

/// What can be asked of a machine beside its fields: name and one sentence.
pub const PROPERTIES: &[(&str, &str, &str)] = &[
    ("power_state", "String", "How it is switched: `ON`, `OFF`, `SUSPENDED` or `UNDEFINED`."),
    ("powered", "bool", "Whether it is on."),
    ("guest_agent", "Dynamic", "What the agent inside tells: a map, or `()` without an agent."),
    ("qemu_state", "Dynamic", "Whether the agent inside can be asked; `()` without an agent."),
    ("hostname", "Dynamic", "The name that the system inside has; `()` without an agent."),
    ("first_ipv4", "Dynamic", "The first address of the system inside; `()` where there is none."),
    (
        "apipa_problem",
        "Dynamic",
        "Whether all addresses are 169.254.*: it found no DHCP server; `()` without addresses.",
    ),
    ("os_windows", "bool", "Whether the system inside is Windows."),
    ("cpu_count_prop", "Dynamic", "Its processors, wherever the controller tells them."),
    ("parent_name", "Dynamic", "The name of its template; `()` where it has none."),
    ("parent_uuid", "Dynamic", "The id of its template; `()` where it has none."),
];

/// One of [`PROPERTIES`].
pub fn property(call: &NativeCallContext<'_>, thing: &Thing, name: &str) -> Thrown<Dynamic> {
    let field = |name: &str| Ok::<_, Box<rhai::EvalAltResult>>(thing.field(call, name)?.unwrap_or(Dynamic::UNIT));
    let agent = || Ok::<_, Box<rhai::EvalAltResult>>(map_of(&field("guest_utils")?).filter(|agent| !agent.is_empty()));
    let of_agent = |name: &str| agent().map(|agent| part(agent, name));
    Ok(match name {
        "power_state" => power_word(&field("user_power_state")?).into(),
        "powered" => (power_word(&field("user_power_state")?) == "ON").into(),
        "guest_agent" => agent()?.map_or(Dynamic::UNIT, Dynamic::from),
        "qemu_state" | "hostname" => of_agent(name)?,
        "first_ipv4" => addresses(agent()?).into_iter().next().unwrap_or(Dynamic::UNIT),
        "apipa_problem" => {
            let addresses = addresses(agent()?);
            let is_apipa = |address: &Dynamic| address.to_string().starts_with("169.254.");
            if addresses.is_empty() { Dynamic::UNIT } else { addresses.iter().all(is_apipa).into() }
        }
        "os_windows" => (field("os_type")?.to_string() == "Windows").into(),
        "cpu_count_prop" => {
            let topology = part(map_of(&field("cpu_topology")?), "cpu_count");
            if topology.is_unit() { field("cpu_count")? } else { topology }
        }
        "parent_name" => part(map_of(&field("parent")?), "verbose_name"),
        "parent_uuid" => part(map_of(&field("parent")?), "id"),
        _ => Dynamic::UNIT,
    })
}

fn map_of(value: &Dynamic) -> Option<Map> {
    value.read_lock::<Map>().map(|map| map.clone())
}

fn part(map: Option<Map>, name: &str) -> Dynamic {
    map.and_then(|mut map| map.remove(name)).unwrap_or(Dynamic::UNIT)
}

fn addresses(agent: Option<Map>) -> Array {
    part(agent, "ipv4").try_cast::<Array>().unwrap_or_default()
}

fn power_word(number: &Dynamic) -> &'static str {
    let number = number.as_int().ok().and_then(|number| usize::try_from(number).ok());
    number.and_then(|number| POWER.get(number)).copied().unwrap_or("UNDEFINED")
}

/// Waits until the agent inside can be asked.
pub fn wait_agent(call: &NativeCallContext<'_>, thing: &Thing, options: &Map) -> Thrown<()> {
    let ready = |object: &Value| object.pointer("/guest_utils/qemu_state").is_some_and(is_true);
    until(call, thing, "the guest agent", options, ready)
}

/// Waits until the machine is switched so.
pub fn wait_power(call: &NativeCallContext<'_>, thing: &Thing, state: &str, options: &Map) -> Thrown<()> {
    let Some(number) = POWER.iter().position(|word| *word == state) else {
        let hint =
            did_you_mean(state, POWER.iter().copied()).unwrap_or_else(|| format!("it is one of {}", POWER.join(", ")));
        return throw(call, Error::input("veil.choice", format!("a machine cannot be \"{state}\"")).hint(hint));
    };
    let wanted = format!("power {state}");
    until(call, thing, &wanted, options, |object| object.get("user_power_state") == Some(&Value::from(number)))
}

/// Some controllers write it as a text.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or(false) || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn until(
    call: &NativeCallContext<'_>,
    thing: &Thing,
    wanted: &str,
    options: &Map,
    is_so: impl Fn(&Value) -> bool,
) -> Thrown<()> {
    let general = General::read(options, &["timeout", "interval"], "throw").or_else(|error| throw(call, error))?;
    let waiting = Waiting { interval: general.interval, ..Waiting::new(general.timeout.unwrap_or(USUALLY)) };
    // What it waits for was only told of.
    if host(call).context.is_dry_run() {
        return Ok(());
    }
    let controller = thing.veil().controller(call)?;
    wait(call, async {
        let id = thing.found(&controller).await?.id;
        let text = controller.until(thing.entity(), &id, waiting, wanted, is_so).await?;
        thing.take_in(&text)
    })
}
