//! Heartbeats, and what their answers mean.

use tokio::time::Instant;

use super::{Agent, Current, Stage, order};
use crate::error::{Error, Kind, Result};
use crate::services::robot::client::pace::Heard;
use crate::services::robot::client::shapes::{Asked, Beat, Level, Pulse, RobotStatus};
use crate::services::robot::client::trouble::code;

/// So often in a row a job is offered that is not there; then the offer is not believed once.
const MOST_MISSES: u32 = 5;

impl Agent {
    /// Sends a heartbeat when its time has come. Ready and Disconnected: ends with `stopped` when the agent is asked to
    /// leave, and is refused (`robot.order`) as long as a job is not finished. Working: only with a job. An unknown code is
    /// the error `robot.answer` without a job.
    pub async fn heartbeat(&self, status: RobotStatus) -> Result<Pulse> {
        self.ready()?;
        let beat = self.beat_of(status)?;
        if beat.job.is_empty() && self.now(|now| now.state != "IDLE_HB") {
            self.turn("IDLE_HB", "heartbeat");
        }
        let answer = self.answer_to(&beat);
        if !beat.job.is_empty() {
            return answer.await;
        }
        if self.is_leaving() {
            return Err(Error::stopped());
        }
        tokio::select! {
            answer = answer => answer,
            () = self.left() => Err(Error::stopped()),
        }
    }

    fn beat_of(&self, status: RobotStatus) -> Result<Beat> {
        let job = self.now(|now| {
            if now.job.as_ref().is_some_and(|job| job.stage == Stage::Closed) {
                now.job = None;
                self.0.pace.set_free();
            }
            now.job.clone()
        });
        match (status, job) {
            (RobotStatus::Working, Some(job)) => Ok(Beat::working(&job.guid, &job.name)),
            (RobotStatus::Working, None) => {
                Err(order("there is no job to be working on", "take one with `robot.consume()` first"))
            }
            (_, Some(job)) => {
                let hint =
                    "report its end with `robot.update(job, …)`, or call `robot.recover()` when it was left unfinished";
                Err(order(format!("job {} is not finished", job.guid), hint))
            }
            (status, None) => Ok(Beat { status, ..Beat::ready() }),
        }
    }

    /// Until this very heartbeat is answered, not one before it.
    async fn answer_to(&self, beat: &Beat) -> Result<Pulse> {
        loop {
            let era = self.now(|now| now.era);
            let heard = self.0.pace.beat(beat, era).await;
            let is_it = heard.beat == *beat && heard.era == era;
            let pulse = self.heard(heard);
            if is_it {
                return pulse;
            }
        }
    }

    /// Takes note of an answer.
    pub(super) fn heard(&self, heard: Heard) -> Result<Pulse> {
        let pulse = match heard.result {
            Ok(pulse) => pulse,
            Err(error) => {
                self.count(|counts| counts.beat_failed());
                // Without a job the algorithm hears of it.
                if !heard.beat.job.is_empty() && self.is_new(&format!("beat {}", error.code())) {
                    self.note(Level::Warning, &format!("the job goes on, though a heartbeat failed: {error}"));
                }
                return Err(error);
            }
        };
        self.now(|now| now.said.retain(|said| !said.starts_with("beat ")));
        let again = self.count(|counts| counts.beat_was_good(Instant::now()));
        self.store()?.outbox.heartbeat_was_good(again);
        self.read_text(&pulse);
        match heard.beat.job.is_empty() {
            true => self.heard_idle(heard.era, heard.beat.status, pulse),
            false => {
                self.heard_working(&heard.beat.job, &pulse);
                Ok(pulse)
            }
        }
    }

    fn read_text(&self, pulse: &Pulse) {
        let is_news = self.now(|now| {
            let is_news = !pulse.text.is_empty() && now.text != pulse.text;
            now.text.clone_from(&pulse.text);
            is_news
        });
        if is_news {
            self.note(Level::Warning, &format!("the Orchestrator says: {}", pulse.text));
        }
    }

