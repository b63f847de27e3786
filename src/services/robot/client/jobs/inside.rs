//! A job as it sees itself: what it was given, whether it is to stop, and what it tells.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::order::{self, Files, JobFile, Progress};
use crate::error::{Error, Kind, Result};
use crate::secret;
use crate::services::robot::client::journal::Journal;
use crate::services::robot::client::shapes::{Level, Line};

/// The variable that leads a job to its file.
pub const FILE: &str = "PULT_JOB_FILE";

/// The code of the error by which a script ends because it is to stop.
pub const STOPPED: &str = "robot.stop";

/// Progress is noted as often, and told to the Orchestrator as often.
const NOTED: Duration = Duration::from_millis(200);
const TOLD: Duration = Duration::from_secs(10);

/// The job that this process is.
pub struct Inside {
    file: JobFile,
    files: Files,
    journal: Journal,
    asked: AtomicBool,
    observed: AtomicBool,
    progress: Mutex<Told>,
}

/// When progress was last told.
#[derive(Default)]
struct Told {
    noted: Option<Instant>,
    said: Option<Instant>,
}

impl Inside {
    /// The job whose file this is.
    pub fn open(file: &Path) -> Result<Inside> {
        let Some(given) = order::read::<JobFile>(file) else {
            let message = format!("{} is no file of a job", file.display());
            return Err(Error::new(Kind::File, "robot.job_file", message)
                .hint(format!("the variable {FILE} is set by an agent for its jobs alone")));
        };
        let journal = Journal::open(&given.state, &given.key)?;
        Ok(Inside {
            files: given.files(),
            file: given,
            journal,
            asked: AtomicBool::default(),
            observed: AtomicBool::default(),
            progress: Mutex::default(),
        })
    }

    pub fn file(&self) -> &JobFile {
        &self.file
    }

    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Whether it is to stop, without taking notice of it. What was asked for stays so.
    pub fn is_asked(&self) -> bool {
        if !self.asked.load(Ordering::Relaxed) && self.files.stop().exists() {
            self.asked.store(true, Ordering::Relaxed);
        }
        self.asked.load(Ordering::Relaxed)
    }

    /// The same; a yes is noticed, and others are told that it was.
    pub fn should_stop(&self) -> bool {
        let asked = self.is_asked();
        if asked && !self.observed.swap(true, Ordering::Relaxed) {
            // Without the file the job counts as one that did all its work.
            let _ = std::fs::write(self.files.observed(), "");
        }
        asked
    }

    /// What ends a job that is to stop.
    pub fn stopped() -> Error {
        Error::new(Kind::Script, STOPPED, "the Orchestrator asks this job to stop")
            .hint("this is how a job ends when it is asked to: let it through, or clear up in `ensure`")
    }

    /// Tells how far the job is; more often than now and then it is not passed on.
    pub fn progress(&self, percent: f64, text: &str) -> Result<()> {
        let percent = if percent.is_nan() { 0.0 } else { percent.clamp(0.0, 100.0) };
        let is_last = percent >= 100.0;
        let mut told = self.told();
        let is_due = |last: Option<Instant>, pause| is_last || last.is_none_or(|last| last.elapsed() >= pause);
        if is_due(told.noted, NOTED) {
            told.noted = Some(Instant::now());
            let text = secret::mask(text).into_owned();
            // Nobody sees what cannot be written; the job goes on.
            let _ = order::write(&self.files.progress(), &Progress { percent, text: text.clone() });
            self.journal.progress(&self.file.guid, percent, &text)?;
        }
        if is_due(told.said, TOLD) {
            told.said = Some(Instant::now());
            drop(told);
            let gap = if text.is_empty() { "" } else { " " };
            self.log(Level::Info, &format!("{percent:.0} %{gap}{text}"))?;
        }
        Ok(())
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Puts a line into the outbox.
    pub fn log(&self, level: Level, text: &str) -> Result<()> {
        let (job, version) = (self.file.guid.clone(), self.file.version_guid.clone());
        self.journal.say(&Line { job, version, level, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::services::robot::client::journal::What;
    use crate::services::robot::client::shapes::Taken;

    fn inside(folder: &Path) -> Inside {
        let (guid, key) = ("5c1e", "0123456789abcdef");
        let state = folder.join("state.db");
        let taken = Taken {
            guid: guid.into(),
            name: "nightly".into(),
            version: "9a0b".into(),
            job: json!({}),
            process_version: Value::Null,
            task: Value::Null,
            params: Value::Null,
            unreadable: None,
        };
        Journal::open(&state, key).unwrap().took(&taken).unwrap();
        let file = JobFile {
            guid: guid.into(),
            name: "nightly".into(),
            job: json!({}),
            version: Value::Null,
            task: Value::Null,
            params: Value::Null,
            robot: "main".into(),
            address: String::new(),
            folder: folder.into(),
            state,
            key: key.into(),
            version_guid: "9a0b".into(),
            before: 0,
        };
        order::write(&file.files().job(), &file).unwrap();
        Inside::open(&file.files().job()).unwrap()
    }

    #[test]
    fn a_request_to_stop_is_seen_and_that_it_was_seen_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let job = inside(folder.path());
        assert!(!job.should_stop() && !job.is_asked());
        std::fs::write(job.files().stop(), "").unwrap();
        assert!(job.is_asked() && !job.files().observed().exists(), "looking is not noticing");
        assert!(job.should_stop() && job.files().observed().exists());
        std::fs::remove_file(job.files().stop()).unwrap();
        assert!(job.should_stop(), "what was asked for stays so");
    }

    #[test]
    fn progress_is_passed_on_now_and_then_and_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let job = inside(folder.path());
        for n in 0..1000 {
            job.progress(f64::from(n) / 10.0, "rows").unwrap();
        }
        job.progress(100.0, "").unwrap();
        job.progress(f64::NAN, "").unwrap();
        job.log(Level::Error, "it is late").unwrap();
        let lines = job.journal.waiting(100).unwrap().into_iter().filter_map(|item| match item.what {
            What::Line(line) => Some(line),
            _ => None,
        });
        let lines: Vec<Line> = lines.collect();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["0 % rows", "100 %", "it is late"]);
        assert_eq!((lines[2].job.as_str(), lines[2].version.as_str(), lines[2].level), ("5c1e", "9a0b", Level::Error));
        let noted: Progress = order::read(&job.files().progress()).unwrap();
        assert_eq!(noted.percent, 100.0);
    }
}
