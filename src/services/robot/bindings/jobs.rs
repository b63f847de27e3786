//! Jobs started for any robot, versions published, robots looked at.

use std::time::Duration;

use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};
use serde_json::Value;

use super::given;
use crate::core::rows::Rows;
use crate::error::Error;
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::script::convert;
use crate::services::robot::client::orchestrator::Orchestrator;
use crate::services::robot::client::{self, Options};

/// A job that is waited for without a word about how long.
const USUAL_WAIT: Duration = Duration::from_secs(3600);

/// The states of a robot, each at the place of its number.
const ROBOT_STATUSES: [&str; 4] = ["disconnected", "unlicensed", "ready", "working"];

fn robot_word(number: i64) -> String {
    let word = usize::try_from(number).ok().and_then(|place| ROBOT_STATUSES.get(place));
    word.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// The GUID of what was made, or `()` in a dry run.
fn made(guid: Option<String>) -> Dynamic {
    guid.map_or(Dynamic::UNIT, Dynamic::from)
}

/// Jobs in scripts.
#[export_module]
pub mod jobs {
    pub type Robot = super::super::Robot;

    /// Starts the newest version of a process, by its name or GUID, at this robot; the job's GUID.
    ///
    /// ```rhai
    /// let job = robot.start_job("Примеры");
    /// assert_eq(robot.job_status(job), "pending");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn start_job(call: NativeCallContext, robot: &mut Robot, process: &str) -> Thrown<Dynamic> {
        start_job_with(call, robot, process, Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `robot`: the GUID of the robot; usually this one
    /// - `robot_group`: a group of robots instead
    /// - `version`: the GUID of a version other than the newest; the process is not looked up then
    /// - `task`: the task that goes with it, by its GUID or name
    /// - `priority`: `low`, `normal` or `high`
    /// - `stop_after`: seconds after which it is asked to stop
    #[rhai_fn(name = "start_job", return_raw, pure)]
    pub fn start_job_with(call: NativeCallContext, robot: &mut Robot, process: &str, options: Map) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        let options = given::options(&call, &options)?;
        wait(&call, api.start_job(process, &options)).map(made)
    }

    /// How a job stands: `created`, `pending`, `in_progress`, `stopping`, `aborting`, or at its end `success`, `failed`,
    /// `stopped`, `aborted`.
    #[rhai_fn(return_raw, pure)]
    pub fn job_status(call: NativeCallContext, robot: &mut Robot, guid: &str) -> Thrown<String> {
        let api = robot.api(&call)?;
        Ok(wait(&call, api.job_status(guid))?.word().to_owned())
    }

    /// Waits until a job is over, for an hour at most; its final status.
    #[rhai_fn(return_raw, pure)]
    pub fn wait_job(call: NativeCallContext, robot: &mut Robot, guid: &str) -> Thrown<String> {
        wait_job_with(call, robot, guid, Map::new())
    }

    /// The same with options: `timeout`, `pause` between two questions; seconds.
    ///
    /// ```rhai
    /// let job = robot.start_job("Примеры");
    /// try { robot.wait_job(job, #{ timeout: 0.1, pause: 0.05 }); } catch (err) {
    ///     assert_eq(err.error, "robot.job_timeout");
    /// }
    /// ```
    #[rhai_fn(name = "wait_job", return_raw, pure)]
    pub fn wait_job_with(call: NativeCallContext, robot: &mut Robot, guid: &str, options: Map) -> Thrown<String> {
        let api = robot.api(&call)?;
        let mut options = given::options(&call, &options)?;
        let mut seconds = |name: &str| given::own_seconds(&mut options, name).or_else(|error| throw(&call, error));
        let (timeout, pause) = (seconds("timeout")?, seconds("pause")?);
        if let Some(name) = options.keys().next() {
            let error = Error::input("options.unknown", format!("there is no option `{name}`"));
            return throw(&call, error.hint("the options are timeout, pause"));
        }
        let job =
            api.wait_job(guid, timeout.unwrap_or(USUAL_WAIT), pause.map(|pause| pause.max(Duration::from_millis(20))));
        Ok(wait(&call, job)?.word().to_owned())
    }

    /// Publishes a file as a new version of a process (its name or GUID); the version's GUID.
    ///
    /// ```rhai
    /// fs::write("import.robot", "// the new version");
    /// let version = robot.publish("Обработка счетов", "import.rhai", "import.robot");
    /// assert_eq(robot.call("version.read", #{ about: version }).name, "import.rhai");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn publish(
        call: NativeCallContext,
        robot: &mut Robot,
        process: &str,
        name: &str,
        file: &str,
    ) -> Thrown<Dynamic> {
        publish_with(call, robot, process, name, file, Map::new())
    }

    /// The same with options: `description`.
    #[rhai_fn(name = "publish", return_raw, pure)]
    pub fn publish_with(
        call: NativeCallContext,
        robot: &mut Robot,
        process: &str,
        name: &str,
        file: &str,
        options: Map,
    ) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        let options = given::options(&call, &options)?;
        let full = host(&call).folders.resolve(file).or_else(|error| throw(&call, error))?;
        let full = full.to_string_lossy().into_owned();
        wait(&call, api.publish(process, name, &full, &options)).map(made)
    }

    /// Makes a process; its GUID.
    ///
    /// ```rhai
    /// let process = robot.create_process("made by the reference", #{ description: "an example" });
    /// assert_eq(robot.call("process.read", #{ about: process }).name, "made by the reference");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn create_process(call: NativeCallContext, robot: &mut Robot, name: &str, options: Map) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        let mut options = given::options(&call, &options)?;
        options.insert("name".into(), name.into());
        wait(&call, api.make("process.create", &options)).map(made)
    }

    /// How this robot stands at the Orchestrator: `disconnected`, `unlicensed`, `ready` or `working`.
    ///
    /// ```rhai
    /// assert(robot.robot_status() in ["disconnected", "ready", "working"]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn robot_status(call: NativeCallContext, robot: &mut Robot) -> Thrown<String> {
        let api = robot.api(&call)?;
        wait(&call, api.robot_status(None)).map(robot_word)
    }

    /// The same of another robot, by its GUID.
    #[rhai_fn(name = "robot_status", return_raw, pure)]
    pub fn robot_status_of(call: NativeCallContext, robot: &mut Robot, guid: &str) -> Thrown<String> {
        let api = robot.api(&call)?;
        wait(&call, api.robot_status(Some(guid))).map(robot_word)
    }

    /// All robots that the Orchestrator tells of, as Rows. No page describes this call: not every Orchestrator has it.
    #[rhai_fn(return_raw, pure)]
    pub fn robots(call: NativeCallContext, robot: &mut Robot) -> Thrown<Rows> {
        let api = robot.api(&call)?;
        wait(&call, async { given::table(&api.list("robot.list", None, &Options::new()).await?) })
    }

    /// Makes a trigger, which starts jobs by itself; its GUID.
    ///
    /// # Options
    /// - `process`: what is started, as the Orchestrator numbers it
    /// - `processing_type`: 1 again and again, 2 by the clock
    /// - `cron`: when, for type 2
    /// - `robot`, or `robot_group` with `robot_type: 1`
    /// - `start_at`, `end_at`: moments
    /// - `max_runs`, `max_running_robots`: numbers
    /// - `check_missed`: make up for what was missed
    /// - `status`, `description`, `priority`
    ///
    /// ```rhai
    /// let process = robot.call("process.read", #{ about: "Примеры" });
    /// let trigger = robot.create_schedule("every night", #{
    ///     process: process.id, processing_type: 2, cron: "0 3 * * *", robot_type: 0, robot: 1, status: 0,
    /// });
    /// robot.call("schedule.delete", #{ about: trigger });
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn create_schedule(call: NativeCallContext, robot: &mut Robot, name: &str, options: Map) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        let mut options = given::options(&call, &options)?;
        options.insert("name".into(), name.into());
        wait(&call, api.make("schedule.create", &options)).map(made)
    }

    /// A message of the Orchestrator's log, by its GUID: a map.
    #[rhai_fn(return_raw, pure)]
    pub fn log_message(call: NativeCallContext, robot: &mut Robot, guid: &str) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        Ok(convert::from_value(&wait(&call, api.record("log.read", guid))?))
    }

    /// The files that belong to messages of a robot, a job or one message: Rows.
    ///
    /// ```rhai
    /// let job = robot.start_job("Примеры");
    /// assert_eq(robot.log_files(job).len(), 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn log_files(call: NativeCallContext, robot: &mut Robot, guid: &str) -> Thrown<Rows> {
        let api = robot.api(&call)?;
        let about = client::options(serde_json::json!({ "guid": guid }));
        wait(&call, async { given::table(&api.list("log.files", None, &about).await?) })
    }

    /// Removes the messages of the account that are older than this moment (a moment, a text, or seconds since 1970).
    ///
    /// ```rhai
    /// robot.purge_logs("2020-01-01");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn purge_logs(call: NativeCallContext, robot: &mut Robot, before: Dynamic) -> Thrown<()> {
        let api = robot.api(&call)?;
        let before: Value = convert::to_value(&before).or_else(|error| throw(&call, error))?;
        let about = client::options(serde_json::json!({ "time": before }));
        wait(&call, api.call("log.purge", None, &about)).map(drop)
    }
}
