//! What a set holds: which objects are meant. Nothing is asked for before somebody uses it.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use rhai::{Array, Dynamic, Map, NativeCallContext, Position};
use serde_json::{Value, json};

use super::Veil;
use super::given;
use super::kinds;
use super::thing::Thing;
use crate::core::rows::{Row, Rows};
use crate::core::stream::RowStream;
use crate::error::{Error, Result};
use crate::script::bridge::{Host, Thrown, host, throw, thrown, wait, wait_at};
use crate::script::convert;
use crate::script::rows::Stream;
use crate::services::veil::client::{Controller, Found, Options};
use crate::services::veil::table::Entity;

/// Names that are looked up at once.
const AT_ONCE: usize = 8;

/// Objects of one entity. Clones are the same set.
#[derive(Clone)]
pub struct Things(Arc<Inner>);

struct Inner {
    veil: Veil,
    host: Arc<Host>,
    entity: &'static Entity,
    of: Of,
}

/// Which objects.
enum Of {
    /// Those that a list with these parameters has.
    Listed(Options),
    /// These.
    Chosen(Vec<Thing>),
}

impl Things {
    /// All of them.
    pub fn all(call: &NativeCallContext<'_>, veil: &Veil, entity: &'static Entity) -> Things {
        Things::of(call, veil, entity, Of::Listed(Options::new()))
    }

    /// Those that a map narrows a list to, or those of a list, of rows or of another set.
    pub fn given(
        call: &NativeCallContext<'_>,
        veil: &Veil,
        entity: &'static Entity,
        given: &Dynamic,
    ) -> Thrown<Things> {
        if let Some(filter) = given.read_lock::<Map>() {
            let filter = given::filter(call, veil, entity, &filter)?;
            // Without any ids the list would be that of everything.
            let is_none = filter.get("ids").and_then(Value::as_array).is_some_and(Vec::is_empty);
            let of = if is_none { Of::Chosen(Vec::new()) } else { Of::Listed(filter) };
            return Ok(Things::of(call, veil, entity, of));
        }
        if let Some(things) = kinds::things(given).filter(|things| things.0.entity.word == entity.word) {
            veil.own(call, things.veil(), &things.shown())?;
            return Ok(things);
        }
        let chosen = |item: &Dynamic| chosen(call, veil, entity, item);
        let mut these: Vec<Thing> = if let Some(rows) = given.read_lock::<Rows>() {
            rows.iter().map(|row| chosen(&Dynamic::from(row))).collect::<Thrown<_>>()?
        } else if let Some(items) = given.read_lock::<Array>() {
            items.iter().map(chosen).collect::<Thrown<_>>()?
        } else {
            let word = entity.plural;
            let message = format!("{word} cannot be made of {}", convert::type_name(given));
            let hint = match given.is_string() {
                true => format!("write veil.{}(…) for one, or veil.{word}([…]) for several", entity.word),
                false => {
                    format!("write veil.{word}(#{{…}}) with a filter, or veil.{word}([…]) with ids, names or handles")
                }
            };
            return throw(call, Error::input("veil.set", message).hint(hint));
        };
        // Work done twice is another work.
        let mut seen = HashSet::new();
        these.retain(|thing| thing.about().is_none_or(|about| seen.insert(about)));
        Ok(Things::of(call, veil, entity, Of::Chosen(these)))
    }

    fn of(call: &NativeCallContext<'_>, veil: &Veil, entity: &'static Entity, of: Of) -> Things {
        Things(Arc::new(Inner { veil: veil.clone(), host: host(call), entity, of }))
    }

