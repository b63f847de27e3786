//! Every switch of the simulated controller, documented; `/_sandbox/knobs` reads and changes them while it runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::fault::{Fault, merged};

/// The switches. Those marked *at start* are read once, and again by a reset of the data; all others may be changed
/// under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// *At start.* Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// *At start.* Everything random (ids, jitter, faults) follows from it.
    pub seed: u64,
    /// *At start.* Ordinary virtual machines; every second one is on.
    pub domains: u64,
    /// *At start.* Templates; every second one is a Windows.
    pub templates: u64,
    /// *At start.*
    pub nodes: u64,
    /// *At start.*
    pub networks: u64,
    /// *At start.*
    pub isos: u64,
    /// *At start.* Disks that no machine has.
    pub free_disks: u64,
    /// *At start.* Size of each data pool in GiB; 0 is room enough.
    pub pool_gb: u64,
    /// What `base-version` answers.
    pub version: String,

    /// *At start.* An integration token, without the word before it; empty: one that looks like a token.
    pub token: String,
    /// *At start.* Another one whose owner may only read.
    pub read_only_token: String,
    /// Who may log in by `/auth/`.
    pub user: String,
    pub password: String,
    /// Seconds a token lives, from its issue; 0 is for ever.
    pub token_life: f64,
    /// Every token is expired after this many requests; 0 is never.
    pub token_requests: u64,

    /// Milliseconds each request waits before it is looked at: the network.
    pub latency_ms: f64,
    /// Milliseconds a task takes.
    pub task_ms: f64,
    /// Part of `task_ms` by which a task may be shorter or longer, 0 to 1.
    pub task_jitter: f64,
    /// Milliseconds after which the guest agent of a started machine answers.
    pub agent_ms: f64,
    /// Guests have no agent at all.
    pub no_agent: bool,
    /// Guests get addresses in 169.254/16, as without DHCP.
    pub apipa: bool,
    /// A soft shutdown of a machine whose agent does not answer fails.
    pub shutdown_needs_agent: bool,
    /// The child of this number, from 1, fails in every multitask; 0 is none.
    pub failing_child: u64,

    /// Status of an unknown address: 500, or 404.
    pub unknown_url_status: u16,
    /// `permissions` as a map of flags, as until about 4.4.
    pub permission_flags: bool,
    /// Where refusals of single fields stand: `item` (a map in the list of errors), `errors` (`errors` is that map), `top`
    /// (the whole answer is).
    pub field_errors: String,
    /// `idempotency_key` in the body of a PUT counts too. Nothing is known of it.
    pub key_on_put: bool,
    /// Seconds a key is remembered.
    pub key_life: f64,
    /// Largest `limit` of a list; 0 is none.
    pub max_limit: u64,
    /// Faults to inject.
    pub faults: Faults,

    /// Largest request body in bytes; more is answered 413.
    pub max_body: usize,
    /// *At start.* Connections held at once; more wait to be accepted.
    pub max_connections: usize,
    /// *At start.* Largest request head in bytes (at least 8192); a longer one is answered 431 by the listener.
    pub max_head: usize,
}

/// Faults by kind. They befall the API only, never `/_sandbox`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// 418: the controller is being upgraded.
    pub maintenance: Fault,
    /// 503 with a page of HTML: the controller is starting.
    pub starting: Fault,
    /// 500 with a list of errors, before the work.
    pub internal: Fault,
    /// 401 whose body is a JSON text that holds a dictionary in Python's notation.
    pub unauthorized: Fault,
    /// The answer comes `slow_ms` later.
    pub slow: Fault,
    /// No answer comes at all; the connection stays open.
    pub hang: Fault,
    /// The connection is reset before the work.
    pub reset_before: Fault,
    /// The connection is reset after the work was done or begun.
    pub reset_after: Fault,
    /// The answer is cut in the middle.
    pub truncated: Fault,
    /// A task ends FAILED.
    pub task_failed: Fault,
    /// A task ends LOST.
    pub task_lost: Fault,
    /// A multitask ends PARTIAL: the second half of its children fails.
    pub task_partial: Fault,
    /// A task never ends.
    pub task_stuck: Fault,
    /// A task that is looked at is gone.
    pub task_vanishes: Fault,
    /// A machine that was on an earlier page is gone when a later page is read.
    pub shrink: Fault,
    /// A machine is gone when something is done to it.
    pub domain_vanishes: Fault,
    /// The data pool is full when a machine or a disk is made.
    pub full_pool: Fault,
    /// 404 for the event stream.
    pub ws_absent: Fault,
    /// The event stream breaks off after `ws_frames` frames.
    pub ws_breaks: Fault,
    /// Milliseconds of `slow`.
    pub slow_ms: u64,
    /// Frames that `ws_breaks` lets through.
    pub ws_frames: u64,
    /// Only requests whose path holds this text are befallen by what befalls requests; empty is any.
    pub path: String,
    /// Only requests with this verb; empty is any.
    pub verb: String,
}

impl Default for Faults {
    fn default() -> Self {
        let never = Fault::default;
        Faults {
            maintenance: never(),
            starting: never(),
            internal: never(),
            unauthorized: never(),
            slow: never(),
            hang: never(),
            reset_before: never(),
            reset_after: never(),
            truncated: never(),
            task_failed: never(),
            task_lost: never(),
            task_partial: never(),
            task_stuck: never(),
            task_vanishes: never(),
            shrink: never(),
            domain_vanishes: never(),
            full_pool: never(),
            ws_absent: never(),
            ws_breaks: never(),
            slow_ms: 3000,
            ws_frames: 0,
            path: String::new(),
            verb: String::new(),
        }
    }
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            port: 0,
            seed: 1,
            domains: 12,
            templates: 2,
            nodes: 2,
            networks: 3,
            isos: 3,
            free_disks: 2,
            pool_gb: 0,
            version: "4.6.0".to_owned(),
            token: String::new(),
            read_only_token: String::new(),
            user: "admin".to_owned(),
            password: "sandbox".to_owned(),
            token_life: 0.0,
            token_requests: 0,
            latency_ms: 0.0,
            task_ms: 200.0,
            task_jitter: 0.2,
            agent_ms: 300.0,
            no_agent: false,
            apipa: false,
            shutdown_needs_agent: false,
            failing_child: 0,
            unknown_url_status: 500,
            permission_flags: false,
            field_errors: "item".to_owned(),
            key_on_put: false,
            key_life: 3600.0,
            max_limit: 0,
            faults: Faults::default(),
            max_body: 64 << 20,
            max_connections: 1024,
            max_head: 32 << 10,
        }
    }
}

impl Knobs {
    /// These knobs with the given changes merged in, key by key. The error says which key is wrong.
    pub fn merged(&self, changes: &Value) -> Result<Knobs, String> {
        merged(self, changes)
    }
}
