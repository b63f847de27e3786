//! The modes of the utility and their commands.

use super::Answer::{Columns, Id, Many, Nothing, One, Text};
use super::Way::{Ask, Create, Edit, Operate};
use super::options::{self as o};
use super::records::{
    CLUSTER, CONNECTION as CONNECTION_RECORD, INFOBASE, LOCK, MANAGER, PROCESS as PROCESS_RECORD, PROCESS_LICENSES,
    SERVER as SERVER_RECORD, SERVICE, SESSION as SESSION_RECORD, SESSION_LICENSES, SUMMARY, USER,
};
use super::rules::{
    ADDIN, APPLICATION, COM_CLASS, COUNTER, COUNTER_VALUE, DIRECTORY, LIMIT, MODULE, PROFILE, RESOURCE,
    RULE as RULE_RECORD, SETTING, STORAGE, TRANSFER,
};
use super::{Answer, Command, Mode, Opt, Pick, Record, Way, Who};

const fn does(
    words: &'static [&'static str],
    options: &'static [Opt],
    way: Way,
    answer: Answer,
    english: &'static str,
    russian: &'static str,
) -> Command {
    Command { words, options, who: &[], way, answer, licenses: None, pick: None, about: (english, russian) }
}

impl Command {
    const fn who(self, who: &'static [Who]) -> Command {
        Command { who, ..self }
    }

    const fn licenses(self, licenses: &'static Record) -> Command {
        Command { licenses: Some(licenses), ..self }
    }

