//! What `veil` itself can do: connections, requests of one's own, waiting for many, events.

use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};
use serde_json::Value;

use super::answer::VeilAnswer;
use super::kinds;
use super::{given, methods, named, place, shared, work};
use crate::core::rows::Rows;
use crate::error::{Error, Kind};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::script::convert;
use crate::services::veil::NAME;
use crate::services::veil::client::{Answer, How, Options, Request};
use crate::services::veil::table::{Entity, Verb, entity};

/// A request of the script's own.
fn request(
    call: &NativeCallContext<'_>,
    veil: &super::Veil,
    verb: Verb,
    path: &str,
    body: &Dynamic,
    query: &Map,
) -> Thrown<Request> {
    let mut all = Options::new();
    for (name, value) in query {
        all.insert(name.to_string(), given::plain(call, veil, value)?);
    }
    let body = match given::plain(call, veil, body)? {
        Value::Null => None,
        body => Some(body),
    };
    Ok(Request::own(verb, path, &all, body))
}

/// Sends it; `None` where it was only told of. With `any`, an answer of any status will do.
fn send(call: &NativeCallContext<'_>, veil: &super::Veil, request: Request, any: bool) -> Thrown<Option<Answer>> {
    let controller = veil.controller(call)?;
    let how = How::default();
    match any {
        true => wait(call, controller.raw(request, &how)),
        false => wait(call, controller.raw_good(request, &how)),
    }
}

/// The data of a good answer, or the task that was begun.
fn good(call: &NativeCallContext<'_>, veil: &super::Veil, request: Request) -> Thrown<Dynamic> {
    let Some(answer) = send(call, veil, request, false)? else { return Ok(Dynamic::UNIT) };
    if let Some(task) = answer.task() {
        return Ok(kinds::handle(work::begun(veil, task, answer.entity(), Vec::new())));
    }
    convert::from_json(answer.text()).or_else(|error| throw(call, error))
}

/// The whole answer.
fn any(call: &NativeCallContext<'_>, veil: &super::Veil, path: &str, request: Request) -> Thrown<Dynamic> {
    let Some(answer) = send(call, veil, request, true)? else { return Ok(Dynamic::UNIT) };
    let answer = VeilAnswer::new(veil, about(path), answer).or_else(|error| throw(call, error))?;
    Ok(Dynamic::from(answer))
}

