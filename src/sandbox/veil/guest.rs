//! What goes on inside a machine: guest commands, names, directories, USB devices, preparation.

use serde_json::{Value, json};

use super::call::{Answer, Call, Fail, Reply, refused, wrong_field};
use super::create::joined;
use super::ids::Id;
use super::kind::Kind;
use super::power::{free, gone, set_power};
use super::show::address;
use super::tasks::Job;
use super::text::{Text, text};
use super::things::{Domain, Power, Usb};
use super::world::World;

/// A machine whose guest agent answers.
fn with_agent(world: &World, id: Id) -> Result<&Domain, Fail> {
    let domain = world.domains.get(id).filter(|domain| world.has_agent(domain));
    domain.ok_or_else(|| refused("The guest agent does not answer.", "Гостевой агент не отвечает."))
}

/// POST domains/{id}/guest-command/
pub fn command(world: &mut World, call: &Call) -> Answer {
    let id = call.target(world, Kind::Domain)?;
    let domain = with_agent(world, id)?;
    let answer = match (call.text("qemu_cmd"), call.text("veil_cmd")) {
        (Some(word), _) => json!({ word: by_qemu(domain, word, call.given("fargs"))? }),
        (None, Some(word)) => json!({ word: by_veil(world, id, domain, word)? }),
        (None, None) => return Err(wrong_field("veil_cmd", "This field is required.", "Обязательное поле.")),
    };
    if call.text("veil_cmd") == Some("shutdown") {
        set_power(world, id, Power::Off);
    }
    world.did(id, "guest-command");
    Reply::value(&answer)
}

fn by_qemu(domain: &Domain, word: &str, arguments: Option<&Value>) -> Result<Value, Fail> {
    match word {
        "guest-ping" => Ok(json!({})),
        "guest-get-host-name" => Ok(json!({"host-name": domain.hostname()})),
        "guest-exec" => {
            let argument = |name: &str| arguments.and_then(|arguments| arguments.get(name));
            let Some(path) = argument("path").and_then(Value::as_str) else {
                return Err(wrong_field("fargs", "The path is missing.", "Не указан path."));
            };
            let words = argument("arg").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let words: Vec<&str> = words.collect();
            Ok(executed(domain, path, &words))
        }
        _ => Err(refused(format!("Unknown command {word}."), format!("Неизвестная команда {word}."))),
    }
}

/// A few programs; the rest say nothing.
fn executed(domain: &Domain, path: &str, words: &[&str]) -> Value {
    let line = words.join(" ");
    let program = path.rsplit(['/', '\\']).next().unwrap_or(path).trim_end_matches(".exe");
    let end = if domain.is_windows() { "\r\n" } else { "\n" };
    let said = match program {
        "powershell" if line.contains("PartOfDomain") => if domain.ad.is_empty() { "False" } else { "True" }.to_owned(),
        "powershell" | "cmd" if !domain.is_windows() => {
            return json!({"err-data": format!("{path}: not found{end}"), "exitcode": 127});
        }
        "hostname" => domain.hostname().to_owned(),
        "echo" => line,
        "whoami" if domain.is_windows() => "nt authority\\system".to_owned(),
        "whoami" => "root".to_owned(),
        _ => String::new(),
    };
    json!({"out-data": if said.is_empty() { said } else { said + end }, "exitcode": 0})
}

fn by_veil(world: &World, id: Id, domain: &Domain, word: &str) -> Result<Value, Fail> {
    let memory = i64::from(domain.memory);
    Ok(match word {
        "lock_screen" | "logoff" | "shutdown" | "login" | "hibernate" | "set_number_of_cpus" | "lifecycle_event" => {
            json!({"status": "ok"})
        }
        "echo" => json!({"status": "ok", "echo": "echo"}),
        "memory_stats" => json!({"mem_total": memory, "mem_free": memory / 3, "mem_unused": memory / 4}),
        "free_ram" => json!({"free_ram": memory / 3}),
        "disk_usages" => json!([{"path": "/", "fs": "ext4", "total": 20480, "used": 7168}]),
        "api_version" => json!({"api_version": 3}),
        "fqdn" => json!({"fqdn": fqdn(domain)}),
        "user_info" => json!([{"name": "user", "active": true}]),
        "timezone" => json!({"timezone": "MSK", "offset": 180}),
        "info" => json!({"hostname": domain.hostname(), "version": "1.3.5", "os": domain.os_version}),
        "os_info" => json!({"type": domain.os_type, "version": domain.os_version, "ipv4": address(world, id)}),
        "app_list" => json!(["veil-guest-agent", "qemu-guest-agent"]),
        _ => {
            return Err(wrong_field(
                "veil_cmd",
                format!("Unknown command {word}."),
                format!("Неизвестная команда {word}."),
            ));
        }
    })
}

fn fqdn(domain: &Domain) -> String {
    match domain.ad.is_empty() {
        true => domain.hostname().to_owned(),
        false => format!("{}.{}", domain.hostname(), domain.ad),
    }
}

/// Work that changes one machine.
fn changing(
    id: Id,
    action: &'static str,
    name: Text,
    needs_agent: bool,
    change: impl FnOnce(&mut Domain) + Send + 'static,
) -> Job {
    let work = move |world: &mut World| {
        let domain = world.domains.get(id).ok_or_else(gone)?;
        if needs_agent && !world.has_agent(domain) {
            return Err(text("The guest agent does not answer.", "Гостевой агент не отвечает."));
        }
        world.change(id, change);
        Ok(Some((Kind::Domain, id)))
    };
    Job::new(name, action, vec![(id, Kind::Domain)], Box::new(work))
}

