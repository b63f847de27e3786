//! Every switch of the simulated administration server.

use serde::{Deserialize, Serialize};

use super::texts::Language;

/// The switches. Those marked *at start* are read once; all others may be changed under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// *At start.* Port on 127.0.0.1; 0 takes a free one. The utility's own default is 1545.
    pub port: u16,
    /// *At start.* Everything random follows from it: ids too.
    pub seed: u64,
    /// *At start.* How many clusters there are.
    pub clusters: usize,
    /// *At start.* How many working servers each cluster has.
    pub servers: usize,
    /// *At start.* How many working processes each cluster has.
    pub processes: usize,
    /// *At start.* How many infobases each cluster has.
    pub infobases: usize,
    /// *At start.* How many sessions each cluster has.
    pub sessions: usize,
    /// *At start.* The first infobase of each cluster has a namesake.
    pub twins: bool,
    /// *At start.* The date and time at the beginning, `2026-03-02T09:00:00`; empty is the real one.
    pub starts_at: String,
    /// *At start.* The version that the agent says it has.
    pub platform: String,

    /// *At start.* `user:password` of an administrator of every cluster; empty is none, and nobody is asked.
    pub cluster_admin: String,
    /// *At start.* `user:password` of an administrator of the agent; empty is none, and nobody is asked.
    pub agent_admin: String,
    /// `user:password` that every infobase wants; empty is none, and nobody is asked.
    pub infobase_user: String,
    /// The last of all administrators cannot be removed. No source settles it; off is the default.
    pub keep_last_admin: bool,

    /// Major numbers of the endpoint versions that are taken: any of 3 to 16.
    pub versions: Vec<u8>,
    /// The server's language: `ru` or `en`.
    pub language: Language,
    /// Hosts that cannot be reached: as working servers, as database servers.
    pub absent_hosts: Vec<String>,

    /// Milliseconds from a request to its answer. Requests that come together wait together.
    pub latency_ms: f64,
    /// Sessions that users begin in each second, on infobases that let them in.
    pub newcomers_per_second: f64,
    /// The permission code that these users know.
    pub newcomers_code: String,
    /// Milliseconds until a session that was ended is gone.
    pub leaving_ms: u64,
    /// Milliseconds that work on a storage of binary data takes.
    pub storage_ms: u64,
    /// Faults to inject.
    pub faults: Faults,
}

/// One kind of fault: every so manieth message, or the next few.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Hits every Nth message; 0 never.
    pub every: u64,
    /// Hits the next N messages.
    pub next: u64,
}

/// Faults by kind. They befall answers to messages on endpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Only messages of this number are hit and counted; -1 is all of them.
    pub message: i64,
    /// The connection is closed, and nothing was done.
    pub close: Fault,
    /// The connection is closed after the work was done.
    pub close_after: Fault,
    /// Half of the answer comes, then the connection is closed.
    pub cut: Fault,
    /// The answer comes byte by byte, `slow_ms` between two.
    pub slow: Fault,
    /// The announced length is longer than what comes; then nothing more.
    pub longer: Fault,
    /// The announced length is shorter than what comes.
    pub shorter: Fault,
    /// A gigabyte is announced.
    pub huge: Fault,
    /// The answer's kind is none that is known.
    pub kind: Fault,
    /// The answer has the number of another.
    pub number: Fault,
    /// A text in the answer is no UTF-8.
    pub text: Fault,
    /// Bytes are left over at the end of the answer.
    pub more: Fault,
    /// No answer comes at all; the connection stays open.
    pub hang: Fault,
    /// An exception, of `exception_class` with `exception_text`, and nothing was done.
    pub exception: Fault,
    pub exception_class: String,
    pub exception_text: String,
    /// Milliseconds of `slow`.
    pub slow_ms: u64,
    /// Each connection is closed after so many messages; 0 never.
    pub messages_until_closed: u64,
    /// It is no administration server: whoever connects gets a line of HTTP.
    pub stranger: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            port: 0,
            seed: 1,
            clusters: 1,
            servers: 2,
            processes: 4,
            infobases: 8,
            sessions: 60,
            twins: false,
            starts_at: String::new(),
            platform: "8.5.1.1150".to_owned(),
            cluster_admin: String::new(),
            agent_admin: String::new(),
            infobase_user: String::new(),
            keep_last_admin: false,
            versions: (3..=16).collect(),
            language: Language::Ru,
            absent_hosts: vec!["nowhere".to_owned()],
            latency_ms: 0.0,
            newcomers_per_second: 0.0,
            newcomers_code: String::new(),
            leaving_ms: 0,
            storage_ms: 0,
            faults: Faults::default(),
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        let never = Fault::default;
        Faults {
            message: -1,
            close: never(),
            close_after: never(),
            cut: never(),
            slow: never(),
            longer: never(),
            shorter: never(),
            huge: never(),
            kind: never(),
            number: never(),
            text: never(),
            more: never(),
            hang: never(),
            exception: never(),
            exception_class: "swp.UnknownThrowable".to_owned(),
            exception_text:
                " server_addr=tcp://srv1:1560 descr=recv returns zero, disconnected line=1 file=src/net.cpp".to_owned(),
            slow_ms: 20,
            messages_until_closed: 0,
            stranger: false,
        }
    }
}

/// The two halves of `user:password`; nothing of nothing.
pub fn credentials(both: &str) -> Option<(&str, &str)> {
    (!both.is_empty()).then(|| both.split_once(':').unwrap_or((both, "")))
}
