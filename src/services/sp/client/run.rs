//! A run and its steps, as they are kept, shown to scripts and sent by the web service: one shape for all.

use serde::{Deserialize, Serialize};

use super::message::{Message, SqlError};

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    /// One entity; all of the data source when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub codes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// Of a whole data source, what needs no month alone.
    pub undated_only: bool,
    /// Newest modification times before and after; they cost time.
    pub checks: bool,
    /// Waits for a run that is in the way instead of being refused.
    pub wait: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Recorded, and waiting for what is in the way.
    Waiting,
    Running,
    Ok,
    Failed,
    Cancelled,
    /// Its process ended before it did: `resume` goes on.
    Interrupted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Pending,
    Running,
    /// The procedure has succeeded and its transaction is being committed.
    Committing,
    Ok,
    Failed,
    /// Not begun, because of a step that it depends on.
    Skipped,
    Cancelled,
    TimedOut,
    /// The process ended while the server worked.
    Interrupted,
}

/// One call of one procedure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// From 1, in the order of the plan.
    pub number: u32,
    /// `prep`, `crude`, `heap`, or whatever the catalogue calls them.
    pub stage: String,
    pub entity: String,
    /// Of a step that is made for one data source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Keys of the catalogue.
    pub server: String,
    pub database: String,
    /// As a person reads it: `EXECUTE dbo.p @CurDataAreaId = N'0c06', @period_month = 7`.
    pub statement: String,
    /// Names of the application locks that are held meanwhile.
    pub locks: Vec<String>,
    /// Numbers of the steps that have to be good before.
    pub after: Vec<u32>,
    /// Whether doing it twice does no harm.
    pub repeatable: bool,
    /// What it is expected to take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    pub state: StepState,
    pub attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// How long the procedure took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Rows affected, as the server counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_code: Option<i32>,
    /// What the server said while it worked.
    pub messages: Vec<Message>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// Why it was skipped, what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a step failed: in words, and as the server told it where a server did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepError {
    /// Our code (`sp.timeout`, `sp.lost`) or the server's (`sp.1205`).
    pub code: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<SqlError>,
}

/// The newest modification time of a stage, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// `check_prep`, `check_crude`, `check_heap`.
    pub check: String,
    pub entity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// None where there is no value, or none to look for.
    #[serde(default)]
    pub before: Option<String>,
    #[serde(default)]
    pub after: Option<String>,
    /// What could not be looked at, and why; a check never fails a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// A run, under way or ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Sorts by time.
    pub id: String,
    pub order: Order,
    /// Who asked for it.
    pub by: String,
    pub state: RunState,
    pub started: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What the whole is expected to take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    pub steps: Vec<Step>,
    pub checks: Vec<Check>,
    /// In a few words, why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often it was taken up again.
    #[serde(default)]
    pub resumed: u32,
}

/// What happens in a run, for those who follow it live.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happened {
    /// The run's own state has changed; its steps are left out.
    Run { run: String, state: RunState, reason: Option<String>, seconds: Option<f64> },
    /// A step has changed: the whole step.
    Step { run: String, step: Box<Step> },
    /// The server said something in a step.
    Message { run: String, step: u32, message: Message },
    /// A check has been answered.
    Check { run: String, check: Check },
}
