//! A workshop on a paused clock, an agent in it, and the algorithm as the library has it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::world::World;
use crate::core::state::State;
use crate::error::{Error, Result};
use crate::services::robot::SETTINGS;
use crate::services::robot::client::agent::{Agent, Habits, Job, Parts, Recovered, Sent};
use crate::services::robot::client::failpoint::Failpoint;
use crate::services::robot::client::journal::{Journal, Process, Wall};
use crate::services::robot::client::place::Place;
use crate::services::robot::client::shapes::{JobStatus, Level, Line, RobotStatus, Taken};
use crate::services::robot::client::survivors::Survivors;
use crate::services::robot::client::timing::Timing;
use crate::services::robot::client::work::{Ending, Event, How, Limits, Order, Running, Workshop};
use crate::settings::{Given, Settings};

pub const ROBOT: &str = "0123456789abcdef";

/// What a script does.
#[derive(Clone, Debug)]
pub struct Script {
    /// Ends by itself after so long.
    pub works: Duration,
    pub how: How,
    /// When asked to stop, notices it and ends after so long.
    pub obeys: Option<Duration>,
    /// It ends by itself in the moment in which it is killed.
    pub escapes: bool,
    /// Lines that it writes at once.
    pub says: Vec<String>,
}

impl Script {
    pub fn works(seconds: f64) -> Script {
        Script {
            works: Duration::from_secs_f64(seconds),
            how: How::Returned,
            obeys: None,
            escapes: false,
            says: Vec::new(),
        }
    }

    pub fn endless() -> Script {
        Script::works(1e6)
    }

    pub fn obeying(seconds: f64) -> Script {
        Script { obeys: Some(Duration::from_secs_f64(seconds)), ..Script::endless() }
    }
}

/// What happened to jobs: `begin a`, `stop a`, `kill a`, with seconds.
#[derive(Default)]
pub struct Yard {
    scripts: Mutex<HashMap<String, Script>>,
    happened: Mutex<Vec<(String, f64)>>,
    alive: Mutex<Vec<Process>>,
    /// The supervisor does not outlive its agent long enough to say what became of the job.
    pub silent: Mutex<bool>,
}

impl Yard {
    pub fn set(&self, name: &str, script: Script) {
        self.scripts.lock().unwrap().insert(name.into(), script);
    }

    fn note(&self, what: String, began: Instant) {
        self.happened.lock().unwrap().push((what, began.elapsed().as_secs_f64()));
    }

    pub fn happened(&self) -> Vec<String> {
        self.happened.lock().unwrap().iter().map(|(what, _)| what.clone()).collect()
    }

    pub fn time_of(&self, what: &str) -> f64 {
        let happened = self.happened.lock().unwrap();
        happened.iter().find(|(found, _)| found == what).unwrap_or_else(|| panic!("no {what}: {happened:?}")).1
    }
}

/// The workshop of one test.
pub struct Shop {
    pub yard: Arc<Yard>,
    began: Instant,
}

impl Workshop for Shop {
    fn fault(&self, taken: &Taken) -> Option<String> {
        let scripts = self.yard.scripts.lock().unwrap();
        (!scripts.contains_key(&taken.name)).then(|| format!("there is no script `{}`", taken.name))
    }

    fn begin<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Box<dyn Running>>> {
        Box::pin(async move {
            let script = self.yard.scripts.lock().unwrap()[&order.taken.name].clone();
            let journal = Journal::open(&order.state, &order.robot)?;
            let job = order.taken.guid.clone();
            let process = Process { pid: 1000 + order.before, since: job.clone() };
            journal.process(&job, process.pid, &process.since)?;
            self.yard.alive.lock().unwrap().push(process.clone());
            self.yard.note(format!("begin {job}"), self.began);
            for text in &script.says {
                let (job, version) = (job.clone(), order.taken.version.clone());
                journal.say(&Line { job, version, level: Level::Info, text: text.clone() })?;
            }
            let running: Box<dyn Running> = Box::new(FakeRunning {
                yard: self.yard.clone(),
                journal,
                job,
                process,
                world_began: self.began,
                began: Instant::now(),
                ends: Instant::now() + script.works,
                how: script.how.clone(),
                observed: false,
                logged: !script.says.is_empty(),
                script,
                over: false,
            });
            Ok(running)
        })
    }
}

