//! What happened: counters, and a line for each request.

use serde::Serialize;
use std::collections::BTreeMap;

/// Counts since the start or the last reset. Control requests are not in them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counters {
    pub requests: u64,
    pub requests_by_method: BTreeMap<String, u64>,
    /// Commands inside batches and single calls alike.
    pub commands: u64,
    pub commands_by_method: BTreeMap<String, u64>,
    /// Commands that were answered with an error.
    pub failed_commands: u64,
    pub batches: u64,
    pub rows_sent: u64,
    /// Records added, changed or deleted, by method.
    pub writes_by_method: BTreeMap<String, u64>,
    /// 503 QUERY_LIMIT_EXCEEDED.
    pub refused_503: u64,
    /// 429 OPERATION_TIME_LIMIT, alone and inside batches.
    pub refused_429: u64,
    pub refused_401: u64,
    pub faults: BTreeMap<&'static str, u64>,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub connections: u64,
    pub active: u64,
    pub max_active: u64,
    pub tokens_issued: u64,
    /// Steps of the changes under way: each adds one deal and deletes one.
    pub changes: u64,
}

/// One line of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub method: String,
    /// 0: the connection was reset.
    pub status: u16,
    /// Unix seconds.
    pub at: f64,
    pub ms: f64,
    pub commands: u64,
    pub bytes: usize,
}

/// Adds one under a name.
pub fn count(map: &mut BTreeMap<String, u64>, name: &str) {
    match map.get_mut(name) {
        Some(number) => *number += 1,
        None => {
            map.insert(name.to_owned(), 1);
        }
    }
}
