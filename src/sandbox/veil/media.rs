//! Disks, images and files of the library, and what is put into machines.

use serde_json::{Value, json};

use super::call::{Answer, Call, Fail, Reply, refused, wrong_field};
use super::create::fits;
use super::ids::Id;
use super::kind::Kind;
use super::power::{free, gone, needs_off};
use super::seed;
use super::tasks::Job;
use super::text::{Text, text};
use super::things::Disk;
use super::world::{Due, World};

/// POST vdisks/ and domains/{id}/create-attach-vdisk/
pub fn create_disk(world: &mut World, call: &Call) -> Answer {
    let domain = match call.id {
        Some(_) => Some(call.target(world, Kind::Domain)?),
        None => None,
    };
    let pool = call.other(world, "datapool", Kind::Datapool)?.or_else(|| world.pools.first());
    let (Some(pool), Some(size)) = (pool, call.number("size").filter(|size| *size > 0.0)) else {
        return Err(wrong_field("size", "A positive number is required.", "Требуется положительное число."));
    };
    let name = call.text("verbose_name").unwrap_or_default().to_owned();
    if world.disks.iter().any(|(_, disk)| disk.name == name) {
        return Err(wrong_field("verbose_name", "This name is taken.", "Это имя занято."));
    }
    fits(world, pool, size)?;
    let id = world.new_id();
    let bus = call.text("target_bus").unwrap_or("virtio").to_owned();
    let title = text("Creating the virtual disk", "Создание виртуального диска").about(&name);
    let work = move |world: &mut World| {
        let disk = seed::disk(name, pool, domain, world.now);
        world.disks.insert(id, Disk { size, target_bus: bus.into(), ..disk });
        world.created(Kind::Vdisk, id);
        if let Some(domain) = domain {
            world.change(domain, |domain| domain.disks.push(id));
        }
        Ok(Some((Kind::Vdisk, id)))
    };
    Ok(Reply::Job(Job::new(title, "create", vec![(id, Kind::Vdisk)], Box::new(work)), Some(id)))
}

/// A disk nobody else works on, with its name.
fn disk(world: &World, call: &Call) -> Result<(Id, String), Fail> {
    let id = call.target(world, Kind::Vdisk)?;
    free(world, id)?;
    Ok((id, world.name(Kind::Vdisk, id).unwrap_or_default().to_owned()))
}

/// PUT vdisks/{id}/
pub fn update_disk(world: &mut World, call: &Call) -> Answer {
    let (id, _) = disk(world, call)?;
    let now = world.now;
    if let Some(disk) = world.disks.get_mut(id) {
        disk.description = call.text("description").unwrap_or(&disk.description).to_owned();
        disk.name = call.text("verbose_name").unwrap_or(&disk.name).to_owned();
        disk.modified = now;
    }
    world.updated(Kind::Vdisk, id);
    world.did(id, "update");
    Reply::object(world, call, Kind::Vdisk, id)
}

/// POST vdisks/{id}/extend/: the size is the new whole.
pub fn extend_disk(world: &mut World, call: &Call) -> Answer {
    let (id, name) = disk(world, call)?;
    let size = call.number("size").unwrap_or(0.0);
    let Some(disk) = world.disks.get(id) else { return Err(super::call::not_found(Kind::Vdisk)) };
    let (now_is, pool) = (disk.size, disk.pool);
    if size <= now_is {
        return Err(wrong_field(
            "size",
            format!("More than {now_is} is required."),
            format!("Требуется больше {now_is}."),
        ));
    }
    fits(world, pool, size - now_is)?;
    let work = move |world: &mut World| {
        let disk = world.disks.get_mut(id).ok_or_else(no_disk)?;
        disk.size = size;
        world.updated(Kind::Vdisk, id);
        Ok(Some((Kind::Vdisk, id)))
    };
    let name = text("Extending the virtual disk", "Увеличение виртуального диска").about(&name);
    Reply::job(Job::new(name, "extend", vec![(id, Kind::Vdisk)], Box::new(work)))
}

