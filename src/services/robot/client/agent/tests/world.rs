//! An Orchestrator on a paused clock. It hands jobs out, keeps what it is told, and breaks down when it is told to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind, Result};
use crate::services::robot::client::gone::Gone;
use crate::services::robot::client::orchestrator::Orchestrator;
use crate::services::robot::client::shapes::{Beat, JobStatus, Line, Pulse, RobotStatus, Taken};
use crate::services::robot::client::trouble::code;

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Fails with this code, and nothing is done.
    Fails(&'static str),
    /// The same with an HTTP status.
    Refuses(&'static str, u16),
    /// Too busy; asks to wait so many seconds.
    Busy(f64),
    /// It is done, but the answer is lost.
    Lost,
    /// No answer, ever.
    Hangs,
    /// The answer takes so long; it says what was true when the request came.
    Slow(Duration),
    /// A heartbeat is answered by this code.
    Code(i64),
}

#[derive(Clone, Debug)]
pub struct FakeJob {
    pub guid: String,
    pub name: String,
    pub status: JobStatus,
    pub handed: bool,
    pub history: Vec<JobStatus>,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub at: Duration,
    pub what: String,
}

#[derive(Default)]
struct Inner {
    jobs: Vec<FakeJob>,
    asked: Vec<Asked>,
    lines: Vec<Line>,
    faults: HashMap<&'static str, VecDeque<Fault>>,
    down: bool,
    unknown: bool,
    in_flight: usize,
    most_in_flight: usize,
    /// Nobody may read a job.
    mute: bool,
    /// How long the next heartbeats take to come here.
    ways: VecDeque<Duration>,
}

pub struct World {
    began: Instant,
    inner: Mutex<Inner>,
}

impl World {
    pub fn new() -> Arc<World> {
        Arc::new(World { began: Instant::now(), inner: Mutex::default() })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    pub fn add(&self, guid: &str, name: &str) {
        let job = FakeJob {
            guid: guid.into(),
            name: name.into(),
            status: JobStatus::Pending,
            handed: false,
            history: vec![],
        };
        self.with(|inner| inner.jobs.push(job));
    }

    /// The next requests of a kind (`heartbeat`, `consume`, `update`, `log`, `read`) go wrong.
    pub fn fault(&self, route: &'static str, fault: Fault, times: usize) {
        self.with(|inner| inner.faults.entry(route).or_default().extend(vec![fault; times]));
    }

    pub fn clear(&self, route: &'static str) {
        self.with(|inner| inner.faults.remove(route));
    }

    pub fn set_down(&self, down: bool) {
        self.with(|inner| inner.down = down);
    }

    pub fn set_unknown(&self, unknown: bool) {
        self.with(|inner| inner.unknown = unknown);
    }

    /// The next heartbeat takes so long to come: a name, a connection.
    pub fn slow_way(&self, time: Duration) {
        self.with(|inner| inner.ways.push_back(time));
    }

    /// Nobody may read what status a job has.
    pub fn set_mute(&self) {
        self.with(|inner| inner.mute = true);
    }

    /// The operator stops or aborts a job.
    pub fn ask(&self, guid: &str, status: JobStatus) {
        self.with(|inner| inner.job(guid).status = status);
    }

    /// The operator wants one of the jobs that run to end, if any does.
    pub fn ask_one_that_runs(&self, status: JobStatus) {
        self.with(|inner| {
            if let Some(job) = inner.jobs.iter_mut().find(|job| job.status == JobStatus::InProgress) {
                job.status = status;
            }
        });
    }

    /// Whether a job has come to its end, or was handed out to nobody who knows of it.
    pub fn is_over(&self, guid: &str) -> bool {
        self.with(|inner| {
            let asked = inner.asked.iter().any(|asked| asked.what.starts_with(&format!("update {guid} ")));
            let job = inner.job(guid);
            job.status.is_final() || (job.handed && !asked)
        })
    }

    /// A job is handed out again.
    pub fn hand_out_again(&self, guid: &str) {
        self.with(|inner| {
            let job = inner.job(guid);
            (job.handed, job.status) = (false, JobStatus::Pending);
        });
    }

    pub fn history(&self, guid: &str) -> Vec<&'static str> {
        self.with(|inner| inner.job(guid).history.iter().map(|status| status.word()).collect())
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.with(|inner| inner.asked.clone())
    }

    /// All requests, without their times.
    pub fn words(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.what).collect()
    }

    /// When requests that begin like this came, in seconds.
    pub fn times(&self, what: &str) -> Vec<f64> {
        let asked = self.asked().into_iter().filter(|asked| asked.what.starts_with(what));
        asked.map(|asked| asked.at.as_secs_f64()).collect()
    }

    pub fn lines(&self) -> Vec<String> {
        self.with(|inner| inner.lines.iter().map(|line| format!("{}: {}", line.level.word(), line.text)).collect())
    }

    pub fn most_in_flight(&self) -> usize {
        self.with(|inner| inner.most_in_flight)
    }

    /// No two heartbeats too near, but for Ready ones after a job; what a server can see of the rules.
    #[track_caller]
    pub fn check(&self) {
        let (mut last, mut consumed) = (None::<f64>, false);
        for Asked { at, what } in self.asked() {
            if what.starts_with("consume") {
                consumed = true;
            }
            if !what.starts_with("heartbeat") {
                continue;
            }
            let at = at.as_secs_f64();
            let is_free = consumed && what.starts_with("heartbeat ready");
            if let Some(last) = last.filter(|_| !is_free) {
                assert!(at - last > 10.0 - 1e-6, "heartbeats {last} and {at} are too near: {:?}", self.asked());
            }
            (last, consumed) = (Some(at), if what.starts_with("heartbeat ready") { false } else { consumed });
        }
        for job in self.with(|inner| inner.jobs.clone()) {
            let finals = job.history.iter().filter(|status| status.is_final()).count();
            assert!(finals <= 1, "{} has {:?}", job.guid, job.history);
        }
        assert!(self.most_in_flight() <= 1, "heartbeats overlap");
    }

    fn note(&self, what: String) {
        let at = self.began.elapsed();
        self.with(|inner| inner.asked.push(Asked { at, what }));
    }

    /// What goes wrong with this request: an answer, or a delay before it.
    async fn trouble(&self, route: &'static str) -> Result<Option<Fault>> {
        let (fault, down) = self.with(|inner| {
            let fault = inner.faults.get_mut(route).and_then(VecDeque::pop_front);
            (fault, inner.down)
        });
        if down {
            return Err(Error::new(Kind::Unavailable, code::UNREACHABLE, "nobody is there"));
        }
        match fault {
            Some(Fault::Fails(code)) => Err(Error::new(Kind::Unavailable, code, "it went wrong")),
            Some(Fault::Refuses(code, status)) => Err(Error::new(Kind::Refused, code, "it said no").status(status)),
            Some(Fault::Busy(after)) => {
                Err(Error::new(Kind::Unavailable, code::BUSY, "too many").status(429).detail("after", after))
            }
            Some(Fault::Hangs) => std::future::pending().await,
            other => Ok(other),
        }
    }

    /// After the request was dealt with.
    async fn answer<T>(&self, fault: Option<Fault>, answer: T) -> Result<T> {
        match fault {
            Some(Fault::Lost) => Err(Error::new(Kind::Unavailable, code::BROKEN_OFF, "half of an answer")),
            Some(Fault::Slow(time)) => {
                sleep(time).await;
                Ok(answer)
            }
            _ => Ok(answer),
        }
    }

    fn pulse(&self, beat: &Beat, fault: &Option<Fault>) -> Pulse {
        self.with(|inner| {
            let asked = inner.jobs.iter().find(|job| job.guid == beat.job).map(|job| job.status);
            let code = match (fault, asked) {
                (Some(Fault::Code(code)), _) => *code,
                (_, Some(JobStatus::Aborting)) => 10,
                (_, Some(JobStatus::Stopping)) => 20,
                _ => 0,
            };
            let has_job = inner.jobs.iter().any(|job| job.status == JobStatus::Pending && !job.handed);
            Pulse { code, text: String::new(), has_job, raw: Value::Null }
        })
    }
}

