//! ECP VeiL: a native client of the controllers' REST API.
//!
//! [`table`] says what there is to call, once for everybody; [`wire`] knows what requests and answers look like and is
//! pure; [`client`] sends them, follows tasks and repeats what may be repeated.

mod bindings;
pub mod client;
pub mod table;
pub mod wire;

use rhai::{Dynamic, Engine, Module};

use crate::services::{Comment, Service};
use crate::settings::{Setting, Type, setting};

/// The section of `pult.toml`, and the object in scripts.
const NAME: &str = "veil";

/// Controllers of ECP VeiL.
pub struct Veil;

impl Service for Veil {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "ECP VeiL: virtual machines, their hosts and storage, tasks that are waited for, work on many machines"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn page(&self) -> &'static str {
        include_str!("page.md")
    }

    fn register(&self, engine: &mut Engine, globals: &mut Module) {
        bindings::register(engine, globals);
    }

    fn comments(&self) -> Vec<Comment> {
        bindings::comments()
    }

    fn instead(&self, written: &str) -> Option<String> {
        bindings::instead(written)
    }

    fn plain(&self, value: &Dynamic) -> Option<Dynamic> {
        bindings::plain(value)
    }

    fn type_name(&self, value: &Dynamic) -> Option<&'static str> {
        bindings::type_name(value)
    }
}

/// What a connection may be told, beside what all services take (`read_only`).
pub const SETTINGS: &[Setting] = &[
    setting(
        "address",
        Type::Text,
        "The controller: host or host:port; https:// is meant where no scheme is given.",
        "\"veil.company.ru\"",
    ),
    setting(
        "token",
        Type::Secret,
        "The integration token of Security → Users, with the word `jwt` or without.",
        "{ env = \"VEIL_API_TOKEN\" }",
    ),
    setting("user", Type::Text, "Instead of a token: a user of the controller.", "\"operator\""),
    setting("password", Type::Secret, "The user's password.", "{ env = \"VEIL_PASSWORD\" }"),
    setting("ldap", Type::Flag, "The user is one of the directory, not of the controller.", "false"),
    setting("ca", Type::Text, "A file with further certificates (PEM) to trust.", "\"company-ca.pem\""),
    setting("insecure", Type::Flag, "Talk to a controller whose certificate cannot be verified.", "false"),
    setting("timeout", Type::Seconds, "Longest wait for one answer; default 300.", "300"),
    setting("connect_timeout", Type::Seconds, "Longest wait for a connection; default 15.", "15"),
    setting("tries", Type::Integer, "How often a request is sent at most, the first time included; default 5.", "5"),
    setting(
        "retry_statuses",
        Type::Text,
        "Further HTTP statuses after which a request is sent again, such as \"401,403\".",
        "\"401,403\"",
    ),
    setting("language", Type::Choice(&["en", "ru"]), "The language of messages and task names; default en.", "\"ru\""),
    setting(
        "cache",
        Type::Seconds,
        "How long an answer to a reading call is used again; any change through the connection ends it. Default 0: never.",
        "30",
    ),
    setting("page", Type::Integer, "Rows that are asked for at once while a list is read; default 1000.", "1000"),
    setting("url_max_length", Type::Integer, "Longest address; long lists of ids are split. Default 6000.", "6000"),
    setting("task_timeout", Type::Seconds, "Longest wait for a task; default 3600.", "3600"),
    setting("stream", Type::Flag, "Follow tasks by the event stream where there is one; default true.", "true"),
    setting("headers", Type::Secret, "Further headers, `Name: value`, each in a line of its own.", "\"X-Site: a\""),
    setting("cookies", Type::Secret, "Cookies to send, as in the header: `name=value; other=value`.", "\"site=a\""),
    setting("params", Type::Text, "Further query parameters for every request: `a=1&b=2`.", "\"a=1\""),
];
