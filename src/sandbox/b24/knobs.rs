//! Every switch of the simulated portal, documented; `/_sandbox/knobs` reads and changes them while it runs.

use crate::sandbox::fault::{Fault, merged};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The switches. Those marked *at start* are read once; all others may be changed under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// *At start.* Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// *At start.* Number of the webhook's owner, the first segment after `/rest/`.
    pub user: u64,
    /// *At start.* The webhook's code.
    pub code: String,
    /// *At start.* Everything random (rows, holes, faults, changes under way) follows from it.
    pub seed: u64,
    /// *At start.* How many rows each entity has.
    pub rows: Rows,
    /// *At start.* Share of ids that hold a row, 1/64 to 1: a block of 64 ids has this part filled.
    pub density: f64,
    /// *At start.* A jump of `gap` ids after every `gap_every` blocks of 64 ids; 0 means no jumps.
    pub gap: u64,
    /// *At start.* See `gap`.
    pub gap_every: u64,

    /// Rate bucket and operating-time budget are enforced.
    pub limits: bool,
    /// X of the leaky bucket: a request that finds the level above X − 1 is refused with 503.
    pub bucket_size: f64,
    /// Y of the leaky bucket: how much the level falls in a second.
    pub bucket_fall: f64,
    /// The level falls in one step at each whole second instead of smoothly. Not settled by any source; smooth is the default.
    pub bucket_step: bool,
    /// A refused request raises the level too. Not settled by any source; off is the default.
    pub bucket_counts_refused: bool,
    /// The envelope's `time` has `operating` and `operating_reset_at`, as cloud portals do.
    pub operating: bool,
    /// Seconds of work one method may take inside the window; 480 in all of the cloud's examples.
    pub operating_limit: f64,
    /// Length of the window in seconds; it has ten baskets. 600 on real portals, less in tests.
    pub operating_window: f64,
    /// Bill a whole batch to the key `batch` instead of each nested method. The documentation says no, b24jssdk PR 539
    /// measured yes; the documentation is the default.
    pub operating_bill_batch: bool,
    /// Calls cheaper than this many seconds are not billed (0.1 as measured by b24jssdk PR 539). 0 bills everything.
    pub operating_free_below: f64,
    /// A `$result[…]` that leads nowhere stays as it was written instead of becoming empty. Not settled by any source; empty
    /// is the default, and what three SDKs expect.
    pub keep_unresolved: bool,
    /// Rows that the caller may not see are taken off pages that are cut already: each whose id is a multiple of this; 0: none.
    /// No source says that a method does so; it is what a client should survive.
    pub hidden_every: u64,
    /// The portal's REST is switched off by hand: 503 OVERLOAD_LIMIT for everything.
    pub overload: bool,
    /// The portal is closed: 500 PORTAL_DELETED for everything.
    pub deleted: bool,

    /// Milliseconds each request waits before it is looked at: the network.
    pub latency_ms: f64,
    /// Milliseconds one command works, waited for and billed.
    pub command_ms: f64,
    /// Milliseconds a list adds to count its rows (`start` ≥ 0), waited for and billed.
    pub count_ms: f64,
    /// How many requests are worked on side by side, the others wait; 0 is no bound.
    pub workers: usize,

    /// *At start.* OAuth application id.
    pub client_id: String,
    /// *At start.* OAuth application secret.
    pub client_secret: String,
    /// *At start.* An access token that is valid from the start.
    pub access_token: String,
    /// *At start.* The refresh token that belongs to `access_token`.
    pub refresh_token: String,
    /// *At start.* An authorization code that can be exchanged once; `/oauth/authorize/` issues more.
    pub auth_code: String,
    /// Seconds an access token lives; 3600 on real portals.
    pub token_life: f64,

    /// Most rows on a page of REST 3.0. The documentation promises 1000, b24jssdk PR 531 measured 50.
    pub v3_page_cap: u64,
    /// Rows added to and rows deleted from the deals in each second, by the seed.
    pub changes_per_second: f64,
    /// Where the `moved` fault sends requests: scheme, host and port, e.g. `http://127.0.0.1:8080`.
    pub moved_to: String,
    /// Faults to inject.
    pub faults: Faults,

    /// Largest request body in bytes; more is answered 413.
    pub max_body: usize,
    /// Connections held at once; more wait to be accepted.
    pub max_connections: usize,
    /// *At start.* Largest request head in bytes (at least 8192); a longer one is answered 431 by the listener.
    pub max_head: usize,
}

