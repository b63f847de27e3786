//! What a driver of SQL Server has to do, and nothing else: another driver costs one file.
//!
//! A request's answer is pulled event by event, so that a slow reader holds the server back. A request that is dropped
//! before its end leaves the connection out of step: [`Connection::cancel`] brings it back, or it is thrown away.

use std::fmt;

use futures_util::future::BoxFuture;

use super::message::Message;
use crate::core::rows::Rows;
use crate::error::Result;
use crate::secret::Secret;
use crate::services::sp::wire::{literal, value};

/// How much of the connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encrypt {
    /// Nothing, the login included.
    Off,
    /// The login alone.
    Login,
    /// Everything, where the server can.
    On,
    /// Everything, or no connection.
    #[default]
    Required,
    /// TDS 8: TLS before the first byte.
    Strict,
}

/// Whose certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    #[default]
    System,
    /// And these, from a file in PEM.
    Ca(std::path::PathBuf),
    Any,
}

/// As whom to log in.
#[derive(Clone, Debug)]
pub enum Login {
    User {
        user: String,
        password: Secret,
    },
    /// The user who runs the program; on Windows alone.
    Integrated,
}

/// A database and the way to it.
#[derive(Clone, Debug)]
pub struct Place {
    pub host: String,
    /// Asked of the server's browser where an instance is named instead; else 1433.
    pub port: Option<u16>,
    pub instance: Option<String>,
    pub database: Option<String>,
    pub login: Login,
    pub encrypt: Encrypt,
    pub trust: Trust,
    pub connect_timeout: std::time::Duration,
    /// What administrators see in `sys.dm_exec_sessions.program_name`.
    pub program: String,
    /// Says to the server that nothing will be changed (`ApplicationIntent=ReadOnly`): a replica for reading may answer.
    pub read_only: bool,
}

/// A value of a parameter, or one that came back, without a digit lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    /// An exact number, as text.
    Decimal(String),
    Binary(Vec<u8>),
    /// A day, or a moment with or without a zone.
    Date(jiff::civil::Date),
    Moment(jiff::civil::DateTime),
    Zoned(jiff::Zoned),
}

impl Value {
    /// The bytes of `0x00FF`.
    pub fn binary(text: &str) -> Option<Value> {
        value::bytes(text).map(Value::Binary)
    }
}

/// As it would stand in a text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&literal::literal(self))
    }
}

/// A parameter of a procedure or of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Without the `@`.
    pub name: String,
    pub value: Value,
    /// Its value comes back.
    pub out: bool,
}

/// What a server is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A call by name: nothing of it is put into SQL text.
    Procedure { name: String, params: Vec<Param> },
    /// A text whose parameters travel beside it, as `@name`.
    Text { sql: String, params: Vec<Param> },
    /// A text as it stands: settings that it makes last.
    Batch(String),
}

/// What comes of it, in the server's order.
#[derive(Clone, Debug)]
pub enum Event {
    /// A result set begins.
    Columns(Vec<String>),
    /// Some of its rows.
    Rows(Rows),
    /// A statement has touched so many rows.
    Affected(u64),
    /// PRINT, RAISERROR below severity 11, and further errors after the first.
    Message(Message),
    /// The value of an OUT parameter.
    Out(String, Value),
    /// A procedure's return code.
    Returned(i32),
}

pub trait Driver: Send + Sync + 'static {
    fn connect<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Box<dyn Connection>>>;
}

/// One session at a server; one request at a time.
pub trait Connection: Send {
    fn run<'a>(&'a mut self, request: &'a Request) -> BoxFuture<'a, Result<Box<dyn Answer + 'a>>>;
    /// Tells the server to leave the request whose answer was dropped. An error means that the session is of no use.
    fn cancel(&mut self) -> BoxFuture<'_, Result<()>>;
    fn begin(&mut self) -> BoxFuture<'_, Result<()>>;
    fn commit(&mut self) -> BoxFuture<'_, Result<()>>;
    fn rollback(&mut self) -> BoxFuture<'_, Result<()>>;
    /// The server's number of this session (`@@SPID`), where it is known.
    fn session(&self) -> Option<u16>;
    /// Whether the last answer was read to its end and left neither a transaction open nor another database in use. Locks
    /// and settings of the session nobody can see.
    fn is_clean(&self) -> bool {
        true
    }
}

/// The answer to a request, while it arrives.
pub trait Answer: Send {
    /// The next event; `None` at the end. An error of the server comes as an [`Error`](crate::error::Error) that
    /// [`SqlError::of`](super::message::SqlError::of) can read.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Event>>>;
}
