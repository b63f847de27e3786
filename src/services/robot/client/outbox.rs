//! Sends what waits in the outbox: in order, one thing at a time, as long as it takes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::failpoint::Failpoint;
use super::journal::{Item, Journal, What};
use super::orchestrator::Orchestrator;
use super::pace::no_answer;
use super::shapes::{JobStatus, Level, Line};
use super::timing::Timing;
use super::trouble::{Trouble, code};
use crate::error::{Error, Result};

/// A thing that is refused for its credentials while heartbeats with the same ones are accepted: so often, and it is that
/// thing alone which is not wanted.
const REFUSALS: u32 = 3;

/// What became of one thing.
#[derive(Debug)]
pub enum Went {
    /// There was nothing.
    Nothing,
    Delivered,
    /// It will never be accepted.
    Dead(Item, Error),
    /// It will be tried again.
    Later(Error),
}

pub struct Outbox {
    journal: Journal,
    orchestrator: Arc<dyn Orchestrator>,
    timing: Arc<Timing>,
    failpoint: Failpoint,
    /// At most one is under way. When nobody waits for it any more, the next caller does: a line must not go out twice.
    flight: tokio::sync::Mutex<Option<Flight>>,
    tries: Mutex<Both>,
    /// Rung when something was put in.
    pub bell: Notify,
}

struct Flight {
    item: Item,
    answer: BoxFuture<'static, Result<()>>,
}

/// What it takes to send one thing.
#[derive(Clone)]
struct Sender {
    orchestrator: Arc<dyn Orchestrator>,
    longest: Duration,
}

/// Lines go to another address than statuses: when that does not answer, statuses go on.
#[derive(Default)]
struct Both {
    statuses: Tries,
    lines: Tries,
}

impl Both {
    fn of(&mut self, item: &Item) -> &mut Tries {
        match item.what {
            What::Status(_) => &mut self.statuses,
            What::Line(_) | What::Dropped(_) => &mut self.lines,
        }
    }
}

#[derive(Default)]
struct Tries {
    failed: u32,
    /// When the first of these failed.
    since: Option<Instant>,
    not_before: Option<Instant>,
    /// The thing for which the credentials were refused, and how often with a good heartbeat in between.
    refused: Option<(i64, u32)>,
    /// A heartbeat was accepted since the last refusal.
    is_known: bool,
}

impl Tries {
    /// Something of its kind was taken, or will never be.
    fn begin_anew(&mut self) {
        *self = Tries { is_known: self.is_known, ..Tries::default() };
    }

    /// When the next one may go, if that is not now.
    fn later(&self) -> Option<Instant> {
        self.not_before.filter(|until| *until > Instant::now())
    }

    /// Whether nothing of this kind was taken for so long, up to the next try, that others do not wait for it any more.
    fn is_down(&self, timing: &Timing) -> bool {
        let next = self.later().unwrap_or_else(Instant::now);
        self.since.is_some_and(|since| next.saturating_duration_since(since) >= timing.spacing)
    }
}

impl Sender {
    async fn send(self, item: Item) -> Result<()> {
        match &item.what {
            What::Status(status) => {
                if item.doubtful && self.has_arrived(&item.job, *status).await {
                    return Ok(());
                }
                self.within(self.orchestrator.update(&item.job, *status)).await
            }
            What::Line(line) => self.within(self.orchestrator.log(line)).await,
            What::Dropped(count) => {
                let text = format!("{count} messages were dropped: no room for more than 64 MiB, or older than 7 days");
                let line = Line { job: String::new(), version: String::new(), level: Level::Warning, text };
                self.within(self.orchestrator.log(&line)).await
            }
        }
    }

    /// After a status to which no answer came: whether the Orchestrator has it. Where it must not be asked, or does not
    /// answer, the status is simply sent again, which does no harm.
    async fn has_arrived(&self, job: &str, status: JobStatus) -> bool {
        let found = self.within(self.orchestrator.job_status(job)).await;
        match found {
            // Somebody has asked to stop or to abort it since then.
            Ok(JobStatus::Stopping | JobStatus::Aborting) => status == JobStatus::InProgress,
            Ok(found) => found == status,
            Err(_) => false,
        }
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        timeout(self.longest, call).await.unwrap_or_else(|_| Err(no_answer(self.longest)))
    }
}

impl Outbox {
    pub fn new(
        journal: Journal,
        orchestrator: Arc<dyn Orchestrator>,
        timing: Arc<Timing>,
        failpoint: Failpoint,
    ) -> Outbox {
        Outbox {
            journal,
            orchestrator,
            timing,
            failpoint,
            flight: tokio::sync::Mutex::default(),
            tries: Mutex::default(),
            bell: Notify::new(),
        }
    }