struct FakeRunning {
    yard: Arc<Yard>,
    journal: Journal,
    job: String,
    process: Process,
    world_began: Instant,
    began: Instant,
    ends: Instant,
    how: How,
    observed: bool,
    logged: bool,
    script: Script,
    over: bool,
}

impl FakeRunning {
    fn end(&mut self, how: How) -> Ending {
        let took = self.began.elapsed();
        let ending = Ending { how, observed: self.observed, took, tail: vec!["the last line".into()] };
        self.over = true;
        self.yard.alive.lock().unwrap().retain(|process| *process != self.process);
        self.journal.ended(&self.job, &ending).unwrap();
        ending
    }
}

impl Running for FakeRunning {
    fn next(&mut self) -> BoxFuture<'_, Event> {
        Box::pin(async move {
            if std::mem::take(&mut self.logged) {
                return Event::Logged;
            }
            sleep_until(self.ends).await;
            let how = self.how.clone();
            Event::Ended(self.end(how))
        })
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.yard.note(format!("stop {}", self.job), self.world_began);
            if let Some(obeys) = self.script.obeys {
                self.observed = true;
                self.ends = self.ends.min(Instant::now() + obeys);
            }
            Ok(())
        })
    }

    fn kill(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.yard.note(format!("kill {}", self.job), self.world_began);
            self.ends = Instant::now();
            if !self.script.escapes {
                self.how = How::Killed;
            }
            Ok(())
        })
    }
}

impl Drop for FakeRunning {
    fn drop(&mut self) {
        if !self.over && !*self.yard.silent.lock().unwrap() {
            self.end(How::Orphaned);
        }
    }
}

impl Survivors for Yard {
    fn is_there(&self, process: &Process) -> bool {
        self.alive.lock().unwrap().contains(process)
    }

    fn kill(&self, process: &Process) -> Result<()> {
        self.alive.lock().unwrap().retain(|alive| alive != process);
        self.happened.lock().unwrap().push((format!("survivor {} of {}", process.pid, process.since), 0.0));
        Ok(())
    }
}

/// A computer with one robot.
pub struct Site {
    pub world: Arc<World>,
    pub yard: Arc<Yard>,
    pub folder: tempfile::TempDir,
    pub settings: Vec<(&'static str, f64)>,
    pub habits: Habits,
    pub failpoint: Option<&'static str>,
    /// Milliseconds by which the wall clock is ahead.
    pub skew: Arc<AtomicI64>,
    pub notes: Arc<Mutex<Vec<String>>>,
    pub turns: Arc<Mutex<Vec<String>>>,
    began: Instant,
}

impl Site {
    pub fn new() -> Site {
        Site {
            world: World::new(),
            yard: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
            settings: Vec::new(),
            habits: Habits { escalate: true, ..Habits::default() },
            failpoint: None,
            skew: Arc::default(),
            notes: Arc::default(),
            turns: Arc::default(),
            began: Instant::now(),
        }
    }

    /// With one job `a` of a script that does this.
    pub fn with(script: Script) -> Site {
        let site = Site::new();
        site.job("a", script);
        site
    }

    pub fn job(&self, guid: &str, script: Script) {
        let name = format!("script-{guid}");
        self.yard.set(&name, script);
        self.world.add(guid, &name);
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state.sqlite")
    }

    pub fn journal(&self) -> Journal {
        Journal::open(&self.state(), ROBOT).unwrap()
    }

