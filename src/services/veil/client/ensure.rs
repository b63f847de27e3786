//! Calls that may be made again and again: they look first, and change only what is not so yet.

use serde_json::{Value, json};

use super::Options;
use super::bulk::{Bulk, Done};
use super::call::How;
use super::controller::Controller;
use super::lists::of_ids;
use super::names::{Found, text_of};
use super::tags::Made;
use crate::core::rows::Field;
use crate::error::{Error, Kind, Result};
use crate::services::veil::table::{Call, Entity, entity};
use crate::services::veil::wire::request::Request;

/// How machines are to be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    On,
    Off,
}

/// Values of `user_power_state`.
const OFF: i64 = 1;
const SUSPENDED: i64 = 2;
const ON: i64 = 3;

impl Power {
    /// What brings a machine there from this state: a call, or nothing when it is there.
    fn step(self, state: i64, force: bool) -> Result<Option<&'static str>> {
        match (self, state) {
            (Power::On, ON) | (Power::Off, OFF) => Ok(None),
            (Power::On, OFF) => Ok(Some("start")),
            (Power::On, SUSPENDED) => Ok(Some("resume")),
            (Power::Off, ON) => Ok(Some("shutdown")),
            (Power::Off, SUSPENDED) if force => Ok(Some("shutdown")),
            (Power::Off, SUSPENDED) => Err(Error::new(
                Kind::Refused,
                "veil.suspended",
                "the machine is suspended and cannot be asked to shut down",
            )
            .hint("resume it first, or give force: true to switch it off")),
            _ => Err(Error::new(
                Kind::Refused,
                "veil.power_unknown",
                "the controller does not know how the machine is switched",
            )
            .hint("look at its host: it may be away")),
        }
    }
}

impl Controller {
    /// Switches on or off those that are not.
    pub async fn ensure_power(
        &self,
        objects: &[Found],
        power: Power,
        options: &Options,
        bulk: &Bulk,
    ) -> Result<Vec<Done>> {
        let (domain, steps) = power_calls()?;
        let force = options.get("force").and_then(Value::as_bool).unwrap_or(false);
        let states = self.power_states(domain, objects).await?;
        let mut done: Vec<Option<Done>> = vec![None; objects.len()];
        for step in steps {
            let next = |state: &i64| power.step(*state, force).ok().flatten();
            let wanted = |at: &usize| states[*at].as_ref().ok().and_then(next) == Some(step.name);
            let places: Vec<usize> = (0..objects.len()).filter(wanted).collect();
            if places.is_empty() {
                continue;
            }
            let these: Vec<Found> = places.iter().map(|at| objects[*at].clone()).collect();
            let made = self.bulk(domain, step, &these, options, bulk).await?;
            places.into_iter().zip(made).for_each(|(at, one)| done[at] = Some(one));
        }
        let rest = |(at, done): (usize, Option<Done>)| {
            done.unwrap_or_else(|| {
                let result = states[at].clone().and_then(|state| power.step(state, force).map(drop));
                Done::new(&objects[at], result, false)
            })
        };
        Ok(done.into_iter().enumerate().map(rest).collect())
    }

    /// How each of these machines is switched, asked for together.
    async fn power_states(&self, domain: &'static Entity, objects: &[Found]) -> Result<Vec<Result<i64>>> {
        let ids: Vec<String> = objects.iter().map(|found| found.id.clone()).collect();
        // What is remembered is no answer to how it is now.
        self.0.cache.forget();
        let rows = self.rows(domain, &of_ids(&ids, &["id", "user_power_state"])).await?;
        let known: std::collections::HashMap<String, i64> = rows
            .iter()
            .filter_map(|row| match (text_of(&row, "id"), row.get("user_power_state")) {
                (Some(id), Some(Field::Integer(state))) => Some((id, state)),
                _ => None,
            })
            .collect();
        let gone = |found: &Found| {
            Error::new(Kind::NotFound, "veil.not_found", format!("there is no machine {} any more", found.shown()))
                .hint("it was removed meanwhile, or the token's owner may not see it")
        };
        Ok(objects.iter().map(|found| known.get(&found.id).copied().ok_or_else(|| gone(found))).collect())
    }

    /// Gives these objects a tag, which is made when there is none of that name.
    pub async fn ensure_tag(
        &self,
        entity: &'static Entity,
        objects: &[Found],
        name: &str,
        how: &How,
    ) -> Result<Vec<Done>> {
        // What is told of a tag that is to be made first.
        let mut first = None;
        let (id, tagged) = match self.tag_named(name).await? {
            Some(found) => found,
            None => match self.make_tag(name, how).await? {
                Made::Tag(id) => (id, Vec::new()),
                Made::Told(told) => {
                    first = Some(told);
                    ("{id}".to_owned(), Vec::new())
                }
                Made::Held => return Ok(objects.iter().map(|found| Done::new(found, Ok(()), false)).collect()),
            },
        };
        let lacking: Vec<&Found> = objects.iter().filter(|found| !tagged.contains(&found.id)).collect();
        let mut told = None;
        if !lacking.is_empty() {
            let ids: Vec<String> = lacking.iter().map(|found| found.id.clone()).collect();
            let put = self.tag_entities(&id, true, entity.class, &ids, how).await?;
            told = put.map(|put| first.into_iter().chain([put]).collect::<Vec<_>>().join("\n"));
        }
        let one = |found: &Found| {
            let lacks = lacking.iter().any(|lacking| lacking.id == found.id);
            let changed = lacks && told.is_none() && !self.0.context.is_dry_run();
            Done { told: told.clone().filter(|_| lacks), ..Done::new(found, Ok(()), changed) }
        };
        Ok(objects.iter().map(one).collect())
    }

    /// The tag of exactly this name, and the objects that have it.
    async fn tag_named(&self, name: &str) -> Result<Option<(String, Vec<String>)>> {
        self.0.cache.forget();
        let request = Request::get("tags/").with("name", name).with("limit", "1000");
        let answer = self.ask("tag.list", &request, &How::default(), false).await?;
        let page: Value = answer.json();
        let all = page.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(tag) = all.iter().find(|tag| tag.get("verbose_name") == Some(&json!(name))) else { return Ok(None) };
        let word = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let entities = tag.get("ui_entities").and_then(Value::as_array).cloned().unwrap_or_default();
        let tagged = entities.iter().filter_map(|entity| word(entity.get("entity_uuid"))).collect();
        Ok(word(tag.get("id")).map(|id| (id, tagged)))
    }
}

fn power_calls() -> Result<(&'static Entity, Vec<&'static Call>)> {
    let domain = entity("domain").ok_or_else(|| Error::new(Kind::Protocol, "veil.table", "there are no machines"))?;
    Ok((domain, ["start", "resume", "shutdown"].iter().filter_map(|name| domain.call(name)).collect()))
}
