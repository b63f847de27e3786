//! What servers and the utility say when something fails: one table for both transports and both languages.
//!
//! The utility's own words follow the language of its process, those of servers arrive ready-made in theirs. Russian
//! texts are as recorded or as wrappers of the utility know them; English ones of servers were never seen, so they are
//! matched loosely.

use crate::error::{Error, Kind, Retry};

/// One thing that goes wrong.
struct Known {
    code: &'static str,
    kind: Kind,
    retry: Retry,
    /// The end of the class of a server's exception, where it means this alone.
    class: &'static str,
    /// Words of the message in small letters; `*` stands for anything between them.
    words: &'static [&'static str],
    hint: &'static str,
}

const fn known_as(
    code: &'static str,
    kind: Kind,
    class: &'static str,
    words: &'static [&'static str],
    hint: &'static str,
) -> Known {
    Known { code, kind, retry: Retry::Useless, class, words, hint }
}

const fn not_found(
    code: &'static str,
    class: &'static str,
    words: &'static [&'static str],
    hint: &'static str,
) -> Known {
    known_as(code, Kind::NotFound, class, words, hint)
}

impl Known {
    const fn retry(self, retry: Retry) -> Known {
        Known { retry, ..self }
    }
}

const LIST_CLUSTERS: &str = "look at cluster_list()";
const LIST_INFOBASES: &str = "look at infobase_summary_list()";

/// The first that fits counts.
#[rustfmt::skip]
static KNOWN: &[Known] = &[
    known_as("rac.option", Kind::Input, "",
        &["ошибка разбора параметра", "error parsing option"],
        "this version of the utility may not know the option, or not its value; a bare name means it is missing or empty"),
    known_as("rac.version_mismatch", Kind::Unavailable, "",
        &["различаются версии клиента и сервера", "client*server version*differ", "versions of client and server*differ"],
        "the administration server (ras) and the agent (ragent) must be of one version: start the ras of the agent's"),
    known_as("rac.unreachable", Kind::Unavailable, "",
        &["ошибка соединения с сервером", "server connection error", "error connecting to server",
          "connection to server*failed"],
        "check the address, and that the administration server (ras) runs there; its port is 1545 unless told otherwise")
        .retry(Retry::Safe),
    known_as("rac.cluster_auth", Kind::Auth, "",
        &["администратор кластера не аутентифицирован", "cluster administrator*not authenticated",
          "administrator of*cluster*not authenticated"],
        "give cluster_user and cluster_pwd of an administrator of this cluster"),
    known_as("rac.agent_auth", Kind::Auth, "",
        &["администратор центрального сервера не аутентифицирован", "central server administrator*not authenticated",
          "administrator of*central server*not authenticated"],
        "give agent_user and agent_pwd of an administrator of the central server"),
    known_as("rac.infobase_rights", Kind::Auth, "Rights",
        &["недостаточно прав пользователя на информационную базу", "insufficient*rights*infobase",
          "not enough*rights*infobase"],
        "give infobase_user and infobase_pwd of a user of this infobase with the right to administer it"),
    not_found("rac.cluster_not_found", "ClusterNotFound",
        &["кластер с указанным идентификатором не найден", "cluster with*not found"], LIST_CLUSTERS),
    not_found("rac.infobase_not_found", "InfoBaseNotFound",
        &["информационная база с указанным идентификатором не найдена", "infobase with*not found"], LIST_INFOBASES),
    not_found("rac.session_not_found", "SessionNotFound",
        &["сеанс с указанным идентификатором не найден", "session with*not found"],
        "it may have ended: look at session_list()"),
    not_found("rac.connection_not_found", "ConnectionNotFound",
        &["соединение с указанным идентификатором не найдено", "connection with*not found"],
        "it may have ended: look at connection_list()"),
    // The same of a connection that is to be cut.
    not_found("rac.connection_not_found", "ClientNotFound",
        &["соединение * не найдено", "connection * is not found"], "it may have ended: look at connection_list()"),
    not_found("rac.counter_not_found", "",
        &["счетчик с указанным идентификатором не найден", "counter with*not found"], "look at counter_list()"),
    not_found("rac.limit_not_found", "",
        &["ограничение ресурсов с указанным идентификатором не найдено", "limit with*not found"],
        "look at limit_list()"),
    not_found("rac.rule_not_found", "",
        &["требование размещения с указанным идентификатором не найдено", "rule with*not found",
          "requirement with*not found"],
        "look at rule_list() of that server"),
    not_found("rac.admin_not_found", "",
        &["администратор кластера серверов*не найден", "cluster administrator*not found"],
        "look at cluster_admin_list()"),
    not_found("rac.manager_not_found", "",
        &["менеджер кластера с указанным идентификатором не найден", "cluster manager with*not found"],
        "look at manager_list()"),
    not_found("rac.server_not_found", "",
        &["рабочий сервер с указанным идентификатором не найден", "working server with*not found"],
        "look at server_list()"),
    not_found("rac.process_not_found", "",
        &["рабочий процесс с указанным идентификатором не найден", "working process with*not found"],
        "it may have ended: look at process_list()"),
    not_found("rac.profile_not_found", "",
        &["профиль безопасности с указанным именем не найден", "security profile with*not found"],
        "look at profile_list()"),
    known_as("rac.last_admin", Kind::Refused, "",
        &["не остается ни одного администратора с разрешенной аутентификацией паролем",
          "no administrator*password authentication"],
        "register another administrator with a password first"),
    known_as("rac.infobase_exists", Kind::Refused, "",
        &["информационная база * уже зарегистрирована в кластере", "infobase*already registered"],
        "choose another name, or use the one that is there: infobase_summary_list()"),
    not_found("rac.database_not_found", "",
        &["база данных * не найдена в сервере баз данных", "database*not found*database server"],
        "check db_name, or have it made with create_database"),
    known_as("rac.dbms_unreachable", Kind::Unavailable, "",
        &["сервер баз данных не обнаружен", "database server*not found"],
        "check db_server, db_user and db_pwd, and that the cluster reaches the database server"),
    known_as("rac.database_parameters", Kind::Refused, "",
        &["неверные или отсутствующие параметры соединения, необходимые для создания информационной базы",
          "connection parameters*create*infobase"],
        "check dbms, db_server, db_name, db_user and db_pwd; the last line says what the database server answered"),
    known_as("rac.infobase_operation", Kind::Refused, "",
        &["ошибка при выполнении операции с информационной базой", "error*operation with*infobase"],
        "the last line says why"),
    known_as("rac.server_exists", Kind::Refused, "",
        &["рабочий сервер уже зарегистрирован в кластере", "server*already registered*cluster"],
        "look at server_list()"),
    known_as("rac.server_is_central", Kind::Refused, "",
        &["рабочий сервер является центральным", "server is central"],
        "a central server cannot be removed: make another one central, and this one not (`using`)"),
    known_as("rac.server_is_not_central", Kind::Refused, "",
        &["сервер * не является центральным для кластера", "server*not*central*for*cluster"],
        "ask the administration server of the cluster's central server"),
    known_as("rac.ports_reversed", Kind::Input, "",
        &["левая граница диапазона ip портов больше правой", "left*port range*greater"],
        "write the smaller port first: 1560:1591"),
    known_as("rac.ports_taken", Kind::Refused, "",
        &["из-за конфликта ip портов", "conflict of ip ports", "ip port conflict"],
        "choose ports that no other server on that computer uses"),
    known_as("rac.host_unknown", Kind::Unavailable, "",
        &["компьютер отсутствует в сети или недоступен", "computer*not*network", "host*unavailable"],
        "check the name of the computer and that the cluster reaches it"),
    known_as("rac.inner_transport", Kind::Unavailable, "UnknownThrowable",
        &["server_addr=tcp://*descr="],
        "servers of the cluster could not reach each other: look at what it names, before repeating")
        .retry(Retry::Unknown),
    not_found("rac.not_found", "NotFound",
        &["не найден", "is not found"], "it may be gone: list what there is"),
    known_as("rac.failure", Kind::Refused, "",
        &["ошибка операции администрирования", "administration operation error"],
        "the last line says why"),
];

