//! A type for each kind of thing: handles of one object, and sets of many. What each can do follows from the table.

use rhai::{Array, Dynamic, Engine, EvalAltResult, FuncRegistration, Map, Module, NativeCallContext, Position};

use super::thing::Thing;
use super::things::Things;
use super::{Veil, bulk, calls, methods};
use crate::script::bridge::{Thrown, wait};
use crate::script::rows::Stream;
use crate::services::veil::client::How;
use crate::services::veil::table::{ALL, Call, Entity};

/// One object of the entity at this place of the table, or the entity itself where no object is named.
#[derive(Clone)]
pub struct Handle<const E: usize>(pub Thing);

/// Objects of the entity at this place of the table.
#[derive(Clone)]
pub struct Set<const E: usize>(pub Things);

/// What is done with a type whose place is known when the program runs only.
struct Kind {
    /// The type of its sets in scripts.
    set_name: &'static str,
    register: fn(&mut Engine, &mut Module),
    handle: fn(Thing) -> Dynamic,
    set: fn(Things) -> Dynamic,
    thing: fn(&Dynamic) -> Option<Thing>,
    things: fn(&Dynamic) -> Option<Things>,
}

impl Kind {
    const fn of<const E: usize>(set_name: &'static str) -> Kind {
        Kind {
            set_name,
            register: register_kind::<E>,
            handle: |thing| Dynamic::from(Handle::<E>(thing)),
            set: |things| Dynamic::from(Set::<E>(things)),
            thing: |value| value.read_lock::<Handle<E>>().map(|handle| handle.0.clone()),
            things: |value| value.read_lock::<Set<E>>().map(|set| set.0.clone()),
        }
    }
}

/// In the order of the table.
static KINDS: [Kind; 17] = [
    Kind::of::<0>("VeilDomains"),
    Kind::of::<1>("VeilNodes"),
    Kind::of::<2>("VeilClusters"),
    Kind::of::<3>("VeilControllers"),
    Kind::of::<4>("VeilDataPools"),
    Kind::of::<5>("VeilResourcePools"),
    Kind::of::<6>("VeilVdisks"),
    Kind::of::<7>("VeilTasks"),
    Kind::of::<8>("VeilTags"),
    Kind::of::<9>("VeilSnapshots"),
    Kind::of::<10>("VeilLibraryFiles"),
    Kind::of::<11>("VeilIsos"),
    Kind::of::<12>("VeilEvents"),
    Kind::of::<13>("VeilDatacenters"),
    Kind::of::<14>("VeilVnetworks"),
    Kind::of::<15>("VeilVmachineInfs"),
    Kind::of::<16>("VeilUsers"),
];

fn place(entity: &Entity) -> usize {
    ALL.iter().position(|known| known.word == entity.word).unwrap_or(0)
}

/// The first of the table.
pub fn first() -> &'static Entity {
    ALL[0]
}

/// A thing as a script's value.
pub fn handle(thing: Thing) -> Dynamic {
    (KINDS[place(thing.entity())].handle)(thing)
}

/// Things as a script's value.
pub fn set(things: Things) -> Dynamic {
    (KINDS[place(things.entity())].set)(things)
}

/// What a handle of any kind holds.
pub fn thing(value: &Dynamic) -> Option<Thing> {
    KINDS.iter().find_map(|kind| (kind.thing)(value))
}

/// What a set of any kind holds.
pub fn things(value: &Dynamic) -> Option<Things> {
    KINDS.iter().find_map(|kind| (kind.things)(value))
}

/// The thing of a task.
pub fn task(veil: &Veil, id: Option<String>) -> Thing {
    let entity = ALL.iter().copied().find(|entity| entity.word == "task").unwrap_or_else(first);
    Thing::new(veil, entity, id)
}

/// The type of a set in scripts: `VeilDataPools`.
pub fn set_name(entity: &Entity) -> &'static str {
    KINDS[place(entity)].set_name
}

/// The same as those of whom a comment speaks.
pub fn of_sets(entity: &Entity) -> &'static [&'static str] {
    std::slice::from_ref(&KINDS[place(entity)].set_name)
}

/// `for row in set`: rows are read while they are used.
impl<const E: usize> IntoIterator for Set<E> {
    type Item = Thrown<Dynamic>;
    type IntoIter = Steps;

    fn into_iter(self) -> Steps {
        match self.0.stream(Position::NONE) {
            Ok(stream) => Steps::Reading(stream.into_iter()),
            Err(error) => Steps::Failed(Some(error)),
        }
    }
}

/// The steps of a loop over a set.
pub enum Steps {
    Reading(<Stream as IntoIterator>::IntoIter),
    Failed(Option<Box<EvalAltResult>>),
}

impl Iterator for Steps {
    type Item = Thrown<Dynamic>;

