//! How tasks, events, disks, files, tags and snapshots are shown.

use super::ids::Id;
use super::kind::Kind;
use super::out::{Out, Want, id as print_id, quoted, reference};
use super::show::{common, tags};
use super::world::World;

pub fn task(world: &World, id: Id, out: &mut Out) {
    let Some(task) = world.tasks.get(id) else { return };
    let lang = out.want.lang;
    out.id("id", id);
    out.text("name", task.name.of(lang));
    out.text("status", task.status.word());
    out.number("progress", task.progress(world.now));
    out.moment("created", task.created);
    // A number while it runs, a text when it is over.
    match task.finished {
        None => out.number("executed", 0),
        Some(at) => out.text("executed", &format!("{:.6}", at - task.created)),
    }
    out.moment("finished_time", task.finished);
    out.text("error_message", task.error.of(lang));
    out.text("detail_message", task.error.of(lang));
    out.flag("is_cancellable", task.is_running());
    out.flag("is_multitask", task.is_multi);
    out.id("parent", task.parent);
    if out.wants("entities") {
        let on = task.on.iter().copied().chain(task.node.map(|node| (node, Kind::Node)));
        let mut mark = b'{';
        for (id, kind) in on {
            out.bytes.push(std::mem::replace(&mut mark, b','));
            print_id(out.bytes, Some(id));
            out.bytes.push(b':');
            quoted(out.bytes, kind.class());
        }
        out.bytes.extend(if mark == b'{' { &b"{}"[..] } else { b"}" });
    }
    user(world, task.user, out);
    out.list("nodes_list", task.node, |bytes, node| print_id(bytes, Some(node)));
    out.list("nodes_user_responses", task.node.filter(|_| !task.is_running()), |bytes, node| {
        let want = Want::default();
        Out::object(bytes, &want, |out| {
            out.id("node_id", node);
            out.text("node_name", world.name(Kind::Node, node).unwrap_or_default());
            out.text("node_response", task.error.of(lang));
        });
    });
    out.full();
    out.text("verbose_name", task.name.of(lang));
    let want = Want { lang, ..Want::default() };
    let events = world.events.iter().rev().take(100).filter(|(_, event)| event.task == Some(id));
    out.list("events", events, |bytes, (id, _)| Out::object(bytes, &want, |out| event(world, id, out)));
    out.permissions(Kind::Task.about().permissions);
    out.text("response", "");
    out.text("entity_type", Kind::Task.class());
}

fn user(world: &World, place: usize, out: &mut Out) {
    if let Some(person) = world.people.get(place)
        && out.wants("user")
    {
        let want = Want::default();
        Out::object(out.bytes, &want, |out| {
            out.number("id", person.number);
            out.text("username", &person.name);
        });
    }
}

pub fn event(world: &World, id: Id, out: &mut Out) {
    let Some(event) = world.events.get(id) else { return };
    out.id("id", id);
    out.text("message", event.message.of(out.want.lang));
    out.text("detail_message", event.detail.of(out.want.lang));
    out.text("user", world.people.get(event.user).map_or("system", |person| &person.name));
    out.text("type", event.level);
    out.moment("created", event.created);
    out.id("task", event.task);
    out.raw("readed", "[]");
    out.list("entities", &event.on, |bytes, (id, kind)| {
        let want = Want::default();
        Out::object(bytes, &want, |out| {
            out.id("entity_uuid", *id);
            out.text("entity_class", kind.class());
        });
    });
    out.permissions(Kind::Event.about().permissions);
}

pub fn disk(world: &World, id: Id, out: &mut Out) {
    let Some(disk) = world.disks.get(id) else { return };
    out.id("id", id);
    out.text("status", "ACTIVE");
    out.text("verbose_name", &disk.name);
    out.decimal("size", disk.size);
    pool_reference(world, disk.pool, out);
    out.reference("domain", disk.domain.and_then(|id| Some((id, world.name(Kind::Domain, id)?))));
    out.number("hints", 0);
    out.decimal("virtual_size", disk.size);
    tags(world, id, out);
    out.full();
    out.text("description", &disk.description);
    out.moment("created", disk.created);
    out.moment("modified", disk.modified);
    common(world, Kind::Vdisk, id, out);
    out.constants(&[
        ("readonly", "false"),
        ("disk_type", "\"file\""),
        ("device", "\"disk\""),
        ("driver_type", "\"qcow2\""),
    ]);
    out.text("driver_cache", &disk.driver_cache);
    out.text("source", &format!("/storages/local/default/{id}.qcow2"));
    out.text("actual_source", &format!("/storages/local/default/{id}.qcow2"));
    out.constants(&[("shareable", "false"), ("ssd", "false")]);
    out.text("target_bus", &disk.target_bus);
    out.text("target_dev", if disk.domain.is_some() { "vda" } else { "" });
    out.constants(&[("snapshots", "[]"), ("consolidated", "true")]);
}

