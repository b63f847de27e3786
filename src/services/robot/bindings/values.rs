//! What the agent's calls give: maps and rows of what they tell, and the job.

use std::time::Duration;

use rhai::plugin::*;
use rhai::{Dynamic, Map};
use serde_json::{Value, json};

use crate::core::rows::{Builder, Rows};
use crate::script::convert;
use crate::services::robot::client::agent::{Counts, Job, Outcome, Recovered, Snapshot, Waiting};
use crate::services::robot::client::shapes::Pulse;

/// A job that `robot.consume()` gave.
#[derive(Clone)]
pub struct RobotJob(pub Job);

fn map(value: &Value) -> Map {
    convert::from_value(value).try_cast::<Map>().unwrap_or_default()
}

/// Rows with these columns, of maps.
fn table(items: impl IntoIterator<Item = Value>, columns: &[&str]) -> Rows {
    let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut rows = Builder::new();
    for item in items {
        // A handful of short fields always fits.
        let _ = convert::push_row(&mut rows, &convert::from_value(&item), Some(&names));
    }
    if rows.is_empty() { Rows::none(columns.iter().copied()) } else { rows.finish().into() }
}

/// Seconds to the millisecond: more digits are noise.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

pub fn pulse(pulse: &Pulse) -> Map {
    map(&json!({ "code": pulse.code, "text": pulse.text, "has_job": pulse.has_job, "raw": pulse.raw }))
}

pub fn outcome(outcome: &Outcome) -> Map {
    map(&json!({ "status": outcome.status.word(), "reason": outcome.reason, "seconds": seconds(outcome.took) }))
}

pub fn recovered(all: &[Recovered]) -> Rows {
    let items = all.iter().map(|one| {
        json!({ "job": one.job, "name": one.name, "status": one.status.word(), "reason": one.reason, "rerun": one.rerun })
    });
    table(items, &["job", "name", "status", "reason", "rerun"])
}

pub fn waiting(all: &[Waiting]) -> Rows {
    let items = all.iter().map(|one| {
        let at = jiff::Timestamp::from_millisecond(one.at).unwrap_or_default();
        json!({ "seq": one.seq, "at": at.to_string(), "kind": one.kind, "job": one.job, "what": one.what,
                "attempts": one.attempts })
    });
    table(items, &["seq", "at", "kind", "job", "what", "attempts"])
}

pub fn snapshot(seen: &Snapshot) -> Map {
    let counts = &seen.counts;
    let results: serde_json::Map<String, Value> =
        Counts::RESULTS.iter().zip(counts.results).map(|(status, n)| (status.word().to_owned(), n.into())).collect();
    let (job, name) = seen.job.clone().unwrap_or_default();
    let ago = |time: Option<Duration>| time.map(seconds);
    map(&json!({
        "state": seen.state, "leaving": seen.is_leaving, "locked": seen.is_locked, "job": job, "name": name,
        "job_seconds": ago(seen.since), "heartbeat_ago": ago(seen.last_good), "outbox": seen.outbox,
        "heartbeats": counts.beats_sent, "failed_heartbeats": counts.beats_failed, "dead": counts.dead, "jobs": results,
    }))
}

/// The job, as scripts see it.
#[export_module]
pub mod job {
    use rhai::ImmutableString;

    use crate::script::convert;

    pub type RobotJob = super::RobotJob;

    /// Its GUID.
    #[rhai_fn(get = "guid", pure)]
    pub fn guid(job: &mut RobotJob) -> ImmutableString {
        job.0.taken.guid.as_str().into()
    }

    /// The process version's name: the script that is run.
    #[rhai_fn(get = "name", pure)]
    pub fn name(job: &mut RobotJob) -> ImmutableString {
        job.0.taken.name.as_str().into()
    }

    /// What stands against beginning it, or `()`.
    #[rhai_fn(get = "fault", pure)]
    pub fn fault(job: &mut RobotJob) -> Dynamic {
        job.0.fault.as_deref().map_or(Dynamic::UNIT, Into::into)
    }

    /// The job as the Orchestrator wrote it.
    #[rhai_fn(get = "job", pure)]
    pub fn job(job: &mut RobotJob) -> Dynamic {
        convert::from_value(&job.0.taken.job)
    }

    /// The process version as the Orchestrator wrote it.
    #[rhai_fn(get = "version", pure)]
    pub fn version(job: &mut RobotJob) -> Dynamic {
        convert::from_value(&job.0.taken.process_version)
    }

    /// The task as the Orchestrator wrote it, or `()`.
    #[rhai_fn(get = "task", pure)]
    pub fn task(job: &mut RobotJob) -> Dynamic {
        convert::from_value(&job.0.taken.task)
    }

    /// The task's parameters: a map, or `()`.
    #[rhai_fn(get = "params", pure)]
    pub fn params(job: &mut RobotJob) -> Dynamic {
        convert::from_value(&job.0.taken.params)
    }

    /// As it is printed.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn to_string(job: &mut RobotJob) -> String {
        format!("job {} ({})", job.0.taken.guid, job.0.taken.name)
    }
}
