//! Certain objects: many of them by their ids, and one of them until it is as it should be.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::Instant;

use super::Options;
use super::call::How;
use super::controller::Controller;
use super::lists::of_ids;
use super::names::{Found, text_of};
use super::tasks::Waiting;
use crate::core::json::read_rows;
use crate::core::rows::{Builder, Field, Row, Rows};
use crate::error::{Error, Kind, Result};
use crate::services::veil::table::Entity;

/// Requests under way at once.
const AT_ONCE: usize = 8;
/// The first pause between two looks at an object; it grows up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

impl Controller {
    /// The objects of these ids or names, in this order. A name is looked up; an id is taken as it is.
    pub async fn find_all(&self, entity: &'static Entity, texts: &[String]) -> Result<Vec<Found>> {
        let finding = texts.iter().map(|text| self.find(entity, text));
        let found: Vec<Result<Found>> = futures_util::stream::iter(finding).buffered(AT_ONCE).collect().await;
        found.into_iter().collect()
    }

    /// The objects that a filter leaves, for work on them. A filter that the server may not know has to show in the rows:
    /// otherwise the work would be done on everything.
    pub async fn listed(&self, entity: &'static Entity, filter: &Options) -> Result<Vec<Found>> {
        let mut filter = self.narrowed(entity, filter).await?;
        let assumed = entity.list_params().filter(|param| param.assumed).map(|param| param.name);
        let assumed = assumed.filter_map(|name| Some((name, filter.get(name)?.as_str()?.to_owned())));
        let assumed: Vec<(&str, String)> = assumed.collect();
        let fields = ["id", entity.name_field].into_iter().chain(assumed.iter().map(|(name, _)| *name));
        let fields: Value = fields.map(Value::from).collect();
        filter.insert("fields".to_owned(), fields);
        filter.remove("all_content");
        let rows = self.rows(entity, &filter).await?;
        for (name, wanted) in &assumed {
            if let Some(other) = rows.iter().find(|row| !shows(row, name, wanted)) {
                return Err(not_narrowed(entity, name, &found(&other, entity)));
            }
        }
        Ok(rows.iter().map(|row| found(&row, entity)).collect())
    }

    /// The rows of these objects, in this order. Those that are gone are left out.
    pub async fn objects(&self, entity: &'static Entity, ids: &[String]) -> Result<Rows> {
        if ids.is_empty() {
            return Ok(Rows::default());
        }
        if !entity.filters.iter().any(|filter| filter.name == "ids") {
            return self.one_by_one(entity, ids).await;
        }
        let mut options: Options = of_ids(ids, &[]);
        options.remove("fields");
        let rows = self.rows(entity, &options).await?;
        let by_id: HashMap<String, Row> = rows.iter().filter_map(|row| Some((text_of(&row, "id")?, row))).collect();
        Ok(Rows::of(ids.iter().filter_map(|id| by_id.get(id).cloned()).collect()))
    }

    async fn one_by_one(&self, entity: &'static Entity, ids: &[String]) -> Result<Rows> {
        let how = &How::default();
        let asking = ids.iter().map(|id| self.info(entity, id, how));
        let answers: Vec<_> = futures_util::stream::iter(asking).buffered(AT_ONCE).collect().await;
        let mut objects = Vec::with_capacity(answers.len());
        for answer in answers {
            match answer {
                Ok(answer) => objects.push(answer.text().to_owned()),
                Err(error) if error.kind() == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let mut builder = Builder::new();
        read_rows(&format!("[{}]", objects.join(",")), &mut builder)?;
        Ok(builder.finish().into())
    }

    /// Looks at an object until it is as wanted; gives it then, as JSON. `wanted` says what is waited for.
    pub async fn until(
        &self,
        entity: &'static Entity,
        id: &str,
        waiting: Waiting,
        wanted: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<String> {
        let until = Instant::now() + waiting.timeout;
        let bar = self.bar(wanted, None);
        let mut pause = waiting.interval.unwrap_or(FIRST);
        loop {
            // A cache would show the same again and again.
            self.0.cache.forget();
            let answer = self.info(entity, id, &How::default()).await?;
            if is_so(&answer.json()) {
                return Ok(answer.text().to_owned());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = format!("{}: {wanted}: not so after {} s", entity.word, waiting.timeout.as_secs_f64());
                return Err(Error::new(Kind::Timeout, "veil.wait_timeout", message)
                    .detail("id", id.to_owned())
                    .hint("look at the object in the web interface, or give it a longer `timeout`"));
            }
            bar.note(wanted.to_owned());
            // A last look when the time is up.
            tokio::time::sleep(pause.min(left)).await;
            if waiting.interval.is_none() {
                pause = (pause * 2).min(LONGEST);
            }
        }
    }
}

/// The object of a row.
fn found(row: &Row, entity: &Entity) -> Found {
    Found { id: text_of(row, "id").unwrap_or_default(), name: text_of(row, entity.name_field) }
}

/// Whether a field names the object of this id: by the id alone, or as a map with it.
fn shows(row: &Row, name: &str, id: &str) -> bool {
    let is_it = |text: &str| text.eq_ignore_ascii_case(id);
    match row.get(name) {
        Some(Field::Text(text)) => is_it(text),
        Some(Field::Json(text)) => {
            let object: Value = serde_json::from_str(text).unwrap_or_default();
            object.get("id").and_then(Value::as_str).is_some_and(is_it)
        }
        _ => false,
    }
}

fn not_narrowed(entity: &Entity, name: &str, other: &Found) -> Error {
    let plural = entity.plural;
    let message = format!("the controller does not narrow {plural} by `{name}`: {} is on the list, too", other.shown());
    Error::new(Kind::Protocol, "veil.filter_ignored", message)
        .hint(format!("choose the rows here: veil.{plural}(veil.{plural}().rows().filter(|row| …))"))
}
