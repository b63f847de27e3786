//! What the web service needs of the engine of runs, and nothing else: tests put another one in its place.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use crate::error::Result;
use crate::services::sp::catalogue::Catalogue;
use crate::services::sp::client::run::{Check, Happened, Order, Run, RunState, Step};

/// Which runs of the history are asked for, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub limit: usize,
    pub name: Option<String>,
    pub code: Option<String>,
    pub state: Option<RunState>,
    /// Older than the run of this id.
    pub before: Option<String>,
    /// Steps and checks are not wanted.
    pub without_steps: bool,
}

/// What becomes, in a resumed run, of a step of which nobody knows whether it was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    #[default]
    Refuse,
    Repeat,
    Skip,
}

/// Steps as they would be done, and what the whole is expected to take, in seconds.
pub struct Planned {
    pub steps: Vec<Step>,
    pub estimate: Option<f64>,
    /// What should be known before.
    pub notes: Vec<String>,
}

/// A run that is recorded and claimed, and waits to be done.
pub trait Work: Send {
    fn run(&self) -> Run;
    fn drive(self: Box<Self>) -> BoxFuture<'static, Run>;
}

pub trait Desk: Send + Sync + 'static {
    fn catalogue(&self) -> &Catalogue;
    fn plan(&self, order: Order) -> BoxFuture<'_, Result<Planned>>;
    /// The error `sp.busy` names the run that is in the way.
    fn run(&self, order: Order, by: String) -> BoxFuture<'_, Result<Box<dyn Work>>>;
    fn resume(&self, id: String, by: String, unknown: Unknown) -> BoxFuture<'_, Result<Box<dyn Work>>>;
    fn cancel(&self, id: String) -> BoxFuture<'_, Result<()>>;
    /// Runs that have not ended, of other processes too.
    fn under_way(&self) -> BoxFuture<'_, Result<Vec<Run>>>;
    fn find(&self, id: String) -> BoxFuture<'_, Result<Option<Run>>>;
    fn history(&self, filter: Filter) -> BoxFuture<'_, Result<Vec<Run>>>;
    fn check(&self, name: String, code: String) -> BoxFuture<'_, Result<Vec<Check>>>;
    /// Events of the runs of this process.
    fn follow(&self) -> broadcast::Receiver<(u64, Arc<Happened>)>;
    /// Whether the history can be written.
    fn is_ready(&self) -> BoxFuture<'_, Result<()>>;
    /// Whether the target's server answers.
    fn reach(&self) -> BoxFuture<'_, Result<()>>;
}
