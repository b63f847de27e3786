//! Running a job: it is watched, asked to stop, killed, and what came of it is written down before anybody is told.

use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Agent, Job, Stage, Store, order};
use crate::error::Result;
use crate::services::robot::client::journal::{Asks, Phase, Record};
use crate::services::robot::client::judge::{OPERATOR, Verdict, judge};
use crate::services::robot::client::outbox::Went;
use crate::services::robot::client::shapes::{Asked, Beat, JobStatus, Level, Line, Taken};
use crate::services::robot::client::work::{Ending, Event, How, Order, Running};

/// Why a job ends when the agent does.
const SHUT_DOWN: &str = "the agent was shut down";

/// The progress of a job is told at most so often, in seconds of the agent's clock.
const PROGRESS: f64 = 30.0;

/// What came of a job.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub status: JobStatus,
    /// One sentence, or empty.
    pub reason: String,
    pub took: Duration,
    pub ending: Ending,
}

impl Agent {
    /// Runs a job to its end, with heartbeats, and gives what came of it when that is in the journal. A job with a fault, and
    /// one that was asked to end before, is not begun. Fails when the journal cannot be written, and with `robot.order` when
    /// the job is not one that may begin; the job's own failure is an outcome.
    pub async fn run_job(&self, job: &Job) -> Result<Outcome> {
        let store = self.ready()?;
        let guid = job.taken.guid.as_str();
        let record = store.journal.record(guid)?.filter(|record| record.phase == Phase::Taken);
        let Some(record) = record else {
            let hint = "run a job that `consume` gave, once; `robot.recover()` puts right what was left";
            return Err(order(format!("job {guid} does not wait to be run"), hint));
        };
        if self.working().is_none() {
            self.set_job(guid, &record.name, &record.version);
        }
        let (asks, why) = self.stands_against(job);
        if let Some(why) = why {
            return self.not_begun(store, &record, asks, why);
        }
        store.journal.begin(guid)?;
        let taken = job.taken.clone();
        let order = self.order_of(taken, record.begun);
        let running = match self.0.workshop.begin(&order).await {
            Ok(running) => running,
            Err(error) => return self.not_begun(store, &record, Asks::default(), error.to_string()),
        };
        self.set_stage(Stage::Running);
        self.turn("RUN", &format!("{} has begun", record.name));
        let beat = Beat::working(guid, &record.name);
        let mut run = Run::new(self, store, &record, beat, running);
        let ending = run.carry().await;
        let asks = run.asks.clone();
        drop(run);
        self.came_of(store, &record, ending, &asks)
    }

    fn order_of(&self, taken: Taken, before: u32) -> Order {
        let place = &self.0.place;
        Order { taken, before, limits: self.0.limits, state: place.state.clone(), robot: place.robot.clone() }
    }

    /// Why it is not begun at all, and who wants that.
    fn stands_against(&self, job: &Job) -> (Asks, Option<String>) {
        let operator = || Some(OPERATOR.to_owned());
        match self.asked() {
            Some(Asked::Abort) => (Asks { stop: None, kill: operator() }, Some("aborted".into())),
            Some(Asked::Stop) => (Asks { stop: operator(), kill: None }, Some("stopped".into())),
            None if self.is_leaving() => (Asks::default(), Some(SHUT_DOWN.into())),
            None => (Asks::default(), job.fault.clone()),
        }
    }

    fn not_begun(&self, store: &Store, record: &Record, asks: Asks, why: String) -> Result<Outcome> {
        let how = How::NotStarted(why);
        let ending = Ending { how, observed: false, took: Duration::ZERO, tail: Vec::new() };
        self.came_of(store, record, ending, &asks)
    }

    /// Judges an end and writes it down.
    pub(super) fn came_of(&self, store: &Store, record: &Record, ending: Ending, asks: &Asks) -> Result<Outcome> {
        self.set_stage(Stage::Over);
        let verdict = judge(&ending, asks, self.0.habits.always_stopped);
        let lines = lines(record, &verdict, &ending);
        store.journal.over(&record.guid, &ending, verdict.status, &verdict.reason, &lines)?;
        lines.iter().for_each(|line| self.note_line(line));
        self.count(|counts| counts.took(ending.took));
        Ok(Outcome { status: verdict.status, reason: verdict.reason, took: ending.took, ending })
    }

