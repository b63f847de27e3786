//! What goes on, in memory: runs under way as they stand, and the last events of all of them.
//!
//! Both are changed under one lock, so that a snapshot belongs to exactly one place in the sequence of events. There is
//! one bounded ring of events for all who follow, and no queue for any of them: whoever reads too slowly finds that his
//! place has left the ring, and is given the run as it stands.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::secret;
use crate::services::sp::client::run::{Check, Happened, Run, RunState, Step, StepState};

/// Events that are kept at most, and their bytes. The last one is kept whatever its size.
const MOST_EVENTS: usize = 4096;
const MOST_BYTES: usize = 4 << 20;

/// How long what is read of the history may be older than what was told: a run of ours that has ended is no foreign one.
const STALE: Duration = Duration::from_secs(5);

/// Bytes handed to a follower at once.
const PIECE: usize = 64 << 10;

/// One event, in the form in which it is sent.
struct Sent {
    run: String,
    frame: Bytes,
}

/// What a follower finds behind his place.
#[derive(Debug, PartialEq)]
pub enum Found {
    /// Frames, and the place behind them; none when nothing has happened since.
    Events(Vec<u8>, u64),
    /// What happened meanwhile is not kept any more.
    Lost,
}

/// What has come to its end, for those who count.
#[derive(Debug, PartialEq)]
pub enum Ended {
    Step { stage: String, state: StepState, seconds: Option<f64> },
    Run(RunState),
}

pub struct Board {
    /// Tells the sequence of this process from that of an earlier one.
    boot: String,
    inner: Mutex<Inner>,
    last: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    /// Number of the last event.
    last: u64,
    ring: VecDeque<Sent>,
    bytes: usize,
    live: BTreeMap<String, Live>,
    /// Runs of ours that ended lately.
    ended: VecDeque<(Instant, String)>,
    status: Option<Bytes>,
}

impl Inner {
    fn leave(&mut self, id: &str) {
        if self.live.remove(id).is_some_and(|live| !live.foreign) {
            self.ended.push_back((Instant::now(), id.to_owned()));
        }
    }

    fn has_just_ended(&mut self, id: &str) -> bool {
        while self.ended.front().is_some_and(|(at, _)| at.elapsed() > STALE) {
            self.ended.pop_front();
        }
        self.ended.iter().any(|(_, known)| known == id)
    }
}

struct Live {
    run: Run,
    /// Of another process: it tells no events, and is looked at now and then.
    foreign: bool,
}

impl Default for Board {
    fn default() -> Board {
        Board::new()
    }
}

impl Board {
    pub fn new() -> Board {
        let boot = uuid::Uuid::new_v4().simple().to_string();
        Board { boot: boot[..8].to_owned(), inner: Mutex::default(), last: watch::Sender::new(0) }
    }

    /// Puts a run in as it stands before its first event.
    pub fn begin(&self, run: Run) {
        self.put(run, false);
    }

    /// A run of another process as it stands; told to followers where it has changed.
    pub fn foreign(&self, run: Run) {
        let known = {
            let mut inner = self.lock();
            if inner.has_just_ended(&run.id) {
                return;
            }
            inner.live.get(&run.id).map(|live| (live.foreign, json!(live.run)))
        };
        match known {
            Some((true, before)) if before == json!(run) => {}
            // Ours, which tells of itself.
            Some((false, _)) => {}
            _ => self.put(run, true),
        }
    }

    /// Those of other processes that are shown as under way.
    pub fn foreigners(&self) -> Vec<String> {
        let inner = self.lock();
        inner.live.iter().filter(|(_, live)| live.foreign).map(|(id, _)| id.clone()).collect()
    }

    fn put(&self, run: Run, foreign: bool) {
        let mut inner = self.lock();
        let (id, data) = (run.id.clone(), text(&run));
        match is_over(run.state) {
            true => inner.leave(&id),
            false => drop(inner.live.insert(id.clone(), Live { run, foreign })),
        }
        inner.status = None;
        self.send(&mut inner, &id, "run", &data);
    }

