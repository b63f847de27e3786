//! One session: a record of which some values go on with the time.

use super::chance::ticks;
use super::row::{Cell, Id, NIL, Row};
use crate::services::rac::table::{SESSION, Slot};

/// A session of the simulated world.
pub struct Session {
    pub row: Row,
    pub id: Id,
    pub infobase: Id,
    /// None of those that sleep or only wait.
    pub connection: Id,
    /// When the call that runs began, in milliseconds of the server's clock.
    pub call: Option<i64>,
    /// Milliseconds between two short calls; 0 makes none.
    pub pace: i64,
    /// When it was last looked at.
    pub seen: i64,
    /// It was ended and is about to go.
    pub leaving: bool,
}

const LAST_ACTIVE: usize = place("last-active-at");
const CALLS: usize = place("calls-all");
const CALLS_LATELY: usize = place("calls-last-5min");
const BYTES: usize = place("bytes-all");
const ALL: usize = place("duration-all");
const ALL_DBMS: usize = place("duration-all-dbms");
const CURRENT: usize = place("duration-current");
const CURRENT_DBMS: usize = place("duration-current-dbms");
const MEMORY: usize = place("memory-current");
const CPU: usize = place("cpu-time-current");

/// Where a value stands, found once: ten thousand sessions are brought up to date for each list.
const fn place(name: &str) -> usize {
    let slots: &[Slot] = SESSION.slots;
    let mut at = 0;
    while !same(slots[at].name, name) {
        at += 1;
    }
    at
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

impl Session {
    /// A session that this record describes; it rests.
    pub fn new(row: Row, now: i64) -> Session {
        let (id, infobase) = (row.id("session"), row.id("infobase"));
        Session { row, id, infobase, connection: NIL, call: None, pace: 0, seen: now, leaving: false }
    }

    fn add(&mut self, at: usize, more: i64) {
        if let Some(Cell::Int(n)) = self.row.cells.get_mut(at) {
            *n += more;
        }
    }

    fn put(&mut self, at: usize, value: i64) {
        self.row.cells[at] = Cell::Int(value);
    }

    /// Brings the record up to this moment.
    pub fn live(&mut self, now: i64) {
        if let Some(began) = self.call {
            self.put(CURRENT, now - began);
            self.put(CURRENT_DBMS, (now - began) / 3);
            self.put(CPU, (now - began) / 2);
            self.put(LAST_ACTIVE, ticks(now));
        }
        if self.pace > 0 {
            let calls = now / self.pace - self.seen / self.pace;
            self.add(CALLS, calls);
            self.add(BYTES, calls * 540);
            self.add(ALL, calls * 18);
            self.add(ALL_DBMS, calls * 6);
            self.put(CALLS_LATELY, 300_000 / self.pace);
            self.put(LAST_ACTIVE, ticks(now / self.pace * self.pace));
        }
        self.seen = now;
    }

    /// Ends the call that runs.
    pub fn interrupt(&mut self, now: i64) {
        self.live(now);
        if let Some(began) = self.call.take() {
            self.add(ALL, now - began);
            self.add(ALL_DBMS, (now - began) / 3);
            for at in [CURRENT, CURRENT_DBMS, MEMORY, CPU] {
                self.put(at, 0);
            }
            for name in ["read-current", "write-current", "duration-current-service"] {
                self.row.set(name, 0);
            }
            self.row.set("current-service-name", "");
        }
    }
}