    fn next(&mut self) -> Option<Thrown<Dynamic>> {
        match self {
            Steps::Reading(reading) => reading.next(),
            Steps::Failed(error) => error.take().map(Err),
        }
    }
}

pub fn register(engine: &mut Engine, module: &mut Module) {
    for kind in &KINDS {
        (kind.register)(engine, module);
    }
}

fn register_kind<const E: usize>(engine: &mut Engine, module: &mut Module) {
    let entity = ALL[E];
    engine.register_type_with_name::<Handle<E>>(entity.type_name);
    engine.register_type_with_name::<Set<E>>(set_name(entity));
    engine.register_iterator_result::<Set<E>, Dynamic>();
    register_entrances::<E>(module, entity);
    register_handle::<E>(module, entity);
    register_set::<E>(module, entity);
    for does in entity.calls {
        register_call::<E>(module, entity, does);
        if does.in_bulk() {
            register_bulk::<E>(module, entity, does);
        }
    }
}

/// A function with its parameters and what it gives. What is said of it is told when somebody asks: `docs::comments`.
pub fn described(name: &str, params: &[&str], gives: &str) -> FuncRegistration {
    FuncRegistration::new(name).with_params_info(params.iter().copied().chain([gives]))
}

/// `veil.domain(…)`, `veil.domains(…)`.
fn register_entrances<const E: usize>(module: &mut Module, entity: &'static Entity) {
    const VEIL: &str = "veil: &mut Veil";
    let (word, plural, kind, kinds) = (entity.word, entity.plural, entity.type_name, set_name(entity));
    described(word, &[VEIL], kind)
        .set_into_module(module, move |veil: &mut Veil| Handle::<E>(Thing::new(veil, entity, None)));
    described(word, &[VEIL, "id"], kind).set_into_module(
        module,
        move |call: NativeCallContext<'_>, veil: &mut Veil, id: Dynamic| {
            methods::handle(&call, veil, entity, &id).map(Handle::<E>)
        },
    );
    described(plural, &[VEIL], kinds).set_into_module(module, move |call: NativeCallContext<'_>, veil: &mut Veil| {
        Set::<E>(Things::all(&call, veil, entity))
    });
    described(plural, &[VEIL, "which"], kinds).set_into_module(
        module,
        move |call: NativeCallContext<'_>, veil: &mut Veil, which: Dynamic| {
            Things::given(&call, veil, entity, &which).map(Set::<E>)
        },
    );
}

/// What every handle has.
fn register_handle<const E: usize>(module: &mut Module, entity: &'static Entity) {
    type H<const E: usize> = Handle<E>;
    let me = &*format!("{}: &mut {}", entity.word, entity.type_name);
    described("list", &[me], "VeilAnswer")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut H<E>| methods::list(&call, &me.0, &Map::new()));
    described("list", &[me, "options: Map"], "VeilAnswer")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut H<E>, options: Map| {
            methods::list(&call, &me.0, &options)
        });
    described("info", &[me], entity.type_name).set_into_module(module, |call: NativeCallContext<'_>, me: &mut H<E>| {
        methods::info(&call, &me.0, &Map::new()).map(|()| me.clone())
    });
    described("info", &[me, "options: Map"], entity.type_name).set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut H<E>, options: Map| {
            methods::info(&call, &me.0, &options).map(|()| me.clone())
        },
    );
    for (name, gives) in methods::properties(entity) {
        let params = [me, gives];
        FuncRegistration::new_getter(name)
            .with_params_info(params)
            .set_into_module(module, move |call: NativeCallContext<'_>, me: &mut H<E>| {
                methods::property(&call, &me.0, name)
            });
    }
    FuncRegistration::new_index_getter()
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut H<E>, name: &str| me.0.index(&call, name));
    for name in ["to_string", "to_debug"] {
        FuncRegistration::new(name).set_into_module(module, |me: &mut H<E>| me.0.shown());
    }
    methods::register_own::<E>(module, entity, me);
}

/// What every set has.
fn register_set<const E: usize>(module: &mut Module, entity: &'static Entity) {
    type S<const E: usize> = Set<E>;
    let me = &*format!("{}: &mut {}", entity.plural, set_name(entity));
    described("rows", &[me], "Rows")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut S<E>| me.0.rows(&call));
    described("stream", &[me], "Stream")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut S<E>| me.0.stream(call.call_position()));
    described("count", &[me], "i64")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut S<E>| me.0.count(&call));
    described("ids", &[me], "Array").set_into_module(
        module,
        |call: NativeCallContext<'_>, me: &mut S<E>| -> Thrown<Array> {
            Ok(me.0.ids(&call)?.into_iter().map(Dynamic::from).collect())
        },
    );
    described("first", &[me], "Dynamic")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut S<E>| me.0.first(&call));
    described("handles", &[me], "Array")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut S<E>| me.0.handles(&call));
    described("show", &[me], "()")
        .set_into_module(module, |call: NativeCallContext<'_>, me: &mut S<E>| methods::show(&call, &me.0));
    for name in ["to_string", "to_debug"] {
        FuncRegistration::new(name).set_into_module(module, |me: &mut S<E>| me.0.shown());
    }
    methods::register_own_of_set::<E>(module, entity, me);
}

