//! Every switch of the simulated Orchestrator, documented; `/_sandbox/knobs` reads and changes them while it runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::fault::merged;

/// The switches. Those marked *at start* are read once, and again by a reset of the data; all others may be changed
/// under way. Seconds are seconds of the simulator's clock, milliseconds are real ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// *At start.* Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// *At start.* Everything random (GUIDs, faults) follows from it.
    pub seed: u64,
    /// *At start.* Robots; the first one's GUID is always the same.
    pub robots: u64,
    /// *At start.* Jobs that wait for the first robot.
    pub jobs: u64,
    /// *At start.* Tasks in the queue `invoices`.
    pub tasks: u64,
    /// The account's key, accepted for everything that is no robot's own call; GUIDs of robots are accepted as well.
    pub api_key: String,

    /// Each request waits so long before it is looked at: the network.
    pub latency_ms: f64,
    /// The clock runs so many times faster.
    pub speed: f64,
    /// What the spacing of heartbeats may fall short by before it counts as broken.
    pub spacing_tolerance_ms: f64,
    /// The spacing of heartbeats has no exceptions.
    pub strict_spacing: bool,

    /// The key of the third part of a taken job: `Task`, or ` Task ` as the published example reads it.
    pub task_key: String,
    /// What a job without a task has there: `null`, `empty` (a text), `array`, `absent`.
    pub absent_task: Absent,
    /// `Job`, `ProcessVersion`, `Task` and parameters as objects instead of texts with JSON in them.
    pub nested_objects: bool,
    /// Numbers in answers as texts.
    pub numbers_as_text: bool,
    /// Answers have fields that nobody expects.
    pub extra_fields: bool,
    /// GUIDs in answers in upper case.
    pub upper_guids: bool,
    /// Answers begin with a byte order mark.
    pub bom: bool,
    /// The body of answers to calls that only change something.
    pub update_body: String,
    /// The body of `queue/lastTask` when there is none.
    pub no_task_body: String,

    /// Calls are taken with their own verb alone; else POST goes for PUT and DELETE too.
    pub strict_verbs: bool,
    /// What a PUT to `job/update` is answered, 405 or 404 say; 0: it is carried out.
    pub put_status: u16,
    /// A forbidden change of a job's status is answered 409; else 200, and nothing happens.
    pub strict_order: bool,
    /// Robots may change the jobs of others.
    pub lenient_owner: bool,
    /// A job that is to stop or to be aborted may still end well or badly.
    pub late_results: bool,
    /// A robot may report Stopped for a job that nobody asked to stop: it was shut down itself.
    pub stopped_unasked: bool,
    /// `In_Progress` for a job that is to stop already: `keep` (taken, the request stays) or `refuse` (409).
    pub start_while_asked: Late,
    /// Heartbeats tell of Stop and Abort also before the job was begun.
    pub codes_before_start: bool,
    /// Taking a job sets it to `In_Progress` at once.
    pub consume_starts: bool,
    /// A Ready heartbeat, too, is answered 10 or 20 while a job of the robot is to be ended.
    pub stale_codes: bool,
    /// A job that was handed out and never begun is handed out again after so many seconds; 0 is never.
    pub redeliver_after: f64,
    /// A robot that is silent for so many seconds is shown as disconnected.
    pub disconnect_after: f64,
    /// Jobs of a robot that is silent for so many seconds fail; 0 is never.
    pub fail_silent_after: f64,

    /// Things are found by their names as well as by their GUIDs (since version 1.27).
    pub by_name: bool,
    /// There are lists that nobody has documented: `robot/list`, `process/list`, `queue/list`, `files/list`.
    pub lists: bool,
    /// `processVersion/read` answers with the file, `process_file` in Base64.
    pub version_files: bool,
    /// Filters of tasks are understood; else their addresses do not exist.
    pub filters: bool,
    /// Seconds for which a task belongs to the robot that took it into work; 0: it is not locked.
    pub lock_seconds: f64,

    /// The certificate that TLS connections are met with.
    pub certificate: Which,
    /// Largest request body in bytes; more is answered 413.
    pub max_body: usize,
    /// *At start.* Connections held at once; more wait to be accepted.
    pub max_connections: usize,
    /// *At start.* Largest request head in bytes (at least 8192); a longer one is answered 431 by the listener.
    pub max_head: usize,
    /// *At start.* Requests remembered by `/_sandbox/log`.
    pub max_log: usize,
}

/// How it is written that something is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    Null,
    Empty,
    Array,
    Absent,
}

/// What becomes of a report that comes too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    Keep,
    Refuse,
}

/// The simulator's certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Signed by itself, for the names of this machine.
    Own,
    /// The same, but past its time.
    Expired,
    /// For another machine.
    WrongHost,
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            port: 0,
            seed: 1,
            robots: 3,
            jobs: 0,
            tasks: 12,
            api_key: "6f1d2c3b-4a59-4e68-8f70-a1b2c3d4e5f6".to_owned(),
            latency_ms: 0.0,
            speed: 1.0,
            spacing_tolerance_ms: 50.0,
            strict_spacing: false,
            task_key: "Task".to_owned(),
            absent_task: Absent::Null,
            nested_objects: false,
            numbers_as_text: false,
            extra_fields: false,
            upper_guids: false,
            bom: false,
            update_body: "[]".to_owned(),
            no_task_body: "[]".to_owned(),
            strict_verbs: false,
            put_status: 0,
            strict_order: true,
            lenient_owner: false,
            late_results: true,
            stopped_unasked: true,
            start_while_asked: Late::Keep,
            codes_before_start: true,
            consume_starts: false,
            stale_codes: false,
            redeliver_after: 0.0,
            disconnect_after: 60.0,
            fail_silent_after: 0.0,
            by_name: true,
            lists: true,
            version_files: false,
            filters: true,
            lock_seconds: 3600.0,
            certificate: Which::Own,
            max_body: 64 << 20,
            max_connections: 1024,
            max_head: 32 << 10,
            max_log: 50_000,
        }
    }
}

impl Knobs {
    /// These knobs with the given changes merged in, key by key. The error says which key is wrong.
    pub fn merged(&self, changes: &Value) -> Result<Knobs, String> {
        merged(self, changes)
    }
}
