//! What a server refuses, and how it says so.

use serde::{Deserialize, Serialize};

use super::row::{Id, shown};

/// The language of the server's texts; clients cannot choose it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    Ru,
    En,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub enum Fail {
    NoCluster,
    NoManager,
    NoServer,
    NoProcess,
    NoInfobase,
    NoSession,
    NoConnection,
    /// The one that was to be cut.
    NoClient(Id),
    NoRule,
    NoCounter,
    NoLimit,
    NoProfile,
    NoSetting,
    NoStorage,
    NoCopy(String),
    NoSuchSetting,
    NoAdmin,
    /// What an access list does not hold.
    NotListed(String),
    ClusterAdmin,
    AgentAdmin,
    Rights(String),
    LastAdmin,
    NameTaken(String),
    NoDatabase(String),
    NoDatabaseServer(String),
    BadDatabase(&'static str),
    ServerTaken,
    ServerCentral,
    PortsReversed,
    PortsTaken,
    NoHost,
    NoName,
    /// The number of a message that this version does not have.
    Unknown(u8),
    /// The request ends too early.
    Cut,
    NotText,
    /// Made to order.
    Ordered(String, String),
}

const SERVICE: &str = "v8.service.Admin.Cluster";

impl Fail {
    /// The class of the exception.
    pub fn class(&self) -> String {
        let name = match self {
            Fail::NoCluster => "ClusterNotFound",
            Fail::NoInfobase => "InfoBaseNotFound",
            Fail::NoSession => "SessionNotFound",
            Fail::NoConnection => "ConnectionNotFound",
            Fail::NoClient(_) => "ClientNotFound",
            Fail::Rights(_) => "Rights",
            Fail::Ordered(class, _) => return class.clone(),
            // No others are known.
            _ => "Failure",
        };
        format!("{SERVICE}#{name}")
    }

    pub fn text(&self, language: Language) -> String {
        match (self, language) {
            (Fail::Ordered(_, text), _) => text.clone(),
            (_, Language::Ru) => self.russian(),
            (_, Language::En) => self.english(),
        }
    }

    fn russian(&self) -> String {
        let fixed = match self {
            Fail::NoCluster => "Кластер с указанным идентификатором не найден",
            Fail::NoManager => "Менеджер кластера с указанным идентификатором не найден",
            Fail::NoServer => "Рабочий сервер с указанным идентификатором не найден",
            Fail::NoProcess => "Рабочий процесс с указанным идентификатором не найден",
            Fail::NoInfobase => "Информационная база с указанным идентификатором не найдена",
            Fail::NoSession => "Сеанс с указанным идентификатором не найден",
            Fail::NoConnection => "Соединение с указанным идентификатором не найдено",
            Fail::NoRule => "Требование размещения с указанным идентификатором не найдено",
            Fail::NoCounter => "Счетчик с указанным идентификатором не найден",
            Fail::NoLimit => "Ограничение ресурсов с указанным идентификатором не найдено",
            Fail::NoProfile => "Профиль безопасности с указанным именем не найден",
            Fail::NoSetting => "Настройка сервиса с указанным идентификатором не найдена",
            Fail::NoStorage => "Хранилище двоичных данных с указанным идентификатором не найдено",
            Fail::NoSuchSetting => "Настройка сервиса с указанными параметрами не найдена",
            Fail::NoAdmin => "Администратор кластера серверов 1С:Предприятия не найден",
            Fail::ClusterAdmin => "Ошибка операции администрирования\nАдминистратор кластера не аутентифицирован",
            Fail::AgentAdmin => {
                "Ошибка операции администрирования\nАдминистратор центрального сервера не аутентифицирован"
            }
            Fail::LastAdmin => "В кластере не остается ни одного администратора с разрешенной аутентификацией паролем",
            Fail::ServerTaken => "Рабочий сервер уже зарегистрирован в кластере",
            Fail::ServerCentral => "Рабочий сервер является центральным. Удаление невозможно",
            Fail::PortsReversed => "Левая граница диапазона IP портов больше правой",
            Fail::PortsTaken => "Запуск рабочего процесса не возможен из-за конфликта IP портов",
            Fail::NoHost => "Компьютер отсутствует в сети или недоступен",
            Fail::NoName => "Не указано имя",
            Fail::Cut => "Неожиданный конец данных сообщения",
            Fail::NotText => "Текст в сообщении не в кодировке UTF-8",
            _ => "",
        };
        match self {
            Fail::NoClient(id) => format!("Соединение {} не найдено", shown(*id)),
            Fail::Rights(base) => format!("Недостаточно прав пользователя на информационную базу {base}"),
            Fail::NameTaken(name) => {
                format!("Информационная база {name} уже зарегистрирована в кластере серверов 1С:Предприятия")
            }
            Fail::NoDatabase(name) => format!("База данных {name} не найдена в сервере баз данных"),
            Fail::NoDatabaseServer(host) => {
                format!("Ошибка при выполнении операции с информационной базой\nСервер баз данных не обнаружен\n{host}")
            }
            Fail::BadDatabase(option) => format!(
                "Ошибка при выполнении операции с информационной базой\nНеверные или отсутствующие параметры соединения, \
                 необходимые для создания информационной базы\n{option}"
            ),
            Fail::Unknown(id) => format!("Неизвестный тип сообщения {id}"),
            Fail::NoCopy(path) => format!("Резервная копия {path} не найдена"),
            Fail::NotListed(name) => format!("Объект {name} не найден в профиле безопасности"),
            _ => fixed.to_owned(),
        }
    }

    /// Such texts of a real server were never seen: the meaning is that of the Russian ones.
    fn english(&self) -> String {
        let fixed = match self {
            Fail::NoCluster => "Cluster with the specified identifier is not found",
            Fail::NoManager => "Cluster manager with the specified identifier is not found",
            Fail::NoServer => "Working server with the specified identifier is not found",
            Fail::NoProcess => "Working process with the specified identifier is not found",
            Fail::NoInfobase => "Infobase with the specified identifier is not found",
            Fail::NoSession => "Session with the specified identifier is not found",
            Fail::NoConnection => "Connection with the specified identifier is not found",
            Fail::NoRule => "Assignment rule with the specified identifier is not found",
            Fail::NoCounter => "Counter with the specified identifier is not found",
            Fail::NoLimit => "Resource limit with the specified identifier is not found",
            Fail::NoProfile => "Security profile with the specified name is not found",
            Fail::NoSetting => "Service setting with the specified identifier is not found",
            Fail::NoStorage => "Binary data storage with the specified identifier is not found",
            Fail::NoSuchSetting => "Service setting with the specified parameters is not found",
            Fail::NoAdmin => "1C:Enterprise server cluster administrator is not found",
            Fail::ClusterAdmin => "Administration operation error\nCluster administrator is not authenticated",
            Fail::AgentAdmin => "Administration operation error\nCentral server administrator is not authenticated",
            Fail::LastAdmin => "No administrator with password authentication is left in the cluster",
            Fail::ServerTaken => "Working server is already registered in the cluster",
            Fail::ServerCentral => "Working server is central. It cannot be deleted",
            Fail::PortsReversed => "The left bound of the IP port range is greater than the right one",
            Fail::PortsTaken => "Working process cannot be started because of an IP port conflict",
            Fail::NoHost => "The computer is not in the network or is unavailable",
            Fail::NoName => "The name is not specified",
            Fail::Cut => "Unexpected end of the message data",
            Fail::NotText => "A text in the message is not UTF-8",
            _ => "",
        };
        match self {
            Fail::NoClient(id) => format!("Connection {} is not found", shown(*id)),
            Fail::Rights(base) => format!("Insufficient user rights for infobase {base}"),
            Fail::NameTaken(name) => {
                format!("Infobase {name} is already registered in the 1C:Enterprise server cluster")
            }
            Fail::NoDatabase(name) => format!("Database {name} is not found on the database server"),
            Fail::NoDatabaseServer(host) => {
                format!("Error performing an operation with the infobase\nDatabase server is not found\n{host}")
            }
            Fail::BadDatabase(option) => format!(
                "Error performing an operation with the infobase\nInvalid or missing connection parameters needed to \
                 create the infobase\n{option}"
            ),
            Fail::Unknown(id) => format!("Unknown message type {id}"),
            Fail::NoCopy(path) => format!("Backup copy {path} is not found"),
            Fail::NotListed(name) => format!("Object {name} is not found in the security profile"),
            _ => fixed.to_owned(),
        }
    }
}
