//! What handles and sets can do beside the calls of the table.

use rhai::{Dynamic, Map, Module, NativeCallContext};

use super::Veil;
use super::answer::VeilAnswer;
use super::given::{self, General, OF_READING, OF_WAITING};
use super::kinds::{self, Handle, Set, described};
use super::thing::Thing;
use super::things::Things;
use super::{bulk, domain, files, tags, work};
use crate::core::rows::Rows;
use crate::render::table;
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::services::veil::client::Power;
use crate::services::veil::table::words::STATUSES;
use crate::services::veil::table::{ALL, Entity};

/// `veil.domain(id)`: by an id, a name, a row or another handle.
pub fn handle(call: &NativeCallContext<'_>, veil: &Veil, entity: &'static Entity, id: &Dynamic) -> Thrown<Thing> {
    if let Some(thing) = kinds::thing(id).filter(|thing| thing.entity().word == entity.word) {
        veil.own(call, thing.veil(), &thing.shown())?;
        return Ok(thing);
    }
    given::about(call, veil, Some(entity.word), id).map(|about| Thing::new(veil, entity, Some(about)))
}

/// One page of a list, as the controller gives it.
pub fn list(call: &NativeCallContext<'_>, thing: &Thing, options: &Map) -> Thrown<VeilAnswer> {
    let mut filter = options.clone();
    let general: Map = filter.remove_entry("retry").into_iter().collect();
    let general = General::read(&general, OF_READING, "throw").or_else(|error| throw(call, error))?;
    let filter = given::filter(call, thing.veil(), thing.entity(), &filter)?;
    let controller = thing.veil().controller(call)?;
    let answer = wait(call, async {
        let filter = controller.narrowed(thing.entity(), &filter).await?;
        controller.page(thing.entity(), &filter, &general.how).await
    })?;
    VeilAnswer::new(thing.veil(), Some(thing.entity()), answer).or_else(|error| throw(call, error))
}

pub fn info(call: &NativeCallContext<'_>, thing: &Thing, options: &Map) -> Thrown<()> {
    let general = General::read(options, OF_READING, "throw").or_else(|error| throw(call, error))?;
    if thing.about().is_none() {
        return match thing.state().work.is_done() {
            true => Ok(()),
            false => throw(call, thing.no_object("info")),
        };
    }
    kinds::refreshed(call, thing, &general.how)
}

pub fn show(call: &NativeCallContext<'_>, things: &Things) -> Thrown<()> {
    let rows = things.rows(call)?;
    let output = &host(call).output;
    output.line(&table::rows(&rows, usize::MAX, output.width())).or_else(|error| throw(call, error))
}

/// Names of properties that every handle has, and what they give.
const OF_EVERY: &[(&str, &str)] =
    &[("id", "Dynamic"), ("uuid_", "Dynamic"), ("value", "Map"), ("public_attrs", "Array")];

/// The words of [`STATUSES`] as properties.
const OF_STATUS: &[&str] = &["creating", "active", "failed", "deleting", "service", "partial"];

/// What can be asked of tasks.
const OF_TASK: &[(&str, &str)] = &[
    ("status", "String"),
    ("outcome", "String"),
    ("progress", "i64"),
    ("error_message", "String"),
    ("is_success", "bool"),
    ("is_failed", "bool"),
    ("is_finished", "bool"),
    ("entity", "Dynamic"),
    ("first_entity", "Dynamic"),
    ("domains", "Array"),
    ("domain", "VeilDomain"),
];

/// The properties of an entity's handles, and what they give.
pub fn properties(entity: &Entity) -> Vec<(&'static str, &'static str)> {
    let mut all = OF_EVERY.to_vec();
    if entity.has_status {
        all.extend(OF_STATUS.iter().map(|name| (*name, "bool")));
    }
    match entity.word {
        "domain" => all.extend(domain::PROPERTIES.iter().map(|(name, gives, _)| (*name, *gives))),
        "task" => all.extend(OF_TASK),
        _ => {}
    }
    all
}

/// One of [`properties`].
pub fn property(call: &NativeCallContext<'_>, thing: &Thing, name: &'static str) -> Thrown<Dynamic> {
    let of_id = |id: Option<String>| id.map_or(Dynamic::UNIT, Dynamic::from);
    if thing.is_task()
        && let Some(value) = of_task(call, thing, name)?
    {
        return Ok(value);
    }
    if let Some(at) = OF_STATUS.iter().position(|word| *word == name).filter(|_| thing.entity().has_status) {
        let status = thing.field(call, "status")?.unwrap_or(Dynamic::UNIT);
        return Ok((status.to_string() == STATUSES[at]).into());
    }
    Ok(match name {
        "id" => of_id(thing.id(call)?),
        "uuid_" => of_id(thing.id(call)?.filter(|id| uuid::Uuid::try_parse(id).is_ok())),
        "value" => thing.fields(call)?.into(),
        "public_attrs" => {
            let mut names: Vec<String> = thing.fields(call)?.keys().map(ToString::to_string).collect();
            names.retain(|name| !name.starts_with('_'));
            let own = properties(thing.entity()).into_iter().map(|(name, _)| name.to_owned());
            names.extend(own.filter(|name| name != "value" && name != "public_attrs").collect::<Vec<_>>());
            names.sort();
            names.dedup();
            names.into_iter().map(Dynamic::from).collect::<rhai::Array>().into()
        }
        name => domain::property(call, thing, name)?,
    })
}