    /// A heartbeat was accepted. `again`: after one that was not, so that what waits is tried at once.
    pub fn heartbeat_was_good(&self, again: bool) {
        self.with(|both| {
            for tries in [&mut both.statuses, &mut both.lines] {
                if again || tries.refused.is_some() {
                    tries.not_before = None;
                    tries.failed = 0;
                }
                tries.is_known = true;
            }
        });
        self.bell.notify_waiters();
    }

    /// Whatever has failed is tried at once: there will be no better time.
    pub fn try_now(&self) {
        self.with(|both| (both.statuses.not_before, both.lines.not_before) = (None, None));
        self.bell.notify_waiters();
    }

    /// Waits until something may be sent, sends the next thing, and tells what became of it. May be dropped.
    pub async fn send_one(&self) -> Result<Went> {
        let mut flight = self.flight.lock().await;
        if flight.is_none() {
            let Some(item) = self.due().await? else { return Ok(Went::Nothing) };
            let sender = Sender { orchestrator: self.orchestrator.clone(), longest: self.timing.answer };
            let answer = Box::pin(sender.send(item.clone()));
            *flight = Some(Flight { item, answer });
        }
        let Some(under_way) = flight.as_mut() else { return Ok(Went::Nothing) };
        let answer = under_way.answer.as_mut().await;
        let item = under_way.item.clone();
        *flight = None;
        match answer {
            Ok(()) => self.arrived(item),
            Err(error) => self.failed(item, error),
        }
    }

    /// The next thing, when its time has come. While statuses have to wait, lines do: a line must not come before the status
    /// that it follows.
    async fn due(&self) -> Result<Option<Item>> {
        loop {
            let rung = self.bell.notified();
            let (statuses, lines, passes) =
                self.with(|both| (both.statuses.later(), both.lines.later(), both.lines.is_down(&self.timing)));
            let until = match (statuses, lines) {
                (Some(until), _) => until,
                (None, None) => return self.journal.next(passes),
                (None, Some(until)) => match self.journal.next_status(passes)? {
                    Some(item) => return Ok(Some(item)),
                    None if self.journal.depth()? == 0 => return Ok(None),
                    None => until,
                },
            };
            tokio::select! {
                () = sleep_until(until) => {}
                () = rung => {}
            }
        }
    }

    fn arrived(&self, item: Item) -> Result<Went> {
        if matches!(item.what, What::Status(status) if status.is_final()) {
            self.failpoint.reached("after_send");
        }
        self.journal.delivered(&item)?;
        self.with(|both| both.of(&item).begin_anew());
        Ok(Went::Delivered)
    }

    fn failed(&self, item: Item, error: Error) -> Result<Went> {
        let is_dead = match Trouble::of(&error) {
            Trouble::Permanent => true,
            Trouble::Auth => self.refused(&item),
            Trouble::Way => self.pause(&item, |timing, failed| timing.pause_for_auth(failed)),
            Trouble::Transient(after) => {
                self.pause(&item, |timing, failed| timing.pause(failed).max(timing.asked(after.unwrap_or_default())))
            }
            Trouble::Unknown | Trouble::Own => self.pause(&item, |timing, failed| timing.pause(failed)),
        };
        if is_dead {
            let code = error.http_status().map(|status| format!("{status}: ")).unwrap_or_default();
            self.journal.dead(&item, &format!("{code}{}", error.message()))?;
            self.with(|both| both.of(&item).begin_anew());
            return Ok(Went::Dead(item, error));
        }
        let is_doubtful = matches!(error.code(), code::TIMEOUT | code::BROKEN_OFF);
        self.journal.postponed(&item, is_doubtful)?;
        Ok(Went::Later(error))
    }

    fn pause(&self, item: &Item, pause: impl FnOnce(&Timing, u32) -> Duration) -> bool {
        self.with(|both| {
            let tries = both.of(item);
            let now = Instant::now();
            tries.failed = tries.failed.saturating_add(1);
            tries.since.get_or_insert(now);
            tries.not_before = Some(now + pause(&self.timing, tries.failed));
        });
        false
    }

    /// Counts a refusal of the credentials; whether it is the thing that is not wanted, and not the robot.
    fn refused(&self, item: &Item) -> bool {
        self.with(|both| {
            let tries = both.of(item);
            let before = tries.refused.filter(|(seq, _)| *seq == item.seq).map_or(0, |(_, times)| times);
            let times = if before == 0 || tries.is_known { before + 1 } else { before };
            tries.refused = Some((item.seq, times));
            tries.is_known = false;
        });
        self.pause(item, |timing, failed| timing.pause_for_auth(failed));
        self.with(|both| both.of(item).refused.is_some_and(|(_, times)| times >= REFUSALS))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Both) -> T) -> T {
        work(&mut self.tries.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}