/// The machine the address names, with nobody else at work on it, and its name.
fn target(world: &World, call: &Call) -> Result<(Id, String), Fail> {
    let id = call.target(world, Kind::Domain)?;
    free(world, id)?;
    Ok((id, world.name(Kind::Domain, id).unwrap_or_default().to_owned()))
}

/// POST domains/{id}/set-hostname/
pub fn set_hostname(world: &mut World, call: &Call) -> Answer {
    let (id, name) = target(world, call)?;
    let Some(hostname) = call.text("hostname").map(str::to_owned) else {
        return Err(wrong_field("hostname", "This field may not be null.", "Это поле не может быть пустым."));
    };
    let name = text("Setting the hostname of", "Задание имени хоста").about(&name);
    Reply::job(changing(id, "set-hostname", name, true, move |domain| domain.hostname = hostname))
}

/// POST domains/{id}/add-to-ad/
pub fn add_to_ad(world: &mut World, call: &Call) -> Answer {
    let (id, name) = target(world, call)?;
    let body = call.body.clone();
    let name = text("Adding to the directory", "Добавление в домен").about(&name);
    Reply::job(changing(id, "add-to-ad", name, true, move |domain| joined(domain, &body)))
}

/// POST domains/{id}/rm-from-ad/
pub fn rm_from_ad(world: &mut World, call: &Call) -> Answer {
    let (id, name) = target(world, call)?;
    let name = text("Removing from the directory", "Удаление из домена").about(&name);
    Reply::job(changing(id, "rm-from-ad", name, true, |domain| domain.ad.clear()))
}

/// POST domains/{id}/remote-access/
pub fn remote_access(world: &mut World, call: &Call) -> Answer {
    let (id, name) = target(world, call)?;
    let is_on = call.flag("remote_access").unwrap_or(false);
    let name = text("Changing the remote access of", "Изменение удалённого доступа").about(&name);
    Reply::job(changing(id, "remote-access", name, false, move |domain| domain.remote_access = is_on))
}

/// POST domains/{id}/vdi-prepare/: several steps in one task.
pub fn prepare(world: &mut World, call: &Call) -> Answer {
    let (id, name) = target(world, call)?;
    let (remote, start) = (call.flag("remote_access"), call.flag("start_on").unwrap_or(false));
    let set_hostname = call.flag("set_hostname").unwrap_or(false);
    let ad = call.given("add_to_ad").and_then(Value::as_object).cloned();
    let work = move |world: &mut World| {
        if !world.domains.holds(id) {
            return Err(gone());
        }
        world.change(id, |domain| {
            domain.remote_access = remote.unwrap_or(domain.remote_access);
            if set_hostname {
                domain.hostname = domain.name.clone();
            }
            if let Some(ad) = &ad {
                joined(domain, ad);
            }
        });
        if start && world.domains.get(id).is_some_and(|domain| domain.power != Power::On) {
            set_power(world, id, Power::On);
            world.did(id, "start");
        }
        Ok(Some((Kind::Domain, id)))
    };
    let name = text("Preparing the virtual machine", "Подготовка виртуальной машины").about(&name);
    Reply::job(Job::new(name, "vdi-prepare", vec![(id, Kind::Domain)], Box::new(work)))
}

/// POST domains/{id}/attach-usb/: the answer comes at once.
pub fn attach_usb(world: &mut World, call: &Call) -> Answer {
    let (id, _) = target(world, call)?;
    let device = call.given("tcp_usb");
    let host = device.and_then(|device| device.get("host")).and_then(Value::as_str);
    let service = device.and_then(|device| device.get("service"));
    let service = service.and_then(|port| port.as_i64().or_else(|| port.as_str()?.parse().ok()));
    let (Some(host), Some(service)) = (host.map(str::to_owned), service) else {
        return Err(wrong_field("tcp_usb", "Host and service are needed.", "Нужны host и service."));
    };
    let usb = Usb { uuid: world.new_id(), host, service };
    world.change(id, |domain| domain.usb.push(usb));
    world.did(id, "attach-usb");
    let devices = world.domains.get(id).map(|domain| {
        let shown = |usb: &Usb| json!({"host": usb.host, "service": usb.service, "uuid": usb.uuid.to_string()});
        domain.usb.iter().map(shown).collect::<Vec<_>>()
    });
    Reply::value(&json!({ "tcp_usb_devices": devices }))
}

/// POST domains/{id}/detach-usb/
pub fn detach_usb(world: &mut World, call: &Call) -> Answer {
    let (id, name) = target(world, call)?;
    let (all, usb) = (call.flag("remove_all").unwrap_or(false), call.id("usb"));
    let place = call.whole("controller_order").map(|place| place as usize);
    let has = world.domains.get(id).is_some_and(|domain| domain.usb.iter().any(|device| Some(device.uuid) == usb));
    if !all && place.is_none() && !has {
        return Err(wrong_field("usb", "There is no such device.", "Такого устройства нет."));
    }
    let name = text("Detaching USB devices of", "Отключение USB-устройств").about(&name);
    Reply::job(changing(id, "detach-usb", name, false, move |domain| {
        let mut number = 0;
        domain.usb.retain(|device| {
            number += 1;
            !(all || Some(device.uuid) == usb || place == Some(number - 1))
        });
    }))
}