    fn wall(&self) -> Wall {
        let (skew, began) = (self.skew.clone(), self.began);
        Arc::new(move || 1_700_000_000_000 + began.elapsed().as_millis() as i64 + skew.load(Ordering::Relaxed))
    }

    pub fn agent(&self) -> Agent {
        let mut settings = Settings::new("a test");
        for (name, value) in &self.settings {
            settings.set(SETTINGS, name, Given::Number(*value)).unwrap();
        }
        let agent = Agent::with(Parts {
            name: "main".into(),
            place: Place::new(self.state(), ROBOT),
            state: Arc::new(State::at(self.state())),
            timing: Timing::of(&settings, true).unwrap(),
            habits: self.habits.clone(),
            limits: Limits::default(),
            orchestrator: self.world.clone(),
            workshop: Arc::new(Shop { yard: self.yard.clone(), began: self.began }),
            survivors: self.yard.clone(),
            wall: self.wall(),
            failpoint: self.failpoint.map(Failpoint::at).unwrap_or_default(),
            warn: Arc::new(|_| {}),
            api: None,
            scratch: None,
        });
        let (notes, turns) = (self.notes.clone(), self.turns.clone());
        agent.listen(Arc::new(move |line| notes.lock().unwrap().push(format!("{}: {}", line.level.word(), line.text))));
        agent.watch(Arc::new(move |turn| turns.lock().unwrap().push(format!("{} -> {}", turn.old, turn.new))));
        agent
    }

    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap().clone()
    }

    pub fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

/// The way of the library: a heartbeat that is repeated until it is answered.
pub async fn ready(agent: &Agent) -> Result<bool> {
    let mut failed = 0;
    loop {
        match agent.heartbeat(RobotStatus::Ready).await {
            Ok(pulse) => return Ok(pulse.has_job),
            Err(error) if error.code().starts_with("robot.") && error.code() != "robot.unknown" => {
                failed += 1;
                agent.turn("BACKOFF", error.code());
                agent.back_off(failed, Duration::from_secs(10)).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

pub async fn take(agent: &Agent) -> Result<Option<Sent>> {
    let job = match agent.consume().await {
        Ok(Some(job)) => job,
        Ok(None) => return Ok(None),
        Err(error) if error.code() == "robot.order" => return Err(error),
        Err(_) => return Ok(None),
    };
    carry(agent, &job).await.map(Some)
}

pub async fn carry(agent: &Agent, job: &Job) -> Result<Sent> {
    if job.fault.is_none() && agent.update(&job.taken.guid, JobStatus::InProgress).await? == Sent::Refused {
        return Ok(Sent::Refused);
    }
    let ended = agent.run_job(job).await?;
    agent.update(&job.taken.guid, ended.status).await
}

pub async fn once(agent: &Agent) -> Result<Vec<Recovered>> {
    let recovered = agent.recover().await?;
    while ready(agent).await? {
        take(agent).await?;
    }
    agent.leave().await?;
    Ok(recovered)
}

pub async fn serve(agent: &Agent) -> Result<()> {
    agent.recover().await?;
    while !agent.is_leaving() {
        match ready(agent).await {
            Ok(true) => drop(take(agent).await?),
            Ok(false) => agent.rest().await?,
            Err(error) if error.code() == "stopped" => {}
            Err(error) => return Err(error),
        }
    }
    agent.leave().await.map(drop)
}

/// A number of seconds by now.
pub async fn seconds(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// Lets the agent die at its failpoint, or in the middle of what it does after so long.
pub async fn until_death(work: impl Future<Output = Result<()>>, after: f64) -> bool {
    use futures_util::FutureExt;
    let work = std::panic::AssertUnwindSafe(work).catch_unwind();
    tokio::select! {
        done = work => done.is_err(),
        () = seconds(after) => true,
    }
}

/// What the error is.
pub fn code(error: Error) -> String {
    error.code().to_owned()
}
