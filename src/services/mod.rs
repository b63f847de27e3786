//! The outside systems, one folder each, all alike inside.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rhai::{Dynamic, Engine, Module};

use crate::config::{Config, Known};
use crate::error::Result;
use crate::secret::Secret;
use crate::settings::{Setting, Settings};

pub mod b24;
pub mod rac;
pub mod robot;
pub mod sp;
pub mod veil;

/// What is said of functions that are made from a table.
#[derive(Clone, Debug)]
pub struct Comment {
    /// The modules and the types whose functions and methods of that name are meant: `&["rac", "Rac"]`.
    pub of: &'static [&'static str],
    pub name: String,
    /// In Markdown, without slashes.
    pub text: String,
}

/// One outside system, as the rest of the program knows it.
pub trait Service: Sync {
    /// Its section in `pult.toml`, and the name of its object in scripts.
    fn name(&self) -> &'static str;
    /// One line for overviews.
    fn summary(&self) -> &'static str;
    /// What a connection may be told.
    fn settings(&self) -> &'static [Setting];
    /// Its page for people, in Markdown.
    fn page(&self) -> &'static str;
    /// Puts its types into the engine and its object among the globals.
    fn register(&self, engine: &mut Engine, globals: &mut Module);
    /// The comments of functions that it makes from a table: it registers them with their parameters alone
    /// (`FuncRegistration::with_params_info`), and the catalogue asks for what is to be read about them when somebody
    /// does. Hundreds of texts written at each start would cost more than all the rest of it.
    fn comments(&self) -> Vec<Comment> {
        Vec::new()
    }
    /// What is meant by a call that nobody knows, when its words are those of another library for the same system:
    /// `module::function`, `Type.method`, `name`; `Type.[integer]` for what is chosen by a place, `Type.method(integer)` for
    /// a value where another is wanted.
    fn instead(&self, _written: &str) -> Option<String> {
        None
    }
    /// A value of one of its own types as what it holds: rows, maps, lists. For tables, JSON and CSV.
    fn plain(&self, _value: &Dynamic) -> Option<Dynamic> {
        None
    }
    /// What scripts call the type of such a value, where Rust calls it otherwise.
    fn type_name(&self, _value: &Dynamic) -> Option<&'static str> {
        None
    }
}

/// All of them. This is the only list.
pub static ALL: &[&dyn Service] = &[&b24::Bitrix24, &rac::Clusters, &veil::Veil, &sp::StoredProcedures, &robot::Robots];

/// What one of them knows of a call that nobody knows.
pub fn instead(written: &str) -> Option<String> {
    ALL.iter().find_map(|service| service.instead(written))
}

/// What a value of a service's own type holds.
pub fn plain(value: &Dynamic) -> Option<Dynamic> {
    ALL.iter().find_map(|service| service.plain(value))
}

/// What scripts call the type of a value of a service's own, where Rust calls it otherwise.
pub fn type_name(value: &Dynamic) -> Option<&'static str> {
    ALL.iter().find_map(|service| service.type_name(value))
}

/// Their tables, for reading `pult.toml`.
pub fn known() -> Vec<Known> {
    ALL.iter().map(|service| Known { service: service.name(), settings: service.settings() }).collect()
}

/// By service and name.
type Opened = HashMap<(&'static str, String), Arc<dyn Any + Send + Sync>>;

/// The connections of a session: opened when first asked for, then shared.
pub struct Connections {
    config: Config,
    open: Mutex<Opened>,
    shared: Mutex<Vec<Shared>>,
    kept: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

/// A connection that scripts name by its place and their secret.
struct Shared {
    service: &'static str,
    place: String,
    secret: Secret,
    connection: Arc<dyn Any + Send + Sync>,
}

impl Connections {
    pub fn new(config: Config) -> Connections {
        Connections { config, open: Mutex::default(), shared: Mutex::default(), kept: Mutex::default() }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The connection of this name, or the default one. Opening connects to nothing yet.
    pub fn open<C: Any + Send + Sync>(
        &self,
        service: &'static str,
        name: Option<&str>,
        make: impl FnOnce(&Settings) -> Result<C>,
    ) -> Result<Arc<C>> {
        let (name, settings) = match name {
            Some(name) => (name, self.config.connection(service, name)?),
            None => self.config.default_connection(service)?,
        };
        let mut open = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let key = (service, name.to_owned());
        if let Some(opened) = open.get(&key).and_then(|opened| opened.clone().downcast::<C>().ok()) {
            return Ok(opened);
        }
        let made = Arc::new(make(settings)?);
        open.insert(key, made.clone());
        Ok(made)
    }

    /// What a service knows of the session itself, whatever its connections; one of each type, empty at first.
    pub fn kept<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let found = kept.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default())).clone();
        found.downcast().unwrap_or_default()
    }

    /// The connection to a place with a secret: the same pair gives the same one again, another secret another.
    pub fn share<C: Any + Send + Sync>(
        &self,
        service: &'static str,
        place: &str,
        secret: &Secret,
        make: impl FnOnce() -> Result<C>,
    ) -> Result<Arc<C>> {
        let mut shared = self.shared();
        let is_it = |known: &&Shared| {
            known.service == service && known.place == place && known.secret.expose() == secret.expose()
        };
        let known = shared.iter().find(is_it).and_then(|known| known.connection.clone().downcast::<C>().ok());
        if let Some(connection) = known {
            return Ok(connection);
        }
        let made = Arc::new(make()?);
        let (place, secret, connection) = (place.to_owned(), secret.clone(), made.clone());
        shared.push(Shared { service, place, secret, connection });
        Ok(made)
    }

    /// Forgets the shared connections to a place; those who hold one keep it.
    pub fn leave(&self, service: &str, place: &str) {
        self.shared().retain(|known| !(known.service == service && known.place == place));
    }

    /// The places of shared connections.
    pub fn places(&self, service: &str) -> Vec<String> {
        let shared = self.shared();
        let mut places: Vec<String> =
            shared.iter().filter(|known| known.service == service).map(|known| known.place.clone()).collect();
        places.dedup();
        places
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Vec<Shared>> {
        self.shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Those opened so far, as (service, name).
    pub fn opened(&self) -> Vec<(&'static str, String)> {
        let open = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut opened: Vec<_> = open.keys().cloned().collect();
        opened.sort();
        opened
    }
}
