//! What the simulated server holds: databases with their tables and procedures, locks, who is connected.

mod catalogue;
mod seed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::hub::Hub;
use super::sql::ast::{Name, Procedure};
use super::sql::locks::Locks;
use super::sql::moment::{Moment, now};
use super::sql::table::{Table, same_name};
use crate::sandbox::http::lock;

pub use catalogue::{CatalogueProcedure, Load};

/// The schema of those who name none.
pub const DBO: &str = "dbo";

/// All that sessions share.
pub struct World {
    pub hub: Arc<Hub>,
    state: Mutex<State>,
    /// Something was unlocked.
    pub freed: Notify,
    transactions: AtomicU64,
}

/// Databases and locks, behind one lock that is never held over a wait.
pub struct State {
    pub databases: Vec<Database>,
    pub locks: Locks,
    pub present: BTreeMap<u16, Present>,
    next_object: i32,
}

/// What is shown of a session to others.
#[derive(Clone, Debug, Default)]
pub struct Present {
    pub login: String,
    /// Number of the database in the list.
    pub database: usize,
    pub open_transactions: u32,
    pub isolation: i16,
    /// What it does now: the text of the batch or the name of the procedure.
    pub request: Option<String>,
    pub request_since: Option<Moment>,
    /// Milliseconds; -1 is for ever.
    pub lock_timeout: i32,
    pub language: String,
    pub date_format: String,
    pub is_killed: bool,
}

pub struct Database {
    pub name: String,
    /// From 1; the server's own ones come first.
    pub id: i16,
    pub created: Moment,
    pub schemas: BTreeSet<String>,
    objects: BTreeMap<Place, Object>,
}

/// Schema and name in small letters.
pub type Place = (String, String);

/// Something in a database.
#[derive(Clone)]
pub struct Object {
    pub id: i32,
    pub schema: String,
    pub name: String,
    pub created: Moment,
    pub modified: Moment,
    pub what: Thing,
}

#[derive(Clone)]
pub enum Thing {
    Table(Arc<Table>),
    Procedure(Arc<Procedure>),
    /// A procedure of the catalogue, which only says what it does.
    Step(Arc<CatalogueProcedure>),
}

impl Object {
    pub fn table(&self) -> Option<&Arc<Table>> {
        match &self.what {
            Thing::Table(table) => Some(table),
            _ => None,
        }
    }

    pub fn is_procedure(&self) -> bool {
        !matches!(self.what, Thing::Table(_))
    }
}

impl World {
    /// The server's own databases, and those of the shipped catalogue with their tables, rows and procedures.
    pub fn new(hub: Arc<Hub>) -> World {
        let seed = hub.knobs().seed;
        let mut state = State {
            databases: Vec::new(),
            locks: Locks::default(),
            present: BTreeMap::new(),
            next_object: 245_575_913,
        };
        seed::fill(&mut state, seed);
        World { hub, state: Mutex::new(state), freed: Notify::new(), transactions: AtomicU64::new(1) }
    }

    /// The state, for as long as nothing waits.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A number for a new transaction.
    pub fn next_transaction(&self) -> u64 {
        self.transactions.fetch_add(1, Ordering::Relaxed)
    }
}

/// Where something lies in a database.
pub fn place(schema: &str, name: &str) -> Place {
    (schema.to_lowercase(), name.to_lowercase())
}

impl State {
    /// Adds an empty database; its place in the list.
    pub fn create_database(&mut self, name: &str) -> usize {
        let schemas = [DBO, "guest", "sys", "INFORMATION_SCHEMA"].map(str::to_owned).into();
        let id = self.databases.len() as i16 + 1;
        self.databases.push(Database { name: name.to_owned(), id, created: now(), schemas, objects: BTreeMap::new() });
        self.databases.len() - 1
    }

    /// The place of a database in the list.
    pub fn database(&self, name: &str) -> Option<usize> {
        self.databases.iter().position(|database| same_name(&database.name, name))
    }

    /// A number that no object has.
    pub fn next_object(&mut self) -> i32 {
        self.next_object = self.next_object.wrapping_add(16_000_057) & i32::MAX;
        self.next_object
    }

    /// Makes an object; it is not in any database yet.
    pub fn object(&mut self, schema: &str, name: &str, what: Thing) -> Object {
        let moment = now();
        let (schema, name) = (schema.to_owned(), name.to_owned());
        Object { id: self.next_object(), schema, name, created: moment, modified: moment, what }
    }

    /// Which database a name means, for somebody who is in `current`.
    pub fn database_of(&self, name: &Name, current: usize) -> Option<usize> {
        name.database.as_ref().map_or(Some(current), |database| self.database(database))
    }

    /// What a name means, for somebody who is in `current`.
    pub fn find(&self, name: &Name, current: usize) -> Option<(usize, &Object)> {
        let database = self.database_of(name, current)?;
        let schema = name.schema.as_deref().unwrap_or(DBO);
        let object = self.databases[database].get(&place(schema, &name.name))?;
        Some((database, object))
    }

    /// An object by its number.
    pub fn by_id(&self, id: i32) -> Option<&Object> {
        self.databases.iter().flat_map(Database::objects).find(|object| object.id == id)
    }
}

impl Database {
    pub fn get(&self, place: &Place) -> Option<&Object> {
        self.objects.get(place)
    }

    /// Puts or takes away what lies at a place.
    pub fn set(&mut self, place: &Place, object: Option<Object>) {
        match object {
            Some(object) => {
                self.objects.insert(place.clone(), object);
            }
            None => {
                self.objects.remove(place);
            }
        }
    }

    /// By schema and name.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// A schema as it is spelled.
    pub fn schema(&self, name: &str) -> Option<&str> {
        self.schemas.iter().find(|schema| same_name(schema, name)).map(String::as_str)
    }
}
