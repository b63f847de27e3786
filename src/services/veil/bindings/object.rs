//! What `veil` itself can do: connections, waiting for many, events.

use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};

use super::{methods, named, place, shared};
use crate::core::rows::Rows;
use crate::error::{Error, Kind};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::script::convert;
use crate::services::veil::NAME;

#[export_module]
pub mod veil {
    pub type Veil = super::super::Veil;
    pub type Stream = crate::script::rows::Stream;

    /// Another connection, by its name in `pult.toml`.
    ///
    /// ```rhai
    /// assert_eq(veil.connect("main").address, veil.address);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn connect(call: NativeCallContext, _veil: &mut Veil, name: &str) -> Thrown<Veil> {
        named(&host(&call), name).or_else(|error| throw(&call, error))
    }

    /// The connection to a controller with a token, with the word `jwt` or without. The same pair gives the same
    /// connection again, another token another. Nothing is sent before the first call.
    ///
    /// ```rhai
    /// let other = veil.connect("10.0.0.5", "jwt eyJhbGciOiJIUzI1NiJ9");
    /// assert_eq(other.address, "10.0.0.5");
    /// ```
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect_to(call: NativeCallContext, _veil: &mut Veil, address: &str, token: &str) -> Thrown<Veil> {
        shared(&host(&call), address, token).or_else(|error| throw(&call, error))
    }

    /// A connection described here, with the settings of `pult.toml`:
    /// `veil.connect(#{address: "veil", user: "operator", password: env("VEIL_PASSWORD")})`.
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect_with(call: NativeCallContext, _veil: &mut Veil, settings: Map) -> Thrown<Veil> {
        super::super::described(&host(&call), &settings).or_else(|error| throw(&call, error))
    }

    /// Forgets the connections to an address that `connect(address, token)` gave. An unknown one is nothing.
    #[rhai_fn(pure)]
    pub fn disconnect(call: NativeCallContext, _veil: &mut Veil, address: &str) {
        host(&call).connections.leave(NAME, place(address));
    }

    /// The names of the connections in `pult.toml`, then the addresses that scripts have connected to.
    ///
    /// ```rhai
    /// assert("main" in veil.connections());
    /// ```
    #[rhai_fn(pure)]
    pub fn connections(call: NativeCallContext, _veil: &mut Veil) -> Array {
        let host = host(&call);
        let names = host.connections.config().connections(NAME);
        let names: Array = names.map(|name| ImmutableString::from(name).into()).collect();
        names.into_iter().chain(host.connections.places(NAME).into_iter().map(Dynamic::from)).collect()
    }

    /// Where the controller is: `host` or `host:port`.
    #[rhai_fn(get = "address", return_raw, pure)]
    pub fn address(call: NativeCallContext, veil: &mut Veil) -> Thrown<String> {
        Ok(veil.controller(&call)?.shown())
    }

    /// Waits until all of these tasks are over: rows `task`, `name`, `outcome`, `seconds`, `error`, `message`. Tasks are
    /// handles, ids, or rows of a call for many with `wait: false`.
    ///
    /// ```rhai
    /// let off = veil.domains(#{ power_state: "OFF", template: false }).handles();
    /// let rows = veil.wait(off.map(|vm| vm.start()));
    /// assert(rows.all(|row| row.outcome == "success"));
    /// ```
    #[rhai_fn(name = "wait", return_raw, pure)]
    pub fn wait_all(call: NativeCallContext, veil: &mut Veil, tasks: Dynamic) -> Thrown<Rows> {
        methods::wait_for_all(&call, veil, &tasks, &Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `timeout`: seconds; usually as the connection says
    /// - `interval`: seconds between two questions
    /// - `errors`: `"return"` (usual) or `"throw"`
    /// - `cancel`: true has the controller end them when the script is stopped or the time is up
    #[rhai_fn(name = "wait", return_raw, pure)]
    pub fn wait_all_with(call: NativeCallContext, veil: &mut Veil, tasks: Dynamic, options: Map) -> Thrown<Rows> {
        methods::wait_for_all(&call, veil, &tasks, &options)
    }

    /// Everything that happens, as it happens: rows `channel`, `event`, `id`, `object`. A channel is `"domains"`,
    /// `"tasks"`, `"nodes"`, `"clusters"`, `"data_pools"`, `"resource_pools"`; a list of them is several.
    #[rhai_fn(return_raw, pure)]
    pub fn watch(call: NativeCallContext, veil: &mut Veil, channels: Dynamic) -> Thrown<Stream> {
        let names = match channels.read_lock::<Array>() {
            Some(items) => items.iter().map(ToString::to_string).collect(),
            None => vec![channels.to_string()],
        };
        let controller = veil.controller(&call)?;
        let rows = controller.watch(&names).or_else(|error| throw(&call, error))?;
        Ok(Stream::new(host(&call), rows))
    }

    /// The controller's own description of everything that it offers: an OpenAPI document.
    ///
    /// ```rhai
    /// assert(veil.swagger().paths.len() > 10);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn swagger(call: NativeCallContext, veil: &mut Veil) -> Thrown<Dynamic> {
        let controller = veil.controller(&call)?;
        let answer = wait(&call, controller.swagger())?;
        convert::from_json(answer.text()).or_else(|error| throw(&call, error))
    }

    /// The same, kept in a file as well.
    #[rhai_fn(name = "swagger", return_raw, pure)]
    pub fn swagger_kept(call: NativeCallContext, veil: &mut Veil, path: &str) -> Thrown<Dynamic> {
        let full = host(&call).folders.resolve(path).or_else(|error| throw(&call, error))?;
        let controller = veil.controller(&call)?;
        let answer = wait(&call, controller.swagger())?;
        std::fs::write(&full, answer.text()).or_else(|error| {
            throw(&call, Error::new(Kind::File, "fs.write", format!("`{path}` cannot be written: {error}")))
        })?;
        convert::from_json(answer.text()).or_else(|error| throw(&call, error))
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(veil: &mut Veil) -> String {
        match &veil.0 {
            Some(controller) => format!("veil at {}", controller.shown()),
            None => NAME.into(),
        }
    }
}
