//! The outside systems, one folder each, all alike inside.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rhai::{Engine, Module};

use crate::config::{Config, Known};
use crate::error::Result;
use crate::settings::{Setting, Settings};

pub mod b24;
pub mod rac;

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
    /// `module::function`, `Type.method` or `name`.
    fn instead(&self, _written: &str) -> Option<String> {
        None
    }
}

/// All of them. This is the only list.
pub static ALL: &[&dyn Service] = &[&b24::Bitrix24, &rac::Clusters];

/// What one of them knows of a call that nobody knows.
pub fn instead(written: &str) -> Option<String> {
    ALL.iter().find_map(|service| service.instead(written))
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
}

impl Connections {
    pub fn new(config: Config) -> Connections {
        Connections { config, open: Mutex::default() }
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

    /// Those opened so far, as (service, name).
    pub fn opened(&self) -> Vec<(&'static str, String)> {
        let open = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut opened: Vec<_> = open.keys().cloned().collect();
        opened.sort();
        opened
    }
}
