//! What the catalogue says about an entity of a data source: calls, checks, locks, usual durations.

use std::time::Duration;

use super::template::Filling;
use super::{Catalogue, CheckQuery, Code, Entity, Matches, ParamRule, Per, Rule, Source, Span, Stage, Succeeds};

/// An entity and a code of a group in which it exists.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    pub entity: &'a Entity,
    pub code: &'a Code,
}

/// A parameter of a procedure, and where its value comes from.
pub type ParamSpec = ParamRule;

/// One call of one procedure, before there is a month.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSpec {
    pub stage: String,
    pub entity: String,
    /// The entity as the group calls it.
    pub alias: String,
    /// Of a step that is made once for each data source.
    pub code: Option<String>,
    /// Keys of the catalogue.
    pub server: String,
    pub database: String,
    /// The database's name at the server.
    pub real_database: String,
    /// `schema.name`.
    pub procedure: String,
    pub params: Vec<ParamSpec>,
    /// Statements around the call.
    pub before: Option<String>,
    pub after: Option<String>,
    /// The name of the application lock, where locks are taken.
    pub lock: Option<String>,
    pub transaction: bool,
    pub repeatable: bool,
    pub timeout: Duration,
    pub succeeds: Succeeds,
}

/// A question for the newest modification time.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSpec {
    pub check: String,
    pub stage: String,
    pub entity: String,
    pub code: String,
    pub server: String,
    pub database: String,
    pub real_database: String,
    /// One row of one column.
    pub sql: String,
    /// They travel beside the text as `@name`.
    pub params: Vec<ParamSpec>,
}

impl Matches {
    pub(super) fn fits(&self, pair: Pair) -> bool {
        let among = |list: &Option<Vec<String>>, word: &str| list.as_ref().is_none_or(|l| l.iter().any(|w| w == word));
        among(&self.groups, &pair.code.group)
            && among(&self.codes, &pair.code.key)
            && among(&self.entities, &pair.entity.name)
            && self.dated.is_none_or(|dated| dated == pair.entity.dated)
    }
}

impl Stage {
    /// The first rule that matches.
    pub fn rule(&self, pair: Pair) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.matches.fits(pair))
    }
}

impl Catalogue {
    /// The key of the database that a code is exported from.
    pub fn prep_database(&self, code: &Code) -> String {
        let filling = Filling { code: &code.key, ..Filling::default() };
        self.group(&code.group).map(|group| group.prep_database.fill(&filling)).unwrap_or_default()
    }

    pub(super) fn database_of(&self, template: &super::Template, code: &Code) -> String {
        let prep_database = self.prep_database(code);
        template.fill(&Filling { code: &code.key, prep_database: &prep_database, ..Filling::default() })
    }

    /// The call of a stage for an entity and a code; `None` where the entity does not exist in the code's group, or a
    /// virtual code has no database. A stage that runs once for an entity gives the same call for every code.
    pub fn step(&self, stage: &Stage, pair: Pair) -> Option<StepSpec> {
        let Pair { entity, code } = pair;
        let rule = stage.rule(pair).filter(|_| entity.is_in(&code.group))?;
        let database = self.database(&self.database_of(&stage.database, code))?;
        let per_code = stage.per == Per::Code;
        let alias = if per_code { entity.alias_in(&code.group) } else { &entity.name };
        let filling = Filling {
            entity: alias,
            name: &entity.name,
            code: &code.key,
            stage: &stage.id,
            database: &database.key,
            prep_database: &database.key,
        };
        let (own, general) = (&rule.manner, &stage.manner);
        let lock = match database.key == self.target {
            true => &self.locks.resource,
            false => &self.locks.prep_resource,
        };
        Some(StepSpec {
            stage: stage.id.clone(),
            entity: entity.name.clone(),
            alias: alias.to_owned(),
            code: per_code.then(|| code.key.clone()),
            server: database.server.clone(),
            database: database.key.clone(),
            real_database: database.name.clone(),
            procedure: rule.procedure.fill(&filling),
            params: rule.params.clone(),
            before: rule.before.clone(),
            after: rule.after.clone(),
            lock: self.locks.enabled.then(|| lock.fill(&filling)),
            transaction: own.transaction.or(general.transaction).unwrap_or(true),
            repeatable: own.repeatable.or(general.repeatable).unwrap_or(false),
            timeout: own.timeout.or(entity.timeout).or(general.timeout).unwrap_or(self.timeouts.statement),
            succeeds: own.succeeds.clone().or_else(|| general.succeeds.clone()).unwrap_or(Succeeds::With(vec![0])),
        })
    }

