//! The state of one controller, and its clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use tokio::sync::Notify;

use super::counters::{Counters, Line};
use super::feed::{Feeds, What};
use super::ids::Id;
use super::keys::Keys;
use super::kind::Kind;
use super::knobs::{Faults, Knobs};
use super::table::Table;
use super::tasks::Task;
use super::text::Text;
use super::things::{Disk, Domain, File, Inf, Network, Node, Person, Pool, Power, Snapshot, Tag};
use super::tokens::Tokens;
use crate::sandbox::fault::Fault;
use crate::sandbox::log::Log;
use crate::sandbox::mix::mix;

/// What happens by itself at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A task has come further.
    Step(Id),
    End(Id),
    /// The guest agent of a machine answers.
    Agent(Id),
    /// A file that the controller fetches is there.
    Fetched(Id),
}

/// Something that happened.
pub struct Event {
    pub level: &'static str,
    pub message: Text,
    pub detail: Text,
    pub on: Vec<(Id, Kind)>,
    pub task: Option<Id>,
    pub user: usize,
    pub created: f64,
}

pub struct World {
    pub knobs: Knobs,
    /// Unix seconds, as of the last look at the clock.
    pub now: f64,
    pub controller: Id,
    pub datacenter: Id,
    pub cluster: Id,
    pub resource_pools: Table<String>,
    pub nodes: Table<Node>,
    pub pools: Table<Pool>,
    pub domains: Table<Domain>,
    pub disks: Table<Disk>,
    pub infs: Table<Inf>,
    pub networks: Table<Network>,
    pub files: Table<File>,
    pub snapshots: Table<Snapshot>,
    pub tags: Table<Tag>,
    /// Which tags an object has.
    pub tagged: HashMap<Id, (Kind, Vec<Id>)>,
    pub people: Vec<Person>,
    pub tasks: Table<Task>,
    pub events: Table<Event>,
    /// Locked objects, with the task that did it.
    pub locks: HashMap<Id, Id>,
    pub due: BinaryHeap<Reverse<(u64, u64, Due)>>,
    pub counters: Counters,
    pub log: Log<Line>,
    pub tokens: Tokens,
    pub keys: Keys,
    pub feeds: Feeds,
    /// Whoever waits for the next thing that is due.
    pub bell: Arc<Notify>,
    /// How often something random was asked for.
    draws: u64,
}

/// Events beyond this many are forgotten.
const MOST_EVENTS: usize = 20_000;

impl World {
    /// A controller whose data follow from the knobs.
    pub fn new(knobs: Knobs, now: f64, bell: Arc<Notify>) -> World {
        let seed = knobs.seed;
        let mut world = World {
            tokens: Tokens::new(&knobs, now),
            now,
            controller: Id::seeded(seed, 1, 0),
            datacenter: Id::seeded(seed, 2, 0),
            cluster: Id::seeded(seed, 3, 0),
            resource_pools: Table::default(),
            nodes: Table::default(),
            pools: Table::default(),
            domains: Table::default(),
            disks: Table::default(),
            infs: Table::default(),
            networks: Table::default(),
            files: Table::default(),
            snapshots: Table::default(),
            tags: Table::default(),
            tagged: HashMap::new(),
            people: Vec::new(),
            tasks: Table::default(),
            events: Table::default(),
            locks: HashMap::new(),
            due: BinaryHeap::new(),
            counters: Counters::default(),
            log: Log::default(),
            keys: Keys::default(),
            feeds: Feeds::default(),
            bell,
            draws: 0,
            knobs,
        };
        super::seed::fill(&mut world);
        world
    }

    pub fn number(&mut self) -> u64 {
        self.draws += 1;
        self.draws
    }

    /// An id nobody has yet.
    pub fn new_id(&mut self) -> Id {
        let number = self.number();
        Id::seeded(self.knobs.seed, 99, number)
    }

    /// Whether a fault strikes now; counts it when it does.
    pub fn strikes(&mut self, name: &'static str, pick: fn(&mut Faults) -> &mut Fault) -> bool {
        let draw = mix(self.knobs.seed ^ 0xfa01 ^ (self.draws + 1) << 16);
        let fault = pick(&mut self.knobs.faults);
        self.draws += u64::from(fault.probability > 0.0);
        let strikes = fault.strikes(|| draw);
        if strikes {
            *self.counters.faults.entry(name).or_insert(0) += 1;
        }
        strikes
    }

