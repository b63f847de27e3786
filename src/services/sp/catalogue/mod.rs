//! The catalogue: which databases there are, what can be synchronised, and by which procedures. Data, and questions to it.
//!
//! A site writes its own file; the one that is shipped ([`Catalogue::shipped`]) describes the billing aggregate of the
//! reference. [`read`](Catalogue::read) takes a file in whole or tells everything that is wrong with it.

mod date;
mod parse;
mod sections;
mod servers;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod validate;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use date::Period;
pub use steps::{CheckSpec, Pair, ParamSpec, StepSpec};
pub use template::{Placeholder, Template};

use super::client::driver::{Encrypt, Trust};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// The shipped catalogue's text.
pub const SHIPPED: &str = include_str!("default.toml");

/// A name for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Title {
    pub en: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ru: Option<String>,
}

impl Title {
    /// In a language (`ru`, `en`, `ru-RU`), or in English.
    pub fn text(&self, language: &str) -> &str {
        match &self.ru {
            Some(ru) if language.starts_with("ru") => ru,
            _ => &self.en,
        }
    }
}

/// A value that stands in the file, or in a variable of the environment: `${env:NAME}`.
#[derive(Clone, Debug)]
pub enum Given<T> {
    Here(T),
    Variable(String),
}

/// A server and how to get in.
#[derive(Clone, Debug)]
pub struct Server {
    pub key: String,
    pub host: Given<String>,
    pub port: Option<u16>,
    pub instance: Option<String>,
    pub encrypt: Encrypt,
    /// A relative path of a certificate begins where the catalogue is.
    pub trust: Trust,
    pub user: Option<Given<String>>,
    pub password: Option<Given<Secret>>,
    /// How many procedures of ours it runs at once.
    pub max_parallel: usize,
}

#[derive(Clone, Debug)]
pub struct Database {
    pub key: String,
    pub server: String,
    /// Its name at the server.
    pub name: String,
    pub title: Title,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub key: String,
    pub title: Title,
    pub prep_database: Template,
}

/// A data source.
#[derive(Clone, Debug)]
pub struct Code {
    pub key: String,
    pub group: String,
    pub title: Title,
    /// Stands for all others of its group.
    pub is_virtual: bool,
}

#[derive(Clone, Debug)]
pub struct Entity {
    pub name: String,
    pub abbr: Option<String>,
    pub title: Title,
    /// Needs a month.
    pub dated: bool,
    pub groups: Vec<String>,
    /// By group: the code whose run serves every code of it.
    pub shared: Vec<(String, String)>,
    /// By group: how its procedures and tables call it.
    pub alias: Vec<(String, String)>,
    /// By group: how many months one call loads.
    pub covers_months: Vec<(String, u32)>,
    pub after: Vec<String>,
    pub timeout: Option<Duration>,
}

impl Entity {
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|known| known == group)
    }

    /// How a group calls it.
    pub fn alias_in(&self, group: &str) -> &str {
        self.alias.iter().find(|(known, _)| known == group).map_or(&self.name, |(_, alias)| alias)
    }

    /// The code that serves all of a group.
    pub fn shared_in(&self, group: &str) -> Option<&str> {
        self.shared.iter().find(|(known, _)| known == group).map(|(_, code)| code.as_str())
    }
}

/// What a stage is repeated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    Code,
    Entity,
}

/// Return codes that mean success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Succeeds {
    Any,
    With(Vec<i32>),
}

impl Succeeds {
    /// A text that returns no code has not failed.
    pub fn with(&self, code: Option<i32>) -> bool {
        match (self, code) {
            (Succeeds::With(good), Some(code)) => good.contains(&code),
            _ => true,
        }
    }
}

/// What of a step a stage or a rule may decide.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    pub transaction: Option<bool>,
    pub repeatable: Option<bool>,
    pub timeout: Option<Duration>,
    pub succeeds: Option<Succeeds>,
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub id: String,
    pub database: Template,
    pub per: Per,
    pub manner: Manner,
    /// How much of an entity's whole time it takes, beside the shares of the other stages.
    pub share: f64,
    pub rules: Vec<Rule>,
}

/// Which pairs of entity and code a rule is for; what is not named matches.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    pub groups: Option<Vec<String>>,
    pub codes: Option<Vec<String>>,
    pub entities: Option<Vec<String>>,
    pub dated: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub matches: Matches,
    pub procedure: Template,
    pub params: Vec<ParamRule>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub manner: Manner,
}

/// Where the value of a parameter comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Code,
    Month,
    Year,
    /// The first of the month: a date, or a text of this form.
    MonthStart(Option<String>),
}

