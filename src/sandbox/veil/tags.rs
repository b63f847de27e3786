//! Tags, and which objects have them.

use serde_json::Value;

use super::call::{Answer, Call, Fail, Reply, wrong_field};
use super::ids::Id;
use super::kind::Kind;
use super::tasks::Job;
use super::text::text;
use super::things::Tag;
use super::world::World;

/// `#rgb` or `#rrggbb`.
fn colour(call: &Call) -> Result<Option<String>, Fail> {
    match call.text("colour").filter(|colour| !colour.is_empty()) {
        None => Ok(None),
        Some(colour) => {
            let digits = colour.strip_prefix('#').unwrap_or_default();
            let fits = matches!(digits.len(), 3 | 6) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let wrong = || wrong_field("colour", "Not a colour.", "Неверный цвет.");
            fits.then(|| Some(colour.to_owned())).ok_or_else(wrong)
        }
    }
}

fn free_name(world: &World, name: &str, own: Option<Id>) -> Result<(), Fail> {
    match world.tags.iter().any(|(id, tag)| tag.name == name && Some(id) != own) {
        false => Ok(()),
        true => Err(wrong_field(
            "verbose_name",
            "Tag with this verbose name already exists.",
            "Тег с таким именем уже существует.",
        )),
    }
}

/// POST tags/
pub fn create(world: &mut World, call: &Call) -> Answer {
    let name = call.text("verbose_name").unwrap_or_default().to_owned();
    free_name(world, &name, None)?;
    let colour = colour(call)?.unwrap_or_else(|| "#c0ffee".to_owned());
    let id = world.new_id();
    let title = text("Creating the tag", "Создание тега").about(&name);
    let work = move |world: &mut World| {
        // Two of the same name may have been under way.
        free_name(world, &name, None).map_err(|fail| fail.sentence())?;
        world.tags.insert(id, Tag { name, colour });
        world.created(Kind::Tag, id);
        Ok(Some((Kind::Tag, id)))
    };
    Ok(Reply::Job(Job::new(title, "create", vec![(id, Kind::Tag)], Box::new(work)), Some(id)))
}

/// PUT tags/{id}/
pub fn update(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Tag)?;
    let (name, colour) = (call.text("verbose_name"), colour(call)?);
    name.map_or(Ok(()), |name| free_name(world, name, Some(id)))?;
    if let Some(tag) = world.tags.get_mut(id) {
        tag.name = name.unwrap_or(&tag.name).to_owned();
        tag.colour = colour.unwrap_or_else(|| tag.colour.clone());
    }
    world.updated(Kind::Tag, id);
    world.did(id, "update");
    Reply::object(world, call, Kind::Tag, id)
}

/// POST tags/{id}/remove/
pub fn remove(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Tag)?;
    let name = text("Removing the tag", "Удаление тега").about(world.name(Kind::Tag, id).unwrap_or_default());
    let work = move |world: &mut World| {
        world.deleted(Kind::Tag, id);
        world.tags.remove(id);
        for (_, tags) in world.tagged.values_mut() {
            tags.retain(|tag| *tag != id);
        }
        Ok(None)
    };
    Reply::job(Job::new(name, "remove", vec![(id, Kind::Tag)], Box::new(work)))
}

/// POST tags/{id}/add-entity/, add-entities/, remove-entity/, remove-entities/
pub fn entities(world: &mut World, call: &Call) -> Answer {
    let tag = call.target(world, Kind::Tag)?;
    let adds = call.url.contains("/add-entit");
    let class = call.text("entity_class").unwrap_or_default();
    let kind = Kind::of_class(class).ok_or_else(|| {
        wrong_field("entity_class", format!("Unknown class {class}."), format!("Неизвестный класс {class}."))
    })?;
    let ids: Vec<Id> = call.id("entity_uuid").into_iter().chain(call.ids("entity_uuids")).collect();
    let missing = ids.iter().find(|id| adds && !world.holds(kind, **id));
    if let Some(missing) = missing {
        return Err(wrong_field("entity_uuid", format!("No {class} {missing}."), format!("Нет объекта {missing}.")));
    }
    let name = world.name(Kind::Tag, tag).unwrap_or_default();
    let name = if adds {
        text("Adding the tag", "Добавление тега")
    } else {
        text("Removing the tag", "Снятие тега")
    }
    .about(name);
    let work = move |world: &mut World| {
        for id in ids {
            let (_, tags) = world.tagged.entry(id).or_insert((kind, Vec::new()));
            tags.retain(|other| *other != tag);
            tags.extend(adds.then_some(tag));
            world.updated(kind, id);
        }
        world.updated(Kind::Tag, tag);
        Ok(Some((Kind::Tag, tag)))
    };
    Reply::job(Job::new(
        name,
        if adds { "add-entity" } else { "remove-entity" },
        vec![(tag, Kind::Tag)],
        Box::new(work),
    ))
}

/// POST nodes/{id}/ballooning/ and the like change one flag of a node.
pub fn ballooning(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Node)?;
    let is_on = call.given("ballooning").and_then(Value::as_bool).unwrap_or(true);
    if let Some(node) = world.nodes.get_mut(id) {
        node.ballooning = is_on;
    }
    world.updated(Kind::Node, id);
    Reply::object(world, call, Kind::Node, id)
}
