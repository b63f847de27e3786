//! Every method by name: the families' and the single ones.

use super::answer::{Answer, Fail, Reply, fail};
use super::crud;
use super::list;
use super::params::{get, whole};
use super::schema::Kind;
use super::views::{PLAIN, VIEWS, Verb, View};
use super::world::World;
use super::{single, tasks};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

/// One call of a method.
pub struct Call<'a> {
    /// The method's name in lower case.
    pub name: &'a str,
    pub params: &'a Value,
    pub view: &'static View,
    /// Who calls.
    pub user: u64,
    /// Unix seconds.
    pub now: i64,
    /// As the knob of this name.
    pub hidden_every: u64,
}

/// What a method does to the world.
#[derive(Clone, Copy)]
pub enum Act {
    Read(fn(&World, &Call) -> Reply),
    Write(fn(&mut World, &Call) -> Reply),
}

/// A method.
pub struct Method {
    pub name: String,
    pub view: &'static View,
    pub act: Act,
    /// Not allowed inside a batch.
    pub alone: bool,
}

impl Call<'_> {
    /// The entity the call is about.
    pub fn kind(&self) -> Result<Kind, Fail> {
        if let Some(kind) = self.view.kind {
            return Ok(kind);
        }
        let number = get(self.params, "entityTypeId").ok_or_else(|| super::answer::missing("entityTypeId"))?;
        let kind = whole(number).and_then(Kind::of_entity_type);
        kind.ok_or_else(|| fail(400, "NOT_FOUND", "Смарт-процесс не найден"))
    }
}

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let mut all = HashMap::new();
    let mut add = |name: String, view: &'static View, act: Act, alone: bool| {
        all.insert(name.to_ascii_lowercase(), Method { name, view, act, alone });
    };
    for view in VIEWS {
        for (suffix, verb) in view.methods {
            let act = match verb {
                Verb::List => Act::Read(list::list),
                Verb::Get => Act::Read(crud::get_one),
                Verb::Fields => Act::Read(crud::fields),
                Verb::Add => Act::Write(crud::add),
                Verb::Update => Act::Write(crud::update),
                Verb::Delete => Act::Write(crud::delete),
            };
            add(format!("{}.{suffix}", view.branch), view, act, false);
            if *verb == Verb::Add && view.branch == "crm.item" {
                add("crm.item.batchImport".to_owned(), view, Act::Write(crud::import), false);
            }
        }
    }
    for (name, act) in single::METHODS.iter().chain(tasks::METHODS) {
        add((*name).to_owned(), &PLAIN, *act, false);
    }
    for name in ["disk.folder.uploadfile", "disk.storage.uploadfile"] {
        add(name.to_owned(), &PLAIN, Act::Write(single::upload), true);
    }
    add("methods".to_owned(), &PLAIN, Act::Read(names), false);
    add("method.get".to_owned(), &PLAIN, Act::Read(known), false);
    all
});

/// A method by its name in any case.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.get(&name.to_ascii_lowercase())
}

/// Runs a method on the world.
pub fn run(world: &RwLock<World>, act: Act, call: &Call) -> Reply {
    match act {
        Act::Read(read) => read(&world.read().unwrap_or_else(PoisonError::into_inner), call),
        Act::Write(write) => write(&mut world.write().unwrap_or_else(PoisonError::into_inner), call),
    }
}

fn names(_: &World, _: &Call) -> Reply {
    let mut names: Vec<&str> = METHODS.values().map(|method| method.name.as_str()).chain(["batch"]).collect();
    names.sort_unstable();
    Ok(Answer::of(&json!(names)))
}

fn known(_: &World, call: &Call) -> Reply {
    let name = get(call.params, "name").and_then(Value::as_str).unwrap_or_default();
    let known = find(name).is_some() || name == "batch";
    Ok(Answer::of(&json!({"isExisting": known, "isAvailable": known})))
}