    /// Sends what comes into the outbox, for as long as it is waited for.
    async fn pump(&self, store: &Store) {
        loop {
            let rung = store.outbox.bell.notified();
            match store.outbox.send_one().await {
                Ok(Went::Nothing) => rung.await,
                Ok(went) => self.went(&went),
                Err(error) => {
                    if self.is_new("pump") {
                        self.note(Level::Error, &error.to_string());
                    }
                    sleep(self.0.timing.spacing).await;
                }
            }
        }
    }
}

/// The reason as a line of the log, with the job's last lines when it failed.
fn lines(record: &Record, verdict: &Verdict, ending: &Ending) -> Vec<Line> {
    if verdict.reason.is_empty() {
        return Vec::new();
    }
    let mut text = verdict.reason.clone();
    if verdict.status == JobStatus::Failed && !ending.tail.is_empty() {
        text = format!("{text}\nlast lines:\n{}", ending.tail.join("\n"));
    }
    vec![Line { job: record.guid.clone(), version: record.version.clone(), level: verdict.level(), text }]
}

/// A job that runs.
struct Run<'a> {
    agent: &'a Agent,
    store: &'a Store,
    record: &'a Record,
    beat: Beat,
    running: Box<dyn Running>,
    asks: Asks,
    began: Instant,
    /// When it is killed because it did not stop in time.
    stop_until: Option<Instant>,
    /// When it is killed because the agent leaves.
    leave_until: Option<Instant>,
    killed: Option<Instant>,
    told_progress: Option<Instant>,
}