/// The class that says nothing by itself.
const OTHERWISE: Known = known_as("rac.refused", Kind::Refused, "", &[], "");

/// How a process ended that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    /// Killed, or crashed, where there are signals.
    Signal(i32),
}

/// What the utility's `main` returns for everything that fails, as each system shows it.
const FAILED: [i32; 2] = [-1, 255];

/// The error for a server's exception.
pub fn from_exception(class: &str, text: &str) -> Error {
    let end = class.rsplit(['#', '.']).next().unwrap_or(class);
    let by_class = |known: &&Known| !known.class.is_empty() && known.class == end;
    // A class may be one that nobody has seen, but not what it speaks of.
    let of_its_kind = || KNOWN.iter().find(|known| known.code == "rac.not_found" && end.ends_with(known.class));
    let known = KNOWN.iter().find(by_class).or_else(|| by_words(text)).or_else(of_its_kind);
    let text = if text.trim().is_empty() { class } else { text };
    error(known.unwrap_or(&OTHERWISE), text).detail("class", class)
}

/// The error for a text that the table knows.
pub fn known(text: &str) -> Option<Error> {
    by_words(text).map(|known| error(known, text))
}

/// The error for a process of the utility that ended so, having said this on standard error.
pub fn from_utility(text: &str, exit: Exit) -> Error {
    let said = text.trim();
    let error = match (known(said), exit) {
        (Some(error), _) => error,
        (None, Exit::Code(code)) if FAILED.contains(&code) && !said.is_empty() => error(&OTHERWISE, said),
        (None, Exit::Code(code)) if FAILED.contains(&code) => {
            Error::new(Kind::Unavailable, "rac.silent", "rac failed and did not say why")
                .retry(Retry::Unknown)
                .hint("run the same command by hand on this computer; `utility` in the settings says which one it is")
        }
        (None, exit) => crashed(said, exit),
    };
    match exit {
        Exit::Code(code) => error.detail("exit", code),
        Exit::Signal(signal) => error.detail("signal", signal),
    }
}

