//! `pult robot status`: what the agents of this computer do, from locks and journals; and more from a health address.

use std::fmt::Write;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::place::{self, Holder, place_of};
use super::{exit, robots};
use crate::cli::setup::Setup;
use crate::cli::{Global, fail, print_line};
use crate::core::context::Context;
use crate::error::{Error, Kind, Result};
use crate::script::report::Report;
use crate::services::robot::NAME;
use crate::services::robot::client::journal::{Journal, Record};
use crate::settings::Settings;

/// So many ended jobs are shown.
const SHOWN: u32 = 5;

#[derive(Args, Debug)]
pub struct Options {
    /// A robot of pult.toml; all of them when none is named.
    names: Vec<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// The health address of the agent, which knows its state.
    #[arg(long, value_name = "ADDRESS:PORT")]
    health: Option<String>,
}

/// What is known of a robot without asking its agent.
#[derive(Debug, Serialize)]
pub struct Known {
    pub robot: String,
    /// `running`, `not running`, or why nobody knows.
    pub agent: String,
    pub pid: Option<u32>,
    pub last_heartbeat: Option<String>,
    /// Jobs without an end that is known to everybody.
    pub jobs: Vec<Job>,
    /// What waits to be delivered.
    pub outbox: usize,
    /// What the Orchestrator refused for good: what, and why.
    pub dead_letters: Vec<(String, String)>,
    /// Entries of the journal that could not be read.
    pub damaged: usize,
    /// The last ended jobs, the youngest first.
    pub ended: Vec<Ended>,
}

