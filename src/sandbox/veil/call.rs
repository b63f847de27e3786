//! A call as its handler sees it, checked against the fields it may have; refusals in the shapes of the API.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ids::Id;
use super::kind::Kind;
use super::tasks::Job;
use super::text::{Lang, Text, text};
use super::world::World;

/// What a field of a body holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    Text,
    Id,
    Int,
    Number,
    Flag,
    Ids,
    List,
    Map,
}

/// A field of a body.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub holds: Type,
    pub is_needed: bool,
}

pub const fn may(name: &'static str, holds: Type) -> Field {
    Field { name, holds, is_needed: false }
}

pub const fn must(name: &'static str, holds: Type) -> Field {
    Field { name, holds, is_needed: true }
}

/// A request that has been let in.
pub struct Call {
    /// What stands for `{id}` in the address.
    pub id: Option<String>,
    pub query: Vec<(String, String)>,
    pub body: Map<String, Value>,
    pub lang: Lang,
    /// Place of the caller in the list of people.
    pub user: usize,
    /// Scheme, host and path as the caller wrote them.
    pub url: String,
    /// The body as it came, for uploads, and what it is.
    pub bytes: Bytes,
    pub content_type: String,
}

/// How a call ends well.
pub enum Reply {
    /// A body of JSON with status 200.
    Json(Vec<u8>),
    /// Work to begin; for what is to be created, its id.
    Job(Job, Option<Id>),
    /// A file.
    File(Bytes),
}

pub type Answer = Result<Reply, Fail>;

impl Reply {
    pub fn value(value: &Value) -> Answer {
        Ok(Reply::Json(value.to_string().into_bytes()))
    }

    /// An object in full.
    pub fn object(world: &World, call: &Call, kind: Kind, id: Id) -> Answer {
        let mut bytes = Vec::new();
        match super::show::object(world, kind, id, &call.want(world, true), &mut bytes) {
            true => Ok(Reply::Json(bytes)),
            false => Err(not_found(kind)),
        }
    }

