//! What a script says and asks as the job of a robot. Run by hand, with `pult run`, it is no job, and all of this does little.

use std::sync::{Arc, Mutex, OnceLock};

use rhai::plugin::*;
use rhai::{Dynamic, FnPtr, Map, NativeCallContext};
use serde_json::Value;

use super::Robot;
use crate::error::{Error, Result, did_you_mean};
use crate::script::bridge::{Host, Pause, Thrown, host, throw};
use crate::script::convert;
use crate::services::robot::client::jobs::inside::{FILE, Inside};
use crate::services::robot::client::jobs::order::JobFile;
use crate::services::robot::client::shapes::{LEVELS, Level, Line};

/// The job that this session is, if it is one.
#[derive(Default)]
pub struct This {
    inside: OnceLock<Option<Inside>>,
    /// What is to be called when it is to stop.
    on_stop: Mutex<Vec<FnPtr>>,
}

impl This {
    /// The session's own.
    pub fn of(host: &Host) -> Result<Arc<This>> {
        let this = host.connections.kept::<This>();
        if this.inside.get().is_none() {
            let file = host.context.variable(FILE);
            let inside = file.map(|file| Inside::open(file.as_ref())).transpose()?;
            this.inside.get_or_init(|| inside);
        }
        Ok(this)
    }

    /// None outside a job.
    pub fn inside(&self) -> Option<&Inside> {
        self.inside.get().and_then(Option::as_ref)
    }

    fn file(&self) -> Option<&JobFile> {
        self.inside().map(Inside::file)
    }

    /// Whether to stop; the functions that wait for that are called before this is told.
    fn should_stop(&self, call: &NativeCallContext<'_>) -> Thrown<bool> {
        let should = self.inside().is_some_and(Inside::should_stop);
        if should {
            self.call_back(call)?;
        }
        Ok(should)
    }

    /// Calls each function once, in the order in which they were given.
    fn call_back(&self, call: &NativeCallContext<'_>) -> Thrown<()> {
        let waiting = std::mem::take(&mut *self.on_stop.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        for function in waiting {
            let _: Dynamic = function.call_within_context(call, ())?;
        }
        Ok(())
    }
}

impl Pause for This {
    fn pause(&self, call: &NativeCallContext<'_>) -> Thrown<()> {
        let is_waiting = !self.on_stop.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_empty();
        match is_waiting && self.inside().is_some_and(Inside::should_stop) {
            true => self.call_back(call),
            false => Ok(()),
        }
    }
}

/// The connection whose job this session is.
pub fn connection(host: &Host) -> Option<String> {
    let this = This::of(host).ok()?;
    let name = this.file()?.robot.clone();
    host.connections.config().connections(super::NAME).any(|known| known == name).then_some(name)
}

fn this(call: &NativeCallContext<'_>) -> Thrown<Arc<This>> {
    This::of(&host(call)).or_else(|error| throw(call, error))
}

/// Whether this script is a job that is to stop; it has noticed then. For what goes on for long by itself.
pub fn should_stop(call: &NativeCallContext<'_>) -> Thrown<bool> {
    this(call)?.should_stop(call)
}

/// A part of the Orchestrator's answer with its GUID and name under those keys, however they are written there.
fn part(value: &Value) -> Map {
    let mut map = convert::from_value(value).try_cast::<Map>().unwrap_or_default();
    for name in ["guid", "name"] {
        let found = map.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
        if let Some(found) = found {
            map.insert(name.into(), found);
        }
    }
    map
}

fn level(word: &str) -> Result<Level> {
    Level::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = LEVELS.iter().map(|(_, word, _)| *word).collect();
        let near = did_you_mean(word, words.iter().copied());
        Error::input("robot.level", format!("\"{word}\" is no level of the log"))
            .hint(near.unwrap_or_else(|| format!("the levels are {}", words.join(", "))))
    })
}

/// Says something in the Orchestrator's log: by the outbox in a job, else at once.
pub(super) fn say(call: &NativeCallContext<'_>, robot: &Robot, word: &str, text: String) -> Thrown<()> {
    let level = level(word).or_else(|error| throw(call, error))?;
    let this = this(call)?;
    match this.inside() {
        Some(inside) => inside.log(level, &text).or_else(|error| throw(call, error))?,
        None => super::log_now(call, robot, &Line { job: String::new(), version: String::new(), level, text })?,
    }
    this.pause(call)
}

/// The functions of a job on `robot`.
#[export_module]
pub mod job {
    use rhai::ImmutableString;

    use super::*;

    /// Whether this script is run by a robot as a job; by hand it is not.
    ///
    /// ```rhai
    /// assert(!robot.in_job);
    /// ```
    #[rhai_fn(get = "in_job", return_raw, pure)]
    pub fn in_job(call: NativeCallContext, _robot: &mut Robot) -> Thrown<bool> {
        Ok(this(&call)?.inside().is_some())
    }

    /// The job: `guid`, `name`, `version` (its process version, a map), `robot` (the connection), `begun_before` (how often
    /// it was interrupted and begun anew), and what else the Orchestrator said of it. `()` by hand.
    ///
    /// ```rhai
    /// if robot.job != () { print(robot.job.guid); }
    /// ```
    #[rhai_fn(get = "job", return_raw, pure)]
    pub fn job(call: NativeCallContext, _robot: &mut Robot) -> Thrown<Dynamic> {
        let this = this(&call)?;
        let Some(file) = this.file() else { return Ok(Dynamic::UNIT) };
        let mut map = part(&file.job);
        map.insert("guid".into(), file.guid.clone().into());
        map.insert("name".into(), file.name.clone().into());
        map.insert("version".into(), part(&file.version).into());
        map.insert("robot".into(), file.robot.clone().into());
        map.insert("begun_before".into(), i64::from(file.before).into());
        Ok(map.into())
    }