impl<'a> Run<'a> {
    fn new(agent: &'a Agent, store: &'a Store, record: &'a Record, beat: Beat, running: Box<dyn Running>) -> Run<'a> {
        Run {
            agent,
            store,
            record,
            beat,
            running,
            asks: Asks::default(),
            began: Instant::now(),
            stop_until: None,
            leave_until: None,
            killed: None,
            told_progress: None,
        }
    }

    async fn carry(&mut self) -> Ending {
        let (agent, store, beat) = (self.agent, self.store, self.beat.clone());
        agent.0.failpoint.reached("in_run");
        let mut leaving = agent.0.leaving.subscribe();
        leaving.mark_changed();
        let pump = agent.pump(store);
        tokio::pin!(pump);
        loop {
            let deadline = self.deadline();
            tokio::select! {
                event = self.running.next() => {
                    if let Some(ending) = self.happened(event) {
                        return ending;
                    }
                }
                // A failed heartbeat changes nothing: the job goes on, and the next one follows in its time.
                _ = agent.beat_once(&beat) => self.react().await,
                _ = leaving.changed() => self.leave(&mut leaving).await,
                () = until(deadline) => {
                    if let Some(ending) = self.overdue().await {
                        return ending;
                    }
                }
                () = &mut pump => {}
            }
        }
    }

    /// When something has to be done even if nothing happens.
    fn deadline(&self) -> Option<Instant> {
        let timing = &self.agent.0.timing;
        if let Some(killed) = self.killed {
            return Some(killed + timing.killed);
        }
        let limit = timing.job_timeout.map(|longest| self.began + longest);
        [limit, self.stop_until, self.leave_until, self.offline_until()].into_iter().flatten().min()
    }

    /// When the job is asked to stop because nothing was heard for too long.
    fn offline_until(&self) -> Option<Instant> {
        let longest = self.agent.0.timing.max_offline.filter(|_| self.asks.stop.is_none())?;
        let heard = self.agent.count(|counts| counts.last_good);
        Some(heard.map_or(self.began, |heard| heard.max(self.began)) + longest)
    }

    fn happened(&mut self, event: Event) -> Option<Ending> {
        match event {
            Event::Ended(ending) => {
                if let Some(killed) = self.killed {
                    self.agent.count(|counts| counts.killed(killed.elapsed()));
                }
                return Some(ending);
            }
            Event::Logged => self.store.outbox.bell.notify_waiters(),
            Event::Progress(percent, text) => self.progress(percent, text),
        }
        None
    }

    fn progress(&mut self, percent: f64, text: String) {
        let longest = self.agent.0.timing.scale(PROGRESS);
        if self.told_progress.is_none_or(|told| told.elapsed() >= longest) {
            self.told_progress = Some(Instant::now());
            let (job, version) = (self.record.guid.clone(), self.record.version.clone());
            let said = format!("{percent} % {text}");
            self.agent.say(&[Line { job, version, level: Level::Info, text: said.trim_end().to_owned() }]);
            self.store.outbox.bell.notify_waiters();
        }
        self.agent.now(|now| {
            if let Some(job) = now.job.as_mut() {
                job.progress = Some((percent, text));
            }
        });
    }

    /// Does what the operator wants, once.
    async fn react(&mut self) {
        match self.agent.asked() {
            Some(Asked::Abort) => self.kill(OPERATOR).await,
            Some(Asked::Stop) => self.stop(OPERATOR).await,
            None => {}
        }
    }

    async fn stop(&mut self, why: &str) {
        if self.asks.stop.is_some() || self.asks.kill.is_some() {
            return;
        }
        self.asks.stop = Some(why.to_owned());
        let told = self.running.stop().await;
        self.agent.turn("RUN.stopping", why);
        self.note_failure("asked to stop", told);
        let timing = &self.agent.0.timing;
        let grace = timing.stop_grace.filter(|_| self.agent.0.habits.escalate);
        self.stop_until = grace.map(|grace| Instant::now() + grace);
        self.remember();
    }

    /// First the kill, then the words about it and the journal: nothing must hold it up.
    async fn kill(&mut self, why: &str) {
        if self.asks.kill.is_some() {
            return;
        }
        self.asks.kill = Some(why.to_owned());
        self.killed = Some(Instant::now());
        let told = self.running.kill().await;
        self.agent.turn("RUN.aborting", why);
        self.note_failure("killed", told);
        self.remember();
    }

    fn note_failure(&self, what: &str, done: Result<()>) {
        if let Err(error) = done {
            let text = format!("job {} cannot be {what}: {error}", self.record.guid);
            self.agent.note(Level::Error, &text);
        }
    }

    /// A job that is asked to end is to be judged rightly by the next agent too; when this cannot be written, it still has to
    /// end.
    fn remember(&self) {
        if let Err(error) = self.store.journal.asked(&self.record.guid, &self.asks) {
            self.agent.note(Level::Error, &error.to_string());
        }
    }

    async fn leave(&mut self, leaving: &mut Receiver<u32>) {
        match *leaving.borrow_and_update() {
            0 => {}
            1 => {
                let grace = self.agent.0.timing.shutdown_grace;
                self.leave_until.get_or_insert(Instant::now() + grace);
                self.stop(SHUT_DOWN).await;
            }
            _ => self.kill(SHUT_DOWN).await,
        }
    }

    /// What a passed deadline asks for; an end when even a killed job does not come to one.
    async fn overdue(&mut self) -> Option<Ending> {
        let now = Instant::now();
        let is_over = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        let timing = self.agent.0.timing.clone();
        if is_over(self.killed.map(|killed| killed + timing.killed)) {
            self.agent.note(Level::Critical, &format!("job {} was killed, and does not end", self.record.guid));
            let took = self.began.elapsed();
            return Some(Ending { how: How::Killed, observed: false, took, tail: Vec::new() });
        }
        if self.killed.is_some() {
            return None;
        }
        let seconds = |time: Option<Duration>| time.unwrap_or_default().mul_f64(timing.speed).as_secs_f64().round();
        if is_over(self.leave_until) {
            self.kill(SHUT_DOWN).await;
        } else if is_over(timing.job_timeout.map(|longest| self.began + longest)) {
            self.kill(&format!("limit exceeded: time of {} s", seconds(timing.job_timeout))).await;
        } else if is_over(self.stop_until) {
            let why = format!("it did not stop in time, which was {} s", seconds(timing.stop_grace));
            self.kill(&why).await;
        } else if is_over(self.offline_until()) {
            let why = format!("the Orchestrator was not reached for {} s", seconds(timing.max_offline));
            self.stop(&why).await;
        }
        None
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
