//! What a robot needs of an Orchestrator, so that its ways can be tested on a paused clock.

use futures_util::future::BoxFuture;

use super::gone::Gone;
use super::shapes::{Beat, JobStatus, Line, Pulse, Taken};
use crate::error::Result;

/// Each call is one request and its answer; nothing is repeated here. What goes wrong has the codes of
/// [`Trouble`](super::trouble::Trouble).
pub trait Orchestrator: Send + Sync {
    /// Does what can be done before the next request is due, so that it goes out when it is.
    fn prepare(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
    /// Notes in `gone` when the request went out.
    fn heartbeat<'a>(&'a self, beat: &'a Beat, gone: &'a Gone) -> BoxFuture<'a, Result<Pulse>>;
    /// `None` when there is no job after all (code 102).
    fn consume(&self) -> BoxFuture<'_, Result<Option<Taken>>>;
    fn update<'a>(&'a self, job: &'a str, status: JobStatus) -> BoxFuture<'a, Result<()>>;
    fn log<'a>(&'a self, line: &'a Line) -> BoxFuture<'a, Result<()>>;
    /// The status that the Orchestrator has on record for a job.
    fn job_status<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<JobStatus>>;
}