#[derive(Debug, Serialize)]
pub struct Job {
    pub guid: String,
    pub name: String,
    pub phase: &'static str,
    pub since: Option<String>,
    pub percent: Option<f64>,
    pub doing: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Ended {
    pub guid: String,
    pub name: String,
    pub status: &'static str,
    pub reason: String,
    pub at: Option<String>,
}

pub fn status(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    let told = || -> Result<u8, Box<Report>> {
        let setup = Setup::new(global, None)?;
        let config = setup.host.connections.config();
        let names = robots(config, &options.names)?;
        let known = names.iter().map(|name| look(name, config.connection(NAME, name)?, &setup.host.context));
        let known: Vec<Known> = known.collect::<Result<_>>()?;
        let states = match &options.health {
            Some(place) => setup.runtime().block_on(states(place))?,
            None => Value::Null,
        };
        if options.json {
            let mut all = json!({ "robots": known });
            if !states.is_null() {
                all["agent"] = states;
            }
            print_line(&all.to_string())?;
        } else {
            for known in &known {
                let state = state_of(&states, &known.robot);
                print_line(known.text(state.as_deref()).trim_end())?;
            }
        }
        setup.leave();
        Ok(exit::FINE)
    };
    Ok(told().unwrap_or_else(|report| {
        fail(&report, global.style());
        exit::of_report(&report)
    }))
}

/// All that lock and journal say of a robot.
pub fn look(name: &str, settings: &Settings, context: &Context) -> Result<Known> {
    let place = place_of(name, settings, context)?;
    let (agent, pid) = match place::holder(&place) {
        Holder::Nobody => ("not running".to_owned(), None),
        Holder::Process(pid) => ("running".to_owned(), pid),
        Holder::Unknown(why) => (format!("unknown: {why}"), None),
    };
    let mut known = Known {
        robot: name.to_owned(),
        agent,
        pid,
        last_heartbeat: place::last_heartbeat(&place).map(shown),
        jobs: Vec::new(),
        outbox: 0,
        dead_letters: Vec::new(),
        damaged: 0,
        ended: Vec::new(),
    };
    // Looking must not make a journal where there never was an agent.
    if !place.state.exists() {
        return Ok(known);
    }
    let journal = Journal::open(&place.state, &place.robot)?;
    known.jobs = journal.unfinished()?.into_iter().map(Job::of).collect();
    known.outbox = journal.depth()?;
    known.dead_letters = journal.dead_letters()?.into_iter().map(|(what, _, reason)| (what, reason)).collect();
    known.damaged = journal.aside()?.len();
    let ended = journal.history(SHOWN)?.into_iter().map(|closed| Ended {
        guid: closed.guid,
        name: closed.name,
        status: closed.status.word(),
        reason: closed.reason,
        at: time(closed.at),
    });
    known.ended = ended.collect();
    Ok(known)
}

fn time(milliseconds: i64) -> Option<String> {
    Timestamp::from_millisecond(milliseconds).ok().map(shown)
}

fn shown(at: Timestamp) -> String {
    format!("{at:.0}")
}

impl Job {
    fn of(record: Record) -> Job {
        let (percent, doing) = record.progress.unzip();
        Job {
            guid: record.guid,
            name: record.name,
            phase: record.phase.word(),
            since: time(record.taken_at),
            percent,
            doing,
        }
    }
}

impl Known {
    /// For a person; `state` is what the agent itself says.
    fn text(&self, state: Option<&str>) -> String {
        let mut text = format!("{}: {}", self.robot, self.agent);
        // Writing into a text cannot fail.
        if let Some(pid) = self.pid {
            let _ = write!(text, " (process {pid})");
        }
        if let Some(state) = state {
            let _ = write!(text, ", {state}");
        }
        if let Some(at) = &self.last_heartbeat {
            let _ = write!(text, ", last heartbeat {at}");
        }
        text.push('\n');
        for job in &self.jobs {
            let _ = write!(text, "  job {} {}: {}", job.guid, job.name, job.phase);
            if let Some(percent) = job.percent {
                let _ = write!(text, ", {percent:.0} % {}", job.doing.as_deref().unwrap_or_default());
            }
            text.push('\n');
        }
        let _ = writeln!(text, "  to deliver: {}; refused for good: {}", self.outbox, self.dead_letters.len());
        for (what, why) in self.dead_letters.iter().rev().take(SHOWN as usize) {
            let _ = writeln!(text, "    refused: {what}: {why}");
        }
        if self.damaged > 0 {
            let _ = writeln!(text, "  damaged entries, set aside: {}", self.damaged);
        }
        for ended in &self.ended {
            let at = ended.at.as_ref().map(|at| format!("{at} ")).unwrap_or_default();
            // A reason that begins with the status, such as "stopped on the operator's request", says it already.
            let status = if ended.reason.starts_with(ended.status) { "" } else { ended.status };
            let how = [status, &ended.reason].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
            let _ = writeln!(text, "  {at}{} {}: {how}", ended.guid, ended.name);
        }
        text
    }
}

/// What the agent at this address says of its robots.
async fn states(place: &str) -> Result<Value> {
    let place = super::health::full(place);
    let failed = |error: reqwest::Error| {
        Error::new(Kind::Unavailable, "robot.health", format!("no agent answers at {place}: {}", error.without_url()))
            .hint("give the address that the agent was given with --health")
    };
    let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(5)).build();
    let answer = client.map_err(failed)?.get(format!("http://{place}/state")).send().await.map_err(failed)?;
    let body = answer.bytes().await.map_err(failed)?;
    serde_json::from_slice(&body).map_err(|_| {
        Error::new(Kind::Protocol, "robot.health", format!("what answers at {place} is no agent"))
            .hint("give the address that the agent was given with --health")
    })
}

fn state_of(states: &Value, robot: &str) -> Option<String> {
    let seen = states["robots"].as_array()?.iter().find(|seen| seen["robot"] == robot)?;
    let seconds = seen["state_seconds"].as_f64().unwrap_or_default();
    Some(format!("{} for {seconds:.0} s", seen["state"].as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_runs_and_what_waits() {
        let known = Known {
            robot: "main".into(),
            agent: "running".into(),
            pid: Some(7),
            last_heartbeat: Some("2026-11-22T13:00:00Z".into()),
            jobs: vec![Job {
                guid: "g-1".into(),
                name: "invoices".into(),
                phase: "begun",
                since: None,
                percent: Some(40.0),
                doing: Some("step 2".into()),
            }],
            outbox: 3,
            dead_letters: vec![("status 4".into(), "no such job".into())],
            damaged: 0,
            ended: vec![Ended {
                guid: "g-0".into(),
                name: "hello".into(),
                status: "success",
                reason: String::new(),
                at: None,
            }],
        };
        let states = json!({ "robots": [{ "robot": "main", "state": "RUN", "state_seconds": 12.3 }] });
        let text = known.text(state_of(&states, "main").as_deref());
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "main: running (process 7), RUN for 12 s, last heartbeat 2026-11-22T13:00:00Z",
                "  job g-1 invoices: begun, 40 % step 2",
                "  to deliver: 3; refused for good: 1",
                "    refused: status 4: no such job",
                "  g-0 hello: success",
            ]
        );
    }
}
