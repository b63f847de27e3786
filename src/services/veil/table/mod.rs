//! What there is to call at a controller: entities, calls, their parameters and answers, once for the client, the
//! scripts, their documentation and completion. A new call is a line here.

mod calls;
mod domain;
mod entities;
mod params;
pub mod words;

pub use entities::ALL;

/// How an object of an entity is named in addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    Uuid,
    Number,
}

/// A kind of thing that a controller keeps.
#[derive(Debug)]
pub struct Entity {
    /// `veil.domain(id)`
    pub word: &'static str,
    /// `veil.domains()`
    pub plural: &'static str,
    /// The part of the address behind `/api/`.
    pub path: &'static str,
    /// Its word in tags, tasks and references.
    pub class: &'static str,
    /// The type in scripts: `VeilDomain`.
    pub type_name: &'static str,
    /// For people, with its article: "a virtual machine".
    pub named: &'static str,
    pub id: Id,
    /// The field by which people know an object.
    pub name_field: &'static str,
    /// The query parameter that narrows a list by that field, where there is one.
    pub name_filter: Option<&'static str>,
    /// What narrows a list, beside [`PAGING`](params::PAGING).
    pub filters: &'static [Param],
    pub calls: &'static [Call],
    /// Whether its objects have a `status` of [`STATUSES`](words::STATUSES).
    pub has_status: bool,
    /// Who knows that the controller keeps such things.
    pub known: Known,
}

/// The verb of a request. Nothing is ever sent with DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Put,
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// One object: the path goes behind its id.
    One,
    /// None in particular: the path goes behind the entity's.
    All,
    /// The path is the whole one, behind `/api/`.
    Api,
}

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// A task, or the finished work when the server did it at once.
    Task,
    /// Whatever the server sends.
    Data,
    /// One field of what it sends.
    Field(&'static str),
    /// An object of this entity.
    Object(&'static str),
    /// A page or a list of rows.
    Rows,
    /// Where a screen can be seen.
    Console,
    /// Whether the server answered well.
    Works,
    /// Whether the output of the program inside the machine is this word.
    Says(&'static str),
}

/// Who knows that the controller has this call: the marks of `reference/veil.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The Python client.
    Py,
    /// The Go client.
    Go,
    /// The VDI broker.
    Vdi,
    /// Scripts of users, or the vendor's text.
    User,
    /// Nobody: the path follows from the name of a right.
    Assumed,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holds {
    Text,
    /// A text that is never shown.
    Secret,
    Flag,
    /// Sent as 1 when it is set, and not at all when it is not.
    One,
    Integer,
    Number,
    /// The id of something that has no list.
    Uuid,
    /// The id, the name, the row or the handle of an object.
    Of(&'static str),
    /// Many of them.
    ManyOf(&'static str),
    /// A map that is sent as it is.
    Map,
    /// A list that is sent as it is.
    List,
    /// Texts that are joined by commas in a query.
    Words,
    Choice(&'static [&'static str]),
    /// `#rgb` or `#rrggbb`.
    Colour,
    /// A text that is sent in base64.
    Base64,
}

/// What is sent where the caller says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Usual {
    Absent,
    Required,
    Flag(bool),
    Integer(i64),
    Text(&'static str),
    /// Set, when this other parameter is given.
    With(&'static str),
    /// The id of the object that the call is about.
    This,
    /// The name of the object that the call is about.
    Name,
    /// As many new ids as the parameter `count` says: so they are known before the task ends.
    Fresh,
}

/// One parameter of a call or of a list.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// In scripts.
    pub name: &'static str,
    /// In the body or the query. `a.b` is `b` inside the object `a`.
    pub key: &'static str,
    pub holds: Holds,
    pub usual: Usual,
    pub help: &'static str,
    /// Of lists: nobody has described that the server narrows them by it, and one that does not gives everything. The
    /// field of this name in the rows shows whether it does.
    pub assumed: bool,
}

impl Param {
    const fn new(name: &'static str, holds: Holds, help: &'static str) -> Param {
        Param { name, key: name, holds, usual: Usual::Absent, help, assumed: false }
    }

    const fn assumed(mut self) -> Param {
        self.assumed = true;
        self
    }

    const fn key(mut self, key: &'static str) -> Param {
        self.key = key;
        self
    }

    const fn usual(mut self, usual: Usual) -> Param {
        self.usual = usual;
        self
    }

    const fn required(self) -> Param {
        self.usual(Usual::Required)
    }

    const fn flag(name: &'static str, usual: bool, help: &'static str) -> Param {
        Param::new(name, Holds::Flag, help).usual(Usual::Flag(usual))
    }

    /// What a caller cannot change.
    pub fn is_fixed(&self) -> bool {
        self.name.is_empty()
    }
}

/// What holds between parameters.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// With the first, none of the others.
    Excludes(&'static str, &'static [&'static str]),
    /// All of these or none.
    Together(&'static [&'static str]),
    /// The first only with the second.
    Needs(&'static str, &'static str),
    /// At least one of these.
    Any(&'static [&'static str]),
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// In scripts.
    pub name: &'static str,
    pub verb: Verb,
    pub on: On,
    pub path: &'static str,
    pub params: &'static [Param],
    /// How many of the parameters may be given by their place.
    pub placed: usize,
    pub rules: &'static [Rule],
    pub gives: Gives,
    /// It changes nothing although it is no GET.
    pub only_reads: bool,
    /// The server does the work inside the request unless told otherwise: the caller needs what it answers.
    pub at_once: bool,
    pub known: Known,
    /// One sentence, then more if need be.
    pub help: &'static str,
    /// A line of a script that runs against the sandbox; `vm`, `off`, `template` and others stand for objects.
    pub example: &'static str,
}

impl Call {
    const fn new(name: &'static str, verb: Verb, on: On, path: &'static str, gives: Gives, help: &'static str) -> Call {
        Call {
            name,
            verb,
            on,
            path,
            params: &[],
            placed: 0,
            rules: &[],
            gives,
            only_reads: false,
            at_once: false,
            known: Known::Py,
            help,
            example: "",
        }
    }

    const fn with(mut self, params: &'static [Param]) -> Call {
        self.params = params;
        self
    }

    const fn placed(mut self, placed: usize) -> Call {
        self.placed = placed;
        self
    }

    const fn rules(mut self, rules: &'static [Rule]) -> Call {
        self.rules = rules;
        self
    }

    const fn reads(mut self) -> Call {
        self.only_reads = true;
        self
    }

    const fn at_once(mut self) -> Call {
        self.at_once = true;
        self
    }

    const fn known(mut self, known: Known) -> Call {
        self.known = known;
        self
    }

    const fn example(mut self, example: &'static str) -> Call {
        self.example = example;
        self
    }

    pub fn changes(&self) -> bool {
        self.verb != Verb::Get && !self.only_reads
    }

    /// Whether it is about one object.
    pub fn needs_object(&self) -> bool {
        self.on == On::One || self.params.iter().any(|param| param.usual == Usual::This)
    }

    /// Whether it can be done for many objects side by side.
    pub fn in_bulk(&self) -> bool {
        self.needs_object() && self.changes()
    }

    /// Whether it runs a command inside the machine.
    pub fn runs_inside(&self) -> bool {
        self.path == "guest-command/"
    }

    /// The parameters that callers see.
    pub fn options(&self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        self.params.iter().filter(|param| !param.is_fixed())
    }

    /// The parameters that stand before the options.
    pub fn by_place(&self) -> impl Iterator<Item = &'static Param> {
        self.options().take(self.placed)
    }

    /// Whether there is something that cannot be left out.
    pub fn needs(&self) -> impl Iterator<Item = &'static Param> {
        self.options().filter(|param| param.usual == Usual::Required)
    }

    pub fn option(&self, name: &str) -> Option<&'static Param> {
        self.options().find(|param| param.name == name)
    }
}

