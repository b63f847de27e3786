//! Locks on tables and of applications: who holds what, who waits, and who waits for whom.

use super::value::{Type, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    IntentShared,
    Shared,
    Update,
    IntentExclusive,
    Exclusive,
}

impl Mode {
    /// As sp_getapplock and APPLOCK_MODE name them.
    const NAMES: [(&'static str, &'static str, Mode); 5] = [
        ("IntentShared", "IS", Mode::IntentShared),
        ("Shared", "S", Mode::Shared),
        ("Update", "U", Mode::Update),
        ("IntentExclusive", "IX", Mode::IntentExclusive),
        ("Exclusive", "X", Mode::Exclusive),
    ];

    pub fn named(name: &str) -> Option<Mode> {
        Mode::NAMES.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name)).map(|(_, _, mode)| *mode)
    }

    pub fn name(self) -> &'static str {
        Mode::NAMES.iter().find(|(_, _, mode)| *mode == self).map_or("", |(name, _, _)| name)
    }

    /// As sys.dm_tran_locks has it.
    pub fn short(self) -> &'static str {
        Mode::NAMES.iter().find(|(_, _, mode)| *mode == self).map_or("", |(_, short, _)| short)
    }

    /// Whether two sessions can hold both.
    pub fn allows(self, other: Mode) -> bool {
        use Mode::{Exclusive, IntentExclusive, IntentShared, Shared, Update};
        match (self, other) {
            (Exclusive, _) | (_, Exclusive) => false,
            (IntentShared, _) | (_, IntentShared) => true,
            (Shared, Shared | Update) | (Update, Shared) => true,
            (IntentExclusive, IntentExclusive) => true,
            (Shared | Update, IntentExclusive | Update) | (IntentExclusive, Shared | Update) => false,
        }
    }

    /// What holding both amounts to.
    fn with(self, other: Mode) -> Mode {
        use Mode::{Exclusive, IntentExclusive, IntentShared, Shared, Update};
        match (self, other) {
            (one, two) if one == two => one,
            (IntentShared, other) | (other, IntentShared) => other,
            (Shared, Update) | (Update, Shared) => Update,
            (Shared | Update, IntentExclusive) | (IntentExclusive, Shared | Update) => Exclusive,
            (Exclusive, _) | (_, Exclusive) => Exclusive,
            (one, _) => one,
        }
    }
}

/// Whose end frees a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Session,
    Transaction,
    Statement,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Number of the object.
    Table(i32),
    /// Number of the database, and the name that the application gave.
    Application { database: i16, name: String },
}

#[derive(Clone, Debug)]
pub struct Lock {
    pub spid: u16,
    pub resource: Resource,
    pub mode: Mode,
    pub owner: Owner,
    /// How often it was taken.
    pub times: u32,
}

/// All locks of a server.
#[derive(Debug, Default)]
pub struct Locks {
    pub held: Vec<Lock>,
    pub waiting: Vec<Lock>,
}

/// What asking for a lock gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Granted,
    /// Somebody else has it.
    Blocked,
    /// They wait for each other: this one gives way.
    Deadlock,
}

impl Locks {
    /// Sessions whose locks, or whose place in the queue, stand in the way.
    fn in_the_way(&self, spid: u16, resource: &Resource, mode: Mode) -> Vec<u16> {
        let of_others = |lock: &&Lock| lock.spid != spid && lock.resource == *resource && !lock.mode.allows(mode);
        let mut found: Vec<u16> = self.held.iter().filter(of_others).map(|lock| lock.spid).collect();
        let holds_some = self.held.iter().any(|lock| lock.spid == spid && lock.resource == *resource);
        if !holds_some {
            let before_me = self.waiting.iter().take_while(|lock| lock.spid != spid);
            found.extend(before_me.filter(of_others).map(|lock| lock.spid));
        }
        found
    }

    /// Takes a lock if nobody is in the way.
    pub fn take(&mut self, wanted: &Lock) -> Asked {
        if self.in_the_way(wanted.spid, &wanted.resource, wanted.mode).is_empty() {
            self.grant(wanted);
            return Asked::Granted;
        }
        if self.waits_for_itself(wanted) { Asked::Deadlock } else { Asked::Blocked }
    }

    fn grant(&mut self, wanted: &Lock) {
        let is_same = |lock: &&mut Lock| {
            lock.spid == wanted.spid && lock.resource == wanted.resource && lock.owner == wanted.owner
        };
        match self.held.iter_mut().find(is_same) {
            Some(lock) => {
                lock.mode = lock.mode.with(wanted.mode);
                lock.times += 1;
            }
            None => self.held.push(Lock { times: 1, ..wanted.clone() }),
        }
    }

    /// Whether those in the way wait, over however many others, for the one who asks.
    fn waits_for_itself(&self, wanted: &Lock) -> bool {
        let mut ahead = self.in_the_way(wanted.spid, &wanted.resource, wanted.mode);
        let mut seen = Vec::new();
        while let Some(spid) = ahead.pop() {
            if spid == wanted.spid {
                return true;
            }
            if seen.contains(&spid) {
                continue;
            }
            seen.push(spid);
            for lock in self.waiting.iter().filter(|lock| lock.spid == spid) {
                ahead.extend(self.in_the_way(spid, &lock.resource, lock.mode));
            }
        }
        false
    }

    /// The session that a waiting one waits for; 0 for none.
    pub fn blocker(&self, spid: u16) -> u16 {
        let lock = self.waiting.iter().find(|lock| lock.spid == spid);
        lock.and_then(|lock| self.in_the_way(spid, &lock.resource, lock.mode).first().copied()).unwrap_or(0)
    }

    /// Puts a session into the queue, once.
    pub fn queue(&mut self, wanted: &Lock) {
        if !self.waiting.iter().any(|lock| lock.spid == wanted.spid) {
            self.waiting.push(wanted.clone());
        }
    }

    pub fn unqueue(&mut self, spid: u16) {
        self.waiting.retain(|lock| lock.spid != spid);
    }

    /// Gives a lock back once. Whether it was held.
    pub fn release(&mut self, spid: u16, resource: &Resource, owner: Owner) -> bool {
        let fits = |lock: &Lock| lock.spid == spid && lock.resource == *resource && lock.owner == owner;
        let Some(at) = self.held.iter().position(fits) else { return false };
        self.held[at].times -= 1;
        if self.held[at].times == 0 {
            self.held.remove(at);
        }
        true
    }

    /// Frees everything that ends now.
    pub fn free(&mut self, spid: u16, ends: impl Fn(Owner) -> bool) {
        self.held.retain(|lock| lock.spid != spid || !ends(lock.owner));
    }

    /// What a session holds of something.
    pub fn mode_of(&self, spid: u16, resource: &Resource, owner: Owner) -> Option<Mode> {
        let fits = |lock: &&Lock| lock.spid == spid && lock.resource == *resource && lock.owner == owner;
        self.held.iter().find(fits).map(|lock| lock.mode)
    }

    /// Whether a session would get a lock at once.
    pub fn is_free(&self, spid: u16, resource: &Resource, mode: Mode) -> bool {
        self.in_the_way(spid, resource, mode).is_empty()
    }
}

/// `0:[first 32 characters]:(8 hexadecimal digits)`, as sys.dm_tran_locks shows the lock of an application.
pub fn description(name: &str) -> Value {
    let prefix: String = name.chars().take(32).collect();
    // FNV-1a: the server's own hash is not public.
    let hash = name.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    Value::Text(format!("0:[{prefix}]:({hash:08x})"))
}

/// The type of that description.
pub const DESCRIPTION: Type = Type::NVarChar(Some(256));