    /// The calls of an entity for a code, in the order of the stages.
    pub fn steps(&self, entity: &str, code: &str) -> Vec<StepSpec> {
        let (Some(entity), Some(code)) = (self.entity(entity), self.code(code)) else { return Vec::new() };
        self.stages.iter().filter_map(|stage| self.step(stage, Pair { entity, code })).collect()
    }

    /// Every call there is: of each stage for each entity and, where it matters, each code.
    pub fn every_step(&self) -> Vec<StepSpec> {
        let mut all = Vec::new();
        for stage in &self.stages {
            for entity in &self.entities {
                let codes = self.codes.iter().filter(|code| entity.is_in(&code.group));
                let steps = codes.filter_map(|code| self.step(stage, Pair { entity, code }));
                match stage.per {
                    Per::Code => all.extend(steps),
                    Per::Entity => all.extend(steps.take(1)),
                }
            }
        }
        all
    }

    /// The questions about an entity of a code, in the order of the file; without a query where there is nothing to look
    /// at.
    pub fn checks(&self, entity: &str, code: &str) -> Vec<(&str, Option<CheckSpec>)> {
        let (Some(entity), Some(code)) = (self.entity(entity), self.code(code)) else { return Vec::new() };
        let pair = Pair { entity, code };
        let of = |check: &super::Check| {
            let rule = check.rules.iter().find(|rule| rule.matches.fits(pair));
            rule.and_then(|rule| rule.query.as_ref()).and_then(|query| self.check(check, query, pair))
        };
        self.checks.iter().map(|check| (check.id.as_str(), of(check))).collect()
    }

    fn check(&self, check: &super::Check, query: &CheckQuery, pair: Pair) -> Option<CheckSpec> {
        let Pair { entity, code } = pair;
        let database = self.database(&self.database_of(&query.database, code))?;
        let alias = entity.alias_in(&code.group);
        let filling = Filling { entity: alias, name: &entity.name, code: &code.key, ..Filling::default() };
        Some(CheckSpec {
            check: check.id.clone(),
            stage: check.stage.clone(),
            entity: entity.name.clone(),
            code: code.key.clone(),
            server: database.server.clone(),
            database: database.key.clone(),
            real_database: database.name.clone(),
            sql: query.sql.fill(&filling),
            params: query.params.clone(),
        })
    }

    /// Every question there is: of each check for each entity and each code.
    pub fn every_check(&self) -> Vec<CheckSpec> {
        let pairs = self.entities.iter().flat_map(|entity| {
            self.codes.iter().filter(|code| entity.is_in(&code.group)).map(move |code| (entity, code))
        });
        pairs.flat_map(|(entity, code)| self.checks(&entity.name, &code.key)).filter_map(|(_, check)| check).collect()
    }

    /// What a stage of an entity usually takes for a code, in seconds, from and to; `None` where nothing is known.
    pub fn usual_seconds(&self, stage: &str, entity: &str, code: &str) -> Option<Span> {
        let group = &self.code(code)?.group;
        let known = &self.durations.iter().find(|known| known.entity == entity)?.of;
        let own = known.iter().find(|(key, _)| key == code);
        let (_, (from, to)) = own.or_else(|| known.iter().find(|(key, _)| key == group))?;
        let whole: f64 = self.stages.iter().map(|stage| stage.share).sum();
        let part = self.stage(stage)?.share / whole;
        part.is_finite().then_some((from * part, to * part))
    }

    /// Whether a check asks for a single data source.
    pub fn is_by_code(&self, check: &CheckSpec) -> bool {
        check.params.iter().any(|param| param.from == Source::Code)
    }
}
