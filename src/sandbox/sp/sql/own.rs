//! What a session has for itself: options, variables, temporary tables, its transaction.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Insert, Program};
use super::failure::{self, Answer};
use super::moment::{Format, Moment, now};
use super::out::Said;
use super::table::{Row, Table};
use super::value::{Type, Value};
use crate::sandbox::sp::world::{Object, Place, State};

/// Options of SET. Those set in a procedure end with it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Switches that are on, in capitals.
    pub on: Vec<String>,
    pub date_format: Format,
    pub language: String,
    /// 1 is Monday.
    pub date_first: u8,
    /// Milliseconds; -1 is for ever.
    pub lock_timeout: i32,
    pub text_size: i32,
    /// Rows that a statement gives or changes at most; 0 is all.
    pub row_count: u64,
    /// From 1, read uncommitted, to 5, snapshot.
    pub isolation: i16,
    pub deadlock_priority: i32,
    pub context_info: Vec<u8>,
}

/// Switches that are on when a client has logged in.
const USUALLY_ON: [&str; 7] = [
    "ANSI_NULLS",
    "ANSI_PADDING",
    "ANSI_WARNINGS",
    "ARITHABORT",
    "CONCAT_NULL_YIELDS_NULL",
    "QUOTED_IDENTIFIER",
    "ANSI_NULL_DFLT_ON",
];

impl Default for Options {
    fn default() -> Options {
        Options {
            on: USUALLY_ON.map(str::to_owned).into(),
            date_format: Format::Mdy,
            language: "us_english".to_owned(),
            date_first: 7,
            lock_timeout: -1,
            text_size: i32::MAX,
            row_count: 0,
            isolation: 2,
            deadlock_priority: 0,
            context_info: Vec::new(),
        }
    }
}

impl Options {
    pub fn is_on(&self, name: &str) -> bool {
        self.on.iter().any(|on| on == name)
    }

    pub fn switch(&mut self, name: &str, on: bool) {
        self.on.retain(|other| other != name);
        if on {
            self.on.push(name.to_owned());
        }
    }
}

#[derive(Clone, Debug)]
pub struct Variable {
    pub kind: Type,
    pub value: Value,
}

/// An error that a CATCH is busy with.
#[derive(Clone, Debug)]
pub struct Caught {
    pub said: Said,
}

/// Where an OUTPUT parameter goes when its procedure ends.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The parameter, with `@`.
    pub parameter: String,
    pub to: Destination,
}

#[derive(Clone, Debug)]
pub enum Destination {
    /// A variable of the caller.
    Variable(String),
    /// The client: the parameter's name as given, and its number.
    Client { name: String, ordinal: u16 },
}

/// What a frame runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Batch,
    /// sp_executesql, EXEC('…').
    Text,
    Procedure {
        name: String,
        id: i32,
    },
}

/// A batch or a procedure that runs.
pub struct Frame {
    pub what: What,
    pub program: Arc<Program>,
    /// The next instruction.
    pub at: usize,
    /// By name in small letters, with `@`.
    pub variables: HashMap<String, Variable>,
    pub tables: HashMap<String, Arc<Table>>,
    /// Where errors lead, innermost last.
    pub tries: Vec<usize>,
    pub catches: Vec<Caught>,
    /// What is put back when it ends.
    pub options: Options,
    pub database: usize,
    /// The variable of the caller that takes the return code.
    pub result: Option<String>,
    pub wanted: Vec<Wanted>,
    pub return_code: i32,
    /// Open transactions when it began.
    pub transactions: u32,
    /// Whether its end is told to the client as the end of a procedure.
    pub tells_return: bool,
    pub identity: Option<i128>,
}

/// A table whose name begins with `#`.
pub struct Temporary {
    /// In small letters.
    pub name: String,
    pub object: Object,
    /// Number of the frame that made it.
    pub depth: usize,
}

/// What a rollback puts back.
pub struct Undo {
    pub place: TablePlace,
    pub before: Option<Object>,
}

/// Where a table lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TablePlace {
    Database(usize, Place),
    /// The name in small letters.
    Temporary(String),
    /// The name in small letters, with `@`.
    Variable(String),
}

/// A transaction that is open.
pub struct Transaction {
    pub id: u64,
    pub name: String,
    /// How often BEGIN was said.
    pub count: u32,
    pub undo: Vec<Undo>,
    /// Savepoints: their names, and how much there was to undo.
    pub saves: Vec<(String, usize)>,
    /// It can only be rolled back.
    pub is_doomed: bool,
    pub began: Moment,
}

/// Where the rows of INSERT … EXECUTE go.
pub struct Capture {
    pub insert: Arc<Insert>,
    pub rows: Vec<Row>,
    /// Frames when it began: rows of deeper ones are taken.
    pub depth: usize,
    /// A procedure without a frame of its own gives the rows.
    pub is_native: bool,
}

/// Everything of one session.
pub struct Own {
    pub spid: u16,
    pub login: String,
    /// Place of the database in the list.
    pub database: usize,
    pub options: Options,
    pub frames: Vec<Frame>,
    pub temporary: Vec<Temporary>,
    pub transaction: Option<Transaction>,
    pub error: i32,
    pub row_count: i64,
    /// The last number that an identity column took, in any scope.
    pub identity: Option<i128>,
    pub identity_insert: Option<TablePlace>,
    pub since: Moment,
}

