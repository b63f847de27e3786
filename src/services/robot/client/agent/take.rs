//! Taking a job: asked for only when one was offered, and in the journal before anything else is done with it.

use tokio::time::{Instant, timeout};

use super::{Agent, Store, order};
use crate::error::{Error, Result};
use crate::services::robot::client::journal::Closed;
use crate::services::robot::client::outbox::Went;
use crate::services::robot::client::pace::no_answer;
use crate::services::robot::client::shapes::{JobStatus, Level, Line, Taken};
use crate::services::robot::client::trouble::{Trouble, code};

/// So many jobs that were offered and not there, within an hour, and somebody else seems to take them.
const SUSPICIOUS: usize = 3;

/// A job that was handed out to this robot, and is in its journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub taken: Taken,
    /// What stands against beginning it.
    pub fault: Option<String>,
}

impl Agent {
    /// Asks for the job that was offered. `None` when there is none after all, when it cannot be named, and when it was done
    /// before. `robot.order`: none was offered since the last question, or another is not finished. `robot.journal`: it could
    /// not be kept, so it was not asked for. Any error of the Orchestrator: before the next question must come a heartbeat.
    pub async fn consume(&self) -> Result<Option<Job>> {
        let store = self.ready()?;
        if self.is_leaving() {
            return Err(Error::stopped());
        }
        self.may_consume(store)?;
        self.turn("CONSUME", "a job is waiting");
        // What is left of earlier jobs goes first.
        self.send_what_can_be_sent(store).await?;
        if let Err(error) = store.journal.prepare() {
            if self.is_new("unwritten") {
                self.note(Level::Error, &format!("no job is taken: {error}"));
            }
            return Err(error);
        }
        let was_doubtful = self.now(|now| {
            now.said.remove("unwritten");
            now.is_offered = false;
            now.era += 1;
            std::mem::replace(&mut now.is_doubtful, true)
        });
        let longest = self.0.timing.take;
        let answer = timeout(longest, self.0.orchestrator.consume()).await;
        let taken = match answer.unwrap_or_else(|_| Err(no_answer(longest))) {
            Ok(taken) => taken,
            Err(error) => return Err(self.not_taken(store, error)),
        };
        if was_doubtful {
            // It may be this very job, or another one: nobody can tell.
            self.tell(Level::Warning, "possible orphan job: the answer to an earlier question for a job was lost");
        }
        match taken {
            Some(taken) => self.accept(store, taken).await,
            None => {
                self.settled(store)?;
                self.missed();
                Ok(None)
            }
        }
    }

    fn may_consume(&self, store: &Store) -> Result<()> {
        let (is_offered, job) = self.now(|now| (now.is_offered, now.job.as_ref().map(|job| job.guid.clone())));
        let left = "call `robot.recover()`, which puts right what was left unfinished";
        if let Some(job) = job {
            return Err(order(format!("job {job} is not finished"), left));
        }
        if !is_offered {
            let hint = "send `robot.heartbeat(\"ready\")` first, and take a job only when its answer has one";
            return Err(order("no job was offered since the last question for one", hint));
        }
        match store.journal.unfinished()?.first() {
            Some(job) => Err(order(format!("job {} from before is not finished", job.guid), left)),
            None => Ok(()),
        }
    }

    /// Until no status waits, or something cannot be sent now.
    async fn send_what_can_be_sent(&self, store: &Store) -> Result<()> {
        let until = Instant::now() + self.0.timing.drain_budget;
        while Instant::now() < until && store.journal.awaits_any()? {
            let went = tokio::select! {
                went = store.outbox.send_one() => went?,
                () = tokio::time::sleep_until(until) => return Ok(()),
            };
            self.went(&went);
            if matches!(went, Went::Nothing | Went::Later(_)) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The question failed; whether a job was handed out all the same is not always known.
    fn not_taken(&self, store: &Store, error: Error) -> Error {
        let is_sure = error.code() == code::UNREACHABLE || !matches!(Trouble::of(&error), Trouble::Transient(_));
        if is_sure && let Err(error) = self.settled(store) {
            return error;
        }
        error
    }

    /// It is known that no job is under way to here.
    fn settled(&self, store: &Store) -> Result<()> {
        self.now(|now| now.is_doubtful = false);
        store.journal.unprepare()
    }

    /// A job was offered, and was not there.
    fn missed(&self) {
        let (now_at, hour) = (Instant::now(), self.0.timing.hour);
        let is_suspicious = self.now(|now| {
            now.missed += 1;
            now.misses.push_back(now_at);
            now.misses.retain(|at| now_at - *at < hour);
            let is_suspicious = now.misses.len() >= SUSPICIOUS;
            if is_suspicious {
                now.misses.clear();
            }
            is_suspicious
        });
        if is_suspicious {
            self.tell(
                Level::Warning,
                "three times within an hour a job was offered and was not there: perhaps another machine has this robot's GUID",
            );
        }
    }

    async fn accept(&self, store: &Store, mut taken: Taken) -> Result<Option<Job>> {
        self.0.failpoint.reached("after_consume");
        self.now(|now| now.missed = 0);
        if taken.guid.trim().is_empty() {
            self.settled(store)?;
            let why = taken.unreadable.as_deref().unwrap_or("it has none");
            self.tell(
                Level::Error,
                &format!("a job was handed out whose GUID cannot be read, so nothing is done: {why}"),
            );
            return Ok(None);
        }
        if let Some(before) = store.journal.finished(&taken.guid)?
            && !self.0.habits.run_repeats
        {
            self.repeated(store, &before).await?;
            return Ok(None);
        }
        if let Err(error) = store.journal.took(&taken) {
            return Err(self.cannot_keep(&taken, error).await);
        }
        self.now(|now| now.is_doubtful = false);
        self.0.failpoint.reached("after_journal");
        self.set_job(&taken.guid, &taken.name, &taken.version);
        self.turn("ACCEPT", &format!("job {} is {}", taken.guid, taken.name));
        if self.0.habits.take_texts && !taken.name.is_empty() {
            taken.unreadable = None;
        }
        let fault = taken.unreadable.clone().or_else(|| self.0.workshop.fault(&taken));
        Ok(Some(Job { taken, fault }))
    }

    /// A job that was finished here before is not done again: its status is sent once more.
    async fn repeated(&self, store: &Store, before: &Closed) -> Result<()> {
        store.journal.repeat(&before.guid, before.status)?;
        self.now(|now| now.is_doubtful = false);
        let text = format!("it was handed out again after its end and is not run again: {}", before.status.word());
        let (job, version) = (before.guid.clone(), before.version.clone());
        let line = Line { job, version, level: Level::Warning, text };
        self.note_line(&line);
        self.say(&[line]);
        self.send_what_can_be_sent(store).await
    }

    /// A job that cannot be kept must not be run: the Orchestrator is told at once, as well as that can be done.
    async fn cannot_keep(&self, taken: &Taken, error: Error) -> Error {
        let failed = self.0.orchestrator.update(&taken.guid, JobStatus::Failed);
        let told = timeout(self.0.timing.answer, failed).await;
        let is_told = matches!(told, Ok(Ok(())));
        self.now(|now| now.is_doubtful = !is_told);
        let outcome = if is_told { "it was reported as failed" } else { "it could not be reported either" };
        self.note(
            Level::Critical,
            &format!("job {} was handed out and cannot be kept; {outcome}: {error}", taken.guid),
        );
        error
    }
}
