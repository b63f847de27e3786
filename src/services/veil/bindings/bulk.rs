//! The same for many objects, and what became of each.

use rhai::{Dynamic, Map, NativeCallContext};

use super::given::{self, General, OF_BULK};
use super::thing::Thing;
use super::things::Things;
use super::work::{push, thrown_with, wait_or_end};
use crate::core::rows::{Builder, Field, Rows};
use crate::error::{Error, Kind, Result};
use crate::script::bridge::{Thrown, throw, wait};
use crate::services::veil::client::{Bulk, Controller, Done, Options, Power, UnderWay};
use crate::services::veil::table::Call;

impl General {
    /// How many at once, and how each. Work on many is waited for unless told otherwise.
    fn bulk(&self, controller: &Controller, under_way: &UnderWay) -> Bulk {
        let wait = self.wait.unwrap_or(true).then(|| self.waiting(controller, under_way));
        Bulk { limit: self.limit, wait, via: self.via, how: self.how.clone() }
    }
}

/// Makes a call for each object of a set.
pub fn run(
    call: &NativeCallContext<'_>,
    things: &Things,
    does: &'static Call,
    placed: &[Dynamic],
    options: &Map,
) -> Thrown<Dynamic> {
    let what = format!("{}.{}", things.entity().plural, does.name);
    let (own, general) = given::options(call, things.veil(), &what, does, placed, options, (OF_BULK, "return"))?;
    if let Some(error) = things.suspicious() {
        return throw(call, error);
    }
    let controller = things.controller(call)?;
    let under_way = UnderWay::default();
    let bulk = general.bulk(&controller, &under_way);
    let job = async {
        let objects = things.found(&controller).await?;
        match objects.is_empty() {
            true => Ok(Vec::new()),
            false => controller.bulk(things.entity(), does, &objects, &own, &bulk).await,
        }
    };
    told(call, &what, wait_or_end(call, &controller, &under_way, job)?, &general)
}

/// The rows, or an error with the rows inside.
fn told(call: &NativeCallContext<'_>, what: &str, done: Vec<Done>, general: &General) -> Thrown<Dynamic> {
    let rows = rows(&done).or_else(|error| throw(call, error))?;
    let failures: Vec<&Error> = done.iter().filter_map(|one| one.result.as_ref().err()).collect();
    match failures.first() {
        Some(first) if !general.returns => {
            let message = format!("{what}: {} of {} failed; first: {}", failures.len(), done.len(), first.message());
            let error = Error::new(Kind::Partial, "veil.partial", message);
            thrown_with(call, &error.hint("err.rows says what became of each"), &rows)
        }
        _ => Ok(Dynamic::from(rows)),
    }
}

/// A row for each.
fn rows(done: &[Done]) -> Result<Rows> {
    let mut builder = Builder::new();
    for one in done {
        let error = one.result.as_ref().err();
        let seconds = (one.took.as_secs_f64() * 1000.0).round() / 1000.0;
        let message = error.map(Error::message).or(one.told.as_deref());
        let cells = [
            ("id", Field::Text(&one.id)),
            ("verbose_name", text(one.name.as_deref())),
            ("done", Field::Flag(error.is_none())),
            ("changed", Field::Flag(one.changed)),
            ("seconds", Field::Number(seconds)),
            ("task", text(one.task.as_ref().map(|task| task.id.as_str()))),
            ("error", text(error.map(Error::code))),
            ("message", text(message)),
        ];
        push(&mut builder, &cells)?;
    }
    Ok(builder.finish().into())
}

fn text(text: Option<&str>) -> Field<'_> {
    text.map_or(Field::Null, Field::Text)
}

/// What `ensure_…` takes.
fn ensuring(options: &Map) -> Result<(Options, General)> {
    let known: Vec<&str> = OF_BULK.iter().copied().chain(["force"]).collect();
    let general = General::read(options, &known, "return")?;
    let mut own = Options::new();
    if let Some(force) = options.get("force").filter(|force| !force.is_unit()) {
        own.insert("force".into(), crate::script::convert::to_value(force)?);
    }
    Ok((own, general))
}

/// Switches on or off those of a set that are not.
pub fn power(call: &NativeCallContext<'_>, things: &Things, power: Power, options: &Map) -> Thrown<Dynamic> {
    let (own, general) = ensuring(options).or_else(|error| throw(call, error))?;
    if let Some(error) = things.suspicious() {
        return throw(call, error);
    }
    let controller = things.controller(call)?;
    let under_way = UnderWay::default();
    let bulk = general.bulk(&controller, &under_way);
    let job = async {
        let objects = things.found(&controller).await?;
        match objects.is_empty() {
            true => Ok(Vec::new()),
            false => controller.ensure_power(&objects, power, &own, &bulk).await,
        }
    };
    let what = if power == Power::On { "domains.ensure_on" } else { "domains.ensure_off" };
    told(call, what, wait_or_end(call, &controller, &under_way, job)?, &general)
}

/// Switches one on or off if it is not; its row.
pub fn power_of_one(call: &NativeCallContext<'_>, thing: &Thing, power: Power, options: &Map) -> Thrown<Dynamic> {
    let (own, general) = ensuring(options).or_else(|error| throw(call, error))?;
    let controller = thing.veil().controller(call)?;
    thing.forget();
    let under_way = UnderWay::default();
    let bulk = general.bulk(&controller, &under_way);
    let job = async {
        let object = thing.found(&controller).await?;
        controller.ensure_power(&[object], power, &own, &bulk).await
    };
    of_one(call, wait_or_end(call, &controller, &under_way, job)?)
}

/// The row of the only one; its failure is thrown.
fn of_one(call: &NativeCallContext<'_>, done: Vec<Done>) -> Thrown<Dynamic> {
    if let Some(Err(error)) = done.first().map(|one| &one.result) {
        return throw(call, error.clone());
    }
    let rows = rows(&done).or_else(|error| throw(call, error))?;
    Ok(rows.get(0).map_or(Dynamic::UNIT, Dynamic::from))
}

/// Gives a tag to those of a set that lack it.
pub fn tag(call: &NativeCallContext<'_>, things: &Things, name: &str, options: &Map) -> Thrown<Dynamic> {
    const KNOWN: &[&str] = &["retry", "dry_run", "errors"];
    let general = General::read(options, KNOWN, "return").or_else(|error| throw(call, error))?;
    if let Some(error) = things.suspicious() {
        return throw(call, error);
    }
    let controller = things.controller(call)?;
    let job = async {
        let objects = things.found(&controller).await?;
        match objects.is_empty() {
            true => Ok(Vec::new()),
            false => controller.ensure_tag(things.entity(), &objects, name, &general.how).await,
        }
    };
    told(call, &format!("{}.ensure_tag", things.entity().plural), wait(call, job)?, &general)
}

/// The same for one; its row.
pub fn tag_of_one(call: &NativeCallContext<'_>, thing: &Thing, name: &str, options: &Map) -> Thrown<Dynamic> {
    let general = General::read(options, &["retry", "dry_run"], "throw").or_else(|error| throw(call, error))?;
    let controller = thing.veil().controller(call)?;
    thing.forget();
    let job = async {
        let object = thing.found(&controller).await?;
        controller.ensure_tag(thing.entity(), &[object], name, &general.how).await
    };
    of_one(call, wait(call, job)?)
}
