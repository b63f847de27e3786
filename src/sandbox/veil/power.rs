//! What changes the power of machines, one by one and in groups.

use serde_json::Value;

use super::call::{Answer, Call, Fail, Reply, fail, refused, truth};
use super::ids::Id;
use super::kind::Kind;
use super::tasks::Job;
use super::text::{Text, text};
use super::things::{Domain, Power};
use super::world::{Due, World};

/// An action on the power of a machine.
pub struct Switch {
    pub word: &'static str,
    from: &'static [Power],
    to: Power,
    /// What its task is called.
    en: &'static str,
    ru: &'static str,
}

pub const SWITCHES: &[Switch] = &[
    switch("start", &[Power::Off], Power::On, "Starting the virtual machine", "Включение виртуальной машины"),
    switch("shutdown", &[Power::On], Power::Off, "Shutting down the virtual machine", "Выключение виртуальной машины"),
    switch("reboot", &[Power::On], Power::On, "Rebooting the virtual machine", "Перезагрузка виртуальной машины"),
    switch("reset", &[Power::On], Power::On, "Resetting the virtual machine", "Сброс виртуальной машины"),
    switch(
        "suspend",
        &[Power::On],
        Power::Suspended,
        "Suspending the virtual machine",
        "Приостановка виртуальной машины",
    ),
    switch(
        "resume",
        &[Power::Suspended],
        Power::On,
        "Resuming the virtual machine",
        "Возобновление виртуальной машины",
    ),
];

const fn switch(word: &'static str, from: &'static [Power], to: Power, en: &'static str, ru: &'static str) -> Switch {
    Switch { word, from, to, en, ru }
}

/// POST domains/{id}/start/ and its like: which, the address's last word says.
pub fn power(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    let word = call.url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    Reply::job(power_job(world, id, word, call.flag("force").unwrap_or(false))?)
}

/// The work of a switch, when the machine is in a state for it.
fn power_job(world: &World, id: Id, word: &str, force: bool) -> Result<Job, Fail> {
    let Some((switch, domain)) = SWITCHES.iter().find(|switch| switch.word == word).zip(world.domains.get(id)) else {
        return Err(refused("Unknown action.", "Неизвестное действие."));
    };
    free(world, id)?;
    if domain.template {
        return Err(refused(
            format!("The virtual machine {} is a template.", domain.name),
            format!("Виртуальная машина {} является шаблоном.", domain.name),
        ));
    }
    let powers_off_suspended = force && switch.word == "shutdown" && domain.power == Power::Suspended;
    if !switch.from.contains(&domain.power) && !powers_off_suspended {
        return Err(wrong_state(domain));
    }
    let name = text(switch.en, switch.ru).about(&format!("{}.", domain.name));
    let work = move |world: &mut World| switched(world, id, switch, force).map(|()| Some((Kind::Domain, id)));
    Ok(Job::new(name, switch.word, vec![(id, Kind::Domain)], Box::new(work)))
}

fn switched(world: &mut World, id: Id, switch: &Switch, force: bool) -> Result<(), Text> {
    let domain = world.domains.get(id).ok_or_else(gone)?;
    // It may have changed since it was accepted: a task that released its locks, the same machine twice in a group.
    if !(switch.from.contains(&domain.power) || force && domain.power == Power::Suspended) {
        return Err(wrong_state(domain).text);
    }
    if switch.word == "start" && !domain.usb.is_empty() {
        return Err(text(
            "Redirected USB devices of the last session are still attached.",
            "К виртуальной машине подключены USB-устройства прошлого сеанса.",
        ));
    }
    if switch.word == "shutdown" && !force && world.knobs.shutdown_needs_agent && !world.has_agent(domain) {
        return Err(text("The guest agent does not answer.", "Гостевой агент не отвечает."));
    }
    set_power(world, id, switch.to);
    Ok(())
}

/// Sets the power, and lets the agent come when its time is there.
pub fn set_power(world: &mut World, id: Id, to: Power) {
    let now = world.now;
    world.change(id, |domain| {
        domain.power = to;
        if to == Power::On {
            domain.on_since = now;
        }
    });
    if to == Power::On {
        world.later(now + world.knobs.agent_ms / 1000.0, Due::Agent(id));
        world.wake();
    }
}

/// Nobody else works on it.
pub fn free(world: &World, id: Id) -> Result<(), Fail> {
    match world.locks.get(&id) {
        None => Ok(()),
        Some(task) => Err(fail(
            400,
            "50009",
            text(format!("The object is locked by task {task}."), format!("Объект заблокирован задачей {task}.")),
        )),
    }
}

pub fn gone() -> Text {
    text("The virtual machine does not exist any more.", "Виртуальная машина больше не существует.")
}

