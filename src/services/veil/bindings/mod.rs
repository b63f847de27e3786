//! `veil` in scripts. Only these files here know Rhai.

mod answer;
mod bulk;
mod calls;
mod docs;
mod domain;
mod files;
mod given;
mod kinds;
mod methods;
mod object;
mod tags;
mod thing;
mod things;
mod verbs;
mod words;
mod work;

use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, Module, NativeCallContext, Shared};

use self::answer::VeilAnswer;
use super::client::Controller;
use super::{NAME, SETTINGS};
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::script::bridge::{Host, Thrown, host, throw};
use crate::script::options::connection;
use crate::secret::Secret;
use crate::settings::Settings;

pub use docs::comments;
pub use words::instead;

/// The object: the default connection, or one that `connect` gave.
#[derive(Clone, Default)]
pub struct Veil(Option<Arc<Controller>>);

impl Veil {
    pub fn controller(&self, call: &NativeCallContext<'_>) -> Thrown<Controller> {
        match &self.0 {
            Some(controller) => Ok((**controller).clone()),
            None => self.of(&host(call)).or_else(|error| throw(call, error)),
        }
    }

    /// The same where there is no call.
    pub fn of(&self, host: &Host) -> Result<Controller> {
        self.shared(host).map(|opened| (*opened).clone())
    }

    fn shared(&self, host: &Host) -> Result<Arc<Controller>> {
        match &self.0 {
            Some(controller) => Ok(controller.clone()),
            None => host.connections.open(NAME, None, |settings| opened(host, settings)),
        }
    }

    /// Whether both are one connection. Nothing is opened to compare the default one with itself.
    fn is(&self, other: &Veil, host: &Host) -> Result<bool> {
        match (&self.0, &other.0) {
            (None, None) => Ok(true),
            _ => Ok(Arc::ptr_eq(&self.shared(host)?, &other.shared(host)?)),
        }
    }

    /// Refuses what another connection gave: its ids may mean other objects here, or nothing.
    pub fn own(&self, call: &NativeCallContext<'_>, other: &Veil, shown: &str) -> Thrown<()> {
        let host = host(call);
        match self.is(other, &host) {
            Ok(true) => Ok(()),
            Ok(false) => throw(call, self.foreign(other, &host, shown)),
            Err(error) => throw(call, error),
        }
    }

    fn foreign(&self, other: &Veil, host: &Host, shown: &str) -> Error {
        let place = |veil: &Veil| veil.of(host).map_or_else(|_| NAME.to_owned(), |controller| controller.shown());
        let (here, there) = (place(self), place(other));
        let message = match here == there {
            true => format!("{shown} belongs to another connection to {there}"),
            false => format!("{shown} belongs to the connection to {there}, and this one is to {here}"),
        };
        let hint = "give its id or its name if the same object is meant: thing.id, or set.ids()";
        Error::input("veil.other_controller", message).hint(hint)
    }

    fn at(controller: &Arc<Controller>) -> Veil {
        Veil(Some(controller.clone()))
    }
}

/// Opens a connection; what is unwise about it is told once, here.
fn opened(host: &Host, settings: &Settings) -> Result<Controller> {
    let controller = Controller::open(settings, &host.context)?;
    if let Some(warning) = controller.warning() {
        host.warn(&warning);
    }
    Ok(controller)
}

/// The connection of `pult.toml` that has this name; an address alone says nobody.
fn named(host: &Host, text: &str) -> Result<Veil> {
    let known: Vec<&str> = host.connections.config().connections(NAME).collect();
    if known.contains(&text) {
        return host
            .connections
            .open(NAME, Some(text), |settings| opened(host, settings))
            .map(|found| Veil::at(&found));
    }
    let hint = did_you_mean(text, known.iter().copied()).unwrap_or_else(|| {
        format!("write veil.connect(\"{text}\", token), or veil.connect(#{{address: \"{text}\", …}})")
    });
    let message = format!("no connection in pult.toml is called \"{text}\", and an address needs a token");
    Err(Error::new(Kind::Config, "veil.no_connection", message).hint(hint))
}

/// The connection to an address with a token: the same pair gives the same one again.
fn shared(host: &Host, address: &str, token: &str) -> Result<Veil> {
    let secret = Secret::new(token);
    let found = host.connections.share(NAME, place(address), &secret, || {
        let settings = Map::from([("address".into(), address.into()), ("token".into(), token.into())]);
        opened(host, &connection(SETTINGS, &settings)?)
    })?;
    Ok(Veil::at(&found))
}

/// An address without what may be left out.
fn place(address: &str) -> &str {
    let address = address.trim().trim_end_matches('/');
    address.strip_prefix("https://").unwrap_or(address)
}

fn described(host: &Host, settings: &Map) -> Result<Veil> {
    let controller = connection(SETTINGS, settings).and_then(|settings| opened(host, &settings))?;
    Ok(Veil(Some(Arc::new(controller))))
}

pub fn register(engine: &mut Engine, globals: &mut Module) {
    engine.register_type_with_name::<Veil>("Veil");
    engine.register_type_with_name::<VeilAnswer>("VeilAnswer");
    engine.register_iterator::<VeilAnswer>();
    engine.register_global_module(Shared::new(rhai::exported_module!(object::veil)));
    engine.register_global_module(Shared::new(rhai::exported_module!(answer::answer)));
    let mut methods = Module::new();
    kinds::register(engine, &mut methods);
    verbs::register(&mut methods);
    engine.register_global_module(Shared::new(methods));
    globals.set_var(NAME, Veil::default());
}

/// Whether a value is of one of our own types.
fn is_own(value: &Dynamic) -> bool {
    value.type_name().starts_with("pult::services::veil")
}

/// What scripts call a handle's or a set's type.
pub fn type_name(value: &Dynamic) -> Option<&'static str> {
    if !is_own(value) {
        return None;
    }
    let handle = kinds::thing(value).map(|thing| thing.entity().type_name);
    handle.or_else(|| kinds::things(value).map(|things| kinds::set_name(things.entity())))
}

/// What a value of our own types holds.
pub fn plain(value: &Dynamic) -> Option<Dynamic> {
    if !is_own(value) {
        return None;
    }
    if let Some(answer) = value.read_lock::<VeilAnswer>() {
        return Some(answer.plain());
    }
    kinds::thing(value).map(|thing| thing.plain().into())
}
