//! What happened: counters, and a line for each request.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts since the start or the last reset. Control requests are not in them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counters {
    pub requests: u64,
    /// By verb and pattern: `POST domains/{id}/start/`.
    pub requests_by_path: BTreeMap<String, u64>,
    /// Answers by status; 0 is a connection that was reset.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests that changed something or began a task.
    pub writes: u64,
    /// Requests that were answered by what an earlier one with the same key was answered.
    pub replays: u64,
    pub tasks: u64,
    /// Tasks that ended, by status.
    pub tasks_ended: BTreeMap<&'static str, u64>,
    /// What was carried out, by the object's id: `{id: {"start": 1}}`.
    pub actions: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// The same of all objects together.
    pub actions_total: BTreeMap<&'static str, u64>,
    pub logins: u64,
    pub faults: BTreeMap<&'static str, u64>,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub connections: u64,
    pub tls_connections: u64,
    pub active: u64,
    pub max_active: u64,
    /// Event streams opened, open now, and their frames.
    pub ws_connections: u64,
    pub ws_open: u64,
    pub ws_frames_received: u64,
    pub ws_frames_sent: u64,
}

impl Counters {
    pub fn asked(&mut self, verb: &str, pattern: &str) {
        self.requests += 1;
        *self.requests_by_path.entry(format!("{verb} {pattern}")).or_insert(0) += 1;
    }
}

/// One line of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub verb: String,
    /// With the query, without tokens.
    pub path: String,
    /// 0: the connection was reset.
    pub status: u16,
    /// Unix seconds.
    pub at: f64,
    pub ms: f64,
    pub bytes: usize,
}
