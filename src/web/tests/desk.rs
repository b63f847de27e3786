//! An engine that does nothing but tell so, as slowly as a test likes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::{broadcast, watch};

use crate::error::{Error, Kind, Result};
use crate::services::sp::catalogue::Catalogue;
use crate::services::sp::client::message::Message;
use crate::services::sp::client::run::{Check, Happened, Order, Run, RunState, Step, StepState};
use crate::web::desk::{Desk, Filter, Planned, Unknown, Work};

pub struct Fake {
    catalogue: Arc<Catalogue>,
    pub runs: Mutex<Vec<Run>>,
    events: broadcast::Sender<(u64, Arc<Happened>)>,
    /// Closed, a run waits in its first step.
    pub gate: watch::Sender<bool>,
    cancelled: watch::Sender<Vec<String>>,
    pub is_ready: AtomicBool,
    pub is_reached: AtomicBool,
    /// How often the server was asked whether it is there.
    pub reaches: Mutex<u32>,
}

impl Fake {
    pub fn new() -> Arc<Fake> {
        Arc::new(Fake {
            catalogue: Catalogue::shipped(),
            runs: Mutex::default(),
            events: broadcast::Sender::new(64),
            gate: watch::Sender::new(true),
            cancelled: watch::Sender::default(),
            is_ready: AtomicBool::new(true),
            is_reached: AtomicBool::new(true),
            reaches: Mutex::default(),
        })
    }

    pub fn tell(&self, event: Happened) {
        // Nobody may be listening yet.
        let _ = self.events.send((0, Arc::new(event)));
    }

    pub fn say(&self, run: &str, text: &str) {
        let message = Message { at: "2026-11-22T10:00:00Z".into(), text: text.into() };
        self.tell(Happened::Message { run: run.into(), step: 1, message });
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Run)) -> Run {
        let mut runs = self.runs.lock().unwrap();
        let run = runs.iter_mut().find(|run| run.id == id).unwrap();
        change(run);
        run.clone()
    }

    fn begun(self: &Arc<Fake>, id: String) -> Box<dyn Work> {
        Box::new(Begun { desk: self.clone(), id })
    }
}

/// The engine as the service holds it.
pub struct Shared(pub Arc<Fake>);

struct Begun {
    desk: Arc<Fake>,
    id: String,
}

pub fn step(number: u32, stage: &str) -> Step {
    Step {
        number,
        stage: stage.into(),
        entity: "payment".into(),
        code: None,
        server: "dcdb".into(),
        database: "ab".into(),
        statement: format!("EXECUTE {stage}.p"),
        locks: Vec::new(),
        after: Vec::new(),
        repeatable: true,
        estimate: None,
        state: StepState::Pending,
        attempts: 0,
        started: None,
        ended: None,
        seconds: None,
        rows: None,
        return_code: None,
        messages: Vec::new(),
        error: None,
        note: None,
    }
}

impl Work for Begun {
    fn run(&self) -> Run {
        self.desk.change(&self.id, |_| {})
    }

    fn drive(self: Box<Self>) -> BoxFuture<'static, Run> {
        async move {
            let (desk, id) = (self.desk, self.id);
            if desk.change(&id, |_| {}).by == "panics" {
                desk.change(&id, |run| run.state = RunState::Interrupted);
                panic!("as the test wants it");
            }
            let (mut gate, mut cancelled) = (desk.gate.subscribe(), desk.cancelled.subscribe());
            let mut state = RunState::Ok;
            for number in 1..=3 {
                let told = |run: &Run| {
                    let step = Box::new(run.steps[number - 1].clone());
                    desk.tell(Happened::Step { run: id.clone(), step });
                };
                told(&desk.change(&id, |run| run.steps[number - 1].state = StepState::Running));
                tokio::select! {
                    _ = gate.wait_for(|is_open| *is_open) => {}
                    _ = cancelled.wait_for(|ids| ids.contains(&id)) => state = RunState::Cancelled,
                }
                let ended = if state == RunState::Ok { StepState::Ok } else { StepState::Cancelled };
                told(&desk.change(&id, |run| {
                    run.steps[number - 1].state = ended;
                    run.steps[number - 1].seconds = Some(1.0);
                }));
                if state != RunState::Ok {
                    break;
                }
            }
            let run = desk.change(&id, |run| (run.state, run.seconds) = (state, Some(3.0)));
            desk.tell(Happened::Run { run: id, state, reason: None, seconds: Some(3.0) });
            run
        }
        .boxed()
    }
}

