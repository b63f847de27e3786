//! Tags: put on objects of any kind, and taken off.

use rhai::{Array, Dynamic, Map, NativeCallContext};

use super::Veil;
use super::given::{self, General};
use super::kinds;
use super::thing::Thing;
use crate::core::rows::{Field, Row, Rows};
use crate::error::{Error, did_you_mean};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::script::options::Options;
use crate::services::veil::table::{ALL, entity};

/// Options of `add` and `detach`.
const KNOWN: &[&str] = &["class", "retry", "dry_run"];

/// Puts a tag on things, or takes it off; how many they are. `()` in a dry run, and what would be sent with `dry_run`.
pub fn put(call: &NativeCallContext<'_>, tag: &Thing, on: bool, things: &Dynamic, options: &Map) -> Thrown<Dynamic> {
    let read = || Ok((General::read(options, KNOWN, "throw")?, Options::read(options, KNOWN)?.text("class")?));
    let (general, class) = read().or_else(|error| throw(call, error))?;
    let class = class.unwrap_or_else(|| "domain".into());
    let groups = classes(call, tag.veil(), things, &class)?;
    let count: usize = groups.iter().map(|(_, ids)| ids.len()).sum();
    let controller = tag.veil().controller(call)?;
    tag.forget();
    let job = async {
        let id = tag.found(&controller).await?.id;
        let mut told = Vec::new();
        for (class, ids) in &groups {
            told.extend(controller.tag_entities(&id, on, class, ids, &general.how).await?);
        }
        Ok(told)
    };
    let told = wait(call, job)?;
    Ok(match (told.is_empty(), host(call).context.is_dry_run()) {
        (false, _) => told.join("\n").into(),
        (true, true) => Dynamic::UNIT,
        (true, false) => (count as i64).into(),
    })
}

/// What is to be tagged: handles, rows, ids, sets, and lists of them, by their class.
fn classes(
    call: &NativeCallContext<'_>,
    veil: &Veil,
    given: &Dynamic,
    class: &str,
) -> Thrown<Vec<(&'static str, Vec<String>)>> {
    let mut found: Vec<(&'static str, Vec<String>)> = Vec::new();
    collect(call, veil, given, class, &mut found)?;
    Ok(found)
}

fn collect(
    call: &NativeCallContext<'_>,
    veil: &Veil,
    given: &Dynamic,
    class: &str,
    found: &mut Vec<(&'static str, Vec<String>)>,
) -> Thrown<()> {
    if let Some(things) = kinds::things(given) {
        veil.own(call, things.veil(), &things.shown())?;
        things.ids(call)?.into_iter().for_each(|id| add(found, things.entity().class, id));
        return Ok(());
    }
    if let Some(thing) = kinds::thing(given) {
        veil.own(call, thing.veil(), &thing.shown())?;
        return match thing.id(call)? {
            Some(id) => {
                add(found, thing.entity().class, id);
                Ok(())
            }
            None => throw(call, thing.no_object("a tag")),
        };
    }
    if let Some(items) = given.read_lock::<Array>() {
        return items.iter().try_for_each(|item| collect(call, veil, item, class, found));
    }
    if let Some(rows) = given.read_lock::<Rows>() {
        return rows.iter().try_for_each(|row| collect(call, veil, &Dynamic::from(row), class, found));
    }
    let of_row = given.read_lock::<Row>().and_then(|row| match row.get("entity_type") {
        Some(Field::Text(class)) => Some(class.to_owned()),
        _ => None,
    });
    let class = of_row.as_deref().unwrap_or(class);
    let Some(entity) = entity(class) else {
        let words = ALL.iter().map(|entity| entity.class);
        let hint = did_you_mean(class, words.clone())
            .unwrap_or_else(|| format!("it is one of {}", words.collect::<Vec<_>>().join(", ")));
        return throw(call, Error::input("veil.class", format!("nothing is of the class `{class}`")).hint(hint));
    };
    let about = given::about(call, veil, None, given)?;
    let thing = Thing::new(veil, entity, Some(about));
    if let Some(id) = thing.id(call)? {
        add(found, entity.class, id);
    }
    Ok(())
}

fn add(found: &mut Vec<(&'static str, Vec<String>)>, class: &'static str, id: String) {
    let at = found.iter().position(|(known, _)| *known == class).unwrap_or_else(|| {
        found.push((class, Vec::new()));
        found.len() - 1
    });
    if !found[at].1.contains(&id) {
        found[at].1.push(id);
    }
}
