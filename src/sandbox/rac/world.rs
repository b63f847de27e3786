//! The simulated world: the agent, its clusters, and all that is in them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::book::Book;
use super::chance::{Chance, Clock};
use super::counters::Counters;
use super::knobs::Knobs;
use super::row::{Id, NIL, Row};
use super::session::Session;
use super::texts::Fail;

/// A working server.
pub struct Server {
    pub row: Row,
    pub rules: Vec<Row>,
    pub settings: Vec<Row>,
}

/// A working process.
pub struct Process {
    pub row: Row,
    pub server: Id,
}

/// A lock, with what it goes away with.
pub struct Lock {
    pub row: Row,
    pub connection: Id,
    pub session: Id,
    pub infobase: Id,
}

/// Locks in the order in which they came; those of a connection are found at once.
#[derive(Default)]
pub struct Locks {
    all: BTreeMap<u64, Lock>,
    of: HashMap<Id, Vec<u64>>,
    next: u64,
}

impl Locks {
    pub fn add(&mut self, lock: Lock) {
        self.of.entry(lock.connection).or_default().push(self.next);
        self.all.insert(self.next, lock);
        self.next += 1;
    }

    pub fn all(&self) -> impl Iterator<Item = &Lock> {
        self.all.values()
    }

    /// Takes away what a connection, and the session behind it, holds.
    pub fn release(&mut self, connection: Id) {
        if connection != NIL {
            for lock in self.of.remove(&connection).unwrap_or_default() {
                self.all.remove(&lock);
            }
        }
    }
}

/// A security profile.
pub struct Profile {
    pub row: Row,
    /// By the name of the list's record.
    pub lists: HashMap<&'static str, Vec<Row>>,
}

/// A counter and what it has counted.
pub struct Counter {
    pub row: Row,
    pub values: Vec<Row>,
    pub accumulated: Vec<Row>,
}

pub struct Cluster {
    pub id: Id,
    pub row: Row,
    pub admins: Vec<Row>,
    pub managers: Vec<Row>,
    pub servers: Vec<Server>,
    pub processes: Vec<Process>,
    pub services: Vec<Row>,
    pub infobases: Vec<Row>,
    pub connections: Book<Row>,
    pub sessions: Book<Session>,
    pub locks: Locks,
    pub profiles: Vec<Profile>,
    pub counters: Vec<Counter>,
    pub limits: Vec<Row>,
    /// The last numbers given to a session and to a connection.
    pub numbers: (i64, i64),
}

/// What all clusters share.
pub struct Ground {
    pub chance: Chance,
    pub clock: Clock,
    /// Databases that exist: server and name, in small letters.
    pub databases: HashSet<(String, String)>,
    /// Sessions about to go: when, of which cluster, which.
    pub leaving: BTreeSet<(i64, Id, Id)>,
    /// Processes that are turned off: until when at most, of which cluster, which.
    pub retiring: BTreeSet<(i64, Id, Id)>,
    /// Copies of storages, by their paths.
    pub copies: HashSet<String>,
    /// Work on storages, and when it is done.
    pub works: HashMap<Id, i64>,
    /// The pace of newcomers, since when it holds, and how many have come since.
    pub arrivals: (f64, i64, u64),
}

pub struct World {
    pub ground: Ground,
    pub agent_admins: Vec<Row>,
    pub clusters: Vec<Cluster>,
}

/// A row of these by the id in its first value.
pub fn row_of(rows: &[Row], id: Id) -> Option<&Row> {
    rows.iter().find(|row| own_id(row) == id)
}

/// The id that a record begins with.
pub fn own_id(row: &Row) -> Id {
    match row.cells.first() {
        Some(super::row::Cell::Id(id)) => *id,
        _ => NIL,
    }
}

impl Cluster {
    pub fn infobase(&self, id: Id) -> Result<&Row, Fail> {
        row_of(&self.infobases, id).ok_or(Fail::NoInfobase)
    }

    pub fn server(&mut self, id: Id) -> Result<&mut Server, Fail> {
        self.servers.iter_mut().find(|server| own_id(&server.row) == id).ok_or(Fail::NoServer)
    }

    /// Ends a session at once: it goes with its connection and its locks.
    pub fn end_session(&mut self, id: Id) {
        if let Some(session) = self.sessions.remove(id) {
            self.connections.remove(session.connection);
            self.locks.release(session.connection);
        }
    }

