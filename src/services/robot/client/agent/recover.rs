//! What an agent does first: it puts right what the one before it has left, and sends what waits.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Agent, Job, Store};
use crate::error::Result;
use crate::services::robot::client::journal::{Phase, Record};
use crate::services::robot::client::judge::INTERRUPTED;
use crate::services::robot::client::shapes::{JobStatus, Level};
use crate::services::robot::client::work::{Ending, How};

/// Between two looks at what is left of a job.
const LOOK: Duration = Duration::from_millis(50);

/// A supervisor that has not written down that it is there by now never will be.
const APPEARS: Duration = Duration::from_secs(2);

/// A job that was left, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    pub job: String,
    pub name: String,
    pub status: JobStatus,
    pub reason: String,
    /// It was run once more.
    pub rerun: bool,
}

impl Agent {
    /// Takes the robot, brings every job that was left to its end, and sends what waits for as long as the time for that is.
    /// May be called at any moment at which no job runs here. Fails with `robot.locked` and `robot.journal`.
    pub async fn recover(&self) -> Result<Vec<Recovered>> {
        let store = self.ready()?;
        self.turn("RECOVER", "the robot is this agent's");
        store.journal.drop_old()?;
        let mut recovered = Vec::new();
        for record in store.journal.unfinished()? {
            recovered.push(self.put_right(store, record).await?);
        }
        self.now(|now| now.job = None);
        self.turn("DRAIN", &format!("{} jobs were left", recovered.len()));
        tokio::select! {
            drained = self.drain(self.0.timing.drain_budget) => drop(drained?),
            // What is left has a little time more when the agent leaves.
            () = self.left() => {}
        }
        self.turn("IDLE_HB", "recovered");
        Ok(recovered)
    }

    async fn put_right(&self, store: &Store, record: Record) -> Result<Recovered> {
        let (status, reason) = match (record.phase, record.status) {
            (Phase::Over, Some(status)) => (status, record.reason.clone()),
            _ => {
                let ending = self.end_of(store, &record).await?;
                if let Some(job) = self.to_run_again(&record, &ending) {
                    return self.run_again(store, &record, job).await;
                }
                let asks = store.journal.record(&record.guid)?.map(|record| record.asks).unwrap_or_default();
                let outcome = self.came_of(store, &record, ending, &asks)?;
                (outcome.status, outcome.reason)
            }
        };
        store.journal.close(&record.guid, status)?;
        self.count(|counts| counts.finished(status));
        Ok(Recovered { job: record.guid, name: record.name, status, reason, rerun: false })
    }

    /// How it ended, which whoever watched over it may have written down; else it is ended now.
    async fn end_of(&self, store: &Store, record: &Record) -> Result<Ending> {
        let never = || How::NotStarted(INTERRUPTED.into());
        let how = match record.phase {
            Phase::Taken => never(),
            _ => How::Orphaned,
        };
        if record.phase != Phase::Begun {
            return Ok(record.ending.clone().unwrap_or(Ending::none(how)));
        }
        if let Some(ending) = self.wait_for_end(store, &record.guid).await? {
            return Ok(ending);
        }
        for process in store.journal.processes(&record.guid)? {
            if let Err(error) = self.0.survivors.kill(&process) {
                self.note(Level::Error, &error.to_string());
            }
        }
        // It may have been written in the last moment.
        let ending = store.journal.record(&record.guid)?.and_then(|record| record.ending);
        Ok(ending.unwrap_or(Ending::none(how)))
    }

    /// A supervisor whose agent is gone ends its job and tells how that went.
    async fn wait_for_end(&self, store: &Store, job: &str) -> Result<Option<Ending>> {
        let began = Instant::now();
        loop {
            if let Some(ending) = store.journal.record(job)?.and_then(|record| record.ending) {
                return Ok(Some(ending));
            }
            let processes = store.journal.processes(job)?;
            let is_there = processes.iter().any(|process| self.0.survivors.is_there(process));
            let longest = match processes.is_empty() {
                true => APPEARS,
                false if is_there => self.0.timing.orphans,
                false => Duration::ZERO,
            };
            if began.elapsed() >= longest {
                return Ok(None);
            }
            sleep(LOOK).await;
        }
    }

    /// A job that was interrupted, if it may be begun once more.
    fn to_run_again(&self, record: &Record, ending: &Ending) -> Option<Job> {
        let is_interrupted = match &ending.how {
            How::Orphaned => record.begun <= self.0.habits.reruns,
            How::NotStarted(_) => record.phase == Phase::Taken,
            _ => false,
        };
        let is_wanted = self.0.habits.reruns > 0 && record.asks == Default::default() && !self.is_leaving();
        let taken = record.taken.clone().filter(|_| is_interrupted && is_wanted)?;
        let fault = self.0.workshop.fault(&taken);
        Some(Job { taken, fault })
    }

    async fn run_again(&self, store: &Store, record: &Record, job: Job) -> Result<Recovered> {
        store.journal.again(&record.guid)?;
        self.set_job(&record.guid, &record.name, &record.version);
        self.tell(Level::Warning, &format!("job {} was interrupted and is run once more", record.guid));
        let outcome = self.run_job(&job).await?;
        self.update(&record.guid, outcome.status).await?;
        let (guid, name) = (record.guid.clone(), record.name.clone());
        Ok(Recovered { job: guid, name, status: outcome.status, reason: outcome.reason, rerun: true })
    }
}

impl Ending {
    /// Of a job of which nothing else is known.
    fn none(how: How) -> Ending {
        Ending { how, observed: false, took: Duration::ZERO, tail: Vec::new() }
    }
}