fn no_disk() -> Text {
    text("The virtual disk does not exist any more.", "Виртуальный диск больше не существует.")
}

/// POST vdisks/{id}/remove/
pub fn remove_disk(world: &mut World, call: &Call) -> Answer {
    let (id, name) = disk(world, call)?;
    let owner = world.disks.get(id).and_then(|disk| disk.domain);
    if let Some(owner) = owner.filter(|_| call.flag("force") != Some(true)) {
        needs_off(world, owner)?;
    }
    let work = move |world: &mut World| {
        if !world.disks.holds(id) {
            return Err(no_disk());
        }
        world.deleted(Kind::Vdisk, id);
        world.disks.remove(id);
        if let Some(owner) = owner {
            world.change(owner, |domain| domain.disks.retain(|disk| *disk != id));
        }
        Ok(None)
    };
    let name = text("Removing the virtual disk", "Удаление виртуального диска").about(&name);
    Reply::job(Job::new(name, "remove", vec![(id, Kind::Vdisk)], Box::new(work)))
}

/// POST domains/{id}/attach-vdisk/ and detach-vdisk/
pub fn move_disk(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    free(world, id)?;
    let Some(disk) = call.other(world, "vdisk", Kind::Vdisk)? else {
        return Err(wrong_field("vdisk", "This field is required.", "Обязательное поле."));
    };
    let attaches = !call.url.contains("/detach-vdisk");
    let owner = world.disks.get(disk).and_then(|disk| disk.domain);
    if attaches && owner.is_some() || !attaches && owner != Some(id) {
        return Err(wrong_field("vdisk", "The disk belongs elsewhere.", "Диск принадлежит другой машине."));
    }
    let (bus, cache) = (call.text("target_bus").map(str::to_owned), call.text("driver_cache").map(str::to_owned));
    let work = move |world: &mut World| {
        let row = world.disks.get_mut(disk).ok_or_else(no_disk)?;
        row.domain = attaches.then_some(id);
        row.target_bus = bus.map_or_else(|| row.target_bus.clone(), Into::into);
        row.driver_cache = cache.map_or_else(|| row.driver_cache.clone(), Into::into);
        world.updated(Kind::Vdisk, disk);
        world.change(id, |domain| {
            domain.disks.retain(|other| *other != disk);
            domain.disks.extend(attaches.then_some(disk));
        });
        Ok(Some((Kind::Domain, id)))
    };
    let (action, name) = match attaches {
        true => ("attach-vdisk", text("Attaching a virtual disk", "Подключение виртуального диска")),
        false => ("detach-vdisk", text("Detaching a virtual disk", "Отключение виртуального диска")),
    };
    Reply::job(Job::new(name, action, vec![(id, Kind::Domain), (disk, Kind::Vdisk)], Box::new(work)))
}