    /// Takes what an engine tells: into the run that it belongs to, and to all who follow. Events of a run that was not
    /// put in yet are in it when it is.
    pub fn happened(&self, event: &Happened) -> Option<Ended> {
        let mut inner = self.lock();
        let (id, name) = place(event);
        let run = &mut inner.live.get_mut(id)?.run;
        let ended = apply(run, event);
        if is_over(run.state) {
            inner.leave(id);
        }
        if matches!(event, Happened::Run { .. } | Happened::Step { .. }) {
            inner.status = None;
        }
        self.send(&mut inner, id, name, &text(event));
        ended
    }

    /// After events were missed: a run of ours as it really stands now.
    pub fn renew(&self, run: Run) {
        self.put(run, false);
    }

    /// The run has been driven to its end: tells what was not told yet. Events of it that are still on their way find
    /// it gone. Of a run that broke off nothing is known but that.
    pub fn end(&self, id: &str, run: Option<Run>) -> Vec<Ended> {
        let before = self.lock().live.get(id).map(|live| live.run.clone());
        let (Some(before), Some(run)) = (before, run) else {
            let mut inner = self.lock();
            inner.status = None;
            inner.leave(id);
            // Wakes those who follow it.
            self.last.send_replace(inner.last);
            return Vec::new();
        };
        let was_over = |number| before.steps.iter().any(|step| step.number == number && is_step_over(step.state));
        let steps = run.steps.iter().filter(|step| is_step_over(step.state) && !was_over(step.number));
        let mut ended: Vec<Ended> = steps.map(step_ended).collect();
        ended.push(Ended::Run(run.state));
        self.put(run, false);
        ended
    }

    fn send(&self, inner: &mut Inner, run: &str, event: &str, data: &str) {
        inner.last += 1;
        let frame = Bytes::from(frame(Some(&self.id(inner.last)), event, data));
        inner.bytes += frame.len();
        inner.ring.push_back(Sent { run: run.to_owned(), frame });
        while inner.ring.len() > MOST_EVENTS || (inner.bytes > MOST_BYTES && inner.ring.len() > 1) {
            let Some(oldest) = inner.ring.pop_front() else { break };
            inner.bytes -= oldest.frame.len();
        }
        self.last.send_replace(inner.last);
    }

    /// The events behind a place, of one run or of all: a piece of them, if there are many.
    pub fn after(&self, place: u64, run: Option<&str>) -> Found {
        let inner = self.lock();
        let first = inner.last - inner.ring.len() as u64;
        if place < first {
            return Found::Lost;
        }
        let (mut frames, mut place) = (Vec::new(), place);
        for sent in inner.ring.iter().skip((place - first) as usize) {
            if frames.len() > PIECE {
                break;
            }
            place += 1;
            if run.is_none_or(|run| run == sent.run) {
                frames.extend_from_slice(&sent.frame);
            }
        }
        Found::Events(frames, place)
    }

    /// Wakes whenever something has happened.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// A run under way, and the place in the sequence to which it belongs.
    pub fn snapshot(&self, id: &str) -> (Option<Run>, u64) {
        let inner = self.lock();
        (inner.live.get(id).map(|live| live.run.clone()), inner.last)
    }

    /// Ids of the runs of this process.
    pub fn own(&self) -> Vec<String> {
        let inner = self.lock();
        inner.live.iter().filter(|(_, live)| !live.foreign).map(|(id, _)| id.clone()).collect()
    }

    /// How many runs are under way, by state.
    pub fn states(&self) -> BTreeMap<String, u64> {
        let inner = self.lock();
        let mut states = BTreeMap::new();
        for live in inner.live.values() {
            *states.entry(word(&live.run.state)).or_default() += 1;
        }
        states
    }

    pub fn is_running(&self) -> bool {
        !self.lock().live.is_empty()
    }

    /// `{"running": …, "runs": [short, …]}`, written once after each change, and the place it belongs to.
    pub fn status(&self) -> (Bytes, u64) {
        let mut inner = self.lock();
        let last = inner.last;
        if let Some(status) = &inner.status {
            return (status.clone(), last);
        }
        let runs: Vec<Value> = inner.live.values().map(|live| short(&live.run)).collect();
        let status = json!({ "running": !runs.is_empty(), "runs": runs }).to_string();
        let status = Bytes::from(secret::mask(&status).into_owned());
        inner.status = Some(status.clone());
        (status, last)
    }

