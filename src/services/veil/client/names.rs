//! Objects by their names: wherever an id is wanted, the name will do, if it is only one's.

use serde_json::{Value, json};

use super::Options;
use super::call::How;
use super::controller::Controller;
use crate::core::rows::{Field, Row};
use crate::error::{Error, Kind, Result, near};
use crate::services::veil::table::{Entity, Holds, Id, Known, entity};
use crate::services::veil::wire::answer::Answer;
use crate::services::veil::wire::request::Request;
use crate::services::veil::wire::value::is_uuid;

/// An object that was found, or that was given by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: String,
    /// Unknown where the id was given.
    pub name: Option<String>,
}

impl Found {
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// Candidates that a message names.
const SHOWN: usize = 5;

impl Controller {
    /// The object of this id or name. An id is taken as it is; a name is looked up.
    pub async fn find(&self, entity: &'static Entity, text: &str) -> Result<Found> {
        let text = text.trim();
        let is_id = match entity.id {
            Id::Uuid => is_uuid(text),
            Id::Number => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
        };
        match is_id {
            true => Ok(Found { id: text.to_ascii_lowercase(), name: None }),
            false => self.by_name(entity, text).await,
        }
    }

    async fn by_name(&self, entity: &'static Entity, name: &str) -> Result<Found> {
        if name.is_empty() {
            return Err(Error::input("veil.no_id", format!("{}: neither an id nor a name is given", entity.word))
                .hint("give the id or the name of the object"));
        }
        let mut options = Options::from_iter([("fields".to_owned(), json!(["id", entity.name_field]))]);
        if let Some(filter) = entity.name_filter {
            options.insert(filter.to_owned(), json!(name));
        }
        let rows = self.rows(entity, &options).await?;
        let named = |row: &Row| text_of(row, entity.name_field);
        let exact: Vec<Row> = rows.iter().filter(|row| named(row).as_deref() == Some(name)).collect();
        match exact.as_slice() {
            [only] => Ok(Found { id: text_of(only, "id").unwrap_or_default(), name: Some(name.to_owned()) }),
            [] => Err(no_such(entity, name, rows.iter().filter_map(|row| named(&row)).collect())),
            several => {
                let ids: Vec<String> = several.iter().take(SHOWN).filter_map(|row| text_of(row, "id")).collect();
                let message = format!("there are {} of {} called \"{name}\"", several.len(), entity.plural);
                Err(Error::new(Kind::Input, "veil.ambiguous", message)
                    .hint(format!("name one by its id: {}", ids.join(", "))))
            }
        }
    }

    /// The full object, by its id.
    pub async fn info(&self, entity: &'static Entity, id: &str, how: &How) -> Result<Answer> {
        let request = Request::get(format!("{}/{id}/", entity.path));
        let assumed = entity.known == Known::Assumed;
        let answer = self.ask(&format!("{}.info", entity.word), &request, how, assumed).await?;
        self.0.counters.calls.add(1);
        Ok(answer)
    }

    /// What an object is called, by its id.
    pub(super) async fn object(&self, entity: &'static Entity, id: &str) -> Result<Found> {
        let answer = self.info(entity, id, &How::default()).await?;
        let name = answer.json().get(entity.name_field).and_then(Value::as_str).map(str::to_owned);
        Ok(Found { id: id.to_owned(), name })
    }

    /// What narrows a list, the names in it replaced by ids.
    pub async fn narrowed(&self, entity: &'static Entity, options: &Options) -> Result<Options> {
        let mut options = options.clone();
        for param in entity.list_params() {
            let Some(value) = options.get_mut(param.name) else { continue };
            *value = match param.holds {
                Holds::Of(word) => self.ids_of(word, value.take(), false).await?,
                Holds::ManyOf(word) => self.ids_of(word, value.take(), true).await?,
                _ => continue,
            };
        }
        Ok(options)
    }

    /// Names in a value become ids.
    pub(super) async fn ids_of(&self, word: &str, value: Value, many: bool) -> Result<Value> {
        let Some(entity) = entity(word) else { return Ok(value) };
        match value {
            Value::String(text) => {
                let id = Value::from(self.find(entity, &text).await?.id);
                Ok(if many { json!([id]) } else { id })
            }
            Value::Array(items) if many => {
                let mut ids = Vec::with_capacity(items.len());
                for item in items {
                    ids.push(match item {
                        Value::String(text) => Value::from(self.find(entity, &text).await?.id),
                        other => other,
                    });
                }
                Ok(Value::Array(ids))
            }
            other => Ok(other),
        }
    }
}

fn no_such(entity: &Entity, name: &str, known: Vec<String>) -> Error {
    let error = Error::new(Kind::NotFound, "veil.not_found", format!("there is no {} called \"{name}\"", entity.word));
    let similar = near(name, known.iter().map(String::as_str));
    let shown: Vec<&str> = match similar.is_empty() {
        true => known.iter().map(String::as_str).take(SHOWN).collect(),
        false => similar,
    };
    match shown.is_empty() {
        true => error.hint(format!("veil.{}().show() lists them", entity.plural)),
        false => error.hint(format!("there are {}", shown.join(", "))),
    }
}

/// A cell as text.
pub(super) fn text_of(row: &Row, name: &str) -> Option<String> {
    match row.get(name)? {
        Field::Text(text) => Some(text.to_owned()),
        Field::Integer(n) => Some(n.to_string()),
        _ => None,
    }
}
