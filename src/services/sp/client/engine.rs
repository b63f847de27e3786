//! Carrying out a plan: which step begins when, and how the whole ends.
//!
//! All work is done inside [`Running::drive`]: nothing goes on behind the back of whoever waits for it. A step begins when
//! what it depends on is good, when its server has a place free (the first step of the plan that is ready gets it), and
//! when its lock is granted.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::history::Claimed;
use super::live::Live;
use super::locks::Locks;
use super::looks;
use super::plan::{Call, Plan};
use super::run::{Run, RunState, Step, StepState};
use super::site::Site;
use super::stamp::{now, seconds};
use super::step::{Crew, carry_out};
use crate::core::progress::Bar;
use crate::services::sp::catalogue::OnError;

/// Whether somebody else wants a run to end is looked at so often.
const LOOK: Duration = Duration::from_secs(1);
/// Whether what is in the way has gone, so often.
const TRY: Duration = Duration::from_millis(500);

/// A run that was begun; [`drive`](Running::drive) does its work.
pub struct Running {
    pub(super) site: Site,
    pub(super) live: Arc<Live>,
    plan: Plan,
    resources: Vec<String>,
    driven: AtomicBool,
}

/// What becomes of a step that is not begun yet.
enum Next {
    Begin,
    Wait,
    Skip(String),
}

impl Running {
    pub(super) fn new(site: Site, live: Arc<Live>, plan: Plan, resources: Vec<String>) -> Running {
        Running { site, live, plan, resources, driven: AtomicBool::new(false) }
    }

    pub fn id(&self) -> &str {
        &self.live.id
    }

    pub(super) fn call(&self, at: usize) -> &Call {
        &self.plan.calls[at]
    }

    /// As it stands.
    pub fn run(&self) -> Run {
        self.live.run()
    }

    /// Carries the run out and gives it as it ended; whether that was well, its state tells. What is dropped before its end
    /// is to be followed by [`abandon`](Running::abandon). A second call gives the run as it stands.
    pub async fn drive(&self) -> Run {
        if !self.driven.swap(true, Ordering::AcqRel) {
            tokio::select! {
                () = self.whole() => {}
                // It never ends.
                () = self.look() => {}
            }
            self.site.forget(self.id());
        }
        self.live.run()
    }

    /// The farewell of a run whose [`drive`](Running::drive) was dropped: has the servers leave what they do, rolls it
    /// back, and records the run as cancelled.
    pub async fn abandon(&self) {
        self.live.cancel.cancel();
        self.live.leave().await;
        self.end(RunState::Cancelled, StepState::Cancelled, "it was stopped");
        self.site.forget(self.id());
    }

    /// Records an end that came from outside; one that has come to its own stays as it is.
    fn end(&self, state: RunState, of_steps: StepState, reason: &str) {
        if self.live.is_over() {
            return;
        }
        let running = self.live.look(|run| places(&run.steps, |step| step.state == StepState::Running));
        for at in running {
            self.live.note_step(at, |step| {
                step.state = of_steps;
                step.ended = Some(now());
            });
        }
        self.live.change(|run| {
            run.state = state;
            run.ended = Some(now());
            run.reason = Some(reason.to_owned());
        });
    }

    /// Leaves the run when another process asks for it.
    async fn look(&self) {
        loop {
            sleep(LOOK).await;
            if self.site.0.history.is_to_cancel(self.id()).unwrap_or_default() {
                self.live.cancel.cancel();
            }
        }
    }

    async fn whole(&self) {
        let began = Instant::now();
        if self.live.state() == RunState::Waiting && !self.wait_for_claims().await {
            self.finish(began);
            return;
        }
        let order = self.live.look(|run| run.order.clone());
        let looks = if order.checks { self.plan.looks.as_slice() } else { &[] };
        let cancel = &self.live.cancel;
        if !looks.is_empty() && self.live.look(|run| run.checks.is_empty()) {
            let before = looks::all(self, looks, looks::When::Before);
            cancel.run_until_cancelled(before).await;
            self.live.change(|_| {});
        }
        let program = self.program();
        let crew = Crew::new(self, Locks::new(self.site.clone(), program.clone()), program);
        tokio::select! {
            () = self.steps(&crew) => {}
            () = crew.locks.keep() => {}
        }
        drop(crew);
        // What a cancelled step has left where it stood.
        self.live.leave().await;
        if !looks.is_empty() {
            cancel.run_until_cancelled(looks::all(self, looks, looks::When::After)).await;
        }
        self.finish(began);
    }