/// *At start.* Rows of each generated entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rows {
    pub deals: u64,
    pub leads: u64,
    pub contacts: u64,
    pub companies: u64,
    pub invoices: u64,
    /// Items of each smart process (entityTypeId 128 and 130).
    pub items: u64,
    pub users: u64,
    pub departments: u64,
    pub tasks: u64,
    pub products: u64,
    pub activities: u64,
    pub stage_history: u64,
    pub elapsed: u64,
    pub comments: u64,
    pub checklist: u64,
    pub addresses: u64,
    pub elements: u64,
    pub document_elements: u64,
    pub workgroups: u64,
    pub notifications: u64,
    pub chats: u64,
    pub log_messages: u64,
    pub calls: u64,
    pub files: u64,
}

/// Faults by kind. They befall REST requests only, never `/_sandbox`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// 500 INTERNAL_SERVER_ERROR as JSON, before the work.
    pub internal: Fault,
    /// 502 with a page of HTML, before the work.
    pub bad_gateway: Fault,
    /// 504 with a page of HTML, after the work was done.
    pub gateway_timeout: Fault,
    /// 200 with a page of HTML, before the work.
    pub html: Fault,
    /// The answer is cut in the middle.
    pub truncated: Fault,
    /// The connection is reset before the work.
    pub reset_before: Fault,
    /// The connection is reset after the work was done.
    pub reset_after: Fault,
    /// The answer comes `slow_ms` later.
    pub slow: Fault,
    /// No answer comes at all; the connection stays open.
    pub hang: Fault,
    /// 302 to the same path at `moved_to`.
    pub moved: Fault,
    /// The answer has no `time`.
    pub no_time: Fault,
    /// A single command fails (inside a batch or alone) with `command_code`, before its work.
    pub command: Fault,
    /// Milliseconds of `slow`.
    pub slow_ms: u64,
    /// Code of `command`.
    pub command_code: String,
    /// Only commands of this method fail by `command`; empty is any.
    pub command_method: String,
}

impl Default for Faults {
    fn default() -> Self {
        let never = Fault::default;
        Faults {
            internal: never(),
            bad_gateway: never(),
            gateway_timeout: never(),
            html: never(),
            truncated: never(),
            reset_before: never(),
            reset_after: never(),
            slow: never(),
            hang: never(),
            moved: never(),
            no_time: never(),
            command: never(),
            slow_ms: 3000,
            command_code: "ERROR_CORE".to_owned(),
            command_method: String::new(),
        }
    }
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            port: 0,
            user: 1,
            code: "sandbox0webhook0code".to_owned(),
            seed: 1,
            rows: Rows::default(),
            density: 0.9,
            gap: 0,
            gap_every: 0,
            limits: true,
            bucket_size: 50.0,
            bucket_fall: 2.0,
            bucket_step: false,
            bucket_counts_refused: false,
            operating: true,
            operating_limit: 480.0,
            operating_window: 600.0,
            operating_bill_batch: false,
            operating_free_below: 0.0,
            keep_unresolved: false,
            hidden_every: 0,
            overload: false,
            deleted: false,
            latency_ms: 0.0,
            command_ms: 0.0,
            count_ms: 0.0,
            workers: 0,
            client_id: "local.sandbox".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            access_token: "sandbox-access".to_owned(),
            refresh_token: "sandbox-refresh".to_owned(),
            auth_code: "sandbox-code".to_owned(),
            token_life: 3600.0,
            v3_page_cap: 50,
            changes_per_second: 0.0,
            moved_to: String::new(),
            faults: Faults::default(),
            max_body: 32 << 20,
            max_connections: 512,
            max_head: 16 << 10,
        }
    }
}

impl Default for Rows {
    fn default() -> Self {
        Rows {
            deals: 100_000,
            leads: 20_000,
            contacts: 20_000,
            companies: 5_000,
            invoices: 1_000,
            items: 1_000,
            users: 200,
            departments: 12,
            tasks: 2_000,
            products: 300,
            activities: 5_000,
            stage_history: 30_000,
            elapsed: 3_000,
            comments: 3_000,
            checklist: 3_000,
            addresses: 900,
            elements: 500,
            document_elements: 95,
            workgroups: 120,
            notifications: 150,
            chats: 230,
            log_messages: 75,
            calls: 1_500,
            files: 60,
        }
    }
}

impl Knobs {
    /// These knobs with the given changes merged in, key by key. The error says which key is wrong.
    pub fn merged(&self, changes: &Value) -> Result<Knobs, String> {
        merged(self, changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_touches_only_what_it_names() {
        let knobs = Knobs::default();
        let changed = knobs.merged(&json!({"faults": {"internal": {"next": 3}}, "latency_ms": 7})).unwrap();
        assert_eq!(changed.faults.internal, Fault { probability: 0.0, next: 3 });
        assert_eq!(changed.latency_ms, 7.0);
        assert_eq!(changed.bucket_size, knobs.bucket_size);
    }

    #[test]
    fn an_unknown_switch_is_refused_by_name() {
        let error = Knobs::default().merged(&json!({"latensy_ms": 7})).unwrap_err();
        assert!(error.contains("latensy_ms"), "{error}");
    }
}