    /// The id of an event, by which a follower says where he was.
    pub fn id(&self, place: u64) -> String {
        format!("{}-{place}", self.boot)
    }

    /// The place behind an id; none of an earlier process, or of what was never told.
    pub fn place(&self, id: &str) -> Option<u64> {
        let (boot, place) = id.split_once('-')?;
        let place = place.parse().ok()?;
        (boot == self.boot && place <= self.lock().last).then_some(place)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event as it goes over the line. The data is one line of JSON.
pub fn frame(id: Option<&str>, event: &str, data: &str) -> String {
    match id {
        Some(id) => format!("id: {id}\nevent: {event}\ndata: {data}\n\n"),
        None => format!("event: {event}\ndata: {data}\n\n"),
    }
}

/// As JSON, fit to be shown.
pub fn text(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    secret::mask(&text).into_owned()
}

/// A run without its steps and checks, and how far it is.
pub fn short(run: &Run) -> Value {
    let mut progress = BTreeMap::from([("total".to_owned(), run.steps.len())]);
    for step in &run.steps {
        *progress.entry(word(&step.state)).or_default() += 1;
    }
    let mut short = json!(head(run));
    if let Some(fields) = short.as_object_mut() {
        fields.shift_remove("steps");
        fields.shift_remove("checks");
        fields.insert("progress".into(), json!(progress));
    }
    short
}

/// Everything but what is long.
fn head(run: &Run) -> Run {
    Run {
        id: run.id.clone(),
        order: run.order.clone(),
        by: run.by.clone(),
        state: run.state,
        started: run.started.clone(),
        ended: run.ended.clone(),
        seconds: run.seconds,
        estimate: run.estimate,
        steps: Vec::new(),
        checks: Vec::new(),
        reason: run.reason.clone(),
        resumed: run.resumed,
    }
}

/// A state as it stands in JSON.
pub fn word(state: &impl Serialize) -> String {
    json!(state).as_str().unwrap_or_default().to_owned()
}

/// Whether a run with this state does nothing any more.
pub fn is_over(state: RunState) -> bool {
    !matches!(state, RunState::Waiting | RunState::Running)
}

fn is_step_over(state: StepState) -> bool {
    !matches!(state, StepState::Pending | StepState::Running | StepState::Committing)
}

/// The run of an event, and the event's name.
fn place(event: &Happened) -> (&str, &'static str) {
    match event {
        Happened::Run { run, .. } => (run, "run"),
        Happened::Step { run, .. } => (run, "step"),
        Happened::Message { run, .. } => (run, "message"),
        Happened::Check { run, .. } => (run, "check"),
    }
}

fn step_ended(step: &Step) -> Ended {
    Ended::Step { stage: step.stage.clone(), state: step.state, seconds: step.seconds }
}

fn apply(run: &mut Run, event: &Happened) -> Option<Ended> {
    match event {
        Happened::Run { state, reason, seconds, .. } => {
            run.state = *state;
            run.reason.clone_from(reason);
            run.seconds = seconds.or(run.seconds);
            is_over(*state).then_some(Ended::Run(*state))
        }
        Happened::Step { step, .. } => {
            let before = run.steps.iter_mut().find(|known| known.number == step.number)?;
            let is_end = is_step_over(step.state) && !is_step_over(before.state);
            *before = (**step).clone();
            is_end.then(|| step_ended(step))
        }
        Happened::Message { step, message, .. } => {
            let step = run.steps.iter_mut().find(|known| known.number == *step)?;
            step.messages.push(message.clone());
            None
        }
        Happened::Check { check, .. } => {
            match run.checks.iter_mut().find(|known| same(known, check)) {
                Some(known) => known.clone_from(check),
                None => run.checks.push(check.clone()),
            }
            None
        }
    }
}

/// Whether two answers are to the same question.
fn same(one: &Check, other: &Check) -> bool {
    (&one.check, &one.entity, &one.code) == (&other.check, &other.entity, &other.code)
}
