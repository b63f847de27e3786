//! What all connections of the server have in common: switches, the log of calls, who is connected.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::watch;

use super::knobs::Knobs;
use crate::sandbox::fault::Fault;
use crate::sandbox::http::lock;

/// The first number of a session of a user: smaller ones are the server's own.
const FIRST_SPID: u16 = 51;

/// One call in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Unix seconds.
    pub at: f64,
    pub spid: u16,
    pub login: String,
    pub database: String,
    /// `batch`: a text; `sql`: a text with parameters (sp_executesql); `rpc`: a procedure by its name.
    pub kind: &'static str,
    /// The text, or the name of the procedure.
    pub text: String,
    /// Parameters by their names; `@P1`-like numbers stand for names that were not given.
    pub parameters: Value,
    pub seconds: f64,
    /// `ok`, the number of the first error, `attention`, or `lost`.
    pub outcome: String,
}

/// Somebody who is connected.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    pub spid: u16,
    pub login: String,
    pub database: String,
    pub host: String,
    pub program: String,
    /// Whether what is said is encrypted.
    pub encrypted: bool,
    /// Unix seconds.
    pub since: f64,
    /// `sleeping` or `running`.
    pub status: &'static str,
}

/// Switches, log and clients of one server.
pub struct Hub {
    knobs: Mutex<Knobs>,
    calls: Mutex<VecDeque<Call>>,
    clients: Mutex<BTreeMap<u16, Client>>,
    /// Rises when all connections are to be dropped.
    drops: watch::Sender<u64>,
    chance: AtomicU64,
}

impl Hub {
    pub fn new(knobs: Knobs) -> Hub {
        let chance = AtomicU64::new(knobs.seed);
        let (calls, clients) = (Mutex::default(), Mutex::default());
        Hub { knobs: Mutex::new(knobs), calls, clients, drops: watch::Sender::new(0), chance }
    }

    /// The switches as they are now, behind their lock: not to be held over a wait.
    pub fn knobs(&self) -> MutexGuard<'_, Knobs> {
        lock(&self.knobs)
    }

    /// Merges changes into the switches. The error says which key is wrong.
    pub fn change(&self, changes: &Value) -> Result<(), String> {
        let mut knobs = self.knobs();
        *knobs = knobs.merged(changes)?;
        Ok(())
    }

    /// Whether a fault strikes now.
    pub fn strikes(&self, of: impl FnOnce(&mut Knobs) -> &mut Fault) -> bool {
        of(&mut self.knobs()).strikes(|| self.draw())
    }

    /// 64 random bits, the same sequence for the same seed (splitmix64).
    pub fn draw(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut bits = self.chance.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// The log, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).iter().cloned().collect()
    }

    /// Empties the log.
    pub fn forget(&self) {
        lock(&self.calls).clear();
    }

    pub fn log(&self, call: Call) {
        let most = self.knobs().max_calls;
        let mut calls = lock(&self.calls);
        calls.push_back(call);
        while calls.len() > most {
            calls.pop_front();
        }
    }

    /// Who is connected, by the number of the session.
    pub fn clients(&self) -> Vec<Client> {
        lock(&self.clients).values().cloned().collect()
    }

    /// Puts a client among the others under the lowest free number.
    pub fn enter(&self, mut client: Client) -> u16 {
        let mut clients = lock(&self.clients);
        let spid = (FIRST_SPID..u16::MAX).find(|spid| !clients.contains_key(spid)).unwrap_or(u16::MAX);
        client.spid = spid;
        clients.insert(spid, client);
        spid
    }

    /// Changes what is told of a client.
    pub fn update(&self, spid: u16, change: impl FnOnce(&mut Client)) {
        if let Some(client) = lock(&self.clients).get_mut(&spid) {
            change(client);
        }
    }

    pub fn leave(&self, spid: u16) {
        lock(&self.clients).remove(&spid);
    }

    /// Loses all connections, that of the caller too.
    pub fn drop_connections(&self) {
        self.drops.send_modify(|times| *times += 1);
    }

    /// Changes when all connections are to be dropped.
    pub fn drops(&self) -> watch::Receiver<u64> {
        self.drops.subscribe()
    }
}

/// Unix seconds now.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
