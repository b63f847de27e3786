//! What happened: counters, and a line for each request.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// Counts since the start or the last reset. Control requests are not in them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counters {
    pub requests: u64,
    /// By the route's name.
    pub requests_by_route: BTreeMap<String, u64>,
    /// Answers by status; 0 is a connection that was reset.
    pub statuses: BTreeMap<u16, u64>,
    pub faults: BTreeMap<String, u64>,
    pub jobs_created: u64,
    pub jobs_handed_out: u64,
    /// By the word of their last status.
    pub jobs_ended: BTreeMap<&'static str, u64>,
    pub messages: u64,
    pub connections: u64,
    pub tls_connections: u64,
    pub active: u64,
    pub max_active: u64,
}

/// One line of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Which it is, counted from 1.
    pub number: u64,
    /// Unix seconds of the simulator's clock, when it came.
    pub at: f64,
    /// The same since the simulator began.
    pub seconds: f64,
    /// How long its answer took, in seconds of the same clock.
    pub took: f64,
    pub route: String,
    pub method: String,
    pub path: String,
    pub host: String,
    pub tls: bool,
    /// The content type of the body.
    pub content_type: String,
    /// The robot's GUID: the one in the field, else the one of the header.
    pub robot: String,
    pub fields: Value,
    /// The body as it came, when it is text.
    pub body: String,
    /// Whether there was a header that says who asks.
    pub authorized: bool,
    /// Whether that header was right.
    pub auth_ok: bool,
    /// 0: the connection was reset, or the client went away.
    pub status: u16,
    pub answer: String,
    /// What befell it.
    pub faults: Vec<String>,
}
