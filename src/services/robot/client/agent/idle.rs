//! What an agent does without a job: it rests, sends what waits, and leaves.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Agent, Store};
use crate::error::{Error, Result};
use crate::services::robot::client::journal::{Item, What};
use crate::services::robot::client::outbox::Went;
use crate::services::robot::client::shapes::RobotStatus;

/// Most things of the outbox that are shown.
const SHOWN: u32 = 1000;

/// A thing in the outbox, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub seq: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// `status` or `log`.
    pub kind: &'static str,
    /// Its GUID, or empty.
    pub job: String,
    /// The status, or the line's text.
    pub what: String,
    pub attempts: u32,
}

impl Waiting {
    fn of(item: Item) -> Waiting {
        let (kind, what) = match item.what {
            What::Status(status) => ("status", status.word().to_owned()),
            What::Line(line) => ("log", format!("{}: {}", line.level.word(), line.text)),
            What::Dropped(count) => ("log", format!("warning: {count} messages were dropped")),
        };
        Waiting { seq: item.seq, at: item.at, kind, job: item.job, what, attempts: item.attempts }
    }

    pub fn to_json(&self) -> Value {
        json!({ "seq": self.seq, "at": self.at, "kind": self.kind, "job": self.job, "what": self.what,
                "attempts": self.attempts })
    }
}

impl Agent {
    /// Waits for the time of the next question for work, and sends what waits in the outbox meanwhile. Ends early when the
    /// agent is asked to leave.
    pub async fn rest(&self) -> Result<()> {
        let store = self.ready()?;
        self.tidy(store)?;
        let timing = &self.0.timing;
        let due = self.0.pace.due(RobotStatus::Ready).unwrap_or_else(Instant::now);
        let until = due + timing.poll.saturating_sub(timing.spacing);
        tokio::select! {
            drained = self.drain_until(store, until) => drained?,
            () = self.left() => return Ok(()),
        }
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.left() => {}
        }
        Ok(())
    }

    /// Forgets lines that have waited too long, now and then.
    fn tidy(&self, store: &Store) -> Result<()> {
        let hour = self.0.timing.hour;
        let is_time = self.now(|now| {
            let is_time = now.tidied.is_none_or(|tidied| tidied.elapsed() >= hour);
            if is_time {
                now.tidied = Some(Instant::now());
            }
            is_time
        });
        if is_time { store.journal.drop_old() } else { Ok(()) }
    }

    /// A pause of so many seconds by the agent's clock; `stopped` when the agent is asked to leave.
    pub async fn pause(&self, seconds: f64) -> Result<()> {
        self.sleep(self.0.timing.scale(seconds)).await
    }

    /// The pause after so many failures in a row: anything up to a bound that doubles with each, and at least `least`, both by
    /// the agent's clock. `stopped` when the agent is asked to leave.
    pub async fn back_off(&self, failed: u32, least: Duration) -> Result<()> {
        let least = self.0.timing.scale(least.as_secs_f64());
        self.sleep(self.0.timing.pause(failed).max(least)).await
    }

    async fn sleep(&self, time: Duration) -> Result<()> {
        if self.is_leaving() {
            return Err(Error::stopped());
        }
        tokio::select! {
            () = sleep(time) => Ok(()),
            () = self.left() => Err(Error::stopped()),
        }
    }

    /// Sends what waits for at most so long (by the agent's clock), and gives how much is left.
    pub async fn flush(&self, budget: Duration) -> Result<usize> {
        self.ready()?;
        self.drain(self.0.timing.scale(budget.as_secs_f64())).await
    }

    /// The same by the real clock.
    pub(super) async fn drain(&self, budget: Duration) -> Result<usize> {
        let store = self.store()?;
        self.drain_until(store, Instant::now() + budget).await?;
        store.journal.depth()
    }

    async fn drain_until(&self, store: &Store, until: Instant) -> Result<()> {
        loop {
            let went = tokio::select! {
                went = store.outbox.send_one() => went?,
                () = sleep_until(until) => return Ok(()),
            };
            self.went(&went);
            if matches!(went, Went::Nothing) {
                return Ok(());
            }
        }
    }

    /// What waits in the outbox, the oldest first.
    pub fn outbox(&self) -> Result<Vec<Waiting>> {
        Ok(self.journal()?.waiting(SHOWN)?.into_iter().map(Waiting::of).collect())
    }

    /// The statuses among it: what the Orchestrator does not know yet of jobs.
    pub fn untold(&self) -> Result<Vec<Waiting>> {
        Ok(self.journal()?.waiting_statuses(SHOWN)?.into_iter().map(Waiting::of).collect())
    }

    /// Sends what can be sent within the time for that, and gives the robot back. How much is left.
    pub async fn leave(&self) -> Result<usize> {
        let left = match self.0.lock.is_held() {
            true => {
                self.store()?.outbox.try_now();
                self.drain(self.0.timing.leave_budget).await?
            }
            false => 0,
        };
        self.release();
        self.turn("EXIT", &format!("{left} things wait in the outbox"));
        Ok(left)
    }

    /// Gives the robot back to whoever wants it.
    pub fn release(&self) {
        self.0.lock.release();
    }
}