/// POST domains/{id}/attach-iso/, detach-iso/ and attach-veil-utils-iso/
pub fn move_iso(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    free(world, id)?;
    let brings_tools = call.url.contains("/attach-veil-utils-iso");
    let attaches = !call.url.contains("/detach-iso");
    let iso = match brings_tools {
        true => {
            needs_off(world, id)?;
            world.files.iter().find(|(_, file)| file.filename == "veil-guest-utils.iso").map(|(id, _)| id)
        }
        false => call.other(world, "iso", Kind::Iso)?,
    };
    if attaches && iso.is_none() {
        return Err(wrong_field("iso", "This field is required.", "Обязательное поле."));
    }
    let cdrom = if brings_tools { Some(world.new_id()) } else { call.id("cdrom") };
    let has = world.domains.get(id).is_some_and(|domain| domain.cdroms.iter().any(|(drive, _)| Some(*drive) == cdrom));
    let Some(cdrom) = cdrom.filter(|_| has || brings_tools) else {
        return Err(wrong_field("cdrom", "There is no such CD-ROM.", "Такого CD-ROM нет."));
    };
    let work = move |world: &mut World| {
        if !world.domains.holds(id) {
            return Err(gone());
        }
        world.change(id, |domain| {
            if brings_tools {
                domain.cdroms.push((cdrom, None));
            }
            for (_, inside) in domain.cdroms.iter_mut().filter(|(drive, _)| *drive == cdrom) {
                *inside = iso.filter(|_| attaches);
            }
        });
        Ok(Some((Kind::Domain, id)))
    };
    let (action, name) = match (brings_tools, attaches) {
        (true, _) => ("attach-veil-utils-iso", text("Attaching the guest tools", "Подключение гостевых утилит")),
        (_, true) => ("attach-iso", text("Attaching an ISO image", "Монтирование ISO-образа")),
        _ => ("detach-iso", text("Detaching an ISO image", "Размонтирование ISO-образа")),
    };
    Reply::job(Job::new(name, action, vec![(id, Kind::Domain)], Box::new(work)))
}

/// PUT library/ and PUT iso/: a place for a file that is uploaded, or fetched from elsewhere.
pub fn create_file(world: &mut World, call: &Call) -> Answer {
    let is_iso = call.url.trim_end_matches('/').ends_with("/iso");
    let pool = call.other(world, "datapool", Kind::Datapool)?;
    let url = call.text("url").unwrap_or_default().to_owned();
    let named = call.text("filename").map(str::to_owned);
    let from_url = url.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned);
    let (Some(pool), Some(filename)) = (pool, named.or(from_url)) else {
        return Err(wrong_field("filename", "A filename or a url is required.", "Требуется filename или url."));
    };
    let id = world.new_id();
    let mut file = seed::file(is_iso, filename, pool, 0, world.now);
    file.status = "CREATING";
    file.can_upload = true;
    file.url = url;
    let fetches = is_iso && !file.url.is_empty();
    world.files.insert(id, file);
    let kind = if is_iso { Kind::Iso } else { Kind::Library };
    world.created(kind, id);
    world.did(id, "create");
    if fetches {
        fetch(world, id);
    }
    Reply::object(world, call, kind, id)
}

/// The controller fetches a file; it is there after the time of a task.
fn fetch(world: &mut World, id: Id) {
    if let Some(file) = world.files.get_mut(id) {
        file.size = 1 << 20;
        file.can_upload = false;
    }
    world.later(world.now + world.knobs.task_ms / 1000.0, Due::Fetched(id));
    world.wake();
}

/// POST /upload/{id}/: a file in a form; nothing when the controller fetches it itself.
pub fn upload(world: &mut World, call: &Call) -> Answer {
    let id = call.id.as_deref().and_then(Id::parse);
    let id = id.filter(|id| world.files.get(*id).is_some_and(|file| file.can_upload));
    let id = id.ok_or_else(|| super::call::not_found(Kind::Library))?;
    let kind = if world.holds(Kind::Iso, id) { Kind::Iso } else { Kind::Library };
    if world.files.get(id).is_some_and(|file| !file.url.is_empty()) {
        fetch(world, id);
        return Reply::object(world, call, kind, id);
    }
    let content = super::form::file(&call.bytes, &call.content_type);
    let content =
        content.ok_or_else(|| wrong_field("file", "No file was submitted.", "Ни одного файла не отправлено."))?;
    if let Some(file) = world.files.get_mut(id) {
        file.size = content.len() as u64;
        file.content = Some(content);
        file.status = "ACTIVE";
        file.can_upload = false;
    }
    world.updated(kind, id);
    world.did(id, "upload");
    Reply::object(world, call, kind, id)
}

/// Which of the two kinds of files an address is about.
fn file_kind(call: &Call) -> Kind {
    if call.url.contains("/api/iso/") { Kind::Iso } else { Kind::Library }
}