fn of_task(call: &NativeCallContext<'_>, thing: &Thing, name: &str) -> Thrown<Option<Dynamic>> {
    Ok(Some(match name {
        "status" => work::status(call, thing)?.into(),
        "outcome" => work::outcome(call, thing)?.into(),
        "progress" => work::progress(call, thing)?.into(),
        "error_message" => work::error_message(call, thing)?.into(),
        "is_success" => work::is(call, thing, |outcome| outcome == "success")?.into(),
        "is_failed" => work::is(call, thing, |outcome| outcome == "failed")?.into(),
        "is_finished" => work::is(call, thing, |outcome| outcome != "running")?.into(),
        "entity" => work::made_entity(call, thing)?,
        "first_entity" => work::first_entity(call, thing)?,
        "domains" => work::domains(call, thing)?.into(),
        "domain" => work::domains(call, thing)?.into_iter().next().unwrap_or(Dynamic::UNIT),
        _ => return Ok(None),
    }))
}

/// Methods that only handles of one entity have, and `ensure_tag`.
pub fn register_own<const E: usize>(module: &mut Module, entity: &'static Entity, me: &str) {
    if is_taggable(entity) {
        described("ensure_tag", &[me, "name: &str"], "Row").set_into_module(
            module,
            |call: NativeCallContext<'_>, me: &mut Handle<E>, name: &str| {
                bulk::tag_of_one(&call, &me.0, name, &Map::new())
            },
        );
        described("ensure_tag", &[me, "name: &str", "options: Map"], "Row").set_into_module(
            module,
            |call: NativeCallContext<'_>, me: &mut Handle<E>, name: &str, options: Map| {
                bulk::tag_of_one(&call, &me.0, name, &options)
            },
        );
    }
    match entity.word {
        "domain" => of_domain::<E>(module, entity, me),
        "task" => of_tasks::<E>(module, entity, me),
        "tag" => of_tag::<E>(module, me),
        "iso" | "library" => of_files::<E>(module, entity, me),
        _ => {}
    }
}

/// Whether the controller keeps tags of such objects.
pub fn is_taggable(entity: &Entity) -> bool {
    entity.call("tags").is_some()
}

fn of_domain<const E: usize>(module: &mut Module, entity: &'static Entity, me: &str) {
    for (name, power) in [("ensure_on", Power::On), ("ensure_off", Power::Off)] {
        described(name, &[me], "Row")
            .set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Handle<E>| {
                bulk::power_of_one(&call, &me.0, power, &Map::new())
            });
        described(name, &[me, "options: Map"], "Row").set_into_module(
            module,
            move |call: NativeCallContext<'_>, me: &mut Handle<E>, options: Map| {
                bulk::power_of_one(&call, &me.0, power, &options)
            },
        );
    }
    let gives = entity.type_name;
    described("wait_agent", &[me], gives).set_into_module(module, |call: NativeCallContext<'_>, me: &mut Handle<E>| {
        domain::wait_agent(&call, &me.0, &Map::new()).map(|()| me.clone())
    });
    described("wait_agent", &[me, "options: Map"], gives).set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut Handle<E>, options: Map| {
            domain::wait_agent(&call, &me.0, &options).map(|()| me.clone())
        },
    );
    described("wait_power", &[me, "state: &str"], gives).set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut Handle<E>, state: &str| {
            domain::wait_power(&call, &me.0, state, &Map::new()).map(|()| me.clone())
        },
    );
    described("wait_power", &[me, "state: &str", "options: Map"], gives).set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut Handle<E>, state: &str, options: Map| {
            domain::wait_power(&call, &me.0, state, &options).map(|()| me.clone())
        },
    );
}

fn of_tasks<const E: usize>(module: &mut Module, entity: &'static Entity, me: &str) {
    for name in ["is_success", "is_failed", "is_finished"] {
        described(name, &[me], "bool")
            .set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Handle<E>| {
                property(&call, &me.0, name)
            });
    }
    described("parts", &[me], "Rows")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut Handle<E>| work::parts(&call, &me.0));
    described("wait", &[me], entity.type_name)
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut Handle<E>| {
            wait_for(&call, &me.0, &Map::new()).map(|()| me.clone())
        });
    described("wait", &[me, "options: Map"], entity.type_name).set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut Handle<E>, options: Map| {
            wait_for(&call, &me.0, &options).map(|()| me.clone())
        },
    );
}

