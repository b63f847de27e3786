//! SQL Server: stored procedures run by a catalogue, and plain SQL.
//!
//! [`wire`] knows what values, addresses and errors look like and is pure; [`client`] holds the driver, the connections
//! and the engine of runs.

mod bindings;
pub mod catalogue;
pub mod client;
pub mod wire;

use rhai::{Dynamic, Engine, Module};

use crate::services::{Comment, Service};
use crate::settings::{Setting, Type, setting};

/// The section of `pult.toml`, and the object in scripts.
pub const NAME: &str = "sp";

/// SQL Server and the procedures of a billing aggregate.
pub struct StoredProcedures;

impl Service for StoredProcedures {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "SQL Server: a catalogue of stored procedures run with plans, locks and history; plain SQL with exact types"
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
        Vec::new()
    }

    fn instead(&self, written: &str) -> Option<String> {
        bindings::instead(written)
    }

    fn plain(&self, value: &Dynamic) -> Option<Dynamic> {
        bindings::plain(value)
    }
}

/// What a connection may be told, beside what all services take (`read_only`).
pub const SETTINGS: &[Setting] = &[
    setting(
        "catalogue",
        Type::Text,
        "The file that says what can be synchronised and how; default: the one inside the program.",
        "\"billing.toml\"",
    ),
    setting(
        "address",
        Type::Text,
        "The server: host, host:port, host,port or host\\\\instance; replaces host and port of every server of the catalogue.",
        "\"srv1:1433\"",
    ),
    setting(
        "connection_string",
        Type::Secret,
        "Instead of the settings beside it: as ADO.NET and ODBC write it, `Server=…;Database=…;User Id=…;Password=…`.",
        "{ env = \"SP_CONNECTION\" }",
    ),
    setting("database", Type::Text, "The database of plain SQL; default: the catalogue's target.", "\"bill_ab\""),
    setting("user", Type::Text, "The login.", "\"sync\""),
    setting("password", Type::Secret, "Its password.", "{ env = \"SP_PASSWORD\" }"),
    setting("integrated", Type::Flag, "Log in as the user who runs the program; on Windows alone.", "true"),
    setting(
        "encrypt",
        Type::Choice(&["off", "login", "on", "required", "strict"]),
        "What is encrypted: nothing, the login alone, everything where the server can, everything or no connection (default), \
         or TLS before the first byte.",
        "\"required\"",
    ),
    setting("ca", Type::Text, "A file with further certificates (PEM) to trust.", "\"company-ca.pem\""),
    setting("insecure", Type::Flag, "Talk to a server whose certificate cannot be verified.", "false"),
    setting("connect_timeout", Type::Seconds, "Longest wait for a connection; default 15.", "15"),
    setting("timeout", Type::Seconds, "Longest wait for the end of plain SQL; default 3600.", "3600"),
    setting("max_connections", Type::Integer, "Connections of plain SQL to a server at once; default 8.", "8"),
    setting("state", Type::Text, "The file of the history of runs; default: the program's own.", "\"runs.sqlite\""),
    setting("program", Type::Text, "What administrators see as the program's name; default pult.", "\"nightly\""),
];
