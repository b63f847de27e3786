//! A catalogue as a whole: whether its parts fit together.

use super::parse::{Faults, Place, Section, Word, parse};
use super::sections::{Kind, Reader};
use super::servers::RawServer;
use super::steps::Pair;
use super::{Catalogue, Code, Entity, Period, Server, Source};
use crate::error::Result;

pub(super) fn read(text: &str, origin: &str) -> Result<Catalogue> {
    let faults = Faults::new(text, origin);
    let root = parse(text, &faults);
    let formed = faults.is_empty();
    let catalogue = {
        let section = Section::new(0..0, root.get_ref(), &faults);
        let mut reader = Reader { faults: &faults, names: Vec::new(), places: Vec::new() };
        let (catalogue, waves) = document(&mut reader, &section);
        // Where the form is broken, what is missing elsewhere would only be an echo.
        if formed {
            Validation { catalogue: &catalogue, reader: &reader, faults: &faults }.all(&waves);
        }
        catalogue
    };
    match faults.into_error() {
        Some(error) => Err(error),
        None => Ok(catalogue),
    }
}

fn document(reader: &mut Reader, root: &Section) -> (Catalogue, Vec<Vec<Word>>) {
    let head = root.section("catalog");
    if head.is_none() && !root.has("catalog") {
        root.missing::<()>("[catalog]");
    }
    let of = head.as_ref();
    let name = of.and_then(|head| head.needed_text("name")).map(|word| word.text);
    let version = of.and_then(|head| head.whole("version", 1..=1)).unwrap_or(1);
    let min_period = of.and_then(|head| reader.period(head, "min_period"));
    let max_period = of.and_then(|head| match head.text("max_period") {
        Some(word) if word.text == "current" => None,
        _ => reader.period(head, "max_period"),
    });
    if let (Some(head), Some(min), Some(max)) = (of, min_period, max_period)
        && max < min
    {
        reader.faults.add(&head.place_of("max_period"), "`max_period` is before `min_period`", None);
    }
    head.iter().for_each(Section::end);
    let servers = servers(reader, root);
    let databases = reader.databases(root);
    let roles = root.section("roles");
    let target = roles.as_ref().and_then(|roles| roles.needed_text("target"));
    roles.iter().for_each(Section::end);
    if roles.is_none() && !root.has("roles") {
        root.missing::<()>("[roles]");
    }
    let target = target.map(|word| reader.uses(Kind::Database, &word)).unwrap_or_default();
    let (timeouts, retry, locks) = (reader.timeouts(root), reader.retry(root), reader.locks(root));
    let (groups, codes, entities) = (reader.groups(root), reader.codes(root), reader.entities(root));
    let (stages, checks) = (reader.stages(root), reader.checks(root));
    let (on_error, waves) = reader.plan(root);
    let durations = reader.durations(root);
    root.end();
    let names = |wave: &Vec<Word>| wave.iter().map(|word| word.text.clone()).collect();
    let catalogue = Catalogue {
        name: name.unwrap_or_default(),
        version,
        min_period: min_period.unwrap_or(Period { year: 1, month: 1 }),
        max_period,
        servers,
        databases,
        target,
        timeouts,
        retry,
        locks,
        groups,
        codes,
        entities,
        stages,
        checks,
        on_error,
        waves: waves.iter().map(names).collect(),
        durations,
    };
    (catalogue, waves)
}

/// Servers with what they take over from others. One that takes over from itself is told of.
fn servers(reader: &mut Reader, root: &Section) -> Vec<Server> {
    let mut waiting = reader.servers(root);
    let mut done: Vec<RawServer> = Vec::new();
    loop {
        let is_known = |word: &Word, of: &[RawServer]| of.iter().any(|server| server.key.text == word.text);
        let ready = |server: &RawServer| match &server.extends {
            Some(base) => is_known(base, &done) || !is_known(base, &waiting),
            None => true,
        };
        let Some(at) = waiting.iter().position(ready) else { break };
        let server = waiting.remove(at);
        let base = server.extends.clone();
        let base = base.and_then(|base| done.iter().find(|known| known.key.text == base.text));
        let whole = server.over(base);
        done.push(whole);
    }
    for server in waiting {
        if let Some(base) = &server.extends {
            let message = format!("the server `{}` extends itself, by way of `{}`", server.key.text, base.text);
            reader.faults.add(&base.place, message, None);
        }
    }
    done.sort_by_key(|server| server.place.start);
    done.iter().filter_map(|server| server.finish(reader.faults)).collect()
}

