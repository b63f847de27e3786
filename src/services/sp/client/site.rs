//! A site: a catalogue, the way to its servers, and the runs that have been made. What bindings and the web service use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, broadcast};
use tokio::time::Instant;

use super::driver::{Driver, Login, Place};
use super::engine::Running;
use super::estimate;
use super::history::{Claimed, Filter, History};
use super::live::{Events, Live};
use super::plan::{self, Plan};
use super::run::{Check, Happened, Order, Run, RunState, StepState};
use super::stamp::{now, run_id};
use crate::core::context::Context;
use crate::core::state::State;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::services::sp::catalogue::{Catalogue, Given, Server};

/// Puts what the settings of a connection say over a place of the catalogue.
pub type Over = dyn Fn(Place) -> Place + Send + Sync;

/// What a site is made of.
pub struct Parts {
    /// What tells its runs from those of other sites in the same history.
    pub name: String,
    pub catalogue: Arc<Catalogue>,
    pub driver: Arc<dyn Driver>,
    pub over: Arc<Over>,
    /// Where the history is kept.
    pub state: State,
    /// Refuses every run.
    pub read_only: bool,
    pub context: Context,
}

/// What to do with a step of which nobody knows whether it was carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// Ask.
    #[default]
    Refuse,
    /// Do it again.
    Repeat,
    /// Take it as done.
    Skip,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Site(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub catalogue: Arc<Catalogue>,
    pub driver: Arc<dyn Driver>,
    over: Arc<Over>,
    pub history: Arc<History>,
    pub events: Arc<Events>,
    pub context: Context,
    read_only: bool,
    /// The runs of this process.
    live: Mutex<HashMap<String, Arc<Live>>>,
    /// How much each server does at once.
    pub bounds: HashMap<String, Arc<Semaphore>>,
    /// Runs of other processes, as they were a moment ago.
    others: Mutex<Option<(Instant, Vec<Run>)>>,
}

/// Runs of other processes are looked at so often.
const FRESH: std::time::Duration = std::time::Duration::from_secs(1);

