//! Records of the simulated world: their values in the table's order, found by name.

use crate::services::rac::table::{Record, Slot, Wire};

pub type Id = [u8; 16];
pub const NIL: Id = [0; 16];
/// What answers carry where a password is.
pub const MARK: &str = "\u{FFFD}";

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Bools, bytes, shorts, ints, longs and times.
    Int(i64),
    Double(f64),
    Id(Id),
    Text(String),
    /// A password: it is taken in and never given out.
    Secret(String),
    /// (low, high)
    Ports(Vec<(u16, u16)>),
    Ids(Vec<Id>),
    /// By password, by the operating system.
    Auth(bool, bool),
    Row(Row),
    Rows(Vec<Row>),
}

impl Cell {
    /// What a new record holds there.
    pub fn first(slot: &Slot) -> Cell {
        match slot.wire {
            Wire::Bool | Wire::Byte | Wire::Short | Wire::Int | Wire::Long | Wire::Time => Cell::Int(slot.first),
            Wire::Double => Cell::Double(slot.first as f64),
            Wire::Uuid => Cell::Id(NIL),
            Wire::Text if matches!(slot.name, "pwd" | "db-pwd") => Cell::Secret(String::new()),
            Wire::Text => Cell::Text(String::new()),
            Wire::Ports => Cell::Ports(Vec::new()),
            Wire::Uuids => Cell::Ids(Vec::new()),
            Wire::Auth => Cell::Auth(slot.first != 0, false),
            Wire::Many(_) => Cell::Rows(Vec::new()),
            Wire::One(record) => Cell::Row(Row::new(record)),
        }
    }

    /// Takes a value over; a password stays one, and its mark leaves it as it was.
    fn take(&mut self, value: Cell) {
        match (self, value) {
            (Cell::Secret(_), Cell::Text(new)) if new == MARK => {}
            (Cell::Secret(old), Cell::Text(new) | Cell::Secret(new)) => *old = new,
            (old, new) => *old = new,
        }
    }
}

/// One record.
#[derive(Clone, Debug)]
pub struct Row {
    pub record: &'static Record,
    pub cells: Vec<Cell>,
}

impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        std::ptr::eq(self.record, other.record) && self.cells == other.cells
    }
}

impl Row {
    pub fn new(record: &'static Record) -> Row {
        Row { record, cells: record.slots.iter().map(Cell::first).collect() }
    }

    pub fn get(&self, name: &str) -> Option<&Cell> {
        let at = self.record.slots.iter().position(|slot| slot.name == name);
        at.and_then(|at| self.cells.get(at))
    }

    pub fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Some(Cell::Int(n)) => *n,
            _ => 0,
        }
    }

    /// A text; of a password too.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Cell::Text(text) | Cell::Secret(text)) => text,
            _ => "",
        }
    }

    pub fn id(&self, name: &str) -> Id {
        match self.get(name) {
            Some(Cell::Id(id)) => *id,
            _ => NIL,
        }
    }

    pub fn set(&mut self, name: &str, value: impl Into<Cell>) {
        let at = self.record.slots.iter().position(|slot| slot.name == name);
        debug_assert!(at.is_some(), "{}: {name}", self.record.name);
        if let Some(cell) = at.and_then(|at| self.cells.get_mut(at)) {
            cell.take(value.into());
        }
    }

    pub fn with(mut self, name: &str, value: impl Into<Cell>) -> Row {
        self.set(name, value);
        self
    }

    /// What a client wrote back. Passwords change only where they are new; what the client's version does not carry was
    /// read as what a new record holds, and becomes that, as on a real server.
    pub fn change(&mut self, written: Row) {
        self.cells.iter_mut().zip(written.cells).for_each(|(old, new)| old.take(new));
    }

    /// A record that a client sent as new.
    pub fn fresh(written: Row) -> Row {
        let mut row = Row::new(written.record);
        row.change(written);
        row
    }
}

impl From<i64> for Cell {
    fn from(n: i64) -> Cell {
        Cell::Int(n)
    }
}

impl From<bool> for Cell {
    fn from(is: bool) -> Cell {
        Cell::Int(is.into())
    }
}

impl From<f64> for Cell {
    fn from(n: f64) -> Cell {
        Cell::Double(n)
    }
}

impl From<Id> for Cell {
    fn from(id: Id) -> Cell {
        Cell::Id(id)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<Vec<Row>> for Cell {
    fn from(rows: Vec<Row>) -> Cell {
        Cell::Rows(rows)
    }
}

impl From<Vec<(u16, u16)>> for Cell {
    fn from(ports: Vec<(u16, u16)>) -> Cell {
        Cell::Ports(ports)
    }
}

impl From<Vec<Id>> for Cell {
    fn from(ids: Vec<Id>) -> Cell {
        Cell::Ids(ids)
    }
}

/// An id as people read it.
pub fn shown(id: Id) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
