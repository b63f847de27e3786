//! The invariants of the reference (6.4) as far as a server sees them. What is broken is written down as it happens.
//!
//! Seen are: 1 (one final status; whether there is one at all only when everything is over), 2 (In_Progress before it), 3
//! and 6 (by what the scripts of jobs tell, [`World::watch_effect`]), 4 (spacing of heartbeats), 5 (they name the right
//! job), 7 (silence after the log off, which a test tells), 8 (authorization), 9 (no job is taken while another is not
//! over), 10 (no secret in a message).

use std::collections::{BTreeSet, HashMap};

use super::call::{Call, Who};
use super::things::Job;
use super::things::status::{ABORTED, FAILED, IN_PROGRESS, STOPPED, SUCCESS, is_final, word};
use super::world::World;

/// Seconds between heartbeats.
const SPACING: f64 = 10.0;
/// Real seconds that what is on its way may take.
const ON_ITS_WAY: f64 = 1.0;
/// More are not written down.
const MOST: usize = 1000;
const READY: i64 = 2;
const WORKING: i64 = 3;

#[derive(Default)]
pub struct Watch {
    pub broken: Vec<String>,
    /// Jobs that are to be handed out once more.
    pub again: BTreeSet<u64>,
    /// By robot and computer: two agents do not space each other's heartbeats.
    beats: HashMap<(u64, String), Beats>,
    /// Robots whose agents took a job since their last Ready heartbeat.
    took: BTreeSet<u64>,
    logged_off: BTreeSet<u64>,
}

#[derive(Default)]
struct Beats {
    last: Option<f64>,
    ready: Option<f64>,
}

impl World {
    fn broke(&mut self, number: u8, text: String) {
        let seconds = self.clock.seconds(self.now);
        if self.watch.broken.len() < MOST {
            self.watch.broken.push(format!("{number}: {text} (at {seconds:.2} s)"));
        }
    }

    /// A request came. `is_last_word` when a fault will let its caller believe that there is no use in asking again.
    pub fn watch_arrival(&mut self, route: &str, call: &Call, is_last_word: bool) {
        let robot = match call.who {
            Who::Robot(id) => id,
            _ => return,
        };
        if self.watch.logged_off.contains(&robot) {
            self.broke(7, format!("{} after robot {} logged off", route, self.robots.name(robot)));
        }
        match route {
            "robot/heartbeat" => self.watch_heartbeat(robot, call),
            "robot/consumeNextJob" => self.watch_consume(robot),
            "job/update" => {
                let id = self.jobs.by_guid(&call.fields.text("guid").unwrap_or_default());
                if let Some(job) = id.and_then(|id| self.jobs.get_mut(id)) {
                    job.marks.troubled |= call.is_lost;
                    job.marks.refused |= is_last_word;
                }
            }
            "log/create" => self.watch_message(robot, call),
            _ => {}
        }
    }

    fn watch_heartbeat(&mut self, robot: u64, call: &Call) {
        let status = call.fields.int("Status").unwrap_or(-1);
        let job = call.fields.text("JobGUID").unwrap_or_default();
        let name = self.robots.name(robot).to_owned();
        let tolerance = self.knobs.spacing_tolerance_ms / 1000.0 * self.clock.speed();
        let least = SPACING - tolerance;
        let machine = call.fields.text("Machine").unwrap_or_default();
        let beats = self.watch.beats.entry((robot, machine)).or_default();
        let since = |at: Option<f64>| at.map_or(f64::INFINITY, |at| call.now - at);
        let (gap, ready_gap) = (since(beats.last), since(beats.ready));
        beats.last = Some(call.now);
        if status == READY {
            beats.ready = Some(call.now);
        }
        let took = status == READY && self.watch.took.remove(&robot);
        let too_close = match status {
            _ if self.knobs.strict_spacing => gap < least,
            WORKING => gap < least,
            READY => !took && ready_gap < least,
            _ => false,
        };
        if too_close {
            let gap = if status == READY && !self.knobs.strict_spacing { ready_gap } else { gap };
            let what = if status == READY { "Ready" } else { "Working" };
            self.broke(4, format!("a {what} heartbeat of robot {name} {gap:.3} s after the one before it"));
        }
        if status == WORKING {
            self.watch_working(robot, &name, &job);
        }
    }