/// How many arguments may stand before the options.
const MOST_PLACED: usize = 2;

/// A call as a method of handles: with each number of placed arguments that makes sense, with options and without.
fn register_call<const E: usize>(module: &mut Module, entity: &'static Entity, does: &'static Call) {
    let me = &*format!("{}: &mut {}", entity.word, entity.type_name);
    let gives = calls::gives(does);
    let placed: Vec<&str> = does.by_place().take(MOST_PLACED).map(|param| param.name).collect();
    for count in 0..=placed.len() {
        let params: Vec<&str> = [me].into_iter().chain(placed[..count].iter().copied()).collect();
        let with_options: Vec<&str> = params.iter().copied().chain(["options: Map"]).collect();
        let bare = described(does.name, &params, gives);
        let full = described(does.name, &with_options, gives);
        match count {
            0 => {
                if does.needs().next().is_none() {
                    bare.set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Handle<E>| {
                        calls::run(&call, &me.0, does, &[], &Map::new())
                    });
                }
                full.set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Handle<E>, options: Map| {
                    calls::run(&call, &me.0, does, &[], &options)
                });
            }
            1 => {
                bare.set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Handle<E>, a: Dynamic| {
                    calls::run(&call, &me.0, does, &[a], &Map::new())
                });
                full.set_into_module(
                    module,
                    move |call: NativeCallContext<'_>, me: &mut Handle<E>, a: Dynamic, options: Map| {
                        calls::run(&call, &me.0, does, &[a], &options)
                    },
                );
            }
            _ => {
                bare.set_into_module(
                    module,
                    move |call: NativeCallContext<'_>, me: &mut Handle<E>, a: Dynamic, b: Dynamic| {
                        calls::run(&call, &me.0, does, &[a, b], &Map::new())
                    },
                );
                full.set_into_module(
                    module,
                    move |call: NativeCallContext<'_>, me: &mut Handle<E>, a: Dynamic, b: Dynamic, options: Map| {
                        calls::run(&call, &me.0, does, &[a, b], &options)
                    },
                );
            }
        }
    }
}

/// A change as a method of sets.
fn register_bulk<const E: usize>(module: &mut Module, entity: &'static Entity, does: &'static Call) {
    let me = &*format!("{}: &mut {}", entity.plural, set_name(entity));
    let placed: Vec<&str> = does.by_place().take(1).map(|param| param.name).collect();
    for count in 0..=placed.len() {
        let params: Vec<&str> = [me].into_iter().chain(placed[..count].iter().copied()).collect();
        let with_options: Vec<&str> = params.iter().copied().chain(["options: Map"]).collect();
        let bare = described(does.name, &params, "Rows");
        let full = described(does.name, &with_options, "Rows");
        match count {
            0 => {
                if does.needs().next().is_none() {
                    bare.set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Set<E>| {
                        bulk::run(&call, &me.0, does, &[], &Map::new())
                    });
                }
                full.set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Set<E>, options: Map| {
                    bulk::run(&call, &me.0, does, &[], &options)
                });
            }
            _ => {
                bare.set_into_module(module, move |call: NativeCallContext<'_>, me: &mut Set<E>, a: Dynamic| {
                    bulk::run(&call, &me.0, does, &[a], &Map::new())
                });
                full.set_into_module(
                    module,
                    move |call: NativeCallContext<'_>, me: &mut Set<E>, a: Dynamic, options: Map| {
                        bulk::run(&call, &me.0, does, &[a], &options)
                    },
                );
            }
        }
    }
}

/// Reads an object anew.
pub fn refreshed(call: &NativeCallContext<'_>, thing: &Thing, how: &How) -> Thrown<()> {
    let controller = thing.veil().controller(call)?;
    wait(call, thing.fetch(&controller, how))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entity_of_the_table_has_its_types() {
        assert_eq!(KINDS.len(), ALL.len());
        for (at, entity) in ALL.iter().enumerate() {
            assert_eq!(place(entity), at);
            let plural = set_name(entity).trim_start_matches("Veil").to_lowercase();
            assert_eq!(plural, entity.plural.replace('_', ""));
            assert!(entity.calls.iter().all(|does| does.placed <= MOST_PLACED), "{}", entity.word);
        }
    }
}
