//! Jobs that are started here and done by whichever robot takes them.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::http::Client;
use super::orchestrator::Orchestrator;
use super::shapes::JobStatus;
use super::tasks::options;
use super::trouble::Trouble;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::robot::wire::answer;
use crate::services::robot::wire::call::Options;
use crate::services::robot::wire::header;

/// A robot asks every ten seconds; asking oftener than this tells nothing new.
const PAUSE: Duration = Duration::from_secs(2);
/// A server that is away for so many questions in a row is told of.
const PATIENCE: u32 = 10;

impl Client {
    /// Starts the newest version of a process, or a version by its GUID in the options; the job's GUID, `None` in a dry
    /// run. Without a robot or a group of robots it is for this one.
    pub async fn start_job(&self, process: &str, more: &Options) -> Result<Option<String>> {
        let mut given = more.clone();
        let has = |name: &str| more.get(name).is_some_and(|value| !value.is_null());
        if !has("version") {
            given.insert("process".into(), self.guid_of("process", process).await?.into());
        }
        if !has("robot") && !has("robot_group") {
            given.insert("robot".into(), self.0.guid.expose().into());
        }
        if let Some(task) = more.get("task").and_then(|task| task.as_str()) {
            given.insert("task".into(), self.guid_of("task", task).await?.into());
        }
        self.make("job.create", &given).await
    }

    /// Waits until a job is over; its final status. An Orchestrator that does not answer meanwhile is asked again.
    pub async fn wait_job(&self, job: &str, timeout: Duration, pause: Option<Duration>) -> Result<JobStatus> {
        let (began, mut failed) = (Instant::now(), 0);
        loop {
            let status = match self.job_status(job).await {
                Ok(status) if status.is_final() => return Ok(status),
                Ok(status) => {
                    failed = 0;
                    status.word()
                }
                Err(error) if matches!(Trouble::of(&error), Trouble::Transient(_)) && failed < PATIENCE => {
                    failed += 1;
                    "unknown"
                }
                Err(error) => return Err(error),
            };
            let left = timeout.saturating_sub(began.elapsed());
            if left.is_zero() {
                let message = format!("robot.wait_job: the job {job} is {status} after {} s", timeout.as_secs_f64());
                return Err(Error::new(Kind::Timeout, "robot.job_timeout", message)
                    .retry(Retry::Safe)
                    .hint("wait longer with the option `timeout`; the job goes on"));
            }
            tokio::time::sleep(pause.unwrap_or(PAUSE).min(left)).await;
        }
    }

    /// A new version of a process from a file of this computer; its GUID, `None` in a dry run.
    pub async fn publish(&self, process: &str, name: &str, file: &str, more: &Options) -> Result<Option<String>> {
        let mut given = more.clone();
        given.insert("process".into(), self.guid_of("process", process).await?.into());
        given.extend(options(json!({ "name": name, "file": file })));
        self.make("version.create", &given).await
    }

    /// The Orchestrator's number for a robot's status, with its GUID, or of this robot.
    pub async fn robot_status(&self, robot: Option<&str>) -> Result<i64> {
        let guid = match robot {
            Some(robot) => self.guid_of("robot", robot).await?,
            None => self.0.guid.expose().to_owned(),
        };
        let record = self.record("robot.status", &guid).await?;
        let status = answer::field(&record, "Status").and_then(answer::number);
        status.ok_or_else(|| self.odd("robot.status", "`Status` is missing", &record))
    }

    /// Whether a text is this robot's GUID.
    pub fn is_this(&self, robot: &str) -> bool {
        header::guid(robot).is_some_and(|guid| guid.eq_ignore_ascii_case(self.0.guid.expose()))
    }
}
