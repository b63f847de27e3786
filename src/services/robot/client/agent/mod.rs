//! The robot's part of the algorithm that no script can switch off.
//!
//! Heartbeats keep their distance, jobs are in the journal before anything is done about them, results are in the outbox
//! before anybody is told, and what a dead agent has left is put right by the next one. Every call may be dropped at any
//! moment; the next one goes on from what the journal says.

mod beat;
mod idle;
mod open;
mod recover;
mod report;
mod run;
mod snapshot;
mod take;
mod watch;

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

pub use self::idle::Waiting;
pub use self::recover::Recovered;
pub use self::report::Sent;
pub use self::run::Outcome;
pub use self::snapshot::{BUCKETS, Counts, Snapshot};
pub use self::take::Job;
pub use self::watch::{Listener, Turn, Watcher};
use super::failpoint::Failpoint;
use super::http::Client;
use super::journal::{Journal, Wall};
use super::lock::Lock;
use super::orchestrator::Orchestrator;
use super::outbox::{Outbox, Went};
use super::pace::Pace;
use super::place::Place;
use super::shapes::{Asked, Level};
use super::survivors::Survivors;
use super::timing::Timing;
use super::work::{Limits, Workshop};
use crate::core::state::State;
use crate::error::{Error, Result};

/// One robot. Cheap to clone.
#[derive(Clone)]
pub struct Agent(Arc<Inner>);

/// What an agent is made of.
pub struct Parts {
    /// The connection's name.
    pub name: String,
    pub place: Place,
    /// The journal's file, shared by all robots that have it in common.
    pub state: Arc<State>,
    pub timing: Timing,
    pub habits: Habits,
    pub limits: Limits,
    pub orchestrator: Arc<dyn Orchestrator>,
    pub workshop: Arc<dyn Workshop>,
    pub survivors: Arc<dyn Survivors>,
    pub wall: Wall,
    pub failpoint: Failpoint,
    /// Tells the person who runs the program.
    pub warn: Arc<dyn Fn(&str) + Send + Sync>,
    /// For everything that is no robot's own call.
    pub api: Option<Client>,
    /// A folder that goes with the agent.
    pub scratch: Option<PathBuf>,
}

/// What a robot does where there is a choice.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Ready heartbeats after a job keep their distance as well.
    pub strict_spacing: bool,
    /// A job that ends well after a request to stop counts as stopped, noticed or not.
    pub always_stopped: bool,
    /// A job that does not stop in time is killed.
    pub escalate: bool,
    /// How often a job is begun once more after an interruption.
    pub reruns: u32,
    /// A job that is handed out after its end is run again.
    pub run_repeats: bool,
    /// A task that is no JSON is given to the job as it is.
    pub take_texts: bool,
}

struct Inner {
    name: String,
    place: Place,
    state: Arc<State>,
    timing: Arc<Timing>,
    habits: Habits,
    limits: Limits,
    orchestrator: Arc<dyn Orchestrator>,
    workshop: Arc<dyn Workshop>,
    survivors: Arc<dyn Survivors>,
    wall: Wall,
    failpoint: Failpoint,
    warn: Arc<dyn Fn(&str) + Send + Sync>,
    api: Option<Client>,
    scratch: Option<PathBuf>,
    lock: Arc<Lock>,
    pace: Pace,
    /// Opened when first needed.
    store: OnceLock<Store>,
    /// How often somebody has asked the agent to leave.
    leaving: tokio::sync::watch::Sender<u32>,
    now: Mutex<Now>,
    counts: Mutex<Counts>,
    ears: Mutex<(Option<Watcher>, Option<Listener>)>,
    born: Instant,
}

/// What outlives the agent.
struct Store {
    journal: Journal,
    outbox: Outbox,
}

/// Where the agent is.
struct Now {
    state: &'static str,
    /// The job that was handed out and is not finished.
    job: Option<Current>,
    /// The last Ready heartbeat said that a job waits, and none was asked for since.
    is_offered: bool,
    /// Goes up with each question for a job, so that an older answer is known for what it is.
    era: u64,
    /// A job may have been handed out that never arrived.
    is_doubtful: bool,
    /// How often in a row a job was offered and not there, and when.
    missed: u32,
    misses: VecDeque<Instant>,
    /// What was said once is not said again.
    said: HashSet<String>,
    /// What the last heartbeat's answer had to say.
    text: String,
    /// When lines that have waited too long were last looked for.
    tidied: Option<Instant>,
}