    /// Does everything that was due by now.
    pub fn advance(&mut self, now: f64) {
        let until = (now * 1e6) as u64;
        while let Some(Reverse((at, _, due))) = self.due.peek().copied() {
            if at > until {
                break;
            }
            self.due.pop();
            // Things happen at their time, not when somebody looks.
            self.now = self.now.max(at as f64 / 1e6);
            match due {
                Due::Step(task) => self.updated(Kind::Task, task),
                Due::End(task) => self.end(task),
                Due::Agent(domain) => self.updated(Kind::Domain, domain),
                Due::Fetched(file) => self.fetched(file),
            }
        }
        self.now = self.now.max(now);
    }

    /// When the next thing is due.
    pub fn next_due(&self) -> Option<f64> {
        self.due.peek().map(|Reverse((at, ..))| *at as f64 / 1e6)
    }

    /// Something is due that was not before.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// Counts something that was done to an object.
    pub fn did(&mut self, id: Id, action: &'static str) {
        *self.counters.actions.entry(id.to_string()).or_default().entry(action).or_insert(0) += 1;
        *self.counters.actions_total.entry(action).or_insert(0) += 1;
    }

    /// Writes an event.
    pub fn tell(
        &mut self,
        level: &'static str,
        message: Text,
        detail: Text,
        on: Vec<(Id, Kind)>,
        task: Option<Id>,
        user: usize,
    ) {
        let id = self.new_id();
        self.events.insert(id, Event { level, message, detail, on, task, user, created: self.now });
        if self.events.len() > MOST_EVENTS
            && let Some(first) = self.events.first()
        {
            self.events.remove(first);
        }
        self.created(Kind::Event, id);
    }

    pub fn created(&mut self, kind: Kind, id: Id) {
        self.feed(kind, id, What::Created);
    }

    pub fn updated(&mut self, kind: Kind, id: Id) {
        self.feed(kind, id, What::Updated);
    }

    /// Something that may be a machine or a disk has changed.
    pub fn updated_any(&mut self, id: Id) {
        if self.domains.holds(id) {
            self.updated(Kind::Domain, id);
        } else if self.disks.holds(id) {
            self.updated(Kind::Vdisk, id);
        }
    }

    /// Something is about to go: whoever listens is told while it can still be shown.
    pub fn deleted(&mut self, kind: Kind, id: Id) {
        self.feed(kind, id, What::Deleted);
        self.tagged.remove(&id);
        self.locks.remove(&id);
    }

    /// Whether the guest agent of a machine answers.
    pub fn has_agent(&self, domain: &Domain) -> bool {
        domain.power == Power::On && !self.knobs.no_agent && self.now >= domain.on_since + self.knobs.agent_ms / 1000.0
    }

    /// Changes a machine and says so.
    pub fn change(&mut self, id: Id, change: impl FnOnce(&mut Domain)) {
        let now = self.now;
        if let Some(domain) = self.domains.get_mut(id) {
            change(domain);
            domain.modified = now;
            self.updated(Kind::Domain, id);
        }
    }

    /// A machine goes, with its interfaces and snapshots; with its disks when they are not to be kept.
    pub fn remove_domain(&mut self, id: Id, with_disks: bool) {
        self.deleted(Kind::Domain, id);
        let Some(domain) = self.domains.remove(id) else { return };
        for inf in domain.infs {
            self.infs.remove(inf);
        }
        for disk in domain.disks {
            if with_disks {
                self.deleted(Kind::Vdisk, disk);
                self.disks.remove(disk);
            } else if let Some(disk) = self.disks.get_mut(disk) {
                disk.domain = None;
            }
        }
        let snapshots: Vec<Id> = self.snapshots.iter().filter(|(_, of)| of.domain == id).map(|(id, _)| id).collect();
        for snapshot in snapshots {
            self.deleted(Kind::Snapshot, snapshot);
            self.snapshots.remove(snapshot);
        }
    }

    /// MiB taken in a data pool.
    pub fn used(&self, pool: Id) -> i64 {
        let disks =
            self.disks.iter().filter(|(_, disk)| disk.pool == pool).map(|(_, disk)| (disk.size * 1024.0) as i64);
        let files = self.files.iter().filter(|(_, file)| file.pool == pool).map(|(_, file)| (file.size >> 20) as i64);
        disks.sum::<i64>() + files.sum::<i64>()
    }

    /// A file the controller fetched from elsewhere is complete.
    fn fetched(&mut self, id: Id) {
        if let Some(file) = self.files.get_mut(id) {
            file.status = "ACTIVE";
            let kind = if file.is_iso { Kind::Iso } else { Kind::Library };
            self.updated(kind, id);
        }
    }
}