fn wait_for(call: &NativeCallContext<'_>, thing: &Thing, options: &Map) -> Thrown<()> {
    let general = General::read(options, OF_WAITING, "throw").or_else(|error| throw(call, error))?;
    work::wait_for(call, thing, &general)
}

/// `veil.wait([…])`: a row for each.
pub fn wait_for_all(call: &NativeCallContext<'_>, veil: &Veil, tasks: &Dynamic, options: &Map) -> Thrown<Rows> {
    let general = General::read(options, OF_WAITING, "return").or_else(|error| throw(call, error))?;
    let list = match (tasks.read_lock::<Rows>(), kinds::things(tasks)) {
        (Some(rows), _) => rows.iter().map(Dynamic::from).collect(),
        (_, Some(things)) => things.handles(call)?,
        _ => tasks.read_lock::<rhai::Array>().map_or_else(|| vec![tasks.clone()], |items| items.clone()),
    };
    work::wait_for_all(call, veil, &list, &general)
}

fn of_tag<const E: usize>(module: &mut Module, me: &str) {
    for (name, on) in [("add", true), ("detach", false)] {
        described(name, &[me, "things"], "Dynamic").set_into_module(
            module,
            move |call: NativeCallContext<'_>, me: &mut Handle<E>, things: Dynamic| {
                tags::put(&call, &me.0, on, &things, &Map::new())
            },
        );
        described(name, &[me, "things", "options: Map"], "Dynamic").set_into_module(
            module,
            move |call: NativeCallContext<'_>, me: &mut Handle<E>, things: Dynamic, options: Map| {
                tags::put(&call, &me.0, on, &things, &options)
            },
        );
    }
}

fn of_files<const E: usize>(module: &mut Module, entity: &'static Entity, me: &str) {
    let gives = entity.type_name;
    described("upload", &[me, "datapool", "path: &str"], gives).set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut Handle<E>, pool: Dynamic, path: &str| {
            files::upload(&call, &me.0, &pool, path, &Map::new())
        },
    );
    described("upload", &[me, "datapool", "path: &str", "options: Map"], gives).set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut Handle<E>, pool: Dynamic, path: &str, options: Map| {
            files::upload(&call, &me.0, &pool, path, &options)
        },
    );
    described("fetch", &[me, "datapool", "url: &str"], gives).set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut Handle<E>, pool: Dynamic, url: &str| {
            files::fetch(&call, &me.0, &pool, url)
        },
    );
    described("download", &[me, "path: &str"], "i64")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut Handle<E>, path: &str| {
            files::download(&call, &me.0, path)
        });
}

/// Methods that only sets of some entities have.
pub fn register_own_of_set<const E: usize>(module: &mut Module, entity: &'static Entity, me: &str) {
    if is_taggable(entity) {
        described("ensure_tag", &[me, "name: &str"], "Rows")
            .set_into_module(module, |call: NativeCallContext<'_>, me: &mut Set<E>, name: &str| {
                bulk::tag(&call, &me.0, name, &Map::new())
            });
        described("ensure_tag", &[me, "name: &str", "options: Map"], "Rows").set_into_module(
            module,
            |call: NativeCallContext<'_>, me: &mut Set<E>, name: &str, options: Map| {
                bulk::tag(&call, &me.0, name, &options)
            },
        );
    }
    if entity.word == "domain" {
        for (name, power) in [("ensure_on", Power::On), ("ensure_off", Power::Off)] {
            described(name, &[me], "Rows")
                .set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Set<E>| {
                    bulk::power(&call, &me.0, power, &Map::new())
                });
            described(name, &[me, "options: Map"], "Rows").set_into_module(
                module,
                move |call: NativeCallContext<'_>, me: &mut Set<E>, options: Map| {
                    bulk::power(&call, &me.0, power, &options)
                },
            );
        }
    }
    if entity.word == "task" {
        described("wait", &[me], "Rows").set_into_module(module, |call: NativeCallContext<'_>, me: &mut Set<E>| {
            wait_for_all(&call, me.0.veil(), &kinds::set(me.0.clone()), &Map::new())
        });
        described("wait", &[me, "options: Map"], "Rows").set_into_module(
            module,
            |call: NativeCallContext<'_>, me: &mut Set<E>, options: Map| {
                wait_for_all(&call, me.0.veil(), &kinds::set(me.0.clone()), &options)
            },
        );
    }
}

/// All entities' words, for hints.
pub fn words() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|entity| [entity.word, entity.plural])
}
