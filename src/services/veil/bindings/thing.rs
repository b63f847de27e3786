//! What a handle holds: which object is meant, and what is known of it so far.

use std::sync::{Arc, Mutex, MutexGuard};

use rhai::{Dynamic, Map, NativeCallContext};

use super::work::Work;
use super::{Veil, words};
use crate::error::{Error, Result, did_you_mean};
use crate::script::bridge::{Thrown, throw, wait};
use crate::script::convert;
use crate::services::veil::client::{Controller, Found, How, TaskState};
use crate::services::veil::table::{Entity, Id};

/// One object of an entity, or the entity itself where none is named. Clones are the same object.
#[derive(Clone)]
pub struct Thing(Arc<Inner>);

struct Inner {
    veil: Veil,
    entity: &'static Entity,
    /// The id or the name, as it was given.
    about: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    /// The object, once it was looked up.
    found: Option<Found>,
    seen: Option<Seen>,
    /// Of tasks: how they stand.
    pub work: Work,
}

/// Fields of the object.
#[derive(Clone)]
struct Seen {
    fields: Map,
    /// All there are, and not only those of a list.
    is_whole: bool,
}

impl Thing {
    pub fn new(veil: &Veil, entity: &'static Entity, about: Option<String>) -> Thing {
        let about = about.map(|about| about.trim().to_owned());
        let found = about.as_ref().filter(|about| is_id(entity, about));
        let found = found.map(|id| Found { id: id.to_ascii_lowercase(), name: None });
        let state = Mutex::new(State { found, ..State::default() });
        Thing(Arc::new(Inner { veil: veil.clone(), entity, about, state }))
    }

    /// The object of a row or of an answer.
    pub fn of_fields(veil: &Veil, entity: &'static Entity, fields: Map, is_whole: bool) -> Thing {
        let text = |name: &str| fields.get(name).filter(|value| !value.is_unit()).map(ToString::to_string);
        let thing = Thing::new(veil, entity, text("id"));
        let name = text(entity.name_field);
        let mut state = thing.state();
        if let Some(found) = &mut state.found {
            found.name = name;
        }
        state.seen = Some(Seen { fields, is_whole });
        drop(state);
        thing
    }