impl Desk for Shared {
    fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    fn plan(&self, _order: Order) -> BoxFuture<'_, Result<Planned>> {
        let steps = ["prep", "crude", "heap"].iter().zip(1..).map(|(stage, number)| step(number, stage));
        ready(Ok(Planned { steps: steps.collect(), estimate: Some(60.0), notes: Vec::new() })).boxed()
    }

    fn run(&self, order: Order, by: String) -> BoxFuture<'_, Result<Box<dyn Work>>> {
        async move {
            // As an engine that looks at its history first.
            tokio::task::yield_now().await;
            let mut runs = self.0.runs.lock().unwrap();
            let is_in_the_way = |run: &&Run| run.state == RunState::Running && run.order.name == order.name;
            if let Some(other) = runs.iter().find(is_in_the_way) {
                let message = format!("run {} is in the way", other.id);
                return Err(Error::new(Kind::Refused, "sp.busy", message).detail("run", other.id.clone()));
            }
            let steps = ["prep", "crude", "heap"].iter().zip(1..).map(|(stage, number)| step(number, stage));
            let run = Run {
                id: format!("run-{}", runs.len() + 1),
                order,
                by,
                state: RunState::Running,
                started: "2026-11-22T10:00:00Z".into(),
                ended: None,
                seconds: None,
                estimate: Some(60.0),
                steps: steps.collect(),
                checks: Vec::new(),
                reason: None,
                resumed: 0,
            };
            runs.push(run.clone());
            Ok(self.0.begun(run.id))
        }
        .boxed()
    }

    fn resume(&self, id: String, _by: String, unknown: Unknown) -> BoxFuture<'_, Result<Box<dyn Work>>> {
        let known = self.0.runs.lock().unwrap().iter().find(|run| run.id == id).map(|run| run.state);
        let outcome = match (known, unknown) {
            (None, _) => Err(Error::new(Kind::NotFound, "sp.no_run", format!("there is no run {id}"))),
            (Some(RunState::Interrupted), Unknown::Refuse) => {
                Err(Error::new(Kind::Refused, "sp.unknown_outcome", "nobody knows").detail("step", 1))
            }
            (Some(RunState::Interrupted | RunState::Failed | RunState::Cancelled), _) => {
                self.0.change(&id, |run| run.state = RunState::Running);
                self.0.cancelled.send_modify(|ids| ids.retain(|known| *known != id));
                Ok(self.0.begun(id))
            }
            (Some(_), _) => Err(Error::new(Kind::Refused, "sp.not_resumable", "it is not to be resumed")),
        };
        ready(outcome).boxed()
    }

    fn cancel(&self, id: String) -> BoxFuture<'_, Result<()>> {
        let state = self.0.runs.lock().unwrap().iter().find(|run| run.id == id).map(|run| run.state);
        let outcome = match state {
            Some(RunState::Running) => {
                self.0.cancelled.send_modify(|ids| ids.push(id));
                Ok(())
            }
            Some(_) => Err(Error::new(Kind::Refused, "sp.not_running", "it has ended")),
            None => Err(Error::new(Kind::NotFound, "sp.no_run", format!("there is no run {id}"))),
        };
        ready(outcome).boxed()
    }

    fn under_way(&self) -> BoxFuture<'_, Result<Vec<Run>>> {
        let runs = self.0.runs.lock().unwrap();
        ready(Ok(runs.iter().filter(|run| run.state == RunState::Running).cloned().collect())).boxed()
    }

    fn find(&self, id: String) -> BoxFuture<'_, Result<Option<Run>>> {
        ready(Ok(self.0.runs.lock().unwrap().iter().find(|run| run.id == id).cloned())).boxed()
    }

    fn history(&self, filter: Filter) -> BoxFuture<'_, Result<Vec<Run>>> {
        let runs = self.0.runs.lock().unwrap();
        let fits = |run: &&Run| {
            filter.state.is_none_or(|state| state == run.state)
                && filter.name.as_ref().is_none_or(|name| run.order.name.as_ref() == Some(name))
                && filter.code.as_ref().is_none_or(|code| run.order.codes.contains(code))
                && filter.before.as_ref().is_none_or(|before| run.id < *before)
        };
        ready(Ok(runs.iter().rev().filter(fits).take(filter.limit).cloned().collect())).boxed()
    }

    fn check(&self, name: String, code: String) -> BoxFuture<'_, Result<Vec<Check>>> {
        if !self.0.is_reached.load(Ordering::Relaxed) {
            return ready(Err(Error::new(Kind::Auth, "sp.18456", "Login failed for user 'sa'."))).boxed();
        }
        let check = Check {
            check: "check_prep".into(),
            entity: name,
            code: Some(code),
            before: None,
            after: None,
            warning: None,
        };
        ready(Ok(vec![check])).boxed()
    }

    fn follow(&self) -> broadcast::Receiver<(u64, Arc<Happened>)> {
        self.0.events.subscribe()
    }

    fn is_ready(&self) -> BoxFuture<'_, Result<()>> {
        let outcome = match self.0.is_ready.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(Error::new(Kind::File, "state.failed", "/secret/place/state.db: disk full")),
        };
        ready(outcome).boxed()
    }

    fn reach(&self) -> BoxFuture<'_, Result<()>> {
        *self.0.reaches.lock().unwrap() += 1;
        let outcome = match self.0.is_reached.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(Error::new(Kind::Unavailable, "sp.unreachable", "nobody there")),
        };
        ready(outcome).boxed()
    }
}
