//! `rac` in scripts. Only these files here know Rhai.

mod calls;
mod commands;
mod docs;
mod each;
mod examples;
mod given;
mod spec;
mod words;

use std::sync::Arc;

use rhai::plugin::*;
use rhai::{Array, Engine, FnPtr, ImmutableString, Map, Module, NativeCallContext, Shared};

use self::spec::Spec;
use super::client::Server;
use super::{NAME, SETTINGS};
use crate::error::{Error, Result, did_you_mean};
use crate::script::bridge::{Host, Thrown, host, throw};
use crate::script::options::connection;
use crate::settings::Settings;

pub use docs::comments;
pub use words::instead;

/// The object: the default connection, or one that `connect` gave.
#[derive(Clone, Default)]
pub struct Rac {
    server: Option<Arc<Server>>,
    /// Options for every command that knows them.
    usual: Arc<Map>,
}

impl Rac {
    fn server(&self, call: &NativeCallContext<'_>) -> Thrown<Arc<Server>> {
        match &self.server {
            Some(server) => Ok(server.clone()),
            None => {
                let host = host(call);
                let opened = host.connections.open(NAME, None, |settings| opened(&host, settings));
                opened.or_else(|error| throw(call, error))
            }
        }
    }

    /// These options, and of the usual ones those that the command knows.
    fn with_usual(&self, spec: Spec, options: &Map) -> Map {
        let mut all = options.clone();
        for (name, value) in self.usual.iter() {
            if !all.contains_key(name) && spec.option(name).is_some() {
                all.insert(name.clone(), value.clone());
            }
        }
        all
    }

    fn at(server: Arc<Server>) -> Rac {
        Rac { server: Some(server), usual: Arc::default() }
    }
}

fn opened(host: &Host, settings: &Settings) -> Result<Server> {
    Server::open(settings, &host.context)
}

/// The connection of `pult.toml` that has this name, or a server at this address.
fn at(host: &Host, text: &str) -> Result<Rac> {
    let known: Vec<&str> = host.connections.config().connections(NAME).collect();
    if known.contains(&text) {
        return host.connections.open(NAME, Some(text), |settings| opened(host, settings)).map(Rac::at);
    }
    let settings = Map::from([("address".into(), text.into())]);
    let server = connection(SETTINGS, &settings).and_then(|settings| opened(host, &settings));
    server.map(|server| Rac::at(Arc::new(server))).map_err(|error| match did_you_mean(text, known) {
        Some(near) if error.hint_text().is_none() => error.hint(near),
        _ => error,
    })
}

fn described(host: &Host, settings: &Map) -> Result<Rac> {
    let server = connection(SETTINGS, settings).and_then(|settings| opened(host, &settings))?;
    Ok(Rac::at(Arc::new(server)))
}