impl Entity {
    /// The parameters of a list: those of every list, and the entity's own.
    pub fn list_params(&self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        params::PAGING.iter().chain(self.filters)
    }

    pub fn call(&self, name: &str) -> Option<&'static Call> {
        self.calls.iter().find(|call| call.name == name)
    }
}

/// The entity of this word, path or class.
pub fn entity(word: &str) -> Option<&'static Entity> {
    ALL.iter().copied().find(|entity| entity.word == word || entity.path == word || entity.class == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_refer_to_what_exists() {
        let mut words = HashSet::new();
        for entity in ALL {
            assert!(words.insert(entity.word) && words.insert(entity.plural), "{}", entity.word);
            let mut names = HashSet::new();
            for call in entity.calls {
                assert!(names.insert(call.name), "{}.{}", entity.word, call.name);
                assert!(call.placed <= call.options().count(), "{}.{}", entity.word, call.name);
                let mut seen = HashSet::new();
                for param in call.options() {
                    assert!(seen.insert(param.name), "{}.{} {}", entity.word, call.name, param.name);
                }
                assert!(call.path.is_empty() || call.path.ends_with('/'), "{}.{}", entity.word, call.name);
            }
            for param in entity.list_params().chain(entity.calls.iter().flat_map(|call| call.params)) {
                if let Holds::Of(word) | Holds::ManyOf(word) = param.holds {
                    assert!(super::entity(word).is_some(), "{}: {} of {word}", entity.word, param.name);
                }
            }
        }
    }

    #[test]
    fn words_that_scripts_cannot_use_are_not_among_the_names() {
        let reserved = ["async", "sync", "new", "import", "export", "shared", "with", "is", "call", "go", "spawn"];
        for call in ALL.iter().flat_map(|entity| entity.calls) {
            let names = call.options().map(|param| param.name).chain([call.name]);
            names.for_each(|name| assert!(!reserved.contains(&name), "{name}"));
        }
    }
}