/// A data pool as disks and files name it: with its type.
fn pool_reference(world: &World, pool: Id, out: &mut Out) {
    if out.wants("datapool") {
        match world.pools.get(pool) {
            None => out.bytes.extend(b"null"),
            Some(of) => {
                let want = Want::default();
                Out::object(out.bytes, &want, |out| {
                    out.id("id", pool);
                    out.text("verbose_name", &of.name);
                    out.text("type", of.kind);
                });
            }
        }
    }
}

pub fn inf(world: &World, id: Id, out: &mut Out) {
    let Some(inf) = world.infs.get(id) else { return };
    let domain = world.domains.get(inf.domain);
    let name = domain.map_or("", |domain| &domain.name);
    out.id("id", id);
    out.text("name", &format!("vnet-{}", &inf.mac[9..].replace(':', "")));
    out.reference("vmachine_info", Some((inf.domain, name)));
    out.text("mac_address", &inf.mac);
    out.text("nic_driver", &inf.driver);
    out.text("status", "ACTIVE");
    out.text("vmachine_name", name);
    out.reference("vnetwork_info", inf.network.and_then(|id| Some((id, world.name(Kind::Vnetwork, id)?))));
    out.full();
    out.reference("node_info", domain.and_then(|of| Some((of.node, world.name(Kind::Node, of.node)?))));
    out.text("link_state", &inf.link);
    out.text("description", "");
    common(world, Kind::Inf, id, out);
}

pub fn file(world: &World, kind: Kind, id: Id, out: &mut Out) {
    let Some(file) = world.files.get(id) else { return };
    out.id("id", id);
    out.text("filename", &file.filename);
    out.text("status", file.status);
    out.number("size", file.size as i64);
    pool_reference(world, file.pool, out);
    out.moment("created", file.created);
    out.text("path", &format!("/storages/local/default/{}", file.filename));
    if kind == Kind::Iso {
        let in_drives = world.domains.iter().filter(|(_, of)| of.cdroms.iter().any(|(_, iso)| *iso == Some(id)));
        out.list("domains", in_drives, |bytes, (id, domain)| reference(bytes, Some((id, &domain.name))));
    } else {
        out.reference("domain", file.domain.map(|id| (id, world.name(Kind::Domain, id).unwrap_or_default())));
        out.text("assignment_type", file.assignment);
        out.list("additional_flags", (file.assignment == "qcow").then_some("to_vdisk"), quoted);
        out.flag("can_be_incremental", file.incremental);
        out.flag("invalid_hash", false);
    }
    out.full();
    out.text("description", "");
    out.constants(&[("integrity_hash", "null"), ("compressed", "false")]);
    let link = |is: bool, what: &str| if is { format!("/{what}/{id}/") } else { String::new() };
    out.text("upload_url", &link(file.can_upload, "upload"));
    out.text("download_url", &link(file.can_download, "download"));
    common(world, kind, id, out);
}

pub fn tag(world: &World, id: Id, out: &mut Out) {
    let Some(tag) = world.tags.get(id) else { return };
    out.id("id", id);
    out.text("verbose_name", &tag.name);
    out.text("colour", &tag.colour);
    if out.wants("ui_entities") {
        let mut tagged: Vec<(Id, Kind)> = world
            .tagged
            .iter()
            .filter(|(_, (_, tags))| tags.contains(&id))
            .map(|(id, (kind, _))| (*id, *kind))
            .collect();
        tagged.sort();
        super::out::list(out.bytes, tagged, |bytes, (id, kind)| {
            let want = Want::default();
            Out::object(bytes, &want, |out| {
                out.id("entity_uuid", id);
                out.text("entity_class", kind.class());
                out.text("entity_name", world.name(kind, id).unwrap_or_default());
            });
        });
    }
    out.full();
    common(world, Kind::Tag, id, out);
}

pub fn snapshot(world: &World, id: Id, out: &mut Out) {
    let Some(snapshot) = world.snapshots.get(id) else { return };
    out.id("id", id);
    out.text("verbose_name", &snapshot.name);
    out.text("description", &snapshot.description);
    out.text("status", "ACTIVE");
    out.reference("domain", world.name(Kind::Domain, snapshot.domain).map(|name| (snapshot.domain, name)));
    out.id("parent", snapshot.parent);
    out.moment("created", snapshot.created);
    out.number("size", snapshot.size);
    out.flag("with_memory", snapshot.with_memory);
    tags(world, id, out);
    out.number("hints", 0);
    out.full();
    out.moment("modified", snapshot.created);
    common(world, Kind::Snapshot, id, out);
}
