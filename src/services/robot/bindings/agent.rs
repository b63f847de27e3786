//! What the algorithm of a robot is written with: `stdlib/robot.rhai`, or a user's own.

use std::time::Duration;

use rhai::plugin::*;
use rhai::{Dynamic, NativeCallContext};

use super::Robot;
use super::values::RobotJob;
use crate::error::{Error, Result, did_you_mean};
use crate::script::bridge::{Thrown, throw};
use crate::script::convert;
use crate::services::robot::client::shapes::{JobStatus, RobotStatus};

/// The states of an agent that an algorithm may tell of; those of its calls they tell themselves.
const TURNS: [&str; 5] = ["NO_JOB", "BACKOFF", "UNKNOWN_ROBOT", "AUTH_FAIL", "LOGOFF"];

/// Each status of a robot with its word.
const ROBOT_STATUSES: [(&str, RobotStatus); 4] = [
    ("disconnected", RobotStatus::Disconnected),
    ("unlicensed", RobotStatus::Unlicensed),
    ("ready", RobotStatus::Ready),
    ("working", RobotStatus::Working),
];

/// A status of a robot by its word or its number.
fn robot_status(given: &Dynamic) -> Result<RobotStatus> {
    let by_number = given.as_int().ok().and_then(|number| usize::try_from(number).ok());
    let found = match (by_number.and_then(|place| ROBOT_STATUSES.get(place)), given.read_lock::<ImmutableString>()) {
        (Some(found), _) => Some(found),
        (None, Some(word)) => ROBOT_STATUSES.iter().find(|(known, _)| *known == word.as_str()),
        (None, None) => None,
    };
    found.map(|(_, status)| *status).ok_or_else(|| {
        let words: Vec<&str> = ROBOT_STATUSES.iter().map(|(word, _)| *word).collect();
        Error::input("robot.status", format!("{given} is no status of a robot"))
            .hint(format!("the statuses are {}, or 0 to 3", words.join(", ")))
    })
}

/// A status of a job by its word or its number.
pub fn job_status(given: &Dynamic) -> Result<JobStatus> {
    let word = given.read_lock::<ImmutableString>();
    let found = match &word {
        Some(word) => JobStatus::from_word(word),
        None => given.as_int().ok().and_then(JobStatus::from_number),
    };
    found.ok_or_else(|| {
        let words: Vec<&str> = JobStatus::words().collect();
        let near = word.and_then(|word| did_you_mean(&word, words.iter().copied()));
        Error::input("robot.status", format!("{given} is no status of a job"))
            .hint(near.unwrap_or_else(|| format!("the statuses are {}, or 0 to 8", words.join(", "))))
    })
}

/// A job's GUID: a text, or the job itself.
fn guid(given: &Dynamic) -> Result<String> {
    if let Some(job) = given.read_lock::<RobotJob>() {
        return Ok(job.0.taken.guid.clone());
    }
    let text = given.read_lock::<ImmutableString>().map(|text| text.to_string());
    text.ok_or_else(|| {
        let message = format!("{} is no job", convert::type_name(given));
        Error::input("robot.job", message).hint("give the job that robot.consume() gave, or its GUID")
    })
}

fn seconds(call: &NativeCallContext<'_>, given: f64) -> Thrown<Duration> {
    Duration::try_from_secs_f64(given).or_else(|_| {
        let error = Error::input("robot.seconds", format!("{given} is no time to wait"));
        throw(call, error.hint("give seconds, 0 or more"))
    })
}

/// The functions of the agent on `robot`.
#[export_module]
pub mod agent {
    use rhai::Map;

    use super::*;
    use crate::core::rows::Rows;
    use crate::script::bridge::wait;
    use crate::services::robot::bindings::values;