/// Refuses names that no command knows.
fn usual(rac: &Rac, options: &Map) -> Result<Rac> {
    let known: Vec<String> = spec::all().flat_map(|spec| spec.options()).map(|option| option.script_name()).collect();
    if let Some(name) = options.keys().find(|name| !known.iter().any(|known| **known == ***name)) {
        let error = Error::input("rac.unknown_option", format!("no command has an option `{name}`"));
        return Err(match did_you_mean(name, known.iter().map(String::as_str)) {
            Some(near) => error.hint(near),
            None => error,
        });
    }
    let mut all = (*rac.usual).clone();
    all.extend(options.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(Rac { server: rac.server.clone(), usual: Arc::new(all) })
}

pub fn register(engine: &mut Engine, globals: &mut Module) {
    engine.register_type_with_name::<Rac>("Rac");
    engine.register_global_module(Shared::new(rhai::exported_module!(rac)));
    let mut functions = rhai::exported_module!(functions);
    let mut methods = Module::new();
    commands::register(&mut functions, &mut methods);
    engine.register_static_module(NAME, Shared::new(functions));
    engine.register_global_module(Shared::new(methods));
    globals.set_var(NAME, Rac::default());
}

/// `rac::…` beside the commands.
#[export_module]
pub mod functions {
    pub type Rac = super::Rac;
    pub type Gathered = crate::script::gathered::Gathered;

    /// A connection to an administration server: its name in `pult.toml`, or its address, `host` or `host:port`.
    ///
    /// It has every command as a method. Nothing is sent before the first call.
    ///
    /// ```rhai
    /// let s = rac::connect("localhost:1545");
    /// assert_eq(s.to_string(), "rac at localhost:1545");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn connect(call: NativeCallContext, name: &str) -> Thrown<Rac> {
        super::at(&host(&call), name).or_else(|error| throw(&call, error))
    }

    /// A connection to the administration server at this host and port.
    #[rhai_fn(name = "connect", return_raw)]
    pub fn connect_to(call: NativeCallContext, host: &str, port: i64) -> Thrown<Rac> {
        connect_with(call, Map::from([("address".into(), format!("{host}:{port}").into())]))
    }

    /// A connection described here, with the settings of `pult.toml`:
    /// `rac::connect(#{address: "srv1", cluster_user: "admin", cluster_pwd: env("RAC_PWD")})`.
    #[rhai_fn(name = "connect", return_raw)]
    pub fn connect_with(call: NativeCallContext, settings: Map) -> Thrown<Rac> {
        super::described(&host(&call), &settings).or_else(|error| throw(&call, error))
    }

    /// The names of the connections in `pult.toml`.
    ///
    /// ```rhai
    /// assert(rac::connections().len() > 0);
    /// ```
    pub fn connections(call: NativeCallContext) -> Array {
        let host = host(&call);
        let names = host.connections.config().connections(NAME);
        names.map(|name| ImmutableString::from(name).into()).collect()
    }

    /// Asks several servers at once: calls `f(server)` for each of them. They are given by their address, their name in
    /// `pult.toml`, as maps of settings or as connections. One that fails does not stop the others.
    ///
    /// ```rhai
    /// let found = rac::each([rac, "localhost:1"], |s| s.infobase_summary_list());
    /// assert(found.rows().len() > 0);
    /// assert_eq(found.failures[0].address, "localhost:1");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn each(call: NativeCallContext, servers: Array, f: FnPtr) -> Thrown<Gathered> {
        each::with_function(&call, &servers, &f, &Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `at_once`: how many servers at once; usually 32
    #[rhai_fn(name = "each", return_raw)]
    pub fn each_with(call: NativeCallContext, servers: Array, f: FnPtr, options: Map) -> Thrown<Gathered> {
        each::with_function(&call, &servers, &f, &options)
    }

    /// Calls one command on several servers at once.
    ///
    /// ```rhai
    /// let sessions = rac::each(rac::connections(), "session_list").rows();
    /// assert(sessions.len() > 0);
    /// ```
    #[rhai_fn(name = "each", return_raw)]
    pub fn each_command(call: NativeCallContext, servers: Array, command: &str) -> Thrown<Gathered> {
        each::with_command(&call, &servers, command, &Map::new())
    }

    /// The same with the options of the command, and `at_once` (usually 32 servers).
    #[rhai_fn(name = "each", return_raw)]
    pub fn each_command_with(call: NativeCallContext, servers: Array, command: &str, options: Map) -> Thrown<Gathered> {
        each::with_command(&call, &servers, command, &options)
    }
}

/// Methods of a connection beside the commands.
#[export_module]
pub mod rac {
    pub type Rac = super::Rac;

    /// Another connection: the same as `rac::connect(name)`.
    #[rhai_fn(return_raw, pure)]
    pub fn connect(call: NativeCallContext, _rac: &mut Rac, name: &str) -> Thrown<Rac> {
        super::at(&host(&call), name).or_else(|error| throw(&call, error))
    }

    /// Another connection: the same as `rac::connect(host, port)`.
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect_to(call: NativeCallContext, _rac: &mut Rac, host: &str, port: i64) -> Thrown<Rac> {
        functions::connect_to(call, host, port)
    }

    /// Another connection, described here: the same as `rac::connect(#{…})`.
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect_with(call: NativeCallContext, _rac: &mut Rac, settings: Map) -> Thrown<Rac> {
        functions::connect_with(call, settings)
    }

    /// The same connection with these options for every command that knows them: a cluster, an infobase, users and
    /// passwords.
    ///
    /// ```rhai
    /// let first = rac::cluster_list()[0];
    /// let s = rac.options(#{ cluster: first.name });
    /// assert_eq(s.cluster_info().cluster, first.cluster);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn options(call: NativeCallContext, rac: &mut Rac, options: Map) -> Thrown<Rac> {
        super::usual(rac, &options).or_else(|error| throw(&call, error))
    }

    /// Where the server is: `host:port`.
    #[rhai_fn(get = "address", return_raw, pure)]
    pub fn address(call: NativeCallContext, rac: &mut Rac) -> Thrown<String> {
        Ok(rac.server(&call)?.address().to_owned())
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(rac: &mut Rac) -> String {
        match &rac.server {
            Some(server) => format!("rac at {}", server.address()),
            None => NAME.into(),
        }
    }
}
