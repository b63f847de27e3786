//! The options that commands take, each once.

use super::Takes::{Auth, Date, Flag, Id, Number, OneOf, OrZero, Password, Ports, Text, Words};
use super::rules::CURRENT_CALL;
use super::words::*;
use super::{Opt, Takes, Thing, Who};

const fn opt(
    name: &'static str,
    takes: Takes,
    shown: &'static str,
    english: &'static str,
    russian: &'static str,
) -> Opt {
    Opt { name, takes, shown, is_required: false, called: name, selects: false, about: (english, russian) }
}

const fn user(name: &'static str, english: &'static str, russian: &'static str) -> Opt {
    opt(name, Text, "<name>", english, russian)
}

const fn password(name: &'static str, english: &'static str, russian: &'static str) -> Opt {
    opt(name, Password, "<pwd>", english, russian)
}

const fn number(name: &'static str, shown: &'static str, english: &'static str, russian: &'static str) -> Opt {
    opt(name, Number, shown, english, russian)
}

const fn words(name: &'static str, of: &'static super::Words, english: &'static str, russian: &'static str) -> Opt {
    opt(name, Words(of), "", english, russian)
}

const fn analyze(name: &'static str, english: &'static str, russian: &'static str) -> Opt {
    words(name, &ANALYZE, english, russian)
}

const fn at_most(name: &'static str, english: &'static str, russian: &'static str) -> Opt {
    number(name, "<value>", english, russian)
}

/// The two options of each kind of credentials.
pub const fn credentials(who: Who) -> &'static [Opt; 2] {
    match who {
        Who::Agent => &AGENT,
        Who::Cluster => &CLUSTER_ADMIN,
        Who::Infobase => &INFOBASE_USER,
    }
}

static AGENT: [Opt; 2] = [
    user("agent-user", "administrator of the central server", "администратор центрального сервера"),
    password("agent-pwd", "that administrator's password", "пароль этого администратора"),
];
static CLUSTER_ADMIN: [Opt; 2] = [
    user("cluster-user", "administrator of the cluster", "администратор кластера"),
    password("cluster-pwd", "that administrator's password", "пароль этого администратора"),
];
static INFOBASE_USER: [Opt; 2] = [
    user("infobase-user", "infobase user with the right to administer", "пользователь базы с правом администрирования"),
    password("infobase-pwd", "that user's password", "пароль этого пользователя"),
];

pub const CLUSTER: Opt = opt("cluster", Id(Thing::Cluster), "<uuid>", "the cluster", "кластер").required();
pub const SERVER: Opt = opt("server", Id(Thing::Server), "<uuid>", "the working server", "рабочий сервер");
pub const MANAGER: Opt =
    opt("manager", Id(Thing::Other), "<uuid>", "the cluster manager", "менеджер кластера").required();
pub const PROCESS: Opt = opt("process", Id(Thing::Other), "<uuid>", "the working process", "рабочий процесс");
pub const INFOBASE: Opt = opt("infobase", Id(Thing::Infobase), "<uuid>", "the infobase", "информационная база");
pub const INFOBASE_NAME: Opt =
    opt("name", Text, "<name>", "the infobase, by its name", "информационная база, по имени").selects();
pub const CONNECTION: Opt = opt("connection", Id(Thing::Other), "<uuid>", "the connection", "соединение");
pub const SESSION: Opt = opt("session", Id(Thing::Other), "<uuid>", "the session", "сеанс");
pub const RULE: Opt =
    opt("rule", Id(Thing::Other), "<uuid>", "the assignment rule", "требование назначения").required();
pub const SETTING: Opt =
    opt("setting", Id(Thing::Other), "<uuid>", "the service setting", "настройка сервиса").required();
pub const LICENSES: Opt =
    opt("licenses", Flag, "", "print the licenses in use instead", "вывести вместо этого выданные лицензии");
pub const ERROR_MESSAGE: Opt =
    opt("error-message", Text, "<text>", "what the user is told", "сообщение для пользователя");
pub const DESCR: Opt = opt("descr", Text, "<descr>", "description", "описание");
pub const NAME: Opt = opt("name", Text, "<name>", "name", "имя").required();

