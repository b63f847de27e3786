//! What a session tells, in the order in which the server sends it, and who listens.

use futures_util::future::BoxFuture;

use super::value::{Type, Value};

/// A column of a result set.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Empty for an expression without a name.
    pub name: String,
    pub kind: Type,
    pub nullable: bool,
    /// Whether the server numbers it.
    pub identity: bool,
}

impl Column {
    /// A column that may be NULL.
    pub fn new(name: impl Into<String>, kind: Type) -> Column {
        Column { name: name.into(), kind, nullable: true, identity: false }
    }
}

/// A message or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub number: i32,
    /// Up to 10 it is a message.
    pub severity: u8,
    pub state: u8,
    pub text: String,
    /// The procedure in which it happened; empty in a batch.
    pub procedure: String,
    /// Line of the batch or of the procedure, from 1.
    pub line: u32,
}

/// Codes of statements in DONE, as servers send them.
pub mod command {
    pub const SELECT: u16 = 0xC1;
    pub const INSERT: u16 = 0xC3;
    pub const DELETE: u16 = 0xC4;
    pub const UPDATE: u16 = 0xC5;
    pub const CREATE: u16 = 0xC6;
    pub const DROP: u16 = 0xC7;
    pub const EXECUTE: u16 = 0xE0;
    pub const OTHER: u16 = 0xFD;
}

/// One thing that a session tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// A result set begins.
    Columns(Vec<Column>),
    Row(Vec<Value>),
    /// So many rows of `sandbox.rows`, with these of its columns (numbers from 0); whoever sends them makes them.
    Rows {
        count: u64,
        columns: Vec<usize>,
    },
    /// The end of a statement. `inside`: of one within a procedure or sp_executesql.
    Done {
        /// Rows, where the statement counts them and NOCOUNT is off.
        count: Option<u64>,
        command: u16,
        inside: bool,
    },
    Info(Said),
    /// The statement that failed still has its `Done`.
    Error(Said),
    /// An OUTPUT parameter of a procedure called by RPC.
    OutParam {
        /// As the caller named it, with `@`; empty for one by position.
        name: String,
        /// Number of the parameter, from 0.
        ordinal: u16,
        kind: Type,
        value: Value,
    },
    /// The return code. The end of the procedure that a client called, or that a batch called: DONEPROC follows it.
    Return(i32),
    /// USE: the database is another one.
    Database(String),
    Language(String),
    Began(u64),
    Committed(u64),
    RolledBack(u64),
    /// What was told so far goes to the client now: RAISERROR … WITH NOWAIT, progress of long procedures.
    Flush,
}

/// Why a request ends before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The client has gone, or wants no more.
    Gone,
    /// The server ends the connection: an error of severity 20 and more, `sandbox.drop_connections`, a fault.
    Disconnect,
}

/// Who listens.
pub trait Sink: Send {
    /// Takes one thing; waits while the client is slow.
    fn put(&mut self, out: Out) -> BoxFuture<'_, Result<(), Stop>>;
}

// For tests: everything that was told.
impl Sink for Vec<Out> {
    fn put(&mut self, out: Out) -> BoxFuture<'_, Result<(), Stop>> {
        self.push(out);
        Box::pin(std::future::ready(Ok(())))
    }
}