    const fn pick(self, slot: &'static str, flags: &'static [(&'static str, i64)], otherwise: i64) -> Command {
        Command { pick: Some(Pick { slot, flags, otherwise }), ..self }
    }
}

/// One message, whatever options are given.
macro_rules! ask {
    ($id:literal) => {
        Ask(&[(&[], $id)])
    };
}

/// Lists of options joined.
macro_rules! options {
    ($($part:expr),* $(,)?) => {{
        const PARTS: &[&[Opt]] = &[$($part),*];
        const LENGTH: usize = length(PARTS);
        const JOINED: [Opt; LENGTH] = join(PARTS);
        &JOINED
    }};
}

const fn length(parts: &[&[Opt]]) -> usize {
    let (mut total, mut at) = (0, 0);
    while at < parts.len() {
        total += parts[at].len();
        at += 1;
    }
    total
}

const fn join<const N: usize>(parts: &[&[Opt]]) -> [Opt; N] {
    let mut joined = [o::DESCR; N];
    let (mut to, mut part) = (0, 0);
    while part < parts.len() {
        let mut at = 0;
        while at < parts[part].len() {
            joined[to] = parts[part][at];
            to += 1;
            at += 1;
        }
        part += 1;
    }
    joined
}

const CLUSTER_ADMIN: &[Who] = &[Who::Cluster];
const INFOBASE_USER: &[Who] = &[Who::Infobase];
const AGENT_ADMIN: &[Who] = &[Who::Agent];
const SERVER: Opt = Opt { is_required: true, ..o::SERVER };
const PROCESS: Opt = Opt { is_required: true, ..o::PROCESS };
const CONNECTION: Opt = Opt { is_required: true, ..o::CONNECTION };
const SESSION: Opt = Opt { is_required: true, ..o::SESSION };
const BASE: &[Opt] = &[o::INFOBASE, o::INFOBASE_NAME];

pub static MODES: &[Mode] = &[
    Mode {
        name: "agent",
        options: &[],
        who: AGENT_ADMIN,
        commands: &[AGENT],
        about: ("the central server", "центральный сервер"),
    },
    Mode {
        name: "cluster", options: &[], who: &[], commands: &[CLUSTERS], about: ("clusters", "кластеры серверов")
    },
    mode("manager", &[MANAGERS], "cluster managers", "менеджеры кластера"),
    mode("server", &[SERVERS], "working servers", "рабочие серверы"),
    mode("process", &[PROCESSES], "working processes", "рабочие процессы"),
    mode("service", &[SERVICES], "services of managers", "сервисы менеджеров"),
    mode("infobase", &[INFOBASES], "infobases", "информационные базы"),
    mode("connection", &[CONNECTIONS], "connections", "соединения"),
    mode("session", &[SESSIONS], "sessions", "сеансы"),
    mode("lock", &[LOCKS], "locks", "блокировки"),
    mode("rule", &[RULES], "assignment rules", "требования назначения функциональности"),
    mode("profile", &PROFILE_LISTS, "security profiles", "профили безопасности"),
    mode("counter", &[COUNTERS], "counters of resource use", "счетчики потребления ресурсов"),
    mode("limit", &[LIMITS], "limits of resource use", "ограничения потребления ресурсов"),
    Mode {
        name: "service-setting",
        options: &[o::CLUSTER, SERVER],
        who: CLUSTER_ADMIN,
        commands: &[SETTINGS],
        about: ("settings of services", "настройки сервисов"),
    },
    Mode {
        name: "binary-data-storage",
        options: &[o::CLUSTER, Opt { is_required: true, ..o::INFOBASE }],
        who: &[Who::Cluster, Who::Infobase],
        commands: &[STORAGES],
        about: ("storages of binary data", "хранилища двоичных данных"),
    },
];

const fn mode(
    name: &'static str,
    commands: &'static [&'static [Command]],
    english: &'static str,
    russian: &'static str,
) -> Mode {
    Mode { name, options: &[o::CLUSTER], who: CLUSTER_ADMIN, commands, about: (english, russian) }
}

/// All commands with their modes.
pub fn commands() -> impl Iterator<Item = (&'static Mode, &'static Command)> {
    MODES.iter().flat_map(|mode| mode.commands().map(move |command| (mode, command)))
}

/// The command of these words, the mode's first.
pub fn command(words: &[&str]) -> Option<(&'static Mode, &'static Command)> {
    let (first, rest) = words.split_first()?;
    commands().find(|(mode, command)| mode.name == *first && command.words == rest)
}

static AGENT: &[Command] = &[
    does(
        &["admin", "list"],
        &[],
        ask!(0),
        Many(&USER),
        "administrators of the central server",
        "администраторы центрального сервера",
    ),
    does(
        &["admin", "register"],
        o::ADMIN,
        Create { write: 4 },
        Nothing,
        "register an administrator",
        "зарегистрировать администратора",
    ),
    does(&["admin", "remove"], &[o::NAME], ask!(6), Nothing, "remove an administrator", "удалить администратора"),
    does(&["version"], &[], ask!(135), Text, "the version of the central server", "версия центрального сервера"),
];

static CLUSTERS: &[Command] = &[
    does(&["list"], &[], ask!(11), Many(&CLUSTER), "all clusters", "список кластеров"),
    does(&["info"], &[o::CLUSTER], ask!(13), One(&CLUSTER), "one cluster", "сведения о кластере"),
    does(
        &["insert"],
        options![&[o::HOST, o::PORT], &o::CLUSTER_SETTINGS],
        Create { write: 15 },
        Id("cluster"),
        "register a cluster",
        "зарегистрировать кластер",
    )
    .who(AGENT_ADMIN),
    does(
        &["update"],
        options![&[o::CLUSTER], &o::CLUSTER_SETTINGS],
        Edit { read: 13, write: 15 },
        Nothing,
        "change a cluster",
        "изменить кластер",
    )
    .who(AGENT_ADMIN),
    does(&["remove"], &[o::CLUSTER], ask!(17), Nothing, "remove a cluster", "удалить кластер").who(CLUSTER_ADMIN),
    does(
        &["admin", "list"],
        &[o::CLUSTER],
        ask!(2),
        Many(&USER),
        "administrators of a cluster",
        "администраторы кластера",
    )
    .who(CLUSTER_ADMIN),
    does(
        &["admin", "register"],
        options![&[o::CLUSTER], o::ADMIN],
        Create { write: 5 },
        Nothing,
        "register an administrator",
        "зарегистрировать администратора",
    )
    .who(&[Who::Cluster, Who::Agent]),
    does(
        &["admin", "remove"],
        &[o::CLUSTER, o::NAME],
        ask!(7),
        Nothing,
        "remove an administrator",
        "удалить администратора",
    )
    .who(CLUSTER_ADMIN),
];

static MANAGERS: &[Command] = &[
    does(&["list"], &[], ask!(18), Many(&MANAGER), "all managers", "список менеджеров"),
    does(&["info"], &[o::MANAGER], ask!(20), One(&MANAGER), "one manager", "сведения о менеджере"),
];

static SERVERS: &[Command] = &[
    does(&["list"], &[], ask!(22), Many(&SERVER_RECORD), "all working servers", "список рабочих серверов"),
    does(&["info"], &[SERVER], ask!(24), One(&SERVER_RECORD), "one working server", "сведения о рабочем сервере"),
    does(
        &["insert"],
        options![&o::SERVER_PLACE, &o::SERVER_SETTINGS, &[o::PROHIBITING_RULE]],
        Create { write: 26 },
        Id("server"),
        "register a working server",
        "зарегистрировать рабочий сервер",
    ),
    does(
        &["update"],
        options![&[SERVER, o::PORT_RANGE], &o::SERVER_SETTINGS],
        Edit { read: 24, write: 26 },
        Nothing,
        "change a working server",
        "изменить рабочий сервер",
    ),
    does(&["remove"], &[SERVER], ask!(28), Nothing, "remove a working server", "удалить рабочий сервер"),
];

static PROCESSES: &[Command] = &[
    does(
        &["list"],
        &[o::SERVER, o::LICENSES],
        Ask(&[(&["server"], 33), (&[], 29)]),
        Many(&PROCESS_RECORD),
        "all working processes",
        "список рабочих процессов",
    )
    .licenses(&PROCESS_LICENSES),
    does(
        &["info"],
        &[PROCESS, o::LICENSES],
        ask!(31),
        One(&PROCESS_RECORD),
        "one working process",
        "сведения о рабочем процессе",
    )
    .licenses(&PROCESS_LICENSES),
    does(&["turn-off"], &[PROCESS], ask!(165), Nothing, "switch a working process off", "выключить рабочий процесс"),
];

static SERVICES: &[Command] = &[does(&["list"], &[], ask!(35), Many(&SERVICE), "all services", "список сервисов")];

static INFOBASES: &[Command] = &[
    does(&["info"], BASE, ask!(48), One(&INFOBASE), "everything about an infobase", "сведения об информационной базе")
        .who(INFOBASE_USER),
    does(
        &["summary", "info"],
        BASE,
        ask!(46),
        One(&SUMMARY),
        "an infobase in brief",
        "краткие сведения об информационной базе",
    ),
    does(
        &["summary", "list"],
        &[],
        ask!(42),
        Many(&SUMMARY),
        "all infobases in brief",
        "краткие сведения обо всех информационных базах",
    ),
    does(
        &["summary", "update"],
        options![BASE, &[o::DESCR]],
        ask!(39),
        Nothing,
        "change the description",
        "изменить описание",
    ),
    does(
        &["create"],
        options![&o::INFOBASE_NEW, &[o::LICENSE_DISTRIBUTION]],
        Create { write: 37 },
        Id("infobase"),
        "create an infobase",
        "создать информационную базу",
    )
    .pick("mode", &[("create-database", 1)], 0),
    does(
        &["update"],
        options![BASE, &o::INFOBASE_SETTINGS, &[o::JOBS_SHIFT]],
        Edit { read: 48, write: 40 },
        Nothing,
        "change an infobase",
        "изменить информационную базу",
    )
    .who(INFOBASE_USER),
    // That 2 empties the database is inferred.
    does(
        &["drop"],
        options![BASE, &[o::DROP_DATABASE, o::CLEAR_DATABASE]],
        ask!(41),
        Nothing,
        "remove an infobase",
        "удалить информационную базу",
    )
    .who(INFOBASE_USER)
    .pick("mode", &[("drop-database", 1), ("clear-database", 2)], 0),
];

static CONNECTIONS: &[Command] = &[
    does(
        &["list"],
        &[o::PROCESS, o::INFOBASE],
        Ask(&[(&["process", "infobase"], 56), (&["infobase"], 52), (&[], 50)]),
        Many(&CONNECTION_RECORD),
        "all connections",
        "список соединений",
    )
    .who(INFOBASE_USER),
    does(&["info"], &[CONNECTION], ask!(54), One(&CONNECTION_RECORD), "one connection", "сведения о соединении"),
    does(&["disconnect"], &[PROCESS, CONNECTION], ask!(64), Nothing, "cut a connection", "разорвать соединение")
        .who(INFOBASE_USER),
];

static SESSIONS: &[Command] = &[
    does(
        &["list"],
        &[o::INFOBASE, o::LICENSES],
        Ask(&[(&["infobase"], 67), (&[], 65)]),
        Many(&SESSION_RECORD),
        "all sessions",
        "список сеансов",
    )
    .licenses(&SESSION_LICENSES),
    does(&["info"], &[SESSION, o::LICENSES], ask!(69), One(&SESSION_RECORD), "one session", "сведения о сеансе")
        .licenses(&SESSION_LICENSES),
    does(&["terminate"], &[SESSION, o::ERROR_MESSAGE], ask!(71), Nothing, "end a session", "завершить сеанс"),
    does(
        &["interrupt-current-server-call"],
        &[SESSION, o::ERROR_MESSAGE],
        ask!(117),
        Nothing,
        "interrupt the call that a session runs",
        "прервать текущий серверный вызов",
    ),
];

static LOCKS: &[Command] = &[does(
    &["list"],
    &[o::INFOBASE, o::CONNECTION, o::SESSION],
    Ask(&[(&["connection"], 76), (&["infobase"], 74), (&[], 72)]),
    Many(&LOCK),
    "all locks",
    "список блокировок",
)];

static RULES: &[Command] = &[
    does(&["apply"], &[o::FULL, o::PARTIAL], ask!(81), Nothing, "apply the rules", "применить требования").pick(
        "mode",
        &[("full", 1), ("partial", 0)],
        1,
    ),
    does(&["list"], &[SERVER], ask!(85), Many(&RULE_RECORD), "the rules of a server", "список требований сервера"),
    does(&["info"], &[SERVER, o::RULE], ask!(87), One(&RULE_RECORD), "one rule", "сведения о требовании"),
    does(
        &["insert"],
        options![&[SERVER], &o::RULE_SETTINGS],
        Create { write: 82 },
        Id("rule"),
        "add a rule",
        "добавить требование",
    ),
    does(
        &["update"],
        options![&[SERVER, o::RULE], &o::RULE_SETTINGS],
        Edit { read: 87, write: 82 },
        Nothing,
        "change a rule",
        "изменить требование",
    ),
    does(&["remove"], &[SERVER, o::RULE], ask!(84), Nothing, "remove a rule", "удалить требование"),
];

static PROFILES: &[Command] = &[
    does(&["list"], &[], ask!(89), Many(&PROFILE), "all security profiles", "список профилей безопасности"),
    does(
        &["update"],
        &o::PROFILE_SETTINGS,
        Create { write: 91 },
        Nothing,
        "create or replace a profile",
        "создать или заменить профиль",
    ),
    does(&["remove"], &[o::NAME], ask!(92), Nothing, "remove a profile", "удалить профиль"),
];

/// The three commands of an access list.
macro_rules! access_list {
    ($kind:literal, $record:expr, $list:literal, $key:expr, $settings:expr, $english:literal, $russian:literal) => {
        &[
            does(
                &["acl", $kind, "list"],
                &[o::OF_PROFILE, o::ACCESS_OPTION],
                ask!($list),
                Many($record),
                concat!("the list of ", $english),
                concat!("список: ", $russian),
            ),
            does(
                &["acl", $kind, "update"],
                options![&[o::OF_PROFILE, o::ACCESS_OPTION, $key], $settings],
                Create { write: $list + 2 },
                Nothing,
                concat!("put on the list of ", $english),
                concat!("добавить или изменить: ", $russian),
            ),
            does(
                &["acl", $kind, "remove"],
                &[o::OF_PROFILE, o::ACCESS_OPTION, $key],
                Ask(&[(&[], $list + 3)]),
                Nothing,
                concat!("take off the list of ", $english),
                concat!("удалить: ", $russian),
            ),
        ]
    };
}

static PROFILE_LISTS: [&[Command]; 7] = [
    PROFILES,
    access_list!(
        "directory",
        &DIRECTORY,
        93,
        o::ALIAS,
        &o::DIRECTORY_SETTINGS,
        "virtual directories",
        "виртуальные каталоги"
    ),
    access_list!("com", &COM_CLASS, 97, o::NAME, &o::COM_SETTINGS, "COM classes", "COM-классы"),
    access_list!("addin", &ADDIN, 101, o::NAME, &[o::DESCR, o::HASH], "add-ins", "внешние компоненты"),
    access_list!("module", &MODULE, 105, o::NAME, &[o::DESCR, o::HASH], "external modules", "внешние модули"),
    access_list!("app", &APPLICATION, 109, o::NAME, &[o::DESCR, o::WILD], "applications", "приложения"),
    access_list!("inet", &RESOURCE, 113, o::NAME, &o::RESOURCE_SETTINGS, "internet resources", "интернет-ресурсы"),
];

static COUNTERS: &[Command] = &[
    does(&["list"], &[], ask!(118), Many(&COUNTER), "all counters", "список счетчиков"),
    does(&["info"], &[o::COUNTER], ask!(120), One(&COUNTER), "one counter", "сведения о счетчике"),
    does(
        &["update"],
        &o::COUNTER_SETTINGS,
        Create { write: 122 },
        Nothing,
        "create or replace a counter",
        "создать или заменить счетчик",
    ),
    does(
        &["values"],
        &[o::COUNTER, o::OBJECT],
        ask!(130),
        Many(&COUNTER_VALUE),
        "what a counter has collected",
        "текущие значения счетчика",
    ),
    does(
        &["accumulated-values"],
        &[o::COUNTER, o::OBJECT],
        ask!(133),
        Many(&COUNTER_VALUE),
        "what a counter has added up",
        "накопленные значения счетчика",
    ),
    does(&["clear"], &[o::COUNTER, o::OBJECT], ask!(132), Nothing, "empty a counter", "очистить счетчик"),
    does(&["remove"], &[o::NAME], ask!(123), Nothing, "remove a counter", "удалить счетчик"),
];

static LIMITS: &[Command] = &[
    does(&["list"], &[], ask!(124), Many(&LIMIT), "all limits", "список ограничений"),
    does(&["info"], &[o::LIMIT], ask!(126), One(&LIMIT), "one limit", "сведения об ограничении"),
    does(
        &["update"],
        &o::LIMIT_SETTINGS,
        Create { write: 128 },
        Nothing,
        "create or replace a limit",
        "создать или заменить ограничение",
    ),
    does(&["remove"], &[o::NAME], ask!(129), Nothing, "remove a limit", "удалить ограничение"),
];

const SERVICE_NAME: Opt = Opt { is_required: true, ..o::SERVICE_NAME };

static SETTINGS: &[Command] = &[
    does(&["list"], &[], ask!(139), Many(&SETTING), "all settings of a server", "список настроек сервисов"),
    does(&["info"], &[o::SETTING], ask!(137), One(&SETTING), "one setting", "сведения о настройке"),
    does(
        &["insert"],
        &[SERVICE_NAME, o::SETTING_INFOBASE, o::DATA_DIR],
        Create { write: 141 },
        Id("setting"),
        "add a setting",
        "добавить настройку",
    ),
    does(
        &["update"],
        &[o::SETTING, o::DATA_DIR],
        Edit { read: 137, write: 141 },
        Nothing,
        "change a setting",
        "изменить настройку",
    ),
    does(&["remove"], &[o::SETTING], ask!(143), Nothing, "remove a setting", "удалить настройку"),
    does(&["apply"], &[], ask!(144), Nothing, "apply the settings", "применить настройки"),
    does(
        &["get-service-data-dirs-for-transfer"],
        &[o::SERVICE_NAME],
        ask!(145),
        Columns(&TRANSFER),
        "which directories are to be moved",
        "каталоги данных для переноса",
    ),
];

static STORAGES: &[Command] = &[
    does(&["list"], &[], ask!(153), Many(&STORAGE), "all storages", "список хранилищ"),
    does(&["info"], &[o::STORAGE, o::STORAGE_NAME], ask!(153), One(&STORAGE), "one storage", "сведения о хранилище"),
    does(
        &["create-full-backup"],
        &[o::SERVER_PATH],
        Operate { kind: 1, argument: &["server-path"] },
        Nothing,
        "make a full copy",
        "создать полную копию",
    ),
    does(
        &["create-diff-backup"],
        &[o::SERVER_PATH, o::FULL_PATH],
        Operate { kind: 1, argument: &["full-backup-server-path", "server-path"] },
        Nothing,
        "make a copy of what differs",
        "создать разностную копию",
    ),
    does(
        &["load-full-backup"],
        &[o::SERVER_PATH],
        Operate { kind: 2, argument: &["server-path"] },
        Nothing,
        "load a full copy",
        "загрузить полную копию",
    ),
    does(
        &["load-diff-backup"],
        &[o::SERVER_PATH, o::FULL_PATH],
        Operate { kind: 2, argument: &["full-backup-server-path", "server-path"] },
        Nothing,
        "load a copy of what differs",
        "загрузить разностную копию",
    ),
    does(
        &["clear-unused-space"],
        &[o::STORAGE, o::STORAGE_NAME, o::BY_DATE],
        Operate { kind: 0, argument: &["by-universal-date"] },
        Nothing,
        "free space that is not used",
        "очистить неиспользуемое место",
    ),
];