/// PUT library/{id}/download/ and PUT iso/{id}/download/: an address for it.
pub fn download_address(world: &mut World, call: &Call) -> Answer {
    let kind = file_kind(call);
    let id = call.target(world, kind)?;
    if let Some(file) = world.files.get_mut(id) {
        file.can_download = true;
    }
    Reply::object(world, call, kind, id)
}

/// GET /download/{id}/
pub fn download(world: &mut World, call: &Call) -> Answer {
    const LARGEST: u64 = 64 << 20;
    let id = call.id.as_deref().and_then(Id::parse);
    let file = id.and_then(|id| world.files.get(id)).filter(|file| file.can_download);
    let file = file.ok_or_else(|| super::call::not_found(Kind::Library))?;
    Ok(Reply::File(match &file.content {
        Some(content) => content.clone(),
        None => vec![0; file.size.min(LARGEST) as usize].into(),
    }))
}

/// POST library/{id}/remove/ and iso/{id}/remove/
pub fn remove_file(world: &mut World, call: &Call) -> Answer {
    let kind = file_kind(call);
    let id = call.target(world, kind)?;
    let used = world.domains.iter().any(|(_, domain)| domain.cdroms.iter().any(|(_, iso)| *iso == Some(id)));
    if used {
        return Err(refused("The image is in use.", "Образ используется."));
    }
    let name = text("Removing the file", "Удаление файла").about(world.name(kind, id).unwrap_or_default());
    let work = move |world: &mut World| {
        world.deleted(kind, id);
        world.files.remove(id);
        Ok(None)
    };
    Reply::job(Job::new(name, "remove", vec![(id, kind)], Box::new(work)))
}

/// POST library/{id}/import-file/: a disk out of a file.
pub fn import_file(world: &mut World, call: &Call) -> Answer {
    let file = call.target(world, Kind::Library)?;
    let Some(row) = world.files.get(file) else { return Err(super::call::not_found(Kind::Library)) };
    let (size, own_pool) = (row.size, row.pool);
    let pool = call.other(world, "datapool", Kind::Datapool)?.unwrap_or(own_pool);
    let (id, deletes) = (world.new_id(), call.flag("with_deletion").unwrap_or(false));
    let name = call.text("verbose_name").unwrap_or_default().to_owned();
    let title = text("Importing the file into", "Импорт файла в").about(&name);
    let work = move |world: &mut World| {
        let disk = seed::disk(name, pool, None, world.now);
        // Never smaller than a GiB, as an image that has grown little.
        world.disks.insert(id, Disk { size: (size as f64 / f64::from(1 << 30)).max(1.0), ..disk });
        world.created(Kind::Vdisk, id);
        if deletes {
            world.deleted(Kind::Library, file);
            world.files.remove(file);
        }
        Ok(Some((Kind::Vdisk, id)))
    };
    let on = vec![(id, Kind::Vdisk), (file, Kind::Library)];
    Ok(Reply::Job(Job::new(title, "import", on, Box::new(work)), Some(id)))
}

