//! What the machine of a robot asks for.

use futures_util::future::BoxFuture;

use super::gone::Gone;
use super::http::{Answered, Client};
use super::orchestrator::Orchestrator;
use super::shapes::{Beat, JobStatus, Line, Pulse, Taken};
use super::trouble::code;
use crate::error::{Error, Kind, Result};
use crate::services::robot::wire::answer;
use crate::services::robot::wire::request::Request;

/// Taking a job may make the Orchestrator work; it is given twice the time.
const CONSUME_TIMES: u32 = 2;

impl Client {
    async fn beat(&self, beat: &Beat, gone: &Gone) -> Result<Pulse> {
        let here = self.0.whereabouts.here().await;
        let request = Request::heartbeat(self.0.guid.expose(), &here, beat);
        if self.only_tells(&request)? {
            return Ok(Pulse { code: 0, text: String::new(), has_job: false, raw: serde_json::json!({}) });
        }
        let answered = self.ask_noted(&request, self.timeout(), gone).await?;
        answer::pulse(&answered.body).map_err(|wrong| self.wrong(&request, wrong, &answered.body))
    }

    async fn take(&self) -> Result<Option<Taken>> {
        let request = Request::consume(self.0.guid.expose());
        if self.only_tells(&request)? {
            return Ok(None);
        }
        let answered = self.ask(&request, self.timeout() * CONSUME_TIMES).await?;
        answer::taken(&answered.body).map_err(|wrong| self.wrong(&request, wrong, &answered.body))
    }

    /// Sends what has no answer worth reading: `[]`, nothing and a page of HTML all mean that it was done.
    pub(super) async fn tell(&self, request: &Request) -> Result<()> {
        if self.only_tells(request)? {
            return Ok(());
        }
        let answered = self.ask(request, self.timeout()).await?;
        self.delivered(request, &answered)
    }

    async fn report(&self, job: &str, status: JobStatus) -> Result<()> {
        let request = Request::update(job, status);
        if self.only_tells(&request)? {
            return Ok(());
        }
        let answered = self.ask(&request, self.timeout()).await?;
        self.delivered(&request, &answered)?;
        match answer::is_page(&answered.body) {
            true => self.confirmed(&request, job, status, &answered).await,
            false => Ok(()),
        }
    }

    /// A page of HTML in answer to a status may be the Orchestrator's way to say yes, or that of somebody in between: the job
    /// itself tells. Where it must not be looked at, the page counts.
    async fn confirmed(&self, request: &Request, job: &str, status: JobStatus, answered: &Answered) -> Result<()> {
        match self.status_of(job).await {
            Ok(found) if found != status && !found.is_final() && (status.is_final() || found == JobStatus::Pending) => {
                let why = format!("it is a page, and the job is {} there", found.word());
                Err(self.unreadable(request, &why, &answered.body))
            }
            _ => Ok(()),
        }
    }

    /// A page at the end of a redirection is a page for people to log in, and no answer to an update.
    pub(super) fn delivered(&self, request: &Request, answered: &Answered) -> Result<()> {
        match answered.elsewhere && answer::json(&answered.body).is_none() {
            true => Err(self.unreadable(request, "it is a page of another address", &answered.body)),
            false => Ok(()),
        }
    }

    /// The record of a job as the Orchestrator has it.
    pub(super) async fn job_record(&self, job: &str) -> Result<(Request, serde_json::Value)> {
        let request = Request::job(job);
        let answered = self.ask(&request, self.timeout()).await?;
        let read = answer::object(&answered.body).map_err(|wrong| self.wrong(&request, wrong, &answered.body))?;
        match read {
            Some(record) => Ok((request, record)),
            None => {
                let message = format!("{}: {} has no job {job}", request.what, self.0.address.shown());
                Err(Error::new(Kind::NotFound, code::NOT_FOUND, message))
            }
        }
    }

    async fn status_of(&self, job: &str) -> Result<JobStatus> {
        let (request, record) = self.job_record(job).await?;
        let text = record.to_string();
        answer::job_status(&record).map_err(|wrong| self.wrong(&request, wrong, text.as_bytes()))
    }

    /// What the Orchestrator calls a level.
    fn number(&self, line: &Line) -> i64 {
        self.0.levels.iter().find(|(level, _)| *level == line.level).map_or(1, |(_, number)| *number)
    }
}

impl Orchestrator for Client {
    fn prepare(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // A client that cannot be made is told of by the request.
            let _ = self.0.http.client();
            self.0.whereabouts.refresh().await;
        })
    }

    fn heartbeat<'a>(&'a self, beat: &'a Beat, gone: &'a Gone) -> BoxFuture<'a, Result<Pulse>> {
        Box::pin(self.beat(beat, gone))
    }

    fn consume(&self) -> BoxFuture<'_, Result<Option<Taken>>> {
        Box::pin(self.take())
    }

    fn update<'a>(&'a self, job: &'a str, status: JobStatus) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.report(job, status))
    }

    fn log<'a>(&'a self, line: &'a Line) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.tell(&Request::log(self.0.guid.expose(), line, self.number(line))).await })
    }

    fn job_status<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<JobStatus>> {
        Box::pin(self.status_of(job))
    }
}