/// The entity that a path is about.
fn about(path: &str) -> Option<&'static Entity> {
    let path = path.trim_start_matches("/api/");
    entity(path.split(['/', '?']).next()?).filter(|entity| path.starts_with(entity.path))
}

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
    /// - `cancel`: true has the controller end them when the script is stopped
    #[rhai_fn(name = "wait", return_raw, pure)]
    pub fn wait_all_with(call: NativeCallContext, veil: &mut Veil, tasks: Dynamic, options: Map) -> Thrown<Rows> {
        methods::wait_for_all(&call, veil, &tasks, &options)
    }

    /// What a path answers, behind `/api/`. Errors are thrown.
    ///
    /// ```rhai
    /// assert(veil.get("controllers/base-version/").version.starts_with("4."));
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn get(call: NativeCallContext, veil: &mut Veil, path: &str) -> Thrown<Dynamic> {
        get_with(call, veil, path, Map::new())
    }

    /// The same with a query: lists are joined by commas, true and false become 1 and 0.
    #[rhai_fn(name = "get", return_raw, pure)]
    pub fn get_with(call: NativeCallContext, veil: &mut Veil, path: &str, query: Map) -> Thrown<Dynamic> {
        let request = request(&call, veil, Verb::Get, path, &Dynamic::UNIT, &query)?;
        good(&call, veil, request)
    }

    /// Sends a POST without a body. An accepted change gives a task.
    #[rhai_fn(return_raw, pure)]
    pub fn post(call: NativeCallContext, veil: &mut Veil, path: &str) -> Thrown<Dynamic> {
        post_query(call, veil, path, Dynamic::UNIT, Map::new())
    }

    /// Sends a POST. The body is sent as it is written, with a key by which the controller knows a repetition.
    ///
    /// ```rhai
    /// let off = veil.domains(#{ power_state: "OFF", template: false }).first();
    /// veil.post(`domains/${off.id}/start/`, #{ force: false }).wait();
    /// ```
    #[rhai_fn(name = "post", return_raw, pure)]
    pub fn post_with(call: NativeCallContext, veil: &mut Veil, path: &str, body: Dynamic) -> Thrown<Dynamic> {
        post_query(call, veil, path, body, Map::new())
    }

    /// The same with a query.
    #[rhai_fn(name = "post", return_raw, pure)]
    pub fn post_query(
        call: NativeCallContext,
        veil: &mut Veil,
        path: &str,
        body: Dynamic,
        query: Map,
    ) -> Thrown<Dynamic> {
        let request = request(&call, veil, Verb::Post, path, &body, &query)?;
        good(&call, veil, request)
    }

    /// Sends a PUT without a body.
    #[rhai_fn(return_raw, pure)]
    pub fn put(call: NativeCallContext, veil: &mut Veil, path: &str) -> Thrown<Dynamic> {
        put_query(call, veil, path, Dynamic::UNIT, Map::new())
    }

    /// Sends a PUT.
    #[rhai_fn(name = "put", return_raw, pure)]
    pub fn put_with(call: NativeCallContext, veil: &mut Veil, path: &str, body: Dynamic) -> Thrown<Dynamic> {
        put_query(call, veil, path, body, Map::new())
    }

    /// The same with a query.
    #[rhai_fn(name = "put", return_raw, pure)]
    pub fn put_query(
        call: NativeCallContext,
        veil: &mut Veil,
        path: &str,
        body: Dynamic,
        query: Map,
    ) -> Thrown<Dynamic> {
        let request = request(&call, veil, Verb::Put, path, &body, &query)?;
        good(&call, veil, request)
    }

    /// The whole answer to a GET, whatever its status. Only what has no answer is thrown.
    ///
    /// ```rhai
    /// let answer = veil.try_get("domains/00000000-0000-0000-0000-000000000001/");
    /// assert_eq(answer.status_code, 404);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn try_get(call: NativeCallContext, veil: &mut Veil, path: &str) -> Thrown<Dynamic> {
        try_get_with(call, veil, path, Map::new())
    }

    /// The same with a query.
    #[rhai_fn(name = "try_get", return_raw, pure)]
    pub fn try_get_with(call: NativeCallContext, veil: &mut Veil, path: &str, query: Map) -> Thrown<Dynamic> {
        let request = request(&call, veil, Verb::Get, path, &Dynamic::UNIT, &query)?;
        any(&call, veil, path, request)
    }

    /// The whole answer to a POST, whatever its status.
    #[rhai_fn(return_raw, pure)]
    pub fn try_post(call: NativeCallContext, veil: &mut Veil, path: &str) -> Thrown<Dynamic> {
        try_post_query(call, veil, path, Dynamic::UNIT, Map::new())
    }

    /// The same with a body.
    #[rhai_fn(name = "try_post", return_raw, pure)]
    pub fn try_post_with(call: NativeCallContext, veil: &mut Veil, path: &str, body: Dynamic) -> Thrown<Dynamic> {
        try_post_query(call, veil, path, body, Map::new())
    }

    /// The same with a body and a query.
    #[rhai_fn(name = "try_post", return_raw, pure)]
    pub fn try_post_query(
        call: NativeCallContext,
        veil: &mut Veil,
        path: &str,
        body: Dynamic,
        query: Map,
    ) -> Thrown<Dynamic> {
        let request = request(&call, veil, Verb::Post, path, &body, &query)?;
        any(&call, veil, path, request)
    }

    /// The whole answer to a PUT, whatever its status.
    #[rhai_fn(return_raw, pure)]
    pub fn try_put(call: NativeCallContext, veil: &mut Veil, path: &str) -> Thrown<Dynamic> {
        try_put_query(call, veil, path, Dynamic::UNIT, Map::new())
    }

    /// The same with a body.
    #[rhai_fn(name = "try_put", return_raw, pure)]
    pub fn try_put_with(call: NativeCallContext, veil: &mut Veil, path: &str, body: Dynamic) -> Thrown<Dynamic> {
        try_put_query(call, veil, path, body, Map::new())
    }

    /// The same with a body and a query.
    #[rhai_fn(name = "try_put", return_raw, pure)]
    pub fn try_put_query(
        call: NativeCallContext,
        veil: &mut Veil,
        path: &str,
        body: Dynamic,
        query: Map,
    ) -> Thrown<Dynamic> {
        let request = request(&call, veil, Verb::Put, path, &body, &query)?;
        any(&call, veil, path, request)
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