    fn heard_working(&self, job: &str, pulse: &Pulse) {
        let Some(asked) = pulse.asked() else {
            if pulse.code != 0 && self.is_new(&format!("code {}", pulse.code)) {
                self.note(Level::Warning, &format!("a heartbeat was answered by the unknown code {}", pulse.code));
            }
            return;
        };
        let is_late = self.now(|now| match now.job.as_mut().filter(|current| current.guid.eq_ignore_ascii_case(job)) {
            Some(current) if current.stage != Stage::Over && current.stage != Stage::Closed => {
                // A request to abort stands above one to stop, and neither is taken back.
                if current.asked != Some(Asked::Abort) {
                    current.asked = Some(asked);
                }
                false
            }
            _ => true,
        });
        if is_late && self.is_new(&format!("late {job}")) {
            self.note(Level::Info, &format!("job {job} was to end, but is over already"));
        }
    }

    fn heard_idle(&self, era: u64, status: RobotStatus, mut pulse: Pulse) -> Result<Pulse> {
        match pulse.code {
            0 => {}
            10 | 20 => {
                if self.is_new(&format!("idle {}", pulse.code)) {
                    self.note(Level::Info, &format!("code {} without a job is ignored", pulse.code));
                }
            }
            code => return Err(self.unknown_code(code, &pulse)),
        }
        if pulse.code == 0 {
            self.now(|now| now.said.retain(|said| !said.starts_with("idle ")));
        }
        let is_lost = self.now(|now| {
            if now.missed >= MOST_MISSES || !pulse.has_job {
                pulse.has_job = false;
                now.missed = 0;
            }
            if status == RobotStatus::Ready && now.era == era {
                now.is_offered = pulse.has_job;
            }
            let is_lost = now.is_doubtful && !pulse.has_job;
            now.is_doubtful &= !is_lost;
            is_lost
        });
        if is_lost {
            self.tell(
                Level::Critical,
                "possible orphan job: the answer to the question for a job was lost, and now none is waiting; look for a job \
                 of this robot that never begins",
            );
            self.journal()?.unprepare()?;
        }
        Ok(pulse)
    }

    fn unknown_code(&self, number: i64, pulse: &Pulse) -> Error {
        let message = format!("a heartbeat was answered by the unknown code {number}");
        if self.is_new(&format!("code {number}")) {
            self.note(Level::Warning, &message);
        }
        Error::new(Kind::Protocol, code::ANSWER, message).detail("code", number).detail("text", pulse.text.clone())
    }

    /// The job under way, as heartbeats name it.
    pub(super) fn working(&self) -> Option<Beat> {
        self.now(|now| now.job.as_ref().map(|job| Beat::working(&job.guid, &job.name)))
    }

    /// What the operator wants of the job under way.
    pub(super) fn asked(&self) -> Option<Asked> {
        self.now(|now| now.job.as_ref().and_then(|job| job.asked))
    }

    pub(super) fn set_stage(&self, stage: Stage) {
        self.now(|now| {
            if let Some(job) = now.job.as_mut() {
                job.stage = stage;
            }
        });
    }

    pub(super) fn set_job(&self, guid: &str, name: &str, version: &str) {
        let (guid, name, version) = (guid.to_owned(), name.to_owned(), version.to_owned());
        let since = Instant::now();
        let job = Current { guid, name, version, since, stage: Stage::Taken, asked: None, progress: None };
        self.now(|now| now.job = Some(job));
    }

    /// The job is finished; the robot may say at once that it is ready again.
    pub(super) fn done_with_job(&self, event: &str) {
        self.0.pace.set_free();
        self.turn("IDLE_HB", event);
        self.now(|now| {
            now.job = None;
            // What was said of the job before this one is not needed any more.
            now.said.retain(|said| !said.starts_with("late "));
        });
    }

    /// Heartbeats for the job under way as long as it is waited for; ends with each answer.
    pub(super) async fn beat_once(&self, beat: &Beat) -> Result<Pulse> {
        let era = self.now(|now| now.era);
        let heard = self.0.pace.beat(beat, era).await;
        self.heard(heard)
    }
}