    /// What administrators see: which run, and whose.
    fn program(&self) -> String {
        let by = self.live.look(|run| run.by.clone());
        let name: String = format!("pult {} {by}", self.id()).chars().take(PROGRAM).collect();
        name.trim_end().to_owned()
    }

    /// True when the claims are ours; false when nobody wants the run any more.
    async fn wait_for_claims(&self) -> bool {
        loop {
            let run = Run { state: RunState::Running, ..self.live.run() };
            match self.site.0.history.go_on(&run, &self.resources) {
                Ok(Claimed::Yes) => {
                    self.live.change(|run| {
                        run.state = RunState::Running;
                        run.reason = None;
                    });
                    return true;
                }
                Ok(Claimed::No(other)) => {
                    let reason = format!("waits for run {other}");
                    if self.live.look(|run| run.reason.as_ref() != Some(&reason)) {
                        self.live.change(|run| run.reason = Some(reason));
                    }
                }
                Err(error) => self.site.0.context.warn(&format!("run {}: {}", self.id(), error.message())),
            }
            if self.live.cancel.run_until_cancelled(sleep(TRY)).await.is_none() {
                return false;
            }
        }
    }

    /// Carries out the steps.
    async fn steps(&self, crew: &Crew<'_>) {
        let bar = self.bar();
        let mut work: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut places = Places::default();
        let mut begun = vec![false; self.plan.steps.len()];
        loop {
            let ready = self.settle(&begun);
            // A place is asked for at every server that a step is ready for.
            for at in &ready {
                places.ask(&self.plan.steps[*at].server, &self.site.0.bounds);
            }
            if work.is_empty() && ready.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                Some(()) = work.next(), if !work.is_empty() => bar.add(1),
                Some((server, seat)) = places.free.next(), if !places.free.is_empty() => {
                    places.asked.remove(&server);
                    if let Some(at) = ready.iter().copied().find(|at| self.plan.steps[*at].server == server) {
                        begun[at] = true;
                        bar.note(self.named(at));
                        work.push(Box::pin(async move { carry_out(crew, at, &seat).await }));
                    }
                }
                () = self.live.cancel.cancelled(), if !ready.is_empty() => {}
            }
        }
    }

    /// The steps that may begin, in the plan's order, after those that never will have been set aside.
    fn settle(&self, begun: &[bool]) -> Vec<usize> {
        loop {
            let nexts = self.live.look(|run| {
                let waiting = places(&run.steps, |step| step.state == StepState::Pending);
                let waiting = waiting.into_iter().filter(|at| !begun[*at]);
                waiting.map(|at| (at, self.next(&run.steps, at))).collect::<Vec<_>>()
            });
            let mut ready = Vec::new();
            let mut skipped = false;
            for (at, next) in nexts {
                match next {
                    Next::Begin => ready.push(at),
                    Next::Wait => {}
                    Next::Skip(why) => {
                        skipped = true;
                        self.live.note_step(at, |step| {
                            step.state = StepState::Skipped;
                            step.note = Some(why);
                        });
                    }
                }
            }
            // What was skipped may have others skipped.
            if !skipped {
                return ready;
            }
        }
    }

    fn next(&self, steps: &[Step], at: usize) -> Next {
        let call = &self.plan.calls[at];
        if self.live.cancel.is_cancelled() {
            return Next::Skip("not begun: the run was cancelled".to_owned());
        }
        let bad = |step: &&Step| is_over(step.state) && step.state != StepState::Ok;
        if self.plan.on_error == OnError::Stop {
            let failed = steps.iter().find(|step| step.state != StepState::Skipped && bad(step));
            if let Some(failed) = failed {
                return Next::Skip(format!("not begun: {} was not good, and the plan stops there", told(failed)));
            }
        }
        let good = || call.good.iter().filter_map(|at| steps.get(*at));
        if let Some(first) = good().find(bad)
            && (!call.any || good().all(|step| bad(&step)))
        {
            return Next::Skip(format!("not begun: {} was not good", told(first)));
        }
        let mut before = good().chain(call.over.iter().filter_map(|at| steps.get(*at)));
        match before.all(|step| is_over(step.state)) {
            true => Next::Begin,
            false => Next::Wait,
        }
    }

    fn bar(&self) -> Bar {
        let (what, total) = self.live.look(|run| {
            let name = run.order.name.clone().unwrap_or_else(|| run.order.codes.join(", "));
            (name, places(&run.steps, |step| step.state == StepState::Pending).len())
        });
        self.site.0.context.progress().start(what, Some(total as u64))
    }

    /// What a bar says of a step under way.
    fn named(&self, at: usize) -> String {
        let step = &self.plan.steps[at];
        let code = step.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        let about = step.estimate.map(|seconds| format!(", about {seconds:.0} s")).unwrap_or_default();
        format!("{} {}{code}{about}", step.stage, step.entity)
    }

    /// The end of the run, from how its steps ended.
    fn finish(&self, began: Instant) {
        let cancelled = self.live.cancel.is_cancelled();
        self.live.change(|run| {
            let bad = run.steps.iter().find(|step| step.state != StepState::Ok && step.state != StepState::Skipped);
            let bad = bad.or_else(|| run.steps.iter().find(|step| step.state != StepState::Ok));
            (run.state, run.reason) = match bad {
                None => (RunState::Ok, None),
                Some(_) if cancelled => (RunState::Cancelled, Some("it was cancelled".to_owned())),
                Some(step) => (RunState::Failed, Some(reason(step))),
            };
            run.ended = Some(now());
            run.seconds = Some(seconds(began.elapsed()));
        });
    }
}

