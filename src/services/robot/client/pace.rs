//! Heartbeats: when one may go out, one at a time, and what an answer was an answer to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::gone::Gone;
use super::journal::Wall;
use super::lock::Lock;
use super::orchestrator::Orchestrator;
use super::shapes::{Beat, Pulse, RobotStatus};
use super::timing::Timing;
use super::trouble::{Trouble, code};
use crate::error::{Error, Kind, Result, Retry};

/// Keeps heartbeats apart. What a caller waits for may be dropped at any moment: a heartbeat that is under way then is
/// finished by the next caller.
pub struct Pace {
    orchestrator: Arc<dyn Orchestrator>,
    timing: Arc<Timing>,
    lock: Arc<Lock>,
    wall: Wall,
    /// Ready heartbeats after a job wait as well.
    strict: bool,
    /// At most one is under way.
    flight: tokio::sync::Mutex<Option<Flight>>,
    last: Mutex<Last>,
}

struct Flight {
    beat: Beat,
    era: u64,
    gone: Gone,
    /// In a task of its own: what was noted as sent goes out even when nobody waits for it.
    answer: JoinSet<Result<Pulse>>,
}

/// The last one that was sent.
#[derive(Clone, Copy, Default)]
struct Last {
    sent: Option<(Instant, i64)>,
    /// When the next may go.
    due: Option<Instant>,
    /// The Orchestrator asked to be left in peace until then.
    not_before: Option<Instant>,
    /// A job came to its end since: this changes the robot's state, and it may say so at once.
    free: bool,
}

/// An answer, and to what.
#[derive(Debug)]
pub struct Heard {
    pub beat: Beat,
    /// The era in which the heartbeat went out.
    pub era: u64,
    pub result: Result<Pulse>,
}

impl Pace {
    pub fn new(
        orchestrator: Arc<dyn Orchestrator>,
        timing: Arc<Timing>,
        lock: Arc<Lock>,
        wall: Wall,
        strict: bool,
    ) -> Pace {
        Pace { orchestrator, timing, lock, wall, strict, flight: tokio::sync::Mutex::default(), last: Mutex::default() }
    }

    /// A heartbeat was sent at this moment by the process before this one.
    pub fn remember(&self, wall: i64) {
        let since = (self.wall)().saturating_sub(wall);
        // A clock that was set back says nothing: the whole spacing is kept then. What it shows is cut to milliseconds.
        let since = Duration::from_millis(u64::try_from(since - 1).unwrap_or_default());
        let due = Instant::now() + (self.timing.spacing + self.timing.some_jitter()).saturating_sub(since);
        self.with(|last| last.due = Some(due));
    }

    /// The robot's state has changed by the end of a job.
    pub fn set_free(&self) {
        self.with(|last| last.free = true);
    }

    /// Waits until a heartbeat may go out, sends it and gives the answer. `era` comes back with the answer. What comes back
    /// may be the answer to an earlier heartbeat for which nobody waited any more: then this one was not sent.
    pub async fn beat(&self, beat: &Beat, era: u64) -> Heard {
        let mut flight = self.flight.lock().await;
        if flight.is_none() {
            tokio::join!(self.orchestrator.prepare(), self.wait(beat.status));
            *flight = Some(self.send(beat, era));
        }
        let Some(under_way) = flight.as_mut() else { unreachable!("it was sent a moment ago") };
        // Only the end of the whole program ends the task without an answer.
        let answer = under_way.answer.join_next().await.and_then(|joined| joined.ok());
        let result = answer.unwrap_or_else(|| Err(no_answer(self.timing.answer)));
        let (beat, era) = (under_way.beat.clone(), under_way.era);
        self.went(&under_way.gone);
        *flight = None;
        if let Err(error) = &result {
            self.heed(error);
        }
        Heard { beat, era, result }
    }

    fn send(&self, beat: &Beat, era: u64) -> Flight {
        let (now, wall) = (Instant::now(), (self.wall)());
        self.lock.note(wall);
        let due = now + self.timing.spacing + self.timing.some_jitter();
        self.with(|last| *last = Last { sent: Some((now, wall)), due: Some(due), not_before: None, free: false });
        let (orchestrator, longest, sent) = (self.orchestrator.clone(), self.timing.answer, beat.clone());
        let gone = Gone::default();
        let goes = gone.clone();
        let mut answer = JoinSet::new();
        answer.spawn(async move {
            let answer = timeout(longest, orchestrator.heartbeat(&sent, &goes)).await;
            answer.unwrap_or_else(|_| Err(no_answer(longest)))
        });
        Flight { beat: beat.clone(), era, gone, answer }
    }

    /// What a name and a connection took before the heartbeat went out is added: the Orchestrator counts from its coming.
    fn went(&self, gone: &Gone) {
        let moved = self.with(|last| {
            let (sent, wall) = last.sent?;
            let late = gone.at()?.saturating_duration_since(sent);
            let wall = wall.saturating_add(i64::try_from(late.as_millis()).unwrap_or(i64::MAX));
            (last.sent, last.due) = (Some((sent + late, wall)), last.due.map(|due| due + late));
            Some(wall)
        });
        if let Some(wall) = moved {
            self.lock.note(wall);
        }
    }

    /// An Orchestrator that asks to wait is left in peace.
    fn heed(&self, error: &Error) {
        if let Trouble::Transient(Some(after)) = Trouble::of(error) {
            let until = Instant::now() + self.timing.asked(after);
            self.with(|last| last.not_before = Some(until));
        }
    }

    async fn wait(&self, status: RobotStatus) {
        loop {
            let now = Instant::now();
            let Some(due) = self.due(status).filter(|due| *due > now) else { return };
            if self.has_slept() {
                return;
            }
            // Only while a job runs is it worth waking up for: somebody may want it stopped.
            let look = if status == RobotStatus::Working { due.min(now + self.timing.tick) } else { due };
            sleep_until(look).await;
        }
    }

    /// When a heartbeat of this kind may go out; `None` for at once.
    pub fn due(&self, status: RobotStatus) -> Option<Instant> {
        let last = self.with(|last| *last);
        let is_free = last.free && status != RobotStatus::Working && !self.strict;
        last.due.filter(|_| !is_free).max(last.not_before)
    }

    /// Since the last heartbeat more time has gone by for the world than for this process, and enough of it.
    fn has_slept(&self) -> bool {
        let last = self.with(|last| *last);
        let Some((sent, wall)) = last.sent else { return false };
        let outside = Duration::from_millis(u64::try_from((self.wall)().saturating_sub(wall)).unwrap_or_default());
        let inside = sent.elapsed();
        let is_allowed = last.not_before.is_none_or(|until| until <= Instant::now());
        is_allowed && outside >= self.timing.spacing && outside.saturating_sub(inside) >= self.timing.jitter
    }

    fn with<T>(&self, work: impl FnOnce(&mut Last) -> T) -> T {
        work(&mut self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

/// As the client itself says it.
pub fn no_answer(longest: Duration) -> Error {
    let message = format!("the Orchestrator gave no answer within {} s", longest.as_secs_f64());
    Error::new(Kind::Timeout, code::TIMEOUT, message).retry(Retry::Unknown)
}