/// An administrator who is registered.
pub const ADMIN: &[Opt] = &[
    NAME,
    password("pwd", "the new administrator's password", "пароль нового администратора"),
    DESCR,
    opt(
        "auth",
        Auth,
        "pwd[,os]",
        "how he may be known: by password, by the operating system",
        "способы аутентификации",
    ),
    user("os-user", "his account in the operating system", "пользователь операционной системы"),
];

pub const HOST: Opt =
    opt("host", Text, "<host>", "the host of the main manager", "компьютер главного менеджера").required();
pub const PORT: Opt = number("port", "<port>", "the port of the main manager", "порт главного менеджера").required();
pub const OPTIONAL_NAME: Opt = opt("name", Text, "<name>", "name", "имя");

pub const CLUSTER_SETTINGS: [Opt; 15] = [
    number(
        "expiration-timeout",
        "<seconds>",
        "when switched-off processes are stopped by force, in seconds",
        "период принудительного завершения выключенных процессов, секунды",
    ),
    number(
        "lifetime-limit",
        "<seconds>",
        "how often working processes restart, in seconds",
        "период перезапуска рабочих процессов, секунды",
    ),
    number("max-memory-size", "<size>", "the most memory of a process, in KB", "предельный объём памяти процесса, КБ"),
    number(
        "max-memory-time-limit",
        "<seconds>",
        "how long a process may take more, in seconds",
        "допустимое время превышения, секунды",
    ),
    opt(
        "security-level",
        OrZero("disabled"),
        "<level>",
        "security of connections: 0 to 3",
        "уровень безопасности соединений: от 0 до 3",
    ),
    number("session-fault-tolerance-level", "<level>", "how many servers may fail", "уровень отказоустойчивости"),
    words("load-balancing-mode", &BALANCING, "what load is spread by", "режим распределения нагрузки"),
    number(
        "errors-count-threshold",
        "<percentage>",
        "deviation of the number of errors, in percent",
        "допустимое отклонение количества ошибок, проценты",
    ),
    words("kill-problem-processes", &YES_NO, "stop processes with problems", "завершать проблемные процессы"),
    words(
        "kill-by-memory-with-dump",
        &YES_NO,
        "write a dump when stopping for memory",
        "записывать дамп при завершении по памяти",
    ),
    words(
        "allow-access-right-audit-events-recording",
        &YES_NO,
        "record events of the audit of rights",
        "записывать события аудита прав",
    ),
    number("ping-period", "<ms>", "pause between checks of connections, in ms", "период проверки соединений, мс"),
    number("ping-timeout", "<ms>", "when a check has failed, in ms", "таймаут проверки соединений, мс"),
    opt(
        "restart-schedule",
        Text,
        "<schedule>",
        "when processes restart, as in cron",
        "расписание перезапуска, как в cron",
    ),
    OPTIONAL_NAME,
];

pub const SERVER_PLACE: [Opt; 5] = [
    opt("agent-host", Text, "<host>", "the host of its agent", "компьютер агента").required(),
    number("agent-port", "<port>", "the port of its agent", "порт агента").required(),
    PORT_RANGE.required(),
    OPTIONAL_NAME,
    number("cluster-port", "<port>", "the port of its manager", "порт менеджера"),
];
pub const PORT_RANGE: Opt = opt("port-range", Ports, "<min>:<max>", "ports of its processes", "диапазоны портов");
pub const PROHIBITING_RULE: Opt = words(
    "add-prohibiting-assignment-rule",
    &YES_NO,
    "begin with a rule that keeps everything off it",
    "добавить запрещающее требование назначения",
);