    /// Begins as this robot: takes its lock on this computer, puts right what a crash has left, and sends what waits to be
    /// sent, for at most 30 s. Rows: `job`, `name`, `status`, `reason`, one for each job that was put right. Another agent
    /// with the same GUID on this computer is thrown (`robot.locked`).
    ///
    /// ```rhai
    /// assert_eq(robot.recover().len(), 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn recover(call: NativeCallContext, robot: &mut Robot) -> Thrown<Rows> {
        let opened = robot.opened(&call)?;
        wait(&call, opened.agent.recover()).map(|recovered| values::recovered(&recovered))
    }

    /// A heartbeat of a robot that is ready: `#{ code, text, has_job, raw }`. It waits until ten seconds have passed since
    /// the last one; right after a job it does not wait.
    ///
    /// ```rhai
    /// let answer = robot.heartbeat();
    /// assert_eq([answer.code, answer.has_job], [0, false]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn heartbeat(call: NativeCallContext, robot: &mut Robot) -> Thrown<Map> {
        heartbeat_with(call, robot, "ready".into())
    }

    /// The same with a status: `"ready"`, `"working"`, or its number.
    ///
    /// ```rhai
    /// assert(!robot.heartbeat("ready").has_job);
    /// ```
    #[rhai_fn(name = "heartbeat", return_raw, pure)]
    pub fn heartbeat_with(call: NativeCallContext, robot: &mut Robot, status: Dynamic) -> Thrown<Map> {
        let opened = robot.opened(&call)?;
        let status = robot_status(&status).or_else(|error| throw(&call, error))?;
        wait(&call, opened.agent.heartbeat(status)).map(|pulse| values::pulse(&pulse))
    }

    /// Takes the job that a heartbeat has just promised, and writes it into the journal before anything else. `()` when
    /// there is none after all, when it has no GUID, or when it was done already: then its status is sent again. Without a
    /// promise it is refused: `robot.order`.
    ///
    /// ```rhai
    /// if robot.heartbeat().has_job {
    ///     let job = robot.consume();
    ///     print(job.name);
    /// }
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn consume(call: NativeCallContext, robot: &mut Robot) -> Thrown<Dynamic> {
        let opened = robot.opened(&call)?;
        let job = wait(&call, opened.agent.consume())?;
        Ok(job.map_or(Dynamic::UNIT, |job| Dynamic::from(RobotJob(job))))
    }

    /// Tells the Orchestrator what has become of a job: `"delivered"`; `"queued"` when it cannot be reached, and then it is
    /// told later, after a restart too; `"refused"` when it wants no more of that job; `"stop"` or `"abort"` when the
    /// operator asked for that meanwhile. A status other than the one the job ended with is refused: `robot.order`.
    ///
    /// ```rhai
    /// if robot.heartbeat().has_job {
    ///     let job = robot.consume();
    ///     robot.update(job, "in_progress");
    ///     robot.update(job, robot.run_job(job).status);
    /// }
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn update(call: NativeCallContext, robot: &mut Robot, job: Dynamic, status: Dynamic) -> Thrown<String> {
        let opened = robot.opened(&call)?;
        let given = guid(&job).and_then(|guid| Ok((guid, job_status(&status)?)));
        let (guid, status) = given.or_else(|error| throw(&call, error))?;
        wait(&call, opened.agent.update(&guid, status)).map(|sent| sent.word().into())
    }

    /// Runs a job in a process of its own, with heartbeats meanwhile, until it is over: `#{ status, reason, seconds }`. A
    /// request to stop is handed on to it; one to abort kills it with everything it has started. What cannot be started, or
    /// was asked to end before, is not. How it ended is in the journal before this returns.
    ///
    /// ```rhai
    /// if robot.heartbeat().has_job {
    ///     let job = robot.consume();
    ///     let ended = robot.run_job(job);
    ///     print(`${job.name}: ${ended.status} after ${ended.seconds} s ${ended.reason}`);
    /// }
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn run_job(call: NativeCallContext, robot: &mut Robot, job: RobotJob) -> Thrown<Map> {
        let opened = robot.opened(&call)?;
        wait(&call, opened.agent.run_job(&job.0)).map(|outcome| values::outcome(&outcome))
    }

    /// Rests between two questions for work (`poll`), sending what waits to be sent.
    ///
    /// ```rhai
    /// try { timeout(0.1, || robot.rest()); } catch (err) { assert_eq(err.kind, "timeout"); }
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn rest(call: NativeCallContext, robot: &mut Robot) -> Thrown<()> {
        let opened = robot.opened(&call)?;
        wait(&call, opened.agent.rest())
    }

    /// Waits so many seconds of the agent's clock; ends when the agent is told to.
    ///
    /// ```rhai
    /// robot.pause(0.01);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn pause(call: NativeCallContext, robot: &mut Robot, seconds: f64) -> Thrown<()> {
        let opened = robot.opened(&call)?;
        super::seconds(&call, seconds)?;
        wait(&call, opened.agent.pause(seconds))
    }

    /// The same with whole seconds.
    #[rhai_fn(name = "pause", return_raw, pure)]
    pub fn pause_whole(call: NativeCallContext, robot: &mut Robot, seconds: i64) -> Thrown<()> {
        pause(call, robot, seconds as f64)
    }

    /// Waits before a try is repeated: a random time up to 1 s, 2 s, 4 s … 60 s by how many have failed, and at least the
    /// seconds that the Orchestrator asked for (`()` is none).
    ///
    /// ```rhai
    /// try { timeout(0.1, || robot.back_off(7, 30)); } catch (err) { assert_eq(err.kind, "timeout"); }
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn back_off(call: NativeCallContext, robot: &mut Robot, failed: i64, least: Dynamic) -> Thrown<()> {
        let opened = robot.opened(&call)?;
        let least = least.as_float().or_else(|_| least.as_int().map(|n| n as f64)).unwrap_or_default();
        let least = super::seconds(&call, least)?;
        wait(&call, opened.agent.back_off(u32::try_from(failed).unwrap_or_default(), least))
    }

    /// Seconds on the agent's clock since it was opened.
    ///
    /// ```rhai
    /// assert(robot.clock() >= 0.0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn clock(call: NativeCallContext, robot: &mut Robot) -> Thrown<f64> {
        Ok(robot.opened(&call)?.agent.clock().as_secs_f64())
    }

    /// How many seconds `once` tries to reach the Orchestrator: the setting `give_up`.
    #[rhai_fn(get = "give_up", return_raw, pure)]
    pub fn give_up(call: NativeCallContext, robot: &mut Robot) -> Thrown<f64> {
        Ok(robot.opened(&call)?.settings.number("give_up").unwrap_or(300.0))
    }

    /// Whether the agent has been told to end: take no more work then.
    #[rhai_fn(get = "leaving", return_raw, pure)]
    pub fn leaving(call: NativeCallContext, robot: &mut Robot) -> Thrown<bool> {
        Ok(robot.opened(&call)?.agent.is_leaving())
    }

    /// Ends as this robot: sends what waits to be sent, for at most 5 s, and gives the lock back. Gives how many are left;
    /// they are sent at the next start.
    ///
    /// ```rhai
    /// robot.recover();
    /// assert_eq(robot.leave(), 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn leave(call: NativeCallContext, robot: &mut Robot) -> Thrown<i64> {
        let opened = robot.opened(&call)?;
        wait(&call, opened.agent.leave()).map(|left| left as i64)
    }

    /// Tells that the algorithm has come into another state: `NO_JOB`, `BACKOFF`, `UNKNOWN_ROBOT`, `AUTH_FAIL`, `LOGOFF`;
    /// for the line that is written of each change, for the health address and the metrics.
    ///
    /// ```rhai
    /// robot.turn("BACKOFF", "the Orchestrator is being restarted");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn turn(call: NativeCallContext, robot: &mut Robot, state: &str, why: &str) -> Thrown<()> {
        let Some(state) = TURNS.iter().find(|known| **known == state) else {
            let error = Error::input("robot.state", format!("{state} is no state that an algorithm tells of"));
            return throw(&call, error.hint(format!("the states are {}", TURNS.join(", "))));
        };
        robot.opened(&call)?.agent.turn(state, why);
        Ok(())
    }

    /// What waits to be sent, oldest first. Rows: `seq`, `at`, `kind` (`status` or `log`), `job`, `what`, `attempts`.
    ///
    /// ```rhai
    /// assert_eq(robot.outbox().len(), 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn outbox(call: NativeCallContext, robot: &mut Robot) -> Thrown<Rows> {
        let waiting = robot.opened(&call)?.agent.outbox().or_else(|error| throw(&call, error))?;
        Ok(values::waiting(&waiting))
    }

    /// Sends what waits to be sent, for at most 30 s; how many are left.
    ///
    /// ```rhai
    /// assert_eq(robot.flush(), 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn flush(call: NativeCallContext, robot: &mut Robot) -> Thrown<i64> {
        let opened = robot.opened(&call)?;
        wait(&call, opened.agent.flush(Duration::from_secs(30))).map(|left| left as i64)
    }

    /// What the agent is doing: `#{ state, since, job, name, last_heartbeat, outbox, … }`.
    ///
    /// ```rhai
    /// robot.heartbeat();
    /// print(robot.state().state);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn state(call: NativeCallContext, robot: &mut Robot) -> Thrown<Map> {
        Ok(values::snapshot(&robot.opened(&call)?.agent.snapshot()))
    }
}