    pub fn entity(&self) -> &'static Entity {
        self.0.entity
    }

    pub fn controller(&self, call: &NativeCallContext<'_>) -> Thrown<Controller> {
        self.0.veil.controller(call)
    }

    pub fn veil(&self) -> &Veil {
        &self.0.veil
    }

    /// The objects as the client wants them, with their names where those are known.
    pub async fn found(&self, controller: &Controller) -> Result<Vec<Found>> {
        match &self.0.of {
            Of::Listed(filter) => controller.listed(self.0.entity, filter).await,
            Of::Chosen(these) => {
                let finding = these.iter().map(|thing| async move {
                    let found = thing.found(controller).await?;
                    Ok::<_, Error>(Found { name: found.name.or_else(|| thing.known_name()), ..found })
                });
                let mut all: Vec<Found> = stream::iter(finding).buffered(AT_ONCE).try_collect().await?;
                // One may be here by its name and by its id.
                let mut seen = HashSet::new();
                all.retain(|found| seen.insert(found.id.clone()));
                Ok(all)
            }
        }
    }

    pub async fn rows_of(&self, controller: &Controller) -> Result<Rows> {
        match &self.0.of {
            Of::Listed(filter) => {
                let filter = controller.narrowed(self.0.entity, filter).await?;
                controller.rows(self.0.entity, &filter).await
            }
            Of::Chosen(_) => {
                let ids: Vec<String> = self.found(controller).await?.into_iter().map(|found| found.id).collect();
                controller.objects(self.0.entity, &ids).await
            }
        }
    }

    pub fn rows(&self, call: &NativeCallContext<'_>) -> Thrown<Rows> {
        let controller = self.controller(call)?;
        wait(call, self.rows_of(&controller))
    }

    /// What narrows it to nothing in particular although something is named: a change of all would be a slip.
    pub fn suspicious(&self) -> Option<Error> {
        let Of::Listed(filter) = &self.0.of else { return None };
        let is_empty = |value: &Value| value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty);
        let (name, _) = filter.iter().find(|(_, value)| is_empty(value))?;
        let message = format!("`{name}` has no value, so that this would be all {}", self.0.entity.plural);
        Some(Error::input("veil.empty_filter", message).hint(format!("leave `{name}` out if all are meant")))
    }

    pub fn ids(&self, call: &NativeCallContext<'_>) -> Thrown<Vec<String>> {
        let controller = self.controller(call)?;
        let found = wait(call, self.found(&controller))?;
        Ok(found.into_iter().map(|found| found.id).collect())
    }

    pub fn count(&self, call: &NativeCallContext<'_>) -> Thrown<i64> {
        match &self.0.of {
            // Ids and names may mean the same.
            Of::Chosen(these) if is_mixed(these) => self.ids(call).map(|ids| ids.len() as i64),
            Of::Chosen(these) => {
                let known: HashSet<String> = these.iter().filter_map(Thing::about).collect();
                Ok((known.len() + these.iter().filter(|thing| thing.about().is_none()).count()) as i64)
            }
            Of::Listed(filter) => {
                let controller = self.controller(call)?;
                let count = async {
                    let mut filter = controller.narrowed(self.0.entity, filter).await?;
                    filter.remove("fields");
                    controller.count(self.0.entity, &filter).await
                };
                wait(call, count).map(|count| count as i64)
            }
        }
    }

    /// A handle of each, with what the list says of it.
    pub fn handles(&self, call: &NativeCallContext<'_>) -> Thrown<Array> {
        match &self.0.of {
            Of::Chosen(these) => Ok(these.iter().cloned().map(kinds::handle).collect()),
            Of::Listed(_) => Ok(self.rows(call)?.iter().map(|row| self.handle(&row)).collect()),
        }
    }

    fn handle(&self, row: &Row) -> Dynamic {
        kinds::handle(Thing::of_fields(&self.0.veil, self.0.entity, convert::from_row(row), false))
    }

    pub fn first(&self, call: &NativeCallContext<'_>) -> Thrown<Dynamic> {
        match &self.0.of {
            Of::Chosen(these) => Ok(these.first().cloned().map_or(Dynamic::UNIT, kinds::handle)),
            Of::Listed(filter) => {
                let controller = self.controller(call)?;
                let first = async {
                    let mut filter = controller.narrowed(self.0.entity, filter).await?;
                    filter.insert("limit".into(), json!(1));
                    controller.rows(self.0.entity, &filter).await
                };
                Ok(wait(call, first)?.get(0).map_or(Dynamic::UNIT, |row| self.handle(&row)))
            }
        }
    }

    /// The rows one by one, read while they are used.
    pub fn stream(&self, position: Position) -> Thrown<Stream> {
        let host = &self.0.host;
        let controller = self.0.veil.of(host).map_err(|error| thrown(error, position))?;
        let rows = match &self.0.of {
            Of::Listed(filter) => {
                let filter = wait_at(host, position, controller.narrowed(self.0.entity, filter))?;
                controller.stream(self.0.entity, &filter).map_err(|error| thrown(error, position))?
            }
            Of::Chosen(_) => {
                let rows = wait_at(host, position, self.rows_of(&controller))?;
                RowStream::start(host.context.runtime(), 1, move |pages| async move {
                    // Nobody listens any more when this fails.
                    let _ = pages.send(Ok(rows)).await;
                })
            }
        };
        Ok(Stream::new(host.clone(), rows))
    }

    pub fn shown(&self) -> String {
        let kind = kinds::set_name(self.0.entity);
        match &self.0.of {
            Of::Listed(filter) if filter.is_empty() => kind.to_owned(),
            Of::Listed(filter) => {
                let parts: Vec<String> = filter.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                format!("{kind} ({})", parts.join(", "))
            }
            Of::Chosen(these) => format!("{kind} ({})", these.len()),
        }
    }
}

/// Whether some are known by their ids, and others by their names only.
fn is_mixed(these: &[Thing]) -> bool {
    let of_names = these.iter().filter(|thing| thing.about().is_some() && thing.known_id().is_none()).count();
    (1..these.len()).contains(&of_names)
}

/// One of the objects that a set is made of.
fn chosen(call: &NativeCallContext<'_>, veil: &Veil, entity: &'static Entity, item: &Dynamic) -> Thrown<Thing> {
    if let Some(thing) = kinds::thing(item).filter(|thing| thing.entity().word == entity.word) {
        veil.own(call, thing.veil(), &thing.shown())?;
        return Ok(thing);
    }
    let about = given::about(call, veil, Some(entity.word), item)?;
    let fields = item.read_lock::<Row>().map(|row| convert::from_row(&row)).or_else(|| item.clone().try_cast::<Map>());
    match fields {
        // Its name spares a question; the rest may be old.
        Some(mut fields) => {
            fields.retain(|name, _| name == "id" || name == entity.name_field);
            Ok(Thing::of_fields(veil, entity, fields, false))
        }
        None => Ok(Thing::new(veil, entity, Some(about))),
    }
}