    pub fn entity(&self) -> &'static Entity {
        self.0.entity
    }

    pub fn veil(&self) -> &Veil {
        &self.0.veil
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The id where it is known, else the name that was given.
    pub fn about(&self) -> Option<String> {
        self.known_id().or_else(|| self.0.about.clone())
    }

    pub fn known_id(&self) -> Option<String> {
        self.state().found.as_ref().map(|found| found.id.clone())
    }

    /// The name where it is known.
    pub fn known_name(&self) -> Option<String> {
        let state = self.state();
        let found = state.found.as_ref().and_then(|found| found.name.clone());
        let field = || state.seen.as_ref()?.fields.get(self.0.entity.name_field)?.clone().into_string().ok();
        found.or_else(field).or_else(|| self.0.about.clone().filter(|about| !is_id(self.0.entity, about)))
    }

    /// What is known of it is old now.
    pub fn forget(&self) {
        let mut state = self.state();
        state.seen = None;
        state.work.forget();
    }

    pub fn learn(&self, fields: Map, is_whole: bool) {
        self.state().seen = Some(Seen { fields, is_whole });
    }

    /// Which object this is; a name is looked up once.
    pub async fn found(&self, controller: &Controller) -> Result<Found> {
        if let Some(found) = self.state().found.clone() {
            return Ok(found);
        }
        let about = self.0.about.as_deref().unwrap_or_default();
        if about.is_empty() {
            return Err(self.no_object("this"));
        }
        let found = controller.find(self.0.entity, about).await?;
        self.state().found = Some(found.clone());
        Ok(found)
    }

    /// Reads the whole object anew.
    pub async fn fetch(&self, controller: &Controller, how: &How) -> Result<()> {
        let id = self.found(controller).await?.id;
        let answer = controller.info(self.0.entity, &id, how).await?;
        self.take_in(answer.text())
    }

    /// Takes the object's JSON for what is known of it.
    pub fn take_in(&self, text: &str) -> Result<()> {
        let fields = convert::from_json(text)?;
        self.learn(fields.try_cast::<Map>().unwrap_or_default(), true);
        if self.is_task()
            && let Some(task) = TaskState::read(text)
        {
            self.state().work.see(task);
        }
        Ok(())
    }

    /// The id; a name is looked up, and without either there is none.
    pub fn id(&self, call: &NativeCallContext<'_>) -> Thrown<Option<String>> {
        if self.0.about.is_none() {
            return Ok(None);
        }
        if let Some(id) = self.known_id() {
            return Ok(Some(id));
        }
        let controller = self.0.veil.controller(call)?;
        wait(call, self.found(&controller)).map(|found| Some(found.id))
    }

    /// All fields, read when they are not known.
    pub fn fields(&self, call: &NativeCallContext<'_>) -> Thrown<Map> {
        if let Some(seen) = self.state().seen.clone().filter(|seen| seen.is_whole) {
            return Ok(seen.fields);
        }
        self.read(call)?;
        Ok(self.state().seen.as_ref().map(|seen| seen.fields.clone()).unwrap_or_default())
    }

    fn read(&self, call: &NativeCallContext<'_>) -> Thrown<()> {
        if self.0.about.is_none() {
            return throw(call, self.no_object("its fields"));
        }
        let controller = self.0.veil.controller(call)?;
        wait(call, self.fetch(&controller, &How::default()))
    }

    /// One field, if the object has it. What is known from a list is taken as it is.
    pub fn field(&self, call: &NativeCallContext<'_>, name: &str) -> Thrown<Option<Dynamic>> {
        let known = self.state().seen.as_ref().map(|seen| (seen.fields.get(name).cloned(), seen.is_whole));
        match known {
            Some((Some(value), _)) => Ok(Some(value)),
            Some((None, true)) => Ok(None),
            _ => {
                self.read(call)?;
                Ok(self.state().seen.as_ref().and_then(|seen| seen.fields.get(name).cloned()))
            }
        }
    }

    /// A field by its name; one that the object lacks is an error with the near ones.
    pub fn index(&self, call: &NativeCallContext<'_>, name: &str) -> Thrown<Dynamic> {
        if let Some(value) = self.field(call, name)? {
            return Ok(value);
        }
        let fields = self.fields(call)?;
        let names: Vec<&str> = fields.keys().map(|name| name.as_str()).collect();
        let message = format!("{} has no field `{name}`", self.0.entity.named);
        let named = (name == "name").then(|| format!("the name is in `{}`", self.0.entity.name_field));
        let hint = named.or_else(|| words::instead(&format!("{}.{name}", self.0.entity.type_name)));
        let hint = hint.or_else(|| did_you_mean(name, names.iter().copied())).unwrap_or_else(|| match names.len() {
            0..=30 => format!("the fields are {}", names.join(", ")),
            n => format!("the {n} fields are {}, …", names[..30].join(", ")),
        });
        throw(call, Error::input("veil.no_field", message).hint(hint))
    }

    /// What is known of it, without asking: for tables and JSON.
    pub fn plain(&self) -> Map {
        let state = self.state();
        let mut fields = state.seen.as_ref().map(|seen| seen.fields.clone()).unwrap_or_default();
        drop(state);
        for (name, value) in [("id", self.known_id()), (self.0.entity.name_field, self.known_name())] {
            if let Some(value) = value.filter(|_| !fields.contains_key(name)) {
                fields.insert(name.into(), value.into());
            }
        }
        fields
    }

    pub fn is_task(&self) -> bool {
        self.0.entity.word == "task"
    }

    /// The error of something that needs an object where none is named.
    pub fn no_object(&self, what: &str) -> Error {
        let word = self.0.entity.word;
        Error::input("veil.no_id", format!("{word}(): {what} needs to know which: there is no id"))
            .hint(format!("write veil.{word}(id), with an id or a name"))
    }

    /// The type, the name, the id.
    pub fn shown(&self) -> String {
        let kind = self.0.entity.type_name;
        match (self.known_name(), self.known_id()) {
            (Some(name), Some(id)) => format!("{kind} {name} ({id})"),
            (Some(text), None) | (None, Some(text)) => format!("{kind} {text}"),
            (None, None) if self.state().work.is_done() => format!("{kind} that was done at once"),
            (None, None) => kind.to_owned(),
        }
    }
}

/// Whether a text is an id of such an object, and no name.
fn is_id(entity: &Entity, text: &str) -> bool {
    match entity.id {
        Id::Uuid => uuid::Uuid::try_parse(text).is_ok(),
        Id::Number => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
    }
}