impl Own {
    pub fn new(spid: u16, login: &str, database: usize) -> Own {
        Own {
            spid,
            login: login.to_owned(),
            database,
            options: Options::default(),
            frames: Vec::new(),
            temporary: Vec::new(),
            transaction: None,
            error: 0,
            row_count: 0,
            identity: None,
            identity_insert: None,
            since: now(),
        }
    }

    pub fn frame(&self) -> Option<&Frame> {
        self.frames.last()
    }

    /// # Errors
    /// 137.
    pub fn variable(&self, name: &str) -> Answer<&Variable> {
        let found = self.frame().and_then(|frame| frame.variables.get(&name.to_lowercase()));
        found.ok_or_else(|| failure::undeclared(name))
    }

    /// `@@TRANCOUNT`.
    pub fn transactions(&self) -> u32 {
        self.transaction.as_ref().map_or(0, |transaction| transaction.count)
    }

    /// `@@NESTLEVEL`: procedures and texts under way.
    pub fn nest_level(&self) -> usize {
        self.frames.iter().filter(|frame| frame.what != What::Batch).count()
    }

    /// The temporary table of this name that was made last.
    pub fn temporary(&self, name: &str) -> Option<&Temporary> {
        let name = name.to_lowercase();
        self.temporary.iter().rev().find(|temporary| temporary.name == name)
    }

    /// Reads a table.
    pub fn table<'a>(&'a self, place: &TablePlace, state: &'a State) -> Option<&'a Arc<Table>> {
        match place {
            TablePlace::Database(database, place) => state.databases.get(*database)?.get(place)?.table(),
            TablePlace::Temporary(name) => self.temporary(name)?.object.table(),
            TablePlace::Variable(name) => self.frame()?.tables.get(name),
        }
    }

    fn object(&self, place: &TablePlace, state: &State) -> Option<Object> {
        match place {
            TablePlace::Database(database, place) => state.databases.get(*database)?.get(place).cloned(),
            TablePlace::Temporary(name) => self.temporary(name).map(|temporary| temporary.object.clone()),
            TablePlace::Variable(_) => None,
        }
    }

    /// Remembers what a rollback is to put back, once for every savepoint.
    pub fn remember(&mut self, place: &TablePlace, state: &State) {
        let before = self.object(place, state);
        let Some(transaction) = &mut self.transaction else { return };
        let since = transaction.saves.last().map_or(0, |(_, at)| *at);
        let is_known = transaction.undo[since.min(transaction.undo.len())..].iter().any(|undo| undo.place == *place);
        if !is_known && !matches!(place, TablePlace::Variable(_)) {
            transaction.undo.push(Undo { place: place.clone(), before });
        }
    }

    /// Remembers that a temporary table was not there.
    pub fn remember_absence(&mut self, place: &TablePlace) {
        if let Some(transaction) = &mut self.transaction {
            transaction.undo.push(Undo { place: place.clone(), before: None });
        }
    }

    /// Puts a changed table in the place of the old one; a rollback takes it back.
    pub fn put_table(&mut self, place: &TablePlace, table: Table, state: &mut State) {
        self.remember(place, state);
        let table = Arc::new(table);
        match place {
            TablePlace::Database(database, place) => {
                let Some(database) = state.databases.get_mut(*database) else { return };
                if let Some(mut object) = database.get(place).cloned() {
                    object.what = crate::sandbox::sp::world::Thing::Table(table);
                    database.set(place, Some(object));
                }
            }
            TablePlace::Temporary(name) => {
                if let Some(found) = self.temporary.iter_mut().rev().find(|found| found.name == *name) {
                    found.object.what = crate::sandbox::sp::world::Thing::Table(table);
                }
            }
            TablePlace::Variable(name) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.tables.insert(name.clone(), table);
                }
            }
        }
    }

    /// Puts or takes away an object of a database or a temporary table; a rollback takes it back.
    pub fn put_object(&mut self, place: &TablePlace, object: Option<Object>, state: &mut State) {
        self.remember(place, state);
        self.restore(place, object, state);
    }

    fn restore(&mut self, place: &TablePlace, object: Option<Object>, state: &mut State) {
        match place {
            TablePlace::Database(database, place) => {
                if let Some(database) = state.databases.get_mut(*database) {
                    database.set(place, object);
                }
            }
            TablePlace::Temporary(name) => {
                let at = self.temporary.iter().rposition(|temporary| temporary.name == *name);
                match (at, object) {
                    (Some(at), Some(object)) => self.temporary[at].object = object,
                    (Some(at), None) => {
                        self.temporary.remove(at);
                    }
                    (None, Some(object)) => {
                        let depth = self.nest_level();
                        self.temporary.push(Temporary { name: name.clone(), object, depth });
                    }
                    (None, None) => {}
                }
            }
            TablePlace::Variable(_) => {}
        }
    }

    /// Takes changes back, the last first, until so many are left.
    pub fn undo(&mut self, down_to: usize, state: &mut State) {
        let Some(transaction) = &mut self.transaction else { return };
        let undone = transaction.undo.split_off(down_to.min(transaction.undo.len()));
        for undo in undone.into_iter().rev() {
            self.restore(&undo.place, undo.before, state);
        }
    }
}