impl Source {
    /// Whether it needs a month.
    pub fn is_date(&self) -> bool {
        *self != Source::Code
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamRule {
    /// Without the `@`.
    pub name: String,
    pub from: Source,
}

#[derive(Clone, Debug)]
pub struct Check {
    pub id: String,
    pub stage: String,
    pub rules: Vec<CheckRule>,
}

#[derive(Clone, Debug)]
pub struct CheckRule {
    pub matches: Matches,
    /// The query, unless there is nothing to look at.
    pub query: Option<CheckQuery>,
}

#[derive(Clone, Debug)]
pub struct CheckQuery {
    pub database: Template,
    pub sql: Template,
    pub params: Vec<ParamRule>,
}

#[derive(Clone, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    pub check: Duration,
    pub statement: Duration,
    pub lock: Duration,
}

#[derive(Clone, Debug)]
pub struct Retry {
    pub attempts: u32,
    pub on_errors: Vec<i64>,
    pub on_disconnect: bool,
    pub backoff: Duration,
    pub backoff_max: Duration,
}

#[derive(Clone, Debug)]
pub struct Locks {
    pub enabled: bool,
    pub resource: Template,
    pub prep_resource: Template,
}

/// What becomes of a whole data source when a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Nothing more is begun.
    Stop,
    /// Only the failed entity's own later stages are left out.
    Continue,
    /// And the entities that come `after` it.
    SkipDependents,
}

/// Seconds, from and to.
pub type Span = (f64, f64);

/// What an entity takes in all stages together, by group or code.
#[derive(Clone, Debug)]
pub struct Durations {
    pub entity: String,
    pub of: Vec<(String, Span)>,
}

#[derive(Clone, Debug)]
pub struct Catalogue {
    pub name: String,
    pub version: i64,
    pub min_period: Period,
    /// The current month when left out.
    pub max_period: Option<Period>,
    pub servers: Vec<Server>,
    pub databases: Vec<Database>,
    /// The key of the database of the last stages and of the locks.
    pub target: String,
    pub timeouts: Timeouts,
    pub retry: Retry,
    pub locks: Locks,
    pub groups: Vec<Group>,
    pub codes: Vec<Code>,
    pub entities: Vec<Entity>,
    pub stages: Vec<Stage>,
    pub checks: Vec<Check>,
    pub on_error: OnError,
    pub waves: Vec<Vec<String>>,
    pub durations: Vec<Durations>,
}

impl Catalogue {
    /// The catalogue that pult is shipped with.
    pub fn shipped() -> Arc<Catalogue> {
        Arc::new(Catalogue::read(SHIPPED, "the shipped catalogue").unwrap_or_else(|error| {
            unreachable!("a test reads the shipped catalogue: {error}, {:?}", error.all_faults())
        }))
    }

    /// Reads a catalogue; `origin` is what people call the file. The error `sp.catalogue` has a fault for everything that
    /// is wrong with it, each with its place.
    pub fn read(text: &str, origin: &str) -> Result<Catalogue> {
        validate::read(text, origin)
    }

    /// Reads a file.
    pub fn load(path: &std::path::Path) -> Result<Catalogue> {
        let unreadable = |error: std::io::Error| {
            let message = format!("the catalogue {} cannot be read: {error}", path.display());
            Error::new(Kind::Config, "sp.catalogue_file", message).hint("check `catalogue` in the section of pult.toml")
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let mut catalogue = Catalogue::read(&text, &path.display().to_string())?;
        let folder = path.parent().map_or_else(PathBuf::new, PathBuf::from);
        for server in &mut catalogue.servers {
            if let Trust::Ca(file) = &mut server.trust {
                *file = folder.join(&*file);
            }
        }
        Ok(catalogue)
    }

    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    pub fn databases(&self) -> &[Database] {
        &self.databases
    }

    pub fn code(&self, key: &str) -> Option<&Code> {
        self.codes.iter().find(|code| code.key == key)
    }

    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.name == name)
    }

    pub fn group(&self, key: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.key == key)
    }

    pub fn server(&self, key: &str) -> Option<&Server> {
        self.servers.iter().find(|server| server.key == key)
    }

    pub fn database(&self, key: &str) -> Option<&Database> {
        self.databases.iter().find(|database| database.key == key)
    }

    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// Whether an entity needs a month; `None` when there is no such entity.
    pub fn is_dated(&self, name: &str) -> Option<bool> {
        self.entity(name).map(|entity| entity.dated)
    }

    /// Codes with their titles, in the order of the file.
    pub fn valid_codes(&self) -> Vec<(&str, &Title)> {
        self.codes.iter().map(|code| (code.key.as_str(), &code.title)).collect()
    }

    /// Entities of a code's group with their titles, in the order of the file; `None` when there is no such code.
    pub fn valid_names(&self, code: &str) -> Option<Vec<(&str, &Title)>> {
        let group = &self.code(code)?.group;
        let entities = self.entities.iter().filter(|entity| entity.is_in(group));
        Some(entities.map(|entity| (entity.name.as_str(), &entity.title)).collect())
    }

    /// The codes that a virtual code stands for.
    pub fn members(&self, code: &Code) -> Vec<&Code> {
        self.codes.iter().filter(|other| other.group == code.group && !other.is_virtual).collect()
    }

    /// The latest month that may be asked for, today.
    pub fn last_period(&self) -> Period {
        self.max_period.unwrap_or_else(Period::current)
    }
}