fn crashed(said: &str, exit: Exit) -> Error {
    let how = match exit {
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
        // What Windows says of a crash is known by its hexadecimal form.
        Exit::Code(code) if code < 0 => format!("crashed (0x{code:08X})"),
        Exit::Code(code) => format!("ended with exit code {code}, which rac never does"),
    };
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    Error::new(Kind::Unavailable, "rac.crashed", format!("the utility {how}{said}"))
        .retry(Retry::Unknown)
        .hint("check `utility` in the settings: it may be another program, or one that misses its libraries")
}

fn error(known: &Known, text: &str) -> Error {
    let error = Error::new(known.kind, known.code, text.trim().replace("\r\n", "\n")).retry(known.retry);
    if known.hint.is_empty() { error } else { error.hint(known.hint) }
}

fn by_words(text: &str) -> Option<&'static Known> {
    let text = text.to_lowercase();
    KNOWN.iter().find(|known| known.words.iter().any(|words| says(&text, words)))
}

/// Whether the parts of these words stand in the text, in their order.
fn says(text: &str, words: &str) -> bool {
    let mut rest = text;
    words.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_lead_to_the_same_code() {
        for (text, code) in [
            ("Ошибка разбора параметра: --restart-schedule=* * * * *\n", "rac.option"),
            ("Error parsing option: infobase", "rac.option"),
            ("Ошибка соединения с сервером\nConnection refused", "rac.unreachable"),
            ("Ошибка операции администрирования\r\nАдминистратор кластера не аутентифицирован\r\n", "rac.cluster_auth"),
            ("Администратор центрального сервера не аутентифицирован", "rac.agent_auth"),
            ("The cluster administrator is not authenticated", "rac.cluster_auth"),
            ("Недостаточно прав пользователя на информационную базу demo", "rac.infobase_rights"),
            ("Соединение 8b7739ee-c6c3-4890-b533-32632987433a не найдено", "rac.connection_not_found"),
            ("Рабочий процесс с указанным идентификатором не найден", "rac.process_not_found"),
            ("Резервная копия /a не найдена", "rac.not_found"),
            ("The left bound of the IP port range is greater than the right one", "rac.ports_reversed"),
            ("Connection 8b7739ee-c6c3-4890-b533-32632987433a is not found", "rac.connection_not_found"),
            ("Database server is not found\nh", "rac.dbms_unreachable"),
            ("Database x is not found on the database server", "rac.database_not_found"),
            ("Процесс с указанным идентификатором не найден", "rac.not_found"),
            ("Информационная база x уже зарегистрирована в кластере серверов 1С:Предприятия", "rac.infobase_exists"),
            ("Сервер srv1 не является центральным для кластера main", "rac.server_is_not_central"),
            ("Рабочий сервер является центральным. Удаление невозможно", "rac.server_is_central"),
            (
                " server_addr=tcp://h:1560 descr=recv returns zero, disconnected line=1 file=src/a.cpp",
                "rac.inner_transport",
            ),
            ("Ошибка операции администрирования\nЧто-то новое", "rac.failure"),
            ("Что-то новое", "rac.refused"),
        ] {
            let error = from_utility(text, Exit::Code(255));
            assert_eq!(error.code(), code, "{text}");
            assert_eq!(error.message(), text.trim().replace("\r\n", "\n"));
        }
    }

    #[test]
    fn classes_of_exceptions_say_what_their_texts_may_not() {
        let of = |class: &str, text: &str| from_exception(&format!("v8.service.Admin.Cluster#{class}"), text);
        assert_eq!(of("ClusterNotFound", "Какой-то текст").code(), "rac.cluster_not_found");
        assert_eq!(of("ClientNotFound", "x").code(), "rac.connection_not_found");
        assert_eq!(of("ProfileNotFound", "x").code(), "rac.not_found");
        assert_eq!(of("ProfileNotFound", "x").kind(), Kind::NotFound);
        assert_eq!(of("Failure", "Администратор кластера не аутентифицирован").code(), "rac.cluster_auth");
        assert_eq!(of("Rights", "").message(), "v8.service.Admin.Cluster#Rights");
        assert_eq!(of("Failure", "нечто").code(), "rac.refused");
        assert_eq!(from_exception("swp.UnknownThrowable", "x").code(), "rac.inner_transport");
    }

    #[test]
    fn a_process_that_says_nothing_is_told_by_how_it_ended() {
        assert_eq!(from_utility("", Exit::Code(255)).code(), "rac.silent");
        assert_eq!(from_utility(" \r\n", Exit::Code(-1)).code(), "rac.silent");
        let crash = from_utility("", Exit::Code(-1_073_741_819));
        assert_eq!((crash.code(), crash.message()), ("rac.crashed", "the utility crashed (0xC0000005)"));
        assert_eq!(from_utility("", Exit::Signal(11)).message(), "the utility was ended by signal 11");
        assert_eq!(from_utility("usage: rac FILE", Exit::Code(2)).code(), "rac.crashed");
    }
}
