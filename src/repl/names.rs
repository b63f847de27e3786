//! What can be named at the prompt: functions, modules, objects, variables. Put together once for each change, so that
//! completion, hints, help and colours only look things up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rhai::Dynamic;

use crate::config::Config;
use crate::repl::calls::Call;
use crate::repl::types::Typed;
use crate::script::catalogue::Function;
use crate::script::session::Session;
use crate::services;
use crate::settings::{COMMON, Type};

/// Rust's further number types, which no script value has.
const FOREIGN: &[&str] = &["i8", "i16", "i32", "i128", "u8", "u16", "u32", "u64", "u128", "f32", "usize"];

#[derive(Debug, Default)]
pub struct Names {
    functions: Vec<Function>,
    /// Places in `functions`.
    by_name: HashMap<String, Vec<usize>>,
    modules: BTreeSet<String>,
    /// Objects that are visible everywhere.
    globals: BTreeMap<String, Typed>,
    variables: BTreeMap<String, Typed>,
    services: Vec<Service>,
}

/// What can be written in `connect(…)` of a service's object.
#[derive(Clone, Debug, Default)]
pub struct Service {
    pub name: String,
    pub connections: Vec<String>,
    /// With the words that a setting can be, when it is one of some words.
    pub settings: Vec<(String, Vec<String>)>,
}

impl Service {
    fn of(service: &dyn services::Service, config: &Config) -> Service {
        let settings = service.settings().iter().chain(COMMON).map(|setting| {
            let choices = match setting.holds {
                Type::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
                _ => Vec::new(),
            };
            (setting.name.to_owned(), choices)
        });
        Service {
            name: service.name().to_owned(),
            connections: config.connections(service.name()).map(str::to_owned).collect(),
            settings: settings.collect(),
        }
    }
}

impl Names {
    /// All that the session has, and the functions typed so far.
    pub fn of(session: &Session, typed: &[Function]) -> Names {
        // Functions typed here are in the engine too, in all their versions.
        let native = session.functions().into_iter().filter(|f| !(f.scripted && f.namespace.is_empty()));
        let value = |name: &str| session.engine().eval_expression::<Dynamic>(name).ok();
        let globals = session.globals().into_iter().filter_map(|name| {
            let typed = Typed::of(&value(&name)?, session.engine());
            Some((name, typed))
        });
        let config = session.host().connections.config();
        let services = services::ALL.iter().map(|service| Service::of(*service, config)).collect();
        Names::new(native.chain(typed.iter().cloned()), globals.collect(), services)
    }

    pub fn new(
        functions: impl Iterator<Item = Function>,
        globals: BTreeMap<String, Typed>,
        services: Vec<Service>,
    ) -> Names {
        let functions: Vec<Function> = functions.filter(is_reachable).collect();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, function) in functions.iter().enumerate() {
            by_name.entry(function.name.clone()).or_default().push(at);
        }
        let modules = functions.iter().map(|f| f.namespace.clone()).filter(|space| !space.is_empty()).collect();
        Names { functions, by_name, modules, globals, variables: BTreeMap::new(), services }
    }

    pub fn set_variables(&mut self, variables: BTreeMap<String, Typed>) {
        self.variables = variables;
    }

    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(String::as_str)
    }

    pub fn globals(&self) -> &BTreeMap<String, Typed> {
        &self.globals
    }

    pub fn variables(&self) -> &BTreeMap<String, Typed> {
        &self.variables
    }

    /// The type behind the name of a variable or an object.
    pub fn value(&self, name: &str) -> Option<&Typed> {
        self.variables.get(name).or_else(|| self.globals.get(name))
    }

    /// Every function of that name, whatever it belongs to.
    pub fn every<'n>(&'n self, name: &str) -> impl Iterator<Item = &'n Function> + use<'n> {
        self.by_name.get(name).into_iter().flatten().map(|&at| &self.functions[at])
    }

    /// The functions of that name that belong to no module.
    pub fn named<'n>(&'n self, name: &str) -> impl Iterator<Item = &'n Function> + use<'n> {
        self.every(name).filter(|function| function.namespace.is_empty())
    }

    pub fn in_module<'n>(&'n self, module: &str) -> impl Iterator<Item = &'n Function> + use<'n> {
        let module = module.to_owned();
        self.functions.iter().filter(move |function| function.namespace == module)
    }

    /// Methods and properties of a type.
    pub fn members<'n>(&'n self, holds: &str) -> impl Iterator<Item = &'n Function> + use<'n> {
        let holds = holds.to_owned();
        self.functions.iter().filter(move |function| takes(function, &holds))
    }

    /// The methods of that name that a type has; those with a receiver of any type too.
    pub fn methods<'n>(&'n self, holds: &str, name: &str) -> impl Iterator<Item = &'n Function> + use<'n> {
        let holds = holds.to_owned();
        self.named(name).filter(move |function| takes(function, &holds))
    }

    /// What a method (or `get$property`) of a type gives when called with so many values, the receiver included.
    pub fn result(&self, holds: &str, name: &str, given: usize) -> Option<Typed> {
        self.returns(self.methods(holds, name), given)
    }

    /// What the overload for so many values gives.
    pub fn returns<'n>(&self, overloads: impl Iterator<Item = &'n Function>, given: usize) -> Option<Typed> {
        let overloads: Vec<&Function> = overloads.collect();
        let fitting = overloads.iter().find(|function| function.params.len() == given).or(overloads.first())?;
        (!fitting.returns.is_empty()).then(|| Typed::new(&fitting.returns))
    }

    /// The service whose object, or whose module, a call belongs to.
    pub fn service_of(&self, call: &Call<'_>) -> Option<&Service> {
        match &call.receiver {
            Some(typed) => self.service(&typed.name),
            None => self.services.iter().find(|service| service.name == call.module),
        }
    }

    /// The service whose object has this type.
    pub fn service(&self, holds: &str) -> Option<&Service> {
        let has_it = |service: &&Service| self.globals.get(&service.name).is_some_and(|typed| typed.name == holds);
        self.services.iter().find(has_it)
    }

    /// Functions that are called without a receiver.
    pub fn callable(&self) -> impl Iterator<Item = &Function> {
        self.functions.iter().filter(|f| f.namespace.is_empty() && f.is_callable() && f.receiver().is_none())
    }
}

fn is_reachable(function: &Function) -> bool {
    let foreign = |holds: &str| FOREIGN.contains(&holds.trim_start_matches("Range<").trim_end_matches([' ', '>']));
    let is_old = function.comment.contains("# Deprecated API");
    !is_old && !function.params.iter().any(|param| foreign(&param.holds)) && !foreign(&function.returns)
}

/// Whether a person may want to call it; `to_debug` and the like are there for the language.
pub fn is_offered(function: &Function) -> bool {
    let is_inner = function.comment.is_empty() && matches!(function.name.as_str(), "to_debug" | "to_string");
    function.is_callable() && !is_inner
}

fn takes(function: &Function, holds: &str) -> bool {
    function.namespace.is_empty() && function.params.first().is_some_and(|first| first.holds == holds)
}