struct Validation<'a> {
    catalogue: &'a Catalogue,
    reader: &'a Reader<'a>,
    faults: &'a Faults<'a>,
}

impl Validation<'_> {
    fn all(&self, waves: &[Vec<Word>]) {
        self.names();
        self.spellings();
        self.repeated();
        self.sources();
        self.shared();
        self.order(waves);
        self.rules();
    }

    fn place(&self, kind: Kind, name: &str) -> Place {
        let found = self.reader.places.iter().find(|(known, word)| *known == kind && word.text == name);
        found.map_or(0..0, |(_, word)| word.place.clone())
    }

    fn known(&self, kind: Kind) -> Vec<&str> {
        let of = |kind: Kind| {
            self.reader.places.iter().filter(move |(known, _)| *known == kind).map(|(_, word)| word.text.as_str())
        };
        match kind {
            Kind::GroupOrCode => of(Kind::Group).chain(of(Kind::Code)).collect(),
            kind => of(kind).collect(),
        }
    }

    /// Every name that is used exists.
    fn names(&self) {
        for (kind, word) in &self.reader.names {
            let known = self.known(*kind);
            let what = match kind {
                Kind::Server => "server",
                Kind::Database => "database",
                Kind::Group => "group",
                Kind::Code => "code",
                Kind::Entity => "entity",
                Kind::Stage => "stage",
                Kind::GroupOrCode => "group and no code",
            };
            if !known.contains(&word.text.as_str()) {
                self.faults.unknown(word, what, known);
            }
        }
    }

    /// SQL Server, and people, do not tell capitals from small letters.
    fn spellings(&self) {
        for kind in [Kind::Code, Kind::Entity] {
            let words: Vec<&Word> =
                self.reader.places.iter().filter(|(known, _)| *known == kind).map(|(_, word)| word).collect();
            for (at, word) in words.iter().enumerate() {
                let twin = words[..at].iter().find(|other| other.text.to_lowercase() == word.text.to_lowercase());
                if let Some(twin) = twin {
                    let message = format!("`{}` and `{}` differ in capitals alone", twin.text, word.text);
                    self.faults.add(&word.place, message, None);
                }
            }
        }
    }

    fn repeated(&self) {
        let stages = &self.catalogue.stages;
        for (at, stage) in stages.iter().enumerate() {
            if stages[..at].iter().any(|other| other.id == stage.id) {
                let places: Vec<&Word> =
                    self.reader.places.iter().filter(|(kind, _)| *kind == Kind::Stage).map(|(_, word)| word).collect();
                let place = places.iter().filter(|word| word.text == stage.id).nth(1);
                let place = place.map_or(0..0, |word| word.place.clone());
                self.faults.add(&place, format!("there are two stages `{}`", stage.id), None);
            }
        }
    }

    /// Every code has the database that it is exported from.
    fn sources(&self) {
        for code in &self.catalogue.codes {
            let Some(group) = self.catalogue.group(&code.group) else { continue };
            let database = self.catalogue.prep_database(code);
            let plain = !group.prep_database.to_string().contains('{');
            if self.catalogue.database(&database).is_none() && !code.is_virtual && !plain {
                let place = self.place(Kind::Code, &code.key);
                let message = format!("the code `{}` has no database `{database}` to be exported from", code.key);
                self.faults.add(&place, message, format!("add `{database}` to [databases]"));
            }
        }
        let real = self.catalogue.codes.iter().filter(|code| !code.is_virtual);
        for code in real {
            let prep_database = self.catalogue.prep_database(code);
            for stage in self.catalogue.stages.iter().filter(|_| self.catalogue.database(&prep_database).is_some()) {
                let database = self.catalogue.database_of(&stage.database, code);
                // One that stands there in plain words is looked for as such.
                if stage.database.to_string().contains('{') && self.catalogue.database(&database).is_none() {
                    let place = self.place(Kind::Stage, &stage.id);
                    let message = format!("the stage `{}` has no database `{database}` for `{}`", stage.id, code.key);
                    self.faults.add(&place, message, format!("add `{database}` to [databases]"));
                }
            }
        }
    }

    /// A code that serves a whole group belongs to it.
    fn shared(&self) {
        for entity in &self.catalogue.entities {
            for (group, code) in &entity.shared {
                let other = self.catalogue.code(code).filter(|code| code.group != *group);
                if let Some(code) = other {
                    let place = self.place(Kind::Entity, &entity.name);
                    let message = format!("`shared`: the code `{}` is of the group `{}`", code.key, code.group);
                    self.faults.add(&place, message, format!("give a code of the group `{group}`"));
                }
            }
        }
    }

    /// Nothing comes after itself, and the waves say the same as `after`.
    fn order(&self, waves: &[Vec<Word>]) {
        for entity in &self.catalogue.entities {
            if let Some(way) = self.way_back(entity) {
                let place = self.place(Kind::Entity, &entity.name);
                self.faults.add(&place, format!("`after` goes round in a circle: {}", way.join(" → ")), None);
            }
        }
        let members: Vec<&Word> = waves.iter().flatten().collect();
        for (at, word) in members.iter().enumerate() {
            if members[..at].iter().any(|other| other.text == word.text) {
                self.faults.add(&word.place, format!("`{}` stands in the waves a second time", word.text), None);
            }
            let Some(entity) = self.catalogue.entity(&word.text) else { continue };
            for other in &entity.after {
                let later = members[at + 1..].iter().any(|word| word.text == *other);
                if later {
                    let message = format!("`{}` comes after `{other}`, which stands behind it", word.text);
                    self.faults.add(&word.place, message, format!("put `{other}` before it"));
                }
            }
        }
    }

    /// The way from an entity back to itself.
    fn way_back(&self, entity: &Entity) -> Option<Vec<String>> {
        let mut ways = vec![vec![entity.name.clone()]];
        let mut seen: Vec<String> = Vec::new();
        while let Some(way) = ways.pop() {
            let Some(last) = way.last().and_then(|name| self.catalogue.entity(name)) else { continue };
            for next in &last.after {
                let mut longer = way.clone();
                longer.push(next.clone());
                if *next == entity.name {
                    return Some(longer);
                }
                if !seen.contains(next) {
                    seen.push(next.clone());
                    ways.push(longer);
                }
            }
        }
        None
    }

    /// Every entity is reached by a rule in every stage for every code; what is dated gets its month, and nothing else.
    fn rules(&self) {
        for entity in &self.catalogue.entities {
            let place = self.place(Kind::Entity, &entity.name);
            for group in &entity.groups {
                let codes = self.catalogue.codes.iter().filter(|code| code.group == *group);
                self.reached(entity, &codes.collect::<Vec<_>>(), &place);
            }
            let months = self.asks_for_month(entity);
            if entity.dated && !months {
                let message = format!("`{}` is dated, but no rule for it has a parameter from a date", entity.name);
                self.faults.add(&place, message, "give it one, or say dated = false".to_owned());
            }
            if !entity.dated && months {
                let message = format!("`{}` is not dated, but a rule for it has a parameter from a date", entity.name);
                self.faults.add(&place, message, "say dated = true, or give it a rule of its own".to_owned());
            }
        }
    }

    fn reached(&self, entity: &Entity, codes: &[&Code], place: &Place) {
        for stage in &self.catalogue.stages {
            let without = |code: &&&Code| !stage.rules.iter().any(|rule| rule.matches.fits(Pair { entity, code }));
            let lost: Vec<&str> = codes.iter().filter(without).map(|code| code.key.as_str()).collect();
            if !lost.is_empty() {
                let message =
                    format!("no rule of the stage `{}` is for `{}` of {}", stage.id, entity.name, lost.join(", "));
                self.faults.add(place, message, "add one at the end of [[stages.rules]]".to_owned());
            }
        }
    }

    fn asks_for_month(&self, entity: &Entity) -> bool {
        let codes = self.catalogue.codes.iter().filter(|code| entity.is_in(&code.group));
        let pairs = codes.map(|code| Pair { entity, code });
        pairs.into_iter().any(|pair| {
            let rules = self.catalogue.stages.iter().filter_map(|stage| stage.rule(pair));
            rules.into_iter().any(|rule| rule.params.iter().any(|param| Source::is_date(&param.from)))
        })
    }
}
