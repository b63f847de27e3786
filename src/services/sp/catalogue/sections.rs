//! From the sections of the file to the catalogue's parts, with every name that has to exist elsewhere.

use std::time::Duration;

use super::parse::{Faults, Section, Word};
use super::template::Placeholder::{self, Code as CodeHole, Database as DatabaseHole};
use super::template::Placeholder::{Entity as EntityHole, Name, PrepDatabase, Stage as StageHole};
use super::{
    Check, CheckQuery, CheckRule, Code, Database, Durations, Entity, Group, Locks, Manner, Matches, OnError, ParamRule,
    Per, Period, Retry, Rule, Source, Stage, Succeeds, Template, Timeouts, Title,
};

/// What a name has to be the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Server,
    Database,
    Group,
    Code,
    Entity,
    Stage,
    GroupOrCode,
}

/// Reads sections one by one.
pub(super) struct Reader<'a> {
    pub faults: &'a Faults<'a>,
    /// Names that were used.
    pub names: Vec<(Kind, Word)>,
    /// Where things were defined.
    pub places: Vec<(Kind, Word)>,
}

/// Letters, digits and `_`: what goes into the name of a procedure or a table without quotes.
pub(super) fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

impl Reader<'_> {
    pub fn uses(&mut self, kind: Kind, word: &Word) -> String {
        self.names.push((kind, word.clone()));
        word.text.clone()
    }

    pub fn defines(&mut self, kind: Kind, word: &Word) -> String {
        self.places.push((kind, word.clone()));
        word.text.clone()
    }

    /// A name that becomes a part of names at the server.
    fn name(&self, word: &Word, what: &str) {
        if !is_name(&word.text) {
            let message = format!("`{}` cannot be {what}: letters, digits and `_` alone", word.text);
            self.faults.add(&word.place, message, None);
        }
    }

    fn template(&self, word: Option<Word>, allowed: &[Placeholder]) -> Option<Template> {
        let word = word?;
        Template::parse(&word.text, allowed).map_err(|(message, hint)| self.faults.add(&word.place, message, hint)).ok()
    }

    /// The key of a database, or how it follows from the code.
    fn database(&mut self, word: Option<Word>, allowed: &[Placeholder]) -> Option<Template> {
        if let Some(word) = word.as_ref().filter(|word| !word.text.contains(['{', '}'])) {
            self.uses(Kind::Database, word);
        }
        self.template(word, allowed)
    }

    fn title(&self, section: &Section, otherwise: &str) -> Title {
        let plain = |text: &str| Title { en: text.to_owned(), ru: None };
        if !section.has("title") {
            return plain(otherwise);
        }
        if section.is_text("title") {
            return section.text("title").map_or_else(|| plain(otherwise), |word| plain(&word.text));
        }
        let Some(languages) = section.section("title") else { return plain(otherwise) };
        let en = languages.text("en").map_or_else(|| otherwise.to_owned(), |word| word.text);
        let ru = languages.text("ru").map(|word| word.text);
        languages.end();
        Title { en, ru }
    }

    pub fn period(&self, section: &Section, key: &'static str) -> Option<Period> {
        let word = section.text(key)?;
        let period = Period::parse(&word.text);
        if period.is_none() {
            let hint = "write a month like \"2018-01\"".to_owned();
            self.faults.add(&word.place, format!("`{key}`: \"{}\" is not a month", word.text), hint);
        }
        period
    }

    pub fn databases(&mut self, root: &Section) -> Vec<Database> {
        let Some(databases) = root.section("databases") else { return Vec::new() };
        let mut found = Vec::new();
        for (key, section) in databases.members() {
            let server = section.needed_text("server").map(|word| self.uses(Kind::Server, &word));
            let name = section.needed_text("database").map(|word| word.text);
            let title = self.title(&section, &key.text);
            section.end();
            let key = self.defines(Kind::Database, &key);
            if let (Some(server), Some(name)) = (server, name) {
                found.push(Database { key, server, name, title });
            }
        }
        found
    }

    pub fn groups(&mut self, root: &Section) -> Vec<Group> {
        let Some(groups) = root.section("groups") else { return Vec::new() };
        let mut found = Vec::new();
        for (key, section) in groups.members() {
            let word = section.needed_text("prep_database");
            let prep_database = self.database(word, &[CodeHole]).unwrap_or_default();
            let title = self.title(&section, &key.text);
            section.end();
            found.push(Group { key: self.defines(Kind::Group, &key), title, prep_database });
        }
        found
    }

    pub fn codes(&mut self, root: &Section) -> Vec<Code> {
        let Some(codes) = root.section("codes") else { return Vec::new() };
        let mut found = Vec::new();
        for (key, section) in codes.members() {
            if !key.text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
                let message = format!("`{}` cannot be a code: letters, digits, `_` and `-` alone", key.text);
                self.faults.add(&key.place, message, None);
            }
            let group = section.needed_text("group").map(|word| self.uses(Kind::Group, &word));
            let title = self.title(&section, &key.text);
            let is_virtual = section.flag("virtual").unwrap_or_default();
            section.end();
            let key = self.defines(Kind::Code, &key);
            found.push(Code { key, group: group.unwrap_or_default(), title, is_virtual });
        }
        found
    }

    pub fn entities(&mut self, root: &Section) -> Vec<Entity> {
        let Some(entities) = root.section("entities") else { return Vec::new() };
        entities.members().into_iter().map(|(name, section)| self.entity(&name, &section)).collect()
    }

    fn entity(&mut self, name: &Word, section: &Section) -> Entity {
        self.name(name, "the name of an entity");
        let dated = match section.has("dated") {
            true => section.flag("dated"),
            false => section.missing("dated"),
        };
        let groups = match section.texts("groups") {
            Some(groups) => groups.iter().map(|word| self.uses(Kind::Group, word)).collect(),
            None if section.has("groups") => Vec::new(),
            None => section.missing("groups").unwrap_or_default(),
        };
        let after = section.texts("after").unwrap_or_default();
        let title = self.title(section, &name.text.replace('_', " "));
        let entity = Entity {
            abbr: section.text("abbr").map(|word| word.text),
            title,
            dated: dated.unwrap_or_default(),
            shared: self.by_group(section, "shared", &groups, Some(Kind::Code)),
            alias: self.by_group(section, "alias", &groups, None),
            covers_months: self.covers_months(section),
            after: after.iter().map(|word| self.uses(Kind::Entity, word)).collect(),
            timeout: section.seconds("timeout"),
            groups,
            name: self.defines(Kind::Entity, name),
        };
        // Whether somebody has seen the real name is for those who read the file.
        section.flag("known");
        section.end();
        entity
    }

    /// `shared = { hcs = "all" }`, `alias = { hcs = "other_name" }`.
    fn by_group(
        &mut self,
        section: &Section,
        key: &'static str,
        groups: &[String],
        of: Option<Kind>,
    ) -> Vec<(String, String)> {
        let Some(table) = section.section(key) else { return Vec::new() };
        let mut found = Vec::new();
        for (group, word) in table.text_members() {
            self.uses(Kind::Group, &group);
            if !groups.contains(&group.text) {
                let message = format!("`{key}`: the entity does not exist in the group `{}`", group.text);
                self.faults.add(&group.place, message, "add it to `groups`, or take it out here".to_owned());
            }
            match of {
                Some(kind) => drop(self.uses(kind, &word)),
                None => self.name(&word, "a name at the server"),
            }
            found.push((group.text, word.text));
        }
        found
    }

    fn covers_months(&mut self, section: &Section) -> Vec<(String, u32)> {
        let Some(table) = section.section("covers_months") else { return Vec::new() };
        let mut found = Vec::new();
        for (group, months) in table.whole_members() {
            found.push((self.uses(Kind::Group, &group), u32::try_from(months).unwrap_or(1)));
        }
        found
    }

    pub fn stages(&mut self, root: &Section) -> Vec<Stage> {
        let sections = root.sections("stages");
        if sections.is_empty() {
            root.missing::<()>("[[stages]]");
        }
        sections.iter().filter_map(|section| self.stage(section)).collect()
    }

    fn stage(&mut self, section: &Section) -> Option<Stage> {
        let id = section.needed_text("id");
        let per = section.choice("per", &[("code", Per::Code), ("entity", Per::Entity)]);
        let per = per.or_else(|| (!section.has("per")).then(|| section.missing("per")).flatten());
        // A stage for an entity has no data source.
        let (place, called): (&[Placeholder], &[Placeholder]) = match per {
            Some(Per::Entity) => (&[], &[EntityHole, Name, StageHole]),
            _ => (&[PrepDatabase, CodeHole], &[EntityHole, Name, StageHole, CodeHole]),
        };
        let database = section.needed_text("database");
        let database = self.database(database, place);
        let share = section.number("share").unwrap_or(1.0);
        let manner = self.manner(section);
        let rules = section.sections("rules");
        if rules.is_empty() {
            section.missing::<()>("[[stages.rules]]");
        }
        let rules = rules.iter().filter_map(|rule| self.rule(rule, per, called)).collect();
        section.end();
        let id = id?;
        self.name(&id, "the id of a stage");
        let id = self.defines(Kind::Stage, &id);
        Some(Stage { id, database: database.unwrap_or_default(), per: per.unwrap_or(Per::Code), manner, share, rules })
    }

    fn manner(&self, section: &Section) -> Manner {
        let succeeds = match section.is_text("return_codes") {
            true => section.choice("return_codes", &[("any", ())]).map(|()| Succeeds::Any),
            false => section.integers("return_codes").map(|codes| {
                let narrow = |code: i64| {
                    let fits = i32::try_from(code).ok();
                    if fits.is_none() {
                        self.faults.add(&section.place_of("return_codes"), format!("{code} is no return code"), None);
                    }
                    fits
                };
                Succeeds::With(codes.into_iter().filter_map(narrow).collect())
            }),
        };
        Manner {
            transaction: section.flag("transaction"),
            repeatable: section.flag("repeatable"),
            timeout: section.seconds("timeout"),
            succeeds,
        }
    }

    fn rule(&mut self, section: &Section, per: Option<Per>, called: &[Placeholder]) -> Option<Rule> {
        let matches = self.matches(section, per);
        let word = section.needed_text("procedure");
        let procedure = self.template(word.clone(), called);
        if let Some(word) = &word {
            self.procedure(word);
        }
        let rule = Rule {
            matches,
            procedure: procedure.unwrap_or_default(),
            params: self.params(section, per == Some(Per::Entity)),
            before: section.text("before").map(|word| word.text),
            after: section.text("after").map(|word| word.text),
            manner: self.manner(section),
        };
        section.end();
        word.map(|_| rule)
    }

    /// At most `schema.name`, with nothing that would have to be quoted.
    fn procedure(&self, word: &Word) {
        let bare: String = word.text.chars().filter(|c| !matches!(c, '{' | '}' | '[' | ']')).collect();
        let parts: Vec<&str> = bare.split('.').collect();
        if parts.len() > 2 {
            let hint = "the database is chosen by `database`".to_owned();
            self.faults.add(&word.place, "the name of a procedure has at most two parts: schema.name", hint);
        } else if parts.iter().any(|part| part.is_empty() || !part.chars().all(is_name_or_sign)) {
            self.faults.add(&word.place, "this cannot be the name of a procedure", "write schema.name".to_owned());
        }
    }

    fn matches(&mut self, section: &Section, per: Option<Per>) -> Matches {
        let Some(table) = section.section("match") else { return Matches::default() };
        let mut list = |key, kind| {
            let words: Vec<Word> = table.texts(key)?;
            Some(words.iter().map(|word| self.uses(kind, word)).collect())
        };
        let matches = Matches {
            groups: list("group", Kind::Group),
            codes: list("code", Kind::Code),
            entities: list("entity", Kind::Entity),
            dated: table.flag("dated"),
        };
        table.end();
        if per == Some(Per::Entity) && (matches.groups.is_some() || matches.codes.is_some()) {
            let hint = "leave it out, or say per = \"code\"".to_owned();
            let message = "a stage that runs once for an entity has no `code` and no `group` to match";
            self.faults.add(&table.place, message, hint);
        }
        matches
    }

    fn params(&self, section: &Section, without_code: bool) -> Vec<ParamRule> {
        section.sections("params").iter().filter_map(|param| self.param(param, without_code)).collect()
    }

    fn param(&self, section: &Section, without_code: bool) -> Option<ParamRule> {
        let name = section.needed_text("name");
        let words = ["code", "month", "year", "month_start"];
        let words: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
        let from = match section.has("from") {
            true => section.choice("from", &words),
            false => section.missing("from"),
        };
        let format = section.text("format");
        section.end();
        let (mut name, from) = (name?, from?);
        name.text = name.text.trim_start_matches('@').to_owned();
        self.name(&name, "the name of a parameter");
        if from == "code" && without_code {
            let message = "a stage that runs once for an entity has no code to give";
            self.faults.add(&section.place_of("from"), message, "say per = \"code\", or leave it out".to_owned());
        }
        if let Some(format) = format.as_ref().filter(|_| from != "month_start") {
            self.faults.add(&format.place, "`format` is for month_start alone", None);
        }
        Some(ParamRule {
            name: name.text,
            from: match from {
                "code" => Source::Code,
                "month" => Source::Month,
                "year" => Source::Year,
                _ => Source::MonthStart(format.and_then(|word| self.format(word))),
            },
        })
    }

    fn format(&self, word: Word) -> Option<String> {
        let day = jiff::civil::Date::constant(2019, 7, 1);
        match jiff::fmt::strtime::format(&word.text, day) {
            Ok(_) => Some(word.text),
            Err(error) => {
                let hint = "write it like \"%Y%m%d\"".to_owned();
                self.faults.add(&word.place, format!("`format`: {error}"), hint);
                None
            }
        }
    }

    pub fn checks(&mut self, root: &Section) -> Vec<Check> {
        let mut found = Vec::new();
        for section in root.sections("checks") {
            let id = section.needed_text("id").map(|word| word.text);
            let stage = section.needed_text("stage").map(|word| self.uses(Kind::Stage, &word));
            let rules = section.sections("rules").iter().filter_map(|rule| self.check_rule(rule)).collect();
            section.end();
            if let (Some(id), Some(stage)) = (id, stage) {
                found.push(Check { id, stage, rules });
            }
        }
        found
    }

    fn check_rule(&mut self, section: &Section) -> Option<CheckRule> {
        let matches = self.matches(section, None);
        let skip = section.flag("skip").unwrap_or_default();
        let texts = match skip {
            true => (section.text("database"), section.text("sql")),
            false => (section.needed_text("database"), section.needed_text("sql")),
        };
        let database = self.database(texts.0, &[PrepDatabase, CodeHole]);
        let sql = self.template(texts.1, &[EntityHole, Name, CodeHole]);
        let params = self.params(section, false);
        section.end();
        let query = match (database, sql) {
            (Some(database), Some(sql)) if !skip => Some(CheckQuery { database, sql, params }),
            _ => None,
        };
        (skip || query.is_some()).then_some(CheckRule { matches, query })
    }

    pub fn timeouts(&self, root: &Section) -> Timeouts {
        let section = root.section("timeouts");
        let seconds = |key, otherwise| {
            let given = section.as_ref().and_then(|section| section.seconds(key));
            given.unwrap_or(Duration::from_secs(otherwise))
        };
        let timeouts = Timeouts {
            connect: seconds("connect", 15),
            check: seconds("check", 120),
            statement: seconds("statement", 7200),
            lock: seconds("lock", 600),
        };
        section.iter().for_each(Section::end);
        timeouts
    }

    pub fn retry(&self, root: &Section) -> Retry {
        let section = root.section("retry");
        let of = section.as_ref();
        let retry = Retry {
            attempts: of.and_then(|s| s.whole("attempts", 1..=100)).and_then(|n| u32::try_from(n).ok()).unwrap_or(3),
            on_errors: of.and_then(|s| s.integers("on_errors")).unwrap_or_else(|| vec![1205, 1222, 3960]),
            on_disconnect: of.and_then(|s| s.flag("on_disconnect")).unwrap_or(true),
            backoff: of.and_then(|s| s.seconds("backoff")).unwrap_or(Duration::from_secs(5)),
            backoff_max: of.and_then(|s| s.seconds("backoff_max")).unwrap_or(Duration::from_secs(120)),
        };
        section.iter().for_each(Section::end);
        retry
    }

    pub fn locks(&self, root: &Section) -> Locks {
        let section = root.section("locks");
        let at_target = [StageHole, EntityHole, Name];
        let at_source = [StageHole, EntityHole, Name, DatabaseHole, CodeHole];
        let template = |key: &'static str, otherwise: &str, allowed: &[Placeholder]| {
            let written = section.as_ref().and_then(|section| self.template(section.text(key), allowed));
            written.or_else(|| Template::parse(otherwise, allowed).ok()).unwrap_or_default()
        };
        let locks = Locks {
            enabled: section.as_ref().and_then(|section| section.flag("enabled")).unwrap_or(true),
            resource: template("resource", "pult:sp:{stage}:{entity}", &at_target),
            prep_resource: template("prep_resource", "pult:sp:{stage}:{database}:{entity}", &at_source),
        };
        section.iter().for_each(Section::end);
        locks
    }

    /// What becomes of a failed step, and the waves with the places of their members.
    pub fn plan(&mut self, root: &Section) -> (OnError, Vec<Vec<Word>>) {
        let words =
            [("stop", OnError::Stop), ("continue", OnError::Continue), ("skip-dependents", OnError::SkipDependents)];
        let Some(plan) = root.section("plan") else { return (OnError::SkipDependents, Vec::new()) };
        let section = plan.section("data_source");
        plan.end();
        let Some(section) = section else { return (OnError::SkipDependents, Vec::new()) };
        let on_error = section.choice("on_error", &words).unwrap_or(OnError::SkipDependents);
        let waves = section.lists("waves").unwrap_or_default();
        section.end();
        for word in waves.iter().flatten() {
            self.uses(Kind::Entity, word);
        }
        (on_error, waves)
    }

    pub fn durations(&mut self, root: &Section) -> Vec<Durations> {
        let Some(section) = root.section("durations") else { return Vec::new() };
        let mut found = Vec::new();
        for (entity, table) in section.members() {
            let mut of = Vec::new();
            for (key, span) in table.span_members() {
                of.push((self.uses(Kind::GroupOrCode, &key), span));
            }
            found.push(Durations { entity: self.uses(Kind::Entity, &entity), of });
        }
        found
    }
}

fn is_name_or_sign(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '#' | '$' | '@' | ' ')
}