    /// Ends processes; who worked there goes on with another.
    pub fn end_processes(&mut self, is_ending: impl Fn(&Process) -> bool) {
        let (gone, stay): (Vec<_>, Vec<_>) = self.processes.drain(..).partition(is_ending);
        self.processes = stay;
        let is_on = |process: &&Process| process.row.int("is-enable") != 0;
        let next = self.processes.iter().find(is_on).map_or(NIL, |process| own_id(&process.row));
        let gone: Vec<Id> = gone.iter().map(|process| own_id(&process.row)).collect();
        let sessions = self.sessions.all_mut().map(|session| &mut session.row);
        for row in self.connections.all_mut().chain(sessions).filter(|row| gone.contains(&row.id("process"))) {
            row.set("process", next);
        }
    }

    /// Cuts a connection at once: its session goes too.
    pub fn cut(&mut self, id: Id) {
        let session = self.sessions.all().find(|session| session.connection == id).map(|session| session.id);
        match session {
            Some(session) => self.end_session(session),
            None => {
                self.connections.remove(id);
                self.locks.release(id);
            }
        }
    }

    /// Whether an infobase lets in a user who knows this code. Jobs are closed out on their own.
    pub fn admits(&self, infobase: &Row, code: &str, now: i64) -> bool {
        let ticks = super::chance::ticks(now);
        let (from, to) = (infobase.int("denied-from"), infobase.int("denied-to"));
        let is_closed = infobase.int("sessions-deny") != 0 && (from == 0 || from <= ticks) && (to == 0 || ticks < to);
        let knows = !code.is_empty() && infobase.text("permission-code") == code;
        !is_closed || knows
    }
}

impl World {
    pub fn cluster(&mut self, id: Id) -> Result<(&mut Cluster, &mut Ground), Fail> {
        let cluster = self.clusters.iter_mut().find(|cluster| cluster.id == id).ok_or(Fail::NoCluster)?;
        Ok((cluster, &mut self.ground))
    }

    /// Lets happen what is due: sessions go, users come.
    pub fn pass(&mut self, knobs: &Knobs, counters: &std::sync::Mutex<Counters>) {
        let now = self.ground.clock.now();
        while let Some(due) = self.ground.leaving.first().copied().filter(|(at, ..)| *at <= now) {
            self.ground.leaving.remove(&due);
            if let Ok((cluster, _)) = self.cluster(due.1) {
                cluster.end_session(due.2);
            }
        }
        self.retire(now);
        let (pace, since, come) = self.ground.arrivals;
        if pace != knobs.newcomers_per_second {
            self.ground.arrivals = (knobs.newcomers_per_second, now, 0);
            return;
        }
        let due = ((now - since) as f64 / 1000.0 * pace) as u64;
        // Nobody looked for an hour: not all of them come in at one moment.
        for _ in come..due.min(come + 1000) {
            let has_come = self.newcomer(knobs, now);
            let mut counters = super::sim::lock(counters);
            *if has_come { &mut counters.newcomers } else { &mut counters.kept_out } += 1;
        }
        self.ground.arrivals.2 = due.max(come);
    }

    /// Lets go the processes that are turned off and that nobody is connected to, or that have stayed long enough.
    fn retire(&mut self, now: i64) {
        let retiring = std::mem::take(&mut self.ground.retiring);
        for (until, cluster, id) in retiring {
            let Ok((known, ground)) = self.cluster(cluster) else { continue };
            let is_used = known.connections.all().any(|row| row.id("process") == id);
            if is_used && now < until {
                ground.retiring.insert((until, cluster, id));
            } else {
                known.end_processes(|process| own_id(&process.row) == id);
            }
        }
    }

    /// A user begins a session on some infobase, if it lets them in.
    fn newcomer(&mut self, knobs: &Knobs, now: i64) -> bool {
        let chance = &mut self.ground.chance;
        let at = chance.between(0, self.clusters.len() as i64) as usize;
        let Some(cluster) = self.clusters.get_mut(at).filter(|cluster| !cluster.infobases.is_empty()) else {
            return false;
        };
        let base = cluster.infobases[chance.between(0, cluster.infobases.len() as i64) as usize].clone();
        if !cluster.admits(&base, &knobs.newcomers_code, now) {
            return false;
        }
        super::people::arrive(cluster, chance, &base, now);
        true
    }
}
