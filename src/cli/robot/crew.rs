//! The robots of one agent: each with its thread, all over one engine and one algorithm.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope as Threads};
use std::time::{Duration, Instant};

use rhai::{AST, Dynamic};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use super::exit;
use super::health::seen::Seen;
use super::lines::{Change, Lines, Note};
use super::seeing::{self, Changed};
use crate::error::{Error, Kind, Result};
use crate::script::report::Report;
use crate::script::session::{Ended, Session};
use crate::script::stop::Scope;
use crate::services::robot::client::agent::Agent;
use crate::services::robot::client::shapes::Level;

/// A script recurses on this stack as deep as [`CALLS`] allows. It is reserved, not used.
const STACK: usize = 16 << 20;

/// How deep functions of an algorithm may call each other.
pub const CALLS: usize = 64;

/// The longest time, on the agent's clock, in which nothing at all is heard of a robot that is well: an algorithm that
/// waits before it tries again waits for five minutes.
const SILENCE: Duration = Duration::from_secs(360);

/// However fast the agent's clock runs, answers take their time.
const QUICKEST: Duration = Duration::from_secs(3);

/// A robot among others that failed is begun again after so long, then twice as long, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Many robots begin one after the other, so that not all of them ask at the same moment.
const APART: Duration = Duration::from_millis(20);

/// How often a robot that pauses looks whether it is to leave.
const LOOK: Duration = Duration::from_millis(200);

/// One robot.
pub struct Member {
    pub name: String,
    pub agent: Agent,
    /// `robot` in the algorithm.
    pub robot: Dynamic,
    changed: Changed,
    last: Mutex<Sign>,
}

/// The last that was heard of a robot.
struct Sign {
    what: String,
    at: Instant,
    over: bool,
}

/// How a robot ended.
pub struct End {
    /// The place of its name.
    pub place: usize,
    pub code: u8,
    pub report: Option<Box<Report>>,
}

impl Member {
    /// What it does is told from here on.
    pub fn new(name: String, agent: Agent, robot: Dynamic, lines: &Arc<Lines>) -> Member {
        let changed = seeing::watch(&agent, lines);
        let last = Mutex::new(Sign { what: String::new(), at: Instant::now(), over: false });
        Member { name, agent, robot, changed, last }
    }

    /// The robot as it is shown outside.
    pub fn seen(&self) -> Seen {
        let mut seen = seeing::seen(&self.agent, &self.changed);
        seen.alive = self.gets_on(&seen);
        seen
    }

    /// Whether something has changed within the time in which something has to.
    fn gets_on(&self, seen: &Seen) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let what = format!(
            "{} {} {} {} {:?}",
            seen.state,
            seen.sent,
            seen.failed,
            seen.outbox,
            seen.job.as_ref().map(|job| &job.guid)
        );
        if last.what != what {
            *last = Sign { what, at: Instant::now(), over: last.over };
        }
        last.over || last.at.elapsed() <= seeing::real(&self.agent, SILENCE).max(QUICKEST)
    }

    /// Nothing more is to be heard of it.
    fn is_over(&self) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).over = true;
    }
}

/// What all robots of an agent have in common.
pub struct Work<'a> {
    pub session: &'a Session,
    pub ast: &'a AST,
    /// The algorithm's name in reports.
    pub algorithm: &'a str,
    /// `once` or `serve`.
    pub function: &'static str,
    pub lines: &'a Lines,
    pub runtime: Handle,
    /// A robot that fails is begun again: others go on beside it.
    pub begins_again: bool,
    pub scope: Scope,
    pub ends: UnboundedSender<End>,
}