impl Inner {
    fn job(&mut self, guid: &str) -> &mut FakeJob {
        self.jobs.iter_mut().find(|job| job.guid == guid).unwrap_or_else(|| panic!("no job {guid}"))
    }
}

/// Counts a heartbeat as under way for as long as it lives.
struct InFlight<'a>(&'a World);

impl<'a> InFlight<'a> {
    fn new(world: &'a World) -> InFlight<'a> {
        world.with(|inner| {
            inner.in_flight += 1;
            inner.most_in_flight = inner.most_in_flight.max(inner.in_flight);
        });
        InFlight(world)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.with(|inner| inner.in_flight -= 1);
    }
}

impl Orchestrator for World {
    fn heartbeat<'a>(&'a self, beat: &'a Beat, gone: &'a Gone) -> BoxFuture<'a, Result<Pulse>> {
        Box::pin(async move {
            let _in_flight = InFlight::new(self);
            let way = self.with(|inner| inner.ways.pop_front());
            sleep(way.unwrap_or_default()).await;
            gone.now();
            let status = if beat.status == RobotStatus::Working { "working" } else { "ready" };
            self.note(format!("heartbeat {status} {}", beat.job).trim_end().to_owned());
            let fault = self.trouble("heartbeat").await?;
            if self.with(|inner| inner.unknown) {
                return Err(Error::new(Kind::NotFound, code::UNKNOWN, "no such robot"));
            }
            let pulse = self.pulse(beat, &fault);
            self.answer(fault, pulse).await
        })
    }

    fn consume(&self) -> BoxFuture<'_, Result<Option<Taken>>> {
        Box::pin(async move {
            self.note("consume".into());
            let fault = self.trouble("consume").await?;
            let taken = self.with(|inner| {
                let job = inner.jobs.iter_mut().find(|job| job.status == JobStatus::Pending && !job.handed)?;
                job.handed = true;
                Some(Taken {
                    guid: if job.guid.starts_with("none") { String::new() } else { job.guid.clone() },
                    name: job.name.clone(),
                    version: "v-1".into(),
                    job: json!({ "GUID": job.guid }),
                    process_version: json!({ "Name": job.name }),
                    task: Value::Null,
                    params: Value::Null,
                    unreadable: (job.name == "unreadable").then(|| "the task is no JSON".into()),
                })
            });
            // As a real one: what is lost was handed out all the same.
            self.answer(fault, taken).await
        })
    }

    fn update<'a>(&'a self, job: &'a str, status: JobStatus) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.note(format!("update {job} {}", status.word()));
            let fault = self.trouble("update").await?;
            let refused = self.with(|inner| {
                let job = inner.job(job);
                let is_asked = matches!(job.status, JobStatus::Stopping | JobStatus::Aborting);
                let is_wrong = job.status.is_final() && job.status != status;
                if is_wrong || (is_asked && status == JobStatus::InProgress) {
                    return true;
                }
                if job.status != status {
                    job.status = status;
                    job.history.push(status);
                }
                false
            });
            if refused {
                return Err(Error::new(Kind::Refused, code::REFUSED, "not from here").status(409));
            }
            self.answer(fault, ()).await
        })
    }

    fn log<'a>(&'a self, line: &'a Line) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.note(format!("log {}", line.job).trim_end().to_owned());
            let fault = self.trouble("log").await?;
            self.with(|inner| inner.lines.push(line.clone()));
            self.answer(fault, ()).await
        })
    }

    fn job_status<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<JobStatus>> {
        Box::pin(async move {
            self.note(format!("read {job}"));
            let fault = self.trouble("read").await?;
            if self.with(|inner| inner.mute) {
                return Err(Error::new(Kind::Auth, code::UNAUTHORISED, "not for robots").status(403));
            }
            let status = self.with(|inner| inner.job(job).status);
            self.answer(fault, status).await
        })
    }
}