    pub fn job(job: Job) -> Answer {
        Ok(Reply::Job(job, None))
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Fail {
    pub status: u16,
    pub code: &'static str,
    pub text: Text,
    /// Fields that are wrong, each with why; then code and text do not count.
    pub fields: Vec<(&'static str, Text)>,
}

pub fn fail(status: u16, code: &'static str, text: Text) -> Fail {
    Fail { status, code, text, fields: Vec::new() }
}

/// What cannot be done as things are.
pub fn refused(en: impl Into<String>, ru: impl Into<String>) -> Fail {
    fail(400, "50001", text(en, ru))
}

pub fn wrong_field(name: &'static str, en: impl Into<String>, ru: impl Into<String>) -> Fail {
    Fail { status: 400, code: "invalid", text: Text::default(), fields: vec![(name, text(en, ru))] }
}

pub fn not_found(kind: Kind) -> Fail {
    fail(404, "50002", text(format!("No such {}.", kind.class()), format!("{}: объект не найден.", kind.about().ru)))
}

impl Fail {
    /// What is wrong, in one sentence.
    pub fn sentence(&self) -> Text {
        match self.fields.first() {
            Some((name, why)) => text(format!("{name}: {}", why.of(Lang::En)), format!("{name}: {}", why.of(Lang::Ru))),
            None => self.text.clone(),
        }
    }

    /// The body; refusals of fields stand where `place` says.
    pub fn body(&self, lang: Lang, place: &str) -> Value {
        if self.fields.is_empty() {
            return json!({"errors": [{"detail": self.text.of(lang), "code": self.code, "msg_key": self.key()}]});
        }
        let fields = self.fields.iter().map(|(name, why)| ((*name).to_owned(), json!([why.of(lang)])));
        let fields = Value::Object(fields.collect());
        match place {
            "top" => fields,
            "errors" => json!({"errors": fields}),
            _ => json!({"errors": [fields]}),
        }
    }

    fn key(&self) -> &'static str {
        match self.code {
            "50002" => "object_not_found",
            "50004" => "url_not_found",
            "50009" => "object_is_locked",
            "50010" => "thin_clone_backup",
            _ => "",
        }
    }
}

impl Call {
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn given(&self, name: &str) -> Option<&Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.given(name)?.as_str()
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.given(name).and_then(truth)
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        let value = self.given(name)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    pub fn whole(&self, name: &str) -> Option<u64> {
        self.number(name).filter(|number| *number >= 0.0).map(|number| number as u64)
    }

    pub fn id(&self, name: &str) -> Option<Id> {
        Id::parse(self.text(name)?)
    }

    pub fn ids(&self, name: &str) -> Vec<Id> {
        let items = self.given(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|id| Id::parse(id.as_str()?)).collect()
    }

    /// What the caller wants of an object.
    pub fn want(&self, world: &World, full: bool) -> super::out::Want {
        let permission_flags = world.knobs.permission_flags;
        super::out::Want { full, fields: Vec::new(), lang: self.lang, permission_flags }
    }

    /// The object the address names.
    pub fn target(&self, world: &World, kind: Kind) -> Result<Id, Fail> {
        world.find(kind, self.id.as_deref().unwrap_or_default())
    }

    /// The object a field names, if it is given; a field whose object is not there is wrong.
    pub fn other(&self, world: &World, name: &'static str, kind: Kind) -> Result<Option<Id>, Fail> {
        let Some(id) = self.id(name) else { return Ok(None) };
        if world.holds(kind, id) {
            return Ok(Some(id));
        }
        Err(wrong_field(
            name,
            format!("Invalid pk \"{id}\" - object does not exist."),
            format!("Недопустимый первичный ключ \"{id}\" - объект не существует."),
        ))
    }

    /// Checks the body against its fields.
    pub fn check(&self, fields: &[Field]) -> Result<(), Fail> {
        let wrong: Vec<(&'static str, Text)> =
            fields.iter().filter_map(|field| Some((field.name, self.flaw(field)?))).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Fail { status: 400, code: "invalid", text: Text::default(), fields: wrong })
    }

    fn flaw(&self, field: &Field) -> Option<Text> {
        let Some(value) = self.given(field.name) else {
            return field.is_needed.then(|| text("This field is required.", "Обязательное поле."));
        };
        let is_id = |value: &Value| value.as_str().is_some_and(|id| Id::parse(id).is_some());
        let is_number = |value: &Value| value.is_number() || value.as_str().is_some_and(|n| n.parse::<f64>().is_ok());
        let (fits, en, ru) = match field.holds {
            Type::Text if field.is_needed && value.as_str() == Some("") => {
                (false, "This field may not be blank.", "Это поле не может быть пустым.")
            }
            Type::Text => (value.is_string(), "Not a valid string.", "Неправильная строка."),
            Type::Id => (is_id(value), "Must be a valid UUID.", "Неправильный UUID."),
            Type::Int => (
                is_number(value) && value.as_f64().is_none_or(|number| number.fract() == 0.0),
                "A valid integer is required.",
                "Требуется целое число.",
            ),
            Type::Number => (is_number(value), "A valid number is required.", "Требуется число."),
            Type::Flag => (truth(value).is_some(), "Must be a valid boolean.", "Требуется логическое значение."),
            Type::Ids => (
                value.as_array().is_some_and(|ids| ids.iter().all(is_id)),
                "Expected a list of UUIDs.",
                "Требуется список UUID.",
            ),
            Type::List => (value.is_array(), "Expected a list of items.", "Требуется список."),
            Type::Map => (value.is_object(), "Expected a dictionary of items.", "Требуется словарь."),
        };
        (!fits).then(|| text(en, ru))
    }
}

/// Flags are written as such, as 0 and 1, and as words.
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(word) => truth_word(word),
        _ => None,
    }
}

pub fn truth_word(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}
