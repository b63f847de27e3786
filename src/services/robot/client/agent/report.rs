//! Telling the Orchestrator that a job begins, and how it ended.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::{Agent, Stage, Store, order};
use crate::error::{Error, Result};
use crate::services::robot::client::journal::{Asks, Phase, Record, What};
use crate::services::robot::client::judge::OPERATOR;
use crate::services::robot::client::outbox::Went;
use crate::services::robot::client::shapes::{Asked, Beat, JobStatus};
use crate::services::robot::client::trouble::code;

/// What became of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The Orchestrator has it.
    Delivered,
    /// It waits in the outbox.
    Queued,
    /// The Orchestrator does not want it: a job must not be begun then.
    Refused,
    /// The operator wants the job to end before it has begun.
    Asked(Asked),
}

impl Sent {
    pub fn word(self) -> &'static str {
        match self {
            Sent::Delivered => "delivered",
            Sent::Queued => "queued",
            Sent::Refused => "refused",
            Sent::Asked(Asked::Stop) => "stop",
            Sent::Asked(Asked::Abort) => "abort",
        }
    }
}

/// How the tries to send a status ended.
enum Tried {
    Delivered,
    Refused(Error),
    /// The time for it is over.
    Late,
    /// Somebody wants the job to end.
    Asked(Asked),
}

impl Agent {
    /// Puts a status of a job into the outbox and tries to send it, while heartbeats go on. `in_progress` once, before the
    /// job is run; a final status after that, which must be what [`run_job`](Agent::run_job) gave. A job that was not run
    /// here may be given any final status. Else: `robot.order`.
    pub async fn update(&self, job: &str, status: JobStatus) -> Result<Sent> {
        let store = self.ready()?;
        let Some(record) = store.journal.record(job)? else {
            return Err(order(format!("job {job} was not handed out to this robot"), "name a job that `consume` gave"));
        };
        match status {
            JobStatus::InProgress => self.report_start(store, &record).await,
            status if status.is_final() => self.report_end(store, &record, status).await,
            status => {
                let hint = "a robot sets in_progress, success, failed, stopped or aborted";
                Err(order(format!("`{}` is not for robots to set", status.word()), hint))
            }
        }
    }

    async fn report_start(&self, store: &Store, record: &Record) -> Result<Sent> {
        let job = record.guid.as_str();
        if record.phase != Phase::Taken {
            let message = format!("job {job} cannot begin: it is {}", record.phase.word());
            return Err(order(message, "report `in_progress` once, before the job is run"));
        }
        if let Some(asked) = self.asked() {
            return Ok(Sent::Asked(asked));
        }
        if self.working().is_none() {
            self.set_job(job, &record.name, &record.version);
        }
        store.journal.announce(job)?;
        self.turn("REPORT_START", "status in_progress is in the outbox");
        let tried = self.try_to_send(store, job, JobStatus::InProgress, self.0.timing.start_budget, true).await?;
        let sent = match tried {
            Tried::Delivered => {
                self.0.failpoint.reached("after_8");
                Sent::Delivered
            }
            Tried::Late => Sent::Queued,
            Tried::Asked(asked) => Sent::Asked(asked),
            Tried::Refused(error) => self.refused_start(store, record, &error).await?,
        };
        if let Sent::Asked(asked) = sent {
            self.remember_asked(store, job, asked)?;
        }
        Ok(sent)
    }

    /// What was asked for outlives the agent, and status 8 of a job that will not begin is not sent any more.
    fn remember_asked(&self, store: &Store, job: &str, asked: Asked) -> Result<()> {
        self.now(|now| {
            if let Some(current) = now.job.as_mut() {
                current.asked = Some(asked);
            }
        });
        let why = || Some(OPERATOR.to_owned());
        let asks = match asked {
            Asked::Stop => Asks { stop: why(), kill: None },
            Asked::Abort => Asks { stop: None, kill: why() },
        };
        store.journal.asked(job, &asks)?;
        store.journal.withdraw(job, JobStatus::InProgress)
    }