/// A server keeps so many characters of a program's name.
const PROGRAM: usize = 128;

impl Drop for Running {
    fn drop(&mut self) {
        // Its servers undo by themselves what their lost connections left open.
        self.end(RunState::Interrupted, StepState::Interrupted, "nobody carried it to its end");
        self.site.forget(self.id());
    }
}

fn places(steps: &[Step], is_it: impl Fn(&Step) -> bool) -> Vec<usize> {
    steps.iter().enumerate().filter(|(_, step)| is_it(step)).map(|(at, _)| at).collect()
}

fn is_over(state: StepState) -> bool {
    !matches!(state, StepState::Pending | StepState::Running | StepState::Committing)
}

/// `step 2 (crude payment)`.
fn told(step: &Step) -> String {
    let of = step.code.as_ref().map(|code| format!(" of {code}")).unwrap_or_default();
    format!("step {} ({} {}{of})", step.number, step.stage, step.entity)
}

fn reason(step: &Step) -> String {
    let why = match (&step.error, &step.note) {
        (Some(error), _) => error.message.clone(),
        (None, Some(note)) => note.clone(),
        (None, None) => "it was not good".to_owned(),
    };
    format!("{}: {why}", told(step))
}

/// Places at servers that were asked for.
#[derive(Default)]
struct Places {
    asked: BTreeSet<String>,
    free: FuturesUnordered<BoxFuture<'static, (String, Seat)>>,
}

/// The place of one step at its server: left while the step waits for something else, so that others can go on.
pub(super) struct Seat {
    bound: Option<Arc<Semaphore>>,
    taken: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Seat {
    async fn at(bound: Option<Arc<Semaphore>>) -> Seat {
        let seat = Seat { bound, taken: Mutex::default() };
        seat.take().await;
        seat
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits for a place, unless there is one already.
    pub async fn take(&self) {
        let is_taken = self.slot().is_some();
        if let Some(bound) = self.bound.clone().filter(|_| !is_taken) {
            // It is never closed.
            let permit = bound.acquire_owned().await.ok();
            *self.slot() = permit;
        }
    }

    pub fn leave(&self) {
        self.slot().take();
    }
}

impl Places {
    fn ask(&mut self, server: &str, bounds: &HashMap<String, Arc<Semaphore>>) {
        if self.asked.contains(server) {
            return;
        }
        self.asked.insert(server.to_owned());
        let (server, bound) = (server.to_owned(), bounds.get(server).cloned());
        self.free.push(Box::pin(async move { (server, Seat::at(bound).await) }));
    }
}

/// The web service carries runs out in tasks of its own.
const _: fn(&Running) = |running| {
    fn is_send<T: Send>(_: T) {}
    is_send(running.drive());
    is_send(running.abandon());
};