impl Work<'_> {
    /// Begins a robot on a thread of its own, which tells its end.
    pub fn begin<'s, 'e>(&'s self, threads: &'s Threads<'s, 'e>, place: usize, member: &'s Member) -> Result<()> {
        let thread = Builder::new().name(format!("robot {}", member.name)).stack_size(STACK);
        let run = move || {
            std::thread::sleep(APART.saturating_mul(u32::try_from(place).unwrap_or_default()));
            // A robot that breaks must not keep the others from being told of.
            let ended = catch_unwind(AssertUnwindSafe(|| self.carry_on(member)));
            let end = ended.unwrap_or_else(|_| Err(Box::new(Report::of(&broken(&member.name)))));
            let (code, report) = match end {
                Ok(code) => (code, None),
                Err(report) => (exit::of_report(&report), Some(report)),
            };
            member.is_over();
            // Whoever listens has gone only when the program ends.
            let _ = self.ends.send(End { place, code, report });
        };
        thread.spawn_scoped(threads, run).map(drop).map_err(|error| {
            let message = format!("no thread for the robot {}: {error}", member.name);
            Error::new(Kind::Script, "script.thread", message).hint("run fewer robots in one agent")
        })
    }

    /// The algorithm, and again where that is to be.
    fn carry_on(&self, member: &Member) -> Ended<u8> {
        let mut pause = PAUSE;
        loop {
            let ended =
                self.session.call(self.algorithm, self.ast, self.function, member.robot.clone(), self.scope.clone());
            let left = self.leave(member);
            let report = match ended {
                Ok(_) => return self.finish(member, Ok(()), left),
                // It was told to leave, and that is how it does.
                Err(report) if report.kind == Kind::Stopped => return self.finish(member, Ok(()), left),
                Err(report) => report,
            };
            let may_help = self.begins_again && exit::of_report(&report) != exit::CONFIG;
            if !may_help || member.agent.is_leaving() {
                return self.finish(member, Err(report), left);
            }
            self.tell(member, &format!("{}; again in {} s", report.message, pause.as_secs()), "BACKOFF");
            if !self.wait(member, pause) {
                return self.finish(member, Ok(()), Ok(0));
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Delivers what can be delivered and gives the robot back, where the algorithm has not done so.
    fn leave(&self, member: &Member) -> Result<usize> {
        match member.agent.snapshot().is_locked {
            true => self.runtime.block_on(member.agent.leave()),
            false => Ok(0),
        }
    }

    fn finish(&self, member: &Member, ended: Ended<()>, left: Result<usize>) -> Ended<u8> {
        let ended = ended.and_then(|()| left.map_err(|error| Box::new(Report::of(&error))));
        let (code, event) = match &ended {
            Ok(0) => (exit::FINE, "done".to_owned()),
            Ok(left) => (exit::FINE, format!("done; {left} in the outbox for the next time")),
            Err(report) => (exit::of_report(report), report.message.clone()),
        };
        self.warn_of_untold(member);
        self.tell(member, &event, &format!("EXIT({code})"));
        ended.map(|_| code)
    }

    /// Nobody but this line says that the Orchestrator does not know yet how jobs ended.
    fn warn_of_untold(&self, member: &Member) {
        let untold = member.agent.untold().unwrap_or_default();
        let untold: Vec<String> = untold.iter().map(|waits| format!("{} is {}", waits.job, waits.what)).collect();
        if !untold.is_empty() {
            let text = format!(
                "not told yet, and sent when this robot runs the next time: {}; run `pult robot --once {}`",
                untold.join(", "),
                member.name
            );
            self.lines.note(&Note { robot: &member.name, level: Level::Warning, text: &text, job: "" });
        }
    }

    fn tell(&self, member: &Member, event: &str, new: &str) {
        let seen = member.seen();
        self.lines.tell(&Change { robot: &member.name, old: &seen.state, event, new, job: "" });
    }

    /// Waits; false when the robot is to leave instead.
    fn wait(&self, member: &Member, time: Duration) -> bool {
        member.is_over();
        let until = Instant::now() + time;
        while Instant::now() < until {
            if member.agent.is_leaving() || self.scope.is_over() {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        member.last.lock().unwrap_or_else(PoisonError::into_inner).over = false;
        true
    }
}

fn broken(name: &str) -> Error {
    Error::new(Kind::Script, "robot.broken", format!("the robot {name} broke off by a fault of this program"))
}