impl Site {
    /// Connects to nothing.
    pub fn with(parts: Parts) -> Site {
        let Parts { name, catalogue, driver, over, state, read_only, context } = parts;
        let bounds = catalogue.servers().iter();
        let bounds = bounds.map(|server| (server.key.clone(), Arc::new(Semaphore::new(server.max_parallel)))).collect();
        let history = Arc::new(History::new(state, name));
        let (events, live, others) = (Arc::new(Events::new()), Mutex::default(), Mutex::default());
        Site(Arc::new(Inner { catalogue, driver, over, history, events, context, read_only, live, bounds, others }))
    }

    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.0.catalogue
    }

    /// The way to a database of the catalogue, by its key; to the target when none is given. Errors: no such database, a
    /// variable that is not set.
    pub fn place(&self, database: Option<&str>) -> Result<Place> {
        let catalogue = &self.0.catalogue;
        let key = database.unwrap_or(&catalogue.target);
        let found = catalogue.database(key).and_then(|found| Some((found, catalogue.server(&found.server)?)));
        let Some((found, server)) = found else {
            let hint = crate::error::did_you_mean(key, catalogue.databases().iter().map(|known| known.key.as_str()));
            let error = Error::new(Kind::NotFound, "sp.database", format!("the catalogue has no database `{key}`"));
            return Err(match hint {
                Some(hint) => error.hint(hint),
                None => error,
            });
        };
        let place = Place {
            host: self.host(server),
            port: server.port,
            instance: server.instance.clone(),
            database: Some(found.name.clone()),
            login: self.login(server),
            encrypt: server.encrypt,
            trust: server.trust.clone(),
            connect_timeout: catalogue.timeouts.connect,
            program: "pult".to_owned(),
            read_only: false,
        };
        let place = (self.0.over)(place);
        self.complete(server, &place)?;
        Ok(place)
    }

    fn host(&self, server: &Server) -> String {
        match &server.host {
            Given::Here(host) => host.clone(),
            Given::Variable(name) => self.0.context.variable(name).unwrap_or_default(),
        }
    }

    /// What is not known stays empty until it is seen that the settings do not give it either.
    fn login(&self, server: &Server) -> Login {
        let user = match &server.user {
            Some(Given::Here(user)) => Some(user.clone()),
            Some(Given::Variable(name)) => self.0.context.variable(name),
            None => None,
        };
        let password = match &server.password {
            Some(Given::Here(password)) => Some(password.clone()),
            Some(Given::Variable(name)) => self.0.context.variable(name).map(Secret::new),
            None => None,
        };
        Login::User { user: user.unwrap_or_default(), password: password.unwrap_or_else(|| Secret::new("")) }
    }

    fn complete(&self, server: &Server, place: &Place) -> Result<()> {
        let variable = |given: Option<&str>, what: &str, setting: &str| {
            let message = match given {
                Some(name) => format!(
                    "there is no {what}: `{setting}` is not given, and neither is the variable {name} that the catalogue names for the server `{}`",
                    server.key
                ),
                None => format!("the server `{}` has no {what}", server.key),
            };
            let hint = match given {
                Some(name) => format!(
                    "give `{setting}` in the section of pult.toml or in connect(#{{…}}), or set {name} before pult starts"
                ),
                None => format!("give `{setting}` in the section of pult.toml, or in the catalogue"),
            };
            Err(Error::new(Kind::Config, "sp.login", message).hint(hint))
        };
        let name = |given: Option<&Given<String>>| match given {
            Some(Given::Variable(name)) => Some(name.clone()),
            _ => None,
        };
        if place.host.is_empty() {
            return variable(name(Some(&server.host)).as_deref(), "host", "address");
        }
        match &place.login {
            Login::User { user, .. } if user.is_empty() => {
                variable(name(server.user.as_ref()).as_deref(), "user", "user")
            }
            Login::User { password, .. } if password.expose().is_empty() => {
                let named = match &server.password {
                    Some(Given::Variable(name)) => Some(name.as_str()),
                    _ => None,
                };
                variable(named, "password", "password")
            }
            _ => Ok(()),
        }
    }

    /// What an order would do; runs nothing and connects to nothing. Errors: `sp.order`, with what is wrong by field in the
    /// detail `fields`.
    pub fn plan(&self, order: &Order) -> Result<Plan> {
        let catalogue = &self.0.catalogue;
        let expected = |stage: &str, entity: &str, codes: &[String]| {
            let by_code =
                catalogue.stage(stage).is_some_and(|stage| stage.per == crate::services::sp::catalogue::Per::Code);
            let code = codes.first().filter(|_| by_code).map(String::as_str);
            // A history that cannot be read is told of when a run is to be recorded in it.
            let seen = self.0.history.seconds(stage, entity, code).unwrap_or_default();
            estimate::median(seen).or_else(|| estimate::usual(catalogue, stage, entity, codes))
        };
        let mut plan = plan::plan(catalogue, order, &expected)?;
        let bound = |server: &str| catalogue.server(server).map_or(1, |server| server.max_parallel);
        plan.estimate = estimate::whole(&plan, bound);
        Ok(plan)
    }

    /// Begins a run: it is recorded and has its claims, so that of two that would be in each other's way one is refused; its
    /// work is done by [`Running::drive`]. Errors: `sp.order`, `sp.busy` (with the run in the way in the detail `run`),
    /// `sp.read_only`, those of the history.
    pub fn run(&self, order: Order, by: &str) -> Result<Running> {
        self.writable()?;
        let plan = self.plan(&order)?;
        let waits = order.wait;
        let run = Run {
            id: run_id(),
            order,
            by: by.to_owned(),
            state: RunState::Running,
            started: now(),
            ended: None,
            seconds: None,
            estimate: plan.estimate,
            steps: plan.steps.clone(),
            checks: Vec::new(),
            reason: None,
            resumed: 0,
        };
        let resources = resources(&plan);
        match self.0.history.begin(&run, &resources, waits)? {
            Claimed::No(other) if !waits => Err(self.busy(&other)),
            Claimed::No(_) => Ok(self.running(Run { state: RunState::Waiting, ..run }, plan, resources)),
            Claimed::Yes => Ok(self.running(run, plan, resources)),
        }
    }

    /// Takes up a run again at the first step that is not good. Errors: `sp.no_run`, `sp.not_resumable`, `sp.busy`,
    /// `sp.unknown_outcome` when nobody knows whether a step that must not be repeated was carried out.
    pub fn resume(&self, id: &str, by: &str, unknown: Unknown) -> Result<Running> {
        self.writable()?;
        let mut run = self.find(id)?.ok_or_else(|| no_run(id))?;
        let refused = |why: &str| Error::new(Kind::Refused, "sp.not_resumable", format!("run {id}: {why}"));
        match run.state {
            RunState::Ok => return Err(refused("it has succeeded").hint("start a new run")),
            RunState::Waiting | RunState::Running => return Err(refused("it is under way")),
            RunState::Failed | RunState::Cancelled | RunState::Interrupted => {}
        }
        let plan = self.plan(&run.order)?;
        let same = |(old, new): (&super::run::Step, &super::run::Step)| {
            let known = |step: &super::run::Step| {
                let (stage, code) = (step.stage.clone(), step.code.clone());
                (stage, code, step.server.clone(), step.database.clone(), step.statement.clone())
            };
            known(old) == known(new)
        };
        if plan.steps.len() != run.steps.len() || !run.steps.iter().zip(&plan.steps).all(same) {
            return Err(refused("the catalogue has changed since").hint("start a new run"));
        }
        for ((step, call), new) in run.steps.iter_mut().zip(&plan.calls).zip(&plan.steps) {
            super::resume::prepare(id, step, call, unknown)?;
            (step.locks, step.after, step.repeatable) = (new.locks.clone(), new.after.clone(), new.repeatable);
        }
        run.state = RunState::Running;
        run.resumed += 1;
        (run.ended, run.seconds, run.reason) = (None, None, None);
        if run.by != by {
            run.by = format!("{}, then {by}", run.by.split(", then ").next().unwrap_or_default());
        }
        let resources = resources(&plan);
        match self.0.history.go_on(&run, &resources)? {
            Claimed::Yes => Ok(self.running(run, plan, resources)),
            Claimed::No(other) => Err(self.busy(&other)),
        }
    }

    fn running(&self, run: Run, plan: Plan, resources: Vec<String>) -> Running {
        let inner = &self.0;
        let live = Live::new(run, inner.history.clone(), inner.events.clone(), inner.context.clone());
        let live = Arc::new(live);
        self.runs().insert(live.id.clone(), live.clone());
        live.tell_begin();
        Running::new(self.clone(), live, plan, resources)
    }

    fn writable(&self) -> Result<()> {
        if !self.0.read_only {
            return Ok(());
        }
        let error = Error::new(Kind::Refused, "sp.read_only", "this connection only reads: nothing was run");
        Err(error.hint("remove `read_only` from the connection, or use another one"))
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Live>>> {
        self.0.live.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn forget(&self, id: &str) {
        self.runs().remove(id);
    }

    fn busy(&self, other: &str) -> Error {
        let found = self.find(other).ok().flatten();
        let what = found.as_ref().map_or_else(|| format!("run {other} is in the way"), describe);
        let error = Error::new(Kind::Refused, "sp.busy", what).detail("run", other);
        let error = match &found {
            Some(run) => error.detail("by", run.by.clone()).detail("since", run.started.clone()),
            None => error,
        };
        error.hint("wait for its end (option `wait`), or cancel it")
    }

    /// Ends a run under way, in this process or in another one that shares its history; that takes a moment. Errors:
    /// `sp.no_run`, `sp.not_running`, `sp.read_only`.
    pub fn cancel(&self, id: &str) -> Result<()> {
        self.writable()?;
        if let Some(live) = self.runs().get(id) {
            live.cancel.cancel();
            return Ok(());
        }
        if self.0.history.ask_to_cancel(id, self.0.history.owner())? {
            return Ok(());
        }
        match self.find(id)? {
            Some(_) => Err(Error::new(Kind::Refused, "sp.not_running", format!("run {id} has ended"))),
            None => Err(no_run(id)),
        }
    }

    /// Runs under way, in order of their beginning; those of other processes as they were a second ago at most.
    pub fn status(&self) -> Result<Vec<Run>> {
        let mut runs: Vec<Run> = self.runs().values().map(|live| live.run()).collect();
        runs.retain(|run| super::history::is_live(run.state));
        runs.extend(self.others()?);
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(runs)
    }

    fn others(&self) -> Result<Vec<Run>> {
        let mut others = self.0.others.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((at, runs)) = &*others
            && at.elapsed() < FRESH
        {
            return Ok(runs.clone());
        }
        let runs = self.0.history.others()?;
        *others = Some((Instant::now(), runs.clone()));
        Ok(runs)
    }

    /// A run with its steps and what was said in them.
    pub fn find(&self, id: &str) -> Result<Option<Run>> {
        if let Some(live) = self.runs().get(id) {
            return Ok(Some(live.run()));
        }
        self.0.history.find(id)
    }

    /// Runs, the newest first, without what was said in them.
    pub fn history(&self, filter: &Filter) -> Result<Vec<Run>> {
        self.0.history.list(filter)
    }

    /// What happens from now on in the runs of this process.
    pub fn follow(&self) -> broadcast::Receiver<(u64, Arc<Happened>)> {
        self.0.events.follow()
    }

    /// Whether the history can be written. The error is that of the state file.
    pub fn is_ready(&self) -> Result<()> {
        self.0.history.is_writable()
    }

    /// Whether the target's server lets us in.
    pub async fn reach(&self) -> Result<()> {
        self.0.driver.connect(&self.place(None)?).await.map(drop)
    }

    /// The newest modification times of an entity, in `after`; what cannot be looked at has a warning.
    pub async fn check(&self, name: &str, code: &str) -> Result<Vec<Check>> {
        super::looks::ask(self, name, code).await
    }
}

/// What a run has for itself alone: the locks of its steps, whether or not they are taken at the server, too.
fn resources(plan: &Plan) -> Vec<String> {
    let name = |step: &super::run::Step| match step.locks.first() {
        Some(lock) => lock.clone(),
        None => format!("{}:{}:{}", step.stage, step.database, step.entity),
    };
    let mut names: Vec<String> = plan.steps.iter().map(name).collect();
    names.sort();
    names.dedup();
    names
}

fn no_run(id: &str) -> Error {
    Error::new(Kind::NotFound, "sp.no_run", format!("there is no run `{id}`")).hint("`sp.history()` lists them")
}

/// `run 2026…: payment of 0c06, by ivan since 12:00, at step 2 of 3`.
fn describe(run: &Run) -> String {
    let what = run.order.name.as_deref().unwrap_or("the whole source");
    let at = run.steps.iter().find(|step| matches!(step.state, StepState::Running | StepState::Committing));
    let at =
        at.map(|step| format!(", at step {} of {} ({} {})", step.number, run.steps.len(), step.stage, step.entity));
    format!(
        "run {} is in the way: {what} of {}, by {} since {}{}",
        run.id,
        run.order.codes.join(", "),
        run.by,
        run.started,
        at.unwrap_or_default()
    )
}
