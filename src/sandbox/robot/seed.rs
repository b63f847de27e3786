//! What a new Orchestrator holds.

use serde_json::json;

use super::call::{Call, Who};
use super::fields::Fields;
use super::jobs::Order;
use super::things::{Asset, Folder, Group, Process, Queue, Robot, Stored, Version};
use super::world::World;
use crate::sandbox::mix::mix;

/// The first robot's GUID, the same in every simulator.
pub const FIRST: &str = "da8bc2f0-8065-4385-b867-405e66b8e151";

/// Processes and the names of their versions: the scripts to run.
const PROCESSES: [(&str, &[&str]); 4] = [
    ("Обработка счетов", &["invoices", "robot_invoices"]),
    ("Ночное обслуживание 1С", &["robot_nightly_1c"]),
    ("Обмен с Битрикс24", &["robot_b24_sync"]),
    ("Примеры", &["hello", "patience", "hello.py"]),
];

const COUNTERPARTIES: [&str; 5] = ["ООО «Ромашка»", "АО «Север»", "ИП Петров А. А.", "ООО «Вектор»", "ПАО «Заря»"];

pub fn fill(world: &mut World) {
    robots(world);
    processes(world);
    queues(world);
    assets(world);
    storage(world);
    let version = world.versions.iter().next().map_or(0, |version| version.base.id);
    // The published examples read the task of every job.
    let tasks: Vec<u64> = world.tasks.iter().map(|task| task.base.id).collect();
    for number in 0..world.knobs.jobs {
        let task = usize::try_from(number).ok().and_then(|number| tasks.get(number)).copied().unwrap_or_default();
        world.new_job(Order { robot: 1, version, task, priority: 1, source: "seed", ..Order::default() });
    }
}

fn robots(world: &mut World) {
    let base = world.base("Бухгалтерия");
    let group = world.groups.insert(Group { base });
    for number in 1..=world.knobs.robots {
        let mut base = world.base(format!("robot-{number}"));
        if number == 1 {
            FIRST.clone_into(&mut base.guid);
        }
        base.description = format!("RPA-{number:02}\\robot{number}");
        let group = if number <= 2 { group } else { 0 };
        let role = "Unattended".to_owned();
        world.robots.insert(Robot { base, role, group, active: true, licensed: true, ..Robot::default() });
    }
}

fn processes(world: &mut World) {
    for (name, versions) in PROCESSES {
        let base = world.base(name);
        let process = world.processes.insert(Process { base });
        for version in versions {
            let base = world.base(*version);
            let file_name = format!("{version}.robot");
            let file = format!("// {version}\n").into_bytes().into();
            world.versions.insert(Version { base, process, file_name, file });
        }
    }
}

fn queues(world: &mut World) {
    let base = world.base("invoices");
    let invoices = world.queues.insert(Queue { base, ..Queue::default() });
    let base = world.base("payments");
    let payments = Queue { base, auto_change_status: true, unique: true, max_attempts: 3, ..Queue::default() };
    let payments = world.queues.insert(payments);
    for number in 1..=world.knobs.tasks {
        let drawn = mix(world.knobs.seed ^ number << 8);
        let parameters = json!({
            "number": format!("СЧ-{number:04}"),
            "sum": (drawn % 1_000_000) as f64 / 100.0,
            "counterparty": COUNTERPARTIES[(drawn >> 32) as usize % COUNTERPARTIES.len()],
            "file": format!("invoices/{number:04}.xml"),
        });
        let priority = match number % 6 {
            0 => 2,
            5 => 0,
            _ => 1,
        };
        seeded(world, invoices, &format!("inv-{number:04}"), &parameters.to_string(), priority);
    }
    for number in 1..=3 {
        let parameters = json!({"payment": number, "account": format!("4070281000000000000{number}")});
        seeded(world, payments, &format!("pay-{number}"), &parameters.to_string(), 1);
    }
}

fn seeded(world: &mut World, queue: u64, name: &str, parameters: &str, priority: i64) {
    let fields = json!({"Name": name, "Parameters": parameters, "Priority": priority, "Tags": "seed"});
    let call =
        Call { who: Who::Account, keys: Vec::new(), fields: Fields::of(&fields), now: world.now, is_lost: false };
    // A queue that wants unique names gets different ones.
    let added = world.new_task(queue, &call);
    debug_assert!(added.is_ok(), "{name}");
}

fn assets(world: &mut World) {
    let calendar = json!({"2026-01-01": "holiday", "2026-01-02": "holiday", "2026-02-21": "working"}).to_string();
    for (name, kind, text, password, robot_type, robot) in [
        ("1c_login", 1, "robot", "S3cret-Пароль", 3, 0),
        ("base_url", 2, "http://1c.example/base", "", 3, 0),
        ("calendar", 3, calendar.as_str(), "", 3, 0),
        ("bank_login", 1, "cashier", "only-for-one-7", 1, 1),
        ("group_note", 2, "для бухгалтерии", "", 2, 0),
    ] {
        let base = world.base(name);
        let (text, password) = (text.to_owned(), password.to_owned());
        let group = u64::from(robot_type == 2);
        world.assets.insert(Asset { base, kind, text, password, robot_type, robot, group, ..Asset::default() });
    }
}

fn storage(world: &mut World) {
    let base = world.base("Документы");
    let folder = world.folders.insert(Folder { base, parent: 0 });
    let base = world.base("readme.txt");
    let content = "Файлы роботов\n".as_bytes().to_vec().into();
    world.files.insert(Stored { base, folder, content });
}