    /// The task that the job was made for: `guid`, `name`, and what else the Orchestrator said of it. `()` when there is
    /// none, and by hand.
    ///
    /// ```rhai
    /// if robot.task != () { print(robot.task.name); }
    /// ```
    #[rhai_fn(get = "task", return_raw, pure)]
    pub fn task(call: NativeCallContext, _robot: &mut Robot) -> Thrown<Dynamic> {
        let this = this(&call)?;
        Ok(match this.file().map(|file| &file.task) {
            None | Some(Value::Null) => Dynamic::UNIT,
            Some(task @ Value::Object(_)) => part(task).into(),
            Some(other) => convert::from_value(other),
        })
    }

    /// The parameters of the job's task, a map; empty when there are none, and by hand. A task that is no JSON gives its
    /// text, where `unreadable_task = "text"` lets such jobs begin.
    ///
    /// ```rhai
    /// let file = robot.params.get("file") ?? "invoices.xml";
    /// ```
    #[rhai_fn(get = "params", return_raw, pure)]
    pub fn params(call: NativeCallContext, _robot: &mut Robot) -> Thrown<Dynamic> {
        let this = this(&call)?;
        Ok(match this.file().map(|file| &file.params) {
            None | Some(Value::Null) => Map::new().into(),
            Some(params) => convert::from_value(params),
        })
    }

    /// Whether the job is asked to stop. Ask now and then, finish what must not stay half done, and end: the job counts as
    /// stopped then. Never true by hand.
    ///
    /// ```rhai
    /// for n in 0..3 {
    ///     if robot.should_stop() { break; }
    /// }
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn should_stop(call: NativeCallContext, _robot: &mut Robot) -> Thrown<bool> {
        super::should_stop(&call)
    }

    /// A place at which the job may be ended: throws `robot.stop` when it is asked to stop. What `ensure` is to do in the end
    /// is done, and a job that ends by this error counts as stopped.
    ///
    /// ```rhai
    /// ensure(|| { for n in 0..3 { robot.check(); } }, || print("the programs are closed"));
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn check(call: NativeCallContext, _robot: &mut Robot) -> Thrown<()> {
        match super::should_stop(&call)? {
            true => throw(&call, Inside::stopped()),
            false => Ok(()),
        }
    }

    /// Calls a function once when the job is asked to stop: at the next `robot.should_stop()`, `check()`, `progress()` or
    /// `log()`, within half a second of a `sleep`, or right after any other call that waits. What it throws ends the script
    /// there. Code that calls nothing cannot be interrupted by it.
    ///
    /// ```rhai
    /// let state = #{ stop: false };
    /// robot.on_stop(|| state.stop = true);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn on_stop(call: NativeCallContext, _robot: &mut Robot, function: FnPtr) -> Thrown<()> {
        let this = this(&call)?;
        if this.inside().is_some() {
            this.on_stop.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(function);
            host(&call).pauses_for(this);
        }
        Ok(())
    }

    /// Tells how far the job is, in percent, and what it does: seen in the agent's state, and every ten seconds in the
    /// Orchestrator's log. By hand the person sees it.
    ///
    /// ```rhai
    /// robot.progress(50, "half of the invoices are in");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn progress(call: NativeCallContext, _robot: &mut Robot, percent: f64, text: &str) -> Thrown<()> {
        let this = this(&call)?;
        match this.inside() {
            Some(inside) => inside.progress(percent, text).or_else(|error| throw(&call, error))?,
            None => host(&call).context.say(&format!("{percent:.0} % {text}")),
        }
        this.pause(&call)
    }

    /// The same with whole percents.
    #[rhai_fn(name = "progress", return_raw, pure)]
    pub fn progress_whole(call: NativeCallContext, robot: &mut Robot, percent: i64, text: &str) -> Thrown<()> {
        progress(call, robot, percent as f64, text)
    }

    /// The same without a text.
    #[rhai_fn(name = "progress", return_raw, pure)]
    pub fn progress_alone(call: NativeCallContext, robot: &mut Robot, percent: i64) -> Thrown<()> {
        progress(call, robot, percent as f64, "")
    }

    /// Writes into the Orchestrator's log: `"info"`, `"critical"`, `"error"`, `"warning"` or `"debug"`. In a job it arrives even
    /// when the Orchestrator cannot be reached for a while; by hand it is sent at once.
    ///
    /// ```rhai
    /// robot.log("warning", "two invoices have no number");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn log(call: NativeCallContext, robot: &mut Robot, level: &str, text: &str) -> Thrown<()> {
        say(&call, robot, level, text.to_owned())
    }

    /// The same with further fields, which stand behind the text as JSON.
    ///
    /// ```rhai
    /// robot.log("info", "imported", #{ rows: 17 });
    /// ```
    #[rhai_fn(name = "log", return_raw, pure)]
    pub fn log_with(call: NativeCallContext, robot: &mut Robot, level: &str, text: &str, fields: Map) -> Thrown<()> {
        let fields = convert::to_value(&Dynamic::from(fields)).or_else(|error| throw(&call, error))?;
        let text: ImmutableString = format!("{text} {fields}").into();
        say(&call, robot, level, text.into())
    }
}
