//! What happened at the simulated server, for tests to assert on.

use std::collections::BTreeMap;

/// Counts since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    pub connections: u64,
    /// Open now, and the most at once.
    pub active: u64,
    pub most_active: u64,
    pub endpoints_opened: u64,
    pub endpoints_closed: u64,
    /// Versions that were asked for and not taken.
    pub versions_refused: u64,
    pub keep_alives: u64,
    pub disconnects: u64,
    /// By the number of the request.
    pub messages: BTreeMap<u8, u64>,
    /// Of the agent, of a cluster, of an infobase.
    pub authentications: u64,
    pub exceptions: u64,
    /// By the name of the switch.
    pub faults: BTreeMap<&'static str, u64>,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    /// Newcomers that came, and that an infobase kept out.
    pub newcomers: u64,
    pub kept_out: u64,
}

impl Counters {
    /// How often this message came.
    pub fn message(&self, id: u8) -> u64 {
        self.messages.get(&id).copied().unwrap_or(0)
    }

    /// How many messages came.
    pub fn all_messages(&self) -> u64 {
        self.messages.values().sum()
    }
}