/// The job under way.
#[derive(Clone, Debug)]
struct Current {
    guid: String,
    name: String,
    version: String,
    since: Instant,
    stage: Stage,
    /// What the operator wants of it.
    asked: Option<Asked>,
    progress: Option<(f64, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not begun.
    Taken,
    Running,
    /// Whatever is asked for comes too late.
    Over,
    /// The last status is in the outbox.
    Closed,
}

impl Agent {
    /// Connects to nothing and locks nothing.
    pub fn with(parts: Parts) -> Agent {
        let lock = Arc::new(Lock::new(&parts.place));
        let timing = Arc::new(parts.timing);
        let strict = parts.habits.strict_spacing;
        let pace = Pace::new(parts.orchestrator.clone(), timing.clone(), lock.clone(), parts.wall.clone(), strict);
        Agent(Arc::new(Inner {
            name: parts.name,
            place: parts.place,
            state: parts.state,
            timing,
            habits: parts.habits,
            limits: parts.limits,
            orchestrator: parts.orchestrator,
            workshop: parts.workshop,
            survivors: parts.survivors,
            wall: parts.wall,
            failpoint: parts.failpoint,
            warn: parts.warn,
            api: parts.api,
            scratch: parts.scratch,
            lock,
            pace,
            store: OnceLock::new(),
            leaving: tokio::sync::watch::Sender::new(0),
            now: Mutex::new(Now::default()),
            counts: Mutex::default(),
            ears: Mutex::default(),
            born: Instant::now(),
        }))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn timing(&self) -> &Timing {
        &self.0.timing
    }

    /// Where the robot's files are.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// The rest of the Orchestrator.
    pub fn api(&self) -> Option<&Client> {
        self.0.api.as_ref()
    }

    /// How long this agent has been there, by its own clock.
    pub fn clock(&self) -> Duration {
        self.0.born.elapsed().mul_f64(self.0.timing.speed)
    }

    /// The journal, without the lock: to look at it, and to say something.
    fn journal(&self) -> Result<&Journal> {
        Ok(&self.store()?.journal)
    }

    fn store(&self) -> Result<&Store> {
        if let Some(store) = self.0.store.get() {
            return Ok(store);
        }
        let inner = &self.0;
        let journal = Journal::with(inner.state.clone(), &inner.place.robot, inner.wall.clone())?;
        let orchestrator = inner.orchestrator.clone();
        let outbox = Outbox::new(journal.clone(), orchestrator, inner.timing.clone(), inner.failpoint.clone());
        Ok(inner.store.get_or_init(|| Store { journal, outbox }))
    }

    /// The robot is this agent's from here on.
    fn ready(&self) -> Result<&Store> {
        let inner = &self.0;
        if !inner.lock.is_held() {
            if let Some(last) = inner.lock.take()? {
                inner.pace.remember(last);
            }
            let is_doubtful = self.journal()?.was_consuming()?;
            self.now(|now| now.is_doubtful |= is_doubtful);
        }
        self.store()
    }

    /// Asks the agent to leave: what waits without a job ends with [`Kind::Stopped`](crate::error::Kind::Stopped), a job is
    /// asked to stop and given its time. The second time the job is killed.
    pub fn ask_to_leave(&self) {
        self.0.leaving.send_modify(|times| *times = times.saturating_add(1));
    }

    pub fn is_leaving(&self) -> bool {
        *self.0.leaving.borrow() > 0
    }

    /// Until somebody asks the agent to leave.
    async fn left(&self) {
        let mut leaving = self.0.leaving.subscribe();
        // The sender lives as long as `self`.
        let _ = leaving.wait_for(|times| *times > 0).await;
    }

    fn now<T>(&self, work: impl FnOnce(&mut Now) -> T) -> T {
        work(&mut self.0.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn count<T>(&self, work: impl FnOnce(&mut Counts) -> T) -> T {
        work(&mut self.0.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// The first time that this is to be said.
    fn is_new(&self, what: &str) -> bool {
        self.now(|now| now.said.insert(what.to_owned()))
    }

    /// Lets people know what became of a thing in the outbox.
    fn went(&self, went: &Went) {
        use super::journal::What;
        match went {
            Went::Nothing => {}
            Went::Delivered => self.count(|counts| counts.delivered += 1),
            Went::Later(error) => {
                self.count(|counts| counts.postponed += 1);
                if self.is_new(&format!("later {}", error.code())) {
                    self.note(Level::Warning, &format!("what waits in the outbox will be sent later: {error}"));
                }
            }
            Went::Dead(item, error) => {
                self.count(|counts| counts.dead += 1);
                match &item.what {
                    What::Status(status) => {
                        let (job, status) = (&item.job, status.word());
                        let text = format!("the Orchestrator does not accept `{status}` for job {job}: {error}");
                        self.note(Level::Error, &text);
                    }
                    // One Orchestrator without a log refuses them all.
                    _ if !self.is_new(&format!("dead {}", error.code())) => {}
                    _ => {
                        self.note(Level::Error, &format!("the Orchestrator does not accept lines for its log: {error}"))
                    }
                }
            }
        }
    }
}

impl Default for Now {
    fn default() -> Now {
        Now {
            state: "BOOT",
            job: None,
            is_offered: false,
            era: 0,
            is_doubtful: false,
            missed: 0,
            misses: VecDeque::new(),
            said: HashSet::new(),
            text: String::new(),
            tidied: None,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.lock.release();
        if let Some(folder) = &self.scratch {
            // It is in the system's folder for what nobody needs any more.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A call that the algorithm does not allow at this moment.
fn order(message: impl Into<String>, hint: &str) -> Error {
    Error::input("robot.order", message).hint(hint)
}

#[cfg(test)]
mod tests;
