//! Processes and their versions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::{Answer, Call, Reply, absent, fail};
use super::clock::date;
use super::table::{Base, Thing};
use super::things::{Process, Version};
use super::world::World;

impl World {
    pub fn newest_version(&self, process: u64) -> Option<u64> {
        self.versions.iter().rev().find(|version| version.process == process).map(|version| version.base.id)
    }

    /// A version of this name, made when there is none, in a process of the same name.
    pub fn version_named(&mut self, name: &str) -> u64 {
        if let Some(id) = self.versions.find(name) {
            return id;
        }
        let process = self.processes.find(name).unwrap_or_else(|| {
            let base = self.base(name);
            self.processes.insert(Process { base })
        });
        let base = self.base(name);
        self.versions.insert(Version { base, process, ..Version::default() })
    }

    /// What all things have, as the server shows it.
    pub fn show_base(base: &Base) -> Value {
        json!({
            "id": base.id, "guid": base.guid, "name": base.name, "description": base.description,
            "created_at": date(base.created), "updated_at": date(base.updated),
        })
    }
}

/// Puts the fields of one map behind those of another.
pub fn with(mut shown: Value, more: Value) -> Value {
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

/// Name and description, where they are given.
pub fn rename(base: &mut Base, call: &Call) {
    if let Some(name) = call.fields.any(&["Name"]) {
        base.name = name;
    }
    if let Some(text) = call.fields.text("Description") {
        base.description = text;
    }
    base.updated = call.now;
}

/// A new base by the fields of a call; a name is needed.
pub fn named(world: &mut World, call: &Call) -> Result<Base, super::call::Fail> {
    let mut base = world.base(call.needed("Name")?);
    base.description = call.fields.text("Description").unwrap_or_default();
    Ok(base)
}

/// `process/create`.
pub fn create(world: &mut World, call: &Call) -> Answer {
    let base = named(world, call)?;
    let guid = base.guid.clone();
    world.processes.insert(Process { base });
    Ok(Reply::Json(json!({"guid": guid})))
}

/// `process/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.processes, call.key())?;
    let process = world.processes.get(id).ok_or_else(|| absent(Process::WORD))?;
    let version = world.newest_version(id).map(|version| world.versions.guid(version));
    Ok(Reply::Json(with(World::show_base(&process.base), json!({"process_version_guid": version}))))
}

/// `process/list`.
pub fn list(world: &mut World, _: &Call) -> Answer {
    Ok(Reply::Json(world.processes.iter().map(|process| World::show_base(&process.base)).collect()))
}

/// `process/update`.
pub fn update(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.processes, &call.needed("Guid")?)?;
    let process = world.processes.get_mut(id).ok_or_else(|| absent(Process::WORD))?;
    rename(&mut process.base, call);
    Ok(Reply::Done)
}

/// `process/delete`, with its versions.
pub fn delete(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.processes, call.key())?;
    world.processes.remove(id);
    world.versions.retain(|version| version.process != id);
    Ok(Reply::Done)
}

/// The file of a call: a part of its body, or a text in Base64.
pub fn file(call: &Call, name: &str) -> Option<(String, bytes::Bytes)> {
    if let Some(file) = call.fields.file(name) {
        return Some((file.name.clone(), file.content.clone()));
    }
    let text = call.fields.any(&[name])?;
    let content = STANDARD.decode(text.trim()).unwrap_or_else(|_| text.into_bytes());
    Some((call.fields.any(&["FileName", "Name"]).unwrap_or_default(), content.into()))
}

/// `processVersion/create`.
pub fn create_version(world: &mut World, call: &Call) -> Answer {
    let process = world.pick(&world.processes, &call.needed("ProcessGuid")?)?;
    let (file_name, content) =
        file(call, "ProcessFile").ok_or_else(|| fail(422, "The field ProcessFile is required."))?;
    let base = named(world, call)?;
    let guid = base.guid.clone();
    world.versions.insert(Version { base, process, file_name, file: content });
    Ok(Reply::Json(json!({"guid": guid})))
}

/// `processVersion/read`.
pub fn read_version(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.versions, call.key())?;
    let version = world.versions.get(id).ok_or_else(|| absent(Version::WORD))?;
    let mut more = json!({
        "process_id": version.process,
        "process_guid": world.processes.guid(version.process),
        "process_file_name": version.file_name,
        "process_file_size": version.file.len(),
    });
    if world.knobs.version_files {
        more["process_file"] = json!(STANDARD.encode(&version.file));
    }
    Ok(Reply::Json(with(World::show_base(&version.base), more)))
}

/// `processVersion/update`.
pub fn update_version(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.versions, &call.needed("Guid")?)?;
    let process = call.fields.any(&["ProcessGuid"]).map(|key| world.pick(&world.processes, &key)).transpose()?;
    let version = world.versions.get_mut(id).ok_or_else(|| absent(Version::WORD))?;
    rename(&mut version.base, call);
    if let Some(process) = process {
        version.process = process;
    }
    if let Some((name, content)) = file(call, "ProcessFile") {
        (version.file_name, version.file) = (name, content);
    }
    Ok(Reply::Done)
}

/// `processVersion/delete`.
pub fn delete_version(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.versions, call.key())?;
    world.versions.remove(id);
    Ok(Reply::Done)
}