pub const SERVER_SETTINGS: [Opt; 12] = [
    words("using", &USING, "the central server, or not", "вариант использования"),
    number("infobases-limit", "<count>", "the most infobases of a process", "количество баз на процесс"),
    number("memory-limit", "<kb>", "the most memory of the processes, in KB", "предел памяти процессов, КБ"),
    number("connections-limit", "<count>", "the most connections of a process", "количество соединений на процесс"),
    words("dedicate-managers", &DEDICATE, "a manager for every service", "отдельный менеджер для каждого сервиса"),
    number(
        "safe-working-processes-memory-limit",
        "<bytes>",
        "memory of the processes that counts as safe, in bytes",
        "безопасный объём памяти процессов, байты",
    ),
    number(
        "safe-call-memory-limit",
        "<bytes>",
        "memory of one call that counts as safe, in bytes",
        "безопасный расход памяти за вызов, байты",
    ),
    number(
        "critical-total-memory",
        "<bytes>",
        "memory of all processes at which they are stopped, in bytes",
        "критический объём памяти процессов, байты",
    ),
    number(
        "temporary-allowed-total-memory",
        "<bytes>",
        "memory of all processes that is allowed for a while, in bytes",
        "временно допустимый объём памяти процессов, байты",
    ),
    number(
        "temporary-allowed-total-memory-time-limit",
        "<seconds>",
        "for how long, in seconds",
        "интервал превышения допустимого объёма, секунды",
    ),
    opt("service-principal-name", Text, "<spn>", "its service principal name", "имя участника-службы (SPN)"),
    opt(
        "restart-schedule",
        Text,
        "<schedule>",
        "when its processes restart, as in cron",
        "расписание перезапуска, как в cron",
    ),
];

pub const INFOBASE_NEW: [Opt; 12] = [
    opt("create-database", Flag, "", "create the database as well", "создать и базу данных"),
    NAME,
    opt("dbms", OneOf(DBMS), "", "where the data lie", "тип СУБД").required(),
    opt("db-server", Text, "<host>", "the database server", "сервер баз данных").required(),
    opt("db-name", Text, "<name>", "the database", "имя базы данных").required(),
    opt("locale", Text, "<locale>", "national settings, such as ru_RU", "национальные настройки, например ru_RU")
        .required(),
    user("db-user", "the user of the database", "пользователь базы данных"),
    password("db-pwd", "that user's password", "пароль этого пользователя"),
    DESCR,
    number("date-offset", "<offset>", "added to years: 0 or 2000", "смещение дат: 0 или 2000"),
    opt(
        "security-level",
        OrZero("disabled"),
        "<level>",
        "security of connections: 0 to 3",
        "уровень безопасности соединений: от 0 до 3",
    ),
    words("scheduled-jobs-deny", &ON_OFF, "scheduled jobs do not run", "блокировка регламентных заданий"),
];
pub const LICENSE_DISTRIBUTION: Opt =
    words("license-distribution", &ALLOW_DENY, "the server hands out licenses", "выдача лицензий сервером");

pub const INFOBASE_SETTINGS: [Opt; 22] = [
    opt("dbms", OneOf(DBMS), "", "where the data lie", "тип СУБД"),
    opt("db-server", Text, "<host>", "the database server", "сервер баз данных"),
    opt("db-name", Text, "<name>", "the database", "имя базы данных"),
    user("db-user", "the user of the database", "пользователь базы данных"),
    password("db-pwd", "that user's password", "пароль этого пользователя"),
    DESCR,
    opt("denied-from", Date, "<date>", "when the lock of new sessions begins", "начало блокировки сеансов"),
    opt("denied-message", Text, "<msg>", "what users see who are kept out", "сообщение при блокировке"),
    opt("denied-parameter", Text, "<string>", "parameter of the lock", "параметр блокировки"),
    opt("denied-to", Date, "<date>", "when the lock of new sessions ends", "конец блокировки сеансов"),
    opt("permission-code", Text, "<string>", "the code that lets in all the same", "код разрешения"),
    words("sessions-deny", &ON_OFF, "new sessions are kept out", "блокировка начала сеансов"),
    words("scheduled-jobs-deny", &ON_OFF, "scheduled jobs do not run", "блокировка регламентных заданий"),
    LICENSE_DISTRIBUTION,
    opt(
        "external-session-manager-connection-string",
        Text,
        "<connect-string>",
        "where sessions are managed from outside",
        "строка внешнего управления сеансами",
    ),
    words(
        "external-session-manager-required",
        &YES_NO,
        "no session without it",
        "внешнее управление сеансами обязательно",
    ),
    words("reserve-working-processes", &YES_NO, "keep processes in reserve", "резервирование рабочих процессов"),
    opt("security-profile-name", Text, "<name>", "security profile", "профиль безопасности"),
    opt(
        "safe-mode-security-profile-name",
        Text,
        "<name>",
        "security profile of foreign code",
        "профиль безопасности внешнего кода",
    ),
    words(
        "disable-local-speech-to-text",
        &YES_NO,
        "no local speech recognition",
        "запрет локального распознавания речи",
    ),
    number(
        "configuration-unload-delay-by-working-process-without-active-users",
        "<seconds>",
        "when a configuration nobody uses is unloaded, in seconds",
        "задержка выгрузки конфигурации без активных пользователей, секунды",
    ),
    number(
        "minimum-scheduled-jobs-start-period-without-active-users",
        "<seconds>",
        "the least pause of jobs when nobody works, in seconds",
        "минимальный период запуска заданий без активных пользователей, секунды",
    ),
];
pub const JOBS_SHIFT: Opt = number(
    "maximum-scheduled-jobs-start-shift-without-active-users",
    "<seconds>",
    "the most shift of jobs when nobody works, in seconds",
    "максимальный сдвиг запуска заданий без активных пользователей, секунды",
);

