//! Folders and files of the storage. Only their addresses are known; the fields are ours: `Name`, `ParentGuid`,
//! `FolderGuid`, and `File` as a part of the body or as text in Base64. `files/read` gives the content.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply, absent, fail};
use super::processes::{file, named, rename, with};
use super::table::Thing;
use super::things::{Folder, Stored};
use super::world::World;

fn show_folder(world: &World, folder: &Folder) -> Value {
    let parent = (folder.parent != 0).then(|| world.folders.guid(folder.parent));
    with(World::show_base(&folder.base), json!({"parent_guid": parent}))
}

fn show_file(world: &World, stored: &Stored) -> Value {
    let more = json!({"folder_guid": world.folders.guid(stored.folder), "size": stored.content.len()});
    with(World::show_base(&stored.base), more)
}

/// `folders/create`.
pub fn create_folder(world: &mut World, call: &Call) -> Answer {
    let parent = call.fields.any(&["ParentGuid", "Parent"]);
    let parent = parent.map(|key| world.pick(&world.folders, &key)).transpose()?.unwrap_or(0);
    let base = named(world, call)?;
    let guid = base.guid.clone();
    world.folders.insert(Folder { base, parent });
    Ok(Reply::Json(json!({"guid": guid})))
}

/// `folders/read`: the folder with what is in it.
pub fn read_folder(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.folders, call.key())?;
    let folder = world.folders.get(id).ok_or_else(|| absent(Folder::WORD))?;
    let folders = world.folders.iter().filter(|one| one.parent == id).map(|one| show_folder(world, one));
    let files = world.files.iter().filter(|one| one.folder == id).map(|one| show_file(world, one));
    let inside = json!({"folders": folders.collect::<Vec<_>>(), "files": files.collect::<Vec<_>>()});
    Ok(Reply::Json(with(show_folder(world, folder), inside)))
}

/// `folders/list`.
pub fn list_folders(world: &mut World, _: &Call) -> Answer {
    Ok(Reply::Json(world.folders.iter().map(|folder| show_folder(world, folder)).collect()))
}

/// `folders/update`.
pub fn update_folder(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.folders, &call.needed("Guid")?)?;
    let folder = world.folders.get_mut(id).ok_or_else(|| absent(Folder::WORD))?;
    rename(&mut folder.base, call);
    Ok(Reply::Done)
}

/// `folders/delete`; one that holds something stays.
pub fn delete_folder(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.folders, call.key())?;
    let is_used = world.files.iter().any(|one| one.folder == id) || world.folders.iter().any(|one| one.parent == id);
    if is_used {
        return Err(fail(409, "The folder is not empty."));
    }
    world.folders.remove(id);
    Ok(Reply::Done)
}

/// `files/create`. Its name is the one that is given, else the one of the part.
pub fn create_file(world: &mut World, call: &Call) -> Answer {
    let folder = call.fields.any(&["FolderGuid", "Folder"]);
    let folder = folder.map(|key| world.pick(&world.folders, &key)).transpose()?.unwrap_or(0);
    let (name, content) = file(call, "File").ok_or_else(|| fail(422, "The field File is required."))?;
    let name = call.fields.any(&["Name"]).unwrap_or(name);
    if name.is_empty() {
        return Err(fail(422, "The field Name is required."));
    }
    let base = world.base(name);
    let guid = base.guid.clone();
    world.files.insert(Stored { base, folder, content });
    Ok(Reply::Json(json!({"guid": guid})))
}

/// `files/list`: all, or those of a folder.
pub fn list_files(world: &mut World, call: &Call) -> Answer {
    let key = call.fields.any(&["FolderGuid", "Folder"]).or_else(|| call.keys.first().cloned());
    let folder = key.map(|key| world.pick(&world.folders, &key)).transpose()?;
    let meant = world.files.iter().filter(|one| folder.is_none_or(|folder| one.folder == folder));
    Ok(Reply::Json(meant.map(|one| show_file(world, one)).collect()))
}

/// `files/read`: the content.
pub fn read_file(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.files, call.key())?;
    let stored = world.files.get(id).ok_or_else(|| absent(Stored::WORD))?;
    Ok(Reply::File(stored.base.name.clone(), stored.content.clone()))
}

/// `files/update`: another name, another content, another folder.
pub fn update_file(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.files, &call.needed("Guid")?)?;
    let folder = call.fields.any(&["FolderGuid", "Folder"]);
    let folder = folder.map(|key| world.pick(&world.folders, &key)).transpose()?;
    let stored = world.files.get_mut(id).ok_or_else(|| absent(Stored::WORD))?;
    rename(&mut stored.base, call);
    stored.folder = folder.unwrap_or(stored.folder);
    if let Some((_, content)) = file(call, "File") {
        stored.content = content;
    }
    Ok(Reply::Done)
}

/// `files/delete`.
pub fn delete_file(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.files, call.key())?;
    world.files.remove(id);
    Ok(Reply::Done)
}