    fn watch_working(&mut self, robot: u64, name: &str, job: &str) {
        let now = self.now;
        let grace = ON_ITS_WAY * self.clock.speed();
        let known = self.jobs.by_guid(job).and_then(|id| self.jobs.get(id));
        let is_right = known.is_some_and(|known| {
            let is_ended_by_server = known.history.last().is_some_and(|step| step.by != "robot");
            let is_under_way =
                !known.is_final() || is_ended_by_server || known.ended.is_some_and(|at| at + grace > now);
            known.handed_to == robot && is_under_way
        });
        // A job that was deleted meanwhile goes on.
        let was_deleted = known.is_none() && !job.is_empty() && super::guid::is_guid(job);
        if !is_right && !was_deleted {
            self.broke(5, format!("robot {name} says it works on `{job}`, which is no job under way of its own"));
        }
    }

    fn watch_consume(&mut self, robot: u64) {
        let unfinished = self.open.iter().filter_map(|&id| self.jobs.get(id)).find(|job| {
            let was_begun = job.handed_to == robot && job.marks.known;
            was_begun && !job.marks.troubled && !job.is_final()
        });
        if let Some(job) = unfinished {
            let name = self.robots.name(robot);
            let text = format!("robot {name} takes a job while {} is not over{}", job.base.guid, orphan(job));
            self.broke(9, text);
        }
    }

    /// The robot was given a job.
    pub fn watch_handed(&mut self, robot: u64) {
        self.watch.took.insert(robot);
    }

    /// A robot reports a job's status.
    pub fn watch_report(&mut self, id: u64, to: i64, is_refused: bool) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        (job.marks.known, job.marks.named) = (true, true);
        let guid = job.base.guid.clone();
        let by_robot = job.history.last().is_some_and(|step| step.by == "robot");
        let (was, is_over, is_handed, is_started) =
            (job.status, job.is_final(), job.handed_to != 0, job.started.is_some());
        let troubled = job.marks.troubled;
        if is_over && by_robot && is_final(to) && was != to {
            self.broke(1, format!("job {guid} ended {}, and then {}", word(was), word(to)));
        }
        if to == SUCCESS && !is_started && !is_over && !troubled {
            self.broke(2, format!("job {guid} ended {} and was never In_Progress", word(to)));
        }
        if !is_handed && matches!(to, IN_PROGRESS | SUCCESS | FAILED | STOPPED | ABORTED) && is_refused && !is_over {
            self.broke(3, format!("{} of job {guid}, which nobody took", word(to)));
        }
    }

    fn watch_message(&mut self, robot: u64, call: &Call) {
        let text = call.fields.text("Message").unwrap_or_default().to_lowercase();
        let own = self.robots.guid(robot);
        let holds = |secret: &str| secret.len() >= 4 && text.contains(&secret.to_lowercase());
        let is_password = self.assets.iter().any(|asset| holds(&asset.password));
        if holds(&own) || holds(&self.knobs.api_key) || is_password {
            self.broke(10, format!("a message of robot {} holds a secret", self.robots.name(robot)));
        }
    }

    /// A request without the right to be made.
    pub fn watch_unauthorized(&mut self, route: &str, why: &str) {
        self.broke(8, format!("{route}: {why}"));
    }

    /// A job's script tells what it does: `begin` once at its beginning, anything else under way.
    pub fn watch_effect(&mut self, id: u64, text: &str) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else { return };
        let guid = job.base.guid.clone();
        if text == "begin" {
            job.marks.begun += 1;
        }
        let (begun, handed, told) = (job.marks.begun, job.marks.handed, job.marks.abort_told);
        if handed == 0 {
            self.broke(3, format!("the program of job {guid} runs, and nobody took the job"));
        }
        if text == "begin" && begun > 1 {
            self.broke(3, format!("the program of job {guid} began {begun} times"));
        }
        let limit = self.clock.speed() * ON_ITS_WAY;
        if let Some(at) = told
            && now > at + limit
        {
            let late = (now - at) / self.clock.speed();
            self.broke(
                6,
                format!("the program of job {guid} still did `{text}` {late:.1} real s after Abort was told"),
            );
        }
    }

    /// From now on nothing of this robot may come.
    pub fn watch_logoff(&mut self, robot: u64) {
        self.watch.logged_off.insert(robot);
    }

    /// Somebody logs on again.
    pub fn watch_logon(&mut self, robot: u64) {
        self.watch.logged_off.remove(&robot);
    }

    /// What is broken when everything is over: jobs that robots know of and that never ended.
    pub fn watch_end(&self) -> Vec<String> {
        let left = self.open.iter().filter_map(|&id| self.jobs.get(id));
        let left = left.filter(|job| job.handed_to != 0 && job.marks.known && !job.marks.refused);
        let told =
            |job: &Job| format!("1: job {} was taken and is still {}{}", job.base.guid, word(job.status), orphan(job));
        left.map(told).collect()
    }
}

/// That a robot never spoke of a job: it died with the answer in its hands.
fn orphan(job: &Job) -> &'static str {
    if job.marks.named { "" } else { " (an orphan: its robot never named it)" }
}