pub const DROP_DATABASE: Opt = opt("drop-database", Flag, "", "delete the database as well", "удалить и базу данных");
pub const CLEAR_DATABASE: Opt = opt("clear-database", Flag, "", "empty the database", "очистить базу данных");
pub const FULL: Opt = opt("full", Flag, "", "apply all of them (the usual way)", "полное применение (обычное)");
pub const PARTIAL: Opt = opt("partial", Flag, "", "apply what has changed", "частичное применение");

pub const RULE_SETTINGS: [Opt; 6] = [
    number("position", "<position>", "its place in the list, from 0", "место в списке, с 0").required(),
    opt(
        "object-type",
        Text,
        "<object>",
        "what it is about: Connection or a service's name",
        "объект: Connection или имя сервиса",
    ),
    opt("infobase-name", Text, "<name>", "for which infobase", "для какой информационной базы"),
    words("rule-type", &RULE_TYPE, "whether the server takes it", "тип требования"),
    opt("application-ext", Text, "<string>", "for which application", "для какого приложения"),
    number("priority", "<priority>", "priority", "приоритет"),
];

pub const PROFILE_SETTINGS: [Opt; 12] = [
    NAME,
    DESCR,
    words("config", &YES_NO, "may be used as the profile of an infobase", "использование как профиля базы"),
    words("priv", &YES_NO, "privileged mode", "привилегированный режим"),
    words("full-privileged-mode", &YES_NO, "full privileged mode", "полный привилегированный режим"),
    opt(
        "privileged-mode-roles",
        Text,
        "<roles>",
        "roles of the privileged mode, with semicolons",
        "роли привилегированного режима, через точку с запятой",
    ),
    words("crypto", &YES_NO, "cryptography", "криптография"),
    words("right-extension", &YES_NO, "rights may be widened", "расширение прав"),
    opt(
        "right-extension-definition-roles",
        Text,
        "<roles>",
        "roles that limit it, with semicolons",
        "роли, ограничивающие расширение, через точку с запятой",
    ),
    words("all-modules-extension", &YES_NO, "all modules may be extended", "расширение всех модулей"),
    opt(
        "modules-available-for-extension",
        Text,
        "<modules>",
        "modules that may, with semicolons",
        "доступные модули, через точку с запятой",
    ),
    opt(
        "modules-not-available-for-extension",
        Text,
        "<modules>",
        "modules that may not, with semicolons",
        "недоступные модули, через точку с запятой",
    ),
];

/// The profile whose list it is: stands right after `acl`.
pub const OF_PROFILE: Opt = opt("name", Text, "<name>", "the profile", "профиль").required().called("profile");
pub const ACCESS_OPTION: Opt =
    words("access", &ACCESS, "what is on the list is allowed, or everything is", "разрешено по списку или всё");
pub const ALIAS: Opt = opt("alias", Text, "<url>", "the logical name", "логический URL").required();
pub const DIRECTORY_SETTINGS: [Opt; 4] = [
    DESCR,
    opt("physicalPath", Text, "<path>", "the directory", "физический каталог"),
    words("allowedRead", &YES_NO, "may be read", "чтение разрешено"),
    words("allowedWrite", &YES_NO, "may be written", "запись разрешена"),
];
pub const COM_SETTINGS: [Opt; 4] = [
    DESCR,
    opt("fileName", Text, "<file>", "the file", "имя файла"),
    opt("id", Text, "<uuid>", "the class", "идентификатор класса"),
    opt("host", Text, "<host>", "where it runs", "компьютер"),
];
pub const HASH: Opt = opt("hash", Text, "<hash>", "check sum, in Base64", "контрольная сумма, Base64");
pub const WILD: Opt = opt("wild", Text, "<template>", "template of the command line", "шаблон строки запуска");
pub const RESOURCE_SETTINGS: [Opt; 4] = [
    DESCR,
    opt("protocol", Text, "<protocol>", "protocol", "протокол"),
    opt("url", Text, "<url>", "address", "адрес"),
    number("port", "<port>", "port; 0 is the usual one", "порт; 0 — обычный"),
];

