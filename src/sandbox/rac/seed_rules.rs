//! What the administrators of the seeded world have laid down: rules, settings, a profile, counters, limits.

use std::collections::HashMap;

use super::chance::Chance;
use super::row::{Row, shown};
use super::world::{Cluster, Counter, Profile};
use crate::services::rac::table::{
    ADDIN, APPLICATION, COM_CLASS, COUNTER, DIRECTORY, LIMIT, MODULE, PROFILE, RESOURCE, RULE, SETTING,
};

pub fn put(cluster: &mut Cluster, chance: &mut Chance) {
    if let Some(server) = cluster.servers.last_mut() {
        server.rules = vec![
            Row::new(&RULE)
                .with("rule", chance.id())
                .with("object-type", "Connection")
                .with("infobase-name", "Бухгалтерия")
                .with("rule-type", 2)
                .with("application-ext", "BackgroundJob"),
            Row::new(&RULE).with("rule", chance.id()).with("object-type", "JobService").with("rule-type", 0),
        ];
    }
    if let Some(server) = cluster.servers.first_mut() {
        let setting = Row::new(&SETTING)
            .with("setting", chance.id())
            .with("service-name", "EventLogService")
            .with("infobase-name", "Бухгалтерия")
            .with("service-data-dir", "/srv/eventlog/")
            .with("active", 1);
        server.settings.push(setting);
    }
    cluster.profiles.push(profile(chance));
    let counter = |name: &str, time: i64, measures: &[&str], descr: &str| {
        let row = Row::new(&COUNTER)
            .with("name", name)
            .with("collection-time", time)
            .with("filter-type", 2)
            .with("descr", descr);
        let row = measures.iter().fold(row, |row, measure| row.with(measure, 1));
        Counter { row, values: Vec::new(), accumulated: Vec::new() }
    };
    cluster.counters = vec![
        counter("Вызовы пользователей", 300_000, &["duration", "cpu-time", "call"], "За пять минут"),
        counter("memory", 0, &["memory"], ""),
    ];
    let limit = Row::new(&LIMIT)
        .with("name", "Долгие вызовы")
        .with("counter", "Вызовы пользователей")
        .with("action", 2)
        .with("duration", 600_000)
        .with("error-message", "Вызов прерван: превышено время")
        .with("descr", "Не дольше десяти минут");
    cluster.limits.push(limit);
}

fn profile(chance: &mut Chance) -> Profile {
    let row = Row::new(&PROFILE)
        .with("name", "Ограниченный")
        .with("descr", "Только обмен")
        .with("inet", true)
        .with("crypto", true)
        .with("privileged-mode-roles", "Обмен;Чтение");
    let of = |record| Row::new(record).with("profile", "Ограниченный");
    let directory = of(&DIRECTORY)
        .with("alias", "/exchange")
        .with("descr", "Обмен")
        .with("physicalPath", "/srv/exchange")
        .with("allowedRead", true);
    let class = of(&COM_CLASS)
        .with("name", "Excel")
        .with("fileName", "excel.exe")
        .with("id", shown(chance.id()))
        .with("host", "srv1");
    let addin = of(&ADDIN).with("name", "Сканер").with("hash", "q83vEjRWeJASNA==");
    let module = of(&MODULE).with("name", "Загрузка").with("hash", "EjRWeJCrze8SNA==");
    let app = of(&APPLICATION).with("name", "Архиватор").with("wild", "7z a %");
    let resource = of(&RESOURCE).with("name", "Курсы").with("protocol", "https").with("url", "rates.example");
    let lists = [directory, class, addin, module, app, resource].map(|row| (row.record.name, vec![row]));
    Profile { row, lists: HashMap::from(lists) }
}