pub fn wrong_state(domain: &Domain) -> Fail {
    let (name, power) = (&domain.name, domain.power.word());
    refused(
        format!("The virtual machine {name} is in a wrong power state: {power}."),
        format!("Виртуальная машина {name} находится в неподходящем состоянии питания: {power}."),
    )
}

/// It has to be switched off.
pub fn needs_off(world: &World, id: Id) -> Result<&Domain, Fail> {
    let domain = world.domains.get(id).ok_or_else(|| super::call::not_found(Kind::Domain))?;
    if domain.power == Power::Off { Ok(domain) } else { Err(wrong_state(domain)) }
}

/// POST domains/{id}/remove/
pub fn remove(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    Reply::job(remove_job(world, id, call.flag("full").unwrap_or(false), call.flag("force").unwrap_or(false))?)
}

fn remove_job(world: &World, id: Id, full: bool, force: bool) -> Result<Job, Fail> {
    let Some(domain) = world.domains.get(id) else { return Err(super::call::not_found(Kind::Domain)) };
    free(world, id)?;
    if !force {
        needs_off(world, id)?;
    }
    if world.domains.iter().any(|(_, other)| other.thin && other.parent == Some(id)) {
        return Err(refused(
            format!("The virtual machine {} has thin clones.", domain.name),
            format!("У виртуальной машины {} есть тонкие клоны.", domain.name),
        ));
    }
    let name = text("Removing the virtual machine", "Удаление виртуальной машины").about(&format!("{}.", domain.name));
    let work = move |world: &mut World| {
        if !world.domains.holds(id) {
            return Err(gone());
        }
        world.remove_domain(id, full);
        Ok(None)
    };
    Ok(Job::new(name, "remove", vec![(id, Kind::Domain)], Box::new(work)))
}

/// POST domains/{id}/migrate/
pub fn migrate(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    let node = call.other(world, "node", Kind::Node)?;
    Reply::job(migrate_job(world, id, node)?)
}

/// To a node, or to any other one.
fn migrate_job(world: &World, id: Id, node: Option<Id>) -> Result<Job, Fail> {
    let Some(domain) = world.domains.get(id) else { return Err(super::call::not_found(Kind::Domain)) };
    free(world, id)?;
    let node = node.or_else(|| world.nodes.ids().find(|node| *node != domain.node));
    let Some(node) = node.filter(|node| *node != domain.node) else {
        return Err(refused("There is no node to migrate to.", "Нет сервера для миграции."));
    };
    let name = text("Migrating the virtual machine", "Миграция виртуальной машины").about(&format!("{}.", domain.name));
    let work = move |world: &mut World| {
        if !world.domains.holds(id) {
            return Err(gone());
        }
        world.change(id, |domain| domain.node = node);
        Ok(Some((Kind::Domain, id)))
    };
    Ok(Job::new(name, "migrate", vec![(id, Kind::Domain), (node, Kind::Node)], Box::new(work)))
}

/// POST domains/multi-manager/: what cannot be done fails as a child, not as a whole.
pub fn multi_manager(world: &mut World, call: &Call) -> Answer {
    let action = call.text("action").unwrap_or_default();
    let known = ["start", "shutdown", "suspend", "reboot", "resume", "delete", "migrate"];
    if !known.contains(&action) {
        return Err(super::call::wrong_field(
            "action",
            format!("\"{action}\" is not a valid choice."),
            format!("Значения \"{action}\" нет среди допустимых вариантов."),
        ));
    }
    let option = |name| call.given("options").and_then(|options| options.get(name)).and_then(truth);
    let (full, force) = (option("full").unwrap_or(true), option("force").unwrap_or(false));
    let node = call.given("options").and_then(|options| options.get("node")).and_then(Value::as_str);
    let node = node.and_then(Id::parse).filter(|node| world.nodes.holds(*node));
    let ids = call.ids("entity_ids");
    if ids.is_empty() {
        return Err(super::call::wrong_field(
            "entity_ids",
            "This list may not be empty.",
            "Список не может быть пустым.",
        ));
    }
    let children = ids.iter().map(|id| {
        let job = match action {
            _ if !world.domains.holds(*id) => Err(super::call::not_found(Kind::Domain)),
            "delete" => remove_job(world, *id, full, force),
            "migrate" => migrate_job(world, *id, node),
            word => power_job(world, *id, word, force),
        };
        let on = vec![(*id, Kind::Domain)];
        job.unwrap_or_else(|why| Job::hopeless(text(action, action).about(&id.to_string()), on, why.sentence()))
    });
    let children = children.collect();
    let on = ids.iter().map(|id| (*id, Kind::Domain)).collect();
    let name = text(format!("Group action: {action}."), format!("Групповая операция: {action}."));
    Reply::job(Job::multi(name, on, children))
}