/// POST domains/backup/
pub fn backup(world: &mut World, call: &Call) -> Answer {
    let Some(id) = call.other(world, "domain", Kind::Domain)? else { return Err(super::call::not_found(Kind::Domain)) };
    free(world, id)?;
    let pool = call.other(world, "datapool", Kind::Datapool)?;
    let previous = call.other(world, "backup", Kind::Library)?;
    let Some(domain) = world.domains.get(id) else { return Err(super::call::not_found(Kind::Domain)) };
    if domain.thin {
        let why = text("Backup of a thin clone is forbidden.", "Резервное копирование тонкого клона запрещено.");
        return Err(super::call::fail(400, "50010", why));
    }
    if previous.is_some() && pool.is_some() {
        return Err(wrong_field("datapool", "Only without a previous backup.", "Только без предыдущей копии."));
    }
    let own = previous.and_then(|file| world.files.get(file)).map(|file| file.pool);
    let Some(pool) = pool.or(own).or_else(|| world.pools.first()) else {
        return Err(refused("No data pool.", "Нет пула данных."));
    };
    let (name, file) = (domain.name.clone(), world.new_id());
    let incremental = call.flag("can_be_incremental").unwrap_or(false);
    let title = text("Backup of the virtual machine", "Резервное копирование виртуальной машины").about(&name);
    let work = move |world: &mut World| {
        if !world.domains.holds(id) {
            return Err(gone());
        }
        let number = world.files.iter().filter(|(_, file)| file.domain == Some(id)).count() + 1;
        let mut row = seed::file(false, format!("{name}_backup_{number}.tar"), pool, 1 << 20, world.now);
        row.domain = Some(id);
        row.assignment = "backup";
        row.incremental = incremental;
        world.files.insert(file, row);
        world.created(Kind::Library, file);
        Ok(Some((Kind::Library, file)))
    };
    Reply::job(Job::new(title, "backup", vec![(id, Kind::Domain), (file, Kind::Library)], Box::new(work)))
}

/// A backup and the machine it was made of.
fn backup_file(world: &World, call: &Call) -> Result<(Id, Option<Id>, String), Fail> {
    let id = call.other(world, "file", Kind::Library)?;
    let file = id.and_then(|id| world.files.get(id)).filter(|file| file.assignment == "backup");
    let (Some(id), Some(file)) = (id, file) else {
        return Err(wrong_field("file", "The file is no backup.", "Файл не является резервной копией."));
    };
    let name = file.filename.split("_backup_").next().unwrap_or_default().to_owned();
    Ok((id, file.domain, name))
}

/// POST domains/show-backup/
pub fn show_backup(world: &mut World, call: &Call) -> Answer {
    let (id, domain, name) = backup_file(world, call)?;
    let file = world.files.get(id);
    Reply::value(&json!({
        "file": id.to_string(),
        "domain": {"id": domain.map(|id| id.to_string()), "verbose_name": name},
        "size": file.map(|file| file.size),
        "can_be_incremental": file.map(|file| file.incremental),
        "vdisks": Value::Array(Vec::new()),
    }))
}

/// POST domains/automated-restore/
pub fn restore(world: &mut World, call: &Call) -> Answer {
    let (file, source, name) = backup_file(world, call)?;
    let node = call.other(world, "node", Kind::Node)?.or_else(|| world.nodes.first());
    let pool = call.other(world, "datapool", Kind::Datapool)?.or_else(|| world.pools.first());
    let (Some(node), Some(pool)) = (node, pool) else { return Err(refused("No place for it.", "Нет места.")) };
    let id = world.new_id();
    let title = text("Restoring the virtual machine", "Восстановление виртуальной машины").about(&name);
    let work = move |world: &mut World| {
        let now = world.now;
        let original = source.and_then(|source| world.domains.get(source)).cloned();
        let resource_pool = original.as_ref().map(|of| of.pool).or_else(|| world.resource_pools.first());
        let Some(resource_pool) = resource_pool else { return Err(gone()) };
        let mut domain = seed::domain(format!("{name}-restored"), node, resource_pool, now);
        if let Some(original) = original {
            (domain.cpu, domain.memory) = (original.cpu, original.memory);
            (domain.os_type, domain.os_version) = (original.os_type, original.os_version);
        }
        let disk = world.new_id();
        world.disks.insert(disk, seed::disk(format!("{}-disk-1", domain.name), pool, Some(id), now));
        domain.disks.push(disk);
        world.domains.insert(id, domain);
        world.created(Kind::Domain, id);
        Ok(Some((Kind::Domain, id)))
    };
    let on = vec![(id, Kind::Domain), (file, Kind::Library)];
    Ok(Reply::Job(Job::new(title, "restore", on, Box::new(work)), Some(id)))
}