    /// A refusal may mean that somebody has asked for the job's end meanwhile; else the job is none of this robot's.
    async fn refused_start(&self, store: &Store, record: &Record, error: &Error) -> Result<Sent> {
        let job = record.guid.as_str();
        let found = match error.code() {
            code::NOT_FOUND => None,
            _ => timeout(self.0.timing.answer, self.0.orchestrator.job_status(job)).await.ok(),
        };
        let asked = match found {
            Some(Ok(JobStatus::InProgress)) => return Ok(Sent::Delivered),
            Some(Ok(JobStatus::Stopping)) => Some(Asked::Stop),
            Some(Ok(JobStatus::Aborting)) => Some(Asked::Abort),
            Some(Ok(_)) | None => None,
            // It does not say; a heartbeat will.
            Some(Err(_)) => self.asked_by_heartbeat(&Beat::working(job, &record.name)).await,
        };
        if let Some(asked) = asked {
            return Ok(Sent::Asked(asked));
        }
        store.journal.refuse(job, error.message())?;
        self.done_with_job("the Orchestrator does not want the job to begin");
        Ok(Sent::Refused)
    }

    async fn asked_by_heartbeat(&self, beat: &Beat) -> Option<Asked> {
        tokio::select! {
            // Whether it was answered well does not matter any more.
            _ = self.beat_once(beat) => self.asked(),
            () = self.left() => None,
        }
    }

    async fn report_end(&self, store: &Store, record: &Record, status: JobStatus) -> Result<Sent> {
        let job = record.guid.as_str();
        self.may_end(record, status)?;
        if record.phase != Phase::Closed {
            if status == JobStatus::Success && !record.announced {
                store.journal.announce(job)?;
            }
            self.set_stage(Stage::Over);
            self.0.failpoint.reached("after_end");
            store.journal.close(job, status)?;
            self.set_stage(Stage::Closed);
            self.0.failpoint.reached("after_outbox");
            self.count(|counts| counts.finished(status));
        }
        self.turn("REPORT_END", &format!("status {} is in the outbox", status.word()));
        let timing = &self.0.timing;
        let budget = if self.is_leaving() { timing.leave_budget } else { timing.end_budget };
        let sent = match self.try_to_send(store, job, status, budget, false).await? {
            Tried::Delivered => Sent::Delivered,
            Tried::Refused(_) => Sent::Refused,
            Tried::Late | Tried::Asked(_) => Sent::Queued,
        };
        self.done_with_job(&format!("the end of the job is {}", sent.word()));
        Ok(sent)
    }

    fn may_end(&self, record: &Record, status: JobStatus) -> Result<()> {
        let job = &record.guid;
        match (record.phase, record.status) {
            (Phase::Taken, _) => Ok(()),
            (Phase::Over | Phase::Closed, Some(outcome)) if outcome == status => Ok(()),
            (Phase::Over | Phase::Closed, Some(outcome)) => {
                let message = format!("job {job} ended as `{}`, not as `{}`", outcome.word(), status.word());
                Err(order(message, "report the status that `run_job` gave"))
            }
            (phase, _) => Err(order(
                format!("job {job} is {}: its end is not known", phase.word()),
                "report the status that `run_job` gives, or call `robot.recover()` when the job was left",
            )),
        }
    }

    /// Sends what waits until this status is out or its time is over; Working heartbeats go on meanwhile.
    async fn try_to_send(
        &self,
        store: &Store,
        job: &str,
        status: JobStatus,
        budget: Duration,
        is_start: bool,
    ) -> Result<Tried> {
        let (mut until, mut is_leaving) = (Instant::now() + budget, false);
        let sending = self.until_sent(store, job, status);
        tokio::pin!(sending);
        let beat = self.working();
        loop {
            tokio::select! {
                tried = &mut sending => return tried,
                // An answer that is an error changes nothing: the next heartbeat follows in its time.
                _ = self.beat_if(beat.as_ref()) => {
                    if let (true, Some(asked)) = (is_start, self.asked()) {
                        return Ok(Tried::Asked(asked));
                    }
                }
                () = sleep_until(until) => return Ok(Tried::Late),
                () = self.left(), if !is_leaving => {
                    is_leaving = true;
                    let longest = if is_start { Duration::ZERO } else { self.0.timing.leave_budget };
                    until = until.min(Instant::now() + longest);
                }
            }
        }
    }

    async fn beat_if(&self, beat: Option<&Beat>) {
        match beat {
            Some(beat) => drop(self.beat_once(beat).await),
            None => std::future::pending().await,
        }
    }

    async fn until_sent(&self, store: &Store, job: &str, status: JobStatus) -> Result<Tried> {
        while store.journal.awaits(job, status)? {
            let went = store.outbox.send_one().await?;
            self.went(&went);
            match went {
                Went::Dead(item, error) if item.what == What::Status(status) && item.job.eq_ignore_ascii_case(job) => {
                    return Ok(Tried::Refused(error));
                }
                Went::Nothing => break,
                Went::Dead(..) | Went::Delivered | Went::Later(_) => {}
            }
        }
        Ok(Tried::Delivered)
    }
}
