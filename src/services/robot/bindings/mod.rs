//! `robot` in scripts. Only these files here know Rhai.

mod agent;
mod assets;
mod call;
mod given;
mod job;
mod jobs;
mod object;
mod queue;
mod screen;
mod storage;
pub mod task;
mod values;

use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, Module, NativeCallContext, Shared};

use super::client::Client;
use super::client::agent::Agent;
use super::client::orchestrator::Orchestrator;
use super::client::shapes::Line;
use super::{NAME, SETTINGS};
use crate::error::Result;
use crate::script::bridge::{Host, Thrown, host, throw, wait};
use crate::script::options::connection;
use crate::settings::Settings;

/// The object: the default connection, or one that `connect` gave.
#[derive(Clone, Default)]
pub struct Robot(Option<Arc<Opened>>);

/// What stands behind one connection.
pub struct Opened {
    /// The connection's name, or where it was described.
    pub name: String,
    pub settings: Settings,
    pub api: Client,
    pub agent: Agent,
}

impl Opened {
    /// Opens a connection; what is unwise about it is told once, here.
    fn new(host: &Host, name: &str, settings: &Settings) -> Result<Opened> {
        let api = Client::open(settings, &host.context)?;
        if let Some(warning) = api.warning() {
            host.warn(&warning);
        }
        let agent = Agent::open_with(name, settings, &host.context, api.clone())?;
        Ok(Opened { name: name.to_owned(), settings: settings.clone(), api, agent })
    }
}

/// The connection of this name, or the default one.
pub fn open(host: &Host, name: Option<&str>) -> Result<Arc<Opened>> {
    // A job's robot is the one whose job it is.
    let of_job = if name.is_none() { job::connection(host) } else { None };
    let name = match name.or(of_job.as_deref()) {
        Some(name) => name,
        None => host.connections.config().default_connection(NAME)?.0,
    };
    host.connections.open(NAME, Some(name), |settings| Opened::new(host, name, settings))
}

/// A robot as its scripts see it, and its agent, for whoever runs the algorithm.
pub fn scripted(host: &Host, name: &str) -> Result<(Dynamic, Agent)> {
    let opened = open(host, Some(name))?;
    let agent = opened.agent.clone();
    Ok((Dynamic::from(Robot(Some(opened))), agent))
}

impl Robot {
    pub fn opened(&self, call: &NativeCallContext<'_>) -> Thrown<Arc<Opened>> {
        match &self.0 {
            Some(opened) => Ok(opened.clone()),
            None => open(&host(call), None).or_else(|error| throw(call, error)),
        }
    }

    /// What the Orchestrator can be asked for.
    pub fn api(&self, call: &NativeCallContext<'_>) -> Thrown<Client> {
        Ok(self.opened(call)?.api.clone())
    }

    fn described(host: &Host, settings: &Map) -> Result<Robot> {
        let opened =
            connection(SETTINGS, settings).and_then(|settings| Opened::new(host, "connect(#{…})", &settings))?;
        Ok(Robot(Some(Arc::new(opened))))
    }
}

/// Sends a line of the log to the Orchestrator at once.
fn log_now(call: &NativeCallContext<'_>, robot: &Robot, line: &Line) -> Thrown<()> {
    let opened = robot.opened(call)?;
    wait(call, opened.api.log(line))
}

pub fn register(engine: &mut Engine, globals: &mut Module) {
    engine.register_type_with_name::<Robot>("Robot");
    engine.register_type_with_name::<values::RobotJob>("RobotJob");
    engine.register_type_with_name::<queue::Queue>("RobotQueue");
    engine.register_type_with_name::<task::Task>("RobotTask");
    engine.register_type_with_name::<assets::Calendar>("RobotCalendar");
    engine.register_global_module(Shared::new(rhai::exported_module!(object::robot)));
    engine.register_global_module(Shared::new(rhai::exported_module!(agent::agent)));
    engine.register_global_module(Shared::new(rhai::exported_module!(values::job)));
    engine.register_global_module(Shared::new(rhai::exported_module!(job::job)));
    engine.register_global_module(Shared::new(rhai::exported_module!(queue::queue)));
    engine.register_global_module(Shared::new(rhai::exported_module!(task::task)));
    engine.register_global_module(Shared::new(rhai::exported_module!(assets::assets)));
    engine.register_global_module(Shared::new(rhai::exported_module!(jobs::jobs)));
    engine.register_global_module(Shared::new(rhai::exported_module!(storage::storage)));
    engine.register_global_module(Shared::new(rhai::exported_module!(screen::screen)));
    engine.register_global_module(Shared::new(rhai::exported_module!(call::calls)));
    globals.set_var(NAME, Robot::default());
}

/// What a value of our own types holds.
pub fn plain(value: &Dynamic) -> Option<Dynamic> {
    value.read_lock::<task::Task>().map(|task| task.plain())
}

/// Whether the job that runs this is to end. A loop of many steps asks between two of them.
fn is_to_stop(call: &NativeCallContext<'_>) -> Thrown<bool> {
    job::should_stop(call)
}