pub const COUNTER: Opt = opt("counter", Text, "<name>", "the counter", "счетчик").required();
pub const OBJECT: Opt = opt("object", Text, "<filter>", "which objects", "отбор объектов");
pub const COUNTER_SETTINGS: [Opt; 17] = [
    NAME,
    opt(
        "collection-time",
        OrZero(CURRENT_CALL),
        "<time>|current-call",
        "how long it collects, in ms",
        "время накопления, мс",
    )
    .required(),
    words("group", &GROUP, "whose use is added up", "группировка").required(),
    words("filter-type", &FILTER_TYPE, "which objects count", "тип отбора").required(),
    opt("filter", Text, "<filter>", "the objects: infobase=…;user=…|user=…", "отбор: infobase=…;user=…|user=…"),
    analyze("duration", "time of calls", "длительность вызовов"),
    analyze("cpu-time", "processor time", "процессорное время"),
    analyze("memory", "memory", "память"),
    analyze("read", "bytes read", "прочитано данных"),
    analyze("write", "bytes written", "записано данных"),
    analyze("duration-dbms", "time of calls to the database", "длительность вызовов СУБД"),
    analyze("dbms-bytes", "data of the database", "данные СУБД"),
    analyze("service", "time of services", "длительность вызовов сервисов"),
    analyze("call", "number of calls", "количество вызовов"),
    analyze("number-of-active-sessions", "active sessions", "количество активных сеансов"),
    analyze("number-of-sessions", "sessions", "количество сеансов"),
    DESCR,
];

pub const LIMIT: Opt = opt("limit", Text, "<name>", "the limit", "ограничение").required();
pub const LIMIT_SETTINGS: [Opt; 16] = [
    NAME,
    words("action", &ACTION, "what happens", "действие").required(),
    opt("counter", Text, "<name>", "the counter it watches", "счетчик"),
    at_most("duration", "time of calls", "длительность вызовов"),
    at_most("cpu-time", "processor time", "процессорное время"),
    at_most("memory", "memory", "память"),
    at_most("read", "bytes read", "прочитано данных"),
    at_most("write", "bytes written", "записано данных"),
    at_most("duration-dbms", "time of calls to the database", "длительность вызовов СУБД"),
    at_most("dbms-bytes", "data of the database", "данные СУБД"),
    at_most("service", "time of services", "длительность вызовов сервисов"),
    at_most("call", "number of calls", "количество вызовов"),
    at_most("number-of-active-sessions", "active sessions", "количество активных сеансов"),
    at_most("number-of-sessions", "sessions", "количество сеансов"),
    ERROR_MESSAGE,
    DESCR,
];

pub const SERVICE_NAME: Opt = opt("service-name", Text, "<name>", "the service", "имя сервиса");
pub const SETTING_INFOBASE: Opt =
    opt("infobase-name", Text, "<name>", "for which infobase", "для какой информационной базы");
pub const DATA_DIR: Opt =
    opt("service-data-dir", Text, "<path>", "where the service keeps its data", "каталог данных сервиса");

pub const STORAGE: Opt = opt("storage", Id(Thing::Other), "<uuid>", "the storage", "хранилище двоичных данных");
pub const STORAGE_NAME: Opt = opt("name", Text, "<name>", "the storage, by its name", "хранилище, по имени");
pub const SERVER_PATH: Opt =
    opt("server-path", Text, "<path>", "the copy, on the server", "путь копии на сервере").required();
pub const FULL_PATH: Opt =
    opt("full-backup-server-path", Text, "<path>", "the full copy, on the server", "путь полной копии на сервере")
        .required();
pub const BY_DATE: Opt =
    opt("by-universal-date", Date, "<date>", "what is unused since then", "неиспользуемое с этой даты");
