//! What the utility says itself, in both of its languages, and what words of options mean.

/// English and Russian.
pub type Both = (&'static str, &'static str);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Language {
    English,
    Russian,
}

impl Language {
    pub fn of(self, (english, russian): Both) -> &'static str {
        match self {
            Language::English => english,
            Language::Russian => russian,
        }
    }
}

/// Before the argument that is not understood.
pub const NOT_UNDERSTOOD: Both = ("Error parsing option", "Ошибка разбора параметра");
/// The first line when no server answers. Wrappers look for the Russian one; the English is ours.
pub const NO_SERVER: Both = ("Error connecting to server", "Ошибка соединения с сервером");
/// Of a name; the Russian text is that of servers for an id.
pub const NO_INFOBASE: Both =
    ("No infobase of this name was found", "Информационная база с указанным идентификатором не найдена");
pub const NOT_WRITTEN: Both = ("Output cannot be written", "Не удалось записать вывод");

/// Help: its second line, and its headings.
pub const PURPOSE: Both =
    ("Administration of 1C:Enterprise server clusters", "Администрирование кластеров серверов 1С:Предприятия");
pub const IN_PLACE: Both = ("in place of the utility rac", "вместо утилиты rac");
pub const USE: Both = ("Use:", "Использование:");
pub const USAGE: Both = ("[command] [options] [arguments]", "[команда] [параметры] [аргументы]");
pub const USAGE_HELP: Both = ("[options] [arguments]", "[параметры] [аргументы]");
pub const SHARED_OPTIONS: Both = ("Shared options:", "Общие параметры:");
pub const SHARED_ARGUMENTS: Both = ("Shared arguments:", "Общие аргументы:");
pub const ARGUMENTS: Both = ("Arguments:", "Аргументы:");
pub const MODES: Both = ("Supported modes:", "Поддерживаемые режимы:");
pub const MODE: Both = ("Mode:", "Режим:");
pub const PARAMETERS: Both = ("Parameters:", "Параметры:");
pub const COMMANDS: Both = ("Commands:", "Команды:");
pub const ADDITIONAL: Both = ("Additional commands:", "Дополнительные команды:");
pub const REQUIRED: Both = ("(required)", "(обязательный)");
pub const REQUIRED_OR: Both = ("(required, unless there is", "(обязательный, если нет");

/// What every mode takes, before and after `Shared arguments`.
pub const ALWAYS: &[(&str, Both)] = &[
    ("--version | -v", ("print the version", "показать версию")),
    ("--help | -h | -?", ("print this help", "показать эту справку")),
];
pub const ADDRESS: (&str, Both) = (
    "<host>[:<port>]",
    (
        "where the administration server listens (localhost:1545 when left out)",
        "адрес сервера администрирования (если не указан, localhost:1545)",
    ),
);
pub const HELP: (&str, Both) = ("help", ("help on a mode", "справка по режиму"));
pub const HELP_OR_H: (&str, Both) = ("help (h)", HELP.1);
pub const WHICH_MODE: (&str, Both) = ("MODE", ("the mode to be explained", "режим, о котором нужна справка"));

/// Words that several commands share as their beginning.
const GROUPS: &[(&str, Both)] = &[
    ("admin", ("administrators", "администраторы")),
    ("summary", ("infobases in brief", "краткие сведения об информационных базах")),
    ("acl", ("what a profile allows, by kinds", "что разрешено профилем, по видам")),
    ("directory", ("virtual directories", "виртуальные каталоги")),
    ("com", ("COM classes", "COM-классы")),
    ("addin", ("add-ins", "внешние компоненты")),
    ("module", ("external modules", "внешние модули")),
    ("app", ("applications", "приложения")),
    ("inet", ("internet resources", "интернет-ресурсы")),
];

pub fn group(word: &str) -> Both {
    GROUPS.iter().find(|(known, _)| *known == word).map_or(("", ""), |(_, about)| *about)
}

/// What a word means as the value of an option; of any option, where none is named.
const MEANINGS: &[(&str, &str, Both)] = &[
    ("dedicate-managers", "all", ("a manager for each service", "отдельный менеджер для каждого сервиса")),
    ("dedicate-managers", "none", ("one manager for all services", "один менеджер для всех сервисов")),
    ("access", "list", ("what is on the list is allowed", "разрешено то, что есть в списке")),
    ("access", "full", ("everything is allowed", "разрешено всё")),
    ("", "yes", ("yes", "да")),
    ("", "no", ("no", "нет")),
    ("", "on", ("switched on", "включено")),
    ("", "off", ("switched off", "выключено")),
    ("", "allow", ("allowed", "разрешено")),
    ("", "deny", ("forbidden", "запрещено")),
    ("", "analyze", ("is measured", "измеряется")),
    ("", "not-analyze", ("is not measured", "не измеряется")),
    ("", "performance", ("the fastest process first", "по производительности")),
    ("", "memory", ("the process with most free memory first", "по доступной памяти")),
    ("", "main", ("central server", "центральный сервер")),
    ("", "normal", ("ordinary working server", "обычный рабочий сервер")),
    ("", "auto", ("the cluster decides", "по усмотрению кластера")),
    ("", "always", ("always on this server", "всегда на этом сервере")),
    ("", "never", ("never on this server", "никогда на этом сервере")),
    ("", "users", ("by users", "по пользователям")),
    ("", "data-separation", ("by data areas", "по областям данных")),
    ("", "all-selected", ("those that the filter names", "указанные в отборе")),
    ("", "all-but-selected", ("those that the filter does not name", "не указанные в отборе")),
    ("", "all", ("all of them", "все")),
    ("", "none", ("nothing happens", "ничего не происходит")),
    ("", "set-low-priority-thread", ("the thread gets a low priority", "снижается приоритет потока")),
    ("", "interrupt-current-call", ("the call is interrupted", "прерывается вызов")),
    ("", "interrupt-session", ("the session is ended", "завершается сеанс")),
    ("", "MSSQLServer", ("Microsoft SQL Server", "Microsoft SQL Server")),
    ("", "PostgreSQL", ("PostgreSQL", "PostgreSQL")),
    ("", "IBMDB2", ("IBM Db2", "IBM Db2")),
    ("", "OracleDatabase", ("Oracle Database", "Oracle Database")),
];

pub fn meaning(option: &str, word: &str) -> Both {
    let mut known = MEANINGS.iter();
    let found = known.find(|(of, known, _)| *known == word && (of.is_empty() || *of == option));
    found.map_or(("", ""), |(.., meaning)| *meaning)
}
